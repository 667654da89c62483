//! Which voice user rings at which Teams user: what is saved, and what earlier syncs put in place.

use super::ids::{TeamsUserId, VoiceUserId};
use super::phone::E164;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A saved row of the mapping page. A voice user without a row is mapped to nobody: blank and `None` are one (R107).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Left side.
    pub voice_user: VoiceUserId,
    /// Right side.
    pub teams_user: TeamsUserId,
    /// Counts mappings in the order they were made; the newest goes first when licences run short (1.4 #14).
    pub order: u64,
    /// A sync has made the row because both sides have the same address (R124); a person's save makes it theirs.
    pub by_mail: bool,
}

/// What our syncs put in place for one Teams user, and therefore what is ours to change. It keeps its licence
/// until a sync has taken it away (R117, 1.4 #16).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owned {
    /// The number we assigned or adopted.
    #[schema(value_type = Option<String>)]
    pub number: Option<E164>,
    /// The calling policy we granted.
    pub calling_policy: Option<String>,
    /// The voice routing policy we granted.
    pub routing_policy: Option<String>,
}

impl Owned {
    /// Nothing of ours is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Everything that is ours in a tenant.
pub type Ownership = BTreeMap<TeamsUserId, Owned>;
