//! What one sync changes in Teams: the truth table. Order in the list is order of execution: numbers are released
//! before they are assigned, so no user ever holds two numbers and no number two users.

use super::mapping::Wanted;
use super::preflight::{self, Elsewhere};
use crate::domain::calling_policy::PolicyType;
use crate::domain::change::Change;
use crate::domain::finding::Finding;
use crate::domain::ids::TeamsUserId;
use crate::domain::mapping::{Owned, Ownership};
use crate::domain::phone::E164;
use std::collections::{BTreeMap, BTreeSet};

/// Everything the decision rests on.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What the saved mapping asks for.
    pub wanted: BTreeMap<TeamsUserId, Wanted>,
    /// Names of mapped voice users that have no number.
    pub without_number: Vec<String>,
    /// What Teams says of every user who is wanted or ours; absent means there is no such user any more.
    pub users: BTreeMap<TeamsUserId, ObservedUser>,
    /// What Teams says of every number that is wanted or ours; absent means the tenant does not know it.
    pub numbers: BTreeMap<E164, ObservedNumber>,
    /// What earlier runs of ours put in place.
    pub ours: Ownership,
}

/// A user as Teams has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedUser {
    /// The primary number.
    pub number: Option<E164>,
    /// Policies that are not the tenant's default, by type.
    pub policies: BTreeMap<PolicyType, ObservedPolicy>,
    /// The account is homed on-premises.
    pub on_premises: bool,
    /// The coexistence mode, where one is set under which calls may ring elsewhere than in Teams.
    pub not_teams_only: Option<String>,
}

/// A policy as Teams has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedPolicy {
    /// Without `Tag:`.
    pub name: String,
    /// Inherited from a group.
    pub by_group: bool,
}

/// A number as Teams has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedNumber {
    /// Who has it.
    pub holder: Option<TeamsUserId>,
    /// It is a Calling Plan or Operator Connect number.
    pub foreign_kind: bool,
    /// It is taken, and by nobody who can be found.
    pub orphaned: bool,
    /// It comes from on-premises directory data.
    pub on_premises: bool,
}

/// A complete plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order of execution.
    pub changes: Vec<Change>,
    /// What is left alone, and why.
    pub conflicts: Vec<Finding>,
    /// What is done all the same, and should be known.
    pub notes: Vec<Finding>,
    /// What will be ours of each user, once all changes for that user are in place. Users in conflict are absent.
    pub targets: BTreeMap<TeamsUserId, Owned>,
}

/// Decides what one sync run changes. Pure: no clock, no I/O, no randomness.
#[must_use]
pub fn plan(facts: &Facts) -> Plan {
    let missing = facts.without_number.iter();
    let mut conflicts: Vec<Finding> = missing.map(|name| preflight::number_missing(name)).collect();
    let mut blocked = BTreeSet::new();
    for (user, wanted) in &facts.wanted {
        if let Some(finding) = obstacle(facts, user, wanted) {
            conflicts.push(finding);
            blocked.insert(user);
        }
    }
    let (mut releases, mut assigns) = (Vec::new(), Vec::new());
    for (number, wanted_by) in involved_numbers(facts) {
        let observed = facts.numbers.get(&number).and_then(|observed| observed.holder.as_ref());
        let ours = observed.is_some_and(|holder| owns(facts, holder, &number));
        let to = wanted_by.filter(|user| !blocked.contains(user));
        match (to, observed) {
            (Some(to), None) => assigns.push(Change::Assign {
                number,
                to: to.clone(),
                moved: false,
            }),
            (Some(to), Some(from)) if to == from && ours => {}
            (Some(to), Some(from)) if to == from => assigns.push(Change::Adopt {
                number,
                user: to.clone(),
            }),
            (Some(to), Some(from)) if ours => {
                releases.push(Change::Release {
                    number: number.clone(),
                    from: from.clone(),
                });
                assigns.push(Change::Assign {
                    number,
                    to: to.clone(),
                    moved: true,
                });
            }
            // Held by somebody who did not get it from us: `obstacle` has blocked the user who wants it.
            (Some(_), Some(_)) => {}
            // A user in conflict keeps the number that works; one that is no longer wanted loses it.
            (None, Some(from)) if ours && wanted_by.is_none() && !blocked.contains(from) => {
                releases.push(Change::Release {
                    number,
                    from: from.clone(),
                });
            }
            (None, _) => {}
        }
    }
    assigns.sort_by(|a, b| a.user().cmp(b.user()));
    let mut changes = releases;
    changes.append(&mut assigns);
    changes.extend(policy_changes(facts, &blocked));
    let mut targets = BTreeMap::new();
    for user in facts
        .wanted
        .keys()
        .chain(facts.ours.keys())
        .filter(|user| !blocked.contains(user))
    {
        targets.insert(
            user.clone(),
            facts.wanted.get(user).map(Wanted::owned).unwrap_or_default(),
        );
    }
    Plan {
        changes,
        conflicts,
        notes: notes(facts),
        targets,
    }
}

/// Why a wanted user is left alone in this run, if so.
fn obstacle(facts: &Facts, user: &TeamsUserId, wanted: &Wanted) -> Option<Finding> {
    let name = wanted.name.as_str();
    let Some(observed) = facts.users.get(user) else {
        return Some(preflight::mapped_user_gone(name, user));
    };
    let number = facts.numbers.get(&wanted.number);
    let other = observed.number.as_ref().filter(|number| **number != wanted.number);
    let set_on_premises = |number: &ObservedNumber| number.on_premises;
    if observed.on_premises
        || number.is_some_and(set_on_premises)
        || other
            .and_then(|number| facts.numbers.get(number))
            .is_some_and(set_on_premises)
    {
        return Some(preflight::on_premises(name, user));
    }
    let taken = |elsewhere| Some(preflight::number_taken(name, user, elsewhere));
    if number.is_some_and(|number| number.foreign_kind) {
        return taken(Elsewhere::Service(&wanted.number));
    }
    if number.is_some_and(|number| number.orphaned) {
        return Some(preflight::number_orphaned(name, user, &wanted.number));
    }
    let holder = number.and_then(|number| number.holder.as_ref());
    if let Some(holder) = holder.filter(|holder| *holder != user && !owns(facts, holder, &wanted.number)) {
        return taken(Elsewhere::User(&wanted.number, holder));
    }
    if let Some(other) = other.filter(|number| !owns(facts, user, number)) {
        return taken(Elsewhere::Own(other));
    }
    None
}

/// What should be known of the wanted users, and keeps nobody from anything.
fn notes(facts: &Facts) -> Vec<Finding> {
    let note = |(user, wanted): (&TeamsUserId, &Wanted)| {
        let mode = facts.users.get(user)?.not_teams_only.as_ref()?;
        Some(preflight::not_teams_only(&wanted.name, user, mode))
    };
    facts.wanted.iter().filter_map(note).collect()
}

fn owns(facts: &Facts, user: &TeamsUserId, number: &E164) -> bool {
    facts
        .ours
        .get(user)
        .is_some_and(|owned| owned.number.as_ref() == Some(number))
}

/// Every number that is wanted or ours, and who wants it.
fn involved_numbers(facts: &Facts) -> BTreeMap<E164, Option<&TeamsUserId>> {
    let ours = facts
        .ours
        .values()
        .filter_map(|owned| owned.number.clone())
        .map(|number| (number, None));
    let wanted = facts
        .wanted
        .iter()
        .map(|(user, wanted)| (wanted.number.clone(), Some(user)));
    ours.chain(wanted).collect()
}

/// Policies: granted where they differ, revoked where they are ours and no longer wanted.
fn policy_changes(facts: &Facts, blocked: &BTreeSet<&TeamsUserId>) -> Vec<Change> {
    let (mut revokes, mut grants) = (Vec::new(), Vec::new());
    let users: BTreeSet<&TeamsUserId> = facts.wanted.keys().chain(facts.ours.keys()).collect();
    for user in users.into_iter().filter(|user| !blocked.contains(user)) {
        let Some(observed) = facts.users.get(user) else {
            continue;
        };
        let wanted = facts.wanted.get(user);
        let ours = facts.ours.get(user).cloned().unwrap_or_default();
        for (policy_type, wanted, ours) in [
            (
                PolicyType::OnlineVoiceRoutingPolicy,
                wanted.map(|w| &w.routing_policy),
                ours.routing_policy,
            ),
            (
                PolicyType::TeamsCallingPolicy,
                wanted.map(|w| &w.calling_policy),
                ours.calling_policy,
            ),
        ] {
            let has = observed.policies.get(&policy_type);
            match (wanted, has) {
                (Some(wanted), Some(has)) if has.name == *wanted => {}
                (Some(wanted), has) => grants.push(Change::Grant {
                    user: user.clone(),
                    policy_type,
                    name: wanted.clone(),
                    was: has.map(|policy| policy.name.clone()),
                }),
                (None, Some(has)) if !has.by_group && ours.as_ref() == Some(&has.name) => {
                    revokes.push(Change::Revoke {
                        user: user.clone(),
                        policy_type,
                        name: has.name.clone(),
                    });
                }
                (None, _) => {}
            }
        }
    }
    revokes.append(&mut grants);
    revokes
}

/// What Teams would have if it has exactly what we put there: the basis of a plan that is shown before anybody signs in.
#[must_use]
pub fn as_we_left_it(
    wanted: &BTreeMap<TeamsUserId, Wanted>,
    ours: &Ownership,
) -> (BTreeMap<TeamsUserId, ObservedUser>, BTreeMap<E164, ObservedNumber>) {
    let observed = |owned: &Owned| {
        let policy = |kind, name: &Option<String>| {
            name.clone()
                .map(|name| (kind, ObservedPolicy { name, by_group: false }))
        };
        ObservedUser {
            number: owned.number.clone(),
            policies: policy(PolicyType::OnlineVoiceRoutingPolicy, &owned.routing_policy)
                .into_iter()
                .chain(policy(PolicyType::TeamsCallingPolicy, &owned.calling_policy))
                .collect(),
            on_premises: false,
            not_teams_only: None,
        }
    };
    let mut users: BTreeMap<_, _> = wanted
        .keys()
        .map(|user| (user.clone(), ObservedUser::default()))
        .collect();
    users.extend(ours.iter().map(|(user, owned)| (user.clone(), observed(owned))));
    let numbers = ours
        .iter()
        .filter_map(|(user, owned)| {
            Some((
                owned.number.clone()?,
                ObservedNumber {
                    holder: Some(user.clone()),
                    ..ObservedNumber::default()
                },
            ))
        })
        .collect();
    (users, numbers)
}

/// Changes of `fresh` that the approved plan does not contain. Less may be done than was approved, never more; but for what
/// is only given to users whom this run has `matched`: whoever imported them has asked for that.
#[must_use]
pub fn beyond(approved: &[Change], fresh: &[Change], matched: &BTreeSet<&TeamsUserId>) -> Vec<Change> {
    let known = |change: &&Change| {
        match change {
        Change::Adopt { .. } => true,
        Change::Assign { to: user, moved: false, .. } | Change::Grant { user, .. } if matched.contains(user) => true,
        Change::Grant { user, policy_type, name, .. } => approved.iter().any(|other| {
            matches!(other, Change::Grant { user: u, policy_type: p, name: n, .. } if (u, p, n) == (user, policy_type, name))
        }),
        Change::Release { .. } | Change::Assign { .. } | Change::Revoke { .. } => approved.contains(change),
    }
    };
    fresh.iter().filter(|change| !known(change)).cloned().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::finding::Code;

    pub(crate) const A: &str = "+15550100101";
    pub(crate) const B: &str = "+15550100102";
    pub(crate) const ANN: &str = "2c0b6a1e-1111-4a11-9a11-0000000000aa";
    pub(crate) const BOB: &str = "2c0b6a1e-1111-4a11-9a11-0000000000bb";

    pub(crate) fn wanted(number: &str) -> Wanted {
        Wanted {
            voice_user: "v1".parse().unwrap(),
            name: "Voice".into(),
            number: number.parse().unwrap(),
            calling_policy: "X-VM-MOHEXT".into(),
            routing_policy: "X-Routing".into(),
        }
    }

    pub(crate) fn settled(number: Option<&str>) -> ObservedUser {
        let policy = |kind, name: &str| {
            (
                kind,
                ObservedPolicy {
                    name: name.into(),
                    by_group: false,
                },
            )
        };
        ObservedUser {
            number: number.map(|number| number.parse().unwrap()),
            policies: BTreeMap::from([
                policy(PolicyType::OnlineVoiceRoutingPolicy, "X-Routing"),
                policy(PolicyType::TeamsCallingPolicy, "X-VM-MOHEXT"),
            ]),
            on_premises: false,
            not_teams_only: None,
        }
    }

    /// Numbers only: both users exist and have the right policies already.
    pub(crate) fn world(want: &[(&str, &str)], has: &[(&str, &str)], ours: &[(&str, &str)]) -> Facts {
        let number_of = |user: &str| {
            has.iter()
                .find(|(_, holder)| *holder == user)
                .map(|(number, _)| *number)
        };
        Facts {
            wanted: want
                .iter()
                .map(|(number, user)| (user.parse().unwrap(), wanted(number)))
                .collect(),
            without_number: vec![],
            users: [ANN, BOB]
                .iter()
                .map(|user| (user.parse().unwrap(), settled(number_of(user))))
                .collect(),
            numbers: has
                .iter()
                .map(|(number, user)| {
                    let observed = ObservedNumber {
                        holder: Some(user.parse().unwrap()),
                        ..ObservedNumber::default()
                    };
                    (number.parse().unwrap(), observed)
                })
                .collect(),
            ours: ours
                .iter()
                .map(|(number, user)| (user.parse().unwrap(), wanted(number).owned()))
                .collect(),
        }
    }

    fn check(want: &[(&str, &str)], has: &[(&str, &str)], ours: &[(&str, &str)], expected: &[&str]) {
        let plan = plan(&world(want, has, ours));
        let numbers = plan
            .changes
            .iter()
            .filter(|change| !matches!(change, Change::Grant { .. } | Change::Revoke { .. }));
        let printed: Vec<String> = numbers
            .map(ToString::to_string)
            .chain(plan.conflicts.iter().map(|conflict| format!("! {}", conflict.code)))
            .map(|line| {
                line.replace(ANN, "ann")
                    .replace(BOB, "bob")
                    .replace(A, "A")
                    .replace(B, "B")
            })
            .collect();
        assert_eq!(printed, expected);
    }

    #[test]
    fn r133_assigns_what_is_missing() {
        check(&[(A, ANN)], &[], &[], &["+ A to ann"]);
    }

    #[test]
    fn leaves_what_is_right() {
        check(&[(A, ANN)], &[(A, ANN)], &[(A, ANN)], &[]);
    }

    #[test]
    fn adopts_what_is_right_but_not_yet_ours() {
        check(&[(A, ANN)], &[(A, ANN)], &[], &["= A already at ann"]);
    }

    #[test]
    fn never_takes_what_is_not_ours() {
        check(&[(A, ANN)], &[(A, BOB)], &[], &["! NUMBER_TAKEN"]);
        check(&[(A, ANN)], &[(B, ANN)], &[], &["! NUMBER_TAKEN"]);
        check(&[], &[(A, BOB)], &[], &[]);
    }

    #[test]
    fn moves_what_is_ours() {
        check(&[(A, ANN)], &[(A, BOB)], &[(A, BOB)], &["- A from bob", "~ A to ann"]);
    }

    #[test]
    fn swaps_release_before_they_assign() {
        let both = [(A, BOB), (B, ANN)];
        check(
            &[(A, ANN), (B, BOB)],
            &both,
            &both,
            &["- A from bob", "- B from ann", "~ A to ann", "~ B to bob"],
        );
    }

    #[test]
    fn r116_releases_what_is_no_longer_wanted() {
        check(&[], &[(A, ANN)], &[(A, ANN)], &["- A from ann"]);
        check(&[], &[], &[(A, ANN)], &[]);
    }

    #[test]
    fn replaces_a_number_of_ours() {
        check(&[(B, ANN)], &[(A, ANN)], &[(A, ANN)], &["- A from ann", "+ B to ann"]);
    }

    #[test]
    fn a_number_that_someone_else_took_over_is_left_alone() {
        check(&[(A, ANN)], &[(A, BOB)], &[(A, ANN)], &["! NUMBER_TAKEN"]);
        check(&[], &[(A, BOB)], &[(A, ANN)], &[]);
    }

    #[test]
    fn a_user_in_conflict_keeps_the_number_that_works() {
        let mut facts = world(&[(B, ANN)], &[(A, ANN), (B, BOB)], &[(A, ANN)]);
        facts.users.get_mut(&BOB.parse().unwrap()).unwrap().number = Some(B.parse().unwrap());
        let plan = plan(&facts);
        assert!(plan.changes.is_empty(), "{:?}", plan.changes);
        assert!(!plan.targets.contains_key(&ANN.parse().unwrap()));
    }

    #[test]
    fn r134_r158_policies_are_granted_where_they_differ() {
        let mut facts = world(&[(A, ANN)], &[(A, ANN)], &[(A, ANN)]);
        facts.users.insert(
            ANN.parse().unwrap(),
            ObservedUser {
                policies: BTreeMap::new(),
                ..settled(Some(A))
            },
        );
        let printed: Vec<String> = plan(&facts).changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            printed,
            [
                format!("+ OnlineVoiceRoutingPolicy X-Routing to {ANN}"),
                format!("+ TeamsCallingPolicy X-VM-MOHEXT to {ANN}"),
            ]
        );
    }

    #[test]
    fn r161_a_policy_changed_elsewhere_is_restored() {
        let mut facts = world(&[(A, ANN)], &[(A, ANN)], &[(A, ANN)]);
        let drifted = ObservedPolicy {
            name: "Someone-Elses".into(),
            by_group: false,
        };
        facts
            .users
            .get_mut(&ANN.parse().unwrap())
            .unwrap()
            .policies
            .insert(PolicyType::TeamsCallingPolicy, drifted);
        assert!(matches!(&plan(&facts).changes[..], [Change::Grant { was: Some(was), .. }] if was == "Someone-Elses"));
    }

    #[test]
    fn only_our_policies_are_revoked() {
        let mut facts = world(&[], &[(A, ANN)], &[(A, ANN)]);
        facts
            .users
            .get_mut(&ANN.parse().unwrap())
            .unwrap()
            .policies
            .get_mut(&PolicyType::TeamsCallingPolicy)
            .unwrap()
            .name = "Theirs".into();
        let printed: Vec<String> = plan(&facts).changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            printed,
            [
                format!("- {A} from {ANN}"),
                format!("- OnlineVoiceRoutingPolicy X-Routing from {ANN}")
            ]
        );
    }

    #[test]
    fn obstacles_are_named() {
        let code = |facts: &Facts| {
            plan(facts)
                .conflicts
                .iter()
                .map(|finding| finding.code)
                .collect::<Vec<_>>()
        };
        let mut gone = world(&[(A, ANN)], &[], &[]);
        gone.users.clear();
        assert_eq!(code(&gone), [Code::MappedUserGone]);
        let mut dirsynced = world(&[(A, ANN)], &[], &[]);
        dirsynced.numbers.insert(
            A.parse().unwrap(),
            ObservedNumber {
                on_premises: true,
                ..ObservedNumber::default()
            },
        );
        assert_eq!(code(&dirsynced), [Code::OnpremLineUri]);
        let mut calling_plan = world(&[(A, ANN)], &[], &[]);
        calling_plan.numbers.insert(
            A.parse().unwrap(),
            ObservedNumber {
                foreign_kind: true,
                ..ObservedNumber::default()
            },
        );
        assert_eq!(code(&calling_plan), [Code::NumberTaken]);
        let mut orphaned = world(&[(A, ANN)], &[], &[]);
        orphaned.numbers.insert(
            A.parse().unwrap(),
            ObservedNumber {
                orphaned: true,
                ..ObservedNumber::default()
            },
        );
        assert_eq!(code(&orphaned), [Code::NumberOrphaned]);
        assert_eq!(plan(&orphaned).conflicts[0].about, Some(ANN.parse().unwrap()));
        let lost = Facts {
            without_number: vec!["Reception".into()],
            ..Facts::default()
        };
        assert_eq!(code(&lost), [Code::NumberMissing]);
    }

    #[test]
    fn another_coexistence_mode_is_noted_and_keeps_nobody_from_anything() {
        let mut facts = world(&[(A, ANN)], &[], &[]);
        facts.users.get_mut(&ANN.parse().unwrap()).unwrap().not_teams_only = Some("Islands".into());
        let plan = plan(&facts);
        assert_eq!((plan.changes.len(), plan.conflicts.len()), (1, 0));
        assert_eq!(plan.notes[0].code, Code::NotTeamsOnly);
        assert_eq!(plan.notes[0].about, Some(ANN.parse().unwrap()));
    }

    #[test]
    fn less_than_approved_is_fine_and_more_is_not() {
        let approved = plan(&world(&[(A, ANN), (B, BOB)], &[], &[])).changes;
        let less = plan(&world(&[(A, ANN), (B, BOB)], &[(A, ANN)], &[])).changes;
        let nobody = BTreeSet::new();
        assert!(beyond(&approved, &less, &nobody).is_empty());
        let more = plan(&world(&[(A, ANN)], &[(B, ANN)], &[(B, ANN)])).changes;
        assert_eq!(beyond(&approved, &more, &nobody).len(), 1);
    }

    #[test]
    fn r123_who_was_matched_is_only_given_something() {
        let bob: TeamsUserId = BOB.parse().unwrap();
        let matched = BTreeSet::from([&bob]);
        let approved = plan(&world(&[(A, ANN)], &[], &[])).changes;
        let given = plan(&world(&[(A, ANN), (B, BOB)], &[], &[])).changes;
        assert!(beyond(&approved, &given, &matched).is_empty());
        assert!(!beyond(&approved, &given, &BTreeSet::new()).is_empty());
        // What would be taken from somebody else for it was not asked for.
        let taken = plan(&world(&[(A, BOB)], &[(A, ANN)], &[(A, ANN)])).changes;
        assert!(!beyond(&[], &taken, &matched).is_empty());
    }
}
