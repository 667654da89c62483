//! Many reads in one call (`$batch`), twenty at a time. Each part can be throttled on its own.

use super::{Graph, Token};
use crate::domain::sync_log::MicrosoftCall;
use crate::io::calls::template;
use crate::io::http::{Answer, throttled};
use crate::{Error, Result};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Microsoft takes no more parts in one batch.
const MOST_PARTS: usize = 20;

/// One read: the address below `/v1.0`.
#[derive(Serialize)]
struct Part<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
    headers: BTreeMap<&'static str, &'static str>,
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
    fn noted(&self, url: &str) -> MicrosoftCall {
        let request = self.headers.as_ref().and_then(|headers| {
            let own = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("request-id"));
            own.and_then(|(_, id)| id.as_str())
        });
        MicrosoftCall {
            method: "GET (in a batch)".into(),
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
        let mut done = BTreeMap::new();
        let mut waiting: Vec<usize> = (0..urls.len()).collect();
        let mut made = 0;
        loop {
            let (finished, busy): (Vec<_>, Vec<_>) = self
                .one_batch(doing, token, urls, &waiting, headers)
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
            if let Err(wait) = self.http.pause(made, longest).await {
                let asked_to_wait = longest.is_some() || busy.iter().any(|(_, answer)| answer.status == 429);
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
        headers: &[(&'static str, &'static str)],
    ) -> Result<BTreeMap<usize, Answer>> {
        let requests = waiting
            .iter()
            .map(|at| Part {
                id: at.to_string(),
                method: "GET",
                url: &urls[*at],
                headers: headers.iter().copied().collect(),
            })
            .collect();
        let call = self
            .post(doing, token, &["$batch"], &Ask { requests })?
            .repeatable()
            .up_to_mib(16);
        let answer = self.send(call).await?;
        let reply: Reply<'_> = answer.json(doing)?;
        let mut parts = BTreeMap::new();
        for part in reply.responses {
            let at = part.id.parse().ok().filter(|at| waiting.contains(at));
            if let (Some(recorder), Some(url)) = (&token.recorder, at.and_then(|at: usize| urls.get(at))) {
                recorder.note(part.noted(url));
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
}
