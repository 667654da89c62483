//! The integration is removed (R027, R152-R153): ordered by the provider side, carried out by a final sync that takes back
//! what is ours, and undone as long as that sync has not begun.

use crate::domain::audit::{Author, Deed};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, RunId};
use crate::domain::letter::Letter;
use crate::domain::standing::{RETENTION, Standing};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::{entry, unmoved};
use crate::run::provision::{current, to_admin};
use crate::run::{account, invitation, post, remind, start_sync};
use jiff::Timestamp;

/// Orders the removal of an enterprise that was read at version `seen`; E5 waits in the outbox with it. Where no sync has
/// ever ended there is nothing of ours in Teams: the integration is gone at once.
///
/// # Errors
/// `Conflict` while a sync is under way or where it is ordered already, `Stale`.
pub async fn order(io: &Io, kept: Enterprise, seen: u64, author: &Author, now: Timestamp) -> Result<Enterprise> {
    match kept.standing {
        // Whoever ordered it may have died before its consequences were written.
        Standing::Removed { since } => io.store.end_data(&kept.id, since + RETENTION).await?,
        Standing::Removing { .. } => drop(account::refresh_pending(io, &kept, now).await?),
        Standing::Active | Standing::Disabled { .. } => {}
    }
    current(&kept, seen)?;
    let status = io.store.sync_status(&kept.id).await?;
    start_sync::none_under_way(io, &kept.id, &status).await?;
    // What a waiting sync was permitted is no final sync; from the write on, none but a final one can be begun.
    start_sync::abandon(io, &kept).await?;
    // A sync that was interrupted may have left something in Teams, too.
    let final_sync = kept.setup.complete() && (status.last.is_some() || status.discovered.is_some());
    let letter = Letter::IntegrationRemoved { final_sync };
    let mails = [to_admin(io, &kept, &kept.global_admin, letter, now)];
    if !final_sync {
        let next = gone(io, kept, author, &mails, now).await?;
        io.store.end_data(&next.id, now + RETENTION).await?;
        return Ok(next);
    }
    let disabled = match kept.standing {
        Standing::Disabled { since } => Some(since),
        Standing::Active | Standing::Removing { .. } | Standing::Removed { .. } => None,
    };
    let next = Enterprise {
        standing: Standing::Removing {
            since: now,
            final_sync: None,
            disabled,
        },
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, Deed::RemovalStarted, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &mails).await?;
    start_sync::abandon(io, &next).await?;
    account::refresh_pending(io, &next, now).await?;
    post::deliver(io, &mails).await;
    Ok(next)
}

/// Takes the removal back: the enterprise is as active, or as disabled, as it was.
///
/// # Errors
/// `Conflict` once the final sync has begun, or where there is nothing to take back; `Stale`.
pub async fn undo(io: &Io, kept: Enterprise, seen: u64, author: &Author, now: Timestamp) -> Result<Enterprise> {
    unmoved(&kept, seen)?;
    let standing = match kept.standing {
        Standing::Removing {
            final_sync: None,
            disabled,
            ..
        } => disabled.map_or(Standing::Active, |since| Standing::Disabled { since }),
        Standing::Removing {
            final_sync: Some(_), ..
        }
        | Standing::Removed { .. } => {
            return Err(Error::Conflict(
                "the final sync has begun; create the enterprise anew to connect it again".into(),
            ));
        }
        Standing::Active | Standing::Disabled { .. } => {
            return Err(Error::Conflict("the integration is not being removed".into()));
        }
    };
    let next = Enterprise {
        standing,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, Deed::RemovalUndone, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    account::refresh_pending(io, &next, now).await?;
    Ok(next)
}

/// The final sync begins: from here on there is no way back. Gives the enterprise as it is now.
///
/// # Errors
/// `Stale` where it was taken back in this moment.
pub(super) async fn begin_final_sync(io: &Io, kept: Enterprise, run: &RunId, now: Timestamp) -> Result<Enterprise> {
    let Standing::Removing {
        since,
        final_sync: None,
        disabled,
    } = kept.standing
    else {
        return Ok(kept);
    };
    let seen = kept.version;
    let next = Enterprise {
        standing: Standing::Removing {
            since,
            final_sync: Some(run.clone()),
            disabled,
        },
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, &Author::service(), Deed::FinalSyncStarted, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}

/// After a final sync that took everything back: the integration is removed.
///
/// # Errors
/// `Stale`, `Upstream`.
pub(super) async fn end_final_sync(io: &Io, enterprise: &EnterpriseId, now: Timestamp) -> Result<()> {
    let kept = io.store.enterprise(enterprise).await?;
    match kept.standing {
        Standing::Removing { .. } => gone(io, kept, &Author::service(), &[], now).await.map(drop),
        // A worker before this one was killed after it.
        Standing::Removed { .. } | Standing::Active | Standing::Disabled { .. } => Ok(()),
    }
}

/// After the last thing that a run of a removed enterprise writes: everything that is kept ends. May be repeated.
///
/// # Errors
/// `Upstream`.
pub(super) async fn end_data(io: &Io, enterprise: &EnterpriseId) -> Result<()> {
    match io.store.enterprise(enterprise).await?.standing {
        Standing::Removed { since } => io.store.end_data(enterprise, since + RETENTION).await,
        Standing::Active | Standing::Disabled { .. } | Standing::Removing { .. } => Ok(()),
    }
}

async fn gone(
    io: &Io,
    kept: Enterprise,
    author: &Author,
    mails: &[crate::domain::letter::Outgoing],
    now: Timestamp,
) -> Result<Enterprise> {
    let invitation = invitation::newest(io, &kept).await?;
    let seen = kept.version;
    let next = Enterprise {
        standing: Standing::Removed { since: now },
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, Deed::Removed, Vec::new(), now);
    io.store
        .remove_enterprise(&next, seen, invitation.as_ref(), &entry, mails)
        .await?;
    let status = account::refresh_pending(io, &next, now).await?;
    remind::keep_schedule(io, &next, &status).await?;
    post::deliver(io, mails).await;
    Ok(next)
}
