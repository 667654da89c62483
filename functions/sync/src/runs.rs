//! Runs: start, history, progress of every user, log.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::explanation::Explanation;
use shared::domain::finding::{Actor, Code, Finding};
use shared::domain::ids::{EnterpriseId, PlanId, RunId, TeamsUserId};
use shared::domain::permission::{Mode, Permission};
use shared::domain::run::{Run, RunKind, RunState, StepState};
use shared::io::Io;
use shared::run::access;
use shared::run::diagnosis;
use shared::run::plans::StoredPlan;
use shared::run::start_sync::{self, Ask, Started};
use shared::web::extract::{Body, IdempotencyKey, Params, Segments};
use shared::web::problem::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RunForm {
    /// Read the tenant only, or also apply what is saved.
    kind: RunKind,
    /// The plan that was shown: the run does what it says or less, or refuses.
    #[schema(value_type = Option<String>)]
    plan: Option<PlanId>,
    /// How far the run may go; needed to apply, and without a default.
    mode: Option<Mode>,
    /// The number of releases that somebody has read and approved, where the plan asks for it.
    approved_releases: Option<usize>,
    /// More detail in the log.
    #[serde(default)]
    debug: bool,
    /// Nobody signs in for it: the Global Admin lets syncs run unattended.
    #[serde(default)]
    unattended: bool,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunView {
    #[schema(value_type = String)]
    id: RunId,
    kind: RunKind,
    state: RunState,
    #[schema(value_type = Option<String>)]
    plan: Option<PlanId>,
    debug: bool,
    requested_by: String,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    started: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended: Option<Timestamp>,
    findings: Vec<Finding>,
    /// Where the Global Admin signs in; given to whoever started the run or asks for its sign-in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_url: Option<String>,
    /// Changes by user; given for one run, not in the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<UserProgress>>,
}

/// The changes of one user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserProgress {
    #[schema(value_type = String)]
    teams_user: TeamsUserId,
    name: Option<String>,
    changes: Vec<ChangeProgress>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChangeProgress {
    text: String,
    state: Progress,
    /// Since when it is `submitted` or `verifying`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    since: Option<Timestamp>,
    /// Why it is `failed` or `skipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// How far a change is; `applied` is read back and found in place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Progress {
    Pending,
    Submitted,
    Verifying,
    Applied,
    Failed,
    Skipped,
}

impl ChangeProgress {
    fn new(text: String, state: StepState) -> Self {
        let (state, since, why) = match state {
            StepState::Pending => (Progress::Pending, None, None),
            StepState::Submitted { at, .. } => (Progress::Submitted, Some(at), None),
            StepState::Verifying { since } => (Progress::Verifying, Some(since), None),
            StepState::Applied => (Progress::Applied, None, None),
            StepState::Failed { why } => (Progress::Failed, None, Some(why)),
            StepState::Skipped { why } => (Progress::Skipped, None, Some(why)),
        };
        Self {
            text,
            state,
            since,
            why,
        }
    }
}

fn view(run: Run) -> RunView {
    RunView {
        id: run.id,
        kind: run.kind,
        state: run.state,
        plan: run.plan,
        debug: run.debug,
        requested_by: run.requested_by,
        created: run.created,
        started: run.started,
        ended: run.ended,
        findings: run.findings,
        sign_in_url: None,
        users: None,
    }
}

fn started(started: Started) -> RunView {
    RunView {
        sign_in_url: started.sign_in.map(String::from),
        ..view(started.run)
    }
}

/// Starts a sync. It begins when the Global Admin has signed in at `signInUrl`; one that is `unattended` begins within a minute
/// or two, without a sign-in.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/runs", operation_id = "startRun", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("Idempotency-Key" = String, Header)), request_body = RunForm,
    responses((status = 201, body = RunView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn start(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    key: IdempotencyKey,
    body: Body<RunForm>,
) -> Result<impl IntoResponse> {
    let once = key.once(&caller, &body);
    let access = access::on(&io, caller, &enterprise).await?;
    let form = body.value;
    let permission = form.mode.map(|mode| Permission {
        mode,
        approved_releases: form.approved_releases,
    });
    let ask = Ask {
        kind: form.kind,
        plan: form.plan,
        permission,
        debug: form.debug,
        unattended: form.unattended,
    };
    let run = start_sync::start(&io, &access, ask, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(started(run))))
}

#[derive(Debug, Deserialize)]
pub(crate) struct OneRun {
    enterprise: EnterpriseId,
    run: RunId,
}

/// Gives a new sign-in link to a run that waits for its Global Admin.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/runs/{run}/sign-in", operation_id = "signInToRun", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RunView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn sign_in(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    key: IdempotencyKey,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let once = key.bare(&access.caller, &format!("sign-in of {}", path.run));
    let (run, _) = start_sync::sign_in_again(&io, &access, &path.run, None, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(started(run))))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// 1 to 100; 20 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<RunId>,
}

/// A page of runs, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct History {
    items: Vec<RunView>,
    #[schema(value_type = Option<String>)]
    next: Option<RunId>,
}

/// The sync history.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/runs", operation_id = "listRuns", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), HistoryParams),
    responses((status = 200, body = History), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<HistoryParams>,
) -> Result<Json<History>> {
    access::on(&io, caller, &enterprise).await?;
    let limit = params.limit.unwrap_or(20).clamp(1, 100);
    let (runs, more) = io.store.runs(&enterprise, params.cursor.as_ref(), limit).await?;
    let next = runs.last().filter(|_| more).map(|run| run.id.clone());
    Ok(Json(History {
        items: runs.into_iter().map(view).collect(),
        next,
    }))
}

/// A run with the progress of every user.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/runs/{run}", operation_id = "getRun", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path)),
    responses((status = 200, body = RunView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
) -> Result<Json<RunView>> {
    access::on(&io, caller, &path.enterprise).await?;
    let run = io.store.run(&path.enterprise, &path.run).await?;
    let plan: Option<StoredPlan> = io.store.run_plan(&path.enterprise, &path.run).await?;
    let steps = io.store.steps(&path.enterprise, &path.run).await?;
    let users = plan.map(|plan| {
        let mut users: BTreeMap<TeamsUserId, UserProgress> = BTreeMap::new();
        for (step, change) in steps.into_iter().zip(&plan.changes) {
            let teams_user = change.user().clone();
            let name = plan.names.get(&teams_user).cloned();
            let progress = users.entry(teams_user.clone()).or_insert(UserProgress {
                teams_user,
                name,
                changes: Vec::new(),
            });
            progress
                .changes
                .push(ChangeProgress::new(change.to_string(), step.state));
        }
        users.into_values().collect()
    });
    Ok(Json(RunView { users, ..view(run) }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogParams {
    /// The first line's number, from 0.
    from: Option<u32>,
    /// 1 to 1000; 500 where left out.
    limit: Option<u16>,
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
    /// What the line means, where people have been seen to ask.
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
    text: &'static str,
    /// What to do.
    fix: &'static str,
    /// Who can do it.
    actor: Actor,
    /// The page that says more.
    help: String,
}

fn log_line(io: &Io, number: u32, text: String, explanation: Option<Explanation>) -> LogLine {
    let explanation = explanation.map(|explanation| LineExplanation {
        code: explanation.code(),
        text: explanation.text(),
        fix: explanation.fix(),
        actor: explanation.actor(),
        help: diagnosis::help(io, explanation.code()),
    });
    LogLine {
        number,
        text,
        explanation,
    }
}

/// The log of a run; support staff of the provider read it too.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/runs/{run}/log", operation_id = "getRunLog", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), LogParams),
    responses((status = 200, body = Log), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn log(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    Params(params): Params<LogParams>,
) -> Result<Json<Log>> {
    access::on(&io, caller, &path.enterprise).await?;
    io.store.run(&path.enterprise, &path.run).await?;
    let from = params.from.unwrap_or(0);
    let lines = io
        .store
        .lines(
            &path.enterprise,
            &path.run,
            from,
            params.limit.unwrap_or(500).clamp(1, 1000),
        )
        .await?;
    let next = lines.last().map_or(from, |line| line.number + 1);
    Ok(Json(Log {
        lines: lines
            .into_iter()
            .map(|line| log_line(&io, line.number, line.text, line.explanation))
            .collect(),
        next,
    }))
}
