//! What schedules start: one enterprise's daily reminder, the one look at what may sync unattended, and the daily sweep over
//! all that wait.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::ids::EnterpriseId;
use shared::io::Io;
use shared::run::{self, remind};

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
    /// Every few minutes: the mails that wait.
    Outbox {
        /// Always true.
        outbox: bool,
    },
    /// The daily sweep.
    Sweep {
        /// Always true.
        sweep: bool,
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
        Event::Sweep { sweep: true } => {
            let swept = remind::sweep(io).await?;
            tracing::info!(
                pending = swept.pending,
                failed = swept.failed,
                "swept over what is pending"
            );
            json!({ "swept": swept })
        }
        Event::Sweep { sweep: false } => json!({ "swept": null }),
    })
}
