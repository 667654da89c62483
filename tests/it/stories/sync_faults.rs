//! A sync when Microsoft fails, stalls or forgets: what is reported, and how the run goes on (R062, R149, R164).

use super::scene::{Scene, findings, options};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::microsoft::Delays;
use jiff::SignedDuration;
use serde_json::json;

const ASSIGN: &str = "/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber";

#[tokio::test]
async fn a_number_that_microsoft_refuses_is_reported_in_microsofts_words() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let words = "The number is being ported and cannot be assigned.";
    scene
        .order(
            "/number-faults",
            json!({ "number": "+3227001000", "failure": words, "times": 9 }),
        )
        .await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed");
    assert!(run.body["findings"].to_string().contains(words), "{}", run.body);
    let numbers: Vec<_> = scene.holders().await.into_keys().collect();
    assert_eq!(numbers, ["+3227001001"], "the others are applied");
}

#[tokio::test]
async fn r149_r164_a_failed_sync_shows_in_the_status_and_reminds() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    scene
        .order(
            "/number-faults",
            json!({ "number": "+3227001000", "failure": "No.", "times": 9 }),
        )
        .await;
    scene.apply().await;
    let status = scene.get("/status").await;
    assert_eq!(status.text("/lastSyncStatus"), "Failed");
    assert_eq!(status.text("/syncStatus"), "Failed");
    let before = scene.reminders().len();
    scene.service.world.advance(SignedDuration::from_hours(24)).await;
    let mails = scene.reminders();
    assert_eq!(mails.len(), before + 1);
    assert_eq!(mails.last().unwrap().subject, "Microsoft Teams integration sync failed");
}

#[tokio::test]
async fn a_sync_after_a_failed_one_does_only_the_rest() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    scene
        .order(
            "/number-faults",
            json!({ "number": "+3227001000", "failure": "No.", "times": 1 }),
        )
        .await;
    scene.apply().await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(run.list("/users").len(), 1, "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn what_microsoft_takes_and_forgets_is_not_proven() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    scene
        .order(
            "/number-faults",
            json!({ "number": "+3227001000", "lost": true, "times": 1 }),
        )
        .await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert!(findings(&run).contains(&"NOT_PROVEN"), "{}", run.body);
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "Sync Needed");
}

#[tokio::test]
async fn r062_a_session_that_ends_on_the_way_waits_for_another_sign_in_and_goes_on() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let admin = scene.admin().to_owned();
    scene.service.world.aws.state_machine.skip_waits(false);
    scene
        .microsoft(
            "/faults",
            json!({ "path": "/users", "status": 429, "retryAfter": "5400", "times": 1 }),
        )
        .await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    scene.sign_in(&started, &admin).await;
    scene.service.world.idle().await;
    scene.order(&format!("/users/{admin}/revoke"), json!({})).await;
    scene.service.world.finish_runs().await;
    let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
    assert_eq!(run.text("/state"), "awaitingSignIn", "{}", run.body);
    assert_eq!(findings(&run), ["TOKEN_TOO_SHORT"]);
    let path = scene.path(&format!("/runs/{}/sign-in", started.text("/id")));
    let again = scene.api("global_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(again.status, 201, "{}", again.body);
    scene.sign_in(&again, &admin).await;
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn a_pause_that_microsoft_asks_for_is_kept_and_the_run_succeeds() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    scene
        .microsoft(
            "/faults",
            json!({ "path": "/admin/teams", "status": 429, "retryAfter": "120", "times": 2 }),
        )
        .await;
    let before = scene.service.world.clock.now();
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let waited = scene.service.world.clock.now().duration_since(before);
    assert!(waited >= SignedDuration::from_secs(120), "{waited}");
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn lost_answers_to_assignments_do_not_fail_the_run() {
    let scene = Scene::mapped(options(80), 3, 3).await;
    // Batches read what Teams has, and one hands the numbers over: every second of them gets no answer.
    for skip in [1; 3] {
        let lost = json!({ "path": "/$batch", "drop": "after", "skip": skip, "times": 1 });
        scene.microsoft("/faults", lost).await;
    }
    // A part that fails in a way that says nothing of what was done.
    let silent = json!({ "path": ASSIGN, "status": 500, "skip": 1, "times": 1 });
    scene.microsoft("/faults", silent).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 3);
}

#[tokio::test]
async fn with_microsofts_real_delays_the_run_succeeds_too() {
    let slow = Options {
        microsoft: dialbridge_local::microsoft::Options {
            delays: Delays {
                domain_activation: SignedDuration::ZERO,
                ..Delays::microsoft()
            },
            ..options(80).microsoft
        },
        ..options(80)
    };
    let scene = Scene::mapped(slow, 3, 2).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn a_domain_that_is_not_ready_is_named_before_anything_is_changed() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    let domain = format!(
        "{}.sbc1.eu.voice.example",
        scene.tenant.initial_domain.split('.').next().unwrap()
    );
    scene
        .order("/domains", json!({ "name": domain, "verified": false }))
        .await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert!(findings(&run).contains(&"DOMAIN_NOT_READY"), "{}", run.body);
    assert!(scene.holders().await.is_empty());
}
