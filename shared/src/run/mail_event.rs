//! What SES reports of a mail, and what follows from it: a mail that came back for good, or that nobody wants, is the last to
//! its address, and whoever was to read it becomes a task of the reseller (decision 0030).

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::invitation::{InvitationState, Trouble};
use crate::domain::letter::{Letter, Outgoing, Posted, Posting, Whose};
use crate::domain::mail_limits::WINDOW_DAYS;
use crate::domain::reseller::Reseller;
use crate::domain::standing::Standing;
use crate::domain::suppression::Suppression;
use crate::domain::task::{Task, TaskKind};
use crate::domain::{email::EmailAddress, ids::MailId};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::outbox::{Noted, Reported};
use crate::io::store::sending::Counted;
use crate::io::store::{suppressions, tasks};
use crate::run::access::entry;
use crate::run::post::about;
use jiff::Timestamp;

/// So often a report is tried whose enterprise moves at the same time.
const TRIES: u32 = 5;

/// What became of a mail after SES took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The recipient's mail server has it.
    Delivered,
    /// The recipient's mail server does not take it now, for this reason.
    Delayed(String),
    /// SES does not send it, for this reason.
    Rejected(String),
    /// The recipient's mail server refused it for good, in these words.
    Bounced(String),
    /// The recipient marked it as unwanted.
    Complained,
}

/// A report of SES about one of our mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whom the mail is about.
    pub whose: Whose,
    /// Our key of it.
    pub mail: MailId,
    /// SES's id of it.
    pub message: String,
    /// To whom it went.
    pub to: Vec<EmailAddress>,
    /// What became of it.
    pub fate: Fate,
    /// When.
    pub at: Timestamp,
}

/// What a report led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Led {
    /// The mail is in a new state.
    Moved,
    /// It is there already, or further.
    Late,
    /// There is no such mail, or it is not the one that the report is about.
    Unknown,
}

impl Fate {
    fn state(&self) -> Posted {
        match self {
            Self::Delivered => Posted::Delivered,
            Self::Delayed(_) => Posted::Delayed,
            Self::Rejected(_) => Posted::Rejected,
            Self::Bounced(_) => Posted::Bounced,
            Self::Complained => Posted::Complained,
        }
    }

    /// Why it does not reach its reader, where it does not.
    fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Delivered | Self::Delayed(_) => None,
            Self::Rejected(_) => Some(Trouble::Reject),
            Self::Bounced(_) => Some(Trouble::Bounce),
            Self::Complained => Some(Trouble::Complaint),
        }
    }

    /// For people.
    fn words(&self) -> Option<String> {
        match self {
            Self::Delivered => None,
            Self::Delayed(why) => Some(format!("The recipient's mail server does not take it now: {why}")),
            Self::Rejected(why) => Some(format!("The mail service held it back: {why}")),
            Self::Bounced(why) => Some(format!("The recipient's mail server refused it for good: {why}")),
            Self::Complained => Some("The recipient marked it as unwanted.".into()),
        }
    }
}

/// Notes what SES reports. Reports may come twice, late, in any order, and about mails that are none of ours.
///
/// # Errors
/// `Upstream`; the report is to come again then.
pub async fn reported(io: &Io, report: &Report) -> Result<Led> {
    for _ in 0..TRIES {
        let Some(posting) = io.store.mail(&report.whose, &report.mail).await? else {
            return Ok(Led::Unknown);
        };
        let other = posting
            .message
            .as_ref()
            .is_some_and(|message| *message != report.message);
        if other || !report.to.contains(&posting.mail.to) || !posting.state.may_have_left() {
            return Ok(Led::Unknown);
        }
        let Some((enterprise, reseller)) = about(io, &posting.mail).await? else {
            return Ok(Led::Unknown);
        };
        let noted = note(io, report, &posting, enterprise.as_ref(), &reseller).await?;
        match noted {
            Noted::Moved => {
                tally(io, report, &reseller).await?;
                return Ok(Led::Moved);
            }
            Noted::Late => return Ok(Led::Late),
            Noted::Again => {}
        }
    }
    Err(Error::Busy)
}

async fn note(
    io: &Io,
    report: &Report,
    posting: &Posting,
    enterprise: Option<&Enterprise>,
    reseller: &Reseller,
) -> Result<Noted> {
    let (mail, fate, at) = (&posting.mail, &report.fate, report.at);
    let trouble = fate.trouble();
    if let (Some(kept), Some(id)) = (enterprise, mail.letter.invitation()) {
        // An invitation says by itself what it has heard already.
        let to = match (fate, trouble) {
            (Fate::Delivered, _) => Some(InvitationState::Delivered),
            (_, Some(_)) => Some(InvitationState::Bounced),
            (_, None) => None,
        };
        if let Some(to) = to {
            io.store.note_invitation(&kept.id, id, to, at, trouble).await?;
        }
    }
    let words = fate.words();
    let why = words.clone().unwrap_or_default();
    let suppression = match trouble {
        Some(cause @ (Trouble::Bounce | Trouble::Complaint)) => Some(Suppression {
            id: suppressions::id_of(&mail.to),
            address: mail.to.clone(),
            cause,
            since: at,
            mail: mail.id.clone(),
            enterprise: enterprise.map(|kept| kept.id.clone()),
        }),
        Some(Trouble::Reject) | None => None,
    };
    let task = trouble.and_then(|_| task(mail, enterprise, reseller, &why, at));
    let entry = trouble.map(|_| {
        let changes = [
            changed("mail", None, Some(mail.letter.kind().to_string())),
            changed("state", None, Some(fate.state().name().to_owned())),
        ];
        let changes = changes.into_iter().flatten().collect();
        entry(io, &Author::service(), Deed::MailUndelivered, changes, io.clock.now())
    });
    let reported = Reported {
        to: fate.state(),
        at,
        message: &report.message,
        why: words.as_deref(),
        stops: suppression.as_ref(),
        task: task.as_ref(),
        entry: entry.as_ref(),
        enterprise: enterprise.filter(|_| task.is_some()),
    };
    io.store.mail_reported(posting, &reseller.id, &reported).await
}

/// The task that a mail leaves which does not reach its reader, while its reader is still the one to be reached.
pub(super) fn task(
    mail: &Outgoing,
    enterprise: Option<&Enterprise>,
    reseller: &Reseller,
    why: &str,
    now: Timestamp,
) -> Option<Task> {
    let kind = match (enterprise, &mail.letter) {
        (Some(kept), _) if matches!(kept.standing, Standing::Removed { .. }) => return None,
        (Some(kept), letter) => match letter.invitation() {
            Some(id) if !kept.setup.complete() && kept.invitation.as_ref() == Some(id) => {
                TaskKind::InvitationUndelivered
            }
            Some(_) => return None,
            None if mail.to != kept.global_admin.email && kept.reminding.reminds(&kept.global_admin, &mail.to) => {
                TaskKind::ReminderUndelivered
            }
            None if mail.to != kept.global_admin.email => return None,
            None if kept.setup.complete() => TaskKind::AdminUnreachable,
            None => TaskKind::InvitationUndelivered,
        },
        (None, Letter::Activation { .. }) if !reseller.active() => TaskKind::ActivationUndelivered,
        (None, _) => return None,
    };
    let enterprise = enterprise.map(|kept| &kept.id);
    Some(tasks::task_of(kind, enterprise, mail.to.as_str(), why, now))
}

/// Counts what came back, and opens the breaker where that is too much: reminders and reports of the reseller wait until the
/// provider has looked at it.
async fn tally(io: &Io, report: &Report, reseller: &Reseller) -> Result<()> {
    let what = match report.fate {
        Fate::Bounced(_) => Counted::Bounced,
        Fate::Complained => Counted::Complained,
        Fate::Delivered | Fate::Delayed(_) | Fate::Rejected(_) => return Ok(()),
    };
    let now = io.clock.now();
    io.store.count_trouble(&reseller.id, what, now).await?;
    let Some(why) = io.store.tally(&reseller.id, now).await?.trips() else {
        return Ok(());
    };
    let before = io.store.reseller_sending(&reseller.id).await?;
    if before.tripped.is_some() {
        return Ok(());
    }
    let told = format!("{why}; reminders and reports wait.");
    let task = tasks::task_of(TaskKind::MailHeld, None, &reseller.name, told, now);
    let changes = changed("why", None, Some(why.clone())).into_iter().collect();
    let entry = entry(io, &Author::service(), Deed::MailSendingStopped, changes, now);
    if io.store.trip(&reseller.id, &before, &task, &entry).await? {
        tracing::error!(reseller.id = %reseller.id, mail.window_days = WINDOW_DAYS, "{why}: reminders and reports of this reseller wait until somebody has looked at it");
    }
    Ok(())
}
