//! One way in for parallel calls to the same tenant: when the service asks for a pause, nobody goes in before it has
//! passed, and after it fewer go in at once than before.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Four pages on their way are some thousand users a second; each of them takes up to a megabyte of memory.
const MOST: usize = 4;

/// Shared by the parallel reads of one tenant. A call is inside from before it is sent until its answer has come
/// whole.
///
/// Whoever is asked to wait halves the number of calls that may be inside, each success adds one again: the reads
/// find the pace that the tenant's budget allows, where as many as before would be refused once more.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    /// Nobody goes in before.
    opens: Option<Instant>,
    inside: usize,
    limit: usize,
    most: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Gate {
    /// Lets `most` calls in at once, at least one.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            state: Mutex::new(State {
                opens: None,
                inside: 0,
                limit: most,
                most,
            }),
            freed: Notify::new(),
        }
    }

    /// Waits for its turn.
    ///
    /// # Errors
    /// How long the gate stays shut, where that is longer than `longest`.
    pub(super) async fn enter(&self, longest: Duration) -> Result<Pass<'_>, Duration> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // From here on no sign is missed.
            freed.as_mut().enable();
            let now = Instant::now();
            let shut = {
                let mut state = self.lock();
                let shut = state.opens.map(|opens| opens.saturating_duration_since(now));
                let shut = shut.filter(|wait| !wait.is_zero());
                if shut.is_none() && state.inside < state.limit {
                    state.inside += 1;
                    return Ok(Pass { gate: self });
                }
                shut
            };
            match shut {
                Some(wait) if wait > longest => return Err(wait),
                Some(wait) => tokio::time::sleep(wait).await,
                None => freed.await,
            }
        }
    }

    /// Nobody goes in for so long, and then fewer at once.
    pub(super) fn shut(&self, wait: Duration) {
        let mut state = self.lock();
        // A pause beyond what the clock can hold is as good as none.
        let until = Instant::now().checked_add(wait);
        state.opens = state.opens.max(until);
        state.limit = (state.limit / 2).max(1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call that is inside; it leaves when this goes.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
}

impl Pass<'_> {
    /// The call succeeded: one more may go in at once.
    pub(super) fn went_well(self) {
        let mut state = self.gate.lock();
        state.limit = (state.limit + 1).min(state.most);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.lock().inside -= 1;
        self.gate.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const PATIENT: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn nobody_goes_in_while_it_is_shut() {
        let gate = Gate::new(4);
        let start = Instant::now();
        gate.shut(Duration::from_micros(61_200));
        gate.shut(Duration::from_millis(5));
        let entered = join_all((0..20).map(async |_| {
            let pass = gate.enter(PATIENT).await.unwrap();
            let at = start.elapsed();
            tokio::task::yield_now().await;
            pass.went_well();
            at
        }))
        .await;
        assert!(entered.iter().all(|at| *at >= Duration::from_micros(61_200)));
    }

    #[tokio::test]
    async fn a_pause_that_is_too_long_is_left_to_the_caller() {
        let gate = Gate::new(4);
        gate.shut(Duration::from_secs(300));
        let refused = gate.enter(Duration::from_secs(60)).await.err().unwrap();
        assert!(refused > Duration::from_secs(60) && refused <= Duration::from_secs(300));
    }

    #[tokio::test]
    async fn fewer_go_in_after_a_pause_and_more_with_each_success() {
        let gate = Gate::new(8);
        for _ in 0..3 {
            gate.shut(Duration::from_millis(1));
        }
        let inside = AtomicUsize::new(0);
        let most = join_all((0..60).map(async |_| {
            let pass = gate.enter(PATIENT).await.unwrap();
            let together = inside.fetch_add(1, Ordering::Relaxed) + 1;
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            inside.fetch_sub(1, Ordering::Relaxed);
            pass.went_well();
            together
        }))
        .await;
        assert_eq!(most[0], 1, "one at a time at first");
        assert_eq!(
            most.iter().max(),
            Some(&8),
            "never more than told, and that many in the end"
        );
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_no_gap() {
        let gate = Gate::new(1);
        let held = gate.enter(PATIENT).await.unwrap();
        let waiting = tokio::time::timeout(Duration::ZERO, gate.enter(PATIENT)).await;
        assert!(waiting.is_err());
        drop(held);
        assert!(gate.enter(PATIENT).await.is_ok());
    }
}
