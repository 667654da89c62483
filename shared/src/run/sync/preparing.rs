//! The third stage: the calling domains are made ready, and the tenant's own voice objects put in place.

use super::Next;
use super::applying::planned;
use super::ending::end;
use super::record::log;
use crate::domain::brand::Brand;
use crate::domain::enterprise::Enterprise;
use crate::domain::run::{Authority, Run, RunState};
use crate::domain::sync_log::Line;
use crate::domain::tenant_object::ObjectChange;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::io::tenant_config::Configured;
use crate::plan::duration;
use crate::run::activation::{Domains, Ready};
use crate::run::session::Session;
use crate::run::{apply, prepare, session, unattended};
use std::ops::ControlFlow;

pub(super) async fn preparing(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let kept = io.store.enterprise(&lease.enterprise).await?;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    let plan = planned(io, lease, run).await?;
    unattended::in_bounds(io, &kept, run).await?;
    let mut lines = if kept.standing.leaving() {
        // What goes is taken away at the end, when nobody has it any more.
        Vec::new()
    } else if run.authority == Authority::Unattended {
        // Domains and objects of the tenant are a person's to change.
        let missing = unattended::missing_objects(io, &session.graph, &kept, &plan).await?;
        if !missing.is_empty() {
            return end(io, lease, run, missing).await.map(Some);
        }
        Vec::new()
    } else {
        match put_in_place(io, lease, run, &kept, &brand, &session, &plan.objects).await? {
            ControlFlow::Continue(lines) => lines,
            ControlFlow::Break(next) => return Ok(Some(next)),
        }
    };
    let left = apply::left(io, &lease.enterprise, &run.id).await?;
    if let Some(warning) = duration::too_short(&left.work, io.clock.now(), session.stop_by()) {
        lines.push(Line::Obstacle(warning.clone()));
        run.findings.push(warning);
    }
    run.state = RunState::Applying;
    log(io, lease, run, lines).await?;
    Ok(None)
}

/// The tenant's objects, once Teams lets a route lead to the calling domains: what is to be logged of them, or what happens
/// to the run until then.
async fn put_in_place(
    io: &Io,
    lease: &Lease,
    run: &mut Run,
    kept: &Enterprise,
    brand: &Brand,
    session: &Session,
    planned: &[ObjectChange],
) -> Result<ControlFlow<Next, Vec<Line>>> {
    let mut domains = Domains::gather(io, lease, kept, session).await?;
    loop {
        let ready = domains.ready().await;
        // What was done is told, whatever comes of it.
        told(io, lease, run, &mut domains).await?;
        match ready? {
            Ready::Yes => {}
            Ready::After(seconds) => return Ok(ControlFlow::Break(Next::Wait { seconds })),
            Ready::No(findings) => return end(io, lease, run, findings).await.map(ControlFlow::Break),
        }
        let untried = domains.untried();
        let prepared = prepare::tenant_objects(io, lease, kept, brand, session, planned, untried).await?;
        let lines = object_lines(run, prepared.results);
        if let Some(words) = prepared.refused {
            log(io, lease, run, lines).await?;
            domains.refused(&words);
            continue;
        }
        if !prepared.findings.is_empty() {
            log(io, lease, run, lines).await?;
            return end(io, lease, run, prepared.findings).await.map(ControlFlow::Break);
        }
        let proven = domains.proven().await;
        told(io, lease, run, &mut domains).await?;
        return proven.map(|()| ControlFlow::Continue(lines));
    }
}

async fn told(io: &Io, lease: &Lease, run: &mut Run, domains: &mut Domains<'_>) -> Result<()> {
    let lines = std::mem::take(&mut domains.lines);
    if lines.is_empty() {
        return Ok(());
    }
    log(io, lease, run, lines).await
}

pub(super) fn object_lines(run: &Run, configured: Vec<Configured>) -> Vec<Line> {
    let shown = configured
        .into_iter()
        .filter(|object| run.debug || object.action != "unchanged");
    shown
        .map(|object| Line::TenantObject {
            what: format!("{} {}", object.kind, object.name),
            action: match (object.was, object.now) {
                (Some(was), Some(now)) if run.debug && was != now => {
                    format!("{} from \"{was}\" to \"{now}\"", object.action)
                }
                (None, Some(now)) if run.debug => format!("{}, {now}", object.action),
                _ => object.action,
            },
        })
        .collect()
}
