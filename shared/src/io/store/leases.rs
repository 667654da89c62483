//! The lease of an enterprise: only its holder may write for a run. Fenced by a number that only grows.

use super::{Outcome, Store, Write, keys, number, text};
use crate::domain::audit::Entry;
use crate::domain::ids::{EnterpriseId, RunId};
use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// How long a lease lasts without being renewed: longer than any single call, shorter than a person's patience.
pub const LEASE_LIFE: SignedDuration = SignedDuration::from_mins(2);

#[derive(Deserialize)]
struct LeaseItem {
    fence: u64,
    ends: i64,
    /// The run that somebody wants stopped. It stays when the lease changes hands, and concerns no later run.
    #[serde(default)]
    cancel: Option<RunId>,
}

/// Proof that this worker may write for the enterprise; checked again with every write that relies on it.
#[derive(Debug)]
pub struct Lease {
    /// Whose.
    pub enterprise: EnterpriseId,
    /// The holder before did not give it back: it was killed, and may have done something without noting it.
    pub taken_over: bool,
    holder: String,
    fence: u64,
    run: Option<RunId>,
}

impl Lease {
    /// For the worker of one run: keeping the lease fails with `Cancelled` from the moment somebody wants the run stopped.
    #[must_use]
    pub fn of_run(self, run: &RunId) -> Self {
        Self {
            run: Some(run.clone()),
            ..self
        }
    }

    /// A number that only grows: whoever takes the lease later has a higher one.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }
}

impl Store {
    /// Takes the lease if it is free, expired, or already this holder's.
    ///
    /// # Errors
    /// `Busy` while somebody else holds it.
    pub async fn lease(&self, enterprise: &EnterpriseId, holder: &str, now: Timestamp) -> Result<Lease> {
        let key = keys::lease(enterprise);
        let seen: Option<LeaseItem> = self.get(&key).await?;
        let taken_over = seen.as_ref().is_some_and(|seen| seen.ends != 0);
        let fence = seen.map_or(0, |seen| seen.fence) + 1;
        let write = self
            .update(&key, "SET holder = :holder, fence = :fence, ends = :ends")
            .with(":fence", number(fence))
            .with(":ends", number((now + LEASE_LIFE).as_millisecond()))
            .when("(attribute_not_exists(pk) OR ends <= :now OR holder = :holder) AND (attribute_not_exists(fence) OR fence = :before)")
            .with(":now", number(now.as_millisecond()))
            .with(":holder", text(holder))
            .with(":before", number(fence - 1));
        if self.write(write).await? {
            Ok(Lease {
                enterprise: enterprise.clone(),
                taken_over,
                holder: holder.to_owned(),
                fence,
                run: None,
            })
        } else {
            Err(Error::Busy)
        }
    }

    /// Keeps the lease for another while. A worker does so between any two things it does, so this is where it learns that
    /// its run is to stop.
    ///
    /// # Errors
    /// `Busy` if somebody has taken it over, `Cancelled` where the run that it is for is to stop; it is still held then.
    pub async fn renew(&self, lease: &Lease, now: Timestamp) -> Result<()> {
        let key = keys::lease(&lease.enterprise);
        let mut write = self
            .update(&key, "SET ends = :ends")
            .when("fence = :fence")
            .with(":ends", number((now + LEASE_LIFE).as_millisecond()))
            .with(":fence", number(lease.fence));
        if let Some(run) = &lease.run {
            write = write
                .and_when("(attribute_not_exists(cancel) OR cancel <> :run)")
                .with(":run", text(run.as_str()));
        }
        if self.write(write).await? {
            return Ok(());
        }
        let seen: Option<LeaseItem> = self.get(&key).await?;
        match seen {
            Some(seen) if seen.fence == lease.fence && seen.cancel.is_some() && seen.cancel == lease.run => {
                Err(Error::Cancelled)
            }
            Some(_) | None => Err(Error::Busy),
        }
    }

    /// Asks the worker of a run to stop, with the entry of who wants that; `false` where the run has ended, or no worker
    /// has begun with it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn cancel(&self, enterprise: &EnterpriseId, run: &RunId, entry: &Entry) -> Result<bool> {
        let writes = vec![
            self.update(&keys::lease(enterprise), "SET cancel = :run")
                .when("attribute_exists(fence)")
                .with(":run", text(run.as_str()))
                .build()?,
            self.under_way(enterprise, run).build()?,
            self.audited(enterprise, entry)?,
        ];
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// Gives the lease back, so that nobody has to wait for its end. The fence stays, so it goes on growing.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn release(&self, lease: Lease) -> Result<()> {
        let write = self
            .update(&keys::lease(&lease.enterprise), "SET ends = :ended")
            .when("fence = :fence AND holder = :holder")
            .with(":ended", number(0))
            .with(":holder", text(lease.holder))
            .with(":fence", number(lease.fence));
        self.write(write).await.map(drop)
    }

    /// The condition that ties a write to a lease: an old worker's writes fail from the moment a new one took over.
    pub(super) fn fenced(&self, lease: &Lease) -> Write<'_> {
        self.check(&keys::lease(&lease.enterprise), "fence = :fence")
            .with(":fence", number(lease.fence))
    }
}
