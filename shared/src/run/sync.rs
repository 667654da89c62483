//! The worker of one run: discover, plan, prepare, apply, verify. It may be killed at any point and started again; it
//! goes on from what the table says. It works for a while, answers what should happen next, and is called again.

mod applying;
mod discovering;
mod ending;
mod planning;
mod preparing;
pub(super) mod record;

use crate::domain::audit::Deed;
use crate::domain::finding::Finding;
use crate::domain::ids::{EnterpriseId, RunId};
use crate::domain::run::{Run, RunState};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::run::plans::StoredPlan;
use crate::run::{apply, remove};
use applying::applying;
use discovering::discovering;
use ending::{broken, end, interrupted};
use jiff::Timestamp;
use planning::planning;
use preparing::preparing;
use record::news;
use serde::{Deserialize, Serialize};

/// What the state machine passes to the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Whose.
    pub enterprise: EnterpriseId,
    /// Which.
    pub run: RunId,
    /// The worker failed at every attempt: the run is only reported as failed.
    #[serde(default)]
    pub broken: bool,
}

/// What the state machine does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "camelCase")]
pub enum Next {
    /// Calls the worker again at once.
    Continue {
        /// Always 0; the state machine's input keeps one shape.
        seconds: u32,
    },
    /// Calls the worker again after a while.
    Wait {
        /// For how long.
        seconds: u32,
    },
    /// Ends: the run has ended well, or waits for a person.
    Done {
        /// Always 0.
        seconds: u32,
    },
    /// Ends: the run has failed, and its status says so.
    Failed {
        /// Always 0.
        seconds: u32,
    },
}

/// One call of the worker. `holder` names the call; `until` is when it should have answered.
///
/// # Errors
/// `Busy` while another worker holds the lease, and faults of our own table; the state machine calls again.
pub async fn work(io: &Io, work: &Work, holder: &str, until: Timestamp) -> Result<Next> {
    let lease = io.store.lease(&work.enterprise, holder, io.clock.now()).await?;
    let lease = lease.of_run(&work.run);
    let mut run = io.store.run(&work.enterprise, &work.run).await?;
    if work.broken && !run.state.ended() {
        let next = end(io, &lease, &mut run, vec![broken()]).await;
        io.store.release(lease).await?;
        return next;
    }
    let next = advance(io, &lease, &mut run, until).await;
    let next = match next {
        Ok(next) => Ok(next),
        Err(Error::Busy) => return Err(Error::Busy),
        Err(error) => interrupted(io, &lease, &mut run, error).await,
    };
    io.store.release(lease).await?;
    next
}

/// Ends a run that waits and cannot go on, with the reason.
///
/// # Errors
/// `Busy` while a worker holds the lease.
pub(super) async fn give_up(io: &Io, enterprise: &EnterpriseId, run: &RunId, why: Finding) -> Result<()> {
    let lease = io
        .store
        .lease(enterprise, &format!("gives up {run}"), io.clock.now())
        .await?;
    let mut run = io.store.run(enterprise, run).await?;
    if run.state == RunState::AwaitingSignIn {
        apply::claim(io, &lease, &run.id).await?;
        end(io, &lease, &mut run, vec![why]).await?;
    }
    io.store.release(lease).await
}

/// Stage after stage, until the run ends, waits, or the call's time is up.
async fn advance(io: &Io, lease: &Lease, run: &mut Run, until: Timestamp) -> Result<Next> {
    loop {
        let now = io.clock.now();
        if now >= until {
            return Ok(Next::Continue { seconds: 0 });
        }
        io.store.renew(lease, now).await?;
        let wait = match run.state {
            RunState::AwaitingSignIn => {
                if !signed_in(io, lease, run).await? {
                    return Ok(Next::Done { seconds: 0 });
                }
                None
            }
            RunState::Succeeded | RunState::Abandoned | RunState::Cancelled => {
                io.store.delete_sealed(&lease.enterprise, &run.id).await?;
                remove::end_data(io, &lease.enterprise).await?;
                return Ok(Next::Done { seconds: 0 });
            }
            RunState::Failed => {
                io.store.delete_sealed(&lease.enterprise, &run.id).await?;
                return Ok(Next::Failed { seconds: 0 });
            }
            // Boxed: one stage within the other would be a single value deeper than the compiler follows.
            RunState::Discovering => Box::pin(discovering(io, lease, run)).await?,
            RunState::Planning => Box::pin(planning(io, lease, run)).await?,
            RunState::Preparing => Box::pin(preparing(io, lease, run)).await?,
            RunState::Applying | RunState::Verifying => Box::pin(applying(io, lease, run, until)).await?,
        };
        if let Some(wait) = wait {
            return Ok(wait);
        }
    }
}

/// Somebody has signed in: the session is there, and the run can begin, or go on with the plan that it has.
async fn signed_in(io: &Io, lease: &Lease, run: &mut Run) -> Result<bool> {
    let enterprise = &lease.enterprise;
    if io.store.sealed(enterprise, &run.id, io.clock.now()).await?.is_none() {
        return Ok(false);
    }
    let served = io.store.enterprise(enterprise).await?.standing.may_sync().is_ok();
    let planned = io.store.run_plan::<StoredPlan>(enterprise, &run.id).await?.is_some();
    let to = if served && planned {
        RunState::Preparing
    } else {
        RunState::Discovering
    };
    let begun = news(io, run, Deed::RunBegun, Vec::new());
    let moved = io
        .store
        .move_run(enterprise, &run.id, RunState::AwaitingSignIn, to, &begun)
        .await?;
    if moved {
        run.state = to;
        run.findings.clear();
    }
    Ok(moved)
}
