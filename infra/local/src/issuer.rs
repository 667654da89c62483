//! A token issuer for development on loopback: anyone may ask it for any role. The tokens are signed and
//! shaped like those of the identity provider in front of the deployed API, and verified like them.

use crate::locked::Locked;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::sync::Arc;
use url::Url;

/// Who our tokens are for.
pub const AUDIENCE: &str = "dialbridge";
/// How long a token is good.
const LIFE_SECONDS: i64 = 3600;

pub const ROLES: [&str; 7] = [
    "provider_admin",
    "provider_support",
    "reseller_admin",
    "reseller_viewer",
    "account_admin",
    "account_manager",
    "global_admin",
];

/// Whom a token speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub sub: String,
    pub email: String,
    pub name: String,
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reseller: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<String>,
}

#[derive(Clone)]
pub struct Issuer {
    key: Arc<RsaKeyPair>,
    key_id: Arc<str>,
    url: Locked<Url>,
    clock: Clock,
}

/// Why a token could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl Issuer {
    /// An issuer with a fresh key. `url` is its identifier, the address under which it is served.
    pub fn new(url: Url, clock: Clock) -> Result<Self, Refused> {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| Refused("no RSA key".to_owned()))?;
        let public = key
            .public_key()
            .as_der()
            .map_err(|_| Refused("no RSA key".to_owned()))?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public.as_ref());
        let key_id = hex::encode(&digest.as_ref()[..8]);
        Ok(Self {
            key: Arc::new(key),
            key_id: key_id.into(),
            url: Locked::new(url),
            clock,
        })
    }

    /// The `iss` claim: no slash at the end, as most providers have it.
    pub fn identifier(&self) -> String {
        self.url.with(|url| url.as_str().trim_end_matches('/').to_owned())
    }

    /// A token for this person that starts now.
    pub fn token(&self, person: &Person) -> Result<String, Refused> {
        if !ROLES.contains(&person.role.as_str()) {
            return Err(Refused(format!(
                "unknown role {:?}; known are {}",
                person.role,
                ROLES.join(", ")
            )));
        }
        let now = self.clock.now().as_second();
        let mut claims = json!({
            "iss": self.identifier(), "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + LIFE_SECONDS,
            "sub": person.sub, "email": person.email, "name": person.name, "role": person.role,
        });
        claims.as_object_mut().into_iter().for_each(|claims| {
            claims.extend(
                person
                    .reseller
                    .clone()
                    .map(|id| ("reseller".to_owned(), Value::from(id))),
            );
            claims.extend(
                person
                    .enterprise
                    .clone()
                    .map(|id| ("enterprise".to_owned(), Value::from(id))),
            );
        });
        self.sign(&claims)
    }

    /// Signs any claims; tests make wrong tokens with it.
    pub fn sign(&self, claims: &Value) -> Result<String, Refused> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": &*self.key_id });
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Refused("could not sign".to_owned()))?;
        Ok(format!("{signed}.{}", encode(signature)))
    }

    /// The public keys, as `/.well-known/jwks.json` serves them.
    pub fn keys(&self) -> Value {
        let public = self.key.public_key();
        json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": &*self.key_id,
            "n": encode(public.modulus().big_endian_without_leading_zero()),
            "e": encode(public.exponent().big_endian_without_leading_zero()),
        }] })
    }

    pub fn router(&self) -> Router {
        let (a, b, c) = (self.clone(), self.clone(), self.clone());
        Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(move || async move { Json(a.discovery()) }),
            )
            .route("/.well-known/jwks.json", get(move || async move { Json(b.keys()) }))
            .route(
                "/token",
                post(move |headers: HeaderMap, body: Bytes| async move { c.answer(&headers, &body) }),
            )
    }

    fn discovery(&self) -> Value {
        let own = self.identifier();
        json!({
            "issuer": own,
            "jwks_uri": format!("{own}/.well-known/jwks.json"),
            "token_endpoint": format!("{own}/token"),
            "id_token_signing_alg_values_supported": ["RS256"],
        })
    }

    fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let person = if kind.starts_with("application/json") {
            serde_json::from_slice(body).map_err(|error| Refused(error.to_string()))
        } else {
            form(body)
        };
        match person.and_then(|person: Person| self.token(&person)) {
            Ok(token) => Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFE_SECONDS }))
                .into_response(),
            Err(Refused(why)) => {
                let body = json!({ "error": "invalid_request", "error_description": why });
                (StatusCode::BAD_REQUEST, Json(body)).into_response()
            }
        }
    }
}

/// A form whose empty fields count as missing, as a browser sends them.
fn form(body: &[u8]) -> Result<Person, Refused> {
    let fields = url::form_urlencoded::parse(body).filter(|(_, value)| !value.is_empty());
    let object: Value = fields
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect();
    serde_json::from_value(object).map_err(|error| Refused(error.to_string()))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
