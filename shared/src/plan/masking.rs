//! Takes people out of a text that others are to read: their names, the local part of addresses, all but the end of numbers.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use serde_json::Value;
use std::collections::BTreeSet;

/// The shortest name that is looked for; a shorter one is as likely a word.
const NAME_MIN: usize = 3;
/// The fewest digits that are a number of somebody.
const DIGITS_MIN: usize = 7;
/// Digits of a number that stay.
const DIGITS_SHOWN: usize = 4;

/// Knows whom to look for.
#[derive(Debug)]
pub struct Mask {
    names: AhoCorasick,
}

impl Mask {
    /// For these names. The same name is the same `person-…` everywhere.
    ///
    /// # Errors
    /// Where there are more names than can be looked for at once: some hundred million characters.
    pub fn new(names: BTreeSet<String>) -> Result<Self, BuildError> {
        let names = names.into_iter().filter(|name| name.chars().count() >= NAME_MIN);
        let names = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(names)?;
        Ok(Self { names })
    }

    /// Covers every text of a document; names of fields stay.
    pub fn cover(&self, document: &mut Value) {
        match document {
            Value::String(text) => *text = self.covered(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.cover(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.cover(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The text without people.
    #[must_use]
    pub fn covered(&self, text: &str) -> String {
        // Addresses first: a name may be part of one.
        numbers(&self.names(&addresses(text)))
    }

    fn names(&self, text: &str) -> String {
        let (mut covered, mut done) = (String::with_capacity(text.len()), 0);
        for found in self.names.find_iter(text) {
            let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            if inside(before.chars().next_back()) || inside(after.chars().next()) {
                continue;
            }
            covered.push_str(&text[done..found.start()]);
            covered.push_str(&format!("person-{}", found.pattern().as_usize() + 1));
            done = found.end();
        }
        covered.push_str(&text[done..]);
        covered
    }
}

/// `ann@bluefinch.example` becomes `…@bluefinch.example`.
fn addresses(text: &str) -> String {
    let local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let mut parts = text.split('@');
    let mut covered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let kept = covered.trim_end_matches(local).len();
        if kept < covered.len() && part.starts_with(char::is_alphanumeric) {
            covered.truncate(kept);
            covered.push('…');
        }
        covered.push('@');
        covered.push_str(part);
    }
    covered
}

/// `+32470123456` becomes `+…3456`.
fn numbers(text: &str) -> String {
    let mut parts = text.split('+');
    let mut covered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        covered.push('+');
        if digits >= DIGITS_MIN {
            covered.push('…');
            covered.push_str(&part[digits - DIGITS_SHOWN..]);
        } else {
            covered.push_str(part);
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_are_covered_and_nothing_else() {
        let mask = Mask::new(["Ann Lee", "Ann", "Al"].map(str::to_owned).into()).unwrap();
        for (text, covered) in [
            ("+ +32470123456 to Ann Lee", "+ +…3456 to person-2"),
            ("Ann, not Annex", "person-1, not Annex"),
            ("ann.lee+x@bluefinch.example signed in", "…@bluefinch.example signed in"),
            ("<ann@a.example>;bob@b.example", "<…@a.example>;…@b.example"),
            ("Also 2 users + 3 more @ noon", "Also 2 users + 3 more @ noon"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05+02:00"),
            ("Ünal@é.example", "…@é.example"),
        ] {
            assert_eq!(mask.covered(text), covered);
        }
        let mut document = json!({ "Ann": ["Ann", 5, { "deep": "to Ann Lee" }] });
        mask.cover(&mut document);
        assert_eq!(document, json!({ "Ann": ["person-1", 5, { "deep": "to person-2" }] }));
    }

    proptest::proptest! {
        #[test]
        fn no_text_keeps_a_name_an_address_or_a_number(before in "[a-z +@.]{0,20}", after in "[ ,;][a-z +@.]{0,20}") {
            let mask = Mask::new(["Zoë Zimmer".to_owned()].into()).unwrap();
            let text = format!("{before} Zoë Zimmer zoe77@x.example +32470123456{after}");
            let covered = mask.covered(&text);
            for own in ["Zoë Zimmer", "zoe77", "3247012"] {
                proptest::prop_assert!(!covered.contains(own), "{covered}");
            }
        }
    }
}
