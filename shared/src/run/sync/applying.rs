//! The last stage: the plan's changes are made and proven.

use super::Next;
use super::ending::end;
use super::preparing::object_lines;
use super::record::log;
use crate::domain::run::{Authority, Run, RunState};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::run::apply::{self, Round};
use crate::run::plans::StoredPlan;
use crate::run::session::Session;
use crate::run::{activation, diagnosis, prepare, session};
use jiff::Timestamp;

pub(super) async fn applying(io: &Io, lease: &Lease, run: &mut Run, until: Timestamp) -> Result<Option<Next>> {
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    let until = until.min(session.stop_by());
    let mut round = Round::open(io, lease, run, &session, until).await?;
    loop {
        let went = round.go_on().await;
        // What was done is in the log, however it went on.
        let state = match &went {
            Ok(progress) if progress.verifying => RunState::Verifying,
            Ok(_) => RunState::Applying,
            Err(_) => run.state,
        };
        let lines = round.lines();
        let stops = went
            .as_ref()
            .map_or(true, |progress| progress.ended || progress.wait.is_some());
        let now = io.clock.now();
        if stops || now >= until {
            run.tally = apply::tally(io, &lease.enterprise, &run.id).await?;
        }
        if run.state != state || !lines.is_empty() || run.debug {
            run.state = state;
            log(io, lease, run, lines).await?;
        }
        let progress = went?;
        if progress.ended {
            return ended(io, lease, run, &session).await.map(Some);
        }
        if now >= session.stop_by() {
            return Err(Error::TokenExpired);
        }
        if let Some(seconds) = progress.wait {
            return Ok(Some(Next::Wait { seconds }));
        }
        if now >= until {
            return Ok(Some(Next::Continue { seconds: 0 }));
        }
    }
}

/// The plan that the run executes.
pub(super) async fn planned(io: &Io, lease: &Lease, run: &Run) -> Result<StoredPlan> {
    let plan = io.store.run_plan::<StoredPlan>(&lease.enterprise, &run.id).await?;
    plan.ok_or_else(|| Error::upstream("apply a plan", "the run has none"))
}

/// Every change is proven, failed or skipped.
async fn ended(io: &Io, lease: &Lease, run: &mut Run, session: &Session) -> Result<Next> {
    let enterprise = &lease.enterprise;
    let plan = planned(io, lease, run).await?;
    let mut findings = plan.conflicts.clone();
    findings.extend(apply::settle(io, lease, &run.id, &plan).await?);
    let troubles = diagnosis::troubles(&run.id, plan.notes.iter().chain(&findings), io.clock.now());
    io.store.put_troubles(enterprise, &troubles).await?;
    let kept = io.store.enterprise(enterprise).await?;
    // What nobody needs any more goes when everybody has what replaces it; a person's sync takes it away.
    let attended = run.authority != Authority::Unattended;
    if attended && findings.is_empty() && plan.objects.iter().any(|change| !change.puts()) {
        let brand = io.store.reseller(&kept.reseller).await?.brand;
        let removed = prepare::take_away(io, lease, &kept, &brand, session).await?;
        let lines = object_lines(run, removed.results);
        log(io, lease, run, lines).await?;
        findings.extend(removed.findings);
    }
    // A run may have made domains and never come to the objects that lead to them.
    if findings.is_empty() && kept.standing.leaving() {
        let lines = activation::take_away(io, lease, &kept, session).await?;
        log(io, lease, run, lines).await?;
    }
    end(io, lease, run, findings).await
}
