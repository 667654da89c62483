//! What a mail about an enterprise would say now, and to whom, without sending it. What is not known yet is made up, and
//! said to be.

use crate::domain::Invalid;
use crate::domain::caller::Role;
use crate::domain::duty::Duty;
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::Enterprise;
use crate::domain::invitation::{self, Invitation, InvitationState};
use crate::domain::letter::Letter;
use crate::domain::mail_kind::MailKind;
use crate::domain::reminding::Part;
use crate::domain::reseller::Reseller;
use crate::domain::state::state;
use crate::domain::sync_status::SyncStatus;
use crate::domain::{licence, schedule};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::mail::{
    DigestRow, DutyOffered, DutyTaken, InvitationNudge, InvitationStuck, Line, Mail, RemindersIgnored, ResellerDigest,
    Stuck, SyncFailed, SyncRequired, WebhookDisabled, sample,
};
use crate::plan::remind::{Next, Reminder, remind as decide};
use crate::run::access::Access;
use crate::run::invitation as invitations;
use crate::run::{mails, remind};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A mail as it would leave now.
#[derive(Debug)]
pub struct Preview {
    /// Which mail.
    pub kind: MailKind,
    /// The state as it is now asks for it.
    pub due: bool,
    /// When it is sent, in words.
    pub when: &'static str,
    /// The sender's name.
    pub from_name: String,
    /// The sender's address.
    pub from: EmailAddress,
    /// Where answers go.
    pub reply_to: Option<EmailAddress>,
    /// To whom; absent where that is not known before it is sent.
    pub to: Option<EmailAddress>,
    /// Its words.
    pub mail: Mail,
    /// Facts in it that are made up, each in words; none where everything is as it would be sent.
    pub samples: Vec<&'static str>,
}

/// What is known, gathered once.
struct Known<'a> {
    io: &'a Io,
    kept: &'a Enterprise,
    reseller: Reseller,
    status: SyncStatus,
    invitation: Option<Invitation>,
    zone: TimeZone,
    now: Timestamp,
}

/// A mail, to whom, and what of it is made up.
struct Made {
    mail: Mail,
    to: Option<EmailAddress>,
    samples: Vec<&'static str>,
}

/// The mail of a kind, or the one that the enterprise's state asks for. Changes nothing and sends nothing.
///
/// # Errors
/// `Invalid` for a mail to the reseller that somebody else asks for, `Upstream`.
pub async fn preview(io: &Io, access: &Access, kind: Option<MailKind>, now: Timestamp) -> Result<Preview> {
    let kept = &access.kept;
    let (reseller, status, invitation) = futures::try_join!(
        io.store.reseller(&kept.reseller),
        io.store.sync_status(&kept.id),
        invitations::newest(io, kept),
    )?;
    let asked_for = asked_for(kept, &status, invitation.as_ref(), now);
    let kind = kind.or(asked_for).unwrap_or(MailKind::IntegrationActivation);
    let of_customer = matches!(
        access.caller.role,
        Role::AccountAdmin(_) | Role::AccountManager(_) | Role::GlobalAdmin(_)
    );
    if to_the_reseller(kind) && of_customer {
        return Err(Invalid::new("mail", "this mail goes to the reseller; ask there").into());
    }
    let known = Known {
        io,
        kept,
        reseller,
        status,
        invitation,
        zone: schedule::zone(&kept.settings.time_zone)?,
        now,
    };
    let made = made(&known, kind).await?;
    let brand = known.reseller.brand;
    Ok(Preview {
        kind,
        due: asked_for == Some(kind),
        when: when(kind),
        from: brand.sender.unwrap_or_else(|| io.config.mail_from.clone()),
        from_name: brand.product_name,
        reply_to: brand.reply_to,
        to: made.to,
        mail: made.mail,
        samples: made.samples,
    })
}

/// The mail that the state asks for, by itself or by somebody who sends an invitation.
fn asked_for(
    kept: &Enterprise,
    status: &SyncStatus,
    invitation: Option<&Invitation>,
    now: Timestamp,
) -> Option<MailKind> {
    match decide(&kept.standing, &kept.sync_switch, &kept.setup, status) {
        Reminder::SyncRequired => return Some(MailKind::SyncRequired),
        Reminder::SyncFailed => return Some(MailKind::SyncFailed),
        Reminder::Nothing => {}
    }
    let waits = invitation.is_some_and(|one| one.at(now) == InvitationState::Queued);
    (waits && !kept.setup.complete()).then_some(MailKind::EnterpriseInvitation)
}

fn to_the_reseller(kind: MailKind) -> bool {
    match kind {
        MailKind::ResellerActivation
        | MailKind::InvitationStuck
        | MailKind::RemindersIgnored
        | MailKind::ResellerDigest
        | MailKind::WebhookDisabled => true,
        MailKind::IntegrationActivation
        | MailKind::SyncRequired
        | MailKind::SyncFailed
        | MailKind::LicensesChanged
        | MailKind::IntegrationRemoved
        | MailKind::GlobalAdminReassigned
        | MailKind::GlobalAdminAssigned
        | MailKind::EnterpriseInvitation
        | MailKind::InvitationNudge
        | MailKind::DutyOffered
        | MailKind::DutyTaken => false,
    }
}

fn when(kind: MailKind) -> &'static str {
    match kind {
        MailKind::IntegrationActivation => {
            "When the set-up is complete, and to whoever becomes the Global Admin before the first sync."
        }
        MailKind::SyncRequired => "Once a day while changes wait for a sync.",
        MailKind::SyncFailed => "Once a day after a sync that failed, until one succeeds.",
        MailKind::LicensesChanged => "When the number of licenses is changed.",
        MailKind::IntegrationRemoved => "When the integration is removed.",
        MailKind::GlobalAdminReassigned => "When the role of the Global Admin goes to somebody else.",
        MailKind::GlobalAdminAssigned => "When somebody is given the role of the Global Admin.",
        MailKind::EnterpriseInvitation => "When an enterprise is created, and when its invitation is sent again.",
        MailKind::ResellerActivation => "When a reseller is created, and when its activation is sent again.",
        MailKind::InvitationNudge => "Some days after an invitation that is not accepted.",
        MailKind::InvitationStuck => {
            "When an invitation cannot be delivered, or is not accepted in spite of a reminder."
        }
        MailKind::DutyOffered => "When whoever is reminded names somebody else.",
        MailKind::DutyTaken => "When somebody else accepts to be reminded.",
        MailKind::RemindersIgnored => "After several reminders without a sync.",
        MailKind::ResellerDigest => "On the days that the reseller has chosen, while an enterprise waits.",
        MailKind::WebhookDisabled => "When nothing has reached an endpoint of webhooks for days.",
    }
}

async fn made(known: &Known<'_>, kind: MailKind) -> Result<Made> {
    let admin = Some(known.kept.global_admin.email.clone());
    let owner = Some(known.reseller.owner.clone());
    let (mail, to, samples) = match kind {
        MailKind::IntegrationActivation => (letter(known, &Letter::IntegrationActivation)?, admin, vec![]),
        MailKind::GlobalAdminReassigned => (letter(known, &Letter::GlobalAdminReassigned)?, admin, vec![]),
        MailKind::GlobalAdminAssigned => (letter(known, &Letter::GlobalAdminAssigned)?, admin, vec![]),
        MailKind::IntegrationRemoved => {
            let final_sync =
                known.kept.setup.complete() && (known.status.last.is_some() || known.status.discovered.is_some());
            (
                letter(known, &Letter::IntegrationRemoved { final_sync })?,
                admin,
                vec![],
            )
        }
        MailKind::LicensesChanged => (licenses_changed(known).await?, admin, vec!["the updated count"]),
        MailKind::SyncRequired | MailKind::SyncFailed => {
            let next = remind::next(known.io, &known.kept.id, known.now).await?;
            let (mail, samples) = reminder(known, kind, &next).await?;
            (mail, next.to.map(|to| to.email), samples)
        }
        MailKind::EnterpriseInvitation => {
            let link = sample::link(&known.reseller.brand);
            let written = mails::invitation(
                known.io,
                known.kept,
                &known.reseller,
                sample::CODE,
                &link,
                invitation_ends(known),
            )?;
            (written.mail, admin, vec!["the Invitation Code", "the link"])
        }
        MailKind::ResellerActivation => {
            let link = sample::link(&known.reseller.brand);
            let ends = known.now + crate::domain::reseller::ACTIVATION_LIFE;
            let written = mails::activation(&known.reseller, &link, ends);
            (written.mail, owner, vec!["the link"])
        }
        MailKind::InvitationNudge => (nudge(known), admin, vec![]),
        MailKind::InvitationStuck => (stuck(known), owner, vec![]),
        MailKind::DutyOffered => (offered(known), None, vec!["the reader", "the link"]),
        MailKind::DutyTaken => {
            let samples = match duty(known) {
                Some(_) => vec![],
                None => vec!["who has taken over, and when"],
            };
            (taken(known), admin, samples)
        }
        MailKind::RemindersIgnored => {
            let next = remind::next(known.io, &known.kept.id, known.now).await?;
            let mut samples = Vec::new();
            if next.reminders == 0 {
                samples.push("the number of reminders");
            }
            if known.status.pending.is_none() {
                samples.push("since when something waits");
            }
            (ignored(known, next.reminders), owner, samples)
        }
        MailKind::ResellerDigest => (digest(known), owner, vec!["the list, which has this enterprise alone"]),
        MailKind::WebhookDisabled => (disabled(known), owner, vec!["the endpoint and its failures"]),
    };
    Ok(Made { mail, to, samples })
}

fn letter(known: &Known<'_>, letter: &Letter) -> Result<Mail> {
    let recipient = known.kept.global_admin.display_name().into();
    let written = mails::of_letter(letter, known.kept, &known.reseller.brand, recipient);
    written.map(|written| written.mail).ok_or(Error::NotFound("mail"))
}

async fn licenses_changed(known: &Known<'_>) -> Result<Mail> {
    let previous = known.kept.settings.user_limit;
    let updated = Some(previous.map_or(25, |count| count.saturating_add(5)));
    let account = known.io.store.account(&known.kept.id).await?;
    let unlicensed = licence::unlicensed(&account.rows, updated).len();
    letter(
        known,
        &Letter::LicencesChanged {
            previous,
            updated,
            unlicensed,
        },
    )
}

/// As it would go to whoever is reminded next; where mails to all of them come back, as the Global Admin would get it.
async fn reminder(known: &Known<'_>, kind: MailKind, next: &Next) -> Result<(Mail, Vec<&'static str>)> {
    let brand = &known.reseller.brand;
    let facts = mails::facts(known.io, known.kept, brand, &known.status).await?;
    let part = next.to.as_ref().map_or(Part::GlobalAdmin, |to| to.part);
    let page = known.io.config.public_page(&format!("/reminders/{}", "0".repeat(64)));
    let duty_url = remind::may_hand_over(part).then_some(&page);
    let mut samples = Vec::new();
    if duty_url.is_some() {
        samples.push("the link to hand the reminders over or pause them");
    }
    let recipient = next
        .to
        .as_ref()
        .map_or_else(|| admin(known), |to| to.name.as_str().into());
    let enterprise = enterprise(known);
    let reader = remind::reader(known.kept, part, next.reminders);
    if kind == MailKind::SyncRequired {
        let waiting = facts.waiting.unwrap_or_else(|| {
            samples.push("what waits, and for whom");
            sample::waiting("Ann Example", known.now)
        });
        let mail = SyncRequired {
            brand,
            recipient,
            enterprise,
            reader,
            waiting,
            duty_url,
            zone: &known.zone,
        };
        return Ok((mail.render(), samples));
    }
    let failed = decide(
        &known.kept.standing,
        &known.kept.sync_switch,
        &known.kept.setup,
        &known.status,
    ) == Reminder::SyncFailed;
    let (at, findings) = if failed {
        (facts.failed, facts.findings)
    } else {
        samples.push("the failed sync, and what stood in its way");
        (sample::earlier(known.now), sample::findings("Ann Example"))
    };
    let mail = SyncFailed {
        brand,
        recipient,
        enterprise,
        reader,
        failed: at,
        findings: &findings,
        waiting: facts.waiting,
        duty_url,
        zone: &known.zone,
    };
    Ok((mail.render(), samples))
}

fn admin(known: &Known<'_>) -> Line {
    known.kept.global_admin.display_name().into()
}

fn enterprise(known: &Known<'_>) -> Line {
    known.kept.settings.name.as_str().into()
}

fn owner(known: &Known<'_>) -> Line {
    known.reseller.owner.as_str().into()
}

fn reseller(known: &Known<'_>) -> Line {
    known.reseller.name.as_str().into()
}

fn invitation_ends(known: &Known<'_>) -> Timestamp {
    let open = known.invitation.as_ref().filter(|one| one.open(known.now).is_ok());
    open.map_or(known.now + invitation::LIFE, |one| one.expires)
}

fn invited(known: &Known<'_>) -> Timestamp {
    known.invitation.as_ref().map_or(known.kept.created, |one| one.created)
}

fn nudge(known: &Known<'_>) -> Mail {
    let mail = InvitationNudge {
        brand: &known.reseller.brand,
        recipient: admin(known),
        enterprise: enterprise(known),
        reseller: reseller(known),
        invited: invited(known),
        expires: invitation_ends(known),
        fresh: None,
        zone: &known.zone,
    };
    mail.render()
}

fn stuck(known: &Known<'_>) -> Mail {
    let trouble = known.invitation.as_ref().and_then(|one| one.trouble);
    let mail = InvitationStuck {
        brand: &known.reseller.brand,
        recipient: owner(known),
        reseller: reseller(known),
        enterprise: enterprise(known),
        admin: admin(known),
        address: known.kept.global_admin.email.as_str().into(),
        since: invited(known),
        why: trouble.map_or(Stuck::NotAccepted, Stuck::Undelivered),
        zone: &known.zone,
    };
    mail.render()
}

fn offered(known: &Known<'_>) -> Mail {
    let mail = DutyOffered {
        brand: &known.reseller.brand,
        recipient: "Ann Example".into(),
        enterprise: enterprise(known),
        from: admin(known),
        accept_url: &sample::link(&known.reseller.brand),
        expires: sample::later(known.now),
        zone: &known.zone,
    };
    mail.render()
}

/// Who is reminded in place of the Global Admin.
fn duty<'a>(known: &Known<'a>) -> Option<&'a Duty> {
    let appointment = known.kept.global_admin.appointment;
    let duty = known.kept.reminding.duty.as_ref();
    duty.filter(|duty| duty.appointment == appointment)
}

fn taken(known: &Known<'_>) -> Mail {
    let (by, at) = duty(known).map_or(("Ann Example", known.now), |duty| (duty.name.as_str(), duty.since));
    let mail = DutyTaken {
        brand: &known.reseller.brand,
        recipient: admin(known),
        enterprise: enterprise(known),
        by: by.into(),
        at,
        zone: &known.zone,
    };
    mail.render()
}

fn ignored(known: &Known<'_>, reminders: u32) -> Mail {
    let pending = known.status.pending;
    let mail = RemindersIgnored {
        brand: &known.reseller.brand,
        recipient: owner(known),
        reseller: reseller(known),
        enterprise: enterprise(known),
        admin: admin(known),
        reminders: if reminders == 0 { 7 } else { reminders },
        since: pending.map_or_else(|| sample::earlier(known.now), |pending| pending.since),
        zone: &known.zone,
    };
    mail.render()
}

fn digest(known: &Known<'_>) -> Mail {
    let (state, since) = state(known.kept, &known.status);
    let row = DigestRow {
        enterprise: enterprise(known),
        state,
        since,
    };
    let mail = ResellerDigest {
        brand: &known.reseller.brand,
        recipient: owner(known),
        reseller: reseller(known),
        rows: &[row],
        more: 0,
        zone: &known.zone,
    };
    mail.render()
}

fn disabled(known: &Known<'_>) -> Mail {
    let mail = WebhookDisabled {
        brand: &known.reseller.brand,
        recipient: owner(known),
        reseller: reseller(known),
        host: "hooks.example".into(),
        since: sample::earlier(known.now),
        tries: 10,
        last_problem: "status 503".into(),
        zone: &known.zone,
    };
    mail.render()
}
