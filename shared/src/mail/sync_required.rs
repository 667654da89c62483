//! E2: mapping changes wait for a sync (R180-R182).

use super::{Line, NAMED, moment, parts};
use crate::domain::brand::Brand;
use crate::domain::sync_status::{Pending, SYNC_NOW_QUEUED};
use jiff::tz::TimeZone;

/// The daily reminder while changes wait (R163).
#[derive(Clone, Debug)]
pub struct SyncRequired<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// What waits.
    pub waiting: Waiting,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
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
