//! E2: mapping changes wait for a sync (R180-R182).

use super::{Line, NAMED, moment, parts};
use crate::domain::brand::Brand;
use crate::domain::sync_status::{Pending, SYNC_NOW_QUEUED};
use jiff::tz::TimeZone;
use url::Url;

/// The daily reminder while changes wait (R163).
#[derive(Clone, Debug)]
pub struct SyncRequired<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// Why the reader gets it.
    pub reader: Reader,
    /// What waits.
    pub waiting: Waiting,
    /// Where the reader can hand the duty of being reminded over, or pause it.
    pub duty_url: Option<&'a Url>,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

/// Why somebody gets a reminder.
#[derive(Clone, Debug)]
pub enum Reader {
    /// They are the Global Admin (R167).
    GlobalAdmin,
    /// The Global Admin has handed the duty of being reminded over to them.
    Duty {
        /// The Global Admin, who alone can sync.
        admin: Line,
    },
    /// They are named as the second contact, and reminders of the first one have led to nothing.
    SecondContact {
        /// The Global Admin, who alone can sync.
        admin: Line,
        /// How many reminders that person has had.
        reminders: u32,
    },
}

impl Reader {
    pub(super) fn because(&self) -> &'static str {
        match self {
            Self::GlobalAdmin => "you are the Global Admin responsible for",
            Self::Duty { .. } => "you have taken over to be reminded for",
            Self::SecondContact { .. } => "you are named as the second contact for",
        }
    }

    /// The Global Admin, where that is somebody else.
    pub(super) fn admin(&self) -> Option<&Line> {
        match self {
            Self::GlobalAdmin => None,
            Self::Duty { admin } | Self::SecondContact { admin, .. } => Some(admin),
        }
    }

    /// How often the Global Admin was reminded to no avail.
    pub(super) fn reminded(&self) -> Option<String> {
        match self {
            Self::GlobalAdmin | Self::Duty { .. } => None,
            Self::SecondContact { reminders: 1, .. } => Some("1 reminder".to_owned()),
            Self::SecondContact { reminders, .. } => Some(format!("{reminders} reminders")),
        }
    }
}

/// Changes that wait for a sync, and whom they concern.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// How many, and since when.
    pub pending: Pending,
    /// Whom they concern, as far as the names are known; only the first ten are printed.
    pub people: Vec<Line>,
}

impl Waiting {
    pub(super) fn named(&self) -> &[Line] {
        &self.people[..self.people.len().min(NAMED)]
    }

    pub(super) fn more(&self) -> usize {
        let users = usize::try_from(self.pending.users).unwrap_or(usize::MAX);
        users.max(self.people.len()) - self.named().len()
    }

    /// `1 user`, `12 users`.
    pub(super) fn users(&self) -> String {
        match self.pending.users {
            0 => "the voice routes and policies of the organization".to_owned(),
            1 => "1 user".to_owned(),
            n => format!("{n} users"),
        }
    }
}

impl SyncRequired<'_> {
    fn waiting(&self) -> Option<&Waiting> {
        Some(&self.waiting)
    }

    fn since(&self) -> String {
        moment(self.waiting.pending.since, self.zone)
    }

    fn button(&self) -> &'static str {
        SYNC_NOW_QUEUED
    }
}

parts!(
    SyncRequired,
    "sync_required/subject.txt",
    "sync_required/body.txt",
    "sync_required/body.html"
);
