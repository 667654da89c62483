//! One HTTP client for Microsoft: time limits, retries that obey `Retry-After`, size limits, request ids,
//! and error bodies turned into `Error`. Tokens, bodies and queries never reach a log or an error.

use super::calls::{Recorder, template};
use super::chance::Chance;
use super::gate::Gate;
use crate::domain::secret::Secret;
use crate::domain::sync_log::MicrosoftCall;
use crate::{Error, Result};
use bytes::Bytes;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, redirect};
use serde::Deserialize;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use url::Url;

const USER_AGENT: &str = concat!("dialbridge/", env!("CARGO_PKG_VERSION"));
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const MIB: usize = 1024 * 1024;

/// What a service is given that asks for a pause and does not say how long: as long as Microsoft's own examples.
pub(crate) const UNTOLD: Duration = Duration::from_secs(10);

/// The client. Making one costs nothing: certificates are read at the first call. Clones share connections.
#[derive(Clone, Default)]
pub struct Http {
    client: Arc<OnceLock<Client>>,
    patience: Patience,
}

/// How long a busy service is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A service that asks for a longer pause than this is not waited for.
    pub longest_wait: Duration,
    /// The first pause where a service does not say how long; it doubles each time.
    pub first_backoff: Duration,
    /// Tries in all.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            longest_wait: Duration::from_secs(60),
            first_backoff: Duration::from_millis(500),
            tries: 5,
        }
    }
}

/// One call to make.
pub struct Call<'a> {
    doing: &'static str,
    method: Method,
    url: Url,
    token: Option<&'a Secret>,
    headers: HeaderMap,
    body: Bytes,
    once: bool,
    limit: usize,
    gate: Option<&'a Gate>,
    leaves_waits: bool,
    recorder: Option<&'a Recorder>,
}

impl<'a> Call<'a> {
    /// A read; it may be repeated when its answer is lost.
    #[must_use]
    pub fn get(doing: &'static str, url: Url) -> Self {
        Self {
            doing,
            method: Method::GET,
            url,
            token: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            once: false,
            limit: 4 * MIB,
            gate: None,
            leaves_waits: false,
            recorder: None,
        }
    }

    /// A `POST` that is not repeated when its answer is lost, only when the service says that it did nothing.
    #[must_use]
    pub fn post(doing: &'static str, url: Url, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut call = Self::get(doing, url).header("content-type", content_type);
        call.method = Method::POST;
        call.body = body.into();
        call.once = true;
        call
    }

    /// A `DELETE`; it may be repeated when its answer is lost, and then finds nothing.
    #[must_use]
    pub fn delete(doing: &'static str, url: Url) -> Self {
        let mut call = Self::get(doing, url);
        call.method = Method::DELETE;
        call
    }

    /// Doing it twice does no harm.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.once = false;
        self
    }

    /// On behalf of whom.
    #[must_use]
    pub fn bearer(mut self, token: &'a Secret) -> Self {
        self.token = Some(token);
        self
    }

    /// Each try is noted there, for the log of a run.
    #[must_use]
    pub fn noted(mut self, recorder: Option<&'a Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    fn note(&self, attempt: u32, took: Duration, answer: Result<&Answer, &Lost>) {
        let Some(recorder) = self.recorder else { return };
        recorder.note(MicrosoftCall {
            method: self.method.to_string(),
            path: template(self.url.path()),
            status: answer.ok().map(|answer| answer.status.as_u16()),
            request: answer.map(|answer| answer.request_id().to_owned()).unwrap_or_default(),
            took: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            attempt,
        });
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// Answers of up to so many MiB; 4 unless told.
    #[must_use]
    pub fn up_to_mib(mut self, mib: usize) -> Self {
        self.limit = mib * MIB;
        self
    }

    /// A pause that the service asks for is left to whoever keeps the pace of all its callers: it is `Throttled` at once.
    #[must_use]
    pub fn leaving_waits(mut self, leaves: bool) -> Self {
        self.leaves_waits = leaves;
        self
    }

    /// Together with others: each try waits at the gate, and shuts it when the service asks for a pause.
    #[must_use]
    pub fn through(mut self, gate: Option<&'a Gate>) -> Self {
        self.gate = gate;
        self
    }
}

/// What came back, complete.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, unpacked; empty where somebody else took it as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// `Upstream` where it is not what we expect; the cause names the place, not the value.
    pub fn json<'a, T: Deserialize<'a>>(&'a self, doing: &'static str) -> Result<T> {
        let text = std::str::from_utf8(&self.body).map_err(|error| Error::upstream(doing, error))?;
        serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Error::upstream(
                doing,
                format!("the answer is not what we expect at line {line}, column {column}"),
            )
        })
    }

    /// Microsoft's own id of the call, for its support.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.header("request-id")
    }

    /// Where a started operation can be watched.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// How long to wait: decimal seconds, or a date, which is read against the answer's own `Date`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let asked = self.header(RETRY_AFTER.as_str()).trim();
        if !asked.is_empty() && asked.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Duration::try_from_secs_f64(asked.parse().ok()?).ok();
        }
        let moment = |text: &str| -> Option<Timestamp> { Some(rfc2822::parse(text).ok()?.timestamp()) };
        let wait = moment(asked)?.duration_since(moment(self.header(DATE.as_str()))?);
        Some(Duration::try_from(wait).unwrap_or_default())
    }

    /// Whether the service only asks to come back later.
    #[must_use]
    pub fn busy(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 502..=504)
    }

    /// Itself, if it is a success.
    ///
    /// # Errors
    /// What `fault` says.
    pub fn accept(self, doing: &'static str) -> Result<Self> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(self.fault(doing))
        }
    }

    /// The failure that this answer is: 401 `TokenExpired`, 429 `Throttled`, other 4xx and 501 `Refused`,
    /// the rest `Upstream`.
    #[must_use]
    pub fn fault(&self, doing: &'static str) -> Error {
        let status = self.status.as_u16();
        let (code, message) = self.explanation();
        tracing::info!(
            http.status = status,
            microsoft.code = code,
            microsoft.request_id = self.request_id(),
            "could not {doing}: Microsoft answered {status} {code}"
        );
        match status {
            401 => Error::TokenExpired,
            429 => throttled(doing, self.retry_after().unwrap_or_default()),
            400..=499 | 501 => Error::Refused {
                doing,
                status,
                code,
                message,
            },
            _ => Error::upstream(doing, format!("answered {status} (request {})", self.request_id())),
        }
    }

    /// Microsoft's code and words, as far as there are any: bodies may be HTML, codes empty.
    fn explanation(&self) -> (String, String) {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let error = &body["error"];
        let codes = [
            &error["code"],
            &error["innerError"]["code"],
            &error["innererror"]["code"],
            error,
        ];
        let code = codes
            .into_iter()
            .filter_map(|code| code.as_str())
            .find(|code| !code.is_empty());
        let message = error["message"].as_str().unwrap_or("no explanation was given");
        let tidy = |text: &str, max| {
            text.chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .take(max)
                .collect()
        };
        let code = code.or(self.status.canonical_reason()).unwrap_or("Unknown");
        (tidy(code, 80), tidy(message, 500))
    }
}

/// Takes the body of a success as it comes, in pieces; `None` means that it begins, or begins anew.
pub(crate) type Take<'a> = dyn FnMut(Option<&[u8]>) + Send + 'a;

/// A call without an answer.
struct Lost {
    why: Box<dyn std::error::Error + Send + Sync>,
    /// The service cannot have acted on it.
    never_sent: bool,
    /// Another try would end the same way.
    hopeless: bool,
}

impl From<reqwest::Error> for Lost {
    fn from(error: reqwest::Error) -> Self {
        Self {
            never_sent: error.is_connect(),
            hopeless: error.is_builder(),
            why: error.without_url().into(),
        }
    }
}

impl Http {
    /// With another patience; the connections stay shared.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Makes the call; any status but success is an error.
    ///
    /// # Errors
    /// As `ask`, and what `Answer::fault` says.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer> {
        self.ask(call).await?.accept(call.doing)
    }

    /// Makes the call, again where the service is busy or the answer got lost, and gives back any final answer.
    ///
    /// # Errors
    /// `Throttled` where the service wants a longer pause than our patience allows, `Upstream` where no answer came.
    pub async fn ask(&self, call: &Call<'_>) -> Result<Answer> {
        self.try_until(call, None).await
    }

    /// As `send`, for a body that is too large to be held in memory.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn pass_on(&self, call: &Call<'_>, take: &mut Take<'_>) -> Result<Answer> {
        self.try_until(call, Some(take)).await?.accept(call.doing)
    }

    async fn try_until(&self, call: &Call<'_>, mut take: Option<&mut Take<'_>>) -> Result<Answer> {
        let doing = call.doing;
        let client = self.client(doing)?;
        let id = request_id(doing)?;
        let mut made = 0;
        loop {
            made += 1;
            let pass = match call.gate {
                None => None,
                Some(gate) => {
                    let turn = gate.enter(self.patience.longest_wait).await;
                    Some(turn.map_err(|wait| throttled(doing, wait))?)
                }
            };
            let begun = Instant::now();
            let tried = self.try_once(client, call, &id, take.as_deref_mut()).await;
            call.note(made, begun.elapsed(), tried.as_ref());
            match tried {
                Ok(answer) if !answer.busy() => {
                    if let Some(pass) = pass {
                        pass.went_well();
                    }
                    return Ok(answer);
                }
                Ok(answer) => {
                    let asked = answer.retry_after();
                    let did_nothing = answer.status == 429 || (answer.status == 503 && asked.is_some());
                    if call.once && !did_nothing {
                        return Ok(answer);
                    }
                    if did_nothing && call.leaves_waits {
                        return Err(throttled(doing, asked.unwrap_or(UNTOLD)));
                    }
                    let wait = self.wait(made, asked);
                    // The others learn of it before this one leaves and somebody takes its place.
                    if let (Some(gate), true) = (call.gate, did_nothing) {
                        gate.shut(wait.unwrap_or_else(|wait| wait));
                    }
                    drop(pass);
                    match wait {
                        // The gate keeps this one waiting too.
                        Ok(_) if did_nothing && call.gate.is_some() => {}
                        Ok(wait) => tokio::time::sleep(wait).await,
                        Err(wait) if did_nothing => return Err(throttled(doing, wait)),
                        Err(_) => return Ok(answer),
                    }
                }
                Err(lost) => {
                    drop(pass);
                    let again = !lost.hopeless && (!call.once || lost.never_sent);
                    if !again || self.pause(made, None).await.is_err() {
                        return Err(Error::upstream(doing, lost.why));
                    }
                }
            }
        }
    }

    /// Waits after the try number `made`: exactly as long as asked, or a growing, uneven while.
    ///
    /// # Errors
    /// The wait that would be needed, where it is longer than our patience or the tries are used up.
    pub(crate) async fn pause(&self, made: u32, asked: Option<Duration>) -> Result<(), Duration> {
        tokio::time::sleep(self.wait(made, asked)?).await;
        Ok(())
    }

    fn wait(&self, made: u32, asked: Option<Duration>) -> Result<Duration, Duration> {
        let Patience {
            longest_wait,
            first_backoff,
            tries,
        } = self.patience;
        let wait = asked.unwrap_or_else(|| {
            let full = first_backoff.saturating_mul(1 << made.saturating_sub(1).min(10));
            full.min(longest_wait).mul_f64(0.5 + 0.5 * fraction())
        });
        if made >= tries || wait > longest_wait {
            Err(wait)
        } else {
            Ok(wait)
        }
    }

    async fn try_once(
        &self,
        client: &Client,
        call: &Call<'_>,
        id: &HeaderValue,
        take: Option<&mut Take<'_>>,
    ) -> Result<Answer, Lost> {
        let mut request = client
            .request(call.method.clone(), call.url.clone())
            .headers(call.headers.clone())
            .header(CLIENT_REQUEST_ID, id);
        if let Some(token) = call.token {
            request = request.bearer_auth(token.expose());
        }
        if call.method != Method::GET {
            request = request.body(call.body.clone());
        }
        let mut response = request.send().await?;
        let mut answer = Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Vec::new(),
        };
        let mut take = take.filter(|_| answer.status.is_success());
        if let Some(take) = &mut take {
            take(None);
        }
        let mut length = 0;
        while let Some(chunk) = response.chunk().await? {
            length += chunk.len();
            if length > call.limit {
                return Err(Lost {
                    why: format!("the answer is longer than {} bytes", call.limit).into(),
                    never_sent: false,
                    hopeless: true,
                });
            }
            match &mut take {
                Some(take) => take(Some(&chunk)),
                None => answer.body.extend_from_slice(&chunk),
            }
        }
        tracing::debug!(
            http.status = answer.status.as_u16(),
            microsoft.request_id = answer.request_id(),
            "tried to {}",
            call.doing
        );
        Ok(answer)
    }

    fn client(&self, doing: &'static str) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .gzip(true)
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(30))
            .timeout(Duration::from_secs(120))
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| Error::upstream(doing, error))?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

pub(crate) fn throttled(doing: &'static str, wait: Duration) -> Error {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    Error::Throttled { doing, wait }
}

/// A number from 0 to 1 by chance.
fn fraction() -> f64 {
    f64::from(u32::from_be_bytes(Chance.bytes())) / f64::from(u32::MAX)
}

/// A version 4 UUID.
fn request_id(doing: &'static str) -> Result<HeaderValue> {
    let mut bytes = Chance.bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = hex::encode(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    HeaderValue::try_from(text).map_err(|error| Error::upstream(doing, error))
}

#[cfg(test)]
mod tests;
