//! What the authorize page and the admin-consent page have in common: who is at the browser, and consent as such.

use super::super::Registered;
use super::super::catalogue::{CONSENTERS, GLOBAL_ADMINISTRATOR, Permission};
use super::super::state::{AppInTenant, Consent, State};
use super::pages::{self, Choice};
use super::refusal::Refusal;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use std::collections::HashMap;

const COOKIE: &str = "sim_ms_session";

/// Parameters of a query string or form; the first of each name counts.
pub(super) fn parameters(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        found.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    found
}

/// The browser's session, if it has one.
pub(super) fn session(headers: &HeaderMap) -> Option<String> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_owned())
}

/// Who signs in, on which tenant's path.
#[derive(Clone, Copy)]
pub(super) struct Person {
    pub(super) tenant: usize,
    pub(super) user: u32,
    /// The account itself, where the person is a guest of the tenant.
    pub(super) home: (usize, u32),
}

/// The tenant path of an authority.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Authority {
    /// `organizations` or `common`.
    Any,
    Tenant(usize),
}

impl Authority {
    pub(super) fn parse(state: &State, path: &str) -> Result<Self, Refusal> {
        match path {
            "organizations" | "common" => Ok(Self::Any),
            "consumers" | super::super::catalogue::CONSUMERS => {
                let text = "The application is configured for use by work or school account users only.";
                Err(Refusal::new(9_002_346, "invalid_request", text))
            }
            _ => state
                .tenant_named(path)
                .map(Self::Tenant)
                .ok_or_else(|| Refusal::by_code(90_002)),
        }
    }
}

/// Finds the account that somebody typed or clicked.
pub(super) fn person(state: &State, authority: Authority, name: &str) -> Result<Person, Refusal> {
    let name = name.trim();
    let home = state.tenants.iter().enumerate().find_map(|(at, tenant)| {
        let user = tenant.user_signing_in_as(name)?;
        (!tenant.person(user).guest).then_some((at, user))
    });
    let Some(home) = home else {
        return Err(Refusal::by_code(50_034));
    };
    if !state.tenants[home.0].person(home.1).enabled {
        return Err(Refusal::by_code(50_057));
    }
    match authority {
        Authority::Any => Ok(Person {
            tenant: home.0,
            user: home.1,
            home,
        }),
        Authority::Tenant(at) if at == home.0 => Ok(Person {
            tenant: at,
            user: home.1,
            home,
        }),
        Authority::Tenant(at) => {
            let tenant = &state.tenants[at];
            let sign_in = &state.tenants[home.0].person(home.1).sign_in;
            let guest = tenant
                .user_signing_in_as(sign_in)
                .filter(|user| tenant.person(*user).enabled);
            guest
                .map(|user| Person { tenant: at, user, home })
                .ok_or_else(|| Refusal::by_code(50_020))
        }
    }
}

/// The account picker for an authority.
pub(super) fn picker(state: &State, ask: &Picker<'_>) -> Response {
    let mut choices: Vec<Choice> = ask
        .signed_in
        .iter()
        .map(|(at, user)| choice(state, *at, *user, "Signed in"))
        .collect();
    for (at, tenant) in state.tenants.iter().enumerate() {
        let shown = match ask.authority {
            Authority::Any => ask.domain.is_none_or(|domain| state.tenant_named(domain) == Some(at)),
            Authority::Tenant(only) => only == at,
        };
        if !shown {
            continue;
        }
        let summary = tenant.summary();
        let admins = summary.global_admins.iter().map(|name| (name, "Global Administrator"));
        let others = [
            (&summary.teams_admin, "Teams Administrator"),
            (&summary.ordinary_user, "User"),
        ];
        for (name, note) in admins.chain(others) {
            if let Some(user) = tenant.user_signing_in_as(name)
                && !ask.signed_in.contains(&(at, user))
            {
                choices.push(choice(state, at, user, note));
            }
        }
    }
    if let Some(hint) = ask.hint {
        choices.sort_by_key(|choice| !choice.address.eq_ignore_ascii_case(hint));
    }
    pages::picker(
        ask.action,
        &ask.of.app.name,
        ask.hint,
        !ask.signed_in.is_empty(),
        &choices,
    )
}

pub(super) struct Picker<'a> {
    pub(super) of: Registered<'a>,
    pub(super) action: &'a str,
    pub(super) authority: Authority,
    pub(super) hint: Option<&'a str>,
    pub(super) domain: Option<&'a str>,
    pub(super) signed_in: &'a [(usize, u32)],
}

fn choice(state: &State, tenant: usize, user: u32, note: &str) -> Choice {
    let organization = &state.tenants[tenant];
    let person = organization.person(user);
    Choice {
        address: person.sign_in.to_string(),
        name: person.display_name(),
        note: format!("{note}, {}", organization.name),
    }
}

/// Whether a person may accept these permissions, alone or for all.
pub(super) fn may_consent(state: &State, who: Person, missing: &[&'static Permission]) -> Result<(), Refusal> {
    let tenant = &state.tenants[who.tenant];
    let administrator = tenant.has_role(who.user, CONSENTERS);
    let harmless = tenant.user_consent && missing.iter().all(|permission| !permission.admin);
    if administrator || harmless || missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::by_code(if tenant.approval_workflow { 90_095 } else { 90_094 }))
}

/// Whether the box `Consent on behalf of your organization` is shown.
pub(super) fn is_global_administrator(state: &State, who: Person) -> bool {
    state.tenants[who.tenant].has_role(who.user, &[GLOBAL_ADMINISTRATOR])
}

/// An application in a tenant; created by the first consent.
pub(super) fn application(state: &mut State, tenant: usize, app: usize) -> &mut AppInTenant {
    state.tenants[tenant].apps.entry(app).or_default()
}

/// Records that permissions were granted to an application in a tenant, for one user or (`None`) for everybody.
pub(super) fn grant(
    state: &mut State,
    (tenant, app): (usize, usize),
    user: Option<u32>,
    permissions: &[&'static Permission],
    effective: Timestamp,
) {
    let app = application(state, tenant, app);
    for permission in permissions {
        let known = app.consents.iter().any(|consent| {
            consent.user == user && consent.resource == permission.resource && consent.scope == permission.name
        });
        if !known {
            let (resource, scope) = (permission.resource, permission.name);
            app.consents.push(Consent {
                user,
                resource,
                scope,
                effective,
            });
        }
    }
}

/// Remembers the account in the browser; gives the cookie if it is a new one.
pub(super) fn remember(state: &mut State, session: Option<String>, account: (usize, u32)) -> Option<HeaderValue> {
    let known = session.filter(|id| state.login.sessions.contains_key(id));
    let fresh = known.is_none();
    let id = known.unwrap_or_else(|| state.chance.text(40));
    let accounts = state.login.sessions.entry(id.clone()).or_default();
    accounts.retain(|other| *other != account);
    accounts.insert(0, account);
    let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax");
    if fresh {
        HeaderValue::from_str(&cookie).ok()
    } else {
        None
    }
}
