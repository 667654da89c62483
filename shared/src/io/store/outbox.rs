//! The mails of an enterprise or a reseller: those that wait, those that are being handed over, and what became of the others.
//!
//! Each is written in the transaction of its cause and leaves at most once: whoever sends it takes it first, and nobody takes
//! what was taken. A mail goes back only where it is certain that nothing of it has left. One whose taker has died stays
//! where it is, until a report tells or the sweep says that nobody knows.

use super::{Attributes, Outcome, Store, Write, decoded, keys, number, text};
use crate::domain::audit::Entry;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{MailId, ResellerId};
use crate::domain::letter::{HAND_OVER_LIFE, NOBODY_KNOWS, Outgoing, Posted, Posting, Whose};
use crate::domain::suppression::Suppression;
use crate::domain::task::Task;
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Mails are kept for as long as anybody might ask what became of one: thirteen months.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);
/// How many mails of a shard a sweep reads at a time.
const PORTION: i32 = 100;

#[derive(Serialize, Deserialize)]
struct MailItem {
    mail: Outgoing,
    state: Posted,
    /// When it was written.
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl From<MailItem> for Posting {
    fn from(item: MailItem) -> Self {
        Self {
            mail: item.mail,
            state: item.state,
            why: item.why,
            written: item.at,
            since: item.since.unwrap_or(item.at),
            message: item.message,
        }
    }
}

/// What came of trying to take a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Whoever asked hands it over, and nobody else does.
    Mine,
    /// Somebody else has it, or it is over.
    Gone,
    /// Mails to its address are stopped; it does not leave.
    Suppressed(Suppression),
}

/// How handing a mail over ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// SES has it, under this id.
    Sent(String),
    /// Nothing has left: it waits again, for this reason.
    Back(String),
    /// Nothing has left, and nothing will, for this reason.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
}

/// What is written with the end of a mail that does not leave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Follows<'a> {
    /// What the trail says of it.
    pub entry: Option<&'a Entry>,
    /// Somebody at the reseller has to see to it.
    pub task: Option<(&'a ResellerId, &'a Task)>,
}

/// A report of SES about a mail, and what it brings about.
#[derive(Debug)]
pub struct Reported<'a> {
    /// The state that it speaks of.
    pub to: Posted,
    /// When that was.
    pub at: Timestamp,
    /// SES's id of the mail.
    pub message: &'a str,
    /// In words, where there is something to say.
    pub why: Option<&'a str>,
    /// The address gets no more mail from now on.
    pub stops: Option<&'a Suppression>,
    /// Somebody has to see to it.
    pub task: Option<&'a Task>,
    /// What the trail says of it.
    pub entry: Option<&'a Entry>,
    /// All of this holds for the enterprise as it was read.
    pub enterprise: Option<&'a Enterprise>,
}

/// What a report led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// The mail is in a new state.
    Moved,
    /// It is there already, or further, or the report is about another mail.
    Late,
    /// What it rests on moved meanwhile: look again.
    Again,
}

impl Store {
    /// The write of a mail that waits, for the transaction of its cause.
    pub(super) fn queued(&self, mail: &Outgoing, now: Timestamp) -> Result<TransactWriteItem> {
        let item = MailItem {
            mail: mail.clone(),
            state: Posted::Queued,
            at: now,
            why: None,
            since: None,
            message: None,
        };
        self.put(&keys::mail(&mail.whose, &mail.id), &item)?
            .and(keys::PENDING_SHARD, Some(text(keys::mail_shard(&mail.whose))))
            .and(keys::PENDING_SINCE, Some(text(mail.id.as_str())))
            .until(now + KEPT_FOR)
            .when_absent()
            .build()
    }

    /// Takes a mail that waits, to hand it over. In the same transaction it is made sure that its address still gets mail.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_mail(&self, mail: &Outgoing, reseller: &ResellerId, now: Timestamp) -> Result<Taken> {
        let taken = self
            .update(
                &keys::mail(&mail.whose, &mail.id),
                "SET #state = :sending, since = :now, pending_shard = :shard, pending_since = :at REMOVE why",
            )
            .when("#state IN (:queued, :held)")
            .with(":sending", text(Posted::Sending.name()))
            .with(":queued", text(Posted::Queued.name()))
            .with(":held", text(Posted::Held.name()))
            .with(":shard", text(keys::handed_shard(&mail.whose)))
            .with(":now", text(now.to_string()))
            .with(":at", text(due(now)));
        let stopped = keys::suppression(reseller, &super::suppressions::id_of(&mail.to));
        let open = self.check(&stopped, "attribute_not_exists(pk)");
        match self.transact(vec![taken.build()?, open.build()?]).await? {
            Outcome::Written => Ok(Taken::Mine),
            Outcome::Failed(failed) if failed.contains(&0) => Ok(Taken::Gone),
            Outcome::Failed(_) => match self.suppressed(reseller, &mail.to).await? {
                Some(suppression) => Ok(Taken::Suppressed(suppression)),
                // Lifted in between; the next sweep takes it.
                None => Ok(Taken::Gone),
            },
        }
    }

    /// Notes how handing over a taken mail ended. A report may have been faster: it knows more, and stays.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn mail_handed(
        &self,
        mail: &Outgoing,
        reseller: &ResellerId,
        ended: &Handed,
        now: Timestamp,
    ) -> Result<()> {
        let key = keys::mail(&mail.whose, &mail.id);
        let moved = |state: Posted, more: &str| {
            let set = format!("SET #state = :to, since = :now{more}");
            let write = self.update(&key, &set).when("#state = :sending");
            write
                .with(":to", text(state.name()))
                .with(":sending", text(Posted::Sending.name()))
                .with(":now", text(now.to_string()))
        };
        const OVER: &str = " REMOVE pending_shard, pending_since";
        match ended {
            Handed::Sent(message) => {
                let sent = moved(Posted::Sent, &format!(", message = :message{OVER}"));
                if self.write(sent.with(":message", text(message))).await? {
                    return Ok(());
                }
                let known = self
                    .update(&key, "SET message = if_not_exists(message, :message)")
                    .when("attribute_exists(pk)")
                    .with(":message", text(message));
                self.write(known).await.map(drop)
            }
            Handed::Back(why) => {
                let held = moved(
                    Posted::Held,
                    ", why = :why, pending_shard = :shard, pending_since = :since",
                );
                let held = held
                    .with(":why", text(why))
                    .with(":shard", text(keys::mail_shard(&mail.whose)))
                    .with(":since", text(mail.id.as_str()));
                self.write(held).await.map(drop)
            }
            Handed::Refused(why) | Handed::Unknown(why) => {
                let (state, task) = match ended {
                    Handed::Refused(_) => (Posted::Rejected, super::tasks::refused(mail, why, now)),
                    _ => (Posted::Unknown, super::tasks::unknown(mail, why, now)),
                };
                let over = moved(state, &format!(", why = :why{OVER}")).with(":why", text(why));
                let writes = vec![over.build()?, self.task_opened(reseller, &task)?];
                self.transact(writes).await.map(drop)
            }
        }
    }

    /// A mail that waits goes on waiting, for a reason: until `due` where that is given, else until the next sweep.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn hold_mail(&self, mail: &Outgoing, why: &str, until: Option<Timestamp>, now: Timestamp) -> Result<()> {
        let since = until.map_or_else(|| mail.id.as_str().to_owned(), due);
        let set = "SET #state = :held, why = :why, since = :now, pending_since = :since";
        let held = self
            .waiting(mail, set)
            .and_when("(attribute_not_exists(why) OR why <> :why OR pending_since <> :since)")
            .with(":why", text(why))
            .with(":now", text(now.to_string()))
            .with(":since", text(since));
        self.write(held).await.map(drop)
    }

    /// A mail that waits ends without leaving: its moment is over, or its address gets no more mail. `false` where it does
    /// not wait any more.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn end_mail(
        &self,
        mail: &Outgoing,
        end: Posted,
        why: &str,
        follows: Follows<'_>,
        now: Timestamp,
    ) -> Result<bool> {
        let set = "SET #state = :end, why = :why, since = :now REMOVE pending_shard, pending_since";
        let ended = self
            .waiting(mail, set)
            .with(":end", text(end.name()))
            .with(":why", text(why))
            .with(":now", text(now.to_string()));
        let mut writes = vec![ended.build()?];
        if let Some(entry) = follows.entry {
            writes.push(self.mail_audited(mail, entry)?);
        }
        if let Some((reseller, task)) = follows.task {
            writes.push(self.task_opened(reseller, task)?);
        }
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// An entry in the trail of whom the mail is about.
    fn mail_audited(&self, mail: &Outgoing, entry: &Entry) -> Result<TransactWriteItem> {
        match &mail.whose {
            Whose::Enterprise(id) => self.audited(id, entry),
            Whose::Reseller(id) => self.reseller_audited(id, entry),
        }
    }

    fn waiting(&self, mail: &Outgoing, set: &str) -> Write<'_> {
        self.update(&keys::mail(&mail.whose, &mail.id), set)
            .when("#state IN (:queued, :held)")
            .with(":queued", text(Posted::Queued.name()))
            .with(":held", text(Posted::Held.name()))
    }

    /// Notes what SES reports of a mail, and what that brings about, all or nothing. Reports may come twice, late, in any
    /// order, and about another mail.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn mail_reported(
        &self,
        posting: &Posting,
        reseller: &ResellerId,
        report: &Reported<'_>,
    ) -> Result<Noted> {
        let mail = &posting.mail;
        let from = report.to.reported_from();
        let names: Vec<String> = (0..from.len()).map(|at| format!(":from{at}")).collect();
        let why = if report.why.is_some() { ", why = :why" } else { "" };
        let no_why = if report.why.is_some() { "" } else { ", why" };
        let set = format!(
            "SET #state = :to, since = :at, message = :message{why} REMOVE pending_shard, pending_since{no_why}"
        );
        let condition = format!(
            "#state IN ({}) AND (attribute_not_exists(message) OR message = :message)",
            names.join(", ")
        );
        let mut moved = self
            .update(&keys::mail(&mail.whose, &mail.id), &set)
            .when(&condition)
            .with(":to", text(report.to.name()))
            .with(":at", text(report.at.to_string()))
            .with(":message", text(report.message));
        if let Some(why) = report.why {
            moved = moved.with(":why", text(why));
        }
        for (name, state) in names.iter().zip(from) {
            moved = moved.with(name, text(state.name()));
        }
        let mut writes = vec![moved.build()?];
        if let Some(kept) = report.enterprise {
            let unmoved = self.check(&keys::enterprise(&kept.id), "version = :version");
            writes.push(unmoved.with(":version", number(kept.version)).build()?);
        }
        if let Some(suppression) = report.stops {
            writes.push(
                self.put(&keys::suppression(reseller, &suppression.id), suppression)?
                    .build()?,
            );
        }
        if let Some(task) = report.task {
            writes.push(self.task_opened(reseller, task)?);
        }
        if matches!(posting.state, Posted::Sending | Posted::Unknown) {
            // Whatever is reported, it has left.
            let unknown = super::tasks::unknown(mail, "", report.at);
            writes.push(self.task_closed(reseller, &unknown.id)?);
        }
        if let Some(entry) = report.entry {
            writes.push(self.mail_audited(mail, entry)?);
        }
        Ok(match self.transact(writes).await? {
            Outcome::Written => Noted::Moved,
            Outcome::Failed(failed) if failed.contains(&0) => Noted::Late,
            Outcome::Failed(_) => Noted::Again,
        })
    }

    /// Says of a mail whose taker has died that nobody knows; `false` where its end was noted meanwhile.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn mail_lost(&self, posting: &Posting, reseller: &ResellerId, now: Timestamp) -> Result<bool> {
        let mail = &posting.mail;
        let set = "SET #state = :unknown, since = :now, why = :why REMOVE pending_shard, pending_since";
        let lost = self
            .update(&keys::mail(&mail.whose, &mail.id), set)
            .when("#state = :sending AND since = :since")
            .with(":unknown", text(Posted::Unknown.name()))
            .with(":sending", text(Posted::Sending.name()))
            .with(":since", text(posting.since.to_string()))
            .with(":now", text(now.to_string()))
            .with(":why", text(NOBODY_KNOWS));
        let task = super::tasks::unknown(mail, NOBODY_KNOWS, now);
        let writes = vec![lost.build()?, self.task_opened(reseller, &task)?];
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// One mail.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn mail(&self, whose: &Whose, mail: &MailId) -> Result<Option<Posting>> {
        let item: Option<MailItem> = self.get(&keys::mail(whose, mail)).await?;
        Ok(item.map(Posting::from))
    }

    /// A page of the mails about an enterprise, or of a reseller's own, newest first, after the mail `after`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn mails(
        &self,
        whose: &Whose,
        after: Option<&MailId>,
        limit: u16,
    ) -> Result<(Vec<Posting>, Option<MailId>)> {
        let after = after.map(|mail| keys::mail(whose, mail).sk);
        let (items, next) = self
            .page::<MailItem>(
                &keys::mail_partition(whose),
                keys::MAIL,
                after,
                Some(i32::from(limit)),
                false,
            )
            .await?;
        let mails: Vec<Posting> = items.into_iter().map(Posting::from).collect();
        let next = next.and_then(|_| mails.last().map(|posting| posting.mail.id.clone()));
        Ok((mails, next))
    }

    /// The next portion of the mails that wait and whose time has come; nothing after the last.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn waiting_mails(&self, queue: &mut Queue, now: Timestamp) -> Result<Option<Vec<Outgoing>>> {
        if queue.ended {
            return Ok(None);
        }
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(keys::PENDING_INDEX)
            .key_condition_expression("pending_shard = :shard")
            .expression_attribute_values(":shard", text(keys::mail_shard_named(queue.shard)))
            .limit(PORTION)
            .set_exclusive_start_key(queue.after.take());
        let answer = Box::pin(query.send())
            .await
            .map_err(|error| Error::upstream("read the pending index", error))?;
        queue.after = answer.last_evaluated_key;
        queue.ended = queue.after.is_none();
        let now = due(now);
        // Times begin with a digit, ids do not.
        let comes = |item: &Attributes| {
            let since = item.get(keys::PENDING_SINCE).and_then(|since| since.as_s().ok());
            since.is_none_or(|since| !since.starts_with(|c: char| c.is_ascii_digit()) || *since <= now)
        };
        let items = answer.items.unwrap_or_default().into_iter().filter(comes);
        let mails = items.map(|item| decoded::<MailItem>(item).map(|item| item.mail));
        mails.collect::<Result<_>>().map(Some)
    }

    /// The mails of one shard whose taker must have died.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn lost_mails(&self, shard: u8, now: Timestamp) -> Result<Vec<Posting>> {
        let until = due(now - HAND_OVER_LIFE);
        let items = self.indexed(&keys::handed_shard_named(shard), Some(&until)).await?;
        items
            .into_iter()
            .map(|item| decoded::<MailItem>(item).map(Posting::from))
            .collect()
    }
}

/// The mails of one shard of the index that wait, read in portions.
#[derive(Debug)]
pub struct Queue {
    shard: u8,
    after: Option<Attributes>,
    ended: bool,
}

impl Queue {
    /// From the longest waiting on.
    #[must_use]
    pub fn new(shard: u8) -> Self {
        Self {
            shard,
            after: None,
            ended: false,
        }
    }
}

/// A moment as the index sorts it.
fn due(at: Timestamp) -> String {
    format!("{at:.3}")
}
