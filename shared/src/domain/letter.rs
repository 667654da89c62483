//! A mail that is to be sent because something happened. It is kept with its cause, so that neither is without the other,
//! and how far it is can be seen for as long as its enterprise is kept.

use super::email::EmailAddress;
use super::ids::{EnterpriseId, InvitationId, MailId, ResellerId};
use super::mail_kind::MailKind;
use super::reminding::Part;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whoever took a mail and has not noted an end after this time has died: no function runs longer than fifteen minutes.
pub const HAND_OVER_LIFE: SignedDuration = SignedDuration::from_mins(16);

/// What a mail is about; its words are made when it is sent. None of these holds a secret: those of an invitation or an
/// activation follow from its id and the deployment's key, which only a sender has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Letter {
    /// E1: the set-up is complete, and the first sync is to come.
    IntegrationActivation,
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
    /// E8: the invitation, with link and code.
    Invitation {
        /// Which.
        invitation: InvitationId,
    },
    /// E9: the activation of a reseller's account, with its link.
    Activation {
        /// When the link ends; with the reseller it names the link.
        until: Timestamp,
    },
    /// A webhook of the reseller took nothing for days and is switched off.
    WebhookDisabled {
        /// The host of its address; the rest can hold a key.
        host: String,
        /// Since when nothing was taken.
        since: Timestamp,
        /// How often it was tried.
        tries: u32,
        /// How it failed last, such as `status 503`.
        problem: String,
    },
    /// E2 or E3: the reminder of a day.
    Reminder {
        /// The last sync had failed when it was claimed.
        failed: bool,
        /// In which part its reader is reminded.
        part: Part,
        /// So many went before it since anybody acted.
        reminders: u32,
    },
    /// To the reseller: reminders lead to nothing.
    RemindersIgnored {
        /// How many there were.
        reminders: u32,
        /// Since when something waits.
        since: Timestamp,
    },
    /// Somebody is asked to take the reminders over.
    DutyOffered {
        /// Who asks.
        by: String,
        /// When the offer ends.
        until: Timestamp,
    },
    /// Somebody has taken them over.
    DutyTaken {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// To the reseller: all its enterprises that wait.
    Digest,
    /// An invitation is not accepted yet.
    InvitationNudge {
        /// Which.
        invitation: InvitationId,
    },
    /// To the reseller: an invitation has ended, and nobody has accepted it.
    InvitationStuck {
        /// Which.
        invitation: InvitationId,
    },
}

/// How much a mail matters to what its reader does right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits for it, or has to know: it stops only where all mail stops.
    Transactional,
    /// It reminds or reports: it waits where a reseller's mails come back too often, and its reader can turn it away.
    Notice,
}

impl Letter {
    /// Which mail it is.
    #[must_use]
    pub fn kind(&self) -> MailKind {
        match self {
            Self::IntegrationActivation => MailKind::IntegrationActivation,
            Self::LicencesChanged { .. } => MailKind::LicensesChanged,
            Self::IntegrationRemoved { .. } => MailKind::IntegrationRemoved,
            Self::GlobalAdminReassigned => MailKind::GlobalAdminReassigned,
            Self::GlobalAdminAssigned => MailKind::GlobalAdminAssigned,
            Self::Invitation { .. } => MailKind::EnterpriseInvitation,
            Self::Activation { .. } => MailKind::ResellerActivation,
            Self::WebhookDisabled { .. } => MailKind::WebhookDisabled,
            Self::Reminder { failed: true, .. } => MailKind::SyncFailed,
            Self::Reminder { failed: false, .. } => MailKind::SyncRequired,
            Self::RemindersIgnored { .. } => MailKind::RemindersIgnored,
            Self::DutyOffered { .. } => MailKind::DutyOffered,
            Self::DutyTaken { .. } => MailKind::DutyTaken,
            Self::Digest => MailKind::ResellerDigest,
            Self::InvitationNudge { .. } => MailKind::InvitationNudge,
            Self::InvitationStuck { .. } => MailKind::InvitationStuck,
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn class(&self) -> Class {
        if self.kind().reminds() {
            Class::Notice
        } else {
            Class::Transactional
        }
    }

    /// The invitation that it carries.
    #[must_use]
    pub fn invitation(&self) -> Option<&InvitationId> {
        match self {
            Self::Invitation { invitation } => Some(invitation),
            Self::IntegrationActivation
            | Self::LicencesChanged { .. }
            | Self::IntegrationRemoved { .. }
            | Self::GlobalAdminReassigned
            | Self::GlobalAdminAssigned
            | Self::Activation { .. }
            | Self::WebhookDisabled { .. }
            | Self::Reminder { .. }
            | Self::RemindersIgnored { .. }
            | Self::DutyOffered { .. }
            | Self::DutyTaken { .. }
            | Self::Digest
            | Self::InvitationNudge { .. }
            | Self::InvitationStuck { .. } => None,
        }
    }
}

/// Whom a mail is about, and in whose part of the table it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Whose {
    /// An enterprise.
    Enterprise(EnterpriseId),
    /// A reseller itself.
    Reseller(ResellerId),
}

impl Whose {
    /// The enterprise, where it is about one.
    #[must_use]
    pub fn enterprise(&self) -> Option<&EnterpriseId> {
        match self {
            Self::Enterprise(id) => Some(id),
            Self::Reseller(_) => None,
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enterprise(id) => id.fmt(f),
            Self::Reseller(id) => id.fmt(f),
        }
    }
}

/// One mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Our key.
    pub id: MailId,
    /// Whom it is about.
    #[serde(alias = "enterprise")]
    pub whose: Whose,
    /// To whom.
    pub to: EmailAddress,
    /// How they are greeted.
    pub recipient: String,
    /// What about.
    pub letter: Letter,
    /// After this moment it is of no use and does not leave; a reminder belongs to its day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// How far a mail is. Reports about it move it forward in this order and never back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Posted {
    /// Written with its cause, not handed over yet.
    Queued,
    /// It waits for what its reason says: a limit, a pause, a sender's domain.
    Held,
    /// Somebody is handing it over. Where that somebody dies, it is not sent again: it may have left.
    Sending,
    /// Nobody knows whether it left. It is not sent again; a report may still tell.
    Unknown,
    /// SES has it.
    Sent,
    /// The recipient's mail server did not take it yet; SES goes on trying.
    Delayed,
    /// The recipient's mail server has it.
    Delivered,
    /// SES does not send it.
    Rejected,
    /// The recipient's mail server refused it for good.
    Bounced,
    /// The recipient marked it as unwanted.
    Complained,
    /// It never left: mails to that address are stopped.
    Suppressed,
    /// It never left: its moment is over, or something newer took its place.
    Lapsed,
}

/// Every state, in its order.
pub const POSTED: [Posted; 12] = [
    Posted::Queued,
    Posted::Held,
    Posted::Sending,
    Posted::Unknown,
    Posted::Sent,
    Posted::Delayed,
    Posted::Delivered,
    Posted::Rejected,
    Posted::Bounced,
    Posted::Complained,
    Posted::Suppressed,
    Posted::Lapsed,
];

impl Posted {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Suppressed => "suppressed",
            Self::Lapsed => "lapsed",
        }
    }

    /// The states that a report of this one moves on from: the mail may have left, and nothing later is known.
    #[must_use]
    pub fn reported_from(self) -> Vec<Self> {
        let left = |state: &Self| (Self::Sending..Self::Suppressed).contains(state) && *state < self;
        POSTED.into_iter().filter(left).collect()
    }

    /// It waits to be sent, and nothing of it can have left.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::Held)
    }

    /// It is on its way or arrived, or may be, as far as anybody knows.
    #[must_use]
    pub fn may_have_left(self) -> bool {
        (Self::Sending..Self::Suppressed).contains(&self)
    }
}

/// A mail as it is kept, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The mail.
    pub mail: Outgoing,
    /// How far it was when that was last written; `at` knows what time has done to it since.
    pub state: Posted,
    /// Why it is there, in words for people.
    pub why: Option<String>,
    /// When it was written.
    pub written: Timestamp,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// SES's own id of it, once known.
    pub message: Option<String>,
}

impl Posting {
    /// How far it is at `now`: a hand-over that nobody ends is one of which nobody knows.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Posted {
        let died = self.state == Posted::Sending && self.since.duration_until(now) >= HAND_OVER_LIFE;
        if died { Posted::Unknown } else { self.state }
    }

    /// Why it is where it is at `now`.
    #[must_use]
    pub fn why_at(&self, now: Timestamp) -> Option<&str> {
        if self.state == Posted::Sending && self.at(now) == Posted::Unknown {
            return Some(NOBODY_KNOWS);
        }
        self.why.as_deref()
    }
}

/// What is said of a mail whose hand-over had no end.
pub const NOBODY_KNOWS: &str =
    "It was being handed over when that stopped: it may have left, so it is not sent again. Ask the recipient.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_are_written_as_they_are_named_and_stand_in_their_order() {
        for state in POSTED {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        assert!(POSTED.is_sorted());
    }

    #[test]
    fn reports_move_forward_only_what_may_have_left() {
        for to in POSTED {
            for from in to.reported_from() {
                assert!(from < to && from.may_have_left(), "{from:?} {to:?}");
            }
        }
        assert_eq!(
            Posted::Delayed.reported_from(),
            [Posted::Sending, Posted::Unknown, Posted::Sent]
        );
        assert!(Posted::Complained.reported_from().contains(&Posted::Bounced));
        assert!(!Posted::Delivered.reported_from().contains(&Posted::Bounced));
    }

    #[test]
    fn a_mail_of_before_is_read_as_it_was_written() {
        let old = serde_json::json!({ "id": "mail_00000000000000000000000001", "enterprise": "ent_00000000000000000000000002",
            "to": "mara@bluefinch.example", "recipient": "Mara", "letter": "GlobalAdminAssigned" });
        let read: Outgoing = serde_json::from_value(old).unwrap();
        assert!(matches!(read.whose, Whose::Enterprise(_)), "{read:?}");
        let mine = serde_json::json!("res_00000000000000000000000002");
        assert!(matches!(serde_json::from_value(mine).unwrap(), Whose::Reseller(_)));
    }

    #[test]
    fn a_hand_over_without_an_end_is_unknown() {
        let since = Timestamp::from_second(1_000_000).unwrap();
        let posting = Posting {
            mail: Outgoing {
                id: MailId::mint(since, 1),
                whose: Whose::Enterprise(EnterpriseId::mint(since, 1)),
                to: "mara@bluefinch.example".parse().unwrap(),
                recipient: "Mara".into(),
                letter: Letter::GlobalAdminAssigned,
                until: None,
            },
            state: Posted::Sending,
            why: None,
            written: since,
            since,
            message: None,
        };
        assert_eq!(posting.at(since), Posted::Sending);
        assert_eq!(posting.why_at(since), None);
        let later = since + HAND_OVER_LIFE;
        assert_eq!(posting.at(later), Posted::Unknown);
        assert_eq!(posting.why_at(later), Some(NOBODY_KNOWS));
    }
}
