//! The third stage: the tenant's own voice objects are put in place.

use super::Next;
use super::applying::planned;
use super::ending::end;
use super::record::log;
use crate::domain::run::{Authority, Run, RunState};
use crate::domain::sync_log::Line;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::io::tenant_config::Configured;
use crate::plan::duration;
use crate::run::{apply, prepare, session, unattended};

pub(super) async fn preparing(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let kept = io.store.enterprise(&lease.enterprise).await?;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    unattended::in_bounds(io, &kept, run).await?;
    let configured = if run.authority == Authority::Unattended {
        let (plan, steps) = planned(io, lease, run).await?;
        let missing = unattended::missing_policies(io, &session.graph, &plan, &steps).await?;
        if !missing.is_empty() {
            return end(io, lease, run, missing).await.map(Some);
        }
        // Objects of the tenant are a person's to change.
        Vec::new()
    } else if kept.standing.leaving() {
        // They are taken away at the end, when nobody has them any more.
        Vec::new()
    } else {
        prepare::tenant_objects(io, &kept, &brand, &session).await?
    };
    let mut lines = object_lines(run, configured);
    let (plan, steps) = planned(io, lease, run).await?;
    let left = apply::left(&plan, &steps);
    if let Some(warning) = duration::too_short(left, io.clock.now(), session.stop_by()) {
        lines.push(Line::Obstacle(warning.clone()));
        run.findings.push(warning);
    }
    run.state = RunState::Applying;
    log(io, lease, run, lines).await?;
    Ok(None)
}

pub(super) fn object_lines(run: &Run, configured: Vec<Configured>) -> Vec<Line> {
    let shown = configured
        .into_iter()
        .filter(|object| run.debug || object.action != "unchanged");
    shown
        .map(|object| Line::TenantObject {
            what: format!("{} {}", object.kind, object.name),
            action: object.action,
        })
        .collect()
}
