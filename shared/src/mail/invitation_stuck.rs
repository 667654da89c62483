//! An invitation does not reach its reader, or is not accepted: a task for the reseller (1.5 `INV_UNDELIVERED`).

use super::{Line, moment, parts};
use crate::domain::brand::Brand;
use crate::domain::invitation::Trouble;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Sent to the reseller.
#[derive(Clone, Debug)]
pub struct InvitationStuck<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The partner company.
    pub reseller: Line,
    /// The customer company.
    pub enterprise: Line,
    /// Who was invited.
    pub admin: Line,
    /// To which address.
    pub address: Line,
    /// When the invitation was sent.
    pub since: Timestamp,
    /// What became of it.
    pub why: Stuck,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// It does not reach a reader.
    Undelivered(Trouble),
    /// It arrived, as far as is known, and nobody has accepted it.
    NotAccepted,
}

impl InvitationStuck<'_> {
    fn since(&self) -> String {
        moment(self.since, self.zone)
    }

    fn seen(&self) -> &'static str {
        match self.why {
            Stuck::Undelivered(Trouble::Bounce) => "The mail server of that address refused it.",
            Stuck::Undelivered(Trouble::Complaint) => "Its recipient marked it as unwanted.",
            Stuck::Undelivered(Trouble::Reject) => "It was held back before it left.",
            Stuck::NotAccepted => "It has not been accepted so far.",
        }
    }

    /// Whether a second message to the same address could arrive.
    fn arrives(&self) -> bool {
        self.why == Stuck::NotAccepted
    }
}

parts!(
    InvitationStuck,
    "invitation_stuck/subject.txt",
    "invitation_stuck/body.txt",
    "invitation_stuck/body.html"
);
