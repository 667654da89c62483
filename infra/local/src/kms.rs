//! KMS: data keys and envelopes under master keys that live only in this process. The ciphertext is real
//! AES-256-GCM and the encryption context is authenticated, so a wrong context fails here as it does there.

use crate::locked::Locked;
use crate::protocol::{Answer, AwsError, json_answer, parse, target};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Default)]
pub struct Kms {
    keys: Locked<BTreeMap<String, Arc<RandomizedNonceKey>>>,
    data_keys: Locked<Vec<Vec<u8>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Call {
    key_id: Option<String>,
    encryption_context: BTreeMap<String, String>,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    plaintext: String,
    ciphertext_blob: String,
}

impl Kms {
    /// Makes a symmetric master key, replacing one of the same id.
    pub fn create_key(&self, id: &str) {
        if let Ok(master) = random(32).and_then(|bytes| {
            RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| AwsError::new(500, "KMSInternalException", ""))
        }) {
            self.keys.with(|keys| keys.insert(id.to_owned(), Arc::new(master)));
        }
    }

    /// Every data key that was given out, as it must not be found anywhere.
    pub fn data_keys(&self) -> Vec<Vec<u8>> {
        self.data_keys.with(|keys| keys.clone())
    }

    pub fn router(&self) -> Router {
        let kms = self.clone();
        Router::new().route(
            "/",
            post(move |headers: HeaderMap, body: Bytes| async move { json_answer(kms.call(&headers, &body)) }),
        )
    }

    fn call(&self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let (_, operation) = target(headers).unwrap_or_default();
        let call: Call = serde_json::from_value(parse(body)?)
            .map_err(|error| AwsError::new(400, "SerializationException", error.to_string()))?;
        match operation {
            "GenerateDataKey" => self.generate(&call),
            "Encrypt" => self.encrypt(&call),
            "Decrypt" => self.decrypt(&call),
            other => Err(AwsError::unknown_operation(other)),
        }
    }

    fn generate(&self, call: &Call) -> Answer {
        let length = match (call.key_spec.as_deref(), call.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(bytes @ 1..=1024)) => bytes,
            _ => return Err(validation("Please specify either number of bytes or key spec.")),
        };
        let plaintext = random(length)?;
        self.data_keys.with(|keys| keys.push(plaintext.clone()));
        let mut answer = self.seal(call, plaintext.clone())?;
        answer["Plaintext"] = Value::from(STANDARD.encode(plaintext));
        Ok(answer)
    }

    fn encrypt(&self, call: &Call) -> Answer {
        let plaintext = STANDARD
            .decode(&call.plaintext)
            .map_err(|_| validation("Plaintext is not base64"))?;
        if !(1..=4096).contains(&plaintext.len()) {
            return Err(validation("Member must have length between 1 and 4096"));
        }
        self.seal(call, plaintext)
    }

    /// The blob names its key, as AWS's does: length, id, nonce, sealed bytes.
    fn seal(&self, call: &Call, mut plaintext: Vec<u8>) -> Answer {
        let id = key_name(call.key_id.as_deref().ok_or_else(|| validation("keyId is missing"))?);
        let master = self.master(id)?;
        let nonce = master
            .seal_in_place_append_tag(Aad::from(context(id, &call.encryption_context)), &mut plaintext)
            .map_err(|_| AwsError::new(500, "KMSInternalException", "could not seal"))?;
        let length = u8::try_from(id.len()).map_err(|_| validation("keyId is too long"))?;
        let blob = [&[length], id.as_bytes(), nonce.as_ref(), &plaintext].concat();
        Ok(json!({ "CiphertextBlob": STANDARD.encode(blob), "KeyId": arn(id) }))
    }

    fn decrypt(&self, call: &Call) -> Answer {
        let blob = STANDARD
            .decode(&call.ciphertext_blob)
            .map_err(|_| validation("CiphertextBlob is not base64"))?;
        let (id, nonce, mut sealed) = open_blob(&blob).ok_or_else(invalid_ciphertext)?;
        if call.key_id.as_deref().is_some_and(|wanted| key_name(wanted) != id) {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(AwsError::new(400, "IncorrectKeyException", message));
        }
        let master = self.master(id)?;
        let aad = Aad::from(context(id, &call.encryption_context));
        let plaintext = master
            .open_in_place(nonce, aad, &mut sealed)
            .map_err(|_| invalid_ciphertext())?;
        Ok(
            json!({ "Plaintext": STANDARD.encode(plaintext), "KeyId": arn(id), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" }),
        )
    }

    fn master(&self, id: &str) -> Result<Arc<RandomizedNonceKey>, AwsError> {
        let master = self.keys.with(|keys| keys.get(id).cloned());
        master.ok_or_else(|| AwsError::new(400, "NotFoundException", format!("Key '{}' does not exist", arn(id))))
    }
}

fn random(length: usize) -> Result<Vec<u8>, AwsError> {
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| AwsError::new(500, "KMSInternalException", "no randomness"))?;
    Ok(bytes)
}

fn open_blob(blob: &[u8]) -> Option<(&str, Nonce, Vec<u8>)> {
    let (&length, rest) = blob.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(length))?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
    Some((
        std::str::from_utf8(id).ok()?,
        Nonce::try_assume_unique_for_key(nonce).ok()?,
        sealed.to_vec(),
    ))
}

/// The authenticated bytes: sorted, and unambiguous because it is JSON.
fn context(id: &str, context: &BTreeMap<String, String>) -> Vec<u8> {
    json!([id, context]).to_string().into_bytes()
}

fn key_name(id: &str) -> &str {
    id.rsplit_once(":key/").map_or(id, |(_, name)| name)
}

fn arn(id: &str) -> String {
    format!("arn:aws:kms:eu-west-1:000000000000:key/{id}")
}

fn validation(message: &str) -> AwsError {
    AwsError::new(400, "ValidationException", message)
}

fn invalid_ciphertext() -> AwsError {
    AwsError::new(400, "InvalidCiphertextException", "")
}
