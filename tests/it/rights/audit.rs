//! The audit trail: every route that changes something leaves exactly one entry, and a refused request none.

use super::cast::{Cast, Request, Target};
use super::weight;
use crate::bad_input::routes::{self, Route};
use crate::stories::scene::Table;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What each route leaves behind: the deed, and the fields whose values it names. A route that is missing here fails.
fn left_by(route: &Route) -> (&'static str, &'static [&'static str]) {
    let known = route.path.trim_start_matches("/v1/enterprises/{enterprise}");
    match (route.method.as_str(), known) {
        ("POST", "/v1/resellers") => ("resellerCreated", &["name", "owner", "brand.productName"]),
        ("PUT", "/v1/resellers/{reseller}") => ("resellerChanged", &["name", "owner"]),
        ("POST", "/v1/resellers/{reseller}/activation") => ("activationSent", &[]),
        ("POST", "/v1/resellers/{reseller}/tasks/{task}/close") => ("taskClosed", &["task", "reason"]),
        ("POST", "/v1/resellers/{reseller}/suppressions/{suppression}/lift") => {
            ("suppressionLifted", &["address", "cause", "reason"])
        }
        ("PUT", "/v1/mail-sending" | "/v1/resellers/{reseller}/mail-sending") => ("mailSendingChanged", &["reason"]),
        ("POST", "/v1/enterprises") => ("enterpriseCreated", &["name", "adminEmail", "userLimit", "timeZone"]),
        ("PUT", "") => ("enterpriseChanged", &["name", "userLimit"]),
        ("DELETE", "") => ("removalStarted", &[]),
        ("POST", "/restore") => ("removalUndone", &[]),
        ("POST", "/disable") => ("enterpriseDisabled", &[]),
        ("POST", "/enable") => ("enterpriseEnabled", &[]),
        ("POST", "/invitation") => ("invitationSent", &[]),
        ("DELETE", "/invitation") => ("invitationRevoked", &[]),
        ("PUT", "/licences") => ("licencesChanged", &["userLimit"]),
        ("PUT", "/global-admin") => ("globalAdminReassigned", &["adminEmail", "adminName"]),
        ("PUT", "/management-consent") => ("managementGranted", &[]),
        ("DELETE", "/consents/{set}") => ("consentRevoked", &["calling"]),
        ("POST", "/disable-sync") => ("syncDisabled", &[]),
        ("POST", "/enable-sync") => ("syncEnabled", &[]),
        ("POST", "/action-urls") => ("actionUrlGiven", &["action"]),
        ("PUT", "/group-filter") => ("groupFilterChanged", &[]),
        ("PUT", "/voice-users") => ("voiceUsersChanged", &["created", "updated"]),
        ("POST", "/voice-users") | ("DELETE", "/voice-users/{voiceUser}") => ("voiceUsersChanged", &["id", "name"]),
        ("PUT", "/voice-users/{voiceUser}") => ("voiceUsersChanged", &["name"]),
        ("POST", "/voice-users/import") => ("voiceUsersChanged", &["updated"]),
        ("PUT", "/mapping") => ("mappingChanged", &["Voice User"]),
        ("POST", "/mapping/proposals") => ("mappingChanged", &["Voice User"]),
        ("PUT", "/unattended") => ("unattendedChanged", &["window"]),
        ("DELETE", "/unattended") => ("unattendedWithdrawn", &["leave"]),
        ("PUT", "/operators") => ("operatorsChanged", &["deputies"]),
        ("POST", "/plans") => ("planMade", &[]),
        ("PUT", "/plans/{plan}/approval") => ("planApproved", &["plan"]),
        ("PUT", "/release-limit") => ("releaseLimitChanged", &["releaseLimit"]),
        ("POST", "/runs") => ("runStarted", &["run"]),
        ("POST", "/runs/{run}/sign-in") => ("signInLinkGiven", &["run"]),
        ("POST", "/runs/{run}/cancel") => ("runEnded", &["run", "state"]),
        ("POST", "/runs/{run}/retry") => ("runStarted", &["run"]),
        // And one before it: the mapping that is made what it was.
        ("POST", "/runs/{run}/undo") => ("planMade", &["plan"]),
        _ => panic!("say here which entry {} leaves", route.name()),
    }
}

/// Every entry by its id, with the trails that it stands in.
fn entries(table: &Table) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // What the cast itself allows, so that there is something to take back, is nobody's request.
    let of_the_cast = |item: &str| item.contains("unattendedAllowed");
    for ((pk, sk), item) in table {
        if !(pk.ends_with("#AUDIT") && sk.starts_with("AUDIT#")) || of_the_cast(item) {
            continue;
        }
        found.entry(sk.clone()).or_default().insert(pk.clone());
    }
    found
}

/// The newest entry of a trail, as the API shows it.
async fn newest(cast: &Cast, trail: &str) -> Value {
    let place = match trail.trim_end_matches("#AUDIT").split_once('#') {
        Some(("ENTERPRISE", id)) => format!("/enterprises/{id}"),
        Some((_, id)) => format!("/resellers/{id}"),
        None => String::new(),
    };
    let api = cast.scene.api("provider_support");
    let page = api.get(&format!("/v1{place}/audit?limit=1")).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    page.body["items"][0].clone()
}

fn changing() -> Vec<Route> {
    let mut all = routes::api();
    all.retain(|route| route.method != "GET");
    all.sort_by_key(weight);
    all
}

#[tokio::test]
async fn every_change_leaves_exactly_one_entry() {
    let cast = Cast::new().await;
    let mut tried = 0;
    for route in changing() {
        cast.wait().await;
        let (name, target) = cast.own(&route);
        let (deed, fields) = left_by(&route);
        let request = cast.request(&route, &target, name).await;
        let before = entries(&cast.scene.table().await);
        let seen = cast.send(&request, &cast.token(name)).await;
        let what = format!("{} as {name}", route.name());
        assert!(seen.status < 300, "{what}: {seen:?}");
        let table = cast.scene.table().await;
        let after = entries(&table);
        // A run that waited for a sign-in gives way to some of them, and its end is an entry of the service.
        let ended = |item: &String| item.contains("runEnded") || item.contains("runUndone");
        let run_gave_way = |id: &String| {
            table
                .iter()
                .any(|((_, sk), item)| sk == id && deed != "runEnded" && ended(item))
        };
        let new = after.iter().filter(|(id, _)| !before.contains_key(*id));
        let new: Vec<_> = new.filter(|(id, _)| !run_gave_way(id)).collect();
        let [(_, trails)] = new[..] else {
            panic!("{what}: {} entries, {new:?}", new.len());
        };
        let expected_trails = if deed == "enterpriseCreated" { 2 } else { 1 };
        assert_eq!(trails.len(), expected_trails, "{what}: {trails:?}");
        for trail in trails {
            let entry = newest(&cast, trail).await;
            let what = format!("{what} in {trail}: {entry}");
            assert_eq!(entry["deed"], deed, "{what}");
            let who = match name {
                "global_admin" => cast.scene.admin().to_owned(),
                name => format!("{name}@people.example"),
            };
            assert_eq!(entry["who"], who, "{what}");
            assert_eq!(entry["subject"], format!("auth|{name}"), "{what}");
            assert_eq!(entry["role"], name, "{what}");
            assert_eq!(entry["onBehalfOf"], Value::Null, "{what}");
            assert_eq!(entry["address"], "127.0.0.1", "{what}");
            assert_eq!(entry["requestId"], seen.headers["x-request-id"], "{what}");
            told(&entry["changes"], fields, &what);
        }
        tried += 1;
    }
    println!("{tried} changing routes, one entry each");
    assert!(tried >= 20, "{tried}");
}

/// Each field is named, with values that differ.
#[track_caller]
fn told(changes: &Value, fields: &[&str], what: &str) {
    let changes = changes.as_array().unwrap();
    for field in fields {
        let named = changes
            .iter()
            .find(|change| change["field"].as_str().is_some_and(|name| name.starts_with(field)));
        let named = named.unwrap_or_else(|| panic!("{what}: nothing about {field}"));
        assert_ne!(named["before"], named["after"], "{what}");
    }
    for change in changes {
        assert_ne!(change["before"], change["after"], "{what}: what stays is not named");
    }
}

/// The same requests with something wrong: an old version, no key, an unknown value, a wrong role.
#[tokio::test]
async fn a_refused_request_leaves_no_entry() {
    let cast = Cast::new().await;
    let mut tried = 0;
    for route in changing() {
        let (name, target) = cast.own(&route);
        let right = cast.request(&route, &target, name).await;
        // Some requests are only right when something was done before.
        let before = entries(&cast.scene.table().await);
        let mut wrong = Vec::new();
        if !right.headers.is_empty() {
            wrong.push(Request {
                headers: Vec::new(),
                ..right.clone()
            });
        }
        if route.needs("If-Match") {
            wrong.push(Request {
                headers: vec![("if-match", "\"0\"".into())],
                ..right.clone()
            });
        }
        if let Some(body) = &right.body {
            let mut more = body.clone();
            more["surprise"] = json!(1);
            for body in [Some(more), None, Some(json!([]))] {
                wrong.push(Request { body, ..right.clone() });
            }
        }
        let token = cast.token(name);
        for request in &wrong {
            let seen = cast.send(request, &token).await;
            assert!((400..500).contains(&seen.status), "{}: {seen:?}", route.name());
            tried += 1;
        }
        // The right request, of somebody who may not.
        let stranger = if name == "reseller_viewer" {
            "account_manager"
        } else {
            "reseller_viewer"
        };
        let seen = cast.send(&right, &cast.token(stranger)).await;
        assert_eq!(seen.code(), (404, "not-found"), "{}: {seen:?}", route.name());
        tried += 1;
        assert_eq!(entries(&cast.scene.table().await), before, "{}", route.name());
    }
    println!("{tried} refused requests, no entry");
}

/// What changes nothing is no change.
#[tokio::test]
async fn what_is_as_it_was_leaves_no_entry() {
    let cast = Cast::new().await;
    let all = routes::api();
    let route = |name: &str| all.iter().find(|route| route.name() == name).unwrap();
    for name in [
        "PUT /v1/enterprises/{enterprise}/licences",
        "PUT /v1/enterprises/{enterprise}/management-consent",
        "PUT /v1/enterprises/{enterprise}/voice-users",
        "POST /v1/enterprises/{enterprise}/disable-sync",
        "POST /v1/enterprises/{enterprise}/enable-sync",
        "POST /v1/enterprises/{enterprise}/disable",
        "POST /v1/enterprises/{enterprise}/enable",
    ] {
        let (who, target) = cast.own(route(name));
        let token = cast.token(who);
        let first = cast.request(route(name), &target, who).await;
        assert_eq!(cast.send(&first, &token).await.status, 200, "{name}");
        let before = entries(&cast.scene.table().await);
        let again = Request {
            body: first.body,
            ..cast.request(route(name), &target, who).await
        };
        assert_eq!(cast.send(&again, &token).await.status, 200, "{name}");
        assert_eq!(entries(&cast.scene.table().await), before, "{name}");
    }
}

#[tokio::test]
async fn r013_what_a_reseller_does_in_place_of_the_global_admin_says_so() {
    let cast = Cast::new().await;
    let api = cast.scene.api("global_admin");
    let path = cast.scene.path("/management-consent");
    let granted = api.put(&path, &json!({ "granted": true }), None).await.unwrap();
    assert_eq!(granted.status, 200, "{}", granted.body);
    let own = Target::Enterprise(cast.scene.enterprise.clone());
    for route in changing() {
        use shared::domain::rights::{Action, May};
        if route.action() != Action::Map {
            continue;
        }
        assert_eq!(super::role("reseller_admin", &cast).may(route.action()), May::OnBehalf);
        let request = cast.request(&route, &own, "reseller_admin").await;
        let seen = cast.send(&request, &cast.token("reseller_admin")).await;
        assert!(seen.status < 300, "{}: {seen:?}", route.name());
        let entry = newest(&cast, &format!("ENTERPRISE#{}#AUDIT", cast.scene.enterprise)).await;
        assert_eq!(entry["requestId"], seen.headers["x-request-id"], "{entry}");
        assert_eq!(entry["role"], "reseller_admin", "{entry}");
        assert_eq!(entry["onBehalfOf"], "Global Admin", "{entry}");
    }
}
