//! What is known to stand in the way of a sync, before anybody signs in.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::finding::{Code, Finding};
use shared::domain::ids::EnterpriseId;
use shared::io::Io;
use shared::run::preflight::{self, Effect, Kind, Noted, Scope};
use shared::run::{access, diagnosis};
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreflightParams {
    /// Only the findings of this code, a hundred at a time.
    code: Option<Code>,
    /// `next` of the code, for its next hundred.
    cursor: Option<u32>,
}

/// Everything that is known to stand in the way. Nothing is asked of Microsoft for it: a run looks again at what may have
/// moved, before it plans.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreflightView {
    /// Nothing is known that would stop a sync as a whole.
    ready: bool,
    /// When the directory was last read; absent before the first sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    directory_read: Option<Timestamp>,
    /// Those that stop a sync first, then those that leave somebody out, then what should be known.
    codes: Vec<CodeView>,
}

/// All findings of one code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CodeView {
    /// Stable; front ends and support articles hang on it.
    code: Code,
    /// What they are about.
    scope: Scope,
    /// What they keep from happening.
    effect: Effect,
    /// How many there are.
    count: u32,
    /// At most 20 of them, by subject; a hundred where only this code was asked for.
    findings: Vec<SeenFinding>,
    /// Ask for this `code` with it as `cursor` for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u32>,
    /// The page that says more.
    help: String,
}

/// A finding, and when the fact was seen that it rests on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SeenFinding {
    #[serde(flatten)]
    finding: Finding,
    /// When that was seen at Microsoft; absent where it follows from what is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    seen_at: Option<Timestamp>,
}

impl From<Noted> for SeenFinding {
    fn from(noted: Noted) -> Self {
        Self {
            finding: noted.finding,
            seen_at: noted.seen_at,
        }
    }
}

fn view(io: &Io, kind: Kind) -> CodeView {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    CodeView {
        code: kind.code,
        scope: kind.scope,
        effect: kind.effect,
        count: number(kind.count),
        findings: kind.shown.into_iter().map(SeenFinding::from).collect(),
        next: kind.next.map(number),
        help: diagnosis::help(io, kind.code),
    }
}

/// Looks at everything that is known of the enterprise, its tenant, its groups, and everybody who is mapped.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/preflight", operation_id = "getPreflight", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), PreflightParams),
    responses((status = 200, body = PreflightView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<PreflightParams>,
) -> Result<Json<PreflightView>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let from = params.code.and(params.cursor).unwrap_or_default();
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let report = preflight::report(&io, &access.kept, params.code, from, io.clock.now()).await?;
    Ok(Json(PreflightView {
        ready: report.ready,
        directory_read: report.directory_read,
        codes: report.kinds.into_iter().map(|kind| view(&io, kind)).collect(),
    }))
}
