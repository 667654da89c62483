//! The tenant's groups, as they were last read: a head, and pieces that belong to one reading. A reader sees one reading or
//! the other and never a mixture, and a slow reading does not replace one that began later.

use super::{Store, keys, number, text};
use crate::domain::group_filter::{Banned, Group, GroupKind, GroupList};
use crate::domain::ids::{EnterpriseId, GroupId};
use crate::error::{Error, Result};
use crate::io::chance::Chance;
use crate::io::vault::sha256;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Bytes of a piece, more or less; DynamoDB takes items of 400 KB.
const PIECE: usize = 150_000;
/// How often a list is read again whose pieces were replaced under the reader's eyes.
const TRIES: u32 = 4;

#[derive(Serialize, Deserialize)]
struct GroupItem {
    id: GroupId,
    name: String,
    kind: GroupKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    banned: Option<Banned>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members: Option<u64>,
}

/// What is kept of one reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// Milliseconds since 1970.
    read_at: i64,
    /// Which pieces belong to it.
    reading: String,
    pieces: usize,
    /// Of everything in the pieces: the same groups are not written again.
    digest: String,
}

#[derive(Serialize, Deserialize)]
struct Piece {
    groups: String,
}

impl Store {
    /// The tenant's groups as they were last read.
    ///
    /// # Errors
    /// `Upstream`, `Busy`.
    pub async fn group_list(&self, enterprise: &EnterpriseId) -> Result<GroupList> {
        for _ in 0..TRIES {
            let Some(head) = self.get::<Head>(&keys::groups(enterprise)).await? else {
                return Ok(GroupList::default());
            };
            let prefix = keys::groups_of(&head.reading);
            let pieces: Vec<Piece> = self.query(&keys::enterprise_partition(enterprise), &prefix).await?;
            // A later reading was written in between, and this one's pieces are being deleted.
            if pieces.len() != head.pieces {
                continue;
            }
            let mut groups = Vec::new();
            for piece in pieces {
                let items: Vec<GroupItem> =
                    serde_json::from_str(&piece.groups).map_err(|error| Error::upstream("decode the groups", error))?;
                groups.extend(items.into_iter().map(Group::from));
            }
            return Ok(GroupList {
                read_at: Timestamp::from_millisecond(head.read_at).ok(),
                groups,
            });
        }
        Err(Error::Busy)
    }

    /// The same without the time, by name.
    ///
    /// # Errors
    /// `Upstream`, `Busy`.
    pub async fn groups(&self, enterprise: &EnterpriseId) -> Result<Vec<Group>> {
        Ok(self.group_list(enterprise).await?.groups)
    }

    /// Replaces the tenant's groups by those whose reading began at `read_at`, unless they were read later than that by
    /// somebody else; tells whether it did. The same groups again only move the time.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_groups(&self, enterprise: &EnterpriseId, groups: &[Group], read_at: Timestamp) -> Result<bool> {
        let key = keys::groups(enterprise);
        let read_at = read_at.as_millisecond();
        let mut groups: Vec<&Group> = groups.iter().collect();
        groups.sort_by_cached_key(|group| group.place());
        let pieces = pieces(&groups)?;
        let digest = sha256(pieces.concat());
        let before: Option<Head> = self.get(&key).await?;
        if before.as_ref().is_some_and(|head| head.read_at > read_at) {
            return Ok(false);
        }
        if before.as_ref().is_some_and(|head| head.digest == digest) {
            let moved = self
                .update(&key, "SET read_at = :at")
                .when("digest = :digest AND read_at <= :at")
                .with(":at", number(read_at))
                .with(":digest", text(&digest));
            return self.write(moved).await;
        }
        let reading = format!("{read_at:014}-{:016x}", Chance.number());
        let writes = pieces.iter().enumerate().map(|(at, groups)| {
            let piece = Piece { groups: groups.clone() };
            Self::put_request(&keys::group_piece(enterprise, &reading, at), &piece)
        });
        self.write_all(writes.collect::<Result<_>>()?).await?;
        let head = Head {
            read_at,
            reading,
            pieces: pieces.len(),
            digest,
        };
        let write = self.put(&key, &head)?;
        let write = write.when("attribute_not_exists(pk) OR read_at < :at");
        let written = self.write(write.with(":at", number(read_at))).await?;
        self.clear_groups(enterprise, &head, written).await?;
        Ok(written)
    }

    /// Forgets the groups of a tenant that was left.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn forget_groups(&self, enterprise: &EnterpriseId) -> Result<()> {
        self.write(self.delete(&keys::groups(enterprise))).await?;
        self.delete_pieces(enterprise, |_| true).await
    }

    /// Deletes the pieces that no head names: those before a reading that was written, or its own where it was not.
    async fn clear_groups(&self, enterprise: &EnterpriseId, head: &Head, written: bool) -> Result<()> {
        let own = keys::groups_of(&head.reading);
        if written {
            self.delete_pieces(enterprise, |sk| !sk.starts_with(&own) && *sk < *own)
                .await
        } else {
            self.delete_pieces(enterprise, |sk| sk.starts_with(&own)).await
        }
    }

    async fn delete_pieces(&self, enterprise: &EnterpriseId, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let pk = keys::enterprise_partition(enterprise);
        let mut from = None;
        let mut deletes = Vec::new();
        loop {
            let (items, next) = self.raw_page(&pk, keys::GROUPS_OF, from, None, true).await?;
            let found = items.iter().filter_map(|item| item.get(keys::SK)?.as_s().ok());
            for sk in found.filter(|sk| wanted(sk)) {
                deletes.push(Self::delete_request(&keys::Key {
                    pk: pk.clone(),
                    sk: sk.clone(),
                })?);
            }
            match next {
                Some(next) => from = Some(next),
                None => return self.write_all(deletes).await,
            }
        }
    }
}

/// The groups as JSON, in pieces.
fn pieces(groups: &[&Group]) -> Result<Vec<String>> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for group in groups {
        let item = serde_json::to_string(&GroupItem::from(*group));
        let item = item.map_err(|error| Error::upstream("encode a group", error))?;
        if piece.len() + item.len() > PIECE {
            pieces.push(std::mem::take(&mut piece) + "]");
        }
        piece.push(if piece.is_empty() { '[' } else { ',' });
        piece += &item;
    }
    if !piece.is_empty() {
        pieces.push(piece + "]");
    }
    Ok(pieces)
}

impl From<&Group> for GroupItem {
    fn from(group: &Group) -> Self {
        let group = group.clone();
        Self {
            id: group.id,
            name: group.name,
            kind: group.kind,
            banned: group.banned,
            paused: group.paused,
            members: group.members,
        }
    }
}

impl From<GroupItem> for Group {
    fn from(item: GroupItem) -> Self {
        Self {
            id: item.id,
            name: item.name,
            kind: item.kind,
            banned: item.banned,
            paused: item.paused,
            members: item.members,
        }
    }
}
