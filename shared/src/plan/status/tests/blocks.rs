//! What keeps an enterprise from going on, with every edge.

use super::*;
use crate::domain::invitation::Trouble;

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
fn inv_undelivered_when_the_global_admin_gets_no_mail_any_more() {
    for (cause, seen) in [
        (Trouble::Bounce, "came back for good"),
        (Trouble::Complaint, "reported there as unwanted"),
    ] {
        let status = Sample::discovered().unreachable(cause).status();
        assert_eq!(codes(&status), [Code::InvUndelivered]);
        let block = &status.blocks[0];
        assert_eq!(
            (block.subject.as_str(), block.actor),
            ("mara@bluefinch.example", Actor::Reseller)
        );
        assert!(
            block.seen.contains(seen) && block.seen.contains("no reminders"),
            "{}",
            block.seen
        );
        assert!(
            block.fix.contains("lift the suppression") && block.fix.contains("reassign the"),
            "{}",
            block.fix
        );
    }
    // Of somebody who is invited the invitation itself says how far it came.
    let opened = Sample::invited().invitation(InvitationState::Opened);
    assert_eq!(codes(&opened.unreachable(Trouble::Bounce).status()), []);
}

#[test]
fn inv_undelivered_at_once_when_the_mail_comes_back() {
    for (trouble, seen) in [
        (Trouble::Bounce, "the address does not take it"),
        (Trouble::Complaint, "unwanted mail"),
        (Trouble::Reject, "held back"),
    ] {
        let status = Sample::invited().bounced(trouble, 1).status();
        assert_eq!(codes(&status), [Code::InvUndelivered]);
        let block = &status.blocks[0];
        assert!(block.seen.contains(seen), "{}", block.seen);
        for way_out in [
            "Check the address",
            "correct it",
            "send the invitation again",
            "reassign the Global Admin",
        ] {
            assert!(block.fix.contains(way_out), "{way_out}: {}", block.fix);
        }
        assert_eq!(
            (block.actor, status.next_actor),
            (Actor::Reseller, Some(Actor::Reseller))
        );
        assert_eq!(step(&status, StepName::Invitation).0, StepState::Failed);
        assert_eq!(status.steps[0].at, Some(at(1)));
    }
    // Whoever was given the link in another way has opened it all the same.
    let opened = Sample::invited()
        .bounced(Trouble::Bounce, 1)
        .invitation(InvitationState::Opened);
    assert_eq!(codes(&opened.status()), []);
    let expired = Sample::invited().bounced(Trouble::Bounce, 1).after(DAY * 7).status();
    assert!(
        expired.blocks[0].seen.contains("has expired"),
        "{}",
        expired.blocks[0].seen
    );
}

#[test]
fn an_invitation_that_arrived_is_waited_for_as_one_that_was_sent() {
    let arrived = |after| {
        let sample = Sample::invited().invitation(InvitationState::Delivered);
        sample.after(after).status()
    };
    assert_eq!(codes(&arrived(DAY * 3)), []);
    assert!(step(&arrived(DAY), StepName::Invitation).1.contains("arrived"));
    assert_eq!(codes(&arrived(DAY * 3 + SECOND)), [Code::InvUndelivered]);
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
        (SignInRefused::NotGlobalAdmin { has: Vec::new() }, Code::GaNotAdmin),
        (not_recorded, Code::GaNotRecorded),
        (SignInRefused::PersonalAccount, Code::GaNotRecorded),
        (SignInRefused::TenantMismatch, Code::TenantMismatch),
        (SignInRefused::TenantTaken, Code::TenantMismatch),
        (SignInRefused::ApprovalRequired, Code::ApprovalRequired),
        (SignInRefused::Declined, Code::ConsentMissing),
        (incomplete, Code::ConsentMissing),
        (SignInRefused::ConsentNotInForce, Code::ConsentMissing),
        (SignInRefused::StateUnknown, Code::MsRefused),
        (unknown, Code::MsRefused),
    ] {
        for (sample, which) in [
            (Sample::invited(), Step::SignIn),
            (Sample::bound(), Step::SecondConsent),
        ] {
            let (_, message) = news(&Error::SignIn(refused.clone()));
            let status = sample.refused(which, refused.clone(), 12).status();
            assert_eq!(codes(&status), [code], "{message}");
            assert_eq!(status.blocks[0].seen, message);
            let name = if which == Step::SignIn {
                StepName::SignIn
            } else {
                StepName::Consent2
            };
            assert_eq!(step(&status, name), (StepState::Failed, message));
        }
    }
}

#[test]
fn what_is_not_the_persons_fault_can_be_tried_again() {
    let status = Sample::invited().failed_with(Step::SignIn, &Error::Busy, 5).status();
    assert_eq!(codes(&status), [Code::MsInternal]);
    let unknown = Sample::invited().told(Step::SignIn, StepState::Failed, "Words of another time.", 5);
    assert_eq!(codes(&unknown.status()), [Code::MsRefused]);
}

#[test]
fn r053_who_lacks_the_role_is_told_to_have_it_reassigned() {
    let status = Sample::invited()
        .refused(Step::SignIn, SignInRefused::NotGlobalAdmin { has: Vec::new() }, 5)
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
        .refused(Step::SignIn, SignInRefused::NotGlobalAdmin { has: Vec::new() }, -5)
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
        disabled: None,
    });
    assert_eq!(codes(&leaving.status()), []);
}

#[test]
fn a_sync_whose_session_ended_says_so() {
    let mut sample = Sample::discovered().mapped(1).running(RunState::AwaitingSignIn);
    sample.current.as_mut().unwrap().findings = vec![samples::finding(Code::TokenTooShort)];
    assert_eq!(codes(&sample.status()), [Code::TokenTooShort]);
}

#[test]
fn r069_a_sign_in_that_nobody_came_back_from_shows_once_its_time_is_over() {
    let soon = Sample::invited().unanswered(5).after(MINUTE * 15 - SECOND);
    assert_eq!(codes(&soon.status()), []);
    let sample = Sample::invited().unanswered(5).after(MINUTE * 15);
    let status = sample.status();
    assert_eq!(codes(&status), [Code::WindowClosed]);
    assert!(
        status.blocks[0].seen.contains("no answer came back"),
        "{}",
        status.blocks[0].seen
    );
    let complete = Sample::complete().unanswered(5).after(MINUTE * 15);
    assert_eq!(codes(&complete.status()), [Code::WindowClosed]);
}

#[test]
fn r067_disabled_sync_says_what_comes_next() {
    let status = Sample::complete().sync_disabled(5).status();
    assert_eq!(codes(&status), [Code::SyncDisabled]);
    assert!(
        status.blocks[0].fix.contains("presses Sync Now"),
        "{}",
        status.blocks[0].fix
    );
}

#[test]
fn r056_a_consent_that_is_gone_is_asked_for_again() {
    let gone = || Consent::Revoked {
        at: at(5),
        by: "Microsoft".into(),
    };
    let status = Sample::complete()
        .consents(|consents| consents.calling = gone())
        .status();
    assert_eq!(codes(&status), [Code::ConsentMissing]);
    assert_eq!(step(&status, StepName::Consent2).0, StepState::Failed);
    let first = Sample::complete()
        .consents(|consents| consents.sign_in = gone())
        .status();
    assert_eq!(codes(&first), [Code::ConsentMissing]);
}
