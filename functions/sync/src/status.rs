//! The status card of an enterprise, in words that a front end prints as they are.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::group_filter::GroupFilter;
use shared::domain::ids::{EnterpriseId, RunId};
use shared::domain::run::RunState;
use shared::domain::schedule;
use shared::domain::setup::Setup;
use shared::domain::sync_status::LastSync;
use shared::io::Io;
use shared::run::access;
use shared::web::extract::Segments;
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// The status card.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// `Integration Pending` while the Global Admin has not authorised; absent afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<&'static str>,
    /// What happens next, and who does it.
    next_step: String,
    /// `Sync Status`: `Up to date`, `Sync Needed`, `Syncing`, `Waiting for sign-in`, `Failed` or `Not synced yet`.
    sync_status: &'static str,
    /// `Feb 17, 2023, 2:42 PM`, in the enterprise's zone.
    last_sync: Option<String>,
    /// `Successful` or `Failed`
    last_sync_status: Option<LastSync>,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_sync_at: Option<Timestamp>,
    time_zone: String,
    /// `None` or `Sync Needed`
    action_needed: &'static str,
    /// Teams users for whom a sync has something to do, and since when.
    pending: Option<PendingView>,
    /// `Global Admin: <name>`
    global_admin: String,
    buttons: Buttons,
    /// The run that is going on.
    #[schema(value_type = Option<String>)]
    current_run: Option<RunId>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PendingView {
    users: u32,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

/// Labels of the buttons in the two portals.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Buttons {
    /// `Sync Now` or `Sync Now - Changes Queued`
    integration_portal: &'static str,
    /// A warning triangle goes with it.
    warning: bool,
    /// `Sync Users` or `Sync Needed`
    voice_portal: &'static str,
}

/// How the connection and its sync stand.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/status", operation_id = "getStatus", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = Status), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<Json<Status>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let enterprise = access.kept;
    let status = io.store.sync_status(&enterprise.id).await?;
    let run = match &status.current {
        Some(run) => Some(io.store.run(&enterprise.id, run).await?.state),
        None => None,
    };
    let zone = schedule::zone(&enterprise.settings.time_zone)?;
    let admin = enterprise.global_admin.display_name().to_owned();
    let sync_status = match (run, status.last, status.pending) {
        (Some(RunState::AwaitingSignIn), _, _) => "Waiting for sign-in",
        (Some(state), _, _) if !state.ended() => "Syncing",
        (_, Some((_, LastSync::Failed)), _) => "Failed",
        (_, _, Some(_)) => "Sync Needed",
        (_, None, None) => "Not synced yet",
        (_, Some((_, LastSync::Successful)), None) => "Up to date",
    };
    let next_step = match (
        &enterprise.setup,
        &enterprise.group_filter,
        status.discovered,
        status.needs_reminder(),
    ) {
        (Setup::Invited, ..) => {
            format!("{admin} has been invited to authorise; licences can be linked after the first sync.")
        }
        (Setup::Bound { .. }, ..) => format!("{admin} has to accept the second permission request."),
        (Setup::Complete { .. }, GroupFilter::Undecided, ..) => {
            "Choose whose users are synchronised: everyone, or members of groups.".into()
        }
        (Setup::Complete { .. }, _, None, _) => format!("{admin} has to sync once; then users can be mapped."),
        (Setup::Complete { .. }, _, Some(_), true) => format!("{admin} has to sync to apply what is saved."),
        (Setup::Complete { .. }, _, Some(_), false) => {
            "Nothing to do for the Global Admin: numbers are provided by the voice provider from here on.".into()
        }
    };
    Ok(Json(Status {
        integration: (!enterprise.setup.complete()).then_some("Integration Pending"),
        next_step,
        sync_status,
        last_sync: status.last.map(|(at, _)| schedule::display(at, &zone)),
        last_sync_status: status.last.map(|(_, how)| how),
        last_sync_at: status.last.map(|(at, _)| at),
        time_zone: enterprise.settings.time_zone,
        action_needed: status.action_needed(),
        pending: status.pending.map(|pending| PendingView {
            users: pending.users,
            since: pending.since,
        }),
        global_admin: format!("Global Admin: {admin}"),
        buttons: Buttons {
            integration_portal: status.integration_button(),
            warning: status.pending.is_some(),
            voice_portal: status.voice_button(),
        },
        current_run: status.current,
    }))
}
