//! The mapping page: voice users on the left, Teams users on the right, ten to a page.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::finding::Finding;
use shared::domain::ids::{EnterpriseId, RunId, TeamsUserId, VoiceUserId};
use shared::domain::licence;
use shared::domain::phone::E164;
use shared::io::Io;
use shared::run::access;
use shared::run::mapping::{self, Saved};
use shared::run::mapping_page::{self, View};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

use crate::teams_users::{DropDown, TeamsUserView};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// From 1.
    page: Option<usize>,
    /// 1 to 100; 10 where left out.
    per_page: Option<usize>,
    /// Words of a name, address, number or extension, whatever their case and accents.
    q: Option<String>,
    /// Only voice users without a Teams user.
    #[serde(default)]
    unmapped: bool,
    /// By name from Z to A.
    #[serde(default)]
    descending: bool,
    /// Instead of `page`: the page with the first unmapped voice user at or after this place, from 1, in the list.
    jump: Option<usize>,
    /// `false` leaves out the proposals by mail address: in a tenant of very many users they take the longest.
    proposals: Option<bool>,
}

/// A page of the mapping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MappingPage {
    columns: [&'static str; 3],
    rows: Vec<Row>,
    page: usize,
    pages: usize,
    per_page: usize,
    /// Voice users on all pages of this view.
    total: usize,
    /// `Items per page: 10`
    items_per_page: String,
    /// `1 – 6 of 6`
    range: String,
    pager: Pager,
    /// Voice users of the account who are not mapped.
    unmapped: usize,
    /// The first unmapped voice user on a later page; from the last page on it starts again from the first. Absent where
    /// nobody on another page is unmapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_unmapped: Option<Jump>,
    /// What to show above the list.
    notices: Vec<Notice>,
    licences: Licences,
    /// Whom to ask for more licences.
    contact: String,
    drop_down: DropDown,
    /// Label of the action that opens a voice user, where an association can be made by hand, too.
    edit_label: &'static str,
    sync: Sync,
    /// `None` or `Sync Needed`
    action_needed: &'static str,
    /// Label of the voice portal's button.
    button: &'static str,
}

/// Where the controls of the list lead; absent where a control is disabled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Pager {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<usize>,
}

impl Pager {
    fn of(page: usize, pages: usize) -> Self {
        let (before, after) = (page > 1, page < pages);
        Self {
            first: before.then_some(1),
            previous: before.then(|| page - 1),
            next: after.then(|| page + 1),
            last: after.then_some(pages),
        }
    }
}

/// An unmapped voice user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Jump {
    page: usize,
    /// From 1.
    place: usize,
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    name: String,
}

/// A sentence above the list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Notice {
    /// `FIRST_SYNC_NEEDED`, `FIRST_SYNC_RUNNING`, `SYNC_RUNNING`, `SYNC_REQUIRED`, `UNLICENSED`, `FREED_BY_NEXT_SYNC` or
    /// `MORE_PAGES`.
    code: &'static str,
    text: String,
}

/// Whether a sync works now. What is saved meanwhile is kept, and waits for the next one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Sync {
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    run: Option<RunId>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// In the list, from 1.
    place: usize,
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
    /// A sync has mapped the row because both sides have the same mail address.
    by_mail: bool,
    /// Who has the same mail address and is free; accept it with `POST …/mapping/proposals` or in a save.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<TeamsUserView>,
    /// What is wrong with the row, and what to do.
    findings: Vec<Finding>,
    /// `License Status: Unlicensed` where there is no licence for this row; absent where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    license_status: Option<&'static str>,
    /// A yellow triangle goes with it.
    warning: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Licences {
    /// `null` is unlimited.
    limit: Option<u32>,
    used: usize,
    /// Those that can be given away now; `null` is unlimited.
    free: Option<usize>,
    /// Of the used ones, licences of users who are unmapped already; they are free after the next sync.
    pending_release: usize,
}

impl From<mapping::Licences> for Licences {
    fn from(licences: mapping::Licences) -> Self {
        Self {
            limit: licences.limit,
            used: licences.used,
            free: licences
                .limit
                .map(|limit| (limit as usize).saturating_sub(licences.used)),
            pending_release: licences.pending_release,
        }
    }
}

impl From<mapping_page::Row> for Row {
    fn from(row: mapping_page::Row) -> Self {
        Self {
            place: row.place,
            voice_user: row.voice_user,
            name: row.name,
            email_and_extension: row.email_and_extension,
            number: row.number,
            teams_user: row.teams_user,
            text: row.text,
            applied: row.applied,
            by_mail: row.by_mail,
            proposal: row.proposal.map(TeamsUserView::from),
            findings: row.findings,
            license_status: row.unlicensed.then_some(licence::UNLICENSED),
            warning: row.unlicensed,
        }
    }
}

impl From<mapping_page::MappingPage> for MappingPage {
    fn from(page: mapping_page::MappingPage) -> Self {
        Self {
            columns: ["Name", "Email & Extension", "Microsoft Teams User"],
            rows: page.rows.into_iter().map(Row::from).collect(),
            page: page.page,
            pages: page.pages,
            per_page: page.per_page,
            total: page.total,
            items_per_page: format!("Items per page: {}", page.per_page),
            range: page.range,
            pager: Pager::of(page.page, page.pages),
            unmapped: page.unmapped,
            next_unmapped: page.next_unmapped.map(|jump| Jump {
                page: jump.page,
                place: jump.place,
                voice_user: jump.voice_user,
                name: jump.name,
            }),
            notices: page
                .notices
                .into_iter()
                .map(|notice| Notice {
                    code: notice.code,
                    text: notice.text,
                })
                .collect(),
            licences: page.licences.into(),
            drop_down: DropDown::new(),
            edit_label: "Edit User",
            sync: Sync {
                running: page.running.is_some(),
                run: page.running,
            },
            action_needed: page.status.action_needed(),
            button: page.status.voice_button(),
            contact: page.contact,
        }
    }
}

/// A page of the mapping, by name, with everything that is shown on it.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/mapping", operation_id = "getMapping", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), PageParams),
    responses((status = 200, body = MappingPage), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn page(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<PageParams>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let view = View {
        page: params.page.unwrap_or(1),
        per_page: params.per_page.unwrap_or(mapping_page::PER_PAGE),
        q: params.q,
        unmapped: params.unmapped,
        descending: params.descending,
        jump: params.jump,
        proposals: params.proposals.unwrap_or(true),
    };
    let page = mapping_page::page(&io, &access.kept, view, io.clock.now()).await?;
    Ok((etag(page.version), Json(MappingPage::from(page))))
}

/// Changed rows, saved as a whole or not at all; at most 1,000.
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
    licences: Licences,
}

impl From<&Saved> for SaveReport {
    fn from(saved: &Saved) -> Self {
        Self {
            changed: saved.changed,
            pending: saved.status.pending.map_or(0, |pending| pending.users),
            action_needed: saved.status.action_needed(),
            button: saved.status.voice_button(),
            licences: saved.licences.into(),
        }
    }
}

/// Saves changed rows. Teams is untouched until the Global Admin syncs; a sync that runs meanwhile is no obstacle.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/mapping", operation_id = "saveMapping", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = MappingForm,
    responses((status = 200, body = SaveReport), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn save(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<MappingForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let rows = body.value.rows.into_iter();
    let edits: Vec<_> = rows.map(|row| (row.voice_user, row.teams_user)).collect();
    let saved = mapping::save(&io, &access.kept, &edits, &access.author(), seen, io.clock.now()).await?;
    Ok((etag(saved.version), Json(SaveReport::from(&saved))))
}
