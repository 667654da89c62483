//! Who of the tenant can be mapped, and the figures of the log (R091-R098).

use crate::domain::directory::{Ineligible, TeamsUser, Traits};
use crate::domain::sync_log::Counts;

/// Notes one enabled user of the filter in the figures. Guests are no users of the enterprise and are not counted.
pub fn count(counts: &mut Counts, traits: Traits) {
    if traits.has(Traits::GUEST) {
        return;
    }
    counts.total += 1;
    counts.licensed += u64::from(traits.has(Traits::LICENSED));
    if traits.has(Traits::RESOURCE) {
        counts.resource += 1;
    } else if traits.has(Traits::PHONE_SYSTEM) {
        counts.phone_system += 1;
        let excluded = traits.has(Traits::CALLING_PLAN) || traits.has(Traits::CREDITS);
        counts.excluded_by_calling_plan += u64::from(excluded);
    }
}

/// Why an enabled user cannot be mapped; `None` means they can. The first reason that holds is given.
#[must_use]
pub fn ineligible(user: &TeamsUser) -> Option<Ineligible> {
    user.traits().excluded()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::ActivePlans;

    fn user(plans: &[(&str, &str)]) -> TeamsUser {
        let mut active = ActivePlans::default();
        for (plan, status) in plans {
            active.note(plan, status, None);
        }
        TeamsUser {
            id: "2c0b6a1e-1111-4a11-9a11-0000000000a1".parse().unwrap(),
            name: "Mara Quist".into(),
            email: "mara@bluefinch.example".parse().unwrap(),
            guest: false,
            directory_synced: false,
            licensed: !plans.is_empty(),
            plans: active,
            country: Some("US".into()),
        }
    }

    const PHONE: &str = "4828c8ec-dc2e-4779-b502-87ac9ce28ab7";
    const CALLING: &str = "16935b20-87c0-4908-934a-22aa267d0d26"; // inside a bundle
    const CREDITS: &str = "505e180f-f7e0-4b65-91d4-00d670bbd18c";
    const RESOURCE: &str = "f47330e9-c134-43b3-9993-e7f004506889";

    fn check(plans: &[(&str, &str)], expected: Option<Ineligible>) {
        assert_eq!(ineligible(&user(plans)), expected, "{plans:?}");
    }

    #[test]
    fn r089_r091_phone_system_is_needed() {
        check(&[(PHONE, "Enabled")], None);
        check(&[(PHONE, "Warning")], None);
        check(&[(PHONE, "Deleted")], Some(Ineligible::NoPhoneSystem));
        check(&[(PHONE, "Suspended")], Some(Ineligible::NoPhoneSystem));
        check(&[], Some(Ineligible::NoPhoneSystem));
    }

    #[test]
    fn r092_r094_calling_plans_exclude_by_service_plan() {
        check(
            &[(PHONE, "Enabled"), (CALLING, "Enabled")],
            Some(Ineligible::HasCallingPlan),
        );
        check(&[(PHONE, "Enabled"), (CALLING, "Deleted")], None);
        check(
            &[(PHONE, "Enabled"), (CREDITS, "Enabled")],
            Some(Ineligible::HasCommCredits),
        );
        check(
            &[(RESOURCE, "Enabled"), (PHONE, "Enabled")],
            Some(Ineligible::ResourceAccount),
        );
        assert_eq!(
            ineligible(&TeamsUser {
                guest: true,
                ..user(&[(PHONE, "Enabled")])
            }),
            Some(Ineligible::Guest)
        );
    }

    #[test]
    fn r097_figures_count_members_only() {
        let mut counts = Counts::default();
        for person in [
            user(&[(PHONE, "Enabled")]),
            user(&[(PHONE, "Enabled"), (CALLING, "Enabled")]),
            user(&[(PHONE, "Enabled"), (CREDITS, "Enabled")]),
            user(&[(RESOURCE, "Enabled")]),
            user(&[]),
            TeamsUser {
                guest: true,
                ..user(&[(PHONE, "Enabled")])
            },
        ] {
            count(&mut counts, person.traits());
        }
        assert_eq!(
            counts,
            Counts {
                total: 5,
                licensed: 4,
                phone_system: 3,
                excluded_by_calling_plan: 2,
                resource: 1
            }
        );
    }
}
