//! Events reach the webhooks of a reseller: signed, in order, again and again until they are taken, and never elsewhere.

use super::events::kinds;
use super::scene::{Scene, options};
use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dialbridge_local::drive::api::Answer;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// One request as it arrived.
#[derive(Clone, Debug)]
struct Arrived {
    headers: HeaderMap,
    body: Bytes,
}

impl Arrived {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn kind(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }

    /// Whether one of the signatures is made with this secret, computed as the specification says and not by our client.
    fn signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let content = [format!("{id}.{at}.").as_bytes(), &self.body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &content);
        let expected = format!("v1,{}", STANDARD.encode(tag));
        self.header("webhook-signature").split(' ').any(|one| one == expected)
    }
}

/// A reseller's server: takes everything, unless it is told otherwise.
#[derive(Clone)]
struct Receiver {
    url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    otherwise: Arc<Mutex<u16>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook?key=k", listener.local_addr().unwrap()),
            arrived: Arc::default(),
            answers: Arc::default(),
            otherwise: Arc::new(Mutex::new(204)),
        };
        let of = receiver.clone();
        let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let of = of.clone();
            async move {
                of.arrived.lock().unwrap().push(Arrived { headers, body });
                let status = of.answers.lock().unwrap().pop_front();
                let status = status.unwrap_or(*of.otherwise.lock().unwrap());
                (StatusCode::from_u16(status).unwrap(), "said")
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        receiver
    }

    /// From now on every request is answered so.
    fn answer(&self, status: u16) {
        *self.otherwise.lock().unwrap() = status;
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.arrived().iter().map(Arrived::kind).collect()
    }
}

struct Hook {
    path: String,
    secret: String,
}

impl Scene {
    fn hooks(&self) -> String {
        format!("/v1/resellers/{}/webhooks", self.reseller)
    }

    async fn hook(&self, form: &Value) -> Hook {
        let made = self.api("reseller_admin").post(&self.hooks(), form).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        Hook {
            path: format!("{}/{}", self.hooks(), made.text("/webhook/id")),
            secret: made.text("/secret").to_owned(),
        }
    }

    async fn hook_at(&self, receiver: &Receiver) -> Hook {
        self.look().await;
        self.hook(&json!({ "url": receiver.url, "types": ["licence.changed", "enterprise.*"] }))
            .await
    }

    async fn of_hook(&self, hook: &Hook, rest: &str) -> Answer {
        let answer = self
            .api("reseller_admin")
            .get(&format!("{}{rest}", hook.path))
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    async fn post_hook(&self, hook: &Hook, rest: &str, body: &Value) -> Answer {
        let path = format!("{}{rest}", hook.path);
        self.api("reseller_admin").post(&path, body).await.unwrap()
    }

    async fn put_hook(&self, hook: &Hook, form: &Value) -> Answer {
        let etag = self.of_hook(hook, "").await.etag;
        let answer = self
            .api("reseller_admin")
            .put(&hook.path, form, etag.as_deref())
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    /// What the tasks about webhooks name.
    async fn tasks_of_hooks(&self) -> Vec<String> {
        let path = format!("/v1/resellers/{}/tasks", self.reseller);
        let tasks = self.api("reseller_admin").get(&path).await.unwrap();
        assert_eq!(tasks.status, 200, "{}", tasks.body);
        let all = tasks.list("/items").iter();
        let of_hooks = all.filter(|task| task["kind"] == "webhookDisabled");
        of_hooks
            .map(|task| task["subject"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn owner(&self) -> String {
        let reseller = format!("/v1/resellers/{}", self.reseller);
        self.api("reseller_admin")
            .get(&reseller)
            .await
            .unwrap()
            .text("/owner")
            .to_owned()
    }

    async fn later(&self, by: SignedDuration) {
        self.service.world.advance(by).await;
        self.look().await;
    }
}

#[tokio::test]
async fn an_event_arrives_signed_and_is_the_one_of_the_feed() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    let hook = scene.hook_at(&receiver).await;
    scene.license(Some(9)).await;
    scene.look().await;
    let arrived = receiver.arrived();
    let [first] = &arrived[..] else { panic!("{arrived:?}") };
    let feed = scene.feed("?types=licence.changed").await;
    assert_eq!(first.event(), feed.list("/items")[0]);
    assert_eq!(first.header("webhook-id"), feed.text("/items/0/id"));
    assert_eq!(first.header("content-type"), "application/json");
    assert!(first.signed_with(&hook.secret), "{first:?}");
    assert!(!first.signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let at: i64 = first.header("webhook-timestamp").parse().unwrap();
    assert!((scene.service.world.clock.now().as_second() - at).abs() < 60);
    // It is not sent twice, and what came of it can be read.
    scene.look().await;
    assert_eq!(receiver.arrived().len(), 1);
    let sent = scene.of_hook(&hook, "/deliveries").await;
    let [sent] = sent.list("/items") else {
        panic!("{}", sent.body)
    };
    assert_eq!(
        (&sent["status"], &sent["type"], &sent["tries"]),
        (&json!(204), &json!("licence.changed"), &json!(1))
    );
    assert_eq!(
        (&sent["problem"], &sent["answer"], &sent["event"]),
        (&Value::Null, &json!(""), &first.event()["id"])
    );
    let standing = scene.of_hook(&hook, "").await;
    assert_eq!((standing.text("/state"), standing.number("/failures")), ("on", Some(0)));
    // The secret is shown once, and kept in no form that can be read.
    assert!(!standing.body.to_string().contains("whsec_"));
    assert!(
        !json!(scene.table().await.values().collect::<Vec<_>>())
            .to_string()
            .contains(&hook.secret)
    );
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_on_schedule_and_in_order() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    let hook = scene.hook_at(&receiver).await;
    receiver.answer(503);
    scene.license(Some(9)).await;
    scene.look().await;
    scene.license(Some(8)).await;
    scene.look().await;
    assert_eq!(receiver.arrived().len(), 1, "the second waits for the first");
    let standing = scene.of_hook(&hook, "").await;
    assert_eq!((standing.text("/state"), standing.number("/failures")), ("on", Some(1)));
    assert!(!standing.text("/nextTry").is_empty() && !standing.text("/failingSince").is_empty());
    scene.later(SignedDuration::from_secs(6)).await;
    assert_eq!(receiver.arrived().len(), 2);
    scene.later(SignedDuration::from_secs(60)).await;
    assert_eq!(receiver.arrived().len(), 2, "the third try comes after five minutes");
    receiver.answer(204);
    scene.later(SignedDuration::from_mins(5)).await;
    let limits: Vec<Value> = receiver
        .arrived()
        .iter()
        .map(|arrived| arrived.event()["data"]["values"]["userLimit"].clone())
        .collect();
    assert_eq!(limits, ["9", "9", "9", "8"]);
    let ids: Vec<String> = receiver
        .arrived()
        .iter()
        .map(|arrived| arrived.header("webhook-id").to_owned())
        .collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] < ids[3], "{ids:?}");
    let sent = scene.of_hook(&hook, "/deliveries").await;
    let problems: Vec<&Value> = sent.list("/items").iter().map(|sent| &sent["problem"]).collect();
    assert_eq!(
        problems,
        [&Value::Null, &Value::Null, &json!("status 503"), &json!("status 503")]
    );
    let standing = scene.of_hook(&hook, "").await;
    assert_eq!(
        (standing.number("/failures"), &standing.body["failingSince"]),
        (Some(0), &Value::Null)
    );
}

#[tokio::test]
async fn after_days_of_failure_it_is_off_and_nothing_is_lost() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    let hook = scene.hook_at(&receiver).await;
    receiver.answer(500);
    scene.license(Some(9)).await;
    scene.look().await;
    for hours in [0, 0, 1, 3, 6, 12, 16, 23, 27] {
        scene
            .later(SignedDuration::from_hours(hours) + SignedDuration::from_mins(6))
            .await;
    }
    // 5 s, 5 min, then half an hour at the earliest: some of these steps are too short for a try, so let days pass.
    for _ in 0..6 {
        scene.later(SignedDuration::from_hours(27)).await;
    }
    assert_eq!(receiver.arrived().len(), 10);
    let standing = scene.of_hook(&hook, "").await;
    assert_eq!(
        (standing.text("/state"), standing.text("/problem")),
        ("failed", "status 500")
    );
    assert_eq!(standing.body["enabled"], false);
    let trail = format!("/v1/resellers/{}/audit", scene.reseller);
    let trail = scene.api("reseller_admin").get(&trail).await.unwrap();
    assert_eq!(
        (trail.text("/items/0/deed"), trail.text("/items/0/role")),
        ("webhookDisabled", "service")
    );
    // The reseller has a task, and its owner a mail.
    assert_eq!(scene.tasks_of_hooks().await, ["127.0.0.1"]);
    let lambdas = &scene.service.world.aws.lambdas;
    lambdas.invoke("reminder", json!({ "outbox": true })).await.unwrap();
    let owner = scene.owner().await;
    let mails = scene.mails(&owner, "webhook");
    assert_eq!(mails.len(), 1, "{:?}", scene.mails(&owner, ""));
    let text = mails[0].text.as_deref().unwrap();
    assert!(text.contains("127.0.0.1") && text.contains("status 500"), "{text}");
    assert!(!text.contains("key=k"), "the rest of the address can be a secret");
    // What was missed stands in the feed.
    scene.license(Some(8)).await;
    let told = scene.told().await;
    assert!(kinds(&told).contains(&"webhook.disabled"), "{told:?}");
    assert_eq!(
        kinds(&told).iter().filter(|kind| **kind == "licence.changed").count(),
        2
    );
    assert_eq!(receiver.arrived().len(), 10, "nothing is sent to it");
    // And comes, once it is switched on again.
    receiver.answer(200);
    let form = json!({ "url": receiver.url, "types": ["licence.changed"], "enabled": true });
    assert_eq!(scene.put_hook(&hook, &form).await.text("/state"), "on");
    assert!(scene.tasks_of_hooks().await.is_empty());
    scene.look().await;
    let limits: Vec<Value> = receiver.arrived()[10..]
        .iter()
        .map(|arrived| arrived.event()["data"]["values"]["userLimit"].clone())
        .collect();
    assert_eq!(limits, ["9", "8"]);
}

#[tokio::test]
async fn who_says_that_it_is_gone_gets_nothing_more() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    let hook = scene.hook_at(&receiver).await;
    receiver.answer(410);
    scene.license(Some(9)).await;
    scene.look().await;
    scene.later(SignedDuration::from_hours(48)).await;
    assert_eq!(receiver.arrived().len(), 1);
    assert_eq!(scene.of_hook(&hook, "").await.text("/state"), "failed");
}

/// Whoever comes second finds that it was tried, however little later.
#[tokio::test]
async fn many_senders_at_once_try_once() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    scene.hook_at(&receiver).await;
    receiver.answer(500);
    scene.license(Some(9)).await;
    let world = &scene.service.world;
    let look = || world.aws.lambdas.invoke("webhooks", json!({ "look": true }));
    for looked in futures::future::join_all((0..8).map(|_| look())).await {
        looked.unwrap();
    }
    world.idle().await;
    assert_eq!(receiver.arrived().len(), 1);
}

#[tokio::test]
async fn each_webhook_gets_what_it_wants_at_its_own_pace() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let (fast, dead, other) = (
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    );
    scene.look().await;
    dead.answer(500);
    scene.hook(&json!({ "url": fast.url, "types": ["licence.*"] })).await;
    scene.hook(&json!({ "url": dead.url })).await;
    let other_hook = json!({ "url": other.url, "enterprises": ["ent_0000000000000000000000000z"] });
    scene.hook(&other_hook).await;
    for count in [9, 8, 7] {
        scene.license(Some(count)).await;
    }
    scene.done(Method::POST, "/disable", None).await;
    scene.look().await;
    assert_eq!(fast.kinds(), ["licence.changed"; 3]);
    assert_eq!(dead.arrived().len(), 1, "it waits at its first event");
    assert!(other.arrived().is_empty(), "{:?}", other.kinds());
}

#[tokio::test]
async fn a_new_secret_signs_at_once_and_the_old_one_for_a_day_more() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    let hook = scene.hook_at(&receiver).await;
    let rotated = scene.post_hook(&hook, "/secret", &json!({})).await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    let new = rotated.text("/secret").to_owned();
    assert_ne!(new, hook.secret);
    scene.license(Some(9)).await;
    scene.look().await;
    let both = receiver.arrived().pop().unwrap();
    assert!(both.signed_with(&hook.secret) && both.signed_with(&new));
    scene.later(SignedDuration::from_hours(25)).await;
    scene.license(Some(8)).await;
    scene.look().await;
    let one = receiver.arrived().pop().unwrap();
    assert!(!one.signed_with(&hook.secret) && one.signed_with(&new));
}

#[tokio::test]
async fn a_repeated_request_creates_one_webhook_and_gives_one_secret() {
    let scene = Scene::invited(options(20), None).await;
    let form = json!({ "url": "https://hooks.northwind.example/x" });
    let api = scene.api("reseller_admin");
    let send = || async {
        let headers = [("idempotency-key", "the one")];
        api.send(Method::POST, &scene.hooks(), Some(&form), &headers)
            .await
            .unwrap()
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let listed = api.get(&scene.hooks()).await.unwrap();
    assert_eq!(listed.list("/items"), [first.body["webhook"].clone()]);
    let secret = STANDARD
        .decode(first.text("/secret").strip_prefix("whsec_").unwrap())
        .unwrap();
    assert_eq!(secret.len(), 32);
    for n in 0..9 {
        scene
            .hook(&json!({ "url": format!("https://hooks.northwind.example/{n}") }))
            .await;
    }
    let full = api.post(&scene.hooks(), &form).await.unwrap();
    assert_eq!(
        (full.status.as_u16(), full.text("/code")),
        (409, "conflict"),
        "{}",
        full.body
    );
}

#[tokio::test]
async fn a_test_reaches_the_one_webhook_that_it_is_for() {
    let scene = Scene::invited(options(20), None).await;
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let hook = scene.hook_at(&receiver).await;
    scene
        .hook(&json!({ "url": other.url, "types": ["webhook.test"] }))
        .await;
    let asked = scene.post_hook(&hook, "/test", &json!({})).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    scene.look().await;
    assert_eq!(receiver.kinds(), ["webhook.test"]);
    assert!(receiver.arrived()[0].signed_with(&hook.secret));
    assert!(other.arrived().is_empty());
    // A webhook that failed is tried at once.
    receiver.answer(500);
    scene.post_hook(&hook, "/test", &json!({})).await;
    scene.look().await;
    assert_eq!(receiver.arrived().len(), 2);
    receiver.answer(200);
    scene.post_hook(&hook, "/test", &json!({})).await;
    scene.look().await;
    assert_eq!(receiver.arrived().len(), 4);
    let off = json!({ "url": receiver.url, "enabled": false });
    assert_eq!(scene.put_hook(&hook, &off).await.text("/state"), "off");
    let refused = scene.post_hook(&hook, "/test", &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code")), (409, "conflict"));
}

#[tokio::test]
async fn a_webhook_is_sent_back_to_an_earlier_place() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    let hook = scene.hook_at(&receiver).await;
    for count in [9, 8, 7] {
        scene.license(Some(count)).await;
    }
    scene.look().await;
    assert_eq!(receiver.arrived().len(), 3);
    let first = receiver.arrived()[0].header("webhook-id").to_owned();
    let replayed = scene.post_hook(&hook, "/replay", &json!({ "after": first })).await;
    assert_eq!(
        (replayed.status.as_u16(), replayed.text("/position")),
        (201, first.as_str()),
        "{}",
        replayed.body
    );
    scene.look().await;
    let arrived = receiver.arrived();
    assert_eq!(arrived.len(), 5);
    assert_eq!(arrived[3].body, arrived[1].body, "the same event again");
    let wrong = scene
        .post_hook(&hook, "/replay", &json!({ "after": "the beginning" }))
        .await;
    assert_eq!((wrong.status.as_u16(), wrong.text("/errors/0/field")), (422, "after"));
}

#[tokio::test]
async fn addresses_that_lead_elsewhere_than_to_the_public_internet_are_refused() {
    let scene = Scene::invited(options(20), None).await;
    let api = scene.api("reseller_admin");
    for url in [
        "http://hooks.northwind.example/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://hooks.northwind.example:22/",
        "https://me:secret@hooks.northwind.example/",
        "https://intranet/",
        "ftp://hooks.northwind.example/",
        "nonsense",
    ] {
        let refused = api.post(&scene.hooks(), &json!({ "url": url })).await.unwrap();
        assert_eq!(
            (refused.status.as_u16(), refused.text("/errors/0/field")),
            (422, "url"),
            "{url}: {}",
            refused.body
        );
    }
    let many = json!({ "url": "http://10.0.0.1/", "types": ["no.such", "run.*", "mail"], "description": "a\nb" });
    let refused = api.post(&scene.hooks(), &many).await.unwrap();
    assert_eq!(refused.list("/errors").len(), 4, "{}", refused.body);
    assert!(api.get(&scene.hooks()).await.unwrap().list("/items").is_empty());
}

#[tokio::test]
async fn webhooks_are_their_reseller_s_alone_and_deleted_for_good() {
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    let hook = scene.hook_at(&receiver).await;
    for role in ["account_admin", "global_admin", "reseller_viewer"] {
        for path in [&scene.hooks(), &hook.path, &format!("{}/deliveries", hook.path)] {
            assert_eq!(scene.api(role).get(path).await.unwrap().status, 404, "{role} {path}");
        }
    }
    // Whoever supports reads, and changes nothing.
    let support = scene.api("provider_support");
    assert_eq!(support.get(&hook.path).await.unwrap().status, 200);
    let refused = support.post(&format!("{}/test", hook.path), &json!({})).await.unwrap();
    assert_eq!(refused.status, 404);
    let etag = scene.of_hook(&hook, "").await.etag.unwrap();
    let delete = |etag: &str| {
        let (api, path, etag) = (scene.api("reseller_admin"), hook.path.clone(), etag.to_owned());
        async move {
            api.send(Method::DELETE, &path, None, &[("if-match", etag.as_str())])
                .await
                .unwrap()
                .status
        }
    };
    assert_eq!(delete("\"9\"").await, 412);
    assert_eq!(delete(&etag).await, 204);
    assert_eq!(delete(&etag).await, 404);
    scene.license(Some(9)).await;
    scene.look().await;
    assert!(receiver.arrived().is_empty());
}

/// The function is told of every change by the table's stream; nobody has to look.
#[tokio::test]
async fn the_table_s_stream_brings_an_event_without_a_look() {
    let mut options = options(20);
    options.world.events = true;
    let scene = Scene::invited(options, Some(40)).await;
    let receiver = Receiver::start().await;
    scene.service.world.idle().await;
    scene
        .hook(&json!({ "url": receiver.url, "types": ["licence.changed"] }))
        .await;
    scene.service.world.idle().await;
    scene.license(Some(9)).await;
    scene.service.world.idle().await;
    assert_eq!(receiver.kinds(), ["licence.changed"]);
}

/// Killed anywhere: everything arrives, in order; at worst something twice.
#[tokio::test]
async fn a_sender_that_is_killed_anywhere_loses_nothing() {
    use dialbridge_local::faults::Fault;
    let scene = Scene::invited(options(20), Some(40)).await;
    let receiver = Receiver::start().await;
    scene.hook_at(&receiver).await;
    let world = &scene.service.world;
    let mut count = 140;
    for call in 1..=24 {
        for _ in 0..2 {
            count -= 1;
            scene.license(Some(count)).await;
        }
        world.idle().await;
        world.faults.reset();
        world.faults.at_call(
            call,
            if call % 2 == 0 {
                Fault::KillBefore
            } else {
                Fault::KillAfter
            },
        );
        let _ = world.aws.lambdas.invoke("webhooks", json!({ "look": true })).await;
        world.idle().await;
        world.faults.reset();
        // The turn of the dead one ends.
        scene.later(SignedDuration::from_secs(120)).await;
        scene.later(SignedDuration::from_secs(120)).await;
    }
    let mut limits: Vec<u64> = receiver
        .arrived()
        .iter()
        .map(|arrived| {
            arrived.event()["data"]["values"]["userLimit"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    let sent = limits.len();
    // Each goes down by one: whatever comes twice comes right after itself.
    limits.dedup();
    let expected: Vec<u64> = (0..48).map(|n| 139 - n).collect();
    assert_eq!(limits, expected);
    println!("48 events, {sent} arrivals, a sender killed at each of 24 calls");
}
