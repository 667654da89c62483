//! What an operator breaks on purpose: the next requests of a kind are answered wrongly; and what was asked so far.

use super::Microsoft;
use super::graph::throttle::{Budget, budget_of};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Which of our three doors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Host {
    /// Graph, parts of batches too.
    #[default]
    Graph,
    /// Pages and tokens.
    Login,
    /// The tenant-configuration worker.
    Worker,
}

/// One planned misfortune.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Fault {
    #[serde(default)]
    pub(super) host: Host,
    pub(super) method: Option<String>,
    /// How the path starts, without `/v1.0`.
    #[serde(default)]
    pub(super) path: String,
    /// Only requests with a token of this tenant.
    pub(super) tenant: Option<String>,
    /// So many matching requests pass first.
    #[serde(default)]
    pub(super) skip: u32,
    /// So many are hit.
    #[serde(default = "one")]
    pub(super) times: u32,
    /// The answer; without it the request is carried out.
    pub(super) status: Option<u16>,
    /// A JSON body, or text if it is a string. Without it a fitting error body.
    pub(super) body: Option<Value>,
    pub(super) retry_after: Option<String>,
    pub(super) delay_ms: Option<u64>,
    /// Carry out the request, then send only half of the answer.
    #[serde(default)]
    pub(super) truncate: bool,
    /// Break the connection: `before` or `after` the request is carried out.
    pub(super) drop: Option<Drop>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Drop {
    Before,
    After,
}

fn one() -> u32 {
    1
}

/// What was asked since the counters were reset.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counters {
    /// HTTP requests to Graph; a batch is one.
    pub(super) graph_requests: u64,
    /// Calls carried out, parts of batches counted by themselves.
    pub(super) graph_calls: u64,
    /// Resource units of directory calls.
    pub(super) resource_units: u64,
    pub(super) throttled: u64,
    /// Calls that came before a pause had passed that an earlier answer asked for.
    pub(super) early: u64,
    pub(super) token_requests: u64,
    /// Method and path, ids replaced by `{id}`.
    pub(super) by_path: BTreeMap<String, u64>,
}

/// A pause that a client was asked for.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    pub(super) tenant: usize,
    pub(super) what: Paused,
    pub(super) until: Timestamp,
    /// The request that was answered so: what came with it or before it is not too early.
    pub(super) since: u64,
}

/// Which calls a pause is about.
#[derive(Clone, Debug)]
pub(super) enum Paused {
    /// Those of one budget.
    Budget(Budget),
    /// Those that a fault was ordered for.
    Below { method: Option<String>, path: String },
}

impl Pause {
    fn concerns(&self, tenant: usize, method: &str, path: &str) -> bool {
        self.tenant == tenant
            && match &self.what {
                Paused::Budget(budget) => *budget == budget_of(method, path),
                Paused::Below {
                    method: of,
                    path: below,
                } => path.starts_with(below) && of.as_ref().is_none_or(|of| of.eq_ignore_ascii_case(method)),
            }
    }
}

/// How long an answer asks to wait.
fn wait(retry_after: &str) -> Option<SignedDuration> {
    SignedDuration::try_from_secs_f64(retry_after.parse().ok()?).ok()
}

impl Microsoft {
    /// Numbers the requests as they come.
    pub(super) fn arrived(&self) -> u64 {
        let mut state = self.lock();
        state.arrived += 1;
        state.arrived
    }

    /// Counts a call that comes before a pause has passed.
    pub(super) fn watch_pauses(&self, request: u64, method: &str, path: &str, token: Option<&str>) {
        let now = self.now();
        let mut state = self.lock();
        state.pauses.retain(|pause| pause.until > now);
        let Some(tenant) = token
            .and_then(|token| state.access.get(token))
            .map(|token| token.tenant)
        else {
            return;
        };
        let early = |pause: &Pause| pause.since < request && pause.concerns(tenant, method, path);
        if state.pauses.iter().any(early) {
            state.counters.early += 1;
        }
    }

    /// A fault that asks for a pause means it.
    pub(super) fn begin_pause(&self, fault: &Fault, request: u64, token: Option<&str>) {
        let Some(wait) = fault.retry_after.as_deref().and_then(wait) else {
            return;
        };
        let until = self.now() + wait;
        let mut state = self.lock();
        if let Some(tenant) = token
            .and_then(|token| state.access.get(token))
            .map(|token| token.tenant)
        {
            let what = Paused::Below {
                method: fault.method.clone(),
                path: fault.path.clone(),
            };
            let since = request;
            state.pauses.push(Pause {
                tenant,
                what,
                until,
                since,
            });
        }
    }

    /// The fault that hits this request, if any; it is used up.
    pub(super) fn misfortune(&self, host: Host, method: &str, path: &str, token: Option<&str>) -> Option<Fault> {
        let mut state = self.lock();
        let tenant = token
            .and_then(|token| state.access.get(token))
            .map(|token| token.tenant);
        let tenant = tenant.map(|at| state.tenants[at].id.to_string());
        let fault = state.faults.iter_mut().find(|fault| {
            fault.host == host
                && fault.times > 0
                && fault
                    .method
                    .as_ref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && path.starts_with(&fault.path)
                && fault
                    .tenant
                    .as_ref()
                    .is_none_or(|wanted| tenant.as_ref() == Some(wanted))
        })?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.clone())
    }
}

impl Fault {
    /// Waits as the operator wished. This is real time: it is the client's patience that is tried.
    pub(super) async fn hold(&self) {
        if let Some(delay) = self.delay_ms {
            tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
        }
    }

    /// The answer that replaces the real one, before the request is carried out.
    pub(super) fn instead(&self) -> Option<Response> {
        if self.drop == Some(Drop::Before) {
            return Some(broken(Bytes::new()));
        }
        let status = http::StatusCode::from_u16(self.status?).ok()?;
        let (kind, body) = match &self.body {
            Some(Value::String(text)) => ("text/html", text.clone()),
            Some(json) => ("application/json", json.to_string()),
            None => ("application/json", error_body(status.as_u16())),
        };
        let mut response = (status, [(http::header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.retry_after.as_ref().and_then(|text| text.parse().ok()) {
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
        }
        Some(response)
    }

    /// What becomes of the real answer.
    pub(super) fn spoil(&self, response: Response, body: &Bytes) -> Response {
        if self.drop == Some(Drop::After) {
            return broken(Bytes::new());
        }
        if self.truncate {
            let (parts, _) = response.into_parts();
            let half = broken(body.slice(..body.len() / 2));
            return Response::from_parts(parts, half.into_body());
        }
        response
    }
}

/// An answer that breaks off after `sent`: the body fails, so the connection is closed in the middle.
fn broken(sent: Bytes) -> Response {
    let gone = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let parts = [Ok(sent), Err(gone)];
    Response::new(Body::from_stream(futures::stream::iter(parts)))
}

fn error_body(status: u16) -> String {
    let code = match status {
        401 => "InvalidAuthenticationToken",
        403 => "Authorization_RequestDenied",
        404 => "Request_ResourceNotFound",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "UnknownError",
    };
    serde_json::json!({ "error": { "code": code, "message": "As ordered by the operator of the simulation." } })
        .to_string()
}
