//! Secrets: the deployment's own, keyed hashes of codes and links, people's tokens sealed for one run or one browser, and what
//! signs the events of a webhook.

use crate::config::Config;
use crate::domain::ids::{ClientId, EnterpriseId, ResellerId, RunId, WebhookId};
use crate::domain::once::Once;
use crate::domain::secret::Secret;
use crate::error::{Error, Result};
use crate::io::chance::Chance;
use crate::io::store::runs::Sealed;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The deployment's secret, read on first use and kept for the life of the process.
struct Own {
    /// Of every application in Entra, the deployment's own among them.
    client_secrets: BTreeMap<ClientId, Secret>,
    code_key: hmac::Key,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnJson {
    entra_client_secret: String,
    code_key: String,
    /// The passwords of the brands' own applications, by client id.
    #[serde(default)]
    applications: BTreeMap<ClientId, String>,
}

/// Secrets Manager and KMS.
#[derive(Clone)]
pub struct Vault {
    secrets: aws_sdk_secretsmanager::Client,
    kms: aws_sdk_kms::Client,
    secret_id: String,
    key_id: String,
    application: ClientId,
    own: Arc<OnceCell<Own>>,
}

impl Vault {
    /// A vault over the deployment's secret and key.
    #[must_use]
    pub fn new(secrets: aws_sdk_secretsmanager::Client, kms: aws_sdk_kms::Client, config: &Config) -> Self {
        Self {
            secrets,
            kms,
            secret_id: config.secret_id.clone(),
            key_id: config.token_key_id.clone(),
            application: config.entra_client_id.clone(),
            own: Arc::default(),
        }
    }

    async fn own(&self) -> Result<&Own> {
        self.own
            .get_or_try_init(|| async {
                let answer = self.secrets.get_secret_value().secret_id(&self.secret_id).send().await;
                let answer = answer.map_err(|error| Error::upstream("read the deployment's secret", error))?;
                let json: OwnJson = serde_json::from_str(answer.secret_string().unwrap_or_default()).map_err(|_| {
                    let why = "it lacks entraClientSecret or codeKey, or its applications are not named by client ids";
                    Error::upstream("read the deployment's secret", why)
                })?;
                let mut all = json.applications;
                all.insert(self.application.clone(), json.entra_client_secret);
                let filled = all.into_iter().filter(|(_, secret)| !secret.is_empty());
                Ok(Own {
                    client_secrets: filled.map(|(id, secret)| (id, Secret::new(secret))).collect(),
                    code_key: hmac::Key::new(hmac::HMAC_SHA256, json.code_key.as_bytes()),
                })
            })
            .await
    }

    /// The password at Entra of one of our applications.
    ///
    /// # Errors
    /// `Upstream`, also where the deployment's secret holds none for it.
    pub async fn entra_client_secret(&self, application: &ClientId) -> Result<&Secret> {
        let found = self.own().await?.client_secrets.get(application);
        found.ok_or_else(|| {
            let why = format!("it holds no client secret of the application {application}");
            Error::upstream("read the deployment's secret", why)
        })
    }

    /// Whether the deployment's secret holds a password of that application.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn knows_application(&self, application: &ClientId) -> Result<bool> {
        Ok(self.own().await?.client_secrets.contains_key(application))
    }

    /// 32 bytes that follow from `text` and our key, and that nobody else can tell. `what` keeps kinds apart.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn keyed_bytes(&self, what: &str, text: &str) -> Result<[u8; 32]> {
        let tag = hmac::sign(&self.own().await?.code_key, format!("{what}:{text}").as_bytes());
        tag.as_ref()
            .try_into()
            .map_err(|_| Error::upstream("derive a secret", "the hash is not 32 bytes long"))
    }

    /// A keyed hash of a code or link token, hex: what is stored in place of it. `what` keeps kinds apart.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn keyed_hash(&self, what: &str, text: &str) -> Result<String> {
        Ok(hex::encode(self.keyed_bytes(what, text).await?))
    }

    /// The token of a link that a request creates: the same request gives the same one again, and nobody else can tell it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn token_for(&self, once: &Once) -> Result<String> {
        let asked = [once.key.as_bytes(), b"\0", &once.request].concat();
        self.keyed_hash("token", &hex::encode(asked)).await
    }

    /// Whether `text` has this keyed hash; takes the same time for every wrong text.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn matches(&self, what: &str, text: &str, hash: &str) -> Result<bool> {
        let expected = hex::decode(hash).unwrap_or_default();
        let key = &self.own().await?.code_key;
        Ok(hmac::verify(key, format!("{what}:{text}").as_bytes(), &expected).is_ok())
    }

    /// Seals a text for one browser: AES-256-GCM under a key that follows from its cookie and ours. What we keep of the cookie
    /// is a hash, so nobody opens it while the browser is away.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn seal_for_browser(&self, enterprise: &EnterpriseId, browser: &Secret, text: &Secret) -> Result<String> {
        let key = self.browser_key(browser).await?;
        Ok(STANDARD.encode(sealed_under(&key, enterprise.as_str(), text)?))
    }

    /// Opens what was sealed for the same browser and enterprise.
    ///
    /// # Errors
    /// `Upstream`, also where the seal belongs to another browser.
    pub async fn open_for_browser(&self, enterprise: &EnterpriseId, browser: &Secret, sealed: &str) -> Result<Secret> {
        let broken = || Error::upstream("open a sealed token", "it is damaged or belongs to another browser");
        let bytes = STANDARD.decode(sealed).map_err(|_| broken())?;
        let key = self.browser_key(browser).await?;
        opened_under(&key, enterprise.as_str(), bytes).ok_or_else(broken)
    }

    async fn browser_key(&self, browser: &Secret) -> Result<[u8; 32]> {
        self.keyed_bytes("browser token", browser.expose()).await
    }

    /// Seals a text for one run: AES-256-GCM under a KMS data key whose context names enterprise and run.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn seal(&self, enterprise: &EnterpriseId, run: &RunId, text: &Secret) -> Result<Sealed> {
        let context = [("enterprise", enterprise.as_str()), ("run", run.as_str())];
        self.seal_in(context, text).await
    }

    /// Opens what `seal` sealed for the same enterprise and run.
    ///
    /// # Errors
    /// `Upstream`, also where the seal belongs to another run.
    pub async fn open(&self, enterprise: &EnterpriseId, run: &RunId, sealed: &Sealed) -> Result<Secret> {
        let context = [("enterprise", enterprise.as_str()), ("run", run.as_str())];
        self.open_in(context, sealed).await
    }

    /// Seals the secret of a webhook in the same way.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn seal_signing_key(&self, reseller: &ResellerId, webhook: &WebhookId, key: &Secret) -> Result<Sealed> {
        let context = [("reseller", reseller.as_str()), ("webhook", webhook.as_str())];
        self.seal_in(context, key).await
    }

    /// Opens what `seal_signing_key` sealed for the same webhook.
    ///
    /// # Errors
    /// `Upstream`, also where the seal belongs to another webhook.
    pub async fn open_signing_key(
        &self,
        reseller: &ResellerId,
        webhook: &WebhookId,
        sealed: &Sealed,
    ) -> Result<Secret> {
        let context = [("reseller", reseller.as_str()), ("webhook", webhook.as_str())];
        self.open_in(context, sealed).await
    }

    /// Seals a text; the second part of the context is what it is bound to.
    async fn seal_in(&self, context: [(&str, &str); 2], text: &Secret) -> Result<Sealed> {
        let [(whose, owner), (what, bound)] = context;
        let key = self
            .kms
            .generate_data_key()
            .key_id(&self.key_id)
            .key_spec(aws_sdk_kms::types::DataKeySpec::Aes256)
            .encryption_context(whose, owner)
            .encryption_context(what, bound)
            .send()
            .await
            .map_err(|error| Error::upstream("make a data key", error))?;
        let plain = key
            .plaintext
            .map(aws_smithy_types::Blob::into_inner)
            .unwrap_or_default();
        let sealed = sealed_under(&plain, bound, text)?;
        let encrypted = key
            .ciphertext_blob
            .map(aws_smithy_types::Blob::into_inner)
            .unwrap_or_default();
        Ok(Sealed {
            sealed: STANDARD.encode(sealed),
            key: STANDARD.encode(encrypted),
        })
    }

    async fn open_in(&self, context: [(&str, &str); 2], sealed: &Sealed) -> Result<Secret> {
        let [(whose, owner), (what, bound)] = context;
        let broken = || Error::upstream("open a sealed secret", "it is damaged or belongs to something else");
        let encrypted = STANDARD.decode(&sealed.key).map_err(|_| broken())?;
        let bytes = STANDARD.decode(&sealed.sealed).map_err(|_| broken())?;
        let key = self
            .kms
            .decrypt()
            .key_id(&self.key_id)
            .ciphertext_blob(aws_smithy_types::Blob::new(encrypted))
            .encryption_context(whose, owner)
            .encryption_context(what, bound)
            .send()
            .await
            .map_err(|error| Error::upstream("open a data key", error))?;
        let plain = key
            .plaintext
            .map(aws_smithy_types::Blob::into_inner)
            .unwrap_or_default();
        opened_under(&plain, bound, bytes).ok_or_else(broken)
    }

    /// The secret of a webhook that a request creates, as Standard Webhooks writes it: the same request gives the same one
    /// again, and nobody else can tell it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn signing_key_for(&self, once: &Once) -> Result<Secret> {
        let asked = [once.key.as_bytes(), b"\0", &once.request].concat();
        let bytes = self.keyed_bytes("webhook", &hex::encode(asked)).await?;
        Ok(Secret::new(format!("whsec_{}", STANDARD.encode(bytes))))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// A fresh nonce, and the text under the key, bound to `what`.
fn sealed_under(key: &[u8], what: &str, text: &Secret) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = Chance.bytes();
    let mut sealed = text.expose().as_bytes().to_vec();
    aead(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(what), &mut sealed)
        .map_err(|_| Error::upstream("seal a token", "AES-GCM refused"))?;
    sealed.splice(0..0, nonce);
    Ok(sealed)
}

/// The text again; nothing where the key or `what` is another one.
fn opened_under(key: &[u8], what: &str, mut bytes: Vec<u8>) -> Option<Secret> {
    let nonce = <[u8; NONCE_LEN]>::try_from(bytes.get(..NONCE_LEN)?).ok()?;
    let opened = aead(key).ok()?.open_in_place(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(what),
        &mut bytes[NONCE_LEN..],
    );
    Some(Secret::new(String::from_utf8(opened.ok()?.to_vec()).ok()?))
}

fn aead(key: &[u8]) -> Result<LessSafeKey> {
    let key =
        UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::upstream("use a data key", "it is not 256 bits long"))?;
    Ok(LessSafeKey::new(key))
}

/// A plain SHA-256, hex: for values that already hold 128 bits of chance or more.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes.as_ref()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_with_its_key_for_what_it_is_bound_to_and_for_nothing_else() {
        let (key, other) = ([7; 32], [8; 32]);
        let text = Secret::new("eyJ0b2tlbg".into());
        let sealed = sealed_under(&key, "ent_1", &text).unwrap();
        assert!(!sealed.windows(4).any(|part| text.expose().as_bytes().starts_with(part)));
        let opened = |key: &[u8], what: &str, bytes: Vec<u8>| opened_under(key, what, bytes);
        assert_eq!(opened(&key, "ent_1", sealed.clone()).unwrap().expose(), text.expose());
        assert!(opened(&other, "ent_1", sealed.clone()).is_none());
        assert!(opened(&key, "ent_2", sealed.clone()).is_none());
        let mut bent = sealed.clone();
        bent[NONCE_LEN] ^= 1;
        assert!(opened(&key, "ent_1", bent).is_none());
        assert!(opened(&key, "ent_1", sealed[..NONCE_LEN - 1].to_vec()).is_none());
        // Never the same bytes twice.
        assert_ne!(sealed_under(&key, "ent_1", &text).unwrap(), sealed);
    }
}
