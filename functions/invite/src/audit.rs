//! The audit trails.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::audit::{Changed, Deed, Entry};
use shared::domain::caller::Caller;
use shared::domain::ids::{AuditId, EnterpriseId, ResellerId};
use shared::io::Io;
use shared::run::access;
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrailParams {
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<AuditId>,
}

/// A page of a trail, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trail {
    items: Vec<EntryView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<AuditId>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntryView {
    #[schema(value_type = String)]
    id: AuditId,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    deed: Deed,
    /// Address or name.
    who: String,
    /// The identity provider's key.
    subject: String,
    role: String,
    /// The Global Admin in whose place a reseller acted.
    on_behalf_of: Option<String>,
    /// Values before and after.
    changes: Vec<Changed>,
    /// IP address.
    address: Option<String>,
    /// `x-request-id` of the answer.
    request_id: Option<String>,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            deed: entry.deed,
            who: entry.author.who,
            subject: entry.author.subject,
            role: entry.author.role,
            on_behalf_of: entry.author.on_behalf_of,
            changes: entry.changes,
            address: entry.author.address,
            request_id: entry.author.request,
        }
    }
}

fn trail((entries, next): (Vec<Entry>, Option<AuditId>)) -> Json<Trail> {
    Json(Trail {
        items: entries.into_iter().map(EntryView::from).collect(),
        next,
    })
}

/// What was changed of an enterprise, by whom.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/audit", operation_id = "getEnterpriseAudit", tag = "audit", security(("jwt" = [])),
    params(("enterprise" = String, Path), TrailParams),
    responses((status = 200, body = Trail), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn of_enterprise(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<TrailParams>,
) -> Result<Json<Trail>> {
    access::on(&io, caller, &enterprise).await?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let page = io.store.enterprise_trail(&enterprise, params.cursor.as_ref(), limit);
    Ok(trail(page.await?))
}

/// What was changed of a reseller, and which enterprises it got and lost, by whom.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/audit", operation_id = "getResellerAudit", tag = "audit", security(("jwt" = [])),
    params(("reseller" = String, Path), TrailParams),
    responses((status = 200, body = Trail), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn of_reseller(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    Params(params): Params<TrailParams>,
) -> Result<Json<Trail>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let page = io.store.reseller_trail(&reseller, params.cursor.as_ref(), limit);
    Ok(trail(page.await?))
}

/// What was changed of the whole service, by whom.
#[utoipa::path(get, path = "/v1/audit", operation_id = "getServiceAudit", tag = "audit", security(("jwt" = [])), params(TrailParams),
    responses((status = 200, body = Trail), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn of_service(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Params(params): Params<TrailParams>,
) -> Result<Json<Trail>> {
    access::provider(&caller)?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    Ok(trail(io.store.service_trail(params.cursor.as_ref(), limit).await?))
}
