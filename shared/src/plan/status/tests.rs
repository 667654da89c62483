//! Tables of every state, block and event, with their edges; and a property over everything that can be kept.

mod samples;

use super::*;
use crate::domain::consent::Consents;
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
fn inv_undelivered_when_the_mail_does_not_leave_within_10_minutes() {
    let queued = |after| {
        Sample::invited()
            .invitation(InvitationState::Queued)
            .after(after)
            .status()
    };
    assert_eq!(codes(&queued(MINUTE * 10)), []);
    let stuck = queued(MINUTE * 10 + SECOND);
    assert_eq!(codes(&stuck), [Code::InvUndelivered]);
    assert_eq!(stuck.blocks[0].subject, "mara@bluefinch.example");
    assert_eq!(stuck.next_actor, Some(Actor::Reseller));
    assert_eq!(step(&stuck, StepName::Invitation).0, StepState::Failed);
}

#[test]
fn inv_undelivered_when_nobody_opens_it_within_3_days() {
    let sent = |after| Sample::invited().after(after).status();
    assert_eq!(codes(&sent(DAY * 3)), []);
    let unread = sent(DAY * 3 + SECOND);
    assert_eq!(codes(&unread), [Code::InvUndelivered]);
    assert!(unread.blocks[0].fix.contains("spam folder"));
    assert_eq!(step(&unread, StepName::Invitation).0, StepState::Running);
    let opened = Sample::invited().invitation(InvitationState::Opened).after(DAY * 4);
    assert_eq!(codes(&opened.status()), []);
}

#[test]
fn inv_undelivered_when_it_can_no_longer_be_accepted() {
    let expired = |after| {
        Sample::invited()
            .invitation(InvitationState::Opened)
            .after(after)
            .status()
    };
    assert_eq!(codes(&expired(DAY * 7 - SECOND)), []);
    let gone = expired(DAY * 7);
    assert_eq!(codes(&gone), [Code::InvUndelivered]);
    assert!(
        gone.next_step.contains("has expired. Send the invitation again."),
        "{}",
        gone.next_step
    );
    for sample in [
        Sample::invited().invitation(InvitationState::Locked),
        Sample::invited().invitation(InvitationState::Revoked),
        Sample::invited().wrong_codes(ATTEMPTS),
        Sample::invited().without_invitation(),
    ] {
        let status = sample.status();
        assert_eq!(codes(&status), [Code::InvUndelivered]);
        assert_eq!(status.next_actor, Some(Actor::Reseller));
    }
}

#[test]
fn an_invitation_is_nobodys_trouble_once_it_is_accepted_or_not_served() {
    for sample in [
        Sample::bound().after(DAY * 30),
        Sample::complete().after(DAY * 30),
        Sample::invited()
            .standing(Standing::Removed { since: at(1) })
            .after(DAY * 9),
    ] {
        let status = sample.status();
        assert_eq!(
            (codes(&status), events(&status)),
            (vec![], vec![]),
            "{:?}",
            status.state
        );
    }
}

#[test]
fn a_new_global_admin_during_the_set_up_is_invited_anew() {
    let status = Sample::bound().reinvited().after(DAY * 4).status();
    assert_eq!(status.state, State::Consent2);
    assert_eq!(codes(&status), [Code::InvUndelivered]);
    assert_eq!(events(&status), [EventCode::InvitationPending]);
    assert_eq!(step(&status, StepName::SignIn).0, StepState::Pending);
}

#[test]
fn a_sign_in_that_failed_keeps_its_code() {
    let not_recorded = SignInRefused::NotRecorded {
        expected: "Mara".into(),
    };
    let incomplete = SignInRefused::ConsentIncomplete {
        missing: vec!["User.Read.All".into()],
    };
    let unknown = SignInRefused::Microsoft {
        code: "AADSTS50105".into(),
    };
    for (refused, code) in [
        (SignInRefused::NotGlobalAdmin, Code::GaNotAdmin),
        (not_recorded, Code::GaNotRecorded),
        (SignInRefused::PersonalAccount, Code::GaNotRecorded),
        (SignInRefused::TenantMismatch, Code::TenantMismatch),
        (SignInRefused::TenantTaken, Code::TenantMismatch),
        (SignInRefused::ApprovalRequired, Code::ConsentMissing),
        (SignInRefused::Declined, Code::ConsentMissing),
        (incomplete, Code::ConsentMissing),
        (SignInRefused::StateUnknown, Code::MsRefused),
        (unknown, Code::MsRefused),
    ] {
        for (sample, which) in [
            (Sample::invited(), Step::SignIn),
            (Sample::bound(), Step::SecondConsent),
        ] {
            let message = news(&Error::SignIn(refused.clone()));
            let status = sample.refused(which, refused.clone(), 12).status();
            assert_eq!(codes(&status), [code], "{message}");
            assert_eq!(status.blocks[0].seen, message);
            let name = if which == Step::SignIn {
                StepName::SignIn
            } else {
                StepName::Consent2
            };
            assert_eq!(step(&status, name), (StepState::Failed, message.as_str()));
        }
    }
}

#[test]
fn r053_who_lacks_the_role_is_told_to_have_it_reassigned() {
    let status = Sample::invited()
        .refused(Step::SignIn, SignInRefused::NotGlobalAdmin, 5)
        .status();
    assert!(
        status.next_step.contains("reassign the Global Admin role"),
        "{}",
        status.next_step
    );
    assert!(status.next_step.contains("Kestrel Support"), "{}", status.next_step);
}

#[test]
fn a_try_that_went_well_forgives_the_one_before() {
    let tried = Sample::invited().refused(Step::FirstConsent, SignInRefused::Declined, 5);
    let status = tried
        .told(Step::SignIn, StepState::Succeeded, "Mara signed in.", 6)
        .status();
    assert_eq!(codes(&status), []);
    assert_eq!(step(&status, StepName::Consent1).0, StepState::Running);
}

#[test]
fn news_from_before_the_newest_invitation_count_no_more() {
    let status = Sample::invited()
        .refused(Step::SignIn, SignInRefused::NotGlobalAdmin, -5)
        .status();
    assert_eq!(codes(&status), []);
    assert_eq!(step(&status, StepName::SignIn).0, StepState::Pending);
}

#[test]
fn a_declined_second_request_blocks() {
    let status = Sample::bound().calling_declined(12).status();
    assert_eq!(codes(&status), [Code::ConsentMissing]);
    assert_eq!(
        step(&status, StepName::Consent2),
        (StepState::Failed, "The permission request was declined.")
    );
    assert_eq!(status.next_actor, Some(Actor::GlobalAdmin));
}

#[test]
fn r022_a_disabled_enterprise_is_not_served() {
    let status = Sample::discovered()
        .failed(3)
        .standing(Standing::Disabled { since: at(40) })
        .status();
    assert_eq!(codes(&status), [Code::NotServed]);
    assert_eq!(status.since, at(40));
}

#[test]
fn the_findings_of_a_failed_sync_are_shown_up_to_ten() {
    for (findings, shown, more) in [(0, 0, 0), (1, 1, 0), (10, 10, 0), (11, 10, 1), (40, 10, 30)] {
        let status = Sample::discovered().mapped(1).failed(findings).status();
        assert_eq!((status.blocks.len(), status.more_findings), (shown, more));
        assert_eq!(status.state, State::Failed);
    }
    let again = Sample::discovered().mapped(1).failed(3).succeeded().status();
    assert_eq!((again.state, again.blocks.len()), (State::UpToDate, 0));
}

#[test]
fn over_license_says_how_many_lose_theirs_and_whom_to_ask() {
    let over = |mapped, limit| Sample::discovered().mapped(mapped).limit(limit).status();
    assert_eq!(codes(&over(10, Some(10))), []);
    assert_eq!(codes(&over(1_000, None)), []);
    let one = over(11, Some(10));
    assert_eq!(codes(&one), [Code::OverLicense]);
    assert_eq!(
        one.blocks[0].seen,
        "11 users are mapped, and there are 10 licenses: 1 user, the newest mapping, has none and cannot be called in Teams after the next sync."
    );
    assert!(one.blocks[0].fix.contains("your Kestrel administrator"));
    assert!(
        over(13, Some(10)).blocks[0]
            .seen
            .contains("3 users, the newest mappings, have none")
    );
}

#[test]
fn over_license_counts_what_there_is_now() {
    let mapped = || Sample::discovered().mapped(3).limit(Some(10)).trial("2026-11-30");
    let (before, after) = ("2026-11-30T22:59:59Z", "2026-11-30T23:00:00Z");
    assert_eq!(codes(&mapped().now(before).status()), []);
    let over = mapped().now(after).status();
    assert_eq!(codes(&over), [Code::OverLicense]);
    assert_eq!((over.licences.limit, over.licences.allowance), (Some(10), Some(0)));
    let leaving = Sample::discovered().mapped(3).standing(Standing::Removing {
        since: at(20),
        final_sync: None,
    });
    assert_eq!(codes(&leaving.status()), []);
}

#[test]
fn licences_are_warned_of_at_80_and_100_percent() {
    let warned = |used, limit| Sample::discovered().mapped(used).limit(limit).status();
    assert_eq!(events(&warned(79, Some(100))), []);
    assert_eq!(events(&warned(80, Some(100))), [EventCode::Licences80]);
    assert_eq!(events(&warned(99, Some(100))), [EventCode::Licences80]);
    assert_eq!(events(&warned(100, Some(100))), [EventCode::Licences100]);
    assert_eq!(events(&warned(5_000, None)), []);
    let full = warned(100, Some(100));
    assert!(full.events[0].text.contains("(100 of 100)"), "{}", full.events[0].text);
    assert_eq!(full.events[0].since, at(25));
}

#[test]
fn a_warning_that_no_longer_holds_is_not_shown() {
    let raised = Sample::discovered()
        .mapped(8)
        .limit(Some(10))
        .limit_since(Some(100))
        .status();
    assert_eq!(events(&raised), []);
    let ended = Sample::discovered().mapped(8).limit(Some(10)).trial("2026-11-30");
    assert_eq!(
        events(&ended.now("2026-12-01T12:00:00Z").status()),
        [EventCode::TrialEnded]
    );
}

#[test]
fn a_trial_is_warned_of_by_the_days_of_the_enterprise() {
    let trial = |now: &str| {
        let status = Sample::discovered().trial("2026-12-31").now(now).status();
        let event = status.events.into_iter().next();
        event.map(|event| (event.code, event.days, event.since.to_string()))
    };
    let ends = |days, since: &str| Some((EventCode::TrialEnds, Some(days), since.to_owned()));
    assert_eq!(trial("2026-12-17T22:59:59Z"), None);
    assert_eq!(trial("2026-12-17T23:00:00Z"), ends(14, "2026-12-17T23:00:00Z"));
    assert_eq!(trial("2026-12-24T22:59:59Z"), ends(8, "2026-12-17T23:00:00Z"));
    assert_eq!(trial("2026-12-24T23:00:00Z"), ends(7, "2026-12-24T23:00:00Z"));
    assert_eq!(trial("2026-12-30T23:00:00Z"), ends(1, "2026-12-30T23:00:00Z"));
    assert_eq!(trial("2026-12-31T22:59:59Z"), ends(1, "2026-12-30T23:00:00Z"));
    let ended = Some((EventCode::TrialEnded, None, "2026-12-31T23:00:00Z".to_owned()));
    assert_eq!(trial("2026-12-31T23:00:00Z"), ended);
}

#[test]
fn a_trials_sentence_names_the_day() {
    let text = |now: &str| {
        let mut status = Sample::discovered().trial("2026-12-31").now(now).status();
        status.events.remove(0).text
    };
    assert!(text("2026-12-20T12:00:00Z").starts_with("The trial ends in 12 days, with Dec 31, 2026,"));
    assert!(text("2026-12-31T12:00:00Z").starts_with("The trial ends today, with Dec 31, 2026,"));
    assert!(text("2027-01-05T12:00:00Z").starts_with("The trial ended with Dec 31, 2026,"));
}

#[test]
fn a_pending_invitation_shows_its_age() {
    let age = |after| {
        let mut status = Sample::invited().after(after).status();
        let event = status.events.remove(0);
        assert_eq!((event.code, event.since), (EventCode::InvitationPending, at(0)));
        (event.days.unwrap(), event.text)
    };
    assert_eq!(age(SECOND).1, "Mara Quist was invited today and has not accepted yet.");
    assert_eq!(age(DAY - SECOND).0, 0);
    assert_eq!(age(DAY).1, "Mara Quist was invited 1 day ago and has not accepted yet.");
    assert_eq!(age(DAY * 9).0, 9);
}

#[test]
fn a_removal_can_be_undone_until_its_final_sync_begins() {
    let removing = |final_sync: Option<RunId>| {
        let since = at(20);
        let status = Sample::discovered()
            .standing(Standing::Removing { since, final_sync })
            .status();
        let event = status.events.into_iter().next().unwrap();
        assert_eq!((event.code, event.since), (EventCode::RemovalOrdered, since));
        event.text
    };
    assert!(removing(None).contains("can be undone until the final sync begins"));
    assert!(removing(Some(run(RunState::Applying).id)).contains("cannot be undone any more"));
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
fn a_sync_whose_session_ended_says_so() {
    let mut sample = Sample::discovered().mapped(1).running(RunState::AwaitingSignIn);
    sample.current.as_mut().unwrap().findings = vec![samples::finding(Code::TokenTooShort)];
    assert_eq!(codes(&sample.status()), [Code::TokenTooShort]);
}

#[test]
fn r042_before_the_set_up_the_integration_is_pending() {
    let status = Sample::invited().status();
    assert_eq!(status.integration, Some("Integration Pending"));
    let text = status.integration_text.unwrap();
    assert!(
        text.contains("Mara Quist has been invited") && text.contains("after the initial sync"),
        "{text}"
    );
    assert_eq!(status.global_admin, "Global Admin: Mara Quist");
    assert!(status.global_admin_info.contains("the one person who can sync"));
    assert_eq!(Sample::bound().status().integration, Some("Integration Pending"));
    assert_eq!(Sample::complete().status().integration, None);
    let removed = Sample::invited().standing(Standing::Removed { since: at(1) });
    assert_eq!(removed.status().integration, None);
}

#[test]
fn r140_r141_the_card_has_five_fields_and_two_tooltips() {
    let card = |sample: Sample| {
        let card = sample.status().card.into_iter();
        let line = |field: CardField| (format!("{}: {}", field.label, field.value), field.info.is_some());
        card.map(line).collect::<Vec<_>>()
    };
    let expected = |lines: [(&str, bool); 5]| lines.map(|(line, info)| (line.to_owned(), info));
    assert_eq!(
        card(Sample::discovered().mapped(2).succeeded()),
        expected([
            ("Sync Status: Up to date", true),
            ("Last sync: Nov 2, 2026, 10:45 AM", false),
            ("Last Sync Status: Successful", false),
            ("Action Needed: None", false),
            ("Global Admin: Mara Quist", true),
        ])
    );
    assert_eq!(
        card(Sample::chosen()),
        expected([
            ("Sync Status: Not synced yet", true),
            ("Last sync: Not yet", false),
            ("Last Sync Status: Not yet", false),
            ("Action Needed: None", false),
            ("Global Admin: Mara Quist", true),
        ])
    );
    let failed = card(Sample::discovered().mapped(2).waiting(2).failed(1));
    assert_eq!(failed[0].0, "Sync Status: Failed");
    assert_eq!(
        (failed[2].0.as_str(), failed[3].0.as_str()),
        ("Last Sync Status: Failed", "Action Needed: Sync Needed")
    );
}

#[test]
fn r136_r137_r150_r151_the_buttons_follow_what_waits() {
    let calm = Sample::discovered().mapped(1).status().buttons;
    assert_eq!(
        (calm.integration_portal, calm.voice_portal, calm.warning),
        ("Sync Now", "Sync Users", false)
    );
    let queued = Sample::discovered().mapped(1).waiting(1).status().buttons;
    assert_eq!(
        (queued.integration_portal, queued.voice_portal, queued.warning),
        ("Sync Now - Changes Queued", "Sync Needed", true)
    );
    let menu: Vec<(&str, bool)> = queued.menu.iter().map(|entry| (entry.label, entry.debug)).collect();
    assert_eq!(
        menu,
        [
            ("Sync Now", false),
            ("Diagnostic Sync", true),
            ("Show Sync History", false)
        ]
    );
    assert_eq!(queued.opens, "https://teams.kestrel.example/");
}

#[test]
fn r032_r043_r051_r138_r139_panel_and_links() {
    let status = Sample::invited().status();
    assert_eq!(
        (status.setup.label, status.setup.url.as_str()),
        ("Setup", "https://teams.kestrel.example/")
    );
    assert_eq!(status.panel.title, "Sync Administrator");
    assert!(
        status
            .panel
            .text
            .contains("Press Sync Now when Kestrel Support asks you to"),
        "{}",
        status.panel.text
    );
    assert_eq!(status.panel.duties.len(), 4);
    assert_eq!(status.links.integration_portal, "https://teams.kestrel.example/");
    assert_eq!(status.links.voice_portal, "https://voice.kestrel.example/");
    assert_eq!(status.links.help.as_deref(), Some("https://help.kestrel.example/teams"));
    assert_eq!(status.links.permissions, "https://dialbridge.example/permissions");
}

#[test]
fn licences_in_words() {
    let text = |used, limit| Sample::discovered().mapped(used).limit(limit).status().licences.text;
    assert_eq!(text(3, Some(25)), "3 of 25 licenses used");
    assert_eq!(text(1, Some(1)), "1 of 1 license used");
    assert_eq!(text(3, None), "3 licenses used, no limit");
}

#[test]
fn r012_r013_management_is_shown_as_it_stands() {
    let state = |management| Sample::complete().management(management).status().management_consent;
    assert_eq!(state(Management::Pending).state, "pending");
    assert!(state(Management::Pending).text.contains("Grant Consent"));
    let granted = state(Management::Granted {
        at: at(3),
        by: "Mara Quist".into(),
    });
    assert_eq!(
        (granted.state, granted.by.as_deref(), granted.at),
        ("granted", Some("Mara Quist"), Some(at(3)))
    );
    let withdrawn = state(Management::Withdrawn {
        at: at(3),
        by: "Mara Quist".into(),
    });
    assert_eq!(withdrawn.state, "withdrawn");
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
            final_sync: None
        }),
        Just(Standing::Removing {
            since: at(50),
            final_sync: Some(run(RunState::Planning).id)
        }),
        Just(Standing::Removed { since: at(50) }),
    ];
    let invitation = proptest::option::of(proptest::sample::select(vec![
        InvitationState::Queued,
        InvitationState::Sent,
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
        prop_assert!(status.blocks.len() <= blocks::FINDINGS_MAX + 2);
        prop_assert_eq!(status.steps.len(), 7);
        prop_assert!(status.steps.windows(2).all(|pair| pair[0].name < pair[1].name));
        let distinct: std::collections::BTreeSet<_> = status.events.iter().map(|event| event.code).collect();
        prop_assert_eq!(distinct.len(), status.events.len());
        prop_assert!(status.events.iter().all(|event| event.since <= sample.now));
    }
}
