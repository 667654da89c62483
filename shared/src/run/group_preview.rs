//! A choice of groups, looked at with a person's token before it is saved. Nothing of what is read is kept.

use crate::domain::enterprise::Enterprise;
use crate::domain::group_filter::{ChosenGroup, GroupFilter};
use crate::domain::ids::TeamsUserId;
use crate::domain::roll::{Noted, Roll};
use crate::domain::sync_log::Counts;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::gate::Gate;
use crate::io::graph::{Members, Range, Token};
use crate::io::store::manifest::roll_entry;
use crate::plan::discover;
pub use crate::plan::group_preview::{InGroup, People, Preview};
use crate::plan::group_preview::{SHOWN, unassigned};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// How long the members are read before the page says that they are too many. The gateway gives up after 30 seconds.
const PATIENCE: SignedDuration = SignedDuration::from_secs(18);
/// Of those who leave, so many are looked up to name the first of them.
const LOOKED_UP: usize = 100;

/// What a choice would mean, as Microsoft's directory is now.
///
/// # Errors
/// `TooMany` where the groups are too large for a page, and whatever keeps Microsoft from answering.
pub async fn preview(io: &Io, kept: &Enterprise, filter: &GroupFilter, token: &Token) -> Result<Preview> {
    let found = match filter {
        GroupFilter::Groups(groups) => of_groups(io, kept, filter, groups, token).await?,
        GroupFilter::Everyone | GroupFilter::Undecided => of_everyone(io, kept, token).await?,
    };
    Ok(Preview {
        same: kept.group_filter.key() == filter.key(),
        ..found
    })
}

async fn of_everyone(io: &Io, kept: &Enterprise, token: &Token) -> Result<Preview> {
    let now = io.store.directory(&kept.id).await?.counts.total;
    let count = io.graph.count_members(token).await?;
    let mut inside = People::so_many(count);
    let gate = Gate::default();
    for user in some_users(io, token, &gate).await? {
        inside.name(&user.1);
    }
    Ok(Preview {
        inside,
        joining: People::so_many(count.saturating_sub(now)),
        ..Preview::default()
    })
}

async fn of_groups(
    io: &Io,
    kept: &Enterprise,
    filter: &GroupFilter,
    groups: &[ChosenGroup],
    token: &Token,
) -> Result<Preview> {
    let directory = io.store.directory(&kept.id).await?;
    let mut reading = Reading {
        io,
        token,
        gate: Gate::default(),
        until: io.clock.now() + PATIENCE,
        roll: io.store.roll(&kept.id, &directory).await?,
        inside: BTreeSet::new(),
        found: Preview::default(),
    };
    for group in groups {
        let people = reading.group(group).await?;
        reading.found.groups.push((group.name.clone(), people));
    }
    let Reading {
        roll,
        inside,
        mut found,
        gate,
        ..
    } = reading;
    let mut figures = Counts::default();
    for entry in roll.here() {
        discover::count(&mut figures, entry.traits);
    }
    found.outside = People::so_many(io.graph.count_members(token).await?.saturating_sub(figures.total));
    if found.outside.count > 0 {
        for (id, label) in some_users(io, token, &gate).await? {
            if !inside.contains(&id) {
                found.outside.name(&label);
            }
        }
    }
    found.figures = Some(figures);
    let gone: Vec<TeamsUserId> = roll.gone().map(|(id, _)| TeamsUserId::from_bytes(id)).collect();
    found.leaving = People::so_many(gone.len() as u64);
    let named = io
        .store
        .teams_users(&kept.id, gone.into_iter().take(LOOKED_UP).collect())
        .await?;
    for user in named.values() {
        found.leaving.name(&user.label());
    }
    let account = io.store.account(&kept.id).await?;
    let limit = kept.release_limit;
    (found.unassigned, found.releases, found.approval) = unassigned(
        &account.rows,
        &account.voice_users,
        &account.owned,
        filter,
        &inside,
        limit,
    );
    Ok(found)
}

/// The first users of the tenant that Microsoft gives, guests left out, with what people read.
async fn some_users(io: &Io, token: &Token, gate: &Gate) -> Result<Vec<([u8; 16], String)>> {
    let mut pages = io.graph.users(token, &Range::ALL, gate);
    let page = pages.next().await?.unwrap_or_default();
    let people = page.into_iter().filter(|user| !user.guest);
    Ok(people.map(|user| (user.id.bytes(), user.label())).collect())
}

/// The members of the chosen groups, as they are read.
struct Reading<'a> {
    io: &'a Io,
    token: &'a Token,
    gate: Gate,
    until: Timestamp,
    /// Who is synchronised now.
    roll: Roll,
    inside: BTreeSet<[u8; 16]>,
    found: Preview,
}

impl Reading<'_> {
    async fn group(&mut self, group: &ChosenGroup) -> Result<InGroup> {
        let mut pages = match self.io.graph.group_members(self.token, &group.id, &self.gate).await? {
            Members::Listed(pages) => pages,
            Members::Gone => return Ok(InGroup::Gone),
            Members::Hidden => return Ok(InGroup::Hidden),
        };
        let mut count = 0;
        while let Some(page) = pages.next().await? {
            count += page.len() as u64;
            for user in page {
                let fresh = matches!(self.roll.note(roll_entry(&user)), Noted::Fresh(_));
                if !self.inside.insert(user.id.bytes()) || user.guest {
                    continue;
                }
                let label = user.label();
                self.found.inside.add(&label);
                if fresh {
                    self.found.joining.add(&label);
                }
            }
            if self.io.clock.now() >= self.until {
                let what = format!(
                    "the groups are too large to be shown here: more than {} people",
                    self.inside.len()
                );
                return Err(Error::Conflict(what));
            }
        }
        Ok(InGroup::People(count))
    }
}

const _: () = assert!(SHOWN < LOOKED_UP);
