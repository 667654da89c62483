//! Whether somebody who signed in for a deputy's sync is that deputy (R047). The role is proven apart, by asking Microsoft.

use crate::domain::global_admin::{GlobalAdmin, Identity};
use crate::domain::operators::{Deputy, Operators};
use crate::domain::setup::Setup;
use crate::error::SignInRefused;

/// The bound tenant, and in it the person who signed in for this deputy before. At a deputy's first sign-in the portal
/// vouches for the person, who must not be known as anybody else here.
///
/// # Errors
/// `TenantMismatch` or `NotRecorded`.
pub fn is_deputy(
    setup: &Setup,
    admin: &GlobalAdmin,
    operators: &Operators,
    deputy: &Deputy,
    identity: &Identity,
) -> Result<(), SignInRefused> {
    if setup.tenant().is_none_or(|tenant| tenant.id != identity.tenant) {
        return Err(SignInRefused::TenantMismatch);
    }
    let others = operators.deputies.iter().filter(|other| other.email != deputy.email);
    let mut known = others.map(|other| &other.identity).chain([&admin.identity]);
    let is_another = known.any(|known| known.as_ref() == Some(identity));
    match &deputy.identity {
        Some(recorded) if recorded == identity => Ok(()),
        None if !is_another => Ok(()),
        Some(_) | None => Err(SignInRefused::NotRecorded {
            expected: deputy.name.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::{Consent, Consents};
    use crate::domain::operators::Named;
    use crate::domain::setup::BoundTenant;
    use jiff::Timestamp;

    fn identity(tenant: u8, user: u8) -> Identity {
        Identity {
            tenant: format!("9f3c2b10-0000-4000-8000-0000000000{tenant:02x}")
                .parse()
                .unwrap(),
            user: format!("2c0b6a1e-1111-4a11-9a11-0000000000{user:02x}").parse().unwrap(),
        }
    }

    fn bound() -> Setup {
        let tenant = BoundTenant {
            id: identity(1, 1).tenant,
            name: "Bluefinch".into(),
            label: "bluefinch".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        let consents = Consents {
            sign_in: Consent::Pending,
            calling: Consent::Pending,
        };
        Setup::Bound { tenant, consents }
    }

    /// User 1 of tenant 1 is the Global Admin and user 2 a deputy; the other deputy is known or not.
    fn refusal(known: Option<u8>, setup: &Setup, signed_in: Identity) -> Option<String> {
        let email = |name: &str| format!("{name}@bluefinch.example").parse().unwrap();
        let admin = GlobalAdmin {
            identity: Some(identity(1, 1)),
            ..GlobalAdmin::invited(email("mara"), None)
        };
        let named = ["ann", "bob"].map(|name| Named {
            email: format!("{name}@bluefinch.example"),
            name: name.into(),
        });
        let operators = Operators::default().replaced_by(&named, false, &admin.email).unwrap();
        let operators = operators.known(&email("ann"), &identity(1, 2));
        let operators = known
            .iter()
            .fold(operators, |all, user| all.known(&email("bob"), &identity(1, *user)));
        let bob = operators.deputy(&email("bob")).unwrap();
        let decided = is_deputy(setup, &admin, &operators, bob, &signed_in);
        decided.err().map(|why| format!("{why:?}"))
    }

    #[test]
    fn r047_a_new_deputy_is_anybody_of_the_tenant_who_is_nobody_else_here() {
        let not_recorded = Some("NotRecorded { expected: \"bob\" }".to_owned());
        assert_eq!(refusal(None, &bound(), identity(1, 3)), None);
        assert_eq!(
            refusal(None, &bound(), identity(1, 1)),
            not_recorded,
            "the Global Admin"
        );
        assert_eq!(
            refusal(None, &bound(), identity(1, 2)),
            not_recorded,
            "the other deputy"
        );
    }

    #[test]
    fn r048_a_known_deputy_is_that_person_only() {
        assert_eq!(refusal(Some(3), &bound(), identity(1, 3)), None);
        for other in [1, 2, 4] {
            assert!(refusal(Some(3), &bound(), identity(1, other)).is_some(), "{other}");
        }
    }

    #[test]
    fn r066_no_deputy_is_of_another_tenant() {
        let mismatch = Some("TenantMismatch".to_owned());
        assert_eq!(refusal(None, &bound(), identity(2, 3)), mismatch);
        assert_eq!(refusal(Some(3), &bound(), identity(2, 3)), mismatch);
        assert_eq!(refusal(None, &Setup::Invited, identity(1, 3)), mismatch);
    }
}
