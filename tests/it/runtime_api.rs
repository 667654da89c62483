//! The binaries of this workspace under a Runtime API, and the events that they get in AWS.

use crate::tidy::root;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dialbridge_local::runtime_api::{Function, RuntimeApi};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::process::Output;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// How long a function says it may work.
pub(crate) const TIME_LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// Builds the binary of a package in `functions/` and starts it. `environment` is all it sees besides what Lambda
/// itself sets.
pub(crate) async fn start(package: &str, environment: &BTreeMap<String, String>) -> Function {
    let program = built(package).await;
    Function::spawn(&program, environment, TIME_LIMIT).unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// Starts the binary of a package that ends by itself; what it said, and how it ended.
pub(crate) async fn output(package: &str, environment: &BTreeMap<String, String>) -> Output {
    let (program, api) = (
        built(package).await,
        RuntimeApi::start(TIME_LIMIT).expect("a free port"),
    );
    let ended = api.command(&program, environment).output().await;
    ended.unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// The binary of a package, built beside this test, once in each process.
async fn built(package: &str) -> PathBuf {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let binary = BUILT.get_or_init(build).await.join(package);
    assert!(binary.is_file(), "{} was not built", binary.display());
    binary
}

/// Builds all binaries; gives their folder. The same choice of packages and targets as the test command has the same
/// features, so nothing is compiled twice.
async fn build() -> PathBuf {
    let this = std::env::current_exe().expect("this test is a file");
    let profile = this
        .parent()
        .and_then(FilePath::parent)
        .expect("<target>/<profile>/deps/<test>");
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--quiet", "--workspace", "--bins", "--tests"])
        .current_dir(root());
    build.arg("--target-dir").arg(profile.parent().expect("<target>"));
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().await.expect("cargo runs");
    assert!(status.success(), "cargo build ended with {status}");
    profile.to_owned()
}

/// An event as an HTTP API sends it, payload format 2.0. `route` is method and path template; the claims are those that
/// the JWT authorizer passed on, where the route has one.
pub(crate) fn http_event(route: &str, target: &str, claims: Option<&Value>, body: Option<&Value>) -> Value {
    let (method, template) = route.split_once(' ').expect("method and path");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = json!({
        "accept": "*/*",
        "content-length": body.map_or(0, |body| body.to_string().len()).to_string(),
        "host": "calls.example",
        "user-agent": "stories",
        "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    });
    let mut context = json!({
        "accountId": "123456789012",
        "apiId": "r3pmxmplak",
        "domainName": "calls.example",
        "domainPrefix": "calls",
        "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "stories" },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": route,
        "stage": "$default",
        "time": "22/Nov/2026:03:00:00 +0000",
        "timeEpoch": 1_795_316_400_000_i64,
    });
    if let Some(claims) = claims {
        headers["authorization"] = json!("Bearer checked-by-the-gateway");
        context["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": false,
    });
    let variables = variables(template, path);
    if !variables.is_empty() {
        event["pathParameters"] = json!(variables);
    }
    if !query.is_empty() {
        let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        event["queryStringParameters"] = json!(pairs);
    }
    if let Some(body) = body {
        event["headers"]["content-type"] = json!("application/json");
        event["body"] = json!(body.to_string());
    }
    event
}

/// An event with the fields of a form. API Gateway sends them in base64; other senders do not.
pub(crate) fn form_event(route: &str, target: &str, fields: &[(&str, &str)], base64: bool) -> Value {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut event = http_event(route, target, None, None);
    event["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    event["headers"]["content-length"] = json!(form.len().to_string());
    event["body"] = json!(if base64 { STANDARD.encode(form) } else { form });
    event["isBase64Encoded"] = json!(base64);
    event
}

/// What the places in a path template stand for.
fn variables(template: &str, path: &str) -> BTreeMap<String, String> {
    let pairs = template.split('/').zip(path.split('/'));
    let named = pairs.filter_map(|(place, value)| Some((place.strip_prefix('{')?.strip_suffix('}')?, value)));
    named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Verified claims as the gateway passes them on: all of them texts.
pub(crate) fn claims(role: &str, more: &[(&str, &str)]) -> Value {
    let mut claims = json!({
        "iss": "https://portal.example",
        "aud": "dialbridge",
        "sub": format!("{role}-1"),
        "email": format!("{role}@portal.example"),
        "name": role,
        "role": role,
        "iat": "1795316400",
        "nbf": "1795316400",
        "exp": "1795320000",
    });
    for (name, value) in more {
        claims[*name] = json!(value);
    }
    claims
}

/// What an enterprise's own schedule sends.
pub(crate) fn reminder_event(enterprise: &str, scheduled: &str) -> Value {
    json!({ "enterprise": enterprise, "scheduled": scheduled })
}

/// What the daily schedule sends.
pub(crate) fn sweep_event() -> Value {
    json!({ "sweep": true })
}

/// What the state machine sends to the worker.
pub(crate) fn worker_event(enterprise: &str, run: &str) -> Value {
    json!({ "enterprise": enterprise, "run": run })
}

/// The body of an HTTP answer, as JSON.
pub(crate) fn body(answer: &Value) -> Value {
    let text = answer["body"].as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {answer}"))
}
