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
use crate::run::prepare::Prepared;
use crate::run::{apply, prepare, session, unattended};

pub(super) async fn preparing(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let kept = io.store.enterprise(&lease.enterprise).await?;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    unattended::in_bounds(io, &kept, run).await?;
    let (plan, steps) = planned(io, lease, run).await?;
    // What goes is taken away at the end, when nobody has it any more.
    let prepared = if run.authority == Authority::Unattended {
        Prepared {
            results: Vec::new(),
            findings: unattended::missing_objects(io, &session.graph, &plan, &steps).await?,
        }
    } else {
        prepare::tenant_objects(io, lease, &kept, &brand, &session, &plan.objects).await?
    };
    let mut lines = object_lines(run, prepared.results);
    if !prepared.findings.is_empty() {
        log(io, lease, run, lines).await?;
        return end(io, lease, run, prepared.findings).await.map(Some);
    }
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
