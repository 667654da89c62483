//! Which voice user rings at which Teams user: what is wanted, and what a sync has applied.

use super::ids::{TeamsUserId, VoiceUserId};
use super::phone::E164;
use serde::{Deserialize, Serialize};

/// What a sync has put in place for a Teams user, and therefore what is ours to change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Applied {
    /// Who has it.
    pub user: TeamsUserId,
    /// The number we assigned.
    pub number: E164,
    /// The calling policy we granted.
    pub calling_policy: String,
    /// The voice routing policy we granted.
    pub routing_policy: String,
}

/// One row of the mapping page. A row without `wanted` and `applied` is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Left side.
    pub voice_user: VoiceUserId,
    /// Right side as saved; `None` means `None` or blank (R107).
    pub wanted: Option<TeamsUserId>,
    /// What the last syncs made true. It holds its licence until a sync has taken it away (R117, 1.4 #16).
    pub applied: Option<Applied>,
    /// Counts mappings in the order they were made; the newest goes first when licences run short (1.4 #14).
    pub order: u64,
}
