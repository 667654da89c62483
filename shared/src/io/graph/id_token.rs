//! Who signed in: an ID token is believed only after every check here.

use super::at;
use crate::domain::global_admin::Identity;
use crate::domain::ids::{ClientId, TeamsUserId, TenantId};
use crate::domain::secret::Secret;
use crate::error::SignInRefused;
use crate::io::http::{Call, Http};
use crate::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use std::collections::HashMap;
use tokio::sync::Mutex;
use url::Url;

/// The tenant of all personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// How far Microsoft's clock and ours may differ, in seconds.
const SKEW: i64 = 120;
/// Keys are read again after a day, and for a key that we do not know, but then not more than once a minute.
const KEYS_LAST: SignedDuration = SignedDuration::from_hours(24);
const KEYS_AGAIN: SignedDuration = SignedDuration::from_mins(1);
const DOING: &str = "read Microsoft's signing keys";

/// What a verified ID token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdClaims {
    /// The person, and the tenant that vouches for them; the only thing to decide by.
    pub identity: Identity,
    /// For display.
    pub name: String,
    /// For display; it changes hands.
    pub preferred_username: String,
    /// Role templates, where the app registration asks for them; a hint, as old as the token.
    pub wids: Vec<String>,
}

/// What an ID token must answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// The application that asked.
    pub(super) application: &'a ClientId,
    /// What it sent along.
    pub(super) nonce: &'a str,
}

/// Checks ID tokens with Microsoft's keys, which are the same for all applications.
#[derive(Debug)]
pub(super) struct Verifier {
    login: Url,
    keys: Mutex<Option<Keys>>,
}

/// Microsoft's keys, as they were at a time.
struct Keys {
    read: Timestamp,
    /// The issuer with `{tenantid}` in it.
    issuer: String,
    by_id: HashMap<String, Key>,
}

#[derive(Clone)]
struct Key {
    decoding: DecodingKey,
    /// Whose tokens it may sign: a template, or one exact issuer.
    issuer: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("read", &self.read).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<WireKey>,
}

#[derive(Deserialize)]
struct WireKey {
    kid: Option<String>,
    kty: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
    issuer: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    tid: String,
    oid: String,
    ver: String,
    nonce: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    preferred_username: String,
    #[serde(default)]
    wids: Vec<String>,
}

fn refused(why: &'static str) -> Error {
    SignInRefused::TokenInvalid(why).into()
}

impl Verifier {
    pub(super) fn new(login: &Url) -> Self {
        Self {
            login: login.clone(),
            keys: Mutex::new(None),
        }
    }

    /// The person behind `id_token`, which must answer `question`.
    pub(super) async fn verify(
        &self,
        http: &Http,
        id_token: &Secret,
        question: &Question<'_>,
        now: Timestamp,
    ) -> Result<IdClaims> {
        let id_token = id_token.expose();
        let header = decode_header(id_token).map_err(|_| refused("its header cannot be read"))?;
        if header.alg != Algorithm::RS256 {
            return Err(refused("it is not signed with RS256"));
        }
        let key_id = header.kid.ok_or_else(|| refused("it names no key"))?;
        let (key, template) = self.key(http, &key_id, now).await?;

        let mut signature_and_audience = Validation::new(Algorithm::RS256);
        signature_and_audience.set_audience(&[question.application.as_str()]);
        signature_and_audience.set_required_spec_claims(&["aud"]);
        // The library would ask the machine's clock; `now` is checked below.
        signature_and_audience.validate_exp = false;
        let claims = decode::<Claims>(id_token, &key.decoding, &signature_and_audience)
            .map_err(|error| refused(unbelievable(&error)))?
            .claims;

        let tenant: TenantId = claims.tid.parse().map_err(|_| refused("its tenant is no GUID"))?;
        let user: TeamsUserId = claims.oid.parse().map_err(|_| refused("its person is no GUID"))?;
        let of_tenant = |template: &str| template.replace("{tenantid}", &claims.tid);
        if claims.iss != of_tenant(&template) || !self.is_ours(&claims.iss, &claims.tid) {
            return Err(refused("it comes from another issuer"));
        }
        if claims.iss != of_tenant(&key.issuer) {
            return Err(refused("its key may not sign for its issuer"));
        }
        let now = now.as_second();
        match () {
            () if claims.exp + SKEW <= now => Err(refused("it has expired")),
            () if claims.nbf - SKEW > now || claims.iat - SKEW > now => Err(refused("it is not valid yet")),
            () if claims.nonce != question.nonce => Err(refused("it answers another request")),
            () if claims.ver != "2.0" => Err(refused("it is of another version")),
            () if tenant.as_str() == PERSONAL => Err(SignInRefused::PersonalAccount.into()),
            () => Ok(IdClaims {
                identity: Identity { tenant, user },
                name: claims.name,
                preferred_username: claims.preferred_username,
                wids: claims.wids,
            }),
        }
    }

    /// Whether an issuer is at our login host and speaks for that tenant.
    fn is_ours(&self, issuer: &str, tenant: &str) -> bool {
        let base = self
            .login
            .path_segments()
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty());
        Url::parse(issuer).is_ok_and(|issuer| {
            let path: Vec<&str> = issuer.path_segments().into_iter().flatten().collect();
            issuer.origin() == self.login.origin() && path == base.chain([tenant, "v2.0"]).collect::<Vec<_>>()
        })
    }

    /// The key of that id, and the issuer's template.
    async fn key(&self, http: &Http, id: &str, now: Timestamp) -> Result<(Key, String)> {
        let mut kept = self.keys.lock().await;
        let usable = kept.as_ref().is_some_and(|keys| {
            let age = now.duration_since(keys.read);
            age < KEYS_AGAIN || (age < KEYS_LAST && keys.by_id.contains_key(id))
        });
        if !usable {
            *kept = Some(self.read_keys(http, now).await?);
        }
        let found = kept
            .as_ref()
            .and_then(|keys| Some((keys.by_id.get(id)?.clone(), keys.issuer.clone())));
        found.ok_or_else(|| refused("Microsoft does not know its key"))
    }

    async fn read_keys(&self, http: &Http, now: Timestamp) -> Result<Keys> {
        let path = ["organizations", "v2.0", ".well-known", "openid-configuration"];
        let discovery: Discovery = http
            .send(&Call::get(DOING, at(&self.login, &path)))
            .await?
            .json(DOING)?;
        if discovery.jwks_uri.origin() != self.login.origin() {
            return Err(Error::upstream(DOING, "they are said to be at another host"));
        }
        let set: KeySet = http.send(&Call::get(DOING, discovery.jwks_uri)).await?.json(DOING)?;
        Ok(Keys {
            read: now,
            issuer: discovery.issuer,
            by_id: set.keys.into_iter().filter_map(rsa_key).collect(),
        })
    }
}

/// A key that can sign ID tokens; others are passed over.
fn rsa_key(key: WireKey) -> Option<(String, Key)> {
    if key.kty.as_deref() != Some("RSA") || key.purpose.is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let decoding = DecodingKey::from_rsa_components(&key.n?, &key.e?).ok()?;
    let issuer = key.issuer?;
    Some((key.kid?, Key { decoding, issuer }))
}

fn unbelievable(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::InvalidAudience => "it is for another application",
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::Json(_) => "a claim is missing",
        _ => "it cannot be read",
    }
}
