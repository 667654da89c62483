//! What a person is told about each thing that can go wrong: one table for the pages of refusals and for the help
//! pages, found by our codes and by Microsoft's numbers.

mod microsofts;
mod ours;
mod people;

use microsofts::MICROSOFTS;
use ours::OURS;
use people::PEOPLE;

/// What Microsoft puts before its numbers.
const PREFIX: &str = "AADSTS";
/// Longer than a whole message of Microsoft's that somebody pastes.
const TYPED_MAX: usize = 4000;

/// One thing that can go wrong. Texts may have blanks: `{provider}`, `{expected}`, `{missing}`, `{has}`, `{left}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// Our code, or Microsoft's: numbers with `AADSTS` in front, and words of the protocol. The first is the main one.
    pub codes: &'static [&'static str],
    /// What is the matter.
    pub headline: &'static str,
    /// What happened.
    pub what: &'static str,
    /// The way out, in order.
    pub steps: &'static [&'static str],
    /// Who can help.
    pub who: &'static str,
    /// Where to read more: words, and an address.
    pub links: &'static [(&'static str, &'static str)],
}

impl Topic {
    /// Our code, or the first of Microsoft's.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.codes.first().copied().unwrap_or_default()
    }

    /// The numbers that Microsoft shows for it.
    #[must_use]
    pub fn numbers(&self) -> Vec<&'static str> {
        let numbers = self.codes.iter().copied();
        numbers.filter(|code| code.starts_with(PREFIX)).collect()
    }
}

/// What is known only when it happens.
#[derive(Clone, Debug)]
pub(crate) struct Blanks {
    /// Who can do what we cannot.
    pub(crate) provider: String,
    /// The recorded Global Admin.
    pub(crate) expected: String,
    /// Permissions.
    pub(crate) missing: String,
    /// Which roles the person has, as a sentence.
    pub(crate) has: String,
    /// How many tries are left, as a sentence.
    pub(crate) left: String,
}

impl Default for Blanks {
    fn default() -> Self {
        Self {
            provider: "your provider".into(),
            expected: "the recorded Global Admin".into(),
            missing: "some of the permissions that we list".into(),
            has: "Other administrator roles are not enough.".into(),
            left: "After five wrong tries the link is closed.".into(),
        }
    }
}

impl Blanks {
    /// A text without blanks. What is put into one is not read again.
    pub(crate) fn filled(&self, text: &str) -> String {
        let mut full = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            full.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            full.push_str(match name {
                "provider" => &self.provider,
                "expected" => &self.expected,
                "missing" => &self.missing,
                "has" => &self.has,
                "left" => &self.left,
                _ => "",
            });
            rest = after;
        }
        full.push_str(rest);
        full
    }
}

/// Our own topics, in the order of the way that people go.
#[must_use]
pub fn ours() -> &'static [Topic] {
    OURS
}

/// Microsoft's numbers, those first that people ask about most.
#[must_use]
pub fn microsofts() -> &'static [Topic] {
    MICROSOFTS
}

/// Why somebody cannot be mapped or called, in the order in which to look.
#[must_use]
pub fn people() -> &'static [Topic] {
    PEOPLE
}

/// The topic of a code.
#[must_use]
pub fn topic(code: &str) -> Option<&'static Topic> {
    let mut all = OURS.iter().chain(MICROSOFTS).chain(PEOPLE);
    all.find(|topic| topic.codes.contains(&code))
}

/// What is said where nothing better is known.
#[must_use]
pub fn generic() -> &'static Topic {
    &ours::GENERIC
}

/// Whether a text is a number of Microsoft's, so that a page may repeat it.
#[must_use]
pub fn is_number(code: &str) -> bool {
    let digits = code.strip_prefix(PREFIX).unwrap_or_default();
    (4..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The code that a person typed or pasted: one of ours, or the number in a message of Microsoft's.
#[must_use]
pub fn typed(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > TYPED_MAX {
        return None;
    }
    let upper = text.to_ascii_uppercase();
    if topic(&upper).is_some() {
        return Some(upper);
    }
    let after = upper.split_once(PREFIX).map_or(upper.as_str(), |(_, after)| after);
    let after = after.trim_start_matches([' ', ':', '-']);
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let number = format!("{PREFIX}{digits}");
    is_number(&number).then_some(number)
}
