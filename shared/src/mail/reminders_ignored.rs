//! Reminders lead to nothing: the reseller is asked to step in.

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Sent to the reseller after so many reminders without a sync.
#[derive(Clone, Debug)]
pub struct RemindersIgnored<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The partner company.
    pub reseller: Line,
    /// The customer company.
    pub enterprise: Line,
    /// The Global Admin, who alone can sync.
    pub admin: Line,
    /// How many reminders there were.
    pub reminders: u32,
    /// Since when something waits.
    pub since: Timestamp,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

impl RemindersIgnored<'_> {
    fn since(&self) -> String {
        moment(self.since, self.zone)
    }

    fn reminders(&self) -> String {
        match self.reminders {
            1 => "1 reminder".to_owned(),
            n => format!("{n} reminders"),
        }
    }
}

parts!(
    RemindersIgnored,
    "reminders_ignored/subject.txt",
    "reminders_ignored/body.txt",
    "reminders_ignored/body.html"
);
