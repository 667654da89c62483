//! Invitations of Global Admins. Their links are in `visits`.

use super::{Attributes, Outcome, Store, Write, decoded, keys, number, text};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, InvitationId, ResellerId};
use crate::domain::invitation::{ATTEMPTS, Invitation, InvitationState, NUDGE_AFTER, Noted, STATES, Trouble};
use crate::domain::letter::Outgoing;
use crate::domain::once::Once;
use crate::domain::task::{Task, TaskKind};
use crate::domain::visit::Link;
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// When a state was reached is an attribute of its own, such as `reached_sent`: noting one needs no read.
#[derive(Serialize, Deserialize)]
struct InvitationItem {
    id: InvitationId,
    link_hash: String,
    code_hash: String,
    state: InvitationState,
    created: Timestamp,
    ends: Timestamp,
    wrong_codes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<Trouble>,
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
            trouble: invitation.trouble,
        };
        let to = Link::Invitation {
            enterprise: enterprise.clone(),
            invitation: invitation.id.clone(),
            return_to: None,
        };
        Ok(vec![
            // Time brings about that its reader is reminded of it, and in the end that the reseller hears of it.
            self.put(&keys::invitation(enterprise, &invitation.id), &item)?
                .and(keys::PENDING_SHARD, Some(text(keys::invited_shard(enterprise))))
                .and(
                    keys::PENDING_SINCE,
                    Some(text((invitation.created + NUDGE_AFTER).to_string())),
                )
                .build()?,
            self.link_write(&invitation.link_hash, to, invitation.expires)?,
        ])
    }

    /// The write that ends an invitation, for the transaction of its cause.
    pub(super) fn ended(
        &self,
        enterprise: &EnterpriseId,
        invitation: &InvitationId,
        state: InvitationState,
        at: Timestamp,
    ) -> Write<'_> {
        self.reach(enterprise, invitation, state, at, "")
    }

    /// An update to a state; the time of the first time stays.
    fn reach(
        &self,
        enterprise: &EnterpriseId,
        invitation: &InvitationId,
        to: InvitationState,
        at: Timestamp,
        more: &str,
    ) -> Write<'_> {
        let reached = reached(to);
        let set = format!("SET #state = :to, {reached} = if_not_exists({reached}, :at){more}");
        self.update(&keys::invitation(enterprise, invitation), &set)
            .with(":to", text(to.name()))
            .with(":at", text(at.to_string()))
    }

    /// An invitation.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn invitation(&self, enterprise: &EnterpriseId, id: &InvitationId) -> Result<Invitation> {
        let attributes = self
            .get_attributes(&keys::invitation(enterprise, id))
            .await?
            .ok_or(Error::NotFound("invitation"))?;
        let mut reached = times(&attributes);
        let item: InvitationItem = decoded(attributes)?;
        reached.insert(InvitationState::Queued, item.created);
        Ok(Invitation {
            id: item.id,
            link_hash: item.link_hash,
            code_hash: item.code_hash,
            state: item.state,
            reached,
            trouble: item.trouble,
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

    /// The same for a request that may be repeated: gives the invitation that the request made when it came first.
    ///
    /// # Errors
    /// `KeyReused`, `Busy` if the enterprise moved.
    pub async fn renew_invitation(
        &self,
        enterprise: &Enterprise,
        seen: u64,
        (old, new): (Option<&Invitation>, &Invitation),
        mails: &[Outgoing],
        entry: &Entry,
        once: &Once,
    ) -> Result<InvitationId> {
        let writes = self.replacement(enterprise, seen, old, Some(new), entry, mails)?;
        self.create_once(writes, once, new.id.as_str(), entry.at)
            .await?
            .parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
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
            let revoked = self.ended(&enterprise.id, &old.id, InvitationState::Revoked, entry.at);
            writes.push(revoked.build()?);
        }
        // Whoever could not be reached is invited anew, corrected, replaced, or not asked any more.
        for kind in [
            TaskKind::InvitationUndelivered,
            TaskKind::InvitationIgnored,
            TaskKind::AdminUnreachable,
        ] {
            let task = super::tasks::id_of(kind, Some(&enterprise.id), "");
            writes.push(self.task_closed(&enterprise.reseller, &task)?);
        }
        Ok(writes)
    }

    /// Invitations of one shard that something is to be done about by now: nobody has looked at them since.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn invitations_due(&self, shard: u8, now: Timestamp) -> Result<Vec<(EnterpriseId, InvitationId)>> {
        let shard = keys::shard(shard).replacen("PENDING", "INVITED", 1);
        let items = self.indexed(&shard, Some(&now.to_string())).await?;
        let of = |item: &Attributes, name: &str, prefix: &str| {
            let value = item.get(name)?.as_s().ok()?;
            Some(value.strip_prefix(prefix)?.to_owned())
        };
        let ids = items.iter().filter_map(|item| {
            let enterprise = of(item, keys::PK, keys::ENTERPRISE)?.parse().ok()?;
            Some((enterprise, of(item, keys::SK, keys::INVITATION)?.parse().ok()?))
        });
        Ok(ids.collect())
    }

    /// What was due about an invitation at `seen` is done, with what it leads to; it is looked at again at `next`, or never.
    /// `false` where somebody else has done it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn invitation_seen_to(
        &self,
        enterprise: &EnterpriseId,
        id: &InvitationId,
        next: Option<Timestamp>,
        mail: Option<&Outgoing>,
        task: Option<(&ResellerId, &Task)>,
        now: Timestamp,
    ) -> Result<bool> {
        let key = keys::invitation(enterprise, id);
        let seen_to = match next {
            Some(next) => self
                .update(&key, "SET pending_since = :next")
                .with(":next", text(next.to_string())),
            None => self.update(&key, "REMOVE pending_shard, pending_since"),
        };
        let seen_to = seen_to
            .when("pending_since <= :now")
            .with(":now", text(now.to_string()));
        let mut writes = vec![seen_to.build()?];
        if let Some(mail) = mail {
            writes.push(self.queued(mail, now)?);
        }
        if let Some((reseller, task)) = task {
            writes.push(self.task_opened(reseller, task)?);
        }
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// Notes that a state was reached. An invitation that is there already or further stays where it is, and keeps the
    /// time of the first report. Repeated or late reports change nothing more.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn note_invitation(
        &self,
        enterprise: &EnterpriseId,
        id: &InvitationId,
        to: InvitationState,
        at: Timestamp,
        trouble: Option<Trouble>,
    ) -> Result<Noted> {
        let more = if trouble.is_some() { ", trouble = :trouble" } else { "" };
        let mut forward = only_from(self.reach(enterprise, id, to, at, more), &to.earlier());
        if let Some(trouble) = trouble {
            forward = forward.with(":trouble", text(trouble.name()));
        }
        if self.write(forward).await? {
            return Ok(Noted::Moved);
        }
        let reached = reached(to);
        let late = format!("SET {reached} = if_not_exists({reached}, :at)");
        let late = self
            .update(&keys::invitation(enterprise, id), &late)
            .when("attribute_exists(pk)")
            .with(":at", text(at.to_string()));
        Ok(if self.write(late).await? {
            Noted::Late
        } else {
            Noted::Unknown
        })
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

    /// Closes an invitation whose wrong codes have reached the limit; `false` where they have not.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn lock_invitation(&self, enterprise: &EnterpriseId, id: &InvitationId, now: Timestamp) -> Result<bool> {
        let locked = InvitationState::Locked;
        let write = only_from(self.reach(enterprise, id, locked, now, ""), &locked.earlier())
            .and_when("wrong_codes >= :limit")
            .with(":limit", number(ATTEMPTS));
        self.write(write).await
    }

    /// Notes that the right code was entered: the count of wrong ones begins anew. `false` where the invitation was closed
    /// in between.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn forgive_code(&self, enterprise: &EnterpriseId, id: &InvitationId, now: Timestamp) -> Result<bool> {
        let opened = InvitationState::Opened;
        let open: Vec<_> = opened.earlier().into_iter().chain([opened]).collect();
        let write = only_from(self.reach(enterprise, id, opened, now, ", wrong_codes = :zero"), &open);
        self.write(write.with(":zero", number(0))).await
    }
}

/// The attribute that holds when a state was reached.
fn reached(state: InvitationState) -> String {
    format!("reached_{}", state.name())
}

fn times(item: &Attributes) -> BTreeMap<InvitationState, Timestamp> {
    let time = |state: InvitationState| {
        let at = item.get(&reached(state))?.as_s().ok()?;
        Some((state, at.parse().ok()?))
    };
    STATES.into_iter().filter_map(time).collect()
}

/// Only where the invitation is in one of these states.
fn only_from<'a>(mut write: Write<'a>, states: &[InvitationState]) -> Write<'a> {
    let names: Vec<String> = (0..states.len()).map(|at| format!(":from{at}")).collect();
    write = write.when(&format!("#state IN ({})", names.join(", ")));
    for (name, state) in names.iter().zip(states) {
        write = write.with(name, text(state.name()));
    }
    write
}
