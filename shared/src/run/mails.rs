//! The one place that turns what is kept into mails, at the moment they leave: for the outbox, for reminders, and for
//! previews (decision 0029).

use crate::domain::brand::Brand;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::Finding;
use crate::domain::ids::{InvitationId, TeamsUserId};
use crate::domain::letter::{Letter, Outgoing};
use crate::domain::mail_kind::MailKind;
use crate::domain::reseller::Reseller;
use crate::domain::schedule;
use crate::domain::sync_status::{LastSync, SyncStatus};
use crate::error::Result;
use crate::io::Io;
use crate::mail::{
    DutyOffered, DutyTaken, EnterpriseInvitation, GlobalAdminAssigned, GlobalAdminReassigned, IntegrationActivation,
    IntegrationRemoved, LicensesChanged, Line, Mail, NAMED, Reader, RemindersIgnored, ResellerActivation, SyncFailed,
    SyncRequired, Waiting,
};
use crate::plan::mapping;
use crate::plan::remind::Reminder;
use crate::run::invitation::{page, secrets};
use crate::run::{digest, duty, nudge, remind, resellers};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

/// A mail in words, and whose name stands on it.
#[derive(Clone, Debug)]
pub struct Written {
    /// Which mail it is.
    pub kind: MailKind,
    /// Whose.
    pub brand: Brand,
    /// Its words.
    pub mail: Mail,
    /// Where its reader can hand over or pause what the mail reminds of.
    pub unsubscribe: Option<Url>,
}

impl Written {
    pub(super) fn new(kind: MailKind, brand: &Brand, mail: Mail) -> Self {
        Self {
            kind,
            brand: brand.clone(),
            mail,
            unsubscribe: None,
        }
    }
}

/// To whom a reminder goes.
#[derive(Clone, Debug)]
pub struct Addressee {
    /// How they are greeted.
    pub name: Line,
    /// Why they get it.
    pub reader: Reader,
}

/// The words of a mail in the outbox, by the state as it is now; nothing where there is nothing to say any more. The secrets
/// of an invitation and an activation are made here, and are nowhere else.
///
/// # Errors
/// `NotFound`, `Upstream`.
pub(super) async fn written(
    io: &Io,
    outgoing: &Outgoing,
    enterprise: Option<&Enterprise>,
    reseller: &Reseller,
) -> Result<Option<Written>> {
    match (&outgoing.letter, enterprise) {
        (Letter::Invitation { invitation }, Some(kept)) => invited(io, kept, reseller, invitation).await,
        (Letter::Activation { until }, _) => {
            let link = resellers::awaited_link(io, reseller, *until).await?;
            Ok(link.map(|link| activation(reseller, &link, *until)))
        }
        (Letter::Reminder { .. }, Some(_)) => remind::written(io, outgoing, io.clock.now()).await,
        (Letter::InvitationNudge { invitation }, Some(kept)) => nudge::reminder(io, kept, reseller, invitation).await,
        (Letter::InvitationStuck { invitation }, Some(kept)) => nudge::task(io, kept, reseller, invitation).await,
        (Letter::Digest, None) => digest::written(io, reseller, outgoing).await,
        (Letter::DutyOffered { by, until }, Some(kept)) => {
            let mail = DutyOffered {
                brand: &reseller.brand,
                recipient: outgoing.recipient.as_str().into(),
                enterprise: kept.settings.name.as_str().into(),
                from: by.as_str().into(),
                accept_url: &duty::offer_page(io, &outgoing.id).await?,
                expires: *until,
                zone: &schedule::zone(&kept.settings.time_zone)?,
            };
            Ok(Some(Written::new(
                MailKind::DutyOffered,
                &reseller.brand,
                mail.render(),
            )))
        }
        (Letter::DutyTaken { by, at }, Some(kept)) => {
            let mail = DutyTaken {
                brand: &reseller.brand,
                recipient: outgoing.recipient.as_str().into(),
                enterprise: kept.settings.name.as_str().into(),
                by: by.as_str().into(),
                at: *at,
                zone: &schedule::zone(&kept.settings.time_zone)?,
            };
            Ok(Some(Written::new(MailKind::DutyTaken, &reseller.brand, mail.render())))
        }
        (Letter::RemindersIgnored { reminders, since }, Some(kept)) => {
            let mail = RemindersIgnored {
                brand: &reseller.brand,
                recipient: outgoing.recipient.as_str().into(),
                reseller: reseller.name.as_str().into(),
                enterprise: kept.settings.name.as_str().into(),
                admin: kept.global_admin.display_name().into(),
                reminders: *reminders,
                since: *since,
                zone: &schedule::zone(&kept.settings.time_zone)?,
            };
            Ok(Some(Written::new(
                MailKind::RemindersIgnored,
                &reseller.brand,
                mail.render(),
            )))
        }
        (letter, Some(kept)) => {
            let recipient = outgoing.recipient.as_str().into();
            Ok(of_letter(letter, kept, &reseller.brand, recipient))
        }
        (_, None) => Ok(None),
    }
}

/// E8, while the invitation is the newest one and can be accepted.
async fn invited(io: &Io, kept: &Enterprise, reseller: &Reseller, id: &InvitationId) -> Result<Option<Written>> {
    if kept.invitation.as_ref() != Some(id) {
        return Ok(None);
    }
    let kept_one = io.store.invitation(&kept.id, id).await?;
    let secrets = secrets(io, id).await?;
    let own = io.vault.keyed_hash("link", &secrets.token).await? == kept_one.link_hash;
    if kept_one.open(io.clock.now()).is_err() || !own {
        return Ok(None);
    }
    let link = page(io, &secrets.token);
    invitation(io, kept, reseller, &secrets.code, &link, kept_one.expires).map(Some)
}

/// The words of a letter that was written because of what somebody did.
pub(super) fn of_letter(letter: &Letter, kept: &Enterprise, brand: &Brand, recipient: Line) -> Option<Written> {
    let enterprise = Line::from(kept.settings.name.as_str());
    let (kind, mail) = match letter {
        Letter::IntegrationActivation => {
            let mail = IntegrationActivation {
                brand,
                recipient,
                enterprise,
            };
            (MailKind::IntegrationActivation, mail.render())
        }
        Letter::LicencesChanged {
            previous,
            updated,
            unlicensed,
        } => {
            let mail = LicensesChanged {
                brand,
                recipient,
                enterprise,
                previous: *previous,
                updated: *updated,
                unlicensed: *unlicensed,
            };
            (MailKind::LicensesChanged, mail.render())
        }
        Letter::IntegrationRemoved { final_sync } => {
            let mail = IntegrationRemoved {
                brand,
                recipient,
                enterprise,
                final_sync: *final_sync,
            };
            (MailKind::IntegrationRemoved, mail.render())
        }
        Letter::GlobalAdminReassigned => {
            let mail = GlobalAdminReassigned {
                brand,
                recipient,
                enterprise,
            };
            (MailKind::GlobalAdminReassigned, mail.render())
        }
        Letter::GlobalAdminAssigned => {
            let mail = GlobalAdminAssigned {
                brand,
                recipient,
                enterprise,
            };
            (MailKind::GlobalAdminAssigned, mail.render())
        }
        // These have secrets in them, or follow from more than this.
        Letter::Invitation { .. }
        | Letter::Activation { .. }
        | Letter::Reminder { .. }
        | Letter::RemindersIgnored { .. }
        | Letter::DutyOffered { .. }
        | Letter::DutyTaken { .. }
        | Letter::Digest
        | Letter::InvitationNudge { .. }
        | Letter::InvitationStuck { .. } => return None,
    };
    Some(Written::new(kind, brand, mail))
}

/// E8: an invitation with the two secrets that only its mail carries.
///
/// # Errors
/// `Invalid` for a zone that is unknown by now.
pub fn invitation(
    io: &Io,
    kept: &Enterprise,
    reseller: &Reseller,
    code: &str,
    complete_url: &Url,
    expires: Timestamp,
) -> Result<Written> {
    let mail = EnterpriseInvitation {
        brand: &reseller.brand,
        recipient: kept.global_admin.display_name().into(),
        enterprise: kept.settings.name.as_str().into(),
        reseller: reseller.name.as_str().into(),
        code,
        complete_url,
        permissions_url: &io.config.public_page("/permissions"),
        expires,
        zone: &schedule::zone(&kept.settings.time_zone)?,
    };
    Ok(Written::new(
        MailKind::EnterpriseInvitation,
        &reseller.brand,
        mail.render(),
    ))
}

/// E9: the activation of a reseller's account, with its link.
#[must_use]
pub fn activation(reseller: &Reseller, activate_url: &Url, expires: Timestamp) -> Written {
    let mail = ResellerActivation {
        brand: &reseller.brand,
        recipient: reseller.owner.as_str().into(),
        reseller: reseller.name.as_str().into(),
        activate_url,
        expires,
        zone: &TimeZone::UTC,
    };
    Written::new(MailKind::ResellerActivation, &reseller.brand, mail.render())
}

/// E2 or E3, by the state as it is now; nothing where nothing is to be said.
///
/// # Errors
/// `NotFound`, `Upstream`.
pub async fn reminder(
    io: &Io,
    kept: &Enterprise,
    status: &SyncStatus,
    reminder: Reminder,
    to: &Addressee,
    duty_url: Option<&Url>,
) -> Result<Option<Written>> {
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let facts = match reminder {
        Reminder::Nothing => return Ok(None),
        Reminder::SyncRequired | Reminder::SyncFailed => facts(io, kept, &brand, status).await?,
    };
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let enterprise = Line::from(kept.settings.name.as_str());
    let (recipient, reader) = (to.name.clone(), to.reader.clone());
    let (kind, mail) = match (reminder, facts.waiting) {
        (Reminder::SyncFailed, waiting) => {
            let mail = SyncFailed {
                brand: &brand,
                recipient,
                enterprise,
                reader,
                failed: facts.failed,
                findings: &facts.findings,
                waiting,
                duty_url,
                zone: &zone,
            };
            (MailKind::SyncFailed, mail.render())
        }
        (Reminder::SyncRequired, Some(waiting)) => {
            let mail = SyncRequired {
                brand: &brand,
                recipient,
                enterprise,
                reader,
                waiting,
                duty_url,
                zone: &zone,
            };
            (MailKind::SyncRequired, mail.render())
        }
        (Reminder::SyncRequired | Reminder::Nothing, _) => return Ok(None),
    };
    Ok(Some(Written {
        unsubscribe: duty_url.cloned(),
        ..Written::new(kind, &brand, mail)
    }))
}

/// What a reminder tells of.
pub(super) struct Facts {
    pub(super) waiting: Option<Waiting>,
    pub(super) failed: Timestamp,
    pub(super) findings: Vec<Finding>,
}

/// Gathers what waits, for whom, and what stood in the way of the last sync.
pub(super) async fn facts(io: &Io, kept: &Enterprise, brand: &Brand, status: &SyncStatus) -> Result<Facts> {
    let account = io.store.account(&kept.id).await?;
    let (wanted, _) = mapping::wanted(&account.rows, &account.voice_users, kept, brand, io.clock.now());
    let waiting = mapping::pending(&wanted, &account.owned);
    // The others are only counted.
    let named: Vec<TeamsUserId> = waiting.iter().take(NAMED).cloned().collect();
    let labels = io.store.teams_users(&kept.id, named.clone()).await?;
    let people = named.iter().map(|user| {
        let teams = labels
            .get(user)
            .map_or_else(|| user.to_string(), |user| user.name.clone());
        match wanted.get(user) {
            Some(wanted) => Line::sentence(&format!("{} to {teams}", wanted.name)),
            None => Line::sentence(&format!("{teams}, to be removed")),
        }
    });
    let waiting = status.pending.map(|pending| Waiting {
        pending,
        people: people.collect(),
    });
    let (failed, findings) = match status.last {
        Some((at, LastSync::Failed)) => {
            let (runs, _) = io.store.runs(&kept.id, None, 1).await?;
            (at, runs.into_iter().flat_map(|run| run.findings).collect())
        }
        Some((at, LastSync::Successful)) => (at, Vec::new()),
        None => (Timestamp::UNIX_EPOCH, Vec::new()),
    };
    Ok(Facts {
        waiting,
        failed,
        findings,
    })
}
