//! A calling domain: a tenant's own name below a base domain of the session border controllers. Teams lets a route lead
//! there once the domain is verified in the tenant and a licensed account has signed up with it (facts of Direct Routing
//! for carriers).

use super::ids::{TeamsUserId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Entra takes no longer names.
pub const NAME_MAX: usize = 48;
/// What must be left for a tenant's label below a base domain: a letter, a hyphen and eight digits, so that even a
/// shortened label is the tenant's own.
pub const LABEL_ROOM: usize = 10;
const DIGITS: usize = 8;

/// A tenant's label below the base domains, of which the longest has `longest_base` letters: the first label of its initial
/// domain, or as much of it as fits, with the beginning of the tenant's id so that no two tenants get the same.
#[must_use]
pub fn label(initial: &str, tenant: &TenantId, longest_base: usize) -> String {
    let room = NAME_MAX.saturating_sub(longest_base + 1);
    if initial.len() <= room {
        return initial.to_owned();
    }
    let id = tenant.as_str().chars().filter(char::is_ascii_hexdigit);
    let digits: String = id.take(DIGITS).collect();
    let begins: String = initial.chars().take(room.saturating_sub(DIGITS + 1)).collect();
    format!("{}-{digits}", begins.trim_end_matches('-'))
}

/// The TXT record by which the tenant proves the domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TxtRecord {
    /// Where it belongs, such as `bluefinch.sbc1.voice.example`.
    pub name: String,
    /// What it says, such as `MS=ms12345678`.
    pub value: String,
    /// How long others may keep it, in seconds.
    pub ttl: u32,
}

/// The account that stands in the domain until Teams has noticed it (R147).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationAccount {
    /// Its user principal name.
    pub sign_in_name: String,
    /// Microsoft's id, once it is made.
    #[serde(default)]
    pub id: Option<TeamsUserId>,
    /// Since when it is there.
    #[serde(default)]
    pub made: Option<Timestamp>,
    /// The product whose licence it is given; noted before it is asked for.
    #[serde(default)]
    pub sku: Option<String>,
    /// Since when it has that licence.
    #[serde(default)]
    pub licensed: Option<Timestamp>,
}

/// What we remember of a calling domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallingDomain {
    /// In lower case.
    pub name: String,
    /// In which tenant.
    pub tenant: TenantId,
    /// We made it, or were about to; then it goes with us. What was there before us stays.
    pub ours: bool,
    /// Since when it is wanted.
    pub since: Timestamp,
    /// The record to publish, once Microsoft has said it.
    #[serde(default)]
    pub record: Option<TxtRecord>,
    /// Since when the record is known.
    #[serde(default)]
    pub asked: Option<Timestamp>,
    /// Since when it is verified.
    #[serde(default)]
    pub verified: Option<Timestamp>,
    /// The account that activates it, as long as there is one.
    #[serde(default)]
    pub account: Option<ActivationAccount>,
    /// Since when Teams lets a route lead there.
    #[serde(default)]
    pub active: Option<Timestamp>,
}

/// How far a calling domain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DomainState {
    /// The next sync makes it.
    Planned,
    /// The tenant does not see its TXT record yet.
    Unverified,
    /// It is the tenant's; no licensed account has signed up with it yet.
    Verified,
    /// Teams has not noticed the licensed account yet.
    Activating,
    /// It carries calls.
    Active,
}

impl CallingDomain {
    /// One that nothing is known of.
    #[must_use]
    pub fn new(name: &str, tenant: TenantId, ours: bool, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            tenant,
            ours,
            since: now,
            record: None,
            asked: None,
            verified: None,
            account: None,
            active: None,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> DomainState {
        let licensed = self.account.as_ref().and_then(|account| account.licensed);
        match (self.active, self.verified, licensed, &self.record) {
            (Some(_), ..) => DomainState::Active,
            (None, Some(_), Some(_), _) => DomainState::Activating,
            (None, Some(_), None, _) => DomainState::Verified,
            (None, None, _, Some(_)) => DomainState::Unverified,
            (None, None, _, None) => DomainState::Planned,
        }
    }

    /// The user principal name of the account that activates it; the same at every try.
    #[must_use]
    pub fn sign_in_name(&self) -> String {
        let label = self.name.split('.').next().unwrap_or_default();
        format!("activate-{label}@{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap()
    }

    #[test]
    fn a_label_stays_as_it_is_where_it_fits() {
        assert_eq!(label("bluefinch", &tenant(), 21), "bluefinch");
        let fits = "x".repeat(26);
        assert_eq!(label(&fits, &tenant(), 21), fits);
    }

    #[test]
    fn a_label_that_is_too_long_for_microsoft_is_shortened_to_one_of_its_own() {
        for length in 27..64 {
            let short = label(&"bluefinch-holdings-of-the-north".repeat(3)[..length], &tenant(), 21);
            assert!(short.len() + 1 + 21 <= NAME_MAX, "{short}");
            assert!(
                short.starts_with("bluefinch-holding") && short.ends_with("-9f3c2b10"),
                "{short}"
            );
        }
        let least = label("bluefinch-holdings", &tenant(), NAME_MAX - LABEL_ROOM - 1);
        assert_eq!((least.as_str(), least.len()), ("b-9f3c2b10", LABEL_ROOM));
    }

    #[test]
    fn how_far_it_is_follows_from_what_is_known() {
        let now = Timestamp::UNIX_EPOCH;
        let mut domain = CallingDomain::new("bluefinch.sbc1.a.example", tenant(), true, now);
        assert_eq!(domain.state(), DomainState::Planned);
        assert_eq!(domain.sign_in_name(), "activate-bluefinch@bluefinch.sbc1.a.example");
        domain.record = Some(TxtRecord {
            name: domain.name.clone(),
            value: "MS=ms1".into(),
            ttl: 3600,
        });
        assert_eq!(domain.state(), DomainState::Unverified);
        domain.verified = Some(now);
        assert_eq!(domain.state(), DomainState::Verified);
        domain.account = Some(ActivationAccount {
            sign_in_name: domain.sign_in_name(),
            id: None,
            made: None,
            sku: None,
            licensed: Some(now),
        });
        assert_eq!(domain.state(), DomainState::Activating);
        domain.active = Some(now);
        assert_eq!(domain.state(), DomainState::Active);
    }
}
