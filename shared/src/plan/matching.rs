//! Who is proposed for a voice user because both have the same mail address (R123-R125). Never a guess: whatever is not
//! certain is no match, and says why.

use crate::domain::directory::TeamsUser;
use crate::domain::email::EmailAddress;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::folded::folded;
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::licence;
use crate::domain::mapping::{Mapping, Ownership};
use crate::domain::voice::VoiceUser;
use crate::plan::mapping::Cannot;
use std::collections::{BTreeMap, BTreeSet};

/// What is known when addresses are matched.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Voice users of the account.
    pub voice_users: &'a BTreeMap<VoiceUserId, VoiceUser>,
    /// Saved rows.
    pub rows: &'a BTreeMap<VoiceUserId, Mapping>,
    /// What holds licences besides them.
    pub held: &'a Ownership,
    /// Integration licences; `None` is unlimited.
    pub limit: Option<u32>,
    /// Everybody in the directory who has the address of one of the voice users, by it.
    pub people: &'a People,
}

/// Teams users by their address in small letters, each with the reason why they cannot be mapped, where there is one.
pub type People = BTreeMap<String, Vec<(TeamsUser, Option<Cannot>)>>;

/// An address as it is compared: R124 asks for equality, and case makes no difference in practice.
#[must_use]
pub fn key(email: &EmailAddress) -> String {
    email.as_str().to_ascii_lowercase()
}

/// What the address of an unmapped voice user leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// To this person, who is free.
    Match(TeamsUser),
    /// To this person, for whom no licence is left.
    OverLicense(TeamsUser),
    /// To this person, and the voice user has no number that could ring there.
    NoNumber(TeamsUser),
    /// To this person, who is mapped to another voice user.
    Taken(TeamsUser, VoiceUserId),
    /// To this person, who cannot be mapped.
    Cannot(TeamsUser, Cannot),
    /// To several people.
    Several(Vec<TeamsUser>),
    /// Other voice users have it, too.
    Shared(Vec<VoiceUserId>),
    /// To nobody.
    Nobody,
}

impl Outcome {
    /// Whom it leads to, where that is certain and allowed.
    #[must_use]
    pub fn matched(&self) -> Option<&TeamsUser> {
        match self {
            Self::Match(person) => Some(person),
            Self::OverLicense(_)
            | Self::NoNumber(_)
            | Self::Taken(..)
            | Self::Cannot(..)
            | Self::Several(_)
            | Self::Shared(_)
            | Self::Nobody => None,
        }
    }
}

/// The unmapped voice users with an address that `asked` lets through, and what their addresses lead to. Where licences
/// are short the first ones by name get them.
#[must_use]
pub fn outcomes(facts: &Facts<'_>, asked: impl Fn(&VoiceUser) -> bool) -> BTreeMap<VoiceUserId, Outcome> {
    let mut by_address: BTreeMap<String, Vec<&VoiceUserId>> = BTreeMap::new();
    for user in facts.voice_users.values() {
        if let Some(email) = &user.email {
            by_address.entry(key(email)).or_default().push(&user.id);
        }
    }
    let mapped: BTreeMap<&TeamsUserId, &VoiceUserId> = facts
        .rows
        .values()
        .map(|row| (&row.teams_user, &row.voice_user))
        .collect();
    let mut holders: BTreeSet<TeamsUserId> = licence::holders(facts.rows.values(), facts.held)
        .into_iter()
        .cloned()
        .collect();
    let mut unmapped: Vec<(&VoiceUser, String)> = facts
        .voice_users
        .values()
        .filter(|user| !facts.rows.contains_key(&user.id) && asked(user))
        .filter_map(|user| Some((user, key(user.email.as_ref()?))))
        .collect();
    unmapped.sort_by_cached_key(|(user, _)| (folded(&user.name), user.id.clone()));
    let mut outcomes = BTreeMap::new();
    for (user, address) in unmapped {
        let people = facts.people.get(&address).map_or(&[][..], Vec::as_slice);
        let sharing = by_address.get(&address).map_or(&[][..], Vec::as_slice);
        let outcome = match people {
            [] => Outcome::Nobody,
            [(person, why)] => match (mapped.get(&person.id), why) {
                (Some(by), _) => Outcome::Taken(person.clone(), (*by).clone()),
                (None, Some(why)) => Outcome::Cannot(person.clone(), *why),
                (None, None) if sharing.len() > 1 => {
                    let others = sharing.iter().filter(|other| **other != &user.id);
                    Outcome::Shared(others.map(|other| (*other).clone()).collect())
                }
                (None, None) if user.number.is_none() => Outcome::NoNumber(person.clone()),
                (None, None) => {
                    let room = facts.limit.is_none_or(|limit| holders.len() < limit as usize);
                    if room || holders.contains(&person.id) {
                        holders.insert(person.id.clone());
                        Outcome::Match(person.clone())
                    } else {
                        Outcome::OverLicense(person.clone())
                    }
                }
            },
            several => Outcome::Several(several.iter().map(|(person, _)| person.clone()).collect()),
        };
        outcomes.insert(user.id.clone(), outcome);
    }
    outcomes
}

/// What to do about a voice user whose address leads to nobody who can be mapped (R125, R216); nothing for a match. Without
/// addresses, since it is logged, too.
#[must_use]
pub fn finding(
    user: &VoiceUser,
    outcome: &Outcome,
    others: &dyn Fn(&VoiceUserId) -> String,
    contact: &str,
) -> Option<Finding> {
    const BY_HAND: &str = "or choose the Teams user by hand (Edit User)";
    let VoiceUser { name, .. } = user;
    let (code, seen, fix, about) = match outcome {
        Outcome::Match(_) => return None,
        Outcome::Nobody => (
            Code::EmailNoMatch,
            format!("No Teams user has the address of {name}."),
            format!(
                "Give the Teams user that address in Microsoft 365 and sync; or import {name} again with the Teams user's address (mode update); {BY_HAND}."
            ),
            None,
        ),
        Outcome::Several(people) => {
            let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
            (
                Code::EmailNoMatch,
                format!("Several Teams users have the address of {name}: {}.", names.join(", ")),
                format!("Give each an address of their own in Microsoft 365 and sync; {BY_HAND}."),
                None,
            )
        }
        Outcome::Shared(voices) => {
            let names: Vec<String> = voices.iter().map(others).collect();
            (
                Code::EmailNoMatch,
                format!(
                    "Other voice users have the address of {name}, too: {}.",
                    names.join(", ")
                ),
                format!("Leave the address with one of them only (mode update); {BY_HAND}."),
                None,
            )
        }
        Outcome::Taken(person, by) => (
            Code::EmailNoMatch,
            format!(
                "{} has the address of {name} and is mapped to {}.",
                person.name,
                others(by)
            ),
            format!(
                "Set {} to None, or correct the address of {name} (mode update).",
                others(by)
            ),
            Some(person),
        ),
        Outcome::Cannot(person, why) => (
            Code::EmailNoMatch,
            format!("{} has the address of {name} and {}.", person.name, why.seen()),
            why.fix().to_owned(),
            Some(person),
        ),
        Outcome::NoNumber(person) => (
            Code::NumberMissing,
            format!("{name} has no number, so nothing could ring at {}.", person.name),
            format!("Give {name} a number, then sync."),
            Some(person),
        ),
        Outcome::OverLicense(person) => (
            Code::OverLicense,
            format!("{} has the address of {name}, but all licenses are used.", person.name),
            format!("Ask {contact} for more licenses, or set users to None; then sync."),
            Some(person),
        ),
    };
    Some(Finding {
        code,
        subject: name.clone(),
        seen,
        fix,
        actor: Actor::AccountAdmin,
        about: about.map(|person| person.id.clone()),
        wait: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::{ActivePlans, Ineligible};
    use crate::domain::mapping::Owned;
    use crate::domain::voice::CallHandling;
    use proptest::prelude::*;

    fn voice(n: u8) -> VoiceUserId {
        format!("v{n}").parse().unwrap()
    }

    fn person(n: u8, email: &str) -> TeamsUser {
        TeamsUser {
            id: format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap(),
            name: format!("Person {n}"),
            email: email.parse().unwrap(),
            country: None,
            guest: false,
            licensed: true,
            directory_synced: false,
            plans: ActivePlans::default(),
        }
    }

    /// A small account: voice users `(number, address)`, people `(number, address)`, rows, owners, licences.
    struct Account {
        voices: Vec<(u8, &'static str)>,
        people: Vec<(u8, &'static str)>,
        mapped: Vec<(u8, u8)>,
        owned: Vec<u8>,
        limit: Option<u32>,
    }

    /// Person 9 has a calling plan; voice user 8 has no number.
    fn outcomes_of(account: &Account) -> BTreeMap<VoiceUserId, Outcome> {
        let user = |(n, email): &(u8, &str)| VoiceUser {
            id: voice(*n),
            name: format!("Voice {}", 9 - n),
            email: (!email.is_empty()).then(|| email.parse().unwrap()),
            number: (*n != 8).then(|| format!("+1555010012{n}").parse().unwrap()),
            extension: None,
            call_handling: CallHandling::Voicemail,
            country: None,
            music_on_hold: None,
            match_by_mail: true,
        };
        let mut people = People::new();
        for (n, email) in &account.people {
            let why = (*n == 9).then_some(Cannot::Ineligible(Ineligible::HasCallingPlan));
            let person = person(*n, email);
            people.entry(key(&person.email)).or_default().push((person, why));
        }
        let row = |(v, t): &(u8, u8)| Mapping {
            voice_user: voice(*v),
            teams_user: person(*t, "a@b.example").id,
            order: 0,
            by_mail: false,
        };
        let facts = Facts {
            voice_users: &account
                .voices
                .iter()
                .map(user)
                .map(|user| (user.id.clone(), user))
                .collect(),
            rows: &account
                .mapped
                .iter()
                .map(row)
                .map(|row| (row.voice_user.clone(), row))
                .collect(),
            held: &account
                .owned
                .iter()
                .map(|n| (person(*n, "a@b.example").id, Owned::default()))
                .collect(),
            limit: account.limit,
            people: &people,
        };
        outcomes(&facts, |user| user.match_by_mail)
    }

    fn check(account: &Account, expected: &str) {
        let shown = outcomes_of(account).into_iter().map(|(voice, outcome)| {
            let what = match outcome {
                Outcome::Match(person) => person.name.replace("Person ", ""),
                Outcome::OverLicense(_) => "over".into(),
                Outcome::NoNumber(_) => "no number".into(),
                Outcome::Taken(_, by) => format!("taken by {by}"),
                Outcome::Cannot(..) => "cannot".into(),
                Outcome::Several(people) => format!("{} people", people.len()),
                Outcome::Shared(voices) => format!("shared with {}", voices.len()),
                Outcome::Nobody => "nobody".into(),
            };
            format!("{voice}:{what}")
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected);
    }

    const NOBODY: Account = Account {
        voices: Vec::new(),
        people: Vec::new(),
        mapped: Vec::new(),
        owned: Vec::new(),
        limit: None,
    };

    #[test]
    fn r124_equal_addresses_match_whatever_their_case() {
        let account = Account {
            voices: vec![
                (1, "ann@x.example"),
                (2, "BOB@X.example"),
                (3, "eve@x.example"),
                (4, ""),
            ],
            people: vec![(1, "Ann@X.Example"), (2, "bob@x.example")],
            ..NOBODY
        };
        check(&account, "v1:1 v2:2 v3:nobody");
    }

    #[test]
    fn what_is_not_certain_is_no_match() {
        let account = Account {
            voices: vec![
                (1, "two@x.example"),
                (2, "two@x.example"),
                (3, "twins@x.example"),
                (4, "taken@x.example"),
                (5, "other@x.example"),
                (7, "calls@x.example"),
                (8, "silent@x.example"),
            ],
            people: vec![
                (1, "two@x.example"),
                (2, "twins@x.example"),
                (3, "twins@x.example"),
                (4, "taken@x.example"),
                (9, "calls@x.example"),
                (8, "silent@x.example"),
            ],
            mapped: vec![(5, 4)],
            ..NOBODY
        };
        check(
            &account,
            "v1:shared with 1 v2:shared with 1 v3:2 people v4:taken by v5 v7:cannot v8:no number",
        );
    }

    #[test]
    fn where_licences_are_short_the_first_by_name_get_them() {
        let account = Account {
            voices: vec![(1, "a@x.example"), (2, "b@x.example"), (3, "c@x.example")],
            people: vec![(1, "a@x.example"), (2, "b@x.example"), (3, "c@x.example")],
            limit: Some(2),
            ..NOBODY
        };
        // Voice 6 comes before Voice 7 and Voice 8.
        check(&account, "v1:over v2:2 v3:3");
        // R117: what is not released yet uses a licence, unless it is the same person again.
        check(
            &Account {
                owned: vec![5],
                ..account
            },
            "v1:over v2:over v3:3",
        );
        let account = Account {
            voices: vec![(1, "a@x.example")],
            people: vec![(1, "a@x.example")],
            owned: vec![1],
            limit: Some(1),
            ..NOBODY
        };
        check(&account, "v1:1");
    }

    proptest! {
        /// Matches never name a person twice, never take one who is mapped, and never use more licences than there are.
        #[test]
        fn matches_keep_the_rules_of_a_save(
            voices in prop::collection::btree_map(1_u8..9, 0_usize..4, 0..8),
            people in prop::collection::btree_map(1_u8..9, 0_usize..4, 0..8),
            mapped in prop::collection::btree_map(1_u8..9, 1_u8..9, 0..3),
            limit in prop::option::of(0_u32..5),
        ) {
            const ADDRESSES: [&str; 4] = ["a@x.example", "A@X.example", "b@x.example", "c@x.example"];
            let named = |pairs: BTreeMap<u8, usize>| pairs.into_iter().map(|(n, at)| (n, ADDRESSES[at])).collect();
            let account = Account { voices: named(voices), people: named(people), mapped: mapped.into_iter().collect(), owned: vec![], limit };
            let outcomes = outcomes_of(&account);
            let matched: Vec<&TeamsUser> = outcomes.values().filter_map(Outcome::matched).collect();
            let distinct: BTreeSet<&TeamsUserId> = matched.iter().map(|person| &person.id).collect();
            prop_assert_eq!(distinct.len(), matched.len());
            let taken: BTreeSet<TeamsUserId> = account.mapped.iter().map(|(_, t)| person(*t, "a@b.example").id).collect();
            prop_assert!(distinct.iter().all(|id| !taken.contains(*id)));
            if let Some(limit) = limit {
                prop_assert!(matched.is_empty() || taken.len() + matched.len() <= limit as usize);
            }
        }
    }
}
