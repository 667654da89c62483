//! AWS's six-field cron: minutes, hours, day of month, month, day of week, year. One of the two day fields
//! must be `?`. Knows `L`, `W` and `#`.

use crate::scheduler::expression::instant;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::collections::BTreeSet;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// Far enough for the rarest date there is: 29 February over a century without one.
const HORIZON_DAYS: u32 = 366 * 9;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// The day field that is not `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<i16>),
    LastOfMonth,
    LastWorkingDay,
    NearestWorkingDay(i16),
    OfWeek(BTreeSet<i16>),
    LastOfWeek(i16),
    NthOfWeek(i16, i16),
}

impl Cron {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(' ').collect();
        let [minutes, hours, of_month, months, of_week, years] = fields.as_slice() else {
            return None;
        };
        let days = match (*of_month, *of_week) {
            ("?", "?") => return None,
            (of_month, "?") => days_of_month(of_month)?,
            ("?", of_week) => days_of_week(of_week)?,
            _ => return None,
        };
        Some(Self {
            minutes: set(minutes, 0, 59, &[])?,
            hours: set(hours, 0, 23, &[])?,
            days,
            months: set(months, 1, 12, &MONTHS)?,
            years: set(years, 1970, 2199, &[])?,
        })
    }

    /// The first instant after `after` that fits in the zone.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut date = after.to_zoned(zone.clone()).date();
        for _ in 0..HORIZON_DAYS {
            if self.fits(date) {
                let times = self
                    .hours
                    .iter()
                    .flat_map(|h| self.minutes.iter().map(move |m| (*h, *m)));
                let instants = times.filter_map(|(h, m)| instant(zone, date.at(i8(h), i8(m), 0, 0)));
                if let Some(found) = instants.filter(|instant| *instant > after).min() {
                    return Some(found);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn fits(&self, date: Date) -> bool {
        let (day, last) = (i16::from(date.day()), i16::from(date.days_in_month()));
        let of_week = i16::from(date.weekday().to_sunday_one_offset());
        let day_fits = match &self.days {
            Days::OfMonth(days) => days.contains(&day),
            Days::LastOfMonth => day == last,
            Days::LastWorkingDay => working_day_near(date.last_of_month()) == Some(date),
            Days::NearestWorkingDay(wanted) => {
                *wanted <= last
                    && Date::new(date.year(), date.month(), i8(*wanted))
                        .ok()
                        .and_then(working_day_near)
                        == Some(date)
            }
            Days::OfWeek(days) => days.contains(&of_week),
            Days::LastOfWeek(wanted) => of_week == *wanted && day + 7 > last,
            Days::NthOfWeek(wanted, nth) => of_week == *wanted && (day - 1) / 7 + 1 == *nth,
        };
        day_fits && self.months.contains(&i16::from(date.month())) && self.years.contains(&date.year())
    }
}

/// The working day nearest to a date without leaving its month.
fn working_day_near(date: Date) -> Option<Date> {
    let shift = match date.weekday() {
        Weekday::Saturday if date.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if date.day() == date.days_in_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    date.checked_add(shift.days()).ok()
}

fn days_of_month(field: &str) -> Option<Days> {
    match field {
        "L" => return Some(Days::LastOfMonth),
        "LW" => return Some(Days::LastWorkingDay),
        _ => {}
    }
    match field.strip_suffix('W') {
        Some(day) => value(day, 1, 31, &[]).map(Days::NearestWorkingDay),
        None => set(field, 1, 31, &[]).map(Days::OfMonth),
    }
}

fn days_of_week(field: &str) -> Option<Days> {
    if field == "L" {
        return Some(Days::OfWeek(BTreeSet::from([7])));
    }
    if let Some((day, nth)) = field.split_once('#') {
        return Some(Days::NthOfWeek(value(day, 1, 7, &DAYS)?, value(nth, 1, 5, &[])?));
    }
    match field.strip_suffix('L') {
        Some(day) => value(day, 1, 7, &DAYS).map(Days::LastOfWeek),
        None => set(field, 1, 7, &DAYS).map(Days::OfWeek),
    }
}

/// A list of values, ranges and steps.
fn set(field: &str, low: i16, high: i16, names: &[&str]) -> Option<BTreeSet<i16>> {
    let mut all = BTreeSet::new();
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(value(step, 1, high.max(1), &[])?)),
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (value(from, low, high, names)?, value(to, low, high, names)?),
            None => {
                let from = value(range, low, high, names)?;
                (from, if step.is_some() { high } else { from })
            }
        };
        if from > to {
            return None;
        }
        all.extend((from..=to).step_by(usize::try_from(step.unwrap_or(1)).ok()?));
    }
    Some(all)
}

fn value(text: &str, low: i16, high: i16, names: &[&str]) -> Option<i16> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let number = match named {
        Some(at) => low + i16::try_from(at).ok()?,
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
        None => return None,
    };
    (low..=high).contains(&number).then_some(number)
}

/// All values here were parsed within 0..=59.
fn i8(value: i16) -> i8 {
    i8::try_from(value).unwrap_or(i8::MAX)
}
