//! Whether today's reminder goes out, which, and to whom (R163-R168). One pure function of what is known: whoever repeats,
//! replays or reorders events gets the same answers, because the ledger that they follow from is written with each of them
//! (`infra/decisions/0031-one-reminder-a-day.md`).

mod notes;

pub use notes::{caught_up, notes};

use crate::domain::Invalid;
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::MailId;
use crate::domain::reminded::{Day, Done, Episode, GAP, Last, Ledger, Why};
use crate::domain::reminding::{Addressee, Hours, days_between};
use crate::domain::schedule::local_day;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::sync_status::{LastSync, SyncStatus};
use crate::domain::sync_switch::SyncSwitch;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Clocks may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// An event comes within so much time after its hour: the minute of the enterprise and the window of its schedule.
const FIRED: SignedDuration = SignedDuration::from_mins(75);

/// What the daily schedule should lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// Changes wait (E2).
    SyncRequired,
    /// The last sync failed (E3); it says so even if more changes wait.
    SyncFailed,
    /// Nothing to do: no mail, and the schedule goes.
    Nothing,
}

/// Decides by the state as it is now, not as it was when the schedule was made.
#[must_use]
pub fn remind(standing: &Standing, switch: &SyncSwitch, setup: &Setup, status: &SyncStatus) -> Reminder {
    if standing.may_sync().is_err() || switch.off() {
        return Reminder::Nothing;
    }
    match (setup, status.last, status.pending) {
        (Setup::Invited | Setup::Bound { .. }, _, _) => Reminder::Nothing,
        (Setup::Complete { .. }, Some((_, LastSync::Failed)), _) => Reminder::SyncFailed,
        (Setup::Complete { .. }, _, Some(_)) => Reminder::SyncRequired,
        (Setup::Complete { .. }, Some((_, LastSync::Successful)) | None, None) => Reminder::Nothing,
    }
}

/// What is known when an event of the schedule comes.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The enterprise.
    pub enterprise: &'a Enterprise,
    /// What waits, and how the last sync went.
    pub status: &'a SyncStatus,
    /// What came before.
    pub ledger: &'a Ledger,
    /// The notes of the latest days.
    pub days: &'a [Day],
    /// Addresses of this enterprise that mails came back from.
    pub suppressed: &'a [EmailAddress],
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
    /// When the event was to come, by the clock of whoever sent it. It tells whether ours can be believed.
    pub scheduled: Option<Timestamp>,
    /// The moment.
    pub now: Timestamp,
}

/// What an event leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is to be reminded of: the schedule goes.
    Over,
    /// The day's hour has not come, or the event belongs to another day: it was replayed, or a clock is wrong.
    NotNow,
    /// The day is settled: this is its note.
    Settled(Done),
    /// There is no reminder today.
    Skip(Why),
    /// The day is to be claimed, and the mail leaves.
    Claim(Claim),
}

/// The reminder of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Of which day.
    pub day: Date,
    /// To whom.
    pub to: Addressee,
    /// It tells of a failed sync (E3).
    pub failed: bool,
    /// Until when it may leave.
    pub until: Timestamp,
    /// So many went before it since somebody acted.
    pub reminders: u32,
    /// So many reminders went before it that nobody acted on, and the reseller is to hear of it.
    pub escalates: Option<u32>,
}

/// The next step.
///
/// # Errors
/// `Invalid` at the end of time.
pub fn step(facts: &Facts<'_>) -> Result<Step, Invalid> {
    let enterprise = facts.enterprise;
    let reminder = remind(
        &enterprise.standing,
        &enterprise.sync_switch,
        &enterprise.setup,
        facts.status,
    );
    let failed = match reminder {
        Reminder::Nothing => return Ok(Step::Over),
        Reminder::SyncRequired => false,
        Reminder::SyncFailed => true,
    };
    let day = local_day(facts.now, facts.zone);
    match facts.days.iter().find(|note| note.day == day).map(|note| &note.done) {
        Some(done @ (Done::Claimed { .. } | Done::Unknown)) => return Ok(Step::Settled(done.clone())),
        // What held a reminder back may be over: the day is looked at anew.
        Some(Done::Skipped { .. }) | None => {}
    }
    let hours = Hours::of(day, enterprise.reminding.hour, facts.zone)?;
    if hours.before(facts.now)
        || facts
            .scheduled
            .is_some_and(|scheduled| !of_today(scheduled, day, facts))
    {
        return Ok(Step::NotNow);
    }
    if hours.over(facts.now) {
        return Ok(Step::Skip(Why::Late));
    }
    if facts
        .ledger
        .last
        .as_ref()
        .is_some_and(|last| too_soon(last, day, facts))
    {
        return Ok(Step::Skip(Why::TooSoon));
    }
    if let Some(why) = kept_free(facts, day) {
        return Ok(Step::Skip(why));
    }
    let episode = facts.ledger.episode_since(since(facts.status, facts.now));
    let Next {
        to: Some(to),
        reminders: ignored,
    } = next(facts)
    else {
        return Ok(Step::Skip(Why::NoAddress));
    };
    let patience = enterprise.reminding.escalate_after;
    Ok(Step::Claim(Claim {
        day,
        to,
        failed,
        until: hours.until,
        reminders: ignored,
        escalates: (!episode.escalated && patience.is_some_and(|patience| patience <= ignored)).then_some(ignored),
    }))
}

/// To whom a reminder would go now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// To whom; nothing where mails to all of them come back.
    pub to: Option<Addressee>,
    /// So many went before it since somebody acted.
    pub reminders: u32,
}

/// To whom a reminder would go now, whether there is one today or not.
#[must_use]
pub fn next(facts: &Facts<'_>) -> Next {
    let episode = facts.ledger.episode_since(since(facts.status, facts.now));
    Next {
        to: addressee(facts, &episode, local_day(facts.now, facts.zone)),
        reminders: episode.reminders,
    }
}

/// The event belongs to this day, by its own clock, and it is not ahead of ours.
fn of_today(scheduled: Timestamp, day: Date, facts: &Facts<'_>) -> bool {
    let ahead = scheduled > facts.now.checked_add(SKEW).unwrap_or(facts.now);
    !ahead && local_day(scheduled, facts.zone) == day
}

/// The same local day, in the zone of now or in that of then, has seen a mail or may still see one; or it is hardly over.
fn too_soon(last: &Last, day: Date, facts: &Facts<'_>) -> bool {
    let close = facts.now < last.at.checked_add(GAP).unwrap_or(last.at);
    let left_by = local_day(last.until.max(last.at), facts.zone);
    let then = || TimeZone::get(&last.zone).unwrap_or(TimeZone::UTC);
    let same_then = || local_day(facts.now, &then()) <= local_day(last.until.max(last.at), &then());
    close || day <= left_by || same_then()
}

/// Why a day is free of reminders, where it is.
fn kept_free(facts: &Facts<'_>, day: Date) -> Option<Why> {
    let reminding = &facts.enterprise.reminding;
    if reminding.snoozed(day, facts.status) {
        Some(Why::Snoozed)
    } else if reminding.rests(day) {
        Some(Why::RestDay)
    } else if reminding.is_quiet(day) {
        Some(Why::QuietDay)
    } else {
        None
    }
}

/// Since when nobody has acted: the first change was saved, or the last sync ended, whichever is later.
fn since(status: &SyncStatus, now: Timestamp) -> Timestamp {
    let pending = status.pending.map(|pending| pending.since);
    let last = status.last.map(|(at, _)| at);
    pending.max(last).unwrap_or(now)
}

/// Since when anything waits.
fn waiting_since(status: &SyncStatus, now: Timestamp) -> Timestamp {
    let pending = status.pending.map(|pending| pending.since);
    let failed = match status.last {
        Some((at, LastSync::Failed)) => Some(at),
        Some((_, LastSync::Successful)) | None => None,
    };
    pending.into_iter().chain(failed).min().unwrap_or(now)
}

/// To whom the reminder goes: the first person, in turns with the second one when nobody acts, each in place of the other
/// where mails come back.
fn addressee(facts: &Facts<'_>, episode: &Episode, day: Date) -> Option<Addressee> {
    let reminding = &facts.enterprise.reminding;
    let reached = |to: &Addressee| !facts.suppressed.contains(&to.email);
    let first = Some(reminding.first(&facts.enterprise.global_admin)).filter(reached);
    let waited = days_between(local_day(episode.since, facts.zone), day);
    let in_turn = reminding
        .second_after(waited)
        .filter(|to| reached(to) && episode.reminders % 2 == 1);
    let instead = || {
        reminding
            .instead(&facts.enterprise.global_admin)
            .into_iter()
            .find(reached)
    };
    in_turn.or(first).or_else(instead)
}

/// Whether today's event should have come, and has not.
///
/// # Errors
/// `Invalid` at the end of time.
pub fn missed_today(facts: &Facts<'_>) -> Result<bool, Invalid> {
    let day = local_day(facts.now, facts.zone);
    let hours = Hours::of(day, facts.enterprise.reminding.hour, facts.zone)?;
    let due = hours.from.checked_add(FIRED).unwrap_or(hours.until) < facts.now;
    // What was saved after that has its first reminder tomorrow.
    let waited = waiting_since(facts.status, facts.now) < hours.from;
    let noted = facts.days.iter().any(|note| note.day == day);
    Ok(due && waited && !noted && !hours.over(facts.now) && !matches!(step(facts)?, Step::Over))
}

/// Whether the mail of a claimed day may leave now: its day lasts, something still waits, and nobody has asked for quiet or
/// has been lost since.
#[must_use]
pub fn still_due(facts: &Facts<'_>, mail: &MailId) -> bool {
    let enterprise = facts.enterprise;
    let claimed = facts.days.iter().find_map(|note| match &note.done {
        Done::Claimed {
            mail: claimed,
            to,
            until,
            ..
        } if claimed == mail => Some((note.day, to, *until)),
        Done::Claimed { .. } | Done::Skipped { .. } | Done::Unknown => None,
    });
    let Some((day, to, until)) = claimed else {
        return false;
    };
    let reminder = remind(
        &enterprise.standing,
        &enterprise.sync_switch,
        &enterprise.setup,
        facts.status,
    );
    reminder != Reminder::Nothing
        && facts.now <= until
        && local_day(facts.now, facts.zone) == day
        && kept_free(facts, day).is_none()
        && !facts.suppressed.contains(&to.email)
}

#[cfg(test)]
mod tests;
