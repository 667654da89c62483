//! How a run ends or is interrupted.

use super::Next;
use super::record::{capital, log, news, write};
use crate::domain::audit::{Deed, changed};
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::run::{Authority, FINDINGS_KEPT, Run, RunState};
use crate::domain::sync_log::Line;
use crate::domain::sync_status::{LastSync, SyncStatus};
use crate::error::{Chain, Error, Result};
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::plan::duration;
use crate::run::apply::{self, Round};
use crate::run::plans::StoredPlan;
use crate::run::{account, remove, session, unattended};

/// How often a run is called again after faults of Microsoft or of ours, in a row, before it gives up.
const FAULTS_MAX: usize = 5;

/// The end of a run: status, index, schedule and log agree, and the tokens are gone.
pub(super) async fn end(io: &Io, lease: &Lease, run: &mut Run, findings: Vec<Finding>) -> Result<Next> {
    let state = if findings.is_empty() {
        RunState::Succeeded
    } else {
        RunState::Failed
    };
    close(io, lease, run, state, findings).await
}

/// Somebody wanted the run stopped. What was handed to Microsoft is looked at, as long as the session lasts; what cannot be
/// proven any more is ours. Nothing else is begun.
pub(super) async fn stopped(io: &Io, lease: &Lease, run: &mut Run) -> Result<Next> {
    let enterprise = &lease.enterprise;
    if let Some(plan) = io.store.run_plan::<StoredPlan>(enterprise, &run.id).await? {
        if let Err(error) = last_look(io, lease, run).await {
            // A look that fails proves nothing, and keeps nobody from stopping.
            tracing::info!(run.id = %run.id, error.message = %Chain(&error), "what a stopped run had begun was not looked at");
        }
        apply::claim(io, lease, &run.id).await?;
        apply::settle(io, lease, &run.id, &plan).await?;
        run.tally = apply::tally(io, enterprise, &run.id).await?;
    }
    close(io, lease, run, RunState::Cancelled, Vec::new()).await
}

async fn last_look(io: &Io, lease: &Lease, run: &Run) -> Result<()> {
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    let mut round = Round::open(io, lease, run, &session, session.stop_by()).await?;
    round.last_look().await
}

/// The end in whatever state.
async fn close(io: &Io, lease: &Lease, run: &mut Run, state: RunState, findings: Vec<Finding>) -> Result<Next> {
    let enterprise = &lease.enterprise;
    let now = io.clock.now();
    let successful = state == RunState::Succeeded;
    let mut lines: Vec<Line> = findings.iter().cloned().map(Line::Obstacle).collect();
    lines.push(match state {
        RunState::Cancelled => Line::Stopped,
        _ => Line::End { successful },
    });
    run.tally.findings = u32::try_from(findings.len()).unwrap_or(u32::MAX);
    run.findings = findings;
    run.findings.truncate(FINDINGS_KEPT);
    run.ended = Some(now);
    // A sync that was stopped says nothing about what is in place: the last one that ended by itself does.
    let last = match state {
        RunState::Succeeded => Some((now, LastSync::Successful)),
        RunState::Cancelled => None,
        _ => Some((now, LastSync::Failed)),
    };
    // The tokens last, and the status first: wherever the worker dies, the run is ended again, with the same result.
    let kept = io.store.enterprise(enterprise).await?;
    io.store
        .edit_sync_status(&kept, |status| SyncStatus {
            current: status.current.filter(|current| *current != run.id),
            last: last.or(status.last),
            ..status
        })
        .await?;
    account::refresh_pending(io, &kept, now).await?;
    if successful && run.kind.applies() && kept.standing.leaving() {
        remove::end_final_sync(io, enterprise, now).await?;
    }
    run.state = state;
    let ended = changed("state", None, Some(outcome(run.state).into()));
    let ended = news(io, run, Deed::RunEnded, ended.into_iter().collect());
    write(io, lease, run, lines, Some(&ended)).await?;
    io.store.delete_sealed(enterprise, &run.id).await?;
    remove::end_data(io, enterprise).await?;
    Ok(match state {
        RunState::Failed => Next::Failed { seconds: 0 },
        _ => Next::Done { seconds: 0 },
    })
}

pub(super) fn not_served(why: &str) -> Finding {
    Finding {
        code: Code::NotServed,
        subject: String::new(),
        seen: format!("{}.", capital(why)),
        fix: "Ask the reseller to enable it, then sync again.".into(),
        actor: Actor::Reseller,
        about: None,
        wait: None,
    }
}

/// Something kept the run from going on. A pause that Microsoft asks for is kept; an ended session waits for a person;
/// a fault is tried again a few times, and then reported.
pub(super) async fn interrupted(io: &Io, lease: &Lease, run: &mut Run, error: Error) -> Result<Next> {
    let finding = |code, seen: String, fix: &str, actor| Finding {
        code,
        subject: String::new(),
        seen,
        fix: fix.into(),
        actor,
        about: None,
        wait: None,
    };
    match error {
        Error::Throttled { wait, .. } => {
            let seconds = u32::try_from(wait.as_secs())
                .unwrap_or(u32::MAX)
                .saturating_add(u32::from(wait.subsec_nanos() > 0));
            Ok(Next::Wait {
                seconds: seconds.max(1),
            })
        }
        Error::Cancelled => stopped(io, lease, run).await,
        Error::TokenExpired => {
            let left = apply::left(io, &lease.enterprise, &run.id).await?;
            run.tally = left.tally;
            run.findings = vec![duration::ended(left.steps, left.of)];
            let lines = run.findings.iter().cloned().map(Line::Obstacle).collect();
            run.state = RunState::AwaitingSignIn;
            io.store.delete_sealed(&lease.enterprise, &run.id).await?;
            let interrupted = news(io, run, Deed::RunInterrupted, Vec::new());
            write(io, lease, run, lines, Some(&interrupted)).await?;
            if run.authority == Authority::Unattended {
                unattended::look_again(io, &lease.enterprise).await?;
            }
            Ok(Next::Done { seconds: 0 })
        }
        Error::Refused { status: 403, .. } if run.authority == Authority::Unattended => {
            let finding = unattended::revoked(io, &lease.enterprise).await?;
            end(io, lease, run, vec![finding]).await
        }
        Error::Refused {
            code, message, doing, ..
        } => {
            let seen = format!("Could not {doing}: {message} ({code}).");
            let fix = "Read Microsoft's reason; if it does not help, ask the provider.";
            end(
                io,
                lease,
                run,
                vec![finding(Code::MsRefused, seen, fix, Actor::Provider)],
            )
            .await
        }
        error => {
            tracing::warn!(enterprise.id = %lease.enterprise, run.id = %run.id, error.message = %Chain(&error), "a run was interrupted");
            let fault = finding(
                Code::MsInternal,
                format!("{}.", capital(&error.to_string())),
                "Try again; after an unexpected error of Microsoft wait up to 24 hours.",
                Actor::Microsoft,
            );
            let before = run.findings.iter().filter(|finding| finding.code == fault.code).count();
            if before >= FAULTS_MAX {
                return end(io, lease, run, vec![fault]).await;
            }
            run.findings.push(fault);
            log(io, lease, run, Vec::new()).await?;
            let faults = u32::try_from(before + 1).unwrap_or(u32::MAX);
            Ok(Next::Wait {
                seconds: 2_u32.saturating_pow(faults),
            })
        }
    }
}

pub(super) fn broken() -> Finding {
    Finding {
        code: Code::MsInternal,
        subject: String::new(),
        seen: "The sync stopped at a fault that repeating did not overcome.".into(),
        fix: "Sync again: it goes on from what is in place. If it stops again, ask the provider.".into(),
        actor: Actor::Provider,
        about: None,
        wait: None,
    }
}

/// How a run ended, as the API names it.
fn outcome(state: RunState) -> &'static str {
    match state {
        RunState::Succeeded => "succeeded",
        RunState::Abandoned => "abandoned",
        RunState::Cancelled => "cancelled",
        _ => "failed",
    }
}
