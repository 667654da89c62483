//! A reseller's webhooks, how far each has got, what was sent, and when there is something to send.

use super::runs::Sealed;
use super::tasks::webhook_off;
use super::{Attributes, Outcome, Store, decoded, expired, keys, number, text};
use crate::domain::audit::Entry;
use crate::domain::event::{KEPT, Types};
use crate::domain::ids::{DeliveryId, EnterpriseId, EventId, ResellerId, WebhookId};
use crate::domain::letter::Outgoing;
use crate::domain::once::Once;
use crate::domain::task::Task;
use crate::domain::webhook::{Progress, Switch, Webhook};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::Url;

#[derive(Serialize, Deserialize)]
struct WebhookItem {
    id: WebhookId,
    url: Url,
    description: Option<String>,
    types: Vec<String>,
    enterprises: BTreeSet<EnterpriseId>,
    switch: Switch,
    created: Timestamp,
    version: u64,
    secrets: Vec<SecretItem>,
}

#[derive(Serialize, Deserialize)]
struct SecretItem {
    sealed: String,
    key: String,
    #[serde(default)]
    until: Option<Timestamp>,
}

/// A sealed secret that a webhook's events are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The secret.
    pub sealed: Sealed,
    /// Until when, once there is a newer one.
    pub until: Option<Timestamp>,
}

/// A webhook with its secrets, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptWebhook {
    /// What it is.
    pub webhook: Webhook,
    /// What signs its events.
    pub secrets: Vec<SigningKey>,
}

#[derive(Serialize, Deserialize)]
struct ProgressItem {
    position: EventId,
    failures: u32,
    #[serde(default)]
    failing_since: Option<Timestamp>,
    #[serde(default)]
    due: Option<Timestamp>,
    /// Who is sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    /// Until when nobody else sends, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_until: Option<i64>,
}

impl From<ProgressItem> for Progress {
    fn from(item: ProgressItem) -> Self {
        Self {
            position: item.position,
            failures: item.failures,
            failing_since: item.failing_since,
            due: item.due,
        }
    }
}

impl ProgressItem {
    fn free(progress: &Progress) -> Self {
        Self {
            position: progress.position.clone(),
            failures: progress.failures,
            failing_since: progress.failing_since,
            due: progress.due,
            holder: None,
            held_until: None,
        }
    }
}

/// The right to send to a webhook, for a while: nobody else does meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which webhook.
    pub webhook: WebhookId,
    /// Whose.
    pub reseller: ResellerId,
    holder: String,
}

/// One try to send an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Our key.
    pub id: DeliveryId,
    /// Which event.
    pub event: EventId,
    /// Its type.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// How often it was tried, this time included.
    pub tries: u32,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// What went wrong; nothing where it was taken.
    pub problem: Option<String>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// How the answer's body begins.
    pub answer: String,
    /// When it is tried again.
    pub next: Option<Timestamp>,
}

/// What goes with switching a webhook off.
#[derive(Clone, Debug)]
pub struct SwitchedOff {
    /// Where it goes on, once it is switched on again.
    pub progress: Progress,
    /// The last try.
    pub delivery: Delivery,
    /// What somebody at the reseller has to see to.
    pub task: Task,
    /// What tells them.
    pub mail: Outgoing,
    /// What the reseller's trail says.
    pub entry: Entry,
}

/// A reseller whose webhooks have something to be sent, as the index shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Who.
    pub reseller: ResellerId,
    /// The moment, and what was new then: another text each time.
    pub since: String,
}

fn kept(item: WebhookItem, reseller: &ResellerId) -> KeptWebhook {
    let secret = |secret: SecretItem| SigningKey {
        sealed: Sealed {
            sealed: secret.sealed,
            key: secret.key,
        },
        until: secret.until,
    };
    KeptWebhook {
        webhook: Webhook {
            id: item.id,
            reseller: reseller.clone(),
            url: item.url,
            description: item.description,
            types: Types::stored(item.types),
            enterprises: item.enterprises,
            state: item.switch,
            created: item.created,
            version: item.version,
        },
        secrets: item.secrets.into_iter().map(secret).collect(),
    }
}

/// A moment as the index sorts it.
fn moment(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

impl Store {
    fn webhook_write(&self, kept: &KeptWebhook, seen: u64) -> Result<TransactWriteItem> {
        let webhook = &kept.webhook;
        let secret = |secret: &SigningKey| SecretItem {
            sealed: secret.sealed.sealed.clone(),
            key: secret.sealed.key.clone(),
            until: secret.until,
        };
        let item = WebhookItem {
            id: webhook.id.clone(),
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            types: webhook.types.names().to_vec(),
            enterprises: webhook.enterprises.clone(),
            switch: webhook.state.clone(),
            created: webhook.created,
            version: webhook.version,
            secrets: kept.secrets.iter().map(secret).collect(),
        };
        let put = self.put(&keys::webhook(&webhook.reseller, &webhook.id), &item)?;
        // What was deleted does not come back.
        match seen {
            0 => put.when_absent().build(),
            seen => put.when("version = :seen").with(":seen", number(seen)).build(),
        }
    }

    /// Creates a webhook that begins after `position`. The same request again gives the id of the first time.
    ///
    /// # Errors
    /// `KeyReused`.
    pub async fn create_webhook(
        &self,
        kept: &KeptWebhook,
        position: &EventId,
        entry: &Entry,
        once: &Once,
    ) -> Result<WebhookId> {
        let webhook = &kept.webhook;
        let begins = ProgressItem::free(&Progress::at(position.clone()));
        let writes = vec![
            self.webhook_write(kept, 0)?,
            self.put(&keys::webhook_progress(&webhook.reseller, &webhook.id), &begins)?
                .build()?,
            self.reseller_audited(&webhook.reseller, entry)?,
        ];
        self.create_once(writes, once, webhook.id.as_str(), entry.at)
            .await?
            .parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
    }

    /// Writes a webhook that was read at version `seen`, and `restart` where it is to begin anew.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn update_webhook(
        &self,
        kept: &KeptWebhook,
        seen: u64,
        restart: Option<&Progress>,
        entry: &Entry,
    ) -> Result<()> {
        let webhook = &kept.webhook;
        let mut writes = vec![
            self.webhook_write(kept, seen)?,
            self.reseller_audited(&webhook.reseller, entry)?,
        ];
        if webhook.state == Switch::On {
            writes.push(self.task_closed(&webhook.reseller, &webhook_off(&webhook.id))?);
        }
        if let Some(progress) = restart {
            let key = keys::webhook_progress(&webhook.reseller, &webhook.id);
            writes.push(self.put(&key, &ProgressItem::free(progress))?.build()?);
            writes.push(self.due_now(&webhook.reseller, entry.at, entry.id.as_str())?);
        }
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the webhook")),
        }
    }

    /// The same for a request that may be repeated; `false` where it was made before.
    ///
    /// # Errors
    /// `KeyReused`, `Busy` if somebody was faster.
    pub async fn update_webhook_once(&self, kept: &KeptWebhook, seen: u64, entry: &Entry, once: &Once) -> Result<bool> {
        let writes = vec![
            self.webhook_write(kept, seen)?,
            self.reseller_audited(&kept.webhook.reseller, entry)?,
        ];
        let made = self.create_once(writes, once, entry.id.as_str(), entry.at).await?;
        Ok(made == entry.id.as_str())
    }

    /// Has a webhook go on from another place, or try again at once, for a request that may be repeated. Whoever is sending
    /// loses the turn.
    ///
    /// # Errors
    /// `KeyReused`, `Busy` if somebody was faster.
    pub async fn restart_webhook(
        &self,
        webhook: &Webhook,
        progress: &Progress,
        entry: &Entry,
        once: &Once,
    ) -> Result<()> {
        let key = keys::webhook_progress(&webhook.reseller, &webhook.id);
        let writes = vec![
            self.put(&key, &ProgressItem::free(progress))?
                .when("attribute_exists(pk)")
                .build()?,
            self.due_now(&webhook.reseller, entry.at, entry.id.as_str())?,
            self.reseller_audited(&webhook.reseller, entry)?,
        ];
        self.create_once(writes, once, entry.id.as_str(), entry.at)
            .await
            .map(drop)
    }

    /// Deletes a webhook that was read at version `seen`.
    ///
    /// # Errors
    /// `Stale` if somebody was faster.
    pub async fn delete_webhook(&self, webhook: &Webhook, seen: u64, entry: &Entry) -> Result<()> {
        let deleted = self.delete(&keys::webhook(&webhook.reseller, &webhook.id));
        let writes = vec![
            deleted.when("version = :seen").with(":seen", number(seen)).build()?,
            self.delete(&keys::webhook_progress(&webhook.reseller, &webhook.id))
                .build()?,
            self.task_closed(&webhook.reseller, &webhook_off(&webhook.id))?,
            self.reseller_audited(&webhook.reseller, entry)?,
        ];
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the webhook")),
        }
    }

    /// A webhook.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn webhook(&self, reseller: &ResellerId, webhook: &WebhookId) -> Result<KeptWebhook> {
        let item: Option<WebhookItem> = self.get(&keys::webhook(reseller, webhook)).await?;
        item.map(|item| kept(item, reseller)).ok_or(Error::NotFound("webhook"))
    }

    /// All webhooks of a reseller, oldest first; there are few.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn webhooks(&self, reseller: &ResellerId) -> Result<Vec<KeptWebhook>> {
        let items: Vec<WebhookItem> = self.query(&format!("RESELLER#{reseller}"), keys::WEBHOOK).await?;
        Ok(items.into_iter().map(|item| kept(item, reseller)).collect())
    }

    /// How far a webhook has got.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn webhook_progress(&self, reseller: &ResellerId, webhook: &WebhookId) -> Result<Progress> {
        let item: Option<ProgressItem> = self.get(&keys::webhook_progress(reseller, webhook)).await?;
        item.map(Progress::from).ok_or(Error::NotFound("webhook"))
    }

    /// Takes the turn at a webhook until `until`; nothing where somebody else has it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn webhook_turn(
        &self,
        webhook: &Webhook,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(Turn, Progress)>> {
        let key = keys::webhook_progress(&webhook.reseller, &webhook.id);
        let taken = self
            .update(&key, "SET holder = :holder, held_until = :until")
            .when("attribute_exists(pk) AND (attribute_not_exists(held_until) OR held_until < :now)")
            .with(":holder", text(holder))
            .with(":until", millisecond(until))
            .with(":now", millisecond(now));
        if !self.write(taken).await? {
            return Ok(None);
        }
        let turn = Turn {
            webhook: webhook.id.clone(),
            reseller: webhook.reseller.clone(),
            holder: holder.to_owned(),
        };
        let item: Option<ProgressItem> = self.get(&key).await?;
        let mine = item.filter(|item| item.holder.as_deref() == Some(holder));
        Ok(mine.map(|item| (turn, item.into())))
    }

    fn progress_write(&self, turn: &Turn, progress: &Progress, until: Option<Timestamp>) -> Result<TransactWriteItem> {
        let item = ProgressItem {
            holder: until.map(|_| turn.holder.clone()),
            held_until: until.map(Timestamp::as_millisecond),
            ..ProgressItem::free(progress)
        };
        self.put(&keys::webhook_progress(&turn.reseller, &turn.webhook), &item)?
            .when("holder = :me")
            .with(":me", text(&turn.holder))
            .build()
    }

    fn delivery_write(&self, turn: &Turn, delivery: &Delivery) -> Result<TransactWriteItem> {
        let key = keys::delivery(&turn.reseller, &turn.webhook, &delivery.id);
        self.put(&key, delivery)?.until(delivery.at + KEPT).build()
    }

    /// Notes how far the webhook has got, with the try that led there. The turn goes on until `until`, or ends where that is
    /// nothing. `false` where the turn was lost: somebody goes on elsewhere.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn webhook_went(
        &self,
        turn: &Turn,
        progress: &Progress,
        delivery: Option<&Delivery>,
        until: Option<Timestamp>,
    ) -> Result<bool> {
        let mut writes = vec![self.progress_write(turn, progress, until)?];
        if let Some(delivery) = delivery {
            writes.push(self.delivery_write(turn, delivery)?);
        }
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// Switches a webhook off that was read at version `seen`, with its last try, the task that it makes and the mail about
    /// it; `false` where somebody was faster.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn webhook_failed(&self, turn: &Turn, kept: &KeptWebhook, seen: u64, off: &SwitchedOff) -> Result<bool> {
        let writes = vec![
            self.webhook_write(kept, seen)?,
            self.progress_write(turn, &off.progress, None)?,
            self.delivery_write(turn, &off.delivery)?,
            self.task_opened(&turn.reseller, &off.task)?,
            self.queued(&off.mail, off.entry.at)?,
            self.reseller_audited(&turn.reseller, &off.entry)?,
        ];
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// What was sent to a webhook, newest first, after the try `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn deliveries(
        &self,
        reseller: &ResellerId,
        webhook: &WebhookId,
        after: Option<&DeliveryId>,
        limit: u16,
        now: Timestamp,
    ) -> Result<(Vec<Delivery>, Option<DeliveryId>)> {
        let pk = keys::deliveries(reseller, webhook);
        let after = after.map(|after| keys::delivery(reseller, webhook, after).sk);
        let (items, next) = self
            .raw_page(&pk, keys::DELIVERY, after, Some(i32::from(limit)), false)
            .await?;
        let kept = items.into_iter().filter(|item| !expired(item, now));
        let found: Vec<Delivery> = kept.map(decoded).collect::<Result<_>>()?;
        let next = next.and_then(|_| found.last().map(|last| last.id.clone()));
        Ok((found, next))
    }

    /// The write that has a reseller's webhooks looked at now. `what` is another text each time.
    pub(super) fn due_now(&self, reseller: &ResellerId, now: Timestamp, what: &str) -> Result<TransactWriteItem> {
        self.update(
            &keys::feed_due(reseller),
            "SET pending_shard = :shard, pending_since = :since",
        )
        .with(":shard", text(keys::due_shard(reseller)))
        .with(":since", text(format!("{}#{what}", moment(now))))
        .build()
    }

    /// When a reseller's webhooks have something to be sent; nothing where they have not.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn due(&self, reseller: &ResellerId) -> Result<Option<Due>> {
        let item = self.get_attributes(&keys::feed_due(reseller)).await?;
        Ok(item.as_ref().and_then(due_of))
    }

    /// The resellers of one shard whose webhooks have something to be sent by `now`, longest waiting first.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn due_resellers(&self, shard: u8, now: Timestamp) -> Result<Vec<Due>> {
        // `~` comes after everything that follows the moment.
        let until = format!("{}~", moment(now));
        let items = self.indexed(&keys::due_shard_named(shard), Some(&until)).await?;
        Ok(items.iter().filter_map(due_of).collect())
    }

    /// Everything is sent that was due as `seen`: the next look is at `next`, or when there is something new. It stays due
    /// where there is already.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn due_later(&self, seen: &Due, next: Option<Timestamp>) -> Result<()> {
        let key = keys::feed_due(&seen.reseller);
        let write = match next {
            Some(next) => self
                .update(&key, "SET pending_since = :next")
                .with(":next", text(format!("{}#again", moment(next)))),
            None => self.update(&key, "REMOVE pending_shard, pending_since"),
        };
        let write = write.when("pending_since = :seen").with(":seen", text(&seen.since));
        self.write(write).await.map(drop)
    }
}

fn due_of(item: &Attributes) -> Option<Due> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    let partition = text(keys::PK)?.strip_prefix("RESELLER#")?;
    Some(Due {
        reseller: partition.strip_suffix("#FEED")?.parse().ok()?,
        since: text(keys::PENDING_SINCE)?.clone(),
    })
}

fn millisecond(at: Timestamp) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::N(at.as_millisecond().to_string())
}
