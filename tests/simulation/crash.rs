//! A worker is killed before and after every call that it makes, and the answer to every call is lost: each time the run
//! ends as if nothing had been, and nothing is done twice.

use super::schedule::Trouble;
use super::world::{Before, PEOPLE, Rest, World};
use dialbridge_local::microsoft::Teams;
use shared::domain::run::RunState;
use std::collections::{BTreeMap, BTreeSet};

/// Two people swap their numbers, and what a third has already becomes ours.
pub(super) const SWAP: Before = Before {
    wanted: [Some(0), Some(1), Some(2)],
    held: [Some(1), Some(0), Some(2)],
    ours: [Some(1), Some(0), None],
    policies: [true, true, false],
    foreign: [false; PEOPLE],
};

/// One number is released, one moves to somebody without any, and who had it gets a free one.
pub(super) const MOVE: Before = Before {
    wanted: [None, Some(2), Some(1)],
    held: [Some(0), Some(1), None],
    ours: [Some(0), Some(1), None],
    policies: [true, false, false],
    foreign: [false; PEOPLE],
};

/// Tenant, table and the tenant's objects, as a run leaves them, and how many operations on numbers it took.
type Left = (Teams, Vec<String>, BTreeSet<String>, u64);

pub(super) async fn left(world: &World, before: &Before, troubles: BTreeMap<u64, Trouble>) -> (Left, Rest, u64) {
    world.begin(before).await;
    let microsoft = &world.scene.service.microsoft;
    let name = world.policies.values().next().unwrap();
    let prefix = name.split('-').next().unwrap();
    let granted = world.policies.values().cloned().collect();
    microsoft.forget_objects(&world.tenant, prefix, &granted);
    let run = world.started(RunState::Planning).await;
    world.watcher.arm(troubles);
    let rest = world.drive(&run).await;
    world.watcher.off();
    let (teams, items) = world.settled();
    let objects = microsoft.objects(&world.tenant, prefix);
    let operations = world.watcher.operations();
    ((teams, items, objects, operations), rest, world.watcher.calls())
}

pub(super) fn simulated(test: impl AsyncFnOnce(World)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async { test(World::new().await).await });
}

/// What is different, in few words.
fn difference(expected: &Left, seen: &Left) -> String {
    let only = |these: &[String], others: &[String]| {
        let rest = these.iter().filter(|item| !others.contains(item));
        rest.cloned().collect::<Vec<_>>()
    };
    format!(
        "expected {:?}, found {:?}\nexpected items {:#?}\nfound items {:#?}\nobjects {:?} and {:?}\noperations {} and {}",
        expected.0,
        seen.0,
        only(&expected.1, &seen.1),
        only(&seen.1, &expected.1),
        expected.2,
        seen.2,
        expected.3,
        seen.3
    )
}

async fn everywhere(world: &World, name: &str, before: &Before) {
    let (expected, rest, points) = left(world, before, BTreeMap::new()).await;
    assert_eq!(rest, Rest::Succeeded, "{:?}", world.watcher.violations());
    assert!(expected.2.len() > 6, "the tenant's objects are made: {:?}", expected.2);
    let (mut runs, mut lost, mut twice, mut wrong) = (0, 0, 0, Vec::new());
    for point in 1..=points {
        for fault in [Trouble::KilledBefore, Trouble::KilledAfter, Trouble::Lost] {
            let (seen, rest, _) = left(world, before, [(point, fault.clone())].into()).await;
            runs += 1;
            let mut why = world.watcher.violations();
            if rest != Rest::Succeeded {
                why.push(format!("the run is {rest:?}"));
            }
            lost += usize::from(seen.0 != expected.0);
            twice += usize::from(seen.3 > expected.3);
            if seen != expected {
                why.push(difference(&expected, &seen));
            }
            if !why.is_empty() {
                println!("{name}, {fault:?} {point}: {}", why.join("\n"));
                wrong.push(format!("{fault:?} {point}: {}", why.join("\n")));
            }
            assert!(wrong.len() < 6, "{name}: {}", wrong.join("\n\n"));
        }
    }
    println!("{name}: {points} points, {runs} runs, {lost} lost, {twice} done twice");
    assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n\n"));
}

#[test]
fn a_run_that_swaps_and_adopts_survives_a_crash_at_every_point() {
    simulated(async |world| everywhere(&world, "swap and adopt", &SWAP).await);
}

#[test]
fn a_run_that_releases_moves_and_assigns_survives_a_crash_at_every_point() {
    simulated(async |world| everywhere(&world, "release, move, assign", &MOVE).await);
}

#[test]
fn two_crashes_in_one_run_leave_nothing_behind() {
    simulated(async |world| {
        let (expected, _, points) = left(&world, &SWAP, BTreeMap::new()).await;
        let mut pairs = 0;
        // Pairs that lie apart by a step that shares no factor with the number of points meet all of them.
        for first in (1..=points).step_by(3) {
            let second = first + 1 + (first * 7) % (points - 1);
            let faults = [(first, Trouble::KilledAfter), (second, Trouble::KilledAfter)];
            let (seen, rest, _) = left(&world, &SWAP, faults.into()).await;
            pairs += 1;
            assert_eq!(rest, Rest::Succeeded, "{first} and {second}");
            assert!(
                seen == expected,
                "{first} and {second}: {}",
                difference(&expected, &seen)
            );
            assert_eq!(world.watcher.violations(), [""; 0], "{first} and {second}");
        }
        println!("{pairs} pairs of crashes");
        assert!(pairs > 20, "{pairs}");
    });
}
