//! E8: the invitation of an enterprise's Global Admin (R033-R041, R193).

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

/// Sent when a reseller has created an enterprise, and again when the invitation is renewed.
#[derive(Clone, Debug)]
pub struct EnterpriseInvitation<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// The company that invites.
    pub reseller: Line,
    /// The `Invitation Code` (R034); part of the mail, so the rendered mail is secret too.
    pub code: &'a str,
    /// Where `COMPLETE` leads (R033); works in any browser session (R041).
    pub complete_url: &'a Url,
    /// The page that explains consent and permissions (R038).
    pub permissions_url: &'a Url,
    /// When the invitation ends.
    pub expires: Timestamp,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

impl EnterpriseInvitation<'_> {
    fn expires(&self) -> String {
        moment(self.expires, self.zone)
    }
}

parts!(
    EnterpriseInvitation,
    "enterprise_invitation/subject.txt",
    "enterprise_invitation/body.txt",
    "enterprise_invitation/body.html"
);
