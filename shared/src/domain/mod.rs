//! Nouns: plain values with one way in each. Never async, no clients, no clock, no chance, nothing of ours from outside.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod accent;
pub mod application;
pub mod audit;
pub mod brand;
pub mod caller;
pub mod calling_domain;
pub mod calling_policy;
pub mod change;
pub mod consent;
pub mod directory;
pub mod email;
pub mod enterprise;
pub mod explanation;
pub mod fault;
pub mod finding;
pub mod folded;
pub mod global_admin;
pub mod group_filter;
pub mod ids;
pub mod invitation;
pub mod letter;
pub mod licence;
pub mod mail_kind;
pub mod mail_limits;
pub mod management;
pub mod mapping;
pub mod membership_rule;
pub mod once;
pub mod operators;
pub mod permission;
pub mod phone;
pub mod product;
pub mod reseller;
pub mod rights;
pub mod roll;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod setup;
pub mod standing;
pub mod state;
pub mod steps;
pub mod suppression;
pub mod sync_log;
pub mod sync_status;
pub mod sync_switch;
pub mod task;
pub mod tenant_object;
pub mod unattended;
pub mod visit;
pub mod voice;
pub mod voice_field;

/// A value that was refused, in words for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Invalid {
    /// The field or thing, as the sender knows it (`userLimit`, `number`).
    pub what: String,
    /// What is wrong and what would be right.
    pub why: String,
    /// What kind of fault it is, for programs.
    pub code: &'static str,
}

impl Invalid {
    /// Names the thing and what would be right.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            code: "INVALID",
        }
    }

    /// Says what kind of fault it is; a code is kept for good once front ends hang on it.
    #[must_use]
    pub fn coded(self, code: &'static str) -> Self {
        Self { code, ..self }
    }
}

/// Text that a person typed: trimmed, 1 to `max` characters, no control or direction-changing characters.
///
/// # Errors
/// `Invalid` naming `what`.
pub fn plain_text(what: &str, text: &str, max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > max {
        return Err(Invalid::new(what, format!("give 1 to {max} characters")));
    }
    let hostile = |c: char| {
        c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if text.chars().any(hostile) {
        return Err(Invalid::new(
            what,
            "line breaks, control and text-direction characters are not allowed",
        ));
    }
    Ok(text.to_owned())
}
