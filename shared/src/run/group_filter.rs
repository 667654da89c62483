//! The choice of whose users are synchronised, and the groups to choose from (R073-R088).

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::group_filter::{Group, GroupFilter};
use crate::domain::ids::{EnterpriseId, GroupId};
use crate::error::{Chain, Error, Result};
use crate::io::Io;
use crate::io::graph::Token;
use crate::plan::group_filter;
pub use crate::plan::group_filter::{Choice, Chosen, GroupState, chosen, kind};
use crate::run::access::entry;
use jiff::Timestamp;

/// So many groups, in the order of their names, have their members counted when the list is read; others have not, so that
/// a tenant of thousands does not keep a person waiting who signs in. Those in the choice always have.
const COUNTED: usize = 200;

/// The tenant's groups with how many people are in the first of them and in those that are chosen.
///
/// # Errors
/// Those of Microsoft. A count that it does not give is left out.
pub async fn read(io: &Io, token: &Token, filter: &GroupFilter) -> Result<Vec<Group>> {
    let (groups, uncounted) = counted(io, token, filter).await?;
    if let Some(error) = &uncounted {
        say(error);
    }
    Ok(groups)
}

fn say(error: &Error) {
    tracing::warn!(error.message = %Chain(error), "the members of the groups were not counted");
}

/// The groups, and why their members were not counted, where they were not.
async fn counted(io: &Io, token: &Token, filter: &GroupFilter) -> Result<(Vec<Group>, Option<Error>)> {
    let mut groups = io.graph.groups(token, None).await?;
    let chosen = |group: &Group| match filter {
        GroupFilter::Groups(chosen) => chosen.iter().any(|one| one.id == group.id),
        GroupFilter::Undecided | GroupFilter::Everyone => false,
    };
    let could_be = groups.iter().filter(|group| group.banned.is_none());
    let counted: Vec<GroupId> = could_be
        .enumerate()
        .filter(|(at, group)| *at < COUNTED || chosen(group))
        .map(|(_, group)| group.id.clone())
        .collect();
    let uncounted = match io.graph.group_sizes(token, &counted).await {
        Ok(sizes) => {
            for group in &mut groups {
                group.members = sizes.get(&group.id).copied().flatten();
            }
            None
        }
        Err(error) => Some(error),
    };
    Ok((groups, uncounted))
}

/// Reads them anew and keeps them.
///
/// # Errors
/// Those of Microsoft and of the table; also where only the counts are missing, if nothing more may be asked for now.
pub async fn refresh(io: &Io, token: &Token, kept: &Enterprise) -> Result<()> {
    let began = io.clock.now();
    let (groups, uncounted) = counted(io, token, &kept.group_filter).await?;
    io.store.put_groups(&kept.id, &groups, began).await?;
    match uncounted {
        Some(error @ (Error::Throttled { .. } | Error::TokenExpired)) => Err(error),
        Some(error) => {
            say(&error);
            Ok(())
        }
        None => Ok(()),
    }
}

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
