//! What may leave, and what has left: the switches of the service and of a reseller, the days of a reseller's mails, and the
//! days of the mails to one address.

use super::keys::{self, EXPIRES, Key};
use super::{Outcome, Store, attributes, number, text};
use crate::domain::audit::Entry;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{AuditId, MailId, ResellerId};
use crate::domain::letter::Class;
use crate::domain::mail_limits::{RECIPIENT_DAY, RECIPIENT_DAY_NOTICES, Sending, Tally, WINDOW_DAYS, day};
use crate::domain::task::Task;
use crate::error::{Error, Result};
use crate::io::vault::sha256;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Deserialize;

/// A reseller's days are kept for a while after their window.
const DAYS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The days of an address only count while they last.
const RECIPIENT_KEPT: SignedDuration = SignedDuration::from_hours(2 * 24);

#[derive(Default, Deserialize)]
struct DayItem {
    #[serde(default)]
    sent: u64,
    #[serde(default)]
    bounced: u64,
    #[serde(default)]
    complained: u64,
}

/// What became of a mail, as the days count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Came back for good.
    Bounced,
    /// Unwanted.
    Complained,
}

/// Whether a mail fits into the day of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It does, and was not counted before.
    New,
    /// It was counted before.
    Had,
    /// The day is full.
    Full,
}

impl Store {
    /// The switch of the whole service.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn sending(&self) -> Result<Sending> {
        Ok(self.get(&keys::sending()).await?.unwrap_or_default())
    }

    /// The switch of a reseller.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn reseller_sending(&self, reseller: &ResellerId) -> Result<Sending> {
        Ok(self.get(&keys::reseller_sending(reseller)).await?.unwrap_or_default())
    }

    /// Sets the switch of the whole service that was read as the version before.
    ///
    /// # Errors
    /// `Stale`.
    pub async fn set_sending(&self, sending: &Sending, entry: &Entry) -> Result<()> {
        let write = self.put(&keys::sending(), sending)?.when_version(sending.version - 1);
        self.switched(vec![write.build()?, self.service_audited(entry)?]).await
    }

    /// The same of a reseller; what the breaker asked for is done with it.
    ///
    /// # Errors
    /// `Stale`.
    pub async fn set_reseller_sending(&self, reseller: &ResellerId, sending: &Sending, entry: &Entry) -> Result<()> {
        let write = self
            .put(&keys::reseller_sending(reseller), sending)?
            .when_version(sending.version - 1);
        let held = super::tasks::id_of(crate::domain::task::TaskKind::MailHeld, None, "");
        let writes = vec![
            write.build()?,
            self.reseller_audited(reseller, entry)?,
            self.task_closed(reseller, &held)?,
        ];
        self.switched(writes).await
    }

    async fn switched(&self, writes: Vec<aws_sdk_dynamodb::types::TransactWriteItem>) -> Result<()> {
        match self.transact(writes).await? {
            Outcome::Written => Ok(()),
            Outcome::Failed(_) => Err(Error::Stale("the switch")),
        }
    }

    /// The breaker of a reseller opens, unless it is open; `false` where it was.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn trip(&self, reseller: &ResellerId, before: &Sending, task: &Task, entry: &Entry) -> Result<bool> {
        let tripped = Sending {
            tripped: Some(entry.at),
            version: before.version + 1,
            ..before.clone()
        };
        let write = self
            .put(&keys::reseller_sending(reseller), &tripped)?
            .when_version(before.version);
        let writes = vec![
            write.build()?,
            self.task_opened(reseller, task)?,
            self.reseller_audited(reseller, entry)?,
        ];
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// A page of the trail of what concerns all resellers, newest first.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn service_trail(&self, after: Option<&AuditId>, limit: u16) -> Result<(Vec<Entry>, Option<AuditId>)> {
        self.trail(keys::SERVICE_AUDIT, after, limit).await
    }

    /// Takes a mail's place in the day of its address.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn place_for(
        &self,
        address: &EmailAddress,
        mail: &MailId,
        class: Class,
        now: Timestamp,
    ) -> Result<Place> {
        let key = keys::recipient_day(&sha256(address.as_str().to_ascii_lowercase()), day(now));
        let one = || AttributeValue::Ss(vec![mail.to_string()]);
        let mut values = vec![
            (":one", one()),
            (":mail", text(mail.as_str())),
            (":most", number(RECIPIENT_DAY)),
            (":ends", number((now + RECIPIENT_KEPT).as_second())),
        ];
        let free = "(attribute_not_exists(mails) OR (size(mails) < :most AND NOT contains(mails, :mail)))";
        let (expression, condition) = match class {
            Class::Transactional => ("ADD mails :one SET expires = :ends", free.to_owned()),
            Class::Notice => {
                values.push((":notices", number(RECIPIENT_DAY_NOTICES)));
                let fewer = "(attribute_not_exists(notices) OR size(notices) < :notices)";
                (
                    "ADD mails :one, notices :one SET expires = :ends",
                    format!("{free} AND {fewer}"),
                )
            }
        };
        if self.counted(&key, expression, &condition, values).await? {
            return Ok(Place::New);
        }
        let item = self.get_attributes(&key).await?.unwrap_or_default();
        let had = item.get("mails").and_then(|mails| mails.as_ss().ok());
        let had = had.is_some_and(|mails| mails.iter().any(|one| one == mail.as_str()));
        Ok(if had { Place::Had } else { Place::Full })
    }

    /// Counts one more mail of a reseller today; `false` where the day is full.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn count_sent(&self, reseller: &ResellerId, most: u32, now: Timestamp) -> Result<bool> {
        let values = vec![
            (":one", number(1)),
            (":most", number(most)),
            (":ends", number((now + DAYS_KEPT).as_second())),
        ];
        let key = keys::mail_day(reseller, day(now));
        let fits = "attribute_not_exists(sent) OR sent < :most";
        self.counted(&key, "ADD sent :one SET expires = :ends", fits, values)
            .await
    }

    /// Counts what became of a mail.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn count_trouble(&self, reseller: &ResellerId, what: Counted, now: Timestamp) -> Result<()> {
        let values = vec![(":one", number(1)), (":ends", number((now + DAYS_KEPT).as_second()))];
        let expression = match what {
            Counted::Bounced => "ADD bounced :one SET expires = :ends",
            Counted::Complained => "ADD complained :one SET expires = :ends",
        };
        let key = keys::mail_day(reseller, day(now));
        let always = "attribute_exists(pk) OR attribute_not_exists(pk)";
        self.counted(&key, expression, always, values).await.map(drop)
    }

    /// What became of a reseller's mails over the days of the breaker's window.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn tally(&self, reseller: &ResellerId, now: Timestamp) -> Result<Tally> {
        let first = day(now).saturating_sub((WINDOW_DAYS - 1).days());
        // The place just before the first day of the window.
        let before = first.yesterday().ok().map(|day| keys::mail_day(reseller, day).sk);
        let pk = keys::reseller_partition(reseller);
        let most = Some(WINDOW_DAYS);
        let (days, _) = self.page::<DayItem>(&pk, keys::MAIL_DAY, before, most, true).await?;
        Ok(days.iter().fold(Tally::default(), |sum, day| Tally {
            sent: sum.sent + day.sent,
            bounced: sum.bounced + day.bounced,
            complained: sum.complained + day.complained,
        }))
    }

    /// One update on its own, without a transaction: many workers make it at once, and the table puts them in a row.
    async fn counted(
        &self,
        key: &Key,
        expression: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<bool> {
        debug_assert!(expression.contains(EXPIRES));
        let mut call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes(key)))
            .update_expression(expression)
            .condition_expression(condition);
        for (name, value) in values {
            call = call.expression_attribute_values(name, value);
        }
        match Box::pin(call.send()).await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(Error::upstream("count a mail", error)),
        }
    }
}
