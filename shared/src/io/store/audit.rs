//! The audit trail of an enterprise or a reseller: written with each change, never changed, read newest first.

use super::{Store, keys};
use crate::domain::audit::Entry;
use crate::domain::ids::{AuditId, EnterpriseId, ResellerId};
use crate::domain::once::Once;
use crate::error::Result;
use aws_sdk_dynamodb::types::TransactWriteItem;

impl Store {
    /// The write of an enterprise's entry, for the transaction of its change.
    pub(super) fn audited(&self, enterprise: &EnterpriseId, entry: &Entry) -> Result<TransactWriteItem> {
        self.entry(&keys::enterprise_audit(enterprise), entry)
    }

    /// The same of a reseller.
    pub(super) fn reseller_audited(&self, reseller: &ResellerId, entry: &Entry) -> Result<TransactWriteItem> {
        self.entry(&keys::reseller_audit(reseller), entry)
    }

    fn entry(&self, trail: &str, entry: &Entry) -> Result<TransactWriteItem> {
        self.put(&keys::audit(trail, &entry.id), entry)?.when_absent().build()
    }

    /// Writes an entry of something that changes nothing in the table, once for a request.
    ///
    /// # Errors
    /// `KeyReused`.
    pub async fn note(&self, enterprise: &EnterpriseId, entry: &Entry, once: &Once) -> Result<()> {
        let writes = vec![self.audited(enterprise, entry)?];
        self.create_once(writes, once, entry.id.as_str(), entry.at)
            .await
            .map(drop)
    }

    /// A page of an enterprise's trail, newest first, after the entry `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn enterprise_trail(
        &self,
        enterprise: &EnterpriseId,
        after: Option<&AuditId>,
        limit: u16,
    ) -> Result<(Vec<Entry>, Option<AuditId>)> {
        self.trail(&keys::enterprise_audit(enterprise), after, limit).await
    }

    /// A page of a reseller's trail, newest first, after the entry `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn reseller_trail(
        &self,
        reseller: &ResellerId,
        after: Option<&AuditId>,
        limit: u16,
    ) -> Result<(Vec<Entry>, Option<AuditId>)> {
        self.trail(&keys::reseller_audit(reseller), after, limit).await
    }

    async fn trail(&self, trail: &str, after: Option<&AuditId>, limit: u16) -> Result<(Vec<Entry>, Option<AuditId>)> {
        let after = after.map(|entry| keys::audit(trail, entry).sk);
        let (entries, next) = self
            .page::<Entry>(trail, keys::AUDIT, after, Some(i32::from(limit)), false)
            .await?;
        let next = next.and_then(|_| entries.last().map(|entry| entry.id.clone()));
        Ok((entries, next))
    }
}
