//! The log of a run, as data and as a file, and the bundle that support asks for.

use crate::runs::OneRun;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use serde::{Deserialize, Serialize};
use shared::domain::Invalid;
use shared::domain::caller::{Caller, Role};
use shared::domain::finding::{Actor, Code};
use shared::io::Io;
use shared::run::access;
use shared::run::bundle::{self, SupportBundle};
use shared::run::diagnosis;
use shared::run::history::{self, LineItem};
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// How much of a log is given.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LogLevel {
    /// What everybody reads.
    Normal,
    /// And the details: every call of Microsoft and every step of a change in a debug run, and failed calls in any.
    Debug,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogParams {
    /// The first line's number, from 0.
    from: Option<u32>,
    /// 1 to 1000; 500 where left out. Lines of another level count.
    limit: Option<u16>,
    /// `debug` for a debug run and `normal` for any other where left out.
    #[param(inline)]
    level: Option<LogLevel>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TextParams {
    /// The first line's number, from 0.
    from: Option<u32>,
    /// `debug` for a debug run and `normal` for any other where left out.
    #[param(inline)]
    level: Option<LogLevel>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BundleParams {
    /// People are named; for the provider's staff only.
    people: Option<bool>,
}

/// A part of a run's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    lines: Vec<LogLine>,
    /// Give it as `from` to go on.
    next: u32,
}

/// A line of a run's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LogLine {
    /// From 0.
    number: u32,
    /// `<mm:ss> CHANNEL> text`, counted from the run's start.
    text: String,
    /// `debug` for a detail.
    level: &'static str,
    /// What the line means, where people have been seen to ask, and where it tells of something in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<LineExplanation>,
}

/// What a line means and what to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LineExplanation {
    /// The code of the finding behind it.
    code: Code,
    /// What the line says.
    text: String,
    /// What to do.
    fix: String,
    /// Who can do it.
    actor: Actor,
    /// The page that says more.
    help: String,
}

fn log_line(io: &Io, line: LineItem) -> LogLine {
    let explained = line.explanation.map(|explanation| LineExplanation {
        code: explanation.code(),
        text: explanation.text().to_owned(),
        fix: explanation.fix().to_owned(),
        actor: explanation.actor(),
        help: diagnosis::help(io, explanation.code()),
    });
    let found = line.finding.map(|finding| LineExplanation {
        code: finding.code,
        text: finding.seen,
        fix: finding.fix,
        actor: finding.actor,
        help: diagnosis::help(io, finding.code),
    });
    LogLine {
        number: line.number,
        text: line.text,
        level: if line.detail { "debug" } else { "normal" },
        explanation: explained.or(found),
    }
}

/// Whether details are asked for.
fn details(level: Option<LogLevel>, debug: bool) -> bool {
    level.map_or(debug, |level| matches!(level, LogLevel::Debug))
}

/// The log of a run; support staff of the provider read it too.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/runs/{run}/log", operation_id = "getRunLog", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), LogParams),
    responses((status = 200, body = Log), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    Params(params): Params<LogParams>,
) -> Result<Json<Log>> {
    access::on(&io, caller, &path.enterprise).await?;
    let run = io.store.run(&path.enterprise, &path.run).await?;
    let (from, limit) = (params.from.unwrap_or(0), params.limit.unwrap_or(500).clamp(1, 1000));
    let lines = io.store.lines(&path.enterprise, &path.run, from, limit).await?;
    let next = lines.last().map_or(from, |line| line.number + 1);
    let lines = history::of_level(lines, details(params.level, run.debug));
    Ok(Json(Log {
        lines: lines.map(|line| log_line(&io, line)).collect(),
        next,
    }))
}

/// The log of a run as a file. A log of many megabytes comes in parts; the last line of a part says where to go on.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/runs/{run}/log.txt", operation_id = "downloadRunLog", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), TextParams),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn text(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    Params(params): Params<TextParams>,
) -> Result<impl IntoResponse> {
    access::on(&io, caller, &path.enterprise).await?;
    let run = io.store.run(&path.enterprise, &path.run).await?;
    let (from, details) = (params.from.unwrap_or(0), details(params.level, run.debug));
    let text = history::log_text(&io, &path.enterprise, &path.run, from, details).await?;
    let name = format!("attachment; filename=\"{}.log.txt\"", path.run);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text))
}

/// Everything that support needs of a run, in one document without secrets. People are masked: names, the local part of
/// addresses, all but the last four digits of numbers.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/runs/{run}/support-bundle", operation_id = "getSupportBundle", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), BundleParams),
    responses((status = 200, body = SupportBundle), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn bundle(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    Params(params): Params<BundleParams>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let people = params.people.unwrap_or(false);
    if people && !matches!(access.caller.role, Role::ProviderAdmin | Role::ProviderSupport) {
        let why = "only the provider's staff get a bundle in which people are named; leave it out";
        return Err(Error::Invalid(vec![Invalid::new("people", why)]));
    }
    let bundle = bundle::bundle(&io, &access.kept, &path.run, people, io.clock.now()).await?;
    let name = format!("attachment; filename=\"{}.support.json\"", path.run);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(bundle)))
}
