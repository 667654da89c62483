//! How an enterprise is reminded, as its people want it, and what became of each day.

use crate::domain::audit::{Author, Changed, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseId;
use crate::domain::letter::{HAND_OVER_LIFE, Posted, Whose};
use crate::domain::reminded::{Day, Done};
use crate::domain::reminding::{Reminding, RemindingForm, Said};
use crate::domain::schedule;
use crate::domain::task::TaskKind;
use crate::error::Result;
use crate::io::Io;
use crate::run::access::{Access, entry, unmoved};
use crate::run::remind;
use jiff::Timestamp;
use jiff::civil::Date;

/// Changes how an enterprise is reminded that the caller saw at version `seen`.
///
/// # Errors
/// `Invalid` with everything that is wrong, `Stale`.
pub async fn change(io: &Io, access: Access, form: RemindingForm, seen: u64, now: Timestamp) -> Result<Enterprise> {
    let author = access.author();
    let kept = access.kept;
    unmoved(&kept, seen)?;
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let said = Said {
        admin: &kept.global_admin,
        today: schedule::local_day(now, &zone),
        by: &author.who,
        at: now,
    };
    let reminding = form.check(&kept.reminding, said)?;
    let kept = set(io, kept, reminding, Deed::RemindersChanged, &author, now).await?;
    // Its hour may be another. Whoever made this change before may have died before that.
    let status = io.store.sync_status(&kept.id).await?;
    remind::keep_schedule(io, &kept, &status).await?;
    Ok(kept)
}

/// The reminders are the Global Admin's again, and nobody can take up an offer that was made before.
///
/// # Errors
/// `Stale`.
pub async fn take_back(io: &Io, access: Access, seen: u64, now: Timestamp) -> Result<Enterprise> {
    let author = access.author();
    let kept = access.kept;
    unmoved(&kept, seen)?;
    io.store.drop_duty_offer(&kept.id).await?;
    let reminding = Reminding {
        duty: None,
        ..kept.reminding.clone()
    };
    set(io, kept, reminding, Deed::DutyReturned, &author, now).await
}

/// Writes it; what is as it was is no change.
pub(super) async fn set(
    io: &Io,
    kept: Enterprise,
    reminding: Reminding,
    deed: Deed,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    if reminding == kept.reminding {
        return Ok(kept);
    }
    let entry = entry(io, author, deed, differences(&kept.reminding, &reminding), now);
    let (before, seen) = (kept.reminding.clone(), kept.version);
    let next = Enterprise {
        reminding,
        version: seen + 1,
        ..kept
    };
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    reached_anew(io, &before, &next).await?;
    Ok(next)
}

/// With other people to be reminded, what became of mails to the former ones is nobody's task any more.
pub(super) async fn reached_anew(io: &Io, before: &Reminding, next: &Enterprise) -> Result<()> {
    let people = |reminding: &Reminding| {
        let duty = reminding.duty.as_ref().map(|duty| duty.email.clone());
        (duty, reminding.second.as_ref().map(|second| second.email.clone()))
    };
    if people(before) == people(&next.reminding) {
        return Ok(());
    }
    let undelivered = TaskKind::ReminderUndelivered;
    io.store.task_done(&next.reseller, undelivered, Some(&next.id)).await
}

pub(super) fn differences(before: &Reminding, after: &Reminding) -> Vec<Changed> {
    type Field = (&'static str, fn(&Reminding) -> Option<String>);
    let fields: [Field; 7] = [
        ("hour", |reminding| Some(reminding.hour.to_string())),
        ("days", |reminding| {
            let days: Vec<String> = reminding.days.iter().map(|day| format!("{day:?}")).collect();
            Some(days.join(" "))
        }),
        ("quiet", |reminding| {
            let times = reminding
                .quiet
                .iter()
                .map(|quiet| format!("{} to {}", quiet.from, quiet.until));
            Some(times.collect::<Vec<_>>().join(", ")).filter(|times| !times.is_empty())
        }),
        ("snooze", |reminding| {
            let snooze = reminding.snooze.as_ref()?;
            Some(format!("until {}: {}", snooze.until, snooze.reason))
        }),
        ("secondContact", |reminding| {
            let second = reminding.second.as_ref()?;
            Some(format!(
                "{} <{}> after {} days",
                second.name, second.email, second.after_days
            ))
        }),
        ("duty", |reminding| {
            let duty = reminding.duty.as_ref()?;
            Some(format!("{} <{}>", duty.name, duty.email))
        }),
        ("escalateAfter", |reminding| Some(reminding.escalate_after?.to_string())),
    ];
    let differs = |(field, of): Field| changed(field, of(before), of(after));
    fields.into_iter().filter_map(differs).collect()
}

/// What became of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail left.
    Sent,
    /// Nobody knows whether it left; it is not sent again.
    Ambiguous,
    /// It waits, or something holds it.
    Held,
    /// There was none.
    Skipped,
}

/// A day with what became of it.
#[derive(Debug)]
pub struct Told {
    /// The note.
    pub day: Day,
    /// What became of it.
    pub outcome: Outcome,
    /// How far its mail is, where there was one that is still known.
    pub mail: Option<Posted>,
}

/// The days on which something waited, newest first, with what became of each.
///
/// # Errors
/// `Upstream`.
pub async fn days(
    io: &Io,
    enterprise: &EnterpriseId,
    before: Option<Date>,
    limit: u16,
    now: Timestamp,
) -> Result<(Vec<Told>, Option<Date>)> {
    let (days, next) = io.store.reminder_days(enterprise, before, limit).await?;
    let mails = days.iter().filter_map(|day| match &day.done {
        Done::Claimed { mail, .. } => Some(mail.clone()),
        Done::Skipped { .. } | Done::Unknown => None,
    });
    let whose = Whose::Enterprise(enterprise.clone());
    let postings = io.store.mails_by_id(&whose, &mails.collect()).await?;
    let told = days.into_iter().map(|day| {
        let posting = match &day.done {
            Done::Claimed { mail, .. } => postings.iter().find(|posting| posting.mail.id == *mail),
            Done::Skipped { .. } | Done::Unknown => None,
        };
        let outcome = match (&day.done, posting) {
            (Done::Skipped { .. }, _) => Outcome::Skipped,
            (Done::Claimed { .. }, Some(posting)) => outcome(posting.state, posting.since, now),
            (Done::Claimed { .. } | Done::Unknown, _) => Outcome::Ambiguous,
        };
        let mail = posting.map(|posting| posting.state);
        Told { day, outcome, mail }
    });
    Ok((told.collect(), next))
}

fn outcome(posted: Posted, since: Timestamp, now: Timestamp) -> Outcome {
    match posted {
        Posted::Queued | Posted::Held => Outcome::Held,
        Posted::Sending if since.duration_until(now) < HAND_OVER_LIFE => Outcome::Held,
        Posted::Sending | Posted::Unknown => Outcome::Ambiguous,
        Posted::Sent | Posted::Delayed | Posted::Delivered | Posted::Bounced | Posted::Complained => Outcome::Sent,
        Posted::Rejected | Posted::Suppressed | Posted::Lapsed => Outcome::Skipped,
    }
}
