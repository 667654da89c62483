//! The pages of a move to another tenant and of waiting, and of sign-ins that nothing came back from.

use super::*;

#[test]
fn r067_moving_to_another_tenant_is_explained_before_it_is_done() {
    let mut page = move_tenant("Bluefinch Ltd");
    says(
        &page.html(),
        &[
            "<h1>Move Bluefinch Ltd to another tenant?</h1>",
            "<dt>Linked so far</dt><dd>Bluefinch Group</dd>",
            "<dd>Bluefinch Europe<br><span class=\"soft\">bluefincheurope.onmicrosoft.com</span></dd>",
            "<dd>Mara Quist</dd>",
            "<dd>Northline Telecom</dd>",
            "The mapping begins anew",
            "The choice of groups begins anew",
            "The consents begin anew",
            "stay there, unless they were released before",
            "<h2>What stays in Bluefinch Group</h2>",
            "<li>+32 2 123 45 01 of Ann Vos</li>",
            "action=\"/setup/move\"",
            "name=\"decision\" value=\"confirm\">Move to Bluefinch Europe<",
            "name=\"decision\" value=\"reject\" class=\"quiet\">Keep Bluefinch Group<",
        ],
    );
    page.left_behind.clear();
    assert!(!page.html().contains("What stays in"));
}

#[test]
fn waiting_for_microsoft_needs_neither_script_nor_attention() {
    says(
        &wait("Kestrel for Teams").html(),
        &[
            "<meta http-equiv=\"refresh\" content=\"15; url=/setup\">",
            "<h1>Microsoft is applying the permissions</h1>",
            "role=\"status\"",
            "every 15 seconds",
            "nothing is lost",
            "href=\"/setup\">Look now</a>",
        ],
    );
}

#[test]
fn r067_with_sync_disabled_the_sign_in_may_lead_to_any_tenant() {
    let mut page = sync_sign_in("Bluefinch Ltd");
    page.any_tenant = true;
    let html = page.html();
    says(
        &html,
        &[
            "<dt>Linked so far</dt>",
            "the Microsoft tenant where you want to go",
            "you see what that means and confirm it",
        ],
    );
    assert!(!html.contains("that is linked already"));
}

#[test]
fn r057_who_finds_no_box_accepts_for_the_whole_organization() {
    let mut page = second_consent("Bluefinch Ltd");
    assert!(!page.html().contains("No box to tick?"));
    page.organization_post_to = Some("/setup/organization".into());
    says(
        &page.html(),
        &[
            "<h2>No box to tick?</h2>",
            "<form method=\"post\" action=\"/setup/organization\">",
            ">Accept for the whole organization</button>",
        ],
    );
    page.again = true;
    says(&page.html(), &["with the box ticked or for the whole organization."]);
}

#[test]
fn microsofts_name_of_the_application_is_said_before_microsoft_says_it() {
    let mut step = next("Bluefinch Ltd");
    step.permissions_url = Some("/permissions".into());
    for html in [
        invitation("Bluefinch").html(),
        second_consent("Bluefinch").html(),
        step.html(),
    ] {
        says(
            &html,
            &["names the application that asks <strong>Kestrel Connect</strong>"],
        );
    }
}

#[test]
fn r069_r207_a_window_that_stopped_closed_or_did_not_open_is_explained() {
    let began = Some("11 minutes ago".to_owned());
    let pages = |unanswered: &Option<String>| {
        [
            InvitationPage {
                unanswered: unanswered.clone(),
                ..invitation("Bluefinch")
            }
            .html(),
            SecondConsentPage {
                unanswered: unanswered.clone(),
                ..second_consent("Bluefinch")
            }
            .html(),
            SyncSignInPage {
                unanswered: unanswered.clone(),
                ..sync_sign_in("Bluefinch")
            }
            .html(),
            NextPage {
                unanswered: unanswered.clone(),
                ..next("Bluefinch")
            }
            .html(),
        ]
    };
    for html in pages(&None) {
        says(
            &html,
            &[
                "<summary>",
                "href=\"/help/sign-in\"",
                "href=\"/help/WINDOW_CLOSED\"",
                "href=\"/help/POPUP_BLOCKED\"",
            ],
        );
        assert!(!html.contains("no answer came back"));
    }
    for html in pages(&began) {
        says(
            &html,
            &[
                "A sign-in was begun here 11 minutes ago, and no answer came back from Microsoft.",
                "begin again below",
            ],
        );
    }
}
