//! The first screen: the list of a reseller's enterprises, what it is searched by, and what each row offers (R002-R003,
//! R020-R023).

use super::{DAY, MINUTE, create, form, scene};
use crate::stories::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::people::set_up;
use reqwest::Method;
use serde_json::{Value, json};

async fn list(scene: &Scene, query: &str) -> Answer {
    let list = scene
        .api("reseller_admin")
        .get(&format!("/v1/enterprises{query}"))
        .await
        .unwrap();
    assert_eq!(list.status, 200, "{}", list.body);
    list
}

fn names(list: &Answer) -> Vec<&str> {
    let items = list.list("/items").iter();
    items.filter_map(|row| row["enterprise"]["name"].as_str()).collect()
}

/// What the row of the scene's enterprise offers a role.
async fn menu(scene: &Scene, role: &str) -> Vec<String> {
    let list = scene
        .api(role)
        .get(&format!("/v1/enterprises?reseller={}", scene.reseller))
        .await
        .unwrap();
    assert_eq!(list.status, 200, "{}", list.body);
    let row = list
        .list("/items")
        .iter()
        .find(|row| row["enterprise"]["id"] == scene.enterprise.as_str());
    let actions = row.unwrap()["actions"].as_array().unwrap();
    actions
        .iter()
        .map(|action| action["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn r002_r003_r020_the_first_screen_is_the_list_of_enterprises() {
    let scene = scene().await;
    let list = list(&scene, "").await;
    assert_eq!(list.text("/title"), "Enterprises");
    assert_eq!(list.text("/add"), "Add Enterprise");
    let columns = [
        "Enterprise Name",
        "Enterprise Admin Email ID",
        "Status",
        "User Limit",
        "Services",
        "Invited",
        "Action",
    ];
    assert_eq!(list.body["columns"], json!(columns));
    let row = &list.body["items"][0];
    assert_eq!(row["enterprise"]["id"], scene.enterprise.as_str());
    assert_eq!(row["enterprise"]["globalAdmin"]["email"], scene.admin());
    assert_eq!(row["stateText"], "Integration Pending");
    assert_eq!(row["invitedDays"], 0);
    assert_eq!(row["licencesUsed"], 0);
}

#[tokio::test]
async fn r003_who_cannot_create_is_not_offered_it() {
    let scene = scene().await;
    let list = scene.api("reseller_viewer").get("/v1/enterprises").await.unwrap();
    assert_eq!(list.body["add"], Value::Null);
    let form = form(&scene, json!({}));
    let refused = scene.api("reseller_viewer").post("/v1/enterprises", &form).await;
    assert_eq!(refused.unwrap().status, 404);
}

#[tokio::test]
async fn r021_r022_r023_the_menu_follows_role_and_state() {
    let scene = scene().await;
    let admin = [
        "edit",
        "disable",
        "resendInvitation",
        "changeLicences",
        "reassignGlobalAdmin",
        "remove",
    ];
    let support = ["resendInvitation", "changeLicences", "reassignGlobalAdmin"];
    assert_eq!(menu(&scene, "reseller_admin").await, admin);
    assert_eq!(menu(&scene, "provider_admin").await, admin);
    assert_eq!(menu(&scene, "provider_support").await, support);
    assert!(menu(&scene, "reseller_viewer").await.is_empty());
    scene.done(Method::POST, "/disable", None).await;
    let disabled = ["edit", "enable", "changeLicences", "reassignGlobalAdmin", "remove"];
    assert_eq!(menu(&scene, "reseller_admin").await, disabled);
    scene.done(Method::POST, "/enable", None).await;
    set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
    let complete = ["edit", "disable", "changeLicences", "reassignGlobalAdmin", "remove"];
    assert_eq!(menu(&scene, "reseller_admin").await, complete);
    scene.done(Method::DELETE, "", None).await;
    assert!(
        menu(&scene, "reseller_admin").await.is_empty(),
        "removed: there is nothing left to do"
    );
}

#[tokio::test]
async fn r021_r022_r023_what_the_menu_offers_is_taken() {
    let scene = scene().await;
    scene.service.world.advance(MINUTE * 2).await;
    let list = list(&scene, "").await;
    for action in list.list("/items/0/actions") {
        let (name, method) = (action["name"].as_str().unwrap(), action["method"].as_str().unwrap());
        let path = action["path"].as_str().unwrap().to_owned();
        let body = match name {
            "edit" => Some(form(&scene, json!({}))),
            "changeLicences" => Some(json!({ "count": 7 })),
            "reassignGlobalAdmin" => Some(json!({ "email": "next@customer.example" })),
            _ => None,
        };
        let rest = path.strip_prefix(&scene.path("")).unwrap();
        let method: Method = method.parse().unwrap();
        let answer = scene.change("reseller_admin", method.clone(), rest, body).await;
        assert!(answer.status.is_success(), "{name}: {}", answer.body);
        match name {
            "disable" => drop(scene.done(Method::POST, "/enable", None).await),
            "reassignGlobalAdmin" => scene.service.world.advance(MINUTE * 2).await,
            _ => {}
        }
    }
}

#[tokio::test]
async fn r002_the_list_is_searched_by_name_admin_and_billing_reference() {
    let scene = scene().await;
    create(
        &scene,
        json!({ "name": "Greenfinch BV", "adminEmail": "ada@greenfinch.example", "adminName": "Ada Vink", "billingReference": "NW-2002" }),
    )
    .await;
    create(
        &scene,
        json!({ "name": "Goldfinch GmbH", "adminEmail": "max@goldfinch.example", "adminName": "Max Fink", "billingReference": null }),
    )
    .await;
    for (q, found) in [
        ("greenfinch%20bv", vec!["Greenfinch BV"]),
        ("FINCH", vec!["Greenfinch BV", "Goldfinch GmbH"]),
        ("ada@", vec!["Greenfinch BV"]),
        ("max%20fink", vec!["Goldfinch GmbH"]),
        ("nw-2", vec!["Greenfinch BV"]),
        ("nobody", vec![]),
    ] {
        let list = list(&scene, &format!("?q={q}")).await;
        let mut seen = names(&list);
        seen.retain(|name| name.contains("finch"));
        assert_eq!(seen, found, "{q}: {}", list.body);
    }
}

#[tokio::test]
async fn r002_the_list_is_filtered_by_state() {
    let scene = scene().await;
    create(&scene, json!({ "name": "Greenfinch BV" })).await;
    scene.done(Method::POST, "/disable", None).await;
    assert_eq!(names(&list(&scene, "?state=invited").await), ["Greenfinch BV"]);
    assert_eq!(list(&scene, "?state=disabled").await.list("/items").len(), 1);
    assert!(list(&scene, "?state=upToDate").await.list("/items").is_empty());
    scene.done(Method::POST, "/enable", None).await;
    set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
    let waiting = list(&scene, "?state=groupChoice").await;
    assert_eq!(waiting.list("/items").len(), 1);
    assert_eq!(waiting.text("/items/0/stateText"), "User groups to be chosen");
    let unknown = scene.api("reseller_admin").get("/v1/enterprises?state=lost").await;
    assert_eq!(unknown.unwrap().status, 400);
}

#[tokio::test]
async fn r002_the_list_follows_each_state_of_a_sync() {
    let scene = Scene::discovered(options(60), None).await;
    let listed = async |scene: &Scene| list(scene, "").await.text("/items/0/enterprise/state").to_owned();
    assert_eq!(listed(&scene).await, "mapping");
    scene.push(2).await;
    scene.map(&[(0, Some(0))]).await;
    assert_eq!(listed(&scene).await, "syncNeeded");
    assert_eq!(list(&scene, "").await.number("/items/0/licencesUsed"), Some(1));
    scene.apply().await;
    assert_eq!(listed(&scene).await, "upToDate");
}

#[tokio::test]
async fn r002_old_invitations_are_found_by_their_age() {
    let scene = scene().await;
    scene.service.world.advance(DAY * 3).await;
    create(&scene, json!({ "name": "Greenfinch BV" })).await;
    scene.service.world.advance(DAY * 2).await;
    let waiting = list(&scene, "").await;
    let days = |row: &Value| row["invitedDays"].as_i64();
    let days: Vec<_> = waiting.list("/items").iter().map(days).collect();
    assert_eq!(days, [Some(5), Some(2)]);
    assert_eq!(list(&scene, "?invitedDays=3").await.list("/items").len(), 1);
    assert_eq!(list(&scene, "?invitedDays=2").await.list("/items").len(), 2);
    assert!(list(&scene, "?invitedDays=6").await.list("/items").is_empty());
    scene.done(Method::POST, "/invitation", None).await;
    assert!(
        list(&scene, "?invitedDays=3").await.list("/items").is_empty(),
        "a new invitation is new"
    );
}

#[tokio::test]
async fn r002_an_accepted_invitation_has_no_age() {
    let scene = Scene::connected(options(60), None).await;
    scene.service.world.advance(DAY * 3).await;
    assert_eq!(list(&scene, "").await.body["items"][0]["invitedDays"], Value::Null);
    assert!(list(&scene, "?invitedDays=1").await.list("/items").is_empty());
}

#[tokio::test]
async fn r002_the_list_is_read_in_parts_while_others_are_created() {
    let scene = scene().await;
    for n in 0..5 {
        create(&scene, json!({ "name": format!("Early {n}") })).await;
    }
    for order in ["", "&newestFirst=true"] {
        let early: Vec<String> = {
            let all = list(&scene, &format!("?limit=100{order}")).await;
            names(&all).into_iter().map(str::to_owned).collect()
        };
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&scene, &format!("?limit=2{order}{cursor}")).await;
            assert!(page.list("/items").len() <= 2);
            seen.extend(names(&page).into_iter().map(str::to_owned));
            let late = create(&scene, json!({ "name": format!("Late {} {order}", seen.len()) })).await;
            assert_eq!(late.status, 201);
            match page.text("/next") {
                "" => break,
                next => cursor = format!("&cursor={next}"),
            }
            assert!(seen.len() < 60, "the list never ends");
        }
        let known: Vec<&String> = seen.iter().filter(|name| early.contains(name)).collect();
        assert_eq!(
            known,
            early.iter().collect::<Vec<_>>(),
            "{order}: nothing twice, nothing lost"
        );
    }
}
