//! What schedules start: one enterprise's daily reminder, a reseller's digest, the one look at what may sync unattended, and the daily sweep over
//! all that wait.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::ids::{EnterpriseId, ResellerId};
use shared::io::Io;
use shared::run::{self, digest, remind, sweep};

/// What a schedule sends.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// The daily schedule of one enterprise.
    Reminder {
        /// Whose.
        enterprise: EnterpriseId,
        /// The scheduled time: the same for every repetition of one event.
        scheduled: String,
    },
    /// The one look at what may sync unattended.
    Look {
        /// Whose.
        unattended: EnterpriseId,
        /// The scheduled time: the same for every repetition of one event.
        scheduled: Timestamp,
    },
    /// The schedule of a reseller's digest.
    Digest {
        /// Whose.
        digest: ResellerId,
    },
    /// Every few minutes: the mails that wait.
    Outbox {
        /// Always true.
        outbox: bool,
    },
    /// The daily sweep.
    Sweep {
        /// Always true.
        sweep: bool,
        /// When it was to begin; absent where somebody starts it by hand.
        #[serde(default)]
        scheduled: Option<Timestamp>,
        /// The shards of the index are left to calls of their own, which this one makes.
        #[serde(default)]
        spread: bool,
        /// This is such a call, for one shard.
        #[serde(default)]
        shard: Option<u8>,
    },
}

/// Handles one event; it may come more than once.
///
/// # Errors
/// What EventBridge should try again for.
pub async fn handle(io: &Io, event: LambdaEvent<Event>) -> Result<Value, Error> {
    Ok(match event.payload {
        Event::Reminder { enterprise, scheduled } => {
            let reminded = remind::remind(io, &enterprise, &scheduled, io.clock.now()).await?;
            tracing::info!(enterprise.id = %enterprise, reminder.outcome = ?reminded, "a reminder was due");
            json!({ "reminded": reminded })
        }
        Event::Look { unattended, scheduled } => {
            let looked = run::unattended::look(io, &unattended, scheduled, io.clock.now()).await?;
            tracing::info!(enterprise.id = %unattended, look.outcome = ?looked, "a look was due");
            json!({ "looked": looked })
        }
        Event::Digest { digest: reseller } => {
            let digested = digest::digest(io, &reseller, io.clock.now()).await?;
            tracing::info!(reseller.id = %reseller, digest.outcome = ?digested, "a digest was due");
            json!({ "digested": digested })
        }
        Event::Outbox { outbox: true } => {
            let swept = run::post::sweep(io).await?;
            tracing::info!(
                sent = swept.sent,
                held = swept.held,
                unknown = swept.unknown,
                failed = swept.failed,
                "swept over the mails that wait"
            );
            json!({ "mails": swept })
        }
        Event::Outbox { outbox: false } => json!({ "mails": null }),
        Event::Sweep {
            sweep: true,
            scheduled,
            spread,
            shard,
        } => {
            let part = match (shard, spread) {
                (Some(shard), _) => sweep::Part::Shard(shard),
                (None, true) => sweep::Part::Spread,
                (None, false) => sweep::Part::All,
            };
            let swept = sweep::sweep(io, part, scheduled).await?;
            tracing::info!(
                pending = swept.pending,
                failed = swept.failed,
                "swept over what is pending"
            );
            json!({ "swept": swept })
        }
        Event::Sweep { sweep: false, .. } => json!({ "swept": null }),
    })
}
