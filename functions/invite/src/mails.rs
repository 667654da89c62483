//! Mails and what becomes of them: the lists, the tasks that they leave, addresses that get no mail, and the switches.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::ids::{EnterpriseId, MailId, ResellerId, SuppressionId, TaskId};
use shared::domain::invitation::Trouble;
use shared::domain::letter::{Posted, Posting, Whose};
use shared::domain::mail_kind::MailKind;
use shared::domain::mail_limits::{Gate, RESELLER_DAY, Sending, SendingForm};
use shared::domain::suppression::Suppression;
use shared::domain::task::{Task, TaskKind};
use shared::io::Io;
use shared::run::{access, mail_desk};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MailParams {
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<MailId>,
}

/// A page of mails, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MailList {
    items: Vec<MailView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<MailId>,
}

/// One mail, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MailView {
    #[schema(value_type = String)]
    id: MailId,
    mail: MailKind,
    /// To whom; shortened for those who may not read the audit trail.
    recipient: String,
    state: Posted,
    /// Why it is in this state, where there is something to say.
    why: Option<String>,
    /// When its cause was.
    #[schema(value_type = String, format = "date-time")]
    written: Timestamp,
    /// Since when it is in this state.
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
    /// When it is of no use any more, where that is known; it does not leave after that.
    #[schema(value_type = Option<String>, format = "date-time")]
    until: Option<Timestamp>,
}

fn mail_list(caller: &Caller, (mails, next): (Vec<Posting>, Option<MailId>), now: Timestamp) -> Json<MailList> {
    let view = |posting: Posting| MailView {
        mail: posting.mail.letter.kind(),
        recipient: mail_desk::shown(caller, &posting.mail.to),
        state: posting.at(now),
        why: posting.why_at(now).map(str::to_owned),
        written: posting.written,
        since: posting.since,
        until: posting.mail.until,
        id: posting.mail.id,
    };
    Json(MailList {
        items: mails.into_iter().map(view).collect(),
        next,
    })
}

/// The mails about an enterprise, and what became of each.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/mails", operation_id = "listMails", tag = "mails", security(("jwt" = [])),
    params(("enterprise" = String, Path), MailParams),
    responses((status = 200, body = MailList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn of_enterprise(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<MailParams>,
) -> Result<Json<MailList>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let whose = Whose::Enterprise(enterprise);
    let mails = io.store.mails(&whose, params.cursor.as_ref(), limit);
    Ok(mail_list(&access.caller, mails.await?, io.clock.now()))
}

/// The mails to a reseller itself, and what became of each.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/mails", operation_id = "listResellerMails", tag = "mails", security(("jwt" = [])),
    params(("reseller" = String, Path), MailParams),
    responses((status = 200, body = MailList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn of_reseller(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    Params(params): Params<MailParams>,
) -> Result<Json<MailList>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let whose = Whose::Reseller(reseller);
    let mails = io.store.mails(&whose, params.cursor.as_ref(), limit);
    Ok(mail_list(&caller, mails.await?, io.clock.now()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TaskParams {
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<TaskId>,
}

/// A page of open tasks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskList {
    /// Those of a page stand with the one that waits longest first.
    items: Vec<TaskView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<TaskId>,
}

/// Something that a person has to see to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskView {
    #[schema(value_type = String)]
    id: TaskId,
    kind: TaskKind,
    #[schema(value_type = Option<String>)]
    enterprise: Option<EnterpriseId>,
    /// The address or thing that it is about; addresses are shortened for those who may not read the audit trail.
    subject: String,
    /// What happened.
    why: String,
    /// What ends it.
    fix: &'static str,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

fn task_view(caller: &Caller, task: Task) -> TaskView {
    let shown = |address| mail_desk::shown(caller, &address);
    TaskView {
        id: task.id,
        kind: task.kind,
        enterprise: task.enterprise,
        subject: task.subject.parse().map_or(task.subject, shown),
        why: task.why,
        fix: task.kind.fix(),
        since: task.since,
    }
}

/// What somebody at the reseller has to see to. A task ends by itself with what it asks for: an address that is corrected, a
/// person who is replaced, a suppression that is lifted.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/tasks", operation_id = "listTasks", tag = "mails", security(("jwt" = [])),
    params(("reseller" = String, Path), TaskParams),
    responses((status = 200, body = TaskList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn tasks(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    Params(params): Params<TaskParams>,
) -> Result<Json<TaskList>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let (mut tasks, next) = io.store.tasks(&reseller, params.cursor.as_ref(), limit).await?;
    tasks.sort_by_key(|task| task.since);
    let items = tasks.into_iter().map(|task| task_view(&caller, task)).collect();
    Ok(Json(TaskList { items, next }))
}

/// Why somebody does something.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonForm {
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Says that a task is done, and how. Nothing else changes: an address that gets no mail goes on getting none.
#[utoipa::path(post, path = "/v1/resellers/{reseller}/tasks/{task}/close", operation_id = "closeTask", tag = "mails", security(("jwt" = [])),
    params(("reseller" = String, Path), ("task" = String, Path)), request_body = ReasonForm,
    responses((status = 200, body = TaskView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn close_task(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, task)): Segments<(ResellerId, TaskId)>,
    body: Body<ReasonForm>,
) -> Result<Json<TaskView>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let author = caller.author(None);
    let closed = mail_desk::close_task(&io, &reseller, &task, &body.value.reason, &author, io.clock.now()).await?;
    Ok(Json(task_view(&caller, closed)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SuppressionParams {
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<SuppressionId>,
}

/// A page of addresses that get no mail.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SuppressionList {
    items: Vec<SuppressionView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<SuppressionId>,
}

/// An address that gets no more mail of the reseller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SuppressionView {
    #[schema(value_type = String)]
    id: SuppressionId,
    /// Shortened for those who may not read the audit trail.
    address: String,
    cause: Trouble,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
    /// The enterprise that the mail was about.
    #[schema(value_type = Option<String>)]
    enterprise: Option<EnterpriseId>,
}

fn suppression_view(caller: &Caller, suppression: Suppression) -> SuppressionView {
    SuppressionView {
        address: mail_desk::shown(caller, &suppression.address),
        id: suppression.id,
        cause: suppression.cause,
        since: suppression.since,
        enterprise: suppression.enterprise,
    }
}

/// The addresses that get no more mail of a reseller: it came back for good, or is not wanted there.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/suppressions", operation_id = "listSuppressions", tag = "mails", security(("jwt" = [])),
    params(("reseller" = String, Path), SuppressionParams),
    responses((status = 200, body = SuppressionList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn suppressions(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    Params(params): Params<SuppressionParams>,
) -> Result<Json<SuppressionList>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let (found, next) = io.store.suppressions(&reseller, params.cursor.as_ref(), limit).await?;
    let items = found.into_iter().map(|one| suppression_view(&caller, one)).collect();
    Ok(Json(SuppressionList { items, next }))
}

/// Lets mail go to an address again, with the reason in the audit trail. What was stopped meanwhile is not sent: send an
/// invitation again where one is needed.
#[utoipa::path(post, path = "/v1/resellers/{reseller}/suppressions/{suppression}/lift", operation_id = "liftSuppression", tag = "mails", security(("jwt" = [])),
    params(("reseller" = String, Path), ("suppression" = String, Path)), request_body = ReasonForm,
    responses((status = 200, body = SuppressionView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn lift(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, suppression)): Segments<(ResellerId, SuppressionId)>,
    body: Body<ReasonForm>,
) -> Result<Json<SuppressionView>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let author = caller.author(None);
    let reason = &body.value.reason;
    let lifted = mail_desk::lift(&io, &reseller, &suppression, reason, &author, io.clock.now()).await?;
    Ok(Json(suppression_view(&caller, lifted)))
}

/// What mail may leave.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MailSendingForm {
    gate: Gate,
    /// Needed unless all mail may leave; shown with each mail that waits.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// The most mails of the reseller in a UTC day; the usual limit where absent.
    #[schema(maximum = 1_000_000)]
    day_limit: Option<u32>,
    /// The reseller's tenant at SES, where it has one there.
    #[schema(max_length = 64)]
    ses_tenant: Option<String>,
}

impl From<MailSendingForm> for SendingForm {
    fn from(form: MailSendingForm) -> Self {
        Self {
            gate: form.gate,
            reason: form.reason,
            day_limit: form.day_limit,
            ses_tenant: form.ses_tenant,
        }
    }
}

/// What mail may leave, and why no more than that.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MailSendingView {
    gate: Gate,
    reason: Option<String>,
    /// Since when reminders and reports wait because too many mails came back or were unwanted.
    #[schema(value_type = Option<String>, format = "date-time")]
    held_since: Option<Timestamp>,
    /// The most mails of a reseller in a UTC day.
    day_limit: u32,
    ses_tenant: Option<String>,
}

fn switch(sending: Sending) -> impl IntoResponse {
    let version = sending.seen();
    let view = MailSendingView {
        gate: sending.gate,
        reason: sending.reason,
        held_since: sending.tripped,
        day_limit: sending.day_limit.unwrap_or(RESELLER_DAY),
        ses_tenant: sending.ses_tenant,
    };
    (etag(version), Json(view))
}

/// What mail of the whole service may leave.
#[utoipa::path(get, path = "/v1/mail-sending", operation_id = "getMailSending", tag = "mails", security(("jwt" = [])),
    responses((status = 200, body = MailSendingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn sending(State(io): State<Arc<Io>>, caller: Caller) -> Result<impl IntoResponse> {
    access::provider(&caller)?;
    Ok(switch(io.store.sending().await?))
}

/// Stops all mail, or reminders and reports, or lets it go again. What is stopped waits and leaves later; nothing is lost.
#[utoipa::path(put, path = "/v1/mail-sending", operation_id = "putMailSending", tag = "mails", security(("jwt" = [])),
    params(("If-Match" = String, Header)), request_body = MailSendingForm,
    responses((status = 200, body = MailSendingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put_sending(
    State(io): State<Arc<Io>>,
    caller: Caller,
    IfMatch(seen): IfMatch,
    body: Body<MailSendingForm>,
) -> Result<impl IntoResponse> {
    access::provider(&caller)?;
    let author = caller.author(None);
    let set = mail_desk::set_all(&io, body.value.into(), seen, &author, io.clock.now()).await?;
    Ok(switch(set))
}

/// What mail of a reseller may leave.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/mail-sending", operation_id = "getResellerMailSending", tag = "mails", security(("jwt" = [])),
    params(("reseller" = String, Path)),
    responses((status = 200, body = MailSendingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn reseller_sending(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    Ok(switch(io.store.reseller_sending(&reseller).await?))
}

/// Stops mail of a reseller, or lets it go again, also what waits because too much came back. Sets its day limit and its
/// tenant at SES.
#[utoipa::path(put, path = "/v1/resellers/{reseller}/mail-sending", operation_id = "putResellerMailSending", tag = "mails", security(("jwt" = [])),
    params(("reseller" = String, Path), ("If-Match" = String, Header)), request_body = MailSendingForm,
    responses((status = 200, body = MailSendingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put_reseller_sending(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    IfMatch(seen): IfMatch,
    body: Body<MailSendingForm>,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let author = caller.author(None);
    let set = mail_desk::set_of(&io, &reseller, body.value.into(), seen, &author, io.clock.now()).await?;
    Ok(switch(set))
}
