//! The Teams users who can be mapped.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::directory::TeamsUser;
use shared::domain::email::EmailAddress;
use shared::domain::ids::{EnterpriseId, TeamsUserId};
use shared::io::Io;
use shared::run::access;
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
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<TeamsUserId>,
}

/// A page of Teams users in the order of their ids.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamsUserList {
    items: Vec<TeamsUserView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<TeamsUserId>,
    /// What to do while the list is empty or somebody is missing.
    hint: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TeamsUserView {
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
    let limit = params.limit.unwrap_or(100).clamp(1, 500);
    let (users, more) = io
        .store
        .teams_users_page(&enterprise, params.cursor.as_ref(), limit)
        .await?;
    let next = users.last().filter(|_| more).map(|user| user.id.clone());
    Ok(Json(TeamsUserList {
        items: users.into_iter().map(TeamsUserView::from).collect(),
        next,
        hint: "Wait for the first sync to end before mapping. Somebody is missing? They need Teams Phone or E5, no calling plan, and a place in a chosen group; then sync again.",
    }))
}
