//! An invitation waits: a reminder to the person who was invited.

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

/// Sent to the invited Global Admin after some days without an answer.
#[derive(Clone, Debug)]
pub struct InvitationNudge<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// The company that invites.
    pub reseller: Line,
    /// When the invitation was sent.
    pub invited: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// A new link and code that replace those of the invitation; without them the reader looks for its message.
    pub fresh: Option<Fresh<'a>>,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

/// A link and a code that only this mail carries, so that the rendered mail is secret.
#[derive(Clone, Copy, Debug)]
pub struct Fresh<'a> {
    /// The `Invitation Code`.
    pub code: &'a str,
    /// Where `COMPLETE` leads.
    pub complete_url: &'a Url,
}

impl InvitationNudge<'_> {
    fn invited(&self) -> String {
        moment(self.invited, self.zone)
    }

    fn expires(&self) -> String {
        moment(self.expires, self.zone)
    }
}

parts!(
    InvitationNudge,
    "invitation_nudge/subject.txt",
    "invitation_nudge/body.txt",
    "invitation_nudge/body.html"
);
