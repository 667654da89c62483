//! What the pages say, that hostile names stay names, and that every refusal has its own way out.

mod choices;
mod help;
mod moves;
mod permissions;
#[path = "../../examples/pages/samples.rs"]
mod samples;

use super::*;
use samples::*;
use shared::domain::finding::Code;
use shared::error::SignInRefused;
use std::collections::BTreeSet;

const ESCAPED: &str = "&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62; &#38; &#34;Sons&#34;";

fn says(html: &str, words: &[&str]) {
    let plain = html.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(plain.contains(word), "the page does not say {word:?}:\n{plain}");
    }
}

/// Everything that a refusal says, as text.
fn refusal(why: &SignInRefused) -> String {
    let page = refused(why, Some(&brand()));
    format!("{} {} {}", page.headline, page.what_happened, page.what_to_do.join(" "))
}

#[test]
fn r034_r041_the_invitation_page_asks_for_the_code() {
    let html = invitation("Bluefinch Ltd").html();
    says(
        &html,
        &[
            "<span>Kestrel for Teams</span>",
            "<strong>Northline Telecom</strong> invites you",
            "<strong>Bluefinch Ltd</strong>",
            "valid until Nov 29, 2026, 4:05 PM",
            "<form method=\"post\" action=\"/i/4f0c2f5e\">",
            "<label for=\"code\">Invitation Code</label>",
            "name=\"code\"",
            "<button type=\"submit\">Complete</button>",
            "private (incognito) window",
        ],
    );
    assert!(!html.contains("role=\"alert\""));
}

#[test]
fn r035_r036_r057_the_invitation_page_says_what_microsoft_will_ask() {
    says(
        &invitation("Bluefinch Ltd").html(),
        &[
            "Microsoft asks you to sign in",
            "<strong>Global Administrator</strong>",
            "Consent on behalf of your organization",
        ],
    );
}

#[test]
fn r038_the_pages_link_to_the_permissions() {
    says(&invitation("Bluefinch").html(), &["href=\"/permissions\""]);
    says(&second_consent("Bluefinch").html(), &["href=\"/permissions\""]);
}

/// R069, R202, R207, R223.
#[test]
fn r069_r202_r207_r223_the_invitation_page_explains_browsers_and_pop_ups() {
    says(
        &invitation("Bluefinch").html(),
        &[
            "Chrome, Firefox or Edge",
            "at least <strong>48 hours</strong> before",
            "wait 24 hours and try again before you report it",
            "Allow pop-ups for this site",
            "support.google.com/chrome",
            "support.mozilla.org",
        ],
    );
}

#[test]
fn the_invitation_page_tells_what_was_wrong() {
    let mut page = invitation("Bluefinch");
    page.notice = Some("3 tries are left.".into());
    says(
        &page.html(),
        &[
            "role=\"alert\" id=\"notice\">3 tries are left.",
            "aria-invalid=\"true\"",
        ],
    );
}

#[test]
fn the_tenant_is_shown_before_it_is_bound() {
    says(
        &confirm_tenant("Bluefinch Ltd").html(),
        &[
            "<dd>Bluefinch Group<br>",
            "bluefinch.onmicrosoft.com",
            "<dd>mara@bluefinch.example</dd>",
            "<dd>Bluefinch Ltd</dd>",
            "<dd>Northline Telecom</dd>",
            "action=\"/setup/tenant\"",
            "name=\"decision\" value=\"confirm\">Confirm<",
            "name=\"decision\" value=\"reject\" class=\"quiet\">This is not right<",
        ],
    );
}

#[test]
fn r057_r058_r060_the_second_set_is_explained() {
    let mut page = second_consent("Bluefinch Ltd");
    says(
        &page.html(),
        &[
            "<strong>Bluefinch Group</strong> is linked to <strong>Bluefinch Ltd</strong>",
            "sign in once more",
            "Consent on behalf of your organization",
            "<strong>phone numbers of users</strong> and their <strong>voice routing policies</strong>",
            "action=\"/setup/calling\"",
            ">Continue to Microsoft</button>",
        ],
    );
    assert!(!page.html().contains("role=\"alert\""));
    page.again = true;
    says(&page.html(), &["Not all permissions of the second set were granted."]);
}

#[test]
fn r063_r065_r139_the_sync_page_asks_for_the_linked_account() {
    says(
        &sync_sign_in("Bluefinch Ltd").html(),
        &[
            "<h1>Sync Administrator</h1>",
            "This sync applies the saved mapping in Microsoft Teams.",
            "<dd>Bluefinch Ltd</dd>",
            "<dd>Bluefinch Group</dd>",
            "<li>Assign +32 2 123 45 01 to Ann Vos</li>",
            "the Microsoft account that is linked already: <strong>Mara Quist</strong>",
            "action=\"/sync/run_1\"",
            "<button type=\"submit\">Sync Now</button>",
            "Passwords are never stored here",
        ],
    );
}

#[test]
fn a_sync_without_a_plan_shows_no_empty_list() {
    let mut page = sync_sign_in("Bluefinch");
    page.plan_lines.clear();
    assert!(!page.html().contains("What this sync changes"));
}

#[test]
fn r037_the_last_page_leads_to_the_portal() {
    says(
        &done("Bluefinch Ltd").html(),
        &[
            "<h1>The set-up is complete</h1>",
            "<strong>Bluefinch Ltd</strong>",
            "<li>Choose the groups whose people can be mapped.</li>",
            "href=\"https://teams.kestrel.example/portal\"",
        ],
    );
}

#[test]
fn every_refusal_has_its_own_headline_and_code_and_a_way_out() {
    let pages: Vec<RefusedPage> = every_refusal().iter().map(|why| refused(why, Some(&brand()))).collect();
    for page in &pages {
        assert!(
            !page.what_to_do.is_empty() && !page.what_happened.is_empty(),
            "{}",
            page.headline
        );
        let html = page.html();
        says(
            &html,
            &[
                &format!("Code for support: {}", page.code),
                "Contact your voice administrator, +1 555 0100.",
            ],
        );
        says(&html, &["<span>Kestrel for Teams</span>", "<ol> <li>"]);
    }
    let headlines: BTreeSet<&str> = pages.iter().map(|page| page.headline.as_str()).collect();
    assert_eq!(headlines.len(), pages.len());
    let codes: BTreeSet<&str> = pages.iter().map(|page| page.code.as_str()).collect();
    assert_eq!(codes.len(), pages.len());
}

#[test]
fn codes_that_findings_have_too_are_the_same() {
    for (why, code) in [
        (SignInRefused::NotGlobalAdmin { has: Vec::new() }, Code::GaNotAdmin),
        (
            SignInRefused::NotRecorded {
                expected: String::new(),
            },
            Code::GaNotRecorded,
        ),
        (SignInRefused::TenantMismatch, Code::TenantMismatch),
        (
            SignInRefused::ConsentIncomplete { missing: vec![] },
            Code::ConsentMissing,
        ),
    ] {
        assert_eq!(refused(&why, None).code, code.to_string());
    }
}

#[test]
fn a_refusal_without_a_brand_still_helps() {
    let page = refused(&SignInRefused::NotGlobalAdmin { has: Vec::new() }, None);
    assert_eq!(page.contact, None);
    says(
        &page.html(),
        &[
            "<span>Microsoft Teams integration</span>",
            "Have your provider reassign",
        ],
    );
}

#[test]
fn r206_an_unknown_account_gets_the_four_steps() {
    let page = refused(&SignInRefused::StateUnknown, None);
    assert_eq!(page.what_to_do.len(), 4);
    assert_eq!(page.code, "UNKNOWN_ACCOUNT");
    let text = page.what_to_do.join(" ");
    says(
        &text,
        &[
            "Log out of all Microsoft accounts",
            "private",
            "Chrome, Firefox or Edge",
            "pop-up blockers",
        ],
    );
    let microsoft = SignInRefused::Microsoft {
        code: "AADSTS50020".into(),
    };
    assert_eq!(refused(&microsoft, None).what_to_do, page.what_to_do);
}

#[test]
fn r205_a_wrong_tenant_is_told_of_the_private_window() {
    says(
        &refusal(&SignInRefused::TenantMismatch),
        &["Copy the link", "private (incognito) window"],
    );
}

#[test]
fn r066_r067_a_wrong_tenant_reads_the_exact_words_and_how_to_move() {
    says(
        &refusal(&SignInRefused::TenantMismatch),
        &[
            "The tenant for the selected user does not match the previously tenant selected",
            "\"Disable Sync\"",
            "then run the next sync signed in to the right tenant",
        ],
    );
}

#[test]
fn r053_r204_a_missing_role_leads_to_reassignment() {
    says(
        &refusal(&SignInRefused::NotGlobalAdmin { has: Vec::new() }),
        &[
            "find out who has the role",
            "Have Kestrel Support reassign the Global Admin role",
        ],
    );
}

#[test]
fn r210_approval_is_an_administrators_matter_not_mfa() {
    says(
        &refusal(&SignInRefused::ApprovalRequired),
        &[
            "Approval required",
            "an administrator must approve",
            "not a matter of multi-factor sign-in (MFA)",
        ],
    );
}

#[test]
fn a_wrong_code_counts_down() {
    says(&refusal(&SignInRefused::WrongCode { left: 2 }), &["2 tries are left"]);
    says(&refusal(&SignInRefused::WrongCode { left: 1 }), &["One try is left"]);
    says(
        &refusal(&SignInRefused::WrongCode { left: 0 }),
        &["No tries are left", "Ask for a new invitation."],
    );
}

#[test]
fn a_refusal_names_who_is_expected_and_what_is_missing() {
    let expected = SignInRefused::NotRecorded {
        expected: "Mara Quist".into(),
    };
    says(&refusal(&expected), &["Only Mara Quist can do this"]);
    let missing = SignInRefused::ConsentIncomplete {
        missing: vec!["User.Read.All".into(), "GroupMember.Read.All".into()],
    };
    says(&refusal(&missing), &["User.Read.All, GroupMember.Read.All"]);
}

#[test]
fn a_code_that_is_no_code_is_not_repeated() {
    let strange = SignInRefused::Microsoft {
        code: "call +1 555 0199 now".into(),
    };
    let page = refused(&strange, None);
    assert_eq!(page.code, "MICROSOFT_REFUSED");
    assert!(!page.html().contains("0199"));
}

#[test]
fn hostile_names_stay_names() {
    let expected = HOSTILE.into();
    for html in [
        activation(HOSTILE).html(),
        invitation(HOSTILE).html(),
        confirm_tenant(HOSTILE).html(),
        second_consent(HOSTILE).html(),
        accepted(HOSTILE).html(),
        unattended(HOSTILE).html(),
        sync_sign_in(HOSTILE).html(),
        move_tenant(HOSTILE).html(),
        wait(HOSTILE).html(),
        next(HOSTILE).html(),
        management(HOSTILE).html(),
        groups(HOSTILE).html(),
        done(HOSTILE).html(),
        refused(&SignInRefused::NotRecorded { expected }, Some(&brand())).html(),
        permissions(HOSTILE).html(),
    ] {
        assert!(html.contains(ESCAPED) && !html.contains("<script"), "{html}");
    }
}

#[test]
fn pages_need_nothing_from_elsewhere_and_no_script() {
    let pages = every_page();
    assert!(pages.len() > 60, "{}", pages.len());
    for (name, html) in pages {
        for never in ["<script", "src=", "<link", "url(", "@import", " onclick", "javascript:"] {
            assert!(!html.contains(never), "{name}: {never}");
        }
    }
}

#[test]
fn the_content_security_policy_lets_forms_go_on_to_microsoft_only() {
    let policy = content_security_policy("https://login.microsoftonline.com", None);
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'; "));
    assert!(policy.contains("form-action 'self' https://login.microsoftonline.com; base-uri 'none'"));
}

#[test]
fn a_form_of_a_step_may_lead_back_to_where_the_person_came_from() {
    let policy = content_security_policy("https://login.microsoftonline.com", Some("https://front.example"));
    assert!(policy.contains("form-action 'self' https://login.microsoftonline.com https://front.example; base-uri"));
}

#[test]
fn a_page_is_an_html_answer() {
    let response = invitation("Bluefinch").into_response();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
}
