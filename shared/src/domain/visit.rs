//! A browser on its way between our pages and Microsoft's.

use super::caller::Origin;
use super::enterprise::Enterprise;
use super::global_admin::Identity;
use super::group_filter::GroupFilter;
use super::ids::{EnterpriseId, InvitationId, MailId, ResellerId, RunId};
use super::setup::BoundTenant;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::Url;

/// How long a sign-in at Microsoft may take.
pub const SIGN_IN_LIFE: SignedDuration = SignedDuration::from_mins(10);

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
    /// Syncs that nobody signs in for; the Global Admin's own decision.
    AllowUnattended,
}

impl NextStep {
    /// As the API and return addresses name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CompleteRegistration => "completeRegistration",
            Self::GrantConsent => "grantConsent",
            Self::ChooseGroups => "chooseGroups",
            Self::Sync => "sync",
            Self::AllowUnattended => "allowUnattended",
        }
    }

    /// The return address of this step: it names the step. What became of it is added at the end.
    #[must_use]
    pub fn returning_to(self, address: &Url) -> Url {
        with(address, &[(ACTION, self.name())])
    }
}

const ACTION: &str = "dialbridge_action";
const OUTCOME: &str = "dialbridge_outcome";
const CODE: &str = "dialbridge_code";

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Completed,
    /// The person said no.
    Declined,
    /// It went wrong.
    Failed {
        /// The code for support that the person has read.
        code: String,
    },
}

impl Outcome {
    /// A return address that says what became of the step.
    #[must_use]
    pub fn told_to(&self, return_to: &Url) -> Url {
        match self {
            Self::Completed => with(return_to, &[(OUTCOME, "completed")]),
            Self::Declined => with(return_to, &[(OUTCOME, "declined")]),
            Self::Failed { code } => with(return_to, &[(OUTCOME, "failed"), (CODE, code)]),
        }
    }
}

/// The address with our words in its query, each once; everything else of it stays as it is written.
fn with(address: &Url, words: &[(&str, &str)]) -> Url {
    let ours = |pair: &&str| words.iter().any(|(name, _)| pair.split('=').next() == Some(name));
    let kept: Vec<&str> = address.query().into_iter().flat_map(|query| query.split('&')).collect();
    let kept: Vec<&str> = kept
        .into_iter()
        .filter(|pair| !pair.is_empty() && !ours(pair))
        .collect();
    let mut told = address.clone();
    told.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    told.query_pairs_mut().extend_pairs(words);
    told
}

/// What the page of a step asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// The second permission set.
    Calling,
    /// The reseller's management (R071).
    Management,
    /// Whose users are synchronised.
    Groups {
        /// The choice that was in force when the person was asked.
        instead_of: GroupFilter,
    },
    /// Syncs that nobody signs in for.
    Unattended,
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
        asked: Asked,
        /// Which appointment of a Global Admin was in force when it was given out.
        appointment: u64,
        /// Where the person is sent when it is over.
        return_to: Option<Url>,
    },
    /// To the page where the reminders of an enterprise are handed over or paused.
    Duty {
        /// Whose.
        enterprise: EnterpriseId,
        /// Which appointment of a Global Admin was in force when the mail left.
        appointment: u64,
    },
    /// To the page where somebody takes them over.
    DutyOffer {
        /// Whose.
        enterprise: EnterpriseId,
        /// Which offer.
        offer: MailId,
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
    /// The second permission set, at a sign-in.
    Consent {
        /// The organization accepted it before, on Microsoft's admin consent page.
        accepted: bool,
    },
    /// The second permission set for the whole organization, on Microsoft's admin consent page.
    Organization,
    /// The reseller's management (R071).
    Management,
    /// The choice of groups.
    Groups,
    /// The permissions of the application that syncs unattended, on Microsoft's admin consent page.
    Unattended,
    /// The second half of the double authentication of a sync (R047).
    Sync {
        /// Which.
        run: RunId,
    },
}

/// A sign-in that was begun and has not been answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What for.
    pub purpose: Purpose,
    /// When.
    pub at: Timestamp,
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
    /// Microsoft says that the organization accepted the second set; a call must prove it, and the person signs in again
    /// (R058).
    Accepted {
        /// Since when.
        at: Timestamp,
    },
    /// Signed in for a sync in another tenant than the bound one, after `Disable Sync`; the move waits to be confirmed.
    Move {
        /// Who signed in.
        identity: Identity,
        /// The person's name, for the page.
        person: String,
        /// Which tenant would be bound.
        tenant: BoundTenant,
        /// What the sign-in granted.
        scopes: BTreeSet<String>,
        /// The run that was asked for.
        run: RunId,
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
    /// The reseller's management was answered.
    Answered {
        /// The reseller may manage.
        granted: bool,
    },
    /// It was chosen whose users are synchronised.
    Chosen,
    /// Microsoft says that the organization accepted the permissions for unattended syncs; a call must prove it, and the
    /// person says so once more here.
    UnattendedAccepted {
        /// Since when.
        at: Timestamp,
    },
    /// Syncs may run unattended.
    UnattendedAllowed,
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
    /// Where the person is sent when it is over; it names the step already.
    pub return_to: Option<Url>,
    /// Where the request came from.
    pub origin: Origin,
}

impl Visit {
    /// The visit that begins with a link of this enterprise.
    #[must_use]
    pub fn begun(enterprise: &Enterprise, return_to: Option<Url>) -> Self {
        Self {
            enterprise: enterprise.id.clone(),
            appointment: enterprise.global_admin.appointment,
            return_to,
            origin: Origin::default(),
        }
    }

    /// The same visit, at a stage.
    #[must_use]
    pub fn at(&self, stage: Stage) -> Session {
        Session {
            enterprise: self.enterprise.clone(),
            appointment: self.appointment,
            return_to: self.return_to.clone(),
            stage,
            origin: self.origin.clone(),
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
    /// Where the request came from; it belongs to the request and is not kept.
    #[serde(skip)]
    pub origin: Origin,
}

impl Session {
    /// Whether its person may answer for the reseller's management now: they came for it, or have just completed the
    /// set-up.
    #[must_use]
    pub fn may_answer(&self) -> bool {
        matches!(self.stage, Stage::Management { .. }) || self.at_leisure()
    }

    /// Whether its person may choose whose users are synchronised now, likewise.
    #[must_use]
    pub fn may_choose(&self) -> bool {
        matches!(self.stage, Stage::Groups { .. }) || self.at_leisure()
    }

    /// The person has proven to be the Global Admin, has done what they came for, and nobody waits for them elsewhere.
    fn at_leisure(&self) -> bool {
        let done = matches!(self.stage, Stage::Complete | Stage::Answered { .. } | Stage::Chosen);
        done && self.return_to.is_none()
    }

    /// What became of the step that the person came for, once it is over.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.stage {
            Stage::Complete
            | Stage::Chosen
            | Stage::UnattendedAllowed
            | Stage::Syncing { .. }
            | Stage::Answered { granted: true } => Some(Outcome::Completed),
            Stage::Answered { granted: false } => Some(Outcome::Declined),
            Stage::Confirm { .. }
            | Stage::SecondConsent { .. }
            | Stage::Accepted { .. }
            | Stage::Move { .. }
            | Stage::Management { .. }
            | Stage::Groups { .. }
            | Stage::UnattendedAccepted { .. } => None,
        }
    }

    /// The visit that it belongs to.
    #[must_use]
    pub fn visit(&self) -> Visit {
        Visit {
            enterprise: self.enterprise.clone(),
            appointment: self.appointment,
            return_to: self.return_to.clone(),
            origin: self.origin.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, outcome: &Outcome, expected: &str) {
        let address = NextStep::GrantConsent.returning_to(&address.parse().unwrap());
        assert_eq!(outcome.told_to(&address).as_str(), expected);
    }

    #[test]
    fn a_return_address_says_which_step_and_what_became_of_it() {
        check(
            "https://portal.example/back",
            &Outcome::Completed,
            "https://portal.example/back?dialbridge_action=grantConsent&dialbridge_outcome=completed",
        );
        check(
            "https://portal.example",
            &Outcome::Declined,
            "https://portal.example/?dialbridge_action=grantConsent&dialbridge_outcome=declined",
        );
    }

    #[test]
    fn a_failure_carries_its_code() {
        let failed = Outcome::Failed {
            code: "GA&ADMIN=#1".into(),
        };
        check(
            "https://portal.example/",
            &failed,
            "https://portal.example/?dialbridge_action=grantConsent&dialbridge_outcome=failed&dialbridge_code=GA%26ADMIN%3D%231",
        );
    }

    #[test]
    fn the_rest_of_the_address_stays_as_it_is_written() {
        check(
            "https://portal.example/a%20b?case=7%2F8&empty=&flag#part",
            &Outcome::Completed,
            "https://portal.example/a%20b?case=7%2F8&empty=&flag&dialbridge_action=grantConsent&dialbridge_outcome=completed#part",
        );
    }

    #[test]
    fn our_words_are_said_once() {
        check(
            "https://portal.example/?dialbridge_outcome=completed&x=1&dialbridge_action=sync",
            &Outcome::Declined,
            "https://portal.example/?x=1&dialbridge_action=grantConsent&dialbridge_outcome=declined",
        );
    }

    #[test]
    fn who_came_for_one_thing_does_not_do_the_other() {
        let session = |stage, back: bool| Session {
            enterprise: EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 1),
            appointment: 1,
            return_to: back.then(|| "https://portal.example/".parse().unwrap()),
            stage,
            origin: Origin::default(),
        };
        let can = |stage, back| {
            let session = session(stage, back);
            (session.may_answer(), session.may_choose())
        };
        let person = || "Mara".to_owned();
        assert_eq!(can(Stage::Management { person: person() }, false), (true, false));
        assert_eq!(can(Stage::Groups { person: person() }, true), (false, true));
        assert_eq!(can(Stage::Complete, false), (true, true));
        assert_eq!(can(Stage::Complete, true), (false, false));
        assert_eq!(can(Stage::SecondConsent { again: false }, false), (false, false));
    }
}
