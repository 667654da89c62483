//! Requests that are repeated, and edits of what has moved: generated from the API description.

use super::cast::{Cast, Request, Seen, Target};
use super::weight;
use crate::bad_input::routes::{self, Route};
use crate::stories::scene::Table;
use futures::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

const SENDS: usize = 100;

/// How many things there are of each kind that a creating request makes, and how many mails have left.
fn counted(table: &Table, cast: &Cast) -> Vec<(&'static str, usize)> {
    let of = |fits: fn(&str, &str) -> bool| table.keys().filter(|(pk, sk)| fits(pk, sk)).count();
    // A run that waited for a sign-in gives way to a new one, and its end is an entry of the service. An undo changes the
    // mapping and makes a plan.
    let entries: BTreeSet<&String> = table
        .iter()
        .filter(|((pk, _), item)| pk.ends_with("#AUDIT") && !item.contains("runEnded") && !item.contains("runUndone"))
        .map(|((_, sk), _)| sk)
        .collect();
    vec![
        ("audit entries", entries.len()),
        ("mails", cast.scene.service.world.aws.mailbox.mails().len()),
        ("remembered requests", of(|pk, _| pk.starts_with("IDEMPOTENCY#"))),
        ("resellers", of(|pk, sk| pk.starts_with("RESELLER#") && sk == "META")),
        ("listed resellers", of(|pk, _| pk == "RESELLERS")),
        (
            "enterprises",
            of(|pk, sk| pk.starts_with("ENTERPRISE#") && sk == "META"),
        ),
        (
            "listed enterprises",
            of(|pk, sk| pk.starts_with("RESELLER#") && sk.starts_with("ENTERPRISE#")),
        ),
        ("invitations", of(|_, sk| sk.starts_with("INVITATION#"))),
        ("plans", of(|_, sk| sk.starts_with("PLAN#"))),
        ("runs", of(|_, sk| sk.starts_with("RUN#"))),
    ]
}

/// What a single request makes.
fn expected(route: &Route) -> &'static [&'static str] {
    match route.path.as_str() {
        "/v1/resellers" => &["mails", "resellers", "listed resellers"],
        "/v1/resellers/{reseller}/activation" => &["mails"],
        "/v1/enterprises" => &["mails", "enterprises", "listed enterprises", "invitations"],
        "/v1/enterprises/{enterprise}/invitation" => &["mails", "invitations"],
        "/v1/enterprises/{enterprise}/plans" | "/v1/enterprises/{enterprise}/runs/{run}/undo" => &["plans"],
        // Each has an entry, and voice users have no items of their own to be counted.
        "/v1/enterprises/{enterprise}/voice-users" | "/v1/enterprises/{enterprise}/voice-users/import" => &[],
        "/v1/enterprises/{enterprise}/runs" | "/v1/enterprises/{enterprise}/runs/{run}/retry" => &["runs"],
        // A link each, counted with the answers: all of them lead to the same place.
        "/v1/enterprises/{enterprise}/action-urls" | "/v1/enterprises/{enterprise}/runs/{run}/sign-in" => &[],
        _ => panic!("say here what {} makes", route.name()),
    }
}

#[tokio::test]
async fn a_hundred_equal_requests_at_once_have_one_effect_and_one_answer() {
    let cast = Cast::new().await;
    let mut tried = 0;
    let mut creating = routes::api();
    creating.retain(|route| route.needs("Idempotency-Key"));
    // A new run takes the place of the one that waits for its sign-in.
    creating.sort_by_key(|route| ["/runs", "/retry"].iter().any(|end| route.path.ends_with(end)));
    for route in &creating {
        cast.wait().await;
        let (name, target) = cast.own(route);
        let token = cast.token(name);
        let request = cast.request(route, &target, name).await;
        let before = counted(&cast.scene.table().await, &cast);
        let answers: Vec<Seen> = join_all((0..SENDS).map(|_| cast.told(&request, &token))).await;
        let what = route.name();
        let first = &answers[0];
        assert_eq!(first.status, 201, "{what}: {first:?}");
        let others: Vec<&Seen> = answers.iter().filter(|answer| *answer != first).collect();
        assert!(
            others.is_empty(),
            "{what}: {} others, {first:?} and {:?}",
            others.len(),
            others[0]
        );
        let after = counted(&cast.scene.table().await, &cast);
        for ((kind, before), (_, after)) in before.into_iter().zip(after) {
            let made = expected(route).contains(&kind) || ["audit entries", "remembered requests"].contains(&kind);
            assert_eq!(after - before, usize::from(made), "{what}: {kind}");
        }
        // Later, too, it is the same request.
        assert_eq!(cast.told(&request, &token).await, *first, "{what}");
        another_body_is_another_request(&cast, route, &request, name).await;
        tried += 1;
    }
    println!("{tried} creating routes, {SENDS} sends each");
    assert_eq!(tried, 12);
}

/// The key was used for something else; of another caller it is another key.
async fn another_body_is_another_request(cast: &Cast, route: &Route, request: &Request, name: &str) {
    let before = counted(&cast.scene.table().await, cast);
    let mut other = request.clone();
    match &mut other.body {
        Some(body) if route.path.ends_with("/plans") => {
            // Nothing can be said differently: it is another request for another enterprise.
            assert_eq!(*body, json!({}));
            other.path = cast
                .request(route, &Target::Enterprise(cast.sibling.clone()), name)
                .await
                .path;
        }
        Some(body) if route.path.ends_with("/runs") || route.path.ends_with("/retry") => body["debug"] = json!(true),
        Some(body) if route.path.ends_with("/action-urls") => body["action"] = json!("sync"),
        Some(body) if route.path.ends_with("/import") => body["items"][0]["name"] = json!("Another"),
        Some(body) => body["name"] = json!("Another"),
        // One run at a time waits for its sign-in: there is no other request to make.
        None if route.path.ends_with("/sign-in") || route.path.ends_with("/undo") => return,
        None => {
            let target = match cast.own(route).1 {
                Target::Enterprise(_) => Target::Enterprise(cast.scene.enterprise.clone()),
                _ => Target::Reseller(cast.stranger.clone()),
            };
            other.path = cast.request(route, &target, name).await.path;
        }
    }
    let name = if route.path.ends_with("/plans") {
        "provider_admin"
    } else {
        name
    };
    let seen = cast.told(&other, &cast.token(name)).await;
    if name == "provider_admin" && route.path.ends_with("/plans") {
        // The provider has not used this key.
        assert_ne!(seen.code().1, "idempotency-key-reused", "{}: {seen:?}", route.name());
        return;
    }
    assert_eq!(
        seen.code(),
        (422, "idempotency-key-reused"),
        "{}: {seen:?}",
        route.name()
    );
    assert_eq!(counted(&cast.scene.table().await, cast), before, "{}", route.name());
}

#[test]
fn every_creating_post_takes_a_key() {
    let description: serde_json::Value = serde_json::from_str(&dialbridge_local::openapi::json()).unwrap();
    for route in routes::api().iter().filter(|route| route.method == "POST") {
        let creates = description["paths"][&route.path]["post"]["responses"]
            .get("201")
            .is_some();
        assert_eq!(creates, route.needs("Idempotency-Key"), "{}", route.name());
    }
}

#[tokio::test]
async fn a_key_belongs_to_its_caller() {
    let cast = Cast::new().await;
    let all = routes::api();
    let route = all.iter().find(|route| route.name() == "POST /v1/enterprises").unwrap();
    let target = Target::Reseller(cast.scene.reseller.clone());
    let mut request = cast.request(route, &target, "provider_admin").await;
    let mut ids = BTreeSet::new();
    for name in ["provider_admin", "reseller_admin"] {
        let made = cast.told(&request, &cast.token(name)).await;
        assert_eq!(made.status, 201, "{made:?}");
        ids.insert(made.body["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 2);
    // And what was refused may be sent again, corrected, with its key.
    let headers = vec![("idempotency-key", "a key that is used twice".to_owned())];
    request = Request { headers, ..request };
    let right = request.body.clone();
    request.body.as_mut().unwrap()["timeZone"] = json!("Mars/Base");
    let token = cast.token("provider_admin");
    assert_eq!(cast.told(&request, &token).await.code(), (422, "invalid"));
    request.body = right;
    assert_eq!(cast.told(&request, &token).await.status, 201);
}

#[tokio::test]
async fn an_edit_needs_the_version_that_was_read() {
    let cast = Cast::new().await;
    let before = cast.scene.table().await;
    let mut tried = Vec::new();
    for route in routes::api().iter().filter(|route| route.needs("If-Match")) {
        let (name, target) = cast.own(route);
        let token = cast.token(name);
        let right = cast.request(route, &target, name).await;
        let without = Request {
            headers: Vec::new(),
            ..right.clone()
        };
        let seen = cast.told(&without, &token).await;
        assert_eq!(seen.code(), (428, "header-missing"), "{}: {seen:?}", route.name());
        let version = cast.version(route, &target).await;
        for stale in [
            format!("\"{}\"", version.wrapping_sub(1)),
            format!("\"{}\"", version + 1),
            "\"0\"".into(),
            "\"-1\"".into(),
            "\"18446744073709551616\"".into(),
            "nonsense".into(),
            "*".into(),
            format!("\"{version}\", \"{}\"", version + 1),
        ] {
            let request = Request {
                headers: vec![("if-match", stale.clone())],
                ..right.clone()
            };
            let seen = cast.told(&request, &token).await;
            assert_eq!(seen.code(), (412, "stale"), "{} {stale}: {seen:?}", route.name());
        }
        tried.push(route.name());
    }
    assert_eq!(cast.scene.table().await, before);
    assert_eq!(tried.len(), 22, "{tried:?}");
}

/// Every answer that names a version can be edited with it, and every edit gives the next one.
#[tokio::test]
async fn an_edit_gives_the_version_for_the_next() {
    let cast = Cast::new().await;
    let mut all = routes::api();
    all.retain(|route| route.needs("If-Match"));
    all.sort_by_key(weight);
    for route in &all {
        let (name, target) = cast.own(route);
        let token = cast.token(name);
        let request = cast.request(route, &target, name).await;
        let seen = cast.told(&request, &token).await;
        assert!(seen.status < 300, "{}: {seen:?}", route.name());
        let version = cast.version(route, &target).await;
        assert_eq!(
            seen.headers.get("etag"),
            Some(&format!("\"{version}\"")),
            "{}",
            route.name()
        );
        // The same again rests on what is no longer there.
        let again = cast.told(&request, &token).await;
        assert_eq!(again.code(), (412, "stale"), "{}: {again:?}", route.name());
    }
}
