//! The invitation of a Global Admin: an unguessable link and a code that the person types (R034).

use super::ids::InvitationId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long an invitation can be accepted.
pub const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many codes may be tried before the invitation is closed.
pub const ATTEMPTS: u32 = 5;
/// Letters of a code: no vowels and no look-alikes, so that it can be read out and never spells a word.
const ALPHABET: &[u8; 28] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
/// Characters of a code: 28^10 is more than 48 bits, tried at most five times behind a 128-bit link.
const CODE_LENGTH: usize = 10;

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum InvitationState {
    /// Written, the mail not yet accepted by SES.
    Queued,
    /// SES has the mail.
    Sent,
    /// The right code was entered.
    Opened,
    /// The tenant is bound and the set-up goes on.
    Accepted,
    /// A newer one replaced it.
    Revoked,
    /// Too many wrong codes.
    Locked,
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
    /// Where it stands.
    pub state: InvitationState,
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
    /// Replaced by a newer one.
    Revoked,
    /// Too many wrong codes.
    Locked,
    /// Already accepted.
    Accepted,
}

impl Invitation {
    /// Whether a code may still be tried at `now`.
    ///
    /// # Errors
    /// Why not.
    pub fn open(&self, now: Timestamp) -> Result<(), Closed> {
        match self.state {
            InvitationState::Revoked => Err(Closed::Revoked),
            InvitationState::Accepted => Err(Closed::Accepted),
            InvitationState::Locked => Err(Closed::Locked),
            InvitationState::Queued | InvitationState::Sent | InvitationState::Opened => {
                if self.expires <= now {
                    Err(Closed::Expired)
                } else if self.wrong_codes >= ATTEMPTS {
                    Err(Closed::Locked)
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
            id: InvitationId::mint(created, 1),
            link_hash: String::new(),
            code_hash: String::new(),
            state: InvitationState::Sent,
            created,
            expires: created + LIFE,
            wrong_codes: 0,
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
}
