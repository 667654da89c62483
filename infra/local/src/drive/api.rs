//! Somebody who calls the API with a token.

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use url::Url;

/// A caller of the API.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    base: Url,
    token: String,
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub etag: Option<String>,
    pub content_type: String,
    /// `null` where the body is no JSON.
    pub body: Value,
}

impl Answer {
    /// A text of the body by its JSON pointer; empty where there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number of the body by its JSON pointer.
    #[must_use]
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.body.pointer(pointer).and_then(Value::as_u64)
    }

    /// A list of the body by its JSON pointer; empty where there is none.
    #[must_use]
    pub fn list(&self, pointer: &str) -> &[Value] {
        self.body
            .pointer(pointer)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

impl Api {
    /// A caller with a token.
    #[must_use]
    pub fn new(base: &Url, token: String) -> Self {
        Self {
            client: Client::new(),
            base: base.clone(),
            token,
        }
    }

    /// The token it calls with.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends a request; a body goes as JSON, headers as they are.
    ///
    /// # Errors
    /// Where nothing answers.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let (status, etag, content_type) = (
            response.status(),
            header("etag"),
            header("content-type").unwrap_or_default(),
        );
        let body = response.bytes().await?;
        Ok(Answer {
            status,
            etag,
            content_type,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }

    /// Reads.
    ///
    /// # Errors
    /// Where nothing answers.
    pub async fn get(&self, path: &str) -> reqwest::Result<Answer> {
        self.send(Method::GET, path, None, &[]).await
    }

    /// Creates, with a new idempotency key.
    ///
    /// # Errors
    /// Where nothing answers.
    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        static KEYS: AtomicU64 = AtomicU64::new(1);
        let key = format!("key-{}-{}", std::process::id(), KEYS.fetch_add(1, Ordering::SeqCst));
        self.send(Method::POST, path, Some(body), &[("idempotency-key", &key)])
            .await
    }

    /// Writes what was read with this `ETag`.
    ///
    /// # Errors
    /// Where nothing answers.
    pub async fn put(&self, path: &str, body: &Value, etag: Option<&str>) -> reqwest::Result<Answer> {
        let headers: Vec<(&str, &str)> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
        self.send(Method::PUT, path, Some(body), &headers).await
    }
}
