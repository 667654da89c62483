//! Plans that wait for somebody: those that a run was held with, and who has approved which.

use super::leases::Lease;
use super::runs::PLAN_LIFE;
use super::{Outcome, Store, keys};
use crate::domain::audit::Entry;
use crate::domain::ids::{EnterpriseId, PlanId};
use crate::domain::permission::Approval;
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde::Serialize;

impl Store {
    /// Keeps the plan that a run was held with, under the lease, so that somebody can read and approve it.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn hold_plan(
        &self,
        lease: &Lease,
        plan: &PlanId,
        document: &impl Serialize,
        now: Timestamp,
    ) -> Result<()> {
        let key = keys::plan(&lease.enterprise, plan);
        let head = self.document(&key, document, now + PLAN_LIFE).await?;
        let writes = vec![self.fenced(lease).build()?, head.build()?];
        if self.transact(writes).await? == Outcome::Written {
            Ok(())
        } else {
            Err(Error::Busy)
        }
    }

    /// Notes that somebody has approved a plan, with the entry of the audit trail; the first approval counts.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn approve_plan(
        &self,
        enterprise: &EnterpriseId,
        plan: &PlanId,
        approval: &Approval,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<()> {
        let approved = self
            .put(&keys::approval(enterprise, plan), approval)?
            .until(now + PLAN_LIFE)
            .when("attribute_not_exists(pk)");
        let writes = vec![approved.build()?, self.audited(enterprise, entry)?];
        // Where somebody was faster, it is approved as well.
        self.transact(writes).await.map(drop)
    }

    /// Who has approved a plan.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn approval(&self, enterprise: &EnterpriseId, plan: &PlanId, now: Timestamp) -> Result<Option<Approval>> {
        self.get_unexpired(&keys::approval(enterprise, plan), now).await
    }
}
