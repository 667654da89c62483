//! Reads the directory through the filter and keeps who is inside. Nothing of it counts before everything was read.
//!
//! Everybody is read in ranges side by side, and then once more what changed meanwhile; later reads follow only what
//! changed, as long as Microsoft remembers where we stopped. Members of chosen groups are read with their fields, so
//! that nothing is ever read of anybody else.

use crate::domain::directory::{TeamsUser, Traits};
use crate::domain::finding::Finding;
use crate::domain::group_filter::{ChosenGroup, GroupFilter};
use crate::domain::ids::TeamsUserId;
use crate::domain::roll::{Noted, Roll};
use crate::domain::sync_log::{Counts, Line};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::gate::Gate;
use crate::io::graph::{Changes, ChangesLink, Members, Range, Token, UserChange, ranges};
use crate::io::store::leases::Lease;
use crate::io::store::manifest::{Directory, roll_entry};
use crate::plan::{discover, preflight};
use futures::channel::mpsc;
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{SinkExt, TryFutureExt};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Everybody is read at least this often, whatever Microsoft remembers; it remembers for seven days.
const FULL_EVERY: SignedDuration = SignedDuration::from_hours(6 * 24);
/// Changed users held in memory; more are put aside in the table.
const CHANGED_AT_ONCE: usize = 2_000;
/// Pages that wait for being taken in.
const PAGES_WAITING: usize = 2;
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

/// Reads the directory through the filter: what changed, where that is enough, or all of it.
///
/// # Errors
/// Whatever keeps Microsoft from answering in full; what was visible before stays visible then.
pub async fn discover(io: &Io, lease: &Lease, token: &Token, filter: &GroupFilter) -> Result<Discovered> {
    let committed = io.store.directory(&lease.enterprise).await?;
    if let Some(link) = link_to_follow(io, &committed, filter)
        && let Some(found) = follow(io, lease, token, filter, &committed, link).await?
    {
        return Ok(found);
    }
    read_all(io, lease, token, filter, &committed).await
}

/// Where a read of changes can begin: only where everybody counts, and what is kept can be relied on.
fn link_to_follow(io: &Io, committed: &Directory, filter: &GroupFilter) -> Option<ChangesLink> {
    let recent = committed
        .full_at
        .is_some_and(|at| at.duration_until(io.clock.now()) < FULL_EVERY);
    let fits = committed.in_present_form() && !committed.broken_off() && committed.filter == filter.key();
    let follows = recent && fits && *filter == GroupFilter::Everyone;
    committed.link.clone().filter(|_| follows)
}

/// Takes in what changed since the last read; `None` where everybody has to be read anew.
async fn follow(
    io: &Io,
    lease: &Lease,
    token: &Token,
    filter: &GroupFilter,
    committed: &Directory,
    link: ChangesLink,
) -> Result<Option<Discovered>> {
    let mut changes = io.graph.changes(token, &link);
    let mut work: Option<Work<'_>> = None;
    let taken = async {
        let link = loop {
            let page = match changes.next().await? {
                Changes::Page(page) => page,
                Changes::End(link) => break link,
                Changes::StartOver => return Ok(None),
            };
            if page.is_empty() {
                continue;
            }
            let work = match &mut work {
                Some(work) => work,
                none => {
                    let mut roll = io.store.roll(&lease.enterprise, committed).await?;
                    roll.keep_the_rest();
                    io.store.begin_directory(lease, committed).await?;
                    none.insert(Work::new(io, lease, committed, roll))
                }
            };
            work.take_changes(page).await?;
        };
        let (counts, guests) = work
            .as_ref()
            .map_or((committed.counts, committed.guests), Work::figures);
        // Whatever was missed shows in the number of accounts.
        let complete = io.graph.count_users(token).await? == counts.total + guests;
        Ok(complete.then_some(link))
    }
    .await;
    match (taken, work) {
        (Ok(Some(link)), Some(work)) => work.finish(filter, Some(link), committed.full_at, None).await.map(Some),
        (Ok(Some(link)), None) => {
            let next = Directory {
                read_at: Some(io.clock.now()),
                link: Some(link),
                ..committed.clone()
            };
            io.store.end_directory(lease, &next).await?;
            Ok(Some(as_before(committed)))
        }
        (Ok(None), Some(work)) => work.undo().await.map(|()| None),
        (Ok(None), None) => Ok(None),
        (Err(error), Some(work)) => Err(work.fail(error).await),
        (Err(error), None) => Err(error),
    }
}

fn as_before(committed: &Directory) -> Discovered {
    let kept = committed.counts.total + committed.guests;
    Discovered {
        lines: lines(committed.counts, [0, kept, 0], None),
        counts: committed.counts,
        unchanged: kept,
        ..Discovered::default()
    }
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

async fn read_all(
    io: &Io,
    lease: &Lease,
    token: &Token,
    filter: &GroupFilter,
    committed: &Directory,
) -> Result<Discovered> {
    let enterprise = &lease.enterprise;
    let mut roll = io.store.roll(enterprise, committed).await?;
    if committed.broken_off() {
        io.store.tidy_directory(enterprise, committed, &roll).await?;
        roll.distrust();
    }
    io.store.begin_directory(lease, committed).await?;
    let mut work = Work::new(io, lease, committed, roll);
    let read = match filter {
        GroupFilter::Undecided => Err(Error::Conflict("nobody has chosen whose users are synchronised".into())),
        GroupFilter::Everyone => everyone(&mut work, token).await.map(|link| (Some(link), None)),
        GroupFilter::Groups(groups) => match in_groups(&mut work, token, groups).await {
            Ok((line, findings)) if findings.is_empty() => Ok((None, Some(line))),
            Ok((line, findings)) => {
                let counts = work.figures().0;
                work.undo().await?;
                return Ok(Discovered {
                    lines: vec![line, Line::EnabledUsers(counts), Line::Found(counts)],
                    findings,
                    ..Discovered::default()
                });
            }
            Err(error) => Err(error),
        },
    };
    match read {
        Ok((link, line)) => work.finish(filter, link, Some(io.clock.now()), line).await,
        Err(error) => Err(work.fail(error).await),
    }
}

/// Reads everybody, and then what changed while it went on. Where the next read of changes begins.
async fn everyone(work: &mut Work<'_>, token: &Token) -> Result<ChangesLink> {
    let io = work.io;
    let mut link = io.graph.changes_from_now(token).await?;
    for _ in 0..2 {
        let ranges = ranges(io.graph.count_users(token).await?);
        in_ranges(work, token, &ranges).await?;
        let mut changes = io.graph.changes(token, &link);
        link = loop {
            match changes.next().await? {
                Changes::Page(page) => work.take_changes(page).await?,
                Changes::End(link) => break link,
                Changes::StartOver => return Err(Error::upstream("read the users", "their changes were forgotten")),
            }
        };
        // Pages that leave somebody out in silence are found here; a second look fills the gap.
        let (counts, guests) = work.figures();
        if counts.total + guests >= io.graph.count_users(token).await? {
            return Ok(link);
        }
    }
    Err(Error::upstream("read the users", "fewer came than there are"))
}

/// Reads ranges side by side; their pages are taken in one after another.
async fn in_ranges(work: &mut Work<'_>, token: &Token, ranges: &[Range]) -> Result<()> {
    let gate = Gate::default();
    let graph = &work.io.graph;
    let (mut pass, mut passed) = mpsc::channel::<Vec<TeamsUser>>(PAGES_WAITING);
    let reading = async {
        let mut reads: FuturesUnordered<_> = ranges
            .iter()
            .map(|range| {
                let (mut pages, mut pass) = (graph.users(token, range, &gate), pass.clone());
                async move {
                    while let Some(page) = pages.next().await? {
                        let stopped = |_| Error::upstream("read the users", "nobody takes the pages");
                        pass.send(page).map_err(stopped).await?;
                    }
                    Ok::<_, Error>(())
                }
            })
            .collect();
        pass.disconnect();
        while let Some(read) = reads.next().await {
            read?;
        }
        Ok::<_, Error>(())
    };
    let taking = async {
        while let Some(page) = passed.next().await {
            work.take(page).await?;
        }
        Ok(())
    };
    futures::try_join!(reading, taking).map(drop)
}

/// Reads the members of the chosen groups; the line of the log about them, and what stands in the way.
async fn in_groups(work: &mut Work<'_>, token: &Token, groups: &[ChosenGroup]) -> Result<(Line, Vec<Finding>)> {
    let findings = members(work, token, groups).await?;
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let line = Line::GroupFilter {
        groups: names.join(", "),
        included: work.figures().0.total,
        of: work.io.graph.count_members(token).await?,
    };
    Ok((line, findings))
}

/// Reads the members of the chosen groups, also through groups in them. A group that is empty or gone stops the read
/// with a finding (R087): it must never look like "nobody".
async fn members(work: &mut Work<'_>, token: &Token, groups: &[ChosenGroup]) -> Result<Vec<Finding>> {
    let gate = Gate::default();
    let mut findings = Vec::new();
    for group in groups {
        let mut pages = match work.io.graph.group_members(token, &group.id, &gate).await? {
            Members::Listed(pages) => pages,
            Members::Gone => {
                findings.extend(preflight::group(&group.name, None));
                continue;
            }
            Members::Hidden => {
                findings.push(preflight::hidden(&group.name));
                continue;
            }
        };
        let mut seen = 0;
        while let Some(page) = pages.next().await? {
            seen += page.len() as u64;
            work.take(page).await?;
        }
        findings.extend(preflight::group(&group.name, Some(seen)));
    }
    Ok(findings)
}

/// A read under way.
struct Work<'a> {
    io: &'a Io,
    lease: &'a Lease,
    committed: &'a Directory,
    /// Its number.
    generation: u64,
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
            generation: committed.next_generation(lease),
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
            let entry = roll_entry(&user);
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
            .put_teams_users(&lease.enterprise, &fresh, self.generation)
            .await?;
        if self.changed.len() > CHANGED_AT_ONCE {
            let aside: Vec<TeamsUser> = std::mem::take(&mut self.changed).into_values().collect();
            io.store
                .set_aside_teams_users(&lease.enterprise, &aside, self.generation)
                .await?;
            self.aside = true;
        }
        Ok(())
    }

    /// Takes changes in, in their order; the same one again does no harm.
    async fn take_changes(&mut self, page: Vec<UserChange>) -> Result<()> {
        // The last word on everybody in the page.
        let mut last: BTreeMap<TeamsUserId, Option<TeamsUser>> = BTreeMap::new();
        for change in page {
            match change {
                UserChange::Here(user) => last.insert(user.id.clone(), Some(user)),
                UserChange::Gone(id) => last.insert(id, None),
            };
        }
        for (id, _) in last.iter().filter(|(_, user)| user.is_none()) {
            self.roll.forget(&id.bytes());
            self.changed.remove(&id.bytes());
        }
        self.take(last.into_values().flatten().collect()).await
    }

    /// Shows what was read.
    async fn finish(
        mut self,
        filter: &GroupFilter,
        link: Option<ChangesLink>,
        full_at: Option<Timestamp>,
        filtered: Option<Line>,
    ) -> Result<Discovered> {
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
            generation: self.generation,
            read_at: Some(now),
            full_at,
            counts,
            guests,
            link,
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
