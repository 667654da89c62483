//! A million enterprises that wait: how many reminders our schedules cause a second, and how long they take to leave at the
//! rates that SES grants.
//!
//! The minutes are those of `domain::schedule`. The function's senders are played with its reserved concurrency: each takes the
//! event that waits longest, decides and claims, waits for its mail's turn, and hands it over. Turns are those of
//! `Store::take_mail_turn`, played as well, because a million of them at a table on this machine say nothing about a table at
//! AWS; before that, the played ones are compared with the table's. Time is the simulation's: no mail is written or sent.

use crate::table::{Table, thousands};
use dialbridge_local::dialbridge::{Dialbridge, Options};
use dialbridge_local::drive::people::Stuck;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use shared::domain::ids::EnterpriseId;
use shared::domain::reminding::{HOUR, Hours};
use shared::domain::schedule::{WINDOW_MINUTES, minute};
use shared::io::store::pace::Answer;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Mails a second that SES grants.
const RATES: [u32; 3] = [14, 100, 1_000];
/// A reminder is decided and claimed in so many microseconds, and handed over to SES in so many: what the table and SES answer
/// in, three times over.
const CLAIMS: i64 = 150_000;
const HANDS_OVER: i64 = 150_000;
/// Lambda keeps an event for so long while all senders are busy (`MaximumEventAgeInSeconds` in the template).
const KEPT: i64 = 21_600_000_000;
/// So long a sender waits for a turn before it leaves the mail to the outbox.
const PATIENCE: i64 = 2_000_000;
/// Where enterprises are, in percent, and one where all of them are.
const WORLD: [(&str, u32); 8] = [
    ("Europe/Brussels", 30),
    ("Europe/London", 12),
    ("America/New_York", 22),
    ("America/Chicago", 10),
    ("America/Los_Angeles", 10),
    ("Asia/Kolkata", 6),
    ("Asia/Tokyo", 5),
    ("Australia/Sydney", 5),
];
const ONE_ZONE: [(&str, u32); 1] = [("Europe/Brussels", 100)];

/// Prices in USD, eu-west-1 as of November 2026: SES for 1,000 mails; a schedule's invocation; a request and a GB-second of
/// Lambda (arm64); a million request units of the table on demand, written and read.
const SES: f64 = 0.10;
const SCHEDULE: f64 = 1.00 / 1e6;
const REQUEST: f64 = 0.20 / 1e6;
const GB_SECOND: f64 = 0.000_013_333_4;
const WRITTEN: f64 = 0.705 / 1e6;
const READ: f64 = 0.141 / 1e6;
/// What a reminder takes: a function of 256 MB while it works and waits, and of the table what decision, claim, outbox and note
/// read and write: transactional writes count twice.
const WRITES: f64 = 26.0;
const READS: f64 = 22.0;

/// Plays a day.
pub(crate) async fn measure(enterprises: usize, say: fn(&str)) -> Result<(), Stuck> {
    let day = Date::new(2026, 11, 24)?;
    compared(say).await?;
    say(&format!(
        "\nReminders of {} enterprises on one day, all at {HOUR}:00 local time within their {WINDOW_MINUTES} minutes. Besides SES a \
         million reminders cost ${:.2} and the time of the senders.\n",
        thousands(enterprises as u64),
        1e6 * own_cost(),
    ));
    let heads = [
        "enterprises in",
        "rate of SES",
        "senders",
        "peak of our schedules",
        "the last leaves after",
        "left the same day",
        "listed as late or missed",
        "left to the outbox",
        "most in any second",
        "of the rate used while more waited",
        "cost of the day",
    ];
    let table = Table::new(say, &heads);
    for (name, world, outage) in [
        ("eight zones", &WORLD[..], false),
        ("one zone", &ONE_ZONE[..], false),
        ("one zone, all of them at once after an outage", &ONE_ZONE[..], true),
    ] {
        let mut arrivals = arrivals(enterprises, world, day)?;
        if outage {
            let all = arrivals.last().map_or(0, |last| last.0);
            arrivals.iter_mut().for_each(|event| event.0 = all);
        }
        for rate in RATES {
            let senders = (rate as usize / 2).max(20);
            let day = play(&arrivals, rate, senders);
            table.row(&[
                name.to_owned(),
                format!("{rate}/s"),
                thousands(senders as u64),
                format!("{}/s", thousands(peak(&arrivals))),
                duration(day.took),
                thousands(day.left),
                thousands(day.late),
                thousands(day.held),
                thousands(day.most),
                day.used
                    .map_or("never more waited".into(), |used| format!("{:.1} %", 100.0 * used)),
                format!("${:.2}", day.cost(enterprises)),
            ]);
        }
    }
    Ok(())
}

/// What a reminder costs besides SES and the time of its function.
fn own_cost() -> f64 {
    SCHEDULE + REQUEST + WRITES * WRITTEN + READS * READ
}

/// Asks the table and the played pace for the same turns at the same times, and says so where they differ.
async fn compared(say: fn(&str)) -> Result<(), Stuck> {
    const TURNS: usize = 2_000;
    for rate in [14, 100] {
        let service = Dialbridge::start(Options::default()).await?;
        let (mut pace, mut chance) = (Pace::new(rate), Mix(11));
        let mut now = Timestamp::from_second(1_790_000_000)?.as_microsecond();
        for _ in 0..TURNS {
            // Now and then nobody asks for a while, and mostly more ask than may leave.
            now += match chance.next() % 50 {
                0 => 3_000_000,
                some => i64::try_from(some % 3)? * 300_000 / i64::from(rate),
            };
            let asked = Timestamp::from_microsecond(now)?;
            let given = service.io.store.take_mail_turn(rate, asked).await?;
            let played = pace.turn(now, &mut chance);
            let same = match (given, played) {
                (Answer::Granted(wait), Turn::At(at)) => i64::try_from(wait.as_micros())? == at - now,
                (Answer::Later(wait), Turn::Later(until)) => i64::try_from(wait.as_micros())? == until - now,
                (Answer::Granted(_), Turn::Later(_)) | (Answer::Later(_), Turn::At(_)) => false,
            };
            if !same {
                return Err(format!("at {asked} the table says {given:?} and the played pace {played:?}").into());
            }
        }
    }
    say(&format!(
        "\n{} turns of mails: the table's are the played ones.",
        thousands(2 * TURNS as u64)
    ));
    Ok(())
}

/// When each event comes and until when its mail may leave, in microseconds, the earliest first.
fn arrivals(enterprises: usize, world: &[(&str, u32)], day: Date) -> Result<Vec<(i64, i64)>, Stuck> {
    let mut chance = Mix(7);
    let mut zones = Vec::new();
    for (name, share) in world {
        let hours = Hours::of(day, HOUR, &TimeZone::get(name)?)?;
        zones.extend(std::iter::repeat_n(hours, *share as usize));
    }
    let born: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let mut found = Vec::with_capacity(enterprises);
    for _ in 0..enterprises {
        let id = EnterpriseId::mint(born, u128::from(chance.next()) << 64 | u128::from(chance.next()));
        let hours = zones[(chance.next() % zones.len() as u64) as usize];
        let within = chance.next() % (60 * 1_000_000 * WINDOW_MINUTES.unsigned_abs() as u64);
        let at = hours.from + SignedDuration::from_mins(minute(&id).into());
        found.push((
            at.as_microsecond() + i64::try_from(within)?,
            hours.until.as_microsecond(),
        ));
    }
    found.sort_unstable();
    Ok(found)
}

/// The most events in one second.
fn peak(arrivals: &[(i64, i64)]) -> u64 {
    let seconds = arrivals.chunk_by(|a, b| a.0 / 1_000_000 == b.0 / 1_000_000);
    seconds.map(<[_]>::len).max().unwrap_or_default() as u64
}

struct Day {
    took: SignedDuration,
    left: u64,
    late: u64,
    held: u64,
    most: u64,
    /// Of the rate, while more waited; nothing where more never waited.
    used: Option<f64>,
    /// Time of all senders together.
    seconds: f64,
}

impl Day {
    fn cost(&self, enterprises: usize) -> f64 {
        self.left as f64 * SES / 1e3 + enterprises as f64 * own_cost() + self.seconds * 0.25 * GB_SECOND
    }
}

/// An answer of the pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    At(i64),
    /// Ask again then.
    Later(i64),
}

/// The pace of mails as `io::store::pace` keeps it.
struct Pace {
    every: i64,
    /// The next turn of each share.
    next: Vec<i64>,
}

impl Pace {
    const AHEAD: i64 = 5_000_000;

    fn new(rate: u32) -> Self {
        let shares = rate.div_ceil(100) as usize;
        Self {
            every: (1_000_000 + i64::from(rate) - 1) / i64::from(rate),
            next: vec![i64::MIN; shares],
        }
    }

    fn turn(&mut self, now: i64, chance: &mut Mix) -> Turn {
        let shares = self.next.len();
        let first = (chance.next() % shares as u64) as usize;
        let other = (first + shares / 2) % shares;
        let step = self.every * shares as i64;
        for share in [first, other] {
            if self.next[share] <= now {
                let at = now + (self.every * share as i64 - now).rem_euclid(step);
                self.next[share] = at + step;
                return Turn::At(at);
            }
        }
        let next = self.next[other];
        if next > now + Self::AHEAD {
            return Turn::Later((next - Self::AHEAD).max(now + 1_000));
        }
        self.next[other] = next + step;
        Turn::At(next)
    }
}

/// What a sender does next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    /// Takes the event that waits longest.
    Takes,
    /// Asks for the turn of a claimed mail: since when, and of which event.
    Asks(i64, usize),
}

/// Each sender works on one event at a time; the time of the earliest is the time of all.
fn play(arrivals: &[(i64, i64)], rate: u32, senders: usize) -> Day {
    let (mut pace, mut chance) = (Pace::new(rate), Mix(13));
    let mut work: BinaryHeap<Reverse<(i64, usize, Does)>> =
        (0..senders).map(|n| Reverse((0, n, Does::Takes))).collect();
    let (mut next, mut late, mut held, mut busy) = (0, 0, 0, 0);
    let (mut left, mut ended) = (Vec::with_capacity(arrivals.len()), Vec::new());
    while let Some(Reverse((now, sender, does))) = work.pop() {
        match does {
            Does::Takes => {
                let Some((at, until)) = arrivals.get(next) else {
                    continue;
                };
                let now = now.max(*at);
                if now - at > KEPT || *until < now {
                    // Lambda has dropped it, or its hours are over: the sweep of the day, or this one, lists it.
                    (next, late) = (next + 1, late + 1);
                    ended.push(now);
                    let took = if now - at > KEPT { 0 } else { CLAIMS };
                    busy += took;
                    work.push(Reverse((now + took, sender, Does::Takes)));
                    continue;
                }
                next += 1;
                busy += CLAIMS;
                work.push(Reverse((now + CLAIMS, sender, Does::Asks(now + CLAIMS, next - 1))));
            }
            Does::Asks(since, event) => match pace.turn(now, &mut chance) {
                Turn::At(at) => {
                    left.push(at);
                    ended.push(at);
                    busy += at + HANDS_OVER - since;
                    work.push(Reverse((at + HANDS_OVER, sender, Does::Takes)));
                }
                Turn::Later(until) if until - since <= PATIENCE => {
                    work.push(Reverse((until, sender, Does::Asks(since, event))));
                }
                Turn::Later(_) => {
                    held += 1;
                    ended.push(now);
                    work.push(Reverse((now, sender, Does::Takes)));
                }
            },
        }
    }
    left.sort_unstable();
    ended.sort_unstable();
    let begin = arrivals.first().map_or(0, |at| at.0);
    let end = left.last().copied().unwrap_or(begin);
    Day {
        took: SignedDuration::from_micros(end - begin),
        left: left.len() as u64,
        late,
        held,
        most: most(&left),
        used: used(arrivals, &left, &ended, rate),
        seconds: busy as f64 / 1e6,
    }
}

/// The most mails in any second, wherever it begins.
fn most(left: &[i64]) -> u64 {
    let (mut first, mut most) = (0, 0);
    for (n, at) in left.iter().enumerate() {
        while at - left[first] >= 1_000_000 {
            first += 1;
        }
        most = most.max(n - first + 1);
    }
    most as u64
}

/// Of the mails that could have left in the seconds in which more waited than could leave, so many did. `ended` is when each
/// event stopped waiting, with a mail or without.
fn used(arrivals: &[(i64, i64)], left: &[i64], ended: &[i64], rate: u32) -> Option<f64> {
    let second = |at: i64| at / 1_000_000;
    let (first, last) = (arrivals.first()?, left.last()?);
    let until = |times: &[i64], from: usize, now: i64| from + times[from..].partition_point(|at| second(*at) <= now);
    let (mut come, mut over, mut gone, mut full, mut could) = (0, 0, 0, 0, 0);
    for now in second(first.0)..second(*last) {
        // At its beginning there was enough for the whole second, and for the time that a reminder takes.
        let waiting = come - over;
        let before = gone;
        come += arrivals[come..].partition_point(|at| second(at.0) <= now);
        over = until(ended, over, now);
        gone = until(left, gone, now);
        if waiting >= 2 * rate as usize {
            full += gone - before;
            could += rate as usize;
        }
    }
    (could > 0).then(|| full as f64 / could as f64)
}

fn duration(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    format!("{}:{:02} h", minutes / 60, minutes % 60)
}

/// Chance that is the same each time: `SplitMix64`.
struct Mix(u64);

impl Mix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
