//! Reminders to somebody else than the Global Admin, and the way out of them.

use super::*;

const DUTY: &str = "https://teams.kestrel.example/duty/9d3c1b7f5e2a4c6d";

fn required_for(reader: Reader, duty_url: Option<&Url>) -> Mail {
    SyncRequired {
        brand: &brand(),
        recipient: "Jo Pell".into(),
        enterprise: "Bluefinch Ltd".into(),
        reader,
        waiting: waiting(1, &["Ann Vos"]),
        duty_url,
        zone: &brussels(),
    }
    .render()
}

fn failed_for(reader: Reader) -> Mail {
    SyncFailed {
        brand: &brand(),
        recipient: "Jo Pell".into(),
        enterprise: "Bluefinch Ltd".into(),
        reader,
        failed: at("2026-11-21T16:45:00Z"),
        findings: &[taken("Ann Vos")],
        waiting: None,
        duty_url: None,
        zone: &brussels(),
    }
    .render()
}

fn second_contact(reminders: u32) -> Reader {
    Reader::SecondContact {
        admin: "Mara Quist".into(),
        reminders,
    }
}

#[test]
fn a_second_contact_learns_whom_to_remind_and_why() {
    let mail = required_for(second_contact(3), None);
    snapshot("sync_required_second", &mail);
    both_say(
        &mail,
        "Mara Quist, the Global Admin, has had 3 reminders so far, and nothing has changed.",
    );
    both_say(
        &mail,
        "Only Mara Quist can run the sync: please see to it that it is done.",
    );
    both_say(
        &mail,
        "you are named as the second contact for the Microsoft Teams integration",
    );
    both_say(&required_for(second_contact(1), None), "has had 1 reminder so far");
    let mail = failed_for(second_contact(3));
    both_say(&mail, "Who: the Global Admin. [NUMBER_TAKEN]");
    both_say(&mail, "Only Mara Quist can run the sync");
}

#[test]
fn whoever_has_taken_the_duty_over_learns_who_syncs() {
    let holder = || Reader::Duty {
        admin: "Mara Quist".into(),
    };
    for mail in [required_for(holder(), None), failed_for(holder())] {
        both_say(&mail, "Only Mara Quist can run the sync");
        both_say(
            &mail,
            "you have taken over to be reminded for the Microsoft Teams integration",
        );
        assert!(!mail.text.contains("nothing has changed"));
    }
}

#[test]
fn r182_the_global_admin_is_told_of_nobody_else() {
    // R182
    let mail = required_for(Reader::GlobalAdmin, None);
    both_say(
        &mail,
        "you are the Global Admin responsible for the Microsoft Teams integration",
    );
    assert!(!mail.text.contains("can run the sync"));
}

#[test]
fn the_duty_can_be_handed_over_or_paused() {
    let url = DUTY.parse().unwrap();
    let mail = required_for(Reader::GlobalAdmin, Some(&url));
    both_say(
        &mail,
        "Is this no longer your task, or does it have to wait? Hand it over, or pause it, on this page: https://teams.kestrel.example/duty/9d3c1b7f5e2a4c6d",
    );
    assert!(mail.html.contains(&format!("href=\"{DUTY}\"")));
    // Without the page there is still somebody to ask.
    both_say(
        &required_for(Reader::GlobalAdmin, None),
        "Questions, or is this no longer your task? Contact your voice administrator, +1 555 0100.",
    );
}

#[test]
fn the_duty_is_offered_and_nothing_changes_until_it_is_accepted() {
    let mail = DutyOffered {
        brand: &brand(),
        recipient: "Jo Pell".into(),
        enterprise: "Bluefinch Ltd".into(),
        from: "Mara Quist".into(),
        accept_url: &DUTY.parse().unwrap(),
        expires: at("2026-11-29T15:05:00Z"),
        zone: &brussels(),
    }
    .render();
    snapshot("duty_offered", &mail);
    both_say(
        &mail,
        "Until you accept, nothing changes: Mara Quist goes on receiving the reminders.",
    );
    both_say(&mail, "The link is valid until 29 Nov 2026, 16:05 (Europe/Brussels).");
    assert_eq!(mail.html.matches(&format!("href=\"{DUTY}\"")).count(), 2);
}

#[test]
fn whoever_handed_the_duty_over_is_told_who_has_it() {
    let mail = DutyTaken {
        brand: &brand(),
        recipient: "Mara Quist".into(),
        enterprise: "Bluefinch Ltd".into(),
        by: "Jo Pell".into(),
        at: at("2026-11-22T15:05:00Z"),
        zone: &brussels(),
    }
    .render();
    snapshot("duty_taken", &mail);
    both_say(&mail, "Jo Pell has taken over the reminders");
    both_say(&mail, "Who may sync has not changed");
}
