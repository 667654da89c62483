//! Who signed in: an ID token is believed only after every check here.

use super::signing_keys::SigningKeys;
use crate::domain::global_admin::Identity;
use crate::domain::ids::{ClientId, TeamsUserId, TenantId};
use crate::domain::secret::Secret;
use crate::error::SignInRefused;
use crate::io::http::Http;
use crate::{Error, Result};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use url::Url;

/// The tenant of all personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// How far Microsoft's clock and ours may differ, in seconds.
const SKEW: i64 = 120;
/// No ID token of Microsoft is longer, in bytes; they have about two thousand.
const LONGEST: usize = 32 * 1024;
/// No name of a person is longer, in characters.
const LONGEST_NAME: usize = 256;

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
    keys: SigningKeys,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    /// One application; a list is refused, even one that holds ours.
    aud: String,
    sub: String,
    tid: String,
    oid: String,
    ver: String,
    nonce: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    #[serde(default, deserialize_with = "shown")]
    name: Option<String>,
    #[serde(default, deserialize_with = "shown")]
    preferred_username: Option<String>,
    #[serde(default, deserialize_with = "shown")]
    wids: Option<Vec<String>>,
}

/// Nothing is decided by it, so nothing is refused for it: what is not as expected is absent.
fn shown<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

fn refused(why: &'static str) -> Error {
    SignInRefused::TokenInvalid(why).into()
}

impl Verifier {
    pub(super) fn new(login: &Url) -> Self {
        Self {
            keys: SigningKeys::new(login),
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
        if id_token.len() > LONGEST {
            return Err(refused("it is too long"));
        }
        let header = decode_header(id_token).map_err(|_| refused("its header cannot be read"))?;
        let key_id = plain(&header)?;
        let key = self.keys.find(http, key_id, now).await?;

        let mut signature_only = Validation::new(Algorithm::RS256);
        signature_only.required_spec_claims.clear();
        // The library would take a list of audiences, and ask the machine's clock: both are checked below.
        signature_only.validate_aud = false;
        signature_only.validate_exp = false;
        let claims = decode::<Claims>(id_token, &key.decoding, &signature_only)
            .map_err(|error| refused(unbelievable(&error)))?
            .claims;

        let tenant: TenantId = claims.tid.parse().map_err(|_| refused("its tenant is no GUID"))?;
        let user: TeamsUserId = claims.oid.parse().map_err(|_| refused("its person is no GUID"))?;
        let is_issuer = |template: &str| claims.iss == template.replace("{tenantid}", &claims.tid);
        let now = now.as_second();
        match () {
            () if claims.aud != question.application.as_str() => Err(refused("it is for another application")),
            () if !is_issuer(&self.keys.template()) => Err(refused("it comes from another issuer")),
            () if !key.issuers.iter().any(|of_key| is_issuer(of_key)) => {
                Err(refused("its key may not sign for its issuer"))
            }
            () if claims.exp.saturating_add(SKEW) <= now => Err(refused("it has expired")),
            () if claims.nbf.saturating_sub(SKEW) > now => Err(refused("it is not valid yet")),
            () if claims.iat.saturating_sub(SKEW) > now => Err(refused("it was issued in the future")),
            () if claims.nonce.is_empty() || claims.nonce != question.nonce => {
                Err(refused("it answers another request"))
            }
            () if claims.ver != "2.0" => Err(refused("it is of another version")),
            () if claims.sub.is_empty() => Err(refused("a claim is missing")),
            () if tenant.as_str() == PERSONAL => Err(SignInRefused::PersonalAccount.into()),
            () => Ok(IdClaims {
                identity: Identity { tenant, user },
                name: tidy(claims.name),
                preferred_username: tidy(claims.preferred_username),
                wids: claims.wids.unwrap_or_default(),
            }),
        }
    }
}

/// The key that a header names. Microsoft's says the algorithm and the key's id; one that brings a key along, leads to
/// one, or wants to be understood in another way is not Microsoft's.
fn plain(header: &Header) -> Result<&str> {
    if header.alg != Algorithm::RS256 {
        return Err(refused("it is not signed with RS256"));
    }
    let brings_a_key = header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some();
    let means_more = header.crit.is_some() || header.cty.is_some() || header.enc.is_some() || header.zip.is_some();
    let other_type = header
        .typ
        .as_ref()
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT"));
    if brings_a_key || means_more || other_type {
        return Err(refused("its header says more than it may"));
    }
    header.kid.as_deref().ok_or_else(|| refused("it names no key"))
}

fn unbelievable(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::Json(_) => "a claim is missing",
        _ => "it cannot be read",
    }
}

/// A text of the tenant's, on one line and in its own direction: it is shown on pages and kept in the audit trail.
fn tidy(text: Option<String>) -> String {
    let turns = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let text = text.unwrap_or_default();
    let line = text.chars().filter(|c| !c.is_control() && !turns(*c));
    line.take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests;
