//! When a look is planned, and what is due then.

use super::*;
use crate::domain::consent::Consents;
use crate::domain::enterprise::Settings;
use crate::domain::global_admin::GlobalAdmin;
use crate::domain::group_filter::GroupFilter;
use crate::domain::management::Management;
use crate::domain::run::{RunKind, Tally};
use crate::domain::setup::{BoundTenant, Setup};
use crate::domain::standing::Standing;
use crate::domain::steps::Steps;
use crate::domain::sync_status::Pending;
use crate::domain::sync_switch::SyncSwitch;
use crate::domain::unattended::{Leave, Unattended, Window};
use std::collections::BTreeSet;

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

/// Bound, set up, and allowed to sync unattended from 20:00 to 06:00 every day, UTC.
fn enterprise() -> Enterprise {
    let tenant = BoundTenant {
        id: "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
        name: "Bluefinch".into(),
        label: "bluefinch".into(),
        at: at("01T00:00"),
    };
    let leave = Leave::Given {
        at: at("02T00:00"),
        by: "Mara".into(),
        tenant: tenant.id.clone(),
    };
    let window = Window::read(Window::default().days, "20:00", "06:00").unwrap();
    Enterprise {
        id: "ent_00000000000000000000000001".parse().unwrap(),
        reseller: "res_00000000000000000000000001".parse().unwrap(),
        settings: Settings {
            name: "Bluefinch Ltd".into(),
            user_limit: None,
            pbx_music_on_hold: true,
            access_sip_data: false,
            request_management_consent: true,
            sbc_regions: BTreeSet::from(["Europe".into()]),
            services: BTreeSet::new(),
            pbx_types: BTreeSet::new(),
            time_zone: "UTC".into(),
            billing_reference: None,
            trial_end: None,
        },
        global_admin: GlobalAdmin::invited("mara@bluefinch.example".parse().unwrap(), None),
        operators: Default::default(),
        release_limit: Default::default(),
        reminding: Default::default(),
        unattended: Unattended {
            leave,
            automatic: true,
            window,
            releases: false,
        },
        setup: Setup::Complete {
            tenant,
            consents: Consents::default(),
            at: at("01T00:00"),
        },
        group_filter: GroupFilter::Everyone,
        invitation: None,
        standing: Standing::Active,
        management: Management::Pending,
        steps: Steps::new(),
        sync_switch: SyncSwitch::On,
        left_tenant: None,
        created: at("01T00:00"),
        version: 1,
    }
}

fn pending() -> SyncStatus {
    SyncStatus {
        discovered: Some(at("03T00:00")),
        pending: Some(Pending {
            users: 1,
            since: at("04T00:00"),
        }),
        ..SyncStatus::default()
    }
}

fn run(authority: Authority, trigger: Trigger, state: RunState) -> Run {
    Run {
        id: "run_00000000000000000000000001".parse().unwrap(),
        kind: RunKind::Apply,
        state,
        plan: None,
        debug: false,
        requested_by: "service".into(),
        authority,
        trigger,
        retry_of: None,
        created: at("04T11:50"),
        started: None,
        ended: None,
        findings: Vec::new(),
        lines: 0,
        tally: Tally::default(),
    }
}

fn look(kept: &Enterprise, status: &SyncStatus, current: Option<&Run>, now: &str) -> Option<Timestamp> {
    next_look(kept, status, current, &TimeZone::UTC, at(now))
}

fn is_due(kept: &Enterprise, status: &SyncStatus, current: Option<&Run>, now: &str) -> bool {
    due(kept, status, current, &TimeZone::UTC, at(now))
}

/// R146: whatever lacks of the Global Admin's word, nothing is planned and nothing is due.
#[test]
fn r146_nothing_syncs_by_itself_without_the_global_admins_word() {
    let kept = enterprise();
    let without = |change: &dyn Fn(&mut Enterprise)| {
        let mut kept = enterprise();
        change(&mut kept);
        kept
    };
    let off = SyncSwitch::Off {
        since: at("04T00:00"),
        by: "Mara".into(),
    };
    let removing = Standing::Removing {
        since: at("04T00:00"),
        final_sync: None,
        disabled: None,
    };
    let since = at("04T00:00");
    let cases = [
        without(&|kept| kept.unattended = Unattended::default()),
        without(&|kept| kept.unattended.leave = Leave::Never),
        without(&|kept| kept.unattended.leave = Leave::Revoked { at: since }),
        without(&|kept| {
            kept.unattended.leave = Leave::Withdrawn {
                at: since,
                by: "Mara".into(),
            }
        }),
        without(&|kept| {
            kept.unattended.leave = Leave::Given {
                at: since,
                by: "Mara".into(),
                tenant: "9f3c2b10-0000-4000-8000-00000000bf02".parse().unwrap(),
            }
        }),
        without(&|kept| kept.unattended.automatic = false),
        without(&|kept| kept.setup = Setup::Invited),
        without(&|kept| kept.group_filter = GroupFilter::Undecided),
        without(&|kept| kept.sync_switch = off.clone()),
        without(&|kept| kept.standing = removing.clone()),
        without(&|kept| kept.standing = Standing::Disabled { since }),
    ];
    for (n, case) in cases.iter().enumerate() {
        assert_eq!(look(case, &pending(), None, "04T21:00"), None, "case {n}");
        assert!(!is_due(case, &pending(), None, "04T21:00"), "case {n}");
    }
    let first = SyncStatus {
        discovered: None,
        ..pending()
    };
    let nothing = SyncStatus {
        pending: None,
        ..pending()
    };
    for status in [first, nothing] {
        assert_eq!(look(&kept, &status, None, "04T21:00"), None);
        assert!(!is_due(&kept, &status, None, "04T21:00"));
    }
    assert!(is_due(&kept, &pending(), None, "04T21:00"));
}

#[test]
fn a_look_is_planned_for_the_window_after_a_quiet_while_and_once_in_an_opening() {
    let kept = enterprise();
    assert_eq!(look(&kept, &pending(), None, "04T12:00"), Some(at("04T20:00")));
    assert!(!is_due(&kept, &pending(), None, "04T12:00"));
    assert_eq!(look(&kept, &pending(), None, "04T19:55"), Some(at("04T20:05")));
    assert_eq!(look(&kept, &pending(), None, "05T01:00"), Some(at("05T01:10")));
    assert_eq!(look(&kept, &pending(), None, "05T05:50"), Some(at("05T20:00")));
    let begun = SyncStatus {
        automatic: Some(at("04T20:00")),
        ..pending()
    };
    assert_eq!(look(&kept, &begun, None, "05T01:00"), Some(at("05T20:00")));
    assert!(!is_due(&kept, &begun, None, "05T01:00"));
    assert!(is_due(&kept, &begun, None, "05T20:00"));
}

#[test]
fn a_run_that_waits_for_us_is_looked_at_soon_and_one_of_the_windows_within_it() {
    let kept = enterprise();
    let manual = run(Authority::Unattended, Trigger::Manual, RunState::AwaitingSignIn);
    let automatic = run(Authority::Unattended, Trigger::Automatic, RunState::AwaitingSignIn);
    assert_eq!(look(&kept, &pending(), Some(&manual), "04T12:00"), Some(at("04T12:01")));
    assert_eq!(
        look(&kept, &pending(), Some(&automatic), "04T12:00"),
        Some(at("04T20:00"))
    );
    assert_eq!(
        look(&kept, &pending(), Some(&automatic), "04T21:00"),
        Some(at("04T21:01"))
    );
    let until = |run: &Run, now: &str| goes_on_until(&kept, run, &TimeZone::UTC, at(now));
    assert_eq!(until(&manual, "04T12:00"), Some(Timestamp::MAX));
    assert_eq!(until(&automatic, "04T12:00"), None);
    assert_eq!(until(&automatic, "04T21:00"), Some(at("05T06:00")));
}

#[test]
fn a_persons_run_is_not_pushed_aside() {
    let kept = enterprise();
    let status = pending();
    let working = run(Authority::GlobalAdmin, Trigger::Manual, RunState::Applying);
    assert_eq!(look(&kept, &status, Some(&working), "04T21:00"), None);
    assert!(!is_due(&kept, &status, Some(&working), "04T21:00"));
    let half_done = Run {
        started: Some(at("04T11:51")),
        ..run(Authority::GlobalAdmin, Trigger::Manual, RunState::AwaitingSignIn)
    };
    assert_eq!(look(&kept, &status, Some(&half_done), "04T21:00"), None);
    assert!(!is_due(&kept, &status, Some(&half_done), "04T21:00"));
    // Somebody pressed the button a moment ago, and is at Microsoft.
    let asked = Run {
        created: at("04T20:55"),
        ..run(Authority::GlobalAdmin, Trigger::Manual, RunState::AwaitingSignIn)
    };
    assert!(!is_due(&kept, &status, Some(&asked), "04T21:00"));
    assert_eq!(look(&kept, &status, Some(&asked), "04T21:00"), Some(at("04T21:25")));
    assert!(is_due(&kept, &status, Some(&asked), "04T21:25"));
}

#[test]
fn an_unattended_run_only_does_what_is_safe() {
    let mut kept = enterprise();
    let asks = |mode, approved_releases| Permission {
        mode,
        approved_releases,
        approved_by: None,
    };
    let wrong = |kept: &Enterprise, permission: Permission| {
        let wrong = within_bounds(kept, Some(&permission), None).err().unwrap_or_default();
        wrong.into_iter().map(|invalid| invalid.what).collect::<Vec<_>>()
    };
    assert_eq!(permitted(&kept), asks(Mode::AddOnly, None));
    assert!(wrong(&kept, asks(Mode::AddOnly, None)).is_empty());
    assert_eq!(wrong(&kept, asks(Mode::Full, Some(7))), ["mode", "approvedReleases"]);
    kept.unattended.releases = true;
    assert_eq!(permitted(&kept), asks(Mode::Full, None));
    assert!(wrong(&kept, asks(Mode::Full, None)).is_empty());
    let plan = "plan_00000000000000000000000001".parse().unwrap();
    assert!(within_bounds(&kept, Some(&asks(Mode::Full, None)), Some(&plan)).is_err());
    assert!(within_bounds(&kept, Some(&asks(Mode::AddOnly, None)), Some(&plan)).is_ok());
    assert_eq!(wrong(&kept, asks(Mode::Full, Some(7))), ["approvedReleases"]);
}
