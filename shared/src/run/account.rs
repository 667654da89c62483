//! What account admins change: the mapping. Nothing here touches Teams (R050, R113).

use crate::domain::Invalid;
use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::licence::{self, Usage};
use crate::domain::mapping::{Mapping, Ownership};
use crate::domain::standing::Standing;
use crate::domain::sync_status::{Pending, SyncStatus};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::account::{Account, AccountChange, ENTERPRISE_MOVED, ROWS_PER_SAVE};
use crate::plan::mapping::{self, Edit, Facts, Refusal};
use crate::run::access::entry;
use crate::run::remind;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How often the pending changes are counted anew while the account does not hold still; whoever changes it last counts.
const REFRESH_TRIES: u32 = 5;
/// How often a save is checked anew while the enterprise does not hold still.
const SAVE_TRIES: u32 = 4;

/// What saving a mapping led to.
#[derive(Debug)]
pub struct Saved {
    /// The account as it is now.
    pub account: Account,
    /// The sync status as it is now.
    pub status: SyncStatus,
    /// Rows that changed.
    pub changed: usize,
}

/// Saves a set of edits as a whole (R111-R117). Teams is untouched until a sync.
///
/// # Errors
/// `OverLicense`, `Invalid` with every refused row, `Conflict` before the first sync (R142) or while the integration is
/// being removed, `Stale`.
pub async fn save_mapping(
    io: &Io,
    kept: &Enterprise,
    edits: &[Edit],
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Saved> {
    let mut kept = kept.clone();
    for _ in 0..SAVE_TRIES {
        match try_save(io, &kept, edits, seen, author, now).await {
            // The licences it was checked against may be others now.
            Err(Error::Stale(ENTERPRISE_MOVED)) => kept = io.store.enterprise(&kept.id).await?,
            ended => return ended,
        }
    }
    Err(Error::Busy)
}

async fn try_save(
    io: &Io,
    kept: &Enterprise,
    edits: &[Edit],
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Saved> {
    let id = &kept.id;
    if kept.standing.leaving() {
        return Err(Error::Conflict(
            "the integration is being removed; nobody can be mapped any more".into(),
        ));
    }
    if edits.len() > ROWS_PER_SAVE {
        return Err(Invalid::new("mapping", format!("send at most {ROWS_PER_SAVE} rows at once")).into());
    }
    if io.store.sync_status(id).await?.discovered.is_none() {
        return Err(Error::Conflict(
            "the Global Admin has to sync once before users can be mapped".into(),
        ));
    }
    let account = io.store.account(id).await?;
    if account.version != seen {
        return Err(Error::Stale("the mapping"));
    }
    let chosen: Vec<TeamsUserId> = edits.iter().filter_map(|(_, chosen)| chosen.clone()).collect();
    let candidates = io.store.teams_users(id, chosen).await?;
    let candidates = candidates.into_iter().map(|(id, user)| (id, user.label())).collect();
    let facts = Facts {
        rows: &account.rows,
        voice_users: &account.voice_users,
        candidates: &candidates,
        owned: &account.owned,
        limit: kept.allowance(now),
        next_order: account.next_order,
    };
    let saved = match mapping::save(&facts, edits) {
        Ok(saved) => saved,
        Err(refusals) => return Err(refused(io, kept, &account, refusals).await?),
    };
    let named = |voice: &VoiceUserId| {
        let user = account.voice_users.get(voice);
        user.map_or_else(|| voice.to_string(), |user| user.name.clone())
    };
    let teams = |rows: &BTreeMap<VoiceUserId, Mapping>, voice: &VoiceUserId| {
        rows.get(voice).map(|row| row.teams_user.to_string())
    };
    let moved = edits
        .iter()
        .filter_map(|(voice, _)| changed(&named(voice), teams(&account.rows, voice), teams(&saved.rows, voice)));
    let entry = entry(io, author, Deed::MappingChanged, moved.collect(), now);
    let entry = entry.about(edits.iter().map(|(voice, _)| voice));
    let change = AccountChange {
        put: saved.put,
        delete: saved.delete,
        next_order: saved.next_order,
        ..AccountChange::default()
    };
    let changed = change.len();
    let version = if change.is_empty() {
        seen
    } else {
        io.store.change_account(kept, &change, seen, Some(&entry)).await?
    };
    let status = refresh_pending(io, kept, now).await?;
    let account = Account {
        version,
        rows: saved.rows,
        next_order: saved.next_order,
        ..account
    };
    Ok(Saved {
        account,
        status,
        changed,
    })
}

async fn refused(io: &Io, kept: &Enterprise, account: &Account, refusals: Vec<Refusal>) -> Result<Error> {
    if let Some(Refusal::OverLicense { wanted, limit, over }) = refusals
        .iter()
        .find(|refusal| matches!(refusal, Refusal::OverLicense { .. }))
    {
        let contact = io.store.reseller(&kept.reseller).await?.brand.account_contact;
        return Ok(Error::OverLicense {
            wanted: *wanted,
            limit: *limit,
            contact,
            over: over.join(", "),
        });
    }
    let name = |voice: &VoiceUserId| {
        account
            .voice_users
            .get(voice)
            .map_or_else(|| voice.to_string(), |user| user.name.clone())
    };
    let why = |refusal: &Refusal| match refusal {
        Refusal::NoSuchVoiceUser(voice) => Some(Invalid::new("voiceUser", format!("there is no voice user {voice}"))),
        Refusal::NoNumber(voice) => Some(Invalid::new(
            "voiceUser",
            format!(
                "{} has no number, so nothing could ring in Teams; give it one first",
                name(voice)
            ),
        )),
        Refusal::NotACandidate(voice, user) => Some(Invalid::new(
            "teamsUser",
            format!(
                "{user}, chosen for {}, is not among the users that can be mapped; choose from teams-users",
                name(voice)
            ),
        )),
        Refusal::Twice(user, a, b) => Some(Invalid::new(
            "teamsUser",
            format!(
                "{user} is chosen for both {} and {}; one of them must change",
                name(a),
                name(b)
            ),
        )),
        Refusal::EditedTwice(voice) => Some(Invalid::new(
            "voiceUser",
            format!("{} stands twice in the request", name(voice)),
        )),
        Refusal::OverLicense { .. } => None,
    };
    Ok(Error::Invalid(refusals.iter().filter_map(why).collect()))
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
