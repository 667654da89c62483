//! The first screen: a reseller's enterprises (R002-R003, R020-R023), and what its form offers.

use crate::domain::caller::Caller;
use crate::domain::enterprise::{Offer, Service};
use crate::domain::ids::{EnterpriseId, ResellerId};
use crate::domain::rights::{Action, May};
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::state::{State, state};
use crate::error::Result;
use crate::io::Io;
use crate::io::store::enterprises::{ListPage, Listed};
use jiff::{SignedDuration, Timestamp};

/// R002.
pub const TITLE: &str = "Enterprises";
/// R003.
pub const ADD: &str = "Add Enterprise";
/// In their order; the last one is the row's menu (R020).
pub const COLUMNS: [&str; 7] = [
    "Enterprise Name",
    "Enterprise Admin Email ID",
    "Status",
    "User Limit",
    "Services",
    "Invited",
    "Action",
];

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    /// Part of a name, of the admin's name or address, or of a billing reference.
    pub q: Option<String>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only with a pending invitation at least this old.
    pub invited_days: Option<u16>,
    /// The youngest first.
    pub newest_first: bool,
    /// The most rows.
    pub limit: u16,
    /// After which one.
    pub after: Option<EnterpriseId>,
}

/// A part of the list.
#[derive(Debug)]
pub struct Page {
    /// In order.
    pub rows: Vec<Row>,
    /// Where to go on.
    pub next: Option<EnterpriseId>,
    /// The caller may create enterprises.
    pub may_add: bool,
}

/// One enterprise.
#[derive(Debug)]
pub struct Row {
    /// As the list keeps it.
    pub listed: Listed,
    /// Its state.
    pub state: State,
    /// Whole days since its pending invitation.
    pub invited_days: Option<i64>,
    /// What the caller can do with it now.
    pub actions: Vec<MenuAction>,
}

/// An entry of a row's menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MenuAction {
    /// For programs.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// Of the request.
    pub method: &'static str,
    /// Below the enterprise's own.
    pub path: &'static str,
}

/// One part of a reseller's list.
///
/// # Errors
/// `Upstream`.
pub async fn page(io: &Io, caller: &Caller, reseller: &ResellerId, asked: Asked, now: Timestamp) -> Result<Page> {
    let q = asked.q.as_deref().map(str::to_lowercase);
    let wanted = move |listed: &Listed| {
        let says = |text: &str| q.as_ref().is_none_or(|q| text.to_lowercase().contains(q.as_str()));
        let enterprise = &listed.enterprise;
        let texts = [
            Some(enterprise.settings.name.as_str()),
            Some(enterprise.global_admin.email.as_str()),
            enterprise.global_admin.name.as_deref(),
            enterprise.settings.billing_reference.as_deref(),
        ];
        let found = texts.into_iter().flatten().any(says);
        let in_state = asked
            .state
            .is_none_or(|asked| state(enterprise, &listed.sync).0 == asked);
        let waits = asked
            .invited_days
            .is_none_or(|days| invited_days(listed, now).is_some_and(|waiting| waiting >= i64::from(days)));
        found && in_state && waits
    };
    let filtered = asked.q.is_some() || asked.state.is_some() || asked.invited_days.is_some();
    let part = ListPage {
        after: asked.after,
        limit: asked.limit,
        newest_first: asked.newest_first,
    };
    let wanted: Option<&(dyn Fn(&Listed) -> bool + Send + Sync)> = if filtered { Some(&wanted) } else { None };
    let (listed, next) = io.store.enterprises(reseller, &part, wanted).await?;
    let row = |listed: Listed| Row {
        state: state(&listed.enterprise, &listed.sync).0,
        invited_days: invited_days(&listed, now),
        actions: menu(caller, &listed),
        listed,
    };
    Ok(Page {
        rows: listed.into_iter().map(row).collect(),
        next,
        may_add: caller.role.may(Action::Provision) == May::Yes,
    })
}

fn invited_days(listed: &Listed, now: Timestamp) -> Option<i64> {
    let enterprise = &listed.enterprise;
    if enterprise.setup != Setup::Invited || enterprise.standing != Standing::Active {
        return None;
    }
    let waiting = enterprise.invitation.as_ref()?.born().duration_until(now);
    Some(waiting.as_hours() / 24).filter(|_| waiting >= SignedDuration::ZERO)
}

/// R020-R023, and what else can be done with an enterprise; only what the caller may and its state allows.
fn menu(caller: &Caller, listed: &Listed) -> Vec<MenuAction> {
    let enterprise = &listed.enterprise;
    let entry = |name, label, method, path| MenuAction {
        name,
        label,
        method,
        path,
    };
    let removable = !enterprise.standing.leaving();
    let undoable = matches!(enterprise.standing, Standing::Removing { final_sync: None, .. });
    let disabled = matches!(enterprise.standing, Standing::Disabled { .. });
    let invitable = enterprise.standing == Standing::Active && !enterprise.setup.complete();
    let all = [
        (Action::Provision, removable, entry("edit", "Edit", "PUT", "")),
        (
            Action::Provision,
            removable && !disabled,
            entry("disable", "Disable", "POST", "/disable"),
        ),
        (
            Action::Provision,
            disabled,
            entry("enable", "Enable", "POST", "/enable"),
        ),
        (
            Action::Invite,
            invitable,
            entry("resendInvitation", "Resend Invitation", "POST", "/invitation"),
        ),
        (
            Action::Licence,
            removable,
            entry("changeLicences", "Change User Limit", "PUT", "/licences"),
        ),
        (
            Action::Appoint,
            removable,
            entry("reassignGlobalAdmin", "Reassign Global Admin", "PUT", "/global-admin"),
        ),
        (Action::Remove, removable, entry("remove", "Remove", "DELETE", "")),
        (
            Action::Remove,
            undoable,
            entry("restore", "Undo Removal", "POST", "/restore"),
        ),
    ];
    let possible = all
        .into_iter()
        .filter(|(action, now, _)| *now && caller.role.may(*action) == May::Yes);
    possible.map(|(_, _, entry)| entry).collect()
}

/// A field of the creation form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As the API names it.
    pub name: &'static str,
    /// As the form shows it.
    pub label: &'static str,
    /// It cannot be left out.
    pub required: bool,
    /// What can be chosen; absent where anything of the right type can be given.
    pub choices: Option<Vec<String>>,
    /// Shown only while this service is chosen (R017).
    pub only_with_service: Option<Service>,
    /// A hint.
    pub advice: Option<&'static str>,
}

/// The creation form (R004-R018).
#[must_use]
pub fn form(offer: &Offer) -> Vec<Field> {
    let field = |name, label, required, advice| Field {
        name,
        label,
        required,
        choices: None,
        only_with_service: None,
        advice,
    };
    vec![
        field("name", "Enterprise Name", true, None),
        field(
            "adminEmail",
            "Enterprise Admin Email ID",
            true,
            Some("The customer's Microsoft Global Administrator; the invitation goes to this address."),
        ),
        field(
            "adminName",
            "Enterprise Admin Name",
            false,
            Some("For greetings in mails."),
        ),
        field(
            "userLimit",
            "User Limit",
            false,
            Some("How many Teams users may be configured; leave it blank for no limit."),
        ),
        field(
            "pbxMusicOnHold",
            "PBX Music on Hold",
            false,
            Some(
                "Ticked: held calls hear the music of the PBX. Not ticked: the service's own music, which nobody can change.",
            ),
        ),
        field(
            "accessSipData",
            "Access SIP Data",
            false,
            Some("Ticked: the enterprise's Microsoft admin can read call detail records."),
        ),
        field(
            "requestManagementConsent",
            "Request Consent for Enterprise Management",
            false,
            Some(
                "Ticked: the enterprise admin is offered Grant Consent; once granted, you can provision in their place.",
            ),
        ),
        Field {
            choices: Some(offer.regions.iter().cloned().collect()),
            ..field(
                "sbcRegions",
                "SBC Region",
                true,
                Some(
                    "Choose the region that is geographically closest to the enterprise; more than one can be chosen.",
                ),
            )
        },
        Field {
            choices: Some(vec!["PBX".into(), "Trunk".into()]),
            ..field("services", "Services", true, None)
        },
        Field {
            choices: Some(offer.pbx_types.iter().cloned().collect()),
            only_with_service: Some(Service::Pbx),
            ..field(
                "pbxTypes",
                "Assigned PBX Types",
                false,
                Some("Needed with the service PBX: move each PBX Type that the enterprise uses into this list."),
            )
        },
        field(
            "timeZone",
            "Time Zone",
            true,
            Some("An IANA zone such as Europe/Brussels; local days and printed times follow it."),
        ),
        field("billingReference", "Billing Reference", false, None),
        field(
            "trialEnd",
            "Trial End",
            false,
            Some("The last day of a trial, in the enterprise's time zone; its licences end with that day."),
        ),
    ]
}
