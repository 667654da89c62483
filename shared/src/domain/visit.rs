//! A browser on its way between our pages and Microsoft's.

use super::global_admin::Identity;
use super::ids::{EnterpriseId, InvitationId, ResellerId, RunId};
use super::setup::BoundTenant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::Url;

/// The step that a front end sends an admin to (action URLs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NextStep {
    /// The invitation: code, sign-in, both permission sets.
    CompleteRegistration,
    /// The permission that is missing: the second set, or afterwards the reseller's management.
    GrantConsent,
    /// Whose users are synchronised.
    ChooseGroups,
    /// The sign-in of a sync that waits for it.
    Sync,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// To the set-up, after the code.
    Invitation {
        /// Whose.
        enterprise: EnterpriseId,
        /// Which.
        invitation: InvitationId,
        /// Where the person is sent when it is over.
        #[serde(default)]
        return_to: Option<Url>,
    },
    /// To the sign-in for one run.
    Run {
        /// Whose.
        enterprise: EnterpriseId,
        /// Which.
        run: RunId,
        /// Where the person is sent when it is over.
        #[serde(default)]
        return_to: Option<Url>,
    },
    /// To a step of a set-up that was begun before.
    Step {
        /// Whose.
        enterprise: EnterpriseId,
        /// Which.
        step: NextStep,
        /// Where the person is sent when it is over.
        return_to: Option<Url>,
    },
    /// To the activation of a reseller's account (R001).
    Activation {
        /// Whose.
        reseller: ResellerId,
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
    /// The reseller's management (R071).
    Management,
    /// The choice of groups.
    Groups,
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
    /// Signed in to answer whether the reseller may manage.
    Management {
        /// The person's name.
        person: String,
    },
    /// Signed in to choose whose users are synchronised.
    Groups {
        /// The person's name.
        person: String,
    },
    /// A run has begun.
    Syncing {
        /// Which.
        run: RunId,
    },
}

/// On whose behalf a browser is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Whose.
    pub enterprise: EnterpriseId,
    /// Which appointment of a Global Admin was in force when it began.
    pub appointment: u64,
    /// Where the person is sent when it is over.
    pub return_to: Option<Url>,
}

impl Visit {
    /// The same visit, at a stage.
    #[must_use]
    pub fn at(&self, stage: Stage) -> Session {
        Session {
            enterprise: self.enterprise.clone(),
            appointment: self.appointment,
            return_to: self.return_to.clone(),
            stage,
        }
    }
}

/// A browser between two pages of the set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub enterprise: EnterpriseId,
    /// Which appointment of a Global Admin was in force when it began.
    pub appointment: u64,
    /// Where the person is sent when it is over.
    pub return_to: Option<Url>,
    /// Where it stands.
    pub stage: Stage,
}

impl Session {
    /// The visit that it belongs to.
    #[must_use]
    pub fn visit(&self) -> Visit {
        Visit {
            enterprise: self.enterprise.clone(),
            appointment: self.appointment,
            return_to: self.return_to.clone(),
        }
    }
}
