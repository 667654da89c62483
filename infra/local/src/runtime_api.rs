//! The Lambda Runtime API as AWS documents it, on loopback, and programs that run under it: a program asks for an
//! event, works, and posts its answer, exactly as in Lambda.

use crate::locked::Locked;
use crate::protocol::bind;
use crate::world::deployment;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::Path as FilePath;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// The largest answer that Lambda takes.
const ANSWER_MAX: usize = 6 * 1024 * 1024 + 100;

/// Why an invocation gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the function answered with the error {kind}: {message}")]
    Function { kind: String, message: String },
    #[error("the function could not start, {kind}: {message}")]
    Init { kind: String, message: String },
    #[error("the process ended: {0}")]
    Exited(ExitStatus),
    #[error("nobody takes events any more")]
    Lost,
}

type Answer = Result<Value, Failure>;

/// What a program and whoever invokes it share.
struct Exchange {
    next: tokio::sync::Mutex<mpsc::UnboundedReceiver<(String, String)>>,
    waiting: Locked<HashMap<String, oneshot::Sender<Answer>>>,
    broken: watch::Sender<Option<Failure>>,
    clock: Clock,
    /// How long a function says it may work.
    time_limit: SignedDuration,
}

/// One Runtime API, for one execution environment.
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<(String, String)>,
    exchange: Arc<Exchange>,
    invocations: Locked<u64>,
    server: JoinHandle<io::Result<()>>,
}

impl RuntimeApi {
    /// Listens on a free port.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn start(time_limit: SignedDuration) -> io::Result<Self> {
        let (events, next) = mpsc::unbounded_channel();
        let exchange = Arc::new(Exchange {
            next: tokio::sync::Mutex::new(next),
            waiting: Locked::default(),
            broken: watch::Sender::new(None),
            clock: Clock::default(),
            time_limit,
        });
        let (listener, _) = bind(0)?;
        let address = listener.local_addr()?;
        let routes = router(Arc::clone(&exchange));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self {
            address,
            events,
            exchange,
            invocations: Locked::default(),
            server,
        })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` holds.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A process that sees nothing of this machine but what Lambda would show it, and `environment`.
    #[must_use]
    pub fn command(&self, program: &FilePath, environment: &BTreeMap<String, String>) -> Command {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(lambda_environment(&name))
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", self.address.to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Hands one event to whoever asks next, and waits for the answer, or for the end of the process.
    ///
    /// # Errors
    /// The function's own failure, or its end.
    pub async fn invoke(&self, event: &Value) -> Answer {
        let count = self.invocations.with(|count| {
            *count += 1;
            *count
        });
        let id = format!("8476a536-e9f4-11e8-9739-{count:012x}");
        let (done, answer) = oneshot::channel();
        self.exchange.waiting.with(|waiting| waiting.insert(id.clone(), done));
        let mut broken = self.exchange.broken.subscribe();
        self.events.send((id, event.to_string())).map_err(|_| Failure::Lost)?;
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or(Err(Failure::Lost)),
            failure = broken.wait_for(Option::is_some) => {
                Err(failure.ok().and_then(|failure| failure.clone()).unwrap_or(Failure::Lost))
            }
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A program under a Runtime API of its own: one execution environment. It ends with this value.
pub struct Function {
    api: RuntimeApi,
    process: Option<u32>,
    guard: JoinHandle<()>,
}

impl Function {
    /// Starts a program. `environment` is all it sees besides what Lambda itself sets.
    ///
    /// # Errors
    /// Where no port is free or the program cannot be started.
    pub fn spawn(
        program: &FilePath,
        environment: &BTreeMap<String, String>,
        time_limit: SignedDuration,
    ) -> io::Result<Self> {
        let api = RuntimeApi::start(time_limit)?;
        let mut child = api.command(program, environment).spawn()?;
        let process = child.id();
        let exchange = Arc::clone(&api.exchange);
        let guard = tokio::spawn(async move {
            let ended = child.wait().await.map_or(Failure::Lost, Failure::Exited);
            exchange.broken.send_replace(Some(ended));
        });
        Ok(Self { api, process, guard })
    }

    /// The id of the process.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// One event, one answer.
    ///
    /// # Errors
    /// The function's own failure, or its end.
    pub async fn invoke(&self, event: &Value) -> Answer {
        self.api.invoke(event).await
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // The guard owns the process, which is killed with it.
        self.guard.abort();
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
        // The environment is being taken down, and nothing is said to a program that is about to be killed.
        return std::future::pending().await;
    };
    let deadline = (exchange.clock.now() + exchange.time_limit).as_millisecond();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            deployment::function_arn("dialbridge"),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

async fn response(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>, body: Bytes) -> Response {
    let answer = serde_json::from_slice(&body).map_err(|error| Failure::Function {
        kind: "InvalidResponse".to_owned(),
        message: format!("the answer is not JSON: {error}"),
    });
    exchange.settle(&id, answer)
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
    let message = report["errorMessage"].as_str().unwrap_or_default();
    (kind.to_owned(), message.to_owned())
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
}

impl Exchange {
    fn settle(&self, id: &str, answer: Answer) -> Response {
        let Some(waiting) = self.waiting.with(|waiting| waiting.remove(id)) else {
            let refusal = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
            return (StatusCode::BAD_REQUEST, axum::Json(refusal)).into_response();
        };
        // Whoever waited may have given up; the function need not know.
        drop(waiting.send(answer));
        accepted()
    }
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
        ("AWS_REGION", deployment::REGION.to_owned()),
        ("AWS_DEFAULT_REGION", deployment::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_SESSION_TOKEN", "local".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ]
}
