//! A mail that is to be sent because something happened. It is kept with its cause, so that neither is without the other.

use super::email::EmailAddress;
use super::ids::{EnterpriseId, MailId};
use serde::{Deserialize, Serialize};

/// What a mail is about; its words are made when it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Letter {
    /// E4: the number of licences changed.
    LicencesChanged {
        /// Before; `None` is unlimited.
        previous: Option<u32>,
        /// After.
        updated: Option<u32>,
        /// How many users lose theirs.
        unlicensed: usize,
    },
    /// E5: the integration was removed.
    IntegrationRemoved {
        /// A final sync has to take back what is ours.
        final_sync: bool,
    },
    /// E6: to the former Global Admin.
    GlobalAdminReassigned,
    /// E7: to the new one.
    GlobalAdminAssigned,
    /// E1: the set-up is complete, and the first sync is to come.
    IntegrationActivation,
}

/// One mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Our key.
    pub id: MailId,
    /// Whom it is about.
    pub enterprise: EnterpriseId,
    /// To whom.
    pub to: EmailAddress,
    /// How they are greeted.
    pub recipient: String,
    /// What about.
    pub letter: Letter,
}

/// How far a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Posted {
    /// Written with its cause, not handed over yet.
    Queued,
    /// Somebody is handing it over. Where that somebody dies, it is not sent again: it may have left.
    Sending,
    /// SES has it.
    Sent,
}
