//! Handing changes of policies to Microsoft, in collections.

use super::prove::policy_in_place;
use super::{PROOF_WITHIN, Progress, Round};
use crate::domain::calling_policy::PolicyType;
use crate::domain::change::Change;
use crate::domain::finding::Code;
use crate::domain::ids::TeamsUserId;
use crate::domain::run::{Step, StepState};
use crate::error::Result;
use crate::io::graph::{Handed, PolicyChange};
use std::collections::BTreeSet;

/// A policy that was made a moment ago is looked for again after so many seconds.
const LOOK_FOR_POLICY: u32 = 5;
/// As after a batch of numbers.
const AFTER_SILENCE: u32 = 5;

impl Round<'_> {
    /// Hands over policies that are granted or taken away. Teams is asked first what it has: what is as wanted already is
    /// not sent, and what somebody else granted since is not taken.
    pub(super) async fn submit_policies(&mut self, steps: Vec<Step>) -> Result<Progress> {
        let users: BTreeSet<TeamsUserId> = steps.iter().map(|step| step.user.clone()).collect();
        let users: Vec<TeamsUserId> = users.into_iter().collect();
        let configurations = self.io.graph.user_configurations(self.token, &users).await?;
        let since = self.io.clock.now();
        let (mut decided, mut rest) = (Vec::new(), Vec::new());
        for mut step in steps {
            // What is only noted as ours is looked at, whether it is still there or not.
            let looked_at = matches!(step.change, Some(Change::AdoptPolicy { .. }));
            if looked_at || policy_in_place(&step, &configurations) {
                step.state = StepState::Verifying { since };
                decided.push(step);
            } else {
                rest.push(step);
            }
        }
        let (known, missing) = self.with_ids(rest).await?;
        let given_up = self
            .progress
            .missed_since
            .is_some_and(|since| self.io.clock.now() >= since + PROOF_WITHIN);
        let waits = !missing.is_empty() && !given_up;
        if given_up {
            decided.extend(missing.into_iter().map(unknown_policy));
        }
        self.note(&mut decided).await?;
        let gives = |step: &Step| {
            self.policy_change(step)
                .is_some_and(|change| change.policy_id.is_some())
        };
        let (grants, revokes): (Vec<Step>, Vec<Step>) = known.into_iter().partition(gives);
        let (mut stopped, mut lost) = (false, false);
        for mut steps in [revokes, grants] {
            while !steps.is_empty() && !stopped && !lost {
                stopped = !self.may_go_on().await?;
                if !stopped {
                    let size = self.together.size();
                    let some: Vec<Step> = steps.drain(..steps.len().min(size)).collect();
                    lost = self.hand_over_policies(some).await?;
                }
            }
        }
        let wait = match (lost, waits && !stopped) {
            (true, _) => Some(AFTER_SILENCE),
            (false, true) => Some(LOOK_FOR_POLICY),
            (false, false) => None,
        };
        Ok(Progress {
            wait,
            ..Progress::default()
        })
    }

    /// Divides steps into those whose policy Teams knows, or that need none, and the others. Each policy is looked up once.
    async fn with_ids(&mut self, steps: Vec<Step>) -> Result<(Vec<Step>, Vec<Step>)> {
        let before = self.progress.clone();
        let wanted = steps
            .iter()
            .flat_map(|step| granted(step).into_iter().chain(back(step)));
        let wanted: BTreeSet<(PolicyType, String)> = wanted.collect();
        for (policy_type, name) in wanted {
            let key = key(policy_type, &name);
            if !self.progress.policy_ids.contains_key(&key)
                && let Some(id) = self.io.graph.policy_id(self.token, policy_type, &name).await?
            {
                self.progress.policy_ids.insert(key, id);
            }
        }
        let is_known = |step: &Step| {
            granted(step)
                .is_none_or(|(policy_type, name)| self.progress.policy_ids.contains_key(&key(policy_type, &name)))
        };
        let (known, missing): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_known);
        if !missing.is_empty() {
            self.progress.missed_since.get_or_insert(self.io.clock.now());
        }
        if self.progress != before {
            self.keep_progress().await?;
        }
        Ok((known, missing))
    }

    /// One collection, all granted or all taken; whether its answer was lost.
    async fn hand_over_policies(&mut self, mut some: Vec<Step>) -> Result<bool> {
        let full = some.len() == self.together.size();
        let turn = self.io.graph.turn_to_change(self.token, 1).await?;
        self.note_sent(&mut some).await?;
        let changes: Vec<PolicyChange<'_>> = some.iter().filter_map(|step| self.policy_change(step)).collect();
        let handed = self.io.graph.change_policies(self.token, turn, &changes).await?;
        let taken = handed.iter().all(|handed| matches!(handed, Handed::Taken(())));
        if full || !taken {
            self.together.learn(taken);
        }
        self.note_answers(some, handed, |()| None).await
    }

    fn policy_change<'s>(&'s self, step: &'s Step) -> Option<PolicyChange<'s>> {
        let (user, policy_type, policy_id) = match step.change.as_ref()? {
            Change::Grant {
                user,
                policy_type,
                name,
                ..
            } => {
                let id = self.progress.policy_ids.get(&key(*policy_type, name))?;
                (user, *policy_type, Some(id.as_str()))
            }
            Change::Revoke { user, policy_type, .. } => {
                // What was there before us may be gone; then the tenant's default holds.
                let back = back(step).and_then(|(kind, name)| self.progress.policy_ids.get(&key(kind, &name)));
                (user, *policy_type, back.map(String::as_str))
            }
            Change::Release { .. } | Change::Assign { .. } | Change::Adopt { .. } | Change::AdoptPolicy { .. } => {
                return None;
            }
        };
        Some(PolicyChange {
            user,
            policy_type,
            policy_id,
        })
    }
}

fn key(policy_type: PolicyType, name: &str) -> String {
    format!("{policy_type} {name}")
}

/// The policy that a step grants.
fn granted(step: &Step) -> Option<(PolicyType, String)> {
    match step.change.as_ref()? {
        Change::Grant { policy_type, name, .. } => Some((*policy_type, name.clone())),
        Change::Revoke { .. }
        | Change::Release { .. }
        | Change::Assign { .. }
        | Change::Adopt { .. }
        | Change::AdoptPolicy { .. } => None,
    }
}

/// The policy that comes back when a step takes ours away.
fn back(step: &Step) -> Option<(PolicyType, String)> {
    match step.change.as_ref()? {
        Change::Revoke { policy_type, back, .. } => Some((*policy_type, back.clone()?)),
        Change::Grant { .. }
        | Change::Release { .. }
        | Change::Assign { .. }
        | Change::Adopt { .. }
        | Change::AdoptPolicy { .. } => None,
    }
}

/// A policy that was made in this run should be known by now.
fn unknown_policy(step: Step) -> Step {
    let name = granted(&step).map(|(_, name)| name).unwrap_or_default();
    let why = format!("Teams does not know the policy {name}");
    Step {
        state: StepState::Failed { why },
        code: Some(Code::NotProven),
        ..step
    }
}
