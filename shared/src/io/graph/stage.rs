//! For tests: a small server on a port of its own that plays Microsoft as a test tells it, and remembers what it
//! was asked.

use super::{Graph, Token};
use crate::domain::secret::Secret;
use crate::io::http::{Http, Patience};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// One request as it came.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap_or_default())
    }

    pub(crate) fn query(&self, name: &str) -> String {
        let found = self.url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A form field of the body.
    pub(crate) fn field(&self, name: &str) -> String {
        let mut fields = url::form_urlencoded::parse(self.body.as_bytes());
        fields
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }

    /// A link below the server's `/v1.0`.
    pub(crate) fn link(&self, rest: &str) -> String {
        self.url.join("/v1.0/").unwrap().join(rest).unwrap().to_string()
    }
}

/// One answer to give.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    cut: bool,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            cut: false,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The connection breaks after the body so far.
    pub(crate) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

/// The running server; it ends with this value.
pub(crate) struct Stage {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: tokio::task::AbortHandle,
}

impl Stage {
    /// `answer` gets each request and how many came before it.
    pub(crate) async fn new(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (base, book, answer) = (url.clone(), Arc::clone(&asked), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (base, book, answer) = (base.clone(), Arc::clone(&book), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let one = Asked {
                    method: parts.method.to_string(),
                    url: base.join(&parts.uri.to_string()).unwrap(),
                    headers: parts.headers,
                    body: String::from_utf8(body.to_vec()).unwrap(),
                };
                let before = {
                    let mut book = book.lock().unwrap();
                    book.push(one.clone());
                    book.len() - 1
                };
                respond(answer(&one, before))
            }
        });
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            asked,
            server: server.abort_handle(),
        }
    }

    pub(crate) fn graph(&self) -> Graph {
        Graph::new(&self.url).with_http(hasty())
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn respond(reply: Reply) -> Response {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = if reply.cut {
        let parts: [Result<_, std::io::Error>; 2] = [Ok(Bytes::from(reply.body)), Err(std::io::Error::other("cut"))];
        Body::from_stream(futures::stream::iter(parts))
    } else {
        Body::from(reply.body)
    };
    response.body(body).unwrap()
}

/// A client that hardly waits.
pub(crate) fn hasty() -> Http {
    Http::default().with_patience(Patience {
        longest_wait: Duration::from_secs(1),
        first_backoff: Duration::from_millis(1),
        tries: 3,
    })
}

pub(crate) fn token() -> Token {
    Token::new(Secret::new("opaque".into()), Timestamp::MAX)
}

/// What an error says, with all its causes.
pub(crate) fn said(error: &crate::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
