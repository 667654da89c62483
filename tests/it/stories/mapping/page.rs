//! The page: its order, its controls, its notices, and what is wrong with a row (R104-R110, R127-R128).

use super::super::scene::{Scene, options, voice_user};
use super::scene;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn named(n: usize, name: &str) -> Value {
    let mut user = voice_user(n);
    user["name"] = json!(name);
    user
}

fn names(page: &dialbridge_local::drive::api::Answer) -> Vec<&str> {
    let rows = page.list("/rows").iter();
    rows.filter_map(|row| row["name"].as_str()).collect()
}

fn codes(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.filter_map(|one| one["code"].as_str()).collect()
}

#[tokio::test]
async fn r105_names_sort_as_people_read_them() {
    let scene = Scene::discovered(options(60), None).await;
    let people = ["Zoë", "eric", "Ångström", "Émile", "anna", "Łukasz"];
    let people = people.iter().enumerate().map(|(n, name)| named(n, name));
    scene.push_items(json!(people.collect::<Vec<_>>())).await;
    let page = scene.get("/mapping").await;
    assert_eq!(names(&page), ["Ångström", "anna", "Émile", "eric", "Łukasz", "Zoë"]);
    let page = scene.get("/mapping?descending=true").await;
    assert_eq!(names(&page)[0], "Zoë");
    for (search, found) in [
        ("angstrom", "Ångström"),
        ("ÉMILE", "Émile"),
        ("lukasz", "Łukasz"),
        ("user004", "anna"),
    ] {
        let page = scene.get(&format!("/mapping?q={search}")).await;
        assert_eq!(names(&page), [found], "{search}");
    }
}

#[tokio::test]
async fn r109_the_controls_say_where_they_lead() {
    let scene = Scene::discovered(options(60), None).await;
    scene.push(25).await;
    let pager = async |page: usize| {
        let page = scene.get(&format!("/mapping?page={page}")).await;
        (page.text("/range").to_owned(), page.body["pager"].clone())
    };
    assert_eq!(pager(1).await, ("1 – 10 of 25".into(), json!({ "next": 2, "last": 3 })));
    let both = json!({ "first": 1, "previous": 1, "next": 3, "last": 3 });
    assert_eq!(pager(2).await, ("11 – 20 of 25".into(), both));
    assert_eq!(
        pager(3).await,
        ("21 – 25 of 25".into(), json!({ "first": 1, "previous": 2 }))
    );
    // Whoever asks for more than there is gets the last page.
    assert_eq!(pager(99).await, pager(3).await);
}

#[tokio::test]
async fn r109_the_picture_of_the_guide() {
    let scene = Scene::discovered(options(60), None).await;
    scene.push(6).await;
    let page = scene.get("/mapping").await;
    let shown = (page.text("/itemsPerPage"), page.text("/range"));
    assert_eq!(shown, ("Items per page: 10", "1 – 6 of 6"));
    assert_eq!(page.body["pager"], json!({}), "one page: every control is disabled");
}

#[tokio::test]
async fn r110_one_jumps_from_one_unmapped_user_to_the_next() {
    let scene = Scene::discovered(options(120), None).await;
    scene.push(25).await;
    let mapped: Vec<_> = (0..12).map(|n| (n, Some(n))).collect();
    assert_eq!(scene.map(&mapped).await.status, 200);
    let next = json!({ "page": 2, "place": 13, "voiceUser": "v012", "name": "Voice User 012" });
    let page = scene.get("/mapping").await;
    assert_eq!(
        (page.number("/unmapped"), &page.body["nextUnmapped"]),
        (Some(13), &next)
    );
    let page = scene.get("/mapping?page=2").await;
    assert_eq!(page.number("/nextUnmapped/place"), Some(21));
    let page = scene.get("/mapping?page=3").await;
    assert_eq!(page.body["nextUnmapped"], next, "after the last page it starts again");
    let page = scene.get("/mapping?jump=1").await;
    assert_eq!(
        (page.number("/page"), page.number("/rows/0/place")),
        (Some(2), Some(11))
    );
    let page = scene.get("/mapping?jump=21").await;
    assert_eq!(page.number("/page"), Some(3));
}

#[tokio::test]
async fn r110_the_reminder_ends_when_everyone_is_mapped() {
    let scene = Scene::discovered(options(120), None).await;
    scene.push(12).await;
    let page = scene.get("/mapping").await;
    assert!(codes(&page.body["notices"]).contains(&"MORE_PAGES"), "{}", page.body);
    let all: Vec<_> = (0..12).map(|n| (n, Some(n))).collect();
    scene.map(&all).await;
    let page = scene.get("/mapping").await;
    assert_eq!(codes(&page.body["notices"]), ["SYNC_REQUIRED"]);
    assert_eq!(page.body["nextUnmapped"], Value::Null);
}

#[tokio::test]
async fn r106_the_drop_down_has_its_texts() {
    let scene = scene(None).await;
    let texts = json!({
        "placeholder": "Select User", "label": "Select the user's Microsoft Teams account", "none": "None",
    });
    assert_eq!(scene.get("/mapping").await.body["dropDown"], texts);
    assert_eq!(scene.get("/teams-users").await.body["dropDown"], texts);
}

#[tokio::test]
async fn r090_r102_somebody_is_searched_by_part_of_name_or_address() {
    let scene = scene(None).await;
    scene.map(&[(0, Some(0))]).await;
    let all = scene.candidates().await;
    let (taken, free) = (&all[0], &all[1]);
    assert_eq!(
        taken["mappedTo"],
        json!({ "voiceUser": "v000", "name": "Voice User 000" })
    );
    assert_eq!(free["mappedTo"], Value::Null);
    for user in [taken, free] {
        let email = user["email"].as_str().unwrap();
        let label = format!("{} ({email})", user["name"].as_str().unwrap());
        assert_eq!(user["label"], label);
        let found = scene.get(&format!("/teams-users?q={}", email.to_uppercase())).await;
        assert_eq!(found.list("/items"), std::slice::from_ref(user));
    }
    let address = taken["email"].as_str().unwrap();
    let found = scene.get(&format!("/teams-users?free=true&q={address}")).await;
    assert!(found.list("/items").is_empty(), "{}", found.body);
    let free = scene.get("/teams-users?free=true&limit=500").await;
    assert_eq!(free.list("/items").len(), all.len() - 1);
    // In parts, nobody twice and nobody left out.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("/teams-users?free=true&limit=3{cursor}")).await;
        seen.extend_from_slice(page.list("/items"));
        match page.text("/next") {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    assert_eq!(seen, free.list("/items"));
    let many = scene.get("/teams-users?limit=2&q=@").await;
    assert_eq!((many.list("/items").len(), &many.body["more"]), (2, &json!(true)));
}

#[tokio::test]
async fn r117_the_page_says_what_the_next_sync_frees() {
    let scene = scene(Some(2)).await;
    scene.map(&[(0, Some(0)), (1, Some(1))]).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    scene.map(&[(0, None)]).await;
    let page = scene.get("/mapping").await;
    let licences = json!({ "limit": 2, "used": 2, "free": 0, "pendingRelease": 1 });
    assert_eq!(page.body["licences"], licences);
    let said = page
        .list("/notices")
        .iter()
        .find(|one| one["code"] == "FREED_BY_NEXT_SYNC");
    let text = "1 of the used licenses can be given to other users only after the next sync.";
    assert_eq!(said.unwrap()["text"], text);
}

#[tokio::test]
async fn r101_r127_r128_each_row_says_what_is_wrong_with_it() {
    let scene = scene(None).await;
    scene
        .map(&[(0, Some(0)), (1, Some(1)), (2, Some(2)), (3, Some(3))])
        .await;
    let candidates = scene.candidates().await;
    let id = |n: usize| candidates[n]["id"].as_str().unwrap().to_owned();
    let unlicensed = json!({ "licences": [] });
    scene.order(&format!("/users/{}", id(0)), unlicensed).await;
    scene
        .order(&format!("/users/{}", id(1)), json!({ "deleted": "restorable" }))
        .await;
    scene.license(Some(3)).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let page = scene.get("/mapping").await;
    let row = |n: usize| &page.body["rows"][n];
    assert_eq!(codes(&row(0)["findings"]), ["MAPPED_USER_GONE"]);
    let said = row(0)["findings"][0]["seen"].as_str().unwrap();
    assert!(said.contains("has no Teams Phone license"), "{said}");
    assert_eq!(row(0)["findings"][0]["about"], id(0));
    assert_eq!(codes(&row(1)["findings"]), ["MAPPED_USER_GONE"]);
    assert!(
        row(1)["text"].as_str().unwrap().ends_with("(no longer available)"),
        "{}",
        row(1)
    );
    assert_eq!(row(2)["findings"], json!([]));
    // The newest mapping is the one without a licence.
    assert_eq!(codes(&row(3)["findings"]), ["OVER_LICENSE"]);
    assert_eq!(row(3)["licenseStatus"], "License Status: Unlicensed");
    assert_eq!((&row(3)["warning"], &row(2)["warning"]), (&json!(true), &json!(false)));
}

/// Ten rows or a hundred, mapped or not: the table is asked as often.
#[tokio::test]
async fn a_page_costs_the_same_however_many_rows_it_has() {
    let scene = Scene::discovered(options(300), None).await;
    scene.push(120).await;
    let mapped: Vec<_> = (0..30).map(|n| (2 * n, Some(n))).collect();
    assert_eq!(scene.map(&mapped).await.status, 200);
    let mut costs = Vec::new();
    for rows in [10, 100] {
        scene.service.world.idle().await;
        let before = scene.service.world.faults.counts();
        let page = scene.get(&format!("/mapping?perPage={rows}")).await;
        assert_eq!(page.list("/rows").len(), rows);
        let after = scene.service.world.faults.counts();
        let spent = after.into_iter().filter(|((service, _), _)| service == "dynamodb");
        let spent = spent.map(|(key, count)| (key.1.clone(), count - before.get(&key).unwrap_or(&0)));
        costs.push(spent.filter(|(_, count)| *count > 0).collect::<BTreeMap<String, u64>>());
    }
    println!("a page of the mapping: {:?}", costs[0]);
    assert_eq!(costs[0], costs[1]);
}
