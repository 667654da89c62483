//! Whether a sync is needed, and how the last one went (R136-R141).

use super::ids::RunId;
use super::licence::Usage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How the last ended run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum LastSync {
    /// Everything was applied and proven.
    Successful,
    /// Something was not.
    Failed,
}

/// The sync side of an enterprise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// A first discovery has succeeded, so mapping is possible (R142).
    pub discovered: Option<Timestamp>,
    /// The run that is going on.
    pub current: Option<RunId>,
    /// The last run that ended, and how.
    pub last: Option<(Timestamp, LastSync)>,
    /// Changes that wait for a sync, and since when.
    pub pending: Option<Pending>,
    /// Licences, as they were counted when the account last changed.
    pub usage: Usage,
    /// When the last run began that began by itself.
    pub automatic: Option<Timestamp>,
    /// Counts edits; 0 when new.
    pub version: u64,
}

/// Changes that wait for a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Mapped or unmapped users that a sync will change.
    pub users: u32,
    /// When the first of them was saved.
    pub since: Timestamp,
}

/// `Sync Now` in the integration portal when nothing waits (R136).
pub const SYNC_NOW: &str = "Sync Now";
/// The same button when changes wait (R136; 1.4 #1: a hyphen).
pub const SYNC_NOW_QUEUED: &str = "Sync Now - Changes Queued";
/// The voice portal's button when nothing waits (R137).
pub const SYNC_USERS: &str = "Sync Users";
/// The voice portal's button when changes wait (R137), and the card's `Action Needed` (R140).
pub const SYNC_NEEDED: &str = "Sync Needed";

impl SyncStatus {
    /// The integration portal's button (R136).
    #[must_use]
    pub fn integration_button(&self) -> &'static str {
        if self.pending.is_some() {
            SYNC_NOW_QUEUED
        } else {
            SYNC_NOW
        }
    }

    /// The voice portal's button (R137).
    #[must_use]
    pub fn voice_button(&self) -> &'static str {
        if self.pending.is_some() {
            SYNC_NEEDED
        } else {
            SYNC_USERS
        }
    }

    /// `Action Needed` of the status card (R140).
    #[must_use]
    pub fn action_needed(&self) -> &'static str {
        if self.pending.is_some() { SYNC_NEEDED } else { "None" }
    }

    /// Whether the Global Admin has something to do, so that reminders go out (R163-R164).
    #[must_use]
    pub fn needs_reminder(&self) -> bool {
        self.pending.is_some() || matches!(self.last, Some((_, LastSync::Failed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r136_r137_r140_words_follow_what_waits() {
        let mut status = SyncStatus::default();
        assert_eq!(
            (
                status.integration_button(),
                status.voice_button(),
                status.action_needed()
            ),
            ("Sync Now", "Sync Users", "None")
        );
        status.pending = Some(Pending {
            users: 1,
            since: Timestamp::UNIX_EPOCH,
        });
        assert_eq!(
            (
                status.integration_button(),
                status.voice_button(),
                status.action_needed()
            ),
            ("Sync Now - Changes Queued", "Sync Needed", "Sync Needed")
        );
    }

    #[test]
    fn r163_r164_pending_or_failed_asks_for_a_reminder() {
        let mut status = SyncStatus::default();
        assert!(!status.needs_reminder());
        status.last = Some((Timestamp::UNIX_EPOCH, LastSync::Failed));
        assert!(status.needs_reminder());
        status.last = Some((Timestamp::UNIX_EPOCH, LastSync::Successful));
        assert!(!status.needs_reminder());
    }
}
