//! `POST /$batch`: up to twenty calls in one request, each charged and answered by itself, in any order.

use super::super::Microsoft;
use super::super::faults::Host;
use super::answer::{Answer, Refused};
use super::{Call, bearer};
use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MOST: usize = 20;

pub(super) fn run(microsoft: &Microsoft, outer: &Call) -> Answer {
    match parts(outer) {
        Ok(parts) => answer(microsoft, outer, &parts),
        Err(refused) => {
            let mut state = microsoft.lock();
            let id = state.chance.guid().to_string();
            refused.answer(&mut state.chance, microsoft.now(), &id)
        }
    }
}

fn parts(outer: &Call) -> Result<Vec<Value>, Refused> {
    let bad = |text: &str| Refused::new(400, "BadRequest", text);
    if outer.method != Method::POST {
        return Err(Refused::new(405, "BadRequest", "Only POST is supported for $batch."));
    }
    if bearer(&outer.headers).is_none() {
        return Err(Refused::unauthenticated("Access token is empty."));
    }
    let body: Value = serde_json::from_slice(&outer.body).map_err(|_| bad("Invalid batch payload format."))?;
    let parts = body["requests"]
        .as_array()
        .filter(|parts| !parts.is_empty())
        .ok_or_else(|| bad("Invalid batch payload format."))?;
    if parts.len() > MOST {
        return Err(bad("Number of batch request steps exceeds the maximum value of 20."));
    }
    let ids: BTreeSet<&str> = parts.iter().filter_map(|part| part["id"].as_str()).collect();
    if ids.len() != parts.len() {
        return Err(bad("Request Id has to be unique in a batch."));
    }
    let content = |part: &Value| {
        part["headers"]
            .as_object()
            .is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")))
    };
    if parts
        .iter()
        .any(|part| part.get("body").is_some_and(|body| !body.is_null()) && !content(part))
    {
        return Err(bad("Write request id: does not contain Content-Type header or body."));
    }
    Ok(parts.clone())
}

fn answer(microsoft: &Microsoft, outer: &Call, parts: &[Value]) -> Answer {
    let mut statuses: BTreeMap<&str, u16> = BTreeMap::new();
    let mut responses = Vec::with_capacity(parts.len());
    for part in parts {
        let id = part["id"].as_str().unwrap_or_default();
        let needed = part["dependsOn"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let failed = needed
            .clone()
            .any(|other| statuses.get(other).is_none_or(|status| *status >= 400));
        let response = if failed {
            let error =
                json!({ "error": { "code": "FailedDependency", "message": "The request it depends on failed." } });
            json!({ "id": id, "status": 424, "headers": { "Content-Type": "application/json" }, "body": error })
        } else {
            one(microsoft, outer, part)
        };
        let status = response["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(500);
        statuses.insert(id, status);
        responses.push(response);
    }
    let mut state = microsoft.lock();
    if state.switches.shuffle_batches {
        state.chance.shuffle(&mut responses);
    }
    let id = state.chance.guid().to_string();
    Answer::json(&json!({ "responses": responses })).with("request-id", id)
}

fn one(microsoft: &Microsoft, outer: &Call, part: &Value) -> Value {
    let id = part["id"].as_str().unwrap_or_default();
    let url = part["url"].as_str().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let method = part["method"]
        .as_str()
        .unwrap_or_default()
        .parse()
        .unwrap_or(Method::GET);
    microsoft.watch_pauses(outer.request, method.as_str(), &path, bearer(&outer.headers));
    if let Some(fault) = microsoft.misfortune(Host::Graph, method.as_str(), &path, bearer(&outer.headers))
        && let Some(status) = fault.status
    {
        microsoft.begin_pause(&fault, outer.request, bearer(&outer.headers));
        let mut headers = json!({ "Content-Type": "application/json" });
        if let Some(wait) = fault.retry_after {
            headers["Retry-After"] = wait.into();
        }
        let code = if status == 429 {
            "TooManyRequests"
        } else {
            "UnknownError"
        };
        let body = fault
            .body
            .unwrap_or_else(|| json!({ "error": { "code": code, "message": "As ordered by the operator." } }));
        return json!({ "id": id, "status": status, "headers": headers, "body": body });
    }
    let mut headers = HeaderMap::new();
    for (name, value) in part["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value.as_str().unwrap_or_default())) {
            headers.insert(name, value);
        }
    }
    if let Some(token) = outer.headers.get(header::AUTHORIZATION) {
        headers.insert(header::AUTHORIZATION, token.clone());
    }
    let body = part
        .get("body")
        .filter(|body| !body.is_null())
        .map(Value::to_string)
        .unwrap_or_default();
    let call = Call {
        method,
        path,
        query: query.to_owned(),
        headers,
        body: Bytes::from(body),
        request: outer.request,
    };
    let answer = microsoft.answer(&call);
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in answer.headers {
        headers.insert(name.to_owned(), value.into());
    }
    let mut response = json!({ "id": id, "status": answer.status });
    if !answer.body.is_empty() {
        headers.insert("Content-Type".into(), "application/json".into());
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        response["body"] = serde_json::from_slice(&answer.body).unwrap_or(Value::String(text));
    }
    response["headers"] = headers.into();
    response
}
