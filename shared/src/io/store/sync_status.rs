//! The sync side of an enterprise, and the sparse index of those whose Global Admin has something to do.

use super::{Attributes, Outcome, Store, keys, text};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, RunId};
use crate::domain::licence::Usage;
use crate::domain::sync_status::{LastSync, Pending, SyncStatus};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
pub(super) struct StatusItem {
    version: u64,
    #[serde(default)]
    discovered: Option<Timestamp>,
    #[serde(default)]
    current: Option<RunId>,
    #[serde(default)]
    last_at: Option<Timestamp>,
    #[serde(default)]
    last: Option<LastSync>,
    #[serde(default)]
    pending: Option<Pending>,
    #[serde(default)]
    usage: Usage,
    #[serde(default)]
    automatic: Option<Timestamp>,
}

impl From<StatusItem> for SyncStatus {
    fn from(item: StatusItem) -> Self {
        Self {
            discovered: item.discovered,
            current: item.current,
            last: item.last_at.zip(item.last),
            pending: item.pending,
            usage: item.usage,
            automatic: item.automatic,
            version: item.version,
        }
    }
}

impl Store {
    /// The sync status; a new one where nothing has happened yet.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn sync_status(&self, enterprise: &EnterpriseId) -> Result<SyncStatus> {
        Ok(self
            .get::<StatusItem>(&keys::sync_status(enterprise))
            .await?
            .unwrap_or_default()
            .into())
    }

    /// The writes of a status that was read at `status.version`, for a transaction: itself, with its place in the
    /// index, and its part of the reseller's list. The first one carries the condition.
    pub(super) fn status_writes(&self, enterprise: &Enterprise, status: &SyncStatus) -> Result<Vec<TransactWriteItem>> {
        let item = StatusItem {
            version: status.version + 1,
            discovered: status.discovered,
            current: status.current.clone(),
            last_at: status.last.map(|(at, _)| at),
            last: status.last.map(|(_, how)| how),
            pending: status.pending,
            usage: status.usage.clone(),
            automatic: status.automatic,
        };
        let since = status
            .pending
            .map(|pending| pending.since)
            .or(status.last.map(|(at, _)| at));
        let index = since.filter(|_| status.needs_reminder());
        let id = &enterprise.id;
        let itself = self
            .put(&keys::sync_status(id), &item)?
            .and(keys::PENDING_SHARD, index.map(|_| text(keys::pending_shard(id))))
            .and(keys::PENDING_SINCE, index.map(|since| text(format!("{since}#{id}"))))
            .when_version(status.version);
        let listed = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(&item)
            .map_err(|error| Error::upstream("encode an item", error))?;
        Ok(vec![itself.build()?, self.listed_status(enterprise, listed)?])
    }

    /// Writes a status that was read at `status.version`.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn put_sync_status(&self, enterprise: &Enterprise, status: &SyncStatus) -> Result<()> {
        match self.transact(self.status_writes(enterprise, status)?).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the sync status")),
        }
    }

    /// Reads the status, changes it, writes it; again where somebody was faster.
    ///
    /// # Errors
    /// `Busy` when it does not hold still.
    pub async fn edit_sync_status(
        &self,
        enterprise: &Enterprise,
        edit: impl Fn(SyncStatus) -> SyncStatus,
    ) -> Result<SyncStatus> {
        for _ in 0..super::TRIES {
            let before = self.sync_status(&enterprise.id).await?;
            let after = edit(before.clone());
            if after == before {
                return Ok(before);
            }
            let mut writes = self.status_writes(enterprise, &after)?;
            // That something waits, or nothing any more, is told in the reseller's feed.
            if before.pending.is_some() != after.pending.is_some() {
                writes.push(self.roused(&enterprise.id, &format!("status {}", after.version + 1))?);
            }
            if self.transact(writes).await? == Outcome::Written {
                return Ok(SyncStatus {
                    version: after.version + 1,
                    ..after
                });
            }
        }
        Err(Error::Busy)
    }

    /// A page of the enterprises in one shard of the index, longest waiting first. A hint: whoever acts on it reads
    /// the enterprise itself.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn pending_enterprises(&self, shard: u8) -> Result<Vec<EnterpriseId>> {
        Ok(enterprises_of(self.indexed(&keys::shard(shard), None).await?))
    }

    /// Everything in one shard of the index, up to `until` where that is given, longest waiting first.
    pub(super) async fn indexed(&self, shard: &str, until: Option<&str>) -> Result<Vec<Attributes>> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let condition = match until {
                Some(_) => "pending_shard = :shard AND pending_since <= :until",
                None => "pending_shard = :shard",
            };
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(keys::PENDING_INDEX)
                .key_condition_expression(condition)
                .expression_attribute_values(":shard", text(shard))
                .set_exclusive_start_key(start);
            if let Some(until) = until {
                query = query.expression_attribute_values(":until", text(until));
            }
            let answer = query
                .send()
                .await
                .map_err(|error| Error::upstream("read the pending index", error))?;
            found.extend(answer.items.unwrap_or_default());
            match answer.last_evaluated_key {
                Some(next) => start = Some(next),
                None => return Ok(found),
            }
        }
    }
}

/// The enterprises that items of the index belong to.
pub(super) fn enterprises_of(items: Vec<Attributes>) -> Vec<EnterpriseId> {
    let partition = |item: Attributes| item.get(keys::PK).and_then(|pk| pk.as_s().ok().cloned());
    let ids = items.into_iter().filter_map(partition);
    ids.filter_map(|pk| pk.strip_prefix(keys::ENTERPRISE).and_then(|id| id.parse().ok()))
        .collect()
}
