//! Addresses that get no more mail of a reseller. Whoever takes a mail makes sure in the same transaction that its address is
//! none of these.

use super::{Outcome, Store, keys};
use crate::domain::audit::Entry;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{ResellerId, SuppressionId};
use crate::domain::suppression::Suppression;
use crate::domain::task::TaskKind;
use crate::error::{Error, Result};
use crate::io::vault::sha256;
use jiff::Timestamp;

/// The key of an address, however it is typed.
#[must_use]
pub fn id_of(address: &EmailAddress) -> SuppressionId {
    SuppressionId::mint(Timestamp::UNIX_EPOCH, number_of(&address.as_str().to_ascii_lowercase()))
}

/// 80 bits that follow from a text: among a million of them two are alike once in a million millions.
pub(super) fn number_of(text: &str) -> u128 {
    let hash = sha256(text);
    u128::from_str_radix(hash.get(..20).unwrap_or_default(), 16).unwrap_or_default()
}

impl Store {
    /// Why an address gets no more mail of a reseller, where it gets none.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn suppressed(&self, reseller: &ResellerId, address: &EmailAddress) -> Result<Option<Suppression>> {
        self.get(&keys::suppression(reseller, &id_of(address))).await
    }

    /// From now on an address gets no mail of a reseller.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn suppress(&self, reseller: &ResellerId, suppression: &Suppression) -> Result<()> {
        let write = self.put(&keys::suppression(reseller, &suppression.id), suppression)?;
        self.write(write).await.map(drop)
    }

    /// One of them by its key.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn suppression(&self, reseller: &ResellerId, id: &SuppressionId) -> Result<Suppression> {
        let found = self.get(&keys::suppression(reseller, id)).await?;
        found.ok_or(Error::NotFound("suppression"))
    }

    /// A page of a reseller's suppressed addresses, in the order of their keys.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn suppressions(
        &self,
        reseller: &ResellerId,
        after: Option<&SuppressionId>,
        limit: u16,
    ) -> Result<(Vec<Suppression>, Option<SuppressionId>)> {
        let after = after.map(|id| keys::suppression(reseller, id).sk);
        let pk = keys::reseller_partition(reseller);
        let (found, next) = self
            .page::<Suppression>(&pk, keys::SUPPRESSED, after, Some(i32::from(limit)), true)
            .await?;
        let next = next.and_then(|_| found.last().map(|one| one.id.clone()));
        Ok((found, next))
    }

    /// The address gets mail again, and the tasks that waited for that are done.
    ///
    /// # Errors
    /// `NotFound` where somebody was faster.
    pub async fn lift(&self, reseller: &ResellerId, suppression: &Suppression, entry: &Entry) -> Result<()> {
        let key = keys::suppression(reseller, &suppression.id);
        let mut writes = vec![
            self.delete(&key).when("attribute_exists(pk)").build()?,
            self.reseller_audited(reseller, entry)?,
        ];
        match &suppression.enterprise {
            Some(enterprise) => {
                for kind in [
                    TaskKind::InvitationUndelivered,
                    TaskKind::AdminUnreachable,
                    TaskKind::ReminderUndelivered,
                ] {
                    writes.push(self.task_closed(reseller, &super::tasks::id_of(kind, Some(enterprise), ""))?);
                }
            }
            None => {
                let id = super::tasks::id_of(TaskKind::ActivationUndelivered, None, "");
                writes.push(self.task_closed(reseller, &id)?);
            }
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::NotFound("suppression")),
        }
    }
}
