//! Teams users who can be mapped, and a manifest of digests that tells which of them changed.
//!
//! A user is visible only while the manifest names them: a read of the directory may write new users as it goes, and
//! they appear, all at once, when the whole read has succeeded and the manifest is written.

use super::{Store, keys};
use crate::domain::directory::{PARTS, TeamsUser, part};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{EnterpriseId, TeamsUserId};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of an entry: 16 of the id, 8 of the digest.
const ENTRY: usize = 24;
/// Entries of one manifest item: 192 KB, half of what an item may hold.
const ENTRIES_PER_PIECE: usize = 8_000;
/// Part of every digest: a new number rewrites all users once, after their stored form has changed.
const DIGEST_VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct TeamsUserItem {
    id: TeamsUserId,
    name: String,
    email: EmailAddress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Piece {
    sk: String,
    #[serde(with = "serde_bytes")]
    entries: Vec<u8>,
}

/// Digests of a directory, by the id's bytes: 24 bytes a user.
pub type Digests = BTreeMap<[u8; 16], [u8; 8]>;

/// A digest of exactly what is stored of a user.
#[must_use]
pub fn digest(user: &TeamsUser) -> [u8; 8] {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    hash.update(&[DIGEST_VERSION]);
    for field in [
        user.name.as_str(),
        user.email.as_str(),
        user.country.as_deref().unwrap_or_default(),
    ] {
        hash.update(&(field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    let mut short = [0; 8];
    short.copy_from_slice(&hash.finish().as_ref()[..8]);
    short
}

impl Store {
    /// The digests of the directory as it is visible now.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn manifest(&self, enterprise: &EnterpriseId) -> Result<Digests> {
        self.manifest_of(enterprise, keys::MANIFEST).await
    }

    async fn manifest_of(&self, enterprise: &EnterpriseId, prefix: &str) -> Result<Digests> {
        let pieces: Vec<Piece> = self.query(&keys::enterprise_partition(enterprise), prefix).await?;
        let mut digests = Digests::new();
        for entry in pieces.iter().flat_map(|piece| piece.entries.chunks_exact(ENTRY)) {
            let (mut id, mut digest) = ([0; 16], [0; 8]);
            id.copy_from_slice(&entry[..16]);
            digest.copy_from_slice(&entry[16..]);
            digests.insert(id, digest);
        }
        Ok(digests)
    }

    /// Makes `after` visible; writes only the pieces that differ from `before`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_manifest(&self, enterprise: &EnterpriseId, before: &Digests, after: &Digests) -> Result<u64> {
        let (before, after) = (pieces(enterprise, before), pieces(enterprise, after));
        let mut writes = Vec::new();
        for (sk, piece) in &after {
            if before.get(sk).is_none_or(|old| old.entries != piece.entries) {
                writes.push(Self::put_request(
                    &keys::Key {
                        pk: keys::enterprise_partition(enterprise),
                        sk: sk.clone(),
                    },
                    piece,
                )?);
            }
        }
        for sk in before.keys().filter(|sk| !after.contains_key(*sk)) {
            writes.push(Self::delete_request(&keys::Key {
                pk: keys::enterprise_partition(enterprise),
                sk: sk.clone(),
            })?);
        }
        let written = writes.len() as u64;
        // A piece may hold 192 KB, so one at a time keeps a batch below the 16 MB that DynamoDB takes.
        self.write_all(writes).await?;
        Ok(written)
    }

    /// Writes users; they stay invisible until a manifest names them.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_teams_users(&self, enterprise: &EnterpriseId, users: &[TeamsUser]) -> Result<()> {
        let write = |user: &TeamsUser| {
            let item = TeamsUserItem {
                id: user.id.clone(),
                name: user.name.clone(),
                email: user.email.clone(),
                country: user.country.clone(),
            };
            Self::put_request(&keys::teams_user(enterprise, part(&user.id), &user.id), &item)
        };
        self.write_all(users.iter().map(write).collect::<Result<_>>()?).await
    }

    /// Deletes users that no manifest names any more.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn delete_teams_users(&self, enterprise: &EnterpriseId, users: &[TeamsUserId]) -> Result<()> {
        let delete = |user: &TeamsUserId| Self::delete_request(&keys::teams_user(enterprise, part(user), user));
        self.write_all(users.iter().map(delete).collect::<Result<_>>()?).await
    }

    /// The visible ones of these users.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn teams_users(
        &self,
        enterprise: &EnterpriseId,
        users: Vec<TeamsUserId>,
    ) -> Result<BTreeMap<TeamsUserId, TeamsUser>> {
        use futures::stream::{StreamExt, TryStreamExt};
        if users.is_empty() {
            return Ok(BTreeMap::new());
        }
        let visible = self.manifest(enterprise).await?;
        let named: Vec<TeamsUserId> = users
            .into_iter()
            .filter(|user| visible.contains_key(&user.bytes()))
            .collect();
        let read = named.into_iter().map(|user| async move {
            let found: Option<TeamsUserItem> = self.get(&keys::teams_user(enterprise, part(&user), &user)).await?;
            Ok::<_, crate::Error>(found.map(|item| (user, TeamsUser::from(item))))
        });
        let found: Vec<_> = futures::stream::iter(read)
            .buffer_unordered(super::BATCHES_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// A page of the visible users in the order of their ids, after `after`; `limit` at most.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn teams_users_page(
        &self,
        enterprise: &EnterpriseId,
        after: Option<&TeamsUserId>,
        limit: usize,
    ) -> Result<(Vec<TeamsUser>, bool)> {
        let mut found = Vec::new();
        for number in after.map_or(0, part)..PARTS {
            let visible = self
                .manifest_of(enterprise, &format!("{}{number:x}#", keys::MANIFEST))
                .await?;
            if visible.is_empty() {
                continue;
            }
            let mut from = after
                .filter(|user| part(user) == number)
                .map(|user| keys::teams_user(enterprise, number, user).sk);
            loop {
                let pk = keys::teams_partition(enterprise, number);
                // One more than is missing tells whether there are more.
                let missing = i32::try_from(limit + 1 - found.len()).unwrap_or(500).min(500);
                let (page, next) = self
                    .page::<TeamsUserItem>(&pk, keys::USER, from, Some(missing), true)
                    .await?;
                for item in page.into_iter().filter(|item| visible.contains_key(&item.id.bytes())) {
                    if found.len() == limit {
                        return Ok((found, true));
                    }
                    found.push(item.into());
                }
                match next {
                    Some(next) => from = Some(next),
                    None => break,
                }
            }
        }
        Ok((found, false))
    }
}

/// A manifest cut into items: by part, then into pieces.
fn pieces(enterprise: &EnterpriseId, digests: &Digests) -> BTreeMap<String, Piece> {
    let mut parts: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for (id, digest) in digests {
        let entries = parts.entry(id[0] >> 4).or_default();
        entries.extend_from_slice(id);
        entries.extend_from_slice(digest);
    }
    let cut = |(part, entries): (u8, Vec<u8>)| {
        let chunks: Vec<Vec<u8>> = entries.chunks(ENTRIES_PER_PIECE * ENTRY).map(<[u8]>::to_vec).collect();
        chunks.into_iter().enumerate().map(move |(at, entries)| {
            let sk = keys::manifest(enterprise, part, at).sk;
            (sk.clone(), Piece { sk, entries })
        })
    };
    parts.into_iter().flat_map(cut).collect()
}

impl From<TeamsUserItem> for TeamsUser {
    fn from(item: TeamsUserItem) -> Self {
        Self {
            id: item.id,
            name: item.name,
            email: item.email,
            country: item.country,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> TeamsUser {
        let id = "2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap();
        TeamsUser {
            id,
            name: name.into(),
            email: "a@b.example".parse().unwrap(),
            country: None,
        }
    }

    #[test]
    fn a_digest_follows_what_is_stored() {
        assert_eq!(digest(&user("Mara")), digest(&user("Mara")));
        assert_ne!(digest(&user("Mara")), digest(&user("Mira")));
        assert_ne!(
            digest(&user("Mara")),
            digest(&TeamsUser {
                country: Some("US".into()),
                ..user("Mara")
            })
        );
    }

    #[test]
    fn pieces_stay_below_half_an_item() {
        let enterprise = EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 1);
        let digests: Digests = (0..20_000_u128).map(|n| (n.to_be_bytes(), [0; 8])).collect();
        let pieces = pieces(&enterprise, &digests);
        assert_eq!(pieces.len(), 3);
        assert_eq!(
            pieces.values().map(|piece| piece.entries.len()).sum::<usize>(),
            20_000 * ENTRY
        );
        assert!(pieces.values().all(|piece| piece.entries.len() <= 200_000));
    }
}
