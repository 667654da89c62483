//! The JWT authorizer: signature, issuer, audience and times, all against the issuer's public keys and the
//! world's clock. Why a token was refused is nobody's business.

use crate::issuer::{AUDIENCE, Issuer};
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(super) struct Refused;

/// The claims of the request's token, as strings, the way the gateway hands them on.
pub(super) fn claims(
    headers: &HeaderMap,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<BTreeMap<String, String>, Refused> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(Refused)?;
    let token = given.strip_prefix("Bearer ").unwrap_or(given).trim();
    let claims = verify(token, issuer)?;
    in_time(&claims, now.as_second())?;
    Ok(claims
        .into_iter()
        .map(|(name, value)| (name, as_string(&value)))
        .collect())
}

fn verify(token: &str, issuer: &Issuer) -> Result<Map<String, Value>, Refused> {
    let keys: JwkSet = serde_json::from_value(issuer.keys()).map_err(|_| Refused)?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused)?;
    let key = keys.find(header.kid.as_deref().ok_or(Refused)?).ok_or(Refused)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Refused)?;
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[issuer.identifier()]);
    rules.set_required_spec_claims(&["exp", "aud", "iss"]);
    // The library reads the wall clock; this world has its own.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    jsonwebtoken::decode(token, &key, &rules)
        .map(|data| data.claims)
        .map_err(|_| Refused)
}

fn in_time(claims: &Map<String, Value>, now: i64) -> Result<(), Refused> {
    let at = |name: &str| claims.get(name).map(|value| value.as_f64().ok_or(Refused)).transpose();
    #[expect(clippy::cast_precision_loss, reason = "seconds of any real date are exact")]
    let now = now as f64;
    let expires = at("exp")?.ok_or(Refused)?;
    let begun = [at("nbf")?, at("iat")?].into_iter().flatten().all(|start| start <= now);
    if now < expires && begun { Ok(()) } else { Err(Refused) }
}

/// Lists become `[a b]`, everything else its JSON text.
fn as_string(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(as_string).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}
