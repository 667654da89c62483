//! The keys that Microsoft signs ID tokens with: where they are published, how long they are believed, and for whose
//! tokens each of them is good.

use super::at;
use crate::error::SignInRefused;
use crate::io::http::{Call, Http};
use crate::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::HashMap;
use tokio::sync::Mutex;
use url::Url;

/// Keys are read again after a day.
const RENEWED: SignedDuration = SignedDuration::from_hours(24);
/// While they cannot be read, those that we have serve this long.
const TRUSTED: SignedDuration = SignedDuration::from_hours(48);
/// For a key that we do not know they are read again at once, but not more often than this, however many such tokens come.
const AT_MOST_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Microsoft publishes about a dozen.
const MOST_KEYS: usize = 200;
/// RSA, 2048 bits.
const SHORTEST_MODULUS: usize = 256;
const DOING: &str = "read Microsoft's signing keys";

/// One key.
#[derive(Clone)]
pub(super) struct SigningKey {
    /// To verify with.
    pub(super) decoding: DecodingKey,
    /// Whose tokens it may sign: templates with `{tenantid}` in them, or exact issuers.
    pub(super) issuers: Vec<String>,
    /// Modulus and exponent, as published.
    material: (String, String),
}

/// All keys, as far as we have read them.
#[derive(Debug)]
pub(super) struct SigningKeys {
    login: Url,
    known: Mutex<Option<Known>>,
}

struct Known {
    /// When they were read.
    read: Timestamp,
    /// When that was last tried.
    tried: Timestamp,
    by_id: HashMap<String, SigningKey>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known")
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct KeySet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireKey {
    kid: String,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: String,
    e: String,
    issuer: String,
}

impl SigningKeys {
    /// Those of a login host; nothing is read yet.
    pub(super) fn new(login: &Url) -> Self {
        Self {
            login: login.clone(),
            known: Mutex::new(None),
        }
    }

    /// The issuer of all tenants' tokens, with `{tenantid}` in it.
    pub(super) fn template(&self) -> String {
        format!("{}/{{tenantid}}/v2.0", self.login.as_str().trim_end_matches('/'))
    }

    /// The key of that id.
    ///
    /// # Errors
    /// `TokenInvalid` where Microsoft publishes no such key, `Upstream` and its like where that cannot be told.
    pub(super) async fn find(&self, http: &Http, id: &str, now: Timestamp) -> Result<SigningKey> {
        // Held while reading: of many sign-ins at once, one reads and the others wait for it.
        let mut known = self.known.lock().await;
        let wanted = known.as_ref().is_none_or(|keys| {
            let lacking = now.duration_since(keys.read) >= RENEWED || !keys.by_id.contains_key(id);
            lacking && now.duration_since(keys.tried) >= AT_MOST_EVERY
        });
        let mut failure = None;
        if wanted {
            match self.read(http, now).await {
                Ok(fresh) => *known = Some(fresh),
                Err(error) => {
                    tracing::warn!(error.message = %crate::error::Chain(&error), "could not {DOING}; those known go on");
                    failure = Some(error);
                    if let Some(keys) = known.as_mut() {
                        keys.tried = now;
                    }
                }
            }
        }
        let trusted = known.as_ref().filter(|keys| now.duration_since(keys.read) < TRUSTED);
        match (trusted.map(|keys| keys.by_id.get(id)), failure) {
            (Some(Some(key)), _) => Ok(key.clone()),
            (_, Some(failure)) => Err(failure),
            (Some(None), None) => Err(SignInRefused::TokenInvalid("Microsoft does not know its key").into()),
            (None, None) => Err(Error::upstream(DOING, "those that are known are too old")),
        }
    }

    async fn read(&self, http: &Http, now: Timestamp) -> Result<Known> {
        let path = ["organizations", "v2.0", ".well-known", "openid-configuration"];
        let discovery: Discovery = document(http, at(&self.login, &path)).await?;
        if discovery.issuer != self.template() {
            return Err(Error::upstream(DOING, "the login host names another issuer"));
        }
        if discovery.jwks_uri.origin() != self.login.origin() {
            return Err(Error::upstream(DOING, "they are said to be at another host"));
        }
        let answer = http.send(&Call::get(DOING, discovery.jwks_uri).up_to_mib(1)).await?;
        let set: KeySet<'_> = answer.json(DOING)?;
        if set.keys.len() > MOST_KEYS {
            return Err(Error::upstream(DOING, "there are too many"));
        }
        Ok(Known {
            read: now,
            tried: now,
            by_id: by_id(&set.keys),
        })
    }
}

async fn document<T: DeserializeOwned>(http: &Http, url: Url) -> Result<T> {
    http.send(&Call::get(DOING, url).up_to_mib(1)).await?.json(DOING)
}

/// Keys that can sign ID tokens; others are passed over. Two different keys of one id are both passed over: which of them
/// is meant cannot be told.
fn by_id(keys: &[&RawValue]) -> HashMap<String, SigningKey> {
    let mut found: HashMap<String, Option<SigningKey>> = HashMap::new();
    for (id, key) in keys.iter().filter_map(|key| rsa_key(key)) {
        match found.get_mut(&id) {
            None => {
                found.insert(id, Some(key));
            }
            Some(Some(same)) if same.material == key.material => same.issuers.extend(key.issuers),
            Some(ambiguous) => *ambiguous = None,
        }
    }
    found.into_iter().filter_map(|(id, key)| Some((id, key?))).collect()
}

fn rsa_key(json: &RawValue) -> Option<(String, SigningKey)> {
    use base64::Engine;
    let key: WireKey = serde_json::from_str(json.get()).ok()?;
    let signs = key.kty == "RSA"
        && key.purpose.is_none_or(|purpose| purpose == "sig")
        && key.alg.is_none_or(|alg| alg == "RS256");
    let modulus = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(&key.n).ok()?;
    if !signs || modulus.len() < SHORTEST_MODULUS {
        return None;
    }
    let key_of = SigningKey {
        decoding: DecodingKey::from_rsa_components(&key.n, &key.e).ok()?,
        issuers: vec![key.issuer],
        material: (key.n, key.e),
    };
    Some((key.kid, key_of))
}
