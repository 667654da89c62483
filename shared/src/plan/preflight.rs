//! What can be known to fail before anything is written (1.5). Each check is a small function over facts, by what it is
//! about; the words are the same wherever a finding is shown.

mod account;
mod filter;
mod number;
mod objects;
mod people;
mod report;
mod scope;
pub mod tenant;
mod user;

pub use account::{DIAL_PAD_WITHIN, dial_pad, dial_pad_listed, first_sync, not_synced_yet, over_license};
pub use filter::{Absence, group, group_banned, group_paused, hidden, user_not_in_filter};
pub use number::{Elsewhere, no_extension, number_invalid, number_missing, number_orphaned, number_taken};
pub use objects::{name_taken, object_not_proven, policy_drift};
pub use people::{Directory, Seen, against, people};
pub use report::{Kind, Noted, ready, report};
pub use scope::{Effect, Scope, scope};
pub use user::{
    country_mismatch, country_missing, guest, has_calling_plan, has_comm_credits, ineligible_finding,
    license_propagating, mapped_user_gone, mapped_user_ineligible, no_phone_system, not_teams_only, on_premises,
    resource_account,
};

use crate::domain::group_filter::GroupFilter;
use crate::domain::schedule;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// When a check is made, and where its times are printed.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Now.
    pub now: Timestamp,
    /// The enterprise's zone.
    pub zone: &'a TimeZone,
}

impl Moment<'_> {
    /// A time as people read it: `Feb 17, 2023, 2:42 PM`.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        schedule::display(at, self.zone)
    }

    /// How long ago something was, in its largest unit.
    #[must_use]
    pub fn ago(&self, at: Timestamp) -> String {
        let past = at.duration_until(self.now).max(SignedDuration::ZERO);
        match (past.as_hours(), past.as_mins()) {
            (0, 0) => "a moment ago".into(),
            (0, 1) => "1 minute ago".into(),
            (0, minutes) => format!("{minutes} minutes ago"),
            (1, _) => "1 hour ago".into(),
            (hours @ 2..48, _) => format!("{hours} hours ago"),
            (hours, _) => format!("{} days ago", hours / 24),
        }
    }
}

/// Whether an enterprise may start a run at all, from our own state only.
///
/// # Errors
/// The sentence that says what is missing.
pub fn may_start(standing: &Standing, setup: &Setup, filter: &GroupFilter) -> Result<(), String> {
    standing.may_sync()?;
    if !setup.complete() {
        return Err(
            "the Global Admin has not finished the set-up yet: both permission requests have to be accepted first"
                .into(),
        );
    }
    if *filter == GroupFilter::Undecided {
        return Err(
            "choose first whether all users or only members of some groups are synchronised (PUT group-filter)".into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r073_no_run_without_an_explicit_choice() {
        assert!(may_start(&Standing::Active, &Setup::Invited, &GroupFilter::Everyone).is_err());
    }

    #[test]
    fn a_time_ago_is_said_in_its_largest_unit() {
        let zone = TimeZone::UTC;
        let ago = |seconds: i64| {
            let now = Timestamp::from_second(seconds).unwrap();
            Moment { now, zone: &zone }.ago(Timestamp::UNIX_EPOCH)
        };
        let said = [-5, 59, 60, 150, 3600, 7200, 172_799, 172_800].map(ago);
        let expected = [
            "a moment ago",
            "a moment ago",
            "1 minute ago",
            "2 minutes ago",
            "1 hour ago",
            "2 hours ago",
            "47 hours ago",
            "2 days ago",
        ];
        assert_eq!(said, expected);
    }
}
