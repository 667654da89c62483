//! The labels of status card, buttons, panel and links, as the guides print them.

use super::next::waiting;
use super::{Facts, counted};
use crate::domain::enterprise::Enterprise;
use crate::domain::management::Management;
use crate::domain::setup::Setup;
use crate::domain::sync_status::{LastSync, SYNC_NOW};
use crate::plan::unattended::waits_for_a_person;
use jiff::Timestamp;
use serde::Serialize;

/// R042.
pub(super) const INTEGRATION_PENDING: &str = "Integration Pending";

/// A field of the status card (R140).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CardField {
    /// `Sync Status`, `Last sync`, `Last Sync Status`, `Action Needed` or `Global Admin`.
    pub label: &'static str,
    /// What stands beside it.
    pub value: String,
    /// Behind its info icon, where it has one (R141).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<String>,
}

/// Teams users for whom a sync has something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingUsers {
    /// How many.
    pub users: u32,
    /// Since when.
    #[schema(value_type = String, format = "date-time")]
    pub since: Timestamp,
}

/// How the integration portal's button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ButtonState {
    /// Nobody has synced yet, and nothing is wrong.
    Ready,
    /// A first sync was begun and has not read the tenant whole: `Setup partially complete`.
    SetupPartiallyComplete,
    /// A sync goes on: `Syncing`, with arrows.
    Syncing,
    /// The same with more detail in its log: with the sign of a bug.
    SyncingDiagnostic,
    /// Green, with a tick.
    UpToDate,
    /// Blue: changes wait.
    ChangesQueued,
    /// White, with a warning triangle: the last sync put some of what it planned in place.
    Problems,
    /// Red: the last sync put nothing in place.
    Failed,
}

/// The sync buttons of the two portals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Buttons {
    /// How the integration portal's button looks.
    pub state: ButtonState,
    /// What stands on it or beside it in that state, where it is not its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_text: Option<&'static str>,
    /// `Sync Now` or `Sync Now - Changes Queued`
    pub integration_portal: &'static str,
    /// A warning triangle goes with it.
    pub warning: bool,
    /// What its arrow opens.
    pub menu: Vec<ButtonEntry>,
    /// `Sync Users` or `Sync Needed`
    pub voice_portal: &'static str,
    /// What the voice portal's button opens in the browser.
    pub opens: String,
}

/// An entry of the button's drop-down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ButtonEntry {
    /// `syncNow`, `diagnosticSync` or `showSyncHistory`, for programs.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<&'static str>,
    /// Of the request.
    pub method: &'static str,
    /// Below the enterprise's own.
    pub path: &'static str,
    /// The run is started with `debug`.
    pub debug: bool,
}

/// The account page's link to the integration portal (R043).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetupLink {
    /// `Setup`
    pub label: &'static str,
    /// Opens in another tab.
    pub url: String,
}

/// The panel of the integration portal (R139), with the Global Admin's duties (R051).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// `Sync Administrator`
    pub title: &'static str,
    /// When to press the button.
    pub text: String,
    /// What the Global Admin does, in its order.
    pub duties: Vec<&'static str>,
}

/// Where to go from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// The integration portal's direct address, which can be put in mails (R138).
    pub integration_portal: String,
    /// The voice portal.
    pub voice_portal: String,
    /// Help, such as a video (R032).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What the requested permissions are for (R032).
    pub permissions: String,
    /// How calling with Teams works, and what not to edit in the Teams admin center (R160-R162).
    pub teams_calling: String,
}

/// Integration licenses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LicenceCount {
    /// The number that is agreed; `null` is unlimited.
    #[schema(required)]
    pub limit: Option<u32>,
    /// The number that counts now: none after a trial, or once the integration is being removed.
    #[schema(required)]
    pub allowance: Option<u32>,
    /// Teams users that are mapped or not yet released by a sync.
    pub used: u32,
    /// Teams users that are mapped.
    pub mapped: u32,
    /// The same in words.
    pub text: String,
}

/// Whether the reseller may manage in place of the Global Admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagementConsent {
    /// The reseller asks for it.
    pub requested: bool,
    /// `pending`, `granted` or `withdrawn`
    pub state: &'static str,
    /// The same in words.
    pub text: String,
    /// Who answered.
    #[schema(required)]
    pub by: Option<String>,
    /// When.
    #[schema(required, value_type = Option<String>, format = "date-time")]
    pub at: Option<Timestamp>,
}

/// The Global Admin has not authorized yet, and may.
pub(super) fn integration_pending(facts: &Facts<'_>) -> bool {
    !facts.enterprise.setup.complete() && !facts.enterprise.standing.leaving()
}

pub(super) fn integration_text(facts: &Facts<'_>) -> String {
    format!(
        "{} has been invited to authorize the integration with Microsoft Teams. Licenses can be linked to users after the initial sync.",
        facts.admin()
    )
}

pub(super) fn global_admin_info(facts: &Facts<'_>) -> String {
    let (admin, brand) = (facts.admin(), &facts.reseller.brand);
    format!(
        "{admin} ({}) is the one person who can sync: an Account Manager or Admin here, and a Global Administrator in Microsoft 365. What others change takes effect in Teams after the next sync. To give the role to somebody else, ask {}.",
        facts.enterprise.global_admin.email, brand.provider_contact
    )
}

pub(super) fn card(facts: &Facts<'_>) -> Vec<CardField> {
    let sync = facts.sync;
    let never = || "Not yet".to_owned();
    let field = |label, value, info| CardField { label, value, info };
    vec![
        field("Sync Status", sync_status(facts).into(), Some(sync_info(facts))),
        field(
            "Last sync",
            sync.last.map_or_else(never, |(at, _)| facts.local(at)),
            None,
        ),
        field(
            "Last Sync Status",
            sync.last.map_or_else(never, |(_, how)| match how {
                LastSync::Successful => "Successful".into(),
                LastSync::Failed => "Failed".into(),
            }),
            None,
        ),
        field("Action Needed", sync.action_needed().into(), None),
        field("Global Admin", facts.admin().into(), Some(global_admin_info(facts))),
    ]
}

pub(super) fn sync_status(facts: &Facts<'_>) -> &'static str {
    match (facts.running(), facts.sync.last, facts.sync.pending) {
        (Some(run), _, _) if waits_for_a_person(facts.enterprise, run) => "Waiting for sign-in",
        (Some(_), _, _) => "Syncing",
        (None, Some((_, LastSync::Failed)), _) => "Failed",
        (None, _, Some(_)) => "Sync Needed",
        (None, None, None) => "Not synced yet",
        (None, Some((_, LastSync::Successful)), None) => "Up to date",
    }
}

fn sync_info(facts: &Facts<'_>) -> String {
    let waits = match facts.sync.pending {
        Some(pending) if pending.users > 0 => {
            format!("{} since {}.", waiting(pending.users), facts.local(pending.since))
        }
        Some(_) if facts.enterprise.standing.leaving() => "A final sync is needed.".into(),
        Some(_) => "Voice routes or policies of the organization are to be changed.".into(),
        None => "Nothing waits for a sync.".into(),
    };
    format!(
        "Whether Teams has everything that is saved here. {waits} Times are given in {}.",
        facts.enterprise.settings.time_zone
    )
}

fn button_state(facts: &Facts<'_>) -> ButtonState {
    let sync = facts.sync;
    let running = facts.running();
    match (running, sync.last, sync.pending) {
        (Some(run), _, _) if !waits_for_a_person(facts.enterprise, run) => {
            if run.debug {
                ButtonState::SyncingDiagnostic
            } else {
                ButtonState::Syncing
            }
        }
        (Some(_), _, _) | (None, Some(_), _) if sync.discovered.is_none() => ButtonState::SetupPartiallyComplete,
        (_, Some((_, LastSync::Failed)), _) => {
            let partly = facts.failed.is_some_and(|run| run.tally.in_place() > 0);
            if partly {
                ButtonState::Problems
            } else {
                ButtonState::Failed
            }
        }
        (_, _, Some(_)) => ButtonState::ChangesQueued,
        (_, None, None) => ButtonState::Ready,
        (_, Some((_, LastSync::Successful)), None) => ButtonState::UpToDate,
    }
}

pub(super) fn buttons(facts: &Facts<'_>) -> Buttons {
    let sync = facts.sync;
    let state = button_state(facts);
    let entry = |name, label, info, method, debug| ButtonEntry {
        name,
        label,
        info,
        method,
        path: "/runs",
        debug,
    };
    Buttons {
        state,
        state_text: match state {
            ButtonState::SetupPartiallyComplete => Some("Setup partially complete"),
            ButtonState::Syncing | ButtonState::SyncingDiagnostic => Some("Syncing"),
            ButtonState::Ready
            | ButtonState::UpToDate
            | ButtonState::ChangesQueued
            | ButtonState::Problems
            | ButtonState::Failed => None,
        },
        integration_portal: sync.integration_button(),
        warning: sync.pending.is_some(),
        menu: vec![
            entry("syncNow", SYNC_NOW, None, "POST", false),
            entry(
                "diagnosticSync",
                "Diagnostic Sync",
                Some("Writes a more detailed log, as Sync Now does while Alt and Shift are held."),
                "POST",
                true,
            ),
            entry(
                "showSyncHistory",
                "Show Sync History",
                Some("The most recent run is first."),
                "GET",
                false,
            ),
        ],
        voice_portal: sync.voice_button(),
        opens: facts.reseller.brand.integration_portal_url.to_string(),
    }
}

pub(super) fn setup(facts: &Facts<'_>) -> SetupLink {
    SetupLink {
        label: "Setup",
        url: facts.reseller.brand.integration_portal_url.to_string(),
    }
}

pub(super) fn panel(facts: &Facts<'_>) -> Panel {
    let asks = &facts.reseller.brand.provider_contact;
    Panel {
        title: "Sync Administrator",
        text: format!(
            "Press {} when {asks} asks you to, and sign in at Microsoft when you are prompted.",
            facts.sync.integration_button()
        ),
        duties: vec![
            "Set up the integration and authorize it at Microsoft.",
            "Map the first users to licenses.",
            "Leave later changes of the mapping to the account's admins, if you like.",
            "Sync whenever changes are queued.",
        ],
    }
}

pub(super) fn links(facts: &Facts<'_>) -> Links {
    let brand = &facts.reseller.brand;
    Links {
        integration_portal: brand.integration_portal_url.to_string(),
        voice_portal: brand.voice_portal_url.to_string(),
        help: facts.reseller.help_url.as_ref().map(ToString::to_string),
        permissions: facts.permissions.to_string(),
        teams_calling: facts.teams_calling.to_string(),
    }
}

pub(super) fn licences(facts: &Facts<'_>) -> LicenceCount {
    let (limit, allowance) = (facts.enterprise.settings.user_limit, facts.allowance());
    let usage = &facts.sync.usage;
    let text = match allowance {
        Some(allowance) => format!("{} of {} used", usage.used, counted(allowance, "license", "licenses")),
        None => format!("{} used, no limit", counted(usage.used, "license", "licenses")),
    };
    LicenceCount {
        limit,
        allowance,
        used: usage.used,
        mapped: usage.mapped,
        text,
    }
}

pub(super) fn management_consent(enterprise: &Enterprise) -> ManagementConsent {
    let requested = enterprise.settings.request_management_consent;
    let authorized = enterprise.setup != Setup::Invited;
    let (state, text, by, at) = match &enterprise.management {
        Management::Pending if !requested => ("pending", "The reseller does not ask to manage.".into(), None, None),
        Management::Pending if authorized => {
            let text = format!("{} is offered Grant Consent.", enterprise.global_admin.display_name());
            ("pending", text, None, None)
        }
        Management::Pending => (
            "pending",
            "Grant Consent is offered after the sign-in.".into(),
            None,
            None,
        ),
        Management::Granted { at, by } => {
            let text = format!("{by} lets the reseller manage.");
            ("granted", text, Some(by.clone()), Some(*at))
        }
        Management::Withdrawn { at, by } => {
            let text = format!("{by} has withdrawn the consent.");
            ("withdrawn", text, Some(by.clone()), Some(*at))
        }
    };
    ManagementConsent {
        requested,
        state,
        text,
        by,
        at,
    }
}
