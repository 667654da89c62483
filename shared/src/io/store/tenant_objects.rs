//! What we know of a tenant's own voice objects: which of them we made, and how we left them. It decides what a later sync
//! sets back and what the final one takes away.

use super::leases::Lease;
use super::{Outcome, Store, keys};
use crate::domain::ids::{EnterpriseId, TenantId};
use crate::domain::tenant_object::KnownObject;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct ObjectsItem {
    objects: Vec<KnownObject>,
}

impl Store {
    /// What is known of a tenant's objects; nothing before the first sync.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn tenant_objects(&self, enterprise: &EnterpriseId, tenant: &TenantId) -> Result<Vec<KnownObject>> {
        let item: Option<ObjectsItem> = self.get(&keys::tenant_objects(enterprise, tenant)).await?;
        Ok(item.unwrap_or_default().objects)
    }

    /// Keeps what is known now.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn put_tenant_objects(&self, lease: &Lease, tenant: &TenantId, objects: &[KnownObject]) -> Result<()> {
        let key = keys::tenant_objects(&lease.enterprise, tenant);
        let write = if objects.is_empty() {
            self.delete(&key)
        } else {
            let objects = objects.to_vec();
            self.put(&key, &ObjectsItem { objects })?
        };
        match self.transact(vec![self.fenced(lease).build()?, write.build()?]).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Busy),
        }
    }
}
