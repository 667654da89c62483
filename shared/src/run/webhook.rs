//! A reseller's webhooks: created, changed, given another secret, tested, sent back to an earlier place, deleted.

use crate::domain::audit::{Author, Changed, Deed, changed};
use crate::domain::ids::{DeliveryId, EventId, ResellerId, WebhookId};
use crate::domain::once::Once;
use crate::domain::secret::Secret;
use crate::domain::webhook::{Checked, OVERLAP, Progress, Switch, WEBHOOKS_MAX, Webhook, WebhookForm};
use crate::error::{Error, Result};
use crate::io::Io;
pub use crate::io::store::webhooks::Delivery;
use crate::io::store::webhooks::{KeptWebhook, SigningKey};
use crate::run::access::entry;
use jiff::Timestamp;

/// A webhook and how far it has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is.
    pub webhook: Webhook,
    /// How far it is.
    pub progress: Progress,
}

/// Creates a webhook that gets what happens from now on; gives its secret. The same request again gives the same answer.
///
/// # Errors
/// `Invalid` with every fault, `Conflict` where there are too many, `KeyReused`.
pub async fn create(
    io: &Io,
    reseller: &ResellerId,
    form: WebhookForm,
    author: &Author,
    once: &Once,
    now: Timestamp,
) -> Result<(Standing, Secret)> {
    let form = form.checked(io.config.webhook_reach)?;
    let secret = io.vault.signing_key_for(once).await?;
    if let Some(known) = io.store.answered(once, now).await? {
        return Ok((get(io, reseller, &parsed(&known)?).await?, secret));
    }
    if io.store.webhooks(reseller).await?.len() >= WEBHOOKS_MAX {
        return Err(Error::Conflict(format!(
            "there are {WEBHOOKS_MAX} webhooks already; delete one, or have one of them get more types"
        )));
    }
    let id = WebhookId::mint(now, io.chance.bits());
    let sealed = io.vault.seal_signing_key(reseller, &id, &secret).await?;
    let webhook = Webhook {
        id,
        reseller: reseller.clone(),
        url: form.url,
        description: form.description,
        types: form.types,
        enterprises: form.enterprises,
        state: if form.enabled { Switch::On } else { Switch::Off },
        created: now,
        version: 1,
    };
    let kept = KeptWebhook {
        secrets: vec![SigningKey { sealed, until: None }],
        webhook,
    };
    let position = io.store.newest_event(reseller).await?;
    let entry = entry(io, author, Deed::WebhookCreated, differences(None, &kept.webhook), now);
    let id = io.store.create_webhook(&kept, &position, &entry, once).await?;
    Ok((get(io, reseller, &id).await?, secret))
}

/// A webhook and how far it is.
///
/// # Errors
/// `NotFound`.
pub async fn get(io: &Io, reseller: &ResellerId, webhook: &WebhookId) -> Result<Standing> {
    let (kept, progress) = futures::try_join!(
        io.store.webhook(reseller, webhook),
        io.store.webhook_progress(reseller, webhook)
    )?;
    Ok(Standing {
        webhook: kept.webhook,
        progress,
    })
}

/// All of them, oldest first.
///
/// # Errors
/// `Upstream`.
pub async fn list(io: &Io, reseller: &ResellerId) -> Result<Vec<Standing>> {
    let mut all = Vec::new();
    for kept in io.store.webhooks(reseller).await? {
        match io.store.webhook_progress(reseller, &kept.webhook.id).await {
            Ok(progress) => all.push(Standing {
                webhook: kept.webhook,
                progress,
            }),
            // Deleted in this moment.
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Changes a webhook that was read at version `seen`. One that is switched on, or leads somewhere else, is tried at once and
/// goes on where it stopped.
///
/// # Errors
/// `Invalid` with every fault, `NotFound`, `Stale`.
pub async fn edit(
    io: &Io,
    reseller: &ResellerId,
    webhook: &WebhookId,
    form: WebhookForm,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Standing> {
    let form = form.checked(io.config.webhook_reach)?;
    let kept = current(io, reseller, webhook, seen).await?;
    let Checked {
        url,
        description,
        types,
        enterprises,
        enabled,
    } = form;
    let state = match (&kept.webhook.state, enabled) {
        (_, true) => Switch::On,
        (Switch::On | Switch::Off, false) => Switch::Off,
        // It is off already, and why stays known.
        (failed @ Switch::Failed { .. }, false) => failed.clone(),
    };
    let next = Webhook {
        url,
        description,
        types,
        enterprises,
        state,
        version: seen + 1,
        ..kept.webhook.clone()
    };
    let changes = differences(Some(&kept.webhook), &next);
    if changes.len() < 2 {
        return get(io, reseller, webhook).await;
    }
    let anew = next.state == Switch::On && (kept.webhook.state != Switch::On || next.url != kept.webhook.url);
    let restart = if anew {
        let progress = io.store.webhook_progress(reseller, webhook).await?;
        Some(Progress::at(progress.position))
    } else {
        None
    };
    let entry = entry(io, author, Deed::WebhookChanged, changes, now);
    let next = KeptWebhook { webhook: next, ..kept };
    io.store.update_webhook(&next, seen, restart.as_ref(), &entry).await?;
    get(io, reseller, webhook).await
}

/// Deletes a webhook that was read at version `seen`.
///
/// # Errors
/// `NotFound`, `Stale`.
pub async fn remove(
    io: &Io,
    reseller: &ResellerId,
    webhook: &WebhookId,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<()> {
    let kept = current(io, reseller, webhook, seen).await?;
    let entry = entry(io, author, Deed::WebhookDeleted, vec![about(webhook)], now);
    io.store.delete_webhook(&kept.webhook, seen, &entry).await
}

/// Gives a webhook another secret. For a day the old one signs beside it. The same request again gives the same answer.
///
/// # Errors
/// `NotFound`, `KeyReused`, `Busy` if somebody was faster.
pub async fn rotate(
    io: &Io,
    reseller: &ResellerId,
    webhook: &WebhookId,
    author: &Author,
    once: &Once,
    now: Timestamp,
) -> Result<(Standing, Secret)> {
    let kept = io.store.webhook(reseller, webhook).await?;
    let secret = io.vault.signing_key_for(once).await?;
    if io.store.answered(once, now).await?.is_some() {
        return Ok((get(io, reseller, webhook).await?, secret));
    }
    let sealed = io.vault.seal_signing_key(reseller, webhook, &secret).await?;
    // Of three, the oldest has had its day.
    let old = kept.secrets.first().map(|old| SigningKey {
        sealed: old.sealed.clone(),
        until: Some(now + OVERLAP),
    });
    let mut secrets = vec![SigningKey { sealed, until: None }];
    secrets.extend(old);
    let seen = kept.webhook.version;
    let next = KeptWebhook {
        webhook: Webhook {
            version: seen + 1,
            ..kept.webhook
        },
        secrets,
    };
    let entry = entry(io, author, Deed::WebhookSecretRotated, vec![about(webhook)], now);
    io.store.update_webhook_once(&next, seen, &entry, once).await?;
    Ok((get(io, reseller, webhook).await?, secret))
}

/// Has a test event sent there, after whatever waits. A webhook that failed lately is tried at once.
///
/// # Errors
/// `NotFound`, `Conflict` where it is switched off, `KeyReused`.
pub async fn test(
    io: &Io,
    reseller: &ResellerId,
    webhook: &WebhookId,
    author: &Author,
    once: &Once,
    now: Timestamp,
) -> Result<Standing> {
    let Standing {
        webhook: kept,
        progress,
    } = get(io, reseller, webhook).await?;
    if io.store.answered(once, now).await?.is_none() {
        if kept.state != Switch::On {
            return Err(Error::Conflict(
                "the webhook is switched off; switch it on first".into(),
            ));
        }
        let entry = entry(io, author, Deed::WebhookTested, vec![about(webhook)], now);
        if progress.due.is_some() {
            let at_once = Progress { due: None, ..progress };
            io.store.restart_webhook(&kept, &at_once, &entry, once).await?;
        } else {
            io.store.note_of_reseller(reseller, &entry, once).await?;
        }
    }
    get(io, reseller, webhook).await
}

/// Has everything after `after` sent there once more, or, where that is a later place, leaves out what is before it.
///
/// # Errors
/// `NotFound`, `Gone` where the events are no longer kept, `KeyReused`.
pub async fn replay(
    io: &Io,
    reseller: &ResellerId,
    webhook: &WebhookId,
    after: EventId,
    author: &Author,
    once: &Once,
    now: Timestamp,
) -> Result<Standing> {
    let Standing {
        webhook: kept,
        progress,
    } = get(io, reseller, webhook).await?;
    if io.store.answered(once, now).await?.is_none() {
        io.store.events(reseller, Some(&after), 1, now).await?;
        let place = changed("after", Some(progress.position.to_string()), Some(after.to_string()));
        let changes = [Some(about(webhook)), place].into_iter().flatten().collect();
        let entry = entry(io, author, Deed::WebhookReplayed, changes, now);
        io.store
            .restart_webhook(&kept, &Progress::at(after), &entry, once)
            .await?;
    }
    get(io, reseller, webhook).await
}

/// What was sent to a webhook lately, newest first, after the try `after`.
///
/// # Errors
/// `NotFound`.
pub async fn deliveries(
    io: &Io,
    reseller: &ResellerId,
    webhook: &WebhookId,
    after: Option<&DeliveryId>,
    limit: u16,
) -> Result<(Vec<Delivery>, Option<DeliveryId>)> {
    io.store.webhook(reseller, webhook).await?;
    let now = io.clock.now();
    io.store.deliveries(reseller, webhook, after, limit, now).await
}

async fn current(io: &Io, reseller: &ResellerId, webhook: &WebhookId, seen: u64) -> Result<KeptWebhook> {
    let kept = io.store.webhook(reseller, webhook).await?;
    if kept.webhook.version == seen {
        Ok(kept)
    } else {
        Err(Error::Stale("the webhook"))
    }
}

/// Which one an entry is about.
fn about(webhook: &WebhookId) -> Changed {
    Changed {
        field: "webhook".into(),
        before: None,
        after: Some(webhook.to_string()),
    }
}

/// What changed, and which webhook it is of. The address is told by its host: the rest of it can hold a key.
fn differences(before: Option<&Webhook>, after: &Webhook) -> Vec<Changed> {
    type Field = (&'static str, fn(&Webhook) -> Option<String>);
    let fields: [Field; 5] = [
        ("host", |webhook| webhook.url.host_str().map(str::to_owned)),
        ("description", |webhook| webhook.description.clone()),
        ("types", |webhook| joined(webhook.types.names())),
        ("enterprises", |webhook| {
            let ids: Vec<String> = webhook.enterprises.iter().map(ToString::to_string).collect();
            joined(&ids)
        }),
        ("state", |webhook| Some(state(webhook).to_owned())),
    ];
    let differs = |(field, of): Field| changed(field, before.and_then(of), of(after));
    let path = before.is_some_and(|before| before.url != after.url && before.url.host_str() == after.url.host_str());
    let path = path.then(|| Changed {
        field: "url".into(),
        before: Some("another path".into()),
        after: Some("this path".into()),
    });
    let changes = fields.into_iter().filter_map(differs).chain(path);
    std::iter::once(about(&after.id)).chain(changes).collect()
}

fn joined(texts: &[String]) -> Option<String> {
    Some(texts.join(", ")).filter(|joined| !joined.is_empty())
}

/// Whether it is in use, as the API names it.
#[must_use]
pub fn state(webhook: &Webhook) -> &'static str {
    match webhook.state {
        Switch::On => "on",
        Switch::Off => "off",
        Switch::Failed { .. } => "failed",
    }
}

fn parsed(id: &str) -> Result<WebhookId> {
    id.parse()
        .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
}
