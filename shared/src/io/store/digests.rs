//! When a reseller's digest is sent, and which was the last: its claim is written with the mail.

use super::{Outcome, Store, attribute, keys, number, text};
use crate::domain::audit::Entry;
use crate::domain::digest::{Digest, Every, Sent};
use crate::domain::email::EmailAddress;
use crate::domain::ids::ResellerId;
use crate::domain::letter::Outgoing;
use crate::error::{Error, Result};
use serde::Deserialize;

/// What was chosen and what was sent are written apart, and neither overwrites the other.
#[derive(Deserialize)]
struct DigestItem {
    every: Every,
    at_hour: i8,
    time_zone: String,
    email: Option<EmailAddress>,
    version: u64,
    #[serde(default)]
    last_sent: Option<Sent>,
}

impl Store {
    /// When a reseller's digest is sent; never where nobody has chosen anything.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn digest(&self, reseller: &ResellerId) -> Result<Digest> {
        let item: Option<DigestItem> = self.get(&keys::digest(reseller)).await?;
        Ok(item.map_or_else(Digest::default, |item| Digest {
            every: item.every,
            hour: item.at_hour,
            time_zone: item.time_zone,
            email: item.email,
            version: item.version,
            last: item.last_sent,
        }))
    }

    /// Writes what was chosen in place of what was read at version `seen`.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn put_digest(&self, reseller: &ResellerId, digest: &Digest, seen: u64, entry: &Entry) -> Result<()> {
        let set = "SET every = :every, at_hour = :hour, time_zone = :zone, email = :email, version = :version";
        let chosen = self
            .update(&keys::digest(reseller), set)
            .when_version(seen)
            .with(":every", attribute(&digest.every)?)
            .with(":hour", number(digest.hour))
            .with(":zone", text(&digest.time_zone))
            .with(":email", attribute(&digest.email)?)
            .with(":version", number(digest.version));
        let writes = vec![chosen.build()?, self.reseller_audited(reseller, entry)?];
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the digest")),
        }
    }

    /// Claims a digest together with its mail; `false` where somebody else has, or where another one was chosen meanwhile.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn claim_digest(
        &self,
        reseller: &ResellerId,
        read: &Digest,
        sent: &Sent,
        mail: &Outgoing,
    ) -> Result<bool> {
        let claim = self
            .update(&keys::digest(reseller), "SET last_sent = :sent")
            .with(":sent", attribute(sent)?)
            .with(":version", number(read.version));
        let claim = match &read.last {
            Some(last) => claim
                .when("version = :version AND last_sent = :before")
                .with(":before", attribute(last)?),
            None => claim.when("version = :version AND attribute_not_exists(last_sent)"),
        };
        let writes = vec![claim.build()?, self.queued(mail, sent.at)?];
        Ok(self.transact(writes).await? == Outcome::Written)
    }
}
