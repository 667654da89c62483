//! Gathers what the status document of an enterprise is made of: each item is one read, and only what is needed is read.

pub use crate::plan::status::Status;

use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseId;
use crate::domain::run::{Run, RunState};
use crate::domain::schedule;
use crate::domain::sync_status::{LastSync, SyncStatus};
use crate::error::Result;
use crate::io::Io;
use crate::plan::status::{Facts, status};
use crate::run::invitation;
use jiff::Timestamp;

/// How many runs are looked through for the last one that failed; those before it were given up before they began.
const NEWEST: u16 = 10;

/// The status document at `now`.
///
/// # Errors
/// `Upstream`.
pub async fn document(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<Status> {
    let reseller = io.store.reseller(&kept.reseller).await?;
    let sync = io.store.sync_status(&kept.id).await?;
    let invitation = if kept.setup.complete() {
        None
    } else {
        invitation::newest(io, kept).await?
    };
    let current = match &sync.current {
        Some(run) => Some(io.store.run(&kept.id, run).await?),
        None => None,
    };
    Ok(status(&Facts {
        enterprise: kept,
        reseller: &reseller,
        sync: &sync,
        invitation: invitation.as_ref(),
        current: current.as_ref(),
        failed: failed(io, &kept.id, &sync).await?.as_ref(),
        permissions: &io.config.public_page("/permissions"),
        zone: &schedule::zone(&kept.settings.time_zone)?,
        now,
    }))
}

/// The last run, where it failed.
async fn failed(io: &Io, enterprise: &EnterpriseId, sync: &SyncStatus) -> Result<Option<Run>> {
    if !matches!(sync.last, Some((_, LastSync::Failed))) {
        return Ok(None);
    }
    let (runs, _) = io.store.runs(enterprise, None, NEWEST).await?;
    Ok(runs.into_iter().find(|run| run.state == RunState::Failed))
}
