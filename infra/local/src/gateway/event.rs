//! Payload format 2.0, both ways: an HTTP request as the event that a function gets, and the document that
//! a function returns as an HTTP response.

use crate::gateway::routes::{PathParameters, Route};
use crate::protocol::unique;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) struct Incoming<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) route: &'a Route,
    pub(super) path: PathParameters,
    pub(super) claims: Option<BTreeMap<String, String>>,
    pub(super) now: Timestamp,
}

pub(super) fn event(incoming: &Incoming<'_>) -> Value {
    let Incoming {
        parts,
        body,
        route,
        path,
        claims,
        now,
    } = incoming;
    let raw_query = parts.uri.query().unwrap_or_default();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key(),
        "rawPath": parts.uri.path(),
        "rawQueryString": raw_query,
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": text(header::HOST),
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": text(header::USER_AGENT),
            },
            "requestId": unique(),
            "routeKey": route.key(),
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    if !path.is_empty() {
        event["pathParameters"] = json!(path);
    }
    if !raw_query.is_empty() {
        event["queryStringParameters"] = query(raw_query);
    }
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !body.is_empty() {
        let as_text = std::str::from_utf8(body)
            .ok()
            .filter(|_| is_text(text(header::CONTENT_TYPE)));
        event["isBase64Encoded"] = Value::from(as_text.is_none());
        event["body"] = as_text.map_or_else(|| Value::from(STANDARD.encode(body)), Value::from);
    }
    event
}

/// Lower-case names, several values joined by commas, no cookies.
fn headers(given: &HeaderMap) -> Map<String, Value> {
    let names = given.keys().filter(|name| **name != header::COOKIE);
    let joined = |name: &HeaderName| {
        let values = given
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        values.collect::<Vec<_>>().join(",")
    };
    names
        .map(|name| (name.as_str().to_owned(), Value::from(joined(name))))
        .collect()
}

fn cookies(given: &HeaderMap) -> Vec<String> {
    let lines = given
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|c| !c.is_empty())
        .collect()
}

fn query(raw: &str) -> Value {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        all.entry(name.into_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    json!(all)
}

/// The gateway passes these as they are; everything else, forms included, arrives as base64.
fn is_text(content_type: Option<&str>) -> bool {
    let kind = content_type
        .unwrap_or("text/plain")
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(
            kind.as_str(),
            "application/json" | "application/xml" | "application/javascript"
        )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

pub(super) fn response(document: &Value) -> Result<Response, String> {
    let document: Document = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let body = document.body.unwrap_or_default();
    let body = if document.is_base64_encoded {
        STANDARD.decode(body).map_err(|error| error.to_string())?
    } else {
        body.into_bytes()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(document.status_code).map_err(|error| error.to_string())?;
    let single = document.headers.into_iter().map(|(name, value)| (name, vec![value]));
    let cookies = ("set-cookie".to_owned(), document.cookies);
    for (name, values) in single.chain(document.multi_value_headers).chain([cookies]) {
        let name: HeaderName = name.parse().map_err(|_| format!("bad header name {name:?}"))?;
        // The gateway sets the length itself.
        for value in values.iter().filter(|_| name != header::CONTENT_LENGTH) {
            let value = HeaderValue::from_str(value).map_err(|_| format!("bad header value of {name}"))?;
            response.headers_mut().append(&name, value);
        }
    }
    Ok(response)
}
