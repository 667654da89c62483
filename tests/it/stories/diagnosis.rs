//! "Why not me?": the support cases of the guides, from the complaint to the cure (R085, R208-R209, R212-R217, R220).

use super::scene::{Scene, options, voice_user};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::people::enterprise_form;
use jiff::SignedDuration;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

async fn asked(scene: &Scene, who: &str) -> Answer {
    let answer = scene
        .get(&format!("/teams-users/{}/diagnosis", who.replace(' ', "%20")))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

/// The diagnosis of a Teams user.
async fn why(scene: &Scene, who: &str) -> Value {
    let answer = asked(scene, who).await;
    assert!(answer.list("/choices").is_empty(), "{}", answer.body);
    answer.body["diagnosis"].clone()
}

/// The diagnosis of the `n`-th voice user.
async fn why_voice(scene: &Scene, n: usize) -> Value {
    let answer = scene.get(&format!("/voice-users/v{n:03}/diagnosis")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn codes(diagnosis: &Value) -> Vec<&str> {
    let findings = diagnosis["findings"].as_array().unwrap();
    findings.iter().filter_map(|finding| finding["code"].as_str()).collect()
}

#[track_caller]
fn is(diagnosis: &Value, verdict: &str, expected: &[&str]) {
    assert_eq!(
        (diagnosis["verdict"].as_str(), codes(diagnosis).as_slice()),
        (Some(verdict), expected),
        "{diagnosis:#}"
    );
}

/// What was found under a code.
#[track_caller]
fn found<'a>(diagnosis: &'a Value, code: &str) -> &'a Value {
    let findings = diagnosis["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == code);
    found.unwrap_or_else(|| panic!("no {code}: {diagnosis:#}"))
}

/// The first person who can be mapped: id and address.
async fn somebody(scene: &Scene) -> (String, String) {
    let first = scene.candidates().await.remove(0);
    let text = |name: &str| first[name].as_str().unwrap().to_owned();
    (text("id"), text("email"))
}

/// Microsoft changes a person, and a sync reads it.
async fn changed(scene: &Scene, who: &str, order: Value) {
    scene.order(&format!("/users/{who}"), order).await;
    read(scene).await;
}

/// So many voice users, mapped to people who live where the numbers are.
async fn mapped(voice_users: usize, mapped: usize) -> Scene {
    let scene = Scene::mapped(options(60), voice_users, mapped).await;
    for person in scene.candidates().await.iter().take(mapped) {
        let path = format!("/users/{}", person["id"].as_str().unwrap());
        scene.order(&path, json!({ "usageLocation": "BE" })).await;
    }
    read(&scene).await;
    scene
}

async fn read(scene: &Scene) -> Answer {
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    run
}

#[tokio::test]
async fn r099_r208_before_the_first_sync_everybody_waits_for_it() {
    let scene = Scene::connected(options(60), None).await;
    let nobody = why(&scene, "anna").await;
    is(&nobody, "waitsForSync", &["FIRST_SYNC_RUNNING"]);
    let first = found(&nobody, "FIRST_SYNC_RUNNING");
    assert_eq!(
        (first["actor"].as_str(), first["weight"].as_str()),
        (Some("globalAdmin"), Some("waits"))
    );
    assert!(nobody["asOf"].as_str().unwrap().contains("No sync has read"));
}

// R208: has the user Teams Phone, and no Calling Plan?
#[tokio::test]
async fn r092_r093_r208_a_user_who_is_not_in_the_list_gets_the_license() {
    let scene = Scene::discovered(options(60), None).await;
    let (id, email) = somebody(&scene).await;
    is(&why(&scene, &email).await, "canBeMapped", &[]);

    changed(&scene, &id, json!({ "licences": [] })).await;
    let without = why(&scene, &email).await;
    is(&without, "cannotBeMapped", &["NO_PHONE_SYSTEM"]);
    assert!(
        without["text"].as_str().unwrap().ends_with("has no license at all."),
        "{without}"
    );
    let help = found(&without, "NO_PHONE_SYSTEM")["help"].as_str().unwrap();
    let page = Client::new().get(help).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{help}");
    assert!(
        page.text()
            .await
            .unwrap()
            .contains("There is no license with Teams Phone")
    );

    changed(&scene, &id, json!({ "licences": ["SPE_E5", "MCOPSTN1", "MCOPSTNC"] })).await;
    let both = why(&scene, &id).await;
    let codes = ["LICENSE_PROPAGATING", "HAS_CALLING_PLAN", "HAS_COMM_CREDITS"];
    is(&both, "cannotBeMapped", &codes);

    changed(&scene, &id, json!({ "licences": ["SPE_E5"] })).await;
    let young = why(&scene, &id).await;
    is(&young, "canBeMapped", &["LICENSE_PROPAGATING"]);
    let wait = &found(&young, "LICENSE_PROPAGATING")["wait"];
    assert_eq!(wait["takes"], "PT24H");
    scene.service.world.advance(SignedDuration::from_hours(24)).await;
    let earliest: jiff::Timestamp = wait["earliestRetry"].as_str().unwrap().parse().unwrap();
    assert!(earliest <= scene.service.world.clock.now());
    is(&why(&scene, &id).await, "canBeMapped", &[]);
}

#[tokio::test]
async fn r144_r209_the_dial_pad_from_the_mapping_to_the_clock() {
    let scene = mapped(2, 1).await;
    let (id, _) = somebody(&scene).await;
    let saved = why(&scene, &id).await;
    is(&saved, "waitsForSync", &["NOT_SYNCED_YET"]);
    assert_eq!(saved["voiceUser"]["id"], "v000");
    assert_eq!(why_voice(&scene, 0).await["verdict"], "waitsForSync");

    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let settling = why(&scene, &id).await;
    is(&settling, "settling", &["DIALPAD_WAIT"]);
    scene.service.world.advance(SignedDuration::from_hours(2)).await;
    let late = why_voice(&scene, 0).await;
    is(&late, "rings", &["DIALPAD_LATE"]);
    assert_eq!(late["teamsUser"]["id"], json!(id));

    // The first of the five causes.
    let mut user = voice_user(0);
    user["extension"] = Value::Null;
    scene.push_items(json!([user, voice_user(1)])).await;
    is(&why_voice(&scene, 0).await, "rings", &["NO_EXTENSION", "DIALPAD_LATE"]);
    // Nobody is mapped to it.
    let alone = why_voice(&scene, 1).await;
    is(&alone, "canBeMapped", &["EMAIL_NO_MATCH"]);
    assert!(alone["text"].as_str().unwrap().contains("choose a Teams user"));
}

#[tokio::test]
async fn r209_what_microsoft_said_is_repeated_until_it_is_cured() {
    let scene = mapped(1, 1).await;
    let words = "The number is being ported and cannot be assigned.";
    let fault = json!({ "number": "+3227001000", "failure": words, "times": 1 });
    scene.order("/number-faults", fault).await;
    assert_eq!(scene.apply().await.text("/state"), "failed");
    let refused = why_voice(&scene, 0).await;
    assert_eq!(refused["verdict"], "doesNotRing", "{refused:#}");
    let microsoft = found(&refused, "MS_REFUSED");
    assert!(microsoft["seen"].as_str().unwrap().contains(words), "{microsoft}");
    assert!(microsoft["seenAt"].is_string(), "{microsoft}");
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    is(&why_voice(&scene, 0).await, "settling", &["DIALPAD_WAIT"]);
}

#[tokio::test]
async fn a_number_that_somebody_else_has_is_found_by_the_sync() {
    let scene = mapped(1, 1).await;
    let other = scene.candidates().await[5]["id"].as_str().unwrap().to_owned();
    let number = |holder: Value| json!({ "number": "+3227001000", "type": "directRouting", "holder": holder });
    scene.order("/numbers", number(json!(other))).await;
    let before = why_voice(&scene, 0).await;
    assert!(
        before["open"].to_string().contains("Whether the number is free"),
        "{before:#}"
    );
    assert_eq!(scene.apply().await.text("/state"), "failed");
    is(
        &why_voice(&scene, 0).await,
        "doesNotRing",
        &["NUMBER_TAKEN", "NOT_SYNCED_YET"],
    );
    scene
        .order("/numbers", json!({ "number": "+3227001000", "deleted": true }))
        .await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    is(&why_voice(&scene, 0).await, "settling", &["DIALPAD_WAIT"]);
}

#[tokio::test]
async fn somebody_in_islands_mode_is_warned_of_and_served() {
    let scene = mapped(1, 1).await;
    let (id, _) = somebody(&scene).await;
    let islands = json!({ "type": "TeamsUpgradePolicy", "name": "Islands" });
    scene.order("/policies", islands.clone()).await;
    let mut grant = islands;
    grant["user"] = json!(id);
    scene.order("/grants", grant).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    is(&why(&scene, &id).await, "settling", &["NOT_TEAMS_ONLY", "DIALPAD_WAIT"]);
    assert!(scene.log(&run).await.iter().any(|line| line.contains("NOT_TEAMS_ONLY")));
}

/// The explanations beside the lines of a run's log.
async fn explained(scene: &Scene, run: &Answer) -> Vec<(String, String)> {
    let log = scene.get(&format!("/runs/{}/log", run.text("/id"))).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = log.list("/lines").iter().filter(|line| line["explanation"].is_object());
    lines
        .map(|line| (text(&line["text"]), text(&line["explanation"]["code"])))
        .collect()
}

#[tokio::test]
async fn r212_r213_r214_the_log_explains_itself() {
    let scene = Scene::connected(options(120), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let lines = explained(&scene, &read(&scene).await).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].0.contains("excludedByCallingPlan=") && lines[0].1 == "HAS_CALLING_PLAN",
        "{lines:?}"
    );

    // One member, without a license.
    let (id, _) = somebody(&scene).await;
    scene.order("/groups/Sales", json!({ "empty": true })).await;
    scene.order("/groups/Sales", json!({ "add": [id] })).await;
    scene.order(&format!("/users/{id}"), json!({ "licences": [] })).await;
    let chosen = scene.choose(json!({ "mode": "groups", "names": ["Sales"] })).await;
    assert_eq!(chosen.status, 200, "{}", chosen.body);
    let lines = explained(&scene, &read(&scene).await).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].0.contains("phoneSystem=0") && lines[0].1 == "NO_PHONE_SYSTEM",
        "{lines:?}"
    );

    // One member, who is disabled: nobody of the group counts, and the sync stops there.
    scene.order(&format!("/users/{id}"), json!({ "enabled": false })).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    let log = scene.log(&run).await;
    assert!(log.iter().any(|line| line.contains("GROUP_EMPTY: ")), "{log:?}");
    let member = why(&scene, &id).await;
    assert_eq!(codes(&member)[0], "GROUP_EMPTY", "{member:#}");
}

#[tokio::test]
async fn r127_r215_a_mapping_without_a_license_says_who_else_has_none() {
    let scene = mapped(3, 3).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    scene.license(Some(2)).await;
    let newest = why_voice(&scene, 2).await;
    is(&newest, "doesNotRing", &["OVER_LICENSE", "NOT_SYNCED_YET"]);
    let over = found(&newest, "OVER_LICENSE");
    assert!(over["seen"].as_str().unwrap().contains("Voice User 002"), "{over}");
    assert!(
        over["fix"].as_str().unwrap().contains("your Northwind administrator"),
        "{over}"
    );
    is(&why_voice(&scene, 0).await, "settling", &["DIALPAD_WAIT"]);
    // More licenses come, and nothing was lost.
    scene.license(Some(3)).await;
    is(&why_voice(&scene, 2).await, "settling", &["DIALPAD_WAIT"]);
    // All are used: somebody else cannot be mapped.
    let other = scene.candidates().await[9]["id"].as_str().unwrap().to_owned();
    is(&why(&scene, &other).await, "cannotBeMapped", &["OVER_LICENSE"]);
}

#[tokio::test]
async fn r123_r125_r216_a_voice_user_and_the_address_it_was_given() {
    let scene = Scene::discovered(options(60), None).await;
    let (id, email) = somebody(&scene).await;
    changed(&scene, &id, json!({ "usageLocation": "BE" })).await;
    scene.push(2).await;
    let unmatched = why_voice(&scene, 0).await;
    is(&unmatched, "canBeMapped", &["EMAIL_NO_MATCH"]);
    assert!(
        found(&unmatched, "EMAIL_NO_MATCH")["fix"]
            .as_str()
            .unwrap()
            .contains("mode update")
    );
    let mut user = voice_user(0);
    user["email"] = json!(email.to_uppercase());
    scene.push_items(json!([user.clone(), voice_user(1)])).await;
    let matched = why_voice(&scene, 0).await;
    is(&matched, "canBeMapped", &[]);
    assert_eq!(
        matched["teamsUser"]["label"]
            .as_str()
            .map(|label| label.contains(&email)),
        Some(true)
    );
    // Somebody else is mapped to that person.
    assert_eq!(scene.map(&[(1, Some(0))]).await.status, 200);
    let taken = why_voice(&scene, 0).await;
    assert!(
        found(&taken, "EMAIL_NO_MATCH")["seen"]
            .as_str()
            .unwrap()
            .contains("is mapped to Voice User 001")
    );
}

#[tokio::test]
async fn r103_r217_a_wrong_country_is_seen_and_gone_after_a_sync() {
    let scene = mapped(1, 1).await;
    let (id, _) = somebody(&scene).await;
    let location = |place: &str| json!({ "usageLocation": place });
    changed(&scene, &id, location("US")).await;
    let abroad = why(&scene, &id).await;
    is(&abroad, "waitsForSync", &["COUNTRY_MISMATCH", "NOT_SYNCED_YET"]);
    assert_eq!(found(&abroad, "COUNTRY_MISMATCH")["wait"]["takes"], "PT1H");
    changed(&scene, &id, location("")).await;
    is(
        &why(&scene, &id).await,
        "waitsForSync",
        &["COUNTRY_MISSING", "NOT_SYNCED_YET"],
    );
    changed(&scene, &id, location("BE")).await;
    is(&why(&scene, &id).await, "waitsForSync", &["NOT_SYNCED_YET"]);
}

#[tokio::test]
async fn r085_r220_somebody_who_is_not_in_the_chosen_group() {
    let scene = Scene::discovered(options(60), None).await;
    let all = scene.candidates().await;
    let text = |at: usize, name: &str| all[at][name].as_str().unwrap().to_owned();
    let (inside, outside, email) = (text(0, "id"), text(1, "id"), text(1, "email"));
    scene.order("/groups/Sales", json!({ "empty": true })).await;
    scene.order("/groups/Sales", json!({ "add": [inside] })).await;
    scene.choose(json!({ "mode": "groups", "names": ["Sales"] })).await;
    read(&scene).await;
    is(&why(&scene, &inside).await, "canBeMapped", &[]);
    let absent = why(&scene, &email).await;
    is(&absent, "notFound", &["USER_NOT_IN_FILTER"]);
    let reason = found(&absent, "USER_NOT_IN_FILTER");
    assert!(reason["seen"].as_str().unwrap().contains("'Sales'"), "{reason}");
    assert!(
        reason["wait"]["text"]
            .as_str()
            .unwrap()
            .contains("24 hours to propagate"),
        "{reason}"
    );

    scene.order("/groups/Sales", json!({ "add": [outside] })).await;
    read(&scene).await;
    is(&why(&scene, &email).await, "canBeMapped", &[]);

    // Mapped, and then taken out of the group.
    scene.push(1).await;
    let row = json!({ "voiceUser": "v000", "teamsUser": outside });
    let etag = scene.get("/mapping").await.etag;
    assert_eq!(scene.save(&[row], etag.as_deref()).await.status, 200);
    scene.order("/groups/Sales", json!({ "remove": [outside] })).await;
    read(&scene).await;
    let gone = why(&scene, &outside).await;
    assert_eq!(gone["verdict"], "doesNotRing", "{gone:#}");
    assert_eq!(codes(&gone)[..2], ["MAPPED_USER_GONE", "USER_NOT_IN_FILTER"]);
    assert!(
        found(&gone, "USER_NOT_IN_FILTER")["seen"]
            .as_str()
            .unwrap()
            .contains("was there until")
    );
}

#[tokio::test]
async fn several_who_fit_are_offered_and_one_of_them_is_found_by_the_id() {
    let scene = Scene::discovered(options(60), None).await;
    let many = asked(&scene, "@").await;
    assert_eq!(many.list("/choices").len(), 20);
    assert_eq!(
        (many.body["moreChoices"].as_bool(), &many.body["diagnosis"]),
        (Some(true), &Value::Null)
    );
    let first = &many.body["choices"][0];
    let one = why(&scene, first["id"].as_str().unwrap()).await;
    assert_eq!(one["teamsUser"], *first);
    // A part of a name is enough where it fits one person only.
    let (name, address) = first["label"].as_str().unwrap().split_once(" (").unwrap();
    let address = address.trim_end_matches(')').to_uppercase();
    assert_eq!(why(&scene, &address).await["teamsUser"], *first);
    let by_name = asked(&scene, name).await;
    assert!(
        by_name.body.to_string().contains(first["id"].as_str().unwrap()),
        "{}",
        by_name.body
    );
    for wrong in ["%20", "%0A", &"x".repeat(300)] {
        let answer = scene.get(&format!("/teams-users/{wrong}/diagnosis")).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.body);
    }
    assert_eq!(scene.get("/voice-users/nobody/diagnosis").await.status, 404);
}

#[tokio::test]
async fn nobody_of_another_enterprise_is_ever_found() {
    let scene = mapped(1, 1).await;
    let (id, email) = somebody(&scene).await;
    let other = &scene.other_tenants().await[0];
    let api = scene.api("reseller_admin");
    let created = api
        .post("/v1/enterprises", &enterprise_form(other, None))
        .await
        .unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
    let elsewhere = format!("/v1/enterprises/{}", created.text("/id"));
    for who in [&id, &email] {
        let path = format!("{elsewhere}/teams-users/{who}/diagnosis");
        let answer = api.get(&path).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.list("/choices").len()), (200, 0));
        assert_eq!(answer.body["diagnosis"]["teamsUser"], Value::Null, "{}", answer.body);
        assert!(!answer.body.to_string().contains("+3227001000"), "{}", answer.body);
    }
    let path = format!("{elsewhere}/voice-users/v000/diagnosis");
    assert_eq!(api.get(&path).await.unwrap().status, 404);
}
