//! What takes many numbers away waits for a name; what would take them away by mistake never does (R131-R134, R146).

use super::scene::{Scene, findings, options, voice_user};
use dialbridge_local::drive::api::Answer;
use reqwest::Method;
use serde_json::{Value, json};

/// Eight people have numbers from us.
async fn eight() -> Scene {
    Scene::applied(options(120), 8, 8).await
}

/// The same, of whom seven are mapped no more.
async fn seven_unmapped() -> Scene {
    let scene = eight().await;
    let pairs: Vec<_> = (0..7).map(|n| (n, None)).collect();
    assert_eq!(scene.map(&pairs).await.status, 200);
    scene
}

async fn approve(scene: &Scene, role: &str, plan: &str, releases: usize) -> Answer {
    let path = scene.path(&format!("/plans/{plan}/approval"));
    let api = scene.api(role);
    let body = json!({ "releases": releases });
    api.put(&path, &body, None).await.unwrap()
}

async fn with_plan(scene: &Scene, plan: &str) -> Answer {
    let form = json!({ "kind": "apply", "mode": "full", "plan": plan });
    scene.run(form).await
}

/// The plan that a held run names.
async fn held(scene: &Scene, run: &Answer) -> Answer {
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert_eq!(findings(run), ["TOO_MANY_RELEASES"], "{}", run.body);
    let plan = run.text("/findings/0/subject").to_owned();
    assert!(run.text("/findings/0/fix").contains(&plan), "{}", run.body);
    let plan = scene.get(&format!("/plans/{plan}")).await;
    assert_eq!(plan.status, 200, "{}", plan.body);
    plan
}

#[tokio::test]
async fn a_held_run_executes_nothing_and_its_plan_can_be_read_and_approved() {
    let scene = seven_unmapped().await;
    let before = scene.numbers().await;
    let foreseen = scene.get("/preflight").await;
    let first = &foreseen.list("/codes")[0];
    assert_eq!(
        (&first["code"], &foreseen.body["ready"]),
        (&json!("TOO_MANY_RELEASES"), &json!(false))
    );
    let run = scene.apply().await;
    assert_eq!(run.body["users"], Value::Null, "there is nothing to follow");
    assert_eq!(scene.numbers().await, before);
    let plan = held(&scene, &run).await;
    assert_eq!(plan.number("/releasesToApprove"), Some(7));
    let first = &plan.list("/changes")[0];
    assert_eq!((&first["reason"], &first["after"]), (&json!("unmapped"), &Value::Null));
    assert_eq!(first["before"], first["number"]);

    // Who has not read it does not know the number; who maps may not agree to this.
    let id = plan.text("/id");
    let wrong = approve(&scene, "account_admin", id, 6).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.text("/code")),
        (422, "invalid"),
        "{}",
        wrong.body
    );
    assert!(wrong.text("/errors/0/detail").contains('7'), "{}", wrong.body);
    assert_eq!(approve(&scene, "account_manager", id, 7).await.status, 404);
    assert_eq!(
        approve(&scene, "reseller_admin", id, 7).await.status,
        404,
        "nobody lets it manage"
    );

    let approved = approve(&scene, "account_admin", id, 7).await;
    assert_eq!(approved.status, 200, "{}", approved.body);
    assert_eq!(approved.text("/approval/by"), "account_admin@people.example");
    let again = approve(&scene, "provider_admin", id, 7).await;
    assert_eq!(
        again.body["approval"], approved.body["approval"],
        "the first one counts"
    );
    assert_eq!(
        scene
            .deeds()
            .await
            .iter()
            .filter(|deed| *deed == "planApproved")
            .count(),
        1
    );

    let run = with_plan(&scene, id).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(run.text("/approval/by"), "account_admin@people.example");
    assert_eq!(scene.holders().await.len(), 1);
    let stale = approve(&scene, "account_admin", id, 7).await;
    assert_eq!((stale.status.as_u16(), stale.text("/code")), (409, "plan-stale"));
}

#[tokio::test]
async fn an_approval_does_not_cover_what_came_after_it() {
    let scene = seven_unmapped().await;
    let plan = scene.plan().await;
    assert_eq!(approve(&scene, "account_admin", plan.text("/id"), 7).await.status, 200);
    scene.map(&[(7, None)]).await;
    let form = json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") });
    assert_eq!(scene.start(form).await.status, 409);
}

#[tokio::test]
async fn the_short_form_names_who_started_the_run() {
    let scene = seven_unmapped().await;
    let form = json!({ "kind": "apply", "mode": "full", "approvedReleases": 7 });
    let run = scene.run(form).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(
        (run.text("/approval/by"), run.number("/approval/releases")),
        (scene.admin(), Some(7))
    );
}

#[tokio::test]
async fn the_provider_side_says_how_many_pass() {
    let scene = eight().await;
    let limit = scene.get("/release-limit").await;
    assert_eq!(limit.body, json!({ "users": 5, "percent": 10 }));
    let put = |limit: Value| scene.change("reseller_admin", Method::PUT, "/release-limit", Some(limit));
    let wrong = put(json!({ "users": 100_001, "percent": 101 })).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.list("/errors").len()),
        (422, 2),
        "{}",
        wrong.body
    );
    assert_eq!(put(json!({ "users": 0, "percent": 0 })).await.status, 200);
    scene.map(&[(0, None)]).await;
    let plan = held(&scene, &scene.apply().await).await;
    assert_eq!(plan.number("/releasesToApprove"), Some(1));
    assert_eq!(put(json!({ "users": 1, "percent": 0 })).await.status, 200);
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    assert_eq!(scene.holders().await.len(), 7);
}

// Licences cut by the reseller: who would lose the number is known, and nobody does before somebody agrees.
#[tokio::test]
async fn licences_that_are_cut_take_no_number_away_unasked() {
    let scene = eight().await;
    scene.license(Some(1)).await;
    let before = scene.numbers().await;
    let plan = held(&scene, &scene.apply().await).await;
    assert_eq!(scene.numbers().await, before);
    let reasons = plan.list("/changes").iter().map(|change| change["reason"].as_str());
    assert!(
        reasons.into_iter().all(|reason| reason == Some("unlicensed")),
        "{}",
        plan.body
    );
    // They come back, and there is nothing to approve.
    scene.license(Some(8)).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.numbers().await, before);
}

/// Eight people in a group have numbers from us; the group.
async fn eight_in_a_group() -> (Scene, Value) {
    let scene = eight().await;
    let members: Vec<Value> = scene
        .candidates()
        .await
        .iter()
        .take(8)
        .map(|one| one["email"].clone())
        .collect();
    scene.order("/groups/Billing", json!({ "empty": true })).await;
    scene.order("/groups/Billing", json!({ "add": members })).await;
    let chosen = scene.choose(json!({ "mode": "groups", "names": ["Billing"] })).await;
    assert_eq!(chosen.status, 200, "{}", chosen.body);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    (scene, json!(members))
}

// R087, R214
#[tokio::test]
async fn an_emptied_group_takes_no_number_away() {
    let (scene, _) = eight_in_a_group().await;
    let before = scene.numbers().await;
    scene.order("/groups/Billing", json!({ "empty": true })).await;
    let run = scene.apply().await;
    assert_eq!(findings(&run), ["GROUP_EMPTY"], "{}", run.body);
    assert_eq!(scene.numbers().await, before);
}

// R085, R220
#[tokio::test]
async fn many_people_who_left_the_filter_keep_their_numbers() {
    let (scene, members) = eight_in_a_group().await;
    let before = scene.numbers().await;
    let seven = json!(members.as_array().unwrap()[1..]);
    scene.order("/groups/Billing", json!({ "remove": seven })).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "nothing is left to do: {}", run.body);
    assert_eq!(run.body["users"], json!([]));
    assert_eq!(scene.numbers().await, before);
    let plan = scene.plan().await;
    let told = plan
        .list("/notes")
        .iter()
        .filter(|note| note["code"] == "USER_NOT_IN_FILTER");
    assert_eq!(told.count(), 7, "{}", plan.body);
    // Whoever has left it gets nothing new, either.
    let mut items: Vec<Value> = (0..8).map(voice_user).collect();
    items[1]["number"] = json!("+3227001777");
    scene.push_items(json!(items)).await;
    let run = scene.apply().await;
    assert!(findings(&run).contains(&"USER_NOT_IN_FILTER"), "{}", run.body);
    assert_eq!(scene.numbers().await, before);
}

#[tokio::test]
async fn a_directory_that_is_read_by_half_takes_no_number_away() {
    let scene = eight().await;
    let before = scene.numbers().await;
    let lost = json!({ "host": "graph", "path": "/users", "status": 503, "times": 1_000 });
    scene.microsoft("/faults", lost).await;
    let run = scene.apply().await;
    assert_eq!(
        (run.text("/state"), findings(&run)),
        ("failed", vec!["MS_INTERNAL"]),
        "{}",
        run.body
    );
    assert_eq!(scene.numbers().await, before);
}

#[tokio::test]
async fn what_was_there_before_us_comes_back() {
    let scene = Scene::mapped(options(80), 1, 1).await;
    let user = scene.candidates().await[0]["id"].clone();
    let policy = json!({ "type": "TeamsCallingPolicy", "name": "House-Rules" });
    scene.order("/policies", policy).await;
    let theirs = json!({ "user": user, "type": "TeamsCallingPolicy", "name": "House-Rules" });
    scene.order("/grants", theirs).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    scene.map(&[(0, None)]).await;
    let plan = scene.plan().await;
    let back = plan
        .list("/changes")
        .iter()
        .find(|change| change["policyType"] == "TeamsCallingPolicy");
    let back = back.unwrap();
    assert_eq!(
        (&back["change"], &back["after"]),
        (&json!("revoke"), &json!("House-Rules")),
        "{back}"
    );
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    // It is there: a new mapping finds it, and remembers it again.
    scene.map(&[(0, Some(0))]).await;
    let run = scene
        .run(json!({ "kind": "apply", "mode": "full", "debug": true }))
        .await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.map(&[(0, None)]).await;
    let text = scene.plan().await.body["text"].to_string();
    assert!(text.contains("back to House-Rules"), "{text}");
}

#[tokio::test]
async fn a_policy_that_is_gone_meanwhile_gives_way_to_the_tenants_default() {
    let scene = Scene::mapped(options(80), 1, 1).await;
    let user = scene.candidates().await[0]["id"].clone();
    let policy = json!({ "type": "TeamsCallingPolicy", "name": "House-Rules" });
    scene.order("/policies", policy.clone()).await;
    let theirs = json!({ "user": user, "type": "TeamsCallingPolicy", "name": "House-Rules" });
    scene.order("/grants", theirs).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    let gone = json!({ "type": "TeamsCallingPolicy", "name": "House-Rules", "deleted": true });
    scene.order("/policies", gone).await;
    scene.map(&[(0, None)]).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert!(scene.holders().await.is_empty());
}

#[tokio::test]
async fn whose_calling_was_switched_off_gets_the_number_once_more() {
    let scene = Scene::applied(options(80), 2, 2).await;
    let before = scene.holders().await;
    let user = scene.candidates().await[0]["id"].as_str().unwrap().to_owned();
    scene
        .order(&format!("/users/{user}"), json!({ "enterpriseVoice": false }))
        .await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let changes = run.body["users"].to_string();
    assert!(
        changes.contains("+ +3227001000") && changes.contains("applied"),
        "{changes}"
    );
    assert_eq!(scene.holders().await, before);
    assert_eq!(
        scene.apply().await.body["users"],
        json!([]),
        "a second run has nothing to do"
    );
}
