//! When nobody is reminded, who is, and what is refused.

use super::*;

fn admin() -> GlobalAdmin {
    GlobalAdmin::invited("mara@bluefinch.example".parse().unwrap(), Some("Mara Quist".into()))
}

fn form() -> RemindingForm {
    RemindingForm {
        hour: 9,
        days: Weekday::ALL.into(),
        quiet: Vec::new(),
        snooze: None,
        second: None,
        escalate_after: Some(7),
    }
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn check(form: RemindingForm, before: &Reminding) -> Result<Reminding, Vec<String>> {
    let admin = admin();
    let said = Said {
        admin: &admin,
        today: date("2026-11-22"),
        by: "Mara",
        at: "2026-11-22T10:00:00Z".parse().unwrap(),
    };
    let checked = form.check(before, said);
    checked.map_err(|wrong| wrong.into_iter().map(|invalid| invalid.what).collect())
}

fn hours(day: &str, hour: i8, zone: &str) -> (String, String) {
    let hours = Hours::of(date(day), hour, &TimeZone::get(zone).unwrap()).unwrap();
    (hours.from.to_string(), hours.until.to_string())
}

#[test]
fn r165_nobody_is_written_to_at_night() {
    assert_eq!(
        hours("2026-11-22", 9, "Europe/Brussels"),
        ("2026-11-22T08:00:00Z".into(), "2026-11-22T16:00:00Z".into())
    );
    // The evening comes first.
    assert_eq!(
        hours("2026-11-22", 20, "Europe/Brussels"),
        ("2026-11-22T19:00:00Z".into(), "2026-11-22T21:00:00Z".into())
    );
    // Both changes of the clocks, north and south.
    assert_eq!(hours("2026-03-29", 9, "Europe/Brussels").0, "2026-03-29T07:00:00Z");
    assert_eq!(hours("2026-10-25", 9, "Europe/Brussels").0, "2026-10-25T08:00:00Z");
    assert_eq!(hours("2026-10-04", 9, "Australia/Sydney").0, "2026-10-03T22:00:00Z");
}

#[test]
fn the_default_is_every_day_at_nine() {
    assert_eq!(check(form(), &Reminding::default()), Ok(Reminding::default()));
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let wrong = RemindingForm {
        hour: 3,
        days: BTreeSet::new(),
        quiet: vec![Quiet {
            from: date("2026-12-24"),
            until: date("2026-12-23"),
        }],
        snooze: Some((date("2027-11-22"), "away".into())),
        second: Some(("nobody".into(), "a\nb".into(), 0)),
        escalate_after: Some(0),
    };
    let named = [
        "hour",
        "days",
        "quiet[0].until",
        "snooze.until",
        "secondContact.email",
        "secondContact.name",
        "secondContact.afterDays",
        "escalateAfter",
    ];
    assert_eq!(check(wrong, &Reminding::default()).unwrap_err(), named);
    let own = RemindingForm {
        second: Some(("MARA@bluefinch.example".into(), "Mara".into(), 3)),
        ..form()
    };
    assert_eq!(check(own, &Reminding::default()).unwrap_err(), ["secondContact.email"]);
}

#[test]
fn a_pause_is_bounded_and_keeps_its_beginning() {
    let paused = |until: &str| RemindingForm {
        snooze: Some((date(until), "away".into())),
        ..form()
    };
    let kept = check(paused("2026-12-22"), &Reminding::default()).unwrap();
    assert_eq!(kept.snooze.as_ref().unwrap().by, "Mara");
    assert!(check(paused("2026-12-23"), &Reminding::default()).is_err());
    assert!(check(paused("2026-11-21"), &Reminding::default()).is_err());
    // What was read is written back, long after its day.
    let old = Reminding {
        snooze: Some(Snooze {
            until: date("2026-01-01"),
            reason: "away".into(),
            by: "Ann".into(),
            at: Timestamp::UNIX_EPOCH,
        }),
        ..Reminding::default()
    };
    assert_eq!(check(paused("2026-01-01"), &old).unwrap(), old);
}

#[test]
fn a_sync_that_fails_ends_a_pause() {
    let at: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let paused = Reminding {
        snooze: Some(Snooze {
            until: date("2026-11-30"),
            reason: "away".into(),
            by: "Ann".into(),
            at,
        }),
        ..Reminding::default()
    };
    let after = |seconds: i64, how: LastSync| SyncStatus {
        last: Some((at + SignedDuration::from_secs(seconds), how)),
        ..SyncStatus::default()
    };
    let day = date("2026-11-24");
    assert!(paused.snoozed(day, &SyncStatus::default()));
    assert!(paused.snoozed(day, &after(1, LastSync::Successful)));
    assert!(paused.snoozed(day, &after(-1, LastSync::Failed)));
    assert!(!paused.snoozed(day, &after(1, LastSync::Failed)));
    assert!(paused.snoozed(date("2026-11-30"), &SyncStatus::default()));
    assert!(!paused.snoozed(date("2026-12-01"), &SyncStatus::default()));
}

#[test]
fn r167_the_duty_is_the_global_admins_again_when_the_role_goes_to_somebody_else() {
    let admin = admin();
    let reminding = Reminding {
        duty: Some(Duty {
            email: "ann@bluefinch.example".parse().unwrap(),
            name: "Ann".into(),
            since: Timestamp::UNIX_EPOCH,
            offer: crate::domain::ids::MailId::mint(Timestamp::UNIX_EPOCH, 1),
            appointment: 1,
        }),
        ..Reminding::default()
    };
    assert_eq!(reminding.first(&admin).part, Part::Duty);
    let next = admin.replaced_by("zoe@bluefinch.example".parse().unwrap(), None);
    let first = reminding.first(&next);
    assert_eq!(
        (first.part, first.email.as_str()),
        (Part::GlobalAdmin, "zoe@bluefinch.example")
    );
}

#[test]
fn what_was_stored_before_there_was_a_choice_is_the_default() {
    assert_eq!(serde_json::from_str::<Reminding>("{}").unwrap(), Reminding::default());
}
