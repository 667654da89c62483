//! A front end follows what changes by asking again and again with the cursor of the answer before.

use super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use reqwest::Method;
use serde_json::{Value, json};

struct Follower<'a> {
    scene: &'a Scene,
    cursor: String,
}

impl<'a> Follower<'a> {
    /// From this moment on.
    async fn of(scene: &'a Scene) -> Self {
        let now = scene.get("/changes?after=now").await;
        assert_eq!(now.status, 200, "{}", now.body);
        assert!(
            now.list("/items").is_empty() && now.body["more"] == false,
            "{}",
            now.body
        );
        let cursor = now.text("/cursor").to_owned();
        Self { scene, cursor }
    }

    async fn asks(&mut self) -> Answer {
        let news = self.scene.get(&format!("/changes?after={}", self.cursor)).await;
        assert_eq!(news.status, 200, "{}", news.body);
        self.cursor = news.text("/cursor").to_owned();
        news
    }

    async fn told(&mut self) -> Vec<Value> {
        self.asks().await.list("/items").to_vec()
    }

    async fn topics(&mut self) -> Vec<String> {
        let told = self.told().await;
        let topic = |change: &Value| change["topic"].as_str().unwrap().to_owned();
        told.iter().map(topic).collect()
    }
}

#[tokio::test]
async fn everything_that_a_page_shows_is_told_once_and_in_order() {
    let scene = Scene::connected(options(60), Some(40)).await;
    scene.clear_on_premises(&scene.tenant).await;
    let mut page = Follower::of(&scene).await;
    assert_eq!(page.topics().await, [""; 0]);
    scene.choose(json!({ "mode": "everyone" })).await;
    assert_eq!(page.topics().await, ["groupFilter"]);
    scene.run(json!({ "kind": "discover" })).await;
    let told = page.told().await;
    let deeds: Vec<&str> = told.iter().map(|change| change["deed"].as_str().unwrap()).collect();
    assert_eq!(deeds, ["runStarted", "runBegun", "directoryRead", "runEnded"]);
    assert!(told[2]["figures"]["total"].as_u64().unwrap() > 10, "{told:?}");
    assert_eq!(told[3]["outcome"], "succeeded");
    assert!(told.iter().all(|change| change["run"] == told[0]["run"]), "{told:?}");
    scene.push(3).await;
    let told = page.told().await;
    assert_eq!((&told[0]["topic"], told.len()), (&json!("voiceUsers"), 1));
    assert_eq!(told[0]["voiceUsers"], json!(["v000", "v001", "v002"]));
    assert_eq!(scene.map(&[(1, Some(0))]).await.status, 200);
    let told = page.told().await;
    assert_eq!(
        (&told[0]["topic"], &told[0]["voiceUsers"]),
        (&json!("mapping"), &json!(["v001"]))
    );
    scene.license(Some(9)).await;
    assert_eq!(page.topics().await, ["licences"]);
    scene.apply().await;
    assert_eq!(page.topics().await, ["runs", "runs", "directory", "runs"]);
    assert_eq!(page.topics().await, [""; 0]);
}

#[tokio::test]
async fn versions_tell_what_no_change_tells() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let mut page = Follower::of(&scene).await;
    let before = page.asks().await.body["versions"].clone();
    assert_eq!(page.asks().await.body["versions"], before);
    scene.apply().await;
    let after = page.asks().await.body["versions"].clone();
    for what in ["account", "status"] {
        assert!(after[what].as_u64() > before[what].as_u64(), "{what}: {before} {after}");
    }
    assert_eq!(after["enterprise"], before["enterprise"]);
}

#[tokio::test]
async fn a_follower_may_begin_anywhere_and_take_small_steps() {
    let scene = Scene::discovered(options(60), None).await;
    scene.push(2).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let step = scene.get(&format!("/changes?limit=1{cursor}")).await;
        assert!(step.list("/items").len() <= 1, "{}", step.body);
        seen.extend_from_slice(step.list("/items"));
        cursor = format!("&after={}", step.text("/cursor"));
        if step.body["more"] == false {
            break;
        }
    }
    let whole = scene.get("/changes").await;
    assert_eq!(seen, whole.list("/items"));
    assert!(seen.len() > 8, "{}", whole.body);
    assert_eq!(whole.list("/items")[0]["deed"], "enterpriseCreated");
    let wrong = scene.get("/changes?after=yesterday").await;
    assert_eq!((wrong.status.as_u16(), wrong.text("/code")), (422, "invalid"));
}

#[tokio::test]
async fn a_change_says_nothing_of_people_that_the_pages_do_not() {
    let scene = Scene::discovered(options(60), None).await;
    scene.push(1).await;
    let change = Some(json!({ "email": "successor@customer.example", "name": "A Successor" }));
    scene.done(Method::PUT, "/global-admin", change).await;
    let told = scene.get("/changes").await.body.to_string();
    for who in ["@", "Voice User", "Successor", "127.0.0.1"] {
        assert!(!told.contains(who), "{who}: {told}");
    }
    // A viewer of the reseller reads pages, and may follow them.
    let viewer = scene.api("reseller_viewer").get(&scene.path("/changes")).await.unwrap();
    assert_eq!(viewer.status, 200);
}
