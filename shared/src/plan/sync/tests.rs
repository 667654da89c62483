//! The truth table, a line a case; and small worlds for other tests.

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
        ..ObservedUser::default()
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
        ..Facts::default()
    }
}

fn check(want: &[(&str, &str)], has: &[(&str, &str)], ours: &[(&str, &str)], expected: &[&str]) {
    let plan = plan(&world(want, has, ours));
    let numbers = plan.changes.iter().filter(|change| {
        !matches!(
            change,
            Change::Grant { .. } | Change::Revoke { .. } | Change::AdoptPolicy { .. }
        )
    });
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
    assert!(
        matches!(&plan(&facts).changes[..], [Change::Grant { was: Some(was), keeps: None, .. }] if was == "Someone-Elses")
    );
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
    let mut facts = world(&[(A, ANN)], &[], &[(A, ANN)]);
    facts.users.get_mut(&ANN.parse().unwrap()).unwrap().not_teams_only = Some("Islands".into());
    let plan = plan(&facts);
    assert_eq!((plan.changes.len(), plan.conflicts.len()), (1, 0));
    assert_eq!(plan.notes[0].code, Code::NotTeamsOnly);
    assert_eq!(plan.notes[0].about, Some(ANN.parse().unwrap()));
}

#[test]
fn less_than_approved_is_fine_and_more_is_not() {
    let approved = plan(&world(&[(A, ANN), (B, BOB)], &[], &[])).changes;
    let less = plan(&world(&[(A, ANN), (B, BOB)], &[(A, ANN)], &[]));
    let nobody = BTreeSet::new();
    assert!(beyond(&approved, &less, &nobody).is_empty());
    let more = plan(&world(&[(A, ANN)], &[(B, ANN)], &[(B, ANN)]));
    assert_eq!(beyond(&approved, &more, &nobody).len(), 1);
}

#[test]
fn r123_who_was_matched_is_only_given_something() {
    let bob: TeamsUserId = BOB.parse().unwrap();
    let matched = BTreeSet::from([&bob]);
    let approved = plan(&world(&[(A, ANN)], &[], &[])).changes;
    let given = plan(&world(&[(A, ANN), (B, BOB)], &[], &[]));
    assert!(beyond(&approved, &given, &matched).is_empty());
    assert!(!beyond(&approved, &given, &BTreeSet::new()).is_empty());
    // What would be taken from somebody else for it was not asked for.
    let taken = plan(&world(&[(A, BOB)], &[(A, ANN)], &[(A, ANN)]));
    assert!(!beyond(&[], &taken, &matched).is_empty());
}
