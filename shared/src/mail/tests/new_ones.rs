//! What the mails about waiting invitations say, and those to a reseller.

use super::*;
use crate::domain::invitation::Trouble;
use crate::domain::state::State;

fn nudge(fresh: Option<Fresh<'_>>) -> Mail {
    InvitationNudge {
        brand: &brand(),
        recipient: "Mara Quist".into(),
        enterprise: "Bluefinch Ltd".into(),
        reseller: "Northline Telecom".into(),
        invited: at("2026-11-22T15:05:00Z"),
        expires: at("2026-11-29T15:05:00Z"),
        fresh,
        zone: &brussels(),
    }
    .render()
}

fn stuck(why: Stuck) -> Mail {
    InvitationStuck {
        brand: &brand(),
        recipient: "jon@northline.example".into(),
        reseller: "Northline Telecom".into(),
        enterprise: "Bluefinch Ltd".into(),
        admin: "Mara Quist".into(),
        address: "mara@bluefinch.example".into(),
        since: at("2026-11-22T15:05:00Z"),
        why,
        zone: &brussels(),
    }
    .render()
}

#[test]
fn an_invitation_that_waits_is_found_again() {
    let mail = nudge(None);
    snapshot("invitation_nudge", &mail);
    both_say(
        &mail,
        "On 22 Nov 2026, 16:05 (Europe/Brussels), Northline Telecom invited you",
    );
    both_say(
        &mail,
        "with the subject Invitation to connect Bluefinch Ltd to Microsoft Teams",
    );
    // The subject that it names is that of the invitation.
    let subject = invitation("Mara Quist", "Bluefinch Ltd", "Northline Telecom").subject;
    both_say(&mail, &subject);
    both_say(&mail, "It is valid until 29 Nov 2026, 16:05 (Europe/Brussels).");
}

#[test]
fn r034_a_new_code_replaces_the_old_one() {
    // R034
    let url: Url = "https://teams.kestrel.example/i/4f0c2f5e9b6a4d1e".parse().unwrap();
    let fresh = Fresh {
        code: CODE,
        complete_url: &url,
    };
    let mail = nudge(Some(fresh));
    snapshot("invitation_nudge_fresh", &mail);
    both_say(&mail, &format!("Your new Invitation Code: {CODE}"));
    both_say(&mail, "The link and the code of earlier messages no longer work.");
    assert!(!mail.subject.contains(CODE));
    assert!(mail.text.contains(url.as_str()) && mail.html.contains(url.as_str()));
}

#[test]
fn an_invitation_that_cannot_be_delivered_is_a_task_of_the_reseller() {
    // 1.5 INV_UNDELIVERED: check spam, correct the address, send again, reassign.
    let mail = stuck(Stuck::Undelivered(Trouble::Bounce));
    snapshot("invitation_stuck", &mail);
    assert_eq!(mail.subject, "Invitation not delivered: Bluefinch Ltd");
    both_say(
        &mail,
        "was sent to Mara Quist (mara@bluefinch.example) on 22 Nov 2026, 16:05 (Europe/Brussels). The mail server of that address refused it.",
    );
    both_say(
        &mail,
        "Check the address. Once it is corrected, the invitation goes there by itself.",
    );
    both_say(&mail, "then send the invitation again.");
    both_say(&mail, "Give the role to another Global Administrator of Bluefinch Ltd.");
    let mail = stuck(Stuck::NotAccepted);
    assert_eq!(mail.subject, "Invitation not accepted: Bluefinch Ltd");
    both_say(&mail, "sorted out as spam");
    both_say(&stuck(Stuck::Undelivered(Trouble::Complaint)), "marked it as unwanted");
    both_say(&stuck(Stuck::Undelivered(Trouble::Reject)), "held back before it left");
}

#[test]
fn reminders_that_lead_to_nothing_are_told_to_the_reseller() {
    let ignored = |reminders| {
        RemindersIgnored {
            brand: &brand(),
            recipient: "jon@northline.example".into(),
            reseller: "Northline Telecom".into(),
            enterprise: "Bluefinch Ltd".into(),
            admin: "Mara Quist".into(),
            reminders,
            since: at("2026-11-15T08:30:00Z"),
            zone: &brussels(),
        }
        .render()
    };
    let mail = ignored(7);
    snapshot("reminders_ignored", &mail);
    assert_eq!(mail.subject, "Bluefinch Ltd still waits for a sync after 7 reminders");
    both_say(
        &mail,
        "waiting for a sync at Bluefinch Ltd since 15 Nov 2026, 09:30 (Europe/Brussels)",
    );
    both_say(&mail, "Only the Global Admin, Mara Quist, can run the sync.");
    assert!(ignored(1).subject.ends_with("after 1 reminder"));
}

#[test]
fn a_digest_lists_what_waits_and_counts_the_rest() {
    let row = |name: &str, state| DigestRow {
        enterprise: name.into(),
        state,
        since: at("2026-11-20T08:30:00Z"),
    };
    let rows = [row("Bluefinch Ltd", State::Failed), row("Greenlark BV", State::Mapping)];
    let digest = |rows, more| {
        ResellerDigest {
            brand: &brand(),
            recipient: "jon@northline.example".into(),
            reseller: "Northline Telecom".into(),
            rows,
            more,
            zone: &brussels(),
        }
        .render()
    };
    let mail = digest(&rows[..], 12);
    snapshot("reseller_digest", &mail);
    assert_eq!(mail.subject, "Northline Telecom: 14 enterprises wait for somebody");
    both_say(
        &mail,
        "Bluefinch Ltd: Last sync failed Since 20 Nov 2026, 09:30 (Europe/Brussels). Next: its Global Admin.",
    );
    both_say(&mail, "Next: its account admins.");
    both_say(&mail, "and 12 more");
    assert_eq!(
        digest(&rows[..1], 0).subject,
        "Northline Telecom: 1 enterprise waits for somebody"
    );
}

#[test]
fn an_endpoint_that_is_switched_off_loses_nothing() {
    let mail = WebhookDisabled {
        brand: &brand(),
        recipient: "jon@northline.example".into(),
        reseller: "Northline Telecom".into(),
        host: "hooks.northline.example".into(),
        since: at("2026-11-17T08:30:00Z"),
        tries: 10,
        last_problem: "status 503".into(),
        zone: &TimeZone::UTC,
    }
    .render();
    snapshot("webhook_disabled", &mail);
    both_say(
        &mail,
        "Nothing has reached the webhook endpoint of Northline Telecom at hooks.northline.example since 17 Nov 2026, 08:30 (UTC).",
    );
    both_say(
        &mail,
        "Nothing is lost: every event can be read from the event feed for 30 days.",
    );
    both_say(&mail, "It goes on where it stopped.");
}
