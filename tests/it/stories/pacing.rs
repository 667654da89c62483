//! How a run treats Microsoft: the budgets hold, pauses are kept, batches are answered part by part, and nothing is sent
//! twice (R133, R134).

use super::scene::{Scene, findings, options};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::microsoft::Throttle;
use reqwest::Client;
use serde_json::{Value, json};

const ASSIGN: &str = "/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber";

/// So many calls of `/admin/teams` in ten seconds.
fn budget(users: usize, teams_calls: u32) -> Options {
    let plain = options(users);
    Options {
        microsoft: dialbridge_local::microsoft::Options {
            throttle: Throttle {
                teams_calls,
                ..Throttle::default()
            },
            ..plain.microsoft
        },
        ..plain
    }
}

/// What Microsoft has counted during one sync.
struct Seen {
    run: dialbridge_local::drive::api::Answer,
    counters: Value,
}

impl Seen {
    /// A sync, counted from its start.
    async fn of(scene: &Scene) -> Self {
        let url = scene.service.world.urls.portal.join("/_microsoft/requests").unwrap();
        Client::new().delete(url.clone()).send().await.unwrap();
        let run = scene.run(json!({ "kind": "applyOnly", "mode": "full" })).await;
        let counters: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
        Self { run, counters }
    }

    fn count(&self, name: &str) -> u64 {
        self.counters[name].as_u64().unwrap()
    }

    fn posts(&self, path: &str) -> u64 {
        self.counters["byPath"][format!("POST {path}")]
            .as_u64()
            .unwrap_or_default()
    }
}

#[tokio::test]
async fn a_hundred_numbers_take_few_calls_and_stay_within_the_budget() {
    let scene = Scene::mapped(options(320), 100, 100).await;
    let seen = Seen::of(&scene).await;
    assert_eq!(seen.run.text("/state"), "succeeded", "{}", seen.run.body);
    assert_eq!(scene.holders().await.len(), 100);
    let (requests, calls) = (seen.count("graphRequests"), seen.count("graphCalls"));
    println!("100 numbers and 200 policies: {requests} HTTP calls, {calls} with the parts of batches");
    assert_eq!(seen.posts(ASSIGN), 100, "each number is handed over once");
    assert!(requests <= 40, "{}", seen.counters);
    assert_eq!(
        (seen.count("throttled"), seen.count("early")),
        (0, 0),
        "{}",
        seen.counters
    );
    let changes = scene
        .get(&format!("/runs/{}/changes?limit=1000", seen.run.text("/id")))
        .await;
    assert!(changes.list("/items").iter().all(|change| change["state"] == "applied"));
}

#[tokio::test]
async fn no_call_comes_before_a_pause_has_passed() {
    // Far less than we assume: Microsoft asks for pauses again and again.
    let scene = Scene::mapped(budget(200, 40), 60, 60).await;
    let seen = Seen::of(&scene).await;
    assert_eq!(seen.run.text("/state"), "succeeded", "{}", seen.run.body);
    let (throttled, early) = (seen.count("throttled"), seen.count("early"));
    println!(
        "60 users on a seventh of the budget: {throttled} calls refused for now, {early} before a pause had passed"
    );
    assert!(throttled > 0);
    assert_eq!(early, 0, "{}", seen.counters);
    assert_eq!(scene.holders().await.len(), 60);
}

#[tokio::test]
async fn parts_that_are_busy_are_sent_again_and_the_others_are_not() {
    let scene = Scene::mapped(options(120), 30, 30).await;
    let fault = json!({ "path": ASSIGN, "status": 429, "retryAfter": "7.5", "skip": 3, "times": 5 });
    scene.microsoft("/faults", fault).await;
    let seen = Seen::of(&scene).await;
    assert_eq!(seen.run.text("/state"), "succeeded", "{}", seen.run.body);
    assert_eq!(
        seen.posts(ASSIGN),
        30,
        "those that were refused for now never reached Teams"
    );
    assert_eq!(seen.count("early"), 0, "{}", seen.counters);
    assert_eq!(scene.holders().await.len(), 30);
}

#[tokio::test]
async fn answers_in_any_order_belong_to_their_parts() {
    let scene = Scene::mapped(options(120), 25, 25).await;
    scene.microsoft("/switches", json!({ "shuffleBatches": true })).await;
    scene
        .order(
            "/number-faults",
            json!({ "number": "+3227001007", "failure": "The number is being ported.", "times": 9 }),
        )
        .await;
    let seen = Seen::of(&scene).await;
    assert_eq!(seen.run.text("/state"), "failed", "{}", seen.run.body);
    assert_eq!(findings(&seen.run), ["MS_REFUSED"], "{}", seen.run.body);
    let numbers: Vec<String> = scene.holders().await.into_keys().collect();
    assert_eq!(numbers.len(), 24);
    assert!(!numbers.contains(&"+3227001007".to_owned()));
}

#[tokio::test]
async fn what_somebody_else_did_meanwhile_is_not_undone() {
    let scene = Scene::mapped(options(120), 3, 2).await;
    let candidates = scene.candidates().await;
    // While the run waits for a pause, the second number is given to a third person in the admin center.
    scene.service.world.aws.state_machine.skip_waits(false);
    let fault = json!({ "path": "/admin/teams/telephoneNumberManagement/numberAssignments", "method": "GET",
        "status": 429, "retryAfter": "60", "skip": 2, "times": 1 });
    scene.microsoft("/faults", fault).await;
    let started = scene.start(json!({ "kind": "applyOnly", "mode": "full" })).await;
    scene.sign_in(&started, scene.admin()).await;
    scene.service.world.idle().await;
    let order = json!({ "number": "+3227001001", "holder": candidates[5]["id"] });
    scene.order("/numbers", order).await;
    scene.service.world.aws.state_machine.skip_waits(true);
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert_eq!(findings(&run), ["NUMBER_TAKEN"], "{}", run.body);
    assert_eq!(
        scene.holders().await.len(),
        2,
        "the other one is applied, and his is left alone"
    );
}
