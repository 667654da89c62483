//! Tables of every state, block and event, with their edges; and a property over everything that can be kept.

mod blocks;
mod card;
mod events;
mod samples;

use super::*;
use crate::domain::consent::{Consent, Consents};
use crate::domain::finding::Code;
use crate::domain::global_admin::Identity;
use crate::domain::group_filter::{ChosenGroup, GroupFilter};
use crate::domain::ids::InvitationId;
use crate::domain::invitation::{ATTEMPTS, InvitationState};
use crate::domain::licence::Level;
use crate::domain::management::Management;
use crate::domain::run::RunState;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::state::STATES;
use crate::domain::steps::{Step, StepState};
use crate::domain::sync_status::Pending;
use crate::error::{Error, SignInRefused};
use crate::plan::onboard::news;
use jiff::SignedDuration;
use proptest::prelude::*;
use samples::{Sample, at, bound, complete, pending, run};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn codes(status: &Status) -> Vec<Code> {
    status.blocks.iter().map(|block| block.code).collect()
}

fn events(status: &Status) -> Vec<EventCode> {
    status.events.iter().map(|event| event.code).collect()
}

fn step(status: &Status, name: StepName) -> (StepState, &str) {
    let step = status.steps.iter().find(|step| step.name == name).unwrap();
    (step.state, &step.message)
}

#[test]
fn every_state_says_who_acts_and_how() {
    use State as S;
    let table: [(Sample, State, Option<Actor>, &str); 13] = [
        (
            Sample::invited(),
            S::Invited,
            Some(Actor::GlobalAdmin),
            "enter the Invitation Code",
        ),
        (
            Sample::invited().told(Step::SignIn, StepState::Succeeded, "Mara signed in.", 5),
            S::SignedIn,
            Some(Actor::GlobalAdmin),
            "confirms on the set-up page",
        ),
        (
            Sample::invited().refused(Step::FirstConsent, SignInRefused::Declined, 5),
            S::Consent1,
            Some(Actor::GlobalAdmin),
            "tick Consent on behalf of your organization",
        ),
        (
            Sample::bound(),
            S::Consent2,
            Some(Actor::GlobalAdmin),
            "second permission request",
        ),
        (
            Sample::complete(),
            S::GroupChoice,
            Some(Actor::AccountAdmin),
            "members of groups",
        ),
        (
            Sample::chosen(),
            S::FirstSync,
            Some(Actor::GlobalAdmin),
            "has to sync once",
        ),
        (
            Sample::discovered(),
            S::Mapping,
            Some(Actor::AccountAdmin),
            "Map voice users",
        ),
        (
            Sample::discovered().mapped(2).waiting(2),
            S::SyncNeeded,
            Some(Actor::GlobalAdmin),
            "has to sync to apply what is saved",
        ),
        (
            Sample::discovered().mapped(2),
            S::UpToDate,
            None,
            "provided by the voice provider",
        ),
        (
            Sample::discovered().mapped(2).failed(1),
            S::Failed,
            Some(Actor::GlobalAdmin),
            "Then Mara Quist syncs again.",
        ),
        (
            Sample::discovered().mapped(2).standing(Standing::Removing {
                since: at(20),
                final_sync: None,
                disabled: None,
            }),
            S::Removing,
            Some(Actor::GlobalAdmin),
            "final sync",
        ),
        (
            Sample::discovered().standing(Standing::Removed { since: at(20) }),
            S::Removed,
            None,
            "is deleted on Dec 2, 2026",
        ),
        (
            Sample::discovered().standing(Standing::Disabled { since: at(20) }),
            S::Disabled,
            Some(Actor::Reseller),
            "Kestrel Telecom enables",
        ),
    ];
    let reached: Vec<State> = table.iter().map(|(_, state, ..)| *state).collect();
    assert_eq!(reached, STATES);
    for (sample, state, actor, words) in table {
        let status = sample.status();
        assert_eq!(
            (status.state, status.next_actor),
            (state, actor),
            "{}",
            status.next_step
        );
        assert_eq!(status.state_text, state.text());
        assert!(status.next_step.contains(words), "{state:?}: {}", status.next_step);
    }
}

#[test]
fn times_are_local() {
    let status = Sample::discovered().mapped(1).failed(0).status();
    assert_eq!(status.since, at(30));
    assert_eq!(status.since_text, "Nov 2, 2026, 10:30 AM");
    assert_eq!(status.last_sync.as_deref(), Some("Nov 2, 2026, 10:30 AM"));
    assert_eq!(status.time_zone, "Europe/Brussels");
}

#[test]
fn the_steps_follow_the_set_up() {
    use StepState::{Pending as P, Running as R, Succeeded as S};
    let opened = Sample::invited().invitation(InvitationState::Opened);
    for (sample, expected) in [
        (Sample::invited(), [R, P, P, P, P, P, P]),
        (opened, [S, R, P, P, P, P, P]),
        (Sample::bound(), [S, S, S, P, P, P, P]),
        (Sample::complete(), [S, S, S, S, P, P, P]),
        (Sample::chosen(), [S, S, S, S, S, P, P]),
        (
            Sample::chosen().running(RunState::AwaitingSignIn),
            [S, S, S, S, S, R, P],
        ),
        (Sample::chosen().running(RunState::Discovering), [S, S, S, S, S, R, P]),
        (Sample::discovered(), [S, S, S, S, S, S, P]),
        (Sample::discovered().mapped(2).waiting(2), [S; 7]),
    ] {
        let status = sample.status();
        let states: Vec<StepState> = status.steps.iter().map(|step| step.state).collect();
        assert_eq!(states, expected, "{:?}", status.steps);
    }
}

#[test]
fn a_first_sync_that_failed_is_a_failed_step() {
    let status = Sample::chosen().failed(1).status();
    assert_eq!(step(&status, StepName::FirstSync).0, StepState::Failed);
    assert_eq!(status.state, State::Failed);
}

#[test]
fn the_choice_of_groups_is_named() {
    let group = |name: &str| ChosenGroup {
        id: "9f3c2b10-0000-4000-8000-00000000000a".parse().unwrap(),
        name: name.into(),
    };
    let said = |groups| {
        let status = Sample::chosen().filter(GroupFilter::Groups(groups)).status();
        step(&status, StepName::GroupChoice).1.to_owned()
    };
    assert_eq!(
        said(vec![group("Accounting")]),
        "Members of Accounting are synchronized."
    );
    assert_eq!(
        said(vec![group("Accounting"), group("Billing")]),
        "Members of 2 groups are synchronized."
    );
}

#[test]
fn a_sync_that_is_going_on_needs_nobody_but_for_its_sign_in() {
    let waits = Sample::discovered()
        .mapped(1)
        .waiting(1)
        .running(RunState::AwaitingSignIn)
        .status();
    assert_eq!(
        (waits.next_actor, waits.sync_status),
        (Some(Actor::GlobalAdmin), "Waiting for sign-in")
    );
    for state in [
        RunState::Discovering,
        RunState::Planning,
        RunState::Preparing,
        RunState::Applying,
        RunState::Verifying,
    ] {
        let busy = Sample::discovered().mapped(1).waiting(1).running(state).status();
        assert_eq!((busy.next_actor, busy.sync_status), (None, "Syncing"));
        assert!(busy.current_run.is_some());
    }
    for state in [RunState::Succeeded, RunState::Failed, RunState::Abandoned] {
        let ended = Sample::discovered().mapped(1).waiting(1).running(state).status();
        assert_eq!((ended.current_run, ended.sync_status), (None, "Sync Needed"));
    }
}

#[test]
fn the_document_does_not_change_from_minute_to_minute() {
    for sample in [
        Sample::invited(),
        Sample::bound(),
        Sample::discovered().mapped(9).limit(Some(10)).trial("2026-11-05"),
        Sample::discovered().mapped(2).failed(3),
    ] {
        assert_eq!(
            sample.clone().after(MINUTE * 60).status(),
            sample.after(MINUTE * 61).status()
        );
    }
}

/// Anything that can be kept, in any combination.
fn anything() -> impl Strategy<Value = Sample> {
    let setup = prop_oneof![
        Just(Setup::Invited),
        Just(bound(Consents::default())),
        Just(complete(Consents::default()))
    ];
    let standing = prop_oneof![
        Just(Standing::Active),
        Just(Standing::Disabled { since: at(50) }),
        Just(Standing::Removing {
            since: at(50),
            final_sync: None,
            disabled: None
        }),
        Just(Standing::Removing {
            since: at(50),
            final_sync: Some(run(RunState::Planning).id),
            disabled: None
        }),
        Just(Standing::Removed { since: at(50) }),
    ];
    let invitation = proptest::option::of(proptest::sample::select(vec![
        InvitationState::Queued,
        InvitationState::Sent,
        InvitationState::Delivered,
        InvitationState::Bounced,
        InvitationState::Opened,
        InvitationState::Accepted,
        InvitationState::Revoked,
        InvitationState::Locked,
    ]));
    let news = proptest::collection::btree_map(
        proptest::sample::select(vec![Step::SignIn, Step::FirstConsent, Step::SecondConsent]),
        (any::<bool>(), -10_i64..60),
        0..3,
    );
    let runs = vec![
        None,
        Some(RunState::AwaitingSignIn),
        Some(RunState::Applying),
        Some(RunState::Failed),
        Some(RunState::Abandoned),
    ];
    let last = vec![None, Some(LastSync::Successful), Some(LastSync::Failed)];
    let sync = (
        any::<bool>(),
        proptest::option::of(0_u32..3),
        0_u32..30,
        proptest::sample::select(last),
        proptest::sample::select(runs),
        0_usize..14,
    );
    let settings = (
        proptest::option::of(1_u32..20),
        proptest::option::of(-20_i64..20),
        any::<bool>(),
        any::<bool>(),
    );
    (setup, standing, invitation, news, sync, settings, 0_i64..15_000).prop_map(
        |(setup, standing, invitation, news, sync, (limit, trial, decided, known), minutes)| {
            let (discovered, waiting, mapped, last, current, findings) = sync;
            let mut sample = Sample::invited().standing(standing).mapped(mapped).limit(limit);
            sample.enterprise.setup = setup;
            if decided {
                sample.enterprise.group_filter = GroupFilter::Everyone;
            }
            sample.enterprise.global_admin.identity = known.then(samples::identity);
            sample = match invitation {
                Some(state) => sample.invitation(state),
                None => sample.without_invitation(),
            };
            for (which, (well, minute)) in news {
                sample = if well {
                    sample.told(which, StepState::Succeeded, "Well.", minute)
                } else {
                    sample.refused(which, SignInRefused::Declined, minute)
                };
            }
            sample.sync.discovered = discovered.then(|| at(15));
            sample.sync.pending = waiting.map(pending);
            sample = match last {
                Some(LastSync::Failed) => sample.failed(findings),
                Some(LastSync::Successful) => sample.succeeded(),
                None => sample,
            };
            if let Some(state) = current {
                sample = sample.running(state);
            }
            if let Some(days) = trial {
                let day = schedule::local_day(at(0) + DAY * i32::try_from(days).unwrap(), &samples::zone());
                sample = sample.trial(&day.to_string());
            }
            sample.after(MINUTE * i32::try_from(minutes).unwrap())
        },
    )
}

proptest! {
    #[test]
    fn there_is_exactly_one_state_and_an_actor_or_nothing_to_do(sample in anything()) {
        let status = sample.status();
        prop_assert_eq!(STATES.iter().filter(|state| **state == status.state).count(), 1);
        let nothing = status.next_step.starts_with("Nothing to do");
        prop_assert_eq!(status.next_actor.is_none(), nothing, "{:?}: {}", status.next_actor, status.next_step);
        prop_assert!(status.next_step.ends_with('.'));
        for text in [&status.next_step].into_iter().chain(status.blocks.iter().flat_map(|block| [&block.seen, &block.fix])) {
            prop_assert!(!text.contains("  ") && !text.is_empty(), "{}", text);
        }
        prop_assert!(status.blocks.len() <= super::blocks::FINDINGS_MAX + 2);
        prop_assert_eq!(status.steps.len(), 7);
        prop_assert!(status.steps.windows(2).all(|pair| pair[0].name < pair[1].name));
        let distinct: std::collections::BTreeSet<_> = status.events.iter().map(|event| event.code).collect();
        prop_assert_eq!(distinct.len(), status.events.len());
        prop_assert!(status.events.iter().all(|event| event.since <= sample.now));
    }
}
