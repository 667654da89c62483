//! What the whole enterprise waits for, and what a single mapping waits for (R099-R100, R127-R129, R144, R209, R215-R216).

use super::Moment;
use crate::domain::finding::{Actor, Code, Finding, Wait};
use jiff::{SignedDuration, Timestamp};

/// R144: how long the dial pad may take after a sync.
pub const DIAL_PAD_WITHIN: SignedDuration = SignedDuration::from_hours(2);
/// R100: data that has not appeared after this time is a matter for the provider.
const DATA_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// A sync ends within this time, as the guides say.
const SYNC_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// The most names that a sentence lists.
const NAMES_MAX: usize = 5;

fn finding(code: Code, subject: &str, seen: String, fix: String, actor: Actor, wait: Option<Wait>) -> Finding {
    Finding {
        code,
        subject: subject.to_owned(),
        seen,
        fix,
        actor,
        about: None,
        wait,
    }
}

/// The first sync, which brings the tenant's users: not begun, or not ended. `begun` is when a run was started that has not
/// ended. Silent once the tenant has been read.
#[must_use]
pub fn first_sync(
    read_at: Option<Timestamp>,
    begun: Option<Timestamp>,
    admin: &str,
    provider: &str,
    moment: Moment<'_>,
) -> Option<Finding> {
    if read_at.is_some() {
        return None;
    }
    let code = Code::FirstSyncRunning;
    Some(match begun {
        None => finding(
            code,
            "",
            "The first sync has not been run, so no user of the tenant is known yet.".into(),
            format!("{admin} has to press Sync Now and sign in."),
            Actor::GlobalAdmin,
            Some(Wait::after_fix(SYNC_WITHIN, "The first sync takes a few minutes.")),
        ),
        Some(begun) if moment.now < begun + DATA_WITHIN => finding(
            code,
            "",
            format!("The first sync was started {} and has not ended.", moment.ago(begun)),
            "Wait until it has ended before you map users; look whether it waits for a sign-in.".into(),
            Actor::GlobalAdmin,
            Some(Wait::since(
                begun,
                SYNC_WITHIN,
                "The first sync takes a few minutes once its sign-in is done.",
            )),
        ),
        Some(begun) => finding(
            code,
            "",
            format!(
                "The first sync was started {} and has still not ended.",
                moment.ago(begun)
            ),
            format!("Contact {provider}."),
            Actor::Provider,
            None,
        ),
    })
}

/// What is saved and not in Teams yet; `running` says that a sync is going on (R209).
#[must_use]
pub fn not_synced_yet(what: &str, subject: &str, running: bool, admin: &str) -> Finding {
    let (fix, actor) = if running {
        (
            "Wait until the sync that is going on has ended.".to_owned(),
            Actor::Microsoft,
        )
    } else {
        (
            format!("{admin} has to press Sync Now and sign in."),
            Actor::GlobalAdmin,
        )
    };
    let takes = SYNC_WITHIN + DIAL_PAD_WITHIN;
    let text = "A sync takes up to 10 minutes, and the dial pad can appear up to 2 hours after it.";
    let wait = Some(Wait::after_fix(takes, text));
    finding(Code::NotSyncedYet, subject, what.to_owned(), fix, actor, wait)
}

/// Whoever waits longer than this for the dial pad is past what a list of everybody has to say.
const DIAL_PAD_LISTED: SignedDuration = SignedDuration::from_hours(24);

/// Whether the clock of the dial pad still says something of somebody whom nobody asks about.
#[must_use]
pub fn dial_pad_listed(placed: Timestamp, now: Timestamp) -> bool {
    now < placed + DIAL_PAD_LISTED
}

/// The clock of the dial pad since a sync has put something in place (R144, R209). Whether it is there cannot be seen by us.
#[must_use]
pub fn dial_pad(who: &str, placed: Timestamp, provider: &str, moment: Moment<'_>) -> Finding {
    let (ago, when) = (moment.ago(placed), moment.local(placed));
    if moment.now < placed + DIAL_PAD_WITHIN {
        return finding(
            Code::DialpadWait,
            who,
            format!("A sync has put {who} in place {ago} ({when})."),
            "Wait; nothing else is needed.".into(),
            Actor::Microsoft,
            Some(Wait::since(
                placed,
                DIAL_PAD_WITHIN,
                "The dial pad can appear up to 2 hours after a sync.",
            )),
        );
    }
    finding(
        Code::DialpadLate,
        who,
        format!("A sync has put {who} in place {ago} ({when}), so Teams should show the dial pad by now."),
        format!(
            "If it does not: have the person sign out of Teams and in again, then sync once more; if it is still not there after 24 hours, contact {provider}."
        ),
        Actor::Provider,
        None,
    )
}

/// More users are mapped than there are licenses, or as many (R111, R127-R129, R215; 1.4 #14).
#[must_use]
pub fn over_license(subject: &str, used: usize, licenses: u32, without: &[String], contact: &str) -> Finding {
    let seen = if without.is_empty() {
        format!("All licenses are used: {used} of {licenses}.")
    } else {
        let more = without.len().saturating_sub(NAMES_MAX);
        let names = without.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        format!("{used} licenses are needed and there are {licenses}; the newest mappings have none: {names}{more}.")
    };
    let fix = format!("Ask {contact} for more licenses, or set users to None in the mapping; then sync.");
    finding(Code::OverLicense, subject, seen, fix, Actor::AccountAdmin, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    const NOON: Timestamp = Timestamp::constant(1_795_348_800, 0);

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    fn at_noon<T>(check: impl FnOnce(Moment<'_>) -> T) -> T {
        check(Moment {
            now: NOON,
            zone: &TimeZone::UTC,
        })
    }

    #[test]
    fn r099_r100_r208_the_first_sync_comes_first() {
        let check = |read, begun| at_noon(|moment| first_sync(read, begun, "Mara Quist", "Northwind", moment));
        assert_eq!(check(Some(NOON), None), None);
        let never = check(None, None).unwrap();
        assert_eq!((never.code, never.actor), (Code::FirstSyncRunning, Actor::GlobalAdmin));
        assert!(never.fix.starts_with("Mara Quist"), "{}", never.fix);
        let running = check(None, Some(NOON - hours(1))).unwrap();
        assert!(running.seen.contains("1 hour ago") && running.fix.contains("Wait until it has ended"));
        let stuck = check(None, Some(NOON - hours(24))).unwrap();
        assert_eq!(
            (stuck.actor, stuck.fix.as_str()),
            (Actor::Provider, "Contact Northwind.")
        );
    }

    #[test]
    fn r209_what_is_saved_waits_for_a_sync() {
        let waits = not_synced_yet("Saved.", "Ann", false, "Mara Quist");
        assert_eq!((waits.code, waits.actor), (Code::NotSyncedYet, Actor::GlobalAdmin));
        let running = not_synced_yet("Saved.", "Ann", true, "Mara Quist");
        assert_eq!(running.actor, Actor::Microsoft);
        assert_eq!(running.wait.unwrap().takes.to_string(), "PT2H10M");
    }

    #[test]
    fn r209_a_list_of_everybody_has_the_dial_pads_of_a_day() {
        let placed = Timestamp::UNIX_EPOCH;
        assert!(dial_pad_listed(placed, placed + SignedDuration::from_hours(23)));
        assert!(!dial_pad_listed(placed, placed + SignedDuration::from_hours(24)));
    }

    #[test]
    fn r144_r209_the_dial_pad_has_two_hours() {
        let check = |placed| at_noon(|moment| dial_pad("Ann", placed, "Northwind", moment));
        let early = check(NOON - SignedDuration::from_mins(119));
        assert_eq!(early.code, Code::DialpadWait);
        assert_eq!(
            early.wait.unwrap().earliest_retry,
            Some(NOON + SignedDuration::from_mins(1))
        );
        let late = check(NOON - hours(2));
        assert_eq!(
            (late.code, late.actor, late.wait.as_ref()),
            (Code::DialpadLate, Actor::Provider, None)
        );
        assert!(late.fix.contains("contact Northwind"), "{}", late.fix);
    }

    #[test]
    fn r127_r129_r215_who_has_no_license_is_named() {
        let names: Vec<String> = (1..=7).map(|n| format!("User {n}")).collect();
        let over = over_license("User 1", 9, 2, &names, "Northwind");
        assert_eq!(over.code, Code::OverLicense);
        assert!(
            over.seen
                .ends_with("User 1, User 2, User 3, User 4, User 5 and 2 more."),
            "{}",
            over.seen
        );
        let full = over_license("Ann", 2, 2, &[], "Northwind");
        assert_eq!(full.seen, "All licenses are used: 2 of 2.");
    }
}
