//! The pages of a tenant that is about to change, or that is not ready yet.

use askama::Template;

/// After `Disable Sync` and a sign-in in another tenant: what moving means, before anything is bound anew (R067).
#[derive(Clone, Debug, Template)]
#[template(path = "move_tenant.html")]
pub struct MoveTenantPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// The company that manages.
    pub reseller: String,
    /// The organisation that is linked so far, as Microsoft had it.
    pub from_tenant: String,
    /// The organisation that the person signed in to.
    pub to_tenant_name: String,
    /// Its domain.
    pub to_tenant_domain: String,
    /// Who signed in.
    pub person: String,
    /// What we put into the old tenant and did not take back, a line each.
    pub left_behind: Vec<String>,
    /// Where the form goes; its field is `decision`: `confirm` or `reject`.
    pub post_to: String,
}

/// The organization has accepted, and the person signs in once more (R058).
#[derive(Clone, Debug, Template)]
#[template(path = "accepted.html")]
pub struct AcceptedPage {
    /// The product, in the header.
    pub product: String,
    /// The customer company.
    pub enterprise: String,
    /// The organisation, as Microsoft has it.
    pub tenant_name: String,
    /// Where the form goes.
    pub post_to: String,
}

/// Microsoft still applies what was accepted. The page loads itself again, without a script.
#[derive(Clone, Debug, Template)]
#[template(path = "wait.html")]
pub struct WaitPage {
    /// The product, in the header.
    pub product: String,
    /// What is waited for.
    pub headline: String,
    /// Why it takes time, in a sentence or two.
    pub what: String,
    /// What is loaded, again and again, until it is another page.
    pub refresh_to: String,
    /// How many seconds lie between.
    pub seconds: u32,
}
