//! What is written down of a day, and the ledger that follows from it.

use super::{Claim, Facts, Step, kept_free, since, waiting_since};
use crate::domain::Invalid;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::MailId;
use crate::domain::reminded::{Day, Done, Episode, Last, Ledger, Notes, Why};
use crate::domain::reminding::Hours;
use crate::domain::schedule::local_day;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::sync_status::SyncStatus;
use jiff::Span;
use jiff::civil::Date;

/// How many days without a note are listed afterwards, at most.
const LISTED: i64 = 14;

/// What a step is written down as, with the days before it that were missed; nothing where there is nothing new. `mail` is the
/// one that a claim is for.
///
/// # Errors
/// `Invalid` at the end of time.
pub fn notes(facts: &Facts<'_>, step: &Step, event: &str, mail: &MailId) -> Result<Option<Notes>, Invalid> {
    let done = match step {
        Step::Over | Step::NotNow | Step::Settled(_) => return Ok(None),
        Step::Skip(why) => Done::Skipped { why: *why },
        Step::Claim(claim) => claimed(claim, mail),
    };
    let day = local_day(facts.now, facts.zone);
    if facts.days.iter().any(|note| note.day == day && note.done == done) {
        return Ok(None);
    }
    let Some(ledger) = after(facts, step) else {
        return Ok(None);
    };
    let mut days = afterwards(facts)?;
    days.push(Day {
        day,
        at: facts.now,
        event: event.to_owned(),
        done,
    });
    Ok(Some(Notes { ledger, days }))
}

fn claimed(claim: &Claim, mail: &MailId) -> Done {
    Done::Claimed {
        mail: mail.clone(),
        to: claim.to.clone(),
        failed: claim.failed,
        until: claim.until,
    }
}

/// The days that were missed, and today where it is on purpose that nobody is told; nothing where there are none.
///
/// # Errors
/// `Invalid` at the end of time.
pub fn caught_up(facts: &Facts<'_>) -> Result<Option<Notes>, Invalid> {
    let mut days = afterwards(facts)?;
    let today = local_day(facts.now, facts.zone);
    if paused(facts.enterprise, facts.status) && !facts.days.iter().any(|day| day.day == today) {
        days.push(Day {
            day: today,
            at: facts.now,
            event: "sweep".into(),
            done: Done::Skipped { why: Why::Paused },
        });
    }
    let Some(last) = days.last().map(|day| day.day) else {
        return Ok(None);
    };
    let ledger = Ledger {
        noted: facts.ledger.noted.max(Some(last)),
        ..facts.ledger.clone()
    };
    Ok(Some(Notes { ledger, days }))
}

fn afterwards(facts: &Facts<'_>) -> Result<Vec<Day>, Invalid> {
    let note = |(day, why)| Day {
        day,
        at: facts.now,
        event: "afterwards".into(),
        done: Done::Skipped { why },
    };
    Ok(missed(facts)?.into_iter().map(note).collect())
}

/// The ledger after a step, where it leads to a note.
fn after(facts: &Facts<'_>, step: &Step) -> Option<Ledger> {
    let ledger = facts.ledger;
    let day = local_day(facts.now, facts.zone);
    let episode = ledger.episode_since(since(facts.status, facts.now));
    let noted = ledger.noted.max(Some(day));
    match step {
        Step::Over | Step::NotNow | Step::Settled(_) => None,
        Step::Skip(_) => Some(Ledger {
            episode: Some(episode),
            noted,
            ..ledger.clone()
        }),
        Step::Claim(claim) => Some(Ledger {
            last: Some(Last {
                // The sender of the event has the better clock.
                at: facts.scheduled.map_or(facts.now, |scheduled| scheduled.min(facts.now)),
                until: claim.until,
                zone: facts.enterprise.settings.time_zone.clone(),
            }),
            episode: Some(Episode {
                reminders: episode.reminders + 1,
                escalated: episode.escalated || claim.escalates.is_some(),
                ..episode
            }),
            noted,
            ..ledger.clone()
        }),
    }
}

/// The days before today on which something waited and of which there is no note: no event came, or the day was kept free.
/// At most the last fourteen.
///
/// # Errors
/// `Invalid` at the end of time.
fn missed(facts: &Facts<'_>) -> Result<Vec<(Date, Why)>, Invalid> {
    let today = local_day(facts.now, facts.zone);
    let since = waiting_since(facts.status, facts.now);
    let began = local_day(since, facts.zone);
    // What was saved after the hour has its first reminder on the next day.
    let first = if Hours::of(began, facts.enterprise.reminding.hour, facts.zone)?.from < since {
        began.tomorrow().unwrap_or(began)
    } else {
        began
    };
    let oldest = today.saturating_sub(Span::new().days(LISTED));
    let next = facts.ledger.noted.and_then(|noted| noted.tomorrow().ok());
    let mut day = first.max(oldest).max(next.unwrap_or(first));
    let mut found = Vec::new();
    while day < today {
        if !facts.days.iter().any(|note| note.day == day) {
            found.push((day, kept_free(facts, day).unwrap_or(Why::NoEvent)));
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    Ok(found)
}

/// The enterprise waits, and it is on purpose that nobody is told: disabled, or with its sync disabled.
fn paused(enterprise: &Enterprise, status: &SyncStatus) -> bool {
    let Setup::Complete { .. } = enterprise.setup else {
        return false;
    };
    let disabled = match enterprise.standing {
        Standing::Disabled { .. } => true,
        Standing::Active | Standing::Removing { .. } | Standing::Removed { .. } => false,
    };
    status.needs_reminder() && (disabled || enterprise.sync_switch.off())
}
