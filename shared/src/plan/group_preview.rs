//! What a choice of whose users are synchronised would mean: who is in, who is out, and whom it would unassign.

use crate::domain::folded::folded;
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::mapping::{Mapping, Ownership};
use crate::domain::permission::ReleaseLimit;
use crate::domain::phone::E164;
use crate::domain::sync_log::Counts;
use crate::domain::voice::VoiceUser;
use std::collections::{BTreeMap, BTreeSet};

/// How many names of a list are shown.
pub const SHOWN: usize = 10;

/// A number of people, and the first few of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// All of them.
    pub count: u64,
    first: BTreeSet<(String, String)>,
}

impl People {
    /// So many, of whom nobody is named yet.
    #[must_use]
    pub fn so_many(count: u64) -> Self {
        Self {
            count,
            first: BTreeSet::new(),
        }
    }

    /// One more person.
    pub fn add(&mut self, label: &str) {
        self.count += 1;
        self.name(label);
    }

    /// The name of somebody who is counted already.
    pub fn name(&mut self, label: &str) {
        self.first.insert((folded(label), label.to_owned()));
        if self.first.len() > SHOWN {
            self.first.pop_last();
        }
    }

    /// The first few, by name.
    pub fn first(&self) -> impl Iterator<Item = &str> {
        self.first.iter().map(|(_, label)| label.as_str())
    }
}

/// The people in a group, as they were just read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InGroup {
    /// So many enabled accounts.
    People(u64),
    /// There is no such group any more.
    Gone,
    /// The group hides its members from applications.
    Hidden,
}

/// A mapped person who would be outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unassigned {
    /// The voice user.
    pub voice_user: VoiceUserId,
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: Option<E164>,
    /// The Teams user.
    pub teams_user: TeamsUserId,
}

/// What a choice would mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// It is in force already.
    pub same: bool,
    /// The chosen groups by name, with who is in them.
    pub groups: Vec<(String, InGroup)>,
    /// Enabled accounts inside, guests left out.
    pub inside: People,
    /// Enabled accounts outside.
    pub outside: People,
    /// Of those inside, the ones who are not synchronised now.
    pub joining: People,
    /// Who is synchronised now and would not be any more.
    pub leaving: People,
    /// The figures that a sync would log; absent where everyone is inside and nobody read them all.
    pub figures: Option<Counts>,
    /// Mapped people who would be outside.
    pub unassigned: Vec<Unassigned>,
    /// How many numbers that we gave would be taken back.
    pub releases: usize,
    /// So many are held until somebody approves them.
    pub approval: bool,
}

impl Preview {
    /// Chosen groups because of which a sync would stop (R087).
    pub fn stops(&self) -> impl Iterator<Item = &(String, InGroup)> {
        self.groups
            .iter()
            .filter(|(_, people)| !matches!(people, InGroup::People(1..)))
    }
}

/// Which mapped people would be outside, and what a sync would take back for it.
#[must_use]
pub fn unassigned(
    rows: &BTreeMap<VoiceUserId, Mapping>,
    voice_users: &BTreeMap<VoiceUserId, VoiceUser>,
    owned: &Ownership,
    filter: &GroupFilter,
    inside: &BTreeSet<[u8; 16]>,
    limit: ReleaseLimit,
) -> (Vec<Unassigned>, usize, bool) {
    if !matches!(filter, GroupFilter::Groups(_)) {
        return (Vec::new(), 0, false);
    }
    let outside = |user: &TeamsUserId| !inside.contains(&user.bytes());
    let mut unassigned: Vec<Unassigned> = rows
        .values()
        .filter(|row| outside(&row.teams_user))
        .map(|row| {
            let user = voice_users.get(&row.voice_user);
            Unassigned {
                voice_user: row.voice_user.clone(),
                name: user.map_or_else(|| row.voice_user.to_string(), |user| user.name.clone()),
                number: user.and_then(|user| user.number.clone()),
                teams_user: row.teams_user.clone(),
            }
        })
        .collect();
    unassigned.sort_by_cached_key(|one| (folded(&one.name), one.voice_user.clone()));
    let releases = owned
        .iter()
        .filter(|(user, owned)| owned.number.is_some() && outside(user))
        .count();
    (unassigned, releases, releases > limit.free(owned.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::Owned;

    fn teams(n: u8) -> TeamsUserId {
        TeamsUserId::from_bytes([n; 16])
    }

    fn row(n: u8) -> (VoiceUserId, Mapping) {
        let voice: VoiceUserId = format!("v{n}").parse().unwrap();
        let row = Mapping {
            voice_user: voice.clone(),
            teams_user: teams(n),
            order: u64::from(n),
            by_mail: false,
        };
        (voice, row)
    }

    fn owned(n: u8) -> (TeamsUserId, Owned) {
        let number = format!("+1555010{n:04}").parse().unwrap();
        let owned = Owned {
            number: Some(number),
            ..Owned::default()
        };
        (teams(n), owned)
    }

    #[test]
    fn the_first_few_are_named_by_name_and_all_are_counted() {
        let mut people = People::default();
        for n in (0..30).rev() {
            people.add(&format!("Person {n:02}"));
        }
        people.add("ärger");
        assert_eq!(people.count, 31);
        let first: Vec<&str> = people.first().collect();
        assert_eq!((first.len(), first[0], first[9]), (SHOWN, "ärger", "Person 08"));
    }

    #[test]
    fn mapped_people_outside_are_named_and_their_numbers_counted() {
        let rows: BTreeMap<_, _> = (1..=9).map(row).collect();
        let owned: Ownership = (1..=9).map(owned).collect();
        let groups = GroupFilter::Groups(Vec::new());
        let inside = |all: std::ops::RangeInclusive<u8>| all.map(|n| [n; 16]).collect::<BTreeSet<_>>();
        let look = |filter, inside| {
            unassigned(
                &rows,
                &BTreeMap::new(),
                &owned,
                filter,
                &inside,
                ReleaseLimit::default(),
            )
        };
        let (who, releases, approval) = look(&groups, inside(1..=7));
        let who: Vec<&str> = who.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((who, releases, approval), (vec!["v8", "v9"], 2, false));
        // More than pass without approval.
        let (who, releases, approval) = look(&groups, inside(1..=3));
        assert_eq!((who.len(), releases, approval), (6, 6, true));
        // Everyone never unassigns.
        assert_eq!(look(&GroupFilter::Everyone, inside(1..=1)), (Vec::new(), 0, false));
    }

    #[test]
    fn r087_what_stops_a_sync_is_told() {
        let preview = Preview {
            groups: vec![
                ("Sales".into(), InGroup::People(3)),
                ("Pilot".into(), InGroup::People(0)),
                ("Old".into(), InGroup::Gone),
                ("Secret".into(), InGroup::Hidden),
            ],
            ..Preview::default()
        };
        let stops: Vec<&str> = preview.stops().map(|(name, _)| name.as_str()).collect();
        assert_eq!(stops, ["Pilot", "Old", "Secret"]);
    }
}
