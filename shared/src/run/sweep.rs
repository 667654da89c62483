//! The daily sweep: heals what is out of step between the table and the schedules, in both directions, ends trials, nudges
//! those who were invited, and sends what was left.

use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseId;
use crate::error::{Chain, Error, Result};
use crate::io::Io;
use crate::io::store::keys::PENDING_SHARDS;
use crate::run::{account, nudge, post, remind};
use futures::future;
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Enterprises that wait for their Global Admin.
    pub pending: usize,
    /// Schedules that nobody needed any more.
    pub orphans: usize,
    /// Mails about invitations that nobody has accepted.
    pub nudges: usize,
    /// Enterprises whose trial is over; what that changes waits for a sync.
    pub trials_over: usize,
    /// Mails that had been left waiting and are sent now.
    pub mails: usize,
    /// What could not be seen to; it is tried again tomorrow.
    pub failed: usize,
}

/// A clock that differs by more than this from the one that planned the sweep is wrong.
const SKEW: SignedDuration = SignedDuration::from_hours(2);

/// So many enterprises are seen to at once.
const AT_ONCE: usize = 16;

/// How much of it one call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything, as whoever calls by hand wants it.
    All,
    /// The shards of the index each by a call of its own, the rest by this one: a call has five minutes.
    Spread,
    /// One shard.
    Shard(u8),
}

/// Once a day: every enterprise in the pending index has its schedule and no other has one, days that were missed are noted,
/// ended trials have their consequences, and mails that were left are sent. One failure does not stop the others.
///
/// # Errors
/// `Upstream` where the index or the schedules cannot be read, and where our clock is not that of EventBridge, which was to
/// begin at `scheduled`: days would be mistaken for others.
pub async fn sweep(io: &Io, part: Part, scheduled: Option<Timestamp>) -> Result<Swept> {
    let off = scheduled.is_some_and(|scheduled| scheduled.duration_until(io.clock.now()).abs() > SKEW);
    if off {
        return Err(Error::upstream("sweep", "the clock differs from that of the schedule"));
    }
    let mut swept = Swept::default();
    match part {
        Part::Shard(one) => {
            shard(io, one, &mut swept).await?;
            return Ok(swept);
        }
        Part::All => {
            for one in 0..PENDING_SHARDS {
                shard(io, one, &mut swept).await?;
            }
        }
        Part::Spread => {
            for one in 0..PENDING_SHARDS {
                io.courier.sweep(one, scheduled).await?;
            }
        }
    }
    orphans(io, &mut swept).await?;
    let mails = post::sweep(io).await?;
    swept.mails = mails.sent;
    swept.failed += mails.failed;
    Ok(swept)
}

async fn shard(io: &Io, shard: u8, swept: &mut Swept) -> Result<()> {
    let pending = io.store.pending_enterprises(shard).await?;
    swept.pending += pending.len();
    let healed = stream::iter(pending).map(|enterprise| async move {
        let healed = remind::heal(io, &enterprise, io.clock.now()).await;
        failure("the reminder's schedule", &enterprise, healed)
    });
    swept.failed += healed
        .buffer_unordered(AT_ONCE)
        .fold(0, |all, failed| future::ready(all + failed))
        .await;
    for (enterprise, invitation) in io.store.invitations_due(shard, io.clock.now()).await? {
        match nudge::see_to(io, &enterprise, &invitation, io.clock.now()).await {
            Ok(written) => swept.nudges += usize::from(written),
            failed => swept.failed += failure("an invitation", &enterprise, failed.map(drop)),
        }
    }
    for enterprise in io.store.trials_over(shard, io.clock.now()).await? {
        swept.trials_over += 1;
        swept.failed += failure("the end of a trial", &enterprise, trial_over(io, &enterprise).await);
    }
    Ok(())
}

fn failure(what: &str, enterprise: &EnterpriseId, done: Result<()>) -> usize {
    match done {
        Ok(()) => 0,
        Err(error) => {
            tracing::error!(enterprise.id = %enterprise, error.message = %Chain(&error), "{what} could not be seen to");
            1
        }
    }
}

/// Schedules of enterprises that do not wait: each is looked at, since the index is a little behind.
async fn orphans(io: &Io, swept: &mut Swept) -> Result<()> {
    let mut pending = BTreeSet::new();
    for shard in 0..PENDING_SHARDS {
        pending.extend(io.store.pending_enterprises(shard).await?);
    }
    let mut from = None;
    loop {
        let (page, next) = io.scheduler.scheduled(from).await?;
        for enterprise in page.iter().filter(|id| !pending.contains(*id)) {
            match unneeded(io, enterprise).await {
                Ok(removed) => swept.orphans += usize::from(removed),
                failed => swept.failed += failure("a schedule", enterprise, failed.map(drop)),
            }
        }
        match next {
            Some(next) => from = Some(next),
            None => return Ok(()),
        }
    }
}

async fn unneeded(io: &Io, enterprise: &EnterpriseId) -> Result<bool> {
    let kept = match io.store.enterprise(enterprise).await {
        Err(Error::NotFound(_)) => {
            io.scheduler.remove(enterprise).await?;
            return Ok(true);
        }
        kept => kept?,
    };
    let status = io.store.sync_status(enterprise).await?;
    remind::keep_schedule(io, &kept, &status).await?;
    Ok(!status.needs_reminder())
}

/// The licences of a trial go away with it (R029): what is mapped has to be taken back by a sync.
async fn trial_over(io: &Io, enterprise: &EnterpriseId) -> Result<()> {
    let kept: Enterprise = io.store.enterprise(enterprise).await?;
    account::refresh_pending(io, &kept, io.clock.now()).await.map(drop)
}
