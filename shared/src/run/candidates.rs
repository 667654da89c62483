//! Who can be chosen in the mapping's drop-downs (R090, R102): reads only.

use crate::domain::directory::TeamsUser;
use crate::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use crate::error::Result;
use crate::io::Io;
use crate::io::store::directory::Among;
use crate::run::mapping::name;
use std::collections::BTreeMap;

/// Users of the directory that are read at once.
const PAGE: usize = 500;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// Most that are answered; at least 1.
    pub limit: usize,
    /// Where the page before ended; not together with `q`.
    pub after: Option<TeamsUserId>,
    /// Part of a name or address.
    pub q: Option<String>,
    /// Only those who are mapped to nobody.
    pub free: bool,
}

/// A Teams user who can be mapped.
#[derive(Debug)]
pub struct Candidate {
    /// Who.
    pub user: TeamsUser,
    /// The voice user who has them, with their name.
    pub mapped_to: Option<(VoiceUserId, String)>,
}

/// Those who were found.
#[derive(Debug)]
pub struct Found {
    /// By name where somebody was searched for, else in the order of their ids.
    pub items: Vec<Candidate>,
    /// Where the next page begins.
    pub next: Option<TeamsUserId>,
    /// There are more than a search shows.
    pub more: bool,
}

/// Those who can be mapped, of the last sync.
///
/// # Errors
/// `Upstream`.
pub async fn look(io: &Io, enterprise: &EnterpriseId, search: Search) -> Result<Found> {
    let account = io.store.account(enterprise).await?;
    let rows = account.rows.values();
    let taken: BTreeMap<&TeamsUserId, &VoiceUserId> = rows.map(|row| (&row.teams_user, &row.voice_user)).collect();
    let shown = |user: &TeamsUser| !search.free || !taken.contains_key(&user.id);
    let candidate = |user: TeamsUser| {
        let by = taken.get(&user.id).copied();
        Candidate {
            mapped_to: by.map(|voice| (voice.clone(), name(&account, voice))),
            user,
        }
    };
    let Search { limit, after, q, .. } = &search;
    let q = q.as_deref().map(str::trim).filter(|q| !q.is_empty());
    if let Some(q) = q {
        // One more tells whether there are more; those who are taken may stand before those who are free.
        let asked = limit + 1 + if search.free { taken.len() } else { 0 };
        let mut users = io.store.find_teams_users(enterprise, q, asked, Among::Eligible).await?;
        users.retain(shown);
        let more = users.len() > *limit;
        users.truncate(*limit);
        return Ok(Found {
            items: users.into_iter().map(candidate).collect(),
            next: None,
            more,
        });
    }
    let mut users: Vec<TeamsUser> = Vec::new();
    let mut after = after.clone();
    loop {
        // Those who are taken may stand before those who are free: a long page finds them in fewer reads.
        let asked = if search.free { PAGE.max(*limit) } else { *limit };
        let (page, more) = io.store.teams_users_page(enterprise, after.as_ref(), asked).await?;
        after = page.last().map(|user| user.id.clone()).filter(|_| more);
        users.extend(page.into_iter().filter(shown));
        if users.len() > *limit {
            users.truncate(*limit);
            after = users.last().map(|user| user.id.clone());
        }
        if after.is_none() || users.len() == *limit {
            return Ok(Found {
                items: users.into_iter().map(candidate).collect(),
                next: after,
                more: false,
            });
        }
    }
}
