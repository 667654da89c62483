//! What a run executes: its plan, the state of each of its steps, and what is ours once a step is in place.

use super::account::ACCOUNT_MOVED;
use super::leases::Lease;
use super::runs::HISTORY;
use super::{Outcome, Store, keys};
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId};
use crate::domain::mapping::Owned;
use crate::domain::run::Step;
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Store {
    /// Keeps the plan that a run executes, and its steps, once. Whoever changes the account sees it from then on: the
    /// account must still be at `seen`, the version that the plan fits, and it moves on.
    ///
    /// # Errors
    /// `Busy` if the lease was lost, `Stale` if the account has moved.
    pub async fn put_run_plan(
        &self,
        lease: &Lease,
        run: &RunId,
        document: &impl Serialize,
        steps: &[Step],
        seen: u64,
        now: Timestamp,
    ) -> Result<()> {
        let until = now + HISTORY;
        let mut writes = Vec::new();
        for step in steps {
            writes.push(Self::put_request_until(
                &keys::step(&lease.enterprise, run, step.index),
                step,
                until,
            )?);
        }
        // A worker before this one may have been killed with a longer plan.
        for left in self.steps(&lease.enterprise, run).await? {
            if !steps.iter().any(|step| step.index == left.index) {
                writes.push(Self::delete_request(&keys::step(&lease.enterprise, run, left.index))?);
            }
        }
        self.write_all(writes).await?;
        // The plan is written last: where it is, all steps are.
        let key = keys::run_plan(&lease.enterprise, run);
        let plan = self.document(&key, document, now + HISTORY).await?;
        let writes = vec![
            self.fenced(lease).build()?,
            self.account_moved(&lease.enterprise).when_version(seen).build()?,
            plan.build()?,
        ];
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(conditions) if conditions == [1] => Err(Error::Stale(ACCOUNT_MOVED)),
            Outcome::Failed(_) => Err(Error::Busy),
        }
    }

    /// The plan that a run executes, once it is made.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn run_plan<T: DeserializeOwned>(&self, enterprise: &EnterpriseId, run: &RunId) -> Result<Option<T>> {
        // It ends with its run, which the caller has just read.
        self.read_document(&keys::run_plan(enterprise, run), Timestamp::UNIX_EPOCH)
            .await
    }

    /// All steps of a run, in their order.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn steps(&self, enterprise: &EnterpriseId, run: &RunId) -> Result<Vec<Step>> {
        self.query(&keys::run_partition(enterprise, run), keys::STEP).await
    }

    /// A part of the steps of a run from number `from` on, and whether there are more.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn steps_from(
        &self,
        enterprise: &EnterpriseId,
        run: &RunId,
        from: u32,
        limit: u16,
    ) -> Result<(Vec<Step>, bool)> {
        let pk = keys::run_partition(enterprise, run);
        let after = from.checked_sub(1).map(|last| keys::step(enterprise, run, last).sk);
        let (steps, next) = self.page(&pk, keys::STEP, after, Some(i32::from(limit)), true).await?;
        Ok((steps, next.is_some()))
    }

    /// Writes the state of a step that was planned, and what is ours once it is in place, under the lease and all at once.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn put_step(
        &self,
        lease: &Lease,
        run: &RunId,
        step: &Step,
        owned: Option<&Owned>,
        now: Timestamp,
    ) -> Result<()> {
        let state = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(&step.state)
            .map_err(|error| Error::upstream("encode an item", error))?;
        let mut writes = vec![
            self.fenced(lease).build()?,
            self.update(&keys::step(&lease.enterprise, run, step.index), "SET #state = :state")
                .with(":state", state)
                .build()?,
        ];
        if let Some(owned) = owned {
            writes.push(self.owned_write(&lease.enterprise, &step.user, owned, now)?.build()?);
            writes.push(self.account_moved(&lease.enterprise).build()?);
        }
        if self.transact(writes).await? == Outcome::Written {
            Ok(())
        } else {
            Err(Error::Busy)
        }
    }

    /// Records what is ours of one user at the end of a run.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn settle(&self, lease: &Lease, user: &TeamsUserId, owned: &Owned, now: Timestamp) -> Result<()> {
        let writes = vec![
            self.fenced(lease).build()?,
            self.owned_write(&lease.enterprise, user, owned, now)?.build()?,
            self.account_moved(&lease.enterprise).build()?,
        ];
        if self.transact(writes).await? == Outcome::Written {
            Ok(())
        } else {
            Err(Error::Busy)
        }
    }
}
