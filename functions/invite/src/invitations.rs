//! The invitation of an enterprise: how far it is, sent again, taken back.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::{EnterpriseId, InvitationId};
use shared::domain::invitation::{ATTEMPTS, Invitation, InvitationState, Trouble};
use shared::io::Io;
use shared::run::access;
use shared::run::invitation::{newest, resend, revoke};
use shared::web::extract::{IdempotencyKey, IfMatch, Segments, etag};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::sync::Arc;
use utoipa::ToSchema;

/// An invitation with everything but link and code, which only the mail and the answer to its sender carry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvitationStory {
    #[schema(value_type = String)]
    id: InvitationId,
    state: InvitationState,
    /// Who is invited.
    name: Option<String>,
    /// Where the mail went.
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    expires: Timestamp,
    /// Every state that was reached, with the first time, in the order of the states.
    reached: Vec<Reached>,
    /// Why the mail does not reach a reader, once that was reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<Trouble>,
    /// How many wrong codes it still bears.
    tries_left: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Reached {
    state: InvitationState,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

fn story(kept: &Enterprise, found: Invitation, now: Timestamp) -> InvitationStory {
    let reached = found.history(now).into_iter();
    InvitationStory {
        state: found.at(now),
        created: found.created,
        expires: found.expires,
        name: kept.global_admin.name.clone(),
        email: kept.global_admin.email.clone(),
        reached: reached.map(|(state, at)| Reached { state, at }).collect(),
        trouble: found.trouble,
        tries_left: ATTEMPTS.saturating_sub(found.wrong_codes),
        id: found.id,
    }
}

/// The invitation with the `ETag` of its enterprise.
async fn shown(io: &Io, kept: &Enterprise) -> Result<impl IntoResponse + use<>> {
    let found = newest(io, kept).await?.ok_or(Error::NotFound("invitation"))?;
    Ok((etag(kept.version), Json(story(kept, found, io.clock.now()))))
}

/// The newest invitation: whom it went to, how far it is, and when it got there. Neither link nor code can be read.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/invitation", operation_id = "getInvitation", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = InvitationStory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    shown(&io, &access.kept).await
}

/// A new link, to be copied where mail does not arrive. The code goes by mail only.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resent {
    link: String,
}

/// Sends a new invitation; the old link and code stop working.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/invitation", operation_id = "resendInvitation", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Resent), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn send_again(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    key: IdempotencyKey,
) -> Result<impl IntoResponse, Error> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let once = key.bare(&access.caller, &format!("invitation of {enterprise}"));
    let link = resend(&io, access.kept, &author, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(Resent { link: link.into() })))
}

/// Takes the newest invitation back: its link and code stop working at once, and so does a sign-in that they have begun.
/// A new one can be sent at any time.
#[utoipa::path(delete, path = "/v1/enterprises/{enterprise}/invitation", operation_id = "revokeInvitation", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = InvitationStory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn take_back(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let kept = revoke(&io, access.kept, seen, &author, io.clock.now()).await?;
    shown(&io, &kept).await
}
