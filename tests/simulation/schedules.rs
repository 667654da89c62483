//! Random schedules of faults: whatever goes wrong, a run ends or resumes, and after a few more rounds everything is as it
//! is wanted. No rule is broken on the way.

use super::outcome::wrong;
use super::schedule::Schedule;
use super::watcher::Figures;
use super::world::{Rest, World};
use shared::domain::run::RunState;
use std::collections::BTreeMap;
use std::time::Instant;

/// Schedules that are played unless told otherwise; less are
/// `DIALBRIDGE_SCHEDULES=100 cargo nextest run -p stories -E 'binary(simulation) and test(schedules)'`.
const CI: u64 = 10_000;
/// Schedules that are played in one world. The table remembers transactions for ten minutes, and looks through all of them
/// at each new one.
const WORLD: usize = 250;
/// Rounds without trouble until everything is as wanted, at most.
const ROUNDS: u32 = 2;
/// Sign-ins that a run in trouble asks for, at most.
const SIGN_INS: u32 = 8;

fn told(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test says which seeds")]
    let told = std::env::var(name).ok()?;
    Some(told.parse().unwrap())
}

/// Plays one schedule; the number of rounds that were needed after it.
async fn play(world: &World, schedule: &Schedule) -> Result<u32, Vec<String>> {
    world.begin(&schedule.before).await;
    let from = if schedule.discovers {
        RunState::Discovering
    } else {
        RunState::Planning
    };
    let run = world.started(from).await;
    world.watcher.arm(schedule.troubles.clone());
    let mut rest = world.drive(&run).await;
    for _ in 0..SIGN_INS {
        if rest != Rest::Waits {
            break;
        }
        world.watcher.off();
        world.sign_in(&run).await;
        world.watcher.on(true);
        rest = world.drive(&run).await;
    }
    if rest == Rest::Waits {
        return Err(vec!["the run asks for one sign-in after the other".into()]);
    }
    let mut last = Vec::new();
    for round in 0..=ROUNDS {
        last = wrong(world, &schedule.before);
        if last.is_empty() || !world.watcher.violations().is_empty() {
            break;
        }
        if round == ROUNDS {
            break;
        }
        world.watcher.off();
        let run = world.started(RunState::Planning).await;
        world.watcher.arm(BTreeMap::new());
        if world.drive(&run).await == Rest::Waits {
            last = vec!["a run without trouble asks for another sign-in".into()];
            break;
        }
        if wrong(world, &schedule.before).is_empty() {
            world.watcher.off();
            let violations = world.watcher.violations();
            return if violations.is_empty() {
                Ok(round + 1)
            } else {
                Err(violations)
            };
        }
    }
    world.watcher.off();
    last.extend(world.watcher.violations());
    if last.is_empty() { Ok(0) } else { Err(last) }
}

fn played(part: u64, parts: u64) {
    let (first, count) = (
        told("DIALBRIDGE_SEED").unwrap_or(1),
        told("DIALBRIDGE_SCHEDULES").unwrap_or(CI),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (began, mut seen, mut rounds, mut failed) = (Instant::now(), 0, BTreeMap::new(), Vec::new());
        let mut figures = Figures::default();
        let seeds: Vec<u64> = (first..first + count).filter(|seed| seed % parts == part).collect();
        'all: for seeds in seeds.chunks(WORLD) {
            let world = World::new().await;
            for &seed in seeds {
                let schedule = Schedule::drawn(seed);
                seen += 1;
                match play(&world, &schedule).await {
                    Ok(needed) => *rounds.entry(needed).or_insert(0_u64) += 1,
                    Err(wrong) => {
                        println!("seed {seed}: {schedule:#?}\n{wrong:#?}");
                        println!("DIALBRIDGE_SEED={seed} DIALBRIDGE_SCHEDULES=1 cargo nextest run -p stories -E 'binary(simulation) and test(schedules)'");
                        failed.push((seed, wrong));
                        if failed.len() >= 10 {
                            break 'all;
                        }
                    }
                }
            }
            figures.add(world.watcher.figures());
        }
        println!("{seen} schedules in {:?}; rounds needed after each: {rounds:?}; {figures:#?}", began.elapsed());
        assert!(failed.is_empty(), "{failed:#?}");
    });
}

#[test]
fn whatever_goes_wrong_a_run_ends_as_it_is_wanted_1() {
    played(0, 2);
}

#[test]
fn whatever_goes_wrong_a_run_ends_as_it_is_wanted_2() {
    played(1, 2);
}
