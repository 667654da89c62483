//! Mails: one struct for each, rendered to subject, plain text and HTML. Pure; the texts are in `templates/<mail>/`.
//!
//! To add a mail: a folder with `subject.txt`, `body.txt` and `body.html`, a struct that holds what they mention as
//! `mail.…`, and one line `parts!`. A text that mentions something the struct does not have does not compile.

mod enterprise_invitation;
mod global_admin_assigned;
mod global_admin_reassigned;
mod integration_removed;
mod licenses_changed;
mod reseller_activation;
mod sync_failed;
mod sync_required;
#[cfg(test)]
mod tests;

pub use enterprise_invitation::EnterpriseInvitation;
pub use global_admin_assigned::GlobalAdminAssigned;
pub use global_admin_reassigned::GlobalAdminReassigned;
pub use integration_removed::IntegrationRemoved;
pub use licenses_changed::LicensesChanged;
pub use reseller_activation::ResellerActivation;
pub use sync_failed::SyncFailed;
pub use sync_required::{SyncRequired, Waiting};

use crate::domain::schedule;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// How many people or findings a mail names before it says "and n more".
const NAMED: usize = 10;

/// A mail as it is handed over: the same words as text and as HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// For people who read plain text.
    pub text: String,
    /// For everybody else; needs nothing from the network.
    pub html: String,
}

impl Mail {
    fn new(subject: askama::Result<String>, text: askama::Result<String>, html: askama::Result<String>) -> Self {
        Self {
            subject: Line::from(written(subject)).0,
            text: written(text),
            html: written(html),
        }
    }
}

/// One line of text, whatever came in: names from elsewhere can neither add lines nor turn their direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        let unsafe_in_line = |c: char| {
            c.is_control()
                || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        };
        let visible: String = text.chars().map(|c| if unsafe_in_line(c) { ' ' } else { c }).collect();
        Self(visible.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A moment as mails print it: local, with the zone's name, so that nobody has to guess.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = schedule::display(at, zone);
    match zone.iana_name() {
        Some("UTC") => format!("{local} (UTC)"),
        Some(name) => format!("{local} ({name} time)"),
        None => format!("{local} ({})", zone.to_offset(at)),
    }
}

/// Templates write plain values into a `String`, and neither can fail.
fn written(part: askama::Result<String>) -> String {
    match part {
        Ok(text) => text,
        Err(error) => unreachable!("a mail of plain values was not written: {error}"),
    }
}

/// Gives a mail its `render`, out of its three files.
macro_rules! parts {
    ($mail:ident, $subject:literal, $text:literal, $html:literal) => {
        impl $mail<'_> {
            /// The mail, ready to send.
            #[must_use]
            pub fn render(&self) -> $crate::mail::Mail {
                #[derive(askama::Template)]
                #[template(path = $subject)]
                struct Subject<'a> {
                    mail: &'a $mail<'a>,
                }
                #[derive(askama::Template)]
                #[template(path = $text)]
                struct Text<'a> {
                    mail: &'a $mail<'a>,
                }
                #[derive(askama::Template)]
                #[template(path = $html)]
                struct Html<'a> {
                    mail: &'a $mail<'a>,
                }
                use askama::Template as _;
                let subject = Subject { mail: self };
                // Taken from there because a fixed subject mentions nothing, and an unread field is a warning.
                let mail = subject.mail;
                $crate::mail::Mail::new(subject.render(), Text { mail }.render(), Html { mail }.render())
            }
        }
    };
}
use parts;
