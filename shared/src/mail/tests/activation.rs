//! What the mail says that leads through the activation (E1).

use super::*;

fn activate(recipient: &str, enterprise: &str) -> Mail {
    IntegrationActivation {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: enterprise.into(),
    }
    .render()
}

/// The words in their order, in both parts.
fn in_order(mail: &Mail, steps: &[&str]) {
    let joined = mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
    for content in [joined, visible(mail)] {
        let content = content.replace('"', "");
        let mut from = 0;
        for step in steps {
            let found = content[from..].find(step);
            assert!(
                found.is_some(),
                "{step:?} is not there, or not in its place:\n{content}"
            );
            from += found.unwrap() + step.len();
        }
    }
}

#[test]
fn r173_r174_r179_integration_activation() {
    // R173, R174, R179
    snapshot("integration_activation", &activate("Mara Quist", "Bluefinch Ltd"));
}

#[test]
fn r173_the_subject_is_exact() {
    // R173
    assert_eq!(
        activate("Mara", "Bluefinch").subject,
        "Activate the Microsoft Teams integration"
    );
}

#[test]
fn r174_it_greets_and_invites_to_activate_and_manage_as_the_global_admin() {
    // R174
    let mail = activate("Mara Quist", "Bluefinch Ltd");
    both_say(&mail, "Hello Mara Quist,");
    both_say(
        &mail,
        "You are invited to activate and manage the Microsoft Teams integration for Bluefinch Ltd, as its Global Admin.",
    );
}

#[test]
fn r175_five_steps_enable_the_integration() {
    // R175; the sign-in stands before the consent, as Microsoft asks for them (1.4 #4), and the button is the one that is
    // shown before anything is mapped (1.4 #3).
    in_order(
        &activate("Mara", "Bluefinch"),
        &[
            "Enable the integration",
            "Log in to Kestrel Voice: https://voice.kestrel.example/",
            "On the Microsoft Teams page, click Authorize. The integration portal opens in another tab: https://teams.kestrel.example/portal",
            "Click Sync Now.",
            "In the pop-up, sign in with the Microsoft account that is a Global Admin",
            "tick Consent on behalf of your organization and click Accept.",
        ],
    );
}

#[test]
fn r176_it_says_how_long_to_wait_and_whom_to_ask_then() {
    // R176
    both_say(
        &activate("Mara", "Bluefinch"),
        "It takes a few minutes until your Microsoft Teams data appears. If there is an error, or nothing appears within 24 hours, contact your voice administrator, +1 555 0100.",
    );
}

#[test]
fn r177_five_steps_map_user_licenses() {
    // R177
    in_order(
        &activate("Mara", "Bluefinch"),
        &[
            "Map user licenses",
            "For more licenses, contact your voice administrator, +1 555 0100.",
            "Go back to the Microsoft Teams page of Kestrel Voice.",
            "Choose the Microsoft Teams user of each voice user from the drop-down list. Choose None, or leave the field blank, for everybody else.",
            "Click Save.",
            "Go back to the integration portal and click Sync Now - Changes Queued.",
            "Select the Microsoft account that is the Global Admin of this integration.",
        ],
    );
}

#[test]
fn r178_it_says_what_comes_of_it() {
    // R178
    both_say(
        &activate("Mara", "Bluefinch"),
        "Once the sync is done, the mapped users can call in Microsoft Teams.",
    );
}

#[test]
fn r179_it_says_who_does_what_from_then_on() {
    // R179
    in_order(
        &activate("Mara", "Bluefinch"),
        &[
            "Ongoing management",
            "Any admin of your account may change the mapping in Kestrel Voice.",
            "Only you can sync the changes to Microsoft Teams.",
            "When a sync is needed, a message with instructions comes to you.",
            "Questions? Contact your voice administrator, +1 555 0100.",
        ],
    );
}
