//! The feed of a reseller's events.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::Invalid;
use shared::domain::caller::Caller;
use shared::domain::event::{Event, Types};
use shared::domain::ids::{EnterpriseId, EventId, ResellerId};
use shared::io::Io;
use shared::run::access;
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The cursor of this moment.
const NOW: &str = "now";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// `cursor` of the answer before; `now` for a cursor to begin with and nothing of what was. Where it is left out, the answer
    /// begins with the oldest event that is kept: those of the last 30 days are.
    after: Option<String>,
    /// Types such as `run.failed`, or groups such as `run.*`, with commas between them; all where left out.
    types: Option<String>,
    /// Events of this enterprise only.
    #[param(value_type = Option<String>)]
    enterprise: Option<EnterpriseId>,
    /// 1 to 100; 100 where left out. So many events are looked through; those that do not fit are left out of the answer.
    limit: Option<u16>,
}

/// A part of the feed, oldest first; events of one enterprise in the order in which they took effect. No event is missing between
/// two answers, and none comes twice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventList {
    items: Vec<Event>,
    /// Give it as `after` of the next request, also when there was nothing this time.
    #[schema(value_type = String)]
    cursor: EventId,
    /// There are more already: ask again at once.
    more: bool,
}

/// What happened to a reseller's enterprises, and to the reseller itself.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/events", operation_id = "listEvents", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), EventParams),
    responses((status = 200, body = EventList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    Params(params): Params<EventParams>,
) -> Result<Json<EventList>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let names = params.types.as_deref().unwrap_or_default().split(',').map(str::trim);
    let types = Types::parse(names.filter(|name| !name.is_empty()))?;
    let after = match params.after.as_deref() {
        None => None,
        Some(NOW) => Some(io.store.newest_event(&reseller).await?),
        Some(cursor) => Some(place(cursor)?),
    };
    let limit = params.limit.unwrap_or(100).clamp(1, 100);
    let page = io
        .store
        .events(&reseller, after.as_ref(), limit, io.clock.now())
        .await?;
    let fits = |event: &Event| {
        let whose = params.enterprise.is_none() || params.enterprise == event.enterprise;
        whose && types.want(&event.kind)
    };
    Ok(Json(EventList {
        items: page.events.into_iter().filter(fits).collect(),
        cursor: page.cursor,
        more: page.more,
    }))
}

/// A cursor that somebody sends.
pub(crate) fn place(cursor: &str) -> Result<EventId> {
    let wrong = |_| Invalid::new("after", "give the cursor of an answer, or now");
    Ok(cursor.parse().map_err(wrong)?)
}
