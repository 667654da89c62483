//! The HTTP API in front of the functions: routes, the JWT authorizer, and the payload format 2.0 that a
//! function really gets. Nothing reaches a function but the JSON event, and nothing comes back but JSON.

mod authorizer;
mod event;
mod routes;

use crate::busy::Busy;
use crate::faults::Faults;
use crate::issuer::Issuer;
use crate::locked::Locked;
use crate::protocol::unique;
use crate::witness::Witness;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use event::Incoming;
use futures::future::BoxFuture;
use jiff::SignedDuration;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, service_fn};
pub use routes::Route;
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::convert::Infallible;
use std::sync::Arc;
use tower::{Service, ServiceExt};

/// The gateway takes no larger body.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The gateway waits no longer for a function.
const INTEGRATION_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// A function that answers HTTP: an event in, an answer document out.
type HttpFunction = Arc<dyn Fn(LambdaRequest, Context) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

struct Mounted {
    route: Route,
    function: HttpFunction,
}

#[derive(Clone)]
pub struct Gateway {
    mounted: Locked<Vec<Arc<Mounted>>>,
    issuer: Issuer,
    clock: Clock,
    faults: Faults,
    busy: Busy,
    /// Who sees every event and every answer.
    pub witness: Witness,
}

impl Gateway {
    pub(crate) fn new(issuer: Issuer, clock: Clock, faults: Faults, busy: Busy) -> Self {
        Self {
            mounted: Locked::new(Vec::new()),
            issuer,
            clock,
            faults,
            busy,
            witness: Witness::default(),
        }
    }

    /// Sends these routes to a function. `service` is what the function's `main` gives to `lambda_http::run`,
    /// usually its axum router.
    pub fn mount<S, R>(&self, routes: Vec<Route>, service: S)
    where
        S: Service<lambda_http::Request, Response = R, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        R: lambda_http::IntoResponse + Send + 'static,
    {
        let function: HttpFunction = Arc::new(move |event, context| {
            let service = service.clone();
            // Each call has its own copy, as each execution environment serves one request at a time.
            let mut adapter = Adapter::from(service_fn(move |request| service.clone().oneshot(request)));
            let answer = adapter.call(LambdaEvent::new(event, context));
            Box::pin(async move {
                let answer = answer.await.unwrap_or_else(|never| match never {});
                serde_json::to_value(answer).map_err(|error| error.to_string())
            })
        });
        let mounted = routes.into_iter().map(|route| {
            Arc::new(Mounted {
                route,
                function: Arc::clone(&function),
            })
        });
        self.mounted.with(|all| all.extend(mounted));
    }

    /// All routes, in the order they were mounted.
    pub fn routes(&self) -> Vec<Route> {
        self.mounted
            .with(|all| all.iter().map(|mounted| mounted.route.clone()).collect())
    }

    pub fn router(&self) -> Router {
        let gateway = self.clone();
        Router::new().fallback(move |request: Request| async move { gateway.answer(request).await })
    }

    async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let Some((mounted, path)) = self.find(parts.method.as_str(), parts.uri.path()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let now = self.clock.now();
        let claims = if mounted.route.authorised {
            match authorizer::claims(&parts.headers, &self.issuer, now) {
                Ok(claims) => Some(claims),
                Err(_) => return unauthorized(),
            }
        } else {
            None
        };
        let incoming = Incoming {
            parts: &parts,
            body: &body,
            route: &mounted.route,
            path,
            claims,
            now,
        };
        self.call(&mounted.function, &event::event(&incoming)).await
    }

    fn find(&self, method: &str, path: &str) -> Option<(Arc<Mounted>, routes::PathParameters)> {
        let all = self.mounted.with(|all| all.clone());
        let fitting = all.into_iter().filter_map(|mounted| {
            let found = mounted.route.fits(method, path)?;
            Some((mounted, found))
        });
        fitting.min_by_key(|(mounted, _)| mounted.route.vagueness())
    }

    fn context(&self) -> Context {
        let mut context = Context::default();
        context.request_id = unique();
        let deadline = self.clock.now() + INTEGRATION_TIMEOUT;
        context.deadline = u64::try_from(deadline.as_millisecond()).unwrap_or_default();
        context
    }

    /// Runs the function on the event as the runtime would read it, and races it against a planned kill.
    async fn call(&self, function: &HttpFunction, event: &Value) -> Response {
        let Ok(request) = serde_json::from_str::<LambdaRequest>(&event.to_string()) else {
            return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        };
        self.witness.saw("route", true, event);
        let _working = self.busy.start();
        let killed = self.faults.killed();
        let answer = tokio::select! {
            answer = function(request, self.context()) => answer,
            () = killed => Err("the function was killed".to_owned()),
        };
        answer
            .inspect(|document| self.witness.saw("route", false, document))
            .and_then(|document| event::response(&document))
            .unwrap_or_else(|error| {
                tracing::error!(error, "a function gave no answer");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            })
    }
}

fn message(status: StatusCode, text: &str) -> Response {
    let body = json!({ "message": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}

fn unauthorized() -> Response {
    let mut response = message(StatusCode::UNAUTHORIZED, "Unauthorized");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[cfg(test)]
mod tests;
