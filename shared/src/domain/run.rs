//! A sync run, as people follow it.

use super::email::EmailAddress;
use super::finding::Finding;
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
}

/// How far one change of a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Microsoft has accepted it and works on it.
    Submitted {
        /// Microsoft's operation, to ask again.
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

/// One change of a run and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the plan, from 0.
    pub index: u32,
    /// Whom it concerns.
    pub user: TeamsUserId,
    /// How far it is.
    pub state: StepState,
}
