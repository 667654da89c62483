//! The two admin-consent pages. Both give permissions for the whole organisation; application permissions come only
//! this way. What they send back says `admin_consent=True` even where consent was refused.

use super::super::catalogue::{Permission, Resource};
use super::super::state::State;
use super::super::{Microsoft, Registered};
use super::authorize::send_back;
use super::pages::{self, ConsentPage};
use super::refusal::Refusal;
use super::scopes;
use super::sign_in::{
    Authority, Person, Picker, application, grant, is_global_administrator, parameters, person, picker, remember,
    session,
};
use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::Response;
use http::{HeaderMap, header};
use std::collections::{BTreeSet, HashMap};

/// `/{tenant}/adminconsent`: everything that the application registered.
pub(super) async fn first(
    Extract(microsoft): Extract<Microsoft>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: String,
) -> Response {
    answer(
        &microsoft,
        false,
        &authority,
        &query.unwrap_or_default(),
        &headers,
        &form,
    )
}

/// `/{tenant}/v2.0/adminconsent`: what `scope` says.
pub(super) async fn second(
    Extract(microsoft): Extract<Microsoft>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: String,
) -> Response {
    answer(
        &microsoft,
        true,
        &authority,
        &query.unwrap_or_default(),
        &headers,
        &form,
    )
}

fn answer(
    microsoft: &Microsoft,
    newer: bool,
    authority: &str,
    query: &str,
    headers: &HeaderMap,
    form: &str,
) -> Response {
    let path = if newer { "v2.0/adminconsent" } else { "adminconsent" };
    let action = format!("{}/{authority}/{path}?{query}", microsoft.inner.login_url);
    let (asked, form) = (parameters(query), parameters(form));
    let mut state = microsoft.lock();
    let Some(of) = microsoft.registered(asked.get("client_id").map_or("", String::as_str)) else {
        let text = Refusal::by_code(700_016).description(&mut state.chance, microsoft.now());
        return pages::dead_end(700_016, &text, "");
    };
    let visit = Visit {
        microsoft,
        of,
        newer,
        authority,
        action,
        asked,
        form,
        session: session(headers),
    };
    match visit.checked(&mut state) {
        Ok(response) => response,
        Err(refusal) if refusal.code == 65_004 => visit.declined(&mut state, &refusal),
        Err(refusal) => {
            let text = refusal.description(&mut state.chance, microsoft.now());
            pages::dead_end(refusal.code, &text, &of.app.name)
        }
    }
}

struct Visit<'a> {
    microsoft: &'a Microsoft,
    of: Registered<'a>,
    newer: bool,
    authority: &'a str,
    action: String,
    asked: HashMap<String, String>,
    form: HashMap<String, String>,
    session: Option<String>,
}

/// What is asked for.
struct Wanted {
    delegated: Vec<&'static Permission>,
    application: Vec<&'static Permission>,
}

impl Visit<'_> {
    fn get(&self, name: &str) -> &str {
        self.asked.get(name).map_or("", String::as_str)
    }

    fn checked(&self, state: &mut State) -> Result<Response, Refusal> {
        if !self
            .of
            .app
            .redirect_uris
            .iter()
            .any(|known| known == self.get("redirect_uri"))
        {
            let text = "The redirect URI specified in the request does not match the redirect URIs configured.";
            return Err(Refusal::new(50_011, "invalid_request", text));
        }
        if self.newer && self.authority == "common" {
            return Err(Refusal::new(
                900_021,
                "invalid_request",
                "The tenant 'common' can't be used here.",
            ));
        }
        let wanted = self.wanted()?;
        let authority = Authority::parse(state, self.authority)?;
        if self.form.get("action").is_some_and(|action| action == "cancel") {
            return Err(Refusal::by_code(65_004));
        }
        let none = Vec::new();
        let signed_in = self
            .session
            .as_ref()
            .and_then(|id| state.login.sessions.get(id))
            .unwrap_or(&none);
        let Some(account) = self.form.get("account") else {
            let (action, hint, domain) = (self.action.as_str(), None, None);
            return Ok(picker(
                state,
                &Picker {
                    of: self.of,
                    action,
                    authority,
                    hint,
                    domain,
                    signed_in,
                },
            ));
        };
        let who = person(state, authority, account)?;
        if let Some(code) = state.login.next.stop.take() {
            return Err(Refusal::by_code(code));
        }
        if !is_global_administrator(state, who) {
            return Err(Refusal::by_code(90_094));
        }
        let cookie = remember(state, self.session.clone(), who.home);
        let accepted = self.form.get("action").is_some_and(|action| action == "accept");
        let mut response = if accepted {
            self.accept(state, who, &wanted)
        } else {
            self.page(state, who, &wanted)
        };
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    fn wanted(&self) -> Result<Wanted, Refusal> {
        let app = self.of.app;
        let resources = [Resource::Graph, Resource::Teams];
        let all = |list: &[String]| {
            resources
                .iter()
                .flat_map(|of| scopes::registered(list, *of))
                .collect::<Vec<_>>()
        };
        if !self.newer {
            return Ok(Wanted {
                delegated: all(&app.delegated),
                application: all(&app.application),
            });
        }
        let asked = scopes::parse(self.get("scope"), app)?;
        if asked.defaults.is_empty() {
            return Ok(Wanted {
                delegated: asked.permissions,
                application: Vec::new(),
            });
        }
        // `.default` of any one resource asks for everything that is registered.
        Ok(Wanted {
            delegated: all(&app.delegated),
            application: all(&app.application),
        })
    }

    fn page(&self, state: &State, who: Person, wanted: &Wanted) -> Response {
        let permissions: Vec<_> = wanted.delegated.iter().chain(&wanted.application).copied().collect();
        pages::consent(&ConsentPage {
            action: &self.action,
            app: &self.of.app.name,
            account: &state.tenants[who.home.0].person(who.home.1).sign_in,
            organization: &state.tenants[who.tenant].name,
            permissions: &permissions,
            box_offered: false,
            for_organization: true,
        })
    }

    fn accept(&self, state: &mut State, who: Person, wanted: &Wanted) -> Response {
        let effective = self.microsoft.now() + self.microsoft.inner.options.delays.consent_effective;
        grant(state, (who.tenant, self.of.at), None, &wanted.delegated, effective);
        let app = application(state, who.tenant, self.of.at);
        for permission in wanted.application.iter().filter(|permission| permission.application) {
            app.app_roles
                .entry((permission.resource, permission.name))
                .or_insert(effective);
        }
        let real = state.tenants[who.tenant].id.to_string();
        let tenant = state.login.next.forged_tenant.take().unwrap_or(real);
        let mut fields = vec![("admin_consent", "True".to_owned()), ("tenant", tenant)];
        if self.newer {
            let names: BTreeSet<String> = wanted
                .delegated
                .iter()
                .chain(&wanted.application)
                .map(|one| full_name(one))
                .collect();
            fields.push(("scope", names.into_iter().collect::<Vec<_>>().join(" ")));
        }
        self.back(&mut fields)
    }

    fn declined(&self, state: &mut State, refusal: &Refusal) -> Response {
        let text = refusal.description(&mut state.chance, self.microsoft.now());
        let error = if self.newer {
            "consent_required"
        } else {
            "permission_denied"
        };
        let mut fields = vec![
            ("admin_consent", "True".to_owned()),
            ("error", error.to_owned()),
            ("error_description", text),
        ];
        self.back(&mut fields)
    }

    fn back(&self, fields: &mut Vec<(&str, String)>) -> Response {
        if let Some(value) = self.asked.get("state") {
            fields.push(("state", value.clone()));
        }
        send_back(self.get("redirect_uri"), None, fields)
    }
}

fn full_name(permission: &Permission) -> String {
    match permission.resource {
        Resource::Graph if scopes::about_sign_in(permission.name) => permission.name.to_owned(),
        Resource::Graph => format!("https://graph.microsoft.com/{}", permission.name),
        Resource::Teams => format!("{}/{}", super::super::catalogue::TEAMS_ADMIN_API, permission.name),
    }
}
