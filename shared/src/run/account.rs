//! Voice users that are pushed, and what a change of the account means for its sync. Nothing here touches Teams (R050).

use crate::domain::Invalid;
use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::VoiceUserId;
use crate::domain::licence::{self, Usage};
use crate::domain::mapping::Ownership;
use crate::domain::standing::Standing;
use crate::domain::sync_status::{Pending, SyncStatus};
use crate::domain::voice::VoiceUser;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::account::{AccountChange, ROWS_PER_SAVE};
use crate::plan::mapping;
use crate::run::access::entry;
use crate::run::remind;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How often the pending changes are counted anew while the account does not hold still; whoever changes it last counts.
const REFRESH_TRIES: u32 = 5;

/// What a push of all voice users changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// New ones.
    pub created: usize,
    /// Changed ones.
    pub updated: usize,
    /// Those that are gone.
    pub deleted: usize,
    /// The rest.
    pub unchanged: usize,
}

/// Makes the account's voice users exactly these. Pushing the same again changes nothing.
///
/// # Errors
/// `Invalid` for a double id or number, `Conflict` where a mapped voice user would disappear.
pub async fn push_voice_users(
    io: &Io,
    kept: &Enterprise,
    users: Vec<VoiceUser>,
    author: &Author,
    now: Timestamp,
) -> Result<Pushed> {
    let id = &kept.id;
    let users = distinct(users)?;
    let account = io.store.account(id).await?;
    let gone: Vec<&VoiceUserId> = account
        .voice_users
        .keys()
        .filter(|voice| !users.contains_key(*voice))
        .collect();
    let mapped: Vec<String> = gone
        .iter()
        .filter(|voice| account.rows.contains_key(**voice))
        .filter_map(|voice| account.voice_users.get(*voice).map(|user| user.name.clone()))
        .collect();
    if !mapped.is_empty() {
        let named = mapped.join(", ");
        return Err(Error::Conflict(format!(
            "these voice users are mapped and would disappear: {named}; set them to None first, or keep them in the list"
        )));
    }
    let differing: Vec<&VoiceUser> = users
        .values()
        .filter(|user| account.voice_users.get(&user.id) != Some(user))
        .collect();
    let created = differing
        .iter()
        .filter(|user| !account.voice_users.contains_key(&user.id))
        .count();
    let pushed = Pushed {
        created,
        updated: differing.len() - created,
        deleted: gone.len(),
        unchanged: users.len() - differing.len(),
    };
    let mut seen = account.version;
    let count = |field: &str, count: usize| changed(field, None, (count > 0).then(|| count.to_string()));
    let counts = [
        count("created", pushed.created),
        count("updated", pushed.updated),
        count("deleted", pushed.deleted),
    ];
    let counts = counts.into_iter().flatten().collect();
    // The first part carries the entry of the whole.
    let mut entry = Some(entry(io, author, Deed::VoiceUsersChanged, counts, now));
    for part in differing.chunks(ROWS_PER_SAVE) {
        let put_voice = part.iter().map(|user| (*user).clone()).collect();
        let change = AccountChange {
            put_voice,
            ..AccountChange::default()
        };
        seen = io
            .store
            .change_account(kept, &change, seen, entry.take().as_ref())
            .await?;
    }
    for part in gone.chunks(ROWS_PER_SAVE) {
        let delete_voice = part.iter().map(|voice| (*voice).clone()).collect();
        let change = AccountChange {
            delete_voice,
            ..AccountChange::default()
        };
        seen = io
            .store
            .change_account(kept, &change, seen, entry.take().as_ref())
            .await?;
    }
    if pushed.created + pushed.updated + pushed.deleted > 0 {
        refresh_pending(io, kept, now).await?;
    }
    Ok(pushed)
}

fn distinct(users: Vec<VoiceUser>) -> Result<BTreeMap<VoiceUserId, VoiceUser>> {
    let mut wrong = Vec::new();
    let mut numbers = BTreeSet::new();
    let mut distinct = BTreeMap::new();
    for user in users {
        if user
            .number
            .as_ref()
            .is_some_and(|number| !numbers.insert(number.clone()))
        {
            wrong.push(Invalid::new(
                "number",
                format!("voice user {}: its number stands twice in the list", user.id),
            ));
        }
        let id = user.id.clone();
        if distinct.insert(id.clone(), user).is_some() {
            wrong.push(Invalid::new("id", format!("voice user {id} stands twice in the list")));
        }
    }
    if wrong.is_empty() {
        Ok(distinct)
    } else {
        Err(wrong.into())
    }
}

/// Sees what a sync would have to do now, and keeps status, index and schedule in step (R114). Undoing a change before
/// a sync takes `Sync Needed` back.
///
/// # Errors
/// `Upstream`, `Busy`.
pub async fn refresh_pending(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<SyncStatus> {
    let id = &kept.id;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let mut tries = 0;
    let status = loop {
        let account = io.store.account(id).await?;
        let (wanted, _) = mapping::wanted(&account.rows, &account.voice_users, kept, &brand, now);
        let waiting = mapping::pending(&wanted, &account.owned).len();
        let users = u32::try_from(waiting).unwrap_or(u32::MAX);
        let mapped = licence::holders(account.rows.values(), &Ownership::new()).len();
        let used = licence::holders(account.rows.values(), &account.owned).len();
        // A removal waits for its final sync, whether anybody has a number or not.
        let waits = users > 0 || matches!(kept.standing, Standing::Removing { .. });
        let edit = |status: SyncStatus| {
            let since = status.pending.map_or(now, |pending| pending.since);
            SyncStatus {
                pending: waits.then_some(Pending { users, since }),
                usage: Usage::counted(mapped, used, kept.allowance(now), &status.usage, now),
                ..status
            }
        };
        let status = io.store.edit_sync_status(kept, edit).await?;
        tries += 1;
        // Whoever changed the account in between may have written the status before us: look again.
        if tries == REFRESH_TRIES || io.store.account_version(id).await? == account.version {
            break status;
        }
    };
    remind::keep_schedule(io, kept, &status).await?;
    Ok(status)
}
