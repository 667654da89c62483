//! What can be known to fail is known before it is tried: each cause of the table of predictive checks, as a fixture in
//! which the simulated Microsoft really refuses, and which the plan, the run and the report name beforehand.

use super::scene::{Scene, findings, options, voice_user};
use dialbridge_local::drive::api::Answer;
use jiff::SignedDuration;
use reqwest::Client;
use serde_json::{Value, json};

/// A cause: its code, what is done to the person and to the number, and whether the person is left alone.
struct Cause {
    code: &'static str,
    user: Option<Value>,
    number: Option<Value>,
    left_alone: bool,
}

fn of_user(code: &'static str, order: Value) -> Cause {
    Cause {
        code,
        user: Some(order),
        number: None,
        left_alone: true,
    }
}

fn of_number(code: &'static str, order: Value) -> Cause {
    Cause {
        code,
        user: None,
        number: Some(order),
        left_alone: true,
    }
}

/// Every cause by which the assignment of a number to a mapped person fails. `{other}` is somebody who is not mapped,
/// `{self}` the mapped person.
fn causes() -> Vec<Cause> {
    vec![
        of_user("NO_PHONE_SYSTEM", json!({ "licences": [] })),
        of_user(
            "NO_PHONE_SYSTEM",
            json!({ "plans": [{ "name": "MCOEV", "status": "Suspended" }] }),
        ),
        of_user("MAPPED_USER_GONE", json!({ "deleted": "forGood" })),
        of_number("NUMBER_TAKEN", json!({ "holder": "{other}" })),
        of_number("NUMBER_TAKEN", json!({ "type": "callingPlan" })),
        of_number("NUMBER_TAKEN", json!({ "number": "+3227009999", "holder": "{self}" })),
        of_number("NUMBER_ORPHANED", json!({ "orphaned": true })),
        of_number(
            "ONPREM_LINE_URI",
            json!({ "number": "+3227008888", "holder": "{self}", "onPremises": true }),
        ),
        Cause {
            left_alone: false,
            ..of_user("COUNTRY_MISMATCH", json!({ "usageLocation": "US" }))
        },
        Cause {
            left_alone: false,
            ..of_user("COUNTRY_MISSING", json!({ "usageLocation": "" }))
        },
    ]
}

/// Why Microsoft would refuse to give the number to the user, if it would.
async fn refusal(scene: &Scene, number: &str, user: &str) -> Option<String> {
    let path = format!("/_microsoft/tenants/{}/refusals", scene.tenant.id);
    let url = scene.service.world.urls.portal.join(&path).unwrap();
    let order = json!({ "number": number, "user": user });
    let answer = Client::new().post(url).json(&order).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["refused"].as_str().map(str::to_owned)
}

async fn preflight(scene: &Scene) -> Answer {
    let answer = scene.get("/preflight").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

fn kind<'a>(report: &'a Answer, code: &str) -> &'a Value {
    let found = report.list("/codes").iter().find(|kind| kind["code"] == code);
    found.unwrap_or_else(|| panic!("no {code}: {:#}", report.body))
}

/// The Teams users whom findings of a code are about.
fn about(list: &[Value], code: &str) -> Vec<String> {
    let of_code = list.iter().filter(|finding| finding["code"] == code);
    of_code
        .filter_map(|finding| finding["about"].as_str())
        .map(str::to_owned)
        .collect()
}

/// One world with everybody in trouble, each for a reason of their own; one user has none.
#[tokio::test]
async fn r145_r208_no_sync_tries_what_preflight_could_have_known() {
    let causes = causes();
    let count = causes.len() + 1;
    let scene = Scene::mapped(options(120), count, count).await;
    let people = scene.candidates().await;
    let id = |n: usize| people[n]["id"].as_str().unwrap().to_owned();
    let number = |n: usize| format!("+3227001{n:03}");
    scene
        .microsoft("/switches", json!({ "strictUsageLocation": true }))
        .await;
    for n in 0..count {
        scene
            .order(&format!("/users/{}", id(n)), json!({ "usageLocation": "BE" }))
            .await;
        assert_eq!(refusal(&scene, &number(n), &id(n)).await, None, "nothing is wrong yet");
    }
    let other = id(count + 1);
    for (n, cause) in causes.iter().enumerate() {
        if let Some(order) = &cause.user {
            scene.order(&format!("/users/{}", id(n)), order.clone()).await;
        }
        if let Some(order) = &cause.number {
            let mut order = order.clone();
            if order["number"].is_null() {
                order["number"] = json!(number(n));
            }
            match order["holder"].as_str() {
                Some("{other}") => order["holder"] = json!(other),
                Some("{self}") => order["holder"] = json!(id(n)),
                _ => {}
            }
            scene.order("/numbers", order).await;
        }
        let refused = refusal(&scene, &number(n), &id(n)).await;
        assert!(refused.is_some(), "{}: Microsoft would take it", cause.code);
    }
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed");
    let tried = run.body["users"].to_string();
    let log = scene.log(&run).await.join("\n");
    for (n, cause) in causes.iter().enumerate() {
        let (code, id) = (cause.code, id(n));
        if cause.left_alone {
            let named = about(run.list("/findings"), code);
            assert!(named.contains(&id), "{code} is not found: {:#}", run.body["findings"]);
            assert!(!tried.contains(&id), "{code} is tried: {tried}");
        } else {
            // A tenant may be strict about it or not: it is told beforehand, and tried.
            assert!(log.contains(code), "{code} is not told: {log}");
            assert!(tried.contains(&id), "{code} may work");
        }
    }
    let last = count - 1;
    let held = scene.holders().await;
    assert!(
        held.contains_key(&number(last)),
        "who has no trouble is not kept waiting"
    );
    // What a run has seen, and what is kept of the directory, is known from then on without a sign-in.
    let report = preflight(&scene).await;
    for (n, cause) in causes.iter().enumerate() {
        let found = kind(&report, cause.code);
        let findings = found["findings"].as_array().unwrap();
        let named = about(findings, cause.code);
        assert!(named.contains(&id(n)), "{}: {found:#}", cause.code);
        for finding in findings {
            assert!(
                finding["seenAt"].is_string() && finding["fix"].is_string(),
                "{finding:#}"
            );
        }
    }
}

// A guest is never offered; who becomes one is found by the next run.
#[tokio::test]
async fn r100_before_the_first_sync_the_report_says_so() {
    let scene = Scene::connected(options(60), None).await;
    let report = preflight(&scene).await;
    assert!(report.body.get("directoryRead").is_none(), "{}", report.body);
}

#[tokio::test]
async fn everything_in_order_is_ready() {
    let scene = Scene::applied(options(80), 2, 2).await;
    let report = preflight(&scene).await;
    assert_eq!(report.body["ready"], true, "{}", report.body);
    assert!(report.body["directoryRead"].is_string());
    let stops = report
        .list("/codes")
        .iter()
        .filter(|kind| kind["effect"] == "stopsSync");
    assert_eq!(stops.count(), 0, "{}", report.body);
}

// R087, R214
#[tokio::test]
async fn a_group_that_stops_the_sync_is_known_without_another_one() {
    let scene = Scene::applied(options(80), 2, 2).await;
    scene.choose(json!({ "mode": "groups", "names": ["Billing"] })).await;
    scene.order("/groups/Billing", json!({ "empty": true })).await;
    assert_eq!(findings(&scene.apply().await), ["GROUP_EMPTY"]);
    let report = preflight(&scene).await;
    let group = kind(&report, "GROUP_EMPTY");
    assert_eq!(
        (&group["scope"], &group["effect"]),
        (&json!("group"), &json!("stopsSync"))
    );
    assert_eq!(report.body["ready"], false);
}

// R117, R127-R129
#[tokio::test]
async fn what_is_saved_and_not_synced_is_counted_and_read_in_parts() {
    let scene = Scene::mapped(options(120), 30, 30).await;
    let report = preflight(&scene).await;
    let waiting = kind(&report, "NOT_SYNCED_YET");
    assert_eq!(
        (&waiting["count"], waiting["findings"].as_array().unwrap().len()),
        (&json!(30), 20)
    );
    assert_eq!(waiting["next"], 20);
    let all = scene.get("/preflight?code=NOT_SYNCED_YET").await;
    assert_eq!(kind(&all, "NOT_SYNCED_YET")["findings"].as_array().unwrap().len(), 30);
    let rest = scene.get("/preflight?code=NOT_SYNCED_YET&cursor=25").await;
    assert_eq!(kind(&rest, "NOT_SYNCED_YET")["findings"].as_array().unwrap().len(), 5);
    let unknown = scene.get("/preflight?code=NO_SUCH_CODE").await;
    assert!(unknown.status.is_client_error(), "{}", unknown.body);
}

#[tokio::test]
async fn a_plan_says_what_the_directory_says_before_anybody_signs_in() {
    let scene = Scene::mapped(options(80), 2, 2).await;
    let person = scene.candidates().await[0]["id"].as_str().unwrap().to_owned();
    scene
        .order(&format!("/users/{person}"), json!({ "licences": [] }))
        .await;
    scene.run(json!({ "kind": "discover" })).await;
    let plan = scene.plan().await;
    assert_eq!(
        about(plan.list("/conflicts"), "NO_PHONE_SYSTEM"),
        std::slice::from_ref(&person),
        "{}",
        plan.body
    );
    assert!(!plan.body["changes"].to_string().contains(&person));
    assert!(
        plan.number("/estimatedCalls").is_some_and(|calls| calls > 0),
        "{}",
        plan.body
    );
    let text = plan.body["text"].to_string();
    for change in plan.list("/changes") {
        let reason = change["reasonText"].as_str().unwrap();
        assert!(text.contains(reason), "{reason}: {text}");
    }
}

/// The dial pad's clock runs for everybody who was given a number, and is listed for a day (R144, R209, R221).
#[tokio::test]
async fn r209_the_clocks_of_all_dial_pads_are_in_the_report() {
    let scene = Scene::applied(options(80), 2, 2).await;
    let waiting = preflight(&scene).await;
    let clock = kind(&waiting, "DIALPAD_WAIT");
    assert_eq!((&clock["count"], &clock["scope"]), (&json!(2), &json!("user")));
    scene.service.world.advance(SignedDuration::from_hours(2)).await;
    let late = preflight(&scene).await;
    assert_eq!(kind(&late, "DIALPAD_LATE")["count"], 2, "{}", late.body);
    assert_eq!(late.body["ready"], true, "it stops no sync");
    scene.service.world.advance(SignedDuration::from_hours(22)).await;
    let settled = preflight(&scene).await;
    assert!(!settled.body.to_string().contains("DIALPAD"), "{}", settled.body);
}

// R124, R125
#[tokio::test]
async fn whom_the_next_sync_cannot_match_is_in_the_report() {
    let scene = Scene::discovered(options(80), None).await;
    let mut stranger = voice_user(0);
    stranger["matchByMail"] = json!(true);
    scene.push_items(json!([stranger])).await;
    let report = preflight(&scene).await;
    let unmatched = kind(&report, "EMAIL_NO_MATCH");
    assert_eq!((&unmatched["count"], &report.body["ready"]), (&json!(1), &json!(true)));
    assert!(unmatched["findings"][0]["seenAt"].is_string(), "{unmatched}");
}
