//! Somebody is asked to take over the duty of being reminded.

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

/// Sent to the person whom the present holder of the duty has named. Until they accept, nothing changes.
#[derive(Clone, Debug)]
pub struct DutyOffered<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// Who hands the duty over.
    pub from: Line,
    /// Where it is accepted; whoever has it can accept, so the rendered mail is secret.
    pub accept_url: &'a Url,
    /// When the link ends.
    pub expires: Timestamp,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

impl DutyOffered<'_> {
    fn expires(&self) -> String {
        moment(self.expires, self.zone)
    }
}

parts!(
    DutyOffered,
    "duty_offered/subject.txt",
    "duty_offered/body.txt",
    "duty_offered/body.html"
);
