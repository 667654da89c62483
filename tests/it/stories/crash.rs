//! The worker is killed before and after each call that it makes; the run goes on and ends as if nothing had been.

use super::scene::{Scene, options, texts};
use dialbridge_local::drive::people::at_microsoft;
use dialbridge_local::faults::Fault;
use reqwest::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Of more points than this a sample is taken, evenly.
const POINTS: u64 = 20;

/// Two mapped users whose numbers are swapped from trial to trial.
struct Swap {
    scene: Scene,
    swapped: bool,
    /// What each of the two mappings leads to, as a run without a crash left it.
    expected: BTreeMap<bool, (BTreeMap<String, String>, Vec<String>)>,
}

impl Swap {
    async fn new() -> Self {
        let mut swap = Self {
            scene: Scene::applied(options(60), 2, 2).await,
            swapped: false,
            expected: BTreeMap::new(),
        };
        for _ in 0..2 {
            swap.parked().await;
            swap.scene.service.world.finish_runs().await;
            let seen = swap.seen().await;
            swap.expected.insert(swap.swapped, seen);
        }
        swap
    }

    /// Holders of numbers, and what we think is ours; the users that are kept, and the digests that hold. Which read wrote a
    /// user, and when a number was put in place, may differ.
    async fn seen(&self) -> (BTreeMap<String, String>, Vec<String>) {
        let mut items = self.scene.items().await;
        for item in &mut items {
            item.remove("generation");
            item.remove("since");
        }
        let mut kept = texts(items);
        kept.retain(|(pk, sk), _| pk.contains("#TEAMS#") || sk.starts_with("OWNED#"));
        let mut kept: Vec<String> = kept.into_values().collect();
        let (store, id) = (&self.scene.service.io.store, self.scene.enterprise.parse().unwrap());
        let directory = store.directory(&id).await.unwrap();
        assert!(!directory.broken_off(), "nothing is left to be tidied up");
        let mut roll = store.roll(&id, &directory).await.unwrap();
        roll.keep_the_rest();
        kept.extend(roll.here().map(|entry| format!("{entry:?}")));
        kept.sort();
        (self.scene.holders().await, kept)
    }

    /// The other mapping is saved and its run signed in to; the worker waits at its first read for the clock.
    async fn parked(&mut self) -> String {
        let scene = &self.scene;
        let world = &scene.service.world;
        self.swapped = !self.swapped;
        let at = usize::from(self.swapped);
        let saved = scene.map(&[(0, Some(at)), (1, Some(1 - at))]).await;
        assert_eq!(saved.status, 200, "{}", saved.body);
        world.aws.state_machine.skip_waits(false);
        scene
            .microsoft(
                "/faults",
                json!({ "path": "/users", "status": 429, "retryAfter": "90", "times": 1 }),
            )
            .await;
        let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
        assert_eq!(started.status, 201, "{}", started.body);
        let page = scene.sign_in(&started, scene.admin()).await;
        assert!(page.says("The sync has begun"), "{}", page.html);
        world.idle().await;
        world.aws.state_machine.skip_waits(true);
        world.faults.reset();
        let reset = world.urls.portal.join("/_microsoft/requests").unwrap();
        Client::new().delete(reset).send().await.unwrap();
        started.text("/id").to_owned()
    }

    /// How often a number was handed to Microsoft.
    async fn assigned(&self) -> u64 {
        let url = self
            .scene
            .service
            .world
            .urls
            .portal
            .join("/_microsoft/requests")
            .unwrap();
        let counters: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
        let by_path = counters["byPath"].as_object().unwrap();
        let assigning = by_path
            .iter()
            .filter(|(path, _)| path.to_lowercase().contains("/assignnumber"));
        assigning.map(|(_, count)| count.as_u64().unwrap()).sum()
    }

    async fn killed_at(&mut self, call: u64, fault: Fault) {
        let run = self.parked().await;
        self.scene.service.world.faults.at_call(call, fault.clone());
        let run = self.scene.at_rest(&run).await;
        let point = format!("{fault:?} {call}");
        assert_eq!(run.text("/state"), "succeeded", "{point}: {}", run.body);
        let assigned = self.assigned().await;
        assert!(assigned <= 2, "{point}: {assigned} assignments of two numbers");
        assert_eq!(self.seen().await, self.expected[&self.swapped], "{point}");
        let status = self.scene.get("/status").await;
        assert_eq!(status.text("/actionNeeded"), "None", "{point}");
        assert_eq!(status.text("/syncStatus"), "Up to date", "{point}");
    }
}

/// Kills a run at every point that is sampled, in order.
async fn killed_everywhere(fault: Fault, first: u64) {
    let mut swap = Swap::new().await;
    let run = swap.parked().await;
    swap.scene.at_rest(&run).await;
    let calls = swap.scene.service.world.faults.calls();
    let step = calls.div_ceil(POINTS).max(1);
    let mut points = 0;
    // `at_rest` asks the API as well; calls beyond the worker's last one hit nobody who changes anything.
    for call in (first..=calls).step_by(usize::try_from(step).unwrap()) {
        swap.killed_at(call, fault.clone()).await;
        points += 1;
    }
    println!("{fault:?}: {points} of {calls} points tried");
    assert!(points > 12, "{points}");
}

#[tokio::test]
async fn a_worker_killed_before_any_call_ends_as_if_nothing_had_been() {
    killed_everywhere(Fault::KillBefore, 1).await;
}

#[tokio::test]
async fn a_worker_killed_after_any_call_ends_as_if_nothing_had_been() {
    killed_everywhere(Fault::KillAfter, 4).await;
}

#[tokio::test]
async fn a_sign_in_killed_at_any_call_can_be_repeated() {
    let scene = Scene::connected(options(60), None).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    let world = &scene.service.world;
    let mut tried = 0;
    for call in 1.. {
        let started = scene.start(json!({ "kind": "discover" })).await;
        assert_eq!(started.status, 201, "killed at call {call}: {}", started.body);
        let (mut browser, page) = scene.before_account(&started).await;
        world.faults.reset();
        world.faults.at_call(call, Fault::KillAfter);
        let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
        world.finish_runs().await;
        let path = format!("/runs/{}", started.text("/id"));
        world.faults.reset();
        let mut run = scene.get(&path).await;
        if run.text("/state") == "awaitingSignIn" {
            let again = scene
                .api("global_admin")
                .post(&scene.path(&format!("{path}/sign-in")), &json!({}))
                .await
                .unwrap();
            assert_eq!(again.status, 201, "killed at call {call}: {}", again.body);
            scene.sign_in(&again, scene.admin()).await;
            run = scene.at_rest(started.text("/id")).await;
        }
        assert_eq!(run.text("/state"), "succeeded", "killed at call {call}");
        if page.says("The sync has begun") {
            break;
        }
        tried += 1;
    }
    println!("{tried} calls of a sign-in tried");
    assert!(tried > 5, "{tried}");
}
