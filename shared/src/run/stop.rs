//! A run is stopped: at once where it waits for a sign-in, otherwise at the next thing its worker would begin.

use crate::domain::audit::{Deed, changed};
use crate::domain::ids::RunId;
use crate::domain::run::{Authority, Run, RunState};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::{Access, entry};
use crate::run::{operators, start_sync};
use jiff::Timestamp;

/// How often a run that moves on while it is looked at is looked at again.
const TRIES: usize = 4;

/// Has a run stopped. The run as it is then: ended, or still with its worker, which stops between two things that it does
/// and says so in the log. May be repeated.
///
/// # Errors
/// `SignIn` for whoever could not start it, `Conflict` where it has ended otherwise, `Busy`.
pub async fn stop(io: &Io, access: &Access, id: &RunId, now: Timestamp) -> Result<Run> {
    let enterprise = &access.kept.id;
    for _ in 0..TRIES {
        let run = io.store.run(enterprise, id).await?;
        may_stop(access, &run)?;
        let waits = run.state == RunState::AwaitingSignIn;
        let about = changed("run", None, Some(id.to_string()));
        let ended = waits
            .then(|| changed("state", None, Some("cancelled".into())))
            .flatten();
        let deed = if waits { Deed::RunEnded } else { Deed::RunCancelled };
        let entry = entry(
            io,
            &access.author(),
            deed,
            about.into_iter().chain(ended).collect(),
            now,
        );
        let taken = match run.state {
            RunState::Cancelled => return Ok(run),
            RunState::Succeeded | RunState::Failed | RunState::Abandoned => {
                return Err(Error::Conflict("the run has ended; there is nothing to stop".into()));
            }
            RunState::AwaitingSignIn => start_sync::give_up(io, &access.kept, id, RunState::Cancelled, &entry).await?,
            RunState::Discovering
            | RunState::Planning
            | RunState::Preparing
            | RunState::Applying
            | RunState::Verifying => io.store.cancel(enterprise, id, &entry).await?,
        };
        if taken {
            return io.store.run(enterprise, id).await;
        }
    }
    Err(Error::Busy)
}

/// Whoever could start a run may stop it. One that nobody signs in for is stopped by whoever may ask for one.
fn may_stop(access: &Access, run: &Run) -> Result<()> {
    match run.authority {
        Authority::GlobalAdmin | Authority::Deputy(_) => operators::asks(access).map(drop),
        Authority::Unattended => Ok(()),
    }
}
