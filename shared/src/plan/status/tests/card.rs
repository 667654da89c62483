//! Labels, tooltips, buttons and links.

use super::*;

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
fn r032_r043_r044_r051_r138_r139_panel_and_links() {
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
fn the_button_says_how_the_sync_stands() {
    let ready = Sample::chosen();
    let table = [
        (ready.clone(), ButtonState::Ready, None),
        (
            ready.clone().running(RunState::AwaitingSignIn),
            ButtonState::SetupPartiallyComplete,
            Some("Setup partially complete"),
        ),
        (
            ready.running(RunState::Discovering),
            ButtonState::Syncing,
            Some("Syncing"),
        ),
        (
            Sample::discovered().mapped(1).waiting(1),
            ButtonState::ChangesQueued,
            None,
        ),
        (Sample::discovered().mapped(1).succeeded(), ButtonState::UpToDate, None),
        (Sample::discovered().mapped(1).failed(1), ButtonState::Failed, None),
        (
            Sample::discovered().mapped(1).failed_in_part(),
            ButtonState::Problems,
            None,
        ),
        (
            Sample::discovered().debugging(RunState::Applying),
            ButtonState::SyncingDiagnostic,
            Some("Syncing"),
        ),
    ];
    for (sample, state, text) in table {
        let buttons = sample.status().buttons;
        assert_eq!((buttons.state, buttons.state_text), (state, text));
    }
}
