//! An enterprise moves to another tenant (R067): the binding in one transaction, then what belonged to the tenant left.

use super::account::OwnedItem;
use super::enterprises::Binding;
use super::{Outcome, Store, keys, text};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, TenantId};
use crate::error::{Error, Result, SignInRefused};
use aws_sdk_dynamodb::types::TransactWriteItem;

/// Writes of one step; a transaction takes 100, and one of them counts the change.
const AT_ONCE: usize = 90;

impl Store {
    /// Binds the other tenant and frees the one that is left, with the enterprise that was read at version `seen`.
    ///
    /// # Errors
    /// `TenantTaken`, or `Stale` if somebody was faster.
    pub async fn move_tenant(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        left: &TenantId,
        tenant: &TenantId,
        entry: &Entry,
    ) -> Result<()> {
        let binding = Binding {
            enterprise: enterprise.id.clone(),
            at: entry.at,
        };
        let mut writes = vec![
            self.put(&keys::tenant(tenant), &binding)?
                .when("attribute_not_exists(pk)")
                .build()?,
            self.delete(&keys::tenant(left))
                .when("enterprise = :enterprise")
                .with(":enterprise", text(enterprise.id.as_str()))
                .build()?,
        ];
        writes.extend(self.enterprise_writes(enterprise, seen)?);
        writes.push(self.audited(&enterprise.id, entry)?);
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(conditions) if conditions.contains(&0) => Err(SignInRefused::TenantTaken.into()),
            Outcome::Failed(_) => Err(Error::Stale("the enterprise")),
        }
    }

    /// Takes all mappings away, and keeps what is ours in the tenant that is left, until the enterprise comes back to it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn leave_account(&self, enterprise: &EnterpriseId, left: &TenantId) -> Result<()> {
        let pk = keys::enterprise_partition(enterprise);
        let mut writes = Vec::new();
        for bundle in self.mapping_bundles(&pk).await? {
            writes.push(self.delete(&keys::mapping(enterprise, bundle)).build()?);
        }
        for item in self.query::<OwnedItem>(&pk, keys::OWNED).await? {
            writes.push(
                self.put(&keys::left_owned(enterprise, left, &item.user), &item)?
                    .build()?,
            );
            writes.push(self.delete(&keys::owned(enterprise, &item.user)).build()?);
        }
        self.in_steps(enterprise, &writes).await
    }

    /// Takes up what was ours in a tenant when the enterprise left it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_up_account(&self, enterprise: &EnterpriseId, tenant: &TenantId) -> Result<()> {
        let pk = keys::enterprise_partition(enterprise);
        let mut writes = Vec::new();
        for item in self.query::<OwnedItem>(&pk, &keys::left_tenant(tenant)).await? {
            writes.push(self.put(&keys::owned(enterprise, &item.user), &item)?.build()?);
            writes.push(self.delete(&keys::left_owned(enterprise, tenant, &item.user)).build()?);
        }
        self.in_steps(enterprise, &writes).await
    }

    /// Writes that may be cut anywhere between two pairs; each step counts as a change of the account.
    async fn in_steps(&self, enterprise: &EnterpriseId, writes: &[TransactWriteItem]) -> Result<()> {
        for step in writes.chunks(AT_ONCE) {
            let mut step = step.to_vec();
            step.push(self.mapping_moved(enterprise).build()?);
            self.transact(step).await?;
        }
        Ok(())
    }
}
