//! What holds for every mail: its closing, that hostile names stay names, and that the HTML needs nothing else.

use super::provisioning::{activation, assigned, licenses, reassigned, removed};
use super::*;

/// Each mail, in each of its shapes, with this name for every person and company.
fn all(name: &str) -> Vec<Mail> {
    vec![
        invitation(name, name, name),
        required(name, name, waiting(1, &[name])),
        failed(name, &[taken(name)], Some(waiting(1, &[name]))),
        licenses(name, name, (Some(5), Some(3)), 2),
        licenses(name, name, (Some(5), None), 0),
        removed(name, name, true),
        removed(name, name, false),
        reassigned(name, name),
        assigned(name, name),
        activation(name, name),
    ]
}

#[test]
fn r171_every_mail_greets_its_reader() {
    for mail in all("Mara Quist") {
        both_say(&mail, "Hello Mara Quist,");
    }
}

#[test]
fn r172_every_mail_closes_with_the_brands_team() {
    for mail in all("Mara") {
        both_say(&mail, "Thank you,");
        both_say(&mail, "The Kestrel for Teams Team");
    }
}

#[test]
fn every_mail_says_why_it_came() {
    for mail in all("Mara") {
        both_say(&mail, "Why you receive this message:");
    }
}

#[test]
fn r172_a_mail_names_only_its_own_brand() {
    for mail in all("Mara") {
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("Dialbridge"), "{part}");
        }
    }
}

#[test]
fn hostile_names_stay_names() {
    for mail in all(HOSTILE) {
        assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
        assert!(!mail.html.contains("<b>"), "a tag came through");
        assert!(!mail.text.contains("\nBcc:") && !mail.text.contains('\r'));
        assert!(!mail.text.contains('\u{202E}') && !mail.html.contains('\u{202E}'));
    }
}

#[test]
fn html_needs_nothing_from_the_network_and_is_safe_in_the_dark() {
    for mail in all("Mara") {
        for fetched in ["<img", "src=", "url(", "<link", "<script", "@import"] {
            assert!(!mail.html.contains(fetched), "{fetched}");
        }
        assert!(
            mail.html
                .contains("<meta name=\"color-scheme\" content=\"light dark\">")
        );
    }
}
