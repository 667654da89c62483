//! Sends a reseller's events to its webhooks: to each in the order of the feed, the next one after the one before was taken. Each
//! step is written before the next, so whoever comes after a killed sender goes on; at worst an event arrives twice.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::event::{Event, TEST};
use crate::domain::ids::{DeliveryId, EventId, MailId, ResellerId};
use crate::domain::letter::{Letter, Outgoing, Whose};
use crate::domain::secret::Secret;
use crate::domain::task::{Task, TaskKind};
use crate::domain::webhook::{Ended, Next, Progress, Switch, Webhook};
use crate::error::{Chain, Error, Result};
use crate::io::Io;
use crate::io::store::feed::EventPage;
use crate::io::store::tasks::webhook_off;
use crate::io::store::webhooks::{Delivery, KeptWebhook, SwitchedOff, Turn};
use crate::io::webhook::{Answer, Message};
use crate::run::access::entry;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// How long a turn lasts beyond its last step: longer than a request may take.
const TURN: SignedDuration = SignedDuration::from_secs(60);
/// How long one call sends. What is left is due at once, and the next look calls again.
const SLICE: SignedDuration = SignedDuration::from_secs(200);
/// How soon after a failure of ours somebody looks again.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What came of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Events that were taken.
    pub taken: u32,
    /// Tries that failed.
    pub failed: u32,
    /// Webhooks that were switched off.
    pub off: u32,
}

/// How a webhook was left.
struct Left {
    delivered: Delivered,
    /// When it has to be looked at again; nothing where it has everything.
    next: Option<Timestamp>,
}

/// Sends what is due to all webhooks of a reseller. It may be called twice, and by two at once.
///
/// # Errors
/// `Upstream`.
pub async fn deliver(io: &Io, reseller: &ResellerId) -> Result<Delivered> {
    // Read first: what comes later is due again.
    let due = io.store.due(reseller).await?;
    let webhooks = io.store.webhooks(reseller).await?;
    let on = webhooks.iter().filter(|kept| kept.webhook.state == Switch::On);
    let left = join_all(on.map(|kept| async move {
        send_all(io, &kept.webhook).await.unwrap_or_else(|error| {
            let webhook = &kept.webhook.id;
            tracing::error!(reseller.id = %reseller, webhook.id = %webhook, error.message = %Chain(&error), "events wait for the next look");
            Left {
                delivered: Delivered::default(),
                next: Some(io.clock.now() + AGAIN),
            }
        })
    }))
    .await;
    if let Some(due) = due {
        let next = left.iter().filter_map(|left| left.next).min();
        io.store.due_later(&due, next).await?;
    }
    Ok(left.iter().fold(Delivered::default(), |sum, left| Delivered {
        taken: sum.taken + left.delivered.taken,
        failed: sum.failed + left.delivered.failed,
        off: sum.off + left.delivered.off,
    }))
}

async fn send_all(io: &Io, webhook: &Webhook) -> Result<Left> {
    let begun = io.clock.now();
    let mut delivered = Delivered::default();
    let rests = |delivered, next| Ok(Left { delivered, next });
    let known = io.store.webhook_progress(&webhook.reseller, &webhook.id).await?;
    if let Some(due) = known.due.filter(|due| *due > begun) {
        return rests(delivered, Some(due));
    }
    let holder = io.chance.token::<12>();
    let turn = io.store.webhook_turn(webhook, &holder, begun, begun + TURN).await?;
    let Some((turn, mut progress)) = turn else {
        return rests(delivered, Some(begun + TURN));
    };
    // Whoever had the turn before may have tried, and failed, since it was looked at; or somebody has changed it.
    let kept = io.store.webhook(&webhook.reseller, &webhook.id).await?;
    let next = progress.due.filter(|due| *due > begun);
    if next.is_some() || kept.webhook.state != Switch::On {
        io.store.webhook_went(&turn, &progress, None, None).await?;
        return rests(delivered, next);
    }
    let webhook = &kept.webhook;
    let secrets = secrets(io, &kept, begun).await?;
    loop {
        let page = page(io, &webhook.reseller, &progress.position).await?;
        for event in page.events {
            if !wants(webhook, &event) {
                progress = Progress::at(event.id);
                continue;
            }
            let (answer, at) = sent(io, webhook, &event, &secrets).await?;
            let next = progress.after(&event.id, &answer.ended, at, jitter(io));
            let delivery = delivery(io, &event, &answer, &progress, &next, at);
            match next {
                Next::On(next) => {
                    delivered.taken += 1;
                    progress = next;
                    let until = (at.duration_since(begun) < SLICE).then(|| at + TURN);
                    let mine = io.store.webhook_went(&turn, &progress, Some(&delivery), until).await?;
                    if !mine || until.is_none() {
                        return rests(delivered, Some(at));
                    }
                }
                Next::Again(next) => {
                    delivered.failed += 1;
                    io.store.webhook_went(&turn, &next, Some(&delivery), None).await?;
                    return rests(delivered, next.due);
                }
                Next::Off { since, tries, problem } => {
                    delivered.failed += 1;
                    let failed = Failed { since, tries, problem };
                    let off = switch_off(io, &kept, &turn, &progress, &delivery, &failed).await?;
                    if !off {
                        return rests(delivered, Some(at + AGAIN));
                    }
                    delivered.off += 1;
                    tracing::warn!(reseller.id = %webhook.reseller, webhook.id = %webhook.id, webhook.tries = failed.tries, webhook.since = %failed.since, "a webhook was switched off");
                    return rests(delivered, None);
                }
            }
        }
        progress.position = page.cursor.max(progress.position);
        if !page.more {
            io.store.webhook_went(&turn, &progress, None, None).await?;
            return rests(delivered, None);
        }
    }
}

/// What comes after a place. What was too long ago is not kept for anybody, and not waited for.
async fn page(io: &Io, reseller: &ResellerId, after: &EventId) -> Result<EventPage> {
    let now = io.clock.now();
    match io.store.events(reseller, Some(after), 100, now).await {
        Err(Error::Gone(_)) => io.store.events(reseller, None, 100, now).await,
        other => other,
    }
}

/// The secrets that sign now, newest first.
async fn secrets(io: &Io, kept: &KeptWebhook, now: Timestamp) -> Result<Vec<Secret>> {
    let mut opened = Vec::new();
    for key in &kept.secrets {
        if key.until.is_none_or(|until| until > now) {
            let webhook = &kept.webhook;
            opened.push(
                io.vault
                    .open_signing_key(&webhook.reseller, &webhook.id, &key.sealed)
                    .await?,
            );
        }
    }
    Ok(opened)
}

fn wants(webhook: &Webhook, event: &Event) -> bool {
    if event.kind == TEST {
        return event.data.values.get("webhook").map(String::as_str) == Some(webhook.id.as_str());
    }
    let of_enterprise = |wanted: &std::collections::BTreeSet<_>| {
        let about = event.enterprise.as_ref();
        about.is_some_and(|enterprise| wanted.contains(enterprise))
    };
    webhook.types.want(&event.kind) && (webhook.enterprises.is_empty() || of_enterprise(&webhook.enterprises))
}

async fn sent(io: &Io, webhook: &Webhook, event: &Event, secrets: &[Secret]) -> Result<(Answer, Timestamp)> {
    let body = serde_json::to_vec(event).map_err(|error| Error::upstream("write an event", error))?;
    let message = Message {
        id: event.id.as_str(),
        at: io.clock.now(),
        body: body.into(),
        secrets,
    };
    let answer = io.webhooks.send(&webhook.url, message).await;
    Ok((answer, io.clock.now()))
}

fn delivery(io: &Io, event: &Event, answer: &Answer, before: &Progress, next: &Next, at: Timestamp) -> Delivery {
    let problem = match &answer.ended {
        Ended::Taken => None,
        Ended::Gone => Some("status 410: it is gone".to_owned()),
        Ended::Refused { problem, .. } => Some(problem.clone()),
    };
    Delivery {
        id: DeliveryId::mint(at, io.chance.bits()),
        event: event.id.clone(),
        kind: event.kind.clone(),
        at,
        tries: before.failures + 1,
        status: answer.status,
        problem,
        milliseconds: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
        answer: answer.body.clone(),
        next: match next {
            Next::Again(next) => next.due,
            Next::On(_) | Next::Off { .. } => None,
        },
    }
}

/// Why a webhook is switched off.
struct Failed {
    since: Timestamp,
    tries: u32,
    problem: String,
}

/// With a task and a mail for the reseller, in the same transaction. `false` where somebody changed the webhook meanwhile: then
/// it is tried once more.
async fn switch_off(
    io: &Io,
    kept: &KeptWebhook,
    turn: &Turn,
    progress: &Progress,
    delivery: &Delivery,
    failed: &Failed,
) -> Result<bool> {
    let (webhook, now) = (&kept.webhook, delivery.at);
    let off = KeptWebhook {
        webhook: Webhook {
            state: Switch::Failed {
                at: now,
                problem: failed.problem.clone(),
            },
            version: webhook.version + 1,
            ..webhook.clone()
        },
        secrets: kept.secrets.clone(),
    };
    let changes = [
        changed("webhook", None, Some(webhook.id.to_string())),
        changed("state", Some("on".into()), Some("failed".into())),
        changed("problem", None, Some(failed.problem.clone())),
    ];
    let changes = changes.into_iter().flatten().collect();
    let host = webhook.url.host_str().unwrap_or_default().to_owned();
    let owner = io.store.reseller(&webhook.reseller).await?.owner;
    let switched = SwitchedOff {
        // Who switches it on again goes on from here.
        progress: Progress::at(progress.position.clone()),
        delivery: delivery.clone(),
        task: Task {
            id: webhook_off(&webhook.id),
            kind: TaskKind::WebhookDisabled,
            enterprise: None,
            subject: host.clone(),
            why: format!("{} tries since {}: {}", failed.tries, failed.since, failed.problem),
            since: now,
        },
        mail: Outgoing {
            id: MailId::mint(now, io.chance.bits()),
            whose: Whose::Reseller(webhook.reseller.clone()),
            recipient: owner.to_string(),
            to: owner,
            letter: Letter::WebhookDisabled {
                host,
                since: failed.since,
                tries: failed.tries,
                problem: failed.problem.clone(),
            },
            until: None,
        },
        entry: entry(io, &Author::service(), Deed::WebhookDisabled, changes, now),
    };
    // The mail waits in the outbox: who sends events does not send mails.
    let written = io.store.webhook_failed(turn, &off, webhook.version, &switched).await?;
    if !written {
        let again = Progress {
            due: Some(now + AGAIN),
            ..progress.clone()
        };
        io.store.webhook_went(turn, &again, Some(delivery), None).await?;
    }
    Ok(written)
}

/// A number from 0 to 1 by chance.
fn jitter(io: &Io) -> f64 {
    f64::from(u32::from_be_bytes(io.chance.bytes())) / f64::from(u32::MAX)
}
