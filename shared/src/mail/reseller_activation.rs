//! E9: the activation of a new reseller's account (R001, R194).

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

/// Sent to the owner of a reseller account when the provider has created it.
#[derive(Clone, Debug)]
pub struct ResellerActivation<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The partner company.
    pub reseller: Line,
    /// The activation link; whoever has it can activate, so the rendered mail is secret.
    pub activate_url: &'a Url,
    /// When the link ends.
    pub expires: Timestamp,
    /// The reader's zone.
    pub zone: &'a TimeZone,
}

impl ResellerActivation<'_> {
    fn expires(&self) -> String {
        moment(self.expires, self.zone)
    }
}

parts!(
    ResellerActivation,
    "reseller_activation/subject.txt",
    "reseller_activation/body.txt",
    "reseller_activation/body.html"
);
