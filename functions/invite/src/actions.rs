//! The address of an admin's next step, for front ends that have pages of their own.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::ids::EnterpriseId;
use shared::domain::visit::NextStep;
use shared::io::Io;
use shared::run::{access, guide};
use shared::web::extract::{Body, IdempotencyKey, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// Which step, and where the person comes back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StepForm {
    action: NextStep,
    /// Begins with one of the reseller's return origins. `dialbridge_action`, `dialbridge_outcome` and, where it failed,
    /// `dialbridge_code` are added to it; they are a hint, the status says what is so.
    return_url: Option<String>,
}

/// Where to send the person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepView {
    action: NextStep,
    url: String,
    /// Whether the step is made on a page of ours; otherwise in the integration portal, which asks for its own sign-in.
    hosted: bool,
    /// When the address stops working; absent where it does not.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires: Option<Timestamp>,
    /// What the person will be asked for, in a sentence.
    text: String,
}

/// Gives the address of an admin's next step.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/action-urls", operation_id = "createActionUrl", tag = "action urls", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("Idempotency-Key" = String, Header)), request_body = StepForm,
    responses((status = 201, body = StepView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn url(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    key: IdempotencyKey,
    body: Body<StepForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let once = key.once(&access.caller, &body);
    let StepForm { action, return_url } = body.value;
    let guided = guide::to(&io, &access, action, return_url.as_deref(), &once, io.clock.now()).await?;
    let view = StepView {
        action,
        url: guided.url.into(),
        hosted: guided.hosted,
        expires: guided.expires,
        text: guided.text,
    };
    Ok((StatusCode::CREATED, Json(view)))
}
