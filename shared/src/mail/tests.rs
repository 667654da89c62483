//! What the invitation and the reminders say, word by word, and what the tests of all mails use.

mod activation;
mod every_mail;
mod new_ones;
mod provisioning;
mod reminding;

use super::*;
use crate::domain::brand::Brand;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::sync_status::Pending;
use url::Url;

const CODE: &str = "BCDFG-23456";

fn brand() -> Brand {
    Brand {
        product_name: "Kestrel for Teams".into(),
        policy_prefix: "Kestrel".into(),
        voice_portal_name: "Kestrel Voice".into(),
        voice_portal_url: "https://voice.kestrel.example/".parse().unwrap(),
        integration_portal_url: "https://teams.kestrel.example/portal".parse().unwrap(),
        account_contact: "your voice administrator, +1 555 0100".into(),
        provider_contact: "Kestrel Support".into(),
        sender: None,
        reply_to: None,
        application: None,
        accent: Some("#0b6e4f".parse().unwrap()),
        logo_url: None,
    }
}

fn brussels() -> TimeZone {
    TimeZone::get("Europe/Brussels").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn invitation(recipient: &str, enterprise: &str, reseller: &str) -> Mail {
    let complete: Url = "https://teams.kestrel.example/i/4f0c2f5e9b6a4d1e8a3b7c6d5e4f3a2b"
        .parse()
        .unwrap();
    EnterpriseInvitation {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: enterprise.into(),
        reseller: reseller.into(),
        code: CODE,
        complete_url: &complete,
        permissions_url: &"https://teams.kestrel.example/permissions".parse().unwrap(),
        expires: at("2026-11-29T15:05:00Z"),
        zone: &brussels(),
    }
    .render()
}

fn waiting(users: u32, people: &[&str]) -> Waiting {
    Waiting {
        pending: Pending {
            users,
            since: at("2026-11-20T08:30:00Z"),
        },
        people: people.iter().map(|name| Line::from(*name)).collect(),
    }
}

fn required(recipient: &str, enterprise: &str, waiting: Waiting) -> Mail {
    SyncRequired {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: enterprise.into(),
        reader: Reader::GlobalAdmin,
        waiting,
        duty_url: None,
        zone: &brussels(),
    }
    .render()
}

fn failed(recipient: &str, findings: &[Finding], waiting: Option<Waiting>) -> Mail {
    SyncFailed {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: "Bluefinch Ltd".into(),
        reader: Reader::GlobalAdmin,
        failed: at("2026-11-21T16:45:00Z"),
        findings,
        waiting,
        duty_url: None,
        zone: &brussels(),
    }
    .render()
}

fn taken(name: &str) -> Finding {
    Finding {
        code: Code::NumberTaken,
        subject: name.into(),
        seen: format!("The number of {name} is held by a resource account."),
        fix: "Take that number away in the Teams admin center, then sync again.".into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    }
}

/// A snapshot of all three parts in one file, as people would read them.
fn snapshot(name: &str, mail: &Mail) {
    let all = format!(
        "{}\n\n===== text =====\n{}\n===== html =====\n{}",
        mail.subject, mail.text, mail.html
    );
    insta::assert_snapshot!(name, all);
}

/// What a reader of the HTML sees, on one line: without tags, comments, the head, and the line that lists show.
fn visible(mail: &Mail) -> String {
    let body = mail.html.split_once("</head>").unwrap().1;
    let (before, hidden) = body.split_once("<div style=\"display: none").unwrap();
    let mut left = format!("{before}{}", hidden.split_once("</div>").unwrap().1);
    while let Some((before, comment)) = left.split_once("<!--") {
        left = format!("{before}{}", comment.split_once("-->").unwrap().1);
    }
    let left = left.replace("<br>", "\n");
    let mut inside = false;
    let mut seen = String::new();
    for c in left.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => seen.push(c),
            _ => {}
        }
    }
    for (entity, c) in [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ] {
        seen = seen.replace(entity, c);
    }
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text and HTML both say it; quotation marks aside, for which the HTML has emphasis.
fn both_say(mail: &Mail, words: &str) {
    let joined = mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (part, content) in [("text", joined), ("html", visible(mail))] {
        let content = content.replace('"', "");
        assert!(
            content.contains(&words.replace('"', "")),
            "the {part} does not say {words:?}:\n{content}"
        );
    }
}

const HOSTILE: &str = "<b>Mara</b> & \"Q\"\r\nBcc: eve@evil.example\u{202E}";

#[test]
fn r193_the_invitation() {
    // R193
    snapshot(
        "enterprise_invitation",
        &invitation("Mara Quist", "Bluefinch Ltd", "Northline Telecom"),
    );
}

#[test]
fn r193_the_invitation_with_hostile_names() {
    // R193
    snapshot("enterprise_invitation_hostile", &invitation(HOSTILE, HOSTILE, HOSTILE));
}

#[test]
fn r180_sync_required() {
    // R180
    snapshot(
        "sync_required",
        &required("Mara Quist", "Bluefinch Ltd", waiting(2, &["Ann Vos", "Front desk"])),
    );
}

#[test]
fn r180_sync_required_with_hostile_names() {
    // R180
    snapshot(
        "sync_required_hostile",
        &required(HOSTILE, HOSTILE, waiting(1, &[HOSTILE])),
    );
}

#[test]
fn r183_sync_failed() {
    // R183
    let findings = [taken("Ann Vos")];
    snapshot(
        "sync_failed",
        &failed("Mara Quist", &findings, Some(waiting(1, &["Ann Vos"]))),
    );
}

#[test]
fn r183_sync_failed_with_hostile_names_and_nothing_waiting() {
    // R183
    snapshot("sync_failed_hostile", &failed(HOSTILE, &[taken(HOSTILE)], None));
}

#[test]
fn r183_sync_failed_without_findings() {
    // R183
    let mail = failed("Mara Quist", &[], None);
    both_say(
        &mail,
        "Please try again. The log of the sync in the integration portal has the details.",
    );
    assert!(!mail.html.contains("What stood in the way<"));
}

#[test]
fn r033_the_invitation_has_the_button_and_its_address() {
    // R033
    let mail = invitation("Mara", "Bluefinch", "Northline");
    both_say(&mail, "COMPLETE");
    let address = "https://teams.kestrel.example/i/4f0c2f5e9b6a4d1e8a3b7c6d5e4f3a2b";
    assert!(mail.text.contains(address));
    assert_eq!(mail.html.matches(&format!("href=\"{address}\"")).count(), 2);
}

#[test]
fn r034_the_invitation_shows_the_code_but_not_in_the_subject() {
    // R034
    let mail = invitation("Mara", "Bluefinch", "Northline");
    both_say(&mail, &format!("Your Invitation Code: {CODE}"));
    assert!(!mail.subject.contains(CODE));
}

#[test]
fn r035_r036_the_invitation_asks_for_a_global_administrator() {
    // R035, R036
    both_say(
        &invitation("Mara", "Bluefinch", "Northline"),
        "sign in to Microsoft with an account that is a Global Administrator of Bluefinch. Other accounts are refused.",
    );
}

#[test]
fn r054_r057_r058_the_invitation_tells_of_both_permission_sets() {
    // R054, R057, R058
    let mail = invitation("Mara", "Bluefinch", "Northline");
    both_say(&mail, "Microsoft asks twice, and you sign in again in between.");
    both_say(
        &mail,
        "tick \"Consent on behalf of your organization\" before you click \"Accept\"",
    );
}

#[test]
fn r038_the_invitation_links_to_the_permissions() {
    // R038
    let mail = invitation("Mara", "Bluefinch", "Northline");
    assert!(mail.text.contains("https://teams.kestrel.example/permissions"));
    assert!(mail.html.contains("href=\"https://teams.kestrel.example/permissions\""));
}

#[test]
fn r041_the_invitation_works_in_a_private_window() {
    // R041
    both_say(&invitation("Mara", "Bluefinch", "Northline"), "private window");
}

#[test]
fn r193_the_invitation_names_enterprise_and_reseller_and_its_end() {
    // R193
    let mail = invitation("Mara", "Bluefinch", "Northline");
    assert_eq!(mail.subject, "Invitation to connect Bluefinch to Microsoft Teams");
    both_say(
        &mail,
        "Northline invites you to connect Bluefinch to Microsoft Teams with Kestrel for Teams",
    );
    both_say(&mail, "valid until 29 Nov 2026, 16:05 (Europe/Brussels)");
    both_say(&mail, "Contact your voice administrator, +1 555 0100.");
}

#[test]
fn r180_r183_subjects_are_exact() {
    // R180, R183
    assert_eq!(
        required("Mara", "Bluefinch", waiting(1, &[])).subject,
        "Sync required to update the Microsoft Teams integration"
    );
    assert_eq!(
        failed("Mara", &[], None).subject,
        "Microsoft Teams integration sync failed"
    );
}

#[test]
fn r181_sync_required_greets_explains_and_gives_three_steps() {
    // R181
    let mail = required("Mara Quist", "Bluefinch Ltd", waiting(1, &["Ann Vos"]));
    both_say(&mail, "Hello Mara Quist,");
    both_say(&mail, "user mapping of Bluefinch Ltd were saved in Kestrel Voice");
    both_say(
        &mail,
        "Open the integration portal: https://teams.kestrel.example/portal",
    );
    both_say(&mail, "Click \"Sync Now - Changes Queued\".");
    both_say(&mail, "Sign in with the Microsoft account that is the Global Admin");
}

#[test]
fn r181_sync_required_says_for_whom_and_since_when() {
    // R181
    let mail = required("Mara", "Bluefinch", waiting(1, &["Ann Vos"]));
    both_say(
        &mail,
        "Changes have been waiting since 20 Nov 2026, 09:30 (Europe/Brussels), for 1 user:",
    );
    both_say(&mail, "Ann Vos");
    both_say(&required("Mara", "Bluefinch", waiting(3, &[])), "for 3 users.");
}

#[test]
fn r181_ten_are_named_and_the_rest_is_counted() {
    // R181
    let people: Vec<String> = (1..=12).map(|n| format!("Person {n}.")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let mail = required("Mara", "Bluefinch", waiting(150, &people));
    both_say(&mail, "Person 10.");
    both_say(&mail, "and 140 more");
    assert!(!mail.text.contains("Person 11.") && !mail.html.contains("Person 11."));
    let exactly_ten = required("Mara", "Bluefinch", waiting(10, &people[..10]));
    assert!(!exactly_ten.text.contains("more") && !exactly_ten.html.contains(" more</li>"));
}

#[test]
fn r182_r184_both_say_why_they_came_and_whom_to_ask() {
    // R182, R184
    for mail in [
        required("Mara", "Bluefinch Ltd", waiting(1, &[])),
        failed("Mara", &[], None),
    ] {
        both_say(
            &mail,
            "Why you receive this message: you are the Global Admin responsible for the Microsoft Teams integration of Bluefinch Ltd.",
        );
        both_say(&mail, "Contact your voice administrator, +1 555 0100.");
    }
}

#[test]
fn r165_r166_both_say_when_they_stop() {
    // R165, R166
    for mail in [
        required("Mara", "Bluefinch", waiting(1, &[])),
        failed("Mara", &[], None),
    ] {
        both_say(
            &mail,
            "at most once a day and stops when a sync has completed successfully",
        );
    }
}

#[test]
fn r184_sync_failed_says_what_stood_in_the_way_and_how_to_try_again() {
    // R184
    let mail = failed("Mara Quist", &[taken("Ann Vos")], None);
    both_say(
        &mail,
        "The latest sync of Bluefinch Ltd with Microsoft Teams failed on 21 Nov 2026, 17:45 (Europe/Brussels).",
    );
    both_say(&mail, "The number of Ann Vos is held by a resource account.");
    both_say(
        &mail,
        "What to do: Take that number away in the Teams admin center, then sync again.",
    );
    both_say(&mail, "Who: you, as the Global Admin. [NUMBER_TAKEN]");
    both_say(
        &mail,
        "Open the integration portal: https://teams.kestrel.example/portal",
    );
    both_say(&mail, "Click \"Sync Now\".");
    both_say(&mail, "Sign in with the Microsoft account that is the Global Admin");
}

#[test]
fn r184_the_button_of_a_failed_sync_follows_what_waits() {
    // R184
    both_say(
        &failed("Mara", &[], Some(waiting(1, &["Ann Vos"]))),
        "Click \"Sync Now - Changes Queued\".",
    );
}

#[test]
fn r184_ten_findings_are_told_and_the_rest_is_counted() {
    // R184
    let findings: Vec<Finding> = (1..=13).map(|n| taken(&format!("Person {n}"))).collect();
    let mail = failed("Mara", &findings, None);
    both_say(&mail, "Person 10 is held");
    both_say(&mail, "and 3 more, in the log");
    assert!(!mail.text.contains("Person 11"));
}
