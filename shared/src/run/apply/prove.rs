//! Reading back. What is there is applied; what does not appear in time is reported, whatever Microsoft said.

use super::submit::number;
use super::{NO_ANSWER, NO_ENTERPRISE_VOICE, NOT_PROVEN, PROOF_WITHIN, Progress, Round, Stage};
use crate::domain::change::Change;
use crate::domain::finding::Code;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use crate::domain::run::{Step, StepState};
use crate::error::Result;
use crate::io::graph::{MOST_PARTS, NumberHolding, OperationId, OperationState, UserConfiguration};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Steps that are looked at together. It bounds the memory, and makes pages of lists worth reading.
const LOOK_AT_ONCE: usize = 2_000;
/// Seconds between two looks; they grow with the age of what is looked for. Microsoft names no interval.
const LOOKS: std::ops::RangeInclusive<i64> = 2..=30;
/// An operation is asked for when it takes longer than this, or when no more than a batch of them is left.
const ASK_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A number that may have been handed over, and is not in place after this, was not: operations take half a minute.
const SEND_NUMBER_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// Policies are shown later than that.
const SEND_POLICY_AGAIN: SignedDuration = SignedDuration::from_secs(150);
/// How often something is handed over that is never answered.
const TRIES: u32 = 3;

type Configurations = BTreeMap<TeamsUserId, UserConfiguration>;

/// What Teams has of something that was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    InPlace,
    /// The number is with the right person, who may not call with it yet.
    NoEnterpriseVoice,
    Missing,
}

impl Round<'_> {
    /// Looks at everything of a stage that is handed over.
    pub(super) async fn prove(&mut self, stage: Stage) -> Result<Progress> {
        let (mut from, mut youngest) = (self.progress.settled_below, None);
        let last = loop {
            if !self.may_go_on().await? {
                return Ok(Progress::default());
            }
            let found = self.find(stage, from, LOOK_AT_ONCE, |step| !step.settled()).await?;
            youngest = youngest.max(self.look(found.steps).await?);
            match found.next {
                Some(next) => from = next,
                None => break found.last,
            }
        };
        let wait = youngest.map(|since| look_again(self.io.clock.now().duration_since(since)));
        Ok(Progress {
            verifying: last,
            ended: false,
            wait,
        })
    }

    /// Looks once more at what is with Microsoft, in whichever stage, and notes what is in place; all else stays as it is.
    ///
    /// # Errors
    /// Those of Microsoft; what was found in place by then is noted.
    pub(crate) async fn last_look(&mut self) -> Result<()> {
        let mut next = Some(self.progress.settled_below);
        while let Some(from) = next {
            let page = self.read(from).await?;
            next = page.next;
            let open: Vec<Step> = page
                .steps
                .into_iter()
                .filter(|step| handed_over(step).is_some())
                .collect();
            self.note_proven(open).await?;
        }
        Ok(())
    }

    /// Notes which of these steps are in place; the others, and what is seen of them.
    async fn note_proven(&mut self, steps: Vec<Step>) -> Result<Vec<(Step, Seen)>> {
        let seen = self.seen(&steps).await?;
        let (mut settled, mut open) = (Vec::new(), Vec::new());
        for (mut step, seen) in steps.into_iter().zip(seen) {
            if seen == Seen::InPlace {
                step.state = StepState::Applied;
                settled.push(step);
            } else {
                open.push((step, seen));
            }
        }
        self.note(&mut settled).await?;
        Ok(open)
    }

    /// Looks at some steps, and notes what has changed; when the youngest of the open ones was handed over.
    async fn look(&mut self, steps: Vec<Step>) -> Result<Option<Timestamp>> {
        // What is proven is kept before anything else is asked.
        let open = self.note_proven(steps).await?;
        let now = self.io.clock.now();
        let asked = self.ask(&open, now).await?;
        let (mut changed, mut youngest) = (Vec::new(), None);
        for (step, seen) in open {
            let since = handed_over(&step);
            let operation = asked.get(&step.index);
            match fate(&step, seen, operation, now) {
                Some(fate) => changed.push(fate),
                None => youngest = youngest.max(since),
            }
        }
        youngest = youngest.max(
            changed
                .iter()
                .filter(|step| !step.settled())
                .filter_map(handed_over)
                .max(),
        );
        self.note(&mut changed).await?;
        // What goes back to be sent again is pending: the next piece of work finds it.
        Ok(youngest)
    }

    /// What Teams has of each step.
    async fn seen(&self, steps: &[Step]) -> Result<Vec<Seen>> {
        let numbers: BTreeSet<E164> = steps.iter().filter_map(number).cloned().collect();
        let numbers: Vec<E164> = numbers.into_iter().collect();
        let held = self.io.graph.numbers(self.token, &numbers).await?;
        let needs_user = |step: &&Step| match step.change.as_ref() {
            Some(Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. }) => true,
            Some(Change::Assign { .. } | Change::Adopt { .. }) => holds(step, &held),
            Some(Change::Release { .. }) | None => false,
        };
        let users: BTreeSet<TeamsUserId> = steps.iter().filter(needs_user).map(|step| step.user.clone()).collect();
        let users: Vec<TeamsUserId> = users.into_iter().collect();
        let configurations = self.io.graph.user_configurations(self.token, &users).await?;
        Ok(steps.iter().map(|step| look_at(step, &held, &configurations)).collect())
    }

    /// How far Microsoft says it is with operations of open steps, where it is worth asking, by the index of the step; none
    /// where it knows nothing of it.
    async fn ask(&self, open: &[(Step, Seen)], now: Timestamp) -> Result<BTreeMap<u32, Option<OperationState>>> {
        let mut asked = Vec::new();
        let mut oldest = now;
        for (step, _) in open {
            if let StepState::Submitted {
                operation: Some(operation),
                at,
            } = &step.state
            {
                oldest = oldest.min(*at);
                asked.push((step.index, operation.parse::<OperationId>().ok()));
            }
        }
        if asked.len() > MOST_PARTS && now < oldest + ASK_AFTER {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<OperationId> = asked.iter().filter_map(|(_, id)| id.clone()).collect();
        let mut answers = self.io.graph.operations(self.token, &ids).await?.into_iter();
        // An id that we cannot read is an operation that nobody knows.
        let states = asked
            .into_iter()
            .map(|(index, id)| (index, id.and_then(|_| answers.next().flatten())));
        Ok(states.collect())
    }
}

/// Looks follow at 2, 4, 8, 16, 32 seconds and then every 30.
fn look_again(age: SignedDuration) -> u32 {
    u32::try_from(age.as_secs().clamp(*LOOKS.start(), *LOOKS.end())).unwrap_or(1)
}

/// Since when an open step is with Microsoft.
fn handed_over(step: &Step) -> Option<Timestamp> {
    match &step.state {
        StepState::Submitted { at, .. } => Some(*at),
        StepState::Verifying { since } => Some(*since),
        StepState::Pending | StepState::Applied | StepState::Failed { .. } | StepState::Skipped { .. } => None,
    }
}

fn holds(step: &Step, held: &BTreeMap<E164, NumberHolding>) -> bool {
    let holding = number(step).and_then(|number| held.get(number));
    holding.and_then(|holding| holding.holder.as_ref()) == Some(&step.user)
}

/// Whether a user has, or has no longer, the policy that a step is about.
pub(super) fn policy_in_place(step: &Step, configurations: &Configurations) -> bool {
    let policy = |kind| configurations.get(&step.user).and_then(|user| user.policies.get(kind));
    match step.change.as_ref() {
        Some(Change::Revoke { policy_type, name, .. }) => {
            policy(policy_type).is_none_or(|policy| policy.name != *name || policy.by_group)
        }
        Some(Change::Grant { policy_type, name, .. } | Change::AdoptPolicy { policy_type, name, .. }) => {
            policy(policy_type).is_some_and(|policy| policy.name == *name)
        }
        Some(Change::Release { .. } | Change::Assign { .. } | Change::Adopt { .. }) | None => false,
    }
}

fn look_at(step: &Step, held: &BTreeMap<E164, NumberHolding>, configurations: &Configurations) -> Seen {
    let in_place = |found| if found { Seen::InPlace } else { Seen::Missing };
    match step.change.as_ref() {
        Some(Change::Release { .. }) => in_place(!holds(step, held)),
        Some(Change::Assign { .. } | Change::Adopt { .. }) if holds(step, held) => {
            match configurations.get(&step.user) {
                Some(user) if user.enterprise_voice => Seen::InPlace,
                Some(_) | None => Seen::NoEnterpriseVoice,
            }
        }
        Some(Change::Assign { .. } | Change::Adopt { .. }) | None => Seen::Missing,
        Some(Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. }) => {
            in_place(policy_in_place(step, configurations))
        }
    }
}

/// What becomes of a step that is not in place; none where there is nothing to note yet.
fn fate(step: &Step, seen: Seen, operation: Option<&Option<OperationState>>, now: Timestamp) -> Option<Step> {
    let with = |state| Some(Step { state, ..step.clone() });
    let failed = |why: &str| {
        Some(Step {
            state: StepState::Failed { why: why.to_owned() },
            code: Some(Code::NotProven),
            ..step.clone()
        })
    };
    let not_proven = || match seen {
        Seen::NoEnterpriseVoice => failed(NO_ENTERPRISE_VOICE),
        Seen::Missing | Seen::InPlace => failed(NOT_PROVEN),
    };
    match (&step.state, operation) {
        (StepState::Submitted { .. }, Some(Some(OperationState::Failed { why }))) => {
            with(StepState::Failed { why: why.clone() })
        }
        // Microsoft is done with it, or says nothing more of it.
        (StepState::Submitted { at, .. }, Some(Some(OperationState::Succeeded) | None)) if now < *at + PROOF_WITHIN => {
            with(StepState::Verifying { since: *at })
        }
        (StepState::Submitted { operation: None, at }, _) if seen == Seen::Missing => {
            let again = match step.change {
                Some(Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. }) => SEND_POLICY_AGAIN,
                Some(Change::Release { .. } | Change::Assign { .. } | Change::Adopt { .. }) | None => SEND_NUMBER_AGAIN,
            };
            if now < *at + again {
                None
            } else if step.tries + 1 < TRIES {
                Some(Step {
                    state: StepState::Pending,
                    tries: step.tries + 1,
                    ..step.clone()
                })
            } else {
                failed(NO_ANSWER)
            }
        }
        (StepState::Submitted { at: since, .. } | StepState::Verifying { since }, _)
            if now >= *since + PROOF_WITHIN =>
        {
            not_proven()
        }
        (
            StepState::Submitted { .. }
            | StepState::Verifying { .. }
            | StepState::Pending
            | StepState::Applied
            | StepState::Failed { .. }
            | StepState::Skipped { .. },
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests;
