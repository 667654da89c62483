//! A browser on its way between our pages and Microsoft's.

use super::global_admin::Identity;
use super::ids::{EnterpriseId, InvitationId, RunId};
use super::setup::BoundTenant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// To the set-up, after the code.
    Invitation {
        /// Whose.
        enterprise: EnterpriseId,
        /// Which.
        invitation: InvitationId,
    },
    /// To the sign-in for one run.
    Run {
        /// Whose.
        enterprise: EnterpriseId,
        /// Which.
        run: RunId,
    },
}

/// What a sign-in at Microsoft is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The first sign-in, through an invitation.
    SetUp {
        /// Which.
        invitation: InvitationId,
    },
    /// The second permission set.
    Consent,
    /// The second half of the double authentication of a sync (R047).
    Sync {
        /// Which.
        run: RunId,
    },
}

/// Where a browser stands between two pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Signed in; the tenant is shown and waits to be confirmed.
    Confirm {
        /// Who signed in.
        identity: Identity,
        /// The person's name, for the page.
        person: String,
        /// Which tenant would be bound.
        tenant: BoundTenant,
        /// What the first request granted.
        scopes: BTreeSet<String>,
    },
    /// Bound; the second permission set is next.
    SecondConsent {
        /// It was asked before and not granted in full.
        again: bool,
    },
    /// The set-up is complete.
    Complete,
    /// A run has begun.
    Syncing {
        /// Which.
        run: RunId,
    },
}

/// A browser between two pages of the set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub enterprise: EnterpriseId,
    /// Where it stands.
    pub stage: Stage,
}
