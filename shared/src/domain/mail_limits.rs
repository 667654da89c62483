//! How much mail may leave: what people have switched, day limits, and the breaker that stops a reseller's reminders before
//! the mail service stops all of us.

use super::letter::Class;
use super::{Invalid, plain_text};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use serde::{Deserialize, Serialize};

/// The most mails to one address in a UTC day, over all enterprises: a person is Global Admin of some, not of hundreds, and
/// a mistake must not become a storm.
pub const RECIPIENT_DAY: u32 = 100;
/// Of those, the most that only remind or report.
pub const RECIPIENT_DAY_NOTICES: u32 = 50;
/// The most mails of a reseller in a UTC day, where the provider has set nothing else: a reminder a day for each of the
/// 10,000 enterprises that the largest ones have, and as many again.
pub const RESELLER_DAY: u32 = 20_000;
/// The most that the provider can allow.
pub const RESELLER_DAY_MAX: u32 = 1_000_000;
/// A mail that a limit or a pause holds is looked at again after this time at the latest.
pub const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// Shares of a reseller's mails are taken over this many UTC days, today included.
pub const WINDOW_DAYS: i32 = 7;
/// Bounces per ten thousand mails from which on reminders wait: SES reviews an account at 500.
pub const BOUNCES: u64 = 400;
/// Complaints per ten thousand mails from which on they wait: SES reviews an account at 10.
pub const COMPLAINTS: u64 = 8;
/// A single bounce among a handful of mails is no share: fewer than these never trip the breaker.
pub const BOUNCES_LEAST: u64 = 5;
/// Likewise for complaints.
pub const COMPLAINTS_LEAST: u64 = 2;

/// What may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Gate {
    /// All mail.
    #[default]
    Open,
    /// What somebody waits for; reminders and reports wait.
    Transactional,
    /// Nothing: all mail waits.
    Closed,
}

impl Gate {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Transactional => "transactional",
            Self::Closed => "closed",
        }
    }

    fn passes(self, class: Class) -> bool {
        match (self, class) {
            (Self::Open, _) | (Self::Transactional, Class::Transactional) => true,
            (Self::Transactional, Class::Notice) | (Self::Closed, _) => false,
        }
    }
}

/// The switch of the whole service, or of one reseller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// What may leave.
    pub gate: Gate,
    /// Why, where it is not open.
    #[serde(default)]
    pub reason: Option<String>,
    /// Since when the breaker holds reminders and reports.
    #[serde(default)]
    pub tripped: Option<Timestamp>,
    /// The most mails in a UTC day; a reseller's only.
    #[serde(default)]
    pub day_limit: Option<u32>,
    /// The reseller's tenant at SES, where it has one; a reseller's only.
    #[serde(default)]
    pub ses_tenant: Option<String>,
    /// Counts edits; 0 where nobody has set anything.
    #[serde(default)]
    pub version: u64,
}

/// What a person can set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendingForm {
    /// What may leave.
    pub gate: Gate,
    /// Why; needed unless all may leave.
    pub reason: Option<String>,
    /// The most mails in a UTC day; the usual limit where absent.
    pub day_limit: Option<u32>,
    /// The tenant at SES.
    pub ses_tenant: Option<String>,
}

impl Sending {
    /// What holds a mail of this class here, in words; nothing where it may leave. `whose` is "the service" or a name.
    #[must_use]
    pub fn holds(&self, class: Class, whose: &str) -> Option<String> {
        if !self.gate.passes(class) {
            let reason = self.reason.as_deref().unwrap_or("no reason was given");
            let what = match self.gate {
                Gate::Open | Gate::Transactional => "Reminders and reports",
                Gate::Closed => "All mails",
            };
            return Some(format!(
                "{what} of {whose} are stopped by the provider: {reason}. It leaves once they go again."
            ));
        }
        if class == Class::Notice && self.tripped.is_some() {
            return Some(format!(
                "Too many mails of {whose} come back or are unwanted, so reminders and reports wait until the provider has looked at it."
            ));
        }
        None
    }

    /// The version that readers are shown: 1 where nobody has set anything.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.version + 1
    }

    /// The settings after somebody has set them anew. That also lets go what the breaker held.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn set(&self, form: SendingForm) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        let reason = form.reason.filter(|reason| !reason.trim().is_empty());
        let reason = reason.map(|reason| plain_text("reason", &reason, 500)).transpose();
        let reason = reason.unwrap_or_else(|invalid| {
            wrong.push(invalid);
            None
        });
        if form.gate != Gate::Open && reason.is_none() && wrong.is_empty() {
            wrong.push(Invalid::new(
                "reason",
                "say why mails are to stop: it is shown with each that waits",
            ));
        }
        if form.day_limit.is_some_and(|limit| limit > RESELLER_DAY_MAX) {
            wrong.push(Invalid::new("dayLimit", format!("give at most {RESELLER_DAY_MAX}")));
        }
        let named = |name: &String| {
            (1..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if form.ses_tenant.as_ref().is_some_and(|name| !named(name)) {
            let why = "give the tenant's name at SES: 1 to 64 letters, digits, hyphens or underscores";
            wrong.push(Invalid::new("sesTenant", why));
        }
        if wrong.is_empty() {
            Ok(Self {
                gate: form.gate,
                reason,
                tripped: None,
                day_limit: form.day_limit,
                ses_tenant: form.ses_tenant,
                version: self.version + 1,
            })
        } else {
            Err(wrong)
        }
    }
}

/// The UTC day of a moment; limits count in these.
#[must_use]
pub fn day(at: Timestamp) -> civil::Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When the next UTC day begins: what a day's limit holds is looked at then.
#[must_use]
pub fn next_day(at: Timestamp) -> Timestamp {
    let next = day(at).tomorrow().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    next.map_or(at + SignedDuration::from_hours(24), |zoned| zoned.timestamp())
}

/// What became of a reseller's mails over some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Handed over.
    pub sent: u64,
    /// Came back for good.
    pub bounced: u64,
    /// Unwanted.
    pub complained: u64,
}

impl Tally {
    /// Why reminders and reports have to wait, where they do.
    #[must_use]
    pub fn trips(&self) -> Option<String> {
        let share = |count: u64, least: u64, limit: u64| {
            count >= least && count.saturating_mul(10_000) >= self.sent.max(1).saturating_mul(limit)
        };
        if share(self.bounced, BOUNCES_LEAST, BOUNCES) {
            return Some(format!(
                "{} of {} mails of the last {WINDOW_DAYS} days came back",
                self.bounced, self.sent
            ));
        }
        share(self.complained, COMPLAINTS_LEAST, COMPLAINTS).then(|| {
            format!(
                "{} of {} mails of the last {WINDOW_DAYS} days were marked as unwanted",
                self.complained, self.sent
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(sent: u64, bounced: u64, complained: u64) -> Tally {
        Tally {
            sent,
            bounced,
            complained,
        }
    }

    #[test]
    fn the_breaker_opens_below_what_the_mail_service_bears() {
        for (fine, trips) in [
            (tally(10_000, 399, 0), tally(10_000, 400, 0)),
            (tally(10_000, 0, 7), tally(10_000, 0, 8)),
            // One bounce of one mail is everything that a new reseller has sent.
            (tally(1, 1, 0), tally(5, 5, 0)),
            (tally(3, 0, 1), tally(3, 0, 2)),
        ] {
            assert_eq!(fine.trips(), None, "{fine:?}");
            assert!(trips.trips().is_some(), "{trips:?}");
        }
        assert_eq!(tally(0, 0, 0).trips(), None);
    }

    #[test]
    fn a_switch_stops_what_it_says() {
        let form = |gate| SendingForm {
            gate,
            reason: Some("a storm".into()),
            day_limit: None,
            ses_tenant: None,
        };
        let set = |gate| Sending::default().set(form(gate)).unwrap();
        let held = |sending: &Sending| {
            [Class::Transactional, Class::Notice].map(|class| sending.holds(class, "Northwind").is_some())
        };
        assert_eq!(held(&set(Gate::Open)), [false, false]);
        assert_eq!(held(&set(Gate::Transactional)), [false, true]);
        assert_eq!(held(&set(Gate::Closed)), [true, true]);
        let tripped = Sending {
            tripped: Some(Timestamp::UNIX_EPOCH),
            ..set(Gate::Open)
        };
        assert_eq!(held(&tripped), [false, true]);
        let again = tripped.set(form(Gate::Open)).unwrap();
        assert_eq!((again.tripped, again.version), (None, 2));
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let form = SendingForm {
            gate: Gate::Closed,
            reason: Some(" ".into()),
            day_limit: Some(RESELLER_DAY_MAX + 1),
            ses_tenant: Some("a b".into()),
        };
        let wrong = Sending::default().set(form).unwrap_err();
        let what: Vec<_> = wrong.iter().map(|invalid| invalid.what.as_str()).collect();
        assert_eq!(what, ["reason", "dayLimit", "sesTenant"]);
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let at: Timestamp = "2026-11-22T23:59:59Z".parse().unwrap();
        assert_eq!(next_day(at).to_string(), "2026-11-23T00:00:00Z");
        assert_eq!(day(next_day(at)), civil::date(2026, 11, 23));
    }
}
