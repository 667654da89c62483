//! Who may sync besides the recorded Global Admin.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::domain::operators::{Deputy, Named};
use shared::io::Io;
use shared::run::{access, operators};
use shared::web::extract::{Body, IfMatch, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// Who may sync besides the recorded Global Admin; nobody unless that person says so.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperatorsView {
    deputies: Vec<DeputyView>,
    /// A deputy may hold the role Teams Administrator in place of Global Administrator.
    teams_administrators: bool,
}

/// A person who may sync in the Global Admin's place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeputyView {
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    name: String,
    /// The person has signed in at Microsoft for a sync, and is the only one who can from then on.
    known: bool,
}

impl From<Deputy> for DeputyView {
    fn from(deputy: Deputy) -> Self {
        Self {
            known: deputy.identity.is_some(),
            email: deputy.email,
            name: deputy.name,
        }
    }
}

fn answer(kept: Enterprise) -> impl IntoResponse {
    let view = OperatorsView {
        deputies: kept.operators.deputies.into_iter().map(DeputyView::from).collect(),
        teams_administrators: kept.operators.teams_administrators,
    };
    (etag(kept.version), Json(view))
}

/// Who may sync besides the Global Admin.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/operators", operation_id = "getOperators", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = OperatorsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    Ok(answer(access.kept))
}

/// Who is to sync besides the Global Admin, in place of those before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OperatorsForm {
    /// At most five; an empty list leaves the Global Admin alone.
    #[schema(max_items = 5)]
    deputies: Vec<DeputyForm>,
    /// Lets a deputy hold the role Teams Administrator in place of Global Administrator.
    teams_administrators: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeputyForm {
    /// The person's address in the portal.
    #[schema(format = "email")]
    email: String,
    #[schema(min_length = 1, max_length = 120)]
    name: String,
}

/// Names the deputies of the Global Admin, who alone may do so. Who is left out can do nothing more from then on: links that
/// were given to that person end, and a sync that runs in their name stops and waits for another sign-in.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/operators", operation_id = "putOperators", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = OperatorsForm,
    responses((status = 200, body = OperatorsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<OperatorsForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let form = body.value;
    let named = form.deputies.into_iter().map(|deputy| Named {
        email: deputy.email,
        name: deputy.name,
    });
    let named: Vec<Named> = named.collect();
    let kept = operators::name(&io, access, &named, form.teams_administrators, seen, io.clock.now()).await?;
    Ok(answer(kept))
}
