//! Everything that is known to stand in the way, sorted by what it is about and counted, so that an enterprise with
//! thousands of users gets an answer of a few pages.

use super::scope::{Effect, Scope, scope};
use crate::domain::finding::{Code, Finding};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The most findings of one code that a report shows.
const SHOWN: usize = 20;
/// The most of one code alone.
const PAGE: usize = 100;

/// A finding, and when the fact was seen that it rests on; what is our own state is always of now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Noted {
    /// What.
    pub finding: Finding,
    /// When it was seen at Microsoft.
    pub seen_at: Option<Timestamp>,
}

/// All findings of one code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Which.
    pub code: Code,
    /// What it is about.
    pub scope: Scope,
    /// What it keeps from happening.
    pub effect: Effect,
    /// How many there are.
    pub count: usize,
    /// Some of them, by subject.
    pub shown: Vec<Noted>,
    /// Where the next part begins.
    pub next: Option<usize>,
}

/// A report: what stops the sync first, then by what it is about. Of `only` one code a page from `from` on; else the first
/// few of each. The same finding twice counts once.
#[must_use]
pub fn report(mut found: Vec<Noted>, only: Option<Code>, from: usize) -> Vec<Kind> {
    found.sort();
    found.sort_by(|a, b| a.finding.subject.cmp(&b.finding.subject));
    let mut by_code: BTreeMap<(Effect, Scope, Code), Vec<Noted>> = BTreeMap::new();
    for noted in found {
        let code = noted.finding.code;
        if only.is_some_and(|only| only != code) {
            continue;
        }
        let (scope, effect) = scope(code);
        let kind = by_code.entry((effect, scope, code)).or_default();
        if !kind
            .iter()
            .rev()
            .take(SHOWN)
            .any(|known| known.finding == noted.finding)
        {
            kind.push(noted);
        }
    }
    let most = if only.is_some() { PAGE } else { SHOWN };
    let kind = |((effect, scope, code), all): ((Effect, Scope, Code), Vec<Noted>)| {
        let count = all.len();
        Kind {
            code,
            scope,
            effect,
            count,
            shown: all.into_iter().skip(from).take(most).collect(),
            next: (from + most < count).then_some(from + most),
        }
    };
    by_code.into_iter().map(kind).collect()
}

/// Nothing is known that would stop the sync as a whole.
#[must_use]
pub fn ready(kinds: &[Kind]) -> bool {
    kinds.iter().all(|kind| kind.effect != Effect::StopsSync)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Actor;

    fn noted(code: Code, n: usize) -> Noted {
        Noted {
            finding: Finding {
                code,
                subject: format!("User {n:04}"),
                seen: "Seen.".into(),
                fix: "Fix.".into(),
                actor: Actor::GlobalAdmin,
                about: None,
                wait: None,
            },
            seen_at: None,
        }
    }

    #[test]
    fn three_thousand_of_a_kind_are_counted_and_shown_in_parts() {
        let many: Vec<Noted> = (0..3_000).rev().map(|n| noted(Code::NoPhoneSystem, n)).collect();
        let with_group = many
            .into_iter()
            .chain([noted(Code::GroupEmpty, 1), noted(Code::CountryMissing, 1)]);
        let found: Vec<Noted> = with_group.collect();
        let kinds = report(found.clone(), None, 0);
        let seen: Vec<_> = kinds
            .iter()
            .map(|kind| (kind.code, kind.count, kind.shown.len()))
            .collect();
        assert_eq!(
            seen,
            [
                (Code::GroupEmpty, 1, 1),
                (Code::NoPhoneSystem, 3_000, SHOWN),
                (Code::CountryMissing, 1, 1)
            ]
        );
        assert!(!ready(&kinds));
        let (mut subjects, mut from) = (Vec::new(), Some(0));
        while let Some(at) = from {
            let [kind] = &report(found.clone(), Some(Code::NoPhoneSystem), at)[..] else {
                panic!("one kind");
            };
            subjects.extend(kind.shown.iter().map(|noted| noted.finding.subject.clone()));
            from = kind.next;
        }
        assert_eq!(subjects.len(), 3_000);
        assert!(subjects.is_sorted());
    }

    #[test]
    fn the_same_thing_twice_counts_once() {
        let kinds = report(
            vec![noted(Code::CountryMissing, 1), noted(Code::CountryMissing, 1)],
            None,
            0,
        );
        assert_eq!((kinds[0].count, ready(&kinds)), (1, true));
    }
}
