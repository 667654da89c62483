//! The one table. Methods are access patterns; nothing outside knows DynamoDB.
//!
//! | item | partition | sort key | file |
//! |---|---|---|---|
//! | enterprise | `ENTERPRISE#id` | `META` | `enterprises` |
//! | sync status, pending index | same | `SYNC` | `sync_status` |
//! | invitation | same | `INVITATION#id` | `invitations` |
//! | sign-in without an answer | same | `SIGNIN` | `visits` |
//! | account versions | same | `ACCOUNT` | `account` |
//! | ownership | same | `OWNED#` | `account` |
//! | voice users from an id on | same | `VOICE##set#id` | `voice_users` |
//! | mappings, in 64 bundles | same | `MAPPING#bundle` | `mapping` |
//! | calling domain, index of those without a DNS record | same | `DOMAIN#name` | `calling_domains` |
//! | what the last sync found wrong | same | `TROUBLE#oid` | `troubles` |
//! | voice objects of a tenant that are known | same | `OBJECTS#tenant` | `tenant_objects` |
//! | ours in a tenant that was left | same | `LEFT#tenant#` | `moves` |
//! | read of the directory, digests of everybody | same | `DIRECTORY`, `MANIFEST#read#piece` | `manifest` |
//! | user who can be mapped, cannot, has left | `ENTERPRISE#id#TEAMS#part` | `USER#oid`, `EXCLUDED#oid`, `GONE#oid` | `directory` |
//! | the tenant's groups | same | `GROUPS`, `GROUPS#reading#piece` | `groups` |
//! | plan, run | `ENTERPRISE#id` | `PLAN#id`, `RUN#id` | `runs` |
//! | run's plan, log lines, tokens | `ENTERPRISE#id#RUN#id` | `PLAN`, `LINE#`, `SEALED` | `runs` |
//! | run's steps, how far they are | same | `STEP#`, `PROGRESS` | `steps` |
//! | further parts of a long plan | as the plan's | `PART#n#` and the plan's | `documents` |
//! | lease | `ENTERPRISE#id` | `LEASE` | `leases` |
//! | note of a day's reminder, ledger of them | same | `REMINDED#day`, `REMINDERS` | `reminders` |
//! | offer of the reminders to somebody | same | `DUTY` | `duty` |
//! | digest of a reseller | `RESELLER#id` | `DIGEST` | `digests` |
//! | event of a feed, its newest, how far a trail is taken, when there is something to send | `RESELLER#id#FEED` | `EVENT#id`, `HEAD`, `TAKEN#trail`, `DUE` | `feed`, `webhooks` |
//! | webhook, how far it has got | `RESELLER#id` | `WEBHOOK#id`, `PROGRESS#id` | `webhooks` |
//! | try to send an event | `RESELLER#id#WEBHOOK#id` | `DELIVERY#id` | `webhooks` |
//! | mail that waits or was sent | same, or `RESELLER#id` | `MAIL#id` | `outbox` |
//! | what may leave of all mail, of a reseller's | `SENDING`, `RESELLER#id` | `SENDING` | `sending` |
//! | a UTC day of a reseller's mails, of those to an address | `RESELLER#id`, `RECIPIENT#hash` | `MAILDAY#day`, `DAY#day` | `sending` |
//! | address that gets no more mail | `RESELLER#id` | `SUPPRESSED#id` | `suppressions` |
//! | open task of a reseller | same | `TASK#id` | `tasks` |
//! | audit entry, and the place of an enterprise's newest | `ENTERPRISE#id#AUDIT`, `RESELLER#id#AUDIT`, `SERVICE#AUDIT` | `AUDIT#id`, `LAST` | `audit` |
//! | reseller, and the list of all | `RESELLER#id`, `RESELLERS` | `META`, `RESELLER#id` | `resellers` |
//! | row of a reseller's list | `RESELLER#id` | `ENTERPRISE#id` | `enterprises` |
//! | look-ups, the sealed token of a browser | `TENANT#`, `LINK#`, `SIGNIN#`, `SESSION#`, `IDEMPOTENCY#` | | `enterprises`, `visits` |
//! | pace of calls to Teams: in a tenant, a share over all; pace of mails | `PACE#tenant`, `PACE#COMMON#share`, `PACE#MAIL#share` | `PACE` | `pace` |
//! | wrong codes of a client | `GUESSES#hash` | `COUNT` | `guesses` |

pub mod account;
pub mod audit;
mod calling_domains;
pub mod digests;
pub mod directory;
mod documents;
pub mod duty;
pub mod enterprises;
pub mod feed;
mod groups;
pub mod guesses;
pub mod invitations;
pub mod keys;
pub mod leases;
pub mod manifest;
pub mod mapping;
mod moves;
pub mod outbox;
pub mod pace;
mod plans;
pub mod reminders;
pub mod resellers;
pub mod runs;
pub mod sending;
pub mod steps;
pub mod suppressions;
pub mod sync_status;
pub mod table;
pub mod tasks;
mod tenant_objects;
pub mod troubles;
pub mod visits;
pub mod voice_users;
pub mod webhooks;

use crate::error::{Error, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, PutRequest, TransactWriteItem, Update, WriteRequest,
};
use jiff::{SignedDuration, Timestamp};
use keys::{EXPIRES, Key, PK, SK};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

type Attributes = HashMap<String, AttributeValue>;

/// Writes of one request in flight at a time.
const BATCHES_AT_ONCE: usize = 8;
/// Tries for work that the table asks to repeat.
const TRIES: u32 = 8;

/// The table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
    spent: guesses::Spent,
}

/// How a set of conditional writes ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// All were made.
    Written,
    /// None was made: these conditions did not hold, by place in the set.
    Failed(Vec<usize>),
}

impl Store {
    /// A store over one table.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self {
            client,
            table,
            spent: guesses::Spent::default(),
        }
    }

    /// Opens the connection, so that the first request does not pay for it.
    ///
    /// # Errors
    /// `Upstream` when the table cannot be reached.
    pub async fn warm(&self) -> Result<()> {
        self.get_attributes(&Key {
            pk: "WARM".into(),
            sk: "WARM".into(),
        })
        .await
        .map(drop)
    }

    /// Creates the table where an engine has none; never in production.
    ///
    /// # Errors
    /// `Upstream` when the engine refuses.
    pub async fn create_table(&self) -> Result<()> {
        table::create(&self.client, &self.table).await
    }

    async fn get_attributes(&self, key: &Key) -> Result<Option<Attributes>> {
        let read = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(attributes(key)))
            .consistent_read(true);
        Box::pin(read.send())
            .await
            .map(|answer| answer.item)
            .map_err(|error| Error::upstream("read an item", error))
    }

    async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        self.get_attributes(key).await?.map(decoded).transpose()
    }

    /// Items that end by themselves are gone at their time, whether DynamoDB has deleted them or not.
    async fn get_unexpired<T: DeserializeOwned>(&self, key: &Key, now: Timestamp) -> Result<Option<T>> {
        let item = self.get_attributes(key).await?.filter(|item| !expired(item, now));
        item.map(decoded).transpose()
    }

    /// All items of a partition whose sort key begins with `prefix`, in its order.
    async fn query<T: DeserializeOwned>(&self, pk: &str, prefix: &str) -> Result<Vec<T>> {
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let (mut page, next) = self.page(pk, prefix, from, None, true).await?;
            found.append(&mut page);
            match next {
                Some(next) => from = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// One page of a partition: at most `limit` items after the sort key `after`, and where to go on.
    async fn page<T: DeserializeOwned>(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<String>,
        limit: Option<i32>,
        ascending: bool,
    ) -> Result<(Vec<T>, Option<String>)> {
        let (items, next) = self.raw_page(pk, prefix, after, limit, ascending).await?;
        Ok((items.into_iter().map(decoded).collect::<Result<_>>()?, next))
    }

    /// The same, as it is kept; an empty prefix is the whole partition.
    async fn raw_page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<String>,
        limit: Option<i32>,
        ascending: bool,
    ) -> Result<(Vec<Attributes>, Option<String>)> {
        let start = after.map(|sk| attributes(&Key { pk: pk.to_owned(), sk }));
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .consistent_read(true)
            .scan_index_forward(ascending)
            .set_limit(limit)
            .set_exclusive_start_key(start);
        if !prefix.is_empty() {
            query = query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix));
        }
        let answer = Box::pin(query.send())
            .await
            .map_err(|error| Error::upstream("read a list", error))?;
        let next = answer
            .last_evaluated_key
            .and_then(|key| key.get(SK).and_then(|sk| sk.as_s().ok().cloned()));
        Ok((answer.items.unwrap_or_default(), next))
    }

    /// Conditional writes, all or none. A conflict with another transaction is tried again. An entry in the trail of an
    /// enterprise gets its place after all others that were written before.
    async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Outcome> {
        let entry = audit::EntryWrite::among(&writes);
        let tries = if entry.is_some() { audit::TRIES } else { TRIES };
        for attempt in 0..tries {
            let (sent, given) = match &entry {
                Some(entry) => self.in_order(&writes, entry).await?,
                None => (writes.clone(), None),
            };
            let call = self.client.transact_write_items().set_transact_items(Some(sent));
            // In a box of its own: what the SDK does inside is deep, and every caller's future would hold it.
            let Err(error) = Box::pin(call.send()).await else {
                return Ok(Outcome::Written);
            };
            match cancelled(&error) {
                Some(Cancelled::Conditions(mut failed)) => {
                    if let Some(given) = given {
                        given.explain(&mut failed);
                    }
                    if !failed.is_empty() {
                        return Ok(Outcome::Failed(failed));
                    }
                    // Nothing but the place was taken: whoever waits long for the next one only loses more turns.
                    jitter(0).await;
                }
                Some(Cancelled::Conflict) => pause(if entry.is_some() { attempt.min(2) } else { attempt }).await,
                None => return Err(Error::upstream("write to the table", error)),
            }
        }
        Err(Error::Busy)
    }

    /// Unconditional writes in batches, repeated until the table has taken all of them.
    async fn write_all(&self, writes: Vec<WriteRequest>) -> Result<()> {
        use futures::stream::{StreamExt, TryStreamExt};
        let mut writes = writes.into_iter();
        let batches = std::iter::from_fn(|| {
            let batch: Vec<WriteRequest> = writes.by_ref().take(25).collect();
            (!batch.is_empty()).then_some(batch)
        });
        futures::stream::iter(batches.map(|batch| self.write_batch(batch)))
            .buffer_unordered(BATCHES_AT_ONCE)
            .try_collect::<()>()
            .await
    }

    async fn write_batch(&self, mut batch: Vec<WriteRequest>) -> Result<()> {
        for attempt in 0..TRIES {
            let call = self.client.batch_write_item().request_items(&self.table, batch);
            let sent = Box::pin(call.send()).await;
            let answer = sent.map_err(|error| Error::upstream("write to the table", error))?;
            batch = answer
                .unprocessed_items
                .and_then(|mut left| left.remove(&self.table))
                .unwrap_or_default();
            if batch.is_empty() {
                return Ok(());
            }
            pause(attempt).await;
        }
        Err(Error::Throttled {
            doing: "write to the table",
            wait: SignedDuration::from_secs(5),
        })
    }

    fn put(&self, key: &Key, value: &impl Serialize) -> Result<Write<'_>> {
        Ok(Write {
            kind: Kind::Put(encoded(key, value)?),
            ..Write::to(self, key)
        })
    }

    fn delete(&self, key: &Key) -> Write<'_> {
        Write {
            kind: Kind::Delete,
            ..Write::to(self, key)
        }
    }

    /// `expression` as in an update: `SET …`, `REMOVE …`.
    fn update(&self, key: &Key, expression: &str) -> Write<'_> {
        Write {
            kind: Kind::Update(expression.to_owned()),
            ..Write::to(self, key)
        }
    }

    fn check(&self, key: &Key, condition: &str) -> Write<'_> {
        Write {
            condition: Some(condition.to_owned()),
            ..Write::to(self, key)
        }
    }

    /// One write on its own; `false` where its condition did not hold.
    async fn write(&self, write: Write<'_>) -> Result<bool> {
        Ok(self.transact(vec![write.build()?]).await? == Outcome::Written)
    }

    fn put_request_until(key: &Key, value: &impl Serialize, until: Timestamp) -> Result<WriteRequest> {
        let mut item = encoded(key, value)?;
        item.insert(EXPIRES.to_owned(), number(until.as_second()));
        Self::put_item(item)
    }

    fn put_request(key: &Key, value: &impl Serialize) -> Result<WriteRequest> {
        Self::put_item(encoded(key, value)?)
    }

    fn put_item(item: Attributes) -> Result<WriteRequest> {
        let put = PutRequest::builder().set_item(Some(item)).build();
        Ok(WriteRequest::builder()
            .put_request(put.map_err(|error| Error::upstream("describe a write", error))?)
            .build())
    }

    fn delete_request(key: &Key) -> Result<WriteRequest> {
        let delete = aws_sdk_dynamodb::types::DeleteRequest::builder()
            .set_key(Some(attributes(key)))
            .build();
        Ok(WriteRequest::builder()
            .delete_request(delete.map_err(|error| Error::upstream("describe a write", error))?)
            .build())
    }
}

enum Kind {
    Check,
    Delete,
    Put(Attributes),
    Update(String),
}

/// One write of a transaction, with its condition.
struct Write<'a> {
    store: &'a Store,
    key: Key,
    kind: Kind,
    condition: Option<String>,
    values: Attributes,
}

impl<'a> Write<'a> {
    fn to(store: &'a Store, key: &Key) -> Self {
        Self {
            store,
            key: key.clone(),
            kind: Kind::Check,
            condition: None,
            values: HashMap::new(),
        }
    }

    /// Makes it depend on the item as it is.
    fn when(mut self, condition: &str) -> Self {
        self.condition = Some(condition.to_owned());
        self
    }

    /// And where this holds as well.
    fn and_when(mut self, condition: &str) -> Self {
        let both = self.condition.map(|first| format!("{first} AND {condition}"));
        self.condition = Some(both.unwrap_or_else(|| condition.to_owned()));
        self
    }

    /// Only where there is no such item.
    fn when_absent(self) -> Self {
        self.when("attribute_not_exists(pk)")
    }

    /// Only where the item's `version` is the one that was read; 0 where there was none.
    fn when_version(self, seen: u64) -> Self {
        let condition = if seen == 0 {
            "attribute_not_exists(pk) OR version = :seen"
        } else {
            "version = :seen"
        };
        self.when(condition).with(":seen", number(seen))
    }

    /// A value of the expressions.
    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// The item ends by itself at that time.
    fn until(mut self, at: Timestamp) -> Self {
        if let Kind::Put(item) = &mut self.kind {
            item.insert(EXPIRES.to_owned(), AttributeValue::N(at.as_second().to_string()));
        }
        self
    }

    /// One more attribute of a put.
    fn and(mut self, name: &str, value: Option<AttributeValue>) -> Self {
        if let (Kind::Put(item), Some(value)) = (&mut self.kind, value) {
            item.insert(name.to_owned(), value);
        }
        self
    }

    fn build(self) -> Result<TransactWriteItem> {
        let Self {
            store,
            key,
            kind,
            condition,
            values,
        } = self;
        let failed = |error: aws_sdk_dynamodb::error::BuildError| Error::upstream("describe a write", error);
        let values = (!values.is_empty()).then_some(values);
        let names = names_in(&condition, &kind);
        let key = attributes(&key);
        let item = TransactWriteItem::builder();
        Ok(match kind {
            Kind::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(&store.table)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .set_expression_attribute_names(names)
                    .build()
                    .map_err(failed)?,
            ),
            Kind::Delete => item.delete(
                Delete::builder()
                    .table_name(&store.table)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .set_expression_attribute_names(names)
                    .build()
                    .map_err(failed)?,
            ),
            Kind::Put(attributes) => item.put(
                Put::builder()
                    .table_name(&store.table)
                    .set_item(Some(attributes))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .set_expression_attribute_names(names)
                    .build()
                    .map_err(failed)?,
            ),
            Kind::Update(expression) => item.update(
                Update::builder()
                    .table_name(&store.table)
                    .set_key(Some(key))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .set_expression_attribute_names(names)
                    .build()
                    .map_err(failed)?,
            ),
        }
        .build())
    }
}

/// `state` is a reserved word; expressions say `#state`.
fn names_in(condition: &Option<String>, kind: &Kind) -> Option<HashMap<String, String>> {
    let update = match kind {
        Kind::Update(expression) => expression.as_str(),
        Kind::Check | Kind::Delete | Kind::Put(_) => "",
    };
    let named = update.contains("#state") || condition.as_ref().is_some_and(|condition| condition.contains("#state"));
    named.then(|| HashMap::from([("#state".to_owned(), "state".to_owned())]))
}

enum Cancelled {
    Conditions(Vec<usize>),
    Conflict,
}

fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<Cancelled> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.as_service_error()? else {
        return None;
    };
    let codes = || {
        cancelled
            .cancellation_reasons()
            .iter()
            .map(|reason| reason.code().unwrap_or_default())
    };
    let failed: Vec<usize> = codes()
        .enumerate()
        .filter(|(_, code)| *code == "ConditionalCheckFailed")
        .map(|(at, _)| at)
        .collect();
    if !failed.is_empty() {
        Some(Cancelled::Conditions(failed))
    } else if codes().any(|code| {
        matches!(
            code,
            "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
        )
    }) {
        Some(Cancelled::Conflict)
    } else {
        None
    }
}

/// A growing pause before work is repeated: 20 ms, 40 ms, …, at most 1.3 s, each with jitter.
async fn pause(attempt: u32) {
    jitter(20 << attempt.min(6)).await;
}

/// So many milliseconds, and up to 20 more.
async fn jitter(least: u64) {
    let more = crate::io::chance::Chance.number() % 20;
    tokio::time::sleep(std::time::Duration::from_millis(least + more)).await;
}

fn attributes(key: &Key) -> Attributes {
    HashMap::from([(PK.to_owned(), text(&key.pk)), (SK.to_owned(), text(&key.sk))])
}

/// A value as one attribute.
fn attribute(value: &impl Serialize) -> Result<AttributeValue> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)
        .map_err(|error| Error::upstream("encode an item", error))
}

fn encoded(key: &Key, value: &impl Serialize) -> Result<Attributes> {
    let mut item: Attributes =
        serde_dynamo::aws_sdk_dynamodb_1::to_item(value).map_err(|error| Error::upstream("encode an item", error))?;
    item.extend(attributes(key));
    Ok(item)
}

fn decoded<T: DeserializeOwned>(item: Attributes) -> Result<T> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(|error| Error::upstream("decode an item", error))
}

fn expired(item: &Attributes, now: Timestamp) -> bool {
    let at = item
        .get(EXPIRES)
        .and_then(|at| at.as_n().ok())
        .and_then(|at| at.parse::<i64>().ok());
    at.is_some_and(|at| at <= now.as_second())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
