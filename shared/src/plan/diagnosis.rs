//! "Why not me?": everything that can be said about one Teams user or one voice user from what is kept, in the order in
//! which support would go through it (R208-R209). Pure: facts in, a verdict with its reasons out.

mod checks;
#[cfg(test)]
mod tests;
mod ticket;
mod verdict;

pub use ticket::{Case, ticket};
pub use verdict::Verdict;

use crate::domain::directory::TeamsUser;
use crate::domain::finding::{Code, Finding};
use crate::domain::group_filter::{Banned, GroupFilter};
use crate::domain::ids::TeamsUserId;
use crate::domain::mapping::Owned;
use crate::domain::voice::VoiceUser;
use crate::plan::preflight::{self, Moment};
use jiff::Timestamp;
use serde::Serialize;

/// The person in Teams that it is about.
#[derive(Clone, Copy, Debug)]
pub enum Person<'a> {
    /// An enabled account inside the group filter, as it was last read.
    Here(&'a TeamsUser),
    /// Somebody whom a later read did not find any more.
    Left(&'a TeamsUser, Timestamp),
    /// Somebody who was asked for, or is mapped, and is not known.
    Unknown(&'a str),
    /// A voice user was asked for that is mapped to nobody.
    Nobody,
}

/// A chosen group as it was last read.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Its name.
    pub name: String,
    /// What it is like.
    pub state: GroupState,
}

impl Chosen {
    /// What is wrong with it.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        let name = &self.name;
        match self.state {
            GroupState::Fine => None,
            GroupState::Gone => preflight::group(name, None),
            GroupState::Empty => preflight::group(name, Some(0)),
            GroupState::Hidden => Some(preflight::hidden(name)),
            GroupState::Paused => Some(preflight::group_paused(name)),
            GroupState::Banned(banned) => Some(preflight::group_banned(name, banned)),
        }
    }
}

/// What a chosen group is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// Nothing speaks against it.
    Fine,
    /// It was not found any more.
    Gone,
    /// The last sync found no members.
    Empty,
    /// It shows its members to nobody.
    Hidden,
    /// It is a dynamic group that is not worked out at present.
    Paused,
    /// It should not have been chosen.
    Banned(Banned),
}

/// Where the address of a voice user leads that is mapped to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SameAddress {
    /// It has no address, or it is mapped already.
    NotAsked,
    /// To the person that the facts are about.
    Person,
    /// To nobody, or not with certainty.
    Nowhere(Finding),
}

/// Licenses, as far as they concern the one who was asked for.
#[derive(Clone, Debug)]
pub struct Seats {
    /// How many there are; `None` is no limit.
    pub limit: Option<u32>,
    /// How many are used.
    pub used: usize,
    /// The person has one: is mapped, or still holds what a sync gave.
    pub held: bool,
    /// The mapping of the person is one that has none.
    pub lacking: bool,
    /// Names of the voice users whose mapping has none.
    pub without: Vec<String>,
}

/// What the last sync that looked at the person found wrong.
#[derive(Clone, Copy, Debug)]
pub struct LastLook<'a> {
    /// When that was.
    pub at: Timestamp,
    /// What it found.
    pub findings: &'a [Finding],
}

/// What is known when somebody asks.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Whose users are synchronised.
    pub filter: &'a GroupFilter,
    /// The Global Admin's name.
    pub admin: &'a str,
    /// Whom to ask for help.
    pub provider: &'a str,
    /// Whom to ask for licenses.
    pub contact: &'a str,
    /// When the tenant was last read.
    pub read_at: Option<Timestamp>,
    /// When the run was started that is going on.
    pub running: Option<Timestamp>,
    /// The chosen groups; empty where all users are synchronised.
    pub chosen: &'a [Chosen],
    /// The person in Teams.
    pub person: Person<'a>,
    /// The voice user that was asked for, or that is mapped to the person.
    pub voice: Option<&'a VoiceUser>,
    /// The two are mapped to each other.
    pub mapped: bool,
    /// Whether the voice user's address leads to somebody.
    pub same_address: SameAddress,
    /// Licenses.
    pub seats: Seats,
    /// What the next sync makes true of the person; nothing where it takes away what is there.
    pub wanted: Option<&'a Owned>,
    /// What syncs have put in place.
    pub owned: &'a Owned,
    /// When they last did.
    pub placed: Option<Timestamp>,
    /// What the last sync found wrong with the person.
    pub last_look: Option<LastLook<'a>>,
    /// When, and in which zone.
    pub moment: Moment<'a>,
}

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// Somebody has to do something first.
    Blocks,
    /// It comes with time, or with the next sync.
    Waits,
    /// It should be known.
    Warns,
}

/// What comes with time or with a sync.
const WAITS: [Code; 6] = [
    Code::FirstSyncRunning,
    Code::LicensePropagating,
    Code::NotSyncedYet,
    Code::DialpadWait,
    Code::TokenTooShort,
    Code::MsInternal,
];
/// What keeps nobody from anything.
const WARNS: [Code; 8] = [
    Code::GroupBanned,
    Code::GroupPaused,
    Code::NotTeamsOnly,
    Code::NoExtension,
    Code::CountryMissing,
    Code::CountryMismatch,
    Code::EmailNoMatch,
    Code::DialpadLate,
];

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What.
    pub finding: Finding,
    /// How much it matters here.
    pub weight: Weight,
    /// When a sync saw it, where it was seen in the tenant and not in what is kept.
    pub seen_at: Option<Timestamp>,
}

/// Everything that can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// In a word.
    pub verdict: Verdict,
    /// In a sentence.
    pub text: String,
    /// What is not as it should be, in the order in which to go through it.
    pub reasons: Vec<Reason>,
    /// What was looked at and is fine.
    pub passed: Vec<String>,
    /// What only a sync can see.
    pub open: Vec<String>,
    /// How old the view of the tenant is.
    pub as_of: String,
}

/// Everything that a diagnosis can find, so that each has a page of help.
pub const CODES: &[Code] = &[
    Code::FirstSyncRunning,
    Code::GroupEmpty,
    Code::GroupNotFound,
    Code::GroupHidden,
    Code::GroupBanned,
    Code::GroupPaused,
    Code::UserNotInFilter,
    Code::Guest,
    Code::ResourceAccount,
    Code::NoPhoneSystem,
    Code::LicensePropagating,
    Code::HasCallingPlan,
    Code::HasCommCredits,
    Code::OnpremLineUri,
    Code::NotTeamsOnly,
    Code::NumberTaken,
    Code::NumberOrphaned,
    Code::NumberInvalid,
    Code::NumberMissing,
    Code::NoExtension,
    Code::CountryMissing,
    Code::CountryMismatch,
    Code::EmailNoMatch,
    Code::OverLicense,
    Code::MappedUserGone,
    Code::NotSyncedYet,
    Code::DialpadWait,
    Code::DialpadLate,
    Code::MsRefused,
    Code::NotProven,
    Code::TooManyReleases,
];

/// What one check says.
#[derive(Debug)]
enum Outcome {
    Fails(Vec<Finding>),
    /// Seen in the tenant by the last sync that looked.
    Seen(Vec<Finding>, Timestamp),
    Passes(String),
    Open(String),
    /// It does not apply.
    Silent,
}

impl From<Option<Finding>> for Outcome {
    fn from(found: Option<Finding>) -> Self {
        found.map_or(Self::Silent, |finding| Self::Fails(vec![finding]))
    }
}

/// Goes through every check.
#[must_use]
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    let (mut reasons, mut passed, mut open) = (Vec::new(), Vec::new(), Vec::new());
    let reason = |finding: Finding, seen_at| Reason {
        weight: facts.weight(finding.code),
        finding,
        seen_at,
    };
    for check in checks::CHECKS {
        match check(facts) {
            Outcome::Fails(found) => reasons.extend(found.into_iter().map(|finding| reason(finding, None))),
            Outcome::Seen(found, at) => reasons.extend(found.into_iter().map(|finding| reason(finding, Some(at)))),
            Outcome::Passes(text) => passed.push(text),
            Outcome::Open(text) => open.push(text),
            Outcome::Silent => {}
        }
    }
    let (verdict, text) = verdict::verdict(facts, &reasons);
    Diagnosis {
        verdict,
        text,
        reasons,
        passed,
        open,
        as_of: facts.as_of(),
    }
}

impl<'a> Facts<'a> {
    /// The person as it was last read.
    fn here(&self) -> Option<&'a TeamsUser> {
        match self.person {
            Person::Here(user) => Some(user),
            Person::Left(..) | Person::Unknown(_) | Person::Nobody => None,
        }
    }

    /// The person, for people.
    fn who(&self) -> String {
        match self.person {
            Person::Here(user) | Person::Left(user, _) => user.label(),
            Person::Unknown(asked) => asked.to_owned(),
            Person::Nobody => self.voice.map_or_else(String::new, |voice| voice.name.clone()),
        }
    }

    /// The voice user's name, or else the person.
    fn name(&self) -> String {
        self.voice.map_or_else(|| self.who(), |voice| voice.name.clone())
    }

    /// The person's id, where there is one.
    fn id(&self) -> Option<TeamsUserId> {
        match self.person {
            Person::Here(user) | Person::Left(user, _) => Some(user.id.clone()),
            Person::Unknown(asked) => asked.parse().ok(),
            Person::Nobody => None,
        }
    }

    /// Everything that is wanted is there.
    fn in_place(&self) -> bool {
        self.mapped && self.wanted == Some(self.owned)
    }

    /// A sync has something to do for the person.
    fn pending(&self) -> bool {
        self.wanted.cloned().unwrap_or_default() != *self.owned
    }

    /// A sync has looked at the person in Teams.
    fn looked_at(&self) -> bool {
        !self.owned.is_empty() || self.last_look.is_some()
    }

    /// What the last sync found of these kinds, where it still matters.
    fn seen(&self, kinds: impl Fn(Code) -> bool) -> Option<Outcome> {
        let look = self.last_look.filter(|_| self.mapped || !self.owned.is_empty())?;
        let of_kind = look.findings.iter().filter(|finding| kinds(finding.code));
        let found: Vec<Finding> = of_kind.cloned().collect();
        (!found.is_empty()).then_some(Outcome::Seen(found, look.at))
    }

    fn weight(&self, code: Code) -> Weight {
        // The next sync would stop at such a group; what is in place stays.
        let group = [Code::GroupEmpty, Code::GroupNotFound, Code::GroupHidden].contains(&code);
        if WAITS.contains(&code) {
            Weight::Waits
        } else if WARNS.contains(&code) || (group && !self.pending()) {
            Weight::Warns
        } else {
            Weight::Blocks
        }
    }

    /// R101: nothing tells us of changes at Microsoft.
    fn as_of(&self) -> String {
        match self.read_at {
            Some(read) => format!(
                "This is what the sync of {} has read; what has changed at Microsoft since then is seen by the next one.",
                self.moment.local(read)
            ),
            None => "No sync has read the tenant yet.".into(),
        }
    }
}
