//! What each code is about, and what it keeps from happening: the table of 1.5.

use crate::domain::finding::Code;
use serde::Serialize;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FindingScope)]
pub enum Scope {
    /// The enterprise, its sign-ins and its permissions.
    Account,
    /// What the tenant has as a whole.
    Tenant,
    /// A chosen group.
    Group,
    /// A number.
    Number,
    /// A person.
    User,
}

/// What a finding keeps from happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FindingEffect)]
pub enum Effect {
    /// The sync as a whole.
    StopsSync,
    /// A sync leaves alone whom it is about, and goes on.
    LeavesOut,
    /// Nothing; it should be known.
    Informs,
}

/// What a code is about, and what it keeps from happening.
#[must_use]
pub fn scope(code: Code) -> (Scope, Effect) {
    use Effect::{Informs, LeavesOut, StopsSync};
    match code {
        Code::GaNotAdmin
        | Code::GaNotRecorded
        | Code::TenantMismatch
        | Code::UnknownAccount
        | Code::ApprovalRequired
        | Code::ConsentMissing
        | Code::NotServed
        | Code::InvUndelivered
        | Code::PlanStale
        | Code::TooManyReleases => (Scope::Account, StopsSync),
        Code::OverLicense => (Scope::Account, LeavesOut),
        Code::WindowClosed
        | Code::PopupBlocked
        | Code::SyncDisabled
        | Code::TokenTooShort
        | Code::FirstSyncRunning
        | Code::MsInternal => (Scope::Account, Informs),
        Code::DomainNotReady | Code::NoSpareLicenses | Code::NameTaken => (Scope::Tenant, StopsSync),
        Code::PolicyDrift => (Scope::Tenant, Informs),
        Code::GroupEmpty | Code::GroupNotFound | Code::GroupHidden => (Scope::Group, StopsSync),
        Code::GroupPaused | Code::GroupBanned => (Scope::Group, Informs),
        Code::NumberTaken | Code::NumberOrphaned | Code::NumberInvalid | Code::NumberMissing => {
            (Scope::Number, LeavesOut)
        }
        Code::UserNotInFilter
        | Code::Guest
        | Code::ResourceAccount
        | Code::NoPhoneSystem
        | Code::HasCallingPlan
        | Code::HasCommCredits
        | Code::OnpremLineUri
        | Code::EmailNoMatch
        | Code::MappedUserGone
        | Code::MsRefused => (Scope::User, LeavesOut),
        Code::LicensePropagating
        | Code::NotTeamsOnly
        | Code::NoExtension
        | Code::CountryMissing
        | Code::CountryMismatch
        | Code::NotSyncedYet
        | Code::DialpadWait
        | Code::DialpadLate
        | Code::NotProven => (Scope::User, Informs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_one_person_never_stops_a_sync() {
        for code in crate::plan::diagnosis::CODES {
            let (scope, effect) = scope(*code);
            assert!(
                !matches!(scope, Scope::User | Scope::Number) || effect != Effect::StopsSync,
                "{code}"
            );
        }
    }
}
