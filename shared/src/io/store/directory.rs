//! Users of the tenant inside the group filter: those who can be mapped, those who cannot, and, for a while, those who
//! left.
//!
//! A read of the directory writes new users as it goes. They carry its number and stay invisible until the read is
//! committed (`manifest.rs`): only users whose number is not above the committed one are shown.

use super::manifest::Directory;
use super::{Attributes, Key, SK, Store, attributes, decoded, keys};
use crate::domain::directory::{ActivePlans, PARTS, TeamsUser, Traits, part};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{EnterpriseId, TeamsUserId};
use crate::domain::roll::Roll;
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::stream::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long somebody who left the filter or the tenant is kept, invisible, before they are purged: time for a group
/// that lost its members by mistake to get them back.
pub const PURGED_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Most keys of one read by key.
const KEYS_AT_ONCE: usize = 100;
/// Users moved aside at a time.
const MOVED_AT_ONCE: usize = 500;
/// Parts read at a time.
const PARTS_AT_ONCE: usize = 4;

#[derive(Serialize, Deserialize)]
struct UserItem {
    id: TeamsUserId,
    name: String,
    email: EmailAddress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    traits: Traits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone_since: Option<Timestamp>,
    /// The read that wrote them.
    generation: u64,
    /// Since when they are gone; only below `GONE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<Timestamp>,
}

impl UserItem {
    fn of(user: &TeamsUser, generation: u64) -> Self {
        Self {
            id: user.id.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            country: user.country.clone(),
            traits: user.traits(),
            phone_since: user.plans.phone_since,
            generation,
            left: None,
        }
    }
}

impl From<UserItem> for TeamsUser {
    fn from(item: UserItem) -> Self {
        let has = |one| item.traits.has(one);
        Self {
            guest: has(Traits::GUEST),
            licensed: has(Traits::LICENSED),
            directory_synced: has(Traits::DIRECTORY_SYNCED),
            plans: ActivePlans {
                phone_system: has(Traits::PHONE_SYSTEM),
                calling_plan: has(Traits::CALLING_PLAN),
                credits: has(Traits::CREDITS),
                resource: has(Traits::RESOURCE),
                phone_since: item.phone_since,
            },
            id: item.id,
            name: item.name,
            email: item.email,
            country: item.country,
        }
    }
}

/// Among whom somebody is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Those who can be mapped.
    Eligible,
    /// Everybody inside the filter.
    Everyone,
}

/// Who is looked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    committed: u64,
    q: &'a str,
    limit: usize,
}

impl Wanted<'_> {
    fn fits(&self, item: &UserItem) -> bool {
        let says = |text: &str| text.to_lowercase().contains(self.q);
        item.generation <= self.committed && (says(&item.name) || says(item.email.as_str()))
    }
}

fn prefix(traits: Traits) -> &'static str {
    if traits.excluded().is_none() {
        keys::USER
    } else {
        keys::EXCLUDED
    }
}

fn place(enterprise: &EnterpriseId, prefix: &str, user: &TeamsUserId) -> Key {
    keys::teams_user(enterprise, part(user), prefix, user)
}

impl Store {
    /// Writes users whom the read `generation` has found. Those who were here before give the traits that they had, so
    /// that they do not stand in two places.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_teams_users(
        &self,
        enterprise: &EnterpriseId,
        users: &[(TeamsUser, Option<Traits>)],
        generation: u64,
    ) -> Result<()> {
        let mut writes = Vec::with_capacity(users.len());
        for (user, was) in users {
            let now = prefix(user.traits());
            let item = UserItem::of(user, generation);
            writes.push(Self::put_request(&place(enterprise, now, &user.id), &item)?);
            if let Some(before) = was.map(prefix).filter(|before| *before != now) {
                writes.push(Self::delete_request(&place(enterprise, before, &user.id))?);
            }
        }
        self.write_all(writes).await
    }

    /// Deletes users who were written and never shown.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn drop_teams_users(&self, enterprise: &EnterpriseId, users: &[(TeamsUserId, Traits)]) -> Result<()> {
        let delete =
            |(user, traits): &(TeamsUserId, Traits)| Self::delete_request(&place(enterprise, prefix(*traits), user));
        self.write_all(users.iter().map(delete).collect::<Result<_>>()?).await
    }

    /// Moves users who left out of sight; they are purged later.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn leave_teams_users(
        &self,
        enterprise: &EnterpriseId,
        users: &[(TeamsUserId, Traits)],
        now: Timestamp,
    ) -> Result<()> {
        for some in users.chunks(MOVED_AT_ONCE) {
            let places: Vec<Key> = some
                .iter()
                .map(|(user, traits)| place(enterprise, prefix(*traits), user))
                .collect();
            let found: Vec<UserItem> = self.get_many(&places).await?;
            let mut writes = Vec::with_capacity(2 * some.len());
            for item in found {
                let aside = place(enterprise, keys::GONE, &item.id);
                let left = Some(now);
                writes.push(Self::put_request_until(
                    &aside,
                    &UserItem { left, ..item },
                    now + PURGED_AFTER,
                )?);
            }
            for place in &places {
                writes.push(Self::delete_request(place)?);
            }
            self.write_all(writes).await?;
        }
        Ok(())
    }

    /// Somebody who left less than `PURGED_AFTER` ago, and when.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn left_user(
        &self,
        enterprise: &EnterpriseId,
        user: &TeamsUserId,
        now: Timestamp,
    ) -> Result<Option<(TeamsUser, Timestamp)>> {
        let found: Option<UserItem> = self.get_unexpired(&place(enterprise, keys::GONE, user), now).await?;
        Ok(found.and_then(|item| item.left.map(|left| (item.into(), left))))
    }

    /// Takes out what a read that broke off has left behind: everybody who is newer than what is committed, and
    /// everybody whom the committed manifest does not name.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn tidy_directory(&self, enterprise: &EnterpriseId, committed: &Directory, roll: &Roll) -> Result<()> {
        self.tidy_manifests(enterprise, committed).await?;
        for number in 0..PARTS {
            for prefix in [keys::USER, keys::EXCLUDED] {
                let pk = keys::teams_partition(enterprise, number);
                let mut from = None;
                loop {
                    let (page, next) = self.page::<UserItem>(&pk, prefix, from, None, true).await?;
                    let stray = page
                        .iter()
                        .filter(|item| item.generation > committed.generation || !roll.names(&item.id.bytes()));
                    let stray = stray.map(|item| Self::delete_request(&place(enterprise, prefix, &item.id)));
                    self.write_all(stray.collect::<Result<_>>()?).await?;
                    match next {
                        Some(next) => from = Some(next),
                        None => break,
                    }
                }
            }
            self.delete_keys(&keys::teams_partition(enterprise, number), keys::NEXT)
                .await?;
        }
        Ok(())
    }

    /// Puts users aside whose change is shown only when the read has ended: there are too many to be held in memory.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn set_aside_teams_users(
        &self,
        enterprise: &EnterpriseId,
        users: &[TeamsUser],
        generation: u64,
    ) -> Result<()> {
        let put = |user: &TeamsUser| {
            Self::put_request(
                &place(enterprise, keys::NEXT, &user.id),
                &UserItem::of(user, generation),
            )
        };
        self.write_all(users.iter().map(put).collect::<Result<_>>()?).await
    }

    /// Shows those who were put aside and still count as changed.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn show_set_aside(&self, enterprise: &EnterpriseId, roll: &Roll, generation: u64) -> Result<()> {
        for number in 0..PARTS {
            let pk = keys::teams_partition(enterprise, number);
            loop {
                let (page, next) = self.page::<UserItem>(&pk, keys::NEXT, None, None, true).await?;
                let places: Vec<Key> = page
                    .iter()
                    .map(|item| place(enterprise, keys::NEXT, &item.id))
                    .collect();
                let changed = page.into_iter().filter_map(|item| {
                    let was = roll.changed_from(&item.id.bytes())?;
                    Some((item.into(), Some(was)))
                });
                let changed: Vec<(TeamsUser, Option<Traits>)> = changed.collect();
                self.put_teams_users(enterprise, &changed, generation).await?;
                self.write_all(places.iter().map(Self::delete_request).collect::<Result<_>>()?)
                    .await?;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The visible ones of these users, whether they can be mapped or not.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn teams_users(
        &self,
        enterprise: &EnterpriseId,
        users: Vec<TeamsUserId>,
    ) -> Result<BTreeMap<TeamsUserId, TeamsUser>> {
        if users.is_empty() {
            return Ok(BTreeMap::new());
        }
        let both = |user: &TeamsUserId| [keys::USER, keys::EXCLUDED].map(|prefix| place(enterprise, prefix, user));
        let mut places: Vec<Key> = users.iter().flat_map(both).collect();
        places.sort_by(|a, b| (&a.pk, &a.sk).cmp(&(&b.pk, &b.sk)));
        places.dedup();
        let (committed, mut found) =
            futures::try_join!(self.directory(enterprise), self.get_many::<UserItem>(&places))?;
        found.retain(|item| item.generation <= committed.generation);
        // Somebody whose licences change stands in both places for a moment: the later one holds.
        found.sort_by_key(|item| item.generation);
        Ok(found.into_iter().map(|item| (item.id.clone(), item.into())).collect())
    }

    /// A page of the users who can be mapped, in the order of their ids, after `after`; `limit` at most. Whether there
    /// are more.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn teams_users_page(
        &self,
        enterprise: &EnterpriseId,
        after: Option<&TeamsUserId>,
        limit: usize,
    ) -> Result<(Vec<TeamsUser>, bool)> {
        let committed = self.directory(enterprise).await?;
        let mut found = Vec::new();
        for number in after.map_or(0, part)..PARTS {
            let pk = keys::teams_partition(enterprise, number);
            let mut from = after
                .filter(|user| part(user) == number)
                .map(|user| place(enterprise, keys::USER, user).sk);
            loop {
                // One more than is missing tells whether there are more.
                let missing = i32::try_from(limit + 1 - found.len()).unwrap_or(500).min(500);
                let (page, next) = self
                    .page::<UserItem>(&pk, keys::USER, from, Some(missing), true)
                    .await?;
                for item in page.into_iter().filter(|item| item.generation <= committed.generation) {
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

    /// Visible users whose name or address contains `q`, whatever the case, by name; `limit` at most. It reads the whole
    /// directory, a few parts at a time.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn find_teams_users(
        &self,
        enterprise: &EnterpriseId,
        q: &str,
        limit: usize,
        among: Among,
    ) -> Result<Vec<TeamsUser>> {
        let committed = self.directory(enterprise).await?.generation;
        let wanted = Wanted {
            committed,
            q: &q.to_lowercase(),
            limit,
        };
        let prefixes: &[&'static str] = match among {
            Among::Eligible => &[keys::USER],
            Among::Everyone => &[keys::USER, keys::EXCLUDED],
        };
        let mut reads = Vec::new();
        for number in 0..PARTS {
            for prefix in prefixes {
                reads.push(self.find_in_part(keys::teams_partition(enterprise, number), prefix, wanted));
            }
        }
        let found: Vec<Vec<TeamsUser>> = futures::stream::iter(reads)
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await?;
        let mut found: Vec<TeamsUser> = found.into_iter().flatten().collect();
        found.sort_by_cached_key(|user| (user.name.to_lowercase(), user.id.clone()));
        found.dedup_by(|a, b| a.id == b.id);
        found.truncate(limit);
        Ok(found)
    }

    async fn find_in_part(&self, pk: String, prefix: &str, wanted: Wanted<'_>) -> Result<Vec<TeamsUser>> {
        let (mut found, mut from) = (Vec::new(), None);
        while found.len() < wanted.limit {
            let (page, next) = self.page::<UserItem>(&pk, prefix, from, None, true).await?;
            found.extend(page.into_iter().filter(|item| wanted.fits(item)).map(TeamsUser::from));
            match next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        Ok(found)
    }

    /// Visible users, eligible or not, with one of these addresses in small letters, in no order. It reads the whole
    /// directory once, a few parts at a time, however many addresses there are.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn teams_users_at(
        &self,
        enterprise: &EnterpriseId,
        addresses: &BTreeSet<String>,
    ) -> Result<Vec<TeamsUser>> {
        if addresses.is_empty() {
            return Ok(Vec::new());
        }
        let committed = self.directory(enterprise).await?.generation;
        let mut reads = Vec::new();
        for number in 0..PARTS {
            for prefix in [keys::USER, keys::EXCLUDED] {
                reads.push(self.in_part_at(keys::teams_partition(enterprise, number), prefix, committed, addresses));
            }
        }
        let found: Vec<Vec<UserItem>> = futures::stream::iter(reads)
            .buffer_unordered(PARTS_AT_ONCE)
            .try_collect()
            .await?;
        // Somebody whose licences change stands in both places for a moment: the later one holds.
        let mut found: Vec<UserItem> = found.into_iter().flatten().collect();
        found.sort_by(|a, b| (&a.id, std::cmp::Reverse(a.generation)).cmp(&(&b.id, std::cmp::Reverse(b.generation))));
        found.dedup_by(|a, b| a.id == b.id);
        Ok(found.into_iter().map(TeamsUser::from).collect())
    }

    async fn in_part_at(
        &self,
        pk: String,
        prefix: &str,
        committed: u64,
        addresses: &BTreeSet<String>,
    ) -> Result<Vec<UserItem>> {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let (page, next) = self.page::<UserItem>(&pk, prefix, from, None, true).await?;
            let wanted = |item: &UserItem| {
                item.generation <= committed && addresses.contains(&item.email.as_str().to_ascii_lowercase())
            };
            found.extend(page.into_iter().filter(wanted));
            match next {
                Some(next) => from = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Of these users, those who left less than `PURGED_AFTER` ago, and when.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn left_users(
        &self,
        enterprise: &EnterpriseId,
        users: Vec<TeamsUserId>,
        now: Timestamp,
    ) -> Result<Vec<(TeamsUser, Timestamp)>> {
        let places: Vec<Key> = users.iter().map(|user| place(enterprise, keys::GONE, user)).collect();
        let mut found: Vec<UserItem> = self.get_many(&places).await?;
        found.retain(|item| item.left.is_some_and(|left| now < left + PURGED_AFTER));
        let with_time = |item: UserItem| item.left.map(|left| (item.into(), left));
        Ok(found.into_iter().filter_map(with_time).collect())
    }

    /// Forgets everybody: the enterprise has left the tenant.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn forget_directory(&self, enterprise: &EnterpriseId) -> Result<()> {
        for number in 0..PARTS {
            self.delete_keys(&keys::teams_partition(enterprise, number), "").await?;
        }
        self.delete_keys(&keys::enterprise_partition(enterprise), keys::MANIFEST)
            .await?;
        self.write_all(vec![Self::delete_request(&keys::directory(enterprise))?])
            .await
    }

    /// Deletes what a partition has below a prefix.
    pub(super) async fn delete_keys(&self, pk: &str, prefix: &str) -> Result<()> {
        let mut from = None;
        loop {
            let (page, next) = self.raw_page(pk, prefix, from, None, true).await?;
            let keys = page.iter().filter_map(|item| {
                let sk = item.get(SK)?.as_s().ok()?.clone();
                Some(Key { pk: pk.to_owned(), sk })
            });
            let deletes = keys.map(|key| Self::delete_request(&key));
            self.write_all(deletes.collect::<Result<_>>()?).await?;
            match next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Items by key, in no order; those that do not exist are left out.
    pub(super) async fn get_many<T: serde::de::DeserializeOwned>(&self, places: &[Key]) -> Result<Vec<T>> {
        let batches: Vec<Vec<_>> = places
            .chunks(KEYS_AT_ONCE)
            .map(|some| some.iter().map(attributes).collect())
            .collect();
        let reads = batches.into_iter().map(|keys| self.get_batch(keys));
        let found: Vec<Vec<Attributes>> = futures::stream::iter(reads)
            .buffer_unordered(super::BATCHES_AT_ONCE)
            .try_collect()
            .await?;
        found.into_iter().flatten().map(decoded).collect()
    }

    async fn get_batch(&self, keys: Vec<Attributes>) -> Result<Vec<Attributes>> {
        let describe = |error| Error::upstream("describe a read", error);
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(describe)?;
        let mut found = Vec::new();
        for attempt in 0..super::TRIES {
            let sent = self
                .client
                .batch_get_item()
                .request_items(&self.table, wanted)
                .send()
                .await;
            let answer = sent.map_err(|error| Error::upstream("read items", error))?;
            let items = answer.responses.and_then(|mut tables| tables.remove(&self.table));
            found.extend(items.unwrap_or_default());
            match answer
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(&self.table))
            {
                Some(left) => wanted = left,
                None => return Ok(found),
            }
            super::pause(attempt).await;
        }
        Err(Error::Throttled {
            doing: "read items",
            wait: SignedDuration::from_secs(5),
        })
    }
}
