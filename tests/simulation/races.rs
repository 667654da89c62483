//! Two workers for one enterprise: one stands still after a call, for longer than its lease lasts, another goes on, and
//! then the first one wakes up. Their clocks differ by ten minutes.

use super::crash::{MOVE, SWAP, simulated};
use super::outcome::wrong;
use super::schedule::Trouble;
use super::world::{Before, Rest, World};
use jiff::SignedDuration;
use shared::domain::run::RunState;

async fn raced(world: &World, before: &Before, point: u64, ahead: bool) -> Option<Vec<String>> {
    world.begin(before).await;
    let run = world.started(RunState::Planning).await;
    world.watcher.arm([(point, Trouble::Frozen)].into());
    let (first, second) = if ahead {
        (&world.other, &world.io)
    } else {
        (&world.io, &world.other)
    };
    let rest = world.raced(first, second, &run).await?;
    world.watcher.off();
    let mut why = world.watcher.violations();
    if rest != Rest::Succeeded {
        let run = world.run(&run).await;
        why.push(format!("the run is {rest:?}: {:?}", run.findings));
    }
    why.extend(wrong(world, before));
    Some(why)
}

async fn everywhere(world: &World, before: &Before) {
    world.other.clock.advance(SignedDuration::from_mins(10));
    let (mut runs, mut failed) = (0, Vec::new());
    for ahead in [false, true] {
        // Every other point with the one clock ahead, the rest with the other.
        for point in (1 + u64::from(ahead)..).step_by(2) {
            let Some(why) = raced(world, before, point, ahead).await else {
                break;
            };
            runs += 1;
            if !why.is_empty() {
                println!("after call {point}, first worker ahead: {ahead}: {}", why.join("\n"));
                failed.push(format!(
                    "after call {point}, first worker ahead: {ahead}: {}",
                    why.join("\n")
                ));
            }
            assert!(failed.len() < 6, "{}", failed.join("\n\n"));
        }
    }
    println!(
        "{runs} takeovers, {} with writes of the older worker or a wrong end",
        failed.len()
    );
    assert!(runs > 40, "{runs}");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn after_a_takeover_the_older_worker_changes_nothing_of_a_swap() {
    simulated(async |world| everywhere(&world, &SWAP).await);
}

#[test]
fn after_a_takeover_the_older_worker_changes_nothing_of_a_move() {
    simulated(async |world| everywhere(&world, &MOVE).await);
}
