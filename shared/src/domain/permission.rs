//! What the person who starts a run permits.

use serde::{Deserialize, Serialize};

/// How far a run may go. There is no default: who starts a run says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Adds and adopts, never takes anything away.
    AddOnly,
    /// Also releases numbers and revokes policies of ours.
    Full,
}

/// Who asks for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// How far the run may go.
    pub mode: Mode,
    /// The number of releases that a person has read and approved.
    pub approved_releases: Option<usize>,
}
