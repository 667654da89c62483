//! A front before the table that counts items as they are written.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use dialbridge_local::drive::people::Stuck;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use url::Url;

/// Items put, updated or deleted, and requests of all kinds.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) items: AtomicU64,
    pub(crate) requests: AtomicU64,
}

#[derive(Clone)]
struct Front {
    counts: Arc<Counts>,
    table: Url,
    client: Client,
}

/// Serves a front before `table`.
pub(crate) async fn before(table: Url) -> Result<(Url, Arc<Counts>), Stuck> {
    let counts = Arc::new(Counts::default());
    let front = Front {
        counts: Arc::clone(&counts),
        table,
        client: Client::builder().no_proxy().tcp_nodelay(true).build()?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?).parse()?;
    let listener = listener.tap_io(|stream| {
        // A socket that closes at once need not be fast.
        let _ = stream.set_nodelay(true);
    });
    let routes = Router::new()
        .fallback(pass_on)
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(front);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok((url, counts))
}

async fn pass_on(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let items = written(operation.unwrap_or_default(), &body);
    front.counts.items.fetch_add(items, Ordering::Relaxed);
    front.counts.requests.fetch_add(1, Ordering::Relaxed);
    let call = front.client.post(front.table.clone()).headers(headers).body(body);
    let Ok(answer) = call.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// How many items a request writes.
fn written(target: &str, body: &[u8]) -> u64 {
    let operation = target.rsplit('.').next().unwrap_or_default();
    let list = |pointer: &str| {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        body.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len) as u64
    };
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => 1,
        "BatchWriteItem" => list(&format!("/RequestItems/{}", dialbridge_local::world::deployment::TABLE)),
        "TransactWriteItems" => list("/TransactItems"),
        _ => 0,
    }
}
