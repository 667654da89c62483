//! Microsoft's JSON, as much as we read. Unknown fields and unknown enum members are let pass.

use crate::domain::directory::{ActivePlans, DirectoryUser};
use crate::domain::email::EmailAddress;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    #[serde(rename = "@odata.count")]
    pub(super) count: Option<u64>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
    pub(super) value: Vec<T>,
}

/// A single object comes bare, inside `value`, or as the only entry of a list in `value`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Single<T> {
    Wrapped { value: OneOrMany<T> },
    Bare(T),
}

/// A list comes as a list, or as its only entry.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> Single<T> {
    pub(super) fn into_inner(self) -> Option<T> {
        match self {
            Self::Bare(one) => Some(one),
            Self::Wrapped { value } => value.into_vec().pop(),
        }
    }
}

impl<T> OneOrMany<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireOrganization {
    pub(super) id: String,
    pub(super) display_name: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) verified_domains: Vec<WireDomain>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireDomain {
    pub(super) name: String,
    #[serde(default)]
    pub(super) is_default: bool,
    #[serde(default)]
    pub(super) is_initial: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireRole {
    #[serde(rename = "@odata.type")]
    pub(super) kind: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) role_template_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireGroup {
    pub(super) id: String,
    pub(super) display_name: Option<String>,
    pub(super) mail_nickname: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) group_types: Vec<String>,
    pub(super) security_enabled: Option<bool>,
    pub(super) membership_rule: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireMember {
    pub(super) id: TeamsUserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireNumber {
    pub(super) telephone_number: String,
    pub(super) number_type: Option<String>,
    pub(super) assignment_status: Option<String>,
    pub(super) assignment_target_id: Option<String>,
    pub(super) number_source: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct NumberList {
    #[serde(rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
    pub(super) value: OneOrMany<WireNumber>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignNumber<'a> {
    pub(super) telephone_number: &'a E164,
    pub(super) assignment_target_id: &'a TeamsUserId,
    pub(super) number_type: &'static str,
    pub(super) assignment_category: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnassignNumber<'a> {
    pub(super) telephone_number: &'a E164,
    pub(super) number_type: &'static str,
}

#[derive(Deserialize)]
pub(super) struct WireOperation {
    pub(super) status: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) numbers: Vec<WireOperationNumber>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireOperationNumber {
    pub(super) status: Option<String>,
    pub(super) status_detail: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PolicyIds {
    pub(super) value: OneOrMany<PolicyName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyName {
    pub(super) name: Option<String>,
    pub(super) policy_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct PolicyAssignments<'a> {
    pub(super) value: Vec<PolicyAssignment<'a>>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyAssignment<'a> {
    #[serde(rename = "@odata.type")]
    pub(super) kind: &'static str,
    pub(super) user_id: &'a TeamsUserId,
    pub(super) policy_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireConfiguration {
    pub(super) id: TeamsUserId,
    pub(super) account_type: Option<String>,
    pub(super) is_enterprise_voice_enabled: Option<bool>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) telephone_numbers: Vec<WireTelephoneNumber>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) effective_policy_assignments: Vec<WireEffectivePolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTelephoneNumber {
    pub(super) telephone_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireEffectivePolicy {
    pub(super) policy_type: Option<String>,
    pub(super) policy_assignment: Option<WirePolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePolicy {
    pub(super) display_name: Option<String>,
    pub(super) assignment_type: Option<String>,
    pub(super) policy_id: Option<String>,
}

/// A list, where null is an empty one.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A number as Microsoft writes it: with or without `+`, or with `tel:`. None for what is no plain E.164 number.
pub(super) fn number(text: &str) -> Option<E164> {
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    format!("+{digits}").parse().ok()
}

/// A policy's name without the prefix that Teams puts before it.
pub(super) fn policy_name(name: &str) -> &str {
    name.strip_prefix("Tag:").unwrap_or(name)
}

/// One page of users, folded into what we keep while it is read: neither plans nor licences are collected.
#[derive(Deserialize)]
pub(super) struct UserPage {
    #[serde(rename = "@odata.count")]
    pub(super) count: Option<u64>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
    pub(super) value: Users,
}

/// The users of a page, and how many entries it held.
pub(super) struct Users {
    pub(super) users: Vec<DirectoryUser>,
    pub(super) entries: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUser<'a> {
    #[serde(borrow)]
    id: Text<'a>,
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
}

impl WireUser<'_> {
    fn into_user(self) -> Result<DirectoryUser, crate::domain::Invalid> {
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
        Ok(DirectoryUser {
            name,
            email,
            guest: self.user_type.is_some_and(|kind| kind.0.eq_ignore_ascii_case("Guest")),
            licensed: self.assigned_licenses.0,
            plans: self.assigned_plans.0,
            country: self
                .usage_location
                .filter(|place| place.0.len() == 2 && place.0.bytes().all(|b| b.is_ascii_alphabetic()))
                .map(|place| place.0.to_ascii_uppercase()),
            id,
        })
    }
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
                    entries: 0,
                };
                while let Some(user) = entries.next_element::<WireUser<'de>>()? {
                    page.entries += 1;
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
                        plans.note(&id.0, &status.0);
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

    fn user(json: &str) -> DirectoryUser {
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

    #[test]
    fn numbers_are_read_with_and_without_plus() {
        assert_eq!(number("12061234567"), "+12061234567".parse().ok());
        assert_eq!(number("+12061234567"), number("tel:+12061234567"));
        assert_eq!(number("+12061234567;ext=12"), None);
        assert_eq!(policy_name("Tag:Carrier"), policy_name("Carrier"));
    }
}
