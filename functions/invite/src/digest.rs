//! A reseller's digest: one mail with all its enterprises that wait.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::digest::{Digest, Every};
use shared::domain::ids::ResellerId;
use shared::io::Io;
use shared::run::{access, digest};
use shared::web::extract::{Body, IfMatch, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// When and to whom the digest is sent. On days on which no enterprise waits there is none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DigestForm {
    every: Every,
    /// The hour of the zone.
    #[schema(minimum = 6, maximum = 20, example = 9)]
    hour: i8,
    /// An IANA zone.
    #[schema(example = "Europe/Brussels")]
    time_zone: String,
    /// To whom; the reseller's owner where `null`.
    #[schema(required, format = "email")]
    email: Option<String>,
}

fn answer(digest: Digest) -> impl IntoResponse {
    let seen = digest.seen();
    let view = DigestForm {
        every: digest.every,
        hour: digest.hour,
        time_zone: digest.time_zone,
        email: digest.email.map(|email| email.to_string()),
    };
    (etag(seen), Json(view))
}

/// When and to whom a reseller's digest is sent.
#[utoipa::path(get, path = "/v1/resellers/{reseller}/digest", operation_id = "getDigest", tag = "resellers", security(("jwt" = [])),
    params(("reseller" = String, Path)),
    responses((status = 200, body = DigestForm), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
) -> Result<impl IntoResponse> {
    let kept = access::on_reseller(&io, &caller, &reseller).await?;
    Ok(answer(io.store.digest(&kept.id).await?))
}

/// Chooses when and to whom it is sent.
#[utoipa::path(put, path = "/v1/resellers/{reseller}/digest", operation_id = "putDigest", tag = "resellers", security(("jwt" = [])),
    params(("reseller" = String, Path), ("If-Match" = String, Header)), request_body = DigestForm,
    responses((status = 200, body = DigestForm), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    IfMatch(seen): IfMatch,
    body: Body<DigestForm>,
) -> Result<impl IntoResponse> {
    let kept = access::on_reseller(&io, &caller, &reseller).await?;
    let form = body.value;
    let wish = Digest {
        every: form.every,
        hour: form.hour,
        time_zone: form.time_zone,
        ..Digest::default()
    };
    let now = io.clock.now();
    let digest = digest::choose(&io, &kept, &caller, wish, form.email.as_deref(), seen, now).await?;
    Ok(answer(digest))
}
