//! Whether an enterprise is served: active, disabled for a while, being removed, or gone.

use super::ids::RunId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long the data of a removed enterprise is kept.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether an enterprise is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// As usual.
    #[default]
    Active,
    /// No syncs and no reminders; the data stays (R022).
    Disabled {
        /// Since when.
        since: Timestamp,
    },
    /// The integration is to be removed; a final sync takes back what is ours (R152).
    Removing {
        /// Since when.
        since: Timestamp,
        /// The final sync, once it has begun. From then on there is no way back.
        final_sync: Option<RunId>,
        /// Since when it had been disabled before, where it was; that is what an undoing leads back to.
        #[serde(default)]
        disabled: Option<Timestamp>,
    },
    /// The integration is removed; the data ends after `RETENTION`.
    Removed {
        /// Since when.
        since: Timestamp,
    },
}

impl Standing {
    /// Whether the integration is on its way out or gone.
    #[must_use]
    pub fn leaving(&self) -> bool {
        matches!(self, Self::Removing { .. } | Self::Removed { .. })
    }

    /// Whether a sync may run.
    ///
    /// # Errors
    /// The sentence that says why not.
    pub fn may_sync(&self) -> Result<(), &'static str> {
        match self {
            Self::Active | Self::Removing { .. } => Ok(()),
            Self::Disabled { .. } => Err("the enterprise is disabled; it has to be enabled before it can be synced"),
            Self::Removed { .. } => Err("the integration was removed; there is nothing left to sync"),
        }
    }
}
