//! What a save refuses: everything at once, with names, places, codes, and what to do (R107, R111-R112, R117).

use super::super::scene::{Scene, options, voice_user};
use super::scene;
use dialbridge_local::drive::api::Answer;
use serde_json::{Value, json};

fn faults(answer: &Answer) -> Vec<(&str, &str)> {
    let errors = answer.list("/errors").iter();
    let fault = errors.filter_map(|one| Some((one["field"].as_str()?, one["code"].as_str()?)));
    fault.collect()
}

fn detail<'a>(answer: &'a Answer, code: &str) -> &'a str {
    let found = answer.list("/errors").iter().find(|one| one["code"] == code);
    found.unwrap()["detail"].as_str().unwrap()
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_saved() {
    let scene = scene(None).await;
    let mut silent = voice_user(5);
    silent["number"] = Value::Null;
    let users: Vec<Value> = (0..5)
        .map(voice_user)
        .chain([silent])
        .chain((6..12).map(voice_user))
        .collect();
    scene.push_items(json!(users)).await;
    let candidates = scene.candidates().await;
    let id = |n: usize| candidates[n]["id"].as_str().unwrap();
    let plans =
        json!({ "plans": [{ "name": "MCOEV", "status": "Enabled" }, { "name": "MCOPSTN1", "status": "Enabled" }] });
    scene.order(&format!("/users/{}", id(0)), plans).await;
    scene
        .order(&format!("/users/{}", id(1)), json!({ "deleted": "restorable" }))
        .await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let row = |voice: &str, teams: &str| json!({ "voiceUser": voice, "teamsUser": teams });
    let rows = [
        row("v000", id(0)),
        row("v001", id(1)),
        row("v002", "11111111-2222-4333-8444-555555555555"),
        row("v003", id(3)),
        row("v004", id(3)),
        row("v005", id(5)),
        row("nobody", id(6)),
        row("v007", id(7)),
        json!({ "voiceUser": "v007" }),
    ];
    let before = scene.kept().await;
    let etag = scene.get("/mapping").await.etag;
    let refused = scene.save(&rows, etag.as_deref()).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let expected = [
        ("rows[0].teamsUser", "HAS_CALLING_PLAN"),
        ("rows[1].teamsUser", "TEAMS_USER_LEFT"),
        ("rows[2].teamsUser", "NO_SUCH_TEAMS_USER"),
        ("rows[3].teamsUser", "TEAMS_USER_TWICE"),
        ("rows[4].teamsUser", "TEAMS_USER_TWICE"),
        ("rows[5].voiceUser", "NUMBER_MISSING"),
        ("rows[6].voiceUser", "NO_SUCH_VOICE_USER"),
        ("rows[8].voiceUser", "VOICE_USER_TWICE"),
    ];
    assert_eq!(faults(&refused), expected);
    let name = candidates[0]["name"].as_str().unwrap();
    let said = detail(&refused, "HAS_CALLING_PLAN");
    assert!(
        said.contains(name) && said.contains("Remove the calling plan in Microsoft 365"),
        "{said}"
    );
    let name = candidates[1]["name"].as_str().unwrap();
    let said = detail(&refused, "TEAMS_USER_LEFT");
    assert!(
        said.contains(name) && said.contains("left the tenant or the chosen groups"),
        "{said}"
    );
    assert_eq!(scene.kept().await, before);
}

/// The guides' scene: ten Teams users and five licences allow five mappings.
#[tokio::test]
async fn r111_r112_ten_teams_users_and_five_licences_allow_five_mappings() {
    let scene = Scene::discovered(options(120), Some(5)).await;
    scene.push(10).await;
    let candidates = scene.candidates().await;
    assert!(candidates.len() >= 10);
    let all: Vec<_> = (0..10).map(|n| (n, Some(n))).collect();
    let refused = scene.map(&all).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code")), (409, "over-license"));
    let over: Vec<String> = (5..10).map(|n| format!("rows[{n}].teamsUser")).collect();
    let over: Vec<(&str, &str)> = over.iter().map(|field| (field.as_str(), "OVER_LICENSE")).collect();
    assert_eq!(faults(&refused), over);
    assert!(
        refused
            .text("/detail")
            .contains("ask your Northwind administrator for more"),
        "{}",
        refused.body
    );
    for left_out in &candidates[5..10] {
        assert!(refused.text("/detail").contains(left_out["label"].as_str().unwrap()));
    }
    let five: Vec<_> = (0..5).map(|n| (n, Some(n))).collect();
    let saved = scene.map(&five).await;
    assert_eq!(saved.number("/licences/free"), Some(0), "{}", saved.body);
    // R130: new licences can be mapped as soon as the count rises.
    scene.license(Some(6)).await;
    assert_eq!(scene.map(&[(5, Some(5))]).await.status, 200);
}

#[tokio::test]
async fn r111_the_limit_does_not_hide_what_else_is_wrong() {
    let scene = scene(Some(1)).await;
    scene.map(&[(0, Some(0))]).await;
    let candidates = scene.candidates().await;
    let rows = [
        json!({ "voiceUser": "v001", "teamsUser": candidates[1]["id"] }),
        json!({ "voiceUser": "nobody", "teamsUser": candidates[2]["id"] }),
    ];
    let etag = scene.get("/mapping").await.etag;
    let refused = scene.save(&rows, etag.as_deref()).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let expected = [
        ("rows[0].teamsUser", "OVER_LICENSE"),
        ("rows[1].voiceUser", "NO_SUCH_VOICE_USER"),
    ];
    assert_eq!(faults(&refused), expected);
}

#[tokio::test]
async fn r117_who_needs_a_freed_licence_is_told_to_sync() {
    let scene = scene(Some(1)).await;
    scene.map(&[(0, Some(0))]).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    scene.map(&[(0, None)]).await;
    let refused = scene.map(&[(1, Some(1))]).await;
    assert!(
        refused.text("/detail").contains("or sync first: that frees 1 licence"),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn more_rows_than_one_save_takes_are_refused_with_the_way_to_split_them() {
    let scene = scene(None).await;
    let rows: Vec<Value> = (0..1_001).map(|n| json!({ "voiceUser": format!("v{n}") })).collect();
    let etag = scene.get("/mapping").await.etag;
    let refused = scene.save(&rows, etag.as_deref()).await;
    assert_eq!(faults(&refused), [("rows", "TOO_MANY_ROWS")]);
    assert!(
        refused.text("/detail").contains("save them in parts"),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn hundreds_of_rows_are_saved_at_once_or_not_at_all() {
    const ROWS: usize = 150;
    let scene = Scene::discovered(options(600), None).await;
    scene.push(ROWS).await;
    let candidates = scene.candidates().await.len();
    assert!(candidates >= ROWS, "{candidates}");
    let mut rows: Vec<_> = (0..ROWS).map(|n| (n, Some(n))).collect();
    rows.push((0, None));
    assert_eq!(scene.map(&rows).await.status, 422);
    assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(0));
    rows.pop();
    let saved = scene.map(&rows).await;
    assert_eq!(saved.number("/changed"), Some(ROWS as u64), "{}", saved.body);
    let trail = scene.get("/audit?limit=1").await;
    assert_eq!(
        trail.list("/items/0/changes").len(),
        101,
        "a hundred are named, the rest is counted"
    );
    let none: Vec<_> = (0..ROWS).map(|n| (n, None)).collect();
    let undone = scene.map(&none).await;
    let answer = (undone.number("/changed"), undone.text("/actionNeeded"));
    assert_eq!(
        answer,
        (Some(ROWS as u64), "None"),
        "R114: taken back when it is undone"
    );
}
