//! Makes the changes of a plan, stage by stage, and proves each by reading it back.
//!
//! Changes of one kind that follow each other in the plan are a stage: releases, then assignments, then policies. A stage
//! begins when every change of the one before is proven or has failed, so no user ever holds two numbers and no number two
//! users. Steps are read and worked on in pieces, so a run of any size needs the same memory.
//!
//! Before anything is sent it is noted that it may have been (`Submitted` without an operation). A worker that is killed, or
//! an answer that is lost, leaves that note: what it is about is read back, and sent again only when Microsoft has had time
//! to do it and has not.

mod policies;
mod prove;
mod round;
mod submit;

pub(super) use round::Round;

use crate::domain::change::Change;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId};
use crate::domain::phone::E164;
use crate::domain::run::{Step, StepState, Tally, Tallying};
use crate::error::Result;
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::plan::duration::Work;
use crate::plan::guard::Held;
use crate::run::plans::StoredPlan;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};

/// How long Microsoft may take until a change can be read back. The guides promise ten minutes for a whole sync.
const PROOF_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// Steps that are read at once.
const PAGE: u16 = 500;

/// What is said of a change that Microsoft confirmed but that cannot be read back.
pub const NOT_PROVEN: &str = "Microsoft took it, but it cannot be read back";
/// What is said of a number that is there without the right to call.
pub const NO_ENTERPRISE_VOICE: &str = "the number is there, but Enterprise Voice is not switched on";
/// What is said of a change that was sent several times without an answer, and is not there.
const NO_ANSWER: &str = "Microsoft did not answer, and it cannot be read back";

/// Changes that follow each other and may be made at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Releases,
    Assignments,
    Policies,
}

impl Stage {
    fn of(change: &Change) -> Self {
        match change {
            Change::Release { .. } => Self::Releases,
            Change::Assign { .. } | Change::Adopt { .. } => Self::Assignments,
            Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. } => Self::Policies,
        }
    }
}

/// How far a piece of the work came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Everything is handed over; only proofs are missing.
    pub(super) verifying: bool,
    /// Every change is proven, failed or skipped.
    pub(super) ended: bool,
    /// Microsoft needs so many seconds.
    pub(super) wait: Option<u32>,
}

/// The steps of a plan before the first is made; held ones are skipped from the start.
#[must_use]
pub fn steps(changes: &[Change], rulings: &[Option<Held>]) -> Vec<Step> {
    let releases = Releases::of(changes);
    let numbered = (0..).zip(changes.iter().zip(rulings));
    numbered
        .map(|(index, (change, ruling))| {
            let (state, code) = match ruling {
                Some(held) => (StepState::Skipped { why: held.to_string() }, Some(held_code(*held))),
                None => (StepState::Pending, None),
            };
            Step {
                state,
                code,
                change: Some(change.clone()),
                after: releases.before(change),
                ..Step::pending(index, change.user().clone())
            }
        })
        .collect()
}

fn held_code(held: Held) -> Code {
    match held {
        Held::AddOnly => Code::NotSyncedYet,
        Held::TooManyReleases { .. } => Code::TooManyReleases,
    }
}

/// Where a plan releases what.
struct Releases<'a> {
    numbers: BTreeMap<&'a E164, u32>,
    users: BTreeMap<&'a TeamsUserId, u32>,
}

impl<'a> Releases<'a> {
    fn of(changes: &'a [Change]) -> Self {
        let (mut numbers, mut users) = (BTreeMap::new(), BTreeMap::new());
        for (index, change) in (0..).zip(changes) {
            if let Change::Release { number, from } = change {
                numbers.insert(number, index);
                users.insert(from, index);
            }
        }
        Self { numbers, users }
    }

    /// A number that could not be released cannot be given, and its new holder must not get another.
    fn before(&self, change: &Change) -> Vec<u32> {
        let Change::Assign { number, to, .. } = change else {
            return Vec::new();
        };
        let both = self.numbers.get(number).into_iter().chain(self.users.get(to));
        both.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// What of a run is neither proven nor given up.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Steps.
    pub(super) steps: usize,
    /// Of so many.
    pub(super) of: usize,
    /// What they cost.
    pub(super) work: Work,
    /// All steps, by how far they are.
    pub(super) tally: Tally,
}

/// Counts what is left of a run; nothing where it has no plan.
///
/// # Errors
/// `Upstream`.
pub(super) async fn left(io: &Io, enterprise: &EnterpriseId, run: &RunId) -> Result<Left> {
    let (mut left, mut counted) = (Left::default(), Tallying::default());
    each(io, enterprise, run, |step| {
        left.of += 1;
        if let Some(change) = &step.change {
            counted.add(change, &step);
            if !step.settled() {
                left.steps += 1;
                left.work.extend([change]);
            }
        }
    })
    .await?;
    left.tally = counted.finish();
    Ok(left)
}

/// How far the changes of a run are.
///
/// # Errors
/// `Upstream`.
pub(super) async fn tally(io: &Io, enterprise: &EnterpriseId, run: &RunId) -> Result<Tally> {
    left(io, enterprise, run).await.map(|left| left.tally)
}

/// Reads all steps of a run, some at a time.
async fn each(io: &Io, enterprise: &EnterpriseId, run: &RunId, mut look: impl FnMut(Step)) -> Result<()> {
    let mut next = Some(0);
    while let Some(from) = next {
        let page = read(io, enterprise, run, from).await?;
        page.steps.into_iter().for_each(&mut look);
        next = page.next;
    }
    Ok(())
}

/// Some steps, each with its change, and where to go on.
struct Page {
    steps: Vec<Step>,
    next: Option<u32>,
}

/// Steps from an index on.
async fn read(io: &Io, enterprise: &EnterpriseId, run: &RunId, from: u32) -> Result<Page> {
    let (mut steps, more) = io.store.steps_from(enterprise, run, from, PAGE).await?;
    let next = steps.last().filter(|_| more).map(|step| step.index + 1);
    // Runs from before steps had their changes.
    if steps.iter().any(|step| step.change.is_none())
        && let Some(plan) = io.store.run_plan::<StoredPlan>(enterprise, run).await?
    {
        for step in &mut steps {
            let at = usize::try_from(step.index).unwrap_or(usize::MAX);
            step.change = step.change.take().or_else(|| plan.changes.get(at).cloned());
            step.what = step
                .change
                .as_ref()
                .map(|change| plan.words(change))
                .unwrap_or_default();
        }
    }
    Ok(Page { steps, next })
}

/// At the end: users whose changes are all in place have exactly their target; others keep what was proven. The answer is
/// what is to be reported of the others.
///
/// # Errors
/// `Busy` if the lease was lost.
pub(super) async fn settle(io: &Io, lease: &Lease, run: &RunId, plan: &StoredPlan) -> Result<Vec<Finding>> {
    let enterprise = &lease.enterprise;
    let (mut open, mut findings) = (BTreeSet::new(), Vec::new());
    each(io, enterprise, run, |step| {
        findings.extend(finding(&step));
        if step.state != StepState::Applied {
            open.insert(step.user);
        }
    })
    .await?;
    let account = io.store.account(enterprise).await?;
    for (user, target) in plan.targets.iter().filter(|(user, _)| !open.contains(*user)) {
        if account.owned.get(user).cloned().unwrap_or_default() != *target {
            io.store.settle(lease, user, target, io.clock.now()).await?;
        }
    }
    Ok(findings)
}

/// Of a run that nobody goes on with: what was handed to Microsoft and not proven may be in place any moment. It is ours, so
/// that the next sync keeps it or takes it back.
///
/// # Errors
/// `Busy` if the lease was lost.
pub async fn claim(io: &Io, lease: &Lease, run: &RunId) -> Result<()> {
    let enterprise = &lease.enterprise;
    let mut unproven = Vec::new();
    each(io, enterprise, run, |step| {
        if let (StepState::Submitted { .. } | StepState::Verifying { .. }, Some(change)) = (&step.state, step.change)
            && matches!(change, Change::Assign { .. } | Change::Grant { .. })
        {
            unproven.push(change);
        }
    })
    .await?;
    for change in unproven {
        let before = io.store.owned(enterprise, change.user()).await?;
        let after = change.owned_after(before);
        io.store.settle(lease, change.user(), &after, io.clock.now()).await?;
    }
    Ok(())
}

/// What is reported of a change that was not made.
#[must_use]
pub fn finding(step: &Step) -> Option<Finding> {
    let why = match &step.state {
        StepState::Failed { why } | StepState::Skipped { why } => why,
        StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. } | StepState::Applied => {
            return None;
        }
    };
    let code = step.code.unwrap_or(Code::MsRefused);
    let (fix, actor) = match code {
        Code::NotProven => ("Sync again; if it stays so, ask the provider.", Actor::Microsoft),
        Code::TooManyReleases => (
            "Read the plan; if it is meant, approve it when the sync is started again.",
            Actor::GlobalAdmin,
        ),
        Code::NotSyncedYet => (
            "Start a sync that may also release numbers, with mode full, if it is meant.",
            Actor::GlobalAdmin,
        ),
        Code::NumberTaken => (
            "Take the number from whoever has it in the Teams admin center, or map another voice user; then sync again.",
            Actor::GlobalAdmin,
        ),
        _ => (
            "Read Microsoft's reason, put it right, and sync again.",
            Actor::GlobalAdmin,
        ),
    };
    let what = &step.what;
    Some(Finding {
        code,
        seen: format!("{what}: {why}."),
        subject: what.clone(),
        fix: fix.into(),
        actor,
        about: Some(step.user.clone()),
        wait: None,
    })
}

#[cfg(test)]
mod tests;
