//! Versions of an account, and what is ours in the tenant. One version counts every change of voice users, mapping and
//! ownership; another one the saves of the mapping alone.

use super::voice_users::{InUse, Packing, VoiceUsers};
use super::{Store, Write, keys, number};
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId, VoiceUserId};
use crate::domain::mapping::{Mapping, Owned, Ownership};
use crate::error::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What `Stale` names where the account stands and the enterprise has moved.
pub const ENTERPRISE_MOVED: &str = "the enterprise";
/// What `Stale` names where the account has moved.
pub const ACCOUNT_MOVED: &str = "the account";

#[derive(Default, Deserialize)]
pub(super) struct AccountItem {
    pub(super) version: u64,
    #[serde(default)]
    pub(super) next_order: u64,
    #[serde(default)]
    pub(super) saved: u64,
    #[serde(default)]
    pub(super) matched: Option<Matched>,
    #[serde(default)]
    pub(super) voice_users: Option<InUse>,
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
    /// When it was last found in place; unknown for what is kept from before that was noted.
    #[serde(default)]
    pub(super) since: Option<Timestamp>,
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
    pub voice_users: VoiceUsers,
    /// Where they are kept.
    pub packing: Packing,
    /// All saved mappings.
    pub rows: BTreeMap<VoiceUserId, Mapping>,
    /// Imported voice users whom a person has set to `None`: no sync maps them by their address.
    pub set_to_none: BTreeSet<VoiceUserId>,
    /// What is ours in the tenant.
    pub owned: Ownership,
    /// When a sync last put something in place for those users; unknown for what is kept from before that was noted.
    pub placed: BTreeMap<TeamsUserId, Timestamp>,
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

impl Store {
    /// Reads the whole account. Its version is read first: a write that rests on this read fails if anything changed
    /// since, whether the lists already show it or not.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn account(&self, enterprise: &EnterpriseId) -> Result<Account> {
        let pk = keys::enterprise_partition(enterprise);
        let (item, voice_users, packing) = self.steady_voice_users(enterprise).await?;
        let ((rows, set_to_none), owned) =
            futures::try_join!(self.mapping_rows(&pk), self.query::<OwnedItem>(&pk, keys::OWNED),)?;
        let placed = owned.iter().filter_map(|item| Some((item.user.clone(), item.since?)));
        Ok(Account {
            placed: placed.collect(),
            version: item.version,
            saved: item.saved,
            matched: item.matched,
            next_order: item.next_order,
            voice_users,
            packing,
            rows,
            set_to_none,
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

    /// What is ours of these users; those of whom nothing is are absent.
    pub(super) async fn owned_of(
        &self,
        enterprise: &EnterpriseId,
        users: impl IntoIterator<Item = &TeamsUserId>,
    ) -> Result<Ownership> {
        let places: Vec<_> = users.into_iter().map(|user| keys::owned(enterprise, user)).collect();
        let found: Vec<OwnedItem> = self.get_many(&places).await?;
        Ok(found.into_iter().map(|item| (item.user, item.owned)).collect())
    }

    /// When a sync last put something in place for a user who has something of ours: the dial pad's clock (R144).
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn placed(&self, enterprise: &EnterpriseId, user: &TeamsUserId) -> Result<Option<Timestamp>> {
        let item: Option<OwnedItem> = self.get(&keys::owned(enterprise, user)).await?;
        Ok(item.and_then(|item| item.since))
    }

    /// Counts a change, so that readers and plans notice it.
    pub(super) fn account_moved(&self, enterprise: &EnterpriseId) -> Write<'_> {
        self.account_moved_with(enterprise, "next_order = if_not_exists(next_order, :zero)")
    }

    /// The same, with what else is set.
    pub(super) fn account_moved_with(&self, enterprise: &EnterpriseId, set: &str) -> Write<'_> {
        let counted = format!("SET version = if_not_exists(version, :zero) + :one, {set}");
        self.update(&keys::account(enterprise), &counted)
            .with(":zero", number(0))
            .with(":one", number(1))
    }
}
