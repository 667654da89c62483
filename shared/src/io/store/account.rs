//! Mappings, and what is ours in the tenant; with the voice users one version counts every change of the three.

use super::voice_users::{InUse, Packing, VoiceUsers};
use super::{Outcome, Store, Write, keys, number};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use crate::domain::mapping::{Mapping, Owned, Ownership};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most rows that one save may change: a transaction takes 100 writes, and three of them are ours.
pub const ROWS_PER_SAVE: usize = 90;
/// What `Stale` names where the account stands and the enterprise has moved.
pub const ENTERPRISE_MOVED: &str = "the enterprise";

#[derive(Default, Deserialize)]
pub(super) struct AccountItem {
    pub(super) version: u64,
    next_order: u64,
    pub(super) voice_users: Option<InUse>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OwnedItem {
    pub(super) user: TeamsUserId,
    pub(super) owned: Owned,
    /// When it was last found in place; unknown for what is kept from before that was noted.
    #[serde(default)]
    pub(super) since: Option<Timestamp>,
}

/// Everything that a mapping decision needs from the table.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Counts changes; 0 when new.
    pub version: u64,
    /// The order number of the next new mapping.
    pub next_order: u64,
    /// All voice users.
    pub voice_users: VoiceUsers,
    /// Where they are kept.
    pub packing: Packing,
    /// All saved mappings.
    pub rows: BTreeMap<VoiceUserId, Mapping>,
    /// What is ours in the tenant.
    pub owned: Ownership,
}

/// Rows to write together.
#[derive(Debug, Default)]
pub struct AccountChange {
    /// Mappings to put.
    pub put: Vec<Mapping>,
    /// Mappings to delete.
    pub delete: Vec<VoiceUserId>,
    /// The order number of the next new mapping.
    pub next_order: u64,
}

impl AccountChange {
    /// How many items it writes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.put.len() + self.delete.len()
    }

    /// Nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Store {
    /// Reads the whole account. Its version is read first: a write that rests on this read fails if anything changed
    /// since, whether the lists already show it or not.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn account(&self, enterprise: &EnterpriseId) -> Result<Account> {
        let pk = keys::enterprise_partition(enterprise);
        let (item, voice_users, packing) = self.steady_voice_users(enterprise).await?;
        let (rows, owned) = futures::try_join!(
            self.query::<Mapping>(&pk, keys::MAPPING),
            self.query::<OwnedItem>(&pk, keys::OWNED),
        )?;
        Ok(Account {
            version: item.version,
            next_order: item.next_order,
            voice_users,
            packing,
            rows: rows.into_iter().map(|row| (row.voice_user.clone(), row)).collect(),
            owned: owned.into_iter().map(|item| (item.user, item.owned)).collect(),
        })
    }

    /// The account's version alone.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn account_version(&self, enterprise: &EnterpriseId) -> Result<u64> {
        Ok(self.account_item(enterprise).await?.version)
    }

    pub(super) async fn account_item(&self, enterprise: &EnterpriseId) -> Result<AccountItem> {
        Ok(self.get(&keys::account(enterprise)).await?.unwrap_or_default())
    }

    /// Writes a change of an account that was read at version `seen`, as a whole; gives the new version. The enterprise,
    /// with its licences, must still be the one that the change was checked against.
    ///
    /// # Errors
    /// `Stale` if somebody was faster: with the mapping, or with the enterprise.
    pub async fn change_account(
        &self,
        kept: &Enterprise,
        change: &AccountChange,
        seen: u64,
        entry: Option<&Entry>,
    ) -> Result<u64> {
        let enterprise = &kept.id;
        let mut writes = vec![
            self.account_update(enterprise, seen, change.next_order, None).build()?,
            self.check(&keys::enterprise(enterprise), "version = :kept")
                .with(":kept", number(kept.version))
                .build()?,
        ];
        if let Some(entry) = entry {
            writes.push(self.audited(enterprise, entry)?);
        }
        for row in &change.put {
            writes.push(self.put(&keys::mapping(enterprise, &row.voice_user), row)?.build()?);
        }
        for voice in &change.delete {
            writes.push(self.delete(&keys::mapping(enterprise, voice)).build()?);
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(seen + 1),
            Outcome::Failed(conditions) if conditions == [1] => Err(Error::Stale(ENTERPRISE_MOVED)),
            Outcome::Failed(_) => Err(Error::Stale("the mapping")),
        }
    }

    /// The write that counts a change of an account that was read at version `seen`, and says where its voice users are
    /// from now on.
    pub(super) fn account_update(
        &self,
        enterprise: &EnterpriseId,
        seen: u64,
        next_order: u64,
        voice_users: Option<AttributeValue>,
    ) -> Write<'_> {
        let set = "SET version = :next, next_order = :order";
        let key = keys::account(enterprise);
        let write = match voice_users {
            Some(pointer) => self
                .update(&key, &format!("{set}, voice_users = :voice"))
                .with(":voice", pointer),
            None => self.update(&key, set),
        };
        write
            .with(":next", number(seen + 1))
            .with(":order", number(next_order))
            .when_version(seen)
    }

    /// The write that records what is ours of one user, for a transaction of a run.
    pub(super) fn owned_write(
        &self,
        enterprise: &EnterpriseId,
        user: &TeamsUserId,
        owned: &Owned,
        since: Timestamp,
    ) -> Result<Write<'_>> {
        let key = keys::owned(enterprise, user);
        if owned.is_empty() {
            Ok(self.delete(&key))
        } else {
            self.put(
                &key,
                &OwnedItem {
                    user: user.clone(),
                    owned: owned.clone(),
                    since: Some(since),
                },
            )
        }
    }

    /// What is ours of one user.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn owned(&self, enterprise: &EnterpriseId, user: &TeamsUserId) -> Result<Owned> {
        Ok(self
            .get::<OwnedItem>(&keys::owned(enterprise, user))
            .await?
            .map(|item| item.owned)
            .unwrap_or_default())
    }

    /// When a sync last put something in place for a user who has something of ours: the dial pad's clock (R144).
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn placed(&self, enterprise: &EnterpriseId, user: &TeamsUserId) -> Result<Option<Timestamp>> {
        let item: Option<OwnedItem> = self.get(&keys::owned(enterprise, user)).await?;
        Ok(item.and_then(|item| item.since))
    }

    /// Counts a change of ownership, so that readers and plans notice it.
    pub(super) fn account_moved(&self, enterprise: &EnterpriseId) -> Write<'_> {
        self.update(
            &keys::account(enterprise),
            "SET version = if_not_exists(version, :zero) + :one, next_order = if_not_exists(next_order, :zero)",
        )
        .with(":zero", number(0))
        .with(":one", number(1))
    }
}
