//! The table behind a role that is bound to one enterprise: a worker never asks for anything else, and where a fault in
//! our code would make it, nothing is reached.

use super::crash::{MOVE, SWAP, simulated};
use super::schedule::Trouble;
use super::world::Rest;
use shared::domain::run::RunState;
use shared::run::sync::{self, Work};
use std::collections::BTreeMap;

#[test]
fn a_worker_asks_only_for_its_enterprise() {
    simulated(async |world| {
        for before in [SWAP, MOVE] {
            for from in [RunState::Planning, RunState::Discovering] {
                world.begin(&before).await;
                let run = world.started(from).await;
                world.watcher.bind();
                world.watcher.arm(BTreeMap::from([(30, Trouble::KilledAfter)]));
                let rest = world.drive(&run).await;
                world.watcher.off();
                let findings = world.run(&run).await.findings;
                let figures = world.watcher.figures();
                assert_eq!(rest, Rest::Succeeded, "{from:?}: {findings:?}, {figures:?}");
            }
        }
        let figures = world.watcher.figures();
        println!(
            "{} calls, {} denied, look-ups {:?}",
            figures.calls, figures.denied, figures.look_ups
        );
        assert_eq!(figures.denied, 0);
    });
}

#[test]
fn an_enterprise_that_was_mixed_up_is_not_reached() {
    simulated(async |world| {
        world.begin(&SWAP).await;
        let run = world.started(RunState::Planning).await;
        let before = world.items();
        let own = world.enterprise.as_str();
        let mut tried = 0;
        for at in own.find('_').unwrap() + 1..own.len() {
            let mut mixed = own.as_bytes().to_vec();
            mixed[at] = if mixed[at] == b'0' { b'1' } else { b'0' };
            let Ok(enterprise) = String::from_utf8(mixed).unwrap().parse() else {
                continue;
            };
            let work = Work {
                enterprise,
                run: run.clone(),
                broken: false,
            };
            world.watcher.bind();
            world.watcher.arm(BTreeMap::new());
            let until = world.now() + jiff::SignedDuration::from_mins(1);
            assert!(sync::work(&world.io, &work, "mixed up", until).await.is_err());
            world.watcher.off();
            tried += 1;
        }
        let figures = world.watcher.figures();
        println!(
            "{tried} enterprises mixed up, {} requests denied, look-ups {:?}",
            figures.denied, figures.look_ups
        );
        assert!(tried > 20 && figures.denied >= tried, "{figures:?}");
        assert_eq!(world.items(), before, "nothing of anybody was changed");
        assert!(figures.look_ups.keys().all(|kind| kind == "RESELLER"), "{figures:?}");
    });
}
