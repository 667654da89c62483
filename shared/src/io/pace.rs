//! Turns at Teams' administration: each call takes one from the budgets in the table before it is made.

use super::clock::Clock;
use super::store::Store;
use super::store::pace::{Answer, Calls, PORTION, Urgency};
use crate::Result;
use crate::domain::ids::TenantId;
use crate::io::http::throttled;
use jiff::SignedDuration;
use std::fmt;

/// What is waited for in place; longer waits are the state machine's.
const IN_PLACE: SignedDuration = SignedDuration::from_secs(2);
/// So much is waited in place for one turn, all in all.
const PATIENCE: SignedDuration = SignedDuration::from_secs(6);
/// A longer pause is not believed.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// The pace of calls for one tenant. It goes with a token, so that no call is made without it.
#[derive(Clone)]
pub struct Pace {
    store: Store,
    clock: Clock,
    tenant: TenantId,
    urgency: Urgency,
}

impl Pace {
    /// The pace of calls to `tenant`.
    #[must_use]
    pub fn new(store: Store, clock: Clock, tenant: TenantId, urgency: Urgency) -> Self {
        Self {
            store,
            clock,
            tenant,
            urgency,
        }
    }

    /// How Microsoft should treat the calls where it has to shed some.
    pub(super) fn priority(&self) -> &'static str {
        match self.urgency {
            Urgency::Run => "low",
            Urgency::Person => "high",
        }
    }

    /// Waits for its turn to make `count` calls at once, which are granted when this returns.
    ///
    /// # Errors
    /// `Throttled` where the turn does not come soon; nothing may be called before that.
    pub(super) async fn turn(&self, doing: &'static str, calls: Calls, count: usize) -> Result<()> {
        let mut left = u32::try_from(count).unwrap_or(u32::MAX);
        while left > 0 {
            let portion = left.min(PORTION);
            self.portion(doing, calls, portion).await?;
            left -= portion;
        }
        Ok(())
    }

    async fn portion(&self, doing: &'static str, calls: Calls, count: u32) -> Result<()> {
        let mut waited = SignedDuration::ZERO;
        // The tenant's share first: what it takes in vain is its own.
        let mut in_tenant = false;
        loop {
            let (store, now) = (&self.store, self.clock.now());
            let later = if in_tenant {
                match store.take_in_common(calls, count, now).await? {
                    Answer::Granted(wait) => {
                        if !wait.is_zero() {
                            self.clock.pass(wait).await;
                        }
                        return Ok(());
                    }
                    Answer::Later(wait) => Some(wait),
                }
            } else {
                store
                    .take_in_tenant(&self.tenant, calls, count, self.urgency, now)
                    .await?
            };
            let Some(wait) = later else {
                in_tenant = true;
                continue;
            };
            if wait > IN_PLACE || waited > PATIENCE {
                return Err(throttled(doing, wait.try_into().unwrap_or_default()));
            }
            self.clock.pass(wait).await;
            waited += wait;
        }
    }

    /// Microsoft has asked for a pause: nobody calls this tenant before it has passed.
    pub(super) async fn pause(&self, wait: SignedDuration) -> Result<()> {
        let now = self.clock.now();
        let until = now.checked_add(wait.min(LONGEST_PAUSE)).unwrap_or(now);
        self.store.pause_tenant(&self.tenant, until).await
    }

    /// Waits in place where that is short.
    pub(super) async fn waits(&self, wait: SignedDuration) -> bool {
        if wait > IN_PLACE {
            return false;
        }
        self.clock.pass(wait).await;
        true
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
