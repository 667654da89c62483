//! The people of a story, and the ways they go.

use super::api::{Answer, Api};
use super::browser::{Browser, Lost, Page};
use crate::world::Urls;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// Provider staff of the local world.
const PROVIDER: &str = "ops@provider.example";
/// To whom the activation mail of its reseller goes.
const OWNER: &str = "owner@northwind.example";

/// Why a story could not go on.
pub type Stuck = Box<dyn std::error::Error + Send + Sync>;

/// A tenant of the simulated Microsoft, as its controls describe it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub id: String,
    pub display_name: String,
    pub initial_domain: String,
    pub global_admins: Vec<String>,
    pub teams_admin: String,
    pub ordinary_user: String,
    pub users: usize,
}

/// A mail, as the mailbox shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Mail {
    pub number: usize,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub from: String,
}

/// Whoever calls the API in a role, with a token that starts now.
///
/// # Errors
/// For a role that does not exist.
pub async fn caller(urls: &Urls, role: &str, email: &str, enterprise: Option<&str>) -> Result<Api, Stuck> {
    let mut person = json!({ "sub": format!("{role}:{email}"), "email": email, "name": email, "role": role });
    if role.starts_with("reseller") {
        person["reseller"] = json!(reseller(urls).await?);
    }
    if let Some(enterprise) = enterprise {
        person["enterprise"] = json!(enterprise);
    }
    with_token(urls, &person).await
}

async fn with_token(urls: &Urls, person: &Value) -> Result<Api, Stuck> {
    let answer: Value = Client::new()
        .post(urls.portal.join("/token")?)
        .json(person)
        .send()
        .await?
        .json()
        .await?;
    let token = answer["access_token"]
        .as_str()
        .ok_or_else(|| format!("no token: {answer}"))?;
    Ok(Api::new(&urls.api, token.to_owned()))
}

async fn provider(urls: &Urls) -> Result<Api, Stuck> {
    let person = json!({ "sub": PROVIDER, "email": PROVIDER, "name": PROVIDER, "role": "provider_admin" });
    with_token(urls, &person).await
}

/// The id of the local world's reseller; empty before there is one.
///
/// # Errors
/// Where nothing answers.
pub async fn reseller(urls: &Urls) -> Result<String, Stuck> {
    let all = provider(urls).await?.get("/v1/resellers?limit=1").await?;
    Ok(all.text("/items/0/id").to_owned())
}

/// The tenants of the simulated Microsoft; the first is the main one.
///
/// # Errors
/// Where nothing answers.
pub async fn tenants(urls: &Urls) -> Result<Vec<Tenant>, Stuck> {
    Ok(Client::new()
        .get(urls.portal.join("/_microsoft/tenants")?)
        .send()
        .await?
        .json()
        .await?)
}

/// Moves the clock; whatever falls due has happened when this returns.
///
/// # Errors
/// Where nothing answers.
pub async fn pass(urls: &Urls, seconds: u32) -> Result<(), Stuck> {
    let moved = Client::new()
        .post(urls.portal.join("/clock")?)
        .form(&[("seconds", seconds)])
        .send()
        .await?;
    moved.error_for_status()?;
    Ok(())
}

/// The mails to an address, oldest first.
///
/// # Errors
/// Where nothing answers.
pub async fn mails(urls: &Urls, to: &str) -> Result<Vec<Mail>, Stuck> {
    let url = urls.portal.join("/mailbox/mails")?;
    let mut mails: Vec<Mail> = Client::new().get(url).query(&[("to", to)]).send().await?.json().await?;
    mails.sort_by_key(|mail| mail.number);
    Ok(mails)
}

/// A reseller's form, filled in.
#[must_use]
pub fn reseller_form(urls: &Urls) -> Value {
    let portal = &urls.portal;
    json!({
        "name": "Northwind Telecom", "owner": OWNER,
        "brand": {
            "productName": "Northwind Calling", "policyPrefix": "Northwind2Teams",
            "voicePortalName": "Northwind Voice Portal", "voicePortalUrl": portal,
            "integrationPortalUrl": portal, "accountContact": "your Northwind administrator",
            "providerContact": "Northwind Customer Support, +1 555 0100", "sender": "calling@northwind.example",
            "replyTo": "support@northwind.example",
        },
        "returnOrigins": [portal.origin().ascii_serialization()], "helpUrl": "https://help.northwind.example/teams",
    })
}

/// Sees to it that the local world has its reseller: provider staff create it, and its owner follows the activation mail.
/// Gives its id.
///
/// # Errors
/// Where the API refuses, or a page is not the expected one.
pub async fn create_reseller(urls: &Urls) -> Result<String, Stuck> {
    let known = reseller(urls).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let created = provider(urls)
        .await?
        .post("/v1/resellers", &reseller_form(urls))
        .await?;
    if !created.status.is_success() {
        return Err(format!("the reseller was refused: {}", created.body).into());
    }
    activate(urls, OWNER).await?;
    Ok(created.text("/id").to_owned())
}

/// The way of a reseller's owner from the activation mail to an active account.
///
/// # Errors
/// Where there is no mail, or a page is not the expected one.
pub async fn activate(urls: &Urls, owner: &str) -> Result<Page, Stuck> {
    let link = link_in_mail(urls, owner, "/activate/").await?;
    let mut browser = Browser::default();
    let page = browser.open(&link).await?;
    let page = browser.submit(&page, "/activate/", &[]).await?;
    if page.says("The account is active") {
        Ok(page)
    } else {
        Err(format!("the activation ended on: {}", page.heading()).into())
    }
}

/// The newest link in the mails to an address whose path has `part` in it.
///
/// # Errors
/// Where there is none.
pub async fn link_in_mail(urls: &Urls, address: &str, part: &str) -> Result<Url, Stuck> {
    let mails = mails(urls, address).await?;
    let texts = mails.iter().rev().filter_map(|mail| mail.text.as_deref());
    let link = texts.flat_map(str::split_whitespace).find(|word| word.contains(part));
    Ok(link.ok_or("there is no such link in the mailbox")?.parse()?)
}

/// The creation form, filled in for a tenant's first Global Admin.
#[must_use]
pub fn enterprise_form(tenant: &Tenant, user_limit: Option<u32>) -> Value {
    json!({
        "name": tenant.display_name, "adminEmail": admin_of(tenant), "adminName": "Global Admin",
        "userLimit": user_limit, "pbxMusicOnHold": true, "accessSipData": true, "requestManagementConsent": true,
        "sbcRegions": ["Europe"], "services": ["PBX", "Trunk"], "pbxTypes": ["Ringlogix"],
        "timeZone": "Europe/Brussels", "billingReference": "NW-1001",
    })
}

/// A tenant's first Global Admin.
#[must_use]
pub fn admin_of(tenant: &Tenant) -> &str {
    tenant.global_admins.first().map(String::as_str).unwrap_or_default()
}

/// The code and the link of the newest invitation to an address.
///
/// # Errors
/// Where no such mail is in the mailbox.
pub async fn invitation(urls: &Urls, address: &str) -> Result<(String, Url), Stuck> {
    let mails = mails(urls, address).await?;
    let texts = mails.iter().rev().filter_map(|mail| mail.text.as_deref());
    let read = texts.filter_map(read_invitation).next();
    Ok(read.ok_or("there is no invitation in the mailbox")?)
}

/// The code and the link in the text of an invitation's mail.
#[must_use]
pub fn read_invitation(text: &str) -> Option<(String, Url)> {
    let link = text.split_whitespace().find(|word| word.contains("/i/"))?;
    let is_code = |word: &&str| {
        word.len() == 11
            && word.as_bytes()[5] == b'-'
            && word
                .bytes()
                .filter(|b| *b != b'-')
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let code = text.split_whitespace().find(is_code)?;
    Some((code.to_owned(), link.parse().ok()?))
}

/// At Microsoft: picks the account, and on the consent page, where there is one, ticks the box and accepts.
///
/// # Errors
/// Where a page is missing.
pub async fn at_microsoft(browser: &mut Browser, page: Page, account: &str) -> Result<Page, Lost> {
    let page = browser
        .submit(&page, "/oauth2/v2.0/authorize", &[("account", account)])
        .await?;
    if page.says("Permissions requested") {
        let accept = [("action", "accept"), ("consent_on_behalf", "true")];
        return browser.submit(&page, "/oauth2/v2.0/authorize", &accept).await;
    }
    Ok(page)
}

/// The whole way from the invitation to a complete set-up, as its Global Admin goes it.
///
/// # Errors
/// Where a page is not the expected one.
pub async fn set_up(urls: &Urls, admin: &str) -> Result<Page, Stuck> {
    let (code, link) = invitation(urls, admin).await?;
    let mut browser = Browser::default();
    let page = browser.open(&link).await?;
    let page = browser.submit(&page, "/i/", &[("code", &code)]).await?;
    let page = at_microsoft(&mut browser, page, admin).await?;
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await?;
    let page = browser.submit(&page, "/setup/consent", &[]).await?;
    let page = at_microsoft(&mut browser, page, admin).await?;
    if page.says("set up") {
        Ok(page)
    } else {
        Err(format!("the set-up ended on: {}", page.heading()).into())
    }
}

/// The way from the action URL of a step to the page behind the sign-in at Microsoft.
///
/// # Errors
/// Where a page is not the expected one.
pub async fn sign_in_to_step(link: &Url, account: &str) -> Result<(Browser, Page), Stuck> {
    let mut browser = Browser::default();
    let page = browser.open(link).await?;
    let page = browser.submit(&page, "/next/", &[]).await?;
    let page = at_microsoft(&mut browser, page, account).await?;
    Ok((browser, page))
}

/// The sign-in of a run, as the Global Admin goes it.
///
/// # Errors
/// Where a page is not the expected one.
pub async fn sign_in_to_run(started: &Answer, account: &str) -> Result<Page, Stuck> {
    let link: Url = started
        .text("/signInUrl")
        .parse()
        .map_err(|_| format!("no sign-in link: {}", started.body))?;
    let mut browser = Browser::default();
    let page = browser.open(&link).await?;
    let page = browser.submit(&page, "/sync/", &[]).await?;
    Ok(at_microsoft(&mut browser, page, account).await?)
}
