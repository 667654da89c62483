//! The pages that a Global Admin sees between the invitation, Microsoft and the portal: one struct each, texts in
//! `templates/`.
//!
//! A page needs nothing but itself: no script, no file from anywhere. `content_security_policy` says so to the browser.

mod choices;
mod help;
mod moves;
mod permissions;
mod refusals;
mod reminders;
mod teams_calling;
#[cfg(test)]
mod tests;
pub mod topics;

pub use choices::{GroupRow, GroupsPage, ManagementPage, NextPage, Offer, PreviewView, UnattendedPage};
pub use help::{HelpPage, HelpRow, HelpTopicPage, help, help_topic};
pub use moves::{AcceptedPage, MoveTenantPage, WaitPage};
pub use permissions::permission_sets;
pub use refusals::{refused, refused_with};
pub use reminders::{DutyPage, RemindersPage};
pub use teams_calling::{PolicyRow, TeamsCallingPage, teams_calling};

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use url::Url;

/// The first page: who invites whom, and the field for the Invitation Code (R033-R038).
#[derive(Clone, Debug, Template)]
#[template(path = "invitation.html")]
pub struct InvitationPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// The company that invites.
    pub reseller: String,
    /// When the invitation ends, as people read it.
    pub expires: String,
    /// Where the page that explains the permissions is (R038).
    pub permissions_url: String,
    /// Our application, as Microsoft's page names it.
    pub application: String,
    /// Where the form goes; its field is `code`.
    pub post_to: String,
    /// What was wrong with the last try.
    pub notice: Option<String>,
    /// When a sign-in was begun here that nothing has come back from, as people read it.
    pub unanswered: Option<String>,
}

/// A reseller's account before its owner has activated it (R001).
#[derive(Clone, Debug, Template)]
#[template(path = "activation.html")]
pub struct ActivationPage {
    /// The product, in the header.
    pub product: String,
    /// The reseller.
    pub reseller: String,
    /// To whom the mail went.
    pub owner: String,
    /// Where the form goes.
    pub post_to: String,
}

/// After the first sign-in, before anything is bound: is this the right tenant?
#[derive(Clone, Debug, Template)]
#[template(path = "confirm_tenant.html")]
pub struct ConfirmTenantPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// The company that invites.
    pub reseller: String,
    /// The organisation, as Microsoft has it.
    pub tenant_name: String,
    /// Its domain.
    pub tenant_domain: String,
    /// Who signed in.
    pub person: String,
    /// Where the form goes; its field is `decision`: `confirm` or `reject`.
    pub post_to: String,
}

/// Between the two permission sets (R058).
#[derive(Clone, Debug, Template)]
#[template(path = "second_consent.html")]
pub struct SecondConsentPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// The organisation, as Microsoft has it.
    pub tenant_name: String,
    /// Where the page that explains the permissions is (R038).
    pub permissions_url: String,
    /// Our application, as Microsoft's page names it.
    pub application: String,
    /// Where the form goes that asks with a sign-in: the box must be ticked there.
    pub post_to: String,
    /// Where the form goes that asks on Microsoft's page for whole organisations, which has no box; `None` where that
    /// form of consent is not offered.
    pub organization_post_to: Option<String>,
    /// A first try left permissions out.
    pub again: bool,
    /// When a sign-in was begun here that nothing has come back from, as people read it.
    pub unanswered: Option<String>,
    /// Where the person came from, where that is a page of somebody else.
    pub back: Option<Back>,
}

/// The second half of a sync's sign-in (R065, R139).
#[derive(Clone, Debug, Template)]
#[template(path = "sync_sign_in.html")]
pub struct SyncSignInPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// The recorded Global Admin.
    pub person: String,
    /// The linked organisation.
    pub tenant_name: String,
    /// What the run does, in a sentence.
    pub run_kind_text: String,
    /// What the plan changes, a line each; empty where there is no plan to show.
    pub plan_lines: Vec<String>,
    /// Sync was disabled: the person may sign in to another tenant than the linked one (R067).
    pub any_tenant: bool,
    /// Where the form goes.
    pub post_to: String,
    /// When a sign-in was begun here that nothing has come back from, as people read it.
    pub unanswered: Option<String>,
}

/// Everything went well, and what comes next.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "done.html")]
pub struct DonePage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// What is done.
    pub headline: String,
    /// What comes next, in order.
    pub next_steps: Vec<String>,
    /// The integration portal (R037).
    pub portal_url: String,
    /// Where it can be chosen at once whose users are synchronised, as long as nobody has (R072).
    pub groups_url: Option<String>,
    /// The reseller asks to manage, and nobody has answered (R012).
    pub offer: Option<Offer>,
    /// Where the person came from, where that is a page of somebody else.
    pub back: Option<Back>,
}

/// It did not go on, why, and what to do (R204-R210). Made by `refused`.
#[derive(Clone, Debug, Template)]
#[template(path = "refused.html")]
pub struct RefusedPage {
    /// The product, in the header, where it is known.
    pub product: Option<String>,
    /// What is the matter.
    pub headline: String,
    /// What we saw.
    pub what_happened: String,
    /// The way out, in order.
    pub what_to_do: Vec<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// The stable code for support.
    pub code: String,
    /// Where the person came from, where that is a page of somebody else.
    pub back: Option<Back>,
}

impl RefusedPage {
    /// The page that says more about it, for a window of its own.
    fn help(&self) -> String {
        match topics::topic(&self.code) {
            Some(_) => format!("/help/{}", self.code),
            None => "/help/sign-in".into(),
        }
    }
}

/// The way back to the page that sent the person here; its address says what became of the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// The whole address.
    pub url: String,
    /// Its host, for people.
    pub host: String,
}

impl From<Url> for Back {
    fn from(url: Url) -> Self {
        Self {
            host: url.host_str().unwrap_or_default().to_owned(),
            url: url.into(),
        }
    }
}

/// What we ask permission for, and why (R032, R038).
#[derive(Clone, Debug, Template)]
#[template(path = "permissions.html")]
pub struct PermissionsPage {
    /// The product, in the header.
    pub product: String,
    /// Every set; `permission_sets` has the texts.
    pub sets: Vec<PermissionSetText>,
}

/// One permission set in words.
#[derive(Clone, Debug)]
pub struct PermissionSetText {
    /// Its name.
    pub title: String,
    /// When and for what it is asked.
    pub intro: String,
    /// Microsoft's name of each permission, and our reason.
    pub permissions: Vec<(String, String)>,
}

macro_rules! pages {
    ($($page:ident),+ $(,)?) => {
        $(
            impl $page {
                /// The whole document.
                #[must_use]
                pub fn html(&self) -> String {
                    written(self.render())
                }
            }

            impl IntoResponse for $page {
                fn into_response(self) -> Response {
                    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], self.html()).into_response()
                }
            }
        )+
    };
}
pages!(
    ActivationPage,
    InvitationPage,
    ConfirmTenantPage,
    SecondConsentPage,
    SyncSignInPage,
    MoveTenantPage,
    WaitPage,
    AcceptedPage,
    NextPage,
    ManagementPage,
    UnattendedPage,
    GroupsPage,
    DonePage,
    RefusedPage,
    HelpPage,
    HelpTopicPage,
    TeamsCallingPage,
    PermissionsPage,
    RemindersPage,
    DutyPage,
);

/// The `Content-Security-Policy` of every page. Browsers apply `form-action` to the redirects that answer a form as
/// well, so the origin of Microsoft's sign-in must be named, and that of the page that a step leads back to.
#[must_use]
pub fn content_security_policy(sign_in_origin: &str, return_origin: Option<&str>) -> String {
    let forms = [Some(sign_in_origin), return_origin];
    let forms: String = forms.iter().flatten().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{forms}; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Templates write plain values into a `String`, and neither can fail.
fn written(page: askama::Result<String>) -> String {
    match page {
        Ok(html) => html,
        Err(error) => unreachable!("a page of plain values was not written: {error}"),
    }
}
