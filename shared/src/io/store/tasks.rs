//! A reseller's open tasks. One that is done is deleted; the audit trail says who did it, or what ended it.

use super::{Outcome, Store, keys};
use crate::domain::audit::Entry;
use crate::domain::ids::{EnterpriseId, ResellerId, TaskId};
use crate::domain::letter::Outgoing;
use crate::domain::task::{Task, TaskKind};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;

/// The key of a task: of each kind there is one for an enterprise and what `key` names in it.
#[must_use]
pub fn id_of(kind: TaskKind, enterprise: Option<&EnterpriseId>, key: &str) -> TaskId {
    let about = enterprise.map(EnterpriseId::as_str).unwrap_or_default();
    let text = format!("{}#{about}#{key}", kind.name());
    TaskId::mint(Timestamp::UNIX_EPOCH, super::suppressions::number_of(&text))
}

/// A task of which there is one for an enterprise, or for the reseller.
#[must_use]
pub fn task_of(
    kind: TaskKind,
    enterprise: Option<&EnterpriseId>,
    subject: impl Into<String>,
    why: impl Into<String>,
    since: Timestamp,
) -> Task {
    Task {
        id: id_of(kind, enterprise, ""),
        kind,
        enterprise: enterprise.cloned(),
        subject: subject.into(),
        why: why.into(),
        since,
    }
}

/// Nobody knows whether this mail left.
pub(super) fn unknown(mail: &Outgoing, why: &str, now: Timestamp) -> Task {
    about_mail(TaskKind::MailUnknown, mail, why, now)
}

/// This mail cannot be sent as it is.
pub(super) fn refused(mail: &Outgoing, why: &str, now: Timestamp) -> Task {
    about_mail(TaskKind::MailRefused, mail, why, now)
}

fn about_mail(kind: TaskKind, mail: &Outgoing, why: &str, now: Timestamp) -> Task {
    let enterprise = mail.whose.enterprise();
    Task {
        id: id_of(kind, enterprise, mail.id.as_str()),
        kind,
        enterprise: enterprise.cloned(),
        subject: mail.to.to_string(),
        why: why.to_owned(),
        since: now,
    }
}

impl Store {
    /// The write of an open task, for the transaction of its cause. One that is open already says the newest.
    pub(super) fn task_opened(&self, reseller: &ResellerId, task: &Task) -> Result<TransactWriteItem> {
        self.put(&keys::task(reseller, &task.id), task)?.build()
    }

    /// The write that ends a task, for the transaction of what ends it; it need not be open.
    pub(super) fn task_closed(&self, reseller: &ResellerId, task: &TaskId) -> Result<TransactWriteItem> {
        self.delete(&keys::task(reseller, task)).build()
    }

    /// Opens a task on its own.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn open_task(&self, reseller: &ResellerId, task: &Task) -> Result<()> {
        let write = self.task_opened(reseller, task)?;
        self.transact(vec![write]).await.map(drop)
    }

    /// What a task asked for is done; it need not be open.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn task_done(
        &self,
        reseller: &ResellerId,
        kind: TaskKind,
        enterprise: Option<&EnterpriseId>,
    ) -> Result<()> {
        let write = self.task_closed(reseller, &id_of(kind, enterprise, ""))?;
        self.transact(vec![write]).await.map(drop)
    }

    /// A page of a reseller's open tasks, in the order of their keys.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn tasks(
        &self,
        reseller: &ResellerId,
        after: Option<&TaskId>,
        limit: u16,
    ) -> Result<(Vec<Task>, Option<TaskId>)> {
        let after = after.map(|id| keys::task(reseller, id).sk);
        let pk = keys::reseller_partition(reseller);
        let (tasks, next) = self
            .page::<Task>(&pk, keys::TASK, after, Some(i32::from(limit)), true)
            .await?;
        let next = next.and_then(|_| tasks.last().map(|task| task.id.clone()));
        Ok((tasks, next))
    }

    /// One open task.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn task(&self, reseller: &ResellerId, id: &TaskId) -> Result<Task> {
        let found = self.get(&keys::task(reseller, id)).await?;
        found.ok_or(Error::NotFound("task"))
    }

    /// Somebody says that a task is done.
    ///
    /// # Errors
    /// `NotFound` where it is not open any more.
    pub async fn close_task(&self, reseller: &ResellerId, id: &TaskId, entry: &Entry) -> Result<()> {
        let done = self.delete(&keys::task(reseller, id)).when("attribute_exists(pk)");
        let writes = vec![done.build()?, self.reseller_audited(reseller, entry)?];
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::NotFound("task")),
        }
    }
}
