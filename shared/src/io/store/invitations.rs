//! Invitations of Global Admins. Their links are in `visits`.

use super::{Outcome, Store, Write, keys, number, text};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, InvitationId};
use crate::domain::invitation::{Invitation, InvitationState};
use crate::domain::letter::Outgoing;
use crate::domain::once::Once;
use crate::domain::visit::Link;
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
            self.link_write(&invitation.link_hash, to, invitation.expires)?,
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
}

/// `state` is a reserved word of DynamoDB's expressions; `Write` names it `#state`.
fn serde_state(state: InvitationState) -> String {
    serde_json::to_value(state)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
