//! E3: the last sync failed (R183-R184).

use super::{Line, NAMED, Reader, Waiting, moment, parts};
use crate::domain::brand::Brand;
use crate::domain::finding::{Actor, Finding};
use crate::domain::sync_status::{SYNC_NOW, SYNC_NOW_QUEUED};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

/// The daily reminder after a failed sync (R164).
#[derive(Clone, Debug)]
pub struct SyncFailed<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// Why the reader gets it.
    pub reader: Reader,
    /// When the failed run ended.
    pub failed: Timestamp,
    /// What stood in its way; only the first ten are printed.
    pub findings: &'a [Finding],
    /// What still waits, where anything does.
    pub waiting: Option<Waiting>,
    /// Where the reader can hand the duty of being reminded over, or pause it.
    pub duty_url: Option<&'a Url>,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

/// A finding in the words of a mail.
struct Obstacle {
    code: String,
    seen: Line,
    fix: Line,
    who: &'static str,
}

impl SyncFailed<'_> {
    fn waiting(&self) -> Option<&Waiting> {
        self.waiting.as_ref()
    }

    fn since(&self) -> String {
        self.waiting()
            .map(|waiting| moment(waiting.pending.since, self.zone))
            .unwrap_or_default()
    }

    fn failed(&self) -> String {
        moment(self.failed, self.zone)
    }

    fn button(&self) -> &'static str {
        // The label follows the state (1.4 #3).
        if self.waiting.is_some() {
            SYNC_NOW_QUEUED
        } else {
            SYNC_NOW
        }
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        self.findings
            .iter()
            .take(NAMED)
            .map(|finding| Obstacle {
                code: finding.code.to_string(),
                seen: Line::sentence(&finding.seen),
                fix: Line::sentence(&finding.fix),
                who: self.who(finding.actor),
            })
            .collect()
    }

    fn who(&self, actor: Actor) -> &'static str {
        match (actor, &self.reader) {
            (Actor::GlobalAdmin, Reader::GlobalAdmin) => "you, as the Global Admin",
            (Actor::GlobalAdmin, Reader::Duty { .. } | Reader::SecondContact { .. }) => "the Global Admin",
            (Actor::AccountAdmin, _) => "an account admin, in the voice portal",
            (Actor::Reseller, _) => "your service partner",
            (Actor::Provider, _) => "the provider's support",
            (Actor::Microsoft, _) => "Microsoft; wait a little and sync again",
        }
    }

    fn more_obstacles(&self) -> usize {
        self.findings.len().saturating_sub(NAMED)
    }
}

parts!(
    SyncFailed,
    "sync_failed/subject.txt",
    "sync_failed/body.txt",
    "sync_failed/body.html"
);
