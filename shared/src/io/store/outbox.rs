//! Mails that wait to be sent. Each is written in the transaction of its cause and leaves at most once.

use super::{Store, keys, text};
use crate::domain::ids::{EnterpriseId, MailId};
use crate::domain::letter::{Outgoing, Posted};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct MailItem {
    mail: Outgoing,
    state: Posted,
    at: Timestamp,
}

impl Store {
    /// The write of a mail that waits, for the transaction of its cause.
    pub(super) fn queued(&self, mail: &Outgoing, now: Timestamp) -> Result<TransactWriteItem> {
        let item = MailItem {
            mail: mail.clone(),
            state: Posted::Queued,
            at: now,
        };
        self.put(&keys::mail(&mail.enterprise, &mail.id), &item)?
            .and(keys::PENDING_SHARD, Some(text(keys::mail_shard(&mail.enterprise))))
            .and(keys::PENDING_SINCE, Some(text(mail.id.as_str())))
            .when_absent()
            .build()
    }

    /// Takes a mail that waits, to send it; `false` where somebody else has taken it.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn take_mail(&self, enterprise: &EnterpriseId, mail: &MailId) -> Result<bool> {
        let key = keys::mail(enterprise, mail);
        let taken = self
            .update(&key, "SET #state = :sending REMOVE pending_shard, pending_since")
            .when("#state = :queued")
            .with(":sending", text("sending"))
            .with(":queued", text("queued"));
        self.write(taken).await
    }

    /// Notes how sending a taken mail ended: it is sent, or it waits again.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn mail_left(&self, enterprise: &EnterpriseId, mail: &MailId, sent: bool) -> Result<()> {
        let key = keys::mail(enterprise, mail);
        let write = if sent {
            self.update(&key, "SET #state = :to").with(":to", text("sent"))
        } else {
            let again = "SET #state = :to, pending_shard = :shard, pending_since = :since";
            self.update(&key, again)
                .with(":to", text("queued"))
                .with(":shard", text(keys::mail_shard(enterprise)))
                .with(":since", text(mail.as_str()))
        };
        self.write(write.when("#state = :sending").with(":sending", text("sending")))
            .await
            .map(drop)
    }

    /// The mails of an enterprise, newest first, with how far each is; at most `limit`.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn mails(&self, enterprise: &EnterpriseId, limit: u16) -> Result<Vec<(Outgoing, Posted)>> {
        let pk = keys::enterprise_partition(enterprise);
        let (items, _) = self
            .page::<MailItem>(&pk, keys::MAIL, None, Some(i32::from(limit)), false)
            .await?;
        Ok(items.into_iter().map(|item| (item.mail, item.state)).collect())
    }

    /// The mails of one shard that wait.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn waiting_mails(&self, shard: u8) -> Result<Vec<Outgoing>> {
        let shard = keys::shard(shard).replacen("PENDING", "MAIL", 1);
        let items = self.indexed(&shard, None).await?;
        items
            .into_iter()
            .map(|item| super::decoded::<MailItem>(item).map(|item| item.mail))
            .collect::<Result<_, Error>>()
    }
}
