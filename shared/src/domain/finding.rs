//! What stands in the way, in words that lead to the fix (1.5).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A stable code; front ends and support articles hang on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// Signed in without the Global Administrator role.
    GaNotAdmin,
    /// Signed in as somebody else than the recorded Global Admin.
    GaNotRecorded,
    /// Signed in to another tenant than the bound one.
    TenantMismatch,
    /// Permissions are missing.
    ConsentMissing,
    /// Microsoft wants an administrator's approval.
    ApprovalRequired,
    /// A sign-in was begun, and no answer came back from Microsoft.
    WindowClosed,
    /// Sync is disabled, so that the enterprise can move to another tenant.
    SyncDisabled,
    /// The session with Microsoft ended before the work did.
    TokenTooShort,
    /// The SBC's domain is not usable in the tenant yet.
    DomainNotReady,
    /// A chosen group has no members.
    GroupEmpty,
    /// A chosen group no longer exists.
    GroupNotFound,
    /// A number that somebody or something else holds.
    NumberTaken,
    /// A number that comes from on-premises directory data.
    OnpremLineUri,
    /// A voice user without a number.
    NumberMissing,
    /// A mapped person is gone, disabled or lost the licence.
    MappedUserGone,
    /// What was applied could not be read back.
    NotProven,
    /// The tenant or our data moved since the plan was made.
    PlanStale,
    /// The enterprise is disabled or removed.
    NotServed,
    /// More users are mapped than there are licences.
    OverLicense,
    /// The invitation has not reached its reader.
    InvUndelivered,
    /// The plan releases more than the guard lets pass.
    TooManyReleases,
    /// Microsoft answered with a fault of its own.
    MsInternal,
    /// Microsoft refused, with a reason of its own.
    MsRefused,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The serialised form is the public one.
        let text = serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
        f.write_str(text.as_deref().unwrap_or("UNKNOWN"))
    }
}

/// Who has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Actor {
    /// The recorded Global Admin.
    GlobalAdmin,
    /// An account admin of the enterprise.
    AccountAdmin,
    /// The reseller.
    Reseller,
    /// The provider's support.
    Provider,
    /// Microsoft; wait and try again.
    Microsoft,
}

/// One obstacle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// Whom or what it concerns: a name, a number, a group; empty for the whole enterprise.
    pub subject: String,
    /// What was seen, in a sentence.
    pub seen: String,
    /// What to do, in a sentence.
    pub fix: String,
    /// Who must act.
    pub actor: Actor,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, seen, fix, .. } = self;
        write!(f, "{code}: {seen} {fix}")
    }
}
