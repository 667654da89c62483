//! What a tenant has for calling as a whole, beside its users: the objects that carry a brand's name (R154-R161).

use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectKind {
    /// A domain of the session border controllers, below the tenant's own label.
    CallingDomain,
    /// A PSTN usage.
    PstnUsage,
    /// A voice route.
    VoiceRoute,
    /// A voice routing policy.
    VoiceRoutingPolicy,
    /// A calling policy.
    CallingPolicy,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CallingDomain => "calling domain",
            Self::PstnUsage => "PSTN usage",
            Self::VoiceRoute => "voice route",
            Self::VoiceRoutingPolicy => "voice routing policy",
            Self::CallingPolicy => "calling policy",
        })
    }
}

/// What a run does with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectAction {
    /// Makes it.
    Create,
    /// Sets it back: somebody else has changed it (R161).
    Restore,
    /// Takes it away.
    Remove,
}

/// One change of an object, as it is shown and logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// What kind.
    pub kind: ObjectKind,
    /// Which.
    pub name: String,
    /// What is done.
    pub action: ObjectAction,
    /// How it is, in words; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// How it will be, in words; absent where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
}

impl fmt::Display for ObjectChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, .. } = self;
        match self.action {
            ObjectAction::Create => write!(f, "+ {kind} {name}"),
            ObjectAction::Restore => write!(f, "~ {kind} {name}"),
            ObjectAction::Remove => write!(f, "- {kind} {name}"),
        }
    }
}
