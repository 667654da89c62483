//! Voice users, packed: an item holds up to 64 neighbours in the order of their ids, under the id where its range begins.
//!
//! Fifty thousand users are some eight hundred writes this way, and a page of them is one read. A change of few packs is
//! one transaction. A larger one writes a new set beside the one in use, where nobody sees it, and the account then
//! points to it: either all of it is there or nothing. Whoever dies in between leaves a set that nobody points to; the
//! next large change takes it away.

use super::account::{ACCOUNT_MOVED, Account, AccountItem, ENTERPRISE_MOVED};
use super::keys::{self, Key};
use super::{Outcome, Store, number, pause};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, VoiceUserId};
use crate::domain::once::Once;
use crate::domain::voice::VoiceUser;
use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// Voice users by id.
pub type VoiceUsers = BTreeMap<VoiceUserId, VoiceUser>;

/// Users of a pack, at most.
const PACK: usize = 64;
/// Packs that one transaction changes; it takes 100 writes and 4 MB, and four of the writes are others.
const PACKS_AT_ONCE: usize = 90;
const BYTES_AT_ONCE: usize = 3_000_000;
/// An unfinished set this old belongs to nobody who is still at work.
const ABANDONED: SignedDuration = SignedDuration::from_mins(30);
/// Reads of a set that does not hold still.
const READS: u32 = 6;

/// Which set of packs is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InUse {
    /// Its name: the id of the audit entry that it was written with, so that names sort by time.
    set: String,
    /// Its users, so that a read that lacks some is noticed.
    users: usize,
}

/// How the voice users of an account are packed.
#[derive(Clone, Debug, Default)]
pub struct Packing {
    in_use: Option<InUse>,
    /// Where each pack's range begins, in order; the first is the empty text.
    from: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Pack {
    from: String,
    /// A JSON list.
    users: String,
}

impl Pack {
    fn of(from: &str, users: &[&VoiceUser]) -> Result<Self> {
        Ok(Self {
            from: from.to_owned(),
            users: serde_json::to_string(users).map_err(|error| Error::upstream("encode voice users", error))?,
        })
    }

    fn users(&self) -> Result<Vec<VoiceUser>> {
        serde_json::from_str(&self.users).map_err(|error| Error::upstream("decode voice users", error))
    }
}

/// What stands where voice users are kept, while no set is in use: one user, as they were kept before there were packs, or a pack
/// of a set that somebody is writing, or wrote and never put to use.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Unused(Pack),
    User(Box<VoiceUser>),
}

/// Makes some of the users of a range into packs, of which the first begins where the range does.
fn packs(from: &str, users: &[&VoiceUser]) -> Result<Vec<Pack>> {
    let mut packs = Vec::new();
    for (at, part) in users.chunks(PACK).enumerate() {
        let from = if at == 0 { from } else { part[0].id.as_str() };
        packs.push(Pack::of(from, part)?);
    }
    if packs.is_empty() {
        packs.push(Pack::of(from, &[])?);
    }
    Ok(packs)
}

/// Users from an id on and before another.
fn between<'a>(users: &'a VoiceUsers, from: &str, to: Option<&str>) -> Result<Vec<&'a VoiceUser>> {
    let bound = |text: &str| -> Result<VoiceUserId> {
        text.parse()
            .map_err(|error| Error::upstream("read where voice users begin", error))
    };
    let from = match from {
        "" => Bound::Unbounded,
        id => Bound::Included(bound(id)?),
    };
    let to = to.map(bound).transpose()?.map_or(Bound::Unbounded, Bound::Excluded);
    Ok(users.range((from, to)).map(|(_, user)| user).collect())
}

/// What became of a change of voice users.
#[derive(Debug, PartialEq, Eq)]
pub enum VoiceUsersKept {
    /// It is made; the account has this version now.
    At(u64),
    /// The same request was made before, and gave this.
    Before(String),
}

impl Store {
    /// All voice users, as one change left them.
    pub(super) async fn voice_users(
        &self,
        enterprise: &EnterpriseId,
        item: &AccountItem,
    ) -> Result<Option<(VoiceUsers, Packing)>> {
        let pk = keys::enterprise_partition(enterprise);
        let Some(in_use) = &item.voice_users else {
            let users = self.kept_one_by_one(&pk).await?.into_iter();
            let users = users.map(|user| (user.id.clone(), user)).collect();
            return Ok(Some((users, Packing::default())));
        };
        let packs: Vec<Pack> = self.query(&pk, &keys::voice_set(&in_use.set)).await?;
        let mut users = VoiceUsers::new();
        for pack in &packs {
            users.extend(pack.users()?.into_iter().map(|user| (user.id.clone(), user)));
        }
        let packing = Packing {
            in_use: Some(in_use.clone()),
            from: packs.into_iter().map(|pack| pack.from).collect(),
        };
        Ok((users.len() == in_use.users).then_some((users, packing)))
    }

    /// Voice users that were kept before there were packs, one item each.
    async fn kept_one_by_one(&self, pk: &str) -> Result<Vec<VoiceUser>> {
        let kept = self.query::<Kept>(pk, keys::VOICE).await?.into_iter();
        let users = kept.filter_map(|kept| match kept {
            Kept::User(user) => Some(*user),
            Kept::Unused(pack) => {
                tracing::debug!(pack.from = %pack.from, "a set that is not in use");
                None
            }
        });
        Ok(users.collect())
    }

    /// One voice user, and the account's version.
    ///
    /// # Errors
    /// `NotFound`, `Upstream`.
    pub async fn voice_user(&self, enterprise: &EnterpriseId, id: &VoiceUserId) -> Result<(VoiceUser, u64)> {
        let (users, _, version) = self.voice_users_from(enterprise, Some(id), true).await?;
        let found = users.into_iter().find(|user| user.id == *id);
        Ok((found.ok_or(Error::NotFound("voice user"))?, version))
    }

    /// A part of the voice users in the order of their ids: those after `after` that one read of at most 1 MB gives, at
    /// least one where there is one; whether there may be more, and the account's version.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn voice_users_after(
        &self,
        enterprise: &EnterpriseId,
        after: Option<&VoiceUserId>,
    ) -> Result<(Vec<VoiceUser>, bool, u64)> {
        let (mut users, more, version) = self.voice_users_from(enterprise, after, false).await?;
        users.retain(|user| after.is_none_or(|after| user.id > *after));
        Ok((users, more, version))
    }

    /// The users of the packs from the one on that has, or would have, an id; or of that one alone.
    async fn voice_users_from(
        &self,
        enterprise: &EnterpriseId,
        id: Option<&VoiceUserId>,
        alone: bool,
    ) -> Result<(Vec<VoiceUser>, bool, u64)> {
        let pk = keys::enterprise_partition(enterprise);
        for attempt in 0..READS {
            let item = self.account_item(enterprise).await?;
            let Some(in_use) = &item.voice_users else {
                let users = self.kept_one_by_one(&pk).await?;
                return Ok((users, false, item.version));
            };
            let set = keys::voice_set(&in_use.set);
            let first = match id {
                Some(id) => self.voice_pack_of(&pk, &set, id).await?,
                None => None,
            };
            let after = first.as_ref().map(|pack| format!("{set}{}", pack.from));
            let mut users = first.as_ref().map_or(Ok(Vec::new()), Pack::users)?;
            let mut more = false;
            if !alone {
                let (packs, next) = self.page::<Pack>(&pk, &set, after, None, true).await?;
                for pack in &packs {
                    users.extend(pack.users()?);
                }
                more = next.is_some();
            }
            // A set that was replaced meanwhile may be gone in part.
            let now = self.account_item(enterprise).await?;
            if now.voice_users.is_some_and(|now| now.set == in_use.set) {
                return Ok((users, more, item.version));
            }
            pause(attempt).await;
        }
        Err(Error::Busy)
    }

    /// The pack whose range an id is in.
    async fn voice_pack_of(&self, pk: &str, set: &str, id: &VoiceUserId) -> Result<Option<Pack>> {
        // The place after the id, so that the pack that begins with it is found as well.
        let after = format!("{set}{id} ");
        let (mut packs, _) = self.page::<Pack>(pk, set, Some(after), Some(1), false).await?;
        Ok(packs.pop())
    }

    /// Makes the voice users of an account exactly `next`, as a whole. The account is as it was read, and the enterprise
    /// the one that the change was checked against. Where the request is to be remembered, `once` has it with the answer.
    ///
    /// # Errors
    /// `Stale` if somebody was faster: with the account, or with the enterprise. `KeyReused`.
    pub async fn keep_voice_users(
        &self,
        kept: &Enterprise,
        account: &Account,
        next: &VoiceUsers,
        entry: &Entry,
        once: Option<(&Once, &str)>,
    ) -> Result<VoiceUsersKept> {
        let id = &kept.id;
        let mut writes = Vec::new();
        let mut bytes = 0;
        let mut in_use = account.packing.in_use.clone();
        let mut small = in_use.is_some();
        for (at, from) in account.packing.from.iter().enumerate() {
            let to = account.packing.from.get(at + 1).map(String::as_str);
            let users = between(next, from, to)?;
            let set = in_use.as_ref().map_or("", |in_use| &in_use.set);
            if users == between(&account.voice_users, from, to)? {
                continue;
            }
            if users.is_empty() && at > 0 {
                writes.push(self.delete(&keys::voice_pack(id, set, from)).build()?);
                continue;
            }
            for pack in packs(from, &users)? {
                bytes += pack.users.len();
                writes.push(self.put(&keys::voice_pack(id, set, &pack.from), &pack)?.build()?);
            }
            if writes.len() > PACKS_AT_ONCE || bytes > BYTES_AT_ONCE {
                small = false;
                break;
            }
        }
        if small {
            if let Some(in_use) = &mut in_use {
                in_use.users = next.len();
            }
        } else {
            writes.clear();
            in_use = Some(self.write_set(id, next, entry).await?);
        }
        let version = account.version + 1;
        let pointer = in_use.as_ref().map(super::attribute).transpose()?;
        let moved = match pointer {
            Some(pointer) => self
                .account_moved_with(id, "voice_users = :voice")
                .with(":voice", pointer),
            None => self.account_moved(id),
        };
        let mut all = vec![
            moved.when_version(account.version).build()?,
            self.check(&keys::enterprise(id), "version = :kept")
                .with(":kept", number(kept.version))
                .build()?,
            self.audited(id, entry)?,
        ];
        all.append(&mut writes);
        let memory = all.len();
        if let Some((once, said)) = once {
            all.push(self.remembered(once, said, entry.at)?);
        }
        match self.transact(all).await? {
            Outcome::Written => {
                if !small {
                    self.clear_sets(id, in_use.as_ref(), account, entry.at).await;
                }
                Ok(VoiceUsersKept::At(version))
            }
            Outcome::Failed(conditions) => {
                if !small && let Some(unseen) = &in_use {
                    self.clear_set(id, &unseen.set).await;
                }
                match once {
                    Some((once, _)) if conditions.contains(&memory) => {
                        self.known(once).await.map(VoiceUsersKept::Before)
                    }
                    _ if conditions == [1] => Err(Error::Stale(ENTERPRISE_MOVED)),
                    _ => Err(Error::Stale(ACCOUNT_MOVED)),
                }
            }
        }
    }

    /// Writes a set that nobody sees yet.
    async fn write_set(&self, id: &EnterpriseId, users: &VoiceUsers, entry: &Entry) -> Result<InUse> {
        let set = entry.id.to_string();
        let all: Vec<&VoiceUser> = users.values().collect();
        let packs = packs("", &all)?;
        let writes = packs
            .iter()
            .map(|pack| Self::put_request(&keys::voice_pack(id, &set, &pack.from), pack));
        self.write_all(writes.collect::<Result<_>>()?).await?;
        Ok(InUse {
            set,
            users: users.len(),
        })
    }

    /// Takes away the set that was replaced, and those that nobody finished. If that fails, the next large change does it.
    async fn clear_sets(&self, id: &EnterpriseId, in_use: Option<&InUse>, before: &Account, now: Timestamp) {
        let old = crate::domain::ids::AuditId::mint(now - ABANDONED, 0).to_string();
        let before = before.packing.in_use.as_ref().map(|in_use| in_use.set.as_str());
        let gone = |sk: &str| {
            let rest = sk.strip_prefix(keys::VOICE).unwrap_or_default();
            match rest.strip_prefix('#').and_then(|rest| rest.split_once('#')) {
                Some((set, _)) => {
                    in_use.is_none_or(|in_use| in_use.set != set) && (before == Some(set) || set < old.as_str())
                }
                // A user of the time before there were packs.
                None => true,
            }
        };
        if let Err(error) = self.clear_voice(id, gone).await {
            tracing::warn!(enterprise.id = %id, error.message = %error, "voice users that nobody sees were left behind");
        }
    }

    async fn clear_set(&self, id: &EnterpriseId, set: &str) {
        let set = keys::voice_set(set);
        if let Err(error) = self.clear_voice(id, |sk| sk.starts_with(&set)).await {
            tracing::warn!(enterprise.id = %id, error.message = %error, "voice users that nobody sees were left behind");
        }
    }

    async fn clear_voice(&self, id: &EnterpriseId, gone: impl Fn(&str) -> bool) -> Result<()> {
        let pk = keys::enterprise_partition(id);
        let sks = self.sort_keys(&pk, keys::VOICE).await?;
        let deletes = sks.into_iter().filter(|sk| gone(sk));
        let deletes = deletes.map(|sk| Self::delete_request(&Key { pk: pk.clone(), sk }));
        self.write_all(deletes.collect::<Result<_>>()?).await
    }

    /// The sort keys of a partition that begin with `prefix`.
    async fn sort_keys(&self, pk: &str, prefix: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", super::text(pk))
                .expression_attribute_values(":prefix", super::text(prefix))
                .projection_expression("sk")
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| Error::upstream("read a list", error))?;
            let sk = |item: &HashMap<String, _>| {
                item.get(keys::SK)
                    .and_then(|sk: &aws_sdk_dynamodb::types::AttributeValue| sk.as_s().ok().cloned())
            };
            found.extend(answer.items.unwrap_or_default().iter().filter_map(sk));
            match answer.last_evaluated_key {
                Some(next) => start = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Reads until a set holds still.
    pub(super) async fn steady_voice_users(
        &self,
        enterprise: &EnterpriseId,
    ) -> Result<(AccountItem, VoiceUsers, Packing)> {
        for attempt in 0..READS {
            let item = self.account_item(enterprise).await?;
            if let Some((users, packing)) = self.voice_users(enterprise, &item).await? {
                return Ok((item, users, packing));
            }
            pause(attempt).await;
        }
        Err(Error::Busy)
    }
}
