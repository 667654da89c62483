//! Reads the directory and keeps who can be mapped. Nothing is visible before everything was read.

use crate::domain::directory::TeamsUser;
use crate::domain::finding::Finding;
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::TeamsUserId;
use crate::domain::sync_log::{Counts, Line};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::gate::Gate;
use crate::io::graph::{Members, Range, Token};
use crate::io::store::directory::{Digests, digest};
use crate::io::store::leases::Lease;
use crate::plan::{discover, preflight};
use std::collections::BTreeSet;

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

/// Reads the whole directory through the filter. One page is in memory at a time, and 24 bytes a kept user.
///
/// # Errors
/// Whatever keeps Microsoft from answering in full; what was visible before stays visible then.
pub async fn discover(io: &Io, lease: &Lease, token: &Token, filter: &GroupFilter) -> Result<Discovered> {
    let enterprise = &lease.enterprise;
    let mut found = Discovered::default();
    let members = match members(io, token, filter, &mut found).await? {
        Ok(members) => members,
        Err(()) => return Ok(found),
    };
    let before = io.store.manifest(enterprise).await?;
    let mut work = Work {
        after: Digests::new(),
        fresh: Vec::new(),
        enabled: 0,
    };
    let read = read_users(io, lease, token, members.as_ref(), &before, &mut work, &mut found).await;
    if let Err(error) = read {
        // What was written for nobody to see is taken away again; if even that fails, it stays invisible.
        let fresh: Vec<TeamsUserId> = work.fresh.iter().map(|id| TeamsUserId::from_bytes(*id)).collect();
        if let Err(second) = io.store.delete_teams_users(enterprise, &fresh).await {
            tracing::warn!(enterprise.id = %enterprise, error.message = %second, "unseen users were left behind");
        }
        return Err(error);
    }
    // Whoever has taken the lease over reads the directory anew; this one must not be shown any more.
    io.store.renew(lease, io.clock.now()).await?;
    io.store.put_manifest(enterprise, &before, &work.after).await?;
    let gone: Vec<TeamsUserId> = before
        .keys()
        .filter(|id| !work.after.contains_key(*id))
        .map(|id| TeamsUserId::from_bytes(*id))
        .collect();
    io.store.delete_teams_users(enterprise, &gone).await?;
    found.removed = gone.len() as u64;
    if let (GroupFilter::Groups(groups), Some(_)) = (filter, &members) {
        let groups = groups
            .iter()
            .map(|group| group.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        found.lines.push(Line::GroupFilter {
            groups,
            included: found.counts.total,
            of: work.enabled,
        });
    }
    found.lines.push(Line::EnabledUsers(found.counts));
    found.lines.push(Line::Found(found.counts));
    found.lines.push(Line::Stored {
        written: found.written,
        unchanged: found.unchanged,
        removed: found.removed,
    });
    Ok(found)
}

struct Work {
    /// Digests of everybody who is kept.
    after: Digests,
    /// Users written who were not there before.
    fresh: Vec<[u8; 16]>,
    /// Enabled members of the tenant, inside the filter or not.
    enabled: u64,
}

async fn read_users(
    io: &Io,
    lease: &Lease,
    token: &Token,
    members: Option<&BTreeSet<[u8; 16]>>,
    before: &Digests,
    work: &mut Work,
    found: &mut Discovered,
) -> Result<()> {
    let gate = Gate::default();
    let mut pages = io.graph.users(token, &Range::ALL, &gate);
    let mut changed: Vec<TeamsUser> = Vec::new();
    while let Some(page) = pages.next().await? {
        io.store.renew(lease, io.clock.now()).await?;
        let mut fresh = Vec::new();
        for user in page {
            work.enabled += u64::from(!user.guest);
            let id = user.id.bytes();
            if members.is_some_and(|members| !members.contains(&id)) {
                continue;
            }
            discover::count(&mut found.counts, &user);
            if discover::ineligible(&user).is_some() {
                continue;
            }
            let kept = discover::kept(user);
            let digest = digest(&kept);
            work.after.insert(id, digest);
            match before.get(&id) {
                Some(known) if *known == digest => found.unchanged += 1,
                Some(_) => changed.push(kept),
                None => {
                    work.fresh.push(id);
                    fresh.push(kept);
                }
            }
        }
        found.written += fresh.len() as u64;
        io.store.put_teams_users(&lease.enterprise, &fresh).await?;
    }
    // Users who are visible now change only after the last page has come.
    found.written += changed.len() as u64;
    io.store.put_teams_users(&lease.enterprise, &changed).await
}

/// The ids of everybody in the chosen groups; `None` where everybody counts. A group that is empty or gone stops the
/// read with a finding (R087): it must never look like "nobody".
async fn members(
    io: &Io,
    token: &Token,
    filter: &GroupFilter,
    found: &mut Discovered,
) -> Result<std::result::Result<Option<BTreeSet<[u8; 16]>>, ()>> {
    let groups = match filter {
        GroupFilter::Undecided => return Err(Error::Conflict("nobody has chosen whose users are synchronised".into())),
        GroupFilter::Everyone => return Ok(Ok(None)),
        GroupFilter::Groups(groups) => groups,
    };
    let mut members = BTreeSet::new();
    for group in groups {
        let mut count = None;
        let gate = Gate::default();
        if let Members::Listed(mut pages) = io.graph.group_members(token, &group.id, &gate).await? {
            let mut seen = 0;
            while let Some(page) = pages.next().await? {
                seen += page.len() as u64;
                members.extend(page.iter().map(|user| user.id.bytes()));
            }
            count = Some(seen);
        }
        found.findings.extend(preflight::group(&group.name, count));
    }
    Ok(if found.findings.is_empty() {
        Ok(Some(members))
    } else {
        Err(())
    })
}
