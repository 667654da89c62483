//! What a run executes: its plan, the state of each of its steps, and what is ours once a step is in place.

use super::account::ACCOUNT_MOVED;
use super::leases::Lease;
use super::runs::HISTORY;
use super::{Outcome, Store, Write, attribute, keys, number};
use crate::domain::change::Change;
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId};
use crate::domain::mapping::{Owned, Ownership};
use crate::domain::run::{Step, StepState};
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A transaction takes 100 writes: one for each step and perhaps one for what is ours of its user, and two more.
const STEPS_AT_ONCE: usize = 48;

/// How far the steps of a run are, so that nobody has to read those that are settled, and what they share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    /// All steps before the one with this index are settled.
    #[serde(default)]
    pub settled_below: u32,
    /// Microsoft's ids of policies, by type and name.
    #[serde(default)]
    pub policy_ids: BTreeMap<String, String>,
    /// When a policy was looked for that Teams did not know yet.
    #[serde(default)]
    pub missed_since: Option<Timestamp>,
    /// How many changes of numbers go together, where Microsoft did not take a whole batch.
    #[serde(default)]
    pub in_a_batch: Option<u32>,
}

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

    /// These steps, by their index.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn steps_at(
        &self,
        enterprise: &EnterpriseId,
        run: &RunId,
        at: &BTreeSet<u32>,
    ) -> Result<BTreeMap<u32, Step>> {
        let places: Vec<_> = at.iter().map(|index| keys::step(enterprise, run, *index)).collect();
        let found: Vec<Step> = self.get_many(&places).await?;
        Ok(found.into_iter().map(|step| (step.index, step)).collect())
    }

    /// Writes the states of steps that were planned, and what is ours once they are in place, under the lease: as many at
    /// once as a transaction takes. What was written of them when this fails is written whole.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn put_steps(&self, lease: &Lease, run: &RunId, steps: &[Step], now: Timestamp) -> Result<()> {
        for some in steps.chunks(STEPS_AT_ONCE) {
            let mut writes = vec![self.fenced(lease).build()?];
            for step in some {
                writes.push(self.step_write(lease, run, step)?.build()?);
            }
            let owned = self.owned_with(&lease.enterprise, some).await?;
            for (user, owned) in &owned {
                writes.push(self.owned_write(&lease.enterprise, user, owned, now)?.build()?);
            }
            if !owned.is_empty() {
                writes.push(self.account_moved(&lease.enterprise).build()?);
            }
            if self.transact(writes).await? != Outcome::Written {
                return Err(Error::Busy);
            }
        }
        Ok(())
    }

    /// The parts of a step that change while it is made.
    fn step_write(&self, lease: &Lease, run: &RunId, step: &Step) -> Result<Write<'_>> {
        let key = keys::step(&lease.enterprise, run, step.index);
        let mut set = "SET #state = :state, tries = :tries".to_owned();
        let mut values = vec![(":state", attribute(&step.state)?), (":tries", number(step.tries))];
        if let Some(code) = &step.code {
            set.push_str(", code = :code");
            values.push((":code", attribute(code)?));
        }
        if let Some(at) = &step.applied_at {
            set.push_str(", applied_at = :at");
            values.push((":at", attribute(at)?));
        }
        let update = self.update(&key, &set);
        Ok(values
            .into_iter()
            .fold(update, |update, (name, value)| update.with(name, value)))
    }

    /// What is ours of the users of those steps that are in place: what was, and what the steps add and take.
    async fn owned_with(&self, enterprise: &EnterpriseId, steps: &[Step]) -> Result<Ownership> {
        let applied: Vec<(&TeamsUserId, &Change)> = steps
            .iter()
            .filter(|step| step.state == StepState::Applied)
            .filter_map(|step| Some((&step.user, step.change.as_ref()?)))
            .collect();
        let users: BTreeSet<&TeamsUserId> = applied.iter().map(|(user, _)| *user).collect();
        let mut owned = self.owned_of(enterprise, users).await?;
        for (user, change) in applied {
            let before = owned.remove(user).unwrap_or_default();
            owned.insert(user.clone(), change.owned_after(before));
        }
        Ok(owned)
    }

    /// How far the steps of a run are.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn run_progress(&self, enterprise: &EnterpriseId, run: &RunId) -> Result<RunProgress> {
        Ok(self
            .get(&keys::run_progress(enterprise, run))
            .await?
            .unwrap_or_default())
    }

    /// Keeps how far the steps of a run are.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn put_run_progress(
        &self,
        lease: &Lease,
        run: &RunId,
        progress: &RunProgress,
        now: Timestamp,
    ) -> Result<()> {
        let key = keys::run_progress(&lease.enterprise, run);
        let writes = vec![
            self.fenced(lease).build()?,
            self.put(&key, progress)?.until(now + HISTORY).build()?,
        ];
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Busy),
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
