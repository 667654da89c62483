//! The invitation of a Global Admin: an unguessable link and a code that the person types (R034).

use super::ids::InvitationId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long an invitation can be accepted.
pub const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long nobody acts on an invitation before its reader gets a reminder of it.
pub const NUDGE_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);
/// How many codes may be tried before the invitation is closed.
pub const ATTEMPTS: u32 = 5;
/// How many wrong codes may come from one client network within `GUESS_WINDOW`, over all invitations and unknown links.
/// An office behind one address has room for its typing errors; 10,000 addresses get at most 200,000 codes looked at in an
/// hour, five of them at any one invitation.
pub const GUESSES: u32 = 20;
/// The hour begins with the first wrong code.
pub const GUESS_WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Letters of a code: no vowels and no look-alikes, so that it can be read out and never spells a word.
const ALPHABET: &[u8; 28] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
/// Characters of a code. There are 28^10 = 296,196,766,695,424 codes, a little more than 2^48, and `ATTEMPTS` of them are
/// compared for one invitation: somebody who has the link but not the code is let in with a chance of 1 in 59 million
/// millions. Without the link there is nothing to try a code on, and the link is 256 bits of chance of its own. So the
/// code need not be long, and the two together are far beyond the 128 bits that a single secret would need.
const CODE_LENGTH: usize = 10;

/// Where an invitation stands, in the order in which it moves: never back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum InvitationState {
    /// Written, the mail not yet accepted by SES.
    Queued,
    /// SES has the mail.
    Sent,
    /// The recipient's mail server has it.
    Delivered,
    /// The mail cannot be delivered, or its recipient does not want it.
    Bounced,
    /// The right code was entered.
    Opened,
    /// Too many wrong codes.
    Locked,
    /// Its time is over.
    Expired,
    /// The tenant is bound and the set-up goes on.
    Accepted,
    /// Taken back, or replaced by a newer one.
    Revoked,
}

/// Every state, in its order.
pub const STATES: [InvitationState; 9] = [
    InvitationState::Queued,
    InvitationState::Sent,
    InvitationState::Delivered,
    InvitationState::Bounced,
    InvitationState::Opened,
    InvitationState::Locked,
    InvitationState::Expired,
    InvitationState::Accepted,
    InvitationState::Revoked,
];

impl InvitationState {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Opened => "opened",
            Self::Locked => "locked",
            Self::Expired => "expired",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }

    /// The states that this one follows.
    #[must_use]
    pub fn earlier(self) -> Vec<Self> {
        STATES.into_iter().filter(|state| *state < self).collect()
    }
}

/// Why a mail does not reach a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// The recipient's mail server refused it for good, or the address bounced before.
    Bounce,
    /// The recipient marked it as unwanted.
    Complaint,
    /// SES took it and did not send it.
    Reject,
}

impl Trouble {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::Reject => "reject",
        }
    }
}

/// What a report about an invitation led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Noted {
    /// It is in a new state.
    Moved,
    /// It is there already, or further: the time is noted, once.
    Late,
    /// There is no such invitation.
    Unknown,
}

/// An invitation as we keep it: neither link nor code, only keyed hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Our key.
    pub id: InvitationId,
    /// HMAC-SHA-256 of the link's token, hex.
    pub link_hash: String,
    /// HMAC-SHA-256 of the code, hex.
    pub code_hash: String,
    /// Where it stood when it was last written; `at` knows what time has done to it since.
    pub state: InvitationState,
    /// When each state was reached first, as far as that was noted.
    pub reached: BTreeMap<InvitationState, Timestamp>,
    /// Why it bounced, where it did.
    pub trouble: Option<Trouble>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Wrong codes so far.
    pub wrong_codes: u32,
}

/// Why an invitation does not let a person in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Its seven days are over.
    Expired,
    /// Taken back, or replaced by a newer one.
    Revoked,
    /// Too many wrong codes.
    Locked,
    /// Already accepted.
    Accepted,
}

impl Invitation {
    /// A new one, whose mail has not left.
    #[must_use]
    pub fn new(id: InvitationId, link_hash: String, code_hash: String, now: Timestamp) -> Self {
        Self {
            id,
            link_hash,
            code_hash,
            state: InvitationState::Queued,
            reached: BTreeMap::from([(InvitationState::Queued, now)]),
            trouble: None,
            created: now,
            expires: now + LIFE,
            wrong_codes: 0,
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> InvitationState {
        match self.open(now) {
            Ok(()) => self.state,
            Err(Closed::Expired) => InvitationState::Expired,
            Err(Closed::Locked) => InvitationState::Locked,
            Err(Closed::Accepted) => InvitationState::Accepted,
            Err(Closed::Revoked) => InvitationState::Revoked,
        }
    }

    /// Every state that it has reached by `now`, with the time where one was noted.
    #[must_use]
    pub fn history(&self, now: Timestamp) -> BTreeMap<InvitationState, Timestamp> {
        let mut reached = self.reached.clone();
        if self.at(now) == InvitationState::Expired {
            reached.insert(InvitationState::Expired, self.expires);
        }
        reached
    }

    /// Whether a code may still be tried at `now`.
    ///
    /// # Errors
    /// Why not.
    pub fn open(&self, now: Timestamp) -> Result<(), Closed> {
        match self.state {
            InvitationState::Revoked => Err(Closed::Revoked),
            InvitationState::Accepted => Err(Closed::Accepted),
            InvitationState::Locked => Err(Closed::Locked),
            InvitationState::Expired => Err(Closed::Expired),
            InvitationState::Queued
            | InvitationState::Sent
            | InvitationState::Delivered
            | InvitationState::Bounced
            | InvitationState::Opened => {
                if self.wrong_codes >= ATTEMPTS {
                    Err(Closed::Locked)
                } else if self.expires <= now {
                    Err(Closed::Expired)
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// A code out of chance, as it is printed: `XXXXX-XXXXX`.
#[must_use]
pub fn code_from(chance: u128) -> String {
    let mut rest = chance;
    let mut code = String::with_capacity(CODE_LENGTH + 1);
    for at in 0..CODE_LENGTH {
        if at == CODE_LENGTH / 2 {
            code.push('-');
        }
        code.push(ALPHABET[(rest % ALPHABET.len() as u128) as usize] as char);
        rest /= ALPHABET.len() as u128;
    }
    code
}

/// What a person typed, in the form that is hashed: upper case, letters and digits only.
#[must_use]
pub fn normalised(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        let created = Timestamp::from_second(1_000_000).unwrap();
        Invitation {
            state: InvitationState::Sent,
            ..Invitation::new(InvitationId::mint(created, 1), String::new(), String::new(), created)
        }
    }

    #[test]
    fn r034_a_code_is_readable_and_forgiving() {
        let code = code_from(0x1234_5678_9abc_def0_1122_3344);
        assert_eq!(code.len(), 11);
        assert_eq!(normalised(&code.to_lowercase().replace('-', " ")), normalised(&code));
    }

    #[test]
    fn it_ends_after_seven_days_or_five_wrong_codes() {
        let sent = invitation();
        assert_eq!(sent.open(sent.created), Ok(()));
        assert_eq!(sent.open(sent.expires), Err(Closed::Expired));
        let tried = Invitation {
            wrong_codes: ATTEMPTS,
            ..invitation()
        };
        assert_eq!(tried.open(tried.created), Err(Closed::Locked));
        let replaced = Invitation {
            state: InvitationState::Revoked,
            ..invitation()
        };
        assert_eq!(replaced.open(replaced.created), Err(Closed::Revoked));
    }
    #[test]
    fn the_states_are_written_as_they_are_named_and_stand_in_their_order() {
        for state in STATES {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        assert!(STATES.is_sorted());
        assert_eq!(
            InvitationState::Delivered.earlier(),
            [InvitationState::Queued, InvitationState::Sent]
        );
        for trouble in [Trouble::Bounce, Trouble::Complaint, Trouble::Reject] {
            assert_eq!(serde_json::to_value(trouble).unwrap(), trouble.name());
        }
    }

    #[test]
    fn its_end_is_known_without_being_written() {
        let sent = invitation();
        let before = sent.expires - SignedDuration::from_secs(1);
        assert_eq!(sent.at(before), InvitationState::Sent);
        assert_eq!(sent.at(sent.expires), InvitationState::Expired);
        assert_eq!(
            sent.history(before).keys().collect::<Vec<_>>(),
            [&InvitationState::Queued]
        );
        assert_eq!(sent.history(sent.expires)[&InvitationState::Expired], sent.expires);
        for state in [
            InvitationState::Accepted,
            InvitationState::Revoked,
            InvitationState::Locked,
        ] {
            let ended = Invitation { state, ..invitation() };
            assert_eq!(ended.at(ended.expires), state, "what has ended before does not expire");
        }
        let guessed = Invitation {
            wrong_codes: ATTEMPTS,
            ..invitation()
        };
        assert_eq!(guessed.at(guessed.expires), InvitationState::Locked);
    }

    #[test]
    fn r034_the_code_space_is_what_the_arithmetic_says() {
        let codes = (ALPHABET.len() as u64).pow(CODE_LENGTH as u32);
        assert_eq!(codes, 296_196_766_695_424);
        assert!(codes > 1 << 48);
        assert!(codes / u64::from(ATTEMPTS) > 59_000_000_000_000 - 1);
    }
}
