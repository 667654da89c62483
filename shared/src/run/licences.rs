//! The number of licences: changed by the provider side (R026, R030), with a look at what it leads to beforehand.

use crate::domain::audit::{Author, Deed};
use crate::domain::enterprise::{Enterprise, Settings, user_limit};
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::letter::{Letter, Outgoing};
use crate::domain::licence;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::account::Account;
use crate::run::access::entry;
use crate::run::provision::{current, differences, to_admin};
use crate::run::{account, post};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The licences of an enterprise, now or after a change.
#[derive(Debug)]
pub struct Licences {
    /// The number that is agreed; `None` is unlimited.
    pub limit: Option<u32>,
    /// The number that counts now: none after a trial or once the integration is being removed.
    pub allowance: Option<u32>,
    /// Teams users that are mapped or not yet released.
    pub used: usize,
    /// Of those, licences that the next sync frees.
    pub pending_release: usize,
    /// Who has no licence, newest mapping first.
    pub unlicensed: Vec<Unlicensed>,
    /// Whom to ask for more.
    pub contact: String,
}

/// A row of the mapping that has no licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlicensed {
    /// Whose calls no longer ring in Teams after the next sync.
    pub voice_user: VoiceUserId,
    /// The voice user's name.
    pub name: String,
    /// The Teams user of the row.
    pub teams_user: TeamsUserId,
}

/// What a change would lead to.
#[derive(Debug)]
pub struct Preview {
    /// The number that would be agreed.
    pub limit: Option<u32>,
    /// Who would lose the licence.
    pub lose: Vec<Unlicensed>,
    /// Who would get it back.
    pub regain: Vec<Unlicensed>,
}

/// The licences as they are, and what another number of them would lead to.
///
/// # Errors
/// `Upstream`.
pub async fn look(
    io: &Io,
    kept: &Enterprise,
    other: Option<Option<u32>>,
    now: Timestamp,
) -> Result<(Licences, Option<Preview>)> {
    let account = io.store.account(&kept.id).await?;
    let without = unlicensed(&account, kept.allowance(now));
    let used = licence::holders(account.rows.values(), &account.owned).len();
    let mapped: BTreeSet<&TeamsUserId> = account.rows.values().map(|row| &row.teams_user).collect();
    let preview = other.map(|limit| {
        let then = unlicensed(&account, with_limit(kept, limit).allowance(now));
        let only = |here: &[Unlicensed], there: &[Unlicensed]| {
            let only = here.iter().filter(|row| !there.contains(row));
            only.cloned().collect()
        };
        Preview {
            limit,
            lose: only(&then, &without),
            regain: only(&without, &then),
        }
    });
    let licences = Licences {
        limit: kept.settings.user_limit,
        allowance: kept.allowance(now),
        used,
        pending_release: used - mapped.len(),
        unlicensed: without,
        contact: io.store.reseller(&kept.reseller).await?.brand.account_contact,
    };
    Ok((licences, preview))
}

/// Changes the number of licences of an enterprise that was read at version `seen`; E4 waits in the outbox with it.
///
/// # Errors
/// `Invalid` for none or too many, `Stale`, `Conflict` while the integration is being removed.
pub async fn change(
    io: &Io,
    kept: Enterprise,
    limit: Option<u32>,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    current(&kept, seen)?;
    let limit = user_limit("count", limit)?;
    if limit == kept.settings.user_limit {
        // Whoever made this change may have died before its consequences were counted.
        account::refresh_pending(io, &kept, now).await?;
        return Ok(kept);
    }
    let next = Enterprise {
        version: seen + 1,
        ..with_limit(&kept, limit)
    };
    let mails = mail(io, &kept, &next, now).await?;
    let entry = entry(io, author, Deed::LicencesChanged, differences(Some(&kept), &next), now);
    io.store.update_enterprise(&next, seen, &entry, &mails).await?;
    account::refresh_pending(io, &next, now).await?;
    post::deliver(io, &mails).await;
    Ok(next)
}

/// E4, where the number of licences differs.
pub(super) async fn mail(io: &Io, before: &Enterprise, after: &Enterprise, now: Timestamp) -> Result<Vec<Outgoing>> {
    let (previous, updated) = (before.settings.user_limit, after.settings.user_limit);
    if previous == updated {
        return Ok(Vec::new());
    }
    let account = io.store.account(&after.id).await?;
    let letter = Letter::LicencesChanged {
        previous,
        updated,
        unlicensed: unlicensed(&account, after.allowance(now)).len(),
    };
    Ok(vec![to_admin(io, after, &after.global_admin, letter, now)])
}

fn with_limit(kept: &Enterprise, user_limit: Option<u32>) -> Enterprise {
    Enterprise {
        settings: Settings {
            user_limit,
            ..kept.settings.clone()
        },
        ..kept.clone()
    }
}

fn unlicensed(account: &Account, allowance: Option<u32>) -> Vec<Unlicensed> {
    let without = licence::unlicensed(&account.rows, allowance);
    let mut rows: Vec<_> = account
        .rows
        .values()
        .filter(|row| without.contains(&row.voice_user))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.order));
    let named = rows.into_iter().map(|row| Unlicensed {
        voice_user: row.voice_user.clone(),
        name: account
            .voice_users
            .get(&row.voice_user)
            .map_or_else(|| row.voice_user.to_string(), |user| user.name.clone()),
        teams_user: row.teams_user.clone(),
    });
    named.collect()
}
