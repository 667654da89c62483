//! A page of users, read into what we keep while it comes. Directories are large and plans many: texts are borrowed
//! from the piece that came, plans and licences are folded while they pass.

use crate::domain::Invalid;
use crate::domain::directory::{ActivePlans, TeamsUser};
use crate::domain::email::EmailAddress;
use crate::domain::ids::TeamsUserId;
use crate::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A page of users.
#[derive(Debug)]
pub(super) struct UserPage {
    pub(super) count: Option<u64>,
    pub(super) next: Option<String>,
    /// The enabled ones.
    pub(super) users: Vec<TeamsUser>,
    /// A hash of the id for each entry that it held.
    pub(super) marks: Vec<u64>,
}

/// What is around the entries of a page.
#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "@odata.count")]
    count: Option<u64>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "value")]
    _value: [IgnoredAny; 0],
}

/// So much of a page is looked at at a time: enough that an entry which is cut in two, and read twice, is rare.
const AT_ONCE: usize = 64 * 1024;

/// Reads a page while it comes. A page of a thousand users with all their plans takes megabytes; what is kept of it is
/// a twentieth of that, and several pages are under way at once.
#[derive(Default)]
pub(super) struct PageReader {
    part: Part,
    /// What came and was not read yet.
    waiting: Vec<u8>,
    /// What is around the entries.
    frame: Vec<u8>,
    users: Vec<TeamsUser>,
    marks: Vec<u64>,
    broken: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Before,
    Entries,
    After,
}

impl PageReader {
    /// The next piece of the page.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
        if self.waiting.len() >= AT_ONCE {
            self.read();
        }
    }

    /// The page, when all of it has come.
    ///
    /// # Errors
    /// `Upstream` where it is not what we expect; the cause does not say what it holds.
    pub(super) fn finish(mut self, doing: &'static str) -> Result<UserPage> {
        self.read();
        self.frame.append(&mut self.waiting);
        let frame = serde_json::from_slice::<Frame>(&self.frame).ok();
        match frame.filter(|_| !self.broken && self.part == Part::After) {
            Some(frame) => Ok(UserPage {
                count: frame.count,
                next: frame.next,
                users: self.users,
                marks: self.marks,
            }),
            None => Err(Error::upstream(doing, "the page is not what we expect")),
        }
    }

    fn read(&mut self) {
        if self.part == Part::Before
            && let Some(begin) = list_begin(&self.waiting)
        {
            self.frame.extend_from_slice(&self.waiting[..begin]);
            self.waiting.drain(..begin);
            self.part = Part::Entries;
        }
        if self.part == Part::Entries {
            let waiting = std::mem::take(&mut self.waiting);
            let read = self.entries(&waiting);
            self.waiting = waiting;
            self.waiting.drain(..read);
        }
        if self.part == Part::After {
            self.frame.append(&mut self.waiting);
        }
    }

    /// Reads the entries that have come whole; how many bytes they take.
    fn entries(&mut self, text: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let rest = &text[at..];
            at += rest
                .iter()
                .take_while(|b| b.is_ascii_whitespace() || **b == b',')
                .count();
            match text.get(at) {
                Some(b']') => {
                    self.part = Part::After;
                    return at;
                }
                None => return at,
                Some(_) => {}
            }
            let mut entries = serde_json::Deserializer::from_slice(&text[at..]).into_iter::<WireUser<'_>>();
            match entries.next() {
                Some(Ok(user)) => {
                    self.keep(user);
                    at += entries.byte_offset();
                }
                Some(Err(error)) if error.is_eof() => return at,
                Some(Err(_)) | None => {
                    self.broken = true;
                    return text.len();
                }
            }
        }
    }

    fn keep(&mut self, user: WireUser<'_>) {
        self.marks.push(mark(&user.id.0));
        // We filter for it, but Microsoft passes over filters in silence at times.
        if user.account_enabled != Some(false) {
            match user.into_user() {
                Ok(user) => self.users.push(user),
                Err(_) => self.broken = true,
            }
        }
    }
}

/// Where the entries begin: behind the `[` of `"value"` in the outermost object.
fn list_begin(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_u32, 0);
    // The name that was read last, and whether it was followed by a colon.
    let mut value = false;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let start = at + 1;
                at = start;
                while *text.get(at)? != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                value = text[start..at] == *b"value";
            }
            b'[' if value && depth == 1 => return Some(at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b':' => {}
            byte if byte.is_ascii_whitespace() => {}
            _ => value = false,
        }
        at += 1;
    }
    None
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
    pub(super) fn id(&self) -> Result<TeamsUserId, Invalid> {
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

    pub(super) fn into_user(self) -> Result<TeamsUser, Invalid> {
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
fn no_address(id: &TeamsUserId) -> Result<EmailAddress, Invalid> {
    format!("{id}@no-address.invalid").parse()
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

    /// Reads a page that comes in pieces of so many bytes.
    fn page(text: &str, pieces: usize) -> Result<UserPage> {
        let mut reader = PageReader::default();
        for piece in text.as_bytes().chunks(pieces) {
            reader.waiting.extend_from_slice(piece);
            reader.read();
        }
        reader.finish("read the users")
    }

    const PAGE: &str = r#"{"@odata.context":"https://x/$metadata#users(value)","value2":[1,{"value":[]}],"a":"value",
        "@odata.count":3,"value" : [ {"id":"2c0b6a1e-1111-4a11-9a11-0000000000a1","displayName":"},{\"id\":[","accountEnabled":true,
        "assignedPlans":[{"servicePlanId":"x","capabilityStatus":"Enabled"},{}],"note":{"value":[{}]}},
        {"id":"2c0b6a1e-1111-4a11-9a11-0000000000a2","accountEnabled":false} ,
        {"id":"2c0b6a1e-1111-4a11-9a11-0000000000a3","displayName":"Zo\u00eb ]"}],"@odata.nextLink":"https://x/\"y"} "#;

    #[test]
    fn a_page_is_the_same_however_it_is_cut() {
        for pieces in 1..PAGE.len() {
            let page = page(PAGE, pieces).unwrap();
            let names: Vec<&str> = page.users.iter().map(|user| user.name.as_str()).collect();
            assert_eq!(names, [r#"},{"id":["#, "Zoë ]"], "{pieces}");
            assert_eq!((page.count, page.marks.len()), (Some(3), 3));
            assert_eq!(page.next.as_deref(), Some("https://x/\"y"));
        }
    }

    #[test]
    fn a_page_that_ends_early_is_none() {
        let whole = PAGE.trim_end();
        for end in 0..whole.len() {
            assert!(page(&whole[..end], 7).is_err(), "{}", &whole[..end]);
        }
        for bad in [
            r#"{"value":[{"id":"x"}]}"#,
            r#"{"@odata.count":0}"#,
            r#"{"value":null}"#,
            r#"{"value":{}}"#,
            r#"{"value":[1]}"#,
            r#"{"value":[]}{}"#,
            r#"{"value":[],"value":[]}"#,
            r#"{"value":[]]}"#,
            r#"{"value":[{"id":7}]}"#,
            r#"[{"value":[]}]"#,
            "<html>maintenance</html>",
            "",
        ] {
            assert!(page(bad, 5).is_err(), "{bad}");
        }
        assert!(page(r#"{"value":[]}"#, 1).unwrap().users.is_empty());
    }
}
