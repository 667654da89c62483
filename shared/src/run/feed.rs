//! Takes what was noted in audit trails into the feeds of their resellers, and has it sent to their webhooks. Called by the table's
//! stream moments after a change, and every minute for whatever that has missed: both only say where to look.

use crate::domain::event::Trail;
use crate::domain::ids::ResellerId;
use crate::domain::webhook::Switch;
use crate::error::{Chain, Error, Result};
use crate::io::Io;
use crate::io::store::keys::PENDING_SHARDS;
use futures::StreamExt;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Feeds that are written at a time. Trails of one feed come one after the other: they would only lose turns to each other.
const FEEDS_AT_ONCE: usize = 8;

/// What came of a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Trails that were looked at.
    pub trails: usize,
    /// Events that are in the feeds now.
    pub events: usize,
    /// Resellers whose webhooks are sent to.
    pub called: usize,
    /// Trails and resellers that could not be done with; they stay where the next look finds them.
    pub failed: usize,
}

/// The trail that has to be looked at after an item of this partition changed: of an enterprise or a reseller.
#[must_use]
pub fn trail(partition: &str) -> Option<Trail> {
    Trail::in_partition(partition)
}

/// Takes these trails, and calls for deliveries of what that made.
///
/// # Errors
/// `Upstream`, once everything else is done: the caller hands them in again.
pub async fn take(io: &Io, trails: BTreeSet<Trail>, now: Timestamp) -> Result<Looked> {
    let mut looked = Looked {
        trails: trails.len(),
        ..Looked::default()
    };
    let mut feeds: BTreeMap<ResellerId, Vec<Trail>> = BTreeMap::new();
    for trail in trails {
        let reseller = match &trail {
            Trail::Reseller(reseller) => Ok(reseller.clone()),
            Trail::Enterprise(enterprise) => io.store.enterprise(enterprise).await.map(|kept| kept.reseller),
        };
        match reseller {
            Ok(reseller) => feeds.entry(reseller).or_default().push(trail),
            // Its data has ended.
            Err(Error::NotFound(_)) => {}
            Err(error) => looked.failed += failed(&error, &format!("{trail:?}")),
        }
    }
    let taken = futures::stream::iter(feeds).map(|(reseller, trails)| async move {
        let (mut events, mut failures) = (0, 0);
        for trail in trails {
            match io.store.take_trail(&trail, &reseller, now).await {
                Ok(told) => events += told,
                Err(error) => failures += failed(&error, &format!("{trail:?}")),
            }
        }
        (reseller, events, failures)
    });
    let taken: Vec<_> = taken.buffer_unordered(FEEDS_AT_ONCE).collect().await;
    for (reseller, events, failures) in taken {
        looked.events += events;
        looked.failed += failures;
        if events > 0 {
            looked = call(io, &reseller, looked).await;
        }
    }
    Ok(looked)
}

/// The look of every minute: trails that wait, and webhooks whose next try is due.
///
/// # Errors
/// `Upstream` where the index cannot be read.
pub async fn look(io: &Io, now: Timestamp) -> Result<Looked> {
    let mut trails = BTreeSet::new();
    for shard in 0..PENDING_SHARDS {
        trails.extend(io.store.waiting_trails(shard).await?);
    }
    let mut looked = take(io, trails, now).await?;
    // Those that were called for just now are due as well until they are done: they find the turn taken.
    for shard in 0..PENDING_SHARDS {
        for due in io.store.due_resellers(shard, now).await? {
            looked = call(io, &due.reseller, looked).await;
        }
    }
    Ok(looked)
}

async fn call(io: &Io, reseller: &ResellerId, looked: Looked) -> Looked {
    match called(io, reseller).await {
        Ok(true) => Looked {
            called: looked.called + 1,
            ..looked
        },
        Ok(false) => looked,
        Err(error) => Looked {
            failed: looked.failed + failed(&error, reseller.as_str()),
            ..looked
        },
    }
}

/// `false` for a reseller without a webhook in use: nothing is due there.
async fn called(io: &Io, reseller: &ResellerId) -> Result<bool> {
    let due = io.store.due(reseller).await?;
    let webhooks = io.store.webhooks(reseller).await?;
    if webhooks.iter().any(|kept| kept.webhook.state == Switch::On) {
        io.courier.call(reseller).await?;
        return Ok(true);
    }
    if let Some(due) = due {
        io.store.due_later(&due, None).await?;
    }
    Ok(false)
}

fn failed(error: &Error, whose: &str) -> usize {
    tracing::error!(feed.of = whose, error.message = %Chain(error), "events wait for the next look");
    1
}
