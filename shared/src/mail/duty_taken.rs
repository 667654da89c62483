//! Somebody has taken over the duty of being reminded.

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Sent to the person who has handed the duty over, once it is accepted.
#[derive(Clone, Debug)]
pub struct DutyTaken<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// Who has it now.
    pub by: Line,
    /// Since when.
    pub at: Timestamp,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

impl DutyTaken<'_> {
    fn at(&self) -> String {
        moment(self.at, self.zone)
    }
}

parts!(
    DutyTaken,
    "duty_taken/subject.txt",
    "duty_taken/body.txt",
    "duty_taken/body.html"
);
