//! A million enterprises that wait: how many reminders our schedules cause a second, and how long they take to leave at the
//! rates that SES grants.
//!
//! The minutes are those of `domain::schedule`, the turns are taken from the table by `take_mail_turns` as every sender does,
//! and time is the simulation's: no mail is written or sent.

use crate::table::{Table, thousands};
use dialbridge_local::dialbridge::{Dialbridge, Options};
use dialbridge_local::drive::people::Stuck;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use shared::domain::ids::EnterpriseId;
use shared::domain::reminding::{HOUR, Hours};
use shared::domain::schedule::{WINDOW_MINUTES, minute};
use shared::io::store::pace::{Answer, PORTION};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Mails a second that SES grants.
const RATES: [u32; 3] = [14, 100, 1_000];
/// Senders that work at once: the reserved concurrency of the function.
const SENDERS: usize = 20;
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
/// What a reminder takes: a function of 256 MB for less than 300 ms, and of the table what decision, claim, outbox and note
/// read and write: transactional writes count twice.
const SECONDS: f64 = 0.3;
const WRITES: f64 = 26.0;
const READS: f64 = 22.0;

/// Plays a day.
pub(crate) async fn measure(enterprises: usize, say: fn(&str)) -> Result<(), Stuck> {
    let day = Date::new(2026, 11, 24)?;
    say(&format!(
        "\nReminders of {} enterprises on one day, all at {HOUR}:00 local time within their {WINDOW_MINUTES} minutes, by {SENDERS} \
         senders. A reminder's own cost is ${:.2} for a million besides SES.\n",
        thousands(enterprises as u64),
        1e6 * own_cost(),
    ));
    let heads = [
        "enterprises in",
        "rate of SES",
        "peak of our schedules",
        "leave within",
        "left the same day",
        "listed as late",
        "most in any second",
        "of the rate used while any waited",
        "cost of the day",
    ];
    let table = Table::new(say, &heads);
    for (name, world) in [("eight zones", &WORLD[..]), ("one zone", &ONE_ZONE[..])] {
        let arrivals = arrivals(enterprises, world, day)?;
        for rate in RATES {
            let service = Dialbridge::start(Options::default()).await?;
            let day = play(&service, &arrivals, rate).await?;
            table.row(&[
                name.to_owned(),
                format!("{rate}/s"),
                format!("{}/s", thousands(peak(&arrivals))),
                duration(day.took),
                thousands(day.left),
                thousands(day.late),
                thousands(day.most),
                format!("{:.1} %", 100.0 * day.used),
                format!("${:.2}", day.left as f64 * SES / 1e3 + enterprises as f64 * own_cost()),
            ]);
        }
    }
    Ok(())
}

fn own_cost() -> f64 {
    SCHEDULE + REQUEST + SECONDS * 0.25 * GB_SECOND + WRITES * WRITTEN + READS * READ
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
    most: u64,
    used: f64,
}

/// Each sender takes turns for as many mails as wait, one portion at most, and comes back when they have left.
async fn play(service: &Dialbridge, arrivals: &[(i64, i64)], rate: u32) -> Result<Day, Stuck> {
    let store = &service.io.store;
    let every = 1_000_000 / i64::from(rate);
    let mut senders: BinaryHeap<Reverse<(i64, usize)>> = (0..SENDERS).map(|n| Reverse((0, n))).collect();
    let (mut next, mut late, mut left) = (0, 0, Vec::with_capacity(arrivals.len()));
    while next < arrivals.len() {
        let Some(Reverse((free, sender))) = senders.pop() else {
            break;
        };
        let now = free.max(arrivals[next].0);
        // What is too late now is listed, and not sent.
        while next < arrivals.len() && arrivals[next].0 <= now && arrivals[next].1 < now {
            (next, late) = (next + 1, late + 1);
        }
        let waiting = arrivals[next..]
            .iter()
            .take(PORTION as usize)
            .take_while(|(at, _)| *at <= now);
        let count = waiting.count();
        if count == 0 {
            senders.push(Reverse((now, sender)));
            continue;
        }
        let asked = Timestamp::from_microsecond(now)?;
        match store.take_mail_turns(rate, u32::try_from(count)?, asked).await? {
            Answer::Granted(wait) => {
                let first = now + i64::try_from(wait.as_micros())?;
                left.extend((0..count as i64).map(|n| first + n * every));
                next += count;
                senders.push(Reverse((first + count as i64 * every, sender)));
            }
            Answer::Later(wait) => senders.push(Reverse((now + i64::try_from(wait.as_micros())?, sender))),
        }
    }
    left.sort_unstable();
    let (begin, end) = (
        arrivals.first().map_or(0, |at| at.0),
        left.last().copied().unwrap_or_default(),
    );
    Ok(Day {
        took: SignedDuration::from_micros(end - begin),
        left: left.len() as u64,
        late,
        most: most(&left),
        used: used(arrivals, &left, rate),
    })
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

/// Of the mails that could have left in the seconds in which more waited than could leave, so many did.
fn used(arrivals: &[(i64, i64)], left: &[i64], rate: u32) -> f64 {
    let second = |at: i64| at / 1_000_000;
    let (mut come, mut gone, mut full, mut could) = (0, 0, 0, 0);
    let (Some(first), Some(last)) = (arrivals.first(), left.last()) else {
        return 1.0;
    };
    for now in second(first.0)..second(*last) {
        let waiting = come - gone;
        let before = gone;
        while come < arrivals.len() && second(arrivals[come].0) <= now {
            come += 1;
        }
        while gone < left.len() && second(left[gone]) <= now {
            gone += 1;
        }
        // At its beginning there was enough for the whole second.
        if waiting >= rate as usize {
            full += gone - before;
            could += rate as usize;
        }
    }
    if could == 0 { 1.0 } else { full as f64 / could as f64 }
}

fn duration(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    format!("{}:{:02} h", minutes / 60, minutes % 60)
}

/// Chance that is the same each time: SplitMix64.
struct Mix(u64);

impl Mix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
