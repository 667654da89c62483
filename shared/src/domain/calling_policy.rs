//! The Teams objects that carry a brand's name (R154-R159).

use super::brand::Brand;
use super::voice::CallHandling;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Teams' own name of the two policy types that we assign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub enum PolicyType {
    /// Which routes a user's calls take.
    OnlineVoiceRoutingPolicy,
    /// What a user may do with calls.
    TeamsCallingPolicy,
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnlineVoiceRoutingPolicy => "OnlineVoiceRoutingPolicy",
            Self::TeamsCallingPolicy => "TeamsCallingPolicy",
        })
    }
}

/// One calling policy of a brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallingPolicy {
    /// Voicemail and forwarding.
    pub call_handling: CallHandling,
    /// Held calls hear the PBX's music (`MOHEXT`) or Teams' own (`MOHTEAMS`) (1.4 #10).
    pub pbx_music: bool,
}

impl CallingPolicy {
    /// All variants of one prefix (R155).
    #[must_use]
    pub fn all() -> Vec<Self> {
        [
            CallHandling::Voicemail,
            CallHandling::NoVoicemail,
            CallHandling::NoVoicemailNoForwarding,
        ]
        .into_iter()
        .flat_map(|call_handling| {
            [false, true].map(|pbx_music| Self {
                call_handling,
                pbx_music,
            })
        })
        .collect()
    }

    /// `{prefix}-{VM|NoVM|NoVMOrForward}-{MOHTEAMS|MOHEXT}` (R155-R156).
    #[must_use]
    pub fn name(&self, brand: &Brand) -> String {
        self.name_with(&brand.policy_prefix)
    }

    /// The same with a prefix.
    #[must_use]
    pub fn name_with(&self, prefix: &str) -> String {
        let handling = match self.call_handling {
            CallHandling::Voicemail => "VM",
            CallHandling::NoVoicemail => "NoVM",
            CallHandling::NoVoicemailNoForwarding => "NoVMOrForward",
        };
        let music = if self.pbx_music { "MOHEXT" } else { "MOHTEAMS" };
        format!("{prefix}-{handling}-{music}")
    }
}

/// The name of a brand's PSTN usage, voice route and voice routing policy.
#[must_use]
pub fn routing_name(brand: &Brand) -> String {
    format!("{}-Routing", brand.policy_prefix)
}
