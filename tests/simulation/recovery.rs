//! The table is restored to an earlier moment while Teams stays as it is. Whoever syncs then looks before they change
//! anything: no number is given twice, and nothing is taken from anybody who has it from the time in between.

use super::crash::simulated;
use super::outcome::wrong;
use super::schedule::Trouble;
use super::world::{Before, PEOPLE, Rest, World};
use dialbridge_local::world::deployment::TABLE;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::domain::run::RunState;
use std::collections::BTreeMap;

/// Worlds that are restored.
const WORLDS: u64 = 60;

async fn applied(world: &World) -> Rest {
    let run = world.started(RunState::Planning).await;
    world.watcher.arm(BTreeMap::new());
    let rest = world.drive(&run).await;
    world.watcher.off();
    rest
}

#[test]
fn after_a_table_is_restored_no_number_is_given_twice() {
    simulated(async |world| {
        let mut draw = StdRng::seed_from_u64(16);
        let (mut operations, mut adopted) = (0, 0);
        for _ in 0..WORLDS {
            let before = Before {
                foreign: [false; PEOPLE],
                ..Before::drawn(&mut draw)
            };
            world.begin(&before).await;
            let earlier = world.items();
            applied(&world).await;
            let applied_once = world.teams();
            // The table of before the run: what was put in place is not known as ours.
            world.scene.service.world.dynamodb.hold(TABLE, &earlier).unwrap();
            let so_far = world.watcher.operations();
            applied(&world).await;
            operations += world.watcher.operations() - so_far;
            adopted += applied_once.numbers.len();
            assert_eq!(world.watcher.violations(), [""; 0], "{before:?}");
            assert_eq!(wrong(&world, &before), [""; 0], "{before:?}");
            assert_eq!(world.teams().numbers, applied_once.numbers, "{before:?}");
        }
        println!("{WORLDS} tables restored, {adopted} numbers in place, {operations} operations on them");
        assert_eq!(operations, 0);
    });
}

#[test]
fn a_table_that_is_restored_into_the_middle_of_a_run_ends_it_as_before() {
    simulated(async |world| {
        let mut draw = StdRng::seed_from_u64(61);
        let mut restored = 0;
        for _ in 0..WORLDS {
            let before = Before {
                foreign: [false; PEOPLE],
                ..Before::drawn(&mut draw)
            };
            world.begin(&before).await;
            let run = world.started(RunState::Planning).await;
            // A worker dies somewhere; that is the moment which the table is restored to.
            world
                .watcher
                .arm([(draw.random_range(5..60), Trouble::KilledAfter)].into());
            let killed = matches!(world.call(&world.io, &run, false).await, super::world::Called::Killed);
            world.watcher.off();
            let earlier = world.items();
            world.watcher.arm(BTreeMap::new());
            world.pass(600);
            world.drive(&run).await;
            world.watcher.off();
            let (teams, so_far) = (world.teams(), world.watcher.operations());
            world.scene.service.world.dynamodb.hold(TABLE, &earlier).unwrap();
            world.watcher.arm(BTreeMap::new());
            world.drive(&run).await;
            world.watcher.off();
            restored += u32::from(killed);
            assert_eq!(world.teams().numbers, teams.numbers, "{before:?}");
            assert_eq!(world.watcher.violations(), [""; 0], "{before:?}");
            assert_eq!(world.watcher.operations(), so_far, "nothing is done twice: {before:?}");
        }
        println!("{restored} tables restored into the middle of a run");
        assert!(restored > 10, "{restored}");
    });
}
