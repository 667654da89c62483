//! What the service is, what it puts into an organization's Teams, and why nobody should edit that there (R154-R162).

use askama::Template;
use shared::domain::calling_policy::CallingPolicy;
use shared::domain::voice::CallHandling;

/// The prefixes that the guides print (R155); every brand has its own.
const PREFIXES: [&str; 2] = ["LiveTeams", "Cymbus2Teams"];

/// The page; it is the same for everybody.
#[derive(Clone, Debug, Template)]
#[template(path = "teams_calling.html")]
pub struct TeamsCallingPage {
    /// The calling policies, in the order in which Teams gets them.
    pub policies: Vec<PolicyRow>,
}

/// One kind of calling policy.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// Its names, one for each known prefix.
    pub names: Vec<String>,
    /// What happens with calls that nobody takes.
    pub handling: &'static str,
    /// What callers hear who are put on hold.
    pub music: &'static str,
}

/// The page with all policies of a brand.
#[must_use]
pub fn teams_calling() -> TeamsCallingPage {
    TeamsCallingPage {
        policies: CallingPolicy::all().into_iter().map(row).collect(),
    }
}

fn row(policy: CallingPolicy) -> PolicyRow {
    PolicyRow {
        names: PREFIXES.map(|prefix| policy.name_with(prefix)).to_vec(),
        handling: match policy.call_handling {
            CallHandling::Voicemail => "Unanswered calls can go to Teams voicemail, and calls can be forwarded.",
            CallHandling::NoVoicemail => "No Teams voicemail; calls can be forwarded.",
            CallHandling::NoVoicemailNoForwarding => "Neither Teams voicemail nor forwarding.",
        },
        music: if policy.pbx_music {
            "The music of the PBX."
        } else {
            "The music of Teams."
        },
    }
}
