//! The tokens of a sync: sealed for one run, ended with Microsoft's own end, and what becomes of work that outlives them
//! (R061-R063).

use super::scene::{Scene, findings, options, texts};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::microsoft::Delays;
use dialbridge_local::world::deployment;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};
use shared::domain::ids::{EnterpriseId, RunId};
use std::collections::BTreeMap;

const ASSIGN: &str = "/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber";

/// A sync whose worker waits for the clock before its first read, with its tokens sealed.
async fn parked(scene: &Scene) -> Answer {
    scene.service.world.aws.state_machine.skip_waits(false);
    let busy = json!({ "path": "/users", "status": 429, "retryAfter": "120", "times": 1 });
    scene.microsoft("/faults", busy).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    scene.service.world.idle().await;
    started
}

fn ids(scene: &Scene, run: &Answer) -> (EnterpriseId, RunId) {
    (scene.enterprise.parse().unwrap(), run.text("/id").parse().unwrap())
}

/// When the table deletes the sealed tokens, in seconds.
async fn ends(scene: &Scene) -> i64 {
    let client = scene.service.world.dynamodb.client();
    let items = client.scan().table_name(deployment::TABLE).into_paginator().items();
    let items: Vec<_> = items.send().collect::<Result<_, _>>().await.unwrap();
    let mut sealed = items
        .iter()
        .filter(|item| item["sk"] == AttributeValue::S("SEALED".into()));
    let ends = sealed.next().expect("the tokens are sealed")["expires"].as_n().unwrap();
    assert!(sealed.next().is_none(), "one run, one seal");
    ends.parse().unwrap()
}

#[tokio::test]
async fn r061_the_seal_ends_no_later_than_the_first_of_its_tokens() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let before = scene.service.microsoft.issued().access;
    let run = parked(&scene).await;
    let mut lives: Vec<Timestamp> = scene
        .service
        .microsoft
        .issued()
        .access
        .into_iter()
        .filter(|token| !before.contains(token))
        .map(|(_, ends)| ends)
        .collect();
    lives.sort();
    assert_eq!(lives.len(), 2, "one token for Graph, one for Teams: {lives:?}");
    assert!(ends(&scene).await <= lives[0].as_second());
    let (enterprise, run) = ids(&scene, &run);
    let store = &scene.service.io.store;
    let sealed = async |at| store.sealed(&enterprise, &run, at).await.unwrap();
    assert!(sealed(scene.service.world.clock.now()).await.is_some());
    assert!(
        sealed(lives[0]).await.is_none(),
        "what has ended is not read, deleted or not"
    );
}

#[tokio::test]
async fn r061_a_seal_is_opened_for_its_own_run_only() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let started = parked(&scene).await;
    let (enterprise, run) = ids(&scene, &started);
    let io = &scene.service.io;
    let now = scene.service.world.clock.now();
    let sealed = io.store.sealed(&enterprise, &run, now).await.unwrap().unwrap();
    assert!(io.vault.open(&enterprise, &run, &sealed).await.is_ok());
    let (other, stranger) = (RunId::mint(now, 1), EnterpriseId::mint(now, 1));
    assert!(io.vault.open(&enterprise, &other, &sealed).await.is_err());
    assert!(io.vault.open(&stranger, &run, &sealed).await.is_err());
}

#[tokio::test]
async fn r061_the_tokens_of_a_run_that_is_given_up_are_deleted() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let first = scene.start(json!({ "kind": "discover" })).await;
    let (enterprise, run) = ids(&scene, &first);
    let io = &scene.service.io;
    // As if the sign-in had died before the worker began.
    let now = scene.service.world.clock.now();
    let tokens = shared::domain::secret::Secret::new("tokens".into());
    let sealed = io.vault.seal(&enterprise, &run, &tokens).await.unwrap();
    let later = now + SignedDuration::from_hours(1);
    io.store.put_sealed(&enterprise, &run, &sealed, later).await.unwrap();
    let second = scene.start(json!({ "kind": "discover" })).await;
    assert_eq!(second.status, 201, "{}", second.body);
    assert!(io.store.sealed(&enterprise, &run, now).await.unwrap().is_none());
}

/// Everything that is kept, byte for byte as text; binary values in base64.
async fn kept(scene: &Scene) -> String {
    scene
        .table()
        .await
        .into_iter()
        .map(|((pk, sk), item)| format!("{pk} {sk} {item}\n"))
        .collect()
}

/// The ways in which a secret could stand somewhere.
fn shapes(secret: &str) -> [String; 4] {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    [
        secret.to_owned(),
        STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(secret),
        hex,
    ]
}

#[tokio::test]
async fn r063_neither_tokens_nor_passwords_are_at_rest_during_a_run_or_after_it() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let run = parked(&scene).await;
    let during = kept(&scene).await;
    assert!(during.contains("SEALED"));
    // What could be gone from Microsoft's memory by the end is sought as well.
    let mut issued = scene.service.microsoft.issued();
    scene.service.world.aws.state_machine.skip_waits(true);
    assert_eq!(scene.at_rest(run.text("/id")).await.text("/state"), "succeeded");
    let after = kept(&scene).await;
    let more = scene.service.microsoft.issued();
    issued.access.extend(more.access);
    issued.refresh.extend(more.refresh);
    let mut tokens: Vec<String> = issued.access.into_iter().map(|(token, _)| token).collect();
    tokens.extend(issued.refresh);
    assert!(tokens.len() > 6, "{}", tokens.len());
    let mut sought = 0;
    for token in &tokens {
        for shape in shapes(token) {
            // The unaligned ends of base64 and a cut-off copy would hide the whole; its middle stays.
            let middle = &shape[8..shape.len() - 8];
            assert!(
                !during.contains(middle) && !after.contains(middle),
                "a token is at rest"
            );
            sought += 1;
        }
    }
    // The seal itself is base64: nothing of it is plain text underneath.
    for word in during
        .split(|c: char| !(c.is_ascii_alphanumeric() || "+/".contains(c)))
        .filter(|word| word.len() > 60)
    {
        let opened = STANDARD_NO_PAD.decode(word).unwrap_or_default();
        let opened = String::from_utf8_lossy(&opened);
        assert!(
            tokens.iter().all(|token| !opened.contains(&token[8..40])),
            "a token is at rest in base64"
        );
    }
    for text in [&during, &after] {
        for word in ["refresh_token", "access_token", "password"] {
            assert!(!text.to_lowercase().contains(word), "{word}");
        }
    }
    println!(
        "{} tokens in {sought} shapes sought in {} bytes, 0 found",
        tokens.len(),
        during.len() + after.len()
    );
}

/// How often a number was handed to Microsoft since the counters were reset.
async fn assigned(scene: &Scene) -> u64 {
    let url = scene.service.world.urls.portal.join("/_microsoft/requests").unwrap();
    let counters: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
    let by_path = counters["byPath"].as_object().unwrap();
    let assigning = by_path
        .iter()
        .filter(|(path, _)| path.to_lowercase().contains("/assignnumber"));
    assigning.map(|(_, count)| count.as_u64().unwrap()).sum()
}

async fn again(scene: &Scene, run: &str) -> Answer {
    let path = scene.path(&format!("/runs/{run}/sign-in"));
    let again = scene.api("global_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(again.status, 201, "{}", again.body);
    let page = scene.sign_in(&again, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    scene.at_rest(run).await
}

/// What a sync leads to: the tenant's numbers, and what we think is ours.
async fn outcome(scene: &Scene) -> (Vec<Value>, BTreeMap<(String, String), String>) {
    let mut items = scene.items().await;
    for item in &mut items {
        // When it was put in place is another matter.
        item.remove("since");
    }
    let mut kept = texts(items);
    kept.retain(|(_, sk), _| sk.starts_with("OWNED#"));
    let plain =
        |((_, sk), item): ((String, String), String)| ((String::new(), sk), item.replace(&scene.enterprise, ""));
    (scene.numbers().await, kept.into_iter().map(plain).collect())
}

/// How many changes of a run are in which state.
fn states(run: &Answer) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    let changes = run
        .list("/users")
        .iter()
        .flat_map(|user| user["changes"].as_array().unwrap());
    for change in changes {
        *states.entry(change["state"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    states
}

#[tokio::test]
async fn r062_a_run_that_outlives_its_tokens_says_so_stops_between_two_changes_and_goes_on() {
    const USERS: usize = 12;
    let uninterrupted = Scene::mapped(options(80), USERS, USERS).await;
    let run = uninterrupted.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let expected = outcome(&uninterrupted).await;

    let scene = Scene::mapped(options(80), USERS, USERS).await;
    // Five minutes, of which two can be used and the changes need more; of one batch Microsoft takes ten numbers, and asks
    // for a minute before the fifth and for two and a half before the tenth.
    scene.microsoft("/switches", json!({ "tokenSeconds": 300 })).await;
    for (skip, seconds) in [(4, "60"), (4, "150")] {
        let busy = json!({ "path": ASSIGN, "status": 429, "retryAfter": seconds, "skip": skip, "times": 1 });
        scene.microsoft("/faults", busy).await;
    }
    let run = scene.run(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(run.text("/state"), "awaitingSignIn", "{}", run.body);
    assert_eq!(findings(&run), ["TOKEN_TOO_SHORT"]);
    let log = scene.log(&run).await;
    let said = |words: &str| log.iter().position(|line| line.contains(words));
    let (before, at_the_end) = (said("the sync will stop before it is done"), said("changes are left"));
    assert!(before.is_some() && before < at_the_end, "{log:#?}");
    let begun = states(&run);
    let (pending, handed_over) = (begun["pending"], assigned(&scene).await);
    assert!(
        pending > 24 && (1..USERS as u64).contains(&handed_over),
        "{begun:?} {handed_over}"
    );
    assert!(
        scene
            .service
            .microsoft
            .issued()
            .access
            .iter()
            .any(|(_, ends)| *ends > scene.service.world.clock.now()),
        "it stopped before the end"
    );
    let sealed = scene.table().await.into_keys().filter(|(_, sk)| sk == "SEALED").count();
    assert_eq!(sealed, 0, "what is not used any more is not kept");
    assert_eq!(scene.get("/status").await.text("/syncStatus"), "Waiting for sign-in");

    scene.microsoft("/switches", json!({ "tokenSeconds": 0 })).await;
    let run = again(&scene, run.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(findings(&run), [""; 0]);
    assert_eq!(outcome(&scene).await, expected);
    assert_eq!(assigned(&scene).await, USERS as u64, "nothing was done twice");
}

#[tokio::test]
async fn r062_what_was_handed_over_before_the_end_is_read_back_after_the_next_sign_in() {
    let mut slow = options(80);
    slow.microsoft.delays = Delays {
        number_operation: SignedDuration::from_mins(5),
        ..Delays::none()
    };
    let scene = Scene::mapped(slow, 3, 3).await;
    let started = scene.interrupted().await;
    assert_eq!(assigned(&scene).await, 3);
    let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
    assert_eq!(states(&run)["submitted"], 3, "{}", run.body);
    let run = again(&scene, started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(assigned(&scene).await, 3, "nothing was handed over twice");
    assert_eq!(scene.holders().await.len(), 3);
}

#[tokio::test]
async fn r062_what_somebody_did_between_two_sign_ins_is_not_overwritten() {
    let scene = Scene::applied(options(80), 3, 3).await;
    scene.map(&[(0, None), (1, None), (2, None)]).await;
    scene.microsoft("/switches", json!({ "tokenSeconds": 300 })).await;
    let unassign = ASSIGN.replace("assignNumber", "unassignNumber");
    let busy = json!({ "path": unassign, "status": 429, "retryAfter": "150", "skip": 1, "times": 2 });
    scene.microsoft("/faults", busy).await;
    let run = scene.run(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(run.text("/state"), "awaitingSignIn", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2, "one is released");
    let left = scene.holders().await.into_keys().next_back().unwrap();
    let other = scene.candidates().await[9]["id"].clone();
    scene
        .order("/numbers", json!({ "number": left, "holder": other }))
        .await;
    let holder = scene.holders().await[&left].clone();
    scene.microsoft("/switches", json!({ "tokenSeconds": 0 })).await;
    let run = again(&scene, run.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.into_iter().collect::<Vec<_>>(), [(left, holder)]);
}

#[tokio::test]
async fn r062_a_plan_says_how_long_it_takes_and_how_many_sign_ins_it_needs() {
    let scene = Scene::mapped(options(80), 5, 4).await;
    let plan = scene.plan().await;
    let seconds = plan.number("/estimatedSeconds").unwrap();
    assert!((100..1_000).contains(&seconds), "{}", plan.body);
    assert_eq!(plan.number("/signIns"), Some(1), "{}", plan.body);
    let read = scene.get(&format!("/plans/{}", plan.text("/id"))).await;
    assert_eq!(read.body, plan.body);
}
