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

/// The newest news of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How it stands.
    pub state: StepState,
    /// In words.
    pub message: String,
    /// Since when.
    pub at: Timestamp,
}

/// The newest news of each step that has some.
pub type Steps = BTreeMap<Step, Progress>;
