//! Help by code: complete, found by whatever people type, and never repeating what is no code.

use super::topics::{Topic, is_number, microsofts, ours, people, topic, typed};
use super::*;
use shared::run::diagnosis;

/// What Microsoft's sign-in is known to answer people and servers with.
const NUMBERS: &str = "65001 65004 90094 90095 90099 50020 50034 51004 16000 500208 500212 500213 50105 50072 50079 \
                       50074 50076 50078 50055 50126 50053 50057 53000 53001 53003 530003 530032 530034 530035 700016 \
                       500011 650052 54005 70008 700082 70043 50173 501481 700005 50011 700054 70011 700022 28002 \
                       7000215 7000222 700027 7000218 50194 90002 50196 90055 90033 90006 90024 50033 90090";

const CODES: &str = "LINK_CLOSED WRONG_CODE TOO_MANY_TRIES UNKNOWN_ACCOUNT DECLINED APPROVAL_REQUIRED GA_NOT_ADMIN \
                     GA_NOT_RECORDED TENANT_MISMATCH TENANT_TAKEN CONSENT_MISSING POPUP_BLOCKED WINDOW_CLOSED \
                     TOKEN_TOO_SHORT SIGN_IN_INVALID PERSONAL_ACCOUNT UNAVAILABLE CHANGED_MEANWHILE CONFLICT REJECTED \
                     ACTIVATION_CLOSED USERS_MISSING DIAL_PAD_MISSING MICROSOFT_REFUSED MOVE_REJECTED CONSENT_NOT_IN_FORCE";

#[test]
fn every_number_and_every_code_has_its_page() {
    let codes = NUMBERS.split_whitespace().map(|number| format!("AADSTS{number}"));
    let people = diagnosis::CODES.iter().map(ToString::to_string);
    for code in codes.chain(CODES.split_whitespace().map(str::to_owned)).chain(people) {
        assert!(topic(&code).is_some(), "{code} has no topic");
        let page = help_topic(&code);
        assert_eq!(page.code.as_ref(), Some(&code));
        assert!(!page.what_to_do.is_empty() && !page.who.is_empty(), "{code}");
        let html = page.html();
        says(
            &html,
            &[&format!("<p class=\"soft\">{code}</p>"), "<h2>Who can help</h2>"],
        );
        assert!(
            !html.contains('{'.to_string().as_str()) || !html.contains("{provider}"),
            "{code}"
        );
        // A refusal says the same, and leads to this page.
        let refused = refused_with(&code, None);
        assert_eq!((&refused.code, &refused.headline), (&code, &page.headline));
        says(&refused.html(), &[&format!("href=\"/help/{code}\" target=\"_blank\"")]);
    }
}

#[test]
fn a_code_has_one_topic_and_a_topic_one_headline() {
    let all: Vec<_> = ours().iter().chain(microsofts()).chain(people()).collect();
    let codes: Vec<_> = all.iter().flat_map(|topic| topic.codes).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    let headlines: BTreeSet<_> = all.iter().map(|topic| topic.headline).collect();
    assert_eq!(headlines.len(), all.len());
    for topic in all {
        for text in [topic.what, topic.who].iter().chain(topic.steps) {
            let left: Vec<_> = text
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}'))
                .collect();
            assert!(
                left.iter()
                    .all(|(name, _)| ["provider", "expected", "missing", "left", "has"].contains(name)),
                "{text}"
            );
            assert!(!text.contains("  "), "{text}");
        }
    }
}

#[test]
fn the_list_names_every_number_and_every_code() {
    let html = help(false).html();
    for number in NUMBERS.split_whitespace() {
        assert!(html.contains(&format!("AADSTS{number}")), "{number}");
    }
    let people = people().iter().map(Topic::code);
    for code in CODES.split_whitespace().chain(people) {
        assert!(html.contains(&format!("href=\"/help/{code}\"")), "{code}");
    }
    says(
        &html,
        &[
            "<label for=\"code\">Number on Microsoft's page</label>",
            "method=\"get\" action=\"/help/sign-in\"",
        ],
    );
    assert!(!html.contains("role=\"alert\""));
    says(
        &help(true).html(),
        &["role=\"alert\" id=\"not-a-number\"", "aria-invalid=\"true\""],
    );
}

#[test]
fn numbers_are_found_in_what_people_type() {
    for text in [
        "AADSTS50105",
        "50105",
        " aadsts50105 ",
        "AADSTS 50105",
        "AADSTS: 50105",
        "AADSTS50105: Your administrator has configured the application to block users",
        "Sorry, but we're having trouble signing you in.\nAADSTS50105: The signed in user is not assigned",
    ] {
        assert_eq!(typed(text).as_deref(), Some("AADSTS50105"), "{text}");
    }
    assert_eq!(typed("popup_blocked").as_deref(), Some("POPUP_BLOCKED"));
    assert_eq!(
        typed("AADSTS1234567").as_deref(),
        Some("AADSTS1234567"),
        "a number in no table"
    );
    let long = format!("AADSTS50105{}", " ".repeat(10_000));
    assert_eq!(
        typed(&long).as_deref(),
        Some("AADSTS50105"),
        "blanks around it do not count"
    );
    for text in [
        "",
        " ",
        "AADSTS",
        "call me",
        "12",
        "AADSTS<b>50105",
        "123456789",
        "é50105",
        &"5".repeat(5000),
    ] {
        assert_eq!(typed(text), None, "{text}");
    }
}

#[test]
fn what_is_no_code_is_never_repeated() {
    for strange in [
        "<script>alert(1)</script>",
        "call-555-0199",
        "AADSTS12x",
        "AADSTS123456789",
        "link_closed",
        "",
    ] {
        assert!(!is_number(strange));
        let page = help_topic(strange);
        assert_eq!(page.code, None, "{strange}");
        let html = page.html();
        assert!(strange.is_empty() || !html.contains(strange), "{strange}");
        says(&html, &["<h1>Microsoft did not complete the sign-in</h1>"]);
    }
    says(
        &help_topic("AADSTS123456").html(),
        &["<p class=\"soft\">AADSTS123456</p>"],
    );
}

#[test]
fn a_topic_names_the_other_numbers_that_mean_the_same() {
    says(
        &help_topic("AADSTS53003").html(),
        &["The same is meant by AADSTS530032, AADSTS530034, AADSTS530035."],
    );
    says(&help_topic("APPROVAL_REQUIRED").html(), &["AADSTS90094, AADSTS90095"]);
}

#[test]
fn r207_the_page_of_a_blocked_window_leads_to_each_browsers_own_help() {
    says(
        &help_topic("POPUP_BLOCKED").html(),
        &[
            "always allow pop-ups",
            "https://support.google.com/chrome/answer/95472",
            "https://support.mozilla.org/kb/pop-blocker-settings-exceptions-troubleshooting",
        ],
    );
}

#[test]
fn r208_r209_missing_people_and_dial_pads_have_their_causes() {
    says(
        &help_topic("USERS_MISSING").html(),
        &[
            "the first sync has been run and has finished",
            "Teams Phone",
            "Calling Plan",
        ],
    );
    let page = help_topic("DIAL_PAD_MISSING");
    assert_eq!(page.what_to_do.len(), 5, "five causes");
    says(
        &page.html(),
        &[
            "extension",
            "Run a sync",
            "Teams Phone",
            "up to two hours",
            "Microsoft may have had a fault",
        ],
    );
}

/// R202, R203, R221, R222.
#[test]
fn r202_r203_r221_r222_waiting_and_whom_to_write_to() {
    for (code, said) in [
        (
            "MS_INTERNAL",
            &[
                "Wait up to 24 hours",
                "Only if it stays so after that, report it to Microsoft",
            ][..],
        ),
        (
            "INV_UNDELIVERED",
            &[
                "junk and spam",
                "User &#62; Edit &#62; Settings",
                "sent again",
                "reassigned to somebody else",
            ],
        ),
        (
            "DIALPAD_LATE",
            &["open a ticket with a description and the phone numbers concerned"],
        ),
        ("NOT_PROVEN", &["with a description and the phone numbers concerned"]),
    ] {
        says(&help_topic(code).html(), said);
    }
}

/// R218, R219.
#[test]
fn r218_r219_the_local_directory_and_the_other_tenant() {
    let steps = ["Clear the attribute msRTCSIP-Line", "Let directory synchronisation run"];
    says(&help_topic("ONPREM_LINE_URI").html(), &steps);
    let ways = [
        "private (incognito) window",
        "Disable Sync",
        "signed in to the right tenant",
    ];
    says(&help_topic("TENANT_MISMATCH").html(), &ways);
}

#[test]
fn r062_a_session_that_is_too_short_is_no_loss() {
    says(
        &help_topic("TOKEN_TOO_SHORT").html(),
        &["60 to 90 minutes", "nothing is lost", "goes on where it stopped"],
    );
}

#[test]
fn numbers_that_are_our_fault_say_so() {
    for number in ["501481", "700005", "50011", "700022", "7000215", "7000222", "50194"] {
        says(
            &help_topic(&format!("AADSTS{number}")).html(),
            &["You did nothing wrong"],
        );
    }
    let busy = refused(
        &SignInRefused::Microsoft {
            code: "temporarily_unavailable".into(),
        },
        None,
    );
    assert_eq!(
        (busy.headline.as_str(), busy.code.as_str()),
        ("Microsoft is busy", "temporarily_unavailable")
    );
}

#[test]
fn r154_r155_r157_r158_every_calling_policy_is_explained() {
    let html = teams_calling().html();
    for prefix in ["LiveTeams", "Cymbus2Teams"] {
        for handling in ["VM", "NoVM", "NoVMOrForward"] {
            for music in ["MOHTEAMS", "MOHEXT"] {
                says(&html, &[&format!("{prefix}-{handling}-{music}")]);
            }
        }
    }
    says(
        &html,
        &["Voice &gt; Calling policies", "AllowCalling", "It is not one of these"],
    );
}

#[test]
fn r160_r161_r162_the_help_says_what_the_service_is_and_what_not_to_edit() {
    let html = teams_calling().html();
    says(
        &html,
        &[
            "Direct Routing as a service",
            "session border controllers in the cloud",
            "Numbers and extensions that people have keep working",
            "No Calling Plan of Microsoft's is needed",
            "Video calls never use Direct Routing",
            "between Teams users only",
            "Do not edit, rename or delete them",
            "templates",
            "the next sync sets back",
        ],
    );
    for code in ["POLICY_DRIFT", "NAME_TAKEN"] {
        let page = help_topic(code);
        assert_eq!(page.code.as_deref(), Some(code));
        says(&page.html(), &["href=\"/help/teams-calling\""]);
    }
    says(&help(false).html(), &["href=\"/help/teams-calling\""]);
}
