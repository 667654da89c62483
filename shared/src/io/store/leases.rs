//! The lease of an enterprise: only its holder may write for a run. Fenced by a number that only grows.

use super::{Store, Write, keys, number, text};
use crate::domain::ids::EnterpriseId;
use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a lease lasts without being renewed: longer than any single call, shorter than a person's patience.
pub const LEASE_LIFE: SignedDuration = SignedDuration::from_mins(2);

#[derive(Serialize, Deserialize)]
struct LeaseItem {
    holder: String,
    fence: u64,
    ends: i64,
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
}

impl Lease {
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
        let item = LeaseItem {
            holder: holder.to_owned(),
            fence,
            ends: (now + LEASE_LIFE).as_millisecond(),
        };
        let write = self
            .put(&key, &item)?
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
            })
        } else {
            Err(Error::Busy)
        }
    }

    /// Keeps the lease for another while.
    ///
    /// # Errors
    /// `Busy` if somebody has taken it over.
    pub async fn renew(&self, lease: &Lease, now: Timestamp) -> Result<()> {
        let write = self
            .update(&keys::lease(&lease.enterprise), "SET ends = :ends")
            .when("fence = :fence")
            .with(":ends", number((now + LEASE_LIFE).as_millisecond()))
            .with(":fence", number(lease.fence));
        if self.write(write).await? {
            Ok(())
        } else {
            Err(Error::Busy)
        }
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
