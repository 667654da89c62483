//! Host `login.microsoftonline.com`: authorize pages, admin consent, tokens, discovery, keys.
//!
//! The pages are plain forms; tests and demos may post them without looking at the page. Every form goes to the
//! address of the page itself, with the whole query string. Field names, which will not change:
//!
//! * picker: `account` (a sign-in name), or `action=cancel`
//! * consent: `account`, `action=accept` or `action=cancel`, and `consent_on_behalf=true` if the box is ticked
//!
//! So the shortest way through sign-in and consent is one POST to the authorize address with
//! `account=...&action=accept&consent_on_behalf=true`; without `action` the consent page comes first where consent is
//! missing. The answer is a redirect (302) to the application, a page (200), or a dead end (400, the error in the
//! element `error`).

mod admin_consent;
mod authorize;
mod keys;
mod pages;
mod refusal;
mod scopes;
mod sign_in;
#[cfg(test)]
mod tests;
mod token;

use super::Microsoft;
use super::faults::Host;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use keys::SigningKeys;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What the login host remembers.
#[derive(Default)]
pub(super) struct LoginState {
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    /// Accounts that a browser has signed in with: tenant and user of the home account.
    sessions: HashMap<String, Vec<(usize, u32)>>,
    pub(super) keys: SigningKeys,
    /// What happens to the next sign-ins.
    pub(super) next: NextSignIn,
}

impl LoginState {
    pub(super) fn refresh_tokens(&self) -> Vec<String> {
        self.refresh.keys().cloned().collect()
    }
}

/// Ordered by the operator; each is used up by one sign-in.
#[derive(Default)]
pub(super) struct NextSignIn {
    /// Stop with this AADSTS number.
    pub(super) stop: Option<u32>,
    /// Return this `tenant` from admin consent.
    pub(super) forged_tenant: Option<String>,
    /// Make the ID token wrong in one way.
    pub(super) id_token: Option<token::Flaw>,
}

/// An authorization code: ten minutes, one use, one authority, one application.
struct Code {
    app: usize,
    authority: String,
    tenant: usize,
    user: u32,
    redirect_uri: String,
    challenge: Option<(String, bool)>,
    nonce: Option<String>,
    scope: String,
    issued: Timestamp,
    used: bool,
}

struct Refresh {
    app: usize,
    tenant: usize,
    user: u32,
    issued: Timestamp,
}

pub(super) use token::Flaw;

pub(super) fn router(microsoft: Microsoft) -> Router {
    Router::new()
        .route(
            "/{tenant}/oauth2/v2.0/authorize",
            get(authorize::authorize).post(authorize::authorize),
        )
        .route("/{tenant}/oauth2/v2.0/token", post(token::token))
        .route(
            "/{tenant}/v2.0/adminconsent",
            get(admin_consent::second).post(admin_consent::second),
        )
        .route(
            "/{tenant}/adminconsent",
            get(admin_consent::first).post(admin_consent::first),
        )
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery))
        .route("/{tenant}/discovery/v2.0/keys", get(keys_document))
        .layer(middleware::from_fn_with_state(microsoft.clone(), misfortunes))
        .with_state(microsoft)
}

async fn misfortunes(State(microsoft): State<Microsoft>, request: Request, next: Next) -> Response {
    let fault = microsoft.misfortune(Host::Login, request.method().as_str(), request.uri().path(), None);
    let Some(fault) = fault else {
        return next.run(request).await;
    };
    fault.hold().await;
    if let Some(instead) = fault.instead() {
        return instead;
    }
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    fault.spoil(Response::from_parts(parts, Body::from(body.clone())), &body)
}

async fn discovery(State(microsoft): State<Microsoft>, Path(tenant): Path<String>) -> axum::Json<Value> {
    let state = microsoft.lock();
    let base = &microsoft.inner.login_url;
    let issuer = state
        .tenant_named(&tenant)
        .map_or("{tenantid}".to_owned(), |at| state.tenants[at].id.to_string());
    axum::Json(json!({
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{base}/{issuer}/v2.0"),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{}/oidc/userinfo", microsoft.inner.graph_url),
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "http_logout_supported": true,
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
    }))
}

async fn keys_document(State(microsoft): State<Microsoft>) -> axum::Json<Value> {
    axum::Json(microsoft.lock().login.keys.document(&microsoft.inner.login_url))
}
