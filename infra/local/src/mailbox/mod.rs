//! SES: accepts what SES v2 accepts, refuses what it refuses, and keeps every mail for people, tests and
//! the demo to read. Nothing ever leaves the machine. What becomes of a mail is reported as the rule on the event bus
//! would: to the function `mail-events`, before the sender has its answer, so that nobody has to wait for it.

mod events;
mod pages;
pub mod samples;
mod wire;

use crate::lambda::{InvokeError, Lambdas};
use crate::locked::Locked;
use crate::protocol::{Answer, AwsError, lost_answer, parse, unique};
use crate::world::deployment::MAIL_EVENTS;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One accepted mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Counts from 1; the address of its page is `/mailbox/{number}`.
    pub number: usize,
    pub message_id: String,
    pub at: Timestamp,
    pub from: String,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub configuration_set: Option<String>,
    pub contact_list: Option<String>,
    #[serde(default)]
    pub tenant: Option<String>,
}

/// What happens to the next sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFault {
    /// `TooManyRequestsException`: nothing is sent.
    TooManyRequests,
    /// `MessageRejected`: nothing is sent, and nothing will be.
    Rejected,
    /// `SendingPausedException`: nothing is sent while the account's sending is paused.
    Paused,
    /// `AccountSuspendedException`: nothing is sent.
    Suspended,
    /// `MailFromDomainNotVerifiedException`: nothing is sent.
    FromDomain,
    /// `LimitExceededException`: the quota of the day is used up.
    Quota,
    /// The mail is sent, the answer is lost.
    AnswerLost,
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    faults: Vec<MailFault>,
    configuration_sets: BTreeSet<String>,
    identities: BTreeSet<String>,
    /// Events that wait to be released, where they are held back.
    held: Option<Vec<Value>>,
    /// What happens to every send until it is taken away.
    standing: Option<MailFault>,
    /// Sends a second, where there is a limit.
    rate: Option<u32>,
    /// The moments of the sends of the last second.
    lately: VecDeque<Timestamp>,
    /// The account's suppression list: what came back or was unwanted, in small letters.
    suppressed: BTreeSet<String>,
}

#[derive(Clone)]
pub struct Mailbox {
    state: Locked<State>,
    clock: Clock,
    lambdas: Lambdas,
}

impl Mailbox {
    pub(crate) fn new(clock: Clock, lambdas: Lambdas) -> Self {
        Self {
            state: Locked::new(State::default()),
            clock,
            lambdas,
        }
    }

    /// From the first identity on, only verified domains may send.
    pub fn verify_domain(&self, domain: &str) {
        self.state
            .with(|state| state.identities.insert(domain.to_ascii_lowercase()));
    }

    pub fn create_configuration_set(&self, name: &str) {
        self.state
            .with(|state| state.configuration_sets.insert(name.to_owned()));
    }

    /// The next `times` sends meet this fault.
    pub fn fail_next(&self, times: usize, fault: MailFault) {
        self.state
            .with(|state| state.faults.extend(std::iter::repeat_n(fault, times)));
    }

    /// All sends meet this fault from now on, or none.
    pub fn fail_all(&self, fault: Option<MailFault>) {
        self.state.with(|state| state.standing = fault);
    }

    /// The account may send so many mails in any second; more are refused as SES does.
    pub fn limit_rate(&self, per_second: u32) {
        self.state.with(|state| state.rate = Some(per_second));
    }

    /// The account's suppression list.
    pub fn suppressed(&self) -> BTreeSet<String> {
        self.state.with(|state| state.suppressed.clone())
    }

    /// From now on events wait for somebody to take and report them: late, twice, in another order, or never.
    pub fn hold_events(&self) {
        self.state.with(|state| state.held = Some(Vec::new()));
    }

    /// The events that have been held back, in their order.
    pub fn take_events(&self) -> Vec<Value> {
        self.state
            .with(|state| state.held.as_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Reports an event as the bus does.
    pub async fn report(&self, event: &Value) -> Result<(), InvokeError> {
        match self.lambdas.invoke_event(MAIL_EVENTS, event.clone()).await {
            // A bus without a rule.
            Err(InvokeError::NoSuchFunction(_)) => Ok(()),
            ended => ended,
        }
    }

    /// All mails in the order they were sent.
    pub fn mails(&self) -> Vec<Mail> {
        self.state.with(|state| state.mails.clone())
    }

    /// The mails that name this address as a recipient, in the order they were sent.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let mut mails = self.mails();
        mails.retain(|mail| mail.is_for(address));
        mails
    }

    pub fn router(&self) -> Router {
        let mailbox = self.clone();
        let send = move |body: Bytes| async move { mailbox.answer(&body).await };
        let other = self.clone();
        let forget = move |Path(address): Path<String>| async move { other.forget(&address) };
        // SES takes 40 MB; ours are small, but a limit below the service's would hide a mistake.
        let limit = axum::extract::DefaultBodyLimit::max(40 * 1024 * 1024);
        Router::new()
            .route("/v2/email/outbound-emails", post(send))
            .route("/v2/email/suppression/addresses/{address}", delete(forget))
            .layer(limit)
    }

    /// The pages and the JSON list, mounted on the world's own site.
    pub fn page(&self) -> Router {
        let (a, b, c) = (self.clone(), self.clone(), self.clone());
        Router::new()
            .route("/mailbox", get(move || async move { pages::list(&a.mails()) }))
            .route(
                "/mailbox/mails",
                get(move |Query(query): Query<BTreeMap<String, String>>| async move {
                    Json(query.get("to").map_or_else(|| b.mails(), |to| b.mails_to(to)))
                }),
            )
            .route(
                "/mailbox/{number}",
                get(move |Path(number): Path<usize>| async move {
                    let mail = c.mails().into_iter().find(|mail| mail.number == number);
                    mail.map_or_else(
                        || StatusCode::NOT_FOUND.into_response(),
                        |mail| pages::one(&mail).into_response(),
                    )
                }),
            )
            .merge(samples::router())
    }

    /// `DeleteSuppressedDestination`.
    fn forget(&self, address: &str) -> Response {
        let known = self
            .state
            .with(|state| state.suppressed.remove(&address.to_ascii_lowercase()));
        if known {
            return Json(json!({})).into_response();
        }
        let message = format!("Email address {address} does not exist on your suppression list.");
        AwsError::new(404, "NotFoundException", message).into_response()
    }

    async fn answer(&self, body: &[u8]) -> Response {
        let now = self.clock.now();
        let fault = self.state.with(|state| state.fault(now));
        let refused = match fault {
            None => return self.send(body).await.map(Json).into_response(),
            Some(MailFault::AnswerLost) => {
                let sent = self.send(body).await;
                return sent.map_or_else(IntoResponse::into_response, |_| lost_answer());
            }
            Some(MailFault::TooManyRequests) => {
                AwsError::new(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
            }
            Some(MailFault::Rejected) => {
                AwsError::new(400, "MessageRejected", "Email was rejected by a planned fault.")
            }
            Some(MailFault::Paused) => {
                AwsError::new(400, "SendingPausedException", "Sending is paused for the account.")
            }
            Some(MailFault::Suspended) => AwsError::new(400, "AccountSuspendedException", "The account is suspended."),
            Some(MailFault::FromDomain) => {
                let message = "The custom MAIL FROM domain is not verified.";
                AwsError::new(400, "MailFromDomainNotVerifiedException", message)
            }
            Some(MailFault::Quota) => AwsError::new(400, "LimitExceededException", "Daily message quota exceeded."),
        };
        refused.into_response()
    }

    async fn send(&self, body: &[u8]) -> Answer {
        let send: wire::Send = serde_json::from_value(parse(body)?).map_err(|error| wire::bad(&error.to_string()))?;
        let mut mail = send.check()?;
        mail.at = self.clock.now();
        mail.message_id = unique();
        let answer = json!({ "MessageId": mail.message_id });
        let events = self.state.with(|state| {
            state.may_send(&mail)?;
            let mut events = events::of(&mail, &mut state.suppressed);
            mail.number = state.mails.len() + 1;
            state.mails.push(mail);
            if let Some(held) = &mut state.held {
                held.append(&mut events);
            }
            Ok(events)
        })?;
        for event in &events {
            // Failures are logged where they happen; the mail is sent all the same.
            let _ = self.report(event).await;
        }
        Ok(answer)
    }
}

impl Mail {
    fn is_for(&self, address: &str) -> bool {
        let all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        all.into_iter()
            .any(|recipient| wire::bare(recipient).eq_ignore_ascii_case(address))
    }
}

impl State {
    /// What goes wrong with the send of this moment. One that is refused for the rate counts nothing.
    fn fault(&mut self, now: Timestamp) -> Option<MailFault> {
        if self.standing.is_some() {
            return self.standing;
        }
        if !self.faults.is_empty() {
            return Some(self.faults.remove(0));
        }
        let rate = usize::try_from(self.rate?).unwrap_or(usize::MAX);
        let second = SignedDuration::from_secs(1);
        self.lately.retain(|at| at.duration_until(now) < second);
        if self.lately.len() >= rate {
            return Some(MailFault::TooManyRequests);
        }
        self.lately.push_back(now);
        None
    }

    fn may_send(&self, mail: &Mail) -> Result<(), AwsError> {
        if let Some(set) = mail
            .configuration_set
            .as_ref()
            .filter(|set| !self.configuration_sets.contains(*set))
        {
            return Err(AwsError::new(
                404,
                "NotFoundException",
                format!("Configuration set <{set}> does not exist."),
            ));
        }
        let domain = wire::bare(&mail.from)
            .rsplit_once('@')
            .map(|(_, domain)| domain.to_ascii_lowercase());
        let verified = self.identities.is_empty() || domain.is_some_and(|domain| self.identities.contains(&domain));
        let message = format!(
            "Email address is not verified. The following identities failed the check: {}",
            mail.from
        );
        if verified {
            Ok(())
        } else {
            Err(AwsError::new(400, "MessageRejected", message))
        }
    }
}

#[cfg(test)]
mod tests;
