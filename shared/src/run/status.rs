//! Gathers what the status document of an enterprise is made of: each item is one read, and only what is needed is read.

pub use crate::plan::status::Status;

use crate::domain::brand::Brand;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseId;
use crate::domain::run::{Run, RunState};
use crate::domain::schedule;
use crate::domain::sync_status::{LastSync, Pending, SyncStatus};
use crate::error::Result;
use crate::io::Io;
use crate::plan::status::{Facts, status};
use crate::run::{invitation, prepare};
use jiff::Timestamp;

/// How many runs are looked through for the last one that failed; those before it were given up before they began.
const NEWEST: u16 = 10;

/// The status document at `now`.
///
/// # Errors
/// `Upstream`.
pub async fn document(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<Status> {
    let invited = async {
        if kept.setup.complete() {
            return Ok(None);
        }
        invitation::newest(io, kept).await
    };
    let (reseller, sync, invitation, unreachable, unanswered) = futures::try_join!(
        io.store.reseller(&kept.reseller),
        io.store.sync_status(&kept.id),
        invited,
        io.store.suppressed(&kept.reseller, &kept.global_admin.email),
        io.store.unanswered(&kept.id, now),
    )?;
    let sync = with_objects(io, kept, &reseller.brand, sync).await?;
    let (current, failed) = futures::try_join!(current(io, &kept.id, &sync), failed(io, &kept.id, &sync))?;
    Ok(status(&Facts {
        enterprise: kept,
        reseller: &reseller,
        sync: &sync,
        invitation: invitation.as_ref(),
        unreachable: unreachable.as_ref(),
        current: current.as_ref(),
        failed: failed.as_ref(),
        unanswered: unanswered.as_ref(),
        permissions: &io.config.public_page("/permissions"),
        teams_calling: &io.config.public_page("/help/teams-calling"),
        zone: &schedule::zone(&kept.settings.time_zone)?,
        now,
    }))
}

/// Other domains of a region are a setting of the deployment. It concerns all enterprises at once, and none of them is
/// written for it: whoever looks sees that a sync is needed.
async fn with_objects(io: &Io, kept: &Enterprise, brand: &Brand, sync: SyncStatus) -> Result<SyncStatus> {
    let Some((since, _)) = sync.last.filter(|_| sync.pending.is_none() && sync.current.is_none()) else {
        return Ok(sync);
    };
    let pending = prepare::waits(io, kept, brand)
        .await?
        .then_some(Pending { users: 0, since });
    Ok(SyncStatus { pending, ..sync })
}

/// The run that the status names as going on.
pub(super) async fn current(io: &Io, enterprise: &EnterpriseId, sync: &SyncStatus) -> Result<Option<Run>> {
    match &sync.current {
        Some(run) => io.store.run(enterprise, run).await.map(Some),
        None => Ok(None),
    }
}

/// The last run, where it failed.
pub(super) async fn failed(io: &Io, enterprise: &EnterpriseId, sync: &SyncStatus) -> Result<Option<Run>> {
    if !matches!(sync.last, Some((_, LastSync::Failed))) {
        return Ok(None);
    }
    let (runs, _) = io.store.runs(enterprise, None, NEWEST).await?;
    Ok(runs.into_iter().find(|run| run.state == RunState::Failed))
}
