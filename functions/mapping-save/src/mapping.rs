//! The mapping page: voice users on the left, Teams users on the right, ten to a page.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use shared::domain::licence;
use shared::domain::phone::E164;
use shared::io::Io;
use shared::run::access;
use shared::run::account::save_mapping;
use shared::run::mapping_page::{self, View};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// From 1.
    page: Option<usize>,
    /// 1 to 100; 10 where left out.
    per_page: Option<usize>,
    /// Part of a name, address, number or extension.
    q: Option<String>,
    /// Only voice users without a Teams user.
    #[serde(default)]
    unmapped: bool,
    /// By name from Z to A.
    #[serde(default)]
    descending: bool,
}

/// A page of the mapping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MappingPage {
    columns: [&'static str; 3],
    rows: Vec<Row>,
    page: usize,
    pages: usize,
    /// `Items per page: 10`
    items_per_page: String,
    /// `1 – 6 of 6`
    range: String,
    /// What to show above the list.
    notices: Vec<String>,
    licences: Licences,
    /// `None` or `Sync Needed`
    action_needed: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    name: String,
    email_and_extension: String,
    #[schema(value_type = Option<String>)]
    number: Option<E164>,
    /// The chosen Teams user; `null` is `None`.
    #[schema(value_type = Option<String>)]
    teams_user: Option<TeamsUserId>,
    /// The drop-down's text: `Name (email)` or `Select User`.
    text: String,
    /// A sync has put this row in place.
    applied: bool,
    /// `License Status: Unlicensed` where there is no licence for this row; absent where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    license_status: Option<&'static str>,
    /// A yellow triangle goes with it.
    warning: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Licences {
    /// `null` is unlimited.
    limit: Option<u32>,
    used: usize,
    /// Of those, licences of users who are unmapped already; they are free after the next sync.
    pending_release: usize,
    /// Whom to ask for more.
    contact: String,
}

impl From<mapping_page::MappingPage> for MappingPage {
    fn from(page: mapping_page::MappingPage) -> Self {
        let row = |row: mapping_page::Row| Row {
            voice_user: row.voice_user,
            name: row.name,
            email_and_extension: row.email_and_extension,
            number: row.number,
            teams_user: row.teams_user,
            text: row.text,
            applied: row.applied,
            license_status: row.unlicensed.then_some(licence::UNLICENSED),
            warning: row.unlicensed,
        };
        Self {
            columns: ["Name", "Email & Extension", "Microsoft Teams User"],
            rows: page.rows.into_iter().map(row).collect(),
            page: page.page,
            pages: page.pages,
            items_per_page: format!("Items per page: {}", page.per_page),
            range: page.range,
            notices: page.notices,
            licences: Licences {
                limit: page.limit,
                used: page.used,
                pending_release: page.pending_release,
                contact: page.contact,
            },
            action_needed: page.action_needed,
        }
    }
}

/// A page of the mapping, by name.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/mapping", operation_id = "getMapping", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), PageParams),
    responses((status = 200, body = MappingPage), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn page(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<PageParams>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let view = View {
        page: params.page.unwrap_or(1),
        per_page: params.per_page.unwrap_or(mapping_page::PER_PAGE),
        q: params.q,
        unmapped: params.unmapped,
        descending: params.descending,
    };
    let page = mapping_page::page(&io, &access.kept, view, io.clock.now()).await?;
    Ok((etag(page.version), Json(MappingPage::from(page))))
}

/// Changed rows, saved as a whole or not at all; at most 90.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MappingForm {
    rows: Vec<RowForm>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RowForm {
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    /// `null`, or left out, is `None`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    teams_user: Option<TeamsUserId>,
}

/// What a save led to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SaveReport {
    /// Rows that are different now.
    changed: usize,
    /// Teams users for whom a sync has something to do.
    pending: u32,
    /// `None` or `Sync Needed`
    action_needed: &'static str,
    /// Label of the voice portal's button.
    button: &'static str,
    licences_used: usize,
}

/// Saves changed rows. Teams is untouched until the Global Admin syncs.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/mapping", operation_id = "saveMapping", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = MappingForm,
    responses((status = 200, body = SaveReport), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn save(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<MappingForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let edits: Vec<_> = body
        .value
        .rows
        .into_iter()
        .map(|row| (row.voice_user, row.teams_user))
        .collect();
    let saved = save_mapping(&io, &access.kept, &edits, seen, &access.author(), io.clock.now()).await?;
    let report = SaveReport {
        changed: saved.changed,
        pending: saved.status.pending.map_or(0, |pending| pending.users),
        action_needed: saved.status.action_needed(),
        button: saved.status.voice_button(),
        licences_used: licence::holders(saved.account.rows.values(), &saved.account.owned).len(),
    };
    Ok((etag(saved.account.version), Json(report)))
}
