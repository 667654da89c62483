//! Saves while a sync goes on: none is lost, none is refused for what the sync does, and no licence is given twice.

use super::super::scene::{Scene, options};
use super::scene;
use dialbridge_local::drive::api::Answer;
use serde_json::{Value, json};

const ASSIGN: &str = "/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber";

/// A sync that has its plan and waits for Microsoft before its first change.
async fn parked(scene: &Scene) -> Answer {
    scene.service.world.aws.state_machine.skip_waits(false);
    let busy = json!({ "path": ASSIGN, "status": 429, "retryAfter": "120", "times": 1 });
    scene.microsoft("/faults", busy).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    scene.service.world.idle().await;
    let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
    assert_eq!(run.text("/state"), "applying", "{}", run.body);
    started
}

async fn finished(scene: &Scene, started: &Answer) -> Answer {
    scene.service.world.aws.state_machine.skip_waits(true);
    scene.at_rest(started.text("/id")).await
}

#[tokio::test]
async fn what_a_sync_puts_in_place_makes_no_save_stale() {
    let scene = scene(None).await;
    scene.map(&[(0, Some(0)), (1, Some(1)), (2, Some(2))]).await;
    let candidates = scene.candidates().await;
    let etag = scene.get("/mapping").await.etag;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    // The page that was opened before the sync is as good as one that is opened now.
    assert_eq!(scene.get("/mapping").await.etag, etag);
    let row = json!({ "voiceUser": "v003", "teamsUser": candidates[3]["id"] });
    let saved = scene.save(&[row], etag.as_deref()).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    // What somebody else has saved does make it stale.
    let row = json!({ "voiceUser": "v004", "teamsUser": candidates[4]["id"] });
    let late = scene.save(&[row], etag.as_deref()).await;
    assert_eq!((late.status.as_u16(), late.text("/code")), (412, "stale"));
    assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(4));
}

#[tokio::test]
async fn a_push_of_voice_users_makes_no_save_stale() {
    let scene = scene(None).await;
    let etag = scene.get("/mapping").await.etag;
    let candidates = scene.candidates().await;
    scene.push(14).await;
    let row = json!({ "voiceUser": "v013", "teamsUser": candidates[0]["id"] });
    let saved = scene.save(&[row], etag.as_deref()).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
}

#[tokio::test]
async fn what_is_saved_during_a_sync_waits_for_the_next_one() {
    let scene = scene(None).await;
    scene.map(&[(0, Some(0)), (1, Some(1))]).await;
    let started = parked(&scene).await;
    let page = scene.get("/mapping").await;
    let sync = json!({ "running": true, "run": started.text("/id") });
    assert_eq!(page.body["sync"], sync);
    let says = page
        .list("/notices")
        .iter()
        .any(|notice| notice["code"] == "SYNC_RUNNING");
    assert!(says, "{}", page.body);
    assert_eq!(scene.map(&[(1, None), (2, Some(2))]).await.status, 200);
    let run = finished(&scene, &started).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    // The plan of the run was made before: it is what Teams has now.
    assert_eq!(scene.holders().await.len(), 2);
    let page = scene.get("/mapping").await;
    assert_eq!(
        (page.text("/actionNeeded"), &page.body["sync"]["running"]),
        ("Sync Needed", &Value::Bool(false))
    );
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    let page = scene.get("/mapping").await;
    assert_eq!(
        (page.text("/actionNeeded"), page.number("/licences/used")),
        ("None", Some(2))
    );
    let holders: Vec<String> = scene.holders().await.into_keys().collect();
    assert_eq!(holders, ["+3227001000", "+3227001002"]);
}

/// R117 in the moment between the plan and its execution: the licence that the sync is about to use is not free.
#[tokio::test]
async fn r117_a_licence_that_a_sync_is_about_to_use_is_not_given_away() {
    let scene = Scene::discovered(options(80), Some(1)).await;
    scene.push(2).await;
    scene.map(&[(0, Some(0))]).await;
    let started = parked(&scene).await;
    assert_eq!(scene.map(&[(0, None)]).await.status, 200);
    let refused = scene.map(&[(1, Some(1))]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.text("/code")),
        (409, "over-license"),
        "{}",
        refused.body
    );
    let page = scene.get("/mapping").await;
    assert_eq!(
        (page.number("/licences/used"), page.number("/licences/pendingRelease")),
        (Some(1), Some(1))
    );
    assert_eq!(finished(&scene, &started).await.text("/state"), "succeeded");
    assert_eq!(scene.map(&[(1, Some(1))]).await.status, 409);
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    assert_eq!(scene.map(&[(1, Some(1))]).await.status, 200);
}
