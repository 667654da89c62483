//! Something that a person at the reseller has to see to.

use super::ids::{EnterpriseId, TaskId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of task it is. Of each kind there is one at a time for each thing that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum TaskKind {
    /// An invitation does not reach the person who is invited.
    InvitationUndelivered,
    /// Mails to the Global Admin of an enterprise do not arrive, and so no reminder does.
    AdminUnreachable,
    /// Reminders do not reach the person who has taken them over, or the second contact.
    ReminderUndelivered,
    /// The activation mail does not reach the reseller's own owner.
    ActivationUndelivered,
    /// Nobody knows whether a mail left; it is not sent again.
    MailUnknown,
    /// A mail cannot be sent as it is.
    MailRefused,
    /// Too many mails of the reseller come back: reminders and reports wait.
    MailHeld,
    /// A webhook took nothing for days and is switched off.
    WebhookDisabled,
    /// Reminders of an enterprise lead to nothing.
    RemindersIgnored,
    /// An invitation has ended, and nobody has accepted it.
    InvitationIgnored,
}

/// Every kind.
pub const TASK_KINDS: [TaskKind; 10] = [
    TaskKind::InvitationUndelivered,
    TaskKind::AdminUnreachable,
    TaskKind::ReminderUndelivered,
    TaskKind::ActivationUndelivered,
    TaskKind::MailUnknown,
    TaskKind::MailRefused,
    TaskKind::MailHeld,
    TaskKind::WebhookDisabled,
    TaskKind::RemindersIgnored,
    TaskKind::InvitationIgnored,
];

impl TaskKind {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvitationUndelivered => "invitationUndelivered",
            Self::AdminUnreachable => "adminUnreachable",
            Self::ReminderUndelivered => "reminderUndelivered",
            Self::ActivationUndelivered => "activationUndelivered",
            Self::MailUnknown => "mailUnknown",
            Self::MailRefused => "mailRefused",
            Self::MailHeld => "mailHeld",
            Self::WebhookDisabled => "webhookDisabled",
            Self::RemindersIgnored => "remindersIgnored",
            Self::InvitationIgnored => "invitationIgnored",
        }
    }

    /// What ends it, in words for whoever sees to it.
    #[must_use]
    pub fn fix(self) -> &'static str {
        match self {
            Self::InvitationUndelivered => {
                "Correct the address, or reassign the Global Admin role to somebody who can be reached. Where the address is right and takes mail again, lift its suppression and send the invitation again."
            }
            Self::AdminUnreachable => {
                "Reassign the Global Admin role to somebody who can be reached, or ask the Global Admin to let the mails through and then lift the suppression of the address."
            }
            Self::ReminderUndelivered => {
                "Reminders go to the Global Admin meanwhile. Give them back for good or correct the second contact, or let the mails through and lift the suppression of the address. Or close this task."
            }
            Self::ActivationUndelivered => {
                "Correct the owner's address, or lift its suppression and send the activation again."
            }
            Self::MailUnknown => {
                "Ask the recipient whether the mail arrived; where it did not, do again what caused it. Then close this task."
            }
            Self::MailRefused => {
                "Correct what the reason names and do again what caused the mail. Then close this task."
            }
            Self::WebhookDisabled => {
                "Repair what answers at the address and switch the webhook on again: it goes on where it stopped. Or delete it."
            }
            Self::MailHeld => {
                "Correct the addresses that mails come back from; the provider lets the reminders go again then."
            }
            Self::InvitationIgnored => {
                "Ask whether the mail arrived, correct the address or reassign the Global Admin role where it has to be, and send the invitation again."
            }
            Self::RemindersIgnored => {
                "Talk to the Global Admin, name a second contact, or give the role to somebody else. The task ends with the sync."
            }
        }
    }
}

/// One open task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Follows from kind, enterprise and key: what is open already is not opened twice.
    pub id: TaskId,
    /// What it is.
    pub kind: TaskKind,
    /// The enterprise that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<EnterpriseId>,
    /// What it is about: an address, the id of a mail, a web address.
    pub subject: String,
    /// What happened, in words.
    pub why: String,
    /// Since when it waits.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_written_as_they_are_named() {
        for kind in TASK_KINDS {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert!(kind.fix().ends_with('.'), "{kind:?}");
        }
    }
}
