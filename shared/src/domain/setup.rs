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
    /// The first label of the initial `….onmicrosoft.com` domain; also our label below the SBC domains.
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

    /// Whether both permission sets are granted.
    #[must_use]
    pub fn complete(&self) -> bool {
        matches!(self, Self::Complete { .. })
    }
}
