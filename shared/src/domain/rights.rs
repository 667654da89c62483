//! Who may call what: the one table of routes, and the one table of roles. A route that is not in it answers nobody.

use super::caller::Role;

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Creates resellers and activates them again.
    ManageResellers,
    /// Lists all resellers.
    ListResellers,
    /// Changes a reseller and its brand.
    EditReseller,
    /// Reads a reseller, and the list of its enterprises.
    ReadReseller,
    /// Creates, edits, disables and enables enterprises.
    Provision,
    /// Changes the number of licences (R026).
    Licence,
    /// Gives the role of the Global Admin to another person (R031).
    Appoint,
    /// Removes an enterprise's integration, and takes that back (R027).
    Remove,
    /// Sends the invitation again, or takes it back.
    Invite,
    /// Sees to mails that do not arrive: closes tasks, lets mail go to an address again.
    SeeToMail,
    /// Asks for the address of an admin's next step.
    Guide,
    /// Reads which records the provider's DNS has to have.
    PublishDns,
    /// Reads an enterprise, its status, mapping, plans, runs and logs.
    Read,
    /// Reads the audit trail.
    Audit,
    /// Reads call detail records, where the enterprise may (R011).
    ReadSipData,
    /// Lets the reseller manage, or no longer (R012).
    Consent,
    /// Has a permission set asked for again (R054).
    ResetConsent,
    /// Changes the group filter, voice users and mapping; makes plans.
    Map,
    /// Decides who else may sync, and whether syncs keep to the bound tenant.
    Govern,
    /// Takes back that syncs run unattended.
    StopUnattended,
    /// Starts a sync.
    Sync,
    /// Agrees that a sync takes away more numbers than it may by itself.
    Approve,
    /// Decides when and whom an enterprise's reminders reach.
    Remind,
}

/// Every action.
pub const ACTIONS: [Action; 23] = [
    Action::ManageResellers,
    Action::ListResellers,
    Action::EditReseller,
    Action::ReadReseller,
    Action::Provision,
    Action::Licence,
    Action::Appoint,
    Action::Remove,
    Action::Invite,
    Action::SeeToMail,
    Action::Guide,
    Action::PublishDns,
    Action::Read,
    Action::Audit,
    Action::ReadSipData,
    Action::Consent,
    Action::ResetConsent,
    Action::Map,
    Action::Govern,
    Action::StopUnattended,
    Action::Sync,
    Action::Approve,
    Action::Remind,
];

/// Which action each route with a token is.
pub const ROUTES: &[(&str, &str, Action)] = &[
    ("POST", "/v1/resellers", Action::ManageResellers),
    ("GET", "/v1/resellers", Action::ListResellers),
    ("POST", "/v1/resellers/{reseller}/activation", Action::ManageResellers),
    ("GET", "/v1/resellers/{reseller}", Action::ReadReseller),
    ("PUT", "/v1/resellers/{reseller}", Action::EditReseller),
    ("GET", "/v1/resellers/{reseller}/audit", Action::Audit),
    ("GET", "/v1/resellers/{reseller}/mails", Action::ReadReseller),
    ("GET", "/v1/resellers/{reseller}/tasks", Action::ReadReseller),
    ("POST", "/v1/resellers/{reseller}/tasks/{task}/close", Action::SeeToMail),
    ("GET", "/v1/resellers/{reseller}/suppressions", Action::ReadReseller),
    (
        "POST",
        "/v1/resellers/{reseller}/suppressions/{suppression}/lift",
        Action::SeeToMail,
    ),
    ("GET", "/v1/resellers/{reseller}/mail-sending", Action::ReadReseller),
    ("PUT", "/v1/resellers/{reseller}/mail-sending", Action::ManageResellers),
    ("GET", "/v1/mail-sending", Action::ListResellers),
    ("PUT", "/v1/mail-sending", Action::ManageResellers),
    ("GET", "/v1/audit", Action::ListResellers),
    ("GET", "/v1/enterprises", Action::ReadReseller),
    ("POST", "/v1/enterprises", Action::Provision),
    ("GET", "/v1/enterprise-form", Action::ReadReseller),
    ("GET", "/v1/enterprises/{enterprise}", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}", Action::Provision),
    ("DELETE", "/v1/enterprises/{enterprise}", Action::Remove),
    ("POST", "/v1/enterprises/{enterprise}/restore", Action::Remove),
    ("POST", "/v1/enterprises/{enterprise}/disable", Action::Provision),
    ("POST", "/v1/enterprises/{enterprise}/enable", Action::Provision),
    ("GET", "/v1/enterprises/{enterprise}/invitation", Action::Read),
    ("POST", "/v1/enterprises/{enterprise}/invitation", Action::Invite),
    ("DELETE", "/v1/enterprises/{enterprise}/invitation", Action::Invite),
    ("GET", "/v1/enterprises/{enterprise}/licences", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}/licences", Action::Licence),
    ("PUT", "/v1/enterprises/{enterprise}/global-admin", Action::Appoint),
    (
        "PUT",
        "/v1/enterprises/{enterprise}/management-consent",
        Action::Consent,
    ),
    ("GET", "/v1/enterprises/{enterprise}/consents", Action::Read),
    (
        "DELETE",
        "/v1/enterprises/{enterprise}/consents/{set}",
        Action::ResetConsent,
    ),
    ("GET", "/v1/enterprises/{enterprise}/operators", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}/operators", Action::Govern),
    ("GET", "/v1/enterprises/{enterprise}/unattended", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}/unattended", Action::Govern),
    (
        "DELETE",
        "/v1/enterprises/{enterprise}/unattended",
        Action::StopUnattended,
    ),
    ("POST", "/v1/enterprises/{enterprise}/disable-sync", Action::Govern),
    ("POST", "/v1/enterprises/{enterprise}/enable-sync", Action::Govern),
    ("POST", "/v1/enterprises/{enterprise}/action-urls", Action::Guide),
    ("GET", "/v1/enterprises/{enterprise}/audit", Action::Audit),
    ("GET", "/v1/enterprises/{enterprise}/mails", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/sip-data", Action::ReadSipData),
    ("GET", "/v1/enterprises/{enterprise}/status", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/domains", Action::Read),
    ("GET", "/v1/domains", Action::PublishDns),
    ("GET", "/v1/enterprises/{enterprise}/changes", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/groups", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/group-filter", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}/group-filter", Action::Map),
    ("GET", "/v1/enterprises/{enterprise}/teams-users", Action::Read),
    (
        "GET",
        "/v1/enterprises/{enterprise}/teams-users/{who}/diagnosis",
        Action::Read,
    ),
    ("GET", "/v1/enterprises/{enterprise}/voice-users", Action::Read),
    (
        "GET",
        "/v1/enterprises/{enterprise}/voice-users/{voiceUser}/diagnosis",
        Action::Read,
    ),
    ("PUT", "/v1/enterprises/{enterprise}/voice-users", Action::Map),
    ("POST", "/v1/enterprises/{enterprise}/voice-users", Action::Map),
    ("POST", "/v1/enterprises/{enterprise}/voice-users/import", Action::Map),
    ("GET", "/v1/enterprises/{enterprise}/voice-users/export", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/voice-users/template", Action::Read),
    (
        "GET",
        "/v1/enterprises/{enterprise}/voice-users/{voiceUser}",
        Action::Read,
    ),
    (
        "PUT",
        "/v1/enterprises/{enterprise}/voice-users/{voiceUser}",
        Action::Map,
    ),
    (
        "DELETE",
        "/v1/enterprises/{enterprise}/voice-users/{voiceUser}",
        Action::Map,
    ),
    ("GET", "/v1/enterprises/{enterprise}/mapping", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}/mapping", Action::Map),
    ("GET", "/v1/enterprises/{enterprise}/mapping/proposals", Action::Read),
    ("POST", "/v1/enterprises/{enterprise}/mapping/proposals", Action::Map),
    ("POST", "/v1/enterprises/{enterprise}/plans", Action::Map),
    ("GET", "/v1/enterprises/{enterprise}/plans/{plan}", Action::Read),
    (
        "GET",
        "/v1/enterprises/{enterprise}/plans/{plan}/powershell",
        Action::Read,
    ),
    (
        "PUT",
        "/v1/enterprises/{enterprise}/plans/{plan}/approval",
        Action::Approve,
    ),
    ("GET", "/v1/enterprises/{enterprise}/preflight", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/mails/preview", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/release-limit", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}/release-limit", Action::Provision),
    ("GET", "/v1/enterprises/{enterprise}/reminding", Action::Read),
    ("PUT", "/v1/enterprises/{enterprise}/reminding", Action::Remind),
    ("DELETE", "/v1/enterprises/{enterprise}/reminding/duty", Action::Remind),
    ("GET", "/v1/enterprises/{enterprise}/reminders", Action::Read),
    ("GET", "/v1/resellers/{reseller}/digest", Action::ReadReseller),
    ("PUT", "/v1/resellers/{reseller}/digest", Action::EditReseller),
    ("GET", "/v1/enterprises/{enterprise}/runs", Action::Read),
    ("POST", "/v1/enterprises/{enterprise}/runs", Action::Sync),
    ("GET", "/v1/enterprises/{enterprise}/runs/{run}", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/runs/{run}/log", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/runs/{run}/log.txt", Action::Read),
    ("GET", "/v1/enterprises/{enterprise}/runs/{run}/changes", Action::Read),
    (
        "GET",
        "/v1/enterprises/{enterprise}/runs/{run}/support-bundle",
        Action::Audit,
    ),
    ("POST", "/v1/enterprises/{enterprise}/runs/{run}/sign-in", Action::Sync),
    ("POST", "/v1/enterprises/{enterprise}/runs/{run}/cancel", Action::Sync),
    ("POST", "/v1/enterprises/{enterprise}/runs/{run}/retry", Action::Sync),
    ("POST", "/v1/enterprises/{enterprise}/runs/{run}/undo", Action::Map),
];

/// The action of a route, by its method and the path as the router has it. `HEAD` is `GET`.
#[must_use]
pub fn action(method: &str, path: &str) -> Option<Action> {
    let method = if method == "HEAD" { "GET" } else { method };
    let route = ROUTES.iter().find(|route| (route.0, route.1) == (method, path));
    route.map(|route| route.2)
}

/// An answer of the table of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Always, within the role's reach.
    Yes,
    /// While the enterprise's Global Admin lets the reseller manage (R013).
    OnBehalf,
    /// While the enterprise's Global Admin has named the person as a deputy, or lets syncs run unattended.
    AsDeputy,
    /// Never. It looks like an unknown id.
    No,
}

impl Role {
    /// The one table of who may do what, within their reach.
    ///
    /// Provider support reads everything and does what customers call it for: invitations, licences, another Global
    /// Admin. What it does not do is create, change or remove.
    #[must_use]
    pub fn may(&self, action: Action) -> May {
        use Action::{
            Appoint, Approve, Audit, Consent, EditReseller, Govern, Guide, Invite, Licence, ListResellers,
            ManageResellers, Map, Provision, PublishDns, Read, ReadReseller, ReadSipData, Remind, Remove, ResetConsent,
            SeeToMail, StopUnattended, Sync,
        };
        let (always, on_behalf): (&[Action], &[Action]) = match self {
            Self::ProviderAdmin => (
                &[
                    ManageResellers,
                    ListResellers,
                    EditReseller,
                    ReadReseller,
                    Provision,
                    Licence,
                    Appoint,
                    Remove,
                    Invite,
                    SeeToMail,
                    ResetConsent,
                    Guide,
                    PublishDns,
                    Read,
                    Audit,
                    Map,
                    Approve,
                    Remind,
                ],
                &[],
            ),
            Self::ProviderSupport => (
                &[
                    ListResellers,
                    ReadReseller,
                    Licence,
                    Appoint,
                    Invite,
                    SeeToMail,
                    ResetConsent,
                    Guide,
                    PublishDns,
                    Read,
                    Audit,
                ],
                &[],
            ),
            Self::ResellerAdmin(_) => (
                &[
                    EditReseller,
                    ReadReseller,
                    Provision,
                    Licence,
                    Appoint,
                    Remove,
                    Invite,
                    SeeToMail,
                    ResetConsent,
                    Guide,
                    Read,
                    Audit,
                    Remind,
                ],
                &[Map, Sync, Approve],
            ),
            Self::ResellerViewer(_) => (&[ReadReseller, Read], &[]),
            Self::AccountAdmin(_) => (&[Guide, Read, Audit, Map, StopUnattended, Approve, Remind], &[]),
            Self::AccountManager(_) => (&[Guide, Read, Map], &[]),
            Self::GlobalAdmin(_) => (
                &[
                    Guide,
                    Read,
                    Audit,
                    ReadSipData,
                    Consent,
                    ResetConsent,
                    Map,
                    Govern,
                    StopUnattended,
                    Sync,
                    Approve,
                    Remind,
                ],
                &[],
            ),
        };
        if always.contains(&action) {
            May::Yes
        } else if on_behalf.contains(&action) {
            May::OnBehalf
        } else if action == Sync && matches!(self, Self::AccountAdmin(_)) {
            May::AsDeputy
        } else {
            May::No
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{EnterpriseId, ResellerId};

    fn roles() -> [Role; 7] {
        let enterprise = EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 1);
        let reseller = ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 2);
        [
            Role::ProviderAdmin,
            Role::ProviderSupport,
            Role::ResellerAdmin(reseller.clone()),
            Role::ResellerViewer(reseller),
            Role::AccountAdmin(enterprise.clone()),
            Role::AccountManager(enterprise.clone()),
            Role::GlobalAdmin(enterprise),
        ]
    }

    fn who(action: Action) -> Vec<&'static str> {
        let may = roles().into_iter().filter(|role| role.may(action) != May::No);
        may.map(|role| role.name()).collect()
    }

    #[test]
    fn every_route_stands_once_and_every_action_is_used() {
        for (at, route) in ROUTES.iter().enumerate() {
            let again = ROUTES
                .iter()
                .skip(at + 1)
                .any(|other| (route.0, route.1) == (other.0, other.1));
            assert!(!again, "{route:?}");
        }
        for wanted in ACTIONS {
            assert!(ROUTES.iter().any(|route| route.2 == wanted), "{wanted:?}");
        }
        assert_eq!(action("HEAD", "/v1/enterprises"), Some(Action::ReadReseller));
        assert_eq!(action("GET", "/v1/enterprises/"), None);
    }

    #[test]
    fn r048_only_a_global_admin_may_sync_and_others_where_that_person_lets_them() {
        assert_eq!(who(Action::Sync), ["reseller_admin", "account_admin", "global_admin"]);
        let reseller = ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 2);
        assert_eq!(Role::ResellerAdmin(reseller).may(Action::Sync), May::OnBehalf);
        let enterprise = EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 1);
        assert_eq!(Role::AccountAdmin(enterprise.clone()).may(Action::Sync), May::AsDeputy);
        assert_eq!(Role::GlobalAdmin(enterprise).may(Action::Sync), May::Yes);
        assert_eq!(who(Action::Govern), ["global_admin"]);
        assert_eq!(who(Action::StopUnattended), ["account_admin", "global_admin"]);
    }

    #[test]
    fn r049_account_admins_and_managers_map() {
        let mapping = who(Action::Map);
        assert!(mapping.contains(&"account_admin") && mapping.contains(&"account_manager"));
        assert!(!mapping.contains(&"reseller_viewer"));
    }

    #[test]
    fn r026_r027_r031_only_the_provider_side_licenses_removes_and_reassigns() {
        for action in [Action::Licence, Action::Appoint, Action::Remove] {
            assert!(
                who(action)
                    .iter()
                    .all(|role| role.starts_with("provider") || *role == "reseller_admin"),
                "{action:?}"
            );
        }
        assert_eq!(
            who(Action::Licence),
            ["provider_admin", "provider_support", "reseller_admin"]
        );
        assert_eq!(who(Action::Remove), ["provider_admin", "reseller_admin"]);
    }

    #[test]
    fn r013_a_reseller_maps_on_behalf_only() {
        let reseller = ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 2);
        assert_eq!(Role::ResellerAdmin(reseller).may(Action::Map), May::OnBehalf);
    }

    #[test]
    fn who_maps_does_not_thereby_agree_that_many_lose_their_numbers() {
        let approving = who(Action::Approve);
        let expected = ["provider_admin", "reseller_admin", "account_admin", "global_admin"];
        assert_eq!(approving, expected);
        let reseller = ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 2);
        assert_eq!(Role::ResellerAdmin(reseller).may(Action::Approve), May::OnBehalf);
    }

    #[test]
    fn a_viewer_changes_nothing() {
        for action in ACTIONS {
            let reads = matches!(action, Action::Read | Action::ReadReseller);
            let viewer = Role::ResellerViewer(ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 2));
            assert_eq!(viewer.may(action) != May::No, reads, "{action:?}");
        }
    }
}
