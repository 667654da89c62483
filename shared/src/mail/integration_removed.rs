//! E5: the integration was removed (R187-R188).

use super::{Line, parts};
use crate::domain::brand::Brand;
use crate::domain::sync_status::SYNC_NOW_QUEUED;

/// Sent to the Global Admin when the provider side has removed the integration (R027, R152-R153).
#[derive(Clone, Debug)]
pub struct IntegrationRemoved<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
    /// Whether there is something in Teams to take back; not where nothing was ever put in place.
    pub final_sync: bool,
}

impl IntegrationRemoved<'_> {
    fn button(&self) -> &'static str {
        // What a removal takes back waits like any other change.
        SYNC_NOW_QUEUED
    }
}

parts!(
    IntegrationRemoved,
    "integration_removed/subject.txt",
    "integration_removed/body.txt",
    "integration_removed/body.html"
);
