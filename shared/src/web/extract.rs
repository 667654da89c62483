//! What a request says: ids in the path, a JSON body, and the headers that make writing safe.

use crate::domain::caller::Caller;
use crate::domain::once::Once;
use crate::error::{Error, Result};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use std::io::Read;

/// The largest body that is read.
pub const BODY_MAX: usize = 64 * 1024;

/// Path segments. A segment that cannot be an id is an unknown id.
#[derive(Debug)]
pub struct Segments<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(segments)| Self(segments))
            .map_err(|_| Error::NotFound("id"))
    }
}

/// Query parameters; unknown ones are refused where the type says so.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = Query::from_request_parts(parts, state).await;
        query
            .map(|Query(params)| Self(params))
            .map_err(|error| Error::Malformed(format!("query: {}", error.body_text())))
    }
}

/// A JSON body of at most 64 KB.
#[derive(Debug)]
pub struct Body<T> {
    /// What it says.
    pub value: T,
    request: Vec<u8>,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let route = format!("{} {}", request.method(), request.uri().path());
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                value
                    .split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
            });
        if !is_json {
            return Err(Error::Malformed(
                "send JSON with the header Content-Type: application/json".into(),
            ));
        }
        let bytes = axum::body::to_bytes(request.into_body(), BODY_MAX)
            .await
            .map_err(|_| Error::TooLarge(BODY_MAX))?;
        // A list would be read as an object's fields in their order.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::Malformed("send a JSON object".into()));
        }
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Malformed(format!("the body is not what this route takes: {error}")))?;
        let request = [
            route.as_bytes(),
            b"
",
            &bytes,
        ]
        .concat();
        Ok(Self { value, request })
    }
}

/// The largest body of many users, as it arrives: the gateway hands on 6 MB, and what it wraps the body in is part of them.
pub const BULK_MAX: usize = 5 * 1024 * 1024;
/// The same, unpacked.
pub const BULK_UNPACKED: usize = 32 * 1024 * 1024;

/// What a body of many users is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`
    Json,
    /// `text/csv`
    Csv,
    /// `application/x-ndjson`
    JsonLines,
}

/// A body of many users, packed (`Content-Encoding: gzip`) or not. It is read as it is unpacked.
#[derive(Debug)]
pub struct Bulk {
    /// What it is.
    pub media: Media,
    packed: bool,
    body: bytes::Bytes,
    /// Method and path with its query.
    route: String,
}

impl<S: Send + Sync> FromRequest<S> for Bulk {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (media, packed) = described(request.headers())?;
        let route = format!("{} {}", request.method(), request.uri());
        let body = axum::body::to_bytes(request.into_body(), BULK_MAX)
            .await
            .map_err(|_| Error::TooLarge(BULK_MAX))?;
        Ok(Self {
            media,
            packed,
            body,
            route,
        })
    }
}

/// What the headers say that a body is, and whether it is packed.
fn described(headers: &HeaderMap) -> Result<(Media, bool)> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = header(header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let media = match kind.as_str() {
        "application/json" => Media::Json,
        "text/csv" => Media::Csv,
        "application/x-ndjson" => Media::JsonLines,
        _ => {
            return Err(Error::Malformed(
                "send a file with the header Content-Type: text/csv, application/json or application/x-ndjson".into(),
            ));
        }
    };
    let packed = match header(header::CONTENT_ENCODING).map(str::trim) {
        None | Some("" | "identity") => false,
        Some(packed) if packed.eq_ignore_ascii_case("gzip") => true,
        Some(_) => {
            return Err(Error::Malformed(
                "send the body as it is, or with Content-Encoding: gzip".into(),
            ));
        }
    };
    Ok((media, packed))
}

impl Bulk {
    /// The body from its beginning, unpacked.
    #[must_use]
    pub fn reader(&self) -> impl Read + '_ {
        let plain: Box<dyn Read + '_> = if self.packed {
            Box::new(flate2::read::GzDecoder::new(&self.body[..]))
        } else {
            Box::new(&self.body[..])
        };
        Bounded {
            left: BULK_UNPACKED,
            plain,
        }
    }

    fn request(&self) -> Vec<u8> {
        [self.route.as_bytes(), b"\n", &self.body].concat()
    }
}

/// A reader that fails beyond its bound, so that nothing is mistaken for the end.
struct Bounded<R> {
    left: usize,
    plain: R,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.plain.read(buffer)?;
        self.left = self.left.checked_sub(read).ok_or_else(|| {
            std::io::Error::other(format!("it is larger than {BULK_UNPACKED} bytes; send it in parts"))
        })?;
        Ok(read)
    }
}

/// The header `Idempotency-Key`, which every creating POST needs: 1 to 255 visible characters.
#[derive(Debug)]
pub struct IdempotencyKey(String);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        const NEEDED: Error = Error::HeaderMissing(
            "Idempotency-Key: a key of your own for this request, such as a UUID; send the same one when you repeat it",
        );
        let key = parts
            .headers
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if (1..=255).contains(&key.len()) {
            Ok(Self(key.to_owned()))
        } else {
            Err(NEEDED)
        }
    }
}

impl IdempotencyKey {
    /// The memory of this request: the same caller, key and body are the same request.
    #[must_use]
    pub fn once<T>(&self, caller: &Caller, body: &Body<T>) -> Once {
        Once {
            key: format!(
                "{}
{}",
                caller.subject, self.0
            ),
            request: body.request.clone(),
        }
    }
}

impl IdempotencyKey {
    /// The memory of a request with many users.
    #[must_use]
    pub fn once_bulk(&self, caller: &Caller, body: &Bulk) -> Once {
        Once {
            key: format!("{}\n{}", caller.subject, self.0),
            request: body.request(),
        }
    }

    /// The memory of a request without a body: `what` says the route and its ids.
    #[must_use]
    pub fn bare(&self, caller: &Caller, what: &str) -> Once {
        Once {
            key: format!("{}\n{}", caller.subject, self.0),
            request: what.as_bytes().to_vec(),
        }
    }
}

/// The header `If-Match` with a version that we have given as `ETag`.
#[derive(Debug)]
pub struct IfMatch(pub u64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let value = parts
            .headers
            .get(header::IF_MATCH)
            .ok_or(Error::HeaderMissing("If-Match with the ETag that you read"))?;
        let version = value
            .to_str()
            .ok()
            .and_then(|text| text.trim().trim_start_matches("W/").trim_matches('"').parse().ok());
        version.map(Self).ok_or(Error::Stale("the ETag"))
    }
}

/// The `ETag` of a version.
#[must_use]
pub fn etag(version: u64) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}
