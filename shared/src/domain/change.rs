//! One change in Teams, and why it is made.

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
    /// Takes a policy of ours from a user, who gets back what was there before us.
    Revoke {
        /// Whose.
        #[schema(value_type = String)]
        user: TeamsUserId,
        /// Which kind.
        #[serde(rename = "policyType")]
        policy_type: PolicyType,
        /// Which.
        name: String,
        /// What the user had directly before us; where that is absent or gone, the tenant's default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        back: Option<String>,
    },
    /// Notes as ours a policy that the user has already; nothing is sent to Microsoft.
    AdoptPolicy {
        /// Who has it.
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
        /// What the user had, directly or by a group.
        was: Option<String>,
        /// What somebody else gave the user directly: remembered, and given back when ours is taken away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keeps: Option<String>,
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
            | Self::AdoptPolicy { user, .. }
            | Self::Revoke { user, .. }
            | Self::Grant { user, .. } => user,
        }
    }

    /// The number that is given, taken or adopted.
    #[must_use]
    pub fn number(&self) -> Option<&E164> {
        match self {
            Self::Release { number, .. } | Self::Assign { number, .. } | Self::Adopt { number, .. } => Some(number),
            Self::AdoptPolicy { .. } | Self::Revoke { .. } | Self::Grant { .. } => None,
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
            | Self::AdoptPolicy { .. }
            | Self::Revoke { .. }
            | Self::Grant { .. } => None,
        }
    }

    /// What is ours of the user once this change is in place, given what was ours before.
    #[must_use]
    pub fn owned_after(&self, owned: Owned) -> Owned {
        let policy = |owned: Owned, kind: PolicyType, name: Option<String>, before: Option<String>| match kind {
            PolicyType::OnlineVoiceRoutingPolicy => Owned {
                routing_policy: name,
                routing_policy_before: before,
                ..owned
            },
            PolicyType::TeamsCallingPolicy => Owned {
                calling_policy: name,
                calling_policy_before: before,
                ..owned
            },
        };
        match self {
            Self::Release { .. } => Owned { number: None, ..owned },
            Self::Assign { number, .. } | Self::Adopt { number, .. } => Owned {
                number: Some(number.clone()),
                ..owned
            },
            Self::Revoke { policy_type, .. } => policy(owned, *policy_type, None, None),
            Self::AdoptPolicy { policy_type, name, .. } => {
                let before = owned.before(*policy_type).cloned();
                policy(owned, *policy_type, Some(name.clone()), before)
            }
            Self::Grant {
                policy_type,
                name,
                keeps,
                ..
            } => policy(owned, *policy_type, Some(name.clone()), keeps.clone()),
        }
    }

    /// What the user has of it before the change.
    #[must_use]
    pub fn before(&self) -> Option<&str> {
        match self {
            Self::Release { number, .. } | Self::Adopt { number, .. } => Some(number.as_str()),
            Self::Assign { .. } => None,
            Self::Revoke { name, .. } | Self::AdoptPolicy { name, .. } => Some(name),
            Self::Grant { was, .. } => was.as_deref(),
        }
    }

    /// What the user has of it after the change; absent is nothing, or the tenant's default.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        match self {
            Self::Release { .. } => None,
            Self::Assign { number, .. } | Self::Adopt { number, .. } => Some(number.as_str()),
            Self::Revoke { back, .. } => back.as_deref(),
            Self::AdoptPolicy { name, .. } | Self::Grant { name, .. } => Some(name),
        }
    }
}

/// Why a change is in a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangeReason)]
pub enum Why {
    /// A voice user is mapped to the Teams user.
    Mapped,
    /// The voice user that is mapped to the Teams user has another number now, or another voice user is mapped.
    NumberChanged,
    /// The number goes to, or comes from, another Teams user.
    Moved,
    /// Call handling or music on hold of the voice user ask for another policy.
    SettingsChanged,
    /// No voice user is mapped to the Teams user any more.
    Unmapped,
    /// The mapping has no licence.
    Unlicensed,
    /// The mapped voice user has lost its number.
    NumberMissing,
    /// The integration is being removed.
    Removal,
    /// It is right already, and not noted as ours yet.
    AlreadyThere,
    /// A sync has put it in place, and somebody else has taken it away since.
    TakenAway,
    /// A sync has put it in place, and somebody else has put another in its place since.
    ReplacedByOthers,
    /// The user has the number and may not call all the same: it is assigned once more, which allows it.
    CallingOff,
    /// Plans that were made before reasons were noted.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Why {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Mapped => "a voice user is mapped to the Teams user",
            Self::NumberChanged => "another number is wanted for the Teams user",
            Self::Moved => "the number moves from one Teams user to another",
            Self::SettingsChanged => "the voice user's call handling or music on hold asks for another policy",
            Self::Unmapped => "no voice user is mapped to the Teams user any more",
            Self::Unlicensed => "the mapping has no license",
            Self::NumberMissing => "the mapped voice user has no number any more",
            Self::Removal => "the integration is being removed",
            Self::AlreadyThere => "it is there already",
            Self::TakenAway => "somebody has taken it away since the last sync",
            Self::ReplacedByOthers => "somebody has replaced it since the last sync",
            Self::CallingOff => {
                "calling is switched off for the user, and assigning the number once more switches it on"
            }
            Self::Unknown => "the reason was not noted",
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
                back: None,
            } => write!(f, "- {policy_type} {name} from {user}"),
            Self::Revoke {
                user,
                policy_type,
                name,
                back: Some(back),
            } => write!(f, "- {policy_type} {name} from {user}, back to {back}"),
            Self::AdoptPolicy {
                user,
                policy_type,
                name,
            } => write!(f, "= {policy_type} {name} already at {user}"),
            Self::Grant {
                user,
                policy_type,
                name,
                ..
            } => write!(f, "+ {policy_type} {name} to {user}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_older_plans_are_still_read() {
        let user = "2c0b6a1e-1111-4a11-9a11-0000000000aa";
        let revoke = format!(r#"{{"change":"revoke","user":"{user}","policyType":"TeamsCallingPolicy","name":"X"}}"#);
        let grant =
            format!(r#"{{"change":"grant","user":"{user}","policyType":"TeamsCallingPolicy","name":"X","was":null}}"#);
        for kept in [revoke, grant] {
            let change: Change = serde_json::from_str(&kept).unwrap();
            assert_eq!(serde_json::to_string(&change).unwrap(), kept);
        }
        let unheard_of: Why = serde_json::from_str(r#""someDay""#).unwrap();
        assert_eq!(unheard_of, Why::Unknown);
    }

    #[test]
    fn what_was_there_before_us_is_remembered_until_ours_is_taken_away() {
        let user: TeamsUserId = "2c0b6a1e-1111-4a11-9a11-0000000000aa".parse().unwrap();
        let policy_type = PolicyType::TeamsCallingPolicy;
        let grant = Change::Grant {
            user: user.clone(),
            policy_type,
            name: "Ours".into(),
            was: Some("Theirs".into()),
            keeps: Some("Theirs".into()),
        };
        let owned = grant.owned_after(Owned::default());
        assert_eq!(owned.before(policy_type).map(String::as_str), Some("Theirs"));
        let revoke = Change::Revoke {
            user,
            policy_type,
            name: "Ours".into(),
            back: owned.before(policy_type).cloned(),
        };
        assert_eq!((revoke.before(), revoke.after()), (Some("Ours"), Some("Theirs")));
        assert!(revoke.owned_after(owned).is_empty());
    }
}
