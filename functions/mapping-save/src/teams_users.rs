//! The Teams users who can be chosen in the mapping's drop-downs.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::directory::TeamsUser;
use shared::domain::email::EmailAddress;
use shared::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use shared::io::Io;
use shared::run::access;
use shared::run::candidates::{self, Candidate, Search};
use shared::run::mapping_page::SELECT_USER;
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// 1 to 500; 100 where left out.
    limit: Option<usize>,
    /// `next` of the page before. What is searched for comes in one page, by name.
    #[param(value_type = Option<String>)]
    cursor: Option<TeamsUserId>,
    /// Part of a name or address, whatever its case.
    q: Option<String>,
    /// Only those who are mapped to nobody.
    #[serde(default)]
    free: bool,
}

/// A page of Teams users: in the order of their ids, or by name where somebody is searched for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamsUserList {
    drop_down: DropDown,
    items: Vec<CandidateView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<TeamsUserId>,
    /// A search found more than the limit: ask for more letters.
    more: bool,
    /// What to do while the list is empty or somebody is missing.
    hint: &'static str,
}

/// The texts of the drop-downs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DropDown {
    /// Of a row that is not mapped.
    placeholder: &'static str,
    /// Above the open list.
    label: &'static str,
    /// The first choice; it is saved as `null`.
    none: &'static str,
}

impl DropDown {
    pub(crate) fn new() -> Self {
        Self {
            placeholder: SELECT_USER,
            label: "Select the user's Microsoft Teams account",
            none: "None",
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamsUserView {
    #[schema(value_type = String)]
    id: TeamsUserId,
    /// `Name (email)`, as the drop-down shows it.
    label: String,
    name: String,
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    /// Two letters; it decides how calls out are treated.
    country: Option<String>,
}

/// A Teams user and who has them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CandidateView {
    #[serde(flatten)]
    user: TeamsUserView,
    /// The voice user who is mapped to them; absent where they are free.
    #[serde(skip_serializing_if = "Option::is_none")]
    mapped_to: Option<MappedTo>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MappedTo {
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    name: String,
}

impl From<TeamsUser> for TeamsUserView {
    fn from(user: TeamsUser) -> Self {
        Self {
            label: user.label(),
            id: user.id,
            name: user.name,
            email: user.email,
            country: user.country,
        }
    }
}

impl From<Candidate> for CandidateView {
    fn from(candidate: Candidate) -> Self {
        let mapped_to = candidate.mapped_to;
        Self {
            user: candidate.user.into(),
            mapped_to: mapped_to.map(|(voice_user, name)| MappedTo { voice_user, name }),
        }
    }
}

/// The users of the last sync who have Teams Phone and no calling plan.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/teams-users", operation_id = "listTeamsUsers", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ListParams),
    responses((status = 200, body = TeamsUserList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<ListParams>,
) -> Result<Json<TeamsUserList>> {
    access::on(&io, caller, &enterprise).await?;
    let search = Search {
        limit: params.limit.unwrap_or(100).clamp(1, 500),
        after: params.cursor,
        q: params.q,
        free: params.free,
    };
    let found = candidates::look(&io, &enterprise, search).await?;
    Ok(Json(TeamsUserList {
        drop_down: DropDown::new(),
        items: found.items.into_iter().map(CandidateView::from).collect(),
        next: found.next,
        more: found.more,
        hint: "Wait for the first sync to end before mapping. Somebody is missing? They need Teams Phone or E5, no calling plan, and a place in a chosen group; then sync again.",
    }))
}
