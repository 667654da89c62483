//! Local days and the expressions of what happens on each.

use super::Invalid;
use super::ids::EnterpriseId;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// How many minutes after its own one EventBridge may choose for a reminder.
pub const WINDOW_MINUTES: i32 = 15;
/// Minutes that enterprises are spread over, so that the window of the last one ends with the hour.
const SPREAD: u32 = 45;

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

/// EventBridge Scheduler's expression for every day within this hour, in the schedule's own zone. Each enterprise has its
/// minute, so that not all mails of a zone leave at once.
#[must_use]
pub fn daily_expression(enterprise: &EnterpriseId, hour: i8) -> String {
    format!("cron({} {hour} * * ? *)", minute(enterprise))
}

/// The minute of an enterprise, 0 to 44, always the same: FNV-1a over its id, which is chance itself for the most part.
#[must_use]
pub fn minute(enterprise: &EnterpriseId) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    enterprise.as_str().bytes().fold(0x811c_9dc5, mix) % SPREAD
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
