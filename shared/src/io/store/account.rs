//! Voice users, mappings, and what is ours in the tenant. One version counts every change of the three; another one the
//! saves of the mapping alone.

use super::{Outcome, Store, Write, keys, number};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId, VoiceUserId};
use crate::domain::mapping::{Mapping, Owned, Ownership};
use crate::domain::voice::VoiceUser;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most voice users that one change may write: a transaction takes 100 writes, and three of them are ours.
pub const ROWS_PER_SAVE: usize = 90;
/// What `Stale` names where the account stands and the enterprise has moved.
pub const ENTERPRISE_MOVED: &str = "the enterprise";
/// What `Stale` names where the account has moved.
pub const ACCOUNT_MOVED: &str = "the account";

#[derive(Default, Serialize, Deserialize)]
pub(super) struct AccountItem {
    pub(super) version: u64,
    pub(super) next_order: u64,
    #[serde(default)]
    pub(super) saved: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) matched: Option<Matched>,
}

/// The last run that mapped users by their address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// Which.
    pub run: RunId,
    /// Its rows have this order number or a higher one.
    pub from: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OwnedItem {
    pub(super) user: TeamsUserId,
    pub(super) owned: Owned,
}

/// Everything that a mapping decision needs from the table.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Counts changes of whatever kind; 0 when new.
    pub version: u64,
    /// Counts saves of the mapping. Neither what a run puts in place nor a change of voice users moves it, so it is what
    /// somebody has to have seen who saves a mapping.
    pub saved: u64,
    /// The last run that mapped users by their address.
    pub matched: Option<Matched>,
    /// The order number of the next new mapping.
    pub next_order: u64,
    /// All voice users.
    pub voice_users: BTreeMap<VoiceUserId, VoiceUser>,
    /// All saved mappings.
    pub rows: BTreeMap<VoiceUserId, Mapping>,
    /// What is ours in the tenant.
    pub owned: Ownership,
}

impl Account {
    /// The Teams users whom this run has mapped by their address, and whom nobody has mapped otherwise since.
    #[must_use]
    pub fn matched_in(&self, run: &RunId) -> BTreeSet<&TeamsUserId> {
        let Some(matched) = self.matched.as_ref().filter(|matched| matched.run == *run) else {
            return BTreeSet::new();
        };
        let rows = self
            .rows
            .values()
            .filter(|row| row.by_mail && row.order >= matched.from);
        rows.map(|row| &row.teams_user).collect()
    }
}

/// Voice users to write together.
#[derive(Debug, Default)]
pub struct AccountChange {
    /// Voice users to put.
    pub put_voice: Vec<VoiceUser>,
    /// Voice users to delete.
    pub delete_voice: Vec<VoiceUserId>,
}

impl AccountChange {
    /// How many items it writes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.put_voice.len() + self.delete_voice.len()
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
        let item = self.account_item(enterprise).await?;
        let (voice_users, rows, owned) = futures::try_join!(
            self.query::<VoiceUser>(&pk, keys::VOICE),
            self.mapping_rows(&pk),
            self.query::<OwnedItem>(&pk, keys::OWNED),
        )?;
        Ok(Account {
            version: item.version,
            saved: item.saved,
            matched: item.matched,
            next_order: item.next_order,
            voice_users: voice_users.into_iter().map(|user| (user.id.clone(), user)).collect(),
            rows,
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

    /// Writes a change of the voice users of an account that was read at version `seen`, as a whole; gives the new version. The enterprise,
    /// with its licences, must still be the one that the change was checked against.
    ///
    /// # Errors
    /// `Stale` if somebody was faster: with the account, or with the enterprise.
    pub async fn change_account(
        &self,
        kept: &Enterprise,
        change: &AccountChange,
        seen: u64,
        entry: Option<&Entry>,
    ) -> Result<u64> {
        let enterprise = &kept.id;
        let mut writes = vec![
            self.account_moved(enterprise).when_version(seen).build()?,
            self.check(&keys::enterprise(enterprise), "version = :kept")
                .with(":kept", number(kept.version))
                .build()?,
        ];
        if let Some(entry) = entry {
            writes.push(self.audited(enterprise, entry)?);
        }
        for user in &change.put_voice {
            writes.push(self.put(&keys::voice_user(enterprise, &user.id), user)?.build()?);
        }
        for voice in &change.delete_voice {
            writes.push(self.delete(&keys::voice_user(enterprise, voice)).build()?);
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(seen + 1),
            Outcome::Failed(conditions) if conditions == [1] => Err(Error::Stale(ENTERPRISE_MOVED)),
            Outcome::Failed(_) => Err(Error::Stale(ACCOUNT_MOVED)),
        }
    }

    /// The write that records what is ours of one user, for a transaction of a run.
    pub(super) fn owned_write(
        &self,
        enterprise: &EnterpriseId,
        user: &TeamsUserId,
        owned: &Owned,
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

    /// Counts a change, so that readers and plans notice it.
    pub(super) fn account_moved(&self, enterprise: &EnterpriseId) -> Write<'_> {
        self.update(
            &keys::account(enterprise),
            "SET version = if_not_exists(version, :zero) + :one, next_order = if_not_exists(next_order, :zero)",
        )
        .with(":zero", number(0))
        .with(":one", number(1))
    }
}
