//! `POST /{tenant}/oauth2/v2.0/token`: codes, refresh tokens and client credentials become access tokens.

use super::super::catalogue::{CONSUMERS, ROLES, Resource, TEAMS_ADMIN_API};
use super::super::chance::Chance;
use super::super::state::{AccessToken, State};
use super::super::{Microsoft, Registered};
use super::Refresh;
use super::refusal::Refusal;
use super::scopes::{self, Asked, about_sign_in};
use super::sign_in::{Authority, parameters};
use aws_lc_rs::digest;
use axum::extract::{Path, State as Extract};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A way in which an ID token can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum Flaw {
    Nonce,
    Issuer,
    Audience,
    Expired,
    /// Signed with the key for personal accounts.
    ConsumersKey,
    /// Issued for a personal account.
    ConsumersTenant,
    Signature,
}

pub(super) async fn token(
    Extract(microsoft): Extract<Microsoft>,
    Path(authority): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response {
    let mut state = microsoft.lock();
    state.counters.token_requests += 1;
    let now = microsoft.now();
    let form = parameters(&form);
    let answer = authenticated(&microsoft, &form, &headers).and_then(|of| {
        let request = TokenRequest {
            microsoft: &microsoft,
            of,
            authority,
            form,
            now,
        };
        request.answer(&mut state)
    });
    match answer {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response(),
        Err(refusal) => refusal.json(&mut state.chance, now, &microsoft.inner.login_url),
    }
}

/// The application, which shows its secret in the body or as basic authentication.
fn authenticated<'a>(
    microsoft: &'a Microsoft,
    form: &HashMap<String, String>,
    headers: &HeaderMap,
) -> Result<Registered<'a>, Refusal> {
    let get = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = basic
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value).ok());
    let basic = basic.and_then(|bytes| String::from_utf8(bytes).ok());
    let basic = basic
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .map(|(id, secret)| (plain(id), plain(secret)));
    let (id, secret) = match &basic {
        Some((id, secret)) => (id.as_str(), Some(secret.as_str())),
        None => (get("client_id").unwrap_or_default(), get("client_secret")),
    };
    let of = microsoft.registered(id).ok_or_else(|| Refusal::by_code(700_016))?;
    match secret {
        None => Err(Refusal::new(
            7_000_218,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )),
        Some(secret) if secret == of.app.client_secret => Ok(of),
        Some(_) => Err(Refusal::new(
            7_000_215,
            "invalid_client",
            "Invalid client secret provided.",
        )),
    }
}

/// A request of an application that has proven itself.
struct TokenRequest<'a> {
    microsoft: &'a Microsoft,
    of: Registered<'a>,
    authority: String,
    form: HashMap<String, String>,
    now: Timestamp,
}

impl TokenRequest<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.form
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, Refusal> {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        self.get(name)
            .ok_or_else(|| Refusal::new(900_144, "invalid_request", &text))
    }

    fn answer(&self, state: &mut State) -> Result<Value, Refusal> {
        let grant_type = self.need("grant_type")?;
        state
            .record
            .secret("PKCE verifier", self.get("code_verifier").unwrap_or_default());
        let authority = Authority::parse(state, &self.authority)?;
        match grant_type {
            "authorization_code" => self.redeem(state, authority),
            "refresh_token" => self.refresh(state, authority),
            "client_credentials" => self.as_application(state, authority),
            _ => Err(Refusal::new(
                70_003,
                "unsupported_grant_type",
                "The app returned an unsupported grant type.",
            )),
        }
    }

    fn redeem(&self, state: &mut State, authority: Authority) -> Result<Value, Refusal> {
        let grant = |code: u32, text: &str| Refusal::new(code, "invalid_grant", text);
        let name = self.need("code")?;
        let redirect_uri = self.need("redirect_uri")?.to_owned();
        let issued_on = match state.login.codes.get(name) {
            Some(code) => Authority::parse(state, &code.authority)?,
            None => return Err(grant(9_002_313, "Invalid request. Request is malformed or invalid.")),
        };
        let same_path = |code: &str| code == self.authority.to_lowercase();
        let Some(code) = state.login.codes.get_mut(name) else {
            return Err(grant(9_002_313, "Invalid request."));
        };
        if issued_on != authority || (authority == Authority::Any && !same_path(&code.authority)) {
            return Err(grant(
                700_005,
                "The provided authorization code is intended to use against another tenant.",
            ));
        }
        if code.app != self.of.at {
            return Err(grant(70_000, "The provided grant was issued to another application."));
        }
        if code.used {
            return Err(grant(54_005, "OAuth2 Authorization code was already redeemed."));
        }
        if self.now.duration_since(code.issued) > CODE_LIFE {
            return Err(grant(
                70_008,
                "The provided authorization code or refresh token has expired.",
            ));
        }
        if code.redirect_uri != redirect_uri {
            return Err(grant(
                500_112,
                "The reply address does not match the one of the authorization code request.",
            ));
        }
        if let Some((challenge, s256)) = &code.challenge {
            let verifier = self.get("code_verifier").unwrap_or_default();
            let hashed = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
            if *challenge != if *s256 { hashed } else { verifier.to_owned() } {
                return Err(grant(501_481, "The Code_Verifier does not match the code_challenge."));
            }
        }
        code.used = true;
        let (tenant, user, nonce) = (code.tenant, code.user, code.nonce.clone());
        let asked_before = scopes::parse(&code.scope, self.of.app)?;
        let asked = match self.get("scope") {
            Some(scope) => scopes::parse(scope, self.of.app)?,
            None => scopes::parse(&first_resource(&code.scope), self.of.app)?,
        };
        self.issue(
            state,
            tenant,
            user,
            &asked,
            Extras {
                id_token: asked_before.has("openid"),
                profile: asked_before.has("profile"),
                email: asked_before.has("email"),
                refresh: asked_before.has("offline_access"),
                nonce,
            },
        )
    }

    fn refresh(&self, state: &mut State, authority: Authority) -> Result<Value, Refusal> {
        let grant = |code: u32, text: &str| Refusal::new(code, "invalid_grant", text);
        let token = self.need("refresh_token")?;
        let Some(known) = state.login.refresh.get(token) else {
            return Err(grant(9_002_313, "Invalid request. Request is malformed or invalid."));
        };
        let (tenant, user, issued) = (known.tenant, known.user, known.issued);
        if known.app != self.of.at {
            return Err(grant(70_000, "The provided grant was issued to another application."));
        }
        if matches!(authority, Authority::Tenant(at) if at != tenant) {
            return Err(grant(50_020, "The user account does not exist in the tenant."));
        }
        let person = state.tenants[tenant].person(user);
        if person.deleted.is_some() || !person.enabled {
            return Err(grant(50_057, "The user account is disabled."));
        }
        if person.revoked.is_some_and(|revoked| issued <= revoked) {
            return Err(grant(50_173, "The provided grant has expired due to it being revoked."));
        }
        if self.now.duration_since(issued) > REFRESH_LIFE {
            return Err(grant(700_082, "The refresh token has expired due to inactivity."));
        }
        let scope = self.get("scope").unwrap_or("https://graph.microsoft.com/.default");
        let asked = scopes::parse(scope, self.of.app)?;
        let id_token = asked.has("openid");
        let extras = Extras {
            id_token,
            profile: asked.has("profile"),
            email: asked.has("email"),
            refresh: true,
            nonce: None,
        };
        self.issue(state, tenant, user, &asked, extras)
    }

    fn as_application(&self, state: &mut State, authority: Authority) -> Result<Value, Refusal> {
        let Authority::Tenant(tenant) = authority else {
            let text = "Application '{appIdentifier}' can't use the client credentials flow on this authority.";
            return Err(Refusal::new(9_001_023, "invalid_request", text));
        };
        let scope = self.need("scope")?;
        let asked = scopes::parse(scope, self.of.app)?;
        let resource = asked.resource()?;
        if asked.defaults.is_empty() {
            let text = "The provided value for scope is not valid. Client credential flows need '/.default'.";
            return Err(Refusal::new(1_002_012, "invalid_scope", text));
        }
        if !state.tenants[tenant].apps.contains_key(&self.of.at) {
            return Err(Refusal::by_code(700_016));
        }
        // A token comes even where nothing was granted. What is granted later is not in it.
        let roles = state.tenants[tenant].app_roles(self.of.at, resource, self.now);
        let roles = state.tenants[tenant].in_tokens(roles);
        let (token, life) = self.remember_access(state, tenant, None, resource, roles);
        Ok(json!({ "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token }))
    }

    fn issue(
        &self,
        state: &mut State,
        tenant: usize,
        user: u32,
        asked: &Asked,
        extras: Extras,
    ) -> Result<Value, Refusal> {
        let resource = asked.resource()?;
        let granted = state.tenants[tenant].granted(self.of.at, user, resource);
        for permission in &asked.permissions {
            let elsewhere = state.tenants[tenant]
                .granted(self.of.at, user, permission.resource)
                .contains(permission.name);
            if !elsewhere && !about_sign_in(permission.name) {
                return Err(Refusal {
                    suberror: Some("consent_required"),
                    ..Refusal::by_code(65_001)
                });
            }
        }
        let granted = state.tenants[tenant].in_tokens(granted);
        let given = |name: &str| !state.tenants[tenant].withheld.contains(name);
        let extras = Extras {
            id_token: extras.id_token && given("openid"),
            profile: extras.profile && given("profile"),
            refresh: extras.refresh && given("offline_access"),
            ..extras
        };
        if granted.is_empty() {
            return Err(Refusal {
                suberror: Some("consent_required"),
                ..Refusal::by_code(65_001)
            });
        }
        let names: Vec<String> = granted
            .iter()
            .filter(|name| **name != "offline_access")
            .map(|name| match resource {
                Resource::Graph => (*name).to_owned(),
                Resource::Teams => format!("{TEAMS_ADMIN_API}/{name}"),
            })
            .collect();
        let (token, life) = self.remember_access(state, tenant, Some(user), resource, granted);
        let mut body = json!({
            "token_type": "Bearer", "scope": names.join(" "), "expires_in": life, "ext_expires_in": life,
            "access_token": token,
        });
        if extras.refresh {
            let refresh = format!("1.{}", state.chance.text(120));
            state.login.refresh.insert(
                refresh.clone(),
                Refresh {
                    app: self.of.at,
                    tenant,
                    user,
                    issued: self.now,
                },
            );
            state.record.secret("refresh token", &refresh);
            body["refresh_token"] = refresh.into();
        }
        if extras.id_token {
            let id_token = self.id_token(state, tenant, user, &extras);
            state.record.secret("ID token", id_token.as_deref().unwrap_or_default());
            body["id_token"] = id_token.into();
        }
        Ok(body)
    }

    fn remember_access(
        &self,
        state: &mut State,
        tenant: usize,
        user: Option<u32>,
        resource: Resource,
        scopes: BTreeSet<&'static str>,
    ) -> (String, i64) {
        let by_chance = 3600 + i64::try_from(state.chance.below(1801)).unwrap_or(0);
        let life = state.switches.token_seconds.map_or(by_chance, i64::from);
        let expires = self.now + SignedDuration::from_secs(life);
        let token = format!("eyJ0{}.{}", state.chance.text(60), state.chance.text(200));
        state.record.secret("access token", &token);
        state.access.retain(|_, token| token.expires > self.now);
        state.access.insert(
            token.clone(),
            AccessToken {
                tenant,
                user,
                app: self.of.at,
                resource,
                scopes,
                issued: self.now,
                expires,
            },
        );
        (token, life)
    }

    fn id_token(&self, state: &mut State, tenant: usize, user: u32, extras: &Extras) -> Option<String> {
        let flaw = state.login.next.id_token.take();
        let organization = &state.tenants[tenant];
        let person = organization.person(user);
        let base = &self.microsoft.inner.login_url;
        let client_id = &self.of.app.client_id;
        let tid = if flaw == Some(Flaw::ConsumersTenant) {
            CONSUMERS.to_owned()
        } else {
            organization.id.to_string()
        };
        let now = self.now.as_second();
        let mut claims = json!({
            "aud": if flaw == Some(Flaw::Audience) { "another-application" } else { client_id },
            "iss": if flaw == Some(Flaw::Issuer) { "https://issuer.example/v2.0".to_owned() } else { format!("{base}/{tid}/v2.0") },
            "iat": now, "nbf": now, "exp": if flaw == Some(Flaw::Expired) { now - 3600 } else { now + 3600 },
            "sub": Chance::new(0, &format!("{client_id} {}", person.id)).text(43),
            "ver": "2.0",
        });
        if extras.profile {
            claims["tid"] = tid.into();
            claims["oid"] = person.id.to_string().into();
            claims["name"] = person.display_name().into();
            let sign_in = if person.guest {
                person.mail().unwrap_or(&person.sign_in)
            } else {
                &person.sign_in
            };
            claims["preferred_username"] = sign_in.into();
            claims["acct"] = i32::from(person.guest).into();
        }
        if extras.email {
            claims["email"] = person.mail().into();
        }
        if person.guest {
            let home = state.tenants.iter().find(|other| {
                other
                    .user_signing_in_as(person.mail().unwrap_or_default())
                    .is_some_and(|at| !other.person(at).guest)
            });
            claims["idp"] = home.map(|home| format!("{base}/{}/", home.id)).into();
        }
        if state.switches.wids {
            let roles = organization
                .roles_of(user)
                .map(|role| ROLES[usize::from(role)].template);
            let member = (!person.guest).then_some("b79fbf4d-3ef9-4689-8143-76b194e85509");
            claims["wids"] = roles.chain(member).collect::<Vec<_>>().into();
        }
        if let Some(nonce) = &extras.nonce {
            claims["nonce"] = if flaw == Some(Flaw::Nonce) {
                "of-another-sign-in".into()
            } else {
                nonce.as_str().into()
            };
        }
        claims["uti"] = state.chance.text(22).into();
        claims["sid"] = state.chance.guid().to_string().into();
        let signed = match flaw {
            Some(Flaw::ConsumersKey) => state.login.keys.sign_as_consumers(&claims),
            _ => state.login.keys.sign(&claims),
        }?;
        if flaw == Some(Flaw::Signature) {
            let (rest, _) = signed.rsplit_once('.')?;
            return Some(format!("{rest}.{}", state.chance.text(342)));
        }
        Some(signed)
    }
}

/// What comes beside the access token.
struct Extras {
    id_token: bool,
    profile: bool,
    email: bool,
    refresh: bool,
    nonce: Option<String>,
}

/// The scopes of the first resource that a list names, with those of sign-in.
fn first_resource(scope: &str) -> String {
    let resource = |name: &str| {
        name.rsplit_once('/')
            .map_or("https://graph.microsoft.com", |(of, _)| of)
            .to_owned()
    };
    let mut names = scope.split_whitespace().filter(|name| !about_sign_in(name));
    let first = names.next().map(resource);
    let kept = scope
        .split_whitespace()
        .filter(|name| about_sign_in(name) || Some(resource(name)) == first);
    kept.collect::<Vec<_>>().join(" ")
}

/// Undoes the form encoding of basic authentication.
fn plain(text: &str) -> String {
    let pair = format!("x={text}");
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
