//! The choice of whose users are synchronised (R073-R088).

use crate::domain::Invalid;
use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::group_filter::{ChosenGroup, Group, GroupFilter};
use crate::domain::ids::{EnterpriseId, GroupId};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::entry;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// An explicit choice of whose users are synchronised (R073-R077).
#[derive(Debug)]
pub enum Choice {
    /// All users of the tenant.
    Everyone,
    /// Members of these groups, by id or by name (R086).
    Groups {
        /// By id.
        ids: Vec<GroupId>,
        /// By name.
        names: Vec<String>,
    },
}

/// Saves the choice of an enterprise that was read at version `seen`.
///
/// # Errors
/// `Invalid` for a group that is unknown or cannot be chosen (R081), `Conflict` before the set-up is complete, `Stale`.
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
    let group_filter = match choice {
        Choice::Everyone => GroupFilter::Everyone,
        Choice::Groups { ids, names } => GroupFilter::Groups(chosen(io, &kept.id, &ids, &names).await?),
    };
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

fn printed(filter: &GroupFilter) -> Option<String> {
    match filter {
        GroupFilter::Undecided => None,
        GroupFilter::Everyone => Some("everyone".into()),
        GroupFilter::Groups(groups) => {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            Some(names.join(", "))
        }
    }
}

async fn chosen(io: &Io, enterprise: &EnterpriseId, ids: &[GroupId], names: &[String]) -> Result<Vec<ChosenGroup>> {
    if ids.is_empty() && names.is_empty() {
        return Err(Invalid::new("groups", "name at least one group, or choose everyone").into());
    }
    let known = io.store.groups(enterprise).await?;
    let mut wrong = Vec::new();
    let mut chosen = BTreeMap::new();
    let mut take = |asked: &str, found: Vec<&Group>| match found[..] {
        [] => wrong.push(Invalid::new(
            "groups",
            format!("there is no group `{asked}` in the tenant"),
        )),
        [group] => match group.banned {
            Some(_) => wrong.push(Invalid::new(
                "groups",
                format!(
                    "`{}` cannot be chosen: Microsoft does not keep its members reliably complete",
                    group.name
                ),
            )),
            None => {
                chosen.insert(
                    group.id.clone(),
                    ChosenGroup {
                        id: group.id.clone(),
                        name: group.name.clone(),
                    },
                );
            }
        },
        _ => wrong.push(Invalid::new(
            "groups",
            format!("there are several groups `{asked}`; choose one by its id"),
        )),
    };
    for id in ids {
        take(id.as_str(), known.iter().filter(|group| group.id == *id).collect());
    }
    for name in names {
        take(
            name,
            known
                .iter()
                .filter(|group| group.name.eq_ignore_ascii_case(name.trim()))
                .collect(),
        );
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let mut chosen: Vec<ChosenGroup> = chosen.into_values().collect();
    chosen.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(chosen)
}
