//! A sync: what the plan says, what is applied and read back, and what is left alone (R131-R161).

use super::scene::{Scene, findings, options, voice_user};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn lines(answer: &dialbridge_local::drive::api::Answer) -> Vec<&str> {
    answer.list("/text").iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn a_plan_names_people_and_numbers_before_anybody_signs_in() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    let name = scene.candidates().await[0]["name"].as_str().unwrap().to_owned();
    let plan = scene.plan().await;
    assert_eq!(plan.status, 201, "{}", plan.body);
    let lines = lines(&plan);
    // What is done with the tenant's own objects comes first.
    let objects = plan.list("/objects").len();
    assert_eq!((objects, lines.len()), (9, 9 + 3), "{lines:?}");
    let lines = &lines[objects..];
    assert!(
        lines[0].contains("+3227001000") && lines[0].contains(&name),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_plan_that_is_made_again_with_the_same_key_is_the_same_plan() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    let (form, headers) = (json!({}), [("idempotency-key", "once")]);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let api = scene.api("account_admin");
        let answer = api
            .send(reqwest::Method::POST, &scene.path("/plans"), Some(&form), &headers)
            .await
            .unwrap();
        ids.push(answer.text("/id").to_owned());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn r133_r145_every_mapped_user_gets_the_own_number() {
    let scene = Scene::mapped(options(80), 5, 4).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let holders = scene.holders().await;
    assert_eq!(holders.len(), 4);
    let distinct: std::collections::BTreeSet<_> = holders.values().collect();
    assert_eq!(distinct.len(), 4, "each number has its own holder");
}

#[tokio::test]
async fn r144_r209_r221_a_run_says_when_the_dial_pad_is_expected_and_when_it_is_late() {
    let scene = Scene::mapped(options(80), 2, 1).await;
    let run = scene.apply().await;
    let dial_pad = run.body["users"][0]["dialPad"].clone();
    assert_eq!(dial_pad["late"], json!(false), "{}", run.body);
    let expected: jiff::Timestamp = dial_pad["expectedBy"].as_str().unwrap().parse().unwrap();
    let left = expected.duration_since(scene.service.world.clock.now());
    assert!(
        left > SignedDuration::from_mins(110) && left <= SignedDuration::from_hours(2),
        "{left}"
    );
    scene.service.world.advance(SignedDuration::from_hours(2)).await;
    let run = scene.get(&format!("/runs/{}", run.text("/id"))).await;
    assert_eq!(run.body["users"][0]["dialPad"]["late"], json!(true), "{}", run.body);
}

#[tokio::test]
async fn r134_r158_every_mapped_user_gets_the_fitting_policies() {
    let scene = Scene::mapped(options(80), 2, 1).await;
    let run = scene.apply().await;
    let changes = run.body["users"][0]["changes"].to_string();
    assert!(changes.contains("Northwind2Teams-VM-MOHEXT"), "{changes}");
    assert!(!changes.contains("pending") && !changes.contains("failed"), "{changes}");
}

#[tokio::test]
async fn r154_r155_the_six_policies_of_the_brand_are_made() {
    let scene = Scene::mapped(options(80), 2, 1).await;
    let run = scene.apply().await;
    let log = scene.log(&run).await.join("\n");
    for handling in ["VM", "NoVM", "NoVMOrForward"] {
        for music in ["MOHTEAMS", "MOHEXT"] {
            let name = format!("Northwind2Teams-{handling}-{music}: created");
            assert!(log.contains(&name), "{name}: {log}");
        }
    }
}

#[tokio::test]
async fn r140_r166_a_successful_sync_leaves_nothing_to_do() {
    let scene = Scene::applied(options(80), 3, 2).await;
    let status = scene.get("/status").await;
    assert_eq!(status.text("/lastSyncStatus"), "Successful");
    assert_eq!(status.text("/actionNeeded"), "None");
    assert_eq!(status.text("/syncStatus"), "Up to date");
    assert!(scene.plan().await.list("/changes").is_empty());
}

#[tokio::test]
async fn r146_a_second_sync_without_changes_changes_nothing_in_teams() {
    let scene = Scene::applied(options(80), 3, 2).await;
    let before = scene.numbers().await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded");
    assert_eq!(run.body["users"], json!([]));
    assert_eq!(scene.numbers().await, before);
}

#[tokio::test]
async fn r116_an_unmapped_user_loses_the_number() {
    let scene = Scene::applied(options(80), 3, 2).await;
    scene.map(&[(0, None)]).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.into_keys().collect::<Vec<_>>(), ["+3227001001"]);
}

#[tokio::test]
async fn r118_two_numbers_are_swapped_in_one_sync() {
    let scene = Scene::applied(options(80), 2, 2).await;
    let before = scene.holders().await;
    let saved = scene.map(&[(0, Some(1)), (1, Some(0))]).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let after = scene.holders().await;
    assert_eq!(after["+3227001000"], before["+3227001001"]);
    assert_eq!(after["+3227001001"], before["+3227001000"]);
}

#[tokio::test]
async fn a_changed_number_replaces_the_old_one() {
    let scene = Scene::applied(options(80), 1, 1).await;
    let holder = scene.holders().await.remove("+3227001000").unwrap();
    let mut user = voice_user(0);
    user["number"] = json!("+3227001777");
    scene.push_items(json!([user])).await;
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "Sync Needed");
    scene.apply().await;
    let holders: Vec<_> = scene.holders().await.into_iter().collect();
    assert_eq!(holders, [("+3227001777".to_owned(), holder)]);
}

#[tokio::test]
async fn a_plan_is_refused_after_the_mapping_changed() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    let plan = scene.plan().await;
    scene.map(&[(1, Some(1))]).await;
    let form = json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") });
    let refused = scene.start(form).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(refused.text("/code"), "plan-stale");
}

#[tokio::test]
async fn a_run_that_would_do_more_than_its_plan_says_so_and_does_nothing() {
    let scene = Scene::applied(options(80), 3, 1).await;
    scene.map(&[(1, Some(1))]).await;
    let plan = scene.plan().await;
    // Somebody takes the first number away in the admin center.
    scene
        .order("/numbers", json!({ "number": "+3227001000", "holder": null }))
        .await;
    let before = scene.numbers().await;
    let form = json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") });
    let run = scene.run(form).await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert_eq!(findings(&run), ["PLAN_STALE"]);
    assert_eq!(scene.numbers().await, before);
}

#[tokio::test]
async fn what_somebody_took_away_in_teams_is_put_back() {
    let scene = Scene::applied(options(80), 3, 2).await;
    let before = scene.holders().await;
    scene
        .order("/numbers", json!({ "number": "+3227001000", "holder": null }))
        .await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await, before);
}

#[tokio::test]
async fn r161_a_policy_that_somebody_changed_is_restored() {
    let scene = Scene::applied(options(80), 3, 1).await;
    let user = scene.candidates().await[0]["id"].clone();
    let none = json!({ "user": user, "type": "TeamsCallingPolicy", "name": null });
    scene.order("/grants", none).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let changes = run.body["users"][0]["changes"].to_string();
    assert!(
        changes.contains("Northwind2Teams-VM-MOHEXT") && changes.contains("applied"),
        "{changes}"
    );
}

#[tokio::test]
async fn r161_a_policy_that_somebody_deleted_is_made_again() {
    let scene = Scene::applied(options(80), 3, 1).await;
    let deleted = json!({ "type": "TeamsCallingPolicy", "name": "Northwind2Teams-NoVM-MOHEXT", "deleted": true });
    scene.order("/policies", deleted).await;
    let run = scene.apply().await;
    let log = scene.log(&run).await.join("\n");
    assert!(log.contains("Northwind2Teams-NoVM-MOHEXT: created"), "{log}");
}

#[tokio::test]
async fn numbers_that_are_not_ours_are_never_touched() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let foreign = |numbers: Vec<Value>| -> Vec<Value> {
        let ours = |number: &Value| number["telephoneNumber"].as_str().unwrap().starts_with("+3227001");
        numbers.into_iter().filter(|number| !ours(number)).collect()
    };
    let before = foreign(scene.numbers().await);
    assert!(!before.is_empty());
    scene.apply().await;
    scene.map(&[(0, None), (1, None)]).await;
    scene.apply().await;
    assert_eq!(foreign(scene.numbers().await), before);
}

#[tokio::test]
async fn a_number_that_somebody_else_holds_stays_there_and_is_reported() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let other = scene.candidates().await[5]["id"].clone();
    scene
        .order("/numbers", json!({ "number": "+3227001000", "holder": other }))
        .await;
    let holder = scene.holders().await["+3227001000"].clone();
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed");
    assert_eq!(findings(&run), ["NUMBER_TAKEN"]);
    let holders = scene.holders().await;
    assert_eq!(holders["+3227001000"], holder, "not ours, not touched");
    assert!(holders.contains_key("+3227001001"), "the others are applied");
}

#[tokio::test]
async fn an_add_only_run_takes_nothing_away() {
    let scene = Scene::applied(options(80), 3, 2).await;
    scene.map(&[(0, None), (2, Some(2))]).await;
    let run = scene.run(json!({ "kind": "apply", "mode": "addOnly" })).await;
    let numbers: Vec<_> = scene.holders().await.into_keys().collect();
    assert_eq!(numbers, ["+3227001000", "+3227001001", "+3227001002"], "{}", run.body);
    assert!(
        run.body["users"].to_string().contains("held: this run may only add"),
        "{}",
        run.body
    );
}

#[tokio::test]
async fn an_apply_run_needs_a_mode() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    let answer = scene.start(json!({ "kind": "apply" })).await;
    assert!(answer.status.is_client_error(), "{}", answer.body);
}

async fn seven_unmapped() -> Scene {
    let scene = Scene::applied(options(120), 8, 8).await;
    let pairs: Vec<_> = (0..7).map(|n| (n, None)).collect();
    scene.map(&pairs).await;
    scene
}

#[tokio::test]
async fn many_releases_are_held_without_an_approval() {
    let scene = seven_unmapped().await;
    assert_eq!(scene.plan().await.number("/releasesToApprove"), Some(7));
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert!(findings(&run).contains(&"TOO_MANY_RELEASES"), "{}", run.body);
    assert_eq!(scene.holders().await.len(), 8);
}

#[tokio::test]
async fn many_releases_pass_with_their_number_approved() {
    let scene = seven_unmapped().await;
    let run = scene
        .run(json!({ "kind": "apply", "mode": "full", "approvedReleases": 7 }))
        .await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 1);
}

#[tokio::test]
async fn an_approval_of_another_number_of_releases_approves_nothing() {
    let scene = seven_unmapped().await;
    scene
        .run(json!({ "kind": "apply", "mode": "full", "approvedReleases": 6 }))
        .await;
    assert_eq!(scene.holders().await.len(), 8);
}

#[tokio::test]
async fn r150_r200_a_debug_run_logs_more() {
    let scene = Scene::mapped(options(80), 4, 1).await;
    let normal = scene.apply().await;
    let normal = scene.log(&normal).await.len();
    scene.map(&[(0, None), (1, Some(1))]).await;
    scene.apply().await;
    scene.map(&[(1, None), (2, Some(2))]).await;
    let debug = scene
        .run(json!({ "kind": "apply", "mode": "full", "debug": true }))
        .await;
    assert!(scene.log(&debug).await.len() > normal);
}

#[tokio::test]
async fn r025_after_a_sync_the_status_says_that_numbers_are_the_providers_job() {
    let scene = Scene::applied(options(80), 3, 1).await;
    let status = scene.get("/status").await;
    assert!(
        status.text("/nextStep").contains("provided by the voice provider"),
        "{}",
        status.body
    );
}

#[tokio::test]
async fn one_sync_at_a_time() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    scene.service.world.aws.state_machine.skip_waits(false);
    scene
        .microsoft(
            "/faults",
            json!({ "path": "/users", "status": 429, "retryAfter": "300", "times": 1 }),
        )
        .await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    scene.sign_in(&started, scene.admin()).await;
    let second = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(second.status, 409, "{}", second.body);
    scene.service.world.idle().await;
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
}
