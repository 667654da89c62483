//! The status document of an enterprise, made for cheap polling: who has it already is told so and gets no body.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use shared::domain::caller::Caller;
use shared::domain::ids::EnterpriseId;
use shared::io::Io;
use shared::io::vault::sha256;
use shared::run::access;
use shared::run::status::{self, Status};
use shared::web::extract::Segments;
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::sync::Arc;

/// Says where the enterprise stands, what blocks it, who acts next and how.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/status", operation_id = "getStatus", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the document that the caller has.")),
    responses(
        (status = 200, body = Status, headers(("ETag" = String, description = "Changes with the document."))),
        (status = 304, description = "The document has not changed.", headers(("ETag" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    headers: HeaderMap,
) -> Result<Response> {
    let access = access::on(&io, caller, &enterprise).await?;
    let document = status::document(&io, &access.kept, io.clock.now()).await?;
    answer(&document, &headers)
}

fn answer(document: &Status, headers: &HeaderMap) -> Result<Response> {
    let body = serde_json::to_vec(document).map_err(|error| Error::upstream("write the status document", error))?;
    let tag = format!("\"{}\"", sha256(&body));
    let named = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "private, no-cache".into()),
    ];
    if knows(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, named).into_response());
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((named, json, body).into_response())
}

/// Whether `If-None-Match` names this tag; a proxy may have made it a weak one.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut named = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    named.any(|named| {
        let named = named.trim();
        named == "*" || named.trim_start_matches("W/") == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_tag_is_known_alone_in_a_list_or_weak() {
        let knows = |named: &'static str| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(named))]);
            knows(&headers, "\"abc\"")
        };
        for named in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(knows(named), "{named}");
        }
        for named in ["abc", "\"abd\"", "", "\"x\", \"y\""] {
            assert!(!knows(named), "{named}");
        }
    }
}
