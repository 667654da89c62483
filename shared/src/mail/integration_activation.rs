//! E1: how to activate and manage the integration (R173-R179).

use super::{Line, parts};
use crate::domain::brand::Brand;
use crate::domain::sync_status::{SYNC_NOW, SYNC_NOW_QUEUED};

/// Sent to the Global Admin once the set-up is complete, and to whoever becomes the Global Admin before the first sync.
#[derive(Clone, Debug)]
pub struct IntegrationActivation<'a> {
    /// Names and contacts.
    pub brand: &'a Brand,
    /// Whom we greet.
    pub recipient: Line,
    /// The customer company.
    pub enterprise: Line,
}

impl IntegrationActivation<'_> {
    fn first_button(&self) -> &'static str {
        // Nothing is mapped before the first sync, so nothing waits (1.4 #3).
        SYNC_NOW
    }

    fn second_button(&self) -> &'static str {
        SYNC_NOW_QUEUED
    }
}

parts!(
    IntegrationActivation,
    "integration_activation/subject.txt",
    "integration_activation/body.txt",
    "integration_activation/body.html"
);
