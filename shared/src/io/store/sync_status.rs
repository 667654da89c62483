//! The sync side of an enterprise, and the sparse index of those whose Global Admin has something to do.

use super::{Store, Write, keys, text};
use crate::domain::ids::{EnterpriseId, RunId};
use crate::domain::sync_status::{LastSync, Pending, SyncStatus};
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct StatusItem {
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
}

#[derive(Deserialize)]
struct Indexed {
    pk: String,
}

impl From<StatusItem> for SyncStatus {
    fn from(item: StatusItem) -> Self {
        Self {
            discovered: item.discovered,
            current: item.current,
            last: item.last_at.zip(item.last),
            pending: item.pending,
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

    /// The write of a status that was read at `status.version`, for a transaction. It keeps the index in step.
    pub(super) fn status_write(&self, enterprise: &EnterpriseId, status: &SyncStatus) -> Result<Write<'_>> {
        let item = StatusItem {
            version: status.version + 1,
            discovered: status.discovered,
            current: status.current.clone(),
            last_at: status.last.map(|(at, _)| at),
            last: status.last.map(|(_, how)| how),
            pending: status.pending,
        };
        let since = status
            .pending
            .map(|pending| pending.since)
            .or(status.last.map(|(at, _)| at));
        let index = since.filter(|_| status.needs_reminder());
        Ok(self
            .put(&keys::sync_status(enterprise), &item)?
            .and(
                keys::PENDING_SHARD,
                index.map(|_| text(keys::pending_shard(enterprise))),
            )
            .and(
                keys::PENDING_SINCE,
                index.map(|since| text(format!("{since}#{enterprise}"))),
            )
            .when_version(status.version))
    }

    /// Writes a status that was read at `status.version`.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn put_sync_status(&self, enterprise: &EnterpriseId, status: &SyncStatus) -> Result<()> {
        let write = self.status_write(enterprise, status)?;
        if self.write(write).await? {
            Ok(())
        } else {
            Err(Error::Stale("the sync status"))
        }
    }

    /// Reads the status, changes it, writes it; again where somebody was faster.
    ///
    /// # Errors
    /// `Busy` when it does not hold still.
    pub async fn edit_sync_status(
        &self,
        enterprise: &EnterpriseId,
        edit: impl Fn(SyncStatus) -> SyncStatus,
    ) -> Result<SyncStatus> {
        for _ in 0..super::TRIES {
            let before = self.sync_status(enterprise).await?;
            let after = edit(before.clone());
            if after == before {
                return Ok(before);
            }
            match self.put_sync_status(enterprise, &after).await {
                Ok(()) => {
                    return Ok(SyncStatus {
                        version: after.version + 1,
                        ..after
                    });
                }
                Err(Error::Stale(_)) => {}
                Err(error) => return Err(error),
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
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(keys::PENDING_INDEX)
                .key_condition_expression("pending_shard = :shard")
                .expression_attribute_values(":shard", text(keys::shard(shard)))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| Error::upstream("read the pending index", error))?;
            for item in answer.items.unwrap_or_default() {
                let indexed: Indexed = super::decoded(item)?;
                found.extend(indexed.pk.strip_prefix(keys::ENTERPRISE).and_then(|id| id.parse().ok()));
            }
            match answer.last_evaluated_key {
                Some(next) => start = Some(next),
                None => return Ok(found),
            }
        }
    }
}
