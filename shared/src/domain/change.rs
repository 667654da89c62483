//! One change in Teams.

use super::calling_policy::PolicyType;
use super::ids::TeamsUserId;
use super::mapping::Owned;
use super::phone::E164;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One change, complete: whoever makes it looks nothing up and decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "change")]
pub enum Change {
    /// Takes a number of ours from a user.
    Release {
        /// Which.
        #[schema(value_type = String)]
        number: E164,
        /// Who has it.
        #[schema(value_type = String)]
        from: TeamsUserId,
    },
    /// Gives a number to a user who has none.
    Assign {
        /// Which.
        #[schema(value_type = String)]
        number: E164,
        /// To whom.
        #[schema(value_type = String)]
        to: TeamsUserId,
        /// It was released from somebody else earlier in this plan.
        moved: bool,
    },
    /// Notes as ours what is already right; nothing is sent to Microsoft.
    Adopt {
        /// Which.
        #[schema(value_type = String)]
        number: E164,
        /// Who has it.
        #[schema(value_type = String)]
        user: TeamsUserId,
    },
    /// Takes a policy of ours from a user, who falls back to the tenant's default.
    Revoke {
        /// Whose.
        #[schema(value_type = String)]
        user: TeamsUserId,
        /// Which kind.
        #[serde(rename = "policyType")]
        policy_type: PolicyType,
        /// Which.
        name: String,
    },
    /// Gives a policy to a user.
    Grant {
        /// To whom.
        #[schema(value_type = String)]
        user: TeamsUserId,
        /// Which kind.
        #[serde(rename = "policyType")]
        policy_type: PolicyType,
        /// Which.
        name: String,
        /// What the user had.
        was: Option<String>,
    },
}

impl Change {
    /// Whom it concerns.
    #[must_use]
    pub fn user(&self) -> &TeamsUserId {
        match self {
            Self::Release { from: user, .. }
            | Self::Assign { to: user, .. }
            | Self::Adopt { user, .. }
            | Self::Revoke { user, .. }
            | Self::Grant { user, .. } => user,
        }
    }

    /// The number that is given, taken or adopted.
    #[must_use]
    pub fn number(&self) -> Option<&E164> {
        match self {
            Self::Release { number, .. } | Self::Assign { number, .. } | Self::Adopt { number, .. } => Some(number),
            Self::Revoke { .. } | Self::Grant { .. } => None,
        }
    }

    /// The number that goes to another user with this change, where one does.
    #[must_use]
    pub fn moves(&self) -> Option<&E164> {
        match self {
            Self::Assign {
                number, moved: true, ..
            } => Some(number),
            Self::Assign { moved: false, .. }
            | Self::Release { .. }
            | Self::Adopt { .. }
            | Self::Revoke { .. }
            | Self::Grant { .. } => None,
        }
    }

    /// What is ours of the user once this change is in place, given what was ours before.
    #[must_use]
    pub fn owned_after(&self, before: Owned) -> Owned {
        let policy = |before: Owned, kind: PolicyType, name: Option<String>| match kind {
            PolicyType::OnlineVoiceRoutingPolicy => Owned {
                routing_policy: name,
                ..before
            },
            PolicyType::TeamsCallingPolicy => Owned {
                calling_policy: name,
                ..before
            },
        };
        match self {
            Self::Release { .. } => Owned { number: None, ..before },
            Self::Assign { number, .. } | Self::Adopt { number, .. } => Owned {
                number: Some(number.clone()),
                ..before
            },
            Self::Revoke { policy_type, .. } => policy(before, *policy_type, None),
            Self::Grant { policy_type, name, .. } => policy(before, *policy_type, Some(name.clone())),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { number, from } => write!(f, "- {number} from {from}"),
            Self::Assign {
                number,
                to,
                moved: false,
            } => write!(f, "+ {number} to {to}"),
            Self::Assign {
                number,
                to,
                moved: true,
            } => write!(f, "~ {number} to {to}"),
            Self::Adopt { number, user } => write!(f, "= {number} already at {user}"),
            Self::Revoke {
                user,
                policy_type,
                name,
            } => write!(f, "- {policy_type} {name} from {user}"),
            Self::Grant {
                user,
                policy_type,
                name,
                ..
            } => write!(f, "+ {policy_type} {name} to {user}"),
        }
    }
}
