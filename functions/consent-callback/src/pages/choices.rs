//! The pages of a step that a front end sent the person to: what will be asked, and the choices that are made here.

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

/// Whether syncs may run that nobody signs in for, after Microsoft applies the permissions.
#[derive(Clone, Debug, Template)]
#[template(path = "unattended.html")]
pub struct UnattendedPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// Its reseller.
    pub reseller: String,
    /// The organisation, as Microsoft has it.
    pub tenant_name: String,
    /// Where the form goes.
    pub post_to: String,
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
    /// A chosen group has no members: is that meant?
    pub ask_empty: bool,
    /// It is.
    pub empty: bool,
    /// When the groups were read, as people read it.
    pub read_at: Option<String>,
    /// What the choice would mean.
    pub preview: Option<PreviewView>,
    /// The sign-in of the person still lets them look at members.
    pub can_preview: bool,
    /// Which version of the enterprise the page shows.
    pub version: u64,
    /// Where the form goes; its fields are `mode`, `group`, `names`, `empty`, `version` and `do`.
    pub post_to: String,
    /// Where the person came from, where that is a page of somebody else.
    pub back: Option<Back>,
}

/// What a choice would mean, before it is saved. A list is its heading, and the first names in it.
#[derive(Clone, Debug, Default)]
pub struct PreviewView {
    /// It is in force already.
    pub same: bool,
    /// Why a sync would stop.
    pub stops: Vec<String>,
    /// Each chosen group with its people.
    pub groups: Vec<String>,
    /// Who is in, who is out, who comes, and who goes.
    pub people: Vec<(String, Vec<String>)>,
    /// How many of those who are in can be mapped.
    pub figures: Option<String>,
    /// Mapped people who would be out, all of them.
    pub unassigned: Vec<String>,
    /// How many numbers would be taken back.
    pub releases: usize,
    /// So many are held until the Global Admin approves them.
    pub approval: bool,
}

/// A group to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// What is sent.
    pub id: String,
    /// What people read.
    pub name: String,
    /// Its kind, or why it cannot be chosen (R081).
    pub note: String,
    /// It cannot be chosen.
    pub banned: bool,
    /// It is chosen.
    pub chosen: bool,
}
