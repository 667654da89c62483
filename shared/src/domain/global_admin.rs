//! The one recorded Global Admin of an enterprise (R045).

use super::email::EmailAddress;
use super::ids::{TeamsUserId, TenantId};
use serde::{Deserialize, Serialize};

/// Who a person is at Microsoft. Never an address: those change hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The tenant that vouches for the person.
    pub tenant: TenantId,
    /// The person in that tenant.
    pub user: TeamsUserId,
}

/// The one person who may sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalAdmin {
    /// Where mails go; also the person's address in the portal.
    pub email: EmailAddress,
    /// For greetings, where known.
    pub name: Option<String>,
    /// Known after the first accepted sign-in.
    pub identity: Option<Identity>,
    /// Counts the people who were given the role, from 1. A sign-in that was begun under another one is worth nothing.
    pub appointment: u64,
}

impl GlobalAdmin {
    /// A Global Admin who has not signed in yet.
    #[must_use]
    pub fn invited(email: EmailAddress, name: Option<String>) -> Self {
        Self {
            email,
            name,
            identity: None,
            appointment: 1,
        }
    }

    /// Another person, or the same one at a corrected address, takes the role.
    #[must_use]
    pub fn replaced_by(&self, email: EmailAddress, name: Option<String>) -> Self {
        Self {
            appointment: self.appointment + 1,
            ..Self::invited(email, name)
        }
    }

    /// The name for greetings and labels.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.email.as_str())
    }
}
