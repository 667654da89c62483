//! An address that gets no more mail of a reseller: it came back for good, or its owner does not want it.

use super::email::EmailAddress;
use super::ids::{EnterpriseId, MailId, SuppressionId};
use super::invitation::Trouble;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One address, for one reseller. Another reseller's mails to it are another matter: it answers for its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Follows from the address, so that an address is stopped once.
    pub id: SuppressionId,
    /// The address.
    pub address: EmailAddress,
    /// What happened.
    pub cause: Trouble,
    /// When that was.
    pub since: Timestamp,
    /// The mail that it happened to.
    pub mail: MailId,
    /// The enterprise which that mail was about.
    pub enterprise: Option<EnterpriseId>,
}

impl Suppression {
    /// Why a mail to it does not leave, in words for the reseller.
    #[must_use]
    pub fn words(&self) -> String {
        let happened = match self.cause {
            Trouble::Bounce => "a mail to this address came back for good",
            Trouble::Complaint => "its owner marked a mail of this service as unwanted",
            Trouble::Reject => "the mail service does not send to it",
        };
        format!(
            "No mail goes to {}: {happened}. Correct the address, give the duty to somebody else, or lift the suppression once the cause is gone.",
            self.address
        )
    }
}
