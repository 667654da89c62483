//! The pages of a step: what will be asked, the reseller's question, the choice of groups, and the ways back.

use super::*;

#[test]
fn a_step_says_what_will_be_asked_and_of_whom() {
    let html = next("Bluefinch Ltd").html();
    says(
        &html,
        &[
            "<h1>Sync User Groups</h1>",
            "Northline Telecom asks you",
            "<li>Sign in at Microsoft with the account of Mara Quist.</li>",
            "<form method=\"post\" action=\"/next/4f0c2f5e\">",
            ">Continue to Microsoft</button>",
            "href=\"https://front.example/teams?a=1&#38;dialbridge_outcome=declined\" rel=\"noreferrer\">Not now</a>",
        ],
    );
    assert_eq!(html.matches("<button").count(), 1);
}

#[test]
fn r071_the_management_page_says_what_is_granted_and_what_is_not() {
    says(
        &management("Bluefinch Ltd").html(),
        &[
            "<strong>Northline Telecom</strong> asks to manage",
            "<strong>Bluefinch Ltd</strong>",
            "<dd>Mara Quist</dd>",
            "choose whose users are synchronised",
            "map them to people in Teams",
            "<strong>not</strong> start a sync",
            "recorded as done on your behalf",
            "withdraw the consent",
            "name=\"decision\" value=\"grant\">Grant Consent<",
            "name=\"decision\" value=\"later\" class=\"quiet\">Not now<",
        ],
    );
}

#[test]
fn r073_nothing_is_chosen_before_somebody_chooses() {
    let html = groups("Bluefinch Ltd").html();
    says(
        &html,
        &[
            "value=\"everyone\" required><span>Everyone in Bluefinch Group</span>",
            "value=\"groups\"><span>Only members",
            "name=\"version\" value=\"7\"",
        ],
    );
    let mut page = groups("Bluefinch Ltd");
    page.mode = "everyone".into();
    says(&page.html(), &["value=\"everyone\" required checked>"]);
    page.mode = "groups".into();
    says(&page.html(), &["value=\"groups\" checked>"]);
}

#[test]
fn r081_a_group_that_cannot_be_chosen_says_why() {
    says(
        &groups("Bluefinch Ltd").html(),
        &[
            "value=\"id-of-9\" disabled><span>All Users<br><span class=\"soft\">Cannot be chosen: it is incomplete.",
            "value=\"id-of-7\" checked><span>Billing<br><span class=\"soft\">Security group, 12 members",
        ],
    );
}

#[test]
fn r082_r085_r086_the_group_page_advises_and_takes_names() {
    let mut page = groups("Bluefinch Ltd");
    page.advice = vec!["All Users should be removed.".into()];
    page.wrong = vec!["there is no group `Bilin`".into()];
    page.names = "Bilin\n</textarea>".into();
    page.more = 12;
    says(
        &page.html(),
        &[
            "<p class=\"notice\">All Users should be removed.</p>",
            "role=\"alert\" id=\"wrong\"",
            "<li>there is no group `Bilin`</li>",
            "Bilin &#60;/textarea&#62;</textarea>",
            "12 more groups are not shown",
            "new members can take time to show",
        ],
    );
}

#[test]
fn a_preview_names_all_who_lose_their_number_and_the_first_of_everybody_else() {
    let mut page = groups("Bluefinch Ltd");
    assert!(!page.html().contains("What this choice would mean"));
    page.preview = Some(preview(7));
    says(
        &page.html(),
        &[
            "<h2 id=\"preview\">What this choice would mean</h2>",
            "Nothing was saved.",
            "<p>7 mapped people would be out. Nobody out",
            "That takes 7 numbers back, so many that a sync holds them until you approve them.</p>",
            "<li>Desk 6, +32 2 123 45 06: Cy Doe",
            "<summary>12 people are in</summary>",
            "<li>and 380 more</li>",
            "<p>Nobody would be synchronised anew.</p>",
            "9 of those who are in can be mapped",
        ],
    );
    page.preview = Some(PreviewView {
        same: true,
        ..preview(0)
    });
    says(
        &page.html(),
        &[
            "and this choice is in force already.",
            "<p>Nobody who is mapped would be out.</p>",
        ],
    );
    page.preview = Some(preview(1));
    says(
        &page.html(),
        &["<p>1 mapped person would be out.", "That takes 1 number back.</p>"],
    );
}

#[test]
fn a_preview_needs_a_sign_in_that_has_not_ended() {
    let mut page = groups("Bluefinch Ltd");
    says(
        &page.html(),
        &["name=\"do\" value=\"preview\" class=\"quiet\">Preview<"],
    );
    page.can_preview = false;
    says(
        &page.html(),
        &["name=\"do\" value=\"sign-in\" class=\"quiet\" formnovalidate>Sign in again to preview<"],
    );
    assert!(!page.html().contains("value=\"preview\""));
}

#[test]
fn r086_r087_r088_the_name_field_says_how_to_undo_it_and_an_empty_group_is_asked_about() {
    let mut page = groups("Bluefinch Ltd");
    says(
        &page.html(),
        &[
            "<summary>Advanced Option</summary>",
            "<label for=\"names\">Azure AD Group Name</label>",
            "clear the field, save, and sync again",
        ],
    );
    assert!(!page.html().contains("name=\"empty\""));
    page.ask_empty = true;
    says(
        &page.html(),
        &["name=\"empty\" value=\"yes\"><span>A group that I chose has no members"],
    );
}

#[test]
fn r012_r072_the_last_page_offers_what_is_open() {
    let page = DonePage {
        groups_url: Some("/setup/groups".into()),
        offer: Some(offer("Bluefinch Ltd")),
        ..done("Bluefinch Ltd")
    };
    says(
        &page.html(),
        &[
            "href=\"/setup/groups\">Sync User Groups</a>",
            "class=\"button quiet\" href=\"https://teams.kestrel.example/portal\"",
            "<h2>Northline Telecom asks to manage</h2>",
            "Grant Consent",
        ],
    );
    assert!(!done("Bluefinch Ltd").html().contains("Grant Consent"));
}

#[test]
fn a_refusal_leads_back_where_the_person_came_from() {
    let page = RefusedPage {
        back: back(),
        ..refused(&SignInRefused::NotGlobalAdmin { has: Vec::new() }, Some(&brand()))
    };
    says(
        &page.html(),
        &[">Go back to front.example</a>", "Code for support: GA_NOT_ADMIN"],
    );
}
