//! Which groups a choice means, and what is wrong with the choice that is in force (R081-R088).

use crate::domain::Invalid;
use crate::domain::folded::folded;
use crate::domain::group_filter::{ChosenGroup, Group, GroupFilter, GroupKind, GroupList, MOST_CHOSEN};
use crate::domain::ids::GroupId;

/// An explicit choice of whose users are synchronised (R073-R077).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// All users of the tenant.
    Everyone,
    /// Members of these groups, by id or by name (R086).
    Groups {
        /// By id.
        ids: Vec<GroupId>,
        /// By name.
        names: Vec<String>,
        /// Also groups that are known to have no members (R087).
        empty_too: bool,
    },
}

/// The filter that a choice means, of the groups that the tenant has.
///
/// # Errors
/// Every fault at once.
pub fn filter(choice: &Choice, known: &GroupList) -> Result<GroupFilter, Vec<Invalid>> {
    let (ids, names, empty_too) = match choice {
        Choice::Everyone => return Ok(GroupFilter::Everyone),
        Choice::Groups { ids, names, empty_too } => (ids, names, *empty_too),
    };
    let wrong = |why: String| Invalid::new("groups", why);
    if ids.is_empty() && names.is_empty() {
        return Err(vec![wrong("name at least one group, or choose everyone".into())]);
    }
    let by_id = ids.iter().map(|id| (id.as_str(), known.get(id).into_iter().collect()));
    let by_name = names.iter().map(|name| (name.trim(), named(name, known)));
    let (mut chosen, mut faults) = (Vec::<&Group>::new(), Vec::new());
    for (asked, found) in by_id.chain(by_name) {
        match found[..] {
            [group] => match fault(group, empty_too) {
                Some(why) => faults.push(wrong(why)),
                None if chosen.contains(&group) => {}
                None => chosen.push(group),
            },
            [] => faults.push(wrong(unknown(asked, known))),
            _ => faults.push(wrong(several(asked, &found))),
        }
    }
    if chosen.len() > MOST_CHOSEN {
        faults.push(wrong(format!(
            "{} groups are more than the {MOST_CHOSEN} that can be chosen; put them into one group in Microsoft 365 and \
             choose that: members of groups within a group count",
            chosen.len()
        )));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    chosen.sort_by_cached_key(|group| group.place());
    let chosen = chosen.into_iter().map(|group| ChosenGroup {
        id: group.id.clone(),
        name: group.name.clone(),
    });
    Ok(GroupFilter::Groups(chosen.collect()))
}

/// The groups with this name: as it is written, else without regard to case, else without regard to accents.
fn named<'a>(name: &str, known: &'a GroupList) -> Vec<&'a Group> {
    let name = name.trim();
    let (lower, folded_name) = (name.to_lowercase(), folded(name));
    let ways: [&dyn Fn(&str) -> bool; 3] = [
        &|other| other == name,
        &|other| other.to_lowercase() == lower,
        &|other| folded(other) == folded_name,
    ];
    let found = ways.iter().map(|same| {
        let groups = known.groups.iter().filter(|group| same(group.name.trim()));
        groups.collect::<Vec<_>>()
    });
    found.into_iter().find(|groups| !groups.is_empty()).unwrap_or_default()
}

fn fault(group: &Group, empty_too: bool) -> Option<String> {
    let name = &group.name;
    match (group.banned, group.members) {
        (Some(banned), _) => Some(format!("`{name}` {}", banned.why())),
        (None, Some(0)) if !empty_too => Some(format!(
            "`{name}` exists and had no members when the groups were read, and a sync that finds it so stops; add members \
             in Microsoft 365, choose another group, or say that it is meant so"
        )),
        (None, _) => None,
    }
}

fn unknown(asked: &str, known: &GroupList) -> String {
    if known.read_at.is_none() {
        return format!("whether there is a group `{asked}` is not known: the groups of the tenant were not read yet");
    }
    format!(
        "there is no group `{asked}` in the tenant; compare the name with Microsoft 365, clear it, or choose from the list"
    )
}

fn several(asked: &str, found: &[&Group]) -> String {
    let each: Vec<String> = found
        .iter()
        .map(|group| format!("{} {}", kind(group.kind), group.id))
        .collect();
    format!(
        "there are several groups `{asked}`; choose one by its id: {}",
        each.join(", ")
    )
}

/// A kind, in a sentence.
#[must_use]
pub fn kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Security => "security group",
        GroupKind::Dynamic => "dynamic group",
        GroupKind::Microsoft365 => "Microsoft 365 group",
        GroupKind::Distribution => "distribution list",
    }
}

/// How a chosen group stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum GroupState {
    /// It can be synchronised.
    Fine,
    /// It exists and has no members: a sync stops (R087).
    Empty,
    /// It does not exist any more: a sync stops (R087).
    Gone,
    /// It can no longer be chosen (R082).
    Banned,
    /// Microsoft does not work out its members at present.
    Paused,
}

/// A chosen group, as the tenant has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// As it was chosen.
    pub chosen: &'a ChosenGroup,
    /// As it was last read; absent where it is gone.
    pub known: Option<&'a Group>,
}

impl<'a> Chosen<'a> {
    /// Its name now, or the last one it had.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.known.map_or(&self.chosen.name, |group| &group.name)
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> GroupState {
        match self.known {
            None => GroupState::Gone,
            Some(group) if group.banned.is_some() => GroupState::Banned,
            Some(group) if group.members == Some(0) => GroupState::Empty,
            Some(group) if group.paused => GroupState::Paused,
            Some(_) => GroupState::Fine,
        }
    }

    /// What should be done about it, where something should, and the way out (R082, R087, R088).
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let name = self.name();
        match self.state() {
            GroupState::Fine => self.renamed().map(|was| {
                format!("{was} is called {name} in Microsoft 365 now. It is the same group; nothing has to be done.")
            }),
            GroupState::Banned => Some(format!(
                "Remove {name}: Microsoft does not keep its members reliably complete."
            )),
            GroupState::Gone => Some(format!(
                "{name} does not exist any more. A sync stops until it is removed: choose other groups or everyone, save, \
                 and sync again."
            )),
            GroupState::Empty => Some(format!(
                "{name} has no members. A sync stops until it has some: add them in Microsoft 365, or choose other groups \
                 or everyone, and sync again."
            )),
            GroupState::Paused => Some(format!(
                "Microsoft does not work out the members of {name} at present: its rule is paused, so who joins or leaves \
                 shows only when somebody lets it run again in Entra."
            )),
        }
    }

    fn renamed(&self) -> Option<&'a str> {
        (self.name() != self.chosen.name).then_some(&self.chosen.name)
    }
}

/// The groups of a filter as the tenant has them now. Nothing is known of a tenant whose groups were never read.
#[must_use]
pub fn chosen<'a>(filter: &'a GroupFilter, known: &'a GroupList) -> Vec<Chosen<'a>> {
    match filter {
        GroupFilter::Groups(groups) if known.read_at.is_some() => groups
            .iter()
            .map(|group| Chosen {
                chosen: group,
                known: known.get(&group.id),
            })
            .collect(),
        GroupFilter::Undecided | GroupFilter::Everyone | GroupFilter::Groups(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::group_filter::Banned;
    use jiff::Timestamp;

    fn id(n: usize) -> GroupId {
        format!("4c0f6b5e-1111-4a11-9a11-{n:012x}").parse().unwrap()
    }

    fn group(n: usize, name: &str) -> Group {
        Group {
            id: id(n),
            name: name.into(),
            kind: GroupKind::Security,
            banned: None,
            paused: false,
            members: None,
        }
    }

    fn list(groups: Vec<Group>) -> GroupList {
        GroupList {
            read_at: Some(Timestamp::UNIX_EPOCH),
            groups,
        }
    }

    fn by_name(names: &[&str]) -> Choice {
        Choice::Groups {
            ids: Vec::new(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            empty_too: false,
        }
    }

    fn names(filter: Result<GroupFilter, Vec<Invalid>>) -> Vec<String> {
        match filter.unwrap() {
            GroupFilter::Groups(groups) => groups.into_iter().map(|group| group.name).collect(),
            other @ (GroupFilter::Undecided | GroupFilter::Everyone) => panic!("{other:?}"),
        }
    }

    fn faults(filter: Result<GroupFilter, Vec<Invalid>>) -> Vec<String> {
        filter.unwrap_err().into_iter().map(|fault| fault.why).collect()
    }

    #[test]
    fn r086_a_name_is_found_as_it_is_written_and_else_more_tolerantly() {
        let known = list(vec![group(1, "Ärzte"), group(2, "arzte"), group(3, "Sales")]);
        assert_eq!(names(filter(&by_name(&[" Ärzte "]), &known)), ["Ärzte"]);
        assert_eq!(names(filter(&by_name(&["ARZTE"]), &known)), ["arzte"]);
        assert_eq!(names(filter(&by_name(&["sálES"]), &known)), ["Sales"]);
    }

    #[test]
    fn r087_unknown_ambiguous_and_empty_are_three_things_and_all_are_told_at_once() {
        let empty = Group {
            members: Some(0),
            ..group(4, "Pilot")
        };
        let known = list(vec![group(1, "Sales"), group(2, "Sales"), empty]);
        let told = faults(filter(&by_name(&["bad-group-name", "Sales", "Pilot"]), &known));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("there is no group `bad-group-name`"), "{told:?}");
        assert!(
            told[1].contains("several groups `Sales`") && told[1].contains(id(2).as_str()),
            "{told:?}"
        );
        assert!(told[2].contains("`Pilot` exists and had no members"), "{told:?}");
        let told = faults(filter(&by_name(&["Sales"]), &GroupList::default()));
        assert!(told[0].contains("not read yet"), "{told:?}");
    }

    #[test]
    fn r087_an_empty_group_is_taken_where_somebody_says_so() {
        let known = list(vec![Group {
            members: Some(0),
            ..group(4, "Pilot")
        }]);
        let meant = Choice::Groups {
            ids: vec![id(4)],
            names: Vec::new(),
            empty_too: true,
        };
        assert_eq!(names(filter(&meant, &known)), ["Pilot"]);
    }

    #[test]
    fn r081_a_banned_group_is_refused_by_id_and_by_name() {
        let banned = Group {
            banned: Some(Banned::AllUsers),
            ..group(1, "All Users")
        };
        let known = list(vec![banned]);
        let by_id = Choice::Groups {
            ids: vec![id(1)],
            names: vec!["all users".into()],
            empty_too: true,
        };
        let told = faults(filter(&by_id, &known));
        assert!(
            told.iter().all(|why| why.contains("`All Users` cannot be chosen")),
            "{told:?}"
        );
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn r077_one_group_twice_is_one_group_and_too_many_are_refused() {
        let known = list((0..=MOST_CHOSEN).map(|n| group(n, &format!("Group {n:03}"))).collect());
        let all = |count: usize| Choice::Groups {
            ids: (0..count).chain(0..count).map(id).collect(),
            names: Vec::new(),
            empty_too: false,
        };
        assert_eq!(names(filter(&all(MOST_CHOSEN), &known)).len(), MOST_CHOSEN);
        let told = faults(filter(&all(MOST_CHOSEN + 1), &known));
        assert!(told[0].contains("51 groups are more than the 50"), "{told:?}");
    }

    #[test]
    fn r082_r087_r088_a_choice_that_is_in_force_is_looked_at_again() {
        let chose = |n, name: &str| ChosenGroup {
            id: id(n),
            name: name.into(),
        };
        let force = GroupFilter::Groups(vec![
            chose(1, "Sales"),
            chose(2, "Old name"),
            chose(3, "Pilot"),
            chose(4, "Everybody"),
            chose(5, "Gone"),
            chose(6, "By rule"),
        ]);
        let known = list(vec![
            group(1, "Sales"),
            group(2, "New name"),
            Group {
                members: Some(0),
                ..group(3, "Pilot")
            },
            Group {
                banned: Some(Banned::AllUsers),
                ..group(4, "Everybody")
            },
            Group {
                paused: true,
                ..group(6, "By rule")
            },
        ]);
        let seen = chosen(&force, &known);
        let states: Vec<GroupState> = seen.iter().map(Chosen::state).collect();
        use GroupState::{Banned as No, Empty, Fine, Gone, Paused};
        assert_eq!(states, [Fine, Fine, Empty, No, Gone, Paused]);
        let advice: Vec<Option<String>> = seen.iter().map(Chosen::advice).collect();
        assert_eq!(advice[0], None);
        assert!(advice[1].as_ref().unwrap().starts_with("Old name is called New name"));
        assert!(advice[2..].iter().all(Option::is_some));
        assert_eq!(seen[1].name(), "New name");
        assert!(chosen(&force, &GroupList::default()).is_empty());
    }
}
