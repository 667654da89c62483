//! What was read of the directory, and a manifest of digests that tells who of it changes.
//!
//! A manifest is written under the number of the read that made it and never changed; later reads add pieces with what
//! differs, until that is too much and a new manifest is written. One item, `DIRECTORY`, says which one holds. It is
//! written last, under the lease: until then nothing of a read counts.

use super::leases::Lease;
use super::{SK, Store, decoded, keys, text};
use crate::domain::directory::TeamsUser;
use crate::domain::ids::EnterpriseId;
use crate::domain::roll::{ENTRY, Entry, Roll};
use crate::domain::sync_log::Counts;
use crate::error::{Error, Result};
use crate::io::graph::ChangesLink;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Entries of one piece: 192 KB, half of what an item may hold.
const ENTRIES_PER_PIECE: usize = 8_000;
/// What differs is kept beside a manifest up to one in so many of its entries.
const ONE_IN: u64 = 8;
/// Most reads that may add to one manifest.
const MOST_ADDED: usize = 64;
/// Part of every digest: a new number rewrites all users once, after their stored form has changed.
const FORM: u8 = 2;
/// The digest of somebody who is gone.
const NOBODY: [u8; 7] = [0; 7];

/// The committed read of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Its number, which only grows. 0 before the first.
    pub generation: u64,
    /// When it was committed.
    pub read_at: Option<Timestamp>,
    /// When everybody was last read, not only what had changed.
    pub full_at: Option<Timestamp>,
    /// The figures (R097).
    pub counts: Counts,
    /// Enabled guests inside the filter; the figures leave them out.
    pub guests: u64,
    /// Where the next read of changes begins.
    pub link: Option<ChangesLink>,
    /// The key of the filter that it was read through.
    pub filter: String,
    /// The form of the digests.
    pub form: u8,
    /// The manifest that holds.
    pub manifest: u64,
    /// Its entries.
    pub entries: u64,
    /// Entries added to it later.
    pub added: u64,
    /// The reads that added them.
    pub additions: Vec<u64>,
    /// A read that began and has not ended.
    pub unfinished: Option<u64>,
}

impl Directory {
    /// A read was cut off: what is stored may not be what the manifest says.
    #[must_use]
    pub fn broken_off(&self) -> bool {
        self.unfinished.is_some()
    }

    /// The number of a read that follows this one, made under `lease`.
    #[must_use]
    pub fn next_generation(&self, lease: &Lease) -> u64 {
        lease.fence().max(self.generation + 1)
    }

    /// The stored form is the present one.
    #[must_use]
    pub fn in_present_form(&self) -> bool {
        self.form == FORM
    }
}

#[derive(Serialize, Deserialize)]
struct Piece {
    #[serde(with = "serde_bytes")]
    entries: Vec<u8>,
}

/// A user as they stand in a manifest: with a digest of everything that is stored.
#[must_use]
pub fn roll_entry(user: &TeamsUser) -> Entry {
    let traits = user.traits();
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    hash.update(&[FORM, traits.byte()]);
    let since = user.plans.phone_since.map(Timestamp::as_second).unwrap_or_default();
    for field in [
        user.name.as_bytes(),
        user.email.as_str().as_bytes(),
        user.country.as_deref().unwrap_or_default().as_bytes(),
        &since.to_be_bytes(),
    ] {
        hash.update(&(field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let mut digest = [0; 7];
    digest.copy_from_slice(&hash.finish().as_ref()[..7]);
    Entry {
        id: user.id.bytes(),
        digest,
        traits,
    }
}

impl Store {
    /// The committed read of the directory.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn directory(&self, enterprise: &EnterpriseId) -> Result<Directory> {
        Ok(self.get(&keys::directory(enterprise)).await?.unwrap_or_default())
    }

    /// Everybody whom the committed manifest names. It is read without the guarantee of the latest state, at half the
    /// price: pieces never change, so whatever is not there yet shows in their number, and they are read again then.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn roll(&self, enterprise: &EnterpriseId, committed: &Directory) -> Result<Roll> {
        for latest in [false, true] {
            let (roll, read) = self.read_roll(enterprise, committed, latest).await?;
            if read == committed.entries + committed.added {
                return Ok(roll);
            }
        }
        // Nothing can be told from a manifest with holes; everybody is written anew.
        tracing::warn!(enterprise.id = %enterprise, "pieces of the directory's manifest are missing");
        let (mut roll, _) = self.read_roll(enterprise, committed, true).await?;
        roll.distrust();
        Ok(roll)
    }

    async fn read_roll(&self, enterprise: &EnterpriseId, committed: &Directory, latest: bool) -> Result<(Roll, u64)> {
        let mut roll = Roll::default();
        let mut read = 0;
        let pk = keys::enterprise_partition(enterprise);
        let mut from = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", text(&pk))
                .expression_attribute_values(":prefix", text(keys::manifest(committed.manifest)))
                .consistent_read(latest)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| Error::upstream("read a list", error))?;
            for item in answer.items.unwrap_or_default() {
                let name = item
                    .get(SK)
                    .and_then(|sk| sk.as_s().ok())
                    .and_then(|sk| sk.rsplit_once('~'));
                let by = name.and_then(|(_, name)| name.split('#').next()?.parse().ok());
                // A read that broke off may have left pieces that do not count.
                if by.is_some_and(|by: u64| !committed.additions.contains(&by)) {
                    continue;
                }
                let piece: Piece = decoded(item)?;
                for bytes in piece.entries.as_chunks::<ENTRY>().0 {
                    let entry = Entry::from_bytes(bytes);
                    read += 1;
                    if entry.digest == NOBODY {
                        roll.knew_not(&entry.id);
                    } else {
                        roll.knew(entry);
                    }
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok((roll, read));
            }
        }
    }

    /// Notes that a read begins to write; until it has ended, nothing that it leaves behind is relied on.
    ///
    /// # Errors
    /// `Busy` if somebody has taken the lease over.
    pub async fn begin_directory(&self, lease: &Lease, committed: &Directory) -> Result<()> {
        let begun = Directory {
            unfinished: Some(committed.next_generation(lease)),
            ..committed.clone()
        };
        self.put_directory(lease, &begun).await
    }

    /// Makes what a read has found the state that counts. Of `next`, what concerns the
    /// manifest is filled in. It stays marked as unfinished until `end_directory`.
    ///
    /// # Errors
    /// `Busy` if somebody has taken the lease over.
    pub async fn commit_directory(
        &self,
        lease: &Lease,
        committed: &Directory,
        next: Directory,
        roll: &Roll,
    ) -> Result<Directory> {
        let enterprise = &lease.enterprise;
        let differing = (roll.altered().count() + roll.gone().count()) as u64;
        let kept = Directory {
            form: FORM,
            unfinished: Some(next.generation),
            ..next
        };
        let generation = kept.generation;
        let next = if committed.in_present_form()
            && (committed.added + differing) * ONE_IN <= committed.entries
            && committed.additions.len() < MOST_ADDED
        {
            let mut additions = committed.additions.clone();
            if differing > 0 {
                let gone = roll.gone().map(|(id, traits)| Entry {
                    id,
                    digest: NOBODY,
                    traits,
                });
                let name = |at: usize| format!("~{generation:012}#{at:03}");
                self.put_pieces(
                    enterprise,
                    committed.manifest,
                    roll.altered().chain(gone).collect(),
                    name,
                )
                .await?;
                additions.push(generation);
            }
            Directory {
                manifest: committed.manifest,
                entries: committed.entries,
                added: committed.added + differing,
                additions,
                ..kept
            }
        } else {
            let mut entries = 0;
            // A sixteenth at a time, so that the memory for it stays small.
            for part in 0..16_u8 {
                let mut some: Vec<Entry> = roll.here().filter(|entry| entry.id[0] >> 4 == part).collect();
                some.sort_unstable_by_key(|entry| entry.id);
                entries += some.len() as u64;
                let name = |at: usize| format!("{part:x}#{at:03}");
                self.put_pieces(enterprise, generation, some, name).await?;
            }
            Directory {
                manifest: generation,
                entries,
                added: 0,
                additions: Vec::new(),
                ..kept
            }
        };
        self.put_directory(lease, &next).await?;
        if next.manifest != committed.manifest {
            let pk = keys::enterprise_partition(enterprise);
            self.delete_keys(&pk, &keys::manifest(committed.manifest)).await?;
        }
        Ok(next)
    }

    /// Notes that a read has ended, and left nothing behind.
    ///
    /// # Errors
    /// `Busy` if somebody has taken the lease over.
    pub async fn end_directory(&self, lease: &Lease, committed: &Directory) -> Result<()> {
        let ended = Directory {
            unfinished: None,
            ..committed.clone()
        };
        self.put_directory(lease, &ended).await
    }

    /// Deletes pieces of manifests that were never committed.
    pub(super) async fn tidy_manifests(&self, enterprise: &EnterpriseId, committed: &Directory) -> Result<()> {
        let pk = keys::enterprise_partition(enterprise);
        let holds = keys::manifest(committed.manifest);
        let mut from = None;
        loop {
            let (page, next) = self.raw_page(&pk, keys::MANIFEST, from, None, true).await?;
            let names = page.iter().filter_map(|item| item.get(SK)?.as_s().ok().cloned());
            let stray = names.filter(|sk| !sk.starts_with(&holds));
            let deletes = stray.map(|sk| Self::delete_request(&keys::Key { pk: pk.clone(), sk }));
            self.write_all(deletes.collect::<Result<_>>()?).await?;
            match next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn put_directory(&self, lease: &Lease, directory: &Directory) -> Result<()> {
        let writes = vec![
            self.fenced(lease).build()?,
            self.put(&keys::directory(&lease.enterprise), directory)?.build()?,
        ];
        match self.transact(writes).await? {
            super::Outcome::Written => Ok(()),
            super::Outcome::Failed(_) => Err(Error::Busy),
        }
    }

    async fn put_pieces(
        &self,
        enterprise: &EnterpriseId,
        manifest: u64,
        entries: Vec<Entry>,
        name: impl Fn(usize) -> String,
    ) -> Result<()> {
        for (at, some) in entries.chunks(ENTRIES_PER_PIECE).enumerate() {
            let entries = some.iter().flat_map(Entry::bytes).collect();
            let key = keys::manifest_piece(enterprise, manifest, &name(at));
            // One at a time: 25 of them would not fit into one request.
            self.write_all(vec![Self::put_request(&key, &Piece { entries })?])
                .await?;
        }
        Ok(())
    }
}
