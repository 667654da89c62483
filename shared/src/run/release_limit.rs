//! How many numbers a sync may release by itself, said by the provider side.

use crate::domain::Invalid;
use crate::domain::audit::{Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::permission::ReleaseLimit;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::{Access, entry, unmoved};
use jiff::Timestamp;

/// Sets the limit of an enterprise that the caller saw at version `seen`. It counts from the next plan and run on.
///
/// # Errors
/// `Invalid` with everything that is wrong, `Stale`.
pub async fn set(io: &Io, access: Access, limit: ReleaseLimit, seen: u64, now: Timestamp) -> Result<Enterprise> {
    let wrong = [
        (limit.users > ReleaseLimit::MOST_USERS).then(|| {
            let expected = format!("give 0 to {}", ReleaseLimit::MOST_USERS);
            Invalid::new("users", expected)
        }),
        (limit.percent > 100).then(|| Invalid::new("percent", "give 0 to 100")),
    ];
    let wrong: Vec<Invalid> = wrong.into_iter().flatten().collect();
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let author = access.author();
    let kept = access.kept;
    unmoved(&kept, seen)?;
    if kept.release_limit == limit {
        return Ok(kept);
    }
    let text = |limit: ReleaseLimit| Some(limit.to_string());
    let changes = changed("releaseLimit", text(kept.release_limit), text(limit));
    let entry = entry(
        io,
        &author,
        Deed::ReleaseLimitChanged,
        changes.into_iter().collect(),
        now,
    );
    let next = Enterprise {
        release_limit: limit,
        version: seen + 1,
        ..kept
    };
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}
