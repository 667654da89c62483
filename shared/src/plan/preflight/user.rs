//! What keeps a person of the tenant from being mapped, or from being called (R091-R094, R103, R208, R213, R217-R218).

use super::Moment;
use crate::domain::directory::{Ineligible, TeamsUser};
use crate::domain::finding::{Actor, Code, Finding, Wait};
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::Country;
use jiff::SignedDuration;

/// How long Teams usually needs to learn of a new license.
const LICENSED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How long it has been seen to need.
const LICENSED_AT_LAST: SignedDuration = SignedDuration::from_hours(48);
/// How long a new location needs (R217).
const MOVED_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// How long a change of the coexistence mode needs.
const UPGRADED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

fn of(user: &TeamsUser, code: Code, actor: Actor, seen: String, fix: &str, wait: Option<Wait>) -> Finding {
    Finding {
        code,
        subject: user.label(),
        seen,
        fix: fix.into(),
        actor,
        about: Some(user.id.clone()),
        wait,
    }
}

/// The one reason why a person cannot be mapped, in words.
#[must_use]
pub fn ineligible_finding(user: &TeamsUser, why: Ineligible) -> Finding {
    let who = user.label();
    let ours = |code, seen, fix| of(user, code, Actor::GlobalAdmin, seen, fix, None);
    match why {
        Ineligible::Guest => of(
            user,
            Code::Guest,
            Actor::AccountAdmin,
            format!("{who} is a guest of another organization."),
            "Choose an account of your own organization; guests cannot be called through this one.",
            None,
        ),
        Ineligible::ResourceAccount => ours(
            Code::ResourceAccount,
            format!("{who} is a resource account: an auto attendant, a call queue or a room, and no person."),
            "Choose a person's account. If it is one, take the license for resource accounts away, give one with Teams Phone, then sync.",
        ),
        Ineligible::NoPhoneSystem => of(
            user,
            Code::NoPhoneSystem,
            Actor::GlobalAdmin,
            if user.licensed {
                format!("{who} has no license in which Teams Phone (Phone System) works.")
            } else {
                format!("{who} has no license at all.")
            },
            "In the Microsoft 365 admin center give a license with Teams Phone (E5 has it, or the add-on), and look that it is switched on among the license's apps; then sync.",
            Some(Wait::after_fix(
                LICENSED_WITHIN,
                "A new license can take up to 24 hours, at times 48, until Teams knows it.",
            )),
        ),
        Ineligible::HasCallingPlan => ours(
            Code::HasCallingPlan,
            format!("{who} has a Calling Plan of Microsoft's."),
            "In the Microsoft 365 admin center take the Calling Plan away; it may stand among the apps of a bundle, such as E5 with Calling Minutes. Then sync.",
        ),
        Ineligible::HasCommCredits => ours(
            Code::HasCommCredits,
            format!("{who} has Communications Credits of Microsoft's."),
            "In the Microsoft 365 admin center take Communications Credits away; they may stand among the apps of a bundle. Then sync.",
        ),
    }
}

/// A guest of another tenant.
#[must_use]
pub fn guest(user: &TeamsUser) -> Option<Finding> {
    user.guest.then(|| ineligible_finding(user, Ineligible::Guest))
}

/// The account of a room, a queue or an attendant.
#[must_use]
pub fn resource_account(user: &TeamsUser) -> Option<Finding> {
    let resource = user.plans.resource;
    resource.then(|| ineligible_finding(user, Ineligible::ResourceAccount))
}

/// No working Phone System plan (R091, R208-R209).
#[must_use]
pub fn no_phone_system(user: &TeamsUser) -> Option<Finding> {
    let without = !user.plans.phone_system;
    without.then(|| ineligible_finding(user, Ineligible::NoPhoneSystem))
}

/// A Calling Plan, also inside a bundle (R092, R094, R213).
#[must_use]
pub fn has_calling_plan(user: &TeamsUser) -> Option<Finding> {
    let has = user.plans.calling_plan;
    has.then(|| ineligible_finding(user, Ineligible::HasCallingPlan))
}

/// Communications Credits (R093).
#[must_use]
pub fn has_comm_credits(user: &TeamsUser) -> Option<Finding> {
    let has = user.plans.credits;
    has.then(|| ineligible_finding(user, Ineligible::HasCommCredits))
}

/// Teams Phone that was given so lately that Teams may not know it yet; `troubled` says that Teams has refused something
/// since, and then it may be due to that for another day.
#[must_use]
pub fn license_propagating(user: &TeamsUser, troubled: bool, moment: Moment<'_>) -> Option<Finding> {
    let since = user.plans.phone_since.filter(|_| user.plans.phone_system)?;
    let within = if troubled { LICENSED_AT_LAST } else { LICENSED_WITHIN };
    (moment.now < since + within).then(|| {
        of(
            user,
            Code::LicensePropagating,
            Actor::Microsoft,
            format!(
                "{} got Teams Phone {} ({}).",
                user.label(),
                moment.ago(since),
                moment.local(since)
            ),
            "Wait, then sync; nothing is wrong if Teams refuses the number until then.",
            Some(Wait::since(
                since,
                within,
                "A new license can take up to 24 hours, at times 48, until Teams knows it.",
            )),
        )
    })
}

/// R218: a number that only the on-premises directory can change.
#[must_use]
pub fn on_premises(name: &str, about: &TeamsUserId) -> Finding {
    Finding {
        code: Code::OnpremLineUri,
        subject: name.to_owned(),
        seen: format!("DirSync'd user: the number of {name} is set on-premises."),
        fix: "Clear the attribute msRTCSIP-Line on-premises, let directory synchronisation run, then sync again."
            .into(),
        actor: Actor::GlobalAdmin,
        about: Some(about.clone()),
        wait: None,
    }
}

/// Calls of somebody in another coexistence mode than `UpgradeToTeams` ring in Skype for Business.
#[must_use]
pub fn not_teams_only(name: &str, about: &TeamsUserId, mode: &str) -> Finding {
    Finding {
        code: Code::NotTeamsOnly,
        subject: name.to_owned(),
        seen: format!("The coexistence mode of the Teams user of {name} is {mode}, so calls may not ring in Teams."),
        fix: "In the Teams admin center (Users, Teams upgrade) set the user to Teams only.".into(),
        actor: Actor::GlobalAdmin,
        about: Some(about.clone()),
        wait: Some(Wait::after_fix(
            UPGRADED_WITHIN,
            "A change of the coexistence mode can take up to 24 hours.",
        )),
    }
}

const MOVE: &str = "In the Microsoft 365 admin center set the user's location to the country of the number, then sync.";

fn moved() -> Option<Wait> {
    let text = "A new location can take up to 1 hour until Microsoft gives it out.";
    Some(Wait::after_fix(MOVED_WITHIN, text))
}

/// R103: without a usage location calls out are treated by guess.
#[must_use]
pub fn country_missing(user: &TeamsUser) -> Option<Finding> {
    let without = user.country.as_deref().unwrap_or_default().trim().is_empty();
    without.then(|| {
        let seen = format!("{} has no usage location in Microsoft 365.", user.label());
        of(user, Code::CountryMissing, Actor::GlobalAdmin, seen, MOVE, moved())
    })
}

/// R217: the person's country is not the number's.
#[must_use]
pub fn country_mismatch(user: &TeamsUser, number: Country) -> Option<Finding> {
    let place = user
        .country
        .as_deref()
        .map(str::trim)
        .filter(|place| !place.is_empty())?;
    let differs = !place.eq_ignore_ascii_case(&number.to_string());
    differs.then(|| {
        let seen = format!(
            "The usage location of {} is {}, and the number is one of {number}.",
            user.label(),
            place.to_ascii_uppercase()
        );
        of(user, Code::CountryMismatch, Actor::GlobalAdmin, seen, MOVE, moved())
    })
}

/// R101: a voice user that is mapped to somebody who is not there any more.
#[must_use]
pub fn mapped_user_gone(name: &str, about: &TeamsUserId) -> Finding {
    Finding {
        code: Code::MappedUserGone,
        subject: name.to_owned(),
        seen: format!("The Teams user mapped to {name} does not exist any more."),
        fix: "Choose another Teams user, or None, and save.".into(),
        actor: Actor::AccountAdmin,
        about: Some(about.clone()),
        wait: None,
    }
}

/// A voice user that is mapped to somebody who could not be chosen any more: a license was taken away, or a plan given.
#[must_use]
pub fn mapped_user_ineligible(name: &str, user: &TeamsUser) -> Finding {
    of(
        user,
        Code::MappedUserGone,
        Actor::AccountAdmin,
        format!(
            "{name} is mapped to {}, who cannot be mapped as things are.",
            user.label()
        ),
        "Have that put right in Microsoft 365, or choose another Teams user or None, and save.",
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::ActivePlans;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    const NOON: Timestamp = Timestamp::constant(1_795_348_800, 0);

    fn user(plans: ActivePlans) -> TeamsUser {
        TeamsUser {
            id: "2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap(),
            name: "Mara Quist".into(),
            email: "mara@bluefinch.example".parse().unwrap(),
            country: Some("BE".into()),
            guest: false,
            licensed: true,
            directory_synced: false,
            plans,
        }
    }

    fn calling() -> ActivePlans {
        ActivePlans {
            phone_system: true,
            ..ActivePlans::default()
        }
    }

    /// Each check is silent for whom it does not concern.
    #[test]
    fn r208_somebody_with_teams_phone_alone_is_fine() {
        let user = user(calling());
        let zone = TimeZone::UTC;
        let moment = Moment { now: NOON, zone: &zone };
        let checks = [
            guest(&user),
            resource_account(&user),
            no_phone_system(&user),
            has_calling_plan(&user),
            has_comm_credits(&user),
            license_propagating(&user, true, moment),
            country_missing(&user),
            country_mismatch(&user, "be".parse().unwrap()),
        ];
        assert!(checks.iter().all(Option::is_none), "{checks:?}");
    }

    #[test]
    fn r089_r091_r212_without_teams_phone_the_license_is_named() {
        let unlicensed = TeamsUser {
            licensed: false,
            ..user(ActivePlans::default())
        };
        let none = no_phone_system(&unlicensed).unwrap();
        assert_eq!((none.code, none.actor), (Code::NoPhoneSystem, Actor::GlobalAdmin));
        assert_eq!(none.seen, "Mara Quist (mara@bluefinch.example) has no license at all.");
        let other = no_phone_system(&user(ActivePlans::default())).unwrap();
        assert!(other.seen.contains("Teams Phone (Phone System)") && other.fix.contains("E5 has it"));
        assert!(other.wait.unwrap().text.contains("48"));
    }

    #[test]
    fn r092_r094_r213_a_calling_plan_may_hide_in_a_bundle() {
        let finding = has_calling_plan(&user(ActivePlans {
            calling_plan: true,
            ..calling()
        }))
        .unwrap();
        assert_eq!(finding.code, Code::HasCallingPlan);
        assert!(finding.fix.contains("among the apps of a bundle"), "{}", finding.fix);
    }

    #[test]
    fn r093_communications_credits_are_named() {
        let finding = has_comm_credits(&user(ActivePlans {
            credits: true,
            ..calling()
        }));
        assert_eq!(finding.map(|finding| finding.code), Some(Code::HasCommCredits));
    }

    #[test]
    fn resource_accounts_and_guests_are_no_people_of_the_tenant() {
        let room = user(ActivePlans {
            resource: true,
            ..calling()
        });
        assert_eq!(
            resource_account(&room).map(|finding| finding.code),
            Some(Code::ResourceAccount)
        );
        let visitor = TeamsUser {
            guest: true,
            ..user(calling())
        };
        let finding = guest(&visitor).unwrap();
        assert_eq!((finding.code, finding.actor), (Code::Guest, Actor::AccountAdmin));
    }

    #[test]
    fn r202_a_license_of_yesterday_is_waited_for_and_longer_where_teams_refuses() {
        let zone = TimeZone::UTC;
        let moment = Moment { now: NOON, zone: &zone };
        let since = |hours: i64| {
            user(ActivePlans {
                phone_since: Some(NOON - SignedDuration::from_hours(hours)),
                ..calling()
            })
        };
        let young = license_propagating(&since(5), false, moment).unwrap();
        assert_eq!((young.code, young.actor), (Code::LicensePropagating, Actor::Microsoft));
        assert!(young.seen.contains("5 hours ago"), "{}", young.seen);
        let retry = young.wait.unwrap().earliest_retry;
        assert_eq!(retry, Some(NOON + SignedDuration::from_hours(19)));
        assert_eq!(license_propagating(&since(24), false, moment), None);
        let refused = license_propagating(&since(30), true, moment).unwrap();
        assert_eq!(
            refused.wait.unwrap().earliest_retry,
            Some(NOON + SignedDuration::from_hours(18))
        );
        assert_eq!(license_propagating(&since(48), true, moment), None);
        let lost = TeamsUser {
            plans: ActivePlans {
                phone_system: false,
                ..since(1).plans
            },
            ..since(1)
        };
        assert_eq!(license_propagating(&lost, true, moment), None);
    }

    #[test]
    fn r103_r217_the_location_is_compared_with_the_number() {
        let be: Country = "BE".parse().unwrap();
        let without = TeamsUser {
            country: Some(" ".into()),
            ..user(calling())
        };
        assert_eq!(
            country_missing(&without).map(|finding| finding.code),
            Some(Code::CountryMissing)
        );
        assert_eq!(country_mismatch(&without, be), None, "nothing to compare");
        let abroad = TeamsUser {
            country: Some("us".into()),
            ..user(calling())
        };
        let finding = country_mismatch(&abroad, be).unwrap();
        assert_eq!(finding.code, Code::CountryMismatch);
        assert!(
            finding.seen.contains("is US, and the number is one of BE"),
            "{}",
            finding.seen
        );
        assert_eq!(finding.wait.unwrap().takes, SignedDuration::from_hours(1));
    }

    #[test]
    fn r218_a_number_set_on_premises_names_the_attribute() {
        let finding = on_premises("Front desk", &user(calling()).id);
        assert_eq!(finding.code, Code::OnpremLineUri);
        assert!(finding.seen.starts_with("DirSync'd user") && finding.fix.contains("msRTCSIP-Line"));
    }

    #[test]
    fn islands_is_not_teams_only() {
        let finding = not_teams_only("Front desk", &user(calling()).id, "Islands");
        assert_eq!(finding.code, Code::NotTeamsOnly);
        assert!(finding.seen.contains("is Islands") && finding.fix.contains("Teams only"));
    }

    #[test]
    fn r101_a_mapped_user_who_is_gone_is_to_be_unmapped() {
        let gone = mapped_user_gone("Front desk", &user(calling()).id);
        let lost = mapped_user_ineligible("Front desk", &user(ActivePlans::default()));
        for finding in [gone, lost] {
            assert_eq!(
                (finding.code, finding.actor),
                (Code::MappedUserGone, Actor::AccountAdmin)
            );
            assert!(finding.fix.contains("None, and save"));
        }
    }
}
