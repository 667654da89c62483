//! Directories as the guides show them, and directories that do not hold still while they are read.

use super::discovery::directory;
use super::scene::{Scene, findings, options};
use dialbridge_local::drive::api::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

async fn discover(scene: &Scene) -> Answer {
    scene.run(json!({ "kind": "discover" })).await
}

/// Names of the users who are kept, by id; nobody stands in two places.
async fn stored(scene: &Scene) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for item in scene.items().await {
        let text = |name: &str| {
            item.get(name)
                .and_then(|value| value.as_s().ok())
                .cloned()
                .unwrap_or_default()
        };
        let (pk, sk) = (text("pk"), text("sk"));
        if pk.contains("#TEAMS#") && (sk.starts_with("USER#") || sk.starts_with("EXCLUDED#")) {
            assert!(names.insert(text("id"), text("name")).is_none(), "{sk} is kept twice");
        }
    }
    names
}

/// The same, as Microsoft tells it to somebody else.
async fn enabled(scene: &Scene) -> BTreeMap<String, String> {
    let users = directory(scene).await.into_iter();
    let enabled = users.filter(|user| user["accountEnabled"] == true);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    enabled
        .map(|user| (text(&user["id"]), text(&user["displayName"])))
        .collect()
}

async fn figures(scene: &Scene, [total, licensed, phone, excluded, resource]: [u32; 5]) {
    let figures = json!({ "total": total, "licensed": licensed, "phoneSystem": phone,
        "excludedByCallingPlan": excluded, "resource": resource });
    scene.order("/figures", figures).await;
}

#[tokio::test]
async fn r196_r197_r198_the_guides_own_figures() {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    for (wanted, counted, found) in [
        (
            [15, 13, 0, 0, 0],
            "total=15, licensed=13, phoneSystem=0, excludedByCallingPlan=0, resource=0",
            "Found 0 users with a Phone System license (none have a Calling Plan)",
        ),
        (
            [399, 127, 108, 104, 0],
            "total=399, licensed=127, phoneSystem=108, excludedByCallingPlan=104, resource=0",
            "Found 108 users with a Phone System license, of which 104 are excluded as they have a Calling Plan",
        ),
    ] {
        figures(&scene, wanted).await;
        let log = scene.log(&discover(&scene).await).await;
        let has = |text: &str| log.iter().any(|line| line.ends_with(text));
        assert!(has(&format!("GRAPH> Enabled users: {counted}")), "{log:#?}");
        assert!(has(&format!("GRAPH> {found}")), "{log:#?}");
        assert_eq!(stored(&scene).await, enabled(&scene).await);
    }
}

#[tokio::test]
async fn r087_r199_a_group_that_holds_nobody_includes_none_of_76() {
    let scene = Scene::connected(options(60), None).await;
    figures(&scene, [76, 40, 20, 5, 2]).await;
    let chosen = scene
        .choose(json!({ "mode": "groups", "names": ["Headquarters"] }))
        .await;
    assert!(chosen.status.is_success(), "{}", chosen.body);
    // A group without anybody cannot be chosen; this one loses them later.
    scene.order("/groups/Headquarters", json!({ "empty": true })).await;
    let run = discover(&scene).await;
    assert_eq!(findings(&run), ["GROUP_EMPTY"]);
    let log = scene.log(&run).await;
    let line = "GRAPH> Applying filter for group 'Headquarters': include 0 of 76 users";
    assert!(log.iter().any(|one| one.ends_with(line)), "{log:#?}");
}

/// Who moves after so many pages, in a directory that is read in two ranges.
async fn moved(after: u32) {
    let scene = Scene::connected(options(5_300), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    scene.microsoft("/switches", json!({ "repeatEntries": true })).await;
    let people = directory(&scene).await;
    let domain = people[20]["userPrincipalName"]
        .as_str()
        .unwrap()
        .rsplit('@')
        .next()
        .unwrap()
        .to_owned();
    // The directory's order is not that of names: each of these is before and behind what is being read.
    let plain = people
        .iter()
        .filter(|user| user["accountEnabled"] == true && user["userType"] == "Member");
    let plain: Vec<&Value> = plain.skip(20).step_by(97).take(40).collect();
    let mut changes: Vec<Value> = Vec::new();
    for (nth, user) in plain.iter().enumerate() {
        let mut change = match nth % 5 {
            0 => json!({ "userPrincipalName": format!("aa{nth}@{domain}"), "displayName": format!("First {nth}") }),
            1 => json!({ "userPrincipalName": format!("zz{nth}@{domain}"), "displayName": format!("Last {nth}") }),
            2 => json!({ "enabled": false }),
            3 => json!({ "deleted": if nth % 2 == 0 { "restorable" } else { "forGood" } }),
            _ => json!({ "licences": [], "displayName": format!("Unlicensed {nth}") }),
        };
        change["user"] = user["id"].clone();
        changes.push(change);
    }
    for nth in 0..5 {
        let name = format!("new{nth}@{domain}");
        changes
            .push(json!({ "user": name, "create": true, "licences": ["SPE_E5"], "displayName": format!("New {nth}") }));
    }
    let script = json!({ "path": "/users", "after": after, "changes": changes });
    scene.order("/between-pages", script).await;
    let run = discover(&scene).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(stored(&scene).await, enabled(&scene).await);

    // Whoever was disabled comes back, and the others are changed once more: this time only changes are read.
    let back: Vec<Value> = plain.iter().skip(2).step_by(5).map(|user| user["id"].clone()).collect();
    for id in &back {
        let id = id.as_str().unwrap();
        scene
            .order(
                &format!("/users/{id}"),
                json!({ "enabled": true, "displayName": "Back" }),
            )
            .await;
    }
    discover(&scene).await;
    let kept = stored(&scene).await;
    assert_eq!(kept, enabled(&scene).await);
    assert_eq!(kept.values().filter(|name| *name == "Back").count(), back.len());
}

#[tokio::test]
async fn people_who_move_after_the_first_page_are_kept_as_they_are() {
    moved(1).await;
}

#[tokio::test]
async fn people_who_move_half_way_are_kept_as_they_are() {
    moved(4).await;
}
