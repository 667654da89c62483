//! The one source of wall-clock time. Only handlers ask it; everything else receives `now`.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Wall-clock time plus an offset. The offset is zero in production; only the local world moves it,
/// so that "a day passes" needs no waiting. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
    skips: Arc<AtomicBool>,
}

impl Clock {
    /// The present moment, UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
        let wall = Timestamp::now();
        wall + SignedDuration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }

    /// Lets so much time pass.
    pub async fn pass(&self, by: SignedDuration) {
        if self.skips.load(Ordering::SeqCst) {
            self.advance(by);
        } else {
            tokio::time::sleep(by.try_into().unwrap_or_default()).await;
        }
    }

    /// From now on time that is to pass is skipped: the clock moves, and nobody waits. Only the local world asks for it.
    pub fn skip(&self) {
        self.skips.store(true, Ordering::SeqCst);
    }

    /// Moves this clock and all its clones forward.
    pub fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(ms.max(0), Ordering::SeqCst);
    }
}
