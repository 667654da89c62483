//! Links, sign-ins under way, and browsers between two pages.

use super::{Outcome, Store, keys, text};
use crate::domain::audit::Entry;
use crate::domain::ids::{ClientId, EnterpriseId, TenantId};
use crate::domain::once::Once;
use crate::domain::visit::{Begun, Link, Purpose, SIGN_IN_LIFE, Session};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

/// How long a browser may stay between two pages of the set-up.
pub const SESSION_LIFE: SignedDuration = SignedDuration::from_mins(30);
/// For how long it is shown that a sign-in was never answered.
const UNANSWERED_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Serialize, Deserialize)]
struct TokenItem {
    sealed: String,
}

#[derive(Serialize, Deserialize)]
struct LinkItem {
    to: Link,
}

#[derive(Serialize, Deserialize)]
struct UnansweredItem {
    begun: Begun,
    sign_in: String,
}

/// A sign-in under way. It is used once, within ten minutes, by the browser that began it. The PKCE verifier and the
/// nonce are not kept: they follow from the `state` and the cookie that come back, and our key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInItem {
    /// Which of our applications asked.
    pub application: ClientId,
    /// Whose.
    pub enterprise: EnterpriseId,
    /// What for.
    pub purpose: Purpose,
    /// Which appointment of a Global Admin was in force when it began.
    pub appointment: u64,
    /// Where the person is sent when it is over.
    pub return_to: Option<Url>,
    /// Hash of the browser's cookie.
    pub browser: String,
    /// The tenant whose path was used; a code is redeemed where it was asked for.
    pub bound: Option<TenantId>,
}

impl Store {
    /// Where a link leads, by the keyed hash of its token.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn link(&self, hash: &str, now: Timestamp) -> Result<Option<Link>> {
        Ok(self
            .get_unexpired::<LinkItem>(&keys::link(hash), now)
            .await?
            .map(|item| item.to))
    }

    /// Keeps where a link leads, with its entry of the audit trail; gives when the link ends. The same request again
    /// changes nothing and gives the end of the first time.
    ///
    /// # Errors
    /// `KeyReused`.
    pub async fn give_link(
        &self,
        enterprise: &EnterpriseId,
        hash: &str,
        to: Link,
        until: Timestamp,
        entry: &Entry,
        once: &Once,
    ) -> Result<Timestamp> {
        let writes = vec![self.link_write(hash, to, until)?, self.audited(enterprise, entry)?];
        self.create_once(writes, once, &until.to_string(), entry.at)
            .await?
            .parse()
            .map_err(|error| Error::upstream("read a remembered answer", error))
    }

    pub(super) fn link_write(&self, hash: &str, to: Link, until: Timestamp) -> Result<TransactWriteItem> {
        self.put(&keys::link(hash), &LinkItem { to })?.until(until).build()
    }

    /// Begins a sign-in. Until it is answered, the enterprise shows that it was begun.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn begin_sign_in(&self, state_hash: &str, item: &SignInItem, now: Timestamp) -> Result<()> {
        let begun = Begun {
            purpose: item.purpose.clone(),
            at: now,
        };
        let unanswered = UnansweredItem {
            begun,
            sign_in: state_hash.to_owned(),
        };
        let writes = vec![
            self.put(&keys::sign_in(state_hash), item)?
                .until(now + SIGN_IN_LIFE)
                .build()?,
            self.put(&keys::unanswered(&item.enterprise), &unanswered)?
                .until(now + UNANSWERED_LIFE)
                .build()?,
        ];
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Busy),
        }
    }

    /// Takes a sign-in out for the browser that began it: whoever comes second finds nothing, and another browser cannot
    /// use it up.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_sign_in(&self, state_hash: &str, browser: &str, now: Timestamp) -> Result<Option<SignInItem>> {
        let key = keys::sign_in(state_hash);
        let Some(item) = self.get_unexpired::<SignInItem>(&key, now).await? else {
            return Ok(None);
        };
        if item.browser != browser {
            return Ok(None);
        }
        if !self.write(self.delete(&key).when("attribute_exists(pk)")).await? {
            return Ok(None);
        }
        let answered = self.delete(&keys::unanswered(&item.enterprise));
        self.write(answered.when("sign_in = :this").with(":this", text(state_hash)))
            .await?;
        Ok(Some(item))
    }

    /// The last sign-in of an enterprise that was begun, while no answer to it has come.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn unanswered(&self, enterprise: &EnterpriseId, now: Timestamp) -> Result<Option<Begun>> {
        Ok(self
            .get_unexpired::<UnansweredItem>(&keys::unanswered(enterprise), now)
            .await?
            .map(|item| item.begun))
    }

    /// Remembers a browser between two pages.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_session(&self, cookie_hash: &str, item: &Session, now: Timestamp) -> Result<()> {
        self.write(self.put(&keys::session(cookie_hash), item)?.until(now + SESSION_LIFE))
            .await
            .map(drop)
    }

    /// A browser between two pages.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn session(&self, cookie_hash: &str, now: Timestamp) -> Result<Option<Session>> {
        self.get_unexpired(&keys::session(cookie_hash), now).await
    }

    /// Forgets a browser.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn end_session(&self, cookie_hash: &str) -> Result<()> {
        self.drop_token(cookie_hash).await?;
        self.write(self.delete(&keys::session(cookie_hash))).await.map(drop)
    }

    /// Keeps the sealed token of the person at a browser, no longer than the page that it is for.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_token(&self, cookie_hash: &str, sealed: &str, expires: Timestamp, now: Timestamp) -> Result<()> {
        let item = TokenItem {
            sealed: sealed.to_owned(),
        };
        let until = expires.min(now + SESSION_LIFE);
        self.write(self.put(&keys::session_token(cookie_hash), &item)?.until(until))
            .await
            .map(drop)
    }

    /// The sealed token of the person at a browser, where there is one that has not ended.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn token(&self, cookie_hash: &str, now: Timestamp) -> Result<Option<String>> {
        let item: Option<TokenItem> = self.get_unexpired(&keys::session_token(cookie_hash), now).await?;
        Ok(item.map(|item| item.sealed))
    }

    /// Deletes it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn drop_token(&self, cookie_hash: &str) -> Result<()> {
        self.write(self.delete(&keys::session_token(cookie_hash)))
            .await
            .map(drop)
    }
}
