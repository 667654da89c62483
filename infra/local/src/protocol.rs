//! What the AWS doubles share: error answers in AWS's shape, field access, serving on loopback.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use url::Url;

/// An error as the AWS SDKs read it: the code in a header and in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    pub status: StatusCode,
    pub code: String,
    pub message: String,
}

impl AwsError {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn unknown_operation(operation: &str) -> Self {
        Self::new(
            400,
            "UnknownOperationException",
            format!("{operation} is not simulated"),
        )
    }
}

impl IntoResponse for AwsError {
    fn into_response(self) -> Response {
        // Services disagree about the capital letter, readers look for their own.
        let body = json!({ "__type": self.code, "message": self.message, "Message": self.message });
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }
}

pub(crate) type Answer = Result<Value, AwsError>;

/// The answer to a JSON call (`X-Amz-Target` protocols).
pub(crate) fn json_answer(answer: Answer) -> Response {
    match answer {
        Ok(body) => ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Splits `TrentService.Decrypt` into service and operation.
pub(crate) fn target(headers: &axum::http::HeaderMap) -> Option<(&str, &str)> {
    headers.get("x-amz-target")?.to_str().ok()?.rsplit_once('.')
}

/// The JSON object in a request body, whatever its content type says.
pub(crate) fn parse(body: &[u8]) -> Answer {
    let parsed = if body.is_empty() {
        Ok(json!({}))
    } else {
        serde_json::from_slice(body)
    };
    parsed
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| AwsError::new(400, "SerializationException", "The request is not a JSON object"))
}

/// An id that nobody else has.
pub(crate) fn unique() -> String {
    let mut bytes = [0; 16];
    // The generator fails only when the system has no randomness at all.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    hex::encode(bytes)
}

/// A response that breaks off before its body: the work is done, the caller never hears of it.
pub(crate) fn lost_answer() -> Response {
    let broken = futures::stream::once(async { Err::<bytes::Bytes, _>(io::Error::other("answer lost")) });
    Response::new(Body::from_stream(broken))
}

/// Binds a port on loopback (0: any). Accepted sockets inherit `TCP_NODELAY` from the listener on Linux,
/// which also covers servers that never set it themselves.
pub(crate) fn bind(port: u16) -> io::Result<(TcpListener, Url)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    let taken = |error: io::Error| {
        let advice = "end what listens there, or start with --any-port";
        io::Error::new(error.kind(), format!("port {port} on 127.0.0.1: {error}; {advice}"))
    };
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).map_err(taken)?;
    let listener = socket.listen(1024).map_err(taken)?;
    let url = format!("http://{}/", listener.local_addr()?);
    Ok((listener, Url::parse(&url).map_err(io::Error::other)?))
}

/// Resolves when the world stops or is dropped.
pub(crate) fn stopped(stop: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut stop = stop.clone();
    async move {
        // An error means that the sender is gone, which is a stop as well.
        let _ = stop.wait_for(|stopped| *stopped).await;
    }
}

/// Serves a router in the background until the world stops.
pub(crate) fn serve(listener: TcpListener, router: Router, stop: &watch::Receiver<bool>) {
    let until = stopped(stop);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
            tracing::error!(%error, "a local server stopped");
        }
    });
}
