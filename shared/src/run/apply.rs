//! Makes the changes of a plan, phase by phase, and proves each by reading it back.
//!
//! Phases are: releases, then assignments, then policies. A phase begins when every change of the one before is
//! proven or has failed, so no user ever holds two numbers and no number two users.

use crate::domain::calling_policy::PolicyType;
use crate::domain::change::Change;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::{RunId, TeamsUserId};
use crate::domain::phone::E164;
use crate::domain::run::{Authority, Run, Step, StepState};
use crate::domain::sync_log::Line;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::{OperationId, OperationState, PolicyGrant, Token};
use crate::io::store::leases::Lease;
use crate::plan::guard::Held;
use crate::plan::sync::{ObservedNumber, ObservedUser};
use crate::run::plans::{StoredPlan, observe};
use crate::run::session::Session;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How long Microsoft may take until a change can be read back. The guides promise ten minutes for a whole sync.
const PROOF_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// Pause between two looks at what Microsoft is still working on. Microsoft names no interval.
const LOOK_AGAIN: u32 = 2;
/// Policies are handed over in collections of this size.
const POLICIES_AT_ONCE: usize = 20;

/// How far a call of the worker came.
#[derive(Debug, Default)]
pub struct Progress {
    /// For the log.
    pub lines: Vec<Line>,
    /// Everything is handed over; only proofs are missing.
    pub verifying: bool,
    /// Every change is proven, failed or skipped.
    pub ended: bool,
    /// Microsoft needs time.
    pub wait: Option<u32>,
}

/// The steps of a plan before the first is made; held ones are skipped from the start.
#[must_use]
pub fn steps(changes: &[Change], rulings: &[Option<Held>]) -> Vec<Step> {
    let state =
        |ruling: &Option<Held>| ruling.map_or(StepState::Pending, |held| StepState::Skipped { why: held.to_string() });
    let numbered = (0..).zip(changes.iter().zip(rulings));
    numbered
        .map(|(index, (change, ruling))| Step {
            index,
            user: change.user().clone(),
            what: String::new(),
            state: state(ruling),
        })
        .collect()
}

fn phase(change: &Change) -> u8 {
    match change {
        Change::Release { .. } => 0,
        Change::Assign { .. } | Change::Adopt { .. } => 1,
        Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. } => 2,
    }
}

fn settled(state: &StepState) -> bool {
    match state {
        StepState::Applied | StepState::Failed { .. } | StepState::Skipped { .. } => true,
        StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. } => false,
    }
}

/// The changes of a plan that are neither proven nor given up.
pub(super) fn left<'a>(plan: &'a StoredPlan, steps: &'a [Step]) -> impl Iterator<Item = &'a Change> {
    let both = steps.iter().zip(&plan.changes);
    both.filter(|(step, _)| !settled(&step.state)).map(|(_, change)| change)
}

/// One call's share of the work.
struct Round<'a> {
    io: &'a Io,
    lease: &'a Lease,
    run: &'a Run,
    plan: &'a StoredPlan,
    token: &'a Token,
    steps: Vec<Step>,
    progress: Progress,
}

/// Goes on with the first phase that is not settled, and stops between two changes at `until`.
///
/// # Errors
/// `TokenExpired`, `Throttled` and faults of Microsoft; what was made so far is kept.
#[expect(
    clippy::too_many_arguments,
    reason = "all of it is needed by every round, and the call is made once"
)]
pub(super) async fn apply(
    io: &Io,
    lease: &Lease,
    run: &Run,
    plan: &StoredPlan,
    steps: Vec<Step>,
    session: &Session,
    resumed: bool,
    until: Timestamp,
) -> Result<Progress> {
    let mut round = Round {
        io,
        lease,
        run,
        plan,
        token: &session.graph,
        steps,
        progress: Progress::default(),
    };
    let mut resumed = resumed;
    for number in 0..=2 {
        if round.unsettled(number).is_empty() {
            continue;
        }
        round.progress.verifying = round
            .unsettled(number)
            .iter()
            .all(|at| !matches!(round.steps[*at].state, StepState::Pending))
            && number == 2;
        let submitted = round.submit(number, resumed, until).await?;
        // What a killed call handed over without noting it can only be in the phase where it stopped.
        resumed = false;
        if submitted && number < 2 {
            round.progress.wait = Some(LOOK_AGAIN);
            return Ok(round.progress);
        }
        round.prove(number).await?;
        round.watch(number).await?;
        if !round.unsettled(number).is_empty() {
            round.progress.wait = Some(LOOK_AGAIN);
            return Ok(round.progress);
        }
        if io.clock.now() >= until {
            return Ok(round.progress);
        }
    }
    round.progress.ended = true;
    Ok(round.progress)
}

impl Round<'_> {
    fn unsettled(&self, number: u8) -> Vec<usize> {
        let of_phase = |at: &usize| phase(&self.plan.changes[*at]) == number && !settled(&self.steps[*at].state);
        (0..self.steps.len()).filter(of_phase).collect()
    }

    fn pending(&self, number: u8) -> Vec<usize> {
        self.unsettled(number)
            .into_iter()
            .filter(|at| matches!(self.steps[*at].state, StepState::Pending))
            .collect()
    }

    /// Writes a step's new state; what is ours follows in the same write.
    async fn note(&mut self, at: usize, state: StepState) -> Result<()> {
        let change = &self.plan.changes[at];
        let owned = match &state {
            StepState::Applied => {
                let before = self.io.store.owned(&self.lease.enterprise, change.user()).await?;
                Some(change.owned_after(before))
            }
            StepState::Pending
            | StepState::Submitted { .. }
            | StepState::Verifying { .. }
            | StepState::Failed { .. }
            | StepState::Skipped { .. } => None,
        };
        let outcome = match &state {
            StepState::Applied => Some("applied".to_owned()),
            StepState::Failed { why } => Some(format!("failed: {why}")),
            StepState::Skipped { why } => Some(why.clone()),
            StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. } => None,
        };
        let what = named(self.plan, change);
        if let Some(outcome) = outcome {
            self.progress.lines.push(Line::Outcome { what, outcome });
        } else if self.run.debug {
            self.progress.lines.push(Line::Change(format!("{what}: {state:?}")));
        }
        let step = Step {
            state,
            ..self.steps[at].clone()
        };
        self.io
            .store
            .put_step(self.lease, &self.run.id, &step, owned.as_ref(), self.io.clock.now())
            .await?;
        self.steps[at] = step;
        Ok(())
    }

    /// Hands the phase's pending changes to Microsoft. What is in place already, because an earlier call was killed
    /// after handing it over, is not handed over twice.
    async fn submit(&mut self, number: u8, resumed: bool, until: Timestamp) -> Result<bool> {
        let mut pending = self.pending(number);
        if pending.is_empty() {
            return Ok(false);
        }
        if resumed {
            // All of them before the first is sent: the next pause may be the end of this call.
            let observed = self.observed(&pending).await?;
            let since = self.io.clock.now();
            for at in pending {
                if in_place(&self.plan.changes[at], &observed) {
                    self.note(at, StepState::Verifying { since }).await?;
                }
            }
            pending = self.pending(number);
        }
        let mut policies = Vec::new();
        for at in pending {
            self.io.store.renew(self.lease, self.io.clock.now()).await?;
            if self.io.clock.now() >= until || self.withdrawn().await? {
                return Ok(true);
            }
            let since = self.io.clock.now();
            match &self.plan.changes[at] {
                Change::Release { number, .. } => {
                    let sent = self.io.graph.unassign_number(self.token, number).await;
                    self.handed_over(at, sent).await?;
                }
                Change::Assign { number, to, .. } => match self.blocked(number, to) {
                    Some(why) => self.note(at, StepState::Skipped { why }).await?,
                    None => {
                        let sent = self.io.graph.assign_number(self.token, number, to).await;
                        self.handed_over(at, sent).await?;
                    }
                },
                Change::Adopt { .. } | Change::AdoptPolicy { .. } => {
                    self.note(at, StepState::Verifying { since }).await?
                }
                Change::Revoke { .. } | Change::Grant { .. } => policies.push(at),
            }
        }
        for part in policies.chunks(POLICIES_AT_ONCE) {
            self.io.store.renew(self.lease, self.io.clock.now()).await?;
            if self.io.clock.now() >= until || self.withdrawn().await? {
                break;
            }
            self.submit_policies(part).await?;
        }
        Ok(true)
    }

    /// A deputy's tokens are gone, or our application's: nobody lets them go on any more, and nothing more is done.
    async fn withdrawn(&self) -> Result<bool> {
        let (enterprise, run) = (&self.lease.enterprise, &self.run.id);
        Ok(self.run.authority != Authority::GlobalAdmin
            && self
                .io
                .store
                .sealed(enterprise, run, self.io.clock.now())
                .await?
                .is_none())
    }

    /// A number that could not be released cannot be given, and its new holder must not get another.
    fn blocked(&self, number: &E164, to: &TeamsUserId) -> Option<String> {
        let in_the_way = |(step, change): (&Step, &Change)| match change {
            Change::Release { number: released, from } if released == number || from == to => {
                step.state != StepState::Applied
            }
            Change::Release { .. }
            | Change::Assign { .. }
            | Change::Adopt { .. }
            | Change::AdoptPolicy { .. }
            | Change::Revoke { .. }
            | Change::Grant { .. } => false,
        };
        let blocked = self.steps.iter().zip(&self.plan.changes).any(in_the_way);
        blocked.then(|| "not tried: a number was not released before".to_owned())
    }

    async fn handed_over(&mut self, at: usize, sent: Result<Option<OperationId>>) -> Result<()> {
        let now = self.io.clock.now();
        match sent {
            Ok(Some(operation)) => {
                self.note(
                    at,
                    StepState::Submitted {
                        operation: Some(operation.to_string()),
                        at: now,
                    },
                )
                .await
            }
            Ok(None) => self.note(at, StepState::Verifying { since: now }).await,
            Err(Error::Refused { code, message, .. }) => {
                self.note(
                    at,
                    StepState::Failed {
                        why: format!("{message} ({code})"),
                    },
                )
                .await
            }
            // The answer was lost: whether it was done shows when it is read back.
            Err(Error::Upstream { .. }) => self.note(at, StepState::Verifying { since: now }).await,
            Err(error) => Err(error),
        }
    }

    async fn submit_policies(&mut self, part: &[usize]) -> Result<()> {
        let (mut grants, mut revokes) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        let mut ids: BTreeMap<(PolicyType, String), Option<String>> = BTreeMap::new();
        for at in part {
            match &self.plan.changes[*at] {
                Change::Grant {
                    user,
                    policy_type,
                    name,
                    ..
                } => {
                    let key = (*policy_type, name.clone());
                    if !ids.contains_key(&key) {
                        let id = self.io.graph.policy_id(self.token, *policy_type, name).await?;
                        ids.insert(key.clone(), id);
                    }
                    match ids.get(&key).cloned().flatten() {
                        Some(policy_id) => {
                            grants.0.push(*at);
                            grants.1.push(PolicyGrant {
                                user: user.clone(),
                                policy_type: *policy_type,
                                policy_id,
                            });
                        }
                        // A policy that was made a moment ago can take a while to be found.
                        None if self.io.clock.now() < self.run.started.unwrap_or(self.run.created) + PROOF_WITHIN => {}
                        None => {
                            self.note(
                                *at,
                                StepState::Failed {
                                    why: format!("Teams does not know the policy {name}"),
                                },
                            )
                            .await?
                        }
                    }
                }
                Change::Revoke {
                    user,
                    policy_type,
                    back,
                    ..
                } => {
                    // What was there before us may be gone; then the tenant's default holds.
                    let back = match back {
                        Some(name) => self.io.graph.policy_id(self.token, *policy_type, name).await?,
                        None => None,
                    };
                    if let Some(policy_id) = back {
                        grants.0.push(*at);
                        grants.1.push(PolicyGrant {
                            user: user.clone(),
                            policy_type: *policy_type,
                            policy_id,
                        });
                    } else {
                        revokes.0.push(*at);
                        revokes.1.push((user.clone(), *policy_type));
                    }
                }
                Change::Release { .. } | Change::Assign { .. } | Change::Adopt { .. } | Change::AdoptPolicy { .. } => {}
            }
        }
        let granted = self.io.graph.grant(self.token, &grants.1).await?;
        let revoked = self.io.graph.revoke(self.token, &revokes.1).await?;
        let handed_over = grants
            .0
            .into_iter()
            .zip(granted)
            .chain(revokes.0.into_iter().zip(revoked));
        for (at, sent) in handed_over.collect::<Vec<_>>() {
            self.handed_over(at, sent.map(|()| None)).await?;
        }
        Ok(())
    }

    /// Asks how far Microsoft is with what it has accepted.
    async fn watch(&mut self, number: u8) -> Result<()> {
        for index in self.unsettled(number) {
            let StepState::Submitted {
                operation: Some(operation),
                at: since,
            } = self.steps[index].state.clone()
            else {
                continue;
            };
            let now = self.io.clock.now();
            let Ok(operation) = operation.parse::<OperationId>() else {
                self.note(index, StepState::Verifying { since }).await?;
                continue;
            };
            match self.io.graph.operation(self.token, &operation).await? {
                OperationState::Running if now < since + PROOF_WITHIN => {}
                OperationState::Running | OperationState::Succeeded => {
                    self.note(index, StepState::Verifying { since: now }).await?
                }
                OperationState::Failed { why } => self.note(index, StepState::Failed { why }).await?,
            }
        }
        Ok(())
    }

    /// Reads back. What is there is applied; what does not appear in time is reported, whatever Microsoft said.
    async fn prove(&mut self, number: u8) -> Result<()> {
        let verifying: Vec<usize> = self
            .unsettled(number)
            .into_iter()
            .filter(|at| !matches!(self.steps[*at].state, StepState::Pending))
            .collect();
        if verifying.is_empty() {
            return Ok(());
        }
        let observed = self.observed(&verifying).await?;
        let now = self.io.clock.now();
        for at in verifying {
            let since = match &self.steps[at].state {
                StepState::Verifying { since } => Some(*since),
                _ => None,
            };
            if in_place(&self.plan.changes[at], &observed) {
                self.note(at, StepState::Applied).await?;
            } else if since.is_some_and(|since| now >= since + PROOF_WITHIN) {
                self.note(
                    at,
                    StepState::Failed {
                        why: NOT_PROVEN.to_owned(),
                    },
                )
                .await?;
            }
        }
        Ok(())
    }

    /// What Teams says now of everybody and every number that these changes are about.
    async fn observed(&self, at: &[usize]) -> Result<Observed> {
        let mut users = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for at in at {
            match &self.plan.changes[*at] {
                Change::Release { number, .. } | Change::Assign { number, .. } | Change::Adopt { number, .. } => {
                    numbers.insert(number.clone());
                }
                Change::Revoke { user, .. } | Change::Grant { user, .. } | Change::AdoptPolicy { user, .. } => {
                    users.insert(user.clone());
                }
            }
        }
        let (users, numbers) = (
            users.into_iter().collect::<Vec<_>>(),
            numbers.into_iter().collect::<Vec<_>>(),
        );
        observe(self.io, self.token, &users, &numbers).await
    }
}

type Observed = (BTreeMap<TeamsUserId, ObservedUser>, BTreeMap<E164, ObservedNumber>);

/// What is said of a change that Microsoft confirmed but that cannot be read back.
pub const NOT_PROVEN: &str = "Microsoft took it, but it cannot be read back";

pub(super) fn in_place(change: &Change, (users, numbers): &Observed) -> bool {
    let holder = |number: &E164| numbers.get(number).and_then(|number| number.holder.as_ref());
    let policy = |user: &TeamsUserId, kind: &PolicyType| users.get(user).and_then(|user| user.policies.get(kind));
    match change {
        Change::Release { number, from } => holder(number) != Some(from),
        Change::Assign { number, to: user, .. } | Change::Adopt { number, user } => holder(number) == Some(user),
        Change::Revoke {
            user,
            policy_type,
            name,
            ..
        } => policy(user, policy_type).is_none_or(|policy| policy.name != *name || policy.by_group),
        Change::Grant {
            user,
            policy_type,
            name,
            ..
        }
        | Change::AdoptPolicy {
            user,
            policy_type,
            name,
        } => policy(user, policy_type).is_some_and(|policy| policy.name == *name),
    }
}

/// At the end: users whose changes are all in place have exactly their target. Others keep what was proven.
///
/// # Errors
/// `Busy` if the lease was lost.
pub async fn settle(io: &Io, lease: &Lease, plan: &StoredPlan, steps: &[Step]) -> Result<()> {
    let open: BTreeSet<&TeamsUserId> = steps
        .iter()
        .filter(|step| step.state != StepState::Applied)
        .map(|step| &step.user)
        .collect();
    let account = io.store.account(&lease.enterprise).await?;
    for (user, target) in plan.targets.iter().filter(|(user, _)| !open.contains(user)) {
        if account.owned.get(user).cloned().unwrap_or_default() != *target {
            io.store.settle(lease, user, target, io.clock.now()).await?;
        }
    }
    Ok(())
}

/// Of a run that nobody goes on with: what was handed to Microsoft and not proven may be in place any moment. It is ours, so
/// that the next sync keeps it or takes it back.
///
/// # Errors
/// `Busy` if the lease was lost.
pub async fn claim(io: &Io, lease: &Lease, run: &RunId) -> Result<()> {
    let enterprise = &lease.enterprise;
    let Some(plan) = io.store.run_plan::<StoredPlan>(enterprise, run).await? else {
        return Ok(());
    };
    let steps = io.store.steps(enterprise, run).await?;
    for (step, change) in steps.iter().zip(&plan.changes) {
        let unproven = matches!(step.state, StepState::Submitted { .. } | StepState::Verifying { .. });
        if unproven && matches!(change, Change::Assign { .. } | Change::Grant { .. }) {
            let before = io.store.owned(enterprise, &step.user).await?;
            let after = change.owned_after(before);
            io.store.settle(lease, &step.user, &after, io.clock.now()).await?;
        }
    }
    Ok(())
}

/// A change in words, with the user's name.
fn named(plan: &StoredPlan, change: &Change) -> String {
    let text = change.to_string();
    plan.names
        .get(change.user())
        .map_or_else(|| text.clone(), |name| text.replace(change.user().as_str(), name))
}

/// What is reported of a change that was not made.
#[must_use]
pub fn finding(plan: &StoredPlan, change: &Change, why: &str) -> Finding {
    let (code, fix, actor) = if why == NOT_PROVEN {
        (
            Code::NotProven,
            "Sync again; if it stays so, ask the provider.",
            Actor::Microsoft,
        )
    } else if why.starts_with("held:") {
        (
            Code::TooManyReleases,
            "Read the plan; if it is meant, approve it when the sync is started again.",
            Actor::GlobalAdmin,
        )
    } else {
        (
            Code::MsRefused,
            "Read Microsoft's reason, put it right, and sync again.",
            Actor::GlobalAdmin,
        )
    };
    Finding {
        code,
        subject: named(plan, change),
        seen: format!("{}: {why}.", named(plan, change)),
        fix: fix.into(),
        actor,
        about: Some(change.user().clone()),
        wait: None,
    }
}
