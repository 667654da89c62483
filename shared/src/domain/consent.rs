//! The two permission sets that a Global Admin accepts (R054-R060), and what was granted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Microsoft Graph, as a resource.
pub const GRAPH: &str = "https://graph.microsoft.com";
/// Skype and Teams Tenant Admin API, as a resource: what the `MicrosoftTeams` PowerShell module talks to.
pub const TEAMS_ADMIN: &str = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239";

/// First set: who you are, and lasting access to what was granted (R055); `User.Read` lets us read your own roles.
pub const SIGN_IN_SCOPES: [&str; 4] = ["openid", "profile", "offline_access", "User.Read"];

/// Second set: read users and groups, change numbers and voice policies, and make the calling domains with their short-lived
/// accounts, on behalf of the person signed in (R056, R060, R147).
pub const CALLING_SCOPES: [&str; 8] = [
    "User.Read.All",
    "GroupMember.Read.All",
    "Domain.ReadWrite.All",
    "User.ReadWrite.All",
    "LicenseAssignment.ReadWrite.All",
    "TeamsUserConfiguration.Read.All",
    "TeamsTelephoneNumber.ReadWrite.All",
    "TeamsPolicyUserAssign.ReadWrite.All",
];

/// Those of the second set that read people and groups, and nothing else.
pub const READING_SCOPES: [&str; 2] = ["User.Read.All", "GroupMember.Read.All"];

/// The delegated permission of the second set on the Teams admin resource.
pub const TEAMS_ADMIN_SCOPE: &str = "user_impersonation";

/// What our application may do of its own, without a person: only see that the organisation's consent is in force.
/// Given on the admin-consent page alone.
pub const ORGANIZATION_ROLES: [&str; 1] = ["Organization.Read.All"];

/// What the application that syncs unattended may do in a tenant whose Global Admin lets it (`infra/entra-unattended-app.json`):
/// what the second set lets a person do, without the tenant's own voice objects.
pub const UNATTENDED_ROLES: [&str; 6] = [
    "Organization.Read.All",
    "User.Read.All",
    "GroupMember.Read.All",
    "TeamsUserConfiguration.Read.All",
    "TeamsTelephoneNumber.ReadWrite.All",
    "TeamsPolicyUserAssign.ReadWrite.All",
];

/// Which of the two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PermissionSet {
    /// Basic profile and lasting access.
    SignIn,
    /// Directory and Teams calling configuration.
    Calling,
}

impl PermissionSet {
    /// As the API names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "signIn",
            Self::Calling => "calling",
        }
    }
}

/// The page of Microsoft on which a set was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConsentForm {
    /// The sign-in's own question, with the box `Consent on behalf of your organization` (R057).
    #[default]
    Delegated,
    /// The admin consent page, which always speaks for the whole organization.
    Organization,
}

/// What is known of one set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consent {
    /// Not asked or not answered.
    #[default]
    Pending,
    /// Accepted, and verified by a token that carries these scopes.
    Granted {
        /// As Microsoft names them.
        scopes: BTreeSet<String>,
        /// When.
        at: Timestamp,
        /// Who, as people read it; empty where that was not noted.
        #[serde(default)]
        by: String,
        /// Where.
        #[serde(default)]
        form: ConsentForm,
    },
    /// The person pressed Cancel.
    Declined {
        /// When.
        at: Timestamp,
        /// Who.
        #[serde(default)]
        by: String,
    },
    /// It was in force and is no longer: reset by somebody here, or missing in a token of Microsoft's.
    Revoked {
        /// When that was done or noticed.
        at: Timestamp,
        /// By whom; `Microsoft` where a token lacked it.
        by: String,
    },
}

/// Both sets of one enterprise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    /// First set.
    pub sign_in: Consent,
    /// Second set.
    pub calling: Consent,
}

impl Consents {
    /// One of the two.
    #[must_use]
    pub fn of(&self, set: PermissionSet) -> &Consent {
        match set {
            PermissionSet::SignIn => &self.sign_in,
            PermissionSet::Calling => &self.calling,
        }
    }

    /// The same with another word on one of the two.
    #[must_use]
    pub fn with(self, set: PermissionSet, consent: Consent) -> Self {
        match set {
            PermissionSet::SignIn => Self {
                sign_in: consent,
                ..self
            },
            PermissionSet::Calling => Self {
                calling: consent,
                ..self
            },
        }
    }

    /// Whether both are granted.
    #[must_use]
    pub fn granted(&self) -> bool {
        self.sign_in.granted() && self.calling.granted()
    }
}

impl Consent {
    /// Whether it is granted.
    #[must_use]
    pub fn granted(&self) -> bool {
        matches!(self, Self::Granted { .. })
    }
}

/// The second set as Microsoft names it, of both resources.
pub fn calling_set() -> impl Iterator<Item = &'static str> {
    CALLING_SCOPES.into_iter().chain([TEAMS_ADMIN_SCOPE])
}

/// Scopes of the second set that `granted` lacks; empty means complete. Compared without regard to case,
/// with or without the resource in front.
#[must_use]
pub fn missing_calling_scopes(granted: &BTreeSet<String>) -> Vec<&'static str> {
    let bare: BTreeSet<String> = granted
        .iter()
        .map(|scope| scope.rsplit('/').next().unwrap_or(scope).to_ascii_lowercase())
        .collect();
    calling_set()
        .filter(|scope| !bare.contains(&scope.to_ascii_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r056_every_scope_of_the_second_set_is_needed() {
        let all: BTreeSet<String> = calling_set().map(|scope| format!("{GRAPH}/{scope}")).collect();
        assert!(missing_calling_scopes(&all).is_empty());
        let some: BTreeSet<String> = all.iter().skip(1).cloned().collect();
        assert_eq!(missing_calling_scopes(&some).len(), 1);
        assert_eq!(missing_calling_scopes(&BTreeSet::new()).len(), calling_set().count());
    }
}
