//! What goes wrong, and when: drawn from a seed.

use super::world::{Before, PEOPLE};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

/// Something that goes wrong with one call, or happens just before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 429, with this `Retry-After`.
    TooMany(Option<&'static str>),
    /// 503.
    Unavailable(Option<&'static str>),
    /// A page of HTML with this status.
    Html(u16),
    /// 500.
    Error,
    /// Half of the answer.
    Truncated,
    /// Done, and the answer is lost.
    Lost,
    /// The connection breaks before anything is done.
    Broken,
    /// No answer comes.
    Stalled,
    /// The table takes nothing of a batch.
    Unprocessed,
    /// The table takes no part in a transaction.
    Conflict,
    /// The worker dies before the call.
    KilledBefore,
    /// The worker dies once the call is carried out.
    KilledAfter,
    /// Microsoft ends the person's session.
    TokenEnds,
    /// Somebody gives a number to a person in Teams, or takes it away.
    Edited(usize, Option<usize>),
    /// A person leaves.
    Leaves(usize),
    /// The state machine calls the worker twice the next time.
    Twice,
    /// The worker stands still, longer than its lease lasts, and another one goes on.
    Frozen,
}

impl Trouble {
    /// For the figures.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::TooMany(None) => "429",
            Self::TooMany(Some(_)) => "429 with Retry-After",
            Self::Unavailable(None) => "503",
            Self::Unavailable(Some(_)) => "503 with Retry-After",
            Self::Html(_) => "HTML",
            Self::Error => "500",
            Self::Truncated => "half an answer",
            Self::Lost => "answer lost",
            Self::Broken => "connection broken",
            Self::Stalled => "no answer",
            Self::Unprocessed => "unprocessed",
            Self::Conflict => "transaction conflict",
            Self::KilledBefore => "killed before",
            Self::KilledAfter => "killed after",
            Self::TokenEnds => "session ended",
            Self::Edited(..) => "edited in Teams",
            Self::Leaves(_) => "person left",
            Self::Twice => "called twice",
            Self::Frozen => "frozen",
        }
    }
}

/// One case: how things stand, and what goes wrong at which call.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) before: Before,
    /// The directory is read as well.
    pub(super) discovers: bool,
    pub(super) troubles: BTreeMap<u64, Trouble>,
}

/// Whole seconds, fractions, nothing, minutes, more than an hour.
const RETRY_AFTER: [&str; 6] = ["1", "0.02", "2.5", "0", "90", "4000"];
/// Calls that a run makes, about.
const CALLS: u64 = 110;

/// Some of `PEOPLE` places, each at most once; `None` about one time in `rare`.
fn places(draw: &mut StdRng, free: &[bool; PEOPLE], rare: u32) -> [Option<usize>; PEOPLE] {
    let mut free = *free;
    std::array::from_fn(|_| {
        let at = draw.random_range(0..PEOPLE);
        let taken = !free[at] || draw.random_ratio(1, rare);
        (!taken).then(|| {
            free[at] = false;
            at
        })
    })
}

impl Before {
    pub(super) fn drawn(draw: &mut StdRng) -> Self {
        let foreign: [bool; PEOPLE] = std::array::from_fn(|_| draw.random_ratio(1, 12));
        let held = places(draw, &foreign.map(|foreign| !foreign), 3);
        // What is ours is mostly what is held; sometimes somebody has changed it since.
        let mut ours = held;
        for owner in &mut ours {
            if draw.random_ratio(1, 5) {
                *owner = None;
            }
        }
        if draw.random_ratio(1, 6) {
            ours = places(draw, &[true; PEOPLE], 3);
        }
        Self {
            wanted: places(draw, &[true; PEOPLE], 4),
            held,
            ours,
            policies: std::array::from_fn(|_| draw.random_ratio(1, 2)),
            foreign,
        }
    }
}

impl Schedule {
    pub(super) fn drawn(seed: u64) -> Self {
        let mut draw = StdRng::seed_from_u64(seed);
        let before = Before::drawn(&mut draw);
        let count = draw.random_range(1..=6);
        let discovers = seed.is_multiple_of(10);
        let calls = if discovers { CALLS * 2 } else { CALLS };
        let troubles = (0..count).map(|_| (draw.random_range(1..=calls), trouble(&mut draw)));
        Self {
            troubles: troubles.collect(),
            before,
            discovers,
        }
    }
}

fn trouble(draw: &mut StdRng) -> Trouble {
    let after = Some(RETRY_AFTER[draw.random_range(0..RETRY_AFTER.len())]);
    match draw.random_range(0..40) {
        0..3 => Trouble::TooMany(None),
        3..6 => Trouble::TooMany(after),
        6 => Trouble::Unavailable(None),
        7 | 8 => Trouble::Unavailable(after),
        9 => Trouble::Html(200),
        10 => Trouble::Html(502),
        11 => Trouble::Error,
        12 | 13 => Trouble::Truncated,
        14..18 => Trouble::Lost,
        18 | 19 => Trouble::Broken,
        20 => Trouble::Stalled,
        21 | 22 => Trouble::Unprocessed,
        23 => Trouble::Conflict,
        24..27 => Trouble::KilledBefore,
        27..31 => Trouble::KilledAfter,
        31 | 32 => Trouble::TokenEnds,
        33..36 => {
            let to = draw.random_range(0..=PEOPLE);
            Trouble::Edited(draw.random_range(0..PEOPLE), (to < PEOPLE).then_some(to))
        }
        36 => Trouble::Leaves(draw.random_range(0..PEOPLE)),
        _ => Trouble::Twice,
    }
}
