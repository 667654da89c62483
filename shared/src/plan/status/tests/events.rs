//! Warnings, with every edge.

use super::*;

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
            .standing(Standing::Removing {
                since,
                final_sync,
                disabled: None,
            })
            .status();
        let event = status.events.into_iter().next().unwrap();
        assert_eq!((event.code, event.since), (EventCode::RemovalOrdered, since));
        event.text
    };
    assert!(removing(None).contains("can be undone until the final sync begins"));
    assert!(removing(Some(run(RunState::Applying).id)).contains("cannot be undone any more"));
}
