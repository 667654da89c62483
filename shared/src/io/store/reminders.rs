//! The claim of a local day: whoever has it may send that day's reminder (R165).

use super::{Store, keys};
use crate::domain::ids::EnterpriseId;
use crate::error::Result;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Claims are kept for as long as anybody might ask why a mail went out.
const CLAIM_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

#[derive(Serialize, Deserialize)]
struct Claim {
    claimant: String,
    at: Timestamp,
}

impl Store {
    /// Claims a day before the mail is sent. `claimant` names one event, so that a claim whose answer was lost is not
    /// mistaken for somebody else's; a later event of the same day is refused.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn claim_reminder(
        &self,
        enterprise: &EnterpriseId,
        day: Date,
        claimant: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let claim = Claim {
            claimant: claimant.to_owned(),
            at: now,
        };
        let write = self
            .put(&keys::reminded(enterprise, day), &claim)?
            .when_absent()
            .until(now + CLAIM_LIFE);
        self.write(write).await
    }

    /// Whether a day's reminder was claimed.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn reminded(&self, enterprise: &EnterpriseId, day: Date) -> Result<bool> {
        Ok(self.get::<Claim>(&keys::reminded(enterprise, day)).await?.is_some())
    }
}
