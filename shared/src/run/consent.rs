//! A permission set is reset: the Global Admin is asked for it again.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::consent::PermissionSet;
use crate::domain::enterprise::Enterprise;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::plan::onboard;
use crate::run::access::entry;
use jiff::Timestamp;

/// Resets one set of an enterprise that the caller saw at version `seen`.
///
/// # Errors
/// `Conflict` where it is not granted, `Stale`.
pub async fn reset(
    io: &Io,
    kept: Enterprise,
    set: PermissionSet,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    if seen != kept.version {
        return Err(Error::Stale("the enterprise"));
    }
    let setup = onboard::reset(&kept.setup, set, &author.who, now).map_err(Error::Conflict)?;
    let next = Enterprise {
        setup,
        version: seen + 1,
        ..kept
    };
    let change = changed(set.name(), Some("granted".into()), Some("revoked".into()));
    let entry = entry(io, author, Deed::ConsentRevoked, change.into_iter().collect(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}
