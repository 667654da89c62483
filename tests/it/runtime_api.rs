//! The Lambda Runtime API as AWS documents it, on loopback, and built binaries run under it: the binary asks for an
//! event, works, and posts its answer, exactly as in Lambda.

use crate::tidy::root;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path as FilePath, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{OnceCell, mpsc, oneshot, watch};

/// The largest answer that Lambda takes.
const ANSWER_MAX: usize = 6 * 1024 * 1024 + 100;
/// How long a function says it may work.
const DEADLINE: SignedDuration = SignedDuration::from_secs(60);

/// Why an invocation gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The function answered with an error.
    Function { kind: String, message: String },
    /// The function could not start, and said so.
    Init { kind: String, message: String },
    /// The process ended.
    Exited(ExitStatus),
}

type Answer = Result<Value, Failure>;

struct Exchange {
    next: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, Value)>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    broken: watch::Sender<Option<Failure>>,
    clock: Clock,
}

/// One Runtime API, for one execution environment.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<(String, Value)>,
    exchange: Arc<Exchange>,
    invocations: Mutex<u32>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub(crate) async fn start() -> Self {
        let (events, next) = mpsc::unbounded_channel();
        let exchange = Arc::new(Exchange {
            next: tokio::sync::Mutex::new(next),
            waiting: Mutex::default(),
            broken: watch::Sender::new(None),
            clock: Clock::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("no delay"));
        let routes = router(exchange.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            address,
            events,
            exchange,
            invocations: Mutex::new(0),
        }
    }

    /// What `AWS_LAMBDA_RUNTIME_API` holds.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands one event to whoever asks next, and waits for the answer.
    pub(crate) async fn invoke(&self, event: &Value) -> Answer {
        let id = {
            let mut count = self.invocations.lock().expect("not poisoned");
            *count += 1;
            format!("8476a536-e9f4-11e8-9739-{:012x}", *count)
        };
        let (done, answer) = oneshot::channel();
        self.exchange
            .waiting
            .lock()
            .expect("not poisoned")
            .insert(id.clone(), done);
        self.events
            .send((id, event.clone()))
            .expect("the exchange lives as long as this");
        let mut broken = self.exchange.broken.subscribe();
        tokio::select! {
            answer = answer => answer.expect("an answer is posted or waited for"),
            failure = broken.wait_for(Option::is_some) => Err(failure.expect("the exchange lives").clone().expect("some")),
        }
    }
}

fn router(exchange: Arc<Exchange>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(ANSWER_MAX))
        .with_state(exchange)
}

/// Waits for an event as long as it takes, as Lambda does while an environment is frozen.
async fn next(State(exchange): State<Arc<Exchange>>) -> Response {
    let Some((id, event)) = exchange.next.lock().await.recv().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let deadline = (exchange.clock.now() + DEADLINE).as_millisecond().to_string();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:dialbridge".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(answer) => exchange.settle(&id, Ok(answer)),
        Err(error) => {
            let message = format!("the answer is not JSON: {error}");
            exchange.settle(
                &id,
                Err(Failure::Function {
                    kind: "InvalidResponse".to_owned(),
                    message,
                }),
            )
        }
    }
}

async fn error(
    State(exchange): State<Arc<Exchange>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (kind, message) = described(&headers, &body);
    exchange.settle(&id, Err(Failure::Function { kind, message }))
}

async fn init_error(State(exchange): State<Arc<Exchange>>, headers: HeaderMap, body: Bytes) -> Response {
    let (kind, message) = described(&headers, &body);
    exchange.broken.send_replace(Some(Failure::Init { kind, message }));
    accepted()
}

fn described(headers: &HeaderMap, body: &Bytes) -> (String, String) {
    let report: Value = serde_json::from_slice(body).unwrap_or_default();
    let header = headers
        .get("lambda-runtime-function-error-type")
        .and_then(|kind| kind.to_str().ok());
    let kind = report["errorType"].as_str().or(header).unwrap_or("Unhandled");
    (
        kind.to_owned(),
        report["errorMessage"].as_str().unwrap_or_default().to_owned(),
    )
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
}

impl Exchange {
    fn settle(&self, id: &str, answer: Answer) -> Response {
        let Some(waiting) = self.waiting.lock().expect("not poisoned").remove(id) else {
            let refusal = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
            return (StatusCode::BAD_REQUEST, axum::Json(refusal)).into_response();
        };
        // Whoever waited may have given up; the function need not know.
        drop(waiting.send(answer));
        accepted()
    }
}

/// A function's process under its own Runtime API. It ends with this value.
pub(crate) struct Function {
    api: RuntimeApi,
    process: Child,
}

impl Function {
    /// Builds the binary of a package in `functions/` and starts it. `environment` is all it sees besides what Lambda
    /// itself sets.
    pub(crate) async fn start(package: &str, environment: &[(String, String)]) -> Self {
        Self::spawn(&built(package).await, package, environment).await
    }

    /// Starts a program.
    pub(crate) async fn spawn(program: &FilePath, name: &str, environment: &[(String, String)]) -> Self {
        let api = RuntimeApi::start().await;
        let process = command(program, name, environment, &api)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { api, process }
    }

    /// One event, one answer; or the end of the process, if that comes first.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Answer {
        tokio::select! {
            biased;
            answer = self.api.invoke(event) => answer,
            ended = self.process.wait() => Err(Failure::Exited(ended.expect("the process can be waited for"))),
        }
    }
}

/// Starts the binary of a package that ends by itself; what it said, and how it ended.
pub(crate) async fn output(package: &str, environment: &[(String, String)]) -> Output {
    let (program, api) = (built(package).await, RuntimeApi::start().await);
    command(&program, package, environment, &api)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// A process that sees nothing of this machine but what Lambda would show it.
fn command(program: &FilePath, name: &str, environment: &[(String, String)], api: &RuntimeApi) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(lambda_environment(name))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What Lambda sets for every function.
fn lambda_environment(name: &str) -> [(&'static str, String); 14] {
    [
        ("AWS_LAMBDA_FUNCTION_NAME", format!("dialbridge-{name}")),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/dialbridge-{name}")),
        (
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "2026/11/22/[$LATEST]00000000000000000000000000000000".to_owned(),
        ),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_SESSION_TOKEN", "local".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ]
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
        let pairs: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
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
fn variables(template: &str, path: &str) -> HashMap<String, String> {
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
