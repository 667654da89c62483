//! What stands in the way, in words that lead to the fix (1.5).

use super::ids::TeamsUserId;
use jiff::{SignedDuration, Timestamp};
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
    /// A Microsoft account that nobody in the portal has.
    UnknownAccount,
    /// The browser did not open the sign-in window.
    PopupBlocked,
    /// Sync is disabled, so that the enterprise can move to another tenant.
    SyncDisabled,
    /// The session with Microsoft ended before the work did.
    TokenTooShort,
    /// The SBC's domain is not usable in the tenant yet.
    DomainNotReady,
    /// Too few unassigned licences to activate the SBC's domains.
    NoSpareLicenses,
    /// An object of ours in the tenant was changed or deleted by somebody else.
    PolicyDrift,
    /// An object of the tenant that is not ours has a name of ours.
    NameTaken,
    /// The first sync has not been run, or has not ended.
    FirstSyncRunning,
    /// A chosen group has no members.
    GroupEmpty,
    /// A chosen group no longer exists.
    GroupNotFound,
    /// A chosen group hides its members.
    GroupHidden,
    /// A chosen dynamic group whose members Microsoft does not work out at present.
    GroupPaused,
    /// A chosen group is one that Microsoft does not keep reliably complete.
    GroupBanned,
    /// A person who is no member of a chosen group, or not in the tenant as it was last read.
    UserNotInFilter,
    /// A guest of another tenant.
    Guest,
    /// An account of a room, a queue or an attendant.
    ResourceAccount,
    /// A person without a working Phone System plan.
    NoPhoneSystem,
    /// A Phone System plan that Teams may not have noticed yet.
    LicensePropagating,
    /// A person with a calling plan of Microsoft's.
    HasCallingPlan,
    /// A person with Communications Credits.
    HasCommCredits,
    /// A number that comes from on-premises directory data.
    OnpremLineUri,
    /// A person whose calls still go to Skype for Business.
    NotTeamsOnly,
    /// A number that somebody or something else holds.
    NumberTaken,
    /// A number that is assigned to nobody who can be found.
    NumberOrphaned,
    /// A number that cannot be dialled from abroad.
    NumberInvalid,
    /// A voice user without a number.
    NumberMissing,
    /// A voice user without an extension.
    NoExtension,
    /// A person without a usage location.
    CountryMissing,
    /// A person in another country than the number.
    CountryMismatch,
    /// A voice user with an address that no Teams user has.
    EmailNoMatch,
    /// A mapped person is gone, disabled or lost the licence.
    MappedUserGone,
    /// What is saved is not in Teams before the next sync.
    NotSyncedYet,
    /// The dial pad may still be on its way.
    DialpadWait,
    /// The dial pad should have appeared by now.
    DialpadLate,
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
    /// The Teams user whom it concerns, where it is one, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub about: Option<TeamsUserId>,
    /// How long it takes; absent where the next try may follow at once when the fix is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
}

/// How long something takes that nobody can hurry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// A try before this moment is of no use; absent where the time begins with the fix, which is still to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub earliest_retry: Option<Timestamp>,
    /// How long it takes, ISO 8601, such as `PT2H`: from what was seen, or from the fix where that is still to be made.
    #[schema(value_type = String, format = "duration")]
    pub takes: SignedDuration,
    /// The same in a sentence.
    pub text: String,
}

impl Wait {
    /// Time that begins when somebody has made the fix.
    #[must_use]
    pub fn after_fix(takes: SignedDuration, text: &str) -> Self {
        Self {
            earliest_retry: None,
            takes,
            text: text.into(),
        }
    }

    /// Time that has begun at `since`.
    #[must_use]
    pub fn since(since: Timestamp, takes: SignedDuration, text: &str) -> Self {
        Self {
            earliest_retry: Some(since + takes),
            takes,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, seen, fix, .. } = self;
        write!(f, "{code}: {seen} {fix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_of_an_older_run_is_still_read() {
        let kept = r#"{"code":"NUMBER_TAKEN","subject":"Ann","seen":"Seen.","fix":"Fix.","actor":"globalAdmin"}"#;
        let finding: Finding = serde_json::from_str(kept).unwrap();
        assert_eq!(
            (finding.code, finding.about.as_ref(), finding.wait.as_ref()),
            (Code::NumberTaken, None, None)
        );
        assert_eq!(serde_json::to_string(&finding).unwrap(), kept);
    }

    #[test]
    fn a_wait_says_how_long_and_until_when() {
        let day = SignedDuration::from_hours(24);
        let text = |wait: Wait| serde_json::to_string(&wait).unwrap();
        assert_eq!(
            text(Wait::since(Timestamp::UNIX_EPOCH, day, "A day.")),
            r#"{"earliestRetry":"1970-01-02T00:00:00Z","takes":"PT24H","text":"A day."}"#
        );
        assert_eq!(
            text(Wait::after_fix(day, "A day.")),
            r#"{"takes":"PT24H","text":"A day."}"#
        );
    }
}
