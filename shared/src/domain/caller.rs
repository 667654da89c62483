//! Who calls, and what they may do.

use super::email::EmailAddress;
use super::ids::{EnterpriseId, ResellerId};

/// What a person is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the service.
    ProviderAdmin,
    /// Helps customers; reads everything.
    ProviderSupport,
    /// Provisions a reseller's enterprises.
    ResellerAdmin(ResellerId),
    /// Reads a reseller's enterprises.
    ResellerViewer(ResellerId),
    /// Maps users of one enterprise (R049).
    AccountAdmin(EnterpriseId),
    /// Likewise (R046, R049).
    AccountManager(EnterpriseId),
    /// Maps users of one enterprise, and syncs if recorded as its Global Admin.
    GlobalAdmin(EnterpriseId),
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Creates and changes resellers.
    ManageResellers,
    /// Reads a reseller.
    ReadReseller,
    /// Creates enterprises and lists them.
    Provision,
    /// Reads an enterprise, its status, mapping, plans, runs and logs.
    Read,
    /// Sends the invitation again.
    Invite,
    /// Changes the group filter, voice users and mapping; makes plans.
    Map,
    /// Starts a sync.
    Sync,
}

impl Role {
    /// The one table of who may do what. Everything else looks like an unknown id.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        use Action::{Invite, ManageResellers, Map, Provision, Read, ReadReseller, Sync};
        match self {
            Self::ProviderAdmin => matches!(action, ManageResellers | ReadReseller | Provision | Read | Invite | Map),
            Self::ProviderSupport => matches!(action, ReadReseller | Read | Invite),
            Self::ResellerAdmin(_) => matches!(action, ReadReseller | Provision | Read | Invite),
            Self::ResellerViewer(_) => matches!(action, ReadReseller | Read),
            Self::AccountAdmin(_) | Self::AccountManager(_) => matches!(action, Read | Map),
            Self::GlobalAdmin(_) => matches!(action, Read | Map | Sync),
        }
    }

    /// Whether this role's reach includes an enterprise of that reseller.
    fn reaches(&self, enterprise: &EnterpriseId, reseller: &ResellerId) -> bool {
        match self {
            Self::ProviderAdmin | Self::ProviderSupport => true,
            Self::ResellerAdmin(own) | Self::ResellerViewer(own) => own == reseller,
            Self::AccountAdmin(own) | Self::AccountManager(own) | Self::GlobalAdmin(own) => own == enterprise,
        }
    }
}

/// A verified caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The identity provider's key for the person or system.
    pub subject: String,
    /// The person's address.
    pub email: Option<EmailAddress>,
    /// What they are to us.
    pub role: Role,
}

impl Caller {
    /// Whether the caller may do this with an enterprise of that reseller.
    #[must_use]
    pub fn may_on(&self, enterprise: &EnterpriseId, reseller: &ResellerId, action: Action) -> bool {
        self.role.may(action) && self.role.reaches(enterprise, reseller)
    }

    /// Whether the caller may do this with a reseller.
    #[must_use]
    pub fn may_on_reseller(&self, reseller: &ResellerId, action: Action) -> bool {
        let own = match &self.role {
            Role::ProviderAdmin | Role::ProviderSupport => true,
            Role::ResellerAdmin(own) | Role::ResellerViewer(own) => own == reseller,
            Role::AccountAdmin(_) | Role::AccountManager(_) | Role::GlobalAdmin(_) => false,
        };
        own && self.role.may(action)
    }

    /// The caller that verified claims describe: `sub`, `role`, and what the role needs; `email` where it is known.
    #[must_use]
    pub fn from_claims(claim: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let role = match claim("role")?.as_str() {
            "provider_admin" => Role::ProviderAdmin,
            "provider_support" => Role::ProviderSupport,
            "reseller_admin" => Role::ResellerAdmin(claim("reseller")?.parse().ok()?),
            "reseller_viewer" => Role::ResellerViewer(claim("reseller")?.parse().ok()?),
            "account_admin" => Role::AccountAdmin(claim("enterprise")?.parse().ok()?),
            "account_manager" => Role::AccountManager(claim("enterprise")?.parse().ok()?),
            "global_admin" => Role::GlobalAdmin(claim("enterprise")?.parse().ok()?),
            _ => return None,
        };
        Some(Self {
            subject: claim("sub")?,
            email: claim("email").and_then(|email| email.parse().ok()),
            role,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [Action; 7] = [
        Action::ManageResellers,
        Action::ReadReseller,
        Action::Provision,
        Action::Read,
        Action::Invite,
        Action::Map,
        Action::Sync,
    ];

    fn actions(role: &Role) -> Vec<Action> {
        ACTIONS.into_iter().filter(|action| role.may(*action)).collect()
    }

    #[test]
    fn r048_only_a_global_admin_may_sync() {
        let enterprise = EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 1);
        let reseller = ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 2);
        assert!(actions(&Role::GlobalAdmin(enterprise.clone())).contains(&Action::Sync));
        for role in [
            Role::ProviderAdmin,
            Role::ProviderSupport,
            Role::ResellerAdmin(reseller.clone()),
            Role::ResellerViewer(reseller),
            Role::AccountAdmin(enterprise.clone()),
            Role::AccountManager(enterprise),
        ] {
            assert!(!actions(&role).contains(&Action::Sync), "{role:?}");
        }
    }

    #[test]
    fn r049_account_admins_and_managers_map() {
        let enterprise = EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 1);
        assert_eq!(
            actions(&Role::AccountAdmin(enterprise.clone())),
            [Action::Read, Action::Map]
        );
        assert_eq!(actions(&Role::AccountManager(enterprise)), [Action::Read, Action::Map]);
    }

    #[test]
    fn a_reach_ends_at_the_own_enterprise_or_reseller() {
        let (a, b) = (
            EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 1),
            EnterpriseId::mint(jiff::Timestamp::UNIX_EPOCH, 2),
        );
        let (r, s) = (
            ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 1),
            ResellerId::mint(jiff::Timestamp::UNIX_EPOCH, 2),
        );
        assert!(Role::AccountAdmin(a.clone()).reaches(&a, &r));
        assert!(!Role::AccountAdmin(b).reaches(&a, &r));
        assert!(Role::ResellerAdmin(r.clone()).reaches(&a, &r));
        assert!(!Role::ResellerAdmin(s).reaches(&a, &r));
    }

    #[test]
    fn claims_without_a_known_role_are_nobody() {
        let claims = |role: &'static str| {
            move |name: &str| match name {
                "role" => Some(role.to_owned()),
                "sub" => Some("s".to_owned()),
                _ => None,
            }
        };
        assert!(Caller::from_claims(claims("provider_admin")).is_some());
        assert!(Caller::from_claims(claims("root")).is_none());
        assert!(
            Caller::from_claims(claims("account_admin")).is_none(),
            "an account admin needs an enterprise"
        );
    }
}
