//! The offer of an enterprise's reminders to somebody; there is one at a time.

use super::{Outcome, Store, keys, number};
use crate::domain::audit::Entry;
use crate::domain::duty::Offer;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseId;
use crate::domain::letter::Outgoing;
use crate::domain::visit::Link;
use crate::error::{Error, Result};
use jiff::Timestamp;

impl Store {
    /// The newest offer, while it lasts.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn duty_offer(&self, enterprise: &EnterpriseId, now: Timestamp) -> Result<Option<Offer>> {
        self.get_unexpired(&keys::duty_offer(enterprise), now).await
    }

    /// Writes an offer in place of the one before, with its mail and the link in it.
    ///
    /// # Errors
    /// `Stale` where the enterprise is no longer what was read.
    pub async fn offer_duty(
        &self,
        kept: &Enterprise,
        offer: &Offer,
        link_hash: &str,
        mail: &Outgoing,
        entry: &Entry,
    ) -> Result<()> {
        let to = Link::DutyOffer {
            enterprise: kept.id.clone(),
            offer: offer.id.clone(),
        };
        let unmoved = self.check(&keys::enterprise(&kept.id), "version = :seen");
        let writes = vec![
            self.put(&keys::duty_offer(&kept.id), offer)?
                .until(offer.until())
                .build()?,
            unmoved.with(":seen", number(kept.version)).build()?,
            self.link_write(link_hash, to, offer.until())?,
            self.queued(mail, offer.at)?,
            self.audited(&kept.id, entry)?,
        ];
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the enterprise")),
        }
    }

    /// Takes an offer back.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn drop_duty_offer(&self, enterprise: &EnterpriseId) -> Result<()> {
        self.write(self.delete(&keys::duty_offer(enterprise))).await.map(drop)
    }
}
