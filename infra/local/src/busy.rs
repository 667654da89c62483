//! Counts the work in flight that nobody else awaits, so that a test can await its end.

use std::sync::Arc;
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Busy(Arc<watch::Sender<usize>>);

/// Work in flight; ends when dropped.
pub(crate) struct Working(Busy);

impl Default for Busy {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Busy {
    pub(crate) fn start(&self) -> Working {
        self.0.send_modify(|count| *count += 1);
        Working(self.clone())
    }

    /// Resolves when nothing is in flight.
    pub(crate) async fn idle(&self) {
        let mut count = self.0.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
