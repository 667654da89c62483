//! Bodies, ids, methods and parameters that no route can use.

use super::routes::{self, Route};
use super::{UNKNOWN, World};
use reqwest::Method;
use serde_json::{Value, json};

/// Routes that read a JSON body.
fn with_body() -> Vec<Route> {
    routes::api()
        .into_iter()
        .filter(|route| route.schema.is_some())
        .collect()
}

async fn everywhere(bodies: &[&str], code: &str, status: u16) {
    let world = World::new().await;
    let before = world.scene.kept().await;
    for route in with_body() {
        let (path, token) = (world.path(&route, &world.scene.enterprise), world.token(&route));
        for body in bodies {
            let seen = world.send(&route, &path, Some(&token), Some((*body).to_owned())).await;
            seen.coded(&format!("{} {body:.40}", route.name()), status, code);
        }
    }
    assert_eq!(world.scene.kept().await, before);
}

#[tokio::test]
async fn malformed_json_is_refused_everywhere() {
    everywhere(
        &["", "{", "{\"name\":", "nonsense", "{\"a\":1}}", "\u{0}", "[1,2"],
        "malformed",
        400,
    )
    .await;
}

#[tokio::test]
async fn json_of_another_shape_is_refused_everywhere() {
    everywhere(&["null", "true", "7", "\"text\"", "[]", "[{}]"], "malformed", 400).await;
}

#[tokio::test]
async fn nesting_without_end_is_refused_everywhere() {
    let deep = "[".repeat(20_000);
    let objects = "{\"a\":".repeat(10_000);
    everywhere(&[&deep, &objects], "malformed", 400).await;
}

#[tokio::test]
async fn a_body_over_64_kb_is_refused_everywhere_and_one_over_5_mb_where_many_users_come() {
    let world = World::new().await;
    let before = world.scene.kept().await;
    for route in with_body() {
        let of_many = route.name() == "PUT /v1/enterprises/{enterprise}/voice-users" || route.path.ends_with("/import");
        let size = if of_many { 5 * 1024 * 1024 } else { 64 * 1024 };
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(size));
        let (path, token) = (world.path(&route, &world.scene.enterprise), world.token(&route));
        let seen = world.send(&route, &path, Some(&token), Some(large)).await;
        seen.coded(&route.name(), 413, "too-large");
    }
    assert_eq!(world.scene.kept().await, before);
}

#[tokio::test]
async fn an_unknown_field_is_refused_everywhere() {
    let world = World::new().await;
    let before = world.scene.kept().await;
    for route in with_body() {
        let (path, token) = (world.path(&route, &world.scene.enterprise), world.token(&route));
        let mut body = route.body().unwrap();
        body["surprise"] = json!(1);
        let seen = world.send(&route, &path, Some(&token), Some(body.to_string())).await;
        seen.coded(&format!("{} {body}", route.name()), 400, "malformed");
    }
    assert_eq!(world.scene.kept().await, before);
}

#[tokio::test]
async fn a_wrong_type_is_refused_in_every_field() {
    let world = World::new().await;
    let before = world.scene.kept().await;
    for route in with_body() {
        let (path, token) = (world.path(&route, &world.scene.enterprise), world.token(&route));
        for field in route.properties().keys() {
            for wrong in [json!({ "wrong": {} }), json!([[]]), json!(-1.5), json!("\u{202e}\u{0}")] {
                let mut body = route.body().unwrap();
                body[field] = wrong;
                let seen = world.send(&route, &path, Some(&token), Some(body.to_string())).await;
                seen.problem(&format!("{} {body}", route.name()));
            }
        }
    }
    assert_eq!(world.scene.kept().await, before);
}

#[tokio::test]
async fn a_body_that_is_not_json_by_its_header_is_refused() {
    let world = World::new().await;
    for route in with_body() {
        let (path, token) = (world.path(&route, &world.scene.enterprise), world.token(&route));
        let body = route.body().unwrap().to_string();
        let kind = "application/x-www-form-urlencoded";
        let seen = world
            .send_as(route.method.clone(), &path, Some(&token), Some(body), kind)
            .await;
        seen.coded(&route.name(), 400, "malformed");
    }
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let world = World::new().await;
    for route in routes::api().iter().filter(|route| route.path.contains("{enterprise}")) {
        let body = route.body().map(|body| body.to_string());
        let seen = world
            .send(route, &world.path(route, UNKNOWN), Some(&world.token(route)), body)
            .await;
        seen.coded(&route.name(), 404, "not-found");
    }
}

#[tokio::test]
async fn an_unknown_run_or_plan_is_not_found() {
    let world = World::new().await;
    for route in routes::api() {
        for (part, unknown) in [
            ("{run}", "run_0000000000000000000000000z"),
            ("{plan}", "plan_0000000000000000000000000z"),
        ] {
            if route.path.contains(part) {
                let path = route
                    .path
                    .replace(part, unknown)
                    .replace("{enterprise}", &world.scene.enterprise);
                let body = route.body().map(|body| body.to_string());
                let seen = world.send(&route, &path, Some(&world.token(&route)), body).await;
                seen.coded(&route.name(), 404, "not-found");
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_id_looks_like_an_unknown_one() {
    let world = World::new().await;
    let long = "e".repeat(400);
    let wrong = [
        "nonsense",
        "ent_",
        "%00",
        "..%2f..%2f",
        "ent_%F0%9F%93%9E",
        "%ff",
        "ENTERPRISE%23x",
        &long,
    ];
    for route in routes::api().iter().filter(|route| route.path.contains('{')) {
        let (body, token) = (route.body().map(|body| body.to_string()), world.token(route));
        for wrong in wrong {
            let part = route.path.split('/').find(|part| part.starts_with('{')).unwrap();
            let path = world.path(route, wrong).replace(&world.scene.reseller, wrong);
            let seen = world.send(route, &path, Some(&token), body.clone()).await;
            seen.coded(&format!("{} {part}={wrong:.20}", route.name()), 404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused() {
    let world = World::new().await;
    let all = routes::all();
    for route in &all {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            if all
                .iter()
                .any(|other| other.path == route.path && other.method == method)
            {
                continue;
            }
            let path = world.path(route, &world.scene.enterprise);
            let token = world.scene.token("provider_admin");
            let seen = world
                .send_as(method.clone(), &path, Some(&token), None, "application/json")
                .await;
            seen.coded(&format!("{method} {path}"), 405, "method-not-allowed");
        }
    }
}

#[tokio::test]
async fn an_unknown_parameter_or_a_wrong_one_is_refused_or_not_read_and_never_our_fault() {
    let world = World::new().await;
    for route in routes::api().iter().filter(|route| route.method == Method::GET) {
        let path = world.path(route, &world.scene.enterprise);
        for query in [
            "surprise=1",
            "limit=-1",
            "limit=x",
            "cursor=nonsense",
            "page=-1",
            "from=x",
            "perPage=99999999999",
            "q=%ff",
            "limit=0",
            "page=18446744073709551615",
        ] {
            let seen = world
                .send(route, &format!("{path}?{query}"), Some(&world.token(route)), None)
                .await;
            if !seen.status.is_success() {
                seen.problem(&format!("{} {query}", route.name()));
            }
        }
    }
}

#[tokio::test]
async fn a_creating_post_without_a_key_and_an_edit_without_an_etag_are_refused() {
    let world = World::new().await;
    let document: Value = serde_json::from_str(&dialbridge_local::openapi::json()).unwrap();
    let mut tried = 0;
    for route in with_body() {
        let (path, token) = (world.path(&route, &world.scene.enterprise), world.token(&route));
        let operation = &document["paths"][&route.path][route.method.as_str().to_lowercase()];
        let needs = operation["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["in"] == "header"));
        if needs {
            let url = format!("{}{}", world.scene.service.world.urls.api, path.trim_start_matches('/'));
            let call = reqwest::Client::new()
                .request(route.method.clone(), url)
                .bearer_auth(&token);
            let answer = call.json(&route.body().unwrap()).send().await.unwrap();
            assert_eq!(answer.status(), 428, "{}", route.name());
            tried += 1;
        }
    }
    assert!(tried >= 5, "{tried}");
}

#[tokio::test]
async fn pages_answer_nonsense_with_a_page_and_change_nothing() {
    let world = World::new().await;
    // What looks like a code is counted, and nothing else is changed by it.
    let kept = async || {
        let mut table = world.scene.table().await;
        table.retain(|(pk, _), _| !pk.starts_with("GUESSES#"));
        table
    };
    let before = kept().await;
    let form = "application/x-www-form-urlencoded";
    let bodies = [
        None,
        Some(String::new()),
        Some("code=%ff%fe".to_owned()),
        Some("code=a&code=b".to_owned()),
        Some("decision=perhaps".to_owned()),
        Some("x".repeat(70_000)),
    ];
    for route in routes::pages() {
        for body in &bodies {
            let path = world.path(&route, UNKNOWN);
            let seen = world
                .send_as(route.method.clone(), &path, None, body.clone(), form)
                .await;
            let known = seen.status.is_success() || seen.status.is_client_error() || seen.status.is_redirection();
            assert!(known, "{}: {} {}", route.name(), seen.status, seen.body);
            assert!(
                !seen.body.contains("panicked") && !seen.body.contains("Error {"),
                "{}",
                seen.body
            );
        }
    }
    assert_eq!(kept().await, before);
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let world = World::new().await;
    let token = world.scene.token("provider_admin");
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v2/enterprises",
        "/v1/enterprises/x/y/z",
        "/%2e%2e/etc/passwd",
    ] {
        let seen = world
            .send_as(Method::GET, path, Some(&token), None, "application/json")
            .await;
        assert_eq!(seen.status, 404, "{path}: {}", seen.body);
    }
}
