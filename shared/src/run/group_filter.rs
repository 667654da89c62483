//! The choice of whose users are synchronised, and the groups to choose from (R073-R088).

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::EnterpriseId;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::plan::group_filter::{self, Choice};
use crate::run::access::entry;
use jiff::Timestamp;

/// The filter that a choice means, of the groups as they were last read.
///
/// # Errors
/// `Invalid` for groups that are unknown, cannot be chosen (R081), or are known to be empty (R087).
pub async fn meant(io: &Io, enterprise: &EnterpriseId, choice: &Choice) -> Result<GroupFilter> {
    let known = io.store.group_list(enterprise).await?;
    Ok(group_filter::filter(choice, &known)?)
}

/// Saves the choice of an enterprise that was read at version `seen`; it holds from the next sync on.
///
/// # Errors
/// `Invalid` as above, `Conflict` before the set-up is complete, `Stale`.
pub async fn choose_groups(
    io: &Io,
    kept: Enterprise,
    choice: Choice,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    if !kept.setup.complete() {
        return Err(Error::Conflict(
            "the Global Admin has to finish the set-up first; then there are groups to choose from".into(),
        ));
    }
    let group_filter = meant(io, &kept.id, &choice).await?;
    let change = changed("groupFilter", printed(&kept.group_filter), printed(&group_filter));
    let next = Enterprise {
        group_filter,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, Deed::GroupFilterChanged, change.into_iter().collect(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}

/// A filter in words, for the audit trail.
#[must_use]
pub fn printed(filter: &GroupFilter) -> Option<String> {
    match filter {
        GroupFilter::Undecided => None,
        GroupFilter::Everyone => Some("everyone".into()),
        GroupFilter::Groups(groups) => {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            Some(names.join(", "))
        }
    }
}
