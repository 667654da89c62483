//! What happened on a Global Admin's way through the set-up, so that support sees where a person is stuck.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A step that leaves nothing else behind. The others are seen from what they brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    /// The person signs in at Microsoft.
    SignIn,
    /// The first permission set (R055).
    FirstConsent,
    /// The second (R056).
    SecondConsent,
}

impl Step {
    /// As the status document names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "signIn",
            Self::FirstConsent => "consent1",
            Self::SecondConsent => "consent2",
        }
    }
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Somebody is at it.
    Running,
    /// Done.
    Succeeded,
    /// It went wrong; it can be tried again.
    Failed,
}

/// What kept a step from going on, for programs; `message` has it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obstacle {
    /// The account lacks the role Global Administrator.
    NotGlobalAdmin,
    /// Another person than the recorded one, or a personal account.
    OtherPerson,
    /// Another tenant than the bound one.
    OtherTenant,
    /// The tenant belongs to another enterprise.
    TenantTaken,
    /// Microsoft wants an administrator's approval.
    ApprovalRequired,
    /// Permissions were declined or left out.
    NotGranted,
    /// Granted, and not yet in force at Microsoft.
    NotInForce,
    /// Microsoft refused for another reason.
    Refused,
    /// Microsoft or the service did not answer.
    Fault,
}

/// The newest news of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How it stands.
    pub state: StepState,
    /// In words.
    pub message: String,
    /// Since when.
    pub at: Timestamp,
    /// What was in the way, where it failed.
    #[serde(default)]
    pub obstacle: Option<Obstacle>,
}

/// The newest news of each step that has some.
pub type Steps = BTreeMap<Step, Progress>;
