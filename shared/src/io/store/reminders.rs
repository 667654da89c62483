//! Reminders: a note of each local day, and the ledger that every note moves (R165). A day's claim and its mail are one
//! transaction, on condition that nothing has changed since it was decided (`infra/decisions/0031-one-reminder-a-day.md`).

use super::{Outcome, Store, keys, number};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, MailId, ResellerId};
use crate::domain::letter::Outgoing;
use crate::domain::reminded::{Day, Done, Ledger, Notes, Why};
use crate::domain::reminding::Addressee;
use crate::domain::sync_status::SyncStatus;
use crate::domain::task::Task;
use crate::domain::visit::Link;
use crate::error::Result;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Notes are kept for as long as anybody might ask why a mail went out or did not.
const NOTE_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A claim that was made before there were notes has only its claimant and its time.
#[derive(Serialize, Deserialize)]
struct DayItem {
    /// Read with the item; its key says it when it is written.
    #[serde(default, skip_serializing)]
    sk: String,
    claimant: String,
    at: Timestamp,
    /// Why there was none. Its presence is what lets the day be claimed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<ClaimItem>,
}

#[derive(Serialize, Deserialize)]
struct ClaimItem {
    mail: MailId,
    to: Addressee,
    failed: bool,
    until: Timestamp,
}

impl From<&Day> for DayItem {
    fn from(day: &Day) -> Self {
        let (why, claim) = match &day.done {
            Done::Skipped { why } => (Some(*why), None),
            Done::Claimed {
                mail,
                to,
                failed,
                until,
            } => {
                let claim = ClaimItem {
                    mail: mail.clone(),
                    to: to.clone(),
                    failed: *failed,
                    until: *until,
                };
                (None, Some(claim))
            }
            Done::Unknown => (None, None),
        };
        Self {
            sk: String::new(),
            claimant: day.event.clone(),
            at: day.at,
            why,
            claim,
        }
    }
}

impl DayItem {
    fn day(self) -> Option<Day> {
        let day: Date = self.sk.strip_prefix(keys::REMINDED)?.parse().ok()?;
        let done = match (self.claim, self.why) {
            (Some(claim), _) => Done::Claimed {
                mail: claim.mail,
                to: claim.to,
                failed: claim.failed,
                until: claim.until,
            },
            (None, Some(why)) => Done::Skipped { why },
            (None, None) => Done::Unknown,
        };
        Some(Day {
            day,
            at: self.at,
            event: self.claimant,
            done,
        })
    }
}

/// What a claim leads to, written with it.
#[derive(Debug, Default)]
pub struct Consequences<'a> {
    /// Mails, the reminder first.
    pub mails: &'a [Outgoing],
    /// The reseller's task.
    pub task: Option<(&'a ResellerId, &'a Task)>,
    /// The link that the reminder carries, by its hash, and when it ends.
    pub link: Option<(&'a str, Link, Timestamp)>,
}

impl Store {
    /// What the next reminder follows from.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn reminder_ledger(&self, enterprise: &EnterpriseId) -> Result<Ledger> {
        Ok(self.get(&keys::reminder_ledger(enterprise)).await?.unwrap_or_default())
    }

    /// The notes of days, newest first, those before `before` where it is given.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn reminder_days(
        &self,
        enterprise: &EnterpriseId,
        before: Option<Date>,
        limit: u16,
    ) -> Result<(Vec<Day>, Option<Date>)> {
        let pk = keys::enterprise_partition(enterprise);
        let before = before.map(|day| keys::reminded(enterprise, day).sk);
        let (items, next) = self
            .page::<DayItem>(&pk, keys::REMINDED, before, Some(i32::from(limit)), false)
            .await?;
        let next = next.and_then(|sk| sk.strip_prefix(keys::REMINDED)?.parse().ok());
        Ok((items.into_iter().filter_map(DayItem::day).collect(), next))
    }

    /// Writes notes with the ledger that follows from them, which was read at its version. `false` where somebody else
    /// was faster, or where enterprise or status are no longer what was read; nothing is written then.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn note_reminders(
        &self,
        kept: &Enterprise,
        status: &SyncStatus,
        notes: &Notes,
        consequences: Consequences<'_>,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, ledger) = (&kept.id, &notes.ledger);
        let moved = Ledger {
            version: ledger.version + 1,
            ..ledger.clone()
        };
        let unmoved = |key: &keys::Key, version: u64| self.check(key, "version = :seen").with(":seen", number(version));
        let mut writes = vec![
            self.put(&keys::reminder_ledger(id), &moved)?
                .when_version(ledger.version)
                .build()?,
            unmoved(&keys::enterprise(id), kept.version).build()?,
            unmoved(&keys::sync_status(id), status.version).build()?,
        ];
        for day in &notes.days {
            let note = self.put(&keys::reminded(id, day.day), &DayItem::from(day))?;
            // A day that was let pass can still be claimed; one that was claimed stays so.
            let note = note.when("attribute_not_exists(pk) OR attribute_exists(why)");
            writes.push(note.until(day.at.max(now) + NOTE_LIFE).build()?);
        }
        for mail in consequences.mails {
            writes.push(self.queued(mail, now)?);
        }
        if let Some((reseller, task)) = consequences.task {
            writes.push(self.task_opened(reseller, task)?);
        }
        if let Some((hash, to, until)) = consequences.link {
            writes.push(self.link_write(hash, to, until)?);
        }
        Ok(self.transact(writes).await? == Outcome::Written)
    }
}
