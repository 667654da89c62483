//! The pages on which reminders are handed over, paused and taken over.

use askama::Template;

/// What the reader of a reminder can do about it besides syncing.
#[derive(Clone, Debug, Template)]
#[template(path = "reminders.html")]
pub struct RemindersPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// Who is reminded now.
    pub holder: String,
    /// Who can sync.
    pub admin: String,
    /// To whom the reminders are offered already.
    pub offered: Option<String>,
    /// Until which day they are paused already.
    pub paused: Option<String>,
    /// Where the forms go; the field `decision` is `handOver` or `pause`.
    pub post_to: String,
    /// What was typed before.
    pub email: String,
    /// What was typed before.
    pub name: String,
    /// What was typed before.
    pub days: String,
    /// What was typed before.
    pub reason: String,
    /// What was wrong with it.
    pub wrong: Vec<String>,
}

/// Whoever is to take the reminders over reads what that means.
#[derive(Clone, Debug, Template)]
#[template(path = "duty.html")]
pub struct DutyPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// Who asks.
    pub from: String,
    /// Who is asked.
    pub name: String,
    /// Who can sync.
    pub admin: String,
    /// Where the form goes; its field is `email`.
    pub post_to: String,
    /// Another address was typed than the one that the offer came to.
    pub wrong: bool,
}
