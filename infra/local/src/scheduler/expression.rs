//! The three kinds of schedule expression, `at()`, `rate()` and `cron()`, and when they fire next.
//! A local time that does not exist (spring) is skipped, one that exists twice (autumn) fires once.

use crate::scheduler::cron::Cron;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    At(DateTime),
    Rate(SignedDuration),
    Cron(Cron),
}

impl Expression {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('(')?;
        let inner = rest.strip_suffix(')')?;
        match kind {
            "at" => at(inner).map(Self::At),
            "rate" => rate(inner).map(Self::Rate),
            "cron" => Cron::parse(inner).map(Self::Cron),
            _ => None,
        }
    }

    /// The first time it fires, for a schedule that starts at `start`. A recurring rate fires at its start;
    /// a one-time schedule in the past fires at once.
    pub(super) fn first(&self, start: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::At(at) => instant(zone, *at),
            Self::Rate(_) => Some(start),
            Self::Cron(cron) => cron.next(start - SignedDuration::from_nanos(1), zone),
        }
    }

    /// The next time after it fired at `fired`.
    pub(super) fn following(&self, fired: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::At(_) => None,
            // A day is 24 hours here, whatever the zone's clocks do.
            Self::Rate(every) => fired.checked_add(*every).ok(),
            Self::Cron(cron) => cron.next(fired, zone),
        }
    }
}

/// The instant of a local time; the first of two, none for a time that is skipped.
pub(super) fn instant(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    let found = zone.to_ambiguous_timestamp(local);
    match found.offset() {
        jiff::tz::AmbiguousOffset::Gap { .. } => None,
        jiff::tz::AmbiguousOffset::Unambiguous { .. } | jiff::tz::AmbiguousOffset::Fold { .. } => {
            found.compatible().ok()
        }
    }
}

/// `2026-11-22T09:00:00`, nothing shorter and nothing longer.
fn at(text: &str) -> Option<DateTime> {
    let time: DateTime = text.parse().ok()?;
    (text.len() == 19 && text.as_bytes().get(10) == Some(&b'T')).then_some(time)
}

/// `1 day`, `5 minutes`; the unit must agree with the number.
fn rate(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|n| (1..=1_000_000).contains(n))?;
    let (unit, plural) = unit.strip_suffix('s').map_or((unit, false), |unit| (unit, true));
    let minutes = match unit {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        _ => return None,
    };
    (plural == (number != 1)).then(|| SignedDuration::from_mins(number * minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first `times.len()` firings from `start` in the zone, printed in UTC.
    #[track_caller]
    fn check(expression: &str, zone: &str, start: &str, times: &[&str]) {
        let zone = TimeZone::get(zone).unwrap();
        let expression = Expression::parse(expression).unwrap();
        let mut next = expression.first(start.parse().unwrap(), &zone);
        let mut seen = Vec::new();
        while let Some(fire) = next.filter(|_| seen.len() < times.len()) {
            seen.push(fire.to_string());
            next = expression.following(fire, &zone);
        }
        assert_eq!(seen, times);
    }

    #[track_caller]
    fn refused(expression: &str) {
        assert_eq!(Expression::parse(expression), None, "{expression}");
    }

    #[test]
    fn every_morning_keeps_its_local_hour_over_the_change_to_summer_time() {
        let days = ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"];
        check("cron(0 9 * * ? *)", "Europe/Brussels", "2026-03-28T00:00:00Z", &days);
    }
    #[test]
    fn a_skipped_local_time_does_not_fire() {
        let days = ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"];
        check("cron(30 2 * * ? *)", "Europe/Brussels", "2026-03-28T00:00:00Z", &days);
    }
    #[test]
    fn a_repeated_local_time_fires_once() {
        let days = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
        check("cron(30 2 * * ? *)", "Europe/Brussels", "2026-10-24T00:00:00Z", &days);
    }
    #[test]
    fn a_moment_that_fits_exactly_counts() {
        check(
            "cron(0 9 * * ? *)",
            "UTC",
            "2026-03-28T09:00:00Z",
            &["2026-03-28T09:00:00Z"],
        );
    }
    #[test]
    fn working_days_by_name() {
        let days = ["2026-11-20T18:00:00Z", "2026-11-23T18:00:00Z"];
        check("cron(0 18 ? * MON-FRI *)", "UTC", "2026-11-20T00:00:00Z", &days);
    }
    #[test]
    fn last_day_of_the_month() {
        let days = ["2027-02-28T10:15:00Z", "2027-03-31T10:15:00Z"];
        check("cron(15 10 L * ? *)", "UTC", "2027-02-01T00:00:00Z", &days);
    }
    #[test]
    fn nearest_working_day() {
        check(
            "cron(0 8 1W * ? *)",
            "UTC",
            "2026-11-01T00:00:00Z",
            &["2026-11-02T08:00:00Z", "2026-12-01T08:00:00Z"],
        );
    }
    #[test]
    fn second_monday() {
        check(
            "cron(0 8 ? * 2#2 *)",
            "UTC",
            "2026-11-01T00:00:00Z",
            &["2026-11-09T08:00:00Z", "2026-12-14T08:00:00Z"],
        );
    }
    #[test]
    fn last_friday() {
        check(
            "cron(0 8 ? * 6L *)",
            "UTC",
            "2026-11-01T00:00:00Z",
            &["2026-11-27T08:00:00Z"],
        );
    }
    #[test]
    fn steps_and_lists() {
        let times = [
            "2026-11-01T08:00:00Z",
            "2026-11-01T08:20:00Z",
            "2026-11-01T08:40:00Z",
            "2026-11-01T10:00:00Z",
        ];
        check("cron(0/20 8,10 * * ? 2026)", "UTC", "2026-11-01T00:00:00Z", &times);
    }
    #[test]
    fn a_year_that_is_over_never_fires() {
        check("cron(0 8 * * ? 2020)", "UTC", "2026-11-01T00:00:00Z", &[]);
    }
    #[test]
    fn a_rate_starts_at_once() {
        let times = ["2026-11-01T00:00:07Z", "2026-11-02T00:00:07Z"];
        check("rate(1 day)", "America/New_York", "2026-11-01T00:00:07Z", &times);
    }
    #[test]
    fn at_is_local_and_happens_once() {
        check(
            "at(2026-11-22T09:00:00)",
            "America/New_York",
            "2026-11-01T00:00:00Z",
            &["2026-11-22T14:00:00Z"],
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for expression in [
            "",
            "cron()",
            "cron(0 9 * * *)",
            "cron(0 9 * * * *)",
            "cron(0 9 ? * ? *)",
            "cron(60 9 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 9 32 * ? *)",
            "cron(0 9 * 13 ? *)",
            "cron(0 9 ? * 8 *)",
            "cron(0 9 ? * MON#6 *)",
            "cron(0 9 * * ? 1969)",
            "cron(5-1 9 * * ? *)",
            "cron(0/0 9 * * ? *)",
            "cron(0 9 * * ? * )x",
            "rate(1 days)",
            "rate(2 day)",
            "rate(0 minutes)",
            "rate(5 seconds)",
            "at(2026-11-22)",
            "at(2026-11-22T09:00:00Z)",
            "at(2026-02-30T09:00:00)",
            "daily(9)",
        ] {
            refused(expression);
        }
    }
}
