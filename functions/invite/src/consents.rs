//! The consent ledger of an enterprise: what its Global Admin has allowed, and asking for it anew.

use crate::views::management;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::consent::{
    Consent, ConsentForm, PermissionSet, SIGN_IN_SCOPES, calling_set, missing_calling_scopes,
};
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::io::Io;
use shared::run::{access, consent};
use shared::web::extract::{IfMatch, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// One permission set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentView {
    set: PermissionSet,
    /// `pending`, `granted`, `declined` or `revoked`
    state: &'static str,
    /// What it asks for, as Microsoft names it.
    asked: Vec<&'static str>,
    /// What was granted; empty where it is not in force.
    scopes: Vec<String>,
    /// What is missing of it; empty where it is not in force.
    missing: Vec<&'static str>,
    /// On which page of Microsoft it was accepted.
    #[schema(required)]
    form: Option<ConsentForm>,
    /// Who answered, or took it back.
    #[schema(required)]
    by: Option<String>,
    /// When.
    #[schema(required, value_type = Option<String>, format = "date-time")]
    at: Option<Timestamp>,
}

/// All that the Global Admin was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentsView {
    /// Both permission sets, in the order in which they are asked.
    sets: Vec<ConsentView>,
    /// Whether the reseller may manage; it has nothing to do with Microsoft.
    management: crate::views::ManagementView,
}

fn set(set: PermissionSet, consent: &Consent) -> ConsentView {
    let (state, scopes, form, by, at) = match consent {
        Consent::Pending => ("pending", None, None, None, None),
        Consent::Granted { scopes, at, by, form } => ("granted", Some(scopes), Some(*form), Some(by), Some(*at)),
        Consent::Declined { at, by } => ("declined", None, None, Some(by), Some(*at)),
        Consent::Revoked { at, by } => ("revoked", None, None, Some(by), Some(*at)),
    };
    let asked = match set {
        PermissionSet::SignIn => SIGN_IN_SCOPES.to_vec(),
        PermissionSet::Calling => calling_set().collect(),
    };
    let missing = match (set, scopes) {
        (PermissionSet::Calling, Some(scopes)) => missing_calling_scopes(scopes),
        _ => Vec::new(),
    };
    ConsentView {
        set,
        state,
        asked,
        scopes: scopes.into_iter().flatten().cloned().collect(),
        missing,
        form,
        by: by.filter(|by| !by.is_empty()).cloned(),
        at,
    }
}

fn view(kept: &Enterprise) -> ConsentsView {
    let consents = kept.setup.consents().cloned().unwrap_or_default();
    ConsentsView {
        sets: [PermissionSet::SignIn, PermissionSet::Calling]
            .map(|which| set(which, consents.of(which)))
            .into(),
        management: management(kept),
    }
}

/// The ledger: what was asked, granted, declined and revoked, by whom and when.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/consents", operation_id = "getConsents", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = ConsentsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    Ok((etag(access.kept.version), Json(view(&access.kept))))
}

/// Resets one permission set: it is not relied on any more, and the Global Admin is asked for it again, by the action
/// `grantConsent` or at the sign-in of the next sync. At Microsoft nothing is changed.
#[utoipa::path(delete, path = "/v1/enterprises/{enterprise}/consents/{set}", operation_id = "resetConsent", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("set" = PermissionSet, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = ConsentsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn reset(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((enterprise, set)): Segments<(EnterpriseId, PermissionSet)>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let kept = consent::reset(&io, access.kept, set, seen, &author, io.clock.now()).await?;
    Ok((etag(kept.version), Json(view(&kept))))
}
