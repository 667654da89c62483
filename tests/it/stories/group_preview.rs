//! Sync User Groups with a look before saving: who is in, who is out, whom it unassigns; and nothing of the look is kept
//! (R073-R088).

use super::scene::{Scene, options};
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{at_microsoft, sign_in_to_step};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// The browser of the Global Admin on the page.
async fn at_groups(scene: &Scene) -> (Browser, Page) {
    let step = json!({ "action": "chooseGroups" });
    let api = scene.api("account_admin");
    let given = api.post(&scene.path("/action-urls"), &step).await.unwrap();
    let (browser, page) = sign_in_to_step(&given.text("/url").parse().unwrap(), scene.admin())
        .await
        .unwrap();
    assert_eq!(page.heading(), "Sync User Groups", "{}", page.html);
    (browser, page)
}

async fn group_id(scene: &Scene, name: &str) -> String {
    let groups = scene.get(&format!("/groups?q={name}")).await;
    let found = groups.list("/items").iter().find(|group| group["name"] == name);
    found.unwrap_or_else(|| panic!("{}", groups.body))["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn send(browser: &mut Browser, page: &Page, what: &str, fields: &[(&str, &str)]) -> Page {
    let all: Vec<_> = fields.iter().copied().chain([("do", what)]).collect();
    browser.submit(page, "/setup/groups", &all).await.unwrap()
}

async fn filter(scene: &Scene) -> Value {
    scene.get("/group-filter").await.body
}

/// What is kept, but for where browsers stand.
async fn table(scene: &Scene) -> super::scene::Table {
    let mut table = scene.table().await;
    table.retain(|(pk, sk), _| !pk.starts_with("SESSION#") && sk != "SIGNIN");
    table
}

#[tokio::test]
async fn r075_a_preview_tells_who_would_be_in_and_out_and_saves_nothing() {
    let scene = Scene::connected(options(120), None).await;
    let (mut browser, page) = at_groups(&scene).await;
    let before = table(&scene).await;
    let sales = group_id(&scene, "Sales").await;
    let members = scene.get("/groups?q=Sales").await.list("/items")[0]["members"]
        .as_u64()
        .unwrap();
    let seen = send(&mut browser, &page, "preview", &[("mode", "groups"), ("group", &sales)]).await;
    assert_eq!(seen.status, 200, "{}", seen.html);
    for said in [
        "What this choice would mean",
        "Nothing was saved.",
        &format!("Sales: {members} people"),
        &format!("{members} people are in"),
        "people are out",
        "Nobody who is mapped would be out",
        "can be mapped",
    ] {
        assert!(seen.says(said), "{said}: {}", seen.html);
    }
    // What was ticked is still ticked.
    assert!(
        seen.html.contains(&format!("value=\"{sales}\" checked")),
        "{}",
        seen.html
    );
    assert_eq!(filter(&scene).await["mode"], "undecided");
    assert!(table(&scene).await == before, "a look keeps nothing");
    let saved = send(&mut browser, &seen, "save", &[("mode", "groups"), ("group", &sales)]).await;
    assert_eq!(saved.heading(), "Your choice is saved", "{}", saved.html);
    assert_eq!(filter(&scene).await["groups"][0]["name"], "Sales");
}

#[tokio::test]
async fn r076_nobody_whom_a_preview_shows_is_kept() {
    let scene = Scene::connected(options(60), None).await;
    for (user, name) in [
        (&scene.tenant.ordinary_user, "canary of the preview"),
        (&scene.tenant.teams_admin, "aaa canary outside"),
    ] {
        scene
            .order(&format!("/users/{user}"), json!({ "displayName": name }))
            .await;
    }
    scene
        .order("/groups/Pilot (empty)", json!({ "add": [scene.tenant.ordinary_user] }))
        .await;
    let (mut browser, page) = at_groups(&scene).await;
    let choice = [("mode", "groups"), ("names", "pilot (empty)")];
    let seen = send(&mut browser, &page, "preview", &choice).await;
    assert!(seen.says("canary of the preview"), "{}", seen.html);
    assert!(seen.says("aaa canary outside"), "{}", seen.html);
    assert!(seen.says("1 person is in"), "{}", seen.html);
    assert!(!format!("{:?}", scene.table().await).contains("canary"));
}

#[tokio::test]
async fn a_preview_names_everybody_who_would_be_unassigned_with_the_number() {
    let scene = Scene::applied(options(120), 8, 7).await;
    let (mut browser, page) = at_groups(&scene).await;
    let lonely = scene.candidates().await[0]["id"].as_str().unwrap().to_owned();
    scene.order("/groups/Pilot (empty)", json!({ "add": [lonely] })).await;
    let choice = [("mode", "groups"), ("names", "Pilot (empty)")];
    let seen = send(&mut browser, &page, "preview", &choice).await;
    assert!(
        seen.says("6 mapped people would be out.") && seen.says("That takes 6 numbers back"),
        "{}",
        seen.html
    );
    // Six are more than pass by themselves.
    assert!(seen.says("holds them until you approve them"), "{}", seen.html);
    for mapped in 1..7 {
        assert!(
            seen.says(&format!("Voice User {mapped:03}, +3227001{mapped:03}: ")),
            "{}",
            seen.html
        );
    }
    assert!(!seen.says("Voice User 000"), "{}", seen.html);
    let everyone = send(&mut browser, &seen, "preview", &[("mode", "everyone")]).await;
    assert!(everyone.says("this choice is in force already"), "{}", everyone.html);
    assert!(everyone.says("Nobody who is mapped would be out"), "{}", everyone.html);
}

#[tokio::test]
async fn r087_an_empty_or_missing_group_is_told_at_once_and_taken_only_where_it_is_meant() {
    let scene = Scene::connected(options(60), None).await;
    scene.order("/groups/Accounting", json!({ "empty": true })).await;
    let (mut browser, page) = at_groups(&scene).await;
    let (accounting, billing) = (group_id(&scene, "Accounting").await, group_id(&scene, "Billing").await);
    scene.order("/groups/Billing", json!({ "deleted": true })).await;
    let both = [
        ("mode", "groups"),
        ("group", accounting.as_str()),
        ("group", billing.as_str()),
    ];
    let seen = send(&mut browser, &page, "preview", &both).await;
    assert!(seen.says("Accounting exists and has no members"), "{}", seen.html);
    assert!(seen.says("Billing does not exist any more"), "{}", seen.html);
    let empty = [("mode", "groups"), ("group", accounting.as_str())];
    let refused = send(&mut browser, &seen, "save", &empty).await;
    assert_eq!(refused.status, 422, "{}", refused.html);
    assert!(
        refused.says("`Accounting` exists and had no members"),
        "{}",
        refused.html
    );
    assert!(refused.says("that is meant so"), "{}", refused.html);
    assert_eq!(filter(&scene).await["mode"], "undecided");
    let meant = [("mode", "groups"), ("group", accounting.as_str()), ("empty", "yes")];
    send(&mut browser, &refused, "save", &meant).await;
    let saved = filter(&scene).await;
    assert_eq!(
        (&saved["groups"][0]["name"], &saved["groups"][0]["state"]),
        (&json!("Accounting"), &json!("empty"))
    );
}

#[tokio::test]
async fn r072_right_after_the_set_up_a_preview_needs_no_further_sign_in() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.second_sign_in().await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    let page = browser.open(&page.link("/setup/groups").unwrap()).await.unwrap();
    let seen = send(
        &mut browser,
        &page,
        "preview",
        &[("mode", "groups"), ("names", "sales")],
    )
    .await;
    assert!(seen.says("What this choice would mean"), "{}", seen.html);
}

#[tokio::test]
async fn the_token_of_a_look_is_readable_nowhere_and_ends_with_the_page() {
    let scene = Scene::connected(options(60), None).await;
    let (mut browser, page) = at_groups(&scene).await;
    let tokens = |table: &super::scene::Table| table.keys().filter(|(_, sk)| sk == "TOKEN").count();
    let kept = scene.table().await;
    assert_eq!(tokens(&kept), 2, "of the set-up and of this page");
    let whole = format!("{kept:?}");
    for secret in scene.service.microsoft.secrets() {
        assert!(!whole.contains(&secret.text), "a {} lies in the table", secret.kind);
    }
    let everyone = [("mode", "everyone")];
    assert_eq!(send(&mut browser, &page, "preview", &everyone).await.status, 200);
    // Another browser has a page of its own, and not this token.
    let other = Browser::default()
        .submit(&page, "/setup/groups", &[("do", "preview"), ("mode", "everyone")])
        .await;
    assert_eq!(other.unwrap().status, 403);
    let before = tokens(&scene.table().await);
    send(&mut browser, &page, "save", &everyone).await;
    assert_eq!(tokens(&scene.table().await), before - 1, "saved, and forgotten");
}

#[tokio::test]
async fn a_look_after_the_token_has_ended_asks_for_a_sign_in_and_loses_nothing() {
    let scene = Scene::connected(options(60), None).await;
    let (mut browser, page) = at_groups(&scene).await;
    let sales = group_id(&scene, "Sales").await;
    let choice = [("mode", "groups"), ("group", sales.as_str()), ("names", "Billing")];
    scene.service.world.advance(SignedDuration::from_mins(20)).await;
    // Shown again the page lives on, the token does not.
    let page = browser.open(&page.url).await.unwrap();
    let refused = send(&mut browser, &page, "preview", &choice).await;
    assert!(refused.status == 200 || refused.status == 409, "{}", refused.html);
    scene.service.world.advance(SignedDuration::from_mins(9)).await;
    let asked = send(&mut browser, &refused, "sign-in", &choice).await;
    assert_eq!(
        asked.url.port(),
        scene.service.world.urls.login.port(),
        "{}",
        asked.html
    );
    let again = at_microsoft(&mut browser, asked, scene.admin()).await.unwrap();
    let seen = send(&mut browser, &again, "preview", &choice).await;
    assert!(seen.says("What this choice would mean"), "{}", seen.html);
}
