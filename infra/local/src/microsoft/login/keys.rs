//! Signing keys of ID tokens: real RSA, rotated on demand, with the issuer each key is good for.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The current key first, then those it replaced.
#[derive(Default)]
pub(in super::super) struct SigningKeys {
    keys: Vec<SigningKey>,
    /// Microsoft's key for personal accounts, which must not be accepted for organisations.
    consumers: Option<SigningKey>,
}

struct SigningKey {
    kid: String,
    encoding: EncodingKey,
    modulus: String,
    exponent: String,
}

impl SigningKeys {
    /// Signs with the current key.
    pub(in super::super) fn sign(&mut self, claims: &Value) -> Option<String> {
        self.current()?.sign(claims)
    }

    /// Signs with the key that is only good for personal accounts.
    pub(in super::super) fn sign_as_consumers(&mut self, claims: &Value) -> Option<String> {
        if self.consumers.is_none() {
            self.consumers = SigningKey::generate();
        }
        self.consumers.as_ref()?.sign(claims)
    }

    /// From now on another key signs; the old one stays listed.
    pub(in super::super) fn rotate(&mut self) {
        if let Some(key) = SigningKey::generate() {
            self.keys.insert(0, key);
            self.keys.truncate(3);
        }
    }

    /// The keys document.
    pub(super) fn document(&mut self, login_url: &str) -> Value {
        self.current();
        let everybody = format!("{login_url}/{{tenantid}}/v2.0");
        let personal = format!("{login_url}/{}/v2.0", super::super::catalogue::CONSUMERS);
        let consumers = self.consumers.iter().map(|key| key.document(&personal));
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|key| key.document(&everybody))
            .chain(consumers)
            .collect();
        json!({ "keys": keys })
    }

    fn current(&mut self) -> Option<&SigningKey> {
        if self.keys.is_empty() {
            self.rotate();
        }
        self.keys.first()
    }
}

impl SigningKey {
    fn generate() -> Option<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let body = STANDARD.encode(pkcs8.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let modulus = encode(pair.public_key().modulus().big_endian_without_leading_zero());
        Some(Self {
            kid: modulus.chars().take(27).collect(),
            encoding: EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?,
            exponent: encode(pair.public_key().exponent().big_endian_without_leading_zero()),
            modulus,
        })
    }

    fn sign(&self, claims: &Value) -> Option<String> {
        let header = Header {
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, claims, &self.encoding).ok()
    }

    fn document(&self, issuer: &str) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "kid": self.kid, "n": self.modulus, "e": self.exponent, "issuer": issuer,
        })
    }
}
