//! Reads the directory through the filter and keeps who is inside. Nothing of it counts before everything was read.

use crate::domain::directory::{TeamsUser, Traits};
use crate::domain::finding::Finding;
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::TeamsUserId;
use crate::domain::roll::{Entry, Noted, Roll};
use crate::domain::sync_log::{Counts, Line};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::Token;
use crate::io::store::leases::Lease;
use crate::io::store::manifest::Directory;
use crate::plan::{discover, preflight};
use std::collections::{BTreeMap, BTreeSet};

/// Changed users held in memory; more are put aside in the table.
const CHANGED_AT_ONCE: usize = 2_000;
/// Users deleted or moved aside at a time.
const SOME: usize = 1_000;

/// What a read of the directory found and changed.
#[derive(Debug, Default)]
pub struct Discovered {
    /// For the log, in order.
    pub lines: Vec<Line>,
    /// What stands in the way; where there is something, nothing was changed.
    pub findings: Vec<Finding>,
    /// The figures.
    pub counts: Counts,
    /// Users written.
    pub written: u64,
    /// Users that were as before.
    pub unchanged: u64,
    /// Users that are gone.
    pub removed: u64,
}

/// Reads the directory through the filter.
///
/// # Errors
/// Whatever keeps Microsoft from answering in full; what was visible before stays visible then.
pub async fn discover(io: &Io, lease: &Lease, token: &Token, filter: &GroupFilter) -> Result<Discovered> {
    let enterprise = &lease.enterprise;
    let committed = io.store.directory(enterprise).await?;
    let mut findings = Vec::new();
    let members = match members(io, token, filter, &mut findings).await? {
        Some(members) => members,
        None => {
            return Ok(Discovered {
                findings,
                ..Discovered::default()
            });
        }
    };
    let mut roll = io.store.roll(enterprise, &committed).await?;
    if committed.broken_off() {
        io.store.tidy_directory(enterprise, &committed, &roll).await?;
        roll.distrust();
    }
    io.store.begin_directory(lease, &committed).await?;
    let mut work = Work::new(io, lease, &committed, roll);
    match read_users(&mut work, token, members.as_ref()).await {
        Ok(enabled) => {
            let line = match (filter, members) {
                (GroupFilter::Groups(groups), Some(_)) => {
                    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
                    Some(Line::GroupFilter {
                        groups: names.join(", "),
                        included: work.figures().0.total,
                        of: enabled,
                    })
                }
                _ => None,
            };
            work.finish(filter, line).await
        }
        Err(error) => Err(work.fail(error).await),
    }
}

async fn read_users(work: &mut Work<'_>, token: &Token, members: Option<&BTreeSet<[u8; 16]>>) -> Result<u64> {
    let mut enabled = 0;
    let mut pages = work.io.graph.users(token);
    while let Some(mut page) = pages.next().await? {
        enabled += page.iter().filter(|user| !user.guest).count() as u64;
        page.retain(|user| members.is_none_or(|members| members.contains(&user.id.bytes())));
        work.take(page).await?;
    }
    Ok(enabled)
}

fn lines(counts: Counts, stored: [u64; 3], filtered: Option<Line>) -> Vec<Line> {
    let [written, unchanged, removed] = stored;
    let figures = [
        Line::EnabledUsers(counts),
        Line::Found(counts),
        Line::Stored {
            written,
            unchanged,
            removed,
        },
    ];
    filtered.into_iter().chain(figures).collect()
}

/// The ids of everybody in the chosen groups, inside; inside none where everybody counts. A group that is empty or gone
/// stops the read with a finding (R087): it must never look like "nobody".
async fn members(
    io: &Io,
    token: &Token,
    filter: &GroupFilter,
    findings: &mut Vec<Finding>,
) -> Result<Option<Option<BTreeSet<[u8; 16]>>>> {
    let groups = match filter {
        GroupFilter::Undecided => return Err(Error::Conflict("nobody has chosen whose users are synchronised".into())),
        GroupFilter::Everyone => return Ok(Some(None)),
        GroupFilter::Groups(groups) => groups,
    };
    let mut members = BTreeSet::new();
    for group in groups {
        let mut count = None;
        if let Some(mut pages) = io.graph.group_members(token, &group.id).await? {
            let mut seen = 0;
            while let Some(page) = pages.next().await? {
                seen += page.len() as u64;
                members.extend(page.iter().map(TeamsUserId::bytes));
            }
            count = Some(seen);
        }
        findings.extend(preflight::group(&group.name, count));
    }
    Ok(findings.is_empty().then_some(Some(members)))
}

/// A read under way.
struct Work<'a> {
    io: &'a Io,
    lease: &'a Lease,
    committed: &'a Directory,
    roll: Roll,
    /// Users who are visible now change only after the last page has come.
    changed: BTreeMap<[u8; 16], TeamsUser>,
    /// Some of them are put aside.
    aside: bool,
}

impl<'a> Work<'a> {
    fn new(io: &'a Io, lease: &'a Lease, committed: &'a Directory, roll: Roll) -> Self {
        Self {
            io,
            lease,
            committed,
            roll,
            changed: BTreeMap::new(),
            aside: false,
        }
    }

    /// The figures, and guests.
    fn figures(&self) -> (Counts, u64) {
        let (mut counts, mut guests) = (Counts::default(), 0);
        for entry in self.roll.here() {
            discover::count(&mut counts, entry.traits);
            guests += u64::from(entry.traits.has(Traits::GUEST));
        }
        (counts, guests)
    }

    /// Takes a page in. Whoever is new is written at once, for nobody to see yet.
    async fn take(&mut self, page: Vec<TeamsUser>) -> Result<()> {
        let (io, lease) = (self.io, self.lease);
        io.store.renew(lease, io.clock.now()).await?;
        let mut fresh = BTreeMap::new();
        for user in page {
            let entry = Entry::of(&user);
            match self.roll.note(entry) {
                Noted::Same | Noted::Again => {}
                Noted::Changed => {
                    self.changed.insert(entry.id, user);
                }
                Noted::Fresh(was) => {
                    // What is stored of them already is what counts, also if the page has them twice.
                    let (_, was) = fresh.remove(&entry.id).unwrap_or((user.clone(), was));
                    fresh.insert(entry.id, (user, was));
                }
            }
        }
        let fresh: Vec<_> = fresh.into_values().collect();
        io.store
            .put_teams_users(&lease.enterprise, &fresh, lease.fence())
            .await?;
        if self.changed.len() > CHANGED_AT_ONCE {
            let aside = std::mem::take(&mut self.changed);
            io.store
                .set_aside_teams_users(&lease.enterprise, aside.values(), lease.fence())
                .await?;
            self.aside = true;
        }
        Ok(())
    }

    /// Shows what was read.
    async fn finish(mut self, filter: &GroupFilter, filtered: Option<Line>) -> Result<Discovered> {
        let (io, lease, enterprise) = (self.io, self.lease, &self.lease.enterprise);
        let now = io.clock.now();
        let shown = self.committed.generation;
        if self.aside {
            io.store.show_set_aside(enterprise, &self.roll, shown).await?;
        }
        let changed: Vec<(TeamsUser, Option<Traits>)> = std::mem::take(&mut self.changed)
            .into_iter()
            .filter_map(|(id, user)| Some((user, Some(self.roll.changed_from(&id)?))))
            .collect();
        io.store.put_teams_users(enterprise, &changed, shown).await?;
        let (counts, guests) = self.figures();
        let next = Directory {
            generation: lease.fence(),
            read_at: Some(now),
            full_at: Some(now),
            counts,
            guests,
            filter: filter.key(),
            ..Directory::default()
        };
        let committed = io
            .store
            .commit_directory(lease, self.committed, next, &self.roll)
            .await?;
        let gone: Vec<(TeamsUserId, Traits)> = self.roll.gone().map(named).collect();
        for some in gone.chunks(SOME) {
            io.store.renew(lease, io.clock.now()).await?;
            io.store.leave_teams_users(enterprise, some, now).await?;
        }
        let withdrawn = self.roll.withdrawn().map(|entry| named((entry.id, entry.traits)));
        io.store
            .drop_teams_users(enterprise, &withdrawn.collect::<Vec<_>>())
            .await?;
        io.store.end_directory(lease, &committed).await?;
        let written = self.roll.altered().count() as u64;
        let (unchanged, removed) = (self.roll.here().count() as u64 - written, gone.len() as u64);
        Ok(Discovered {
            lines: lines(counts, [written, unchanged, removed], filtered),
            findings: Vec::new(),
            counts,
            written,
            unchanged,
            removed,
        })
    }

    /// Takes away what was written for nobody to see.
    async fn undo(self) -> Result<()> {
        let (io, lease) = (self.io, self.lease);
        let fresh: Vec<(TeamsUserId, Traits)> =
            self.roll.fresh().map(|entry| named((entry.id, entry.traits))).collect();
        for some in fresh.chunks(SOME) {
            io.store.drop_teams_users(&lease.enterprise, some).await?;
        }
        // What an earlier read has left behind stays noted, and so does what is put aside.
        if self.committed.broken_off() || self.aside {
            return Ok(());
        }
        io.store.end_directory(lease, self.committed).await
    }

    /// The same after a failure; if even that fails, it stays invisible.
    async fn fail(self, error: Error) -> Error {
        let enterprise = self.lease.enterprise.clone();
        if let Err(second) = self.undo().await {
            tracing::warn!(enterprise.id = %enterprise, error.message = %second, "unseen users were left behind");
        }
        error
    }
}

fn named((id, traits): ([u8; 16], Traits)) -> (TeamsUserId, Traits) {
    (TeamsUserId::from_bytes(id), traits)
}
