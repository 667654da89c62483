//! How an enterprise is reminded of a sync that waits: at which hour, on which days, for whom, and who hears of it when nobody
//! acts (R163-R169). Why it is so: `infra/decisions/0031-one-reminder-a-day.md`.

use super::duty::Duty;
use super::email::EmailAddress;
use super::global_admin::GlobalAdmin;
use super::sync_status::{LastSync, SyncStatus};
use super::unattended::Weekday;
use super::{Invalid, plain_text};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The local hour of the daily reminder where nobody has chosen another.
pub const HOUR: i8 = 9;
/// The hours that can be chosen. Nobody is written to at night, and no zone skips one of these hours when its clocks change.
pub const HOURS: std::ops::RangeInclusive<i8> = 6..=20;
/// From this local hour on nothing is sent any more.
const EVENING: i8 = 22;
/// How long after its hour a reminder may still leave, if it could not before.
const PATIENCE: SignedDuration = SignedDuration::from_hours(8);
/// A schedule may fire a little before the hour by the clock of the function that it starts.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// The longest pause that can be asked for, in days.
pub const SNOOZE_DAYS: i64 = 30;
/// The most times that are kept free.
pub const QUIET_MAX: usize = 50;
/// The longest time that is kept free, in days.
const QUIET_DAYS: i64 = 92;
/// The longest wait for the second contact, and the most reminders before the reseller hears of them.
const PATIENT: u32 = 60;
/// Reminders that stay without an answer before the reseller hears of it, where nobody has said otherwise.
const IGNORED: u32 = 7;
/// The longest reason and name, in characters.
const TEXT_MAX: usize = 120;

/// How an enterprise is reminded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reminding {
    /// The local hour, 6 to 20.
    pub hour: i8,
    /// The days of the week; all of them where nobody has said otherwise, as R165 and R166 ask for.
    pub days: BTreeSet<Weekday>,
    /// Times without reminders, such as holidays.
    pub quiet: Vec<Quiet>,
    /// No reminders for a while.
    pub snooze: Option<Snooze>,
    /// Who is written to as well when nobody acts.
    pub second: Option<SecondContact>,
    /// Who is reminded in place of the Global Admin.
    pub duty: Option<Duty>,
    /// After so many reminders that nobody acted on the reseller gets a task; never where absent.
    pub escalate_after: Option<u32>,
}

impl Default for Reminding {
    fn default() -> Self {
        Self {
            hour: HOUR,
            days: Weekday::ALL.into(),
            quiet: Vec::new(),
            snooze: None,
            second: None,
            duty: None,
            escalate_after: Some(IGNORED),
        }
    }
}

/// Local days without reminders, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// The first one.
    #[schema(value_type = String, format = "date")]
    pub from: Date,
    /// The last one, at most 92 days later.
    #[schema(value_type = String, format = "date")]
    pub until: Date,
}

/// No reminders until a day is over, because somebody said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// The last local day without a reminder.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// When. A sync that fails later ends the snooze: that is news.
    pub at: Timestamp,
}

/// Somebody who is written to, in turns with the first, when nobody acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondContact {
    /// To whom.
    pub email: EmailAddress,
    /// How they are greeted.
    pub name: String,
    /// After so many local days without a sync.
    pub after_days: u32,
}

/// In which part somebody is reminded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// As the Global Admin (R167).
    GlobalAdmin,
    /// As the one who took the reminders over.
    Duty,
    /// As the second contact.
    SecondContact,
}

/// To whom a reminder goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressee {
    /// The address.
    pub email: EmailAddress,
    /// How they are greeted.
    pub name: String,
    /// Why they.
    pub part: Part,
}

/// When a reminder of one local day may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub until: Timestamp,
}

impl Hours {
    /// Those of a day in a zone. Every zone has every day's evening, so `until` is later than `from`.
    ///
    /// # Errors
    /// `Invalid` for a day at the end of time.
    pub fn of(day: Date, hour: i8, zone: &TimeZone) -> Result<Self, Invalid> {
        let at = |hour: i8| {
            let time = Time::new(hour, 0, 0, 0).unwrap_or(Time::midnight());
            let moment = zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible();
            moment.map_err(|_| Invalid::new("day", "give a day of this age"))
        };
        let from = at(hour)?;
        let evening = at(EVENING)?;
        Ok(Self {
            from,
            until: from.checked_add(PATIENCE).unwrap_or(from).min(evening),
        })
    }

    /// It is too early.
    #[must_use]
    pub fn before(&self, now: Timestamp) -> bool {
        now.checked_add(EARLY).unwrap_or(now) < self.from
    }

    /// It is too late.
    #[must_use]
    pub fn over(&self, now: Timestamp) -> bool {
        now > self.until
    }
}

impl Reminding {
    /// Nobody is reminded on this day of the week.
    #[must_use]
    pub fn rests(&self, day: Date) -> bool {
        !self.days.contains(&Weekday::of(day))
    }

    /// Nobody is reminded on this date.
    #[must_use]
    pub fn is_quiet(&self, day: Date) -> bool {
        self.quiet.iter().any(|quiet| (quiet.from..=quiet.until).contains(&day))
    }

    /// Nobody is reminded on this day because somebody asked for a pause. A sync that failed after that is told all the same.
    #[must_use]
    pub fn snoozed(&self, day: Date, status: &SyncStatus) -> bool {
        let failed = match status.last {
            Some((at, LastSync::Failed)) => Some(at),
            Some((_, LastSync::Successful)) | None => None,
        };
        let news = |snooze: &Snooze| failed.is_some_and(|failed| failed > snooze.at);
        self.snooze
            .as_ref()
            .is_some_and(|snooze| day <= snooze.until && !news(snooze))
    }

    /// Who has taken the reminders over from the present Global Admin.
    #[must_use]
    pub fn duty_of(&self, admin: &GlobalAdmin) -> Option<&Duty> {
        self.duty.as_ref().filter(|duty| duty.appointment == admin.appointment)
    }

    /// To whom the reminders go: the Global Admin (R167), or who has taken them over.
    #[must_use]
    pub fn first(&self, admin: &GlobalAdmin) -> Addressee {
        match self.duty_of(admin) {
            Some(duty) => Addressee {
                email: duty.email.clone(),
                name: duty.name.clone(),
                part: Part::Duty,
            },
            None => Addressee {
                email: admin.email.clone(),
                name: admin.display_name().to_owned(),
                part: Part::GlobalAdmin,
            },
        }
    }

    /// To whom the reminders go where mails to the first person come back: the Global Admin's they are after all, then the
    /// second contact's.
    #[must_use]
    pub fn instead(&self, admin: &GlobalAdmin) -> Vec<Addressee> {
        let nobody = Self::default();
        let second = self.second.as_ref().map(SecondContact::addressee);
        [nobody.first(admin)].into_iter().chain(second).collect()
    }

    /// Reminders go to this address in place of the Global Admin's, or as well.
    #[must_use]
    pub fn reminds(&self, admin: &GlobalAdmin, address: &EmailAddress) -> bool {
        let duty = self.duty_of(admin).map(|duty| &duty.email);
        let second = self.second.as_ref().map(|second| &second.email);
        duty == Some(address) || second == Some(address)
    }

    /// Who else is written to once nobody has acted for so many local days.
    #[must_use]
    pub fn second_after(&self, days: i64) -> Option<Addressee> {
        let second = self
            .second
            .as_ref()
            .filter(|second| i64::from(second.after_days) <= days)?;
        Some(second.addressee())
    }
}

impl SecondContact {
    /// As somebody who is written to.
    #[must_use]
    pub fn addressee(&self) -> Addressee {
        Addressee {
            email: self.email.clone(),
            name: self.name.clone(),
            part: Part::SecondContact,
        }
    }
}

/// How an enterprise is to be reminded, before it is checked.
#[derive(Clone, Debug)]
pub struct RemindingForm {
    /// The local hour.
    pub hour: i8,
    /// The days of the week.
    pub days: BTreeSet<Weekday>,
    /// Times without reminders.
    pub quiet: Vec<Quiet>,
    /// Until which day nobody is reminded, and why.
    pub snooze: Option<(Date, String)>,
    /// Address, name, and after how many days.
    pub second: Option<(String, String, u32)>,
    /// After how many reminders the reseller hears of it.
    pub escalate_after: Option<u32>,
}

/// Who changes it, and when.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The enterprise's Global Admin.
    pub admin: &'a GlobalAdmin,
    /// The local day.
    pub today: Date,
    /// Who.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

impl RemindingForm {
    /// Checks it, in place of what was before. A snooze that stays as it was keeps its beginning.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn check(self, before: &Reminding, said: Said<'_>) -> Result<Reminding, Vec<Invalid>> {
        let mut wrong = Vec::new();
        if !HOURS.contains(&self.hour) {
            let hours = format!("give an hour from {} to {}", HOURS.start(), HOURS.end());
            wrong.push(Invalid::new("hour", hours));
        }
        if self.days.is_empty() {
            wrong.push(Invalid::new(
                "days",
                "give at least one day; to stop reminders for a while, give a snooze",
            ));
        }
        let quiet = quiet(self.quiet)
            .map_err(|invalid| wrong.extend(invalid))
            .unwrap_or_default();
        let snooze = self.snooze.map(|(until, reason)| snooze(until, &reason, before, said));
        let snooze = snooze
            .transpose()
            .map_err(|invalid| wrong.push(invalid))
            .unwrap_or_default();
        let first = before.first(said.admin).email;
        let second = self
            .second
            .map(|(email, name, days)| second(&email, &name, days, &first));
        let second = second
            .transpose()
            .map_err(|invalid| wrong.extend(invalid))
            .unwrap_or_default();
        if self.escalate_after.is_some_and(|after| !(1..=PATIENT).contains(&after)) {
            let many = format!("give 1 to {PATIENT}, or leave it out for never");
            wrong.push(Invalid::new("escalateAfter", many));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Reminding {
            hour: self.hour,
            days: self.days,
            quiet,
            snooze,
            second,
            duty: before.duty_of(said.admin).cloned(),
            escalate_after: self.escalate_after,
        })
    }
}

fn quiet(mut given: Vec<Quiet>) -> Result<Vec<Quiet>, Vec<Invalid>> {
    let mut wrong = Vec::new();
    if given.len() > QUIET_MAX {
        wrong.push(Invalid::new("quiet", format!("give at most {QUIET_MAX}")));
    }
    for (at, quiet) in given.iter().enumerate() {
        if quiet.until < quiet.from || days_between(quiet.from, quiet.until) > QUIET_DAYS {
            let why = format!("give a day that is not before `from`, and at most {QUIET_DAYS} days later");
            wrong.push(Invalid::new(format!("quiet[{at}].until"), why));
        }
    }
    given.sort_by_key(|quiet| (quiet.from, quiet.until));
    given.dedup();
    if wrong.is_empty() { Ok(given) } else { Err(wrong) }
}

fn snooze(until: Date, reason: &str, before: &Reminding, said: Said<'_>) -> Result<Snooze, Invalid> {
    let reason = plain_text("snooze.reason", reason, TEXT_MAX)?;
    let same = before
        .snooze
        .as_ref()
        .filter(|snooze| snooze.until == until && snooze.reason == reason);
    if let Some(same) = same {
        return Ok(same.clone());
    }
    let last = said
        .today
        .checked_add(Span::new().days(SNOOZE_DAYS))
        .unwrap_or(said.today);
    // The day is one of the enterprise's own.
    if !(said.today..=last).contains(&until) {
        let why = format!("give a day from {} to {last}: no reminder pauses longer", said.today);
        return Err(Invalid::new("snooze.until", why));
    }
    Ok(Snooze {
        until,
        reason,
        by: said.by.to_owned(),
        at: said.at,
    })
}

fn second(email: &str, name: &str, after_days: u32, first: &EmailAddress) -> Result<SecondContact, Vec<Invalid>> {
    let mut wrong = Vec::new();
    let address: Option<EmailAddress> = email.parse().ok();
    match &address {
        None => wrong.push(Invalid::new(
            "secondContact.email",
            "give an address such as name@company.example",
        )),
        Some(address) if address == first => {
            wrong.push(Invalid::new(
                "secondContact.email",
                "this is the person who is reminded anyway",
            ));
        }
        Some(_) => {}
    }
    let name = plain_text("secondContact.name", name, TEXT_MAX);
    let name = name.map_err(|invalid| wrong.push(invalid)).unwrap_or_default();
    if !(1..=PATIENT).contains(&after_days) {
        wrong.push(Invalid::new("secondContact.afterDays", format!("give 1 to {PATIENT}")));
    }
    match address.filter(|_| wrong.is_empty()) {
        Some(email) => Ok(SecondContact {
            email,
            name,
            after_days,
        }),
        None => Err(wrong),
    }
}

/// How many days later `to` is.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

#[cfg(test)]
mod tests;
