//! A reseller's webhooks.

use crate::events::place;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::ids::{DeliveryId, EnterpriseId, EventId, ResellerId, WebhookId};
use shared::domain::secret::Secret;
use shared::domain::webhook::{Switch, WebhookForm};
use shared::io::Io;
use shared::run::access;
use shared::run::webhook::{self, Standing};
use shared::web::extract::{Body, IdempotencyKey, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Where events are sent, and which.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebhookBody {
    /// `https`, port 443, a name of the public DNS whose addresses are all public. No redirects are followed.
    url: String,
    /// What it is for; 1 to 120 characters.
    description: Option<String>,
    /// Types such as `run.failed`, or groups such as `run.*`; all where empty or left out.
    #[serde(default)]
    types: Vec<String>,
    /// Events of these enterprises only; of all, and of the reseller itself, where empty or left out.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    enterprises: BTreeSet<EnterpriseId>,
    /// Whether it is in use; it is where left out. One that was switched off goes on where it stopped.
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl From<WebhookBody> for WebhookForm {
    fn from(body: WebhookBody) -> Self {
        Self {
            url: body.url,
            description: body.description,
            types: body.types,
            enterprises: body.enterprises,
            enabled: body.enabled,
        }
    }
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookView {
    #[schema(value_type = String)]
    id: WebhookId,
    url: String,
    description: Option<String>,
    types: Vec<String>,
    #[schema(value_type = Vec<String>)]
    enterprises: BTreeSet<EnterpriseId>,
    enabled: bool,
    /// `on`, `off` as somebody wanted it, or `failed`: it was switched off after ten tries within days, or an answer of 410
    state: &'static str,
    /// What went wrong last, where it was switched off for that.
    problem: Option<String>,
    /// The last event that it is done with: a cursor of the feed.
    #[schema(value_type = String)]
    position: EventId,
    /// How often the next event was tried in vain.
    failures: u32,
    /// Since when nothing was taken.
    #[schema(value_type = Option<String>, format = "date-time")]
    failing_since: Option<Timestamp>,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_try: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
}

impl From<Standing> for WebhookView {
    fn from(Standing { webhook, progress }: Standing) -> Self {
        let problem = match &webhook.state {
            Switch::Failed { problem, .. } => Some(problem.clone()),
            Switch::On | Switch::Off => None,
        };
        Self {
            state: webhook::state(&webhook),
            enabled: webhook.state == Switch::On,
            id: webhook.id,
            url: webhook.url.into(),
            description: webhook.description,
            types: webhook.types.names().to_vec(),
            enterprises: webhook.enterprises,
            problem,
            position: progress.position,
            failures: progress.failures,
            failing_since: progress.failing_since,
            next_try: progress.due,
            created: webhook.created,
        }
    }
}

/// A webhook and the secret that signs its events. It is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookWithSecret {
    webhook: WebhookView,
    /// For the signature, as Standard Webhooks has it: `whsec_` and 32 bytes in base64.
    secret: String,
}

fn with_secret(standing: Standing, secret: &Secret) -> impl IntoResponse + use<> {
    let tag = etag(standing.webhook.version);
    let body = WebhookWithSecret {
        webhook: standing.into(),
        secret: secret.expose().to_owned(),
    };
    (StatusCode::CREATED, tag, Json(body))
}

fn shown(standing: Standing) -> impl IntoResponse + use<> {
    (etag(standing.webhook.version), Json(WebhookView::from(standing)))
}

/// All webhooks of a reseller; there are at most ten.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookList {
    items: Vec<WebhookView>,
}

/// The webhooks of a reseller, oldest first.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/webhooks", operation_id = "listWebhooks", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path)),
    responses((status = 200, body = WebhookList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
) -> Result<Json<WebhookList>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let all = webhook::list(&io, &reseller).await?;
    Ok(Json(WebhookList {
        items: all.into_iter().map(WebhookView::from).collect(),
    }))
}

/// Creates a webhook. It gets what happens from now on; for what was, read the feed or replay.
#[utoipa::path(post, path = "/v1/resellers/{reseller}/webhooks", operation_id = "createWebhook", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("Idempotency-Key" = String, Header)), request_body = WebhookBody,
    responses((status = 201, body = WebhookWithSecret), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn create(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    key: IdempotencyKey,
    body: Body<WebhookBody>,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let (once, author) = (key.once(&caller, &body), caller.author(None));
    let form = body.value.into();
    let (made, secret) = webhook::create(&io, &reseller, form, &author, &once, io.clock.now()).await?;
    Ok(with_secret(made, &secret))
}

/// A webhook.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/webhooks/{webhook}", operation_id = "getWebhook", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("webhook" = String, Path)),
    responses((status = 200, body = WebhookView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, id)): Segments<(ResellerId, WebhookId)>,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    Ok(shown(webhook::get(&io, &reseller, &id).await?))
}

/// Changes a webhook: the whole form again.
#[utoipa::path(put, path = "/v1/resellers/{reseller}/webhooks/{webhook}", operation_id = "putWebhook", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("webhook" = String, Path), ("If-Match" = String, Header)), request_body = WebhookBody,
    responses((status = 200, body = WebhookView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, id)): Segments<(ResellerId, WebhookId)>,
    IfMatch(seen): IfMatch,
    body: Body<WebhookBody>,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let (form, author) = (body.value.into(), caller.author(None));
    let kept = webhook::edit(&io, &reseller, &id, form, seen, &author, io.clock.now()).await?;
    Ok(shown(kept))
}

/// Deletes a webhook.
#[utoipa::path(delete, path = "/v1/resellers/{reseller}/webhooks/{webhook}", operation_id = "deleteWebhook", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("webhook" = String, Path), ("If-Match" = String, Header)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn delete(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, id)): Segments<(ResellerId, WebhookId)>,
    IfMatch(seen): IfMatch,
) -> Result<StatusCode> {
    access::on_reseller(&io, &caller, &reseller).await?;
    webhook::remove(&io, &reseller, &id, seen, &caller.author(None), io.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret. For a day both sign, so that no event is lost on the way.
#[utoipa::path(post, path = "/v1/resellers/{reseller}/webhooks/{webhook}/secret", operation_id = "rotateWebhookSecret", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("webhook" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = WebhookWithSecret), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn rotate(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, id)): Segments<(ResellerId, WebhookId)>,
    key: IdempotencyKey,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let once = key.bare(&caller, &format!("secret of {reseller} {id}"));
    let (kept, secret) = webhook::rotate(&io, &reseller, &id, &caller.author(None), &once, io.clock.now()).await?;
    Ok(with_secret(kept, &secret))
}

/// Has a test event (`webhook.test`) sent to this webhook alone, after whatever waits for it. What came of it stands among its
/// deliveries.
#[utoipa::path(post, path = "/v1/resellers/{reseller}/webhooks/{webhook}/test", operation_id = "testWebhook", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("webhook" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = WebhookView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn test(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, id)): Segments<(ResellerId, WebhookId)>,
    key: IdempotencyKey,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let once = key.bare(&caller, &format!("test of {reseller} {id}"));
    let kept = webhook::test(&io, &reseller, &id, &caller.author(None), &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, shown(kept)))
}

/// Where to go on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// A cursor of the feed: everything after it is sent, also what was sent before. `now` leaves out what waits.
    after: String,
}

/// Sends a webhook back to an earlier place of the feed, or on to a later one.
#[utoipa::path(post, path = "/v1/resellers/{reseller}/webhooks/{webhook}/replay", operation_id = "replayWebhook", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("webhook" = String, Path), ("Idempotency-Key" = String, Header)), request_body = ReplayBody,
    responses((status = 201, body = WebhookView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn replay(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, id)): Segments<(ResellerId, WebhookId)>,
    key: IdempotencyKey,
    body: Body<ReplayBody>,
) -> Result<impl IntoResponse> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let after = match body.value.after.as_str() {
        "now" => io.store.newest_event(&reseller).await?,
        cursor => place(cursor)?,
    };
    let (once, author) = (key.once(&caller, &body), caller.author(None));
    let kept = webhook::replay(&io, &reseller, &id, after, &author, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, shown(kept)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryParams {
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<DeliveryId>,
}

/// One try to send an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryView {
    #[schema(value_type = String)]
    id: DeliveryId,
    #[schema(value_type = String)]
    event: EventId,
    /// The event's type.
    r#type: String,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// How often it was tried, this time included.
    tries: u32,
    /// The status of the answer, where there was one.
    status: Option<u16>,
    /// What went wrong; absent where it was taken.
    problem: Option<String>,
    milliseconds: u64,
    /// How the answer's body begins.
    answer: String,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_try: Option<Timestamp>,
}

/// A page of tries, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryList {
    items: Vec<DeliveryView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<DeliveryId>,
}

/// What was sent to a webhook in the last 30 days, and what came of it.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/webhooks/{webhook}/deliveries", operation_id = "listDeliveries", tag = "events", security(("jwt" = [])),
    params(("reseller" = String, Path), ("webhook" = String, Path), DeliveryParams),
    responses((status = 200, body = DeliveryList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn deliveries(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((reseller, id)): Segments<(ResellerId, WebhookId)>,
    Params(params): Params<DeliveryParams>,
) -> Result<Json<DeliveryList>> {
    access::on_reseller(&io, &caller, &reseller).await?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let (found, next) = webhook::deliveries(&io, &reseller, &id, params.cursor.as_ref(), limit).await?;
    let view = |delivery: webhook::Delivery| DeliveryView {
        id: delivery.id,
        event: delivery.event,
        r#type: delivery.kind,
        at: delivery.at,
        tries: delivery.tries,
        status: delivery.status,
        problem: delivery.problem,
        milliseconds: delivery.milliseconds,
        answer: delivery.answer,
        next_try: delivery.next,
    };
    Ok(Json(DeliveryList {
        items: found.into_iter().map(view).collect(),
        next,
    }))
}
