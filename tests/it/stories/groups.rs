//! The choice of whose users are synchronised: explicit, kept, and safe when a group goes (R072-R088).

use super::scene::{Scene, findings, options};
use serde_json::{Value, json};

async fn connected() -> Scene {
    Scene::connected(options(120), None).await
}

/// Everything that is stored of Teams users and their digests.
async fn users(scene: &Scene) -> super::scene::Table {
    let mut kept = scene.kept().await;
    kept.retain(|(pk, sk), _| pk.contains("#TEAMS#") || sk.starts_with("MANIFEST#"));
    kept
}

async fn group(scene: &Scene, name: &str) -> Value {
    let groups = scene.get("/groups").await;
    let found = groups.list("/items").iter().find(|group| group["name"] == name);
    found
        .cloned()
        .unwrap_or_else(|| panic!("no group {name}: {}", groups.body))
}

fn by_name(names: &[&str]) -> Value {
    json!({ "mode": "groups", "names": names })
}

/// The group that had no members when it was counted.
fn empty_meant() -> Value {
    json!({ "mode": "groups", "names": ["Pilot (empty)"], "allowEmpty": true })
}

#[tokio::test]
async fn r073_before_a_choice_nothing_is_synchronised() {
    let scene = connected().await;
    assert_eq!(scene.get("/group-filter").await.text("/mode"), "undecided");
    let refused = scene.start(json!({ "kind": "discover" })).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(refused.text("/code"), "conflict");
}

#[tokio::test]
async fn r073_a_choice_without_a_mode_is_refused() {
    let scene = connected().await;
    for wrong in [
        json!({}),
        json!({ "groups": [] }),
        json!({ "mode": "groups" }),
        json!({ "mode": "some" }),
    ] {
        let answer = scene.choose(wrong.clone()).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.body);
    }
    assert_eq!(scene.get("/group-filter").await.text("/mode"), "undecided");
}

#[tokio::test]
async fn r081_all_users_and_all_company_cannot_be_chosen() {
    let scene = connected().await;
    for name in ["All Users", "All Company"] {
        let id = group(&scene, name).await["id"].clone();
        for choice in [json!({ "mode": "groups", "groups": [id] }), by_name(&[name])] {
            let answer = scene.choose(choice).await;
            assert_eq!(answer.status, 422, "{name}: {}", answer.body);
        }
    }
    assert_eq!(scene.get("/group-filter").await.text("/mode"), "undecided");
}

#[tokio::test]
async fn r078_r079_r080_security_dynamic_and_microsoft_365_groups_are_offered() {
    let scene = connected().await;
    for (name, kind) in [
        ("Sales", "security"),
        ("Sales US", "dynamic"),
        ("Billing", "microsoft365"),
    ] {
        let group = group(&scene, name).await;
        let shown = group["kind"].to_string().to_lowercase();
        assert!(shown.contains(kind), "{name}: {group}");
        assert_eq!(group["banned"], Value::Null, "{name}");
    }
}

#[tokio::test]
async fn r086_a_group_can_be_chosen_by_its_name() {
    let scene = connected().await;
    let chosen = scene.choose(by_name(&["accounting"])).await;
    assert_eq!(chosen.status, 200, "{}", chosen.body);
    assert_eq!(chosen.text("/groups/0/name"), "Accounting");
}

#[tokio::test]
async fn r077_several_groups_can_be_chosen_together() {
    let scene = connected().await;
    let chosen = scene.choose(by_name(&["Billing", "Accounting"])).await;
    let names: Vec<_> = chosen
        .list("/groups")
        .iter()
        .map(|group| group["name"].clone())
        .collect();
    assert_eq!(names, ["Accounting", "Billing"]);
}

#[tokio::test]
async fn r087_a_name_that_no_group_has_is_refused() {
    let scene = connected().await;
    let answer = scene.choose(by_name(&["bad-group-name"])).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(
        answer.text("/errors/0/detail").contains("bad-group-name"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn two_people_who_choose_at_once_do_not_overwrite_each_other() {
    let scene = connected().await;
    let etag = scene.get("/group-filter").await.etag;
    let api = scene.api("account_admin");
    let first = api
        .put(&scene.path("/group-filter"), &by_name(&["Sales"]), etag.as_deref())
        .await
        .unwrap();
    let second = api
        .put(&scene.path("/group-filter"), &by_name(&["Billing"]), etag.as_deref())
        .await
        .unwrap();
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 412));
    assert_eq!(scene.get("/group-filter").await.text("/groups/0/name"), "Sales");
}

#[tokio::test]
async fn r074_everyone_means_all_users() {
    let scene = Scene::discovered(options(120), None).await;
    assert!(scene.candidates().await.len() > 30);
}

#[tokio::test]
async fn r075_r076_users_outside_the_groups_are_kept_nowhere() {
    let scene = connected().await;
    let outside = "canary outside the filter";
    // The Global Admin's neighbour: a member of neither group, as the simulated directory has it.
    scene
        .order("/groups/Pilot (empty)", json!({ "add": [scene.tenant.teams_admin] }))
        .await;
    scene
        .order(
            &format!("/users/{}", scene.tenant.ordinary_user),
            json!({ "displayName": outside, "licences": ["SPE_E5"] }),
        )
        .await;
    scene
        .order(
            &format!("/users/{}", scene.tenant.teams_admin),
            json!({ "displayName": "canary inside", "licences": ["SPE_E5"] }),
        )
        .await;
    assert_eq!(scene.choose(empty_meant()).await.status, 200);
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let whole = format!("{:?}", scene.table().await);
    assert!(whole.contains("canary inside"), "the member is kept");
    assert!(!whole.contains(outside), "a person outside the filter is kept");
    assert_eq!(scene.candidates().await.len(), 1);
}

#[tokio::test]
async fn r076_who_leaves_the_group_is_out_of_sight_at_the_next_sync_and_forgotten_later() {
    let scene = connected().await;
    let member = scene.tenant.teams_admin.clone();
    let inside = json!({ "add": [member, scene.tenant.ordinary_user] });
    scene.order("/groups/Pilot (empty)", inside).await;
    for user in [&scene.tenant.ordinary_user, &member] {
        scene
            .order(&format!("/users/{user}"), json!({ "licences": ["SPE_E5"] }))
            .await;
    }
    scene
        .order(
            &format!("/users/{member}"),
            json!({ "displayName": "the one who leaves" }),
        )
        .await;
    scene.choose(empty_meant()).await;
    scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(scene.candidates().await.len(), 2);
    scene
        .order("/groups/Pilot (empty)", json!({ "remove": [member] }))
        .await;
    scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(scene.candidates().await.len(), 1);
    // Until then one item knows them, so that support can say why they are missing; it ends by itself.
    let mut kept = users(&scene).await;
    kept.retain(|_, item| item.contains("the one who leaves"));
    assert!(
        kept.iter()
            .all(|((_, sk), item)| sk.starts_with("GONE#") && item.contains("expires")),
        "{kept:?}"
    );
}

#[tokio::test]
async fn r087_an_empty_group_stops_the_sync_and_leaves_the_users_as_they_were() {
    let scene = connected().await;
    scene.choose(by_name(&["Accounting"])).await;
    scene.run(json!({ "kind": "discover" })).await;
    let before = users(&scene).await;
    assert!(!before.is_empty());
    scene.order("/groups/Accounting", json!({ "empty": true })).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert_eq!(findings(&run), ["GROUP_EMPTY"]);
    assert_eq!(users(&scene).await, before);
}

#[tokio::test]
async fn r087_a_deleted_group_stops_the_sync_and_leaves_the_users_as_they_were() {
    let scene = connected().await;
    scene.choose(by_name(&["Accounting", "Billing"])).await;
    scene.run(json!({ "kind": "discover" })).await;
    let before = users(&scene).await;
    scene.order("/groups/Billing", json!({ "deleted": true })).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert_eq!(findings(&run), ["GROUP_NOT_FOUND"]);
    assert_eq!(users(&scene).await, before);
}

#[tokio::test]
async fn r088_choosing_everyone_resolves_an_empty_group() {
    let scene = connected().await;
    scene.choose(empty_meant()).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "failed");
    scene.choose(json!({ "mode": "everyone" })).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
}

#[tokio::test]
async fn r085_the_list_of_groups_says_what_to_do_when_somebody_is_missing() {
    let scene = connected().await;
    assert!(scene.get("/groups").await.text("/hint").contains("members"));
}

#[tokio::test]
async fn r084_only_what_managing_needs_is_kept_of_a_user() {
    let scene = Scene::discovered(options(60), None).await;
    let whole = format!("{:?}", users(&scene).await);
    for attribute in [
        "department",
        "jobTitle",
        "mobilePhone",
        "businessPhones",
        "assignedPlans",
    ] {
        assert!(!whole.contains(attribute), "{attribute}");
    }
}

#[tokio::test]
async fn groups_come_in_pages_and_by_part_of_a_name() {
    let scene = connected().await;
    let ids = |answer: &[Value]| -> Vec<Value> { answer.iter().map(|group| group["id"].clone()).collect() };
    let whole = scene.get("/groups").await;
    assert!(whole.list("/items").len() > 4, "{}", whole.body);
    assert!(whole.body["next"].is_null());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("/groups?limit=2{cursor}")).await;
        assert!((1..=2).contains(&page.list("/items").len()), "{}", page.body);
        seen.extend(ids(page.list("/items")));
        match page.text("/next") {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    assert_eq!(seen, ids(whole.list("/items")));
    let found = scene.get("/groups?q=ACCOUNT").await;
    assert!(!found.list("/items").is_empty());
    for group in found.list("/items") {
        assert!(
            group["name"].as_str().unwrap().to_lowercase().contains("account"),
            "{group}"
        );
    }
    let gone = scene.get("/groups?cursor=4c0f6b5e-1111-4a11-9a11-0000000000a1").await;
    assert_eq!((gone.status.as_u16(), gone.text("/code")), (422, "invalid"));
}

#[tokio::test]
async fn r078_r080_the_list_tells_members_and_why_a_group_cannot_be_chosen() {
    let scene = connected().await;
    let sales = group(&scene, "Sales").await;
    assert!(sales["members"].as_u64().unwrap() > 1, "{sales}");
    assert_eq!((&sales["paused"], &sales["chosen"]), (&json!(false), &json!(false)));
    assert_eq!(group(&scene, "Pilot (empty)").await["members"], 0);
    let all = group(&scene, "All Users").await;
    assert!(all["why"].as_str().unwrap().contains("reliably complete"), "{all}");
    let list = scene.get("/groups").await;
    assert!(!list.text("/readAt").is_empty(), "{}", list.body);
    scene.choose(by_name(&["Sales"])).await;
    assert_eq!(group(&scene, "Sales").await["chosen"], true);
}

#[tokio::test]
async fn groups_are_found_by_words_without_regard_to_case_and_accents() {
    let scene = connected().await;
    scene
        .order("/groups/Marketing", json!({ "displayName": "Équipe Ventes Zürich" }))
        .await;
    scene.choose(json!({ "mode": "everyone" })).await;
    scene.run(json!({ "kind": "discover" })).await;
    let found = scene.get("/groups?q=zurich%20EQUIPE").await;
    let names: Vec<&Value> = found.list("/items").iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["Équipe Ventes Zürich"]);
    let chosen = scene.choose(by_name(&["equipe ventes zurich"])).await;
    assert_eq!(chosen.text("/groups/0/name"), "Équipe Ventes Zürich", "{}", chosen.body);
}

#[tokio::test]
async fn a_page_goes_on_where_it_was_while_the_groups_are_read_anew() {
    let scene = connected().await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let names = |page: &[Value]| -> Vec<String> {
        page.iter()
            .map(|group| group["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let whole = names(scene.get("/groups").await.list("/items"));
    let first = scene.get("/groups?limit=3").await;
    let last = names(first.list("/items"))[2].clone();
    // The group at which the page ended is gone when the next one is asked for.
    scene
        .order(&format!("/groups/{last}"), json!({ "deleted": true }))
        .await;
    scene.run(json!({ "kind": "discover" })).await;
    let rest = scene.get(&format!("/groups?cursor={}", first.text("/next"))).await;
    assert_eq!(names(rest.list("/items")), whole[3..], "{}", rest.body);
}

#[tokio::test]
async fn r082_r087_a_choice_that_has_changed_under_the_hand_says_how() {
    let scene = connected().await;
    let chosen = scene
        .choose(by_name(&["Accounting", "Billing", "Sales US", "Marketing"]))
        .await;
    let states: Vec<&Value> = chosen.list("/groups").iter().map(|group| &group["state"]).collect();
    assert_eq!(states, ["fine"; 4]);
    assert!(chosen.list("/advice").is_empty(), "{}", chosen.body);
    scene
        .order("/groups/Accounting", json!({ "displayName": "Bookkeeping" }))
        .await;
    scene.order("/groups/Billing", json!({ "deleted": true })).await;
    scene.order("/groups/Sales US", json!({ "paused": true })).await;
    scene
        .order("/groups/Marketing", json!({ "displayName": "All Company" }))
        .await;
    // The sync stops at the group that is gone, and the list is as fresh as if it had not.
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(findings(&run), ["GROUP_NOT_FOUND"]);
    let filter = scene.get("/group-filter").await;
    let seen: Vec<(&Value, &Value)> = filter
        .list("/groups")
        .iter()
        .map(|group| (&group["name"], &group["state"]))
        .collect();
    let expected = [
        (json!("Bookkeeping"), json!("fine")),
        (json!("Billing"), json!("gone")),
        (json!("All Company"), json!("banned")),
        (json!("Sales US"), json!("paused")),
    ];
    assert!(
        expected.iter().all(|(name, state)| seen.contains(&(name, state))),
        "{}",
        filter.body
    );
    let advice = filter.body["advice"].to_string();
    for said in [
        "Accounting is called Bookkeeping",
        "Billing does not exist any more",
        "Remove All Company",
        "rule is paused",
    ] {
        assert!(advice.contains(said), "{said}: {advice}");
    }
}

#[tokio::test]
async fn r087_a_group_that_is_known_to_be_empty_is_taken_only_where_somebody_says_so() {
    let scene = connected().await;
    let refused = scene.choose(by_name(&["Pilot (empty)", "no such group"])).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let told: Vec<&Value> = refused.list("/errors").iter().map(|error| &error["detail"]).collect();
    assert!(
        told[0].as_str().unwrap().contains("exists and had no members"),
        "{told:?}"
    );
    assert!(
        told[1].as_str().unwrap().contains("there is no group `no such group`"),
        "{told:?}"
    );
    let taken = scene.choose(empty_meant()).await;
    assert_eq!(
        (taken.status.as_u16(), taken.text("/groups/0/state")),
        (200, "empty"),
        "{}",
        taken.body
    );
}
