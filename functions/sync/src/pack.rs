//! A plan as a PowerShell script, for organizations that give no access.

use crate::plans::OnePlan;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use shared::Result;
use shared::domain::caller::Caller;
use shared::io::Io;
use shared::run::{access, pack};
use shared::web::extract::Segments;
use shared::web::problem::Problem;
use std::sync::Arc;

/// A plan as a commented script that an administrator of the organization reads and runs; made from the plan alone.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/plans/{plan}/powershell", operation_id = "getPlanAsScript", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("plan" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OnePlan>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let script = pack::script(&io, &access.kept, &path.plan, io.clock.now()).await?;
    let file = format!("attachment; filename=\"{}.ps1\"", path.plan);
    let named = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((named, script))
}
