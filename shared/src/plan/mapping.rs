//! What saving a mapping does: the rows to keep, or every reason why not. And what a sync will have to make true.

use crate::domain::brand::Brand;
use crate::domain::calling_policy::{CallingPolicy, routing_name};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::licence;
use crate::domain::mapping::{Mapping, Owned, Ownership};
use crate::domain::phone::E164;
use crate::domain::voice::VoiceUser;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One changed drop-down: a voice user and the chosen Teams user, or `None` for `None` and blank.
pub type Edit = (VoiceUserId, Option<TeamsUserId>);

/// What is known when a mapping is saved.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Rows as they are.
    pub rows: &'a BTreeMap<VoiceUserId, Mapping>,
    /// Voice users of the account.
    pub voice_users: &'a BTreeMap<VoiceUserId, VoiceUser>,
    /// Which of the chosen Teams users can be mapped, with their label.
    pub candidates: &'a BTreeMap<TeamsUserId, String>,
    /// What earlier syncs put in place.
    pub owned: &'a Ownership,
    /// Integration licences; `None` is unlimited (R007).
    pub limit: Option<u32>,
    /// The order number of the next new row.
    pub next_order: u64,
}

/// Why a save was refused; nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A voice user that the account does not have.
    NoSuchVoiceUser(VoiceUserId),
    /// A voice user without a number cannot ring in Teams.
    NoNumber(VoiceUserId),
    /// A Teams user who cannot be mapped: unknown, outside the filter or without the right licence.
    NotACandidate(VoiceUserId, TeamsUserId),
    /// A Teams user chosen for two voice users.
    Twice(TeamsUserId, VoiceUserId, VoiceUserId),
    /// The same voice user in two edits.
    EditedTwice(VoiceUserId),
    /// More Teams users than licences (R111).
    OverLicense {
        /// Licences needed.
        wanted: usize,
        /// Licences there are.
        limit: u32,
        /// Labels of the users who would be left out, newest edits first.
        over: Vec<String>,
    },
}

/// The rows after a save.
#[derive(Debug, PartialEq, Eq)]
pub struct Saved {
    /// All rows.
    pub rows: BTreeMap<VoiceUserId, Mapping>,
    /// Rows to write.
    pub put: Vec<Mapping>,
    /// Rows to delete.
    pub delete: Vec<VoiceUserId>,
    /// The order number of the next new row.
    pub next_order: u64,
}

/// Applies a set of edits as a whole (R111, R113, R116, R117).
///
/// # Errors
/// Every refusal at once.
pub fn save(facts: &Facts<'_>, edits: &[Edit]) -> Result<Saved, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut rows = facts.rows.clone();
    let mut next_order = facts.next_order;
    let mut edited = BTreeSet::new();
    for (voice, chosen) in edits {
        if !edited.insert(voice) {
            refusals.push(Refusal::EditedTwice(voice.clone()));
            continue;
        }
        let Some(voice_user) = facts.voice_users.get(voice) else {
            refusals.push(Refusal::NoSuchVoiceUser(voice.clone()));
            continue;
        };
        match chosen {
            None => {
                rows.remove(voice);
            }
            Some(teams) if rows.get(voice).is_some_and(|row| row.teams_user == *teams) => {}
            Some(teams) if !facts.candidates.contains_key(teams) => {
                refusals.push(Refusal::NotACandidate(voice.clone(), teams.clone()));
            }
            Some(_) if voice_user.number.is_none() => refusals.push(Refusal::NoNumber(voice.clone())),
            Some(teams) => {
                let row = Mapping {
                    voice_user: voice.clone(),
                    teams_user: teams.clone(),
                    order: next_order,
                };
                rows.insert(voice.clone(), row);
                next_order += 1;
            }
        }
    }
    let mut mapped: BTreeMap<&TeamsUserId, &VoiceUserId> = BTreeMap::new();
    for row in rows.values() {
        if let Some(other) = mapped.insert(&row.teams_user, &row.voice_user) {
            refusals.push(Refusal::Twice(
                row.teams_user.clone(),
                other.clone(),
                row.voice_user.clone(),
            ));
        }
    }
    refusals.extend(over_license(facts, &rows));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let put = rows
        .values()
        .filter(|row| facts.rows.get(&row.voice_user) != Some(row))
        .cloned()
        .collect();
    let delete = facts
        .rows
        .keys()
        .filter(|voice| !rows.contains_key(voice))
        .cloned()
        .collect();
    Ok(Saved {
        rows,
        put,
        delete,
        next_order,
    })
}

/// A save that needs more licences than before, and more than there are, is refused. One that needs fewer is
/// welcome even while there are too many (R118, R129).
fn over_license(facts: &Facts<'_>, rows: &BTreeMap<VoiceUserId, Mapping>) -> Option<Refusal> {
    let limit = facts.limit?;
    let before = licence::holders(facts.rows.values(), facts.owned);
    let after = licence::holders(rows.values(), facts.owned);
    let wanted = after.len();
    if wanted <= limit as usize || wanted <= before.len() {
        return None;
    }
    let mut newest: Vec<&Mapping> = rows.values().filter(|row| !before.contains(&row.teams_user)).collect();
    newest.sort_by_key(|row| std::cmp::Reverse(row.order));
    let over = newest
        .into_iter()
        .take(wanted - limit as usize)
        .map(|row| {
            facts
                .candidates
                .get(&row.teams_user)
                .cloned()
                .unwrap_or_else(|| row.teams_user.to_string())
        })
        .collect();
    Some(Refusal::OverLicense { wanted, limit, over })
}

/// What Teams should have for one Teams user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whose calls ring there.
    pub voice_user: VoiceUserId,
    /// The voice user's name, for people.
    pub name: String,
    /// The number.
    pub number: E164,
    /// The calling policy (R158).
    pub calling_policy: String,
    /// The voice routing policy.
    pub routing_policy: String,
}

impl Wanted {
    /// What will be ours once it is applied.
    #[must_use]
    pub fn owned(&self) -> Owned {
        Owned {
            number: Some(self.number.clone()),
            calling_policy: Some(self.calling_policy.clone()),
            routing_policy: Some(self.routing_policy.clone()),
        }
    }
}

/// What the saved rows ask of Teams at `now`. A row without a licence asks for nothing (R127). A voice user that lost its
/// number asks for nothing either; its name is in the second part.
#[must_use]
pub fn wanted(
    rows: &BTreeMap<VoiceUserId, Mapping>,
    voice_users: &BTreeMap<VoiceUserId, VoiceUser>,
    enterprise: &Enterprise,
    brand: &Brand,
    now: Timestamp,
) -> (BTreeMap<TeamsUserId, Wanted>, Vec<String>) {
    let mut wanted = BTreeMap::new();
    let mut without_number = Vec::new();
    let unlicensed = licence::unlicensed(rows, enterprise.allowance(now));
    for row in rows.values().filter(|row| !unlicensed.contains(&row.voice_user)) {
        let voice_user = voice_users.get(&row.voice_user);
        let Some((voice_user, number)) = voice_user.and_then(|user| Some((user, user.number.clone()?))) else {
            without_number.push(voice_user.map_or_else(|| row.voice_user.to_string(), |user| user.name.clone()));
            continue;
        };
        let policy = CallingPolicy {
            call_handling: voice_user.call_handling,
            pbx_music: voice_user.pbx_music(enterprise.settings.pbx_music_on_hold),
        };
        wanted.insert(
            row.teams_user.clone(),
            Wanted {
                voice_user: row.voice_user.clone(),
                name: voice_user.name.clone(),
                number,
                calling_policy: policy.name(brand),
                routing_policy: routing_name(brand),
            },
        );
    }
    (wanted, without_number)
}

/// The Teams users for whom a sync has something to do (R114). Undoing a change before a sync empties it again.
#[must_use]
pub fn pending(wanted: &BTreeMap<TeamsUserId, Wanted>, owned: &Ownership) -> BTreeSet<TeamsUserId> {
    let differs = |user: &&TeamsUserId| {
        wanted.get(*user).map(Wanted::owned).unwrap_or_default() != owned.get(*user).cloned().unwrap_or_default()
    };
    wanted.keys().chain(owned.keys()).filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::voice::CallHandling;

    fn teams(n: u8) -> TeamsUserId {
        format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
    }

    fn voice(n: u8) -> VoiceUserId {
        format!("v{n}").parse().unwrap()
    }

    struct Account {
        rows: BTreeMap<VoiceUserId, Mapping>,
        voice_users: BTreeMap<VoiceUserId, VoiceUser>,
        candidates: BTreeMap<TeamsUserId, String>,
        owned: Ownership,
        limit: Option<u32>,
    }

    fn account(limit: Option<u32>, mapped: &[(u8, u8)], owned: &[u8]) -> Account {
        let voice_user = |n: u8| VoiceUser {
            id: voice(n),
            name: format!("Voice {n}"),
            email: None,
            number: (n < 9).then(|| format!("+155501001{n:02}").parse().unwrap()),
            extension: None,
            call_handling: CallHandling::Voicemail,
            country: None,
            music_on_hold: None,
            match_by_mail: false,
        };
        Account {
            rows: mapped
                .iter()
                .map(|(v, t)| {
                    (
                        voice(*v),
                        Mapping {
                            voice_user: voice(*v),
                            teams_user: teams(*t),
                            order: 0,
                        },
                    )
                })
                .collect(),
            voice_users: (1..=9).map(|n| (voice(n), voice_user(n))).collect(),
            candidates: (1..=8).map(|n| (teams(n), format!("User {n}"))).collect(),
            owned: owned.iter().map(|n| (teams(*n), Owned::default())).collect(),
            limit,
        }
    }

    fn try_save(account: &Account, edits: &[(u8, Option<u8>)]) -> Result<Saved, Vec<Refusal>> {
        let Account {
            rows,
            voice_users,
            candidates,
            owned,
            limit,
        } = account;
        let facts = Facts {
            rows,
            voice_users,
            candidates,
            owned,
            limit: *limit,
            next_order: 10,
        };
        let edits: Vec<Edit> = edits.iter().map(|(v, t)| (voice(*v), t.map(teams))).collect();
        save(&facts, &edits)
    }

    #[test]
    fn r111_up_to_the_limit_and_not_beyond() {
        let empty = account(Some(2), &[], &[]);
        assert_eq!(try_save(&empty, &[(1, Some(1)), (2, Some(2))]).unwrap().put.len(), 2);
        let refused = try_save(&empty, &[(1, Some(1)), (2, Some(2)), (3, Some(3))]).unwrap_err();
        assert_eq!(
            refused,
            [Refusal::OverLicense {
                wanted: 3,
                limit: 2,
                over: vec!["User 3".into()]
            }]
        );
        assert!(
            try_save(&account(None, &[], &[]), &[(1, Some(1)), (2, Some(2)), (3, Some(3))]).is_ok(),
            "R007"
        );
    }

    #[test]
    fn r117_a_freed_licence_waits_for_the_sync() {
        let synced = account(Some(1), &[(1, 1)], &[1]);
        let freed = try_save(&synced, &[(1, None)]).unwrap();
        assert_eq!(freed.delete, [voice(1)]);
        assert!(matches!(
            try_save(&synced, &[(1, None), (2, Some(2))]).unwrap_err()[..],
            [Refusal::OverLicense { .. }]
        ));
        let never_synced = account(Some(1), &[(1, 1)], &[]);
        assert!(try_save(&never_synced, &[(1, None), (2, Some(2))]).is_ok());
    }

    #[test]
    fn r118_r129_fewer_is_always_welcome() {
        let crowded = account(Some(1), &[(1, 1), (2, 2), (3, 3)], &[]);
        assert!(try_save(&crowded, &[(3, None)]).is_ok());
        assert!(try_save(&crowded, &[(4, Some(4))]).is_err());
    }

    #[test]
    fn a_swap_is_one_save() {
        let saved = try_save(
            &account(Some(2), &[(1, 1), (2, 2)], &[1, 2]),
            &[(1, Some(2)), (2, Some(1))],
        )
        .unwrap();
        assert_eq!(saved.put.len(), 2);
    }

    #[test]
    fn refusals_are_collected_and_nothing_is_kept() {
        let refused = try_save(
            &account(None, &[(1, 1)], &[]),
            &[
                (2, Some(1)),
                (9, Some(3)),
                (3, Some(77)),
                (200, None),
                (4, None),
                (4, None),
            ],
        );
        let expected = [
            Refusal::NoNumber(voice(9)),
            Refusal::NotACandidate(voice(3), teams(77)),
            Refusal::NoSuchVoiceUser(voice(200)),
            Refusal::EditedTwice(voice(4)),
            Refusal::Twice(teams(1), voice(1), voice(2)),
        ];
        assert_eq!(refused.unwrap_err(), expected);
    }

    #[test]
    fn r107_r116_none_unmaps_and_an_unchanged_row_is_not_written() {
        let saved = try_save(&account(None, &[(1, 1), (2, 2)], &[]), &[(1, Some(1)), (2, None)]).unwrap();
        assert_eq!((saved.put.len(), saved.delete), (0, vec![voice(2)]));
    }
}
