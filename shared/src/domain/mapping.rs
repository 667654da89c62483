//! Which voice user rings at which Teams user: what is saved, and what earlier syncs put in place.

use super::calling_policy::PolicyType;
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
    /// The calling policy that somebody else had granted to the user; it is given back when ours is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calling_policy_before: Option<String>,
    /// The same of the voice routing policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_policy_before: Option<String>,
}

impl Owned {
    /// Nothing of ours is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.number.is_none() && self.calling_policy.is_none() && self.routing_policy.is_none()
    }

    /// What we gave, without what was there before us: to be compared with what is wanted.
    #[must_use]
    pub fn given(&self) -> Self {
        Self {
            calling_policy_before: None,
            routing_policy_before: None,
            ..self.clone()
        }
    }

    /// The policy of this kind that is ours.
    #[must_use]
    pub fn policy(&self, kind: PolicyType) -> Option<&String> {
        match kind {
            PolicyType::OnlineVoiceRoutingPolicy => self.routing_policy.as_ref(),
            PolicyType::TeamsCallingPolicy => self.calling_policy.as_ref(),
        }
    }

    /// The policy of this kind that was there before ours.
    #[must_use]
    pub fn before(&self, kind: PolicyType) -> Option<&String> {
        match kind {
            PolicyType::OnlineVoiceRoutingPolicy => self.routing_policy_before.as_ref(),
            PolicyType::TeamsCallingPolicy => self.calling_policy_before.as_ref(),
        }
    }
}

/// Everything that is ours in a tenant.
pub type Ownership = BTreeMap<TeamsUserId, Owned>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_before_there_was_a_before_is_still_read() {
        let kept = r#"{"number":"+15550100101","callingPolicy":"C","routingPolicy":"R"}"#;
        let owned: Owned = serde_json::from_str(kept).unwrap();
        assert_eq!(owned, owned.given());
        assert_eq!(serde_json::to_string(&owned).unwrap(), kept);
    }
}
