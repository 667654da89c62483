//! The mapping page: voice users on the left, Teams users on the right, ten to a page.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::{Action, Caller};
use shared::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use shared::domain::licence;
use shared::domain::phone::E164;
use shared::domain::sync_status::SyncStatus;
use shared::domain::voice::VoiceUser;
use shared::io::Io;
use shared::io::store::account::Account;
use shared::io::store::enterprises::Kept;
use shared::run::access;
use shared::run::account::save_mapping;
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// R109: ten voice users to a page, unless asked otherwise.
const PER_PAGE: usize = 10;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// From 1.
    page: Option<usize>,
    /// 1 to 100; 10 where left out.
    per_page: Option<usize>,
    /// Part of a name, address, number or extension.
    q: Option<String>,
    /// Only voice users without a Teams user.
    #[serde(default)]
    unmapped: bool,
    /// By name from Z to A.
    #[serde(default)]
    descending: bool,
}

/// A page of the mapping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MappingPage {
    columns: [&'static str; 3],
    rows: Vec<Row>,
    page: usize,
    pages: usize,
    /// `Items per page: 10`
    items_per_page: String,
    /// `1 – 6 of 6`
    range: String,
    /// What to show above the list.
    notices: Vec<String>,
    licences: Licences,
    /// `None` or `Sync Needed`
    action_needed: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    name: String,
    email_and_extension: String,
    #[schema(value_type = Option<String>)]
    number: Option<E164>,
    /// The chosen Teams user; `null` is `None`.
    #[schema(value_type = Option<String>)]
    teams_user: Option<TeamsUserId>,
    /// The drop-down's text: `Name (email)` or `Select User`.
    text: String,
    /// A sync has put this row in place.
    applied: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Licences {
    /// `null` is unlimited.
    limit: Option<u32>,
    used: usize,
    /// Of those, licences of users who are unmapped already; they are free after the next sync.
    pending_release: usize,
    /// Whom to ask for more.
    contact: String,
}

fn matches(user: &VoiceUser, q: &str) -> bool {
    let q = q.to_lowercase();
    let number = user.number.as_ref().map_or("", E164::as_str);
    [user.name.as_str(), &user.email_and_extension(), number]
        .iter()
        .any(|text| text.to_lowercase().contains(&q))
}

async fn page_of(
    io: &Io,
    kept: &Kept,
    account: &Account,
    status: &SyncStatus,
    params: PageParams,
) -> Result<MappingPage> {
    let per_page = params.per_page.unwrap_or(PER_PAGE).clamp(1, 100);
    let mut users: Vec<&VoiceUser> = account
        .voice_users
        .values()
        .filter(|user| params.q.as_ref().is_none_or(|q| matches(user, q)))
        .filter(|user| !params.unmapped || !account.rows.contains_key(&user.id))
        .collect();
    users.sort_by_cached_key(|user| (user.name.to_lowercase(), user.id.clone()));
    if params.descending {
        users.reverse();
    }
    let pages = users.len().div_ceil(per_page).max(1);
    let page = params.page.unwrap_or(1).clamp(1, pages);
    let first = (page - 1) * per_page;
    let shown: Vec<&VoiceUser> = users.iter().skip(first).take(per_page).copied().collect();
    let chosen = shown
        .iter()
        .filter_map(|user| account.rows.get(&user.id))
        .map(|row| row.teams_user.clone());
    let labels = io.store.teams_users(&kept.enterprise.id, chosen.collect()).await?;
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
            applied: owned.is_some_and(|owned| owned.number.is_some() && owned.number == user.number),
            teams_user,
        }
    };
    let brand = io.store.reseller(&kept.enterprise.reseller).await?.brand;
    let mapped = licence::holders(account.rows.values(), &std::collections::BTreeMap::new()).len();
    let used = licence::holders(account.rows.values(), &account.owned).len();
    let last = first + shown.len();
    Ok(MappingPage {
        columns: ["Name", "Email & Extension", "Microsoft Teams User"],
        rows: shown.iter().map(row).collect(),
        page,
        pages,
        items_per_page: format!("Items per page: {per_page}"),
        range: format!(
            "{} – {last} of {}",
            if shown.is_empty() { 0 } else { first + 1 },
            users.len()
        ),
        notices: notices(status, pages, &brand.product_name, kept),
        licences: Licences {
            limit: kept.enterprise.settings.user_limit,
            used,
            pending_release: used - mapped,
            contact: brand.account_contact,
        },
        action_needed: status.action_needed(),
    })
}

fn notices(status: &SyncStatus, pages: usize, product: &str, kept: &Kept) -> Vec<String> {
    let admin = kept.enterprise.global_admin.display_name();
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
    if pages > 1 {
        notices.push(format!(
            "There are {pages} pages; visit every page until everyone is mapped."
        ));
    }
    notices
}

/// A page of the mapping, by name.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/mapping", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), PageParams),
    responses((status = 200, body = MappingPage), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn page(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<PageParams>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise, Action::Read).await?;
    let account = io.store.account(&enterprise).await?;
    let status = io.store.sync_status(&enterprise).await?;
    Ok((
        etag(account.version),
        Json(page_of(&io, &access.kept, &account, &status, params).await?),
    ))
}

/// Changed rows, saved as a whole or not at all; at most 90.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MappingForm {
    rows: Vec<RowForm>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RowForm {
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    /// `null`, or left out, is `None`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    teams_user: Option<TeamsUserId>,
}

/// What a save led to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SaveReport {
    /// Rows that are different now.
    changed: usize,
    /// Teams users for whom a sync has something to do.
    pending: u32,
    /// `None` or `Sync Needed`
    action_needed: &'static str,
    /// Label of the voice portal's button.
    button: &'static str,
    licences_used: usize,
}

/// Saves changed rows. Teams is untouched until the Global Admin syncs.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/mapping", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = MappingForm,
    responses((status = 200, body = SaveReport), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn save(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<MappingForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise, Action::Map).await?;
    let edits: Vec<_> = body
        .value
        .rows
        .into_iter()
        .map(|row| (row.voice_user, row.teams_user))
        .collect();
    let saved = save_mapping(&io, &access.kept, &edits, seen, io.clock.now()).await?;
    let report = SaveReport {
        changed: saved.changed,
        pending: saved.status.pending.map_or(0, |pending| pending.users),
        action_needed: saved.status.action_needed(),
        button: saved.status.voice_button(),
        licences_used: licence::holders(saved.account.rows.values(), &saved.account.owned).len(),
    };
    Ok((etag(saved.account.version), Json(report)))
}
