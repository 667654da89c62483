//! How many numbers a sync may release by itself.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::domain::permission::ReleaseLimit;
use shared::io::Io;
use shared::run::{access, release_limit};
use shared::web::extract::{Body, IfMatch, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;

fn answer(kept: Enterprise) -> impl IntoResponse {
    (etag(kept.version), Json(kept.release_limit))
}

/// How many numbers a sync may release without a named approval: so many users, or so many percent of those who have
/// something from a sync, whichever is more.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/release-limit", operation_id = "getReleaseLimit", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = ReleaseLimit), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    Ok(answer(access.kept))
}

/// Sets it; the provider side does. With 0 users and 0 percent every release waits for somebody's approval.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/release-limit", operation_id = "putReleaseLimit", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = ReleaseLimit,
    responses((status = 200, body = ReleaseLimit), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<ReleaseLimit>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let kept = release_limit::set(&io, access, body.value, seen, io.clock.now()).await?;
    Ok(answer(kept))
}
