//! The daily reminder of one enterprise (R163-R169): decided, claimed with its mail, and handed to the outbox.

use crate::domain::email::EmailAddress;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, MailId};
use crate::domain::letter::{Letter, Outgoing, Posted, Whose};
use crate::domain::once::Once;
use crate::domain::reminded::{Day, Ledger, Notes};
use crate::domain::reminding::Part;
use crate::domain::reseller::Reseller;
use crate::domain::schedule;
use crate::domain::sync_status::SyncStatus;
use crate::domain::task::{Task, TaskKind};
use crate::domain::visit::Link;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::reminders::Consequences;
use crate::io::store::tasks::task_of;
use crate::mail::{Line, Reader};
use crate::plan::remind::{
    self as plan, Claim, Facts, Reminder, Step, caught_up, missed_today, notes, remind as decide, step, still_due,
};
use crate::run::mails::{self, Addressee, Written};
use crate::run::{post, unattended};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How often an event is decided anew because what it was decided on has changed.
const TRIES: u32 = 6;
/// So many notes of days are read: more than are ever written at once.
const NOTES: u16 = 31;
/// How long the link in a reminder works.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What an event led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reminded {
    /// One mail went out.
    Sent,
    /// The mail is held or waits; the outbox sends it while its day lasts.
    Waits,
    /// Today's mail went out before, or somebody else is sending it.
    AlreadyToday,
    /// There is none today, and the list of reminders says why.
    Skipped,
    /// The hour has not come, or the event belongs to another day.
    NotNow,
    /// Nothing is pending; the schedule is gone.
    NothingPending,
}

/// What has come.
struct Event<'a> {
    /// As the note names it.
    name: &'a str,
    /// When it was to come, by the clock of EventBridge.
    scheduled: Option<Timestamp>,
}

/// What is known of an enterprise when it is to be reminded.
struct Gathered {
    kept: Enterprise,
    status: SyncStatus,
    ledger: Ledger,
    days: Vec<Day>,
    suppressed: Vec<EmailAddress>,
    zone: TimeZone,
}

impl Gathered {
    fn facts(&self, scheduled: Option<Timestamp>, now: Timestamp) -> Facts<'_> {
        Facts {
            enterprise: &self.kept,
            status: &self.status,
            ledger: &self.ledger,
            days: &self.days,
            suppressed: &self.suppressed,
            zone: &self.zone,
            scheduled,
            now,
        }
    }
}

/// Reads everything that an enterprise's reminder follows from. The ledger first: whoever moves it afterwards makes the
/// claim fail.
async fn gather(io: &Io, enterprise: &EnterpriseId) -> Result<Gathered> {
    let ledger = io.store.reminder_ledger(enterprise).await?;
    let (kept, status, (days, _)) = futures::try_join!(
        io.store.enterprise(enterprise),
        io.store.sync_status(enterprise),
        io.store.reminder_days(enterprise, None, NOTES),
    )?;
    let mut suppressed = Vec::new();
    let first = kept.reminding.first(&kept.global_admin);
    let mut all = vec![first.email];
    all.extend(
        kept.reminding
            .instead(&kept.global_admin)
            .into_iter()
            .map(|to| to.email),
    );
    all.dedup();
    for address in all {
        if io.store.suppressed(&kept.reseller, &address).await?.is_some() {
            suppressed.push(address);
        }
    }
    let zone = schedule::zone(&kept.settings.time_zone)?;
    Ok(Gathered {
        kept,
        status,
        ledger,
        days,
        suppressed,
        zone,
    })
}

/// Sends today's reminder, if there is something to remind of and nobody has done so today. `scheduled` is
/// the time that EventBridge names in its event; whatever is repeated or replayed, one local day brings one mail.
///
/// # Errors
/// `Upstream`. A mail that waits is the outbox's from then on; one that may have gone is not sent again.
pub async fn remind(io: &Io, enterprise: &EnterpriseId, scheduled: &str, now: Timestamp) -> Result<Reminded> {
    let event = Event {
        name: scheduled,
        scheduled: scheduled.parse().ok(),
    };
    for _ in 0..TRIES {
        let gathered = match gather(io, enterprise).await {
            Ok(gathered) => gathered,
            Err(Error::NotFound(_)) => {
                io.scheduler.remove(enterprise).await?;
                return Ok(Reminded::NothingPending);
            }
            Err(error) => return Err(error),
        };
        if let Some(reminded) = act(io, &gathered, &event, now).await? {
            return Ok(reminded);
        }
    }
    Err(Error::Busy)
}

/// One try; nothing where what was read is no longer so.
async fn act(io: &Io, known: &Gathered, event: &Event<'_>, now: Timestamp) -> Result<Option<Reminded>> {
    let facts = known.facts(event.scheduled, now);
    let step = step(&facts)?;
    match &step {
        Step::Over => {
            io.scheduler.remove(&known.kept.id).await?;
            Ok(Some(Reminded::NothingPending))
        }
        Step::NotNow => Ok(Some(Reminded::NotNow)),
        // A mail that waits is the outbox's.
        Step::Settled(_) => Ok(Some(Reminded::AlreadyToday)),
        Step::Skip(_) => {
            let none = MailId::mint(now, 0);
            let written = match notes(&facts, &step, event.name, &none)? {
                Some(notes) => write(io, known, &notes, Consequences::default(), now).await?,
                None => true,
            };
            Ok(written.then_some(Reminded::Skipped))
        }
        Step::Claim(claim) => claimed(io, known, &step, claim, event, now).await,
    }
}

async fn write(
    io: &Io,
    known: &Gathered,
    notes: &Notes,
    consequences: Consequences<'_>,
    now: Timestamp,
) -> Result<bool> {
    io.store
        .note_reminders(&known.kept, &known.status, notes, consequences, now)
        .await
}

/// The daily sweep looks at an enterprise: where today's event has not come, this is it; days without a note get one.
///
/// # Errors
/// `Upstream`.
pub(super) async fn heal(io: &Io, enterprise: &EnterpriseId, now: Timestamp) -> Result<()> {
    let known = gather(io, enterprise).await?;
    keep_schedule(io, &known.kept, &known.status).await?;
    let facts = known.facts(None, now);
    if missed_today(&facts)? {
        let event = Event {
            name: "sweep",
            scheduled: None,
        };
        return act(io, &known, &event, now).await.map(drop);
    }
    match caught_up(&facts)? {
        // Whoever is faster has noted them, or does so the next time.
        Some(notes) => write(io, &known, &notes, Consequences::default(), now).await.map(drop),
        None => Ok(()),
    }
}

async fn claimed(
    io: &Io,
    known: &Gathered,
    step: &Step,
    claim: &Claim,
    event: &Event<'_>,
    now: Timestamp,
) -> Result<Option<Reminded>> {
    let kept = &known.kept;
    let reminder = Outgoing {
        id: MailId::mint(now, io.chance.bits()),
        whose: Whose::Enterprise(kept.id.clone()),
        to: claim.to.email.clone(),
        recipient: claim.to.name.clone(),
        letter: Letter::Reminder {
            failed: claim.failed,
            part: claim.to.part,
            reminders: claim.reminders,
        },
        until: Some(claim.until),
    };
    let mut mails = vec![reminder];
    let mut task = None;
    let reseller: Reseller;
    if let Some(reminders) = claim.escalates {
        reseller = io.store.reseller(&kept.reseller).await?;
        let since = known.status.pending.map_or(now, |pending| pending.since);
        task = Some(ignored(kept, reminders, since));
        mails.push(Outgoing {
            id: MailId::mint(now, io.chance.bits()),
            whose: Whose::Enterprise(kept.id.clone()),
            to: reseller.owner.clone(),
            recipient: reseller.owner.to_string(),
            letter: Letter::RemindersIgnored { reminders, since },
            until: None,
        });
    }
    let hash = io.vault.keyed_hash("link", &token(io, &mails[0].id).await?).await?;
    let to = Link::Duty {
        enterprise: kept.id.clone(),
        appointment: kept.global_admin.appointment,
    };
    let consequences = Consequences {
        mails: &mails,
        task: task.as_ref().map(|task| (&kept.reseller, task)),
        link: may_hand_over(claim.to.part).then_some((hash.as_str(), to, now + LINK_LIFE)),
    };
    let facts = known.facts(event.scheduled, now);
    let Some(notes) = notes(&facts, step, event.name, &mails[0].id)? else {
        return Ok(Some(Reminded::AlreadyToday));
    };
    if !write(io, known, &notes, consequences, now).await? {
        return Ok(None);
    }
    let posted = post::send(io, &mails[0]).await?;
    post::deliver(io, &mails[1..]).await;
    Ok(Some(told(posted)))
}

/// The task of a reseller whose enterprise does not act.
fn ignored(kept: &Enterprise, reminders: u32, since: Timestamp) -> Task {
    let why = format!(
        "{reminders} reminders went to {}, and nobody has synced; talk to them, or give the role to somebody else",
        kept.global_admin.display_name()
    );
    task_of(
        TaskKind::RemindersIgnored,
        Some(&kept.id),
        &kept.settings.name,
        why,
        since,
    )
}

fn told(posted: Posted) -> Reminded {
    match posted {
        Posted::Queued | Posted::Held | Posted::Sending | Posted::Unknown => Reminded::Waits,
        Posted::Sent | Posted::Delayed | Posted::Delivered => Reminded::Sent,
        Posted::Bounced | Posted::Complained | Posted::Rejected | Posted::Suppressed | Posted::Lapsed => {
            Reminded::AlreadyToday
        }
    }
}

/// Whose reminders these are can hand them over; the second contact has nothing to give.
pub(super) fn may_hand_over(part: Part) -> bool {
    match part {
        Part::GlobalAdmin | Part::Duty => true,
        Part::SecondContact => false,
    }
}

/// The token of the link in a reminder: only we can tell it, and it is kept nowhere.
async fn token(io: &Io, mail: &MailId) -> Result<String> {
    let once = Once {
        key: format!("reminder\n{mail}"),
        request: b"duty".to_vec(),
    };
    io.vault.token_for(&once).await
}

/// Why somebody gets it.
pub(super) fn reader(kept: &Enterprise, part: Part, reminders: u32) -> Reader {
    let admin = || Line::from(kept.global_admin.display_name());
    match part {
        Part::GlobalAdmin => Reader::GlobalAdmin,
        Part::Duty => Reader::Duty { admin: admin() },
        Part::SecondContact => Reader::SecondContact {
            admin: admin(),
            reminders,
        },
    }
}

/// To whom a reminder would go now.
///
/// # Errors
/// `Upstream`.
pub(super) async fn next(io: &Io, enterprise: &EnterpriseId, now: Timestamp) -> Result<plan::Next> {
    let known = gather(io, enterprise).await?;
    Ok(plan::next(&known.facts(None, now)))
}

/// The words of a reminder, as things stand when it leaves; nothing where it is no longer due.
///
/// # Errors
/// `Upstream`.
pub(super) async fn written(io: &Io, mail: &Outgoing, now: Timestamp) -> Result<Option<Written>> {
    let (Whose::Enterprise(enterprise), Letter::Reminder { part, reminders, .. }) = (&mail.whose, &mail.letter) else {
        return Ok(None);
    };
    let known = gather(io, enterprise).await?;
    let facts = known.facts(None, now);
    if !still_due(&facts, &mail.id) {
        return Ok(None);
    }
    let kept = &known.kept;
    let reader = reader(kept, *part, *reminders);
    let page = match may_hand_over(*part) {
        true => Some(
            io.config
                .public_page(&format!("/reminders/{}", token(io, &mail.id).await?)),
        ),
        false => None,
    };
    let reminder = decide(&kept.standing, &kept.sync_switch, &kept.setup, &known.status);
    let to = Addressee {
        name: mail.recipient.as_str().into(),
        reader,
    };
    let written = mails::reminder(io, kept, &known.status, reminder, &to, page.as_ref()).await?;
    Ok(written.map(|written| Written {
        unsubscribe: page,
        ..written
    }))
}

/// Creates or removes the enterprise's schedules, as its status asks for, and ends the task of reminders that were ignored.
///
/// # Errors
/// `Upstream`.
pub async fn keep_schedule(io: &Io, kept: &Enterprise, status: &SyncStatus) -> Result<()> {
    unattended::keep_schedule(io, kept, status).await?;
    if decide(&kept.standing, &kept.sync_switch, &kept.setup, status) != Reminder::Nothing {
        let hour = kept.reminding.hour;
        return io.scheduler.ensure(&kept.id, hour, &kept.settings.time_zone).await;
    }
    if !status.needs_reminder() {
        let ignored = TaskKind::RemindersIgnored;
        io.store.task_done(&kept.reseller, ignored, Some(&kept.id)).await?;
    }
    io.scheduler.remove(&kept.id).await
}
