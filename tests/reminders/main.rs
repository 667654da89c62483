//! Thirty days of ten thousand enterprises: what the daily reminders come to when schedules fire twice, are replayed or lost,
//! senders are killed, clocks jump and change, and people pause, move and come back.
//!
//! What decides is the production code: `plan::remind` (the step of an event, its notes, the ledger after it, whether a mail is
//! still due), `domain::reminding` and `domain::schedule`. What is played is the world around it, the table with its conditions,
//! and the outbox with its states. What judges is written anew and knows nothing of either: it looks at the mails that left, at
//! what was true when they did, and at the list of days.
//!
//! CI plays ten thousand enterprises; `DIALBRIDGE_ENTERPRISES` and `DIALBRIDGE_SEED` say otherwise.

#[cfg(test)]
mod judge;
#[cfg(test)]
mod life;
#[cfg(test)]
mod play;

#[cfg(test)]
mod test {
    use super::{judge, life::Life, play};
    use std::collections::BTreeMap;
    use std::time::Instant;

    /// Enterprises that are played unless told otherwise.
    const CI: u64 = 10_000;

    fn told(name: &str) -> Option<u64> {
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever runs the test says which lives are played"
        )]
        let told = std::env::var(name).ok()?;
        Some(told.parse().unwrap())
    }

    type Figures = BTreeMap<&'static str, u64>;

    fn played(seeds: impl Iterator<Item = u64>) -> (Figures, Vec<String>) {
        let (mut figures, mut wrong) = (Figures::new(), Vec::new());
        for seed in seeds {
            let life = Life::drawn(seed);
            let played = play::play(&life, seed);
            for (what, count) in played.figures.iter().chain(&judge::counted(&life, &played)) {
                *figures.entry(*what).or_default() += *count;
            }
            let found = judge::wrong(&life, &played);
            wrong.extend(found.into_iter().map(|what| format!("DIALBRIDGE_SEED={seed}: {what}")));
        }
        (figures, wrong)
    }

    /// R163, R165, R166, R167: at most one mail an enterprise and local day, none after success, none to those who were lost or
    /// have paused, and every missed day listed.
    #[test]
    fn r165_thirty_days_of_ten_thousand_enterprises() {
        let first = told("DIALBRIDGE_SEED").unwrap_or(1);
        let count = told("DIALBRIDGE_ENTERPRISES").unwrap_or(if first == 1 { CI } else { 1 });
        let began = Instant::now();
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get() as u64);
        let parts = std::thread::scope(|scope| {
            let of = |n: u64| (first..first + count).filter(move |seed| seed % threads == n);
            let parts: Vec<_> = (0..threads).map(|n| scope.spawn(move || played(of(n)))).collect();
            parts.into_iter().map(|part| part.join().unwrap()).collect::<Vec<_>>()
        });
        let (mut figures, mut wrong) = (Figures::new(), Vec::new());
        for (counts, found) in parts {
            for (what, count) in counts {
                *figures.entry(what).or_default() += count;
            }
            wrong.extend(found);
        }
        println!(
            "{count} enterprises, 30 days each, in {:?}: {figures:#?}",
            began.elapsed()
        );
        let shown: Vec<&String> = wrong.iter().take(10).collect();
        assert!(wrong.is_empty(), "{} violations: {shown:#?}", wrong.len());
    }
}
