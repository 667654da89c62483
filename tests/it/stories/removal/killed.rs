//! A final sync, or the order of a removal, killed on its way: the end is the same.

use super::{E5, brand_is_gone, everything_ends, order, parked};
use crate::stories::scene::{Scene, options};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::faults::Fault;
use reqwest::Method;

/// Of more points than this a sample is taken, evenly.
const POINTS: u64 = 6;

/// One final sync, killed at its `call`-th call from its planning on; the calls that it made.
async fn final_sync(killed: Option<(u64, Fault)>) -> u64 {
    let scene = Scene::applied(small(), 2, 2).await;
    order(&scene).await;
    let started = parked(&scene).await;
    let faults = &scene.service.world.faults;
    faults.reset();
    let point = format!("{killed:?}");
    if let Some((call, fault)) = killed {
        faults.at_call(call, fault);
    }
    let run = scene.at_rest(started.text("/id")).await;
    let calls = faults.calls();
    faults.reset();
    assert_eq!(run.text("/state"), "succeeded", "{point}: {}", run.body);
    assert_eq!(scene.state().await, "removed", "{point}");
    assert!(scene.holders().await.is_empty(), "{point}");
    assert!(scene.schedule().is_none(), "{point}");
    let deeds = scene.deeds().await;
    for deed in ["removed", "finalSyncStarted"] {
        assert_eq!(
            deeds.iter().filter(|done| *done == deed).count(),
            1,
            "{point}: {deeds:?}"
        );
    }
    let sealed = scene.table().await.into_keys().filter(|(_, sk)| sk == "SEALED").count();
    assert_eq!(sealed, 0, "{point}");
    brand_is_gone(&scene).await;
    everything_ends(&scene).await;
    calls
}

fn small() -> Options {
    options(30)
}

async fn killed_everywhere(fault: Fault, first: u64) {
    let calls = final_sync(None).await;
    let step = calls.div_ceil(POINTS).max(1);
    for call in (first..=calls).step_by(usize::try_from(step).unwrap()) {
        final_sync(Some((call, fault.clone()))).await;
    }
    println!("{fault:?}: a sample of {calls} points tried");
}

#[tokio::test]
async fn a_final_sync_killed_before_any_call_ends_the_same() {
    killed_everywhere(Fault::KillBefore, 1).await;
}

#[tokio::test]
async fn a_final_sync_killed_after_any_call_ends_the_same() {
    killed_everywhere(Fault::KillAfter, 3).await;
}

#[tokio::test]
async fn an_order_killed_after_any_call_is_completed_by_the_next() {
    for (synced, step) in [(false, 3), (true, 4)] {
        let mut tried = 0;
        for call in (1..).step_by(step) {
            let scene = if synced {
                Scene::applied(small(), 1, 1).await
            } else {
                Scene::invited(small(), None).await
            };
            let etag = scene.seen().await.etag.unwrap();
            let faults = &scene.service.world.faults;
            faults.reset();
            faults.at_call(call, Fault::KillAfter);
            let (api, path) = (scene.api("reseller_admin"), scene.path(""));
            let headers = [("if-match", etag.as_str())];
            let first = api.send(Method::DELETE, &path, None, &headers).await.unwrap();
            faults.reset();
            if first.status == 202 {
                break;
            }
            tried += 1;
            let again = scene.change("reseller_admin", Method::DELETE, "", None).await;
            assert!(
                [202, 409].contains(&again.status.as_u16()),
                "call {call}: {}",
                again.body
            );
            assert!(scene.mails(scene.admin(), E5).len() <= 1, "call {call}");
            if synced {
                assert_eq!(scene.state().await, "removing", "call {call}");
                assert!(scene.schedule().is_some(), "call {call}");
                assert_eq!(
                    scene.get("/status").await.text("/actionNeeded"),
                    "Sync Needed",
                    "call {call}"
                );
            } else {
                assert_eq!(scene.state().await, "removed", "call {call}");
                everything_ends(&scene).await;
            }
        }
        println!("{tried} calls of an order tried");
        assert!(tried > 4, "{tried}");
    }
}
