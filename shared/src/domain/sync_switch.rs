//! `Disable Sync` (R067-R068): how an enterprise is moved to another tenant on purpose.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether syncs keep to the bound tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncSwitch {
    /// The usual state: only an account of the bound tenant can sign a sync in (R066).
    #[default]
    On,
    /// Nobody is reminded, and the next sync's sign-in decides: in the bound tenant it switches sync on again, in another
    /// one it moves the enterprise there.
    Off {
        /// Since when.
        since: Timestamp,
        /// Who pressed the button.
        by: String,
    },
}

impl SyncSwitch {
    /// Whether it was switched off.
    #[must_use]
    pub fn off(&self) -> bool {
        matches!(self, Self::Off { .. })
    }
}
