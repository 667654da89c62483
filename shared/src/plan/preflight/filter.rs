//! Whose users are synchronised, and who is not among them (R081-R088, R208, R214, R220).

use super::Moment;
use crate::domain::finding::{Actor, Code, Finding, Wait};
use crate::domain::group_filter::{Banned, GroupFilter};
use jiff::{SignedDuration, Timestamp};

/// How long a change of membership can take until every part of Microsoft has it.
const PROPAGATES_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A chosen group without members, or gone: a run that went on would unassign everybody (R087, R214).
#[must_use]
pub fn group(name: &str, members: Option<u64>) -> Option<Finding> {
    let (code, seen) = match members {
        Some(0) => (Code::GroupEmpty, format!("The group '{name}' has no members.")),
        None => (
            Code::GroupNotFound,
            format!("The group '{name}' does not exist any more."),
        ),
        Some(_) => return None,
    };
    Some(Finding {
        code,
        subject: name.to_owned(),
        seen,
        fix: "Check its members in Microsoft 365, which can take time to propagate, or change the group filter; then sync again.".into(),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    })
}

/// A chosen group that shows its members to nobody but themselves.
#[must_use]
pub fn hidden(name: &str) -> Finding {
    Finding {
        code: Code::GroupHidden,
        subject: name.to_owned(),
        seen: format!("The group '{name}' hides its members, also from this service."),
        fix: "Choose a group without hidden membership in the group filter, or everyone; then sync again.".into(),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    }
}

/// A chosen dynamic group that takes nobody in and lets nobody out, because its rule is not worked out at present.
#[must_use]
pub fn group_paused(name: &str) -> Finding {
    Finding {
        code: Code::GroupPaused,
        subject: name.to_owned(),
        seen: format!("Microsoft does not work out the members of the dynamic group '{name}' at present: they stay as they were."),
        fix: "In the Microsoft Entra admin center resume the processing of the group's rule, wait until it has ended, then sync.".into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: Some(Wait::after_fix(
            PROPAGATES_WITHIN,
            "A dynamic group can take up to 24 hours to be worked out anew.",
        )),
    }
}

/// A chosen group that should not have been, or that has become one of those (R081-R082).
#[must_use]
pub fn group_banned(name: &str, banned: Banned) -> Finding {
    let seen = match banned {
        Banned::AllUsers => {
            format!("The group '{name}' holds all users of the tenant; Microsoft does not keep it reliably complete.")
        }
        Banned::AllCompany => {
            format!("The group '{name}' is the tenant's All Company; Microsoft does not keep it reliably complete.")
        }
        Banned::Distribution => format!("The group '{name}' is a distribution list, whose members cannot be read."),
    };
    let fix = match banned {
        Banned::AllUsers | Banned::AllCompany => {
            "Choose all users instead of this group, or another group, in Sync User Groups; then sync."
        }
        Banned::Distribution => "Choose a security group or a Microsoft 365 group in Sync User Groups; then sync.",
    };
    Finding {
        code: Code::GroupBanned,
        subject: name.to_owned(),
        seen,
        fix: fix.into(),
        actor: Actor::AccountAdmin,
        about: None,
        wait: None,
    }
}

/// What is known of a person who is not there.
#[derive(Clone, Copy, Debug)]
pub struct Absence<'a> {
    /// Whose users are synchronised.
    pub filter: &'a GroupFilter,
    /// When the tenant was last read; never where absent.
    pub read_at: Option<Timestamp>,
    /// When a read no longer found a person who was there before.
    pub left: Option<Timestamp>,
}

/// Somebody whom the last read has not found: not a member of a chosen group, or not an enabled account (R085, R208, R220).
#[must_use]
pub fn user_not_in_filter(who: &str, absence: Absence<'_>, moment: Moment<'_>) -> Finding {
    let before = match absence.left {
        Some(left) => format!("{who} was there until {}, and is not any more.", moment.local(left)),
        None => format!("Nobody like '{who}' was found."),
    };
    let read = match absence.read_at {
        Some(read) => format!("The tenant was last read {} ({})", moment.ago(read), moment.local(read)),
        None => "The tenant has not been read yet".to_owned(),
    };
    let enabled = "Look that the spelling is right and that the account exists and is enabled in Microsoft 365";
    let (scope, fix, wait) = match absence.filter {
        GroupFilter::Undecided => (
            "and nobody has chosen whose users are synchronised.".to_owned(),
            "Choose all users or some groups in Sync User Groups; then sync.".to_owned(),
            None,
        ),
        GroupFilter::Everyone => (
            "and all its enabled users are synchronised: the account is not in this tenant, is disabled, or is younger than that.".to_owned(),
            format!("{enabled}; then sync."),
            None,
        ),
        GroupFilter::Groups(groups) => {
            let names: Vec<String> = groups.iter().map(|group| format!("'{}'", group.name)).collect();
            (
                format!("and only members of {} are synchronised, also those of groups inside.", names.join(", ")),
                format!(
                    "{enabled}, and that it is a member of {}; then sync.",
                    if names.len() == 1 { "that group" } else { "one of these groups" }
                ),
                Some(Wait::after_fix(
                    PROPAGATES_WITHIN,
                    "A new membership can take up to 24 hours to propagate through Microsoft.",
                )),
            )
        }
    };
    Finding {
        code: Code::UserNotInFilter,
        subject: who.to_owned(),
        seen: format!("{before} {read}, {scope}"),
        fix,
        actor: match absence.filter {
            GroupFilter::Undecided => Actor::AccountAdmin,
            GroupFilter::Everyone | GroupFilter::Groups(_) => Actor::GlobalAdmin,
        },
        about: None,
        wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::group_filter::ChosenGroup;
    use jiff::tz::TimeZone;

    const NOON: Timestamp = Timestamp::constant(1_795_348_800, 0);

    #[test]
    fn r087_r214_an_empty_group_is_not_a_missing_one() {
        assert_eq!(group("g", Some(0)).map(|finding| finding.code), Some(Code::GroupEmpty));
        assert_eq!(group("g", None).map(|finding| finding.code), Some(Code::GroupNotFound));
        assert_eq!(group("g", Some(1)), None);
    }

    #[test]
    fn r081_r082_a_group_that_cannot_be_chosen_says_what_to_choose() {
        for banned in [Banned::AllUsers, Banned::AllCompany, Banned::Distribution] {
            let finding = group_banned("Everybody", banned);
            assert_eq!(finding.code, Code::GroupBanned);
            assert!(finding.seen.contains("'Everybody'") && finding.fix.contains("Sync User Groups"));
        }
        assert!(group_banned("All Users", Banned::AllUsers).fix.contains("all users"));
    }

    fn absent(filter: &GroupFilter, read_at: Option<Timestamp>, left: Option<Timestamp>) -> Finding {
        let absence = Absence { filter, read_at, left };
        let zone = TimeZone::UTC;
        user_not_in_filter("Mara", absence, Moment { now: NOON, zone: &zone })
    }

    #[test]
    fn r085_r220_who_is_not_in_the_groups_is_told_their_names_and_to_wait() {
        let group = |name: &str| ChosenGroup {
            id: "11111111-1111-4111-8111-111111111111".parse().unwrap(),
            name: name.into(),
        };
        let filter = GroupFilter::Groups(vec![group("Sales"), group("Service desk")]);
        let finding = absent(&filter, Some(NOON - SignedDuration::from_hours(3)), None);
        assert_eq!(finding.code, Code::UserNotInFilter);
        assert!(finding.seen.contains("'Sales', 'Service desk'") && finding.seen.contains("3 hours ago"));
        assert!(finding.fix.contains("member of one of these groups"), "{}", finding.fix);
        let wait = finding.wait.unwrap();
        assert_eq!(
            (wait.earliest_retry, wait.takes),
            (None, SignedDuration::from_hours(24))
        );
    }

    #[test]
    fn r208_without_groups_the_account_is_missing_disabled_or_new() {
        let finding = absent(&GroupFilter::Everyone, Some(NOON), None);
        assert!(finding.seen.contains("is disabled, or is younger"), "{}", finding.seen);
        let never = absent(&GroupFilter::Undecided, None, None);
        assert!(never.seen.contains("has not been read yet") && never.fix.contains("Choose all users or some groups"));
    }

    #[test]
    fn r101_who_has_left_is_said_to_have_been_there() {
        let finding = absent(&GroupFilter::Everyone, Some(NOON), Some(NOON));
        assert!(
            finding.seen.starts_with("Mara was there until Nov 22, 2026, 12:00 PM"),
            "{}",
            finding.seen
        );
    }
}
