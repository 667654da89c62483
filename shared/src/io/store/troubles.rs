//! What the last sync that looked at the mapped users found wrong with each of them, so that one of them can be diagnosed
//! without reading a whole run.

use super::{Store, keys};
use crate::domain::finding::Finding;
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId};
use crate::error::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a sync found wrong with one Teams user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Whom it concerns.
    pub user: TeamsUserId,
    /// Which run found it.
    pub run: RunId,
    /// When that was.
    pub at: Timestamp,
    /// What it found, in the order of the run's findings.
    pub findings: Vec<Finding>,
}

impl Store {
    /// Replaces what earlier syncs found by what this one has: who is not named has nothing wrong. Writes only what differs.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_troubles(&self, enterprise: &EnterpriseId, troubles: &[Trouble]) -> Result<()> {
        let kept = self.troubles(enterprise).await?;
        let kept: BTreeMap<&TeamsUserId, &Trouble> = kept.iter().map(|trouble| (&trouble.user, trouble)).collect();
        let mut writes = Vec::new();
        for trouble in troubles
            .iter()
            .filter(|trouble| kept.get(&trouble.user) != Some(trouble))
        {
            writes.push(Self::put_request(&keys::trouble(enterprise, &trouble.user), trouble)?);
        }
        let named: BTreeSet<&TeamsUserId> = troubles.iter().map(|trouble| &trouble.user).collect();
        for user in kept.keys().filter(|user| !named.contains(**user)) {
            writes.push(Self::delete_request(&keys::trouble(enterprise, user))?);
        }
        self.write_all(writes).await
    }

    /// What the last sync found wrong with anybody.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn troubles(&self, enterprise: &EnterpriseId) -> Result<Vec<Trouble>> {
        self.query(&keys::enterprise_partition(enterprise), keys::TROUBLE).await
    }

    /// What the last sync found wrong with one user.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn trouble(&self, enterprise: &EnterpriseId, user: &TeamsUserId) -> Result<Option<Trouble>> {
        self.get(&keys::trouble(enterprise, user)).await
    }
}
