//! The pages of a step that a front end sent the person to: what will be asked, and the two choices that are made here.

use super::Back;
use askama::Template;

/// What will be asked, before the sign-in.
#[derive(Clone, Debug, Template)]
#[template(path = "next.html")]
pub struct NextPage {
    /// The product, in the header.
    pub product: String,
    /// The step.
    pub headline: String,
    /// Who asks, and what it is for.
    pub intro: String,
    /// What the person will do, in order.
    pub steps: Vec<String>,
    /// The customer company.
    pub enterprise: String,
    /// The organisation, as Microsoft has it.
    pub tenant_name: String,
    /// The recorded Global Admin.
    pub person: String,
    /// Where the page that explains the permissions is, where permissions are asked for (R038).
    pub permissions_url: Option<String>,
    /// Our application, as Microsoft's page names it.
    pub application: String,
    /// Where the form goes.
    pub post_to: String,
    /// When a sign-in was begun here that nothing has come back from, as people read it.
    pub unanswered: Option<String>,
    /// Where the person came from, where that is a page of somebody else.
    pub back: Option<Back>,
}

/// The reseller's question whether it may manage (R012-R013).
#[derive(Clone, Debug)]
pub struct Offer {
    /// Who asks.
    pub reseller: String,
    /// For whom.
    pub enterprise: String,
    /// Where the form goes; its field is `decision`: `grant` or `later`.
    pub post_to: String,
}

/// The reseller's question, on a page of its own (R071).
#[derive(Clone, Debug, Template)]
#[template(path = "management.html")]
pub struct ManagementPage {
    /// The product, in the header.
    pub product: String,
    /// The organisation, as Microsoft has it.
    pub tenant_name: String,
    /// Who signed in.
    pub person: String,
    /// The question.
    pub offer: Offer,
}

/// Whose users are synchronised (R073-R086).
#[derive(Clone, Debug, Template)]
#[template(path = "groups.html")]
pub struct GroupsPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// The organisation, as Microsoft has it.
    pub tenant_name: String,
    /// What was wrong with the last try.
    pub wrong: Vec<String>,
    /// What should be changed in the choice that is in force (R082).
    pub advice: Vec<String>,
    /// `everyone` or `groups`; empty while nobody has chosen, so that nothing is chosen silently (R073).
    pub mode: String,
    /// The tenant's groups.
    pub groups: Vec<GroupRow>,
    /// How many more there are than those.
    pub more: usize,
    /// Further groups by their names, a line each (R086).
    pub names: String,
    /// Which version of the enterprise the page shows.
    pub version: u64,
    /// Where the form goes; its fields are `mode`, `group`, `names` and `version`.
    pub post_to: String,
    /// Where the person came from, where that is a page of somebody else.
    pub back: Option<Back>,
}

/// A group to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// What is sent.
    pub id: String,
    /// What people read.
    pub name: String,
    /// Its kind, or why it cannot be chosen (R081).
    pub note: &'static str,
    /// It cannot be chosen.
    pub banned: bool,
    /// It is chosen.
    pub chosen: bool,
}
