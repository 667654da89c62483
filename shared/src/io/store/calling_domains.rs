//! The calling domains of an enterprise: what a run has done about each, and the sparse index of those that wait for a
//! record in the provider's DNS.

use super::leases::Lease;
use super::sync_status::enterprises_of;
use super::{Outcome, Store, Write, decoded, keys, text};
use crate::domain::calling_domain::{CallingDomain, DomainState};
use crate::domain::ids::EnterpriseId;
use crate::error::{Error, Result};

impl Store {
    /// All that are remembered, by name; also those of a tenant that the enterprise has left.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn calling_domains(&self, enterprise: &EnterpriseId) -> Result<Vec<CallingDomain>> {
        self.query(&keys::enterprise_partition(enterprise), keys::DOMAIN).await
    }

    /// Keeps what is known of one now, under the lease.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn put_calling_domain(&self, lease: &Lease, domain: &CallingDomain) -> Result<()> {
        let waits = domain.asked.filter(|_| domain.state() == DomainState::Unverified);
        let id = &lease.enterprise;
        let write = self
            .put(&keys::calling_domain(id, &domain.name), domain)?
            .and(keys::PENDING_SHARD, waits.map(|_| text(keys::domain_shard(id))))
            .and(
                keys::PENDING_SINCE,
                waits.map(|since| text(format!("{since}#{}", domain.name))),
            );
        self.under(lease, write).await
    }

    /// Forgets one: it is gone, or it was never made.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn forget_calling_domain(&self, lease: &Lease, name: &str) -> Result<()> {
        let write = self.delete(&keys::calling_domain(&lease.enterprise, name));
        self.under(lease, write).await
    }

    async fn under(&self, lease: &Lease, write: Write<'_>) -> Result<()> {
        match self.transact(vec![self.fenced(lease).build()?, write.build()?]).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Busy),
        }
    }

    /// Those whose record the tenants have not seen yet, in one shard of the index, longest waiting first. Those of
    /// removed enterprises are left out.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn unverified_domains(&self, shard: u8) -> Result<Vec<(EnterpriseId, CallingDomain)>> {
        let mut items = self.indexed(&keys::domain_shard_named(shard), None).await?;
        items.retain(|item| !item.contains_key(keys::EXPIRES));
        let of = enterprises_of(items.clone());
        let domains = items.into_iter().map(decoded::<CallingDomain>);
        of.into_iter()
            .zip(domains)
            .map(|(id, domain)| Ok((id, domain?)))
            .collect()
    }
}
