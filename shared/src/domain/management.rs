//! Whether the reseller may manage in place of the enterprise's Global Admin (R012-R013, R071).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The Global Admin's answer to `Grant Consent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Management {
    /// Not answered.
    #[default]
    Pending,
    /// The reseller may act on behalf of the enterprise.
    Granted {
        /// When.
        at: Timestamp,
        /// Who agreed: name or address.
        by: String,
    },
    /// Taken back; from then on the reseller may not.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// Who took it back.
        by: String,
    },
}
