//! The truth table of a day, one line a case.

use super::*;
use crate::domain::consent::Consents;
use crate::domain::global_admin::GlobalAdmin;
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{EnterpriseId, ResellerId};
use crate::domain::management::Management;
use crate::domain::reminded::{Last, Notes};
use crate::domain::reminding::{Part, Quiet, Reminding, SecondContact, Snooze};
use crate::domain::setup::BoundTenant;
use crate::domain::steps::Steps;
use crate::domain::sync_status::Pending;
use crate::domain::unattended::Weekday;
use std::collections::BTreeSet;

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

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An enterprise in Brussels with a change that waits since the 20th of November, 10:00 UTC.
struct Case {
    enterprise: Enterprise,
    status: SyncStatus,
    ledger: Ledger,
    days: Vec<Day>,
    suppressed: Vec<EmailAddress>,
}

impl Case {
    fn new() -> Self {
        let at = time("2026-11-01T00:00:00Z");
        let tenant = BoundTenant {
            id: "9f3c2b10-0000-4000-8000-00000000bf01".parse().unwrap(),
            name: "Bluefinch".into(),
            label: "bluefinch".into(),
            at,
        };
        let enterprise = Enterprise {
            id: EnterpriseId::mint(at, 7),
            reseller: ResellerId::mint(at, 8),
            settings: crate::domain::enterprise::Settings {
                name: "Bluefinch Ltd".into(),
                user_limit: None,
                pbx_music_on_hold: true,
                access_sip_data: false,
                request_management_consent: false,
                sbc_regions: BTreeSet::new(),
                services: BTreeSet::new(),
                pbx_types: BTreeSet::new(),
                time_zone: "Europe/Brussels".into(),
                billing_reference: None,
                trial_end: None,
            },
            global_admin: GlobalAdmin::invited("mara@bluefinch.example".parse().unwrap(), Some("Mara".into())),
            operators: Default::default(),
            unattended: Default::default(),
            setup: Setup::Complete {
                tenant,
                consents: Consents::default(),
                at,
            },
            group_filter: GroupFilter::Everyone,
            invitation: None,
            standing: Standing::Active,
            management: Management::Pending,
            steps: Steps::new(),
            sync_switch: SyncSwitch::On,
            release_limit: Default::default(),
            reminding: Reminding::default(),
            left_tenant: None,
            created: at,
            version: 1,
        };
        Self {
            enterprise,
            status: SyncStatus {
                pending: Some(Pending {
                    users: 1,
                    since: time("2026-11-20T10:00:00Z"),
                }),
                ..SyncStatus::default()
            },
            ledger: Ledger::default(),
            days: Vec::new(),
            suppressed: Vec::new(),
        }
    }

    fn with(edit: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::new();
        edit(&mut case);
        case
    }

    fn play<T>(&self, scheduled: Option<&str>, now: &str, run: impl FnOnce(&Facts<'_>) -> T) -> T {
        let zone = TimeZone::get(&self.enterprise.settings.time_zone).unwrap();
        run(&Facts {
            enterprise: &self.enterprise,
            status: &self.status,
            ledger: &self.ledger,
            days: &self.days,
            suppressed: &self.suppressed,
            zone: &zone,
            scheduled: scheduled.map(time),
            now: time(now),
        })
    }

    fn step(&self, now: &str) -> Step {
        self.play(None, now, |facts| step(facts).unwrap())
    }

    /// Whom the reminder goes to, or what there is in place of one.
    fn said(&self, now: &str) -> String {
        match self.step(now) {
            Step::Claim(claim) => claim.to.email.to_string(),
            other @ (Step::Over | Step::NotNow | Step::Settled(_) | Step::Skip(_)) => format!("{other:?}"),
        }
    }

    /// Plays an event and keeps what it is written down as.
    fn event(&mut self, now: &str) -> Step {
        let mail = MailId::mint(time(now), 1);
        let (step, notes) = self.play(None, now, |facts| {
            let step = step(facts).unwrap();
            let notes = notes(facts, &step, "event", &mail).unwrap();
            (step, notes)
        });
        self.keep(notes);
        step
    }

    fn keep(&mut self, notes: Option<Notes>) {
        let Some(notes) = notes else { return };
        self.ledger = notes.ledger;
        for day in notes.days {
            self.days.retain(|before| before.day != day.day);
            self.days.push(day);
        }
    }

    fn listed(&self) -> Vec<String> {
        let text = |day: &Day| match &day.done {
            Done::Skipped { why } => format!("{} {why:?}", day.day),
            Done::Claimed { .. } => format!("{} claimed", day.day),
            Done::Unknown => format!("{} unknown", day.day),
        };
        self.days.iter().map(text).collect()
    }
}

const MARA: &str = "mara@bluefinch.example";
const ZOE: &str = "zoe@bluefinch.example";

fn second(after_days: u32) -> Option<SecondContact> {
    Some(SecondContact {
        email: ZOE.parse().unwrap(),
        name: "Zoe".into(),
        after_days,
    })
}

#[test]
fn r165_r167_at_its_hour_the_reminder_goes_to_the_global_admin() {
    let case = Case::new();
    assert_eq!(case.said("2026-11-22T07:54:00Z"), "NotNow");
    assert_eq!(case.said("2026-11-22T07:56:00Z"), MARA, "clocks differ a little");
    assert_eq!(case.said("2026-11-22T08:00:00Z"), MARA);
    assert_eq!(case.said("2026-11-22T16:00:00Z"), MARA);
    assert_eq!(case.said("2026-11-22T16:00:01Z"), "Skip(Late)");
}

#[test]
fn r165_one_a_day_whatever_comes_twice() {
    let mut case = Case::new();
    assert!(matches!(case.event("2026-11-22T08:10:00Z"), Step::Claim(_)));
    assert!(matches!(case.event("2026-11-22T08:11:00Z"), Step::Settled(_)));
    assert!(matches!(case.event("2026-11-23T08:10:00Z"), Step::Claim(_)));
    assert_eq!(
        case.listed(),
        ["2026-11-21 NoEvent", "2026-11-22 claimed", "2026-11-23 claimed"]
    );
}

#[test]
fn r165_an_event_of_another_day_or_from_the_future_leads_to_nothing() {
    let case = Case::new();
    let step = |scheduled: &str, now: &str| case.play(Some(scheduled), now, |facts| step(facts).unwrap());
    let now = "2026-11-22T08:10:00Z";
    assert!(matches!(step("2026-11-22T08:02:00Z", now), Step::Claim(_)));
    assert_eq!(step("2026-11-21T08:02:00Z", now), Step::NotNow, "replayed");
    assert_eq!(step("2026-11-22T09:02:00Z", now), Step::NotNow, "our clock is behind");
    assert_eq!(
        step("2026-11-20T08:02:00Z", now),
        Step::NotNow,
        "our clock is days ahead"
    );
}

#[test]
fn r165_another_zone_brings_no_second_one_on_a_day_of_either() {
    for (from, to, sent, tried, claims) in [
        // From Honolulu to Auckland, where it is a day later already.
        (
            "Pacific/Honolulu",
            "Pacific/Auckland",
            "2026-11-22T19:00:00Z",
            "2026-11-22T20:00:00Z",
            false,
        ),
        (
            "Pacific/Honolulu",
            "Pacific/Auckland",
            "2026-11-22T19:00:00Z",
            "2026-11-23T20:00:00Z",
            true,
        ),
        // And back, where it is the day before again.
        (
            "Pacific/Auckland",
            "Pacific/Honolulu",
            "2026-11-22T20:00:00Z",
            "2026-11-23T19:00:00Z",
            false,
        ),
        (
            "Pacific/Auckland",
            "Pacific/Honolulu",
            "2026-11-22T20:00:00Z",
            "2026-11-24T19:00:00Z",
            true,
        ),
        (
            "Europe/Brussels",
            "Asia/Tokyo",
            "2026-11-22T08:00:00Z",
            "2026-11-23T00:00:00Z",
            false,
        ),
        (
            "Europe/Brussels",
            "Asia/Tokyo",
            "2026-11-22T08:00:00Z",
            "2026-11-24T00:00:00Z",
            true,
        ),
    ] {
        let mut case = Case::with(|case| case.enterprise.settings.time_zone = from.into());
        assert!(matches!(case.event(sent), Step::Claim(_)), "{from}");
        case.enterprise.settings.time_zone = to.into();
        assert_eq!(
            matches!(case.event(tried), Step::Claim(_)),
            claims,
            "{from} to {to} at {tried}"
        );
    }
}

#[test]
fn days_are_kept_free() {
    let day = |text: &str| text.parse().unwrap();
    let rests = Case::with(|case| case.enterprise.reminding.days = BTreeSet::from([Weekday::Monday]));
    assert_eq!(rests.said("2026-11-22T08:00:00Z"), "Skip(RestDay)");
    assert_eq!(rests.said("2026-11-23T08:00:00Z"), MARA);
    let quiet = Case::with(|case| {
        let (from, until) = (day("2026-11-22"), day("2026-11-23"));
        case.enterprise.reminding.quiet.push(Quiet { from, until });
    });
    assert_eq!(quiet.said("2026-11-23T08:00:00Z"), "Skip(QuietDay)");
    assert_eq!(quiet.said("2026-11-24T08:00:00Z"), MARA);
    let mut snoozed = Case::with(|case| {
        case.enterprise.reminding.snooze = Some(Snooze {
            until: day("2026-11-23"),
            reason: "away".into(),
            by: "Mara".into(),
            at: time("2026-11-21T00:00:00Z"),
        });
    });
    assert_eq!(snoozed.said("2026-11-23T08:00:00Z"), "Skip(Snoozed)");
    assert_eq!(snoozed.said("2026-11-24T08:00:00Z"), MARA);
    // A day that was let pass can still be claimed, once the pause is over.
    snoozed.event("2026-11-23T08:00:00Z");
    snoozed.enterprise.reminding.snooze = None;
    assert!(matches!(snoozed.event("2026-11-23T09:00:00Z"), Step::Claim(_)));
    assert!(matches!(snoozed.event("2026-11-23T10:00:00Z"), Step::Settled(_)));
}

#[test]
fn the_second_contact_takes_turns_and_stands_in() {
    let mut case = Case::with(|case| case.enterprise.reminding.second = second(3));
    let mut to = Vec::new();
    for day in 21..=27 {
        match case.event(&format!("2026-11-{day}T08:10:00Z")) {
            Step::Claim(claim) => to.push((claim.to.part, claim.reminders)),
            other @ (Step::Over | Step::NotNow | Step::Settled(_) | Step::Skip(_)) => panic!("{other:?}"),
        }
    }
    let (admin, second) = (Part::GlobalAdmin, Part::SecondContact);
    let turns = [admin, admin, admin, second, admin, second, admin];
    assert_eq!(to, turns.into_iter().zip(0..).collect::<Vec<_>>());
    case.suppressed = vec![MARA.parse().unwrap()];
    assert_eq!(case.said("2026-11-28T08:10:00Z"), ZOE);
    case.suppressed.push(ZOE.parse().unwrap());
    assert_eq!(case.said("2026-11-28T08:10:00Z"), "Skip(NoAddress)");
}

#[test]
fn after_so_many_ignored_reminders_the_reseller_hears_of_it_once() {
    let mut case = Case::with(|case| case.enterprise.reminding.escalate_after = Some(3));
    let mut told = Vec::new();
    for day in 21..=27 {
        if let Step::Claim(claim) = case.event(&format!("2026-11-{day}T08:10:00Z")) {
            told.extend(claim.escalates.map(|ignored| (day, ignored)));
        }
    }
    assert_eq!(told, [(24, 3)]);
    // Somebody tried, and it failed: patience begins anew.
    case.status.last = Some((time("2026-11-27T12:00:00Z"), LastSync::Failed));
    match case.step("2026-11-28T08:10:00Z") {
        Step::Claim(claim) => assert_eq!((claim.failed, claim.reminders, claim.escalates), (true, 0, None)),
        other @ (Step::Over | Step::NotNow | Step::Settled(_) | Step::Skip(_)) => panic!("{other:?}"),
    }
}

#[test]
fn missed_days_are_listed_with_the_reason() {
    let mut case = Case::with(|case| case.enterprise.reminding.days.retain(|day| *day != Weekday::Sunday));
    let notes = case.play(None, "2026-11-24T02:30:00Z", |facts| caught_up(facts).unwrap());
    case.keep(notes);
    // Saved after the hour of the 20th.
    assert_eq!(
        case.listed(),
        ["2026-11-21 NoEvent", "2026-11-22 RestDay", "2026-11-23 NoEvent"]
    );
    let again = case.play(None, "2026-11-24T02:31:00Z", |facts| caught_up(facts).unwrap());
    assert_eq!(again, None);
}

#[test]
fn a_pause_of_the_whole_enterprise_is_listed_day_by_day() {
    let mut case = Case::with(|case| {
        case.enterprise.standing = Standing::Disabled {
            since: time("2026-11-20T09:00:00Z"),
        };
    });
    assert_eq!(case.step("2026-11-21T08:00:00Z"), Step::Over);
    for day in [21, 22] {
        let now = format!("2026-11-{day}T02:30:00Z");
        let notes = case.play(None, &now, |facts| caught_up(facts).unwrap());
        case.keep(notes);
    }
    assert_eq!(case.listed(), ["2026-11-21 Paused", "2026-11-22 Paused"]);
}

#[test]
fn r166_a_mail_that_waited_leaves_only_while_it_is_due() {
    let mut case = Case::new();
    case.event("2026-11-22T08:10:00Z");
    let mail = MailId::mint(time("2026-11-22T08:10:00Z"), 1);
    let due = |case: &Case, now: &str| case.play(None, now, |facts| still_due(facts, &mail));
    assert!(due(&case, "2026-11-22T12:00:00Z"));
    assert!(!due(&case, "2026-11-22T16:00:01Z"), "its day is over");
    assert!(!due(&case, "2026-11-23T08:00:00Z"), "it is yesterday's");
    let other = MailId::mint(time("2026-11-22T08:10:00Z"), 2);
    assert!(!case.play(None, "2026-11-22T12:00:00Z", |facts| still_due(facts, &other)));
    case.suppressed = vec![MARA.parse().unwrap()];
    assert!(!due(&case, "2026-11-22T12:00:00Z"), "it would come back");
    case.suppressed.clear();
    case.status.pending = None;
    assert!(!due(&case, "2026-11-22T12:00:00Z"), "the sync was successful");
}

#[test]
fn a_lost_event_is_made_up_for_while_its_day_lasts() {
    let case = Case::new();
    let missed = |now: &str| case.play(None, now, |facts| missed_today(facts).unwrap());
    assert!(!missed("2026-11-22T09:14:00Z"), "the event may still come");
    assert!(missed("2026-11-22T09:16:00Z"));
    assert!(!missed("2026-11-22T16:30:00Z"), "too late");
    assert!(!missed("2026-11-20T12:00:00Z"), "saved after the hour");
}

#[test]
fn the_ledger_of_a_claim_names_its_zone_and_its_end() {
    let mut case = Case::new();
    case.event("2026-11-22T08:10:00Z");
    let last = Last {
        at: time("2026-11-22T08:10:00Z"),
        until: time("2026-11-22T16:00:00Z"),
        zone: "Europe/Brussels".into(),
    };
    assert_eq!(case.ledger.last, Some(last));
}
