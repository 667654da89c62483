//! Saved rows of the mapping, packed into bundles by the voice user's id. DynamoDB writes at most 100 items together, so a
//! save of a thousand rows is one transaction only because a thousand rows are never more than 64 items.

use super::account::{ACCOUNT_MOVED, Account, ENTERPRISE_MOVED, Matched};
use super::{Outcome, Store, Write, keys, number};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use crate::domain::mapping::Mapping;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Bundles of an account. At 50,000 mappings each holds some 50 KB of the 400 KB that an item may, and all of them
/// together fit into the 4 MB of a transaction.
const BUNDLES: u8 = 64;

/// All rows of an account.
type Rows = BTreeMap<VoiceUserId, Mapping>;

#[derive(Serialize, Deserialize)]
struct Bundle {
    number: u8,
    rows: Vec<Packed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set_to_none: Vec<VoiceUserId>,
}

/// A row with short names, since they are stored with every row.
#[derive(Clone, Serialize, Deserialize)]
struct Packed {
    #[serde(rename = "v")]
    voice_user: VoiceUserId,
    #[serde(rename = "t")]
    teams_user: TeamsUserId,
    #[serde(rename = "o")]
    order: u64,
    #[serde(rename = "m", default, skip_serializing_if = "std::ops::Not::not")]
    by_mail: bool,
}

impl From<&Mapping> for Packed {
    fn from(row: &Mapping) -> Self {
        Self {
            voice_user: row.voice_user.clone(),
            teams_user: row.teams_user.clone(),
            order: row.order,
            by_mail: row.by_mail,
        }
    }
}

impl From<Packed> for Mapping {
    fn from(row: Packed) -> Self {
        Self {
            voice_user: row.voice_user,
            teams_user: row.teams_user,
            order: row.order,
            by_mail: row.by_mail,
        }
    }
}

/// Which bundle a row is in; it must never change.
fn bundle_of(voice: &VoiceUserId) -> u8 {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, voice.as_str().as_bytes());
    hash.as_ref()[0] % BUNDLES
}

/// What a bundle holds.
#[derive(Default, PartialEq, Eq)]
struct Content<'a> {
    rows: Vec<&'a Mapping>,
    set_to_none: Vec<&'a VoiceUserId>,
}

fn bundled<'a>(rows: &'a Rows, set_to_none: &'a BTreeSet<VoiceUserId>) -> BTreeMap<u8, Content<'a>> {
    let mut bundles: BTreeMap<u8, Content<'a>> = BTreeMap::new();
    for row in rows.values() {
        bundles.entry(bundle_of(&row.voice_user)).or_default().rows.push(row);
    }
    for voice in set_to_none {
        bundles.entry(bundle_of(voice)).or_default().set_to_none.push(voice);
    }
    bundles
}

/// The mapping of an account as it shall be.
#[derive(Debug, Default)]
pub struct SavedMapping {
    /// All rows.
    pub rows: Rows,
    /// Imported voice users whom a person has set to `None`.
    pub set_to_none: BTreeSet<VoiceUserId>,
    /// The order number of the next new row.
    pub next_order: u64,
    /// The run that makes it, where it is one.
    pub matched: Option<Matched>,
}

impl Store {
    /// All rows, and whom a person has set to `None`.
    pub(super) async fn mapping_rows(&self, pk: &str) -> Result<(Rows, BTreeSet<VoiceUserId>)> {
        let bundles: Vec<Bundle> = self.query(pk, keys::MAPPING).await?;
        let (mut rows, mut set_to_none) = (Rows::new(), BTreeSet::new());
        for bundle in bundles {
            let own = bundle.rows.into_iter().map(Mapping::from);
            rows.extend(own.map(|row| (row.voice_user.clone(), row)));
            set_to_none.extend(bundle.set_to_none);
        }
        Ok((rows, set_to_none))
    }

    /// The numbers of the bundles that there are.
    pub(super) async fn mapping_bundles(&self, pk: &str) -> Result<Vec<u8>> {
        let bundles: Vec<Bundle> = self.query(pk, keys::MAPPING).await?;
        Ok(bundles.into_iter().map(|bundle| bundle.number).collect())
    }

    /// Writes the mapping of an account that was read, as a whole, however many rows differ; gives the versions `version`
    /// and `saved` of the account afterwards. The enterprise, with its licences, must still be the one that the mapping
    /// was checked against, and so must everything else of the account.
    ///
    /// # Errors
    /// `Stale` if somebody was faster: with the account, or with the enterprise.
    pub async fn save_mapping(
        &self,
        kept: &Enterprise,
        before: &Account,
        after: &SavedMapping,
        entry: &Entry,
    ) -> Result<(u64, u64)> {
        let enterprise = &kept.id;
        let mut set = "saved = if_not_exists(saved, :zero) + :one, next_order = :order".to_owned();
        let matched = after.matched.as_ref().map(super::attribute).transpose()?;
        if matched.is_some() {
            set.push_str(", matched = :matched");
        }
        let mut moved = self
            .account_moved_with(enterprise, &set)
            .with(":order", number(after.next_order));
        if let Some(matched) = matched {
            moved = moved.with(":matched", matched);
        }
        let mut writes = vec![
            moved.when_version(before.version).build()?,
            self.check(&keys::enterprise(enterprise), "version = :kept")
                .with(":kept", number(kept.version))
                .build()?,
            self.audited(enterprise, entry)?,
        ];
        let old = bundled(&before.rows, &before.set_to_none);
        let new = bundled(&after.rows, &after.set_to_none);
        for bundle in 0..BUNDLES {
            let key = keys::mapping(enterprise, bundle);
            match (old.get(&bundle), new.get(&bundle)) {
                (old, Some(content)) if old != Some(content) => {
                    let item = Bundle {
                        number: bundle,
                        rows: content.rows.iter().map(|row| Packed::from(*row)).collect(),
                        set_to_none: content.set_to_none.iter().map(|voice| (*voice).clone()).collect(),
                    };
                    writes.push(self.put(&key, &item)?.build()?);
                }
                (Some(_), None) => writes.push(self.delete(&key).build()?),
                (_, Some(_)) | (None, None) => {}
            }
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok((before.version + 1, before.saved + 1)),
            Outcome::Failed(conditions) if conditions == [1] => Err(Error::Stale(ENTERPRISE_MOVED)),
            Outcome::Failed(_) => Err(Error::Stale(ACCOUNT_MOVED)),
        }
    }

    /// Counts a change of the mapping that is made otherwise.
    pub(super) fn mapping_moved(&self, enterprise: &EnterpriseId) -> Write<'_> {
        self.account_moved_with(enterprise, "saved = if_not_exists(saved, :zero) + :one")
    }

    /// The version that a save of the mapping has to have seen.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn saved_version(&self, enterprise: &EnterpriseId) -> Result<u64> {
        Ok(self.account_item(enterprise).await?.saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_spread_over_the_bundles() {
        let mut sizes = [0_usize; BUNDLES as usize];
        for n in 0..64_000 {
            let id: VoiceUserId = format!("v{n:05}").parse().unwrap();
            sizes[usize::from(bundle_of(&id))] += 1;
        }
        assert!(sizes.iter().all(|size| (850..1150).contains(size)), "{sizes:?}");
    }
}
