//! The number of licences, and who would lose one.

use crate::views::{EnterpriseView, answer};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use shared::domain::licence::UNLICENSED;
use shared::io::Io;
use shared::run::{access, licences};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LicenceParams {
    /// Shows what this number would lead to: 1 or more, or `unlimited`.
    preview: Option<String>,
}

/// The licences of an enterprise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LicencesView {
    /// The number that is agreed; `null` is unlimited.
    limit: Option<u32>,
    /// The number that counts now: none after a trial or during a removal.
    allowance: Option<u32>,
    /// Teams users that are mapped, or whose release waits for a sync.
    used: usize,
    /// Of those, licences that the next sync frees.
    pending_release: usize,
    /// Who has none, newest mapping first.
    unlicensed: Vec<UnlicensedView>,
    /// Whom to ask for more.
    contact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<PreviewView>,
}

/// A mapped user without a licence.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UnlicensedView {
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    name: String,
    #[schema(value_type = String)]
    teams_user: TeamsUserId,
    /// `License Status: Unlicensed`
    license_status: &'static str,
}

/// What another number would lead to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PreviewView {
    limit: Option<u32>,
    /// Who would lose the licence, newest mapping first; the next sync takes their numbers back.
    lose: Vec<UnlicensedView>,
    /// Who would get it back.
    regain: Vec<UnlicensedView>,
}

fn views(rows: Vec<licences::Unlicensed>) -> Vec<UnlicensedView> {
    let view = |row: licences::Unlicensed| UnlicensedView {
        voice_user: row.voice_user,
        name: row.name,
        teams_user: row.teams_user,
        license_status: UNLICENSED,
    };
    rows.into_iter().map(view).collect()
}

fn asked(preview: &str) -> Result<Option<u32>> {
    match preview {
        "unlimited" => Ok(None),
        number => match number.parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(shared::domain::Invalid::new("preview", "give a number from 1 on, or `unlimited`").into()),
        },
    }
}

/// The licences as they are, and what another number would lead to.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/licences", operation_id = "getLicences", tag = "licences", security(("jwt" = [])),
    params(("enterprise" = String, Path), LicenceParams),
    responses((status = 200, body = LicencesView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<LicenceParams>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let other = params.preview.as_deref().map(asked).transpose()?;
    let (licences, preview) = licences::look(&io, &access.kept, other, io.clock.now()).await?;
    let view = LicencesView {
        limit: licences.limit,
        allowance: licences.allowance,
        used: licences.used,
        pending_release: licences.pending_release,
        unlicensed: views(licences.unlicensed),
        contact: licences.contact,
        preview: preview.map(|preview| PreviewView {
            limit: preview.limit,
            lose: views(preview.lose),
            regain: views(preview.regain),
        }),
    };
    Ok((etag(access.kept.version), Json(view)))
}

/// Another number of licences.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LicenceForm {
    /// 1 or more; `null` is unlimited.
    #[serde(deserialize_with = "present")]
    #[schema(required)]
    count: Option<u32>,
}

/// `null` says something here, so a body without the field must not pass for it.
fn present<'de, D: serde::Deserializer<'de>>(field: D) -> std::result::Result<Option<u32>, D::Error> {
    Option::deserialize(field)
}

/// Changes the number of licences; the Global Admin is told by mail. Users beyond it lose theirs at the next sync, newest
/// mapping first, and get them back when there are more.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/licences", operation_id = "putLicences", tag = "licences", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = LicenceForm,
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<LicenceForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let kept = licences::change(&io, access.kept, body.value.count, seen, &author, io.clock.now()).await?;
    answer(&io, kept).await
}
