//! The first stage: the tenant's users and groups are read, and imported users matched.

use super::Next;
use super::ending::{end, not_served};
use super::record::{log, news, write};
use crate::domain::audit::{Changed, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::run::{Run, RunKind, RunState};
use crate::domain::schedule;
use crate::domain::sync_log::Line;
use crate::domain::sync_status::SyncStatus;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::plan::preflight;
use crate::run::discover::Discovered;
use crate::run::{discover, group_filter, matching, remove, session, unattended};

pub(super) async fn discovering(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let kept = io.store.enterprise(&lease.enterprise).await?;
    if let Err(why) = kept.standing.may_sync() {
        return end(io, lease, run, vec![not_served(why)]).await.map(Some);
    }
    unattended::in_bounds(io, &kept, run).await?;
    if run.started.is_none() {
        run.started = Some(io.clock.now());
    }
    if kept.standing.leaving() && run.kind.applies() {
        // What is ours is taken back, whoever is in which group by now: there is nothing to read for it.
        remove::begin_final_sync(io, kept, &run.id, io.clock.now()).await?;
        run.state = RunState::Planning;
        log(io, lease, run, Vec::new()).await?;
        return Ok(None);
    }
    if !run.kind.reads() {
        return as_read_before(io, lease, run, &kept).await;
    }
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    // The groups are read along, so that the choice on offer is as fresh as the directory; first, because a group that is
    // empty or gone stops the read, and shows there.
    group_filter::refresh(io, &session.graph, &kept).await?;
    let found = discover::discover(io, lease, &session.graph, &kept.group_filter).await?;
    if !found.findings.is_empty() {
        // What was counted says why (R214).
        log(io, lease, run, found.lines).await?;
        return end(io, lease, run, found.findings).await.map(Some);
    }
    let now = io.clock.now();
    io.store
        .edit_sync_status(&kept, |status| SyncStatus {
            discovered: Some(now),
            ..status
        })
        .await?;
    run.state = RunState::Planning;
    let read = news(io, run, Deed::DirectoryRead, figures(&found));
    let mut lines = found.lines;
    lines.extend(matching::match_imported(io, &kept, &run.id).await?);
    write(io, lease, run, lines, Some(&read)).await?;
    if run.kind == RunKind::Discover {
        return end(io, lease, run, Vec::new()).await.map(Some);
    }
    Ok(None)
}

/// An apply-only run rests on the last read that was whole. A read that ended half-way has taken nobody away from it.
async fn as_read_before(io: &Io, lease: &Lease, run: &mut Run, kept: &Enterprise) -> Result<Option<Next>> {
    let now = io.clock.now();
    let read = io.store.sync_status(&kept.id).await?.discovered;
    let Some(at) = read else {
        let brand = io.store.reseller(&kept.reseller).await?.brand;
        let zone = schedule::zone(&kept.settings.time_zone)?;
        let moment = preflight::Moment { now, zone: &zone };
        let admin = kept.global_admin.display_name();
        let never = preflight::first_sync(None, None, admin, &brand.provider_contact, moment);
        return end(io, lease, run, never.into_iter().collect()).await.map(Some);
    };
    run.state = RunState::Planning;
    let age = now.duration_since(at);
    log(io, lease, run, vec![Line::LastRead { at, age }]).await?;
    Ok(None)
}

fn figures(found: &Discovered) -> Vec<Changed> {
    let counts = found.counts;
    let figures = [
        ("total", counts.total),
        ("licensed", counts.licensed),
        ("phoneSystem", counts.phone_system),
        ("excludedByCallingPlan", counts.excluded_by_calling_plan),
        ("resource", counts.resource),
        ("written", found.written),
        ("removed", found.removed),
    ];
    let figure = |(name, count): (&str, u64)| changed(name, None, Some(count.to_string()));
    figures.into_iter().filter_map(figure).collect()
}
