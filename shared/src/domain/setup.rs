//! How far the connection to Microsoft has come. Each state carries what is known in it, and only that.

use super::consent::Consents;
use super::ids::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The tenant that an enterprise is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundTenant {
    /// Entra's id.
    pub id: TenantId,
    /// The organisation's name, as Microsoft has it.
    pub name: String,
    /// Our label below the SBC domains: the first label of the initial `….onmicrosoft.com` domain, shortened where
    /// Microsoft would not take the names (`calling_domain::label`).
    pub label: String,
    /// When it was bound.
    pub at: Timestamp,
}

/// The set-up of an enterprise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setup {
    /// The Global Admin has an invitation (R042 `Integration Pending`).
    #[default]
    Invited,
    /// The tenant is bound; the second permission set is missing.
    Bound {
        /// Where.
        tenant: BoundTenant,
        /// What was granted so far.
        consents: Consents,
    },
    /// Both permission sets are granted (R024, R059).
    Complete {
        /// Where.
        tenant: BoundTenant,
        /// What was granted.
        consents: Consents,
        /// When the second set was accepted.
        at: Timestamp,
    },
}

impl Setup {
    /// The bound tenant, where there is one.
    #[must_use]
    pub fn tenant(&self) -> Option<&BoundTenant> {
        match self {
            Self::Invited => None,
            Self::Bound { tenant, .. } | Self::Complete { tenant, .. } => Some(tenant),
        }
    }

    /// The bound tenant's name; empty where there is none.
    #[must_use]
    pub fn tenant_name(&self) -> &str {
        self.tenant().map_or("", |tenant| tenant.name.as_str())
    }

    /// What was granted so far; nothing before a tenant is bound.
    #[must_use]
    pub fn consents(&self) -> Option<&Consents> {
        match self {
            Self::Invited => None,
            Self::Bound { consents, .. } | Self::Complete { consents, .. } => Some(consents),
        }
    }

    /// The same set-up with other news of what was granted.
    #[must_use]
    pub fn with_consents(&self, news: Consents) -> Self {
        let mut next = self.clone();
        if let Self::Bound { consents, .. } | Self::Complete { consents, .. } = &mut next {
            *consents = news;
        }
        next
    }

    /// Whether the set-up was completed: both permission sets were granted once. `consents` says what is in force now.
    #[must_use]
    pub fn complete(&self) -> bool {
        matches!(self, Self::Complete { .. })
    }
}
