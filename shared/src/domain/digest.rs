//! The digest of a reseller: one mail with all its enterprises that wait for somebody, on the days that it has chosen.

use super::Invalid;
use super::email::EmailAddress;
use super::reminded::GAP;
use super::reminding::{HOUR, HOURS, Hours};
use super::schedule::{local_day, zone};
use super::state::State;
use super::unattended::Weekday;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How often a digest is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Every {
    /// Never.
    #[default]
    Off,
    /// On every day on which an enterprise waits.
    Day,
    /// On Mondays.
    Week,
}

/// When and to whom a reseller's digest is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// How often.
    pub every: Every,
    /// The local hour, 6 to 20.
    pub hour: i8,
    /// A zone that the zone database knows.
    pub time_zone: String,
    /// To whom; the reseller's owner where absent.
    pub email: Option<EmailAddress>,
    /// Counts edits; 0 where nobody has chosen anything.
    pub version: u64,
    /// The last one.
    pub last: Option<Sent>,
}

/// A digest that was claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// In which zone.
    pub zone: String,
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            every: Every::Off,
            hour: HOUR,
            time_zone: "UTC".into(),
            email: None,
            version: 0,
            last: None,
        }
    }
}

/// What an event of a digest's schedule leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The digest of this local day, which may leave until then.
    Today(Timestamp),
    /// Not on this day, or it went out before.
    NotNow,
    /// Nobody wants one: the schedule goes.
    Never,
}

impl Digest {
    /// Checks what was chosen.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn check(self, email: Option<&str>) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        if !HOURS.contains(&self.hour) {
            let hours = format!("give an hour from {} to {}", HOURS.start(), HOURS.end());
            wrong.push(Invalid::new("hour", hours));
        }
        wrong.extend(zone(&self.time_zone).err());
        let email: Option<Result<EmailAddress, Invalid>> = email.map(str::parse);
        let email = email
            .transpose()
            .map_err(|invalid| wrong.push(invalid))
            .unwrap_or_default();
        if wrong.is_empty() {
            Ok(Self { email, ..self })
        } else {
            Err(wrong)
        }
    }

    /// The version that readers see; 1 where nobody has chosen anything, since 0 is nobody's.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.version + 1
    }

    /// Whether one goes out at `now`: not before its hour and not hours after it, and at most one a local day, in this zone and in
    /// the one of the last digest.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Due {
        let here = zone(&self.time_zone).unwrap_or(TimeZone::UTC);
        let day = local_day(now, &here);
        let chosen = match self.every {
            Every::Off => return Due::Never,
            Every::Day => true,
            Every::Week => Weekday::of(day) == Weekday::Monday,
        };
        let before = self.last.as_ref().is_some_and(|last| {
            let there = zone(&last.zone).unwrap_or(TimeZone::UTC);
            let same = |zone: &TimeZone| local_day(now, zone) <= local_day(last.at, zone);
            same(&here) || same(&there) || now < last.at.checked_add(GAP).unwrap_or(last.at)
        });
        match Hours::of(day, self.hour, &here) {
            Ok(hours) if chosen && !before && !hours.before(now) && !hours.over(now) => Due::Today(hours.until),
            Ok(_) | Err(_) => Due::NotNow,
        }
    }
}

/// Whether an enterprise in this state waits for somebody.
#[must_use]
pub fn waits(state: State) -> bool {
    match state {
        State::Invited
        | State::SignedIn
        | State::Consent1
        | State::Consent2
        | State::GroupChoice
        | State::FirstSync
        | State::Mapping
        | State::SyncNeeded
        | State::Failed
        | State::Removing => true,
        State::UpToDate | State::Removed | State::Disabled => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(every: Every, zone: &str, last: Option<(&str, &str)>) -> Digest {
        let sent = |(at, zone): (&str, &str)| Sent {
            at: at.parse().unwrap(),
            zone: zone.into(),
        };
        Digest {
            every,
            time_zone: zone.into(),
            last: last.map(sent),
            ..Digest::default()
        }
    }

    fn due(digest: &Digest, now: &str) -> bool {
        matches!(digest.due(now.parse().unwrap()), Due::Today(_))
    }

    #[test]
    fn one_goes_out_a_day_and_one_a_week() {
        let daily = digest(
            Every::Day,
            "Europe/Brussels",
            Some(("2026-11-22T08:00:00Z", "Europe/Brussels")),
        );
        assert!(!due(&daily, "2026-11-22T09:00:00Z"));
        assert!(due(&daily, "2026-11-23T08:00:00Z"));
        // Events that come long before their hour or long after it were replayed, or a clock is wrong.
        assert!(!due(&daily, "2026-11-23T05:00:00Z"));
        assert!(!due(&daily, "2026-11-23T17:00:00Z"));
        // A Monday, and the day after.
        let weekly = digest(Every::Week, "Europe/Brussels", None);
        assert!(due(&weekly, "2026-11-23T08:00:00Z"));
        assert!(!due(&weekly, "2026-11-24T08:00:00Z"));
        assert_eq!(digest(Every::Off, "UTC", None).due(Timestamp::UNIX_EPOCH), Due::Never);
    }

    #[test]
    fn another_zone_brings_no_second_one_on_a_day_of_either() {
        // Sent in the evening of the 22nd in Honolulu, which is the 23rd in Auckland.
        let moved = digest(
            Every::Day,
            "Pacific/Auckland",
            Some(("2026-11-23T06:00:00Z", "Pacific/Honolulu")),
        );
        assert!(!due(&moved, "2026-11-23T07:00:00Z"));
        // The next morning in Auckland is still the same day in Honolulu only before 10:00 UTC.
        assert!(!due(&moved, "2026-11-23T20:00:00Z"));
        assert!(due(&moved, "2026-11-24T20:00:00Z"));
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let wrong = Digest {
            hour: 3,
            time_zone: "Mars/Base".into(),
            ..Digest::default()
        };
        let wrong = wrong.check(Some("nobody")).unwrap_err();
        let what: Vec<&str> = wrong.iter().map(|invalid| invalid.what.as_str()).collect();
        assert_eq!(what, ["hour", "timeZone", "email"]);
    }
}
