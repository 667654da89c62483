//! What is stored is the directory: whoever moves while it is read, whatever comes twice, whether all of it is read or
//! only what changed; and a read that was killed leaves nothing behind that counts.

use super::discovery::{directory, has_plan};
use super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use reqwest::Client;
use serde_json::{Value, json};
use shared::domain::directory::CALLING_PLANS;
use std::collections::BTreeMap;

/// Two pages of users.
const PEOPLE: usize = 1_200;
const CREDITS: &str = "505e180f-f7e0-4b65-91d4-00d670bbd18c";

async fn discover(scene: &Scene) -> Answer {
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    run
}

/// Everybody who is stored in sight: id, whether they can be mapped, name.
async fn stored(scene: &Scene) -> BTreeMap<String, (bool, String)> {
    let items = scene.items().await;
    let text = |item: &std::collections::HashMap<_, _>, name: &str| -> String {
        let value: &aws_sdk_dynamodb::types::AttributeValue = &item[name];
        value.as_s().unwrap().clone()
    };
    let in_sight = items.iter().filter(|item| text(item, "pk").contains("#TEAMS#"));
    in_sight
        .filter_map(|item| {
            let sk = text(item, "sk");
            let mapped = if sk.starts_with("USER#") {
                true
            } else if sk.starts_with("EXCLUDED#") {
                false
            } else {
                assert!(sk.starts_with("GONE#"), "{sk}");
                return None;
            };
            Some((text(item, "id"), (mapped, text(item, "name"))))
        })
        .collect()
}

/// The same from what Microsoft says, by another way than our client's.
async fn expected(scene: &Scene) -> BTreeMap<String, (bool, String)> {
    let all = directory(scene).await;
    let enabled = all.into_iter().filter(|user| user["accountEnabled"] == true);
    enabled
        .map(|user| {
            let resource = has_plan(&user, "f47330e9-c134-43b3-9993-e7f004506889");
            let phone = has_plan(&user, "4828c8ec-dc2e-4779-b502-87ac9ce28ab7");
            let calling = CALLING_PLANS.iter().any(|plan| has_plan(&user, plan)) || has_plan(&user, CREDITS);
            let mapped = user["userType"] != "Guest" && phone && !resource && !calling;
            let text = |name: &str| user[name].as_str().unwrap().to_owned();
            (text("id"), (mapped, text("displayName")))
        })
        .collect()
}

async fn as_microsoft_says(scene: &Scene, when: &str) {
    let (stored, expected) = (stored(scene).await, expected(scene).await);
    let differing: Vec<_> = stored
        .keys()
        .chain(expected.keys())
        .filter(|id| stored.get(*id) != expected.get(*id))
        .map(|id| (id, stored.get(id), expected.get(id)))
        .collect();
    assert!(differing.is_empty(), "{when}: {differing:?}");
}

/// How often a path of Microsoft was asked since the last look.
async fn asked(scene: &Scene, path: &str) -> u64 {
    let url = scene.service.world.urls.portal.join("/_microsoft/requests").unwrap();
    let client = Client::new();
    let counters: Value = client.get(url.clone()).send().await.unwrap().json().await.unwrap();
    let by_path = counters["byPath"].as_object().unwrap();
    let found = by_path.iter().filter(|(asked, _)| asked.ends_with(path));
    found.map(|(_, count)| count.as_u64().unwrap()).sum()
}

async fn forget_counters(scene: &Scene) {
    let url = scene.service.world.urls.portal.join("/_microsoft/requests").unwrap();
    Client::new().delete(url).send().await.unwrap();
}

async fn people(scene: &Scene) -> Vec<String> {
    let mut ids: Vec<String> = directory(scene)
        .await
        .iter()
        .filter(|user| user["accountEnabled"] == true && user["userType"] != "Guest")
        .filter(|user| user["userPrincipalName"] != scene.admin())
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

/// All kinds of changes, for people at different places of the pages.
fn moves(people: &[String], seed: usize) -> Vec<Value> {
    let mut changes = Vec::new();
    for (at, id) in people.iter().enumerate().skip(seed % 7).step_by(41) {
        changes.push(match (at + seed) % 6 {
            0 => json!({ "user": id, "userPrincipalName": format!("aaa{at}@bluefinch.example") }),
            1 => json!({ "user": id, "userPrincipalName": format!("zzz{at}@bluefinch.example") }),
            2 => json!({ "user": id, "enabled": false }),
            3 => json!({ "user": id, "deleted": "restorable" }),
            4 => json!({ "user": id, "licences": ["SPE_E5"], "displayName": format!("Moved {at}") }),
            _ => json!({ "user": id, "licences": [] }),
        });
    }
    for n in 0..5 {
        let name = format!("new{seed}x{n}@bluefinch.example");
        changes.push(json!({ "user": name, "create": true, "licences": ["SPE_E5"] }));
    }
    changes
}

#[tokio::test]
async fn whoever_moves_between_two_pages_is_neither_lost_nor_kept_twice() {
    let scene = Scene::connected(options(PEOPLE), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let all = people(&scene).await;
    let script = |path: &str, seed| json!({ "path": path, "after": 1, "changes": moves(&all, seed) });
    let tenant = format!("/tenants/{}/between-pages", scene.tenant.id);
    scene.microsoft(&tenant, script("/users", 3)).await;
    discover(&scene).await;
    as_microsoft_says(&scene, "all of it was read").await;
    // And while only what changed is read.
    for change in moves(&all, 5) {
        let user = change["user"].as_str().unwrap().to_owned();
        let mut order = change;
        order.as_object_mut().unwrap().remove("user");
        let still_there = expected(&scene).await.contains_key(&user) || order.get("create").is_some();
        if still_there {
            scene.order(&format!("/users/{user}"), order).await;
        }
    }
    forget_counters(&scene).await;
    discover(&scene).await;
    assert_eq!(asked(&scene, "/users").await, 0, "nobody was read who had not changed");
    as_microsoft_says(&scene, "what changed was read").await;
}

#[tokio::test]
async fn an_unchanged_directory_costs_one_question_for_changes_and_one_for_the_number() {
    let scene = Scene::discovered(options(PEOPLE), None).await;
    forget_counters(&scene).await;
    let run = discover(&scene).await;
    assert_eq!(asked(&scene, "/users").await, 0);
    assert_eq!(asked(&scene, "/users/delta").await, 1);
    assert_eq!(asked(&scene, "/users/$count").await, 1);
    let log = scene.log(&run).await;
    let line = |part: &str| log.iter().any(|line| line.contains(part));
    assert!(
        line("Enabled users: total=") && line("> Found ") && line("Teams users: 0 "),
        "the same lines as of a whole read: {log:?}"
    );
}

#[tokio::test]
async fn what_microsoft_has_forgotten_is_read_anew() {
    let scene = Scene::discovered(options(120), None).await;
    let user = people(&scene).await[5].clone();
    scene
        .order(&format!("/users/{user}"), json!({ "displayName": "Somebody Else" }))
        .await;
    scene
        .microsoft(
            &format!("/tenants/{}", scene.tenant.id),
            json!({ "forgetChanges": true }),
        )
        .await;
    forget_counters(&scene).await;
    discover(&scene).await;
    assert!(asked(&scene, "/users").await > 0);
    as_microsoft_says(&scene, "after 410").await;
    // From here on only changes are read again.
    forget_counters(&scene).await;
    discover(&scene).await;
    assert_eq!(asked(&scene, "/users").await, 0);
}

#[tokio::test]
async fn a_read_after_another_choice_reads_everybody_of_it() {
    let scene = Scene::discovered(options(120), None).await;
    scene.choose(json!({ "mode": "groups", "names": ["Sales"] })).await;
    discover(&scene).await;
    let members = stored(&scene).await;
    assert!(!members.is_empty() && members.len() < expected(&scene).await.len());
    scene.choose(json!({ "mode": "everyone" })).await;
    discover(&scene).await;
    as_microsoft_says(&scene, "everyone again").await;
}

#[tokio::test]
async fn r076_where_groups_are_chosen_nobody_else_is_even_read() {
    let scene = Scene::connected(options(PEOPLE), None).await;
    scene.choose(json!({ "mode": "groups", "names": ["Sales"] })).await;
    forget_counters(&scene).await;
    discover(&scene).await;
    assert_eq!(asked(&scene, "/users").await, 0);
    assert_eq!(asked(&scene, "/users/delta").await, 0);
}

/// What the log of a tenant says that has the figures of a guide.
async fn guide(figures: Value, lines: [&str; 2]) {
    let scene = Scene::connected(options(450), None).await;
    let path = format!("/tenants/{}/figures", scene.tenant.id);
    scene.microsoft(&path, figures).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let run = discover(&scene).await;
    let log = scene.log(&run).await;
    for line in lines {
        assert!(log.iter().any(|found| found.ends_with(line)), "{line}: {log:?}");
    }
}

#[tokio::test]
async fn r196_r197_the_figures_of_a_tenant_without_phone_system() {
    guide(
        json!({ "total": 15, "licensed": 13, "phoneSystem": 0, "excludedByCallingPlan": 0, "resource": 0 }),
        [
            "GRAPH> Enabled users: total=15, licensed=13, phoneSystem=0, excludedByCallingPlan=0, resource=0",
            "GRAPH> Found 0 users with a Phone System license (none have a Calling Plan)",
        ],
    )
    .await;
}

#[tokio::test]
async fn r196_r198_the_figures_of_a_tenant_with_calling_plans() {
    guide(
        json!({ "total": 399, "licensed": 127, "phoneSystem": 108, "excludedByCallingPlan": 104, "resource": 0 }),
        [
            "GRAPH> Enabled users: total=399, licensed=127, phoneSystem=108, excludedByCallingPlan=104, resource=0",
            "GRAPH> Found 108 users with a Phone System license, of which 104 are excluded as they have a Calling Plan",
        ],
    )
    .await;
}
