//! A sync run, as people follow it.

use super::change::Change;
use super::email::EmailAddress;
use super::finding::{Code, Finding};
use super::ids::{PlanId, RunId, TeamsUserId};
use super::phone::E164;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunKind {
    /// Reads the tenant and offers its users for mapping.
    Discover,
    /// Reads the tenant and applies the saved mapping.
    Apply,
    /// Applies the saved mapping to the users that an earlier run has read whole; does not read the directory again.
    ApplyOnly,
}

impl RunKind {
    /// Whether it changes anything in Teams.
    #[must_use]
    pub fn applies(self) -> bool {
        match self {
            Self::Discover => false,
            Self::Apply | Self::ApplyOnly => true,
        }
    }

    /// Whether it reads the directory.
    #[must_use]
    pub fn reads(self) -> bool {
        match self {
            Self::Discover | Self::Apply => true,
            Self::ApplyOnly => false,
        }
    }
}

/// What set a run going: the column *Type* of the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// Somebody asked for it.
    #[default]
    Manual,
    /// Its time had come.
    Automatic,
}

/// In whose name a run works at Microsoft. Who asked for it stands beside it, in [`Run::requested_by`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authority {
    /// The recorded Global Admin, who signs in for it.
    #[default]
    GlobalAdmin,
    /// A deputy the Global Admin has named, who signs in for it.
    Deputy(EmailAddress),
    /// The application itself, which the Global Admin lets sync unattended; nobody signs in.
    Unattended,
}

impl Authority {
    /// The deputy whose sign-in is waited for, where it is a deputy's.
    #[must_use]
    pub fn deputy(&self) -> Option<&EmailAddress> {
        match self {
            Self::Deputy(email) => Some(email),
            Self::GlobalAdmin | Self::Unattended => None,
        }
    }
}

/// How far a run is. Order is order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// The Global Admin has to sign in at Microsoft.
    AwaitingSignIn,
    /// The worker is reading the directory.
    Discovering,
    /// The worker compares what is wanted with what Teams has.
    Planning,
    /// The worker puts the tenant's policies and routes in place.
    Preparing,
    /// The worker changes numbers and policies, user by user.
    Applying,
    /// The worker reads back what it applied.
    Verifying,
    /// Everything was applied and proven.
    Succeeded,
    /// Something was not; the findings say what.
    Failed,
    /// The sign-in link ran out before anybody used it.
    Abandoned,
    /// Somebody stopped it. What had been handed to Microsoft by then is in the table, proven or not.
    Cancelled,
}

impl RunState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Abandoned | Self::Cancelled)
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Our key.
    pub id: RunId,
    /// What it does.
    pub kind: RunKind,
    /// How far it is.
    pub state: RunState,
    /// The plan that was shown and approved, where there was one.
    pub plan: Option<PlanId>,
    /// Whether it writes more detail (R150, R200).
    pub debug: bool,
    /// The portal identity that asked for it.
    pub requested_by: String,
    /// In whose name it works; at a sign-in, whose it waits for or had.
    pub authority: Authority,
    /// What set it going.
    pub trigger: Trigger,
    /// The run whose failed part it repeats; it plans for the users of that part and leaves all others alone.
    pub retry_of: Option<RunId>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When the worker began; log lines count from here.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What stood in the way.
    pub findings: Vec<Finding>,
    /// Log lines written so far.
    pub lines: u32,
    /// How far its changes are, as of the last checkpoint; at the end, what came of them.
    pub tally: Tally,
}

/// How many changes of a run are in which state, and of which sort those in place are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    /// Changes of the plan, held ones included.
    pub planned: u32,
    /// Not begun.
    pub pending: u32,
    /// Handed to Microsoft, not proven yet.
    pub unproven: u32,
    /// Numbers given to users, proven.
    pub added: u32,
    /// Numbers given to users after they were taken from others, proven.
    pub moved: u32,
    /// Numbers taken from users and given to nobody, proven.
    pub released: u32,
    /// Voice policies given or taken, proven.
    pub changed: u32,
    /// Numbers that were in place before and are ours since.
    pub adopted: u32,
    /// Refused or lost.
    pub failed: u32,
    /// Not tried.
    pub skipped: u32,
    /// Users whom the plan concerns.
    pub users: u32,
    /// Obstacles at the end; the first [`FINDINGS_KEPT`] of them are kept with the run, all of them are in its log.
    pub findings: u32,
}

/// Most obstacles that are kept with a run: an item of the table holds 400 KB.
pub const FINDINGS_KEPT: usize = 200;

impl Tally {
    /// Counts the changes of a plan by how far they are.
    #[must_use]
    pub fn of(changes: &[Change], steps: &[Step]) -> Self {
        let mut counted = Tallying::default();
        for (change, step) in changes.iter().zip(steps) {
            counted.add(change, step);
        }
        counted.finish()
    }

    /// Changes that are in place, a move counted once.
    #[must_use]
    pub fn in_place(&self) -> u32 {
        self.added + self.moved + self.released + self.changed + self.adopted
    }

    /// The result in a sentence, such as `3 numbers added, 1 released; 2 changes failed`.
    #[must_use]
    pub fn words(&self) -> String {
        let made = [
            (self.added, "added"),
            (self.moved, "moved"),
            (self.released, "released"),
            (self.adopted, "adopted"),
        ];
        let mut made: Vec<String> = listed(&made);
        if let Some(first) = made.first_mut() {
            let (count, what) = first.split_once(' ').unwrap_or_default();
            let noun = if count == "1" { "number" } else { "numbers" };
            *first = format!("{count} {noun} {what}");
        }
        match self.changed {
            0 => {}
            1 => made.push("1 policy changed".into()),
            many => made.push(format!("{many} policies changed")),
        }
        let open = [
            (self.failed, "failed"),
            (self.skipped, "skipped"),
            (self.unproven, "not proven"),
            (self.pending, "not begun"),
        ];
        let mut open: Vec<String> = listed(&open);
        if let Some(first) = open.first_mut() {
            let (count, what) = first.split_once(' ').unwrap_or_default();
            let noun = if count == "1" { "change" } else { "changes" };
            *first = format!("{count} {noun} {what}");
        }
        let parts: Vec<String> = [made, open]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| part.join(", "))
            .collect();
        if parts.is_empty() {
            "nothing to change".into()
        } else {
            parts.join("; ")
        }
    }
}

/// A tally that is made step by step, in the order of the plan.
#[derive(Debug, Default)]
pub struct Tallying {
    tally: Tally,
    /// Numbers that were taken from somebody.
    released: BTreeSet<E164>,
    /// Numbers that somebody else gets after that.
    moved: BTreeSet<E164>,
    users: BTreeSet<TeamsUserId>,
}

impl Tallying {
    /// Counts one step.
    pub fn add(&mut self, change: &Change, step: &Step) {
        self.moved.extend(change.moves().cloned());
        self.users.insert(step.user.clone());
        let tally = &mut self.tally;
        tally.planned += 1;
        *match &step.state {
            StepState::Pending => &mut tally.pending,
            StepState::Submitted { .. } | StepState::Verifying { .. } => &mut tally.unproven,
            StepState::Failed { .. } => &mut tally.failed,
            StepState::Skipped { .. } => &mut tally.skipped,
            StepState::Applied => match change {
                Change::Release { number, .. } => {
                    self.released.insert(number.clone());
                    return;
                }
                Change::Assign { moved: true, .. } => &mut tally.moved,
                Change::Assign { moved: false, .. } => &mut tally.added,
                Change::Adopt { .. } | Change::AdoptPolicy { .. } => &mut tally.adopted,
                Change::Revoke { .. } | Change::Grant { .. } => &mut tally.changed,
            },
        } += 1;
    }

    /// All of it. A release is the other half of a move where the number is given again; it counts where the number arrives.
    #[must_use]
    pub fn finish(self) -> Tally {
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        Tally {
            released: count(self.released.difference(&self.moved).count()),
            users: count(self.users.len()),
            ..self.tally
        }
    }
}

/// `3 added`, for what there is any of.
fn listed(counts: &[(u32, &str)]) -> Vec<String> {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    some.map(|(count, what)| format!("{count} {what}")).collect()
}

impl Run {
    /// From its start to its end.
    #[must_use]
    pub fn duration(&self) -> Option<SignedDuration> {
        Some(self.ended?.duration_since(self.started?))
    }

    /// What came of it, in a sentence; nothing while it goes on.
    #[must_use]
    pub fn result(&self) -> Option<String> {
        let made = || match (self.tally.planned, self.state) {
            (0, RunState::Failed | RunState::Cancelled) => "it ended before anything was changed".to_owned(),
            _ => self.tally.words(),
        };
        Some(match self.state {
            RunState::AwaitingSignIn
            | RunState::Discovering
            | RunState::Planning
            | RunState::Preparing
            | RunState::Applying
            | RunState::Verifying => return None,
            RunState::Succeeded if self.kind.applies() => format!("Successful: {}.", made()),
            RunState::Succeeded => "Successful: the users of the tenant were read.".into(),
            RunState::Failed => format!("Failed: {}.", made()),
            RunState::Abandoned => "Given up: nobody signed in for it.".into(),
            RunState::Cancelled => format!("Stopped: {}.", made()),
        })
    }
}

/// How far one change of a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "state")]
#[schema(as = ChangeState)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Handed to Microsoft.
    Submitted {
        /// Microsoft's operation, to ask again; without one it is not known whether Microsoft has got it.
        operation: Option<String>,
        /// When it was handed over.
        at: Timestamp,
    },
    /// Microsoft says it is done; not read back yet.
    Verifying {
        /// Since when.
        since: Timestamp,
    },
    /// Read back and found in place.
    Applied,
    /// Refused or lost.
    Failed {
        /// Microsoft's words where it said any.
        why: String,
    },
    /// Not tried.
    Skipped {
        /// Why not.
        why: String,
    },
}

/// One change of a run and how far it is. It is complete: the worker needs neither the plan nor other steps to make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the plan, from 0.
    pub index: u32,
    /// Whom it concerns.
    pub user: TeamsUserId,
    /// The change in words, with people's names.
    #[serde(default)]
    pub what: String,
    /// How far it is.
    pub state: StepState,
    /// What is changed; steps of runs from before this was kept have it in their run's plan only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Releases that must be in place before, by their index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
    /// How often it was handed over without an answer.
    #[serde(default)]
    pub tries: u32,
    /// What is reported of it where it was skipped or failed for another reason than Microsoft's refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// When it was read back and found in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
}

impl Step {
    /// A step that is not begun.
    #[must_use]
    pub fn pending(index: u32, user: TeamsUserId) -> Self {
        Self {
            index,
            user,
            what: String::new(),
            state: StepState::Pending,
            change: None,
            after: Vec::new(),
            tries: 0,
            code: None,
            applied_at: None,
        }
    }

    /// Nothing more happens with it in this run.
    #[must_use]
    pub fn settled(&self) -> bool {
        match self.state {
            StepState::Applied | StepState::Failed { .. } | StepState::Skipped { .. } => true,
            StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. } => false,
        }
    }
}

impl Step {
    /// Whether the change is neither in place nor adopted: what a repetition of the failed part is about.
    #[must_use]
    pub fn unfinished(&self) -> bool {
        match self.state {
            StepState::Applied => false,
            StepState::Pending
            | StepState::Submitted { .. }
            | StepState::Verifying { .. }
            | StepState::Failed { .. }
            | StepState::Skipped { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u8) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
    }

    fn step(index: u32, n: u8, state: StepState) -> Step {
        Step {
            state,
            ..Step::pending(index, user(n))
        }
    }

    fn assign(number: &str, n: u8, moved: bool) -> Change {
        Change::Assign {
            number: number.parse().unwrap(),
            to: user(n),
            moved,
        }
    }

    fn release(number: &str, n: u8) -> Change {
        Change::Release {
            number: number.parse().unwrap(),
            from: user(n),
        }
    }

    #[test]
    fn r151_a_move_counts_once_and_the_result_is_a_sentence() {
        let changes = [
            release("+15550100101", 1),
            release("+15550100102", 3),
            assign("+15550100101", 2, true),
            assign("+15550100103", 1, false),
        ];
        let applied = |index, n| step(index, n, StepState::Applied);
        let refused = StepState::Failed { why: "no".into() };
        let steps = [applied(0, 1), applied(1, 3), applied(2, 2), step(3, 1, refused)];
        let tally = Tally::of(&changes, &steps);
        let expected = Tally {
            planned: 4,
            moved: 1,
            released: 1,
            failed: 1,
            users: 3,
            ..Tally::default()
        };
        assert_eq!(tally, expected);
        assert_eq!(tally.words(), "1 number moved, 1 released; 1 change failed");
        assert_eq!(Tally::default().words(), "nothing to change");
        let changed = Tally {
            changed: 2,
            ..Tally::default()
        };
        assert_eq!(changed.words(), "2 policies changed");
    }

    #[test]
    fn an_unfinished_change_is_every_one_that_is_not_in_place() {
        assert!(!step(0, 1, StepState::Applied).unfinished());
        assert!(step(0, 1, StepState::Pending).unfinished());
        assert!(step(0, 1, StepState::Skipped { why: String::new() }).unfinished());
    }
}
