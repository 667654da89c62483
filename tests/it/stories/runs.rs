//! Runs: stopped, repeated in part, without reading, their history, log and bundle (R150-R151, R195-R201).

use super::scene::{Scene, findings, options};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::drive::api::Answer;
use dialbridge_local::microsoft::Delays;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

/// Microsoft takes some minutes for each number.
fn slow() -> Options {
    let mut options = options(80);
    options.microsoft.delays = Delays {
        number_operation: SignedDuration::from_mins(4),
        ..Delays::none()
    };
    options
}

async fn stop(scene: &Scene, role: &str, run: &str) -> Answer {
    let api = scene.api(role);
    let path = scene.path(&format!("/runs/{run}/cancel"));
    api.send(Method::POST, &path, None, &[]).await.unwrap()
}

async fn post(scene: &Scene, role: &str, path: &str, form: Value) -> Answer {
    scene.api(role).post(&scene.path(path), &form).await.unwrap()
}

/// An apply run whose worker waits for Microsoft.
async fn at_work(scene: &Scene) -> String {
    let world = &scene.service.world;
    world.aws.state_machine.skip_waits(false);
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    scene.sign_in(&started, scene.admin()).await;
    world.idle().await;
    started.text("/id").to_owned()
}

#[tokio::test]
async fn a_run_that_waits_for_its_sign_in_is_stopped_at_once() {
    let scene = Scene::mapped(options(80), 2, 1).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    let run = started.text("/id");
    assert_eq!(
        stop(&scene, "account_admin", run).await.status,
        404,
        "only who may start"
    );
    let stopped = stop(&scene, "global_admin", run).await;
    assert_eq!(
        (stopped.status.as_u16(), stopped.text("/state")),
        (202, "cancelled"),
        "{}",
        stopped.body
    );
    assert_eq!(
        stopped.text("/result"),
        "Stopped: it ended before anything was changed."
    );
    assert!(!stopped.text("/ended").is_empty());
    // The link leads nowhere any more, a repetition says the same, and the next run may begin.
    let link = started.text("/signInUrl").parse().unwrap();
    let page = dialbridge_local::drive::browser::Browser::default()
        .open(&link)
        .await
        .unwrap();
    assert_eq!(page.status, 403, "{}", page.html);
    assert_eq!(stop(&scene, "global_admin", run).await.status, 202);
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    let ended = scene.get("/runs").await.body["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(stop(&scene, "global_admin", &ended).await.status, 409);
}

#[tokio::test]
async fn a_run_at_work_stops_at_its_next_step_and_what_was_handed_over_is_ours() {
    let scene = Scene::mapped(slow(), 3, 2).await;
    let run = at_work(&scene).await;
    let asked = stop(&scene, "global_admin", &run).await;
    assert_eq!(
        (asked.status.as_u16(), asked.text("/state")),
        (202, "applying"),
        "{}",
        asked.body
    );
    let ended = scene.at_rest(&run).await;
    assert_eq!(ended.text("/state"), "cancelled", "{}", ended.body);
    let log = scene.log(&ended).await;
    assert!(
        log.last()
            .unwrap()
            .ends_with("SYNC> Stopped on request; what Microsoft had been given by then is kept as ours"),
        "{log:?}"
    );
    // Microsoft is done meanwhile. The numbers are ours: unmapped, they are taken back.
    scene.service.world.advance(SignedDuration::from_mins(10)).await;
    assert_eq!(scene.holders().await.len(), 2);
    assert_eq!(scene.map(&[(0, None), (1, None)]).await.status, 200);
    scene.service.world.aws.state_machine.skip_waits(true);
    let back = scene.apply().await;
    assert_eq!(back.text("/state"), "succeeded", "{}", back.body);
    assert!(scene.holders().await.is_empty(), "{:?}", scene.holders().await);
}

#[tokio::test]
async fn a_sync_that_stopped_at_a_sign_in_can_be_given_up() {
    let scene = Scene::mapped(slow(), 3, 2).await;
    let started = scene.interrupted().await;
    let stopped = stop(&scene, "global_admin", started.text("/id")).await;
    assert_eq!(
        (stopped.status.as_u16(), stopped.text("/state")),
        (202, "cancelled"),
        "{}",
        stopped.body
    );
    scene.service.world.advance(SignedDuration::from_mins(10)).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn an_apply_only_run_does_not_read_the_directory_and_says_how_old_it_is() {
    let scene = Scene::connected(options(80), None).await;
    scene.clear_on_premises(&scene.tenant).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let form = json!({ "kind": "applyOnly", "mode": "full" });
    let refused = scene.start(form.clone()).await;
    assert_eq!(refused.status, 409, "nothing was read yet: {}", refused.body);
    let scene = Scene::mapped(options(80), 2, 1).await;
    scene.service.world.advance(SignedDuration::from_mins(90)).await;
    let run = scene.run(form).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let log = scene.log(&run).await.join("\n");
    assert!(
        log.contains("STORE> Teams users as they were read at") && log.contains("1 h 30 min ago"),
        "{log}"
    );
    assert!(!log.contains("Enabled users"), "{log}");
    assert_eq!(scene.holders().await.len(), 1);
}

#[tokio::test]
async fn the_failed_part_is_repeated_and_nobody_else_is_touched() {
    let scene = Scene::mapped(options(80), 4, 3).await;
    let refused = json!({ "number": "+3227001001", "failure": "No.", "times": 1 });
    scene.order("/number-faults", refused).await;
    let failed = scene.apply().await;
    assert_eq!(failed.text("/state"), "failed", "{}", failed.body);
    // Somebody is mapped meanwhile, who was no part of that run.
    assert_eq!(scene.map(&[(3, Some(3))]).await.status, 200);
    let path = format!("/runs/{}/retry", failed.text("/id"));
    let started = post(&scene, "global_admin", &path, json!({ "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    assert_eq!(
        (started.text("/kind"), started.text("/retryOf")),
        ("applyOnly", failed.text("/id"))
    );
    scene.sign_in(&started, scene.admin()).await;
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(run.list("/users").len(), 1, "{}", run.body);
    let held: Vec<String> = scene.holders().await.into_keys().collect();
    assert_eq!(held, ["+3227001000", "+3227001001", "+3227001002"]);
    assert_eq!(
        scene.get("/status").await.text("/actionNeeded"),
        "Sync Needed",
        "the fourth still waits"
    );
    let path = format!("/runs/{}/retry", run.text("/id"));
    let nothing = post(&scene, "global_admin", &path, json!({ "mode": "full" })).await;
    assert_eq!(nothing.status, 409, "{}", nothing.body);
}

#[tokio::test]
async fn r151_the_history_says_what_came_of_each_run() {
    let scene = Scene::applied(options(80), 3, 2).await;
    scene.map(&[(0, Some(1)), (1, None)]).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let history = scene.get("/runs").await;
    let items = history.list("/items");
    let told: Vec<(&Value, &Value)> = items.iter().map(|run| (&run["trigger"], &run["result"])).collect();
    assert_eq!(told.len(), 3);
    let (by, counts) = (&items[0]["authority"], &items[0]["counts"]);
    assert_eq!((by, items[0]["requestedBy"].is_string()), (&json!("globalAdmin"), true));
    assert_eq!(
        told[0],
        (
            &json!("manual"),
            &json!("Successful: 1 number moved, 1 released, 2 policies changed.")
        ),
        "{counts}"
    );
    assert_eq!(
        (&counts["moved"], &counts["users"], &counts["failed"]),
        (&json!(1), &json!(2), &json!(0))
    );
    assert!(items[0]["durationSeconds"].is_i64(), "{}", items[0]);
    assert_eq!(told[2].1, "Successful: the users of the tenant were read.");
}

#[tokio::test]
async fn a_runs_changes_are_read_in_parts_with_names() {
    let scene = Scene::applied(options(80), 3, 3).await;
    let run = scene.get("/runs?limit=1").await.body["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (mut texts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("/runs/{run}/changes?limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(page.list("/items").len() <= 2);
        texts.extend(
            page.list("/items")
                .iter()
                .map(|item| item["text"].as_str().unwrap().to_owned()),
        );
        match page.body["next"].as_u64() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(texts.len(), 9, "{texts:?}");
    let name = scene.candidates().await[0]["name"].as_str().unwrap().to_owned();
    assert!(texts.contains(&format!("+ +3227001000 to {name}")), "{texts:?}");
    let whole = scene.get(&format!("/runs/{run}")).await;
    let ids = whole
        .list("/users")
        .iter()
        .map(|user| user["teamsUser"].as_str().unwrap());
    for id in ids {
        assert!(texts.iter().all(|text| !text.contains(id)), "{texts:?}");
        assert!(
            !whole.body["users"][0]["changes"].to_string().contains(id),
            "{}",
            whole.body
        );
    }
}

#[tokio::test]
async fn r150_r200_a_debug_run_has_every_call_of_microsoft_and_a_normal_one_what_failed() {
    let scene = Scene::mapped(options(80), 2, 1).await;
    let run = scene
        .run(json!({ "kind": "apply", "mode": "full", "debug": true }))
        .await;
    let path = format!("/runs/{}/log", run.text("/id"));
    let debug = scene.get(&path).await;
    let texts = |answer: &Answer| -> Vec<String> {
        let lines = answer.list("/lines").iter();
        lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    let calls: Vec<String> = texts(&debug)
        .into_iter()
        .filter(|line| line.contains("GRAPH> GET "))
        .collect();
    let like = |part: &str| calls.iter().any(|call| call.contains(part));
    assert!(
        like("/v1.0/users") && like("/v1.0/organization") && like(" ms, request "),
        "{calls:#?}"
    );
    let all = texts(&debug).join("\n");
    assert!(all.contains("GRAPH> POST /v1.0/admin/teams/"), "{all}");
    let normal = scene.get(&format!("{path}?level=normal")).await;
    let normal = texts(&normal);
    assert!(
        !normal.is_empty() && !normal.iter().any(|line| line.contains(" ms, request ")),
        "{normal:#?}"
    );
    assert!(normal.len() < texts(&debug).len());
    // Nobody's id or address is in a call.
    let people = scene.candidates().await;
    for person in people {
        for own in [person["id"].as_str().unwrap(), person["email"].as_str().unwrap()] {
            assert!(calls.iter().all(|call| !call.contains(own)), "{own}");
        }
    }
    // A normal run notes what Microsoft refused, as a detail.
    let refused = json!({ "number": "+3227001000", "failure": "No.", "times": 9 });
    assert_eq!(scene.map(&[(0, None)]).await.status, 200);
    scene.order("/number-faults", refused).await;
    let run = scene.apply().await;
    let path = format!("/runs/{}/log", run.text("/id"));
    assert!(texts(&scene.get(&path).await).iter().all(|line| !line.contains(" ms")));
}

#[tokio::test]
async fn r195_r201_support_downloads_the_log_as_text() {
    let scene = Scene::mapped(options(80), 2, 1).await;
    let run = scene.apply().await;
    let path = scene.path(&format!("/runs/{}/log.txt", run.text("/id")));
    let url = format!("{}{}", scene.service.world.urls.api, path.trim_start_matches('/'));
    let token = scene.token("provider_support");
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(
        answer.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    let text = answer.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, scene.log(&run).await);
    assert!(
        lines.iter().all(|line| line.starts_with('<') && line.contains("> ")),
        "{text}"
    );
}

#[tokio::test]
async fn r212_r219_a_line_about_an_obstacle_has_its_fix_beside_it() {
    let scene = Scene::mapped(options(80), 2, 1).await;
    let refused = json!({ "number": "+3227001000", "failure": "No.", "times": 9 });
    scene.order("/number-faults", refused).await;
    let run = scene.apply().await;
    assert_eq!(findings(&run), ["MS_REFUSED"], "{}", run.body);
    let log = scene.get(&format!("/runs/{}/log", run.text("/id"))).await;
    let explained: Vec<&Value> = log
        .list("/lines")
        .iter()
        .filter(|line| line["text"].as_str().unwrap().contains("SYNC> MS_REFUSED") && !line["explanation"].is_null())
        .collect();
    assert_eq!(explained.len(), 1, "{}", log.body);
    assert_eq!(explained[0]["explanation"]["code"], "MS_REFUSED");
    assert!(explained[0]["explanation"]["fix"].as_str().unwrap().ends_with('.'));
    assert!(
        explained[0]["explanation"]["help"]
            .as_str()
            .unwrap()
            .starts_with("http")
    );
}

#[tokio::test]
async fn a_support_bundle_has_everything_but_people_and_secrets() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let refused = json!({ "number": "+3227001000", "failure": "No.", "times": 9 });
    scene.order("/number-faults", refused).await;
    let run = scene
        .run(json!({ "kind": "apply", "mode": "full", "debug": true }))
        .await;
    let path = format!("/runs/{}/support-bundle", run.text("/id"));
    let bundle = scene.get(&path).await;
    assert_eq!(bundle.status, 200, "{}", bundle.body);
    let text = bundle.body.to_string();
    assert!(
        text.contains(" ms, request ") && text.contains("MS_REFUSED") && text.contains("…1000"),
        "{text}"
    );
    assert_eq!(bundle.text("/tenant"), scene.tenant.id);
    assert!(!bundle.list("/preflight").is_empty(), "{text}");
    let people = scene.candidates().await;
    for person in &people[..2] {
        assert!(!text.contains(person["email"].as_str().unwrap()), "{person}");
        assert!(!text.contains(person["name"].as_str().unwrap()), "{person}");
    }
    assert!(
        !text.contains("Voice User 000") && !text.contains("+3227001000") && !text.contains(scene.admin()),
        "{text}"
    );
    // With people for the provider's staff, and for nobody else.
    let named = format!("{path}?people=true");
    assert_eq!(scene.get(&named).await.status, 422);
    let named = scene.api("provider_support").get(&scene.path(&named)).await.unwrap();
    assert!(named.body.to_string().contains("+3227001000"), "{}", named.body);
    for role in ["reseller_viewer", "account_manager"] {
        let none = scene.api(role).get(&scene.path(&path)).await.unwrap();
        assert_eq!(none.status, 404, "{role}");
    }
}

#[tokio::test]
async fn a_wrong_mapping_that_took_four_numbers_is_undone() {
    let scene = Scene::applied(options(80), 5, 5).await;
    let (before, rows) = (scene.holders().await, scene.get("/mapping").await.body["rows"].clone());
    let wrong: Vec<(usize, Option<usize>)> = (0..4).map(|n| (n, None)).collect();
    assert_eq!(scene.map(&wrong).await.status, 200);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 1);
    let path = format!("/runs/{}/undo", run.text("/id"));
    let api = scene.api("account_admin");
    let headers = [("idempotency-key", "back")];
    let plan = api
        .send(Method::POST, &scene.path(&path), None, &headers)
        .await
        .unwrap();
    assert_eq!(plan.status, 201, "{}", plan.body);
    let shown = plan
        .list("/text")
        .iter()
        .filter(|line| line.as_str().unwrap().starts_with("+ +32"));
    assert_eq!(shown.count(), 4, "{}", plan.body);
    assert_eq!(scene.holders().await.len(), 1, "nothing changes in Teams before a sync");
    let again = api
        .send(Method::POST, &scene.path(&path), None, &headers)
        .await
        .unwrap();
    assert_eq!(again.text("/id"), plan.text("/id"));
    let form = json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") });
    let back = scene.run(form).await;
    assert_eq!(back.text("/state"), "succeeded", "{}", back.body);
    assert_eq!(scene.holders().await, before);
    let restored = scene.get("/mapping").await.body["rows"].clone();
    assert_eq!(restored, rows);
    assert!(scene.deeds().await.contains(&"runUndone".to_owned()));
}

#[tokio::test]
async fn an_undo_is_refused_with_everybody_for_whom_the_world_moved_on() {
    let scene = Scene::applied(options(80), 3, 2).await;
    assert_eq!(scene.map(&[(0, None), (1, None)]).await.status, 200);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    // One of the two was mapped otherwise since, and the number of the other belongs to nobody any more.
    assert_eq!(scene.map(&[(2, Some(0))]).await.status, 200);
    let mut items: Vec<Value> = (0..3).map(super::scene::voice_user).collect();
    items[1]["number"] = json!("+3227001555");
    scene.push_items(json!(items)).await;
    let path = format!("/runs/{}/undo", run.text("/id"));
    let kept = scene.kept().await;
    let refused = post_bare(&scene, &path).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let mut codes: Vec<&str> = refused
        .list("/errors")
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, ["MAPPED_AGAIN", "NUMBER_GONE"], "{}", refused.body);
    assert_eq!(scene.kept().await, kept, "nothing is half undone");
}

async fn post_bare(scene: &Scene, path: &str) -> Answer {
    let headers = [("idempotency-key", path)];
    let api = scene.api("account_admin");
    api.send(Method::POST, &scene.path(path), None, &headers).await.unwrap()
}
