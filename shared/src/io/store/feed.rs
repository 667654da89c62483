//! A reseller's feed: the entries of its enterprises' trails and of its own, in one order. Nobody who changes something writes
//! here. Whoever takes a trail gives its new entries the next places of the feed and notes, in the same transaction, how far the
//! trail is taken: so each is told once, and those of one enterprise in the order of its trail (decision 0032).
//!
//! The end of a trail stands in the pending index from the transaction of an entry until it is taken, so none is forgotten.

use super::audit::Last;
use super::{Outcome, Store, jitter, keys, number, text};
use crate::domain::audit::Deed;
use crate::domain::event::{Event, KEPT, Trail};
use crate::domain::ids::{AuditId, EventId, ResellerId};
use crate::domain::standing::RETENTION;
use crate::domain::sync_status::SyncStatus;
use crate::error::{Error, Result};
use crate::io::chance::Chance;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Entries that one transaction takes: DynamoDB has room for 100 writes, and a page of large entries ends at 1 MB.
const AT_ONCE: u16 = 40;
/// Turns at a trail. Each that is lost was somebody else's at the same feed.
const TURNS: u32 = 500;

#[derive(Serialize, Deserialize)]
struct EventItem {
    event: Event,
    /// The event before it: whoever comes from an earlier one has missed something.
    preceding: EventId,
}

#[derive(Serialize, Deserialize)]
struct Head {
    newest: EventId,
}

/// How far a trail is taken.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    place: AuditId,
    /// Whether it was told last that changes wait for a sync.
    waits: bool,
}

/// A part of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Where to go on.
    pub cursor: EventId,
    /// There are more already.
    pub more: bool,
}

impl Trail {
    fn partition(&self) -> String {
        match self {
            Self::Enterprise(enterprise) => keys::enterprise_audit(enterprise),
            Self::Reseller(reseller) => keys::reseller_audit(reseller),
        }
    }

    /// The trail that a partition of the table is, if it is one.
    #[must_use]
    pub fn in_partition(pk: &str) -> Option<Self> {
        let owner = pk.strip_suffix(keys::TRAIL).unwrap_or(pk);
        match owner.strip_prefix(keys::ENTERPRISE) {
            Some(enterprise) => enterprise.parse().ok().map(Self::Enterprise),
            None => owner.strip_prefix("RESELLER#")?.parse().ok().map(Self::Reseller),
        }
    }
}

impl Store {
    /// Takes what is new in a trail into the feed of `reseller`; gives how many events that made.
    ///
    /// # Errors
    /// `Busy` when the feed does not hold still; whoever comes next goes on.
    pub async fn take_trail(&self, trail: &Trail, reseller: &ResellerId, now: Timestamp) -> Result<usize> {
        let (pk, mut told) = (trail.partition(), 0);
        for _ in 0..TURNS {
            // In this order: what comes after a read is found by the next turn, or by whoever is called for it.
            let last: Option<Last> = self.get(&keys::last_audit(&pk)).await?;
            let status = match trail {
                Trail::Enterprise(enterprise) => self.sync_status(enterprise).await?,
                Trail::Reseller(_) => SyncStatus::default(),
            };
            match self.turn(trail, &pk, reseller, &status, now).await? {
                Turn::Lost => jitter(0).await,
                Turn::Took(events) => told += events,
                Turn::Nothing(place) => {
                    self.trail_taken(&pk, &place, last).await?;
                    return Ok(told);
                }
            }
        }
        Err(Error::Busy)
    }

    async fn turn(
        &self,
        trail: &Trail,
        pk: &str,
        reseller: &ResellerId,
        status: &SyncStatus,
        now: Timestamp,
    ) -> Result<Turn> {
        let (key, end) = (keys::taken(reseller, pk), keys::feed_head(reseller));
        let (known, head): (Option<Taken>, Option<Head>) = futures::try_join!(self.get(&key), self.get(&end))?;
        let before = known.clone().unwrap_or_else(|| Taken {
            // What is older than the feed keeps is told to nobody.
            place: AuditId::mint(now - KEPT, 0),
            waits: false,
        });
        let (entries, to, more) = self.changes(pk, &before.place, AT_ONCE).await?;
        let waits = match trail {
            // Entries come first: what waits is what they led to.
            Trail::Enterprise(_) if !more => status.pending.is_some(),
            Trail::Enterprise(_) | Trail::Reseller(_) => before.waits,
        };
        let after = Taken { place: to, waits };
        if entries.is_empty() && after == before {
            return Ok(Turn::Nothing(before.place));
        }
        let first = head.as_ref().map_or_else(EventId::first, |head| head.newest.clone());
        let minted = EventId::mint(now, Chance.bits());
        let mut place = first.clone();
        let mut events = Vec::new();
        let next = |place: &EventId| {
            if *place < minted {
                minted.clone()
            } else {
                place.following()
            }
        };
        for entry in &entries {
            if let Some(event) = Event::of(entry, trail, reseller, next(&place)) {
                let preceding = std::mem::replace(&mut place, event.id.clone());
                events.push(EventItem { event, preceding });
            }
        }
        if let (Trail::Enterprise(enterprise), true) = (trail, waits != before.waits) {
            let users = status.pending.map(|pending| pending.users);
            let at = status.pending.map(|pending| pending.since);
            let at = at.or(status.last.map(|(at, _)| at)).unwrap_or(now);
            let event = Event::pending(enterprise, reseller, users, at, next(&place));
            let preceding = std::mem::replace(&mut place, event.id.clone());
            events.push(EventItem { event, preceding });
        }
        let removed = entries.iter().any(|entry| entry.deed == Deed::Removed);
        let set = if removed {
            "SET place = :place, waits = :waits, expires = :expires"
        } else {
            "SET place = :place, waits = :waits"
        };
        let mut taken = self
            .update(&key, set)
            .with(":place", text(after.place.as_str()))
            .with(":waits", AttributeValue::Bool(after.waits));
        if removed {
            // After its data, so that nothing of it is told a second time.
            taken = taken.with(":expires", number((now + RETENTION + KEPT).as_second()));
        }
        let taken = match &known {
            Some(known) => taken
                .when("place = :known AND waits = :waited")
                .with(":known", text(known.place.as_str()))
                .with(":waited", AttributeValue::Bool(known.waits)),
            None => taken.when_absent(),
        };
        let mut writes = vec![taken.build()?];
        for item in &events {
            let put = self.put(&keys::event(reseller, &item.event.id), item)?;
            writes.push(put.until(now + KEPT).when_absent().build()?);
        }
        if !events.is_empty() {
            let keep = self.update(&end, "SET newest = :newest");
            let keep = keep.with(":newest", text(place.as_str()));
            writes.push(match &head {
                Some(_) => keep
                    .when("newest = :known")
                    .with(":known", text(first.as_str()))
                    .build()?,
                None => keep.when_absent().build()?,
            });
            writes.push(self.due_now(reseller, now, place.as_str())?);
        }
        match self.transact(writes).await {
            Ok(Outcome::Written) => Ok(Turn::Took(events.len())),
            Ok(Outcome::Failed(_)) | Err(Error::Busy) => Ok(Turn::Lost),
            Err(error) => Err(error),
        }
    }

    /// The trail is taken up to `place`: it leaves the index, unless there is something new since `last` was read.
    async fn trail_taken(&self, pk: &str, place: &AuditId, last: Option<Last>) -> Result<()> {
        let Some((Some(newest), Some(since))) = last.map(|last| (last.newest, last.pending_since)) else {
            return Ok(());
        };
        if newest > *place {
            return Ok(());
        }
        let settled = self
            .update(&keys::last_audit(pk), "REMOVE pending_shard, pending_since")
            .when("newest = :newest AND pending_since = :since")
            .with(":newest", text(newest.as_str()))
            .with(":since", text(since));
        self.write(settled).await.map(drop)
    }

    /// The trails of one shard that feeds have not taken to their end. A hint: whoever acts on it reads the trail itself.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn waiting_trails(&self, shard: u8) -> Result<Vec<Trail>> {
        let items = self.indexed(&keys::trail_shard_named(shard), None).await?;
        let partition = |item: &super::Attributes| Trail::in_partition(item.get(keys::PK)?.as_s().ok()?);
        Ok(items.iter().filter_map(partition).collect())
    }

    /// A part of a feed after the event `after`, or from the oldest one that is kept. Nobody who goes on from its cursor misses
    /// an event or sees one twice.
    ///
    /// # Errors
    /// `Gone` where events after `after` are no longer kept.
    pub async fn events(
        &self,
        reseller: &ResellerId,
        after: Option<&EventId>,
        limit: u16,
        now: Timestamp,
    ) -> Result<EventPage> {
        let begins = EventId::first();
        // A cursor from before there was anything is a beginning, too.
        let after = after.filter(|after| **after != begins);
        // First the newest place: everything up to there is written by now.
        let newest = self.newest_event(reseller).await?;
        let from = after.cloned().unwrap_or_else(|| begins.clone());
        if newest <= from {
            return Ok(EventPage {
                events: Vec::new(),
                cursor: from,
                more: false,
            });
        }
        // What has ended is gone, whether DynamoDB has deleted it or not.
        let start = from.clone().max(EventId::mint(now - KEPT, 0));
        let (mut items, next) = self
            .page::<EventItem>(
                &keys::feed(reseller),
                keys::EVENT,
                Some(keys::event(reseller, &start).sk),
                Some(i32::from(limit)),
                true,
            )
            .await?;
        let missed = items.first().map_or(&newest, |first| &first.preceding);
        if after.is_some_and(|after| missed > after) {
            let why = "events after this cursor are no longer kept; read what you show anew, and begin without `after`";
            return Err(Error::Gone(why.into()));
        }
        let cursor = match (next, items.last()) {
            (Some(_), Some(last)) if last.event.id < newest => last.event.id.clone(),
            _ => newest.clone(),
        };
        items.retain(|item| item.event.id <= cursor);
        Ok(EventPage {
            events: items.into_iter().map(|item| item.event).collect(),
            more: cursor < newest,
            cursor,
        })
    }

    /// The place of the newest event of a feed.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn newest_event(&self, reseller: &ResellerId) -> Result<EventId> {
        let head: Option<Head> = self.get(&keys::feed_head(reseller)).await?;
        Ok(head.map_or_else(EventId::first, |head| head.newest))
    }
}

/// How a turn at a trail ended.
enum Turn {
    /// So many events are in the feed.
    Took(usize),
    /// Somebody else was faster.
    Lost,
    /// The trail is taken up to here.
    Nothing(AuditId),
}
