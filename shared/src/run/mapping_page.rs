//! The mapping page (R104-R110): reads only.

use crate::domain::brand::Brand;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{TeamsUserId, VoiceUserId};
use crate::domain::licence;
use crate::domain::mapping::Ownership;
use crate::domain::phone::E164;
use crate::domain::sync_status::SyncStatus;
use crate::domain::voice::VoiceUser;
use crate::error::Result;
use crate::io::Io;
use jiff::Timestamp;

/// R109: ten voice users to a page, unless asked otherwise.
pub const PER_PAGE: usize = 10;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct View {
    /// From 1.
    pub page: usize,
    /// 1 to 100.
    pub per_page: usize,
    /// Part of a name, address, number or extension.
    pub q: Option<String>,
    /// Only voice users without a Teams user.
    pub unmapped: bool,
    /// By name from Z to A.
    pub descending: bool,
}

/// A page of the mapping.
#[derive(Debug)]
pub struct MappingPage {
    /// The account's version.
    pub version: u64,
    /// Sorted by name.
    pub rows: Vec<Row>,
    /// From 1.
    pub page: usize,
    /// At least 1.
    pub pages: usize,
    /// As it was applied.
    pub per_page: usize,
    /// `1 – 6 of 6`
    pub range: String,
    /// What to show above the list.
    pub notices: Vec<String>,
    /// Integration licences that count now; `None` is unlimited.
    pub limit: Option<u32>,
    /// Used ones.
    pub used: usize,
    /// Of those, licences that the next sync frees.
    pub pending_release: usize,
    /// Whom to ask for more.
    pub contact: String,
    /// `None` or `Sync Needed`
    pub action_needed: &'static str,
}

/// One voice user.
#[derive(Debug)]
pub struct Row {
    /// The voice platform's key.
    pub voice_user: VoiceUserId,
    /// Column `Name`.
    pub name: String,
    /// Column `Email & Extension`.
    pub email_and_extension: String,
    /// The number that would ring.
    pub number: Option<E164>,
    /// The chosen Teams user.
    pub teams_user: Option<TeamsUserId>,
    /// The drop-down's text: `Name (email)` or `Select User` (R102, R106).
    pub text: String,
    /// A sync has put the row in place.
    pub applied: bool,
    /// There is no licence for it: the next sync takes the number away (R127-R128).
    pub unlicensed: bool,
}

fn matches(user: &VoiceUser, q: &str) -> bool {
    let q = q.to_lowercase();
    let number = user.number.as_ref().map_or("", E164::as_str);
    let texts = [user.name.as_str(), &user.email_and_extension(), number].map(str::to_lowercase);
    texts.iter().any(|text| text.contains(&q))
}

/// One page.
///
/// # Errors
/// `Upstream`.
pub async fn page(io: &Io, enterprise: &Enterprise, view: View, now: Timestamp) -> Result<MappingPage> {
    let account = io.store.account(&enterprise.id).await?;
    let status = io.store.sync_status(&enterprise.id).await?;
    let per_page = view.per_page.clamp(1, 100);
    let mut users: Vec<&VoiceUser> = account
        .voice_users
        .values()
        .filter(|user| view.q.as_ref().is_none_or(|q| matches(user, q)))
        .filter(|user| !view.unmapped || !account.rows.contains_key(&user.id))
        .collect();
    users.sort_by_cached_key(|user| (user.name.to_lowercase(), user.id.clone()));
    if view.descending {
        users.reverse();
    }
    let pages = users.len().div_ceil(per_page).max(1);
    let page = view.page.clamp(1, pages);
    let first = (page - 1) * per_page;
    let shown: Vec<&VoiceUser> = users.iter().skip(first).take(per_page).copied().collect();
    let chosen = shown
        .iter()
        .filter_map(|user| account.rows.get(&user.id))
        .map(|row| row.teams_user.clone());
    let labels = io.store.teams_users(&enterprise.id, chosen.collect()).await?;
    let unlicensed = licence::unlicensed(&account.rows, enterprise.allowance(now));
    let row = |user: &&VoiceUser| {
        let teams_user = account.rows.get(&user.id).map(|row| row.teams_user.clone());
        let owned = teams_user.as_ref().and_then(|teams| account.owned.get(teams));
        Row {
            voice_user: user.id.clone(),
            name: user.name.clone(),
            email_and_extension: user.email_and_extension(),
            number: user.number.clone(),
            text: teams_user.as_ref().map_or_else(
                || "Select User".to_owned(),
                |teams| {
                    labels
                        .get(teams)
                        .map_or_else(|| format!("{teams} (no longer available)"), |user| user.label())
                },
            ),
            unlicensed: unlicensed.contains(&user.id),
            applied: owned.is_some_and(|owned| owned.number.is_some() && owned.number == user.number),
            teams_user,
        }
    };
    let brand = io.store.reseller(&enterprise.reseller).await?.brand;
    let used = licence::holders(account.rows.values(), &account.owned).len();
    let mapped = licence::holders(account.rows.values(), &Ownership::new()).len();
    let last = first + shown.len();
    Ok(MappingPage {
        version: account.version,
        rows: shown.iter().map(row).collect(),
        page,
        pages,
        per_page,
        range: format!(
            "{} – {last} of {}",
            if shown.is_empty() { 0 } else { first + 1 },
            users.len()
        ),
        notices: notices(&status, pages, unlicensed.len(), &brand, enterprise),
        limit: enterprise.allowance(now),
        used,
        pending_release: used - mapped,
        contact: brand.account_contact,
        action_needed: status.action_needed(),
    })
}

fn notices(
    status: &SyncStatus,
    pages: usize,
    unlicensed: usize,
    brand: &Brand,
    enterprise: &Enterprise,
) -> Vec<String> {
    let (product, contact) = (&brand.product_name, &brand.account_contact);
    let admin = enterprise.global_admin.display_name();
    let mut notices = Vec::new();
    if status.discovered.is_none() {
        notices.push(format!(
            "{admin} has to sync once before users can be mapped; wait until that sync has ended."
        ));
    }
    if status.pending.is_some() {
        notices.push(format!(
            "Sync Required: {admin} has to sync in {product} to apply the saved mapping in Teams."
        ));
    }
    if unlicensed > 0 {
        notices.push(format!(
            "{unlicensed} mapped users have no license; ask {contact} for more licenses, or set users to None."
        ));
    }
    if pages > 1 {
        notices.push(format!(
            "There are {pages} pages; visit every page until everyone is mapped."
        ));
    }
    notices
}
