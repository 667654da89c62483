//! Who calls. What they may do is in `rights`.

use super::audit::Author;
use super::email::EmailAddress;
use super::enterprise::Enterprise;
use super::ids::{EnterpriseId, ResellerId};
use super::rights::{Action, May};
use std::net::{IpAddr, Ipv6Addr};

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

impl Role {
    /// As the claim `role` says it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ProviderAdmin => "provider_admin",
            Self::ProviderSupport => "provider_support",
            Self::ResellerAdmin(_) => "reseller_admin",
            Self::ResellerViewer(_) => "reseller_viewer",
            Self::AccountAdmin(_) => "account_admin",
            Self::AccountManager(_) => "account_manager",
            Self::GlobalAdmin(_) => "global_admin",
        }
    }

    /// The reseller whose staff this is.
    #[must_use]
    pub fn reseller(&self) -> Option<&ResellerId> {
        match self {
            Self::ResellerAdmin(own) | Self::ResellerViewer(own) => Some(own),
            Self::ProviderAdmin
            | Self::ProviderSupport
            | Self::AccountAdmin(_)
            | Self::AccountManager(_)
            | Self::GlobalAdmin(_) => None,
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

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The caller's IP address, as the gateway saw it.
    pub address: Option<String>,
    /// The gateway's id of the request.
    pub request: Option<String>,
}

impl Origin {
    /// What counts as one client: an IPv4 address, or the /64 of an IPv6 address, of which a single connection has as
    /// many as it likes. Without a readable address, everybody is one.
    #[must_use]
    pub fn network(&self) -> String {
        let address = self
            .address
            .as_deref()
            .and_then(|address| address.parse::<IpAddr>().ok());
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let network = u128::from(address) >> 64 << 64;
                format!("{}/64", Ipv6Addr::from(network))
            }
            None => "unknown".into(),
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
    /// What the route that they called does.
    pub asks: Action,
    /// Where the request came from.
    pub origin: Origin,
}

/// On which footing a caller acts on an enterprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footing {
    /// In their own right.
    Own,
    /// In place of the enterprise's Global Admin, who agreed to it (R013).
    OnBehalf,
}

impl Caller {
    /// How the caller may do what they ask for with an enterprise, if at all.
    #[must_use]
    pub fn footing(&self, enterprise: &Enterprise) -> Option<Footing> {
        if !self.role.reaches(&enterprise.id, &enterprise.reseller) {
            return None;
        }
        match self.role.may(self.asks) {
            May::Yes => Some(Footing::Own),
            May::OnBehalf if enterprise.managed() => Some(Footing::OnBehalf),
            May::AsDeputy => {
                let deputy = self.email.as_ref().and_then(|email| enterprise.operators.deputy(email));
                (deputy.is_some() || enterprise.may_sync_unattended()).then_some(Footing::Own)
            }
            May::OnBehalf | May::No => None,
        }
    }

    /// Whether the caller may do what they ask for with a reseller.
    #[must_use]
    pub fn may_on_reseller(&self, reseller: &ResellerId) -> bool {
        let own = match &self.role {
            Role::ProviderAdmin | Role::ProviderSupport => true,
            Role::ResellerAdmin(own) | Role::ResellerViewer(own) => own == reseller,
            Role::AccountAdmin(_) | Role::AccountManager(_) | Role::GlobalAdmin(_) => false,
        };
        own && self.role.may(self.asks) == May::Yes
    }

    /// The caller as the audit trail names them.
    #[must_use]
    pub fn author(&self, on_behalf_of: Option<String>) -> Author {
        Author {
            who: self
                .email
                .as_ref()
                .map_or_else(|| self.subject.clone(), |email| email.as_str().to_owned()),
            subject: self.subject.clone(),
            role: self.role.name().to_owned(),
            on_behalf_of,
            address: self.origin.address.clone(),
            request: self.origin.request.clone(),
        }
    }

    /// The caller that verified claims describe: `sub`, `role`, and what the role needs; `email` where it is known.
    #[must_use]
    pub fn from_claims(claim: impl Fn(&str) -> Option<String>, asks: Action, origin: Origin) -> Option<Self> {
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
            asks,
            origin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_client_is_an_address_or_a_network() {
        let network = |address: &str| {
            let address = Some(address.to_owned());
            Origin { address, request: None }.network()
        };
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff:ffff:ffff:ffff"), network("2001:0DB8:1:2::"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
        assert_eq!(network("nonsense"), Origin::default().network());
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
        let known = |role| Caller::from_claims(claims(role), Action::Read, Origin::default()).is_some();
        assert!(known("provider_admin"));
        assert!(!known("root"));
        assert!(!known("account_admin"), "an account admin needs an enterprise");
    }
}
