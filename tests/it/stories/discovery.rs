//! Discovery: what is counted, what is offered, and that a read which fails half-way changes nothing (R089-R103,
//! R195-R201).

use super::scene::{Scene, Table, findings, options, voice_user};
use dialbridge_local::drive::api::Answer;
use serde_json::{Value, json};

async fn scene() -> Scene {
    Scene::discovered(options(120), None).await
}

/// Teams users and their digests, as they are kept.
async fn users(scene: &Scene) -> Table {
    let mut kept = scene.kept().await;
    kept.retain(|(pk, sk), _| pk.contains("#TEAMS#") || sk.starts_with("MANIFEST#"));
    kept
}

async fn discover(scene: &Scene) -> Answer {
    scene.run(json!({ "kind": "discover" })).await
}

/// The number after a word such as `total=`.
fn figure(line: &str, name: &str) -> usize {
    let (_, rest) = line.split_once(&format!("{name}=")).unwrap();
    rest.split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// `written`, `unchanged` and `removed` of a run's log.
async fn stored(scene: &Scene, run: &Answer) -> [usize; 3] {
    let log = scene.log(run).await;
    let line = log.iter().find(|line| line.contains("> Teams users: ")).unwrap();
    let mut numbers = line.rsplit("users: ").next().unwrap().split(", ").map(|part| {
        let number = part.split(' ').next().unwrap();
        number.parse().unwrap()
    });
    [
        numbers.next().unwrap(),
        numbers.next().unwrap(),
        numbers.next().unwrap(),
    ]
}

/// Every user of the tenant, asked of Microsoft with the Global Admin's own token and not through our client.
pub(super) async fn directory(scene: &Scene) -> Vec<Value> {
    use dialbridge_local::world::deployment::{ENTRA_CLIENT_ID, ENTRA_CLIENT_SECRET};
    let urls = &scene.service.world.urls;
    let base = format!("{}{}/oauth2/v2.0", urls.login, scene.tenant.id);
    let redirect = urls.api.join("/signin/callback").unwrap().to_string();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let query = [
        ("client_id", ENTRA_CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", &redirect),
        ("scope", "https://graph.microsoft.com/User.Read.All"),
    ];
    let authorize = client.post(format!("{base}/authorize")).query(&query);
    let sent = authorize.form(&[("account", scene.admin())]).send().await.unwrap();
    let back: url::Url = sent.headers()["location"].to_str().unwrap().parse().unwrap();
    let code = back
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let form = [
        ("client_id", ENTRA_CLIENT_ID),
        ("client_secret", ENTRA_CLIENT_SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", &redirect),
        ("code", &code),
    ];
    let token = client.post(format!("{base}/token")).form(&form).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap_or_else(|| panic!("{token}"));
    let select = "id,accountEnabled,userType,assignedLicenses,assignedPlans,userPrincipalName,displayName";
    let mut next = Some(format!(
        "{}v1.0/users?$select={select}&$top=999",
        scene.service.world.urls.graph
    ));
    let mut users = Vec::new();
    while let Some(url) = next {
        let page: Value = client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        users.extend(page["value"].as_array().unwrap_or_else(|| panic!("{page}")).clone());
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    users
}

pub(super) fn has_plan(user: &Value, plan_id: &str) -> bool {
    let plans = user["assignedPlans"].as_array().unwrap();
    plans.iter().any(|plan| {
        let works = plan["capabilityStatus"] == "Enabled" || plan["capabilityStatus"] == "Warning";
        works && plan["servicePlanId"] == plan_id
    })
}

const PHONE_SYSTEM: &str = "4828c8ec-dc2e-4779-b502-87ac9ce28ab7";
const RESOURCE: &str = "f47330e9-c134-43b3-9993-e7f004506889";

#[tokio::test]
async fn r097_r196_total_and_phone_system_are_what_an_independent_count_gives() {
    let scene = Scene::connected(options(120), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let run = discover(&scene).await;
    let log = scene.log(&run).await;
    let line = log.iter().find(|line| line.contains("Enabled users: ")).unwrap();
    let all = directory(&scene).await;
    let enabled: Vec<&Value> = all
        .iter()
        .filter(|user| user["accountEnabled"] == true && user["userType"] != "Guest")
        .collect();
    assert_eq!(figure(line, "total"), enabled.len());
    let licensed = enabled
        .iter()
        .filter(|user| !user["assignedLicenses"].as_array().unwrap().is_empty());
    assert_eq!(figure(line, "licensed"), licensed.count());
    let resource = enabled.iter().filter(|user| has_plan(user, RESOURCE)).count();
    assert_eq!(figure(line, "resource"), resource);
    let phone = enabled
        .iter()
        .filter(|user| has_plan(user, PHONE_SYSTEM) && !has_plan(user, RESOURCE));
    assert_eq!(figure(line, "phoneSystem"), phone.count());
}

#[tokio::test]
async fn r089_r090_the_result_line_counts_who_can_be_mapped() {
    let scene = scene().await;
    let run = discover(&scene).await;
    let log = scene.log(&run).await;
    let line = log.iter().find(|line| line.contains("> Found ")).unwrap();
    let number = |text: &str| text.split(' ').next().unwrap().parse::<usize>().unwrap();
    let found = number(line.split_once("> Found ").unwrap().1);
    let excluded = number(line.split_once("of which ").unwrap().1);
    assert_eq!(found - excluded, scene.candidates().await.len());
    assert!(excluded > 0, "the simulated directory has users with a Calling Plan");
}

#[tokio::test]
async fn r098_r199_the_filter_line_comes_before_the_count_and_agrees_with_it() {
    let scene = Scene::connected(options(120), None).await;
    scene.choose(json!({ "mode": "groups", "names": ["Sales"] })).await;
    let run = discover(&scene).await;
    let log = scene.log(&run).await;
    assert!(
        log[0].contains("> GRAPH> Applying filter for group 'Sales': include "),
        "{log:?}"
    );
    let included: usize = log[0]
        .split_once("include ")
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(included > 0);
    assert_eq!(figure(&log[1], "total"), included);
}

#[tokio::test]
async fn r092_r093_r094_nobody_with_a_calling_plan_or_credits_is_offered() {
    let scene = scene().await;
    let user = scene.candidates().await[0].clone();
    for licence in ["MCOPSTN1", "MCOPSTNC"] {
        let path = format!("/users/{}", user["id"].as_str().unwrap());
        scene.order(&path, json!({ "licences": ["SPE_E5", licence] })).await;
        discover(&scene).await;
        let offered = scene.candidates().await;
        assert!(!offered.iter().any(|other| other["id"] == user["id"]), "{licence}");
    }
}

#[tokio::test]
async fn r102_entries_show_name_and_address() {
    let scene = scene().await;
    for user in scene.candidates().await {
        let expected = format!(
            "{} ({})",
            user["name"].as_str().unwrap(),
            user["email"].as_str().unwrap()
        );
        assert_eq!(user["label"], expected);
    }
}

#[tokio::test]
async fn r103_the_country_comes_from_microsofts_location() {
    let scene = scene().await;
    let user = scene.candidates().await[0].clone();
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    scene.order(&path, json!({ "usageLocation": "NO" })).await;
    discover(&scene).await;
    assert_eq!(scene.candidates().await[0]["country"], "NO");
}

#[tokio::test]
async fn an_unchanged_second_run_writes_no_user() {
    let scene = scene().await;
    let before = users(&scene).await;
    scene.service.world.faults.reset();
    let run = discover(&scene).await;
    let [written, unchanged, removed] = stored(&scene, &run).await;
    assert_eq!((written, removed), (0, 0));
    let people = before.keys().filter(|(pk, _)| pk.contains("#TEAMS#")).count();
    assert_eq!(unchanged, people);
    assert!(
        people > scene.candidates().await.len(),
        "also those who cannot be mapped"
    );
    assert_eq!(users(&scene).await, before);
}

#[tokio::test]
async fn r101_a_renamed_user_is_seen_at_the_next_sync_and_not_before() {
    let scene = scene().await;
    let user = scene.candidates().await[0].clone();
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    scene.order(&path, json!({ "displayName": "Renamed Person" })).await;
    assert_eq!(scene.candidates().await[0]["name"], user["name"]);
    let run = discover(&scene).await;
    assert_eq!(stored(&scene, &run).await[0], 1);
    assert_eq!(scene.candidates().await[0]["name"], "Renamed Person");
}

#[tokio::test]
async fn r101_an_unlicensed_a_disabled_and_a_deleted_user_are_gone_after_the_next_sync() {
    let scene = scene().await;
    let before = scene.candidates().await;
    for (at, change) in [
        json!({ "licences": [] }),
        json!({ "enabled": false }),
        json!({ "deleted": "restorable" }),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/users/{}", before[at]["id"].as_str().unwrap());
        scene.order(&path, change).await;
    }
    let run = discover(&scene).await;
    // Whoever lost the licence is kept, with the reason; the others are gone.
    let [written, _, removed] = stored(&scene, &run).await;
    assert_eq!((written, removed), (1, 2));
    assert_eq!(scene.candidates().await, before[3..]);
}

/// Breaks the second page of users, and looks at what is left of it.
async fn broken(fault: Value, heals: bool) {
    let scene = Scene::discovered(options(1200), None).await;
    let before = users(&scene).await;
    let user = scene.candidates().await[0].clone();
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    scene.order(&path, json!({ "displayName": "Half Read" })).await;
    let mut order = json!({ "method": "GET", "path": "/users", "skip": 1 });
    order
        .as_object_mut()
        .unwrap()
        .extend(fault.as_object().unwrap().clone());
    scene.microsoft("/faults", order).await;
    let run = discover(&scene).await;
    if heals {
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
        assert_eq!(scene.candidates().await[0]["name"], "Half Read");
    } else {
        assert_eq!(run.text("/state"), "failed", "{}", run.body);
        assert!(!findings(&run).is_empty());
        assert_eq!(users(&scene).await, before, "what was kept stays as it was");
    }
}

#[tokio::test]
async fn a_page_that_is_refused_once_heals() {
    broken(json!({ "status": 500, "times": 1 }), true).await;
}

#[tokio::test]
async fn a_page_that_is_html_once_heals() {
    broken(
        json!({ "status": 503, "body": "<html>Service Unavailable</html>", "times": 1 }),
        true,
    )
    .await;
}

#[tokio::test]
async fn a_page_that_breaks_off_once_heals() {
    broken(json!({ "truncate": true, "times": 1 }), true).await;
}

#[tokio::test]
async fn a_dropped_connection_heals() {
    broken(json!({ "drop": "after", "times": 1 }), true).await;
}

#[tokio::test]
async fn a_page_that_is_refused_for_good_changes_nothing() {
    broken(json!({ "status": 403, "times": 999 }), false).await;
}

#[tokio::test]
async fn a_page_that_is_no_json_changes_nothing() {
    broken(
        json!({ "status": 200, "body": "<html>hello</html>", "times": 999 }),
        false,
    )
    .await;
}

#[tokio::test]
async fn r101_a_mapped_user_who_disappears_stays_mapped_and_is_named_as_gone() {
    let scene = scene().await;
    scene.push_items(json!([voice_user(0)])).await;
    scene.map(&[(0, Some(0))]).await;
    let id = scene.candidates().await[0]["id"].as_str().unwrap().to_owned();
    scene
        .order(&format!("/users/{id}"), json!({ "deleted": "restorable" }))
        .await;
    discover(&scene).await;
    let page = scene.get("/mapping").await;
    assert_eq!(page.text("/rows/0/teamsUser"), id);
    assert!(
        page.text("/rows/0/text").contains("no longer available"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn r142_before_the_first_sync_nobody_can_be_mapped() {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    scene.push(2).await;
    let etag = scene.get("/mapping").await.etag;
    let row = json!({ "voiceUser": "v000", "teamsUser": null });
    let answer = scene.save(&[row], etag.as_deref()).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
}

#[tokio::test]
async fn r099_before_the_first_sync_the_list_is_empty_and_says_to_wait() {
    let scene = Scene::connected(options(60), None).await;
    let list = scene.get("/teams-users").await;
    assert!(list.list("/items").is_empty());
    assert!(
        list.text("/hint").starts_with("Wait for the first sync"),
        "{}",
        list.body
    );
    assert!(
        scene
            .get("/mapping")
            .await
            .text("/notices/0/text")
            .contains("has to sync once")
    );
}

#[tokio::test]
async fn r201_support_of_the_provider_reads_the_log() {
    let scene = scene().await;
    let run = discover(&scene).await;
    let path = scene.path(&format!("/runs/{}/log", run.text("/id")));
    let log = scene.api("provider_support").get(&path).await.unwrap();
    assert_eq!(log.status, 200);
    assert!(!log.list("/lines").is_empty());
}

#[tokio::test]
async fn r195_every_line_has_time_and_channel() {
    let scene = scene().await;
    let run = discover(&scene).await;
    for line in scene.log(&run).await {
        let (time, rest) = line.split_at(8);
        assert!(time.starts_with('<') && time.ends_with("> "), "{line}");
        let channel = rest.split_once("> ").unwrap().0;
        assert!(channel.chars().all(|c| c.is_ascii_uppercase()), "{line}");
    }
}

#[tokio::test]
async fn r151_the_history_has_the_newest_run_first() {
    let scene = scene().await;
    let newest = discover(&scene).await;
    let history = scene.get("/runs").await;
    assert_eq!(history.text("/items/0/id"), newest.text("/id"));
    assert_eq!(history.list("/items").len(), 2);
}

#[tokio::test]
async fn r135_the_log_of_a_run_can_be_read_in_parts() {
    let scene = scene().await;
    let run = discover(&scene).await;
    let whole = scene.log(&run).await;
    let path = |from: u64| format!("/runs/{}/log?limit=2&from={from}", run.text("/id"));
    let (mut parts, mut from) = (Vec::new(), 0);
    loop {
        let part = scene.get(&path(from)).await;
        if part.list("/lines").is_empty() {
            break;
        }
        parts.extend(
            part.list("/lines")
                .iter()
                .map(|line| line["text"].as_str().unwrap().to_owned()),
        );
        from = part.number("/next").unwrap();
    }
    assert_eq!(parts, whole);
}
