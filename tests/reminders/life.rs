//! What happens to an enterprise and its people in thirty days, drawn from a seed.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::domain::reminding::Quiet;
use shared::domain::unattended::Weekday;
use std::collections::BTreeSet;

/// The days that are played.
pub(crate) const DAYS: i64 = 30;
/// Whom the reminders go to, and who stands in.
pub(crate) const ADMIN: &str = "mara@bluefinch.example";
pub(crate) const SECOND: &str = "zoe@bluefinch.example";

/// The clocks change in Europe on March 29 and October 25, in New Zealand and Australia on April 5, September 27 and October
/// 4, in Chile on April 5 and September 6, and in North America on November 1. Some zones never change, two are half an hour
/// off, and the first and the last of the world are a day apart.
const ZONES: [&str; 14] = [
    "Europe/Brussels",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Pacific/Kiritimati",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "UTC",
];
/// When the thirty days begin.
const STARTS: [&str; 3] = ["2026-03-15T00:00:00Z", "2026-09-12T00:00:00Z", "2026-10-10T00:00:00Z"];

/// Something that somebody does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// A change is saved, and waits.
    Saved,
    /// A sync fails.
    Failed,
    /// A sync succeeds, and nothing waits any more.
    Succeeded,
    /// The enterprise is disabled.
    Disabled,
    /// It is enabled.
    Enabled,
    /// It moves.
    Zone(&'static str),
    /// The hour of the reminder is another.
    Hour(i8),
    /// The reminders pause until a day is over.
    Snoozed(Date),
    /// They go on.
    Resumed,
    /// Mails to somebody come back.
    Bounced(&'static str),
    /// They do no longer.
    Lifted(&'static str),
}

/// Thirty days.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) start: Timestamp,
    pub(crate) zone: &'static str,
    pub(crate) hour: i8,
    pub(crate) days: BTreeSet<Weekday>,
    pub(crate) quiet: Vec<Quiet>,
    pub(crate) second_after: Option<u32>,
    pub(crate) escalate_after: Option<u32>,
    /// In the order of time.
    pub(crate) acts: Vec<(Timestamp, Act)>,
}

impl Life {
    pub(crate) fn end(&self) -> Timestamp {
        self.start + SignedDuration::from_hours(24 * DAYS)
    }

    pub(crate) fn drawn(seed: u64) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let start: Timestamp = STARTS[chance.random_range(0..STARTS.len())].parse().unwrap();
        let zone = ZONES[chance.random_range(0..ZONES.len())];
        let date = |at: Timestamp, zone: &str| at.to_zoned(TimeZone::get(zone).unwrap()).date();
        let mut acts = Vec::new();
        waits(&mut chance, start, &mut acts);
        let within = |chance: &mut StdRng| start + SignedDuration::from_secs(chance.random_range(0..DAYS * 86_400));
        if chance.random_bool(0.15) {
            let at = within(&mut chance);
            acts.push((at, Act::Disabled));
            acts.push((
                at + SignedDuration::from_hours(chance.random_range(1..200)),
                Act::Enabled,
            ));
        }
        let mut here = zone;
        let mut moves = Vec::new();
        for _ in 0..3 {
            if chance.random_bool(0.12) {
                moves.push(within(&mut chance));
            }
        }
        moves.sort();
        for at in moves {
            here = ZONES[chance.random_range(0..ZONES.len())];
            acts.push((at, Act::Zone(here)));
        }
        if chance.random_bool(0.1) {
            acts.push((within(&mut chance), Act::Hour(chance.random_range(6..=20))));
        }
        for _ in 0..2 {
            if chance.random_bool(0.2) {
                let at = within(&mut chance);
                let days = jiff::Span::new().days(chance.random_range(0..=14_i64));
                acts.push((at, Act::Snoozed(date(at, here).checked_add(days).unwrap())));
                if chance.random_bool(0.4) {
                    acts.push((
                        at + SignedDuration::from_hours(chance.random_range(1..150)),
                        Act::Resumed,
                    ));
                }
            }
        }
        let second_after = chance.random_bool(0.4).then(|| chance.random_range(1..=6));
        for who in [ADMIN, SECOND] {
            if chance.random_bool(0.12) {
                let at = within(&mut chance);
                acts.push((at, Act::Bounced(who)));
                if chance.random_bool(0.5) {
                    acts.push((
                        at + SignedDuration::from_hours(chance.random_range(1..200)),
                        Act::Lifted(who),
                    ));
                }
            }
        }
        let end = start + SignedDuration::from_hours(24 * DAYS);
        acts.retain(|(at, _)| *at < end);
        acts.sort_by_key(|(at, _)| *at);
        let rests = chance.random_bool(0.3);
        let days = Weekday::ALL
            .into_iter()
            .filter(|day| !rests || !matches!(day, Weekday::Saturday | Weekday::Sunday));
        let quiet = chance.random_bool(0.15).then(|| {
            let from = date(within(&mut chance), zone);
            let until = from
                .checked_add(jiff::Span::new().days(chance.random_range(0..5_i64)))
                .unwrap();
            Quiet { from, until }
        });
        Self {
            start,
            zone,
            hour: if chance.random_bool(0.7) {
                9
            } else {
                chance.random_range(6..=20)
            },
            days: days.collect(),
            quiet: quiet.into_iter().collect(),
            second_after,
            escalate_after: chance.random_bool(0.7).then(|| chance.random_range(1..=8)),
            acts,
        }
    }
}

/// Changes are saved, and after a while a sync succeeds; in between some fail.
fn waits(chance: &mut StdRng, start: Timestamp, acts: &mut Vec<(Timestamp, Act)>) {
    let end = start + SignedDuration::from_hours(24 * DAYS);
    let hours = |chance: &mut StdRng, most: i64| SignedDuration::from_secs(chance.random_range(60..most * 3600));
    let mut at = start + hours(chance, 120);
    while at < end {
        acts.push((at, Act::Saved));
        let most = if chance.random_bool(0.3) { 30 } else { 400 };
        let over = at + hours(chance, most);
        let mut fails = at + hours(chance, 80);
        while fails < over && chance.random_bool(0.5) {
            acts.push((fails, Act::Failed));
            fails += hours(chance, 60);
        }
        acts.push((over, Act::Succeeded));
        at = over + hours(chance, 150);
    }
}
