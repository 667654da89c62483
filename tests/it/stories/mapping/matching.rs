//! Matching by mail address: proposals, and what a sync does for imported users (R123-R126, R216).

use super::super::scene::{Scene, findings, options, voice_user};
use dialbridge_local::drive::api::Answer;
use serde_json::{Value, json};

/// A voice user with the address of a Teams user, written in another case.
fn namesake(n: usize, person: &Value) -> Value {
    let mut user = voice_user(n);
    user["email"] = json!(person["email"].as_str().unwrap().to_uppercase());
    user
}

fn imported(n: usize, person: &Value) -> Value {
    let mut user = namesake(n, person);
    user["matchByMail"] = json!(true);
    user
}

fn codes(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.filter_map(|one| one["code"].as_str()).collect()
}

async fn accept(scene: &Scene, form: Value) -> Answer {
    let etag = scene.get("/mapping/proposals").await.etag.unwrap();
    let api = scene.api("account_admin");
    let headers = [("if-match", etag.as_str())];
    api.send(
        reqwest::Method::POST,
        &scene.path("/mapping/proposals"),
        Some(&form),
        &headers,
    )
    .await
    .unwrap()
}

/// Four voice users: the first three have the addresses of the first three Teams users.
async fn proposed(limit: Option<u32>) -> (Scene, Vec<Value>) {
    let scene = Scene::discovered(options(80), limit).await;
    let people = scene.candidates().await;
    let users: Vec<Value> = (0..3).map(|n| namesake(n, &people[n])).chain([voice_user(3)]).collect();
    scene.push_items(json!(users)).await;
    (scene, people)
}

#[tokio::test]
async fn r124_whoever_has_the_same_address_is_proposed() {
    let (scene, people) = proposed(None).await;
    let list = scene.get("/mapping/proposals").await;
    assert_eq!(
        (list.number("/proposed"), list.number("/unmatched")),
        (Some(3), Some(1)),
        "{}",
        list.body
    );
    for (row, person) in list.list("/items").iter().zip(&people).take(3) {
        assert_eq!(
            (&row["teamsUser"]["id"], &row["atNextSync"]),
            (&person["id"], &json!(false))
        );
    }
    assert_eq!(list.text("/items/3/finding/code"), "EMAIL_NO_MATCH");
    let page = scene.get("/mapping").await;
    assert_eq!(page.body["rows"][0]["proposal"]["label"], people[0]["label"]);
    assert_eq!(page.body["rows"][0]["text"], "Select User", "a proposal is no mapping");
    assert_eq!(
        scene.get("/mapping?proposals=false").await.body["rows"][0]["proposal"],
        Value::Null
    );
    // Nothing happens by itself to users who were not imported.
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(0));
}

#[tokio::test]
async fn r124_proposals_are_accepted_all_or_by_name() {
    let (scene, people) = proposed(None).await;
    let one = accept(&scene, json!({ "voiceUsers": ["v001"] })).await;
    assert_eq!(
        (one.number("/changed"), one.text("/actionNeeded")),
        (Some(1), "Sync Needed"),
        "{}",
        one.body
    );
    let page = scene.get("/mapping").await;
    let row = &page.body["rows"][1];
    assert_eq!(
        (&row["text"], &row["byMail"]),
        (&people[1]["label"], &json!(false)),
        "a person has chosen"
    );
    let rest = accept(&scene, json!({})).await;
    assert_eq!(rest.number("/changed"), Some(2), "{}", rest.body);
    assert_eq!(scene.get("/mapping").await.number("/unmapped"), Some(1));
    let wrong = accept(&scene, json!({ "voiceUsers": ["v000", "v003", "v9"] })).await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    assert_eq!(
        codes(&wrong.body["errors"]),
        ["MAPPED_ALREADY", "EMAIL_NO_MATCH", "NO_SUCH_VOICE_USER"]
    );
}

#[tokio::test]
async fn where_licences_are_short_the_first_by_name_get_them() {
    let (scene, _) = proposed(Some(2)).await;
    let list = scene.get("/mapping/proposals").await;
    assert_eq!(list.number("/proposed"), Some(2), "{}", list.body);
    assert_eq!(list.text("/items/2/finding/code"), "OVER_LICENSE");
    let named = accept(&scene, json!({ "voiceUsers": ["v000", "v001", "v002"] })).await;
    assert_eq!(
        (named.status.as_u16(), codes(&named.body["errors"])),
        (422, vec!["OVER_LICENSE"])
    );
    let all = accept(&scene, json!({})).await;
    assert_eq!(
        (all.number("/changed"), all.number("/licences/free")),
        (Some(2), Some(0)),
        "{}",
        all.body
    );
}

#[tokio::test]
async fn what_is_not_certain_is_no_proposal() {
    let scene = Scene::discovered(options(80), None).await;
    let people = scene.candidates().await;
    // Two with one address; somebody whose person is taken; somebody without a number.
    let mut silent = namesake(3, &people[2]);
    silent["number"] = Value::Null;
    let users = [
        namesake(0, &people[0]),
        namesake(1, &people[0]),
        namesake(2, &people[1]),
        silent,
        voice_user(4),
    ];
    scene.push_items(json!(users)).await;
    scene.map(&[(4, Some(1))]).await;
    let list = scene.get("/mapping/proposals").await;
    assert_eq!(list.number("/proposed"), Some(0), "{}", list.body);
    let seen = |n: usize| list.list("/items")[n]["finding"]["seen"].as_str().unwrap().to_owned();
    assert!(
        seen(0).contains("Other voice users have the address of Voice User 000, too: Voice User 001"),
        "{}",
        seen(0)
    );
    assert!(seen(2).contains("is mapped to Voice User 004"), "{}", seen(2));
    assert_eq!(list.text("/items/3/finding/code"), "NUMBER_MISSING");
}

#[tokio::test]
async fn r123_r216_an_import_followed_by_sync_now_licenses_the_users() {
    let scene = Scene::discovered(options(80), None).await;
    let people = scene.candidates().await;
    let users = [imported(0, &people[0]), imported(1, &people[1])];
    scene.push_items(json!(users)).await;
    // Until Sync Now they show as unlicensed.
    let page = scene.get("/mapping").await;
    for row in page.list("/rows") {
        assert_eq!(row["licenseStatus"], "License Status: Unlicensed");
        assert_eq!(codes(&row["findings"]), ["NOT_SYNCED_YET"]);
    }
    assert_eq!(
        scene.get("/mapping/proposals").await.body["items"][0]["atNextSync"],
        true
    );
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
    let page = scene.get("/mapping").await;
    for (row, person) in page.list("/rows").iter().zip(&people) {
        assert_eq!(
            (&row["text"], &row["applied"], &row["byMail"]),
            (&person["label"], &json!(true), &json!(true))
        );
        assert_eq!(row["licenseStatus"], Value::Null);
    }
    assert_eq!(page.text("/actionNeeded"), "None");
    let log = scene.log(&run).await.join("\n");
    let line = format!(
        "MATCH> Voice User 000 is mapped to {}",
        people[0]["name"].as_str().unwrap()
    );
    assert!(log.contains(&line), "{log}");
    assert!(!log.contains('@'), "no addresses in the log: {log}");
    let trail = scene.get("/audit?limit=50").await;
    let entry = trail
        .list("/items")
        .iter()
        .find(|entry| entry["deed"] == "mappingChanged")
        .unwrap();
    assert_eq!(
        (&entry["role"], entry["changes"].as_array().unwrap().len()),
        (&json!("service"), 2)
    );
}

#[tokio::test]
async fn whom_a_person_has_set_to_none_no_sync_maps_again() {
    let scene = Scene::discovered(options(80), None).await;
    let people = scene.candidates().await;
    scene
        .push_items(json!([imported(0, &people[0]), imported(1, &people[1])]))
        .await;
    // One before the sync, one after it.
    assert_eq!(scene.map(&[(0, None)]).await.number("/changed"), Some(1));
    assert_eq!(
        scene.map(&[(0, None)]).await.number("/changed"),
        Some(0),
        "it is None already"
    );
    scene.apply().await;
    assert_eq!(scene.holders().await.into_keys().collect::<Vec<_>>(), ["+3227001001"]);
    scene.map(&[(1, None)]).await;
    scene.apply().await;
    assert!(scene.holders().await.is_empty());
    let page = scene.get("/mapping").await;
    assert_eq!(
        (page.number("/unmapped"), page.text("/actionNeeded")),
        (Some(2), "None")
    );
    // The proposal stays, and whoever is chosen again is mapped.
    assert_eq!(page.body["rows"][0]["proposal"]["id"], people[0]["id"]);
    assert_eq!(accept(&scene, json!({})).await.number("/changed"), Some(2));
}

#[tokio::test]
async fn r123_the_first_sync_matches_too_and_the_next_one_applies_it() {
    let scene = Scene::discovered(options(80), None).await;
    let people = scene.candidates().await;
    scene.push_items(json!([imported(0, &people[0])])).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let page = scene.get("/mapping").await;
    assert_eq!(
        (page.text("/actionNeeded"), page.number("/unmapped")),
        ("Sync Needed", Some(0))
    );
    assert!(scene.holders().await.is_empty(), "R113");
}

#[tokio::test]
async fn r125_whose_address_leads_to_nobody_is_told_both_ways_out() {
    let scene = Scene::discovered(options(80), None).await;
    let mut stranger = voice_user(0);
    stranger["matchByMail"] = json!(true);
    scene.push_items(json!([stranger])).await;
    let run = scene.apply().await;
    assert_eq!(
        run.text("/state"),
        "succeeded",
        "nothing is wrong with the sync: {}",
        run.body
    );
    let log = scene.log(&run).await.join("\n");
    assert!(
        log.contains("EMAIL_NO_MATCH") && log.contains("1 imported users were not mapped"),
        "{log}"
    );
    let page = scene.get("/mapping").await;
    let finding = &page.body["rows"][0]["findings"][0];
    assert_eq!(finding["code"], "EMAIL_NO_MATCH");
    let fix = finding["fix"].as_str().unwrap();
    for way in ["in Microsoft 365 and sync", "(mode update)", "(Edit User)"] {
        assert!(fix.contains(way), "{fix}");
    }
    // R126: a manual association is a save of one row.
    assert_eq!(scene.map(&[(0, Some(0))]).await.status, 200);
    let page = scene.get("/mapping").await;
    assert_eq!(page.body["rows"][0]["findings"], json!([]));
}

#[tokio::test]
async fn a_plan_shows_whom_the_sync_will_match() {
    let scene = Scene::discovered(options(80), None).await;
    let people = scene.candidates().await;
    scene.push_items(json!([imported(0, &people[0])])).await;
    let plan = scene.plan().await;
    let text = plan.body["text"].to_string();
    assert!(
        text.contains("+3227001000") && text.contains(people[0]["name"].as_str().unwrap()),
        "{text}"
    );
    let run = scene
        .run(json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") }))
        .await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 1);
}

/// The plan could not know: only the run's own read of the directory found the person.
#[tokio::test]
async fn a_run_with_an_approved_plan_gives_matched_users_their_numbers_and_takes_nothing_for_it() {
    let scene = Scene::discovered(options(80), None).await;
    let people = scene.candidates().await;
    let late = people[0]["id"].as_str().unwrap().to_owned();
    scene.order(&format!("/users/{late}"), json!({ "licences": [] })).await;
    scene.run(json!({ "kind": "discover" })).await;
    scene.push_items(json!([imported(0, &people[0]), voice_user(1)])).await;
    let plan = scene.plan().await;
    assert!(plan.list("/changes").is_empty(), "{}", plan.body);
    scene
        .order(&format!("/users/{late}"), json!({ "licences": ["SPE_E5"] }))
        .await;
    let form = json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") });
    let run = scene.run(form.clone()).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 1);
    // A number that somebody else would lose for it is more than was shown.
    let scene = Scene::discovered(options(80), None).await;
    let people = scene.candidates().await;
    scene.push_items(json!([voice_user(0), voice_user(1)])).await;
    scene.map(&[(0, Some(1))]).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    let late = people[0]["id"].as_str().unwrap().to_owned();
    scene.order(&format!("/users/{late}"), json!({ "licences": [] })).await;
    scene.run(json!({ "kind": "discover" })).await;
    let mut heir = imported(2, &people[0]);
    heir["number"] = voice_user(0)["number"].clone();
    let mut without = voice_user(0);
    without["number"] = Value::Null;
    scene.map(&[(0, None)]).await;
    let plan = scene.plan().await;
    assert_eq!(plan.status, 201, "{}", plan.body);
    scene.push_items(json!([without, voice_user(1), heir])).await;
    scene
        .order(&format!("/users/{late}"), json!({ "licences": ["SPE_E5"] }))
        .await;
    let plan = scene.plan().await;
    let run = scene
        .run(json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") }))
        .await;
    assert_eq!(findings(&run), ["PLAN_STALE"], "{}", run.body);
}
