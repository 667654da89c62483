//! What happens after a sign-in or an "Accept": the state of the set-up and an event give the next state (R054-R059).

use crate::domain::consent::{Consent, Consents};
use crate::domain::global_admin::{GlobalAdmin, Identity};
use crate::domain::setup::{BoundTenant, Setup};
use crate::error::{Error, SignInRefused};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What a person has just proven.
#[derive(Clone, Debug)]
pub enum Event {
    /// The first sign-in was confirmed on our page: who, where, with which scopes.
    TenantConfirmed {
        /// Who.
        identity: Identity,
        /// Where; its `at` is now.
        tenant: BoundTenant,
        /// What the first request granted.
        scopes: BTreeSet<String>,
    },
    /// The second sign-in brought these scopes.
    CallingGranted {
        /// Who.
        identity: Identity,
        /// What the second request granted.
        scopes: BTreeSet<String>,
    },
    /// The second request was declined.
    CallingDeclined,
}

/// The next state, and who the Global Admin now is.
///
/// # Errors
/// Why the event does not fit; nothing changes then.
pub fn step(
    setup: &Setup,
    admin: &GlobalAdmin,
    event: Event,
    now: Timestamp,
) -> Result<(Setup, GlobalAdmin), SignInRefused> {
    if let Event::TenantConfirmed { identity, .. } | Event::CallingGranted { identity, .. } = &event {
        recorded(setup, admin, identity)?;
    }
    match (setup, event) {
        (
            Setup::Invited,
            Event::TenantConfirmed {
                identity,
                tenant,
                scopes,
            },
        ) => {
            let consents = Consents {
                sign_in: Consent::Granted { scopes, at: now },
                calling: Consent::Pending,
            };
            Ok((Setup::Bound { tenant, consents }, known_as(admin, identity)))
        }
        // The same person came through the invitation once more, or a new one for the first time: the binding stands, the
        // consent is renewed.
        (Setup::Bound { tenant, consents }, Event::TenantConfirmed { scopes, identity, .. }) => {
            let consents = Consents {
                sign_in: Consent::Granted { scopes, at: now },
                ..consents.clone()
            };
            Ok((
                Setup::Bound {
                    tenant: tenant.clone(),
                    consents,
                },
                known_as(admin, identity),
            ))
        }
        (Setup::Bound { tenant, consents }, Event::CallingGranted { scopes, identity }) => {
            let missing = crate::domain::consent::missing_calling_scopes(&scopes);
            if !missing.is_empty() {
                let missing = missing.into_iter().map(str::to_owned).collect();
                return Err(SignInRefused::ConsentIncomplete { missing });
            }
            let consents = Consents {
                calling: Consent::Granted { scopes, at: now },
                ..consents.clone()
            };
            Ok((
                Setup::Complete {
                    tenant: tenant.clone(),
                    consents,
                    at: now,
                },
                known_as(admin, identity),
            ))
        }
        (Setup::Bound { tenant, consents }, Event::CallingDeclined) => {
            let consents = Consents {
                calling: Consent::Declined { at: now },
                ..consents.clone()
            };
            Ok((
                Setup::Bound {
                    tenant: tenant.clone(),
                    consents,
                },
                admin.clone(),
            ))
        }
        (
            Setup::Complete { .. },
            Event::TenantConfirmed { .. } | Event::CallingGranted { .. } | Event::CallingDeclined,
        ) => Ok((setup.clone(), admin.clone())),
        (Setup::Invited, Event::CallingGranted { .. } | Event::CallingDeclined) => Err(SignInRefused::StateUnknown),
    }
}

/// A failed sign-in in words for the people who help: no secrets, no codes of Microsoft.
#[must_use]
pub fn news(why: &Error) -> String {
    let Error::SignIn(refused) = why else {
        return "Microsoft or the service did not answer as expected.".to_owned();
    };
    let text = match refused {
        SignInRefused::LinkClosed => "The invitation was replaced, has expired or was used up.",
        SignInRefused::WrongCode { .. } => "The invitation code was wrong.",
        SignInRefused::StateUnknown => "The browser came back from Microsoft without an answer that belongs to it.",
        SignInRefused::Declined => "The permission request was declined.",
        SignInRefused::ApprovalRequired => "Microsoft asks for an administrator's approval.",
        SignInRefused::TokenInvalid(_) => "Microsoft's answer could not be verified.",
        SignInRefused::PersonalAccount => "A personal Microsoft account was used.",
        SignInRefused::NotGlobalAdmin => "The account lacks the role Global Administrator.",
        SignInRefused::NotRecorded { .. } => "Another person than the recorded Global Admin signed in.",
        SignInRefused::TenantMismatch => "The account belongs to another organisation than the connected one.",
        SignInRefused::TenantTaken => "The organisation is connected to another enterprise.",
        SignInRefused::ConsentIncomplete { .. } => "Not all permissions were granted.",
        SignInRefused::Microsoft { .. } => "Microsoft refused the sign-in.",
    };
    text.to_owned()
}

/// The Global Admin, recorded at Microsoft as this person.
#[must_use]
pub fn known_as(admin: &GlobalAdmin, identity: Identity) -> GlobalAdmin {
    GlobalAdmin {
        identity: Some(identity),
        ..admin.clone()
    }
}

/// Whether `identity` may act for the enterprise: the bound tenant, and in it the recorded person (R047-R048, R066).
///
/// # Errors
/// `TenantMismatch` or `NotRecorded`.
pub fn recorded(setup: &Setup, admin: &GlobalAdmin, identity: &Identity) -> Result<(), SignInRefused> {
    if setup.tenant().is_some_and(|tenant| tenant.id != identity.tenant) {
        return Err(SignInRefused::TenantMismatch);
    }
    match &admin.identity {
        Some(known) if known != identity => Err(SignInRefused::NotRecorded {
            expected: admin.display_name().to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::CALLING_SCOPES;

    fn identity(tenant: u8, user: u8) -> Identity {
        Identity {
            tenant: format!("9f3c2b10-0000-4000-8000-0000000000{tenant:02x}")
                .parse()
                .unwrap(),
            user: format!("2c0b6a1e-1111-4a11-9a11-0000000000{user:02x}").parse().unwrap(),
        }
    }

    fn confirmed(tenant: u8, user: u8) -> Event {
        let identity = identity(tenant, user);
        let bound = BoundTenant {
            id: identity.tenant.clone(),
            name: "Bluefinch".into(),
            label: "bluefinch".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        Event::TenantConfirmed {
            identity,
            tenant: bound,
            scopes: BTreeSet::new(),
        }
    }

    fn granted(tenant: u8, user: u8, scopes: usize) -> Event {
        let scopes = CALLING_SCOPES
            .iter()
            .take(scopes)
            .map(|scope| (*scope).to_owned())
            .collect();
        Event::CallingGranted {
            identity: identity(tenant, user),
            scopes,
        }
    }

    fn play(events: Vec<Event>) -> Result<Setup, SignInRefused> {
        let admin = GlobalAdmin::invited("mara@bluefinch.example".parse().unwrap(), None);
        let mut state = (Setup::Invited, admin);
        for event in events {
            state = step(&state.0, &state.1, event, Timestamp::UNIX_EPOCH)?;
        }
        Ok(state.0)
    }

    #[test]
    fn r024_r059_complete_exactly_when_the_second_set_is_accepted() {
        assert!(!play(vec![confirmed(1, 1)]).unwrap().complete());
        assert!(play(vec![confirmed(1, 1), granted(1, 1, 7)]).unwrap().complete());
        assert!(!play(vec![confirmed(1, 1), Event::CallingDeclined]).unwrap().complete());
        assert!(
            play(vec![confirmed(1, 1), Event::CallingDeclined, granted(1, 1, 7)])
                .unwrap()
                .complete()
        );
    }

    #[test]
    fn r054_two_sets_in_their_order() {
        assert_eq!(play(vec![granted(1, 1, 7)]), Err(SignInRefused::StateUnknown));
        assert!(matches!(
            play(vec![confirmed(1, 1), granted(1, 1, 6)]),
            Err(SignInRefused::ConsentIncomplete { .. })
        ));
    }

    #[test]
    fn r048_only_the_recorded_person() {
        assert!(matches!(
            play(vec![confirmed(1, 1), granted(1, 2, 7)]),
            Err(SignInRefused::NotRecorded { .. })
        ));
        assert!(matches!(
            play(vec![confirmed(1, 1), confirmed(1, 2)]),
            Err(SignInRefused::NotRecorded { .. })
        ));
    }

    #[test]
    fn r066_only_the_bound_tenant() {
        assert_eq!(
            play(vec![confirmed(1, 1), granted(2, 1, 7)]),
            Err(SignInRefused::TenantMismatch)
        );
        assert_eq!(
            play(vec![confirmed(1, 1), confirmed(2, 1)]),
            Err(SignInRefused::TenantMismatch)
        );
    }
}
