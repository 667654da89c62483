//! Whether today's reminder goes out, and which (R163-R168).

use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::sync_status::{LastSync, SyncStatus};
use crate::domain::sync_switch::SyncSwitch;

/// What the daily schedule should lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// Changes wait (E2).
    SyncRequired,
    /// The last sync failed (E3); it says so even if more changes wait.
    SyncFailed,
    /// Nothing to do: no mail, and the schedule goes.
    Nothing,
}

/// Decides by the state as it is now, not as it was when the schedule was made.
#[must_use]
pub fn remind(standing: &Standing, switch: &SyncSwitch, setup: &Setup, status: &SyncStatus) -> Reminder {
    if standing.may_sync().is_err() || switch.off() {
        return Reminder::Nothing;
    }
    match (setup, status.last, status.pending) {
        (Setup::Invited | Setup::Bound { .. }, _, _) => Reminder::Nothing,
        (Setup::Complete { .. }, Some((_, LastSync::Failed)), _) => Reminder::SyncFailed,
        (Setup::Complete { .. }, _, Some(_)) => Reminder::SyncRequired,
        (Setup::Complete { .. }, Some((_, LastSync::Successful)) | None, None) => Reminder::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::Consents;
    use crate::domain::setup::BoundTenant;
    use crate::domain::sync_status::Pending;
    use jiff::Timestamp;

    fn check(last: Option<LastSync>, pending: bool, expected: Reminder) {
        let at = Timestamp::UNIX_EPOCH;
        let tenant = BoundTenant {
            id: "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
            name: "Bluefinch".into(),
            label: "bluefinch".into(),
            at,
        };
        let setup = Setup::Complete {
            tenant,
            consents: Consents::default(),
            at,
        };
        let status = SyncStatus {
            last: last.map(|how| (at, how)),
            pending: pending.then_some(Pending { users: 1, since: at }),
            ..SyncStatus::default()
        };
        assert_eq!(remind(&Standing::Active, &SyncSwitch::On, &setup, &status), expected);
        assert_eq!(
            remind(&Standing::Active, &SyncSwitch::On, &Setup::Invited, &status),
            Reminder::Nothing
        );
    }

    #[test]
    fn r163_pending_changes_remind() {
        check(None, true, Reminder::SyncRequired);
        check(Some(LastSync::Successful), true, Reminder::SyncRequired);
    }

    #[test]
    fn r164_a_failed_sync_reminds() {
        check(Some(LastSync::Failed), false, Reminder::SyncFailed);
        check(Some(LastSync::Failed), true, Reminder::SyncFailed);
    }

    #[test]
    fn r022_a_disabled_enterprise_is_not_reminded_and_a_leaving_one_is() {
        let at = Timestamp::UNIX_EPOCH;
        let tenant = BoundTenant {
            id: "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
            name: "Bluefinch".into(),
            label: "bluefinch".into(),
            at,
        };
        let consents = Consents::default();
        let setup = Setup::Complete { tenant, consents, at };
        let status = SyncStatus {
            pending: Some(Pending { users: 1, since: at }),
            ..SyncStatus::default()
        };
        let disabled = Standing::Disabled { since: at };
        assert_eq!(remind(&disabled, &SyncSwitch::On, &setup, &status), Reminder::Nothing);
        let leaving = Standing::Removing {
            since: at,
            final_sync: None,
            disabled: None,
        };
        assert_eq!(
            remind(&leaving, &SyncSwitch::On, &setup, &status),
            Reminder::SyncRequired
        );
        let gone = Standing::Removed { since: at };
        assert_eq!(remind(&gone, &SyncSwitch::On, &setup, &status), Reminder::Nothing);
    }

    #[test]
    fn r067_nobody_is_reminded_while_sync_is_disabled() {
        let since = Timestamp::UNIX_EPOCH;
        let tenant = BoundTenant {
            id: "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
            name: "Bluefinch".into(),
            label: "bluefinch".into(),
            at: since,
        };
        let consents = Consents::default();
        let setup = Setup::Complete {
            tenant,
            consents,
            at: since,
        };
        let status = SyncStatus {
            pending: Some(Pending { users: 1, since }),
            ..SyncStatus::default()
        };
        let off = SyncSwitch::Off {
            since,
            by: "Mara".into(),
        };
        assert_eq!(remind(&Standing::Active, &off, &setup, &status), Reminder::Nothing);
        assert_eq!(
            remind(&Standing::Active, &SyncSwitch::On, &setup, &status),
            Reminder::SyncRequired
        );
    }

    #[test]
    fn r166_success_ends_it() {
        check(Some(LastSync::Successful), false, Reminder::Nothing);
        check(None, false, Reminder::Nothing);
    }
}
