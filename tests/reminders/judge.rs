//! Judges what left and what was listed, by what was true at that moment. It has its own idea of every rule.

use super::life::{ADMIN, Act, Life, SECOND};
use super::play::Played;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use shared::domain::unattended::Weekday;
use std::collections::{BTreeMap, BTreeSet};

/// What is true of an enterprise between two acts.
#[derive(Clone, Debug)]
struct Truth {
    waits: bool,
    disabled: bool,
    zone: &'static str,
    hour: i8,
    /// Until which day, said when.
    snooze: Option<(Date, Timestamp)>,
    failed: Option<Timestamp>,
    lost: BTreeSet<&'static str>,
}

impl Truth {
    fn of(life: &Life) -> Self {
        Self {
            waits: false,
            disabled: false,
            zone: life.zone,
            hour: life.hour,
            snooze: None,
            failed: None,
            lost: BTreeSet::new(),
        }
    }

    fn after(&self, at: Timestamp, act: &Act) -> Self {
        let mut next = self.clone();
        match act {
            Act::Saved => next.waits = true,
            Act::Failed => (next.waits, next.failed) = (true, Some(at)),
            Act::Succeeded => (next.waits, next.failed) = (false, None),
            Act::Disabled => next.disabled = true,
            Act::Enabled => next.disabled = false,
            Act::Zone(zone) => next.zone = *zone,
            Act::Hour(hour) => next.hour = *hour,
            Act::Snoozed(until) => next.snooze = Some((*until, at)),
            Act::Resumed => next.snooze = None,
            Act::Bounced(who) => {
                next.lost.insert(*who);
            }
            Act::Lifted(who) => {
                next.lost.remove(who);
            }
        }
        next
    }

    fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(TimeZone::get(self.zone).unwrap()).date()
    }

    fn is_snoozed(&self, at: Timestamp) -> bool {
        self.snooze
            .is_some_and(|(until, said)| self.date(at) <= until && self.failed.is_none_or(|failed| failed <= said))
    }
}

/// What was true at each moment.
struct History(Vec<(Timestamp, Truth)>);

impl History {
    fn of(life: &Life) -> Self {
        let mut all = vec![(life.start, Truth::of(life))];
        for (at, act) in &life.acts {
            let last = &all[all.len() - 1].1;
            all.push((*at, last.after(*at, act)));
        }
        Self(all)
    }

    fn at(&self, moment: Timestamp) -> &Truth {
        let after = self.0.partition_point(|(at, _)| *at <= moment);
        &self.0[after.saturating_sub(1)].1
    }

    fn throughout(&self, from: Timestamp, until: Timestamp, holds: impl Fn(&Truth) -> bool) -> bool {
        let within = self.0.iter().filter(|(at, _)| (from..=until).contains(at));
        holds(self.at(from)) && within.into_iter().all(|(_, truth)| holds(truth))
    }
}

fn weekday(date: Date) -> Weekday {
    Weekday::ALL[usize::try_from(date.weekday().to_monday_zero_offset()).unwrap()]
}

/// Everything that must not be.
pub(crate) fn wrong(life: &Life, played: &Played) -> Vec<String> {
    let history = History::of(life);
    let mut wrong = mails(life, played, &history);
    wrong.extend(twice(played, &history));
    wrong.extend(unlisted(life, played, &history));
    wrong
}

/// Mails that should not have left.
fn mails(life: &Life, played: &Played, history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, to) in &played.left {
        let truth = history.at(*at);
        let date = truth.date(*at);
        let time = at.to_zoned(TimeZone::get(truth.zone).unwrap()).time();
        let mut check = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!(
                    "a mail to {to} at {at} ({date} {time} in {}): {what}",
                    truth.zone
                ));
            }
        };
        check(truth.waits, "nothing waits");
        check(!truth.disabled, "the enterprise is disabled");
        check(!truth.is_snoozed(*at), "the reminders pause");
        check(
            life.days.contains(&weekday(date)),
            "nobody is reminded on that day of the week",
        );
        let quiet = life.quiet.iter().any(|quiet| quiet.from <= date && date <= quiet.until);
        check(!quiet, "nobody is reminded on that date");
        check(!truth.lost.contains(to.as_str()), "mails to that address come back");
        let known = to == ADMIN || (to == SECOND && life.second_after.is_some());
        check(known, "nobody knows that address");
        // Ten minutes for clocks that differ. Where the hour was changed on that day, either counts.
        let minutes = i32::from(time.hour()) * 60 + i32::from(time.minute());
        let yesterday = history.at(*at - SignedDuration::from_hours(24));
        let hour = i32::from(truth.hour.min(yesterday.hour));
        check(minutes >= hour * 60 - 10, "it is before the hour");
    }
    wrong
}

/// Two mails on one local day of the zone of either.
fn twice(played: &Played, history: &History) -> Vec<String> {
    let mut left: Vec<Timestamp> = played.left.iter().map(|(at, _)| *at).collect();
    left.sort();
    let mut wrong = Vec::new();
    for (n, first) in left.iter().enumerate() {
        // Nobody's day is longer than this.
        let near = left[n + 1..]
            .iter()
            .take_while(|second| first.duration_until(**second) < SignedDuration::from_hours(49));
        for second in near {
            for zone in [history.at(*first), history.at(*second)] {
                if zone.date(*first) == zone.date(*second) {
                    wrong.push(format!(
                        "two mails on {} in {}: {first} and {second}",
                        zone.date(*first),
                        zone.zone
                    ));
                }
            }
        }
    }
    wrong
}

/// Days on which something waited at the reminder's hour, that nothing is said about. A day counts where its zone and hour were
/// the same from the day before until the day after, and where what waited still did at the next sweep of all enterprises.
fn unlisted(life: &Life, played: &Played, history: &History) -> Vec<String> {
    let listed: BTreeSet<Date> = played.days.iter().map(|day| day.day).collect();
    let mut wrong = Vec::new();
    for (date, hour, sweep) in waited(life, played, history) {
        if !listed.contains(&date) {
            wrong.push(format!(
                "{date} is not listed: it waited at {hour} and at the sweep of {sweep}"
            ));
        }
    }
    wrong
}

fn waited(life: &Life, played: &Played, history: &History) -> Vec<(Date, Timestamp, Timestamp)> {
    let day = SignedDuration::from_hours(24);
    let mut found = Vec::new();
    let mut at = life.start + day;
    while at + day * 2 < life.end() {
        let truth = history.at(at);
        let zone = TimeZone::get(truth.zone).unwrap();
        let date = truth.date(at);
        let time = jiff::civil::Time::new(truth.hour, 0, 0, 0).unwrap();
        let hour = date.to_datetime(time).to_zoned(zone.clone()).unwrap().timestamp();
        let over = date.tomorrow().unwrap().to_zoned(zone).unwrap().timestamp();
        let settled = history.throughout(hour - day, over + day, |other| {
            (other.zone, other.hour) == (truth.zone, truth.hour)
        });
        let sweep = played.sweeps.iter().find(|sweep| **sweep > over);
        // Saved or failed before the hour: what happens in the very second may be either.
        let before = hour - SignedDuration::from_secs(1);
        if let Some(sweep) = sweep.filter(|_| settled)
            && history.throughout(before, *sweep, |truth| truth.waits)
        {
            found.push((date, hour, *sweep));
        }
        at += day;
    }
    found
}

/// For the figures.
pub(crate) fn counted(life: &Life, played: &Played) -> BTreeMap<&'static str, u64> {
    let history = History::of(life);
    let waited = waited(life, played, &history).len() as u64;
    BTreeMap::from([
        ("judged: days that waited", waited),
        ("judged: mails that left", played.left.len() as u64),
    ])
}
