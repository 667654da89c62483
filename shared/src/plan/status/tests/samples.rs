//! An enterprise at each point of its life, and what can happen to it.

use super::*;
use crate::domain::brand::Brand;
use crate::domain::consent::{Consent, ConsentForm};
use crate::domain::enterprise::{Service, Settings};
use crate::domain::global_admin::GlobalAdmin;
use crate::domain::ids::{MailId, SuppressionId};
use crate::domain::invitation::Trouble;
use crate::domain::licence::Usage;
use crate::domain::reseller::Activation;
use crate::domain::run::{Authority, RunKind, Tally, Trigger};
use crate::domain::setup::BoundTenant;
use crate::domain::steps::{Progress, Steps};
use crate::domain::suppression::Suppression;
use crate::domain::sync_switch::SyncSwitch;
use crate::domain::visit::Purpose;
use std::collections::{BTreeMap, BTreeSet};

/// Facts that own what they are made of.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) enterprise: Enterprise,
    pub(super) sync: SyncStatus,
    pub(super) invitation: Option<Invitation>,
    pub(super) current: Option<Run>,
    pub(super) failed: Option<Run>,
    pub(super) unanswered: Option<Begun>,
    pub(super) unreachable: Option<Suppression>,
    pub(super) now: Timestamp,
}

/// So many minutes after the enterprise was created, at ten in the morning.
pub(super) fn at(minutes: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-02T09:00:00Z".parse().unwrap();
    begin + SignedDuration::from_mins(minutes)
}

pub(super) fn zone() -> TimeZone {
    schedule::zone("Europe/Brussels").unwrap()
}

pub(super) fn identity() -> Identity {
    Identity {
        tenant: tenant().id,
        user: "2c0b6a1e-1111-4a11-9a11-000000000001".parse().unwrap(),
    }
}

fn tenant() -> BoundTenant {
    BoundTenant {
        id: "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
        name: "Bluefinch".into(),
        label: "bluefinch".into(),
        at: at(10),
    }
}

pub(super) fn bound(consents: Consents) -> Setup {
    Setup::Bound {
        tenant: tenant(),
        consents,
    }
}

pub(super) fn complete(consents: Consents) -> Setup {
    Setup::Complete {
        tenant: tenant(),
        consents,
        at: at(12),
    }
}

/// Both sets, granted.
pub(super) fn granted() -> Consents {
    let granted = || Consent::Granted {
        scopes: BTreeSet::new(),
        at: at(12),
        by: "Mara".into(),
        form: ConsentForm::Delegated,
    };
    Consents {
        sign_in: granted(),
        calling: granted(),
    }
}

pub(super) fn pending(users: u32) -> Pending {
    Pending { users, since: at(26) }
}

pub(super) fn run(state: RunState) -> Run {
    Run {
        id: RunId::mint(at(28), 7),
        kind: RunKind::Apply,
        state,
        plan: None,
        debug: false,
        requested_by: "mara".into(),
        authority: Authority::GlobalAdmin,
        trigger: Trigger::Manual,
        retry_of: None,
        created: at(28),
        started: None,
        ended: None,
        findings: Vec::new(),
        lines: 0,
        tally: Tally::default(),
    }
}

pub(super) fn finding(code: Code) -> Finding {
    Finding {
        code,
        subject: "+32270010".into(),
        seen: "The number is held by somebody else.".into(),
        fix: "Release it first.".into(),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    }
}

fn reseller() -> Reseller {
    let url = |text: &str| text.parse().unwrap();
    Reseller {
        id: "res_00000000000000000000000001".parse().unwrap(),
        name: "Kestrel Telecom".into(),
        owner: "owner@kestrel.example".parse().unwrap(),
        activation: Activation::Active { since: at(-100) },
        brand: Brand {
            product_name: "Kestrel for Teams".into(),
            policy_prefix: "Kestrel".into(),
            voice_portal_name: "Kestrel Voice".into(),
            voice_portal_url: url("https://voice.kestrel.example/"),
            integration_portal_url: url("https://teams.kestrel.example/"),
            account_contact: "your Kestrel administrator".into(),
            provider_contact: "Kestrel Support".into(),
            sender: None,
            reply_to: None,
            application: None,
            accent: None,
            logo_url: None,
        },
        return_origins: BTreeSet::new(),
        help_url: Some(url("https://help.kestrel.example/teams")),
        created: at(-100),
        version: 1,
    }
}

impl Sample {
    pub(super) fn invited() -> Self {
        let admin = GlobalAdmin::invited("mara@bluefinch.example".parse().unwrap(), Some("Mara Quist".into()));
        let invitation = InvitationId::mint(at(0), 1);
        let enterprise = Enterprise {
            id: "ent_00000000000000000000000001".parse().unwrap(),
            reseller: reseller().id,
            settings: Settings {
                name: "Bluefinch Ltd".into(),
                user_limit: None,
                pbx_music_on_hold: true,
                access_sip_data: false,
                request_management_consent: true,
                sbc_regions: BTreeSet::from(["Europe".into()]),
                services: BTreeSet::from([Service::Trunk]),
                pbx_types: BTreeSet::new(),
                time_zone: "Europe/Brussels".into(),
                billing_reference: None,
                trial_end: None,
            },
            global_admin: admin,
            setup: Setup::Invited,
            group_filter: GroupFilter::Undecided,
            invitation: Some(invitation.clone()),
            standing: Standing::Active,
            management: Management::Pending,
            steps: Steps::new(),
            sync_switch: SyncSwitch::On,
            operators: Default::default(),
            unattended: Default::default(),
            release_limit: Default::default(),
            reminding: Default::default(),
            left_tenant: None,
            created: at(0),
            version: 1,
        };
        let invitation = Invitation {
            state: InvitationState::Sent,
            ..Invitation::new(invitation, String::new(), String::new(), at(0))
        };
        Self {
            enterprise,
            sync: SyncStatus::default(),
            invitation: Some(invitation),
            current: None,
            failed: None,
            unanswered: None,
            unreachable: None,
            now: at(60),
        }
    }

    pub(super) fn bound() -> Self {
        let mut sample = Self::invited().invitation(InvitationState::Accepted);
        sample.enterprise.setup = bound(Consents::default());
        sample.enterprise.global_admin.identity = Some(identity());
        sample
    }

    pub(super) fn complete() -> Self {
        let mut sample = Self::bound();
        sample.enterprise.setup = complete(granted());
        sample.invitation = None;
        sample
    }

    pub(super) fn chosen() -> Self {
        Self::complete().filter(GroupFilter::Everyone)
    }

    pub(super) fn discovered() -> Self {
        let mut sample = Self::chosen();
        sample.sync.discovered = Some(at(15));
        sample
    }

    pub(super) fn filter(mut self, filter: GroupFilter) -> Self {
        self.enterprise.group_filter = filter;
        self
    }

    pub(super) fn standing(mut self, standing: Standing) -> Self {
        self.enterprise.standing = standing;
        self
    }

    pub(super) fn management(mut self, management: Management) -> Self {
        self.enterprise.management = management;
        self
    }

    /// So many are mapped, all synced.
    pub(super) fn mapped(mut self, users: u32) -> Self {
        self.sync.usage = Usage {
            mapped: users,
            used: users,
            warnings: BTreeMap::new(),
        };
        self
    }

    pub(super) fn waiting(mut self, users: u32) -> Self {
        self.sync.pending = Some(pending(users));
        self
    }

    /// The limit, with the warnings it leads to.
    pub(super) fn limit(mut self, limit: Option<u32>) -> Self {
        self.enterprise.settings.user_limit = limit;
        let usage = &self.sync.usage;
        let (mapped, used) = (usage.mapped as usize, usage.used as usize);
        self.sync.usage = Usage::counted(mapped, used, limit, &Usage::default(), at(25));
        assert_eq!(
            self.sync.usage.warnings.contains_key(&Level::Full),
            limit.is_some_and(|limit| limit > 0 && used >= limit as usize)
        );
        self
    }

    /// Another limit, before anything is counted anew.
    pub(super) fn limit_since(mut self, limit: Option<u32>) -> Self {
        self.enterprise.settings.user_limit = limit;
        self
    }

    pub(super) fn trial(mut self, last_day: &str) -> Self {
        self.enterprise.settings.trial_end = Some(last_day.parse().unwrap());
        self
    }

    pub(super) fn invitation(mut self, state: InvitationState) -> Self {
        if let Some(invitation) = &mut self.invitation {
            invitation.state = state;
        }
        self
    }

    /// Its mail came back, so many minutes after it was sent.
    pub(super) fn bounced(mut self, trouble: Trouble, minutes: i64) -> Self {
        if let Some(invitation) = &mut self.invitation {
            invitation.trouble = Some(trouble);
            invitation.reached.insert(InvitationState::Bounced, at(minutes));
        }
        self.invitation(InvitationState::Bounced)
    }

    pub(super) fn wrong_codes(mut self, count: u32) -> Self {
        if let Some(invitation) = &mut self.invitation {
            invitation.wrong_codes = count;
        }
        self
    }

    pub(super) fn without_invitation(mut self) -> Self {
        self.enterprise.invitation = None;
        self.invitation = None;
        self
    }

    /// Somebody else has the role, and a new invitation.
    pub(super) fn reinvited(mut self) -> Self {
        self.enterprise.global_admin.identity = None;
        self.invitation(InvitationState::Sent)
    }

    pub(super) fn told(mut self, step: Step, state: StepState, message: &str, minutes: i64) -> Self {
        let progress = Progress {
            state,
            message: message.to_owned(),
            at: at(minutes),
            obstacle: None,
        };
        self.enterprise.steps.insert(step, progress);
        self
    }

    pub(super) fn failed_with(mut self, step: Step, why: &Error, minutes: i64) -> Self {
        let (obstacle, message) = news(why);
        let progress = Progress {
            state: StepState::Failed,
            message: message.to_owned(),
            at: at(minutes),
            obstacle: Some(obstacle),
        };
        self.enterprise.steps.insert(step, progress);
        self
    }

    pub(super) fn refused(self, step: Step, refused: SignInRefused, minutes: i64) -> Self {
        self.failed_with(step, &Error::SignIn(refused), minutes)
    }

    /// Mails to the Global Admin came back, so that none goes there any more.
    pub(super) fn unreachable(mut self, cause: Trouble) -> Self {
        self.unreachable = Some(Suppression {
            id: SuppressionId::mint(at(0), 1),
            address: self.enterprise.global_admin.email.clone(),
            cause,
            since: at(0),
            mail: MailId::mint(at(0), 1),
            enterprise: Some(self.enterprise.id.clone()),
        });
        self
    }

    pub(super) fn unanswered(mut self, minutes: i64) -> Self {
        self.unanswered = Some(Begun {
            purpose: Purpose::Consent { accepted: false },
            at: at(minutes),
        });
        self
    }

    pub(super) fn sync_disabled(mut self, minutes: i64) -> Self {
        self.enterprise.sync_switch = SyncSwitch::Off {
            since: at(minutes),
            by: "Mara".into(),
        };
        self
    }

    pub(super) fn consents(mut self, change: impl FnOnce(&mut Consents)) -> Self {
        let mut consents = granted();
        change(&mut consents);
        self.enterprise.setup = complete(consents);
        self
    }

    pub(super) fn calling_declined(mut self, minutes: i64) -> Self {
        self.enterprise.setup = bound(Consents {
            calling: Consent::Declined {
                at: at(minutes),
                by: "Mara".into(),
            },
            ..Consents::default()
        });
        self
    }

    pub(super) fn running(mut self, state: RunState) -> Self {
        self.sync.current = Some(run(state).id);
        self.current = Some(run(state));
        self
    }

    /// The last sync ended at half past ten with so many findings.
    pub(super) fn failed(mut self, findings: usize) -> Self {
        self.sync.last = Some((at(30), LastSync::Failed));
        self.failed = Some(Run {
            findings: vec![finding(Code::NumberTaken); findings],
            ..run(RunState::Failed)
        });
        self
    }

    /// The last sync put something in place, and not all of it.
    pub(super) fn failed_in_part(mut self) -> Self {
        self = self.failed(1);
        if let Some(run) = &mut self.failed {
            run.tally.added = 1;
        }
        self
    }

    /// A diagnostic sync goes on.
    pub(super) fn debugging(mut self, state: RunState) -> Self {
        self = self.running(state);
        if let Some(run) = &mut self.current {
            run.debug = true;
        }
        self
    }

    /// The last sync ended well.
    pub(super) fn succeeded(mut self) -> Self {
        self.sync.last = Some((at(45), LastSync::Successful));
        self.failed = None;
        self
    }

    pub(super) fn after(mut self, since: SignedDuration) -> Self {
        self.now = at(0) + since;
        self
    }

    pub(super) fn now(mut self, now: &str) -> Self {
        self.now = now.parse().unwrap();
        self
    }

    pub(super) fn status(&self) -> Status {
        status(&Facts {
            enterprise: &self.enterprise,
            reseller: &reseller(),
            sync: &self.sync,
            invitation: self.invitation.as_ref(),
            current: self.current.as_ref(),
            failed: self.failed.as_ref(),
            unanswered: self.unanswered.as_ref(),
            unreachable: self.unreachable.as_ref(),
            permissions: &"https://dialbridge.example/permissions".parse().unwrap(),
            teams_calling: &"https://dialbridge.example/help/teams-calling".parse().unwrap(),
            zone: &zone(),
            now: self.now,
        })
    }
}
