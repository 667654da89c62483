//! Many calls in one (`$batch`), twenty at a time. Each part can be throttled on its own.

use super::{Graph, PRIORITY, Token};
use crate::domain::sync_log::MicrosoftCall;
use crate::io::calls::template;
use crate::io::http::{Answer, UNTOLD, throttled};
use crate::io::store::pace::Calls;
use crate::{Error, Result};
use jiff::SignedDuration;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Microsoft takes no more parts in one batch.
pub const MOST_PARTS: usize = 20;

/// What is below this counts for Teams' budgets.
const TEAMS: &str = "/admin/teams/";

/// The right to change something now: its calls are taken out of the budgets.
#[derive(Debug)]
#[must_use = "its calls are taken out of the budgets"]
pub struct Turn(());

/// What became of one change that was handed to Microsoft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed<T> {
    /// Microsoft has it.
    Taken(T),
    /// Microsoft will not do it.
    Refused {
        /// Microsoft's error code.
        code: String,
        /// Microsoft's words.
        message: String,
    },
    /// Microsoft has done nothing and asks to come back after so long.
    Later(SignedDuration),
    /// The answer was lost: it may have been done or not. Read back before trying again.
    Unknown,
    /// The session has ended; nothing was done.
    Expired,
}

impl<T> Handed<T> {
    /// The fate of a change by the answer of its own; `taken` reads what a success says.
    pub(super) fn read(doing: &'static str, answer: &Answer, taken: impl FnOnce(&Answer) -> T) -> Self {
        let asked = || SignedDuration::try_from(answer.retry_after().unwrap_or(UNTOLD)).unwrap_or(SignedDuration::MAX);
        match answer.status.as_u16() {
            200..=299 => Self::Taken(taken(answer)),
            401 => Self::Expired,
            // What it depended on was refused; it was not begun.
            424 | 429 => Self::Later(asked()),
            503 if answer.retry_after().is_some() => Self::Later(asked()),
            _ => match answer.fault(doing) {
                Error::Refused { code, message, .. } => Self::Refused { code, message },
                _ => Self::Unknown,
            },
        }
    }

    /// The fate of all changes of one call by how the call itself failed.
    ///
    /// # Errors
    /// What tells nothing of the changes, such as our own table's failures.
    pub(super) fn of_failure(error: Error) -> Result<Self> {
        match error {
            Error::Throttled { wait, .. } => Ok(Self::Later(wait)),
            Error::TokenExpired => Ok(Self::Expired),
            Error::Refused { code, message, .. } => Ok(Self::Refused { code, message }),
            Error::Upstream { .. } => Ok(Self::Unknown),
            other => Err(other),
        }
    }
}

/// One call of a batch: the address below `/v1.0`, and the body of a `POST`.
#[derive(Serialize)]
pub(super) struct Part<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
    headers: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Ask<'a> {
    requests: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    responses: Vec<PartReply<'a>>,
}

#[derive(Deserialize)]
struct PartReply<'a> {
    id: String,
    status: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

impl PartReply<'_> {
    fn noted(&self, method: &str, url: &str) -> MicrosoftCall {
        let request = self.headers.as_ref().and_then(|headers| {
            let own = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("request-id"));
            own.and_then(|(_, id)| id.as_str())
        });
        MicrosoftCall {
            method: format!("{method} (in a batch)"),
            path: template(url),
            status: Some(self.status),
            request: request.unwrap_or_default().to_owned(),
            took: None,
            attempt: 1,
        }
    }

    fn answer(self, doing: &'static str) -> Result<Answer> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.unwrap_or_default() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        Ok(Answer {
            status: StatusCode::from_u16(self.status).map_err(|error| Error::upstream(doing, error))?,
            headers,
            body: self.body.map(|body| body.get().as_bytes().to_vec()).unwrap_or_default(),
        })
    }
}

impl Graph {
    /// Waits for its turn to make so many changes.
    ///
    /// # Errors
    /// `Throttled` where it does not come soon.
    pub async fn turn_to_change(&self, token: &Token, count: usize) -> Result<Turn> {
        self.turn("change what Teams has", token, Calls::Writes, count).await?;
        Ok(Turn(()))
    }

    /// Reads all `urls`; the answers come in their order, failures among them. Busy parts are asked again,
    /// together, after the longest wait that one of them wants.
    pub(super) async fn batch(
        &self,
        doing: &'static str,
        token: &Token,
        urls: &[String],
        headers: &[(&'static str, &'static str)],
    ) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(urls.len());
        for chunk in urls.chunks(MOST_PARTS) {
            answers.extend(self.batch_of_twenty(doing, token, chunk, headers).await?);
        }
        Ok(answers)
    }

    async fn batch_of_twenty(
        &self,
        doing: &'static str,
        token: &Token,
        urls: &[String],
        headers: &[(&'static str, &'static str)],
    ) -> Result<Vec<Answer>> {
        let paced = token
            .pace
            .as_ref()
            .filter(|_| urls.iter().all(|url| url.starts_with(TEAMS)));
        let mut headers: BTreeMap<_, _> = headers.iter().copied().collect();
        headers.extend(paced.map(|pace| (PRIORITY, pace.priority())));
        let mut done = BTreeMap::new();
        let mut waiting: Vec<usize> = (0..urls.len()).collect();
        let mut made = 0;
        loop {
            if let Some(pace) = paced {
                pace.turn(doing, Calls::Reads, waiting.len()).await?;
            }
            let (finished, busy): (Vec<_>, Vec<_>) = self
                .one_batch(doing, token, urls, &waiting, &headers, paced.is_some())
                .await?
                .into_iter()
                .partition(|(_, answer)| !answer.busy());
            // Progress starts the count of tries anew.
            made = if finished.is_empty() { made + 1 } else { 1 };
            done.extend(finished);
            let Some((_, some)) = busy.first() else {
                return Ok(done.into_values().collect());
            };
            let longest = busy.iter().filter_map(|(_, answer)| answer.retry_after()).max();
            let asked_to_wait = longest.is_some() || busy.iter().any(|(_, answer)| answer.status == 429);
            if let (Some(pace), true) = (paced, asked_to_wait) {
                let wait = SignedDuration::try_from(longest.unwrap_or(UNTOLD)).unwrap_or(SignedDuration::MAX);
                pace.pause(wait).await?;
                if !pace.waits(wait).await {
                    return Err(Error::Throttled { doing, wait });
                }
            } else if let Err(wait) = self.http.pause(made, longest).await {
                return Err(if asked_to_wait {
                    throttled(doing, wait)
                } else {
                    some.fault(doing)
                });
            }
            waiting = busy.into_iter().map(|(at, _)| at).collect();
        }
    }

    /// One call; every part must be answered exactly once.
    async fn one_batch(
        &self,
        doing: &'static str,
        token: &Token,
        urls: &[String],
        waiting: &[usize],
        headers: &BTreeMap<&'static str, &'static str>,
        paced: bool,
    ) -> Result<BTreeMap<usize, Answer>> {
        let requests = waiting
            .iter()
            .map(|at| Part {
                id: at.to_string(),
                method: "GET",
                url: &urls[*at],
                headers: headers.clone(),
                body: None,
            })
            .collect();
        let call = self
            .post(doing, token, &["$batch"], &Ask { requests })?
            .repeatable()
            .up_to_mib(16)
            .leaving_waits(paced);
        let answer = self.kept(token, self.send(call).await).await?;
        let reply: Reply<'_> = answer.json(doing)?;
        let mut parts = BTreeMap::new();
        for part in reply.responses {
            let at = part.id.parse().ok().filter(|at| waiting.contains(at));
            if let (Some(recorder), Some(url)) = (&token.recorder, at.and_then(|at: usize| urls.get(at))) {
                recorder.note(part.noted("GET", url));
            }
            let fresh = match at {
                Some(at) => parts.insert(at, part.answer(doing)?).is_none(),
                None => false,
            };
            if !fresh {
                return Err(Error::upstream(doing, "the batch answered what was not asked"));
            }
        }
        if parts.len() == waiting.len() {
            Ok(parts)
        } else {
            Err(Error::upstream(doing, "the batch left a part without an answer"))
        }
    }

    /// Hands over changes, each the `POST` of a body to an address below `/v1.0`, at most `MOST_PARTS`; the answers come in
    /// their order, none where there was no usable one. Nothing is sent twice, whatever the answer.
    ///
    /// # Errors
    /// As the call itself failed.
    pub(super) async fn batch_of_changes(
        &self,
        doing: &'static str,
        token: &Token,
        changes: &[(String, Box<RawValue>)],
    ) -> Result<Vec<Option<Answer>>> {
        let mut headers = BTreeMap::from([("Content-Type", "application/json")]);
        headers.extend(token.pace.as_ref().map(|pace| (PRIORITY, pace.priority())));
        let requests = changes
            .iter()
            .enumerate()
            .map(|(at, (url, body))| Part {
                id: at.to_string(),
                method: "POST",
                url,
                headers: headers.clone(),
                body: Some(body),
            })
            .collect();
        let call = self.post(doing, token, &["$batch"], &Ask { requests })?;
        let answer = self.send(call.up_to_mib(16).leaving_waits(true)).await?;
        let reply: Reply<'_> = answer.json(doing)?;
        let mut answers: Vec<Option<Answer>> = changes.iter().map(|_| None).collect();
        let mut twice = Vec::new();
        for part in reply.responses {
            let Some(at) = part.id.parse().ok().filter(|at: &usize| *at < changes.len()) else {
                continue;
            };
            if let Some(recorder) = &token.recorder {
                recorder.note(part.noted("POST", &changes[at].0));
            }
            if answers[at].is_some() {
                twice.push(at);
            }
            answers[at] = part.answer(doing).ok();
        }
        // Two answers to one part say nothing.
        for at in twice {
            answers[at] = None;
        }
        Ok(answers)
    }
}
