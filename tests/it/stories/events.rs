//! What happens to a reseller's enterprises is told in its feed: from any place, in order, each event once.

use super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::people::{activate, reseller_form};
use dialbridge_local::issuer::Person;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Scene {
    /// What the schedule of every minute has done; deliveries that it calls for are done as well.
    pub(crate) async fn look(&self) {
        let world = &self.service.world;
        let looked = world.aws.lambdas.invoke("webhooks", json!({ "look": true })).await;
        assert_eq!(looked.unwrap()["looked"]["failed"], 0);
        world.idle().await;
    }

    pub(crate) async fn feed(&self, query: &str) -> Answer {
        let path = format!("/v1/resellers/{}/events{query}", self.reseller);
        self.api("reseller_admin").get(&path).await.unwrap()
    }

    /// Everything in the feed.
    pub(crate) async fn told(&self) -> Vec<Value> {
        self.look().await;
        let told = self.feed("").await;
        assert_eq!(
            (told.status.as_u16(), &told.body["more"]),
            (200, &json!(false)),
            "{}",
            told.body
        );
        told.list("/items").to_vec()
    }
}

pub(super) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_whole_life_is_told_in_its_order() {
    let scene = Scene::applied(options(60), 2, 1).await;
    scene.license(Some(9)).await;
    let told = scene.told().await;
    let kinds = kinds(&told);
    let expected = [
        "enterprise.created",
        "enterprise.connected",
        "consent.granted",
        "run.requested",
        "run.started",
        "directory.read",
        "run.succeeded",
        "voice_users.changed",
        "mapping.changed",
        "sync.pending",
        "run.requested",
        "run.succeeded",
        "sync.cleared",
        "licence.changed",
    ];
    let mut rest = kinds.iter();
    for kind in expected {
        // What is derived from the status comes when the trail is looked at, after its entries.
        if !kind.starts_with("sync.") {
            assert!(rest.any(|told| *told == kind), "{kind} in its place: {kinds:?}");
        }
    }
    let last = told.iter().rfind(|event| event["type"] == "licence.changed").unwrap();
    assert_eq!(last["enterprise"], scene.enterprise);
    assert_eq!(last["reseller"], scene.reseller);
    assert_eq!(
        (&last["data"]["by"], &last["data"]["values"]["userLimit"]),
        (&json!("reseller_admin"), &json!("9"))
    );
    assert_eq!(last["version"], 1);
    let ended = told.iter().find(|event| event["type"] == "run.succeeded").unwrap();
    assert!(ended["data"]["values"]["run"].as_str().unwrap().starts_with("run_"));
    // Nothing about people, and nothing that opens anything.
    let text = json!(told).to_string();
    for secret in ["@", "Voice User", "Global Admin", "127.0.0.1", "whsec", "eyJ"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn that_changes_wait_is_told_and_that_they_wait_no_more() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let told = scene.told().await;
    let waits = told.iter().rfind(|event| event["type"] == "sync.pending").unwrap();
    assert_eq!(waits["data"]["values"]["users"], "1");
    scene.apply().await;
    let told = scene.told().await;
    assert!(kinds(&told).contains(&"sync.cleared"), "{:?}", kinds(&told));
}

#[tokio::test]
async fn a_reader_goes_on_from_any_place_in_steps_of_any_size() {
    let scene = Scene::connected(options(60), Some(40)).await;
    scene.license(Some(9)).await;
    let whole = scene.told().await;
    assert!(whole.len() > 4, "{whole:?}");
    for limit in [1, 2, 3, 100] {
        let (mut seen, mut query) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let part = scene.feed(&query).await;
            assert!(part.list("/items").len() <= limit, "{}", part.body);
            seen.extend_from_slice(part.list("/items"));
            query = format!("?limit={limit}&after={}", part.text("/cursor"));
            if part.body["more"] == false {
                break;
            }
        }
        assert_eq!(seen, whole, "{limit}");
        assert!(scene.feed(&query).await.list("/items").is_empty());
    }
    for (at, event) in whole.iter().enumerate() {
        let rest = scene.feed(&format!("?after={}", event["id"].as_str().unwrap())).await;
        assert_eq!(rest.list("/items"), &whole[at + 1..]);
    }
    let ids: BTreeSet<&str> = whole.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), whole.len());
    // From this moment on.
    let now = scene.feed("?after=now").await;
    assert!(now.list("/items").is_empty());
    scene.license(Some(7)).await;
    scene.look().await;
    let news = scene.feed(&format!("?after={}", now.text("/cursor"))).await;
    assert_eq!(kinds(news.list("/items")), ["licence.changed"]);
}

#[tokio::test]
async fn types_and_enterprises_are_chosen_and_wrong_ones_are_all_named() {
    let scene = Scene::connected(options(60), Some(40)).await;
    let whole = scene.told().await;
    let chosen = scene.feed("?types=consent.*,enterprise.created").await;
    let expected: Vec<&Value> = whole
        .iter()
        .filter(|event| {
            let kind = event["type"].as_str().unwrap();
            kind.starts_with("consent.") || kind == "enterprise.created"
        })
        .collect();
    assert!(expected.len() > 1);
    assert_eq!(chosen.list("/items").iter().collect::<Vec<_>>(), expected);
    assert_eq!(chosen.text("/cursor"), whole.last().unwrap()["id"]);
    let own = scene.feed(&format!("?enterprise={}", scene.enterprise)).await;
    assert!(
        own.list("/items")
            .iter()
            .all(|event| event["enterprise"] == scene.enterprise)
    );
    let other = scene.feed("?enterprise=ent_0000000000000000000000000z").await;
    assert!(other.list("/items").is_empty() && other.status == 200);
    let wrong = scene.feed("?types=consent.eaten,run.*,mail").await;
    assert_eq!((wrong.status.as_u16(), wrong.text("/code")), (422, "invalid"));
    assert_eq!(wrong.list("/errors").len(), 2, "{}", wrong.body);
    for query in ["?after=yesterday", "?after=aud_00000000000000000000000000"] {
        let wrong = scene.feed(query).await;
        assert_eq!(
            (wrong.status.as_u16(), wrong.text("/errors/0/field")),
            (422, "after"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_feed_is_its_reseller_s_alone() {
    let scene = Scene::invited(options(20), None).await;
    scene.look().await;
    let mut form = reseller_form(&scene.service.world.urls);
    form["owner"] = json!("owner@southwind.example");
    let made = scene.api("provider_admin").post("/v1/resellers", &form).await.unwrap();
    let stranger = made.text("/id").to_owned();
    activate(&scene.service.world.urls, "owner@southwind.example")
        .await
        .unwrap();
    let urls = &scene.service.world.urls;
    let as_stranger = |role: &str| {
        let person = Person {
            sub: format!("stranger:{role}"),
            email: "sam@southwind.example".into(),
            name: "Sam".into(),
            role: role.into(),
            reseller: Some(stranger.clone()),
            enterprise: None,
        };
        let token = scene.service.world.issuer.token(&person).unwrap();
        dialbridge_local::drive::api::Api::new(&urls.api, token)
    };
    let path = format!("/v1/resellers/{}/events", scene.reseller);
    let foreign = as_stranger("reseller_admin").get(&path).await.unwrap();
    assert_eq!((foreign.status.as_u16(), foreign.text("/code")), (404, "not-found"));
    scene.look().await;
    let own = as_stranger("reseller_admin")
        .get(&format!("/v1/resellers/{stranger}/events"))
        .await;
    let own = own.unwrap();
    assert_eq!(kinds(own.list("/items")), ["reseller.created", "reseller.activated"]);
    // Customers read none, nor does whoever only looks.
    for role in ["account_admin", "global_admin", "reseller_viewer"] {
        assert_eq!(scene.api(role).get(&path).await.unwrap().status, 404, "{role}");
    }
    assert_eq!(scene.api("provider_support").get(&path).await.unwrap().status, 200);
    let posted = scene
        .api("reseller_admin")
        .send(Method::POST, &path, None, &[])
        .await
        .unwrap();
    assert_eq!(posted.status, 405);
}
