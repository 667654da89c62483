//! What becomes of steps that are looked at.

use super::*;
use crate::io::graph::AccountType;

const NOON: Timestamp = Timestamp::constant(1_795_348_800, 0);

fn ann() -> TeamsUserId {
    "2c0b6a1e-1111-4a11-9a11-0000000000aa".parse().unwrap()
}

fn number() -> E164 {
    "+15550100101".parse().unwrap()
}

fn assign(state: StepState) -> Step {
    Step {
        state,
        change: Some(Change::Assign {
            number: number(),
            to: ann(),
            moved: false,
        }),
        ..Step::pending(0, ann())
    }
}

fn at(seconds: i64) -> Timestamp {
    NOON + SignedDuration::from_secs(seconds)
}

fn sent(operation: Option<&str>) -> StepState {
    StepState::Submitted {
        operation: operation.map(str::to_owned),
        at: NOON,
    }
}

fn held_by(holder: Option<TeamsUserId>) -> BTreeMap<E164, NumberHolding> {
    let holding = NumberHolding {
        assigned: holder.is_some(),
        holder,
        direct_routing: true,
        on_premises: false,
    };
    [(number(), holding)].into()
}

fn configured(enterprise_voice: bool) -> Configurations {
    let ann_has = UserConfiguration {
        account_type: AccountType::User,
        enterprise_voice,
        numbers: vec![number()],
        policies: BTreeMap::new(),
        not_teams_only: None,
    };
    [(ann(), ann_has)].into()
}

#[test]
fn a_number_is_in_place_with_its_holder_and_the_right_to_call() {
    let seen = |held: &_, configurations: &_| look_at(&assign(sent(None)), held, configurations);
    assert!(seen(&held_by(Some(ann())), &configured(true)) == Seen::InPlace);
    assert!(seen(&held_by(Some(ann())), &configured(false)) == Seen::NoEnterpriseVoice);
    assert!(seen(&held_by(Some(ann())), &BTreeMap::new()) == Seen::NoEnterpriseVoice);
    assert!(seen(&held_by(None), &configured(true)) == Seen::Missing);
    assert!(seen(&BTreeMap::new(), &configured(true)) == Seen::Missing);
}

/// How a step goes on that is looked at so many seconds after it was sent.
fn after(state: StepState, seen: Seen, operation: Option<Option<OperationState>>, seconds: i64) -> Option<Step> {
    fate(&assign(state), seen, operation.as_ref(), at(seconds))
}

#[test]
fn silent_loss_is_reported_when_the_time_is_up_and_not_before() {
    let done = Some(Some(OperationState::Succeeded));
    let verifying = after(sent(Some("op")), Seen::Missing, done, 10).unwrap();
    assert_eq!(verifying.state, StepState::Verifying { since: NOON });
    assert_eq!(after(verifying.state.clone(), Seen::Missing, None, 599), None);
    let lost = after(verifying.state.clone(), Seen::Missing, None, 600).unwrap();
    assert_eq!(lost.code, Some(Code::NotProven));
    assert_eq!(lost.state, StepState::Failed { why: NOT_PROVEN.into() });
    let mute = after(verifying.state, Seen::NoEnterpriseVoice, None, 600).unwrap();
    let why = NO_ENTERPRISE_VOICE.into();
    assert_eq!(
        (mute.state, mute.code),
        (StepState::Failed { why }, Some(Code::NotProven))
    );
    // Microsoft still works on it, or knows nothing more of it.
    let running = || Some(Some(OperationState::Running));
    assert_eq!(after(sent(Some("op")), Seen::Missing, running(), 599), None);
    assert!(
        after(sent(Some("op")), Seen::Missing, running(), 600)
            .unwrap()
            .settled()
    );
    let forgotten = after(sent(Some("op")), Seen::Missing, Some(None), 70).unwrap();
    assert_eq!(forgotten.state, StepState::Verifying { since: NOON });
}

#[test]
fn a_failed_operation_is_told_in_microsofts_words() {
    let why = "The number is being ported.".to_owned();
    let failed = Some(Some(OperationState::Failed { why: why.clone() }));
    let step = after(sent(Some("op")), Seen::Missing, failed, 10).unwrap();
    assert_eq!((step.state, step.code), (StepState::Failed { why }, None));
}

#[test]
fn what_may_not_have_arrived_is_sent_again_when_microsoft_had_time_for_it_but_not_for_ever() {
    assert_eq!(after(sent(None), Seen::Missing, None, 59), None);
    let mut again = after(sent(None), Seen::Missing, None, 60).unwrap();
    assert_eq!((&again.state, again.tries), (&StepState::Pending, 1));
    again.state = sent(None);
    let third = fate(&again, Seen::Missing, None, at(60)).unwrap();
    assert_eq!(third.tries, 2);
    let given_up = fate(
        &Step {
            state: sent(None),
            ..third
        },
        Seen::Missing,
        None,
        at(60),
    )
    .unwrap();
    assert_eq!(given_up.state, StepState::Failed { why: NO_ANSWER.into() });
    assert_eq!(given_up.code, Some(Code::NotProven));
    // It has arrived: nothing is sent again, only the right to call is waited for.
    assert_eq!(after(sent(None), Seen::NoEnterpriseVoice, None, 599), None);
}

#[test]
fn looks_become_rarer() {
    let waits: Vec<u32> = [0, 2, 4, 8, 16, 32, 62, 600]
        .map(|age| look_again(SignedDuration::from_secs(age)))
        .to_vec();
    assert_eq!(waits, [2, 2, 4, 8, 16, 30, 30, 30]);
}
