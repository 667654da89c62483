//! What a change of the account means for its sync. Nothing here touches Teams (R050).

use crate::domain::enterprise::Enterprise;
use crate::domain::licence::{self, Usage};
use crate::domain::mapping::Ownership;
use crate::domain::standing::Standing;
use crate::domain::sync_status::{Pending, SyncStatus};
use crate::error::Result;
use crate::io::Io;
use crate::plan::mapping;
use crate::run::{prepare, remind};
use jiff::Timestamp;

/// How often the pending changes are counted anew while the account does not hold still; whoever changes it last counts.
const REFRESH_TRIES: u32 = 5;

/// Sees what a sync would have to do now, and keeps status, index and schedule in step (R114). Undoing a change before
/// a sync takes `Sync Needed` back.
///
/// # Errors
/// `Upstream`, `Busy`.
pub async fn refresh_pending(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<SyncStatus> {
    let id = &kept.id;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let mut tries = 0;
    let status = loop {
        let account = io.store.account(id).await?;
        let (wanted, _) = mapping::wanted(&account.rows, &account.voice_users, kept, &brand, now);
        let waiting = mapping::pending(&wanted, &account.owned).len();
        let users = u32::try_from(waiting).unwrap_or(u32::MAX);
        let mapped = licence::holders(account.rows.values(), &Ownership::new()).len();
        let used = licence::holders(account.rows.values(), &account.owned).len();
        // A removal waits for its final sync, whether anybody has a number or not; so do other regions or another prefix.
        let waits =
            users > 0 || matches!(kept.standing, Standing::Removing { .. }) || prepare::waits(io, kept, &brand).await?;
        let edit = |status: SyncStatus| {
            let since = status.pending.map_or(now, |pending| pending.since);
            SyncStatus {
                pending: waits.then_some(Pending { users, since }),
                usage: Usage::counted(mapped, used, kept.allowance(now), &status.usage, now),
                ..status
            }
        };
        let status = io.store.edit_sync_status(kept, edit).await?;
        tries += 1;
        // Whoever changed the account in between may have written the status before us: look again.
        if tries == REFRESH_TRIES || io.store.account_version(id).await? == account.version {
            break status;
        }
    };
    remind::keep_schedule(io, kept, &status).await?;
    Ok(status)
}
