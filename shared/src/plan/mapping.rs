//! What saving a mapping does: the rows to keep, or every reason why not. And what a sync will have to make true.

use crate::domain::brand::Brand;
use crate::domain::calling_policy::{CallingPolicy, routing_name};
use crate::domain::change::Why as ChangeWhy;
use crate::domain::directory::Ineligible;
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
    /// The chosen Teams users that are known.
    pub chosen: &'a BTreeMap<TeamsUserId, Candidate>,
    /// What earlier syncs put in place, and what one that goes on may put in place.
    pub owned: &'a Ownership,
    /// Integration licences; `None` is unlimited (R007).
    pub limit: Option<u32>,
    /// The order number of the next new row.
    pub next_order: u64,
    /// A sync makes the edits, because both sides have the same address.
    pub by_mail: bool,
    /// Imported voice users whom a person has set to `None`.
    pub set_to_none: &'a BTreeSet<VoiceUserId>,
}

/// A person of the tenant who was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `Name (email)`
    pub label: String,
    /// Why they cannot be mapped; `None` where they can.
    pub cannot: Option<Cannot>,
}

/// Why somebody we know cannot be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cannot {
    /// For what Microsoft says of them.
    Ineligible(Ineligible),
    /// They left the tenant or the chosen groups at that time.
    Left(Timestamp),
}

impl Cannot {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ineligible(Ineligible::NoPhoneSystem) => "NO_PHONE_SYSTEM",
            Self::Ineligible(Ineligible::HasCallingPlan) => "HAS_CALLING_PLAN",
            Self::Ineligible(Ineligible::HasCommCredits) => "HAS_COMM_CREDITS",
            Self::Ineligible(Ineligible::ResourceAccount) => "RESOURCE_ACCOUNT",
            Self::Ineligible(Ineligible::Guest) => "GUEST",
            Self::Left(_) => "TEAMS_USER_LEFT",
        }
    }

    /// What is seen of them, to go on after their name.
    #[must_use]
    pub fn seen(self) -> String {
        match self {
            Self::Ineligible(Ineligible::NoPhoneSystem) => "has no Teams Phone license".into(),
            Self::Ineligible(Ineligible::HasCallingPlan) => "has a calling plan".into(),
            Self::Ineligible(Ineligible::HasCommCredits) => "has Communications Credits".into(),
            Self::Ineligible(Ineligible::ResourceAccount) => "is a resource account".into(),
            Self::Ineligible(Ineligible::Guest) => "is a guest of another tenant".into(),
            Self::Left(at) => format!("left the tenant or the chosen groups (seen at {at})"),
        }
    }

    /// What to do, in a sentence.
    #[must_use]
    pub fn fix(self) -> &'static str {
        match self {
            Self::Ineligible(Ineligible::NoPhoneSystem) => {
                "Give them E5 or a Teams Phone license in Microsoft 365, then sync; or choose somebody else."
            }
            Self::Ineligible(Ineligible::HasCallingPlan) => {
                "Remove the calling plan in Microsoft 365, also where it is one of the apps of a bundle, then sync; or choose somebody else."
            }
            Self::Ineligible(Ineligible::HasCommCredits) => {
                "Remove the Communications Credits in Microsoft 365, then sync; or choose somebody else."
            }
            Self::Ineligible(Ineligible::ResourceAccount | Ineligible::Guest) => "Choose a person of the tenant.",
            Self::Left(_) => "Choose somebody else, or bring them back into a chosen group and sync.",
        }
    }
}

/// Why one edit was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A voice user that the account does not have.
    NoSuchVoiceUser,
    /// The same voice user in two edits.
    EditedTwice,
    /// A voice user without a number cannot ring in Teams.
    NoNumber,
    /// Nobody knows the Teams user.
    NoSuchTeamsUser,
    /// A Teams user who cannot be mapped.
    Cannot(Cannot),
    /// The Teams user is chosen for this voice user, too.
    Twice(VoiceUserId),
    /// No licence is left for it (R111).
    OverLicense,
}

/// One edit that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the edits, from 0.
    pub at: usize,
    /// Why.
    pub why: Why,
}

/// More Teams users than licences (R111).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// Licences needed.
    pub wanted: usize,
    /// Licences there are.
    pub limit: u32,
    /// Of those needed, the ones that the next sync frees (R117).
    pub pending_release: usize,
}

/// A save that was refused; nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// In the order of the edits.
    pub refusals: Vec<Refusal>,
    /// Where there are too few licences.
    pub over: Option<Over>,
}

/// The rows after a save.
#[derive(Debug, PartialEq, Eq)]
pub struct Saved {
    /// All rows.
    pub rows: BTreeMap<VoiceUserId, Mapping>,
    /// Imported voice users whom a person has set to `None`.
    pub set_to_none: BTreeSet<VoiceUserId>,
    /// How many rows differ from what they were, or are `None` now because somebody said so.
    pub changed: usize,
    /// The order number of the next new row.
    pub next_order: u64,
}

/// Applies a set of edits as a whole (R111, R113, R116, R117).
///
/// # Errors
/// Every refusal at once.
pub fn save(facts: &Facts<'_>, edits: &[Edit]) -> Result<Saved, Refused> {
    let mut refusals = Vec::new();
    let mut rows = facts.rows.clone();
    let mut set_to_none = facts.set_to_none.clone();
    set_to_none.retain(|voice| facts.voice_users.contains_key(voice));
    let mut next_order = facts.next_order;
    let mut places: BTreeMap<&VoiceUserId, usize> = BTreeMap::new();
    for (at, (voice, chosen)) in edits.iter().enumerate() {
        let mut refuse = |why| refusals.push(Refusal { at, why });
        if places.contains_key(voice) {
            refuse(Why::EditedTwice);
            continue;
        }
        places.insert(voice, at);
        let Some(voice_user) = facts.voice_users.get(voice) else {
            refuse(Why::NoSuchVoiceUser);
            continue;
        };
        let Some(teams) = chosen else {
            rows.remove(voice);
            // Otherwise the next sync would map an imported user again.
            if voice_user.match_by_mail {
                set_to_none.insert(voice.clone());
            }
            continue;
        };
        if rows.get(voice).is_some_and(|row| row.teams_user == *teams) {
            continue;
        }
        let mut fine = true;
        if voice_user.number.is_none() {
            refuse(Why::NoNumber);
            fine = false;
        }
        match facts.chosen.get(teams) {
            None => refuse(Why::NoSuchTeamsUser),
            Some(Candidate { cannot: Some(why), .. }) => refuse(Why::Cannot(*why)),
            Some(Candidate { cannot: None, .. }) if fine => {
                let row = Mapping {
                    voice_user: voice.clone(),
                    teams_user: teams.clone(),
                    order: next_order,
                    by_mail: facts.by_mail,
                };
                rows.insert(voice.clone(), row);
                set_to_none.remove(voice);
                next_order += 1;
            }
            Some(Candidate { cannot: None, .. }) => {}
        }
    }
    refusals.extend(twice(&rows, &places));
    let over = over_license(facts, &rows, &places, &mut refusals);
    if !refusals.is_empty() || over.is_some() {
        refusals.sort_by_key(|refusal| refusal.at);
        return Err(Refused { refusals, over });
    }
    let differs = |voice: &&VoiceUserId| {
        let none = facts.set_to_none.contains(*voice) != set_to_none.contains(*voice);
        none || facts.rows.get(*voice) != rows.get(*voice)
    };
    let changed = places.keys().filter(|voice| differs(voice)).count();
    Ok(Saved {
        rows,
        set_to_none,
        changed,
        next_order,
    })
}

/// Each edit whose Teams user another row has, too.
fn twice(rows: &BTreeMap<VoiceUserId, Mapping>, places: &BTreeMap<&VoiceUserId, usize>) -> Vec<Refusal> {
    let mut holders: BTreeMap<&TeamsUserId, Vec<&VoiceUserId>> = BTreeMap::new();
    for row in rows.values() {
        holders.entry(&row.teams_user).or_default().push(&row.voice_user);
    }
    let mut refusals = Vec::new();
    for voices in holders.values().filter(|voices| voices.len() > 1) {
        for voice in voices {
            let other = voices.iter().find(|other| *other != voice);
            if let (Some(at), Some(other)) = (places.get(*voice), other) {
                let why = Why::Twice((*other).clone());
                refusals.push(Refusal { at: *at, why });
            }
        }
    }
    refusals
}

/// A save that needs more licences than before, and more than there are, is refused. One that needs fewer is
/// welcome even while there are too many (R118, R129). The newest edits are those without a licence.
fn over_license(
    facts: &Facts<'_>,
    rows: &BTreeMap<VoiceUserId, Mapping>,
    places: &BTreeMap<&VoiceUserId, usize>,
    refusals: &mut Vec<Refusal>,
) -> Option<Over> {
    let limit = facts.limit?;
    let before = licence::holders(facts.rows.values(), facts.owned);
    let after = licence::holders(rows.values(), facts.owned);
    let wanted = after.len();
    if wanted <= limit as usize || wanted <= before.len() {
        return None;
    }
    let mut newest: Vec<&Mapping> = rows.values().filter(|row| !before.contains(&row.teams_user)).collect();
    newest.sort_by_key(|row| std::cmp::Reverse(row.order));
    let over = newest.into_iter().take(wanted - limit as usize);
    refusals.extend(over.filter_map(|row| {
        let at = *places.get(&row.voice_user)?;
        Some(Refusal {
            at,
            why: Why::OverLicense,
        })
    }));
    let mapped: BTreeSet<&TeamsUserId> = rows.values().map(|row| &row.teams_user).collect();
    Some(Over {
        wanted,
        limit,
        pending_release: wanted - mapped.len(),
    })
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
            ..Owned::default()
        }
    }

    /// All of it was given by us already.
    #[must_use]
    pub fn is_given(&self, owned: &Owned) -> bool {
        owned.number.as_ref() == Some(&self.number)
            && owned.calling_policy.as_ref() == Some(&self.calling_policy)
            && owned.routing_policy.as_ref() == Some(&self.routing_policy)
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

/// Why saved rows ask for nothing, by Teams user. Who is not in it has no row.
#[must_use]
pub fn asking_nothing(
    rows: &BTreeMap<VoiceUserId, Mapping>,
    voice_users: &BTreeMap<VoiceUserId, VoiceUser>,
    enterprise: &Enterprise,
    now: Timestamp,
) -> BTreeMap<TeamsUserId, ChangeWhy> {
    let unlicensed = licence::unlicensed(rows, enterprise.allowance(now));
    let why = |row: &Mapping| {
        let number = voice_users.get(&row.voice_user).and_then(|user| user.number.as_ref());
        if unlicensed.contains(&row.voice_user) {
            Some(ChangeWhy::Unlicensed)
        } else {
            number.is_none().then_some(ChangeWhy::NumberMissing)
        }
    };
    let nothing = rows
        .values()
        .filter_map(|row| Some((row.teams_user.clone(), why(row)?)));
    nothing.collect()
}

/// The Teams users for whom a sync has something to do (R114). Undoing a change before a sync empties it again.
#[must_use]
pub fn pending(wanted: &BTreeMap<TeamsUserId, Wanted>, owned: &Ownership) -> BTreeSet<TeamsUserId> {
    let differs = |user: &&TeamsUserId| {
        wanted.get(*user).map(Wanted::owned).unwrap_or_default()
            != owned.get(*user).map(Owned::given).unwrap_or_default()
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

    fn candidate(n: u8) -> Candidate {
        Candidate {
            label: format!("User {n}"),
            cannot: match n {
                7 => Some(Cannot::Ineligible(Ineligible::HasCallingPlan)),
                8 => Some(Cannot::Left(Timestamp::UNIX_EPOCH)),
                _ => None,
            },
        }
    }

    struct Account {
        rows: BTreeMap<VoiceUserId, Mapping>,
        voice_users: BTreeMap<VoiceUserId, VoiceUser>,
        chosen: BTreeMap<TeamsUserId, Candidate>,
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
                            by_mail: false,
                        },
                    )
                })
                .collect(),
            voice_users: (1..=9).map(|n| (voice(n), voice_user(n))).collect(),
            chosen: (1..=8).map(|n| (teams(n), candidate(n))).collect(),
            owned: owned.iter().map(|n| (teams(*n), Owned::default())).collect(),
            limit,
        }
    }

    fn try_save(account: &Account, edits: &[(u8, Option<u8>)]) -> Result<Saved, Refused> {
        let Account {
            rows,
            voice_users,
            chosen,
            owned,
            limit,
        } = account;
        let facts = Facts {
            rows,
            voice_users,
            chosen,
            owned,
            limit: *limit,
            next_order: 10,
            by_mail: false,
            set_to_none: &BTreeSet::new(),
        };
        let edits: Vec<Edit> = edits.iter().map(|(v, t)| (voice(*v), t.map(teams))).collect();
        save(&facts, &edits)
    }

    /// The rows after a save, or where and why it is refused: `1>1 2>2`, `1:Twice(..)`.
    fn check(account: &Account, edits: &[(u8, Option<u8>)], expected: &str) {
        let seen = match try_save(account, edits) {
            Ok(saved) => {
                let last = |text: &str| text.trim_start_matches(['0', 'v']).chars().last().unwrap_or('0');
                let rows = saved.rows.values();
                let rows =
                    rows.map(|row| format!("{}>{}", last(row.voice_user.as_str()), last(row.teams_user.as_str())));
                rows.collect::<Vec<_>>().join(" ")
            }
            Err(refused) => {
                let each = refused.refusals.iter().map(|one| format!("{}:{:?}", one.at, one.why));
                let over = refused
                    .over
                    .map(|it| format!("{} of {}, {} to come", it.wanted, it.limit, it.pending_release));
                each.chain(over).collect::<Vec<_>>().join(" ")
            }
        };
        assert_eq!(seen, expected, "{edits:?}");
    }

    #[test]
    fn r111_up_to_the_limit_and_not_beyond() {
        let empty = account(Some(2), &[], &[]);
        check(&empty, &[(1, Some(1)), (2, Some(2))], "1>1 2>2");
        check(
            &empty,
            &[(1, Some(1)), (2, Some(2)), (3, Some(3))],
            "2:OverLicense 3 of 2, 0 to come",
        );
        let unlimited = account(None, &[], &[]);
        check(&unlimited, &[(1, Some(1)), (2, Some(2)), (3, Some(3))], "1>1 2>2 3>3");
    }

    #[test]
    fn r117_a_freed_licence_waits_for_the_sync() {
        let synced = account(Some(1), &[(1, 1)], &[1]);
        check(&synced, &[(1, None)], "");
        check(&synced, &[(1, None), (2, Some(2))], "1:OverLicense 2 of 1, 1 to come");
        check(&account(Some(1), &[(1, 1)], &[]), &[(1, None), (2, Some(2))], "2>2");
    }

    #[test]
    fn r118_r129_fewer_is_always_welcome() {
        let crowded = account(Some(1), &[(1, 1), (2, 2), (3, 3)], &[]);
        check(&crowded, &[(3, None)], "1>1 2>2");
        check(&crowded, &[(4, Some(4))], "0:OverLicense 4 of 1, 0 to come");
    }

    #[test]
    fn a_swap_is_one_save() {
        let pair = account(Some(2), &[(1, 1), (2, 2)], &[1, 2]);
        check(&pair, &[(1, Some(2)), (2, Some(1))], "1>2 2>1");
        assert_eq!(try_save(&pair, &[(1, Some(2)), (2, Some(1))]).unwrap().changed, 2);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once_with_its_place() {
        let edits = [
            (2, Some(1)),
            (9, Some(3)),
            (3, Some(77)),
            (200, None),
            (4, None),
            (4, None),
            (5, Some(7)),
            (6, Some(8)),
            (7, Some(4)),
        ];
        check(
            &account(Some(1), &[(1, 1)], &[]),
            &edits,
            "0:Twice(VoiceUserId(\"v1\")) 1:NoNumber 2:NoSuchTeamsUser 3:NoSuchVoiceUser 5:EditedTwice \
             6:Cannot(Ineligible(HasCallingPlan)) 7:Cannot(Left(1970-01-01T00:00:00Z)) 8:OverLicense 2 of 1, 0 to come",
        );
    }

    #[test]
    fn two_edits_for_one_teams_user_are_both_named() {
        check(
            &account(None, &[], &[]),
            &[(1, Some(1)), (2, Some(1))],
            "0:Twice(VoiceUserId(\"v2\")) 1:Twice(VoiceUserId(\"v1\"))",
        );
    }

    #[test]
    fn r107_r116_none_unmaps_and_an_unchanged_row_counts_for_nothing() {
        let pair = account(None, &[(1, 1), (2, 2)], &[]);
        check(&pair, &[(1, Some(1)), (2, None)], "1>1");
        assert_eq!(try_save(&pair, &[(1, Some(1)), (2, None)]).unwrap().changed, 1);
    }

    #[test]
    fn who_cannot_be_chosen_anew_stays_where_they_are() {
        check(&account(None, &[(1, 7)], &[]), &[(1, Some(7)), (2, Some(2))], "1>7 2>2");
    }
}
