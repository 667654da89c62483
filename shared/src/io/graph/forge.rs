//! For tests: keys as Microsoft has them, and tokens signed with them, honest or not.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding};
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Microsoft's key, and one that is not.
pub(super) static KEY: LazyLock<ForgeKey> = LazyLock::new(ForgeKey::new);
pub(super) static FOREIGN_KEY: LazyLock<ForgeKey> = LazyLock::new(ForgeKey::new);

/// A private key that signs whatever it is told to.
pub(super) struct ForgeKey {
    pair: KeyPair,
}

impl ForgeKey {
    fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { pair }
    }

    /// As Microsoft would publish it.
    pub(super) fn published(&self, kid: &str, issuer: &str) -> Value {
        let key = self.pair.public_key();
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA", "use": "sig", "kid": kid, "issuer": issuer,
            "n": part(key.modulus().big_endian_without_leading_zero()),
            "e": part(key.exponent().big_endian_without_leading_zero()),
        })
    }

    /// The public key in DER.
    pub(super) fn der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    /// A token signed as its header says.
    pub(super) fn token(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", part(header), part(claims));
        let signature = match header["alg"].as_str() {
            Some("none") => Vec::new(),
            Some("RS384") => self.rsa(&signature::RSA_PKCS1_SHA384, &text),
            Some("RS512") => self.rsa(&signature::RSA_PKCS1_SHA512, &text),
            Some("PS256") => self.rsa(&signature::RSA_PSS_SHA256, &text),
            _ => self.rsa(&signature::RSA_PKCS1_SHA256, &text),
        };
        signed(&text, &signature)
    }

    /// Any text as header and claims, signed with RS256.
    pub(super) fn token_of(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let text = format!("{}.{}", part(header), part(claims));
        signed(&text, &self.rsa(&signature::RSA_PKCS1_SHA256, &text))
    }

    fn rsa(&self, padding: &'static dyn RsaEncoding, text: &str) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = rand::SystemRandom::new();
        self.pair
            .sign(padding, &random, text.as_bytes(), &mut signature)
            .unwrap();
        signature
    }
}

/// A token with HS256, whoever knows the secret.
pub(super) fn token_with_secret(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
    signed(&text, hmac::sign(&secret, text.as_bytes()).as_ref())
}

fn part(json: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
}

fn signed(text: &str, signature: &[u8]) -> String {
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
