//! Microsoft's JSON, as much as we read. Unknown fields and unknown enum members are let pass.

use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use crate::io::http::Answer;
use crate::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};

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
    pub(super) country_letter_code: Option<String>,
    pub(super) default_usage_location: Option<String>,
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
    pub(super) membership_rule_processing_state: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireVisibility {
    pub(super) visibility: Option<String>,
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
pub(super) struct ConfigurationList {
    #[serde(rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
    pub(super) value: OneOrMany<WireConfiguration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTelephoneNumber {
    pub(super) assignment_category: Option<String>,
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
pub(super) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A number as Microsoft writes it: with or without `+`, or with `tel:`. None for what is no plain E.164 number.
pub(super) fn number(text: &str) -> Option<E164> {
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    format!("+{digits}").parse().ok()
}

/// What `$count` answers: a number in plain text, at times behind a byte order mark. Inside a batch it may be a number,
/// a text, or that text in base64.
pub(super) fn plain_number(answer: &Answer, doing: &'static str) -> Result<u64> {
    fn read(body: &[u8]) -> Option<u64> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = std::str::from_utf8(body).ok()?.trim().trim_matches('"');
        let text = text.trim_start_matches('\u{feff}');
        text.parse().ok()
    }
    let body = answer.body.trim_ascii();
    let packed = || {
        let text = body.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        read(&STANDARD.decode(text).ok()?)
    };
    read(body)
        .or_else(packed)
        .ok_or_else(|| Error::upstream(doing, "the count is no number"))
}

/// A policy's name without the prefix that Teams puts before it.
pub(super) fn policy_name(name: &str) -> &str {
    name.strip_prefix("Tag:").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_number_however_it_is_wrapped() {
        let check = |body: &[u8], expected: Option<u64>| {
            let answer = Answer {
                status: reqwest::StatusCode::OK,
                headers: reqwest::header::HeaderMap::new(),
                body: body.to_vec(),
            };
            assert_eq!(plain_number(&answer, "count").ok(), expected, "{body:?}");
        };
        check(b"12", Some(12));
        check(b"\xef\xbb\xbf12\r\n", Some(12));
        check(br#""12""#, Some(12));
        check("\"\u{feff}12\"".as_bytes(), Some(12));
        check(br#""MTI=""#, Some(12));
        check(br#""77u/MTI=""#, Some(12));
        for nothing in [&b""[..], b"-1", b"null", b"{}", br#""""#, b"<html>", b"1.5"] {
            check(nothing, None);
        }
    }

    #[test]
    fn numbers_are_read_with_and_without_plus() {
        assert_eq!(number("12061234567"), "+12061234567".parse().ok());
        assert_eq!(number("+12061234567"), number("tel:+12061234567"));
        assert_eq!(number("+12061234567;ext=12"), None);
        assert_eq!(policy_name("Tag:Carrier"), policy_name("Carrier"));
    }
}
