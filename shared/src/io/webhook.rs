//! Sends events to addresses that resellers chose: signed after Standard Webhooks, and only to the public internet. A name is
//! resolved once for each request, every address that it has must be public, and the connection goes to one of them: there is no
//! second look-up between the check and the connection. No redirects, no proxy, no other port, nothing from the environment.

use crate::domain::secret::Secret;
use crate::domain::webhook::{Ended, Reach, address, public};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, redirect};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use url::Url;

/// How every secret begins; the rest is 24 to 64 bytes in base64.
pub const SECRET_PREFIX: &str = "whsec_";
const USER_AGENT: &str = concat!("dialbridge-webhooks/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);
/// What is read of an answer's body, in bytes. More is not read.
const ANSWER_READ: usize = 2048;
/// What is kept of it, in characters.
const ANSWER_KEPT: usize = 300;

/// The client. Making one costs nothing: certificates are read at the first event.
pub struct Webhooks {
    client: OnceLock<Client>,
    names: Arc<dyn Resolve>,
    reach: Reach,
}

/// One event, ready to be sent.
#[derive(Debug)]
pub struct Message<'a> {
    /// The event's id: the same for every try.
    pub id: &'a str,
    /// The moment of this try.
    pub at: Timestamp,
    /// The event as JSON.
    pub body: Bytes,
    /// What signs it: more than one while a secret is replaced.
    pub secrets: &'a [Secret],
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub ended: Ended,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
    /// How its body begins, as far as it is text.
    pub body: String,
}

/// A name that leads to an address which is not public, or nowhere.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("the name leads to an address that is not public")]
    NotPublic,
    #[error("the name leads nowhere")]
    Nowhere,
}

/// The machine's resolver.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Lets through what leads to the public internet alone.
struct Checked {
    names: Arc<dyn Resolve>,
    reach: Reach,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, reach) = (self.names.resolve(name), self.reach);
        Box::pin(async move {
            // The port is the URL's, whatever the resolver says.
            let found: Vec<SocketAddr> = found.await?.map(|found| SocketAddr::new(found.ip(), 0)).collect();
            if found.is_empty() {
                return Err(Unfit::Nowhere.into());
            }
            if !found.iter().all(|found| fit(found.ip(), reach)) {
                return Err(Unfit::NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn fit(address: IpAddr, reach: Reach) -> bool {
    public(address) || (reach == Reach::Loopback && address.is_loopback())
}

impl Webhooks {
    /// A client that reaches so far.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self::with_names(Arc::new(System), reach)
    }

    fn with_names(names: Arc<dyn Resolve>, reach: Reach) -> Self {
        Self {
            client: OnceLock::new(),
            names,
            reach,
        }
    }

    fn client(&self) -> reqwest::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let names: Arc<dyn Resolve> = Arc::new(Checked {
            names: Arc::clone(&self.names),
            reach: self.reach,
        });
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .http1_only()
            .https_only(self.reach == Reach::Public)
            .dns_resolver(names)
            // Every request resolves the name again, so every request is checked.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Sends one event, once. It never fails: what went wrong is the answer.
    pub async fn send(&self, url: &Url, message: Message<'_>) -> Answer {
        let begun = Instant::now();
        let mut answer = self.tried(url, message).await;
        answer.took = begun.elapsed();
        answer
    }

    async fn tried(&self, url: &Url, message: Message<'_>) -> Answer {
        // Kept addresses were checked when they were given; what is allowed may have changed since.
        if let Err(invalid) = address(url.as_str(), self.reach) {
            return Answer::of(format!("the address cannot be used: {}", invalid.why));
        }
        let call = match self.client() {
            Ok(client) => client.post(url.clone()),
            Err(error) => return Answer::of(said(&error)),
        };
        let seconds = message.at.as_second().to_string();
        let call = call
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", &seconds)
            .header("webhook-signature", signatures(&message, &seconds));
        match call.body(message.body).send().await {
            Ok(answer) => read(answer, message.at).await,
            Err(error) => Answer::of(said(&error)),
        }
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks")
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}

impl Answer {
    fn of(problem: String) -> Self {
        Self {
            ended: Ended::Refused { problem, wait: None },
            status: None,
            took: Duration::ZERO,
            body: String::new(),
        }
    }
}

async fn read(mut answer: reqwest::Response, now: Timestamp) -> Answer {
    let status = answer.status().as_u16();
    let asked = answer.headers().get(RETRY_AFTER);
    let wait = asked.and_then(|value| wait(value.to_str().ok()?, now));
    let mut body = Vec::new();
    // A body that breaks off changes nothing: the status counts.
    while let Ok(Some(part)) = answer.chunk().await {
        let room = ANSWER_READ - body.len();
        body.extend_from_slice(&part[..part.len().min(room)]);
        if body.len() == ANSWER_READ {
            break;
        }
    }
    Answer {
        ended: match status {
            200..=299 => Ended::Taken,
            410 => Ended::Gone,
            300..=399 => Ended::Refused {
                problem: format!("status {status}: redirects are not followed"),
                wait,
            },
            _ => Ended::Refused {
                problem: format!("status {status}"),
                wait,
            },
        },
        status: Some(status),
        took: Duration::ZERO,
        body: shown(&body),
    }
}

/// Seconds, or a date.
fn wait(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let wait = match text.trim().parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(i64::from(seconds)),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?;
            at.timestamp().duration_since(now)
        }
    };
    Some(wait.max(SignedDuration::ZERO))
}

/// The beginning of a body, with nothing in it that moves a cursor or turns a line around.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let plain = |c: char| {
        let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns { ' ' } else { c }
    };
    text.chars()
        .take(ANSWER_KEPT)
        .map(plain)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// What went wrong before there was an answer, without the address: it can hold a key of the reseller's.
fn said(error: &reqwest::Error) -> String {
    if let Some(unfit) = unfit(error) {
        return unfit.to_string();
    }
    let what = if error.is_timeout() && error.is_connect() {
        "no connection within 5 s"
    } else if error.is_timeout() {
        "no answer within 15 s"
    } else if error.is_connect() {
        "no connection: refused, or its certificate is not valid"
    } else {
        "the answer was no HTTP"
    };
    what.into()
}

fn unfit<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Unfit> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(unfit) = error.downcast_ref() {
            return Some(unfit);
        }
        next = error.source();
    }
    None
}

fn signatures(message: &Message<'_>, seconds: &str) -> String {
    let sign = |secret: &Secret| signature(secret, message.id, seconds, &message.body);
    message.secrets.iter().filter_map(sign).collect::<Vec<_>>().join(" ")
}

/// `v1,` and the base64 of HMAC-SHA256 over id, second and body with points between them; nothing for what is no secret.
fn signature(secret: &Secret, id: &str, seconds: &str, body: &[u8]) -> Option<String> {
    let bytes = STANDARD.decode(secret.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
    let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &bytes));
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        signing.update(part);
    }
    Some(format!("v1,{}", STANDARD.encode(signing.sign().as_ref())))
}

#[cfg(test)]
mod tests;
