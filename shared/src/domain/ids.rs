//! One type per id, each showing its kind. Minted ids sort by their time of birth.

use super::Invalid;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An id of our own: a prefix and 26 characters (48 bits of milliseconds, 80 bits of chance).
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The kind, as every id of it begins.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, born at `now`, made unique by 80 of the `chance` bits.
            #[must_use]
            pub fn mint(now: Timestamp, chance: u128) -> Self {
                let ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
                Self(format!("{}{}", $prefix, ulid::Ulid::from_parts(ms, chance).to_string().to_lowercase()))
            }

            /// The text form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// When it was born; the beginning of time for one that was not minted here.
            #[must_use]
            pub fn born(&self) -> Timestamp {
                let ulid = ulid::Ulid::from_string(self.0.trim_start_matches($prefix)).unwrap_or_default();
                let ms = i64::try_from(ulid.timestamp_ms()).unwrap_or_default();
                Timestamp::from_millisecond(ms).unwrap_or_default()
            }
        }

        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let well_formed = text.strip_prefix($prefix).is_some_and(|rest| {
                    rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
                });
                if well_formed {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(Invalid::new(stringify!($name), concat!("expected ", $prefix, " and 26 letters or digits")))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// An id that Microsoft gives: a GUID, kept in lower case.
macro_rules! guid {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text form, lower case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id with these 16 bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                let mut text = String::with_capacity(36);
                for (at, byte) in bytes.iter().enumerate() {
                    if matches!(at, 4 | 6 | 8 | 10) {
                        text.push('-');
                    }
                    text.push_str(&format!("{byte:02x}"));
                }
                Self(text)
            }

            /// The 16 bytes of the GUID, in the order they are written.
            #[must_use]
            pub fn bytes(&self) -> [u8; 16] {
                let digits: Vec<u8> = self.0.bytes().filter(|b| *b != b'-').collect();
                let mut bytes = [0; 16];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
                    let value = |c: u8| (c as char).to_digit(16).unwrap_or_default() as u8;
                    *byte = value(pair[0]) * 16 + value(pair[1]);
                }
                bytes
            }
        }

        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let text = text.to_ascii_lowercase();
                let well_formed = text.len() == 36
                    && text.bytes().enumerate().all(|(at, b)| match at {
                        8 | 13 | 18 | 23 => b == b'-',
                        _ => b.is_ascii_hexdigit(),
                    });
                if well_formed { Ok(Self(text)) } else { Err(Invalid::new($what, "expected a GUID")) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Our own key for a customer company; the first part of every store key.
    EnterpriseId, "ent_"
}
id! {
    /// A partner who provisions enterprises.
    ResellerId, "res_"
}
id! {
    /// One invitation of a Global Admin.
    InvitationId, "inv_"
}
id! {
    /// One stored plan of an enterprise.
    PlanId, "plan_"
}
id! {
    /// One sync run of an enterprise.
    RunId, "run_"
}
id! {
    /// One entry of the audit trail.
    AuditId, "aud_"
}
impl AuditId {
    /// Before every entry.
    #[must_use]
    pub fn first() -> Self {
        Self::mint(Timestamp::UNIX_EPOCH, 0)
    }

    /// The very next place after this one.
    #[must_use]
    pub fn following(&self) -> Self {
        let place = ulid::Ulid::from_string(self.0.trim_start_matches(Self::PREFIX)).unwrap_or_default();
        let next = place.increment();
        let next = next.unwrap_or_else(|_| ulid::Ulid::from_parts(place.timestamp_ms() + 1, 0));
        Self(format!("{}{}", Self::PREFIX, next.to_string().to_lowercase()))
    }
}
id! {
    /// One mail that is to be sent.
    MailId, "mail_"
}
id! {
    /// An address that gets no more mail of a reseller; follows from the address.
    SuppressionId, "sup_"
}
id! {
    /// Something that a person at the reseller has to see to; follows from what it is about.
    TaskId, "task_"
}
guid! {
    /// Microsoft's tenant of an enterprise (`tid`).
    TenantId, "tenant"
}
guid! {
    /// A person or resource account in a tenant: Entra's object id (`oid`), equal to the Graph user id.
    TeamsUserId, "teamsUser"
}
guid! {
    /// An Entra group.
    GroupId, "group"
}
guid! {
    /// An application registered in Entra: its client id.
    ClientId, "clientId"
}

/// The voice platform's own key for a voice user: 1 to 64 letters, digits, `.`, `_`, `:`, `@` or `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VoiceUserId(String);

impl VoiceUserId {
    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VoiceUserId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b".-_:@".contains(&b);
        if (1..=64).contains(&text.len()) && text.bytes().all(fine) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("id", "expected 1 to 64 letters, digits or . _ : @ -"))
        }
    }
}

impl TryFrom<String> for VoiceUserId {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<VoiceUserId> for String {
    fn from(id: VoiceUserId) -> String {
        id.0
    }
}

impl fmt::Display for VoiceUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_id_parses_and_sorts_by_time() {
        let early = RunId::mint(Timestamp::from_millisecond(1_000).unwrap(), u128::MAX);
        let late = RunId::mint(Timestamp::from_millisecond(2_000).unwrap(), 0);
        assert!(early < late);
        assert_eq!(early.as_str().parse::<RunId>().unwrap(), early);
        assert!(early.as_str().parse::<PlanId>().is_err());
    }

    #[test]
    fn the_following_place_is_later_and_still_a_place() {
        let now = Timestamp::from_millisecond(1_000).unwrap();
        for place in [AuditId::first(), AuditId::mint(now, 7), AuditId::mint(now, u128::MAX)] {
            let next = place.following();
            assert!(next > place, "{next} {place}");
            assert_eq!(next.as_str().parse::<AuditId>().unwrap(), next);
        }
        assert_eq!(AuditId::mint(now, 7).following(), AuditId::mint(now, 8));
        assert_eq!(
            AuditId::mint(now, u128::MAX).following(),
            AuditId::mint(now + jiff::SignedDuration::from_millis(1), 0)
        );
    }

    #[test]
    fn a_guid_is_kept_in_lower_case() {
        let id: TenantId = "9F3C2B10-0000-4000-8000-00000000BF01".parse().unwrap();
        assert_eq!(id.as_str(), "9f3c2b10-0000-4000-8000-00000000bf01");
        assert_eq!(id.bytes()[0], 0x9f);
        assert_eq!(TenantId::from_bytes(id.bytes()), id);
        assert!("9f3c2b10".parse::<TenantId>().is_err());
    }
}
