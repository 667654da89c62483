//! `Grant Consent`: the Global Admin lets the reseller manage, and takes that back (R012-R013, R071).

use crate::domain::audit::{Author, Deed};
use crate::domain::enterprise::Enterprise;
use crate::domain::management::Management;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::entry;
use jiff::Timestamp;

/// Notes the Global Admin's answer. Repeating it changes nothing.
///
/// # Errors
/// `Conflict` where the reseller has not asked for it, `Stale`.
pub async fn answer(io: &Io, kept: Enterprise, granted: bool, author: &Author, now: Timestamp) -> Result<Enterprise> {
    let by = author.who.clone();
    let (management, deed) = match (&kept.management, granted) {
        (Management::Granted { .. }, true) | (Management::Pending | Management::Withdrawn { .. }, false) => {
            return Ok(kept);
        }
        (_, true) if !kept.settings.request_management_consent => {
            return Err(Error::Conflict(
                "the reseller has not asked to manage this enterprise".into(),
            ));
        }
        (_, true) => (Management::Granted { at: now, by }, Deed::ManagementGranted),
        (_, false) => (Management::Withdrawn { at: now, by }, Deed::ManagementWithdrawn),
    };
    let seen = kept.version;
    let next = Enterprise {
        management,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, deed, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}
