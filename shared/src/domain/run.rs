//! A sync run, as people follow it.

use super::change::Change;
use super::email::EmailAddress;
use super::finding::{Code, Finding};
use super::ids::{PlanId, RunId, TeamsUserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunKind {
    /// Reads the tenant and offers its users for mapping.
    Discover,
    /// Reads the tenant and applies the saved mapping.
    Apply,
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
}

impl RunState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Abandoned)
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
    /// The deputy whose sign-in it waits for or had; absent where that is the Global Admin's.
    pub deputy: Option<EmailAddress>,
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
}

/// How far one change of a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "state")]
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
    /// How far it is.
    pub state: StepState,
    /// What is changed; steps of runs from before this was kept have it in their run's plan only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The user's name, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
            state: StepState::Pending,
            change: None,
            name: None,
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
