//! Mails: one struct for each, rendered to subject, plain text and HTML. Pure; the texts are in `templates/<mail>/`.
//!
//! To add a mail: a folder with `subject.txt`, `body.txt` and `body.html`, a struct that holds what they mention as
//! `mail.…`, and one line `parts!`. A text that mentions something the struct does not have does not compile.

mod duty_offered;
mod duty_taken;
mod enterprise_invitation;
mod global_admin_assigned;
mod global_admin_reassigned;
mod integration_activation;
mod integration_removed;
mod invitation_nudge;
mod invitation_stuck;
mod licenses_changed;
mod line;
mod reminders_ignored;
mod reseller_activation;
mod reseller_digest;
pub mod sample;
mod sync_failed;
mod sync_required;
#[cfg(test)]
mod tests;
mod webhook_disabled;

pub use duty_offered::DutyOffered;
pub use duty_taken::DutyTaken;
pub use enterprise_invitation::EnterpriseInvitation;
pub use global_admin_assigned::GlobalAdminAssigned;
pub use global_admin_reassigned::GlobalAdminReassigned;
pub use integration_activation::IntegrationActivation;
pub use integration_removed::IntegrationRemoved;
pub use invitation_nudge::{Fresh, InvitationNudge};
pub use invitation_stuck::{InvitationStuck, Stuck};
pub use licenses_changed::LicensesChanged;
pub use line::Line;
pub use reminders_ignored::RemindersIgnored;
pub use reseller_activation::ResellerActivation;
pub use reseller_digest::{DigestRow, ResellerDigest};
pub use sync_failed::SyncFailed;
pub use sync_required::{Reader, SyncRequired, Waiting};
pub use webhook_disabled::WebhookDisabled;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How many people or findings a mail names before it says "and n more".
pub const NAMED: usize = 10;

/// A mail as it is handed over: the same words as text and as HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// For people who read plain text.
    pub text: String,
    /// For everybody else; complete without anything from the network.
    pub html: String,
}

impl Mail {
    fn new(subject: askama::Result<String>, text: askama::Result<String>, html: askama::Result<String>) -> Self {
        Self {
            subject: line::one_line(&written(subject)),
            text: written(text),
            html: written(html),
        }
    }
}

/// A moment as mails print it, `22 Nov 2026, 14:05 (Europe/Brussels)`: local, with the zone's name, a month that is no
/// number, and the hours of a whole day, so that nobody has to guess.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone()).strftime("%-d %b %Y, %H:%M").to_string();
    match zone.iana_name() {
        Some(name) => format!("{local} ({name})"),
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
