//! A page of users, read straight into what we keep. Directories are large and plans many: texts are borrowed from
//! the body, plans and licences are folded while they pass.

use crate::domain::directory::{ActivePlans, TeamsUser};
use crate::domain::email::EmailAddress;
use crate::domain::ids::TeamsUserId;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One page of users, folded into what we keep while it is read: neither plans nor licences are collected.
#[derive(Deserialize)]
pub(super) struct UserPage {
    #[serde(rename = "@odata.count")]
    pub(super) count: Option<u64>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
    pub(super) value: Users,
}

/// The enabled users of a page, and a hash of the id for each entry that it held.
pub(super) struct Users {
    pub(super) users: Vec<TeamsUser>,
    pub(super) marks: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireUser<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    /// Only in lists of changes.
    #[serde(rename = "@removed", default)]
    removed: Option<IgnoredAny>,
    #[serde(borrow)]
    display_name: Option<Text<'a>>,
    #[serde(borrow)]
    mail: Option<Text<'a>>,
    #[serde(borrow)]
    user_principal_name: Option<Text<'a>>,
    #[serde(borrow)]
    user_type: Option<Text<'a>>,
    #[serde(borrow)]
    usage_location: Option<Text<'a>>,
    account_enabled: Option<bool>,
    on_premises_sync_enabled: Option<bool>,
    #[serde(default)]
    assigned_licenses: AnyEntry,
    #[serde(default)]
    assigned_plans: Plans,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePlan<'a> {
    #[serde(borrow)]
    service_plan_id: Option<Text<'a>>,
    #[serde(borrow)]
    capability_status: Option<Text<'a>>,
    #[serde(borrow)]
    assigned_date_time: Option<Text<'a>>,
}

impl WireUser<'_> {
    /// Whose entry it is.
    pub(super) fn id(&self) -> Result<TeamsUserId, crate::domain::Invalid> {
        self.id.0.parse()
    }

    /// Deleted or disabled.
    pub(super) fn is_gone(&self) -> bool {
        self.removed.is_some() || self.account_enabled == Some(false)
    }

    /// Whether what every account has is there. Where it is not, what else is missing means nothing.
    pub(super) fn is_whole(&self) -> bool {
        self.account_enabled.is_some() && self.user_principal_name.is_some()
    }

    pub(super) fn into_user(self) -> Result<TeamsUser, crate::domain::Invalid> {
        let id: TeamsUserId = self.id.0.parse()?;
        let sign_in_name = self.user_principal_name.map(|name| name.0).unwrap_or_default();
        let email = self
            .mail
            .and_then(|mail| mail.0.parse().ok())
            .or_else(|| sign_in_name.parse().ok())
            .map_or_else(|| no_address(&id), Ok)?;
        let name = match self.display_name {
            Some(name) if !name.0.trim().is_empty() => name.0.into_owned(),
            _ if sign_in_name.is_empty() => id.to_string(),
            _ => sign_in_name.into_owned(),
        };
        Ok(TeamsUser {
            name,
            email,
            guest: self.user_type.is_some_and(|kind| kind.0.eq_ignore_ascii_case("Guest")),
            licensed: self.assigned_licenses.0,
            directory_synced: self.on_premises_sync_enabled.unwrap_or_default(),
            plans: self.assigned_plans.0,
            country: self
                .usage_location
                .filter(|place| place.0.len() == 2 && place.0.bytes().all(|b| b.is_ascii_alphabetic()))
                .map(|place| place.0.to_ascii_uppercase()),
            id,
        })
    }
}

fn mark(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// Some accounts have neither a mail address nor a sign-in name that a mail could be sent to (letters outside
/// ASCII, say). They stay in the list, under an address that belongs to nobody: the top level domain `invalid`
/// is reserved for that.
fn no_address(id: &TeamsUserId) -> Result<EmailAddress, crate::domain::Invalid> {
    format!("{id}@no-address.invalid").parse()
}

impl<'de> Deserialize<'de> for Users {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Users;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("users")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Users, A::Error> {
                let mut page = Users {
                    users: Vec::new(),
                    marks: Vec::new(),
                };
                while let Some(user) = entries.next_element::<WireUser<'de>>()? {
                    page.marks.push(mark(&user.id.0));
                    // We filter for it, but Microsoft passes over filters in silence at times.
                    if user.account_enabled != Some(false) {
                        page.users.push(user.into_user().map_err(A::Error::custom)?);
                    }
                }
                Ok(page)
            }
        }
        deserializer.deserialize_seq(Entries)
    }
}

/// A text, taken from the body without copying wherever it needs no unescaping.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// Whether a list has an entry; null is an empty list.
#[derive(Default)]
struct AnyEntry(bool);

impl<'de> Deserialize<'de> for AnyEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = AnyEntry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<AnyEntry, E> {
                Ok(AnyEntry(false))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<AnyEntry, A::Error> {
                let mut any = AnyEntry(false);
                while entries.next_element::<IgnoredAny>()?.is_some() {
                    any.0 = true;
                }
                Ok(any)
            }
        }
        deserializer.deserialize_any(Count)
    }
}

/// `assignedPlans`, each noted as it is read.
#[derive(Default)]
struct Plans(ActivePlans);

impl<'de> Deserialize<'de> for Plans {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fold;
        impl<'de> Visitor<'de> for Fold {
            type Value = Plans;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of plans")
            }
            fn visit_unit<E>(self) -> Result<Plans, E> {
                Ok(Plans::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Plans, A::Error> {
                let mut plans = ActivePlans::default();
                while let Some(plan) = entries.next_element::<WirePlan<'de>>()? {
                    if let (Some(mut id), Some(status)) = (plan.service_plan_id, plan.capability_status) {
                        if id.0.bytes().any(|b| b.is_ascii_uppercase()) {
                            id.0.to_mut().make_ascii_lowercase();
                        }
                        let assigned = plan.assigned_date_time.as_ref().map(|text| text.0.as_ref());
                        plans.note(&id.0, &status.0, assigned);
                    }
                }
                Ok(Plans(plans))
            }
        }
        deserializer.deserialize_any(Fold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(json: &str) -> TeamsUser {
        serde_json::from_str::<WireUser<'_>>(json).unwrap().into_user().unwrap()
    }

    #[test]
    fn a_user_is_folded_into_what_we_keep() {
        let user = user(
            r#"{"id":"2C0B6A1E-1111-4a11-9a11-0000000000a1","displayName":"Mara \"M\" Quist","accountEnabled":true,
            "userPrincipalName":"mara@bluefinch.example","mail":null,"userType":"Member","usageLocation":"us",
            "assignedLicenses":[{"skuId":"06ebc4ee-1bb5-47dd-8120-11324bc54e06","disabledPlans":[]}],"unknown":{"a":[1]},
            "assignedPlans":[
              {"assignedDateTime":"2026-01-05T09:00:00Z","capabilityStatus":"Enabled","service":"X","servicePlanId":"4828C8EC-dc2e-4779-b502-87ac9ce28ab7"},
              {"capabilityStatus":"Deleted","servicePlanId":"505e180f-f7e0-4b65-91d4-00d670bbd18c"},
              {"capabilityStatus":"newMember","servicePlanId":null}]}"#,
        );
        assert_eq!(user.id.as_str(), "2c0b6a1e-1111-4a11-9a11-0000000000a1");
        assert_eq!(user.name, "Mara \"M\" Quist");
        assert_eq!(user.email.as_str(), "mara@bluefinch.example");
        assert_eq!(user.country.as_deref(), Some("US"));
        assert!(user.licensed && !user.guest);
        assert!(user.plans.phone_system && !user.plans.credits);
    }

    #[test]
    fn a_user_without_an_address_keeps_a_name() {
        let user = user(
            r#"{"id":"2c0b6a1e-1111-4a11-9a11-0000000000a1","displayName":null,"userPrincipalName":"jürgen@bluefinch.example",
            "mail":"not an address","userType":"Guest","usageLocation":null,"assignedLicenses":null,"assignedPlans":null}"#,
        );
        assert_eq!(user.name, "jürgen@bluefinch.example");
        assert_eq!(
            user.email.as_str(),
            "2c0b6a1e-1111-4a11-9a11-0000000000a1@no-address.invalid"
        );
        assert!(user.guest && !user.licensed);
        assert_eq!(user.plans, ActivePlans::default());
    }

    #[test]
    fn a_user_without_a_usable_id_spoils_the_page() {
        assert!(serde_json::from_str::<UserPage>(r#"{"value":[{"id":"x"}]}"#).is_err());
        assert!(serde_json::from_str::<UserPage>(r#"{"@odata.count":0}"#).is_err());
    }
}
