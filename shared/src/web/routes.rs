//! What every function's router has in common.

use crate::web::problem::{Problem, no_such_method, no_such_route};
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use lambda_http::request::RequestContext;
use tracing::Instrument as _;

/// In every answer: what our logs know the request by.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers unknown paths and methods with problem documents, reads no body beyond the limit, and names each request.
pub fn finished<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(crate::web::extract::BODY_MAX))
        .layer(middleware::from_fn(named))
}

/// Puts the gateway's id of the request into the log lines around it, the answer's header, and a problem document.
async fn named(request: Request, next: Next) -> Response {
    let Some(id) = request_id(&request) else {
        return next.run(request).await;
    };
    let method = request.method().clone();
    // The pattern: what a path names can be secret.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!("request", request.id = %id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    span.in_scope(|| {
        tracing::info!(http.method = %method, http.route = route, http.status = status, "{method} {route} answered {status}");
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let problem = Problem {
            request_id: Some(id.clone()),
            ..problem
        };
        *response.body_mut() = problem.body();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The id that API Gateway gave the request; its access log has the same.
fn request_id(request: &Request) -> Option<String> {
    match request.extensions().get()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
    use lambda_http::tower::ServiceExt as _;
    use serde_json::{Value, json};

    async fn answer(path: &str, context: Option<RequestContext>) -> (Response, Value) {
        let gone = || async { Err::<(), _>(Error::NotFound("thing")) };
        let router = finished(
            Router::<()>::new()
                .route("/gone", get(gone))
                .route("/here", get("here")),
        );
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some(context) = context {
            request.extensions_mut().insert(context);
        }
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let length: usize = parts.headers["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!(length, bytes.len(), "{path}");
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        (Response::from_parts(parts, Body::empty()), body)
    }

    fn named_by(id: &str) -> Option<RequestContext> {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.request_id = Some(id.to_owned());
        Some(RequestContext::ApiGatewayV2(context))
    }

    #[tokio::test]
    async fn every_answer_names_its_request() {
        for path in ["/here", "/gone", "/unknown"] {
            let (answer, body) = answer(path, named_by("JKJaXmPLvHcESHA=")).await;
            assert_eq!(answer.headers()["x-request-id"], "JKJaXmPLvHcESHA=", "{path}");
            let expected = if path == "/here" {
                Value::Null
            } else {
                json!("JKJaXmPLvHcESHA=")
            };
            assert_eq!(body["requestId"], expected, "{path}: {body}");
        }
    }

    #[tokio::test]
    async fn a_request_without_a_gateway_has_no_id() {
        let (answer, body) = answer("/gone", None).await;
        assert_eq!((answer.status().as_u16(), &body["code"]), (404, &json!("not-found")));
        assert!(answer.headers().get("x-request-id").is_none() && body.get("requestId").is_none());
    }
}
