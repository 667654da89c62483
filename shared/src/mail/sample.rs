//! Every mail with made-up facts: for previews where there are none yet, for the local mailbox, and for tests.

use super::*;
use crate::domain::brand::Brand;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::invitation::Trouble;
use crate::domain::state::State;
use crate::domain::sync_status::Pending;
use jiff::SignedDuration;
use url::Url;

/// An Invitation Code that nobody has.
pub const CODE: &str = "XXXXX-XXXXX";

/// A few hours ago.
#[must_use]
pub fn earlier(now: Timestamp) -> Timestamp {
    now - SignedDuration::from_hours(30)
}

/// In some days.
#[must_use]
pub fn later(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_hours(7 * 24)
}

/// A link below the brand's portal that leads nowhere.
#[must_use]
pub fn link(brand: &Brand) -> Url {
    let portal = &brand.integration_portal_url;
    portal.join("/sample").unwrap_or_else(|_| portal.clone())
}

/// Two people who wait for a sync.
#[must_use]
pub fn waiting(name: &str, now: Timestamp) -> Waiting {
    Waiting {
        pending: Pending {
            users: 2,
            since: earlier(now),
        },
        people: vec![
            Line::from(format!("{name} to {name}")),
            Line::from(format!("{name}, to be removed")),
        ],
    }
}

/// What a failed sync found.
#[must_use]
pub fn findings(name: &str) -> Vec<Finding> {
    let finding = |code, seen: String, fix: &str, actor| Finding {
        code,
        subject: name.to_owned(),
        seen,
        fix: fix.to_owned(),
        actor,
        about: None,
        wait: None,
    };
    vec![
        finding(
            Code::NumberTaken,
            format!("The number of {name} is held by a resource account."),
            "Take that number away in the Teams admin center, then sync again.",
            Actor::GlobalAdmin,
        ),
        finding(
            Code::MsInternal,
            "Microsoft answered with a fault of its own.".to_owned(),
            "Wait some minutes, then sync again.",
            Actor::Microsoft,
        ),
    ]
}

/// Who and what is named.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Who reads the mail.
    pub reader: &'a str,
    /// Somebody else.
    pub other: &'a str,
    /// Enterprises; the first is the one that most mails are about.
    pub enterprises: [&'a str; 3],
    /// The reseller.
    pub reseller: &'a str,
    /// An address of mail.
    pub address: &'a str,
    /// A host of webhooks.
    pub host: &'a str,
}

impl Names<'static> {
    /// Names that people and companies might have.
    pub const USUAL: Self = Self {
        reader: "Mara Quist",
        other: "Ann Example",
        enterprises: ["Bluefinch Ltd", "Alder Bakeries", "Kestrel Dental"],
        reseller: "Northwind Telecom",
        address: "ann@bluefinch.example",
        host: "hooks.northwind.example",
    };
}

impl<'a> Names<'a> {
    /// One name for everything.
    #[must_use]
    pub fn all(name: &'a str) -> Self {
        Self {
            reader: name,
            other: name,
            enterprises: [name; 3],
            reseller: name,
            address: name,
            host: name,
        }
    }
}

/// The rows of a digest.
fn rows(names: &Names<'_>, now: Timestamp) -> Vec<DigestRow> {
    let rows = names
        .enterprises
        .into_iter()
        .zip([State::Failed, State::SyncNeeded, State::Invited]);
    rows.map(|(enterprise, state)| DigestRow {
        enterprise: enterprise.into(),
        state,
        since: earlier(now),
    })
    .collect()
}

/// Every mail in each of its shapes, named after its texts.
#[must_use]
pub fn every(brand: &Brand, names: &Names<'_>, zone: &TimeZone, now: Timestamp) -> Vec<(&'static str, Mail)> {
    let mut all = of_the_integration(brand, names);
    all.extend(of_a_sync(brand, names, zone, now));
    all.extend(of_an_invitation(brand, names, zone, now));
    all.extend(of_a_duty(brand, names, zone, now));
    all.extend(to_a_reseller(brand, names, zone, now));
    all
}

fn of_the_integration(brand: &Brand, names: &Names<'_>) -> Vec<(&'static str, Mail)> {
    let (recipient, enterprise) = (Line::from(names.reader), Line::from(names.enterprises[0]));
    let licenses = |previous, updated, unlicensed| {
        LicensesChanged {
            brand,
            recipient: names.reader.into(),
            enterprise: names.enterprises[0].into(),
            previous,
            updated,
            unlicensed,
        }
        .render()
    };
    let removed = |final_sync| {
        IntegrationRemoved {
            brand,
            recipient: names.reader.into(),
            enterprise: names.enterprises[0].into(),
            final_sync,
        }
        .render()
    };
    let activation = IntegrationActivation {
        brand,
        recipient: recipient.clone(),
        enterprise: enterprise.clone(),
    };
    let reassigned = GlobalAdminReassigned {
        brand,
        recipient: recipient.clone(),
        enterprise: enterprise.clone(),
    };
    let assigned = GlobalAdminAssigned {
        brand,
        recipient,
        enterprise,
    };
    vec![
        ("integration_activation", activation.render()),
        ("licenses_changed", licenses(Some(5), Some(8), 0)),
        ("licenses_changed-fewer", licenses(Some(8), Some(5), 2)),
        ("licenses_changed-unlimited", licenses(Some(5), None, 0)),
        ("integration_removed", removed(true)),
        ("integration_removed-nothing", removed(false)),
        ("global_admin_reassigned", reassigned.render()),
        ("global_admin_assigned", assigned.render()),
    ]
}

fn of_a_sync(brand: &Brand, names: &Names<'_>, zone: &TimeZone, now: Timestamp) -> Vec<(&'static str, Mail)> {
    let duty = link(brand);
    let found = findings(names.other);
    let required = |reader, duty_url| {
        SyncRequired {
            brand,
            recipient: names.reader.into(),
            enterprise: names.enterprises[0].into(),
            reader,
            waiting: waiting(names.other, now),
            duty_url,
            zone,
        }
        .render()
    };
    let failed = |reader, findings, waiting, duty_url| {
        SyncFailed {
            brand,
            recipient: names.reader.into(),
            enterprise: names.enterprises[0].into(),
            reader,
            failed: earlier(now),
            findings,
            waiting,
            duty_url,
            zone,
        }
        .render()
    };
    let holder = || Reader::Duty {
        admin: names.other.into(),
    };
    let second = || Reader::SecondContact {
        admin: names.other.into(),
        reminders: 3,
    };
    vec![
        ("sync_required", required(Reader::GlobalAdmin, Some(&duty))),
        ("sync_required-duty", required(holder(), Some(&duty))),
        ("sync_required-second", required(second(), None)),
        (
            "sync_failed",
            failed(
                Reader::GlobalAdmin,
                &found[..],
                Some(waiting(names.other, now)),
                Some(&duty),
            ),
        ),
        ("sync_failed-bare", failed(Reader::GlobalAdmin, &[], None, None)),
        (
            "sync_failed-second",
            failed(second(), &found[..], Some(waiting(names.other, now)), None),
        ),
    ]
}

fn of_an_invitation(brand: &Brand, names: &Names<'_>, zone: &TimeZone, now: Timestamp) -> Vec<(&'static str, Mail)> {
    let address = link(brand);
    let invitation = EnterpriseInvitation {
        brand,
        recipient: names.reader.into(),
        enterprise: names.enterprises[0].into(),
        reseller: names.reseller.into(),
        code: CODE,
        complete_url: &address,
        permissions_url: &brand.integration_portal_url,
        expires: later(now),
        zone,
    };
    let nudge = |fresh| {
        InvitationNudge {
            brand,
            recipient: names.reader.into(),
            enterprise: names.enterprises[0].into(),
            reseller: names.reseller.into(),
            invited: earlier(now),
            expires: later(now),
            fresh,
            zone,
        }
        .render()
    };
    let stuck = |why| {
        InvitationStuck {
            brand,
            recipient: names.reader.into(),
            reseller: names.reseller.into(),
            enterprise: names.enterprises[0].into(),
            admin: names.other.into(),
            address: names.address.into(),
            since: earlier(now),
            why,
            zone,
        }
        .render()
    };
    let fresh = Fresh {
        code: CODE,
        complete_url: &address,
    };
    vec![
        ("enterprise_invitation", invitation.render()),
        ("invitation_nudge", nudge(None)),
        ("invitation_nudge-fresh", nudge(Some(fresh))),
        ("invitation_stuck", stuck(Stuck::NotAccepted)),
        ("invitation_stuck-bounce", stuck(Stuck::Undelivered(Trouble::Bounce))),
        (
            "invitation_stuck-complaint",
            stuck(Stuck::Undelivered(Trouble::Complaint)),
        ),
        ("invitation_stuck-reject", stuck(Stuck::Undelivered(Trouble::Reject))),
    ]
}

fn of_a_duty(brand: &Brand, names: &Names<'_>, zone: &TimeZone, now: Timestamp) -> Vec<(&'static str, Mail)> {
    let offered = DutyOffered {
        brand,
        recipient: names.reader.into(),
        enterprise: names.enterprises[0].into(),
        from: names.other.into(),
        accept_url: &link(brand),
        expires: later(now),
        zone,
    };
    let taken = DutyTaken {
        brand,
        recipient: names.reader.into(),
        enterprise: names.enterprises[0].into(),
        by: names.other.into(),
        at: now,
        zone,
    };
    vec![("duty_offered", offered.render()), ("duty_taken", taken.render())]
}

fn to_a_reseller(brand: &Brand, names: &Names<'_>, zone: &TimeZone, now: Timestamp) -> Vec<(&'static str, Mail)> {
    let activation = ResellerActivation {
        brand,
        recipient: names.reader.into(),
        reseller: names.reseller.into(),
        activate_url: &link(brand),
        expires: later(now),
        zone,
    };
    let ignored = RemindersIgnored {
        brand,
        recipient: names.reader.into(),
        reseller: names.reseller.into(),
        enterprise: names.enterprises[0].into(),
        admin: names.other.into(),
        reminders: 7,
        since: earlier(now),
        zone,
    };
    let rows = rows(names, now);
    let digest = |rows, more| {
        ResellerDigest {
            brand,
            recipient: names.reader.into(),
            reseller: names.reseller.into(),
            rows,
            more,
            zone,
        }
        .render()
    };
    let disabled = WebhookDisabled {
        brand,
        recipient: names.reader.into(),
        reseller: names.reseller.into(),
        host: names.host.into(),
        since: earlier(now),
        tries: 10,
        last_problem: Line::sentence(&format!("status 503, {}", names.other)),
        zone,
    };
    vec![
        ("reseller_activation", activation.render()),
        ("reminders_ignored", ignored.render()),
        ("reseller_digest", digest(&rows[..], 12)),
        ("reseller_digest-one", digest(&rows[..1], 0)),
        ("webhook_disabled", disabled.render()),
    ]
}
