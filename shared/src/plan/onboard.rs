//! What happens after a sign-in or an "Accept": the state of the set-up and an event give the next state (R054-R059).

use crate::domain::consent::{Consent, ConsentForm, Consents, PermissionSet, SIGN_IN_SCOPES, missing_calling_scopes};
use crate::domain::global_admin::{GlobalAdmin, Identity};
use crate::domain::setup::{BoundTenant, Setup};
use crate::domain::steps::Obstacle;
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
        /// Their name, for the ledger.
        by: String,
        /// Where; its `at` is now.
        tenant: BoundTenant,
        /// What the first request granted.
        scopes: BTreeSet<String>,
    },
    /// The second sign-in brought these scopes.
    CallingGranted {
        /// Who.
        identity: Identity,
        /// Their name, for the ledger.
        by: String,
        /// On which page of Microsoft.
        form: ConsentForm,
        /// What the second request granted.
        scopes: BTreeSet<String>,
    },
    /// The second request was declined.
    CallingDeclined {
        /// By whom.
        by: String,
    },
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
    let signed = |scopes, by| Consent::Granted {
        scopes,
        at: now,
        by,
        form: ConsentForm::Delegated,
    };
    match (setup, event) {
        (
            Setup::Invited,
            Event::TenantConfirmed {
                identity,
                by,
                tenant,
                scopes,
            },
        ) => {
            let consents = Consents {
                sign_in: signed(scopes, by),
                calling: Consent::Pending,
            };
            Ok((Setup::Bound { tenant, consents }, known_as(admin, identity)))
        }
        // The same person came through the invitation once more, or a new one for the first time: the binding stands, the
        // consent is renewed.
        (
            Setup::Bound { consents, .. },
            Event::TenantConfirmed {
                scopes, identity, by, ..
            },
        ) => {
            let consents = consents.clone().with(PermissionSet::SignIn, signed(scopes, by));
            Ok((setup.with_consents(consents), known_as(admin, identity)))
        }
        (
            Setup::Bound { consents, .. } | Setup::Complete { consents, .. },
            Event::CallingGranted {
                scopes,
                identity,
                by,
                form,
            },
        ) => {
            let missing = missing_calling_scopes(&scopes);
            if !missing.is_empty() {
                return Err(SignInRefused::lacking(missing));
            }
            let consents = accepted(consents.clone(), scopes, &by, form, now);
            let next = match setup.with_consents(consents) {
                Setup::Bound { tenant, consents } => Setup::Complete {
                    tenant,
                    consents,
                    at: now,
                },
                complete @ (Setup::Invited | Setup::Complete { .. }) => complete,
            };
            Ok((next, known_as(admin, identity)))
        }
        // What is in force stays so when somebody who was asked again says no.
        (Setup::Bound { consents, .. } | Setup::Complete { consents, .. }, Event::CallingDeclined { by })
            if !consents.calling.granted() =>
        {
            let declined = Consent::Declined { at: now, by };
            let consents = consents.clone().with(PermissionSet::Calling, declined);
            Ok((setup.with_consents(consents), admin.clone()))
        }
        (
            Setup::Bound { .. } | Setup::Complete { .. },
            Event::TenantConfirmed { .. } | Event::CallingDeclined { .. },
        ) => Ok((setup.clone(), admin.clone())),
        (Setup::Invited, Event::CallingGranted { .. } | Event::CallingDeclined { .. }) => {
            Err(SignInRefused::StateUnknown)
        }
    }
}

/// The second request grants the first set anew where that was not in force any more.
fn accepted(consents: Consents, scopes: BTreeSet<String>, by: &str, form: ConsentForm, now: Timestamp) -> Consents {
    let granted = |scopes| Consent::Granted {
        scopes,
        at: now,
        by: by.to_owned(),
        form,
    };
    let first = if consents.sign_in.granted() {
        consents.sign_in
    } else {
        let of_first = |scope: &&String| SIGN_IN_SCOPES.iter().any(|name| scope.ends_with(name));
        granted(scopes.iter().filter(of_first).cloned().collect())
    };
    Consents {
        sign_in: first,
        calling: granted(scopes),
    }
}

/// What the tokens of a later sign-in say of the second set, where that is news: accepted on the way, or gone since.
#[must_use]
pub fn seen_at_sign_in(setup: &Setup, scopes: &BTreeSet<String>, by: &str, now: Timestamp) -> Option<Setup> {
    let consents = setup.consents()?;
    let news = match (missing_calling_scopes(scopes).is_empty(), consents.granted()) {
        (true, true) | (false, false) => return None,
        (true, false) => accepted(consents.clone(), scopes.clone(), by, ConsentForm::Delegated, now),
        (false, true) => {
            let gone = Consent::Revoked {
                at: now,
                by: "Microsoft".into(),
            };
            consents.clone().with(PermissionSet::Calling, gone)
        }
    };
    Some(setup.with_consents(news))
}

/// One set is no longer relied on: the Global Admin is asked for it again.
///
/// # Errors
/// The sentence that says why there is nothing to reset.
pub fn reset(setup: &Setup, set: PermissionSet, by: &str, now: Timestamp) -> Result<Setup, String> {
    let Some(consents) = setup.consents() else {
        return Err("nothing was granted yet: the invitation comes first".into());
    };
    if !consents.of(set).granted() {
        return Err("this permission set is not granted; ask for it with the action grantConsent".into());
    }
    let revoked = Consent::Revoked {
        at: now,
        by: by.to_owned(),
    };
    Ok(setup.with_consents(consents.clone().with(set, revoked)))
}

/// A failed sign-in for the people who help: what was in the way, and that in words without secrets or codes of Microsoft.
#[must_use]
pub fn news(why: &Error) -> (Obstacle, &'static str) {
    let Error::SignIn(refused) = why else {
        return (Obstacle::Fault, "Microsoft or the service did not answer as expected.");
    };
    match refused {
        SignInRefused::LinkClosed => (
            Obstacle::Refused,
            "The invitation was replaced, has expired or was used up.",
        ),
        SignInRefused::WrongCode { .. } => (Obstacle::Refused, "The invitation code was wrong."),
        SignInRefused::StateUnknown => (
            Obstacle::Refused,
            "The browser came back from Microsoft without an answer that belongs to it.",
        ),
        SignInRefused::Declined => (Obstacle::NotGranted, "The permission request was declined."),
        SignInRefused::ApprovalRequired => (
            Obstacle::ApprovalRequired,
            "Microsoft asks for an administrator's approval.",
        ),
        SignInRefused::TokenInvalid(_) => (Obstacle::Refused, "Microsoft's answer could not be verified."),
        SignInRefused::PersonalAccount => (Obstacle::OtherPerson, "A personal Microsoft account was used."),
        SignInRefused::NotGlobalAdmin { .. } => (
            Obstacle::NotGlobalAdmin,
            "The account lacks the role Global Administrator.",
        ),
        SignInRefused::NotRecorded { .. } => (
            Obstacle::OtherPerson,
            "Another person than the recorded Global Admin signed in.",
        ),
        SignInRefused::TenantMismatch => (
            Obstacle::OtherTenant,
            "The account belongs to another organisation than the connected one.",
        ),
        SignInRefused::TenantTaken => (
            Obstacle::TenantTaken,
            "The organisation is connected to another enterprise.",
        ),
        SignInRefused::ConsentIncomplete { .. } => (Obstacle::NotGranted, "Not all permissions were granted."),
        SignInRefused::ConsentNotInForce => (
            Obstacle::NotInForce,
            "The permissions are granted, but Microsoft does not apply them yet.",
        ),
        SignInRefused::Microsoft { .. } => (Obstacle::Refused, "Microsoft refused the sign-in."),
    }
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
    use crate::domain::consent::{CALLING_SCOPES, calling_set};

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
            by: "Mara".into(),
            tenant: bound,
            scopes: BTreeSet::new(),
        }
    }

    /// Every permission of the second set.
    const ALL: usize = CALLING_SCOPES.len() + 1;

    fn granted(tenant: u8, user: u8, scopes: usize) -> Event {
        let scopes = calling_set().take(scopes).map(|scope| scope.to_owned()).collect();
        Event::CallingGranted {
            identity: identity(tenant, user),
            by: "Mara".into(),
            form: ConsentForm::Delegated,
            scopes,
        }
    }

    fn declined() -> Event {
        Event::CallingDeclined { by: "Mara".into() }
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
        assert!(play(vec![confirmed(1, 1), granted(1, 1, ALL)]).unwrap().complete());
        assert!(!play(vec![confirmed(1, 1), declined()]).unwrap().complete());
        assert!(
            play(vec![confirmed(1, 1), declined(), granted(1, 1, ALL)])
                .unwrap()
                .complete()
        );
    }

    #[test]
    fn r054_two_sets_in_their_order() {
        assert_eq!(play(vec![granted(1, 1, ALL)]), Err(SignInRefused::StateUnknown));
        assert!(matches!(
            play(vec![confirmed(1, 1), granted(1, 1, ALL - 1)]),
            Err(SignInRefused::ConsentIncomplete { .. })
        ));
    }

    #[test]
    fn r048_only_the_recorded_person() {
        assert!(matches!(
            play(vec![confirmed(1, 1), granted(1, 2, ALL)]),
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
            play(vec![confirmed(1, 1), granted(2, 1, ALL)]),
            Err(SignInRefused::TenantMismatch)
        );
        assert_eq!(
            play(vec![confirmed(1, 1), confirmed(2, 1)]),
            Err(SignInRefused::TenantMismatch)
        );
    }

    fn complete() -> Setup {
        play(vec![confirmed(1, 1), granted(1, 1, ALL)]).unwrap()
    }

    fn scopes(count: usize) -> BTreeSet<String> {
        calling_set().take(count).map(|scope| scope.to_owned()).collect()
    }

    #[test]
    fn r054_one_set_can_be_reset_and_is_granted_again() {
        let now = Timestamp::UNIX_EPOCH;
        for set in [PermissionSet::SignIn, PermissionSet::Calling] {
            let without = reset(&complete(), set, "support", now).unwrap();
            assert!(without.complete() && !without.consents().unwrap().granted(), "{set:?}");
            assert!(reset(&without, set, "support", now).is_err());
            let again = play(vec![confirmed(1, 1), granted(1, 1, ALL)]).unwrap();
            let admin = GlobalAdmin::invited("mara@bluefinch.example".parse().unwrap(), None);
            let (next, _) = step(&without, &admin, granted(1, 1, ALL), now).unwrap();
            assert!(next.consents().unwrap().granted() && again.complete(), "{set:?}");
        }
        assert!(reset(&Setup::Invited, PermissionSet::Calling, "support", now).is_err());
    }

    #[test]
    fn r059_a_consent_in_force_survives_a_later_no() {
        let admin = GlobalAdmin::invited("mara@bluefinch.example".parse().unwrap(), None);
        let (next, _) = step(&complete(), &admin, declined(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(next, complete());
    }

    #[test]
    fn r056_a_later_token_tells_what_became_of_the_second_set() {
        let now = Timestamp::UNIX_EPOCH;
        let seen = |setup: &Setup, count| seen_at_sign_in(setup, &scopes(count), "Mara", now);
        assert_eq!(seen(&complete(), ALL), None);
        let gone = seen(&complete(), ALL - 1).unwrap();
        assert_eq!(
            gone.consents().unwrap().calling,
            Consent::Revoked {
                at: now,
                by: "Microsoft".into()
            }
        );
        assert_eq!(seen(&gone, ALL - 1), None);
        let back = seen(&gone, ALL).unwrap();
        assert!(back.consents().unwrap().granted());
    }
}
