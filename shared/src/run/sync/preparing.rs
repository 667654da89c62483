//! The third stage: the calling domains are made ready, and the tenant's own voice objects put in place.

use super::Next;
use super::applying::planned;
use super::ending::end;
use super::record::log;
use crate::domain::brand::Brand;
use crate::domain::enterprise::Enterprise;
use crate::domain::run::{Run, RunState};
use crate::domain::sync_log::Line;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::io::tenant_config::Configured;
use crate::plan::duration;
use crate::run::activation::{Domains, Ready};
use crate::run::session::Session;
use crate::run::{apply, prepare, session};
use std::ops::ControlFlow;

pub(super) async fn preparing(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let kept = io.store.enterprise(&lease.enterprise).await?;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    // What goes is taken away at the end, when nobody has it any more.
    if !kept.standing.leaving()
        && let ControlFlow::Break(next) = put_in_place(io, lease, run, &kept, &brand, &session).await?
    {
        return Ok(Some(next));
    }
    let mut lines = Vec::new();
    let left = apply::left(io, &lease.enterprise, &run.id).await?;
    if let Some(warning) = duration::too_short(&left.work, io.clock.now(), session.stop_by()) {
        lines.push(Line::Obstacle(warning.clone()));
        run.findings.push(warning);
    }
    run.state = RunState::Applying;
    log(io, lease, run, lines).await?;
    Ok(None)
}

/// Makes the calling domains ready and puts the tenant's objects in place; breaks with what happens to the run where Teams
/// does not let a route lead to the domains yet, or something else stands in the way.
async fn put_in_place(
    io: &Io,
    lease: &Lease,
    run: &mut Run,
    kept: &Enterprise,
    brand: &Brand,
    session: &Session,
) -> Result<ControlFlow<Next>> {
    let plan = planned(io, lease, run).await?;
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
        let prepared = prepare::tenant_objects(io, lease, kept, brand, session, &plan.objects, untried).await?;
        let lines = object_lines(run, prepared.results);
        if !lines.is_empty() {
            log(io, lease, run, lines).await?;
        }
        if prepared.refused.is_some_and(|error| domains.refused(&error)) {
            continue;
        }
        if !prepared.findings.is_empty() {
            return end(io, lease, run, prepared.findings).await.map(ControlFlow::Break);
        }
        let proven = domains.proven().await;
        told(io, lease, run, &mut domains).await?;
        return proven.map(|()| ControlFlow::Continue(()));
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
