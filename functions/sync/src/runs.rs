//! Runs: start, stop, repeat, history, progress of every user.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::finding::Finding;
use shared::domain::ids::{EnterpriseId, PlanId, RunId, TeamsUserId};
use shared::domain::permission::{Approval, Mode, Permission};
use shared::domain::run::{Authority, Run, RunKind, RunState, Step, StepState, Tally, Trigger};
use shared::io::Io;
use shared::run::access;
use shared::run::history::{self, UserSteps};
use shared::run::plans;
use shared::run::start_sync::{self, Ask, Started};
use shared::run::{retry, stop};
use shared::web::extract::{Body, IdempotencyKey, Params, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RunForm {
    /// Read the tenant only, or also apply what is saved; or apply without reading its users again.
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
    /// `Manual` or `Auto` of the history.
    trigger: Trigger,
    state: RunState,
    #[schema(value_type = Option<String>)]
    plan: Option<PlanId>,
    /// The run whose failed part it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    retry_of: Option<RunId>,
    debug: bool,
    /// Who asked for it.
    requested_by: String,
    /// In whose name it works at Microsoft.
    authority: AuthorityKind,
    /// The deputy, where it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    deputy: Option<EmailAddress>,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    started: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended: Option<Timestamp>,
    /// From its start to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<i64>,
    /// What came of it, in a sentence; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// How far its changes are, as of its last checkpoint; at the end, what came of them.
    counts: Tally,
    /// What stood in the way; the first 200, and all of them in the log.
    findings: Vec<Finding>,
    /// Who has approved its releases, where that was needed; given for one run, not in the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    /// Where the Global Admin signs in; given to whoever started the run or asks for its sign-in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_url: Option<String>,
    /// Changes by user; given for one run, not in the history. A run with more than 1000 changes has them in `changes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<UserProgress>>,
}

/// In whose name a run works at Microsoft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum AuthorityKind {
    /// The Global Admin's, who signs in for it.
    GlobalAdmin,
    /// A deputy's, who signs in for it.
    Deputy,
    /// The application's own; nobody signs in.
    Unattended,
}

/// The changes of one user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserProgress {
    #[schema(value_type = String)]
    teams_user: TeamsUserId,
    name: Option<String>,
    changes: Vec<ChangeProgress>,
    /// When the dial pad should be seen in Teams; given for users to whom the run has given a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    dial_pad: Option<DialPadClock>,
}

/// The clock of the dial pad. Whether it is there cannot be seen by us.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DialPadClock {
    /// Two hours after the user's changes were in place.
    #[schema(value_type = String, format = "date-time")]
    expected_by: Timestamp,
    /// That time has passed: a person who does not see it yet contacts support.
    late: bool,
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

impl From<Step> for ChangeProgress {
    fn from(step: Step) -> Self {
        let (state, since, why) = match step.state {
            StepState::Pending => (Progress::Pending, None, None),
            StepState::Submitted { at, .. } => (Progress::Submitted, Some(at), None),
            StepState::Verifying { since } => (Progress::Verifying, Some(since), None),
            StepState::Applied => (Progress::Applied, None, None),
            StepState::Failed { why } => (Progress::Failed, None, Some(why)),
            StepState::Skipped { why } => (Progress::Skipped, None, Some(why)),
        };
        Self {
            text: step.what,
            state,
            since,
            why,
        }
    }
}

impl From<UserSteps> for UserProgress {
    fn from(user: UserSteps) -> Self {
        Self {
            teams_user: user.teams_user,
            name: user.name,
            changes: user.steps.into_iter().map(ChangeProgress::from).collect(),
            dial_pad: user.dial_pad.map(|pad| DialPadClock {
                expected_by: pad.expected_by,
                late: pad.late,
            }),
        }
    }
}

fn view(run: Run) -> RunView {
    let (authority, deputy) = match &run.authority {
        Authority::GlobalAdmin => (AuthorityKind::GlobalAdmin, None),
        Authority::Deputy(email) => (AuthorityKind::Deputy, Some(email.clone())),
        Authority::Unattended => (AuthorityKind::Unattended, None),
    };
    RunView {
        duration_seconds: run.duration().map(|duration| duration.as_secs()),
        result: run.result(),
        id: run.id,
        kind: run.kind,
        trigger: run.trigger,
        state: run.state,
        plan: run.plan,
        retry_of: run.retry_of,
        debug: run.debug,
        requested_by: run.requested_by,
        authority,
        deputy,
        created: run.created,
        started: run.started,
        ended: run.ended,
        counts: run.tally,
        findings: run.findings,
        approval: None,
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
        approved_by: form.approved_releases.map(|_| access.author().who),
    });
    let ask = Ask {
        kind: form.kind,
        plan: form.plan,
        permission,
        debug: form.debug,
        unattended: form.unattended,
        retry_of: None,
    };
    let run = start_sync::start(&io, &access, ask, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(started(run))))
}

#[derive(Debug, Deserialize)]
pub(crate) struct OneRun {
    pub(crate) enterprise: EnterpriseId,
    pub(crate) run: RunId,
}

/// Stops a run: at once where it waits for a sign-in, otherwise at the next thing it would begin. What Microsoft was given by
/// then is kept as ours, and the answer tells how far the run is; it ends as `cancelled`. May be repeated.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/runs/{run}/cancel", operation_id = "cancelRun", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path)),
    responses((status = 202, body = RunView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn cancel(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let run = stop::stop(&io, &access, &path.run, io.clock.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(view(run))))
}

/// How far the repetition may go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetryForm {
    /// Without a default, as for any run that applies.
    mode: Mode,
    /// The number of releases that somebody has read and approved, where there are many.
    approved_releases: Option<usize>,
    /// More detail in the log.
    #[serde(default)]
    debug: bool,
}

/// Repeats the failed part of a run that has ended: only the users whose changes failed, were skipped, not proven, or left
/// alone for something in the way. It applies what is saved for them by now, and begins with a sign-in as any run.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/runs/{run}/retry", operation_id = "retryRun", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), ("Idempotency-Key" = String, Header)), request_body = RetryForm,
    responses((status = 201, body = RunView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn retry(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    key: IdempotencyKey,
    body: Body<RetryForm>,
) -> Result<impl IntoResponse> {
    let once = key.once(&caller, &body);
    let access = access::on(&io, caller, &path.enterprise).await?;
    let form = body.value;
    let permission = Permission {
        mode: form.mode,
        approved_releases: form.approved_releases,
        approved_by: form.approved_releases.map(|_| access.author().who),
    };
    let now = io.clock.now();
    let run = retry::start(&io, &access, &path.run, permission, form.debug, &once, now).await?;
    Ok((StatusCode::CREATED, Json(started(run))))
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
    let users = history::users(&io, &path.enterprise, &run).await?;
    let approval = plans::approval_used(&io, &path.enterprise, &run.id).await?;
    let users = users.map(|users| users.into_iter().map(UserProgress::from).collect());
    Ok(Json(RunView {
        users,
        approval,
        ..view(run)
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesParams {
    /// 1 to 1000; 500 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    cursor: Option<u32>,
}

/// A page of a run's changes, in the order of its plan.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunChanges {
    items: Vec<RunChange>,
    next: Option<u32>,
}

/// A change of a run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RunChange {
    /// Its place in the plan, from 0.
    index: u32,
    #[schema(value_type = String)]
    teams_user: TeamsUserId,
    #[serde(flatten)]
    progress: ChangeProgress,
}

/// The changes of a run and how far each is, in parts: it costs the same however many there are.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/runs/{run}/changes", operation_id = "listRunChanges", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), ChangesParams),
    responses((status = 200, body = RunChanges), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn changes(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    Params(params): Params<ChangesParams>,
) -> Result<Json<RunChanges>> {
    access::on(&io, caller, &path.enterprise).await?;
    io.store.run(&path.enterprise, &path.run).await?;
    let limit = params.limit.unwrap_or(500).clamp(1, 1000);
    let from = params.cursor.unwrap_or(0);
    let (steps, next) = history::changes(&io, &path.enterprise, &path.run, from, limit).await?;
    let change = |step: Step| RunChange {
        index: step.index,
        teams_user: step.user.clone(),
        progress: step.into(),
    };
    Ok(Json(RunChanges {
        items: steps.into_iter().map(change).collect(),
        next,
    }))
}
