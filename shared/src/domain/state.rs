//! The one state of an enterprise: where it is between its invitation and its removal.

use super::enterprise::Enterprise;
use super::finding::Actor;
use super::group_filter::GroupFilter;
use super::setup::Setup;
use super::standing::Standing;
use super::steps::{Step, StepState};
use super::sync_status::{LastSync, SyncStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// The Global Admin has an invitation and has not signed in.
    Invited,
    /// Signed in; the organisation waits to be confirmed.
    SignedIn,
    /// The first permission set was declined or needs an approval at Microsoft.
    Consent1,
    /// The organisation is bound; the second permission set is missing.
    Consent2,
    /// Set up; whose users are synchronised is not chosen.
    GroupChoice,
    /// Chosen; nothing was read from Microsoft yet.
    FirstSync,
    /// Read; nobody is mapped.
    Mapping,
    /// Changes wait for a sync.
    SyncNeeded,
    /// Nothing to do.
    UpToDate,
    /// The last sync failed.
    Failed,
    /// The integration is to be removed by a final sync.
    Removing,
    /// It is removed.
    Removed,
    /// Not served for a while.
    Disabled,
}

/// Every state, in the order of an enterprise's life.
pub const STATES: [State; 13] = [
    State::Invited,
    State::SignedIn,
    State::Consent1,
    State::Consent2,
    State::GroupChoice,
    State::FirstSync,
    State::Mapping,
    State::SyncNeeded,
    State::UpToDate,
    State::Failed,
    State::Removing,
    State::Removed,
    State::Disabled,
];

/// The state, and since when. What keeps an enterprise from being served counts before how far it has come.
#[must_use]
pub fn state(enterprise: &Enterprise, sync: &SyncStatus) -> (State, Timestamp) {
    match &enterprise.standing {
        Standing::Disabled { since } => return (State::Disabled, *since),
        Standing::Removing { since, .. } => return (State::Removing, *since),
        Standing::Removed { since } => return (State::Removed, *since),
        Standing::Active => {}
    }
    match &enterprise.setup {
        Setup::Invited => invited(enterprise),
        Setup::Bound { tenant, .. } => (State::Consent2, tenant.at),
        Setup::Complete { at, .. } => match (&enterprise.group_filter, sync.last, sync.discovered, sync.pending) {
            (GroupFilter::Undecided, ..) => (State::GroupChoice, *at),
            (_, Some((since, LastSync::Failed)), ..) => (State::Failed, since),
            (_, _, None, _) => (State::FirstSync, *at),
            (_, _, Some(_), Some(pending)) => (State::SyncNeeded, pending.since),
            (_, _, Some(since), None) if sync.usage.used == 0 => (State::Mapping, since),
            (_, last, Some(since), None) => (State::UpToDate, last.map_or(since, |(at, _)| at)),
        },
    }
}

fn invited(enterprise: &Enterprise) -> (State, Timestamp) {
    let since = enterprise
        .invitation
        .as_ref()
        .map_or(enterprise.created, super::ids::InvitationId::born);
    let news = |step, state| {
        let news = enterprise.steps.get(&step);
        news.filter(|news| news.at >= since && news.state == state)
            .map(|news| news.at)
    };
    let declined = news(Step::FirstConsent, StepState::Failed);
    match (declined, news(Step::SignIn, StepState::Succeeded)) {
        (declined, Some(signed_in)) if declined.is_none_or(|declined| declined <= signed_in) => {
            (State::SignedIn, signed_in)
        }
        (Some(declined), _) => (State::Consent1, declined),
        (None, _) => (State::Invited, since),
    }
}

impl State {
    /// In words, for lists.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Invited => "Integration Pending",
            Self::SignedIn => "Signed in, organization to be confirmed",
            Self::Consent1 => "First permissions not granted",
            Self::Consent2 => "Second permissions to be granted",
            Self::GroupChoice => "User groups to be chosen",
            Self::FirstSync => "First sync needed",
            Self::Mapping => "Users to be mapped",
            Self::SyncNeeded => "Sync Needed",
            Self::UpToDate => "Up to date",
            Self::Failed => "Last sync failed",
            Self::Removing => "Removal waits for its final sync",
            Self::Removed => "Removed",
            Self::Disabled => "Disabled",
        }
    }

    /// Who acts next; nobody where there is nothing to do.
    #[must_use]
    pub fn actor(self) -> Option<Actor> {
        match self {
            Self::Invited
            | Self::SignedIn
            | Self::Consent1
            | Self::Consent2
            | Self::FirstSync
            | Self::SyncNeeded
            | Self::Failed
            | Self::Removing => Some(Actor::GlobalAdmin),
            Self::GroupChoice | Self::Mapping => Some(Actor::AccountAdmin),
            Self::Disabled => Some(Actor::Reseller),
            Self::UpToDate | Self::Removed => None,
        }
    }
}
