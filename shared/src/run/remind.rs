//! The daily reminder of one enterprise, and the daily sweep that heals what is out of step (R163-R169).

use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseId;
use crate::domain::letter::Whose;
use crate::domain::schedule;
use crate::domain::sync_status::SyncStatus;
use crate::error::Chain;
use crate::error::Result;
use crate::io::Io;
use crate::io::mailer::Letter;
use crate::io::store::keys::PENDING_SHARDS;
use crate::mail::Reader;
use crate::plan::remind::{Reminder, remind as decide};
use crate::run::mails::{self, Addressee};
use crate::run::{account, post, unattended};
use jiff::Timestamp;

/// What an event led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reminded {
    /// One mail went out.
    Sent,
    /// Today's mail went out before, or somebody else is sending it.
    AlreadyToday,
    /// Nothing is pending; the schedule is gone.
    NothingPending,
}

/// Sends today's reminder, if there is something to remind of and nobody has done so today. `event` names the
/// schedule's event; whatever is repeated or replayed, one local day brings one mail.
///
/// # Errors
/// `Upstream`. Once the day is claimed it stays claimed: a mail that may have gone is not sent again.
pub async fn remind(io: &Io, enterprise: &EnterpriseId, event: &str, now: Timestamp) -> Result<Reminded> {
    let kept = match io.store.enterprise(enterprise).await {
        Ok(kept) => kept,
        Err(crate::Error::NotFound(_)) => {
            io.scheduler.remove(enterprise).await?;
            return Ok(Reminded::NothingPending);
        }
        Err(error) => return Err(error),
    };
    let status = io.store.sync_status(enterprise).await?;
    let reminder = decide(&kept.standing, &kept.sync_switch, &kept.setup, &status);
    if reminder == Reminder::Nothing {
        io.scheduler.remove(enterprise).await?;
        return Ok(Reminded::NothingPending);
    }
    let zone = schedule::zone(&kept.settings.time_zone)?;
    // What the mail says is gathered before the day is claimed, so that a failure here can be tried again.
    let to = Addressee {
        name: kept.global_admin.display_name().into(),
        reader: Reader::GlobalAdmin,
    };
    let Some(written) = mails::reminder(io, &kept, &status, reminder, &to, None).await? else {
        return Ok(Reminded::NothingPending);
    };
    let (brand, mail) = (&written.brand, &written.mail);
    if !io
        .store
        .claim_reminder(enterprise, schedule::local_day(now, &zone), event, now)
        .await?
    {
        return Ok(Reminded::AlreadyToday);
    }
    let id = crate::domain::ids::MailId::mint(now, io.chance.bits());
    io.mailer
        .send(&Letter {
            id: &id,
            whose: &Whose::Enterprise(enterprise.clone()),
            reseller: kept.reseller.as_str(),
            tenant: None,
            from_name: &brand.product_name,
            from: brand.sender.as_ref().unwrap_or(&io.config.mail_from),
            reply_to: brand.reply_to.as_ref(),
            to: &kept.global_admin.email,
            subject: &mail.subject,
            text: &mail.text,
            html: &mail.html,
            kind: written.kind.name(),
            invitation: None,
            unsubscribe: None,
        })
        .await
        .map_err(|unsent| crate::Error::upstream("send a mail", unsent))?;
    Ok(Reminded::Sent)
}

/// Creates or removes the enterprise's schedules, as its status asks for.
///
/// # Errors
/// `Upstream`.
pub async fn keep_schedule(io: &Io, kept: &Enterprise, status: &SyncStatus) -> Result<()> {
    unattended::keep_schedule(io, kept, status).await?;
    if decide(&kept.standing, &kept.sync_switch, &kept.setup, status) == Reminder::Nothing {
        io.scheduler.remove(&kept.id).await
    } else {
        io.scheduler.ensure(&kept.id, &kept.settings.time_zone).await
    }
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Enterprises that wait for their Global Admin.
    pub pending: usize,
    /// Enterprises whose trial is over; what that changes waits for a sync.
    pub trials_over: usize,
    /// Mails that had been left waiting and are sent now.
    pub mails: usize,
    /// What could not be seen to; it is tried again tomorrow.
    pub failed: usize,
}

/// Once a day: every enterprise in the pending index has its schedule, ended trials have their consequences, and mails
/// that were left are sent. One failure does not stop the others.
///
/// # Errors
/// `Upstream` where the index cannot be read.
pub async fn sweep(io: &Io) -> Result<Swept> {
    let mut swept = Swept::default();
    for shard in 0..PENDING_SHARDS {
        for enterprise in io.store.pending_enterprises(shard).await? {
            swept.pending += 1;
            if let Err(error) = heal(io, &enterprise).await {
                swept.failed += 1;
                tracing::error!(enterprise.id = %enterprise, error.message = %Chain(&error), "the reminder's schedule could not be seen to");
            }
        }
        for enterprise in io.store.trials_over(shard, io.clock.now()).await? {
            swept.trials_over += 1;
            if let Err(error) = trial_over(io, &enterprise).await {
                swept.failed += 1;
                tracing::error!(enterprise.id = %enterprise, error.message = %Chain(&error), "the end of a trial could not be seen to");
            }
        }
    }
    let mails = post::sweep(io).await?;
    swept.mails = mails.sent;
    swept.failed += mails.failed;
    Ok(swept)
}

/// The licences of a trial go away with it (R029): what is mapped has to be taken back by a sync.
async fn trial_over(io: &Io, enterprise: &EnterpriseId) -> Result<()> {
    let kept = io.store.enterprise(enterprise).await?;
    account::refresh_pending(io, &kept, io.clock.now()).await.map(drop)
}

async fn heal(io: &Io, enterprise: &EnterpriseId) -> Result<()> {
    let kept = io.store.enterprise(enterprise).await?;
    let status = io.store.sync_status(enterprise).await?;
    keep_schedule(io, &kept, &status).await
}
