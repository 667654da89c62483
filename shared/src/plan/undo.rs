//! The way back from a run, by the mapping: the rows that lead to what was ours before it (decision 0026).

use super::mapping::Edit;
use crate::domain::change::Change;
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::mapping::{Mapping, Owned, Ownership};
use crate::domain::phone::E164;
use crate::domain::voice::VoiceUser;
use std::collections::{BTreeMap, BTreeSet};

/// What the way back rests on.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The changes of the run that are in place, in their order.
    pub applied: &'a [Change],
    /// What was ours of the users concerned before the run.
    pub before: &'a Ownership,
    /// What the run's plan made ours of each user.
    pub targets: &'a BTreeMap<TeamsUserId, Owned>,
    /// What is ours now.
    pub owned: &'a Ownership,
    /// Rows of the mapping as they are now.
    pub rows: &'a BTreeMap<VoiceUserId, Mapping>,
    /// Voice users of the account.
    pub voice_users: &'a BTreeMap<VoiceUserId, VoiceUser>,
}

/// Why somebody's mapping cannot be made what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Whose.
    pub user: TeamsUserId,
    /// Why.
    pub why: Why,
}

/// What moved on since the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A later run changed what the user has.
    ChangedAgain,
    /// Somebody mapped the user otherwise, and no run has applied that yet.
    MappedAgain,
    /// The number is no voice user's any more.
    NumberGone(E164),
    /// The voice user with the number is mapped to somebody whom the run did not change.
    MappedElsewhere {
        /// Which voice user.
        voice_user: VoiceUserId,
        /// To whom.
        to: TeamsUserId,
    },
}

/// The edits that make the mapping of everybody whose number the run changed what it was before; none where it is so already.
/// Whoever only had a number adopted stays as they are: nothing was changed for them.
///
/// # Errors
/// Everybody for whom the world has moved on.
pub fn undo(facts: &Facts<'_>) -> Result<Vec<Edit>, Vec<Blocked>> {
    let has = numbers_after(facts.applied);
    let mut row_of: BTreeMap<&TeamsUserId, &VoiceUserId> = BTreeMap::new();
    for row in facts.rows.values() {
        row_of.insert(&row.teams_user, &row.voice_user);
    }
    let number_of = |owned: Option<&Owned>| owned.and_then(|owned| owned.number.clone());
    let voice_number = |voice: &VoiceUserId| facts.voice_users.get(voice).and_then(|user| user.number.clone());
    let (mut back, mut away, mut blocked) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
    for (user, has) in &has {
        let before = number_of(facts.before.get(*user));
        let row = row_of.get(*user).copied();
        let mapped = row.and_then(voice_number);
        if mapped == before {
            continue;
        }
        let mut refuse = |why| {
            blocked.push(Blocked {
                user: (*user).clone(),
                why,
            });
        };
        if number_of(facts.owned.get(*user)) != has.cloned() {
            refuse(Why::ChangedAgain);
            continue;
        }
        if mapped != number_of(facts.targets.get(*user)) {
            refuse(Why::MappedAgain);
            continue;
        }
        away.extend(row);
        let Some(number) = before else { continue };
        match holder(facts, &number) {
            None => refuse(Why::NumberGone(number)),
            Some(voice) => {
                back.insert(voice, *user);
            }
        }
    }
    for (voice, user) in &back {
        if let Some(row) = facts.rows.get(*voice)
            && !has.contains_key(&row.teams_user)
        {
            blocked.push(Blocked {
                user: (*user).clone(),
                why: Why::MappedElsewhere {
                    voice_user: (*voice).clone(),
                    to: row.teams_user.clone(),
                },
            });
        }
    }
    if !blocked.is_empty() {
        return Err(blocked);
    }
    let away = away.into_iter().filter(|voice| !back.contains_key(voice));
    let away: Vec<Edit> = away.map(|voice| (voice.clone(), None)).collect();
    let back = back.into_iter();
    Ok(away
        .into_iter()
        .chain(back.map(|(voice, user)| (voice.clone(), Some(user.clone()))))
        .collect())
}

/// The number that each user has after these changes, of those whose number they changed.
fn numbers_after(applied: &[Change]) -> BTreeMap<&TeamsUserId, Option<&E164>> {
    let mut has = BTreeMap::new();
    for change in applied {
        match change {
            Change::Release { from, .. } => has.insert(from, None),
            Change::Assign { number, to, .. } => has.insert(to, Some(number)),
            Change::Adopt { .. } | Change::AdoptPolicy { .. } | Change::Revoke { .. } | Change::Grant { .. } => None,
        };
    }
    has
}

/// The voice user who has the number; where it is several, one that nobody is mapped to.
fn holder<'a>(facts: &Facts<'a>, number: &E164) -> Option<&'a VoiceUserId> {
    let all = facts.voice_users.values();
    let mut all = all.filter(|user| user.number.as_ref() == Some(number)).peekable();
    let first = all.peek().map(|user| &user.id);
    let free = all.find(|user| !facts.rows.contains_key(&user.id));
    free.map(|user| &user.id).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::voice::CallHandling;
    use crate::plan::sync::tests::{settled, wanted};
    use crate::plan::sync::{self, ObservedNumber, plan};

    const NUMBERS: [&str; 3] = ["+15550100101", "+15550100102", "+15550100103"];

    fn user(n: usize) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
    }

    fn voice(n: usize) -> VoiceUserId {
        format!("v{n}").parse().unwrap()
    }

    fn voice_users() -> BTreeMap<VoiceUserId, VoiceUser> {
        let one = |n: usize| VoiceUser {
            id: voice(n),
            name: format!("Voice {n}"),
            email: None,
            number: Some(NUMBERS[n].parse().unwrap()),
            extension: None,
            call_handling: CallHandling::Voicemail,
            country: None,
            music_on_hold: None,
            match_by_mail: false,
        };
        (0..3).map(|n| (voice(n), one(n))).collect()
    }

    /// Every mapping of three voice users to three Teams users.
    fn mappings() -> Vec<BTreeMap<VoiceUserId, Mapping>> {
        let row = |at: usize, to: usize| Mapping {
            voice_user: voice(at),
            teams_user: user(to),
            order: 0,
            by_mail: false,
        };
        let all = (0..64_usize).map(|n| [n % 4, n / 4 % 4, n / 16]);
        let alone = |to: &[usize; 3]| {
            let mapped: Vec<usize> = to.iter().copied().filter(|to| *to < 3).collect();
            BTreeSet::from_iter(&mapped).len() == mapped.len()
        };
        let rows = |to: [usize; 3]| {
            let mapped = to.into_iter().enumerate().filter(|(_, to)| *to < 3);
            mapped.map(|(at, to)| (voice(at), row(at, to))).collect()
        };
        all.filter(alone).map(rows).collect()
    }

    /// What is in place once a mapping is applied.
    fn applied(rows: &BTreeMap<VoiceUserId, Mapping>) -> Ownership {
        let voice_users = voice_users();
        let number = |row: &Mapping| voice_users[&row.voice_user].number.clone().unwrap();
        let owned = |row: &Mapping| (row.teams_user.clone(), wanted(number(row).as_str()).owned());
        rows.values().map(owned).collect()
    }

    fn facts_of(rows: &BTreeMap<VoiceUserId, Mapping>, ours: &Ownership) -> sync::Facts {
        let number = |owned: &Owned| owned.number.clone().unwrap();
        sync::Facts {
            wanted: applied(rows)
                .into_iter()
                .map(|(user, owned)| (user, wanted(number(&owned).as_str())))
                .collect(),
            users: (0..3)
                .map(|n| {
                    let held = ours.get(&user(n)).map(number);
                    (user(n), settled(held.as_ref().map(E164::as_str)))
                })
                .collect(),
            numbers: ours
                .iter()
                .map(|(user, owned)| {
                    let observed = ObservedNumber {
                        holder: Some(user.clone()),
                        ..ObservedNumber::default()
                    };
                    (number(owned), observed)
                })
                .collect(),
            ours: ours.clone(),
            ..sync::Facts::default()
        }
    }

    fn edited(rows: &BTreeMap<VoiceUserId, Mapping>, edits: Vec<Edit>) -> BTreeMap<VoiceUserId, Mapping> {
        let mut rows = rows.clone();
        for (voice_user, to) in edits {
            rows.remove(&voice_user);
            if let Some(teams_user) = to {
                let row = Mapping {
                    voice_user: voice_user.clone(),
                    teams_user,
                    order: 0,
                    by_mail: false,
                };
                rows.insert(voice_user, row);
            }
        }
        rows
    }

    /// Apply, then undo, gives rows and Teams as before, from every mapping to every other; and once more says nothing.
    #[test]
    fn the_way_back_leads_to_where_it_began() {
        let (mappings, voice_users) = (mappings(), voice_users());
        let mut worlds = 0;
        for first in &mappings {
            for second in &mappings {
                let (before, after) = (applied(first), applied(second));
                let forth = plan(&facts_of(second, &before));
                let facts = Facts {
                    applied: &forth.changes,
                    before: &before,
                    targets: &forth.targets,
                    owned: &after,
                    rows: second,
                    voice_users: &voice_users,
                };
                let rows = edited(second, undo(&facts).unwrap());
                assert_eq!(&rows, first, "from {second:?}");
                let back = plan(&facts_of(&rows, &after));
                let numbers = |changes: &[Change]| changes.iter().filter_map(Change::number).count();
                assert_eq!(numbers(&back.changes) == 0, numbers(&forth.changes) == 0);
                let again = Facts { rows: &rows, ..facts };
                assert_eq!(undo(&again), Ok(Vec::new()));
                worlds += 1;
            }
        }
        assert_eq!(worlds, 34 * 34);
    }

    fn ann_had_a_number(
        owned: &Ownership,
        rows: &BTreeMap<VoiceUserId, Mapping>,
        voice_users: &BTreeMap<VoiceUserId, VoiceUser>,
    ) -> Result<Vec<Edit>, Vec<Why>> {
        let before = Ownership::from([(user(0), wanted(NUMBERS[0]).owned())]);
        let facts = Facts {
            applied: &[Change::Release {
                number: NUMBERS[0].parse().unwrap(),
                from: user(0),
            }],
            before: &before,
            targets: &BTreeMap::from([(user(0), Owned::default())]),
            owned,
            rows,
            voice_users,
        };
        undo(&facts).map_err(|blocked| blocked.into_iter().map(|one| one.why).collect())
    }

    #[test]
    fn a_world_that_moved_on_is_left_alone() {
        let (none, all, nobody) = (BTreeMap::new(), voice_users(), Ownership::new());
        let row = |at: usize, to: usize| {
            let mut rows = mappings().into_iter().filter(|rows| rows.len() == 1);
            rows.find(|rows| rows.get(&voice(at)).is_some_and(|row| row.teams_user == user(to)))
                .unwrap()
        };
        let back = vec![(voice(0), Some(user(0)))];
        assert_eq!(ann_had_a_number(&nobody, &none, &all), Ok(back));
        let other = Ownership::from([(user(0), wanted(NUMBERS[1]).owned())]);
        assert_eq!(ann_had_a_number(&other, &none, &all), Err(vec![Why::ChangedAgain]));
        assert_eq!(ann_had_a_number(&nobody, &row(1, 0), &all), Err(vec![Why::MappedAgain]));
        let gone = Why::NumberGone(NUMBERS[0].parse().unwrap());
        assert_eq!(ann_had_a_number(&nobody, &none, &BTreeMap::new()), Err(vec![gone]));
        let elsewhere = Why::MappedElsewhere {
            voice_user: voice(0),
            to: user(1),
        };
        assert_eq!(ann_had_a_number(&nobody, &row(0, 1), &all), Err(vec![elsewhere]));
    }
}
