//! The audit trail of an enterprise or a reseller: written with each change, never changed, read newest first. It is read oldest
//! first as well, by those who follow its changes and for the reseller's feed.
//!
//! Entries carry the time of the request that made them, and requests end in another order than they began, on machines whose
//! clocks differ. Somebody who follows must not miss what was written late with an early time. So each trail has an item that
//! names its newest entry; whoever writes an entry moves it in the same transaction, and an entry whose own id is not later
//! gets the one that follows. Ids of a trail therefore rise in the order of the transactions.

use super::{Attributes, Store, keys, text};
use crate::domain::audit::Entry;
use crate::domain::ids::{AuditId, EnterpriseId, ResellerId};
use crate::domain::once::Once;
use crate::error::Result;
use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

/// Tries for a transaction whose entry finds its place taken. Each time somebody else's was written, so that among twelve who
/// write at once one in a hundred million gives up.
pub(super) const TRIES: u32 = 200;

/// The end of a trail. It stands in the pending index while the feed has not taken the trail up to it.
#[derive(Serialize, Deserialize)]
pub(super) struct Last {
    #[serde(default)]
    pub(super) newest: Option<AuditId>,
    /// Another one each time that there is something new besides entries.
    #[serde(default)]
    pub(super) pending_since: Option<String>,
}

/// An entry whose place in its trail is to be kept, among the writes of a transaction. A reseller's trail repeats which
/// enterprises came and went; the entry that counts stands in the trail of the enterprise.
pub(super) struct EntryWrite {
    at: usize,
    trail: String,
    id: AuditId,
}

impl EntryWrite {
    pub(super) fn among(writes: &[TransactWriteItem]) -> Option<Self> {
        let entry = |(at, write): (usize, &TransactWriteItem)| {
            let item = write.put()?.item();
            let kept = |pk: &String| pk.starts_with(keys::ENTERPRISE) || pk.starts_with("RESELLER#");
            let trail = read(item, keys::PK).filter(|pk| pk.ends_with(keys::TRAIL) && kept(pk))?;
            let id = read(item, keys::SK)?.strip_prefix(keys::AUDIT)?.parse().ok()?;
            Some(Self {
                at,
                trail: trail.clone(),
                id,
            })
        };
        let mut found: Vec<Self> = writes.iter().enumerate().filter_map(entry).collect();
        let own = found.iter().position(|entry| entry.trail.starts_with(keys::ENTERPRISE));
        own.map(|at| found.swap_remove(at)).or_else(|| found.pop())
    }
}

fn read<'a>(item: &'a Attributes, name: &str) -> Option<&'a String> {
    item.get(name)?.as_s().ok()
}

/// The place of an entry in its trail, as it was tried: where in the transaction what stands.
pub(super) struct Given {
    entry: usize,
    place: usize,
    /// The check that no entry has the id that this one came with, where it was given another.
    first: Option<usize>,
}

impl Given {
    /// Leaves of the failed conditions what the caller asked for. Where the place was taken, so was the id that went with
    /// it: whether the entry can be written shows at the next place.
    pub(super) fn explain(&self, failed: &mut Vec<usize>) {
        if failed.contains(&self.place) {
            failed.retain(|at| ![Some(self.place), Some(self.entry), self.first].contains(&Some(*at)));
        }
        for at in failed.iter_mut().filter(|at| Some(**at) == self.first) {
            *at = self.entry;
        }
    }
}

impl Store {
    /// The write of an enterprise's entry, for the transaction of its change.
    pub(super) fn audited(&self, enterprise: &EnterpriseId, entry: &Entry) -> Result<TransactWriteItem> {
        self.entry(&keys::enterprise_audit(enterprise), entry)
    }

    /// The same of a reseller.
    pub(super) fn reseller_audited(&self, reseller: &ResellerId, entry: &Entry) -> Result<TransactWriteItem> {
        self.entry(&keys::reseller_audit(reseller), entry)
    }

    /// The same of what concerns all resellers.
    pub(super) fn service_audited(&self, entry: &Entry) -> Result<TransactWriteItem> {
        self.entry(keys::SERVICE_AUDIT, entry)
    }

    fn entry(&self, trail: &str, entry: &Entry) -> Result<TransactWriteItem> {
        self.put(&keys::audit(trail, &entry.id), entry)?.when_absent().build()
    }

    /// The writes with the entry in its place, and the writes that keep the place.
    pub(super) async fn in_order(
        &self,
        writes: &[TransactWriteItem],
        entry: &EntryWrite,
    ) -> Result<(Vec<TransactWriteItem>, Option<Given>)> {
        let EntryWrite { at, trail, id } = entry;
        let mut writes = writes.to_vec();
        let key = keys::last_audit(trail);
        let known: Option<Last> = self.get(&key).await?;
        let known = known.and_then(|last| last.newest);
        let last = match &known {
            Some(known) => Some(known.clone()),
            None => self.trail(trail, None, 1).await?.0.pop().map(|newest| newest.id),
        };
        let place = match &last {
            Some(last) if id <= last => last.following(),
            _ => id.clone(),
        };
        let mut given = Given {
            entry: *at,
            place: writes.len(),
            first: None,
        };
        // An update leaves the end of a removed enterprise's data as it is. From here on the feed has something to take.
        let set = "SET newest = :place, pending_shard = :shard, pending_since = if_not_exists(pending_since, :since)";
        let keep = self
            .update(&key, set)
            .with(":place", text(place.as_str()))
            .with(":shard", text(keys::trail_shard(trail)))
            .with(":since", text(place.as_str()));
        let keep = match &known {
            Some(known) => keep.when("newest = :known").with(":known", text(known.as_str())),
            None => keep.when("attribute_not_exists(newest)"),
        };
        writes.push(keep.build()?);
        if place != *id {
            given.first = Some(writes.len());
            let free = self.check(&keys::audit(trail, id), "attribute_not_exists(pk)");
            writes.push(free.build()?);
            if let Some(put) = &mut writes[*at].put {
                put.item.insert("id".into(), text(place.as_str()));
                put.item.insert(keys::SK.into(), text(keys::audit(trail, &place).sk));
            }
        }
        Ok((writes, Some(given)))
    }

    /// A page of an enterprise's trail in the order in which it was written, after the place `after`: the entries, the place
    /// to go on from, and whether there are more already. Nobody who goes on from there misses an entry or sees one twice.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn enterprise_changes(
        &self,
        enterprise: &EnterpriseId,
        after: &AuditId,
        limit: u16,
    ) -> Result<(Vec<Entry>, AuditId, bool)> {
        self.changes(&keys::enterprise_audit(enterprise), after, limit).await
    }

    /// The same of any trail.
    pub(super) async fn changes(
        &self,
        trail: &str,
        after: &AuditId,
        limit: u16,
    ) -> Result<(Vec<Entry>, AuditId, bool)> {
        // First the newest place: everything up to there is written by now, whatever comes while the page is read.
        let newest = self.newest_of(trail).await?;
        if newest <= *after {
            return Ok((Vec::new(), after.clone(), false));
        }
        let from = Some(keys::audit(trail, after).sk);
        let (mut entries, next) = self
            .page::<Entry>(trail, keys::AUDIT, from, Some(i32::from(limit)), true)
            .await?;
        let to = match (next, entries.last()) {
            (Some(_), Some(last)) if last.id < newest => last.id.clone(),
            _ => newest.clone(),
        };
        entries.retain(|entry| entry.id <= to);
        let more = to < newest;
        Ok((entries, to, more))
    }

    /// The place of the newest entry of an enterprise.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn newest(&self, enterprise: &EnterpriseId) -> Result<AuditId> {
        self.newest_of(&keys::enterprise_audit(enterprise)).await
    }

    async fn newest_of(&self, trail: &str) -> Result<AuditId> {
        let known: Option<Last> = self.get(&keys::last_audit(trail)).await?;
        let newest = match known.and_then(|last| last.newest) {
            Some(newest) => Some(newest),
            None => self.trail(trail, None, 1).await?.0.pop().map(|newest| newest.id),
        };
        Ok(newest.unwrap_or_else(AuditId::first))
    }

    /// The write that has the feed look at an enterprise again, for a transaction that changes something besides its entries.
    /// `what` is another text each time.
    pub(super) fn roused(&self, enterprise: &EnterpriseId, what: &str) -> Result<TransactWriteItem> {
        let trail = keys::enterprise_audit(enterprise);
        self.update(
            &keys::last_audit(&trail),
            "SET pending_shard = :shard, pending_since = :since",
        )
        .with(":shard", text(keys::trail_shard(&trail)))
        .with(":since", text(what))
        .build()
    }

    /// Writes an entry in a reseller's trail of something that changes nothing else, once for a request.
    ///
    /// # Errors
    /// `KeyReused`.
    pub async fn note_of_reseller(&self, reseller: &ResellerId, entry: &Entry, once: &Once) -> Result<()> {
        let writes = vec![self.reseller_audited(reseller, entry)?];
        self.create_once(writes, once, entry.id.as_str(), entry.at)
            .await
            .map(drop)
    }

    /// Writes an entry of something that changes nothing in the table, once for a request.
    ///
    /// # Errors
    /// `KeyReused`.
    pub async fn note(&self, enterprise: &EnterpriseId, entry: &Entry, once: &Once) -> Result<()> {
        let writes = vec![self.audited(enterprise, entry)?];
        self.create_once(writes, once, entry.id.as_str(), entry.at)
            .await
            .map(drop)
    }

    /// A page of an enterprise's trail, newest first, after the entry `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn enterprise_trail(
        &self,
        enterprise: &EnterpriseId,
        after: Option<&AuditId>,
        limit: u16,
    ) -> Result<(Vec<Entry>, Option<AuditId>)> {
        self.trail(&keys::enterprise_audit(enterprise), after, limit).await
    }

    /// A page of a reseller's trail, newest first, after the entry `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn reseller_trail(
        &self,
        reseller: &ResellerId,
        after: Option<&AuditId>,
        limit: u16,
    ) -> Result<(Vec<Entry>, Option<AuditId>)> {
        self.trail(&keys::reseller_audit(reseller), after, limit).await
    }

    pub(super) async fn trail(
        &self,
        trail: &str,
        after: Option<&AuditId>,
        limit: u16,
    ) -> Result<(Vec<Entry>, Option<AuditId>)> {
        let after = after.map(|entry| keys::audit(trail, entry).sk);
        let (entries, next) = self
            .page::<Entry>(trail, keys::AUDIT, after, Some(i32::from(limit)), false)
            .await?;
        let next = next.and_then(|_| entries.last().map(|entry| entry.id.clone()));
        Ok((entries, next))
    }
}
