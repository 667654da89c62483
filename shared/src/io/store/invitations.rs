//! Invitations, links, sign-ins under way and browsers between two pages.

use super::{Outcome, Store, Write, keys, number, text};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, InvitationId, TenantId};
use crate::domain::invitation::{Invitation, InvitationState};
use crate::domain::letter::Outgoing;
use crate::domain::once::Once;
use crate::domain::visit::{Link, Purpose, Session};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

/// How long a sign-in at Microsoft may take.
pub const SIGN_IN_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How long a browser may stay between two pages of the set-up.
pub const SESSION_LIFE: SignedDuration = SignedDuration::from_mins(30);

#[derive(Serialize, Deserialize)]
struct InvitationItem {
    id: InvitationId,
    link_hash: String,
    code_hash: String,
    state: InvitationState,
    created: Timestamp,
    ends: Timestamp,
    wrong_codes: u32,
}

#[derive(Serialize, Deserialize)]
struct LinkItem {
    to: Link,
}

/// A sign-in under way. It is used once, within ten minutes, by the browser that began it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInItem {
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
    /// PKCE verifier.
    pub verifier: String,
    /// The `nonce` that the ID token must carry.
    pub nonce: String,
    /// The tenant whose path was used; a code is redeemed where it was asked for.
    pub bound: Option<TenantId>,
}

impl Store {
    pub(super) fn invitation_writes(
        &self,
        enterprise: &EnterpriseId,
        invitation: &Invitation,
    ) -> Result<Vec<TransactWriteItem>> {
        let item = InvitationItem {
            id: invitation.id.clone(),
            link_hash: invitation.link_hash.clone(),
            code_hash: invitation.code_hash.clone(),
            state: invitation.state,
            created: invitation.created,
            ends: invitation.expires,
            wrong_codes: invitation.wrong_codes,
        };
        let to = Link::Invitation {
            enterprise: enterprise.clone(),
            invitation: invitation.id.clone(),
            return_to: None,
        };
        Ok(vec![
            self.put(&keys::invitation(enterprise, &invitation.id), &item)?
                .build()?,
            self.put(&keys::link(&invitation.link_hash), &LinkItem { to })?
                .until(invitation.expires)
                .build()?,
        ])
    }

    pub(super) fn accepted(&self, enterprise: &EnterpriseId, invitation: &InvitationId) -> Write<'_> {
        let accepted = serde_state(InvitationState::Accepted);
        self.update(&keys::invitation(enterprise, invitation), "SET #state = :accepted")
            .with(":accepted", text(accepted))
    }

    /// An invitation.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn invitation(&self, enterprise: &EnterpriseId, id: &InvitationId) -> Result<Invitation> {
        let item: InvitationItem = self
            .get(&keys::invitation(enterprise, id))
            .await?
            .ok_or(Error::NotFound("invitation"))?;
        Ok(Invitation {
            id: item.id,
            link_hash: item.link_hash,
            code_hash: item.code_hash,
            state: item.state,
            created: item.created,
            expires: item.ends,
            wrong_codes: item.wrong_codes,
        })
    }

    /// Replaces the newest invitation, or ends it: the old link dies with the same write.
    ///
    /// # Errors
    /// `Stale` if the enterprise moved.
    pub async fn replace_invitation(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        old: Option<&Invitation>,
        new: Option<&Invitation>,
        entry: &Entry,
        mails: &[Outgoing],
    ) -> Result<()> {
        let writes = self.replacement(enterprise, seen, old, new, entry, mails)?;
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the enterprise")),
        }
    }

    /// The same for a request that may be repeated; `false` where it was made before.
    ///
    /// # Errors
    /// `KeyReused`, `Busy` if the enterprise moved.
    pub async fn renew_invitation(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        old: Option<&Invitation>,
        new: &Invitation,
        entry: &Entry,
        once: &Once,
    ) -> Result<bool> {
        let writes = self.replacement(enterprise, seen, old, Some(new), entry, &[])?;
        let made = self.create_once(writes, once, new.id.as_str(), entry.at).await?;
        Ok(made == new.id.as_str())
    }

    fn replacement(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        old: Option<&Invitation>,
        new: Option<&Invitation>,
        entry: &Entry,
        mails: &[Outgoing],
    ) -> Result<Vec<TransactWriteItem>> {
        let mut writes = self.enterprise_writes(enterprise, seen)?;
        writes.push(self.audited(&enterprise.id, entry)?);
        for mail in mails {
            writes.push(self.queued(mail, entry.at)?);
        }
        if let Some(new) = new {
            writes.extend(self.invitation_writes(&enterprise.id, new)?);
        }
        if let Some(old) = old {
            writes.push(self.delete(&keys::link(&old.link_hash)).build()?);
            let revoked = self.update(&keys::invitation(&enterprise.id, &old.id), "SET #state = :revoked");
            writes.push(
                revoked
                    .with(":revoked", text(serde_state(InvitationState::Revoked)))
                    .build()?,
            );
        }
        Ok(writes)
    }

    /// Notes a new state, unless the invitation has already gone further.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn note_invitation(
        &self,
        enterprise: &EnterpriseId,
        id: &InvitationId,
        from: &[InvitationState],
        to: InvitationState,
    ) -> Result<bool> {
        let names: Vec<String> = (0..from.len()).map(|at| format!(":from{at}")).collect();
        let mut write = self
            .update(&keys::invitation(enterprise, id), "SET #state = :to")
            .when(&format!("#state IN ({})", names.join(", ")))
            .with(":to", text(serde_state(to)));
        for (name, state) in names.iter().zip(from) {
            write = write.with(name, text(serde_state(*state)));
        }
        self.write(write).await
    }

    /// Counts one wrong code; `false` where the limit was reached before.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn count_wrong_code(&self, enterprise: &EnterpriseId, id: &InvitationId, limit: u32) -> Result<bool> {
        let write = self
            .update(
                &keys::invitation(enterprise, id),
                "SET wrong_codes = wrong_codes + :one",
            )
            .when("wrong_codes < :limit")
            .with(":one", number(1))
            .with(":limit", number(limit));
        self.write(write).await
    }

    /// Notes that the right code was entered: the count of wrong ones begins anew.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn forgive_code(&self, enterprise: &EnterpriseId, id: &InvitationId) -> Result<()> {
        let write = self
            .update(
                &keys::invitation(enterprise, id),
                "SET wrong_codes = :zero, #state = :opened",
            )
            .when("#state <> :revoked AND #state <> :accepted")
            .with(":zero", number(0))
            .with(":opened", text(serde_state(InvitationState::Opened)))
            .with(":revoked", text(serde_state(InvitationState::Revoked)))
            .with(":accepted", text(serde_state(InvitationState::Accepted)));
        self.write(write).await.map(drop)
    }

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

    /// Begins a sign-in.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn begin_sign_in(&self, state_hash: &str, item: &SignInItem, now: Timestamp) -> Result<()> {
        self.write(self.put(&keys::sign_in(state_hash), item)?.until(now + SIGN_IN_LIFE))
            .await
            .map(drop)
    }

    /// Takes a sign-in out: whoever comes second finds nothing.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_sign_in(&self, state_hash: &str, now: Timestamp) -> Result<Option<SignInItem>> {
        let key = keys::sign_in(state_hash);
        let Some(item) = self.get_unexpired(&key, now).await? else {
            return Ok(None);
        };
        let taken = self.write(self.delete(&key).when("attribute_exists(pk)")).await?;
        Ok(taken.then_some(item))
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
        self.write(self.delete(&keys::session(cookie_hash))).await.map(drop)
    }
}

/// `state` is a reserved word of DynamoDB's expressions; `Write` names it `#state`.
fn serde_state(state: InvitationState) -> String {
    serde_json::to_value(state)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
