//! What the mails of provisioning say: licenses, removal, Global Admin, reseller activation (E4-E7, E9).

use super::*;

pub(super) const ACTIVATE: &str = "https://teams.kestrel.example/a/9d3c1b7f5e2a4c6d8b0f1e3d5c7a9b2e";

pub(super) fn licenses(
    recipient: &str,
    enterprise: &str,
    (previous, updated): (Option<u32>, Option<u32>),
    unlicensed: usize,
) -> Mail {
    LicensesChanged {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: enterprise.into(),
        previous,
        updated,
        unlicensed,
    }
    .render()
}

pub(super) fn removed(recipient: &str, enterprise: &str, final_sync: bool) -> Mail {
    IntegrationRemoved {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: enterprise.into(),
        final_sync,
    }
    .render()
}

pub(super) fn reassigned(recipient: &str, enterprise: &str) -> Mail {
    GlobalAdminReassigned {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: enterprise.into(),
    }
    .render()
}

pub(super) fn assigned(recipient: &str, enterprise: &str) -> Mail {
    GlobalAdminAssigned {
        brand: &brand(),
        recipient: recipient.into(),
        enterprise: enterprise.into(),
    }
    .render()
}

pub(super) fn activation(recipient: &str, reseller: &str) -> Mail {
    ResellerActivation {
        brand: &brand(),
        recipient: recipient.into(),
        reseller: reseller.into(),
        activate_url: &ACTIVATE.parse().unwrap(),
        expires: at("2026-11-29T15:05:00Z"),
        zone: &brussels(),
    }
    .render()
}

#[test]
fn r185_r187_r189_r191_subjects_are_exact() {
    // R185, R187, R189, R191
    let subjects = [
        licenses("Mara", "Bluefinch", (Some(5), Some(8)), 0),
        removed("Mara", "Bluefinch", true),
        reassigned("Mara", "Bluefinch"),
        assigned("Mara", "Bluefinch"),
    ]
    .map(|mail| mail.subject);
    assert_eq!(
        subjects,
        [
            "Microsoft Teams integration licenses have changed",
            "The Microsoft Teams integration was removed",
            "The Global Admin user has been reassigned",
            "You are the Global Admin user for the Microsoft Teams integration",
        ]
    );
}

#[test]
fn r186_licenses_changed() {
    // R186
    snapshot(
        "licenses_changed",
        &licenses("Mara Quist", "Bluefinch Ltd", (Some(5), Some(8)), 0),
    );
}

#[test]
fn r186_licenses_changed_with_hostile_names_and_too_few() {
    // R186
    snapshot(
        "licenses_changed_hostile",
        &licenses(HOSTILE, HOSTILE, (None, Some(3)), 2),
    );
}

#[test]
fn r188_integration_removed() {
    // R188
    snapshot("integration_removed", &removed("Mara Quist", "Bluefinch Ltd", true));
}

#[test]
fn r188_integration_removed_with_hostile_names_and_nothing_in_place() {
    // R188
    snapshot("integration_removed_hostile", &removed(HOSTILE, HOSTILE, false));
}

#[test]
fn r190_global_admin_reassigned() {
    // R190
    snapshot("global_admin_reassigned", &reassigned("Mara Quist", "Bluefinch Ltd"));
}

#[test]
fn r190_global_admin_reassigned_with_hostile_names() {
    // R190
    snapshot("global_admin_reassigned_hostile", &reassigned(HOSTILE, HOSTILE));
}

#[test]
fn r192_global_admin_assigned() {
    // R192
    snapshot("global_admin_assigned", &assigned("Mara Quist", "Bluefinch Ltd"));
}

#[test]
fn r192_global_admin_assigned_with_hostile_names() {
    // R192
    snapshot("global_admin_assigned_hostile", &assigned(HOSTILE, HOSTILE));
}

#[test]
fn r194_reseller_activation() {
    // R194
    snapshot("reseller_activation", &activation("Jon Ake", "Northline Telecom"));
}

#[test]
fn r194_reseller_activation_with_hostile_names() {
    // R194
    snapshot("reseller_activation_hostile", &activation(HOSTILE, HOSTILE));
}

#[test]
fn r186_licenses_changed_greets_and_gives_both_counts() {
    // R186
    // The greeting is there, as 1.4 #8 decides.
    let mail = licenses("Mara Quist", "Bluefinch Ltd", (Some(5), Some(8)), 0);
    both_say(&mail, "Hello Mara Quist,");
    both_say(
        &mail,
        "The number of Microsoft Teams integration licenses of Bluefinch Ltd has changed.",
    );
    both_say(&mail, "Previous count: 5");
    both_say(&mail, "Updated count: 8");
}

#[test]
fn r007_no_limit_is_printed_as_unlimited() {
    // R007
    both_say(
        &licenses("Mara", "Bluefinch", (None, Some(8)), 0),
        "Previous count: unlimited",
    );
    both_say(
        &licenses("Mara", "Bluefinch", (Some(8), None), 0),
        "Updated count: unlimited",
    );
}

#[test]
fn r130_r186_new_licenses_can_be_mapped_in_the_voice_portal() {
    // R130, R186
    for counts in [(Some(5), Some(8)), (Some(5), None)] {
        let mail = licenses("Mara", "Bluefinch", counts, 0);
        assert!(mail.text.contains("https://voice.kestrel.example/"));
        assert!(mail.html.contains("href=\"https://voice.kestrel.example/\""));
        both_say(
            &mail,
            "The new licenses can be mapped to users in Kestrel Voice now. The mapping takes effect in Microsoft Teams when you sync.",
        );
    }
    // Fewer, or all of the new ones already spoken for.
    for (counts, unlicensed) in [((Some(8), Some(5)), 0), ((None, Some(5)), 0), ((Some(1), Some(5)), 2)] {
        let mail = licenses("Mara", "Bluefinch", counts, unlicensed);
        both_say(
            &mail,
            "New licenses can be mapped to users in Kestrel Voice as soon as the count rises.",
        );
    }
}

#[test]
fn r127_r129_licenses_changed_says_who_loses_one_and_whom_to_ask() {
    // R127, R129
    let mail = licenses("Mara", "Bluefinch", (Some(8), Some(5)), 3);
    both_say(
        &mail,
        "3 users lose their licenses at the next sync, the latest mappings first.",
    );
    both_say(
        &mail,
        "remove users who need no license from the mapping in Kestrel Voice, or, for more licenses, contact your voice administrator, +1 555 0100.",
    );
    both_say(
        &licenses("Mara", "Bluefinch", (Some(8), Some(5)), 1),
        "1 user loses its license at the next sync",
    );
    let enough = licenses("Mara", "Bluefinch", (Some(8), Some(5)), 0);
    assert!(!enough.text.contains("next sync") && !enough.html.contains("next sync"));
}

#[test]
fn r186_licenses_changed_says_why_it_came_and_whom_to_ask() {
    // R186
    let mail = licenses("Mara", "Bluefinch Ltd", (Some(5), Some(8)), 0);
    both_say(
        &mail,
        "Why you receive this message: you are the Global Admin responsible for the Microsoft Teams integration of Bluefinch Ltd.",
    );
    both_say(&mail, "Contact your voice administrator, +1 555 0100.");
}

#[test]
fn r188_integration_removed_greets_and_says_from_whom() {
    // R188
    for final_sync in [true, false] {
        let mail = removed("Mara Quist", "Bluefinch Ltd", final_sync);
        both_say(&mail, "Hello Mara Quist,");
        both_say(&mail, "The Microsoft Teams integration was removed from Bluefinch Ltd.");
    }
}

#[test]
fn r152_r153_r188_a_removal_needs_a_final_sync_and_ends_calling() {
    // R152, R153, R188
    let mail = removed("Mara", "Bluefinch", true);
    both_say(
        &mail,
        "A final sync is required to remove its configuration from Microsoft Teams.",
    );
    both_say(
        &mail,
        "the users who were linked can no longer call from the dial pad in Teams.",
    );
    // The sentence stands before the steps (1.4 #8).
    for part in [&mail.text, &mail.html] {
        assert!(part.find("is required to remove") < part.find("Open the integration portal"));
    }
}

#[test]
fn r188_integration_removed_gives_the_steps_of_the_final_sync() {
    // R188
    let mail = removed("Mara", "Bluefinch", true);
    both_say(
        &mail,
        "Open the integration portal: https://teams.kestrel.example/portal",
    );
    both_say(&mail, "Click \"Sync Now - Changes Queued\".");
    both_say(
        &mail,
        "Sign in with the Microsoft account that is the Global Admin of this integration, to authorize and complete the removal.",
    );
}

#[test]
fn r188_integration_removed_says_whom_to_ask_after_an_error() {
    // R188
    both_say(
        &removed("Mara", "Bluefinch", true),
        "Removed in error? Contact Kestrel Support before you sync: until the final sync starts, the removal can be undone.",
    );
    both_say(
        &removed("Mara", "Bluefinch", false),
        "Removed in error? Contact Kestrel Support.",
    );
}

#[test]
fn r188_where_nothing_was_put_in_place_no_sync_is_asked_for() {
    // R188
    let mail = removed("Mara", "Bluefinch", false);
    both_say(&mail, "nothing is left for you to do.");
    for part in [&mail.text, &mail.html] {
        assert!(!part.contains("sync") && !part.contains("Sync") && !part.contains("dial pad"));
    }
}

#[test]
fn r190_global_admin_reassigned_says_that_the_task_is_over_and_whom_to_ask() {
    // R190
    let mail = reassigned("Mara Quist", "Bluefinch Ltd");
    both_say(&mail, "Hello Mara Quist,");
    both_say(
        &mail,
        "The Global Admin role of the Microsoft Teams integration of Bluefinch Ltd has been given to another user.",
    );
    both_say(&mail, "You are no longer responsible for this integration");
    both_say(&mail, "Contact your voice administrator, +1 555 0100.");
}

#[test]
fn r192_global_admin_assigned_says_what_the_task_is() {
    // R192
    let mail = assigned("Mara Quist", "Bluefinch Ltd");
    both_say(&mail, "Hello Mara Quist,");
    both_say(
        &mail,
        "You have been assigned as the Global Admin of the Microsoft Teams integration of Bluefinch Ltd.",
    );
    both_say(&mail, "Data is not synced automatically.");
    both_say(
        &mail,
        "After changes to the user mapping in Kestrel Voice, you sync them to Microsoft Teams.",
    );
    both_say(&mail, "A message like this one tells you when a sync is required");
    both_say(
        &mail,
        "You sync in the integration portal: https://teams.kestrel.example/portal",
    );
}

#[test]
fn r192_global_admin_assigned_says_whom_to_ask_without_the_role_at_microsoft() {
    // R192
    both_say(
        &assigned("Mara", "Bluefinch"),
        "You are not a Global Admin in Microsoft 365? Then you cannot sync. Contact your voice administrator, +1 555 0100, so that",
    );
}

#[test]
fn r194_reseller_activation_has_the_link_and_its_end() {
    // R194
    let mail = activation("Jon Ake", "Northline Telecom");
    assert_eq!(mail.subject, "Activate your Kestrel for Teams reseller account");
    both_say(
        &mail,
        "A reseller account has been created for Northline Telecom in Kestrel for Teams.",
    );
    both_say(&mail, ACTIVATE);
    assert_eq!(mail.html.matches(&format!("href=\"{ACTIVATE}\"")).count(), 2);
    both_say(&mail, "The link is valid until 29 Nov 2026, 16:05 (Europe/Brussels).");
}

#[test]
fn r001_reseller_activation_says_what_the_account_is_for_and_that_it_waits() {
    // R001
    let mail = activation("Jon", "Northline");
    both_say(&mail, "Until you follow the link, the account cannot be used.");
    both_say(&mail, "Add the enterprises that you connect to Microsoft Teams");
    both_say(&mail, "Invite the administrator of each");
    both_say(&mail, "Contact Kestrel Support.");
}
