//! Local days and the daily reminder's expression.

use super::Invalid;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The local hour of the daily reminder.
pub const REMINDER_HOUR: i8 = 9;

/// A zone by its IANA name.
///
/// # Errors
/// `Invalid` where the zone database does not know it.
pub fn zone(name: &str) -> Result<TimeZone, Invalid> {
    TimeZone::get(name).map_err(|_| Invalid::new("timeZone", "give an IANA zone such as Europe/Brussels"))
}

/// The calendar day at `now` in a zone; reminders are counted by it (R165).
#[must_use]
pub fn local_day(now: Timestamp, zone: &TimeZone) -> Date {
    now.to_zoned(zone.clone()).date()
}

/// EventBridge Scheduler's expression for every day at the reminder's hour, in the schedule's own zone.
#[must_use]
pub fn daily_expression() -> String {
    format!("cron(0 {REMINDER_HOUR} * * ? *)")
}

/// `Feb 17, 2023, 2:42 PM` (R140), in the enterprise's zone.
#[must_use]
pub fn display(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%b %-d, %Y, %-I:%M %p").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r140_the_date_is_printed_as_the_guides_do() {
        let at: Timestamp = "2023-02-17T13:42:00Z".parse().unwrap();
        assert_eq!(display(at, &zone("Europe/Brussels").unwrap()), "Feb 17, 2023, 2:42 PM");
    }

    #[test]
    fn r165_a_day_is_local() {
        let at: Timestamp = "2026-11-22T23:30:00Z".parse().unwrap();
        assert_eq!(
            local_day(at, &zone("Europe/Brussels").unwrap()).to_string(),
            "2026-11-23"
        );
        assert_eq!(
            local_day(at, &zone("America/New_York").unwrap()).to_string(),
            "2026-11-22"
        );
        assert!(zone("Mars/Base").is_err());
    }
}
