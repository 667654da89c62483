//! Syncs that nobody signs in for: whether the Global Admin lets them be, and when they may begin by themselves. Without the
//! Global Admin's word nothing ever syncs by itself (R146); see `infra/decisions/0027-unattended-syncs.md`.

use super::Invalid;
use super::ids::TenantId;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The shortest window: a sync of a large tenant needs most of an hour.
const SHORTEST: SignedDuration = SignedDuration::from_hours(1);
/// A sync does not begin, nor go on with another token, in the last part of a window.
const LAST_CALL: SignedDuration = SignedDuration::from_mins(15);

/// Whether the Global Admin lets our application sync of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leave {
    /// Never given.
    #[default]
    Never,
    /// Given, accepted on Microsoft's admin consent page, and proven by a call.
    Given {
        /// When.
        at: Timestamp,
        /// Who, as people read it.
        by: String,
        /// For this tenant, and no other.
        tenant: TenantId,
    },
    /// Taken back here.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// Who, as people read it.
        by: String,
    },
    /// Microsoft no longer lets us: the consent was taken back in the tenant.
    Revoked {
        /// When that was noticed.
        at: Timestamp,
    },
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Weekday {
    /// The first one.
    Monday,
    /// …
    Tuesday,
    /// …
    Wednesday,
    /// …
    Thursday,
    /// …
    Friday,
    /// …
    Saturday,
    /// …
    Sunday,
}

impl Weekday {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The one of a date.
    #[must_use]
    pub fn of(date: Date) -> Self {
        match date.weekday() {
            jiff::civil::Weekday::Monday => Self::Monday,
            jiff::civil::Weekday::Tuesday => Self::Tuesday,
            jiff::civil::Weekday::Wednesday => Self::Wednesday,
            jiff::civil::Weekday::Thursday => Self::Thursday,
            jiff::civil::Weekday::Friday => Self::Friday,
            jiff::civil::Weekday::Saturday => Self::Saturday,
            jiff::civil::Weekday::Sunday => Self::Sunday,
        }
    }
}

/// When syncs may begin by themselves: on these days from one time of day until another, of the next day where that is not
/// later. The same time twice is a whole day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The days on which it opens.
    pub days: BTreeSet<Weekday>,
    /// When it opens, local time.
    pub from: Time,
    /// When it closes, local time.
    pub until: Time,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            days: Weekday::ALL.into(),
            from: Time::midnight(),
            until: Time::midnight(),
        }
    }
}

/// One time that a window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Opening {
    /// A sync may begin or go on at this moment.
    #[must_use]
    pub fn takes(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until - LAST_CALL
    }
}

impl Window {
    /// A window as somebody typed it; times are `HH:MM`.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn read(days: BTreeSet<Weekday>, from: &str, until: &str) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        let mut time = |what: &str, text: &str| {
            let read = Time::strptime("%H:%M", text);
            read.map_err(|_| wrong.push(Invalid::new(what, "give a time of day such as 20:00")))
                .ok()
        };
        let (from, until) = (time("from", from), time("until", until));
        if days.is_empty() {
            wrong.push(Invalid::new("days", "give at least one day, such as monday"));
        }
        match from.zip(until).filter(|_| wrong.is_empty()) {
            Some((from, until)) if from < until && from.duration_until(until) < SHORTEST => {
                Err(vec![Invalid::new("until", "leave at least an hour for a sync")])
            }
            Some((from, until)) => Ok(Self { days, from, until }),
            None => Err(wrong),
        }
    }

    /// The opening in which a sync may begin at `now`, or the next one.
    #[must_use]
    pub fn opening(&self, now: Timestamp, zone: &TimeZone) -> Option<Opening> {
        let today = now.to_zoned(zone.clone()).date();
        // Yesterday's may still be open; a window opens at least once a week.
        (-1..=8)
            .filter_map(|days| self.opening_of(today.checked_add(Span::new().days(days)).ok()?, zone))
            .find(|opening| opening.takes(now) || now < opening.from)
    }

    /// The opening after the one that is open at `now`.
    #[must_use]
    pub fn following(&self, opening: &Opening, zone: &TimeZone) -> Option<Opening> {
        self.opening(opening.until - LAST_CALL, zone)
            .filter(|next| next.from > opening.from)
    }

    fn opening_of(&self, date: Date, zone: &TimeZone) -> Option<Opening> {
        if !self.days.contains(&Weekday::of(date)) {
            return None;
        }
        let ends = if self.from < self.until {
            date
        } else {
            date.tomorrow().ok()?
        };
        let at = |date: Date, time: Time| Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
        Some(Opening {
            from: at(date, self.from)?,
            until: at(ends, self.until)?,
        })
    }

    /// In words, for the audit trail.
    #[must_use]
    pub fn text(&self) -> String {
        let days: Vec<String> = self.days.iter().map(|day| format!("{day:?}")).collect();
        format!(
            "{}, {} to {}",
            days.join(" "),
            self.from.strftime("%H:%M"),
            self.until.strftime("%H:%M")
        )
    }
}

/// Syncs that nobody signs in for, as an enterprise has decided about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unattended {
    /// Whether there are any.
    #[serde(default)]
    pub leave: Leave,
    /// They begin by themselves where changes wait; otherwise somebody has to start each.
    #[serde(default)]
    pub automatic: bool,
    /// When they may begin by themselves.
    #[serde(default)]
    pub window: Window,
    /// They may release numbers, as many as pass without anybody's approval.
    #[serde(default)]
    pub releases: bool,
}

impl Unattended {
    /// The Global Admin lets them be in this tenant.
    #[must_use]
    pub fn given_for(&self, bound: Option<&TenantId>) -> bool {
        matches!(&self.leave, Leave::Given { tenant, .. } if Some(tenant) == bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn nights() -> Window {
        let days = BTreeSet::from([Weekday::Monday, Weekday::Friday]);
        Window::read(days, "20:00", "06:00").unwrap()
    }

    #[track_caller]
    fn opens(window: &Window, now: &str, from: &str, until: &str) {
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        let opening = window.opening(at(now), &zone).unwrap();
        assert_eq!((opening.from, opening.until), (at(from), at(until)), "at {now}");
    }

    #[test]
    fn a_night_begins_on_its_day_and_ends_on_the_next() {
        let nights = nights();
        // 2026-11-23 is a Monday.
        let (from, until) = ("2026-11-23T19:00:00Z", "2026-11-24T05:00:00Z");
        opens(&nights, "2026-11-22T12:00:00Z", from, until);
        opens(&nights, from, from, until);
        opens(&nights, "2026-11-24T04:44:59Z", from, until);
        // Too late to begin: the next one is Friday's.
        opens(
            &nights,
            "2026-11-24T04:45:00Z",
            "2026-11-27T19:00:00Z",
            "2026-11-28T05:00:00Z",
        );
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        let monday = nights.opening(at(from), &zone).unwrap();
        assert_eq!(
            nights.following(&monday, &zone).unwrap().from,
            at("2026-11-27T19:00:00Z")
        );
    }

    #[test]
    fn a_window_follows_the_clocks_of_its_zone() {
        let sundays = Window::read(BTreeSet::from([Weekday::Sunday]), "01:30", "03:30").unwrap();
        // The night in which clocks go forward has no 02:30, the other one has it twice.
        opens(
            &sundays,
            "2026-03-29T00:00:00Z",
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:30:00Z",
        );
        opens(
            &sundays,
            "2026-10-24T23:00:00Z",
            "2026-10-24T23:30:00Z",
            "2026-10-25T02:30:00Z",
        );
    }

    #[test]
    fn any_time_is_one_opening_a_day() {
        let always = Window::default();
        opens(
            &always,
            "2026-11-22T12:00:00Z",
            "2026-11-21T23:00:00Z",
            "2026-11-22T23:00:00Z",
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong = |days: &[Weekday], from: &str, until: &str| {
            let read = Window::read(days.iter().copied().collect(), from, until);
            let all = read.err().unwrap_or_default().into_iter();
            all.map(|invalid| invalid.what).collect::<Vec<_>>()
        };
        assert_eq!(wrong(&[], "25:00", "x"), ["from", "until", "days"]);
        assert_eq!(wrong(&[Weekday::Monday], "20:00", "20:30"), ["until"]);
        assert!(wrong(&[Weekday::Monday], "20:00", "21:00").is_empty());
        assert!(wrong(&[Weekday::Monday], "20:00", "20:00").is_empty());
    }

    #[test]
    fn leave_for_one_tenant_is_none_for_another() {
        let tenant: TenantId = "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap();
        let other: TenantId = "9f3c2b10-0000-4000-8000-00000000bf02".parse().unwrap();
        let unattended = Unattended {
            leave: Leave::Given {
                at: Timestamp::UNIX_EPOCH,
                by: "Mara".into(),
                tenant: tenant.clone(),
            },
            ..Unattended::default()
        };
        assert!(unattended.given_for(Some(&tenant)));
        assert!(!unattended.given_for(Some(&other)) && !unattended.given_for(None));
        assert!(!Unattended::default().given_for(Some(&tenant)));
    }
}
