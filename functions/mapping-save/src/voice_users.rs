//! The account's voice users: one by one, and a page of them. All at once and files are in `bulk`.

pub(crate) mod bulk;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::ids::{EnterpriseId, VoiceUserId};
use shared::domain::phone::{Country, E164, Extension};
use shared::domain::sync_status::SyncStatus;
use shared::domain::voice::{CallHandling, MusicOnHold, VoiceUser};
use shared::io::Io;
use shared::run::access;
use shared::run::voice_users::{self, Done, Said};
use shared::web::extract::{Body, IdempotencyKey, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A voice user, as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "it describes what is read value by value, so that every fault is told at once"
)]
pub(crate) struct VoiceUserForm {
    /// The voice platform's own key: 1 to 64 letters, digits or `. _ : @ -`.
    id: Option<String>,
    name: String,
    #[schema(format = "email")]
    email: Option<String>,
    /// E.164: `+`, the country code and the number.
    number: Option<String>,
    /// 2 to 8 digits.
    extension: Option<String>,
    call_handling: Option<CallHandling>,
    /// Two letters; left out where the number's country is the user's.
    country: Option<String>,
    /// Left out where the enterprise's setting is the user's.
    music_on_hold: Option<MusicOnHold>,
    /// A sync maps the user to the Teams user with the same mail address. Left out, it is so for imported users.
    match_by_mail: Option<bool>,
}

/// A voice user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VoiceUserView {
    /// The voice platform's own key.
    #[schema(value_type = String)]
    id: VoiceUserId,
    name: String,
    #[schema(value_type = Option<String>, format = "email")]
    email: Option<EmailAddress>,
    /// E.164
    #[schema(value_type = Option<String>)]
    number: Option<E164>,
    /// 2 to 8 digits.
    #[schema(value_type = Option<String>)]
    extension: Option<Extension>,
    call_handling: CallHandling,
    /// Two letters; absent where the number's country is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    country: Option<Country>,
    /// Absent where the enterprise's setting is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    music_on_hold: Option<MusicOnHold>,
    /// A sync maps the user to the Teams user with the same mail address.
    match_by_mail: bool,
}

impl From<VoiceUser> for VoiceUserView {
    fn from(user: VoiceUser) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            number: user.number,
            extension: user.extension,
            call_handling: user.call_handling,
            country: user.country,
            music_on_hold: user.music_on_hold,
            match_by_mail: user.match_by_mail,
        }
    }
}

/// What is left to do for Teams.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SyncNeeded {
    /// `None` or `Sync Needed`
    action_needed: &'static str,
    /// Label of the voice portal's button.
    button: &'static str,
}

impl From<&SyncStatus> for SyncNeeded {
    fn from(status: &SyncStatus) -> Self {
        Self {
            action_needed: status.action_needed(),
            button: status.voice_button(),
        }
    }
}

/// A voice user after a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VoiceUserSaved {
    #[serde(flatten)]
    user: VoiceUserView,
    #[serde(flatten)]
    sync: SyncNeeded,
}

impl From<Done<VoiceUser>> for VoiceUserSaved {
    fn from(done: Done<VoiceUser>) -> Self {
        Self {
            sync: SyncNeeded::from(&done.status),
            user: done.now.into(),
        }
    }
}

/// A part of the voice users.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VoiceUserPage {
    items: Vec<VoiceUserView>,
    /// Give it as `cursor` for the next part; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<VoiceUserId>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Part of an id, name, address, number or extension. A page may hold fewer than there are: go on while there is a `next`.
    q: Option<String>,
    /// 1 to 500; 100 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<VoiceUserId>,
}

/// A page of the voice users, in the order of their ids.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/voice-users", operation_id = "listVoiceUsers", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path), ListParams),
    responses((status = 200, body = VoiceUserPage), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<ListParams>,
) -> Result<impl IntoResponse> {
    access::on(&io, caller, &enterprise).await?;
    let limit = usize::from(params.limit.unwrap_or(100).clamp(1, 500));
    let part = voice_users::part(&io, &enterprise, params.cursor.as_ref(), limit, params.q.as_deref()).await?;
    let page = VoiceUserPage {
        items: part.users.into_iter().map(VoiceUserView::from).collect(),
        next: part.next,
    };
    Ok((etag(part.version), Json(page)))
}

/// One voice user.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/voice-users/{voiceUser}", operation_id = "getVoiceUser", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("voiceUser" = String, Path)),
    responses((status = 200, body = VoiceUserView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((enterprise, id)): Segments<(EnterpriseId, VoiceUserId)>,
) -> Result<impl IntoResponse> {
    access::on(&io, caller, &enterprise).await?;
    let (user, version) = voice_users::one(&io, &enterprise, &id).await?;
    Ok((etag(version), Json(VoiceUserView::from(user))))
}

/// Creates a voice user.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/voice-users", operation_id = "createVoiceUser", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("Idempotency-Key" = String, Header)), request_body = VoiceUserForm,
    responses((status = 201, body = VoiceUserSaved), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn create(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    key: IdempotencyKey,
    body: Body<Said>,
) -> Result<impl IntoResponse> {
    let once = key.once(&caller, &body);
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let done = voice_users::create(&io, &access.kept, body.value, &once, &author, io.clock.now()).await?;
    Ok((
        StatusCode::CREATED,
        etag(done.version),
        Json(VoiceUserSaved::from(done)),
    ))
}

/// Changes a voice user: it is what is sent, and what is left out is not there any more. The `ETag` is the account's.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/voice-users/{voiceUser}", operation_id = "putVoiceUser", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("voiceUser" = String, Path), ("If-Match" = String, Header)), request_body = VoiceUserForm,
    responses((status = 200, body = VoiceUserSaved), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn change(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((enterprise, id)): Segments<(EnterpriseId, VoiceUserId)>,
    IfMatch(seen): IfMatch,
    body: Body<Said>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let done = voice_users::change(&io, &access.kept, &id, body.value, seen, &author, io.clock.now()).await?;
    Ok((etag(done.version), Json(VoiceUserSaved::from(done))))
}

/// Deletes a voice user who is not mapped.
#[utoipa::path(delete, path = "/v1/enterprises/{enterprise}/voice-users/{voiceUser}", operation_id = "deleteVoiceUser", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("voiceUser" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = SyncNeeded), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn delete(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments((enterprise, id)): Segments<(EnterpriseId, VoiceUserId)>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let done = voice_users::delete(&io, &access.kept, &id, seen, &author, io.clock.now()).await?;
    Ok((etag(done.version), Json(SyncNeeded::from(&done.status))))
}
