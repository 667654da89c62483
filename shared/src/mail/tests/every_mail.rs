//! What holds for every mail: its closing, that both parts say the same, that hostile names stay names, and that the HTML
//! needs nothing else.

use super::*;
use crate::mail::sample::Names;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Each mail, in each of its shapes, with this name for every person and company.
fn all(name: &str) -> Vec<(&'static str, Mail)> {
    let now = at("2026-11-22T15:05:00Z");
    let every = sample::every(&brand(), &Names::all(name), &brussels(), now);
    assert!(every.len() > 25);
    every
}

/// The links of the HTML.
fn links(mail: &Mail) -> BTreeSet<&str> {
    mail.html
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

fn addresses(text: &str) -> BTreeSet<&str> {
    let words = text.split_whitespace().filter(|word| word.contains("://"));
    words.map(|word| word.trim_end_matches(['.', ','])).collect()
}

/// Words, without addresses and the numbers that count steps.
fn words(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        let step = line
            .split_once(". ")
            .filter(|(number, _)| number.len() == 1 && number.parse::<u8>().is_ok());
        step.map_or(line, |(_, rest)| rest)
    });
    let words = lines
        .flat_map(str::split_whitespace)
        .filter(|word| !word.contains("://"));
    let words = words.flat_map(|word| word.split(|c: char| !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[test]
fn r170_there_are_nine_and_the_new_ones() {
    // R170
    let named: BTreeSet<&str> = all("Mara")
        .into_iter()
        .map(|(name, _)| name.split('-').next().unwrap())
        .collect();
    let kinds: BTreeSet<&str> = crate::domain::mail_kind::MailKind::ALL.map(|kind| kind.name()).into();
    assert_eq!(named, kinds, "left: texts, right: kinds");
}

#[test]
fn r171_every_mail_greets_its_reader() {
    // R171
    for (_, mail) in all("Mara Quist") {
        both_say(&mail, "Hello Mara Quist,");
    }
}

#[test]
fn r172_every_mail_closes_with_the_brands_team() {
    // R172
    for (_, mail) in all("Mara") {
        assert!(
            mail.text.contains("\nThank you,\nThe Kestrel for Teams Team\n"),
            "{}",
            mail.text
        );
        assert!(mail.html.contains("Thank you,<br>The Kestrel for Teams Team</p>"));
    }
}

#[test]
fn r182_every_mail_says_why_it_came() {
    // R182
    for (_, mail) in all("Mara") {
        both_say(&mail, "Why you receive this message:");
    }
}

#[test]
fn r172_a_mail_names_only_its_own_brand() {
    // R172
    for (_, mail) in all("Mara") {
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("Dialbridge"), "{part}");
        }
    }
}

#[test]
fn both_parts_have_the_same_words_and_links() {
    for (name, mail) in all("Mara Quist") {
        assert_eq!(
            links(&mail),
            addresses(&mail.text),
            "{name}: links of the HTML, and addresses of the text"
        );
        let breaks = mail.html.replace("</", "\n</");
        let html = words(&visible(&Mail {
            html: breaks,
            ..mail.clone()
        }));
        let text = words(&mail.text);
        let differing: Vec<&String> = html.symmetric_difference(&text).collect();
        assert!(differing.is_empty(), "{name}: in one part only: {differing:?}");
    }
}

#[test]
fn hostile_names_stay_names() {
    for (name, mail) in all(HOSTILE) {
        assert!(!mail.subject.contains(char::is_control), "{name}: {:?}", mail.subject);
        assert!(!mail.html.contains("<b>"), "{name}: a tag came through");
        assert!(!mail.text.contains("\nBcc:") && !mail.text.contains('\r'), "{name}");
        assert!(
            !mail.text.contains('\u{202E}') && !mail.html.contains('\u{202E}'),
            "{name}"
        );
    }
}

#[test]
fn the_brands_own_names_stay_names() {
    let brand = Brand {
        product_name: "A <b>& \"B\"".into(),
        account_contact: "<script>alert(1)</script>".into(),
        ..brand()
    };
    for (name, mail) in sample::every(&brand, &Names::all("Mara"), &brussels(), at("2026-11-22T15:05:00Z")) {
        assert!(!mail.html.contains("<b>") && !mail.html.contains("<script"), "{name}");
    }
}

/// The tags of the HTML, with their attributes.
fn tags(html: &str) -> Vec<&str> {
    let opened = html.split('<').skip(1);
    opened.map(|rest| rest.split('>').next().unwrap()).collect()
}

/// Whatever a name is, it changes nothing but its own words.
fn harmless(name: &str) {
    for ((kind, mail), (_, plain)) in all(name).into_iter().zip(all("Mara")) {
        assert!(!mail.subject.contains(char::is_control), "{kind}: {:?}", mail.subject);
        assert!(mail.subject.len() < 998, "{kind}: the longest line of a header");
        assert_eq!(
            mail.text.lines().count(),
            plain.text.lines().count(),
            "{kind}: lines of the text"
        );
        assert_eq!(tags(&mail.html), tags(&plain.html), "{kind}: tags of the HTML");
        assert_eq!(links(&mail), addresses(&plain.text), "{kind}: links");
        assert_eq!(addresses(&mail.text), addresses(&plain.text), "{kind}: addresses");
        for part in [&mail.subject, &mail.text, &mail.html] {
            let odd = |c: char| {
                matches!(
                    c,
                    '\r' | '\u{200B}' | '\u{FEFF}' | '\u{202A}'..='\u{202E}' | '\u{2028}' | '\u{2029}'
                )
            };
            assert!(!part.contains(odd), "{kind}: {part:?}");
            let [begun, ended] = ['\u{2068}', '\u{2069}'].map(|c| part.matches(c).count());
            assert_eq!(begun, ended, "{kind}: directions that are turned back");
        }
        // Some programs show no more of a mail than 102 KB.
        assert!(
            mail.html.len() < 60_000 && mail.text.len() < 30_000,
            "{kind}: {}",
            mail.html.len()
        );
    }
}

#[test]
fn hostile_names_are_harmless() {
    let long = ["x", "👩‍🔧", "א", "<", "a\u{0301}"].map(|one| one.repeat(10_000));
    let pieces = [
        "a\r\nBcc: eve@evil.example",
        "</p></body><script>alert(1)</script>",
        "\" onmouseover=\"alert(1)",
        "javascript:alert(1)",
        "https://evil.example/login",
        "HTTP://evil.example",
        "{{ mail.code }}",
        "=?UTF-8?B?PGI+?=",
        "\u{202E}gpj.exe",
        "\u{2066}\u{2067}\u{2068}",
        "a\u{200B}b\u{FEFF}c",
        "مرحبا بالعالم",
        "\u{0}\u{7}\u{1B}[31m",
        "--",
        ".\r\n.",
        "",
        " ",
        "&#60;b&#62;",
        "<!--",
        "]]>",
    ];
    for name in pieces.into_iter().chain(long.iter().map(String::as_str)) {
        harmless(name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_name_is_harmless(name in "(?s)([<>&\"'\\r\\n:/#{}]|[\\u{200B}-\\u{200F}\\u{2028}-\\u{202E}\\u{2060}-\\u{206F}]|\\PC|.){0,200}") {
        harmless(&name);
    }
}

#[test]
fn html_is_complete_without_the_network_and_safe_in_the_dark() {
    for (name, mail) in all("Mara") {
        for fetched in ["<img", "src=", "url(", "<link", "<script", "@import"] {
            assert!(!mail.html.contains(fetched), "{name}: {fetched}");
        }
        assert!(
            mail.html
                .contains("<meta name=\"color-scheme\" content=\"light dark\">")
        );
        // Where a text has a colour, its ground has one, too.
        for tag in tags(&mail.html).into_iter().filter(|tag| tag.contains("; color:")) {
            assert!(tag.contains("background-color:"), "{name}: {tag}");
        }
        // A button is seen where its colour is that of the paper.
        for tag in tags(&mail.html)
            .into_iter()
            .filter(|tag| tag.starts_with("a ") && tag.contains("inline-block"))
        {
            assert!(
                tag.contains("border: 2px solid #8a8f98") && tag.contains("background-color: #0b6e4f"),
                "{name}: {tag}"
            );
        }
        assert!(mail.html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
        assert_eq!(
            mail.html.matches("<table ").count(),
            mail.html.matches("<table role=\"presentation\"").count()
        );
    }
}

#[test]
fn r171_a_logo_is_the_only_thing_that_is_fetched_and_has_words() {
    // R171
    let brand = Brand {
        logo_url: Some("https://cdn.kestrel.example/logo.png?v=2&x=1".parse().unwrap()),
        ..brand()
    };
    for (name, mail) in sample::every(&brand, &Names::all("Mara"), &brussels(), at("2026-11-22T15:05:00Z")) {
        assert_eq!(mail.html.matches("src=").count(), 1, "{name}");
        assert!(
            mail.html
                .contains("<img src=\"https://cdn.kestrel.example/logo.png?v=2&#38;x=1\" alt=\"Kestrel for Teams\""),
            "{name}"
        );
    }
}

#[test]
fn dates_are_read_alike_in_every_language() {
    let zone = |name: &str| TimeZone::get(name).unwrap();
    let winter = at("2026-11-05T23:05:00Z");
    assert_eq!(moment(winter, &brussels()), "6 Nov 2026, 00:05 (Europe/Brussels)");
    assert_eq!(
        moment(winter, &zone("America/New_York")),
        "5 Nov 2026, 18:05 (America/New_York)"
    );
    assert_eq!(moment(winter, &TimeZone::UTC), "5 Nov 2026, 23:05 (UTC)");
    assert_eq!(
        moment(at("2026-07-05T22:05:00Z"), &brussels()),
        "6 Jul 2026, 00:05 (Europe/Brussels)"
    );
}
