//! `GET/POST /{tenant}/oauth2/v2.0/authorize`: picks the account, asks for consent, sends a code back.

use super::super::state::State;
use super::super::{Microsoft, Registered};
use super::Code;
use super::pages::{self, ConsentPage};
use super::refusal::Refusal;
use super::scopes::{self, Asked};
use super::sign_in::{
    Authority, Person, Picker, grant, is_global_administrator, may_consent, parameters, person, picker, remember,
    session,
};
use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::collections::HashMap;
use url::Url;

pub(super) async fn authorize(
    Extract(microsoft): Extract<Microsoft>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: String,
) -> Response {
    let query = query.unwrap_or_default();
    let asked = parameters(&query);
    let action = format!(
        "{}/{authority}/oauth2/v2.0/authorize?{query}",
        microsoft.inner.login_url
    );
    let mut state = microsoft.lock();
    let Some(of) = microsoft.registered(asked.get("client_id").map_or("", String::as_str)) else {
        let text = Refusal::by_code(700_016).description(&mut state.chance, microsoft.now());
        return pages::dead_end(700_016, &text, "");
    };
    let visit = Visit {
        microsoft: &microsoft,
        of,
        asked,
        action,
        authority,
        session: session(&headers),
        form: parameters(&form),
    };
    visit.answer(&mut state)
}

/// One request to the page.
struct Visit<'a> {
    microsoft: &'a Microsoft,
    of: Registered<'a>,
    asked: HashMap<String, String>,
    action: String,
    authority: String,
    session: Option<String>,
    form: HashMap<String, String>,
}

impl Visit<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.asked
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn answer(&self, state: &mut State) -> Response {
        if let Err(refusal) = self.registered() {
            return self.dead_end(state, &refusal);
        }
        match self.checked(state) {
            Ok(response) => response,
            Err(refusal) if refusal.comes_back() || refusal.error == "login_required" => {
                self.back_with(state, &refusal)
            }
            Err(refusal) if refusal.code == 90_002 => self.back_with(state, &refusal),
            Err(refusal) => self.dead_end(state, &refusal),
        }
    }

    /// What must be right before anybody is sent anywhere.
    fn registered(&self) -> Result<(), Refusal> {
        let known = self
            .get("redirect_uri")
            .is_some_and(|uri| self.of.app.redirect_uris.iter().any(|known| known == uri));
        if !known {
            let text = "The redirect URI specified in the request does not match the redirect URIs configured.";
            return Err(Refusal::new(50_011, "invalid_request", text));
        }
        Ok(())
    }

    fn checked(&self, state: &mut State) -> Result<Response, Refusal> {
        let invalid = |code: u32, text: &str| Refusal::new(code, "invalid_request", text);
        match self.get("response_type") {
            Some("code") => {}
            Some(other) if other.contains("id_token") => {
                let text = "response_type 'id_token' is not enabled for the application.";
                return Ok(self.back_with(state, &Refusal::new(700_054, "unsupported_response_type", text)));
            }
            _ => {
                let text = "The response type is not supported.";
                return Ok(self.back_with(state, &Refusal::new(70_005, "unsupported_response_type", text)));
            }
        }
        let prompt = self.get("prompt");
        if !matches!(prompt, None | Some("login" | "none" | "consent" | "select_account")) {
            return Ok(self.back_with(state, &invalid(90_023, "Unsupported 'prompt' value.")));
        }
        if !matches!(self.get("code_challenge_method"), None | Some("S256" | "plain")) {
            return Ok(self.back_with(state, &invalid(9_002_325, "Unsupported 'code_challenge_method' value.")));
        }
        if !matches!(
            self.get("response_mode"),
            None | Some("query" | "fragment" | "form_post")
        ) {
            return Ok(self.back_with(state, &invalid(70_007, "Unsupported 'response_mode' value.")));
        }
        let asked = scopes::parse(self.get("scope").unwrap_or_default(), self.of.app)?;
        let authority = Authority::parse(state, &self.authority)?;
        if self.form.get("action").is_some_and(|action| action == "cancel") {
            return Err(Refusal::by_code(65_004));
        }
        let Some(who) = self.who(state, authority, prompt)? else {
            if prompt == Some("none") {
                let text = "A silent sign-in request was sent but no user is signed in.";
                return Err(Refusal::new(50_058, "login_required", text));
            }
            let none = Vec::new();
            let signed_in = self
                .session
                .as_ref()
                .and_then(|id| state.login.sessions.get(id))
                .unwrap_or(&none);
            let (action, hint, domain) = (self.action.as_str(), self.get("login_hint"), self.get("domain_hint"));
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
        if let Some(code) = state.login.next.stop.take() {
            return Err(Refusal::by_code(code));
        }
        let cookie = remember(state, self.session.clone(), who.home);
        let mut response = self.consented(state, who, &asked, prompt)?;
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// The account: chosen on the page, or known from the browser's session.
    fn who(&self, state: &State, authority: Authority, prompt: Option<&str>) -> Result<Option<Person>, Refusal> {
        if let Some(account) = self.form.get("account") {
            return person(state, authority, account).map(Some);
        }
        if matches!(prompt, Some("login" | "select_account")) {
            return Ok(None);
        }
        let accounts = self.session.as_ref().and_then(|id| state.login.sessions.get(id));
        let name = |account: &(usize, u32)| state.tenants[account.0].person(account.1).sign_in.to_string();
        let known = match (accounts.map(Vec::as_slice), self.get("login_hint")) {
            (Some(accounts), Some(hint)) => accounts.iter().map(name).find(|name| name.eq_ignore_ascii_case(hint)),
            (Some([only]), None) => Some(name(only)),
            _ => None,
        };
        known.map(|name| person(state, authority, &name)).transpose()
    }

    fn consented(
        &self,
        state: &mut State,
        who: Person,
        asked: &Asked,
        prompt: Option<&str>,
    ) -> Result<Response, Refusal> {
        let missing: Vec<_> = asked
            .permissions
            .iter()
            .copied()
            .filter(|permission| {
                !state.tenants[who.tenant]
                    .granted(self.of.at, who.user, permission.resource)
                    .contains(permission.name)
            })
            .collect();
        let accepted = self.form.get("action").is_some_and(|action| action == "accept");
        if missing.is_empty() && prompt != Some("consent") {
            return Ok(self.send_code(state, who));
        }
        may_consent(state, who, &missing)?;
        if prompt == Some("none") {
            return Err(Refusal {
                error: "interaction_required",
                ..Refusal::by_code(65_001)
            });
        }
        let administrator = is_global_administrator(state, who);
        if accepted {
            let for_all = administrator
                && self
                    .form
                    .get("consent_on_behalf")
                    .is_some_and(|tick| tick == "true" || tick == "on");
            let user = (!for_all).then_some(who.user);
            let now = self.microsoft.now();
            grant(state, (who.tenant, self.of.at), user, &asked.permissions, now);
            return Ok(self.send_code(state, who));
        }
        let shown = if prompt == Some("consent") {
            &asked.permissions
        } else {
            &missing
        };
        Ok(pages::consent(&ConsentPage {
            action: &self.action,
            app: &self.of.app.name,
            account: &state.tenants[who.home.0].person(who.home.1).sign_in,
            organization: &state.tenants[who.tenant].name,
            permissions: shown,
            box_offered: administrator,
            for_organization: false,
        }))
    }

    fn send_code(&self, state: &mut State, who: Person) -> Response {
        let code = format!("1.{}", state.chance.text(80));
        let method_is_s256 = self.get("code_challenge_method") == Some("S256");
        let record = Code {
            app: self.of.at,
            authority: self.authority.to_lowercase(),
            tenant: who.tenant,
            user: who.user,
            redirect_uri: self.get("redirect_uri").unwrap_or_default().to_owned(),
            challenge: self
                .get("code_challenge")
                .map(|challenge| (challenge.to_owned(), method_is_s256)),
            nonce: self.get("nonce").map(str::to_owned),
            scope: self.get("scope").unwrap_or_default().to_owned(),
            issued: self.microsoft.now(),
            used: false,
        };
        state.record.secret("authorization code", &code);
        state.record.secret("nonce", self.get("nonce").unwrap_or_default());
        state.login.codes.insert(code.clone(), record);
        let mut fields = vec![("code", code)];
        fields.extend(self.get("state").map(|value| ("state", value.to_owned())));
        fields.push(("session_state", state.chance.guid().to_string()));
        self.back(&fields)
    }

    fn back_with(&self, state: &mut State, refusal: &Refusal) -> Response {
        let text = refusal.description(&mut state.chance, self.microsoft.now());
        let mut fields = vec![("error", refusal.error.to_owned()), ("error_description", text)];
        if refusal.code == 65_004 {
            fields.push(("error_subcode", "cancel".to_owned()));
        }
        fields.extend(self.get("state").map(|value| ("state", value.to_owned())));
        self.back(&fields)
    }

    /// Sends the browser back to the application.
    fn back(&self, fields: &[(&str, String)]) -> Response {
        let target = self.get("redirect_uri").unwrap_or_default();
        send_back(target, self.get("response_mode"), fields)
    }

    fn dead_end(&self, state: &mut State, refusal: &Refusal) -> Response {
        let text = refusal.description(&mut state.chance, self.microsoft.now());
        pages::dead_end(refusal.code, &text, &self.of.app.name)
    }
}

/// A redirect with the fields in the query or the fragment, or a form that posts them.
pub(super) fn send_back(target: &str, mode: Option<&str>, fields: &[(&str, String)]) -> Response {
    let Ok(mut url) = target.parse::<Url>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match mode {
        Some("form_post") => return pages::form_post(target, fields),
        Some("fragment") => {
            let text = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            url.set_fragment(Some(&text));
        }
        _ => {
            url.query_pairs_mut().extend_pairs(fields);
        }
    }
    match HeaderValue::from_str(url.as_str()) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
