//! Somebody who guesses: invitation codes, from many addresses, on live links and on links that lead nowhere. Requests
//! reach the function's own router with the context that the gateway passes on, so each has the address it wants.

use crate::dialbridge::Dialbridge;
use crate::drive::people::{Stuck, caller, enterprise_form, read_invitation, tenants};
use axum::Router;
use axum::body::{Body, to_bytes};
use futures::future::try_join_all;
use http::{Method, Request, header};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use shared::domain::invitation::code_from;
use shared::io::Io;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt;

/// Guesses that are made at once.
const AT_ONCE: usize = 8;

/// An answer, without what belongs to the single request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Told {
    /// The answer to somebody who has had too many tries; when they may come back is beside it.
    pub fn limited(&self) -> bool {
        self.status == 429
    }

    /// A page that takes another code.
    pub fn wrong(&self) -> bool {
        self.status == 403 && self.body.contains("<form")
    }

    /// A page that ends the way.
    pub fn closed(&self) -> bool {
        self.status == 403 && !self.wrong()
    }
}

/// The pages, as browsers at any address reach them.
#[derive(Clone, Debug)]
pub struct Pages(Router);

impl Pages {
    pub fn new(io: &Arc<Io>) -> Self {
        Self(consent_callback::router(Arc::clone(io)))
    }

    /// Looks at an invitation's page.
    pub async fn look(&self, address: &str, method: Method, token: &str) -> Result<Told, Stuck> {
        self.told(address, method, token, None).await
    }

    /// Sends its form; gives the answer, and the wait where there is one.
    pub async fn enter(&self, address: &str, token: &str, code: &str) -> Result<Told, Stuck> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", code)
            .finish();
        self.told(address, Method::POST, token, Some(form)).await
    }

    async fn told(&self, address: &str, method: Method, token: &str, form: Option<String>) -> Result<Told, Stuck> {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(address.to_owned());
        context.request_id = Some(crate::protocol::unique());
        let request = Request::builder()
            .method(method)
            .uri(format!("/i/{token}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(RequestContext::ApiGatewayV2(context))
            .body(Body::from(form.unwrap_or_default()))?;
        let answer = self.0.clone().oneshot(request).await?;
        let (parts, body) = answer.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)));
        Ok(Told {
            status: parts.status.as_u16(),
            headers: headers
                .filter(|(name, _)| name != "x-request-id" && name != "date")
                .collect(),
            body: String::from_utf8(to_bytes(body, usize::MAX).await?.to_vec())?,
        })
    }
}

/// Creates so many enterprises, each with an invitation in the mailbox; gives codes and tokens.
pub async fn invite(service: &Dialbridge, count: usize) -> Result<Vec<(String, String)>, Stuck> {
    let urls = &service.world.urls;
    let tenant = tenants(urls).await?.into_iter().next().ok_or("there is no tenant")?;
    let api = caller(urls, "reseller_admin", "rita@northwind.example", None).await?;
    let before = service.world.aws.mailbox.mails().len();
    for n in 0..count {
        let mut form = enterprise_form(&tenant, None);
        form["name"] = json!(format!("Company {n:04}"));
        form["adminEmail"] = json!(format!("admin{n:04}@customer.example"));
        let created = api.post("/v1/enterprises", &form).await?;
        if created.status != 201 {
            return Err(format!("an enterprise was refused: {}", created.body).into());
        }
    }
    let mails = service.world.aws.mailbox.mails().split_off(before);
    let read = mails.iter().filter_map(|mail| read_invitation(mail.text.as_deref()?));
    let token = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(read.map(|(code, link)| (code, token(link.path()))).collect())
}

/// What is tried.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// All guesses.
    pub guesses: usize,
    /// Evenly from so many addresses, half of them IPv6 networks.
    pub addresses: usize,
    /// Tokens of live links.
    pub links: Vec<String>,
    /// The same seed makes the same guesses.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    pub guesses: usize,
    /// Let through to Microsoft.
    pub accepted: usize,
    /// Answered by the limit, before anything was read.
    pub limited: usize,
    /// Answered by a page that takes another code.
    pub wrong: usize,
    /// Answered by a page that ends the way.
    pub closed: usize,
    /// All other answers: there should be none.
    pub other: usize,
    /// The different answers of the limit, but for when to come back.
    pub limit_answers: BTreeSet<Told>,
    /// The different answers that end the way.
    pub closed_answers: BTreeSet<Told>,
    pub time: Duration,
}

impl Outcome {
    fn note(&mut self, told: Told) {
        self.guesses += 1;
        if told.limited() {
            self.limited += 1;
            let mut told = told;
            told.headers.remove("retry-after");
            self.limit_answers.insert(told);
        } else if told.wrong() {
            self.wrong += 1;
        } else if told.closed() {
            self.closed += 1;
            self.closed_answers.insert(told);
        } else if told.status == 303 {
            self.accepted += 1;
        } else {
            self.other += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.guesses += other.guesses;
        self.accepted += other.accepted;
        self.limited += other.limited;
        self.wrong += other.wrong;
        self.closed += other.closed;
        self.other += other.other;
        self.limit_answers.extend(other.limit_answers);
        self.closed_answers.extend(other.closed_answers);
    }
}

/// Plays a campaign to its end.
pub async fn play(pages: &Pages, campaign: &Campaign) -> Result<Outcome, Stuck> {
    let begin = Instant::now();
    let campaign = Arc::new(campaign.clone());
    let workers = (0..AT_ONCE).map(|worker| {
        let (pages, campaign) = (pages.clone(), Arc::clone(&campaign));
        tokio::spawn(async move { work(&pages, &campaign, worker).await })
    });
    let mut all = Outcome::default();
    for outcome in try_join_all(workers).await? {
        all.add(outcome?);
    }
    all.time = begin.elapsed();
    Ok(all)
}

/// Every so-manieth address, and all of its guesses.
async fn work(pages: &Pages, campaign: &Campaign, worker: usize) -> Result<Outcome, Stuck> {
    let mut random = StdRng::seed_from_u64(campaign.seed.wrapping_add(worker as u64));
    let mut outcome = Outcome::default();
    for address in (worker..campaign.addresses).step_by(AT_ONCE) {
        let more = usize::from(address < campaign.guesses % campaign.addresses.max(1));
        for _ in 0..campaign.guesses / campaign.addresses.max(1) + more {
            let (token, code) = guess(&mut random, &campaign.links);
            let from = client(address, &mut random);
            outcome.note(pages.enter(&from, &token, &code).await?);
        }
    }
    Ok(outcome)
}

/// An address of the `n`-th network; within an IPv6 network any of them.
fn client(n: usize, random: &mut StdRng) -> String {
    if n.is_multiple_of(2) {
        format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255)
    } else {
        format!("2001:db8:{:x}:{:x}::{:x}", n >> 16, n & 0xffff, random.random::<u16>())
    }
}

/// Half of the guesses go to live links, half to made-up ones; one in five is no code at all.
fn guess(random: &mut StdRng, links: &[String]) -> (String, String) {
    let live = links.get(random.random_range(0..links.len().max(1)));
    let token = match live.filter(|_| random.random()) {
        Some(link) => link.clone(),
        None => hex::encode(random.random::<[u8; 32]>()),
    };
    let code = match random.random_range(0..20) {
        0 => "-----".to_owned(),
        1 => "12345".to_owned(),
        2 => "B".repeat(300),
        3 => "Zo\u{eb}\u{1f511}\0'\"<script>".to_owned(),
        _ => code_from(random.random()),
    };
    (token, code)
}
