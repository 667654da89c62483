//! What is sent and what is not, as Teams is at that moment.

use super::*;
use std::collections::BTreeMap;

const NOON: Timestamp = Timestamp::constant(1_795_348_800, 0);

fn user(n: u8) -> TeamsUserId {
    format!("2c0b6a1e-1111-4a11-9a11-0000000000{n:02x}").parse().unwrap()
}

fn the_number() -> E164 {
    "+15550100101".parse().unwrap()
}

fn release(from: u8) -> Step {
    let change = Change::Release {
        number: the_number(),
        from: user(from),
    };
    Step {
        change: Some(change),
        ..Step::pending(0, user(from))
    }
}

fn assign(to: u8) -> Step {
    let change = Change::Assign {
        number: the_number(),
        to: user(to),
        moved: true,
    };
    Step {
        change: Some(change),
        after: vec![0],
        ..Step::pending(1, user(to))
    }
}

/// What becomes of a step while the number is with this user, after that release.
fn decided(step: &Step, holder: Option<u8>, before: &Step) -> Option<(StepState, Option<Code>)> {
    decided_where(step, holder, before, &(0..9).map(user).collect())
}

/// The same where only some may call.
fn decided_where(
    step: &Step,
    holder: Option<u8>,
    before: &Step,
    may_call: &BTreeSet<TeamsUserId>,
) -> Option<(StepState, Option<Code>)> {
    let holding = NumberHolding {
        assigned: holder.is_some(),
        holder: holder.map(user),
        direct_routing: true,
        on_premises: false,
    };
    let held = BTreeMap::from([(the_number(), holding)]);
    decide(step, &held, &BTreeMap::from([(0, before.clone())]), may_call, NOON)
}

fn looked_at() -> Option<(StepState, Option<Code>)> {
    Some((StepState::Verifying { since: NOON }, None))
}

#[test]
fn a_number_is_taken_only_from_whom_the_plan_says() {
    let step = release(1);
    assert_eq!(decided(&step, Some(1), &step), None, "it is sent");
    assert_eq!(decided(&step, Some(2), &step), looked_at(), "somebody gave it away");
    assert_eq!(decided(&step, None, &step), looked_at());
}

#[test]
fn a_number_is_given_when_it_is_free_and_its_holder_has_none() {
    let released = Step {
        state: StepState::Applied,
        ..release(1)
    };
    assert_eq!(decided(&assign(2), None, &released), None, "it is sent");
    assert_eq!(decided(&assign(2), Some(2), &released), looked_at());
    let nobody = BTreeSet::new();
    let off = decided_where(&assign(2), Some(2), &released, &nobody);
    assert_eq!(off, None, "calling is off: it is sent");
    let (state, code) = decided(&assign(2), Some(3), &released).unwrap();
    assert!(matches!(state, StepState::Skipped { .. }));
    assert_eq!(code, Some(Code::NumberTaken));
}

#[test]
fn what_cannot_follow_its_release_is_skipped_for_the_same_reason() {
    let check = |state, code, expected, why: &str| {
        let before = Step {
            state,
            code,
            ..release(1)
        };
        let Some((StepState::Skipped { why: said }, Some(got))) = decided(&assign(2), None, &before) else {
            panic!("{before:?}")
        };
        assert_eq!(got, expected);
        assert!(said.ends_with(&format!("({why})")), "{said}");
    };
    let failed = |why: &str| StepState::Failed { why: why.into() };
    check(failed("No. (Bad)"), None, Code::MsRefused, "No. (Bad)");
    check(failed("lost"), Some(Code::NotProven), Code::NotProven, "lost");
    let held = StepState::Skipped { why: "held: x".into() };
    check(held, Some(Code::NotSyncedYet), Code::NotSyncedYet, "held: x");
}
