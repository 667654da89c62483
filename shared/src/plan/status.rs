//! The status document of an enterprise: its one state, what blocks it, who acts next and how, in words that a front end
//! prints as they are.

mod blocks;
mod card;
mod events;
mod next;
mod steps;
#[cfg(test)]
mod tests;

pub use card::{
    ButtonEntry, ButtonState, Buttons, CardField, LicenceCount, Links, ManagementConsent, Panel, PendingUsers,
    SetupLink,
};
pub use events::{Event, EventCode};
pub use steps::{OnboardingStep, StepName};

use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Actor, Finding};
use crate::domain::ids::RunId;
use crate::domain::invitation::Invitation;
use crate::domain::reseller::Reseller;
use crate::domain::run::Run;
use crate::domain::schedule;
use crate::domain::state::{State, state};
use crate::domain::suppression::Suppression;
use crate::domain::sync_status::{LastSync, SyncStatus};
use crate::domain::visit::Begun;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use url::Url;

/// What is known when somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Whose status.
    pub enterprise: &'a Enterprise,
    /// Whom it asks for help.
    pub reseller: &'a Reseller,
    /// Its sync side.
    pub sync: &'a SyncStatus,
    /// The newest invitation; needed until the set-up is complete.
    pub invitation: Option<&'a Invitation>,
    /// Why the Global Admin's address gets no mail, where it gets none.
    pub unreachable: Option<&'a Suppression>,
    /// The run that the sync status names as going on.
    pub current: Option<&'a Run>,
    /// The run that failed, where the last one did.
    pub failed: Option<&'a Run>,
    /// The last sign-in that was begun, while no answer to it has come.
    pub unanswered: Option<&'a Begun>,
    /// The page that explains the permissions (R032).
    pub permissions: &'a Url,
    /// The page that says how calling works (R160-R162).
    pub teams_calling: &'a Url,
    /// Where local times are printed.
    pub zone: &'a TimeZone,
    /// When.
    pub now: Timestamp,
}

/// Where an enterprise stands, what keeps it from going on, and who does what next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Exactly one.
    pub state: State,
    /// The state in words.
    pub state_text: &'static str,
    /// Since when it is in this state.
    #[schema(value_type = String, format = "date-time")]
    pub since: Timestamp,
    /// The same in the enterprise's zone: `Feb 17, 2023, 2:42 PM`.
    pub since_text: String,
    /// Who acts next; `null` where nobody has to.
    #[schema(required)]
    pub next_actor: Option<Actor>,
    /// What happens next, and who does it.
    pub next_step: String,
    /// What keeps it from going on, the most urgent first.
    pub blocks: Vec<Finding>,
    /// Findings of the last sync beyond the ten in `blocks`; the run has them all.
    pub more_findings: usize,
    /// What somebody should know before it becomes a block.
    pub events: Vec<Event>,
    /// The way from the invitation to the first mapping, in its order.
    pub steps: Vec<OnboardingStep>,
    /// `Integration Pending` while the Global Admin has not authorized; absent afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<&'static str>,
    /// What `Integration Pending` means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_text: Option<String>,
    /// `Global Admin: <name>`
    pub global_admin: String,
    /// Behind the info icon of the Global Admin.
    pub global_admin_info: String,
    /// The status card, field by field.
    pub card: Vec<CardField>,
    /// `Up to date`, `Sync Needed`, `Syncing`, `Waiting for sign-in`, `Failed` or `Not synced yet`.
    pub sync_status: &'static str,
    /// `Feb 17, 2023, 2:42 PM`, in the enterprise's zone.
    #[schema(required)]
    pub last_sync: Option<String>,
    /// `Successful` or `Failed`
    #[schema(required)]
    pub last_sync_status: Option<LastSync>,
    /// When the last sync ended.
    #[schema(required, value_type = Option<String>, format = "date-time")]
    pub last_sync_at: Option<Timestamp>,
    /// `None` or `Sync Needed`
    pub action_needed: &'static str,
    /// Of every time that is printed here.
    pub time_zone: String,
    /// Teams users for whom a sync has something to do, and since when.
    #[schema(required)]
    pub pending: Option<PendingUsers>,
    /// The run that is going on.
    #[schema(required, value_type = Option<String>)]
    pub current_run: Option<RunId>,
    /// The buttons of the two portals.
    pub buttons: Buttons,
    /// The link that opens the integration portal in another tab.
    pub setup: SetupLink,
    /// The panel of the integration portal.
    pub panel: Panel,
    /// Where help is, and the two portals.
    pub links: Links,
    /// Integration licenses.
    pub licences: LicenceCount,
    /// Whether the reseller may manage in place of the Global Admin.
    pub management_consent: ManagementConsent,
}

/// Everything at once, from the same facts.
#[must_use]
pub fn status(facts: &Facts<'_>) -> Status {
    let (enterprise, sync) = (facts.enterprise, facts.sync);
    let (state, since) = state(enterprise, sync);
    let (blocks, more_findings) = blocks::blocks(facts);
    let (next_actor, next_step) = next::next(facts, state, &blocks);
    let pending = card::integration_pending(facts);
    Status {
        state,
        state_text: state.text(),
        since,
        since_text: facts.local(since),
        next_actor,
        next_step,
        blocks,
        more_findings,
        events: events::events(facts),
        steps: steps::steps(facts),
        integration: pending.then_some(card::INTEGRATION_PENDING),
        integration_text: pending.then(|| card::integration_text(facts)),
        global_admin: format!("Global Admin: {}", facts.admin()),
        global_admin_info: card::global_admin_info(facts),
        card: card::card(facts),
        sync_status: card::sync_status(facts),
        last_sync: sync.last.map(|(at, _)| facts.local(at)),
        last_sync_status: sync.last.map(|(_, how)| how),
        last_sync_at: sync.last.map(|(at, _)| at),
        action_needed: sync.action_needed(),
        time_zone: enterprise.settings.time_zone.clone(),
        pending: sync.pending.map(|pending| PendingUsers {
            users: pending.users,
            since: pending.since,
        }),
        current_run: facts.running().map(|run| run.id.clone()),
        buttons: card::buttons(facts),
        setup: card::setup(facts),
        panel: card::panel(facts),
        links: card::links(facts),
        licences: card::licences(facts),
        management_consent: card::management_consent(enterprise),
    }
}

impl<'a> Facts<'a> {
    /// The Global Admin's name.
    fn admin(&self) -> &'a str {
        self.enterprise.global_admin.display_name()
    }

    /// A moment as people read it.
    fn local(&self, at: Timestamp) -> String {
        schedule::display(at, self.zone)
    }

    /// The run that has not ended.
    fn running(&self) -> Option<&'a Run> {
        self.current.filter(|run| !run.state.ended())
    }

    /// How many licenses there are now; `None` is no limit.
    fn allowance(&self) -> Option<u32> {
        self.enterprise.allowance(self.now)
    }
}

/// `1 user`, `2 users`.
fn counted(count: impl Into<u64>, one: &str, many: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
