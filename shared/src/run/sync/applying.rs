//! The last stage: the plan's changes are made and proven.

use super::Next;
use super::ending::end;
use super::preparing::object_lines;
use super::record::log;
use crate::domain::run::{Authority, Run, RunState, Step, StepState, Tally};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::run::plans::StoredPlan;
use crate::run::{apply, diagnosis, prepare, session};
use jiff::Timestamp;

/// The plan that the run executes, and how far it is.
pub(super) async fn planned(io: &Io, lease: &Lease, run: &Run) -> Result<(StoredPlan, Vec<Step>)> {
    let Some(plan) = io.store.run_plan::<StoredPlan>(&lease.enterprise, &run.id).await? else {
        return Err(Error::upstream("apply a plan", "the run has none"));
    };
    Ok((plan, io.store.steps(&lease.enterprise, &run.id).await?))
}

pub(super) async fn applying(
    io: &Io,
    lease: &Lease,
    run: &mut Run,
    resumed: bool,
    until: Timestamp,
) -> Result<Option<Next>> {
    let enterprise = &lease.enterprise;
    let (plan, steps) = planned(io, lease, run).await?;
    let session = session::open(io, enterprise, &run.id).await?;
    let until = until.min(session.stop_by());
    let progress = apply::apply(io, lease, run, &plan, steps, &session, resumed, until).await?;
    let steps = io.store.steps(enterprise, &run.id).await?;
    run.tally = Tally::of(&plan.changes, &steps);
    let state = if progress.verifying {
        RunState::Verifying
    } else {
        RunState::Applying
    };
    if run.state != state || !progress.lines.is_empty() || run.debug {
        run.state = state;
        log(io, lease, run, progress.lines).await?;
    }
    if !progress.ended && io.clock.now() >= session.stop_by() {
        return Err(Error::TokenExpired);
    }
    if let Some(seconds) = progress.wait {
        return Ok(Some(Next::Wait { seconds }));
    }
    if !progress.ended {
        return Ok(Some(Next::Continue { seconds: 0 }));
    }
    apply::settle(io, lease, &plan, &steps).await?;
    let mut findings = plan.conflicts.clone();
    findings.extend(steps.iter().zip(&plan.changes).filter_map(|(step, change)| {
        let why = match &step.state {
            StepState::Failed { why } | StepState::Skipped { why } => why,
            StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. } | StepState::Applied => {
                return None;
            }
        };
        Some(apply::finding(&plan, change, why))
    }));
    let troubles = diagnosis::troubles(&run.id, plan.notes.iter().chain(&findings), io.clock.now());
    io.store.put_troubles(enterprise, &troubles).await?;
    let kept = io.store.enterprise(enterprise).await?;
    // What nobody needs any more goes when everybody has what replaces it; a person's sync takes it away.
    let attended = run.authority != Authority::Unattended;
    if attended && findings.is_empty() && plan.objects.iter().any(|change| !change.puts()) {
        let brand = io.store.reseller(&kept.reseller).await?.brand;
        let removed = prepare::take_away(io, lease, &kept, &brand, &session).await?;
        let lines = object_lines(run, removed.results);
        log(io, lease, run, lines).await?;
        findings.extend(removed.findings);
    }
    end(io, lease, run, findings).await.map(Some)
}
