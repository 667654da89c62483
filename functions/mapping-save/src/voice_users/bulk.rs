//! Many voice users at once: the whole account, files in, and files out.

use super::{SyncNeeded, VoiceUserForm, VoiceUserView};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use shared::domain::caller::Caller;
use shared::domain::ids::{EnterpriseId, VoiceUserId};
use shared::io::Io;
use shared::run::access;
use shared::run::voice_users::{self, Counts, Done, Format, Mode};
use shared::web::extract::{Bulk, IdempotencyKey, Media, Params, Segments, etag};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Voice users in one list; at most 50,000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes what is read user by user")]
pub(crate) struct VoiceUserList {
    items: Vec<VoiceUserForm>,
}

/// What a push or an import changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BulkReport {
    created: usize,
    updated: usize,
    deleted: usize,
    unchanged: usize,
    /// It was only looked at; nothing of it is done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    validated_only: bool,
    #[serde(flatten)]
    sync: SyncNeeded,
}

impl From<Done<Counts>> for BulkReport {
    fn from(done: Done<Counts>) -> Self {
        Self {
            created: done.now.created,
            updated: done.now.updated,
            deleted: done.now.deleted,
            unchanged: done.now.unchanged,
            validated_only: false,
            sync: SyncNeeded::from(&done.status),
        }
    }
}

/// Makes the account's voice users exactly these; the same push again changes nothing. Send more than 5 MB packed, with
/// `Content-Encoding: gzip`.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/voice-users", operation_id = "pushVoiceUsers", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path)), request_body = VoiceUserList,
    responses((status = 200, body = BulkReport), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn push(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    body: Bulk,
) -> Result<impl IntoResponse> {
    if body.media != Media::Json {
        return Err(Error::Malformed(
            "send JSON with the header Content-Type: application/json".into(),
        ));
    }
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let done = voice_users::push(&io, &access.kept, || body.reader(), &author, io.clock.now()).await?;
    Ok((etag(done.version), Json(BulkReport::from(done))))
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ImportMode {
    /// All users of the file are new.
    Create,
    /// All are there already, and get what the file gives them.
    Update,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportParams {
    /// Whether the users are new or there already.
    #[param(inline)]
    mode: ImportMode,
    /// Says what the import would do, and does nothing.
    #[serde(default)]
    validate_only: bool,
}

/// Imports a file of voice users: all of it, or nothing where a line is wrong. In a table blank cells leave what is
/// there, and the word CLEAR takes it away; in JSON `null` does.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/voice-users/import", operation_id = "importVoiceUsers", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path), ImportParams, ("Idempotency-Key" = String, Header)),
    request_body(content((VoiceUserList = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))),
    responses((status = 200, body = BulkReport, description = "Only validated."), (status = 201, body = BulkReport), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn import(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    key: IdempotencyKey,
    Params(params): Params<ImportParams>,
    body: Bulk,
) -> Result<Response> {
    let once = key.once_bulk(&caller, &body);
    let access = access::on(&io, caller, &enterprise).await?;
    let mode = match params.mode {
        ImportMode::Create => Mode::Create,
        ImportMode::Update => Mode::Update,
    };
    let format = match body.media {
        Media::Csv => Format::Csv,
        Media::Json => Format::Json,
        Media::JsonLines => Format::JsonLines,
    };
    let once = (!params.validate_only).then_some(&once);
    let author = access.author();
    let read = || body.reader();
    let done = voice_users::import(&io, &access.kept, (mode, format), read, once, &author, io.clock.now()).await?;
    let status = if params.validate_only {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let version = done.version;
    let report = BulkReport {
        validated_only: params.validate_only,
        ..BulkReport::from(done)
    };
    Ok((status, etag(version), Json(report)).into_response())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum FileFormat {
    /// As the import takes it.
    Json,
    /// A table for spreadsheets. A value that they would compute has an apostrophe in front, numbers included; the import
    /// takes it away again.
    Csv,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// Left out, it is what `Accept` prefers: a table for `text/csv`, else JSON.
    #[param(inline)]
    format: Option<FileFormat>,
    /// 1 to 4000; 4000 where left out.
    limit: Option<u16>,
    /// `next` of the part before; with a table it is in the header `x-next-cursor`.
    #[param(value_type = Option<String>)]
    cursor: Option<VoiceUserId>,
}

/// Voice users to be kept
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VoiceUserExport {
    items: Vec<VoiceUserView>,
    /// Give it as `cursor` for the next part; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<VoiceUserId>,
}

/// Everything that can be imported, in parts that are files of their own.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/voice-users/export", operation_id = "exportVoiceUsers", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path), ExportParams),
    responses((status = 200, content((VoiceUserExport = "application/json"), (String = "text/csv"))), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn export(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<ExportParams>,
    headers: HeaderMap,
) -> Result<Response> {
    access::on(&io, caller, &enterprise).await?;
    let limit = usize::from(params.limit.unwrap_or(4000).clamp(1, 4000));
    let part = voice_users::part(&io, &enterprise, params.cursor.as_ref(), limit, None).await?;
    let asked = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let accepted = if asked.is_some_and(|kinds| kinds.contains("text/csv")) {
        FileFormat::Csv
    } else {
        FileFormat::Json
    };
    if params.format.unwrap_or(accepted) == FileFormat::Csv {
        let next = part.next.as_ref().map(|next| [("x-next-cursor", next.to_string())]);
        return Ok((
            etag(part.version),
            next,
            table(voice_users::table(&part.users)?, "voice-users.csv"),
        )
            .into_response());
    }
    let export = VoiceUserExport {
        items: part.users.into_iter().map(VoiceUserView::from).collect(),
        next: part.next,
    };
    Ok((etag(part.version), Json(export)).into_response())
}

/// A file to fill in: the columns, and two lines to be replaced.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/voice-users/template", operation_id = "getVoiceUserTemplate", tag = "voice users", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn template(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<Response> {
    access::on(&io, caller, &enterprise).await?;
    Ok(table(voice_users::template()?, "voice-users-template.csv").into_response())
}

/// A table to be kept as a file. It says how it is encoded, and so goes through Lambda as bytes: as text it would lose the
/// mark at its beginning, by which spreadsheets know UTF-8.
fn table(text: Vec<u8>, name: &str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_ENCODING, "identity".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, text)
}
