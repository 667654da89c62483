//! `Disable Sync` and `Enable Sync` (R067-R068).

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::domain::sync_switch::SyncSwitch;
use shared::io::Io;
use shared::run::{access, switch};
use shared::web::extract::{IfMatch, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// Whether syncs keep to the bound tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SyncSwitchView {
    sync_enabled: bool,
    /// Since when it is disabled.
    #[schema(required, value_type = Option<String>, format = "date-time")]
    since: Option<Timestamp>,
    /// Who disabled it.
    #[schema(required)]
    by: Option<String>,
    /// How many Teams users have a number or policies of ours in the bound tenant. They keep them if the enterprise moves.
    assigned: usize,
    /// What happens next, for people.
    text: String,
}

async fn view(io: &Io, kept: &Enterprise) -> Result<SyncSwitchView> {
    let assigned = switch::assigned(io, kept).await?;
    let tenant = kept.setup.tenant_name();
    let (since, by, text) = match &kept.sync_switch {
        SyncSwitch::On => (None, None, format!("Syncs keep to {tenant}.")),
        SyncSwitch::Off { since, by } => {
            let stays = if assigned == 0 {
                String::new()
            } else {
                format!(
                    " What {assigned} Teams users have from us in {tenant} stays there: to take it back first, enable sync, \
                     set the users to None, and sync."
                )
            };
            let text = format!(
                "Nobody is reminded. The next sync may be signed in to another tenant: then the enterprise moves there, and \
                 mapping, groups and consents begin anew. Signed in to {tenant}, it goes on as before.{stays}"
            );
            (Some(*since), Some(by.clone()), text)
        }
    };
    Ok(SyncSwitchView {
        sync_enabled: since.is_none(),
        since,
        by,
        assigned,
        text,
    })
}

/// Disables sync, so that the next one may be signed in to another tenant. Only the recorded Global Admin does that.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/disable-sync", operation_id = "disableSync", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = SyncSwitchView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn disable(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    access.recorded_caller()?;
    let author = access.author();
    let kept = switch::disable(&io, access.kept, seen, &author, io.clock.now()).await?;
    Ok((etag(kept.version), Json(view(&io, &kept).await?)))
}

/// Enables sync again, in the tenant that is bound.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/enable-sync", operation_id = "enableSync", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = SyncSwitchView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn enable(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    access.recorded_caller()?;
    let author = access.author();
    let kept = switch::enable(&io, access.kept, seen, &author, io.clock.now()).await?;
    Ok((etag(kept.version), Json(view(&io, &kept).await?)))
}
