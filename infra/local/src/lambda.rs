//! Lambda: a table of in-process functions, called by the scheduler, the state machine, the gateway and,
//! over `Invoke`, by the service itself. A planned kill drops a running function in the middle.

use crate::busy::Busy;
use crate::faults::Faults;
use crate::locked::Locked;
use crate::protocol::AwsError;
use crate::witness::Witness;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

/// AWS calls an asynchronously invoked function again twice when it fails.
const ASYNC_ATTEMPTS: u32 = 3;
/// Payload limit of a synchronous call.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// What a function says when it fails: the two fields of Lambda's error document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    pub error_type: String,
    pub message: String,
}

/// Why an invocation gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvokeError {
    NoSuchFunction(String),
    Function(FunctionError),
}

type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, FunctionError>> + Send + Sync>;

#[derive(Clone)]
pub struct Lambdas {
    functions: Locked<BTreeMap<String, Handler>>,
    faults: Faults,
    busy: Busy,
    /// Who sees every payload and every answer.
    pub witness: Witness,
}

impl Lambdas {
    pub(crate) fn new(faults: Faults, busy: Busy) -> Self {
        Self {
            functions: Locked::new(BTreeMap::new()),
            faults,
            busy,
            witness: Witness::default(),
        }
    }

    /// Adds a function, replacing one of the same name.
    pub fn register<F, Fut>(&self, name: &str, handler: F)
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, FunctionError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |input| Box::pin(handler(input)));
        self.functions
            .with(|functions| functions.insert(name.to_owned(), handler));
    }

    /// Calls a function by name or ARN and awaits its answer.
    pub async fn invoke(&self, function: &str, input: Value) -> Result<Value, InvokeError> {
        let name = name_of(function);
        let handler = self.functions.with(|functions| functions.get(name).cloned());
        let handler = handler.ok_or_else(|| InvokeError::NoSuchFunction(name.to_owned()))?;
        self.witness.saw(name, true, &input);
        let killed = self.faults.killed();
        tokio::select! {
            answer = handler(input) => {
                let answer = answer.inspect(|answer| self.witness.saw(name, false, answer));
                answer.map_err(|error| {
                    self.witness.saw(name, false, &json!(error.message));
                    InvokeError::Function(error)
                })
            }
            () = killed => Err(InvokeError::Function(FunctionError {
                error_type: "Runtime.ExitError".to_owned(),
                message: "Error: Runtime exited with error: signal: killed".to_owned(),
            })),
        }
    }

    /// Calls a function as an event: tried again at once where AWS would wait a minute or two, so that a
    /// test needs no clock for it. The last failure is logged and returned.
    pub async fn invoke_event(&self, function: &str, input: Value) -> Result<(), InvokeError> {
        let mut last = Ok(());
        for attempt in 1..=ASYNC_ATTEMPTS {
            match self.invoke(function, input.clone()).await {
                Ok(_) => return Ok(()),
                Err(error @ InvokeError::NoSuchFunction(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(function, attempt, ?error, "an event was not handled");
                    last = Err(error);
                }
            }
        }
        last
    }

    pub fn router(&self) -> Router {
        let lambdas = self.clone();
        let invoke = move |Path(name): Path<String>, headers: HeaderMap, body: Bytes| {
            let lambdas = lambdas.clone();
            async move { lambdas.answer(&name, &headers, &body).await }
        };
        Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .layer(axum::extract::DefaultBodyLimit::max(MAX_PAYLOAD + 1))
    }

    async fn answer(&self, name: &str, headers: &HeaderMap, body: &[u8]) -> Response {
        if body.len() > MAX_PAYLOAD {
            return AwsError::new(
                413,
                "RequestTooLargeException",
                "Request must be smaller than 6291456 bytes",
            )
            .into_response();
        }
        let Ok(input) = serde_json::from_slice(if body.is_empty() { b"null" } else { body }) else {
            let message = "Could not parse request body into json";
            return AwsError::new(400, "InvalidRequestContentException", message).into_response();
        };
        match headers.get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok()) {
            None | Some("RequestResponse") => respond(self.invoke(name, input).await),
            Some("Event") => self.accept(name, input),
            Some("DryRun") => StatusCode::NO_CONTENT.into_response(),
            Some(other) => AwsError::new(400, "InvalidParameterValueException", other).into_response(),
        }
    }

    fn accept(&self, function: &str, input: Value) -> Response {
        let name = name_of(function).to_owned();
        if !self.functions.with(|functions| functions.contains_key(&name)) {
            return respond(Err(InvokeError::NoSuchFunction(name)));
        }
        let (lambdas, working) = (self.clone(), self.busy.start());
        tokio::spawn(async move {
            let _working = working;
            let _logged = lambdas.invoke_event(&name, input).await;
        });
        StatusCode::ACCEPTED.into_response()
    }
}

fn respond(answer: Result<Value, InvokeError>) -> Response {
    match answer {
        Ok(answer) => ([("x-amz-executed-version", "$LATEST")], answer.to_string()).into_response(),
        Err(InvokeError::Function(error)) => {
            let document = json!({ "errorType": error.error_type, "errorMessage": error.message });
            let headers = [
                ("x-amz-executed-version", "$LATEST"),
                ("x-amz-function-error", "Unhandled"),
            ];
            (headers, document.to_string()).into_response()
        }
        Err(InvokeError::NoSuchFunction(name)) => {
            let message = format!("Function not found: arn:aws:lambda:eu-west-1:000000000000:function:{name}");
            AwsError::new(404, "ResourceNotFoundException", message).into_response()
        }
    }
}

/// The name in `name`, `arn:...:function:name` and `arn:...:function:name:alias`.
fn name_of(function: &str) -> &str {
    match function.split_once(":function:") {
        Some((_, rest)) => rest.split(':').next().unwrap_or(rest),
        None => function,
    }
}
