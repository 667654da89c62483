//! The account's voice users, as the voice platform pushes them.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::ids::{EnterpriseId, VoiceUserId};
use shared::domain::phone::{Country, E164, Extension};
use shared::domain::voice::{CallHandling, MusicOnHold, VoiceUser};
use shared::domain::{Invalid, plain_text};
use shared::io::Io;
use shared::run::access;
use shared::run::account::push_voice_users;
use shared::web::extract::{Body, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// A voice user.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VoiceUserForm {
    /// The voice platform's own key: 1 to 64 letters, digits or `. _ : @ -`.
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
    #[serde(default)]
    call_handling: CallHandling,
    /// Two letters; left out where the number's country is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    country: Option<Country>,
    /// Left out where the enterprise's setting is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    music_on_hold: Option<MusicOnHold>,
    /// A sync maps the user to the Teams user with the same mail address.
    #[serde(default)]
    match_by_mail: bool,
}

/// All voice users of the account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VoiceUserList {
    items: Vec<VoiceUserForm>,
}

/// What a push changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PushReport {
    created: usize,
    updated: usize,
    deleted: usize,
    unchanged: usize,
}

impl From<VoiceUser> for VoiceUserForm {
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

impl TryFrom<VoiceUserForm> for VoiceUser {
    type Error = Invalid;
    fn try_from(form: VoiceUserForm) -> Result<Self, Invalid> {
        Ok(Self {
            name: plain_text(&format!("name of {}", form.id), &form.name, 120)?,
            id: form.id,
            email: form.email,
            number: form.number,
            extension: form.extension,
            call_handling: form.call_handling,
            country: form.country,
            music_on_hold: form.music_on_hold,
            match_by_mail: form.match_by_mail,
        })
    }
}

/// The voice users as they were last pushed.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/voice-users", operation_id = "listVoiceUsers", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = VoiceUserList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    access::on(&io, caller, &enterprise).await?;
    let account = io.store.account(&enterprise).await?;
    let items = account.voice_users.into_values().map(VoiceUserForm::from).collect();
    Ok((etag(account.version), Json(VoiceUserList { items })))
}

/// Makes the account's voice users exactly these; the same push again changes nothing.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/voice-users", operation_id = "pushVoiceUsers", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path)), request_body = VoiceUserList,
    responses((status = 200, body = PushReport), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn push(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    body: Body<VoiceUserList>,
) -> Result<Json<PushReport>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let users: Vec<VoiceUser> = body
        .value
        .items
        .into_iter()
        .map(VoiceUser::try_from)
        .collect::<Result<_, Invalid>>()?;
    let pushed = push_voice_users(&io, &access.kept, users, &access.author(), io.clock.now()).await?;
    Ok(Json(PushReport {
        created: pushed.created,
        updated: pushed.updated,
        deleted: pushed.deleted,
        unchanged: pushed.unchanged,
    }))
}
