//! An endpoint of a reseller's webhooks is switched off, because nothing has reached it for days.

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Sent to the reseller.
#[derive(Clone, Debug)]
pub struct WebhookDisabled<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The partner company.
    pub reseller: Line,
    /// The host of the endpoint; the rest of its address may be secret.
    pub host: Line,
    /// Since when nothing has reached it.
    pub since: Timestamp,
    /// How often it was tried since.
    pub tries: u32,
    /// How the last try ended, such as "status 503".
    pub last_problem: Line,
    /// The reader's zone.
    pub zone: &'a TimeZone,
}

impl WebhookDisabled<'_> {
    fn since(&self) -> String {
        moment(self.since, self.zone)
    }
}

parts!(
    WebhookDisabled,
    "webhook_disabled/subject.txt",
    "webhook_disabled/body.txt",
    "webhook_disabled/body.html"
);
