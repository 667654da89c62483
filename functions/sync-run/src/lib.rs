//! The worker of one enterprise's run, called again and again by the state machine until the run ends or waits.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use shared::io::Io;
use shared::run::sync::{self, Next, Work};
use std::time::Duration;

/// How long before Lambda's own deadline a call answers: longer than any single request to Microsoft.
const MARGIN: Duration = Duration::from_secs(90);

/// One call. `LambdaEvent` carries the deadline and the request's id, which names the lease's holder.
///
/// # Errors
/// What the state machine should call again for.
pub async fn handle(io: &Io, event: LambdaEvent<Work>) -> Result<Next, Error> {
    let deadline = event.context.deadline().checked_sub(MARGIN);
    let wall = deadline.and_then(|at| Timestamp::try_from(at).ok());
    let now = io.clock.now();
    // The lease's clock may be ahead of the wall in the local world; a call always gets a minute.
    let until = wall.unwrap_or(now).max(now + jiff::SignedDuration::from_mins(1));
    // Boxed: a run as a whole is a value deeper than the compiler follows.
    Ok(Box::pin(sync::work(io, &event.payload, &event.context.request_id, until)).await?)
}
