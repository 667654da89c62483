//! Syncs that nobody signs in for: whether there are any, when they begin by themselves, and how far they go.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::domain::caller::Caller;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::domain::unattended::{Leave, Weekday, Window};
use shared::io::Io;
use shared::run::access;
use shared::run::unattended::{self, Wish};
use shared::web::extract::{Body, IfMatch, Segments, etag};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::ToSchema;

/// Syncs that nobody signs in for; none unless the Global Admin says so.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnattendedView {
    /// The provider offers them.
    offered: bool,
    /// Whether the Global Admin lets them run: action `allowUnattended`.
    leave: LeaveView,
    /// They begin by themselves where changes wait.
    automatic: bool,
    /// The days on which the window opens.
    days: Vec<Weekday>,
    /// When it opens, in the enterprise's zone.
    from: String,
    /// When it closes, of the next day where that is not later; the same time twice is a whole day.
    until: String,
    /// They may release numbers, as many as pass without approval.
    releases: bool,
    /// When the next one begins, as things stand.
    #[schema(required, value_type = Option<String>, format = "date-time")]
    next: Option<Timestamp>,
}

/// Whether the Global Admin lets syncs run unattended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LeaveView {
    state: LeaveState,
    /// Since when.
    #[schema(required, value_type = Option<String>, format = "date-time")]
    at: Option<Timestamp>,
    /// Who said so.
    #[schema(required)]
    by: Option<String>,
}

/// `revoked` is what the customer did at Microsoft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum LeaveState {
    Never,
    Given,
    Withdrawn,
    Revoked,
}

async fn answer(io: &Io, kept: Enterprise) -> Result<impl IntoResponse + use<>> {
    let status = io.store.sync_status(&kept.id).await?;
    let next = unattended::next_look(io, &kept, &status).await?;
    let here = kept.may_sync_unattended();
    let wanted = kept.unattended;
    let (state, at, by) = match wanted.leave {
        // For a tenant that was left it counts no more.
        Leave::Given { at, by, .. } if here => (LeaveState::Given, Some(at), Some(by)),
        Leave::Given { .. } | Leave::Never => (LeaveState::Never, None, None),
        Leave::Withdrawn { at, by } => (LeaveState::Withdrawn, Some(at), Some(by)),
        Leave::Revoked { at } => (LeaveState::Revoked, Some(at), Some("Microsoft".into())),
    };
    let view = UnattendedView {
        offered: io.config.entra_unattended_client_id.is_some(),
        leave: LeaveView { state, at, by },
        automatic: wanted.automatic,
        from: wanted.window.from.strftime("%H:%M").to_string(),
        until: wanted.window.until.strftime("%H:%M").to_string(),
        days: wanted.window.days.into_iter().collect(),
        releases: wanted.releases,
        next,
    };
    Ok((etag(kept.version), Json(view)))
}

/// Whether syncs run that nobody signs in for, when, and how far they go.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/unattended", operation_id = "getUnattended", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = UnattendedView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    answer(&io, access.kept).await
}

/// When unattended syncs begin by themselves, and how far they go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UnattendedForm {
    /// They begin by themselves where changes wait: ten minutes after the last one was saved, at most once in each opening of
    /// the window.
    automatic: bool,
    /// The days on which the window opens.
    #[schema(min_items = 1, max_items = 7)]
    days: BTreeSet<Weekday>,
    /// When it opens, in the enterprise's zone, such as `20:00`.
    #[schema(example = "20:00")]
    from: String,
    /// When it closes, of the next day where that is not later.
    #[schema(example = "06:00")]
    until: String,
    /// They may release numbers, as many as pass without approval; otherwise they only add.
    releases: bool,
}

/// Decides when unattended syncs begin by themselves, and how far they go. Only the recorded Global Admin does that. It lets none
/// run yet: that is the action `allowUnattended`.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/unattended", operation_id = "putUnattended", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = UnattendedForm,
    responses((status = 200, body = UnattendedView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<UnattendedForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let form = body.value;
    let window = Window::read(form.days, &form.from, &form.until).map_err(Error::from)?;
    let wish = Wish {
        automatic: form.automatic,
        window,
        releases: form.releases,
    };
    let kept = unattended::change(&io, access, wish, seen, io.clock.now()).await?;
    answer(&io, kept).await
}

/// Takes back that syncs run unattended, at once. A sync that goes on without a person stops before its next change. The
/// consent at Microsoft stays; the customer can delete the application in the tenant.
#[utoipa::path(delete, path = "/v1/enterprises/{enterprise}/unattended", operation_id = "stopUnattended", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = UnattendedView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn stop(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let kept = unattended::withdraw(&io, access, io.clock.now()).await?;
    answer(&io, kept).await
}
