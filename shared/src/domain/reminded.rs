//! What is remembered of reminders: each local day with what became of it, and the ledger from which the next one follows.

use super::ids::MailId;
use super::reminding::{Addressee, Part};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Two reminders are never closer than this, whatever happens to zone and hour in between.
pub const GAP: SignedDuration = SignedDuration::from_hours(18);

/// Why a day on which something waited had no reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// The enterprise was disabled, or its sync was.
    Paused,
    /// Somebody had asked for a pause.
    Snoozed,
    /// It was a day of the week without reminders.
    RestDay,
    /// It was a date without reminders.
    QuietDay,
    /// Nobody is left who can be written to: mails to all of them came back.
    NoAddress,
    /// The last one was too recent, or of the same local day in this zone or the one before.
    TooSoon,
    /// The event came when the day's time was over.
    Late,
    /// No event came.
    NoEvent,
}

/// What was done on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Done {
    /// Nothing was to leave.
    Skipped {
        /// Why.
        why: Why,
    },
    /// The day was claimed for this mail. What became of the mail is written with it.
    Claimed {
        /// Which.
        mail: MailId,
        /// To whom.
        to: Addressee,
        /// It told of a failed sync.
        failed: bool,
        /// Until when it may leave.
        until: Timestamp,
    },
    /// The day was claimed before mails were kept: it may have left.
    Unknown,
}

/// A local day on which something waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub day: Date,
    /// When that was decided.
    pub at: Timestamp,
    /// By which event: its scheduled time, or `sweep`.
    pub event: String,
    /// What was done.
    pub done: Done,
}

/// The last reminder that was claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// When.
    pub at: Timestamp,
    /// Until when its mail may leave.
    pub until: Timestamp,
    /// The zone that the enterprise had.
    pub zone: String,
}

/// What waits without anybody acting on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// When it began: the first change was saved, or the last sync ended.
    pub since: Timestamp,
    /// Reminders so far.
    pub reminders: u32,
    /// The reseller was told.
    pub escalated: bool,
}

/// What the next reminder follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// The last one that was claimed.
    pub last: Option<Last>,
    /// What waits.
    pub episode: Option<Episode>,
    /// The last local day of which there is a note.
    pub noted: Option<Date>,
    /// Counts writes; 0 where there was none.
    pub version: u64,
}

/// Notes of days, and the ledger that is written with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    /// What the next reminder follows from; its version is the one that was read.
    pub ledger: Ledger,
    /// The days, oldest first.
    pub days: Vec<Day>,
}

impl Ledger {
    /// The present episode, which began at `since`; another one begins anew.
    #[must_use]
    pub fn episode_since(&self, since: Timestamp) -> Episode {
        let same = self.episode.clone().filter(|episode| episode.since == since);
        same.unwrap_or(Episode {
            since,
            reminders: 0,
            escalated: false,
        })
    }
}

impl Part {
    /// As people read it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::GlobalAdmin => "Global Admin",
            Self::Duty => "took the reminders over",
            Self::SecondContact => "second contact",
        }
    }
}
