//! Graph as a client sees it: permissions, pages, budgets, delays, faults.

mod directory;

use super::super::testing::{TEAMS, World, world, world_with};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

const CALLING: &str = "User.Read User.Read.All GroupMember.Read.All Organization.Read.All Domain.Read.All \
    TeamsUserConfiguration.Read.All TeamsTelephoneNumber.ReadWrite.All TeamsPolicyUserAssign.ReadWrite.All";
const NUMBERS: &str = "/admin/teams/telephoneNumberManagement/numberAssignments";

async fn admin_token(world: &World) -> String {
    world.access(&world.admin(), CALLING).await
}

/// Ids of people who can have a Teams number.
async fn phone_users(world: &World, token: &str) -> Vec<String> {
    let path = "/users?$select=id&$top=20&$filter=accountEnabled eq true and \
        assignedPlans/any(p:p/servicePlanId eq 4828c8ec-dc2e-4779-b502-87ac9ce28ab7 and p/capabilityStatus eq 'Enabled')";
    let body = world.graph("GET", token, path, None).await.json();
    let configurations = body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["id"].as_str().unwrap().to_owned());
    let mut free = Vec::new();
    for id in configurations {
        let held = world
            .graph(
                "GET",
                token,
                &format!("{NUMBERS}?$filter=assignmentTargetId eq '{id}'"),
                None,
            )
            .await
            .json();
        if held["value"] == json!([]) {
            free.push(id);
        }
    }
    free
}

async fn assign(world: &World, token: &str, number: &str, user: &str) -> Value {
    let body = json!({ "telephoneNumber": number, "assignmentTargetId": user, "numberType": "directRouting" });
    finish(world, token, &format!("{NUMBERS}/assignNumber"), body).await
}

async fn finish(world: &World, token: &str, path: &str, body: Value) -> Value {
    let seen = world.graph("POST", token, path, Some(body)).await;
    assert_eq!(seen.status, StatusCode::ACCEPTED, "{}", seen.text);
    let operation = seen.headers["location"].to_str().unwrap();
    world.graph("GET", token, operation, None).await.json()["value"].clone()
}

fn error(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn tokens_are_checked() {
    let world = world();
    let token = world.access(&world.user(), "User.Read").await;
    assert_eq!(world.graph("GET", &token, "/me", None).await.status, StatusCode::OK);
    let seen = world.graph("GET", &token, "/users", None).await;
    assert_eq!(
        (seen.status, error(&seen.json())),
        (StatusCode::FORBIDDEN, "Authorization_RequestDenied")
    );
    let seen = world.graph("GET", "made-up", "/me", None).await;
    assert_eq!(
        (seen.status, error(&seen.json())),
        (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken")
    );
    world.clock.advance(SignedDuration::from_mins(91));
    assert_eq!(
        world.graph("GET", &token, "/me", None).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_permission_needs_the_role_too() {
    let world = world();
    admin_token(&world).await;
    let token = world.access(&world.user(), CALLING).await;
    assert_eq!(
        world.graph("GET", &token, "/users?$top=1", None).await.status,
        StatusCode::OK
    );
    assert_eq!(
        world.graph("GET", &token, NUMBERS, None).await.status,
        StatusCode::FORBIDDEN
    );
    let path = format!("/tenants/{}/users/{}", world.tenant(), world.user());
    world
        .control("POST", &path, json!({ "roles": ["Teams Administrator"] }))
        .await;
    assert_eq!(world.graph("GET", &token, NUMBERS, None).await.status, StatusCode::OK);
    world.control("POST", &format!("{path}/revoke"), json!({})).await;
    assert_eq!(
        world.graph("GET", &token, NUMBERS, None).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn teams_tokens_do_not_open_graph() {
    let world = world();
    let tokens = world
        .tokens(&world.admin(), &format!("{TEAMS}/user_impersonation"))
        .await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        world.graph("GET", token, "/me", None).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn pages_may_be_empty_and_still_complete() {
    let world = world();
    let token = admin_token(&world).await;
    world.control("POST", "/switches", json!({ "emptyPages": true })).await;
    let mut next = Some("/users?$select=id&$count=true&$top=50".to_owned());
    let (mut seen, mut empty, mut count) = (std::collections::BTreeSet::new(), 0, None);
    while let Some(path) = next {
        let body = world.graph("GET", &token, &path, None).await.json();
        let page = body["value"].as_array().unwrap();
        empty += usize::from(page.is_empty());
        seen.extend(page.iter().map(|user| user["id"].to_string()));
        count = count.or(body["@odata.count"].as_u64());
        next = body["@odata.nextLink"].as_str().map(str::to_owned);
    }
    assert!(empty > 0);
    assert_eq!(Some(seen.len() as u64), count);
}

#[tokio::test]
async fn advanced_queries_need_the_header_on_every_page() {
    let world = world();
    let token = admin_token(&world).await;
    let plain = |path: String| {
        let request = http::Request::builder()
            .uri(path)
            .header("Authorization", format!("Bearer {token}"));
        world.send(
            world.microsoft.graph(),
            request.body(axum::body::Body::empty()).unwrap(),
        )
    };
    let filter = "/users?$filter=accountEnabled%20ne%20false&$count=true&$top=5";
    let first = world.graph("GET", &token, filter, None).await.json();
    let link = first["@odata.nextLink"]
        .as_str()
        .unwrap()
        .replace("https://graph.sim.example", "");
    let seen = plain(link).await;
    assert_eq!(
        (seen.status, error(&seen.json())),
        (StatusCode::BAD_REQUEST, "Request_UnsupportedQuery")
    );
    let seen = plain("/v1.0/users?$count=true&$top=1".into()).await;
    assert!(seen.json().get("@odata.count").is_none(), "silently ignored");
    assert_eq!(plain("/v1.0/users/$count".into()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn budgets_are_enforced_and_refill() {
    let world = world();
    let token = admin_token(&world).await;
    world.control("POST", "/throttle", json!({ "directoryUnits": 5 })).await;
    for _ in 0..5 {
        let seen = world.graph("GET", &token, "/organization", None).await;
        assert_eq!(seen.headers["x-ms-resource-unit"], "1");
    }
    let seen = world.graph("GET", &token, "/organization", None).await;
    assert_eq!(
        (seen.status, error(&seen.json())),
        (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")
    );
    let wait: f64 = seen.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(wait > 0.0 && seen.headers["retry-after"].to_str().unwrap().contains('.'));
    assert!(seen.headers.contains_key("x-ms-throttle-scope"));
    world.clock.advance(SignedDuration::from_secs(10));
    assert_eq!(
        world.graph("GET", &token, "/organization", None).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn numbers_are_assigned_in_time() {
    let world = world_with(|options| {
        options.delays.number_operation = SignedDuration::from_hours(1);
        options.delays.user_configuration_visible = SignedDuration::from_hours(1);
    });
    let token = admin_token(&world).await;
    let user = phone_users(&world, &token).await.remove(0);
    let body = json!({ "telephoneNumber": "32212345601", "assignmentTargetId": user, "numberType": "directRouting" });
    let seen = world
        .graph("POST", &token, &format!("{NUMBERS}/assignNumber"), Some(body))
        .await;
    let operation = seen.headers["location"].to_str().unwrap().to_owned();
    let poll = async || {
        let token = admin_token(&world).await;
        world.graph("GET", &token, &operation, None).await.json()["value"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(poll().await, "notStarted");
    world.clock.advance(SignedDuration::from_mins(30));
    assert_eq!(poll().await, "running");
    world.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(poll().await, "succeeded");
    let token = admin_token(&world).await;
    let configuration = format!("/admin/teams/userConfigurations/{user}");
    let seen = world.graph("GET", &token, &configuration, None).await.json();
    assert_eq!(seen["value"]["telephoneNumbers"], json!([]), "not visible yet");
    world.clock.advance(SignedDuration::from_mins(61));
    let token = admin_token(&world).await;
    let seen = world.graph("GET", &token, &configuration, None).await.json();
    assert_eq!(seen["value"]["telephoneNumbers"][0]["telephoneNumber"], "+32212345601");
}

#[tokio::test]
async fn number_operations_fail_for_reasons() {
    let world = world();
    let token = admin_token(&world).await;
    let users = phone_users(&world, &token).await;
    let (ann, bob) = (&users[0], &users[1]);
    assert_eq!(assign(&world, &token, "+32212345601", ann).await["status"], "succeeded");
    assert_eq!(
        assign(&world, &token, "+32212345601", ann).await["status"],
        "succeeded",
        "again the same"
    );
    let fails = async |number: &str, user: &str, why: &str| {
        let operation = assign(&world, &token, number, user).await;
        assert_eq!(operation["status"], "failed", "{number}");
        let detail = operation["numbers"][0]["statusDetail"].as_str().unwrap();
        assert!(detail.contains(why), "{detail}");
    };
    fails("+32212345601", bob, "already assigned to another user").await;
    fails("+32212345602", ann, "already has a primary").await;
    fails("+12", bob, "not valid").await;
    fails("+32212345602", "00000000-0000-4000-8000-000000000000", "not found").await;
    let order = json!({ "number": "+32212345603", "failure": "Blocked." });
    world
        .control("POST", &format!("/tenants/{}/number-faults", world.tenant()), order)
        .await;
    fails("+32212345603", bob, "Blocked.").await;
    let order = json!({ "number": "+32212345604", "lost": true });
    world
        .control("POST", &format!("/tenants/{}/number-faults", world.tenant()), order)
        .await;
    assert_eq!(assign(&world, &token, "+32212345604", bob).await["status"], "succeeded");
    let held = world
        .graph(
            "GET",
            &token,
            &format!("{NUMBERS}?$filter=telephoneNumber eq '%2B32212345604'"),
            None,
        )
        .await;
    assert_eq!(held.json()["value"], json!([]), "it said so, but did not do it");
    let body = json!({ "telephoneNumber": "+32212345601", "numberType": "directRouting" });
    let freed = finish(&world, &token, &format!("{NUMBERS}/unassignNumber"), body).await;
    assert_eq!(freed["status"], "succeeded");
    assert_eq!(assign(&world, &token, "+32212345601", bob).await["status"], "succeeded");
}

#[tokio::test]
async fn synced_numbers_cannot_be_touched() {
    let world = world_with(|options| options.users = 2500);
    let token = admin_token(&world).await;
    let filter = format!("{NUMBERS}?$filter=numberSource eq 'onPremises'&$top=1");
    let held = world.graph("GET", &token, &filter, None).await.json()["value"][0].clone();
    let user = held["assignmentTargetId"].as_str().unwrap();
    let operation = assign(&world, &token, "+32212345601", user).await;
    assert!(
        operation["numbers"][0]["statusDetail"]
            .as_str()
            .unwrap()
            .contains("on-premises"),
        "{operation}"
    );
}

#[tokio::test]
async fn one_bad_entry_refuses_a_policy_request() {
    let world = world();
    let token = admin_token(&world).await;
    let user = phone_users(&world, &token).await.remove(0);
    let found = world
        .graph(
            "GET",
            &token,
            "/admin/teams/policy/getPolicyId(type='TeamsCallingPolicy',name='AllOn')",
            None,
        )
        .await;
    let policy = found.json()["value"][0]["policyId"].clone();
    let good = json!({ "userId": user, "policyType": "TeamsCallingPolicy", "policyId": policy });
    let bad = json!({ "userId": user, "policyType": "TeamsCallingPolicy", "policyId": "made-up" });
    let path = "/admin/teams/policy/userAssignments/assign";
    let seen = world
        .graph("POST", &token, path, Some(json!({ "value": [good, bad] })))
        .await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    let configuration = format!("/admin/teams/userConfigurations/{user}");
    let seen = world.graph("GET", &token, &configuration, None).await.json();
    assert_eq!(seen["value"]["effectivePolicyAssignments"], json!([]));
    let seen = world
        .graph("POST", &token, path, Some(json!({ "value": [good] })))
        .await;
    assert_eq!(seen.status, StatusCode::NO_CONTENT);
    let seen = world.graph("GET", &token, &configuration, None).await.json();
    assert_eq!(
        seen["value"]["effectivePolicyAssignments"][0]["policyAssignment"]["policyId"],
        policy
    );
    let none = world
        .graph(
            "GET",
            &token,
            "/admin/teams/policy/getPolicyId(type='TeamsCallingPolicy',name='No')",
            None,
        )
        .await;
    assert_eq!(none.json()["value"], json!([]));
}

#[tokio::test]
async fn batches_have_mixed_fortunes() {
    let world = world();
    let token = admin_token(&world).await;
    world
        .control(
            "POST",
            "/faults",
            json!({ "path": "/organization", "status": 429, "retryAfter": "2.5", "skip": 1 }),
        )
        .await;
    let parts: Vec<Value> = (0..3)
        .map(|id| json!({ "id": id.to_string(), "method": "GET", "url": "/organization" }))
        .collect();
    let body = world
        .graph("POST", &token, "/$batch", Some(json!({ "requests": parts })))
        .await
        .json();
    let mut statuses: Vec<u64> = body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["status"].as_u64().unwrap())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429]);
    let limited = body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["status"] == 429)
        .unwrap();
    assert_eq!(limited["headers"]["Retry-After"], "2.5");
    let many: Vec<Value> = (0..21)
        .map(|id| json!({ "id": id.to_string(), "method": "GET", "url": "/me" }))
        .collect();
    assert_eq!(
        world
            .graph("POST", &token, "/$batch", Some(json!({ "requests": many })))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    let twice = json!({ "requests": [parts[0], parts[0]] });
    assert_eq!(
        world.graph("POST", &token, "/$batch", Some(twice)).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn delta_tokens_end_after_a_week() {
    let world = world();
    let token = admin_token(&world).await;
    let round = world
        .graph("GET", &token, "/users/delta?$select=displayName", None)
        .await
        .json();
    let link = round["@odata.deltaLink"].as_str().unwrap().to_owned();
    let path = format!("/tenants/{}/users/{}", world.tenant(), world.user());
    world.control("POST", &path, json!({ "deleted": "restorable" })).await;
    let changes = world.graph("GET", &token, &link, None).await.json();
    assert_eq!(changes["value"][0]["@removed"]["reason"], "changed");
    world.clock.advance(SignedDuration::from_hours(24 * 7 + 1));
    let token = admin_token(&world).await;
    let seen = world.graph("GET", &token, &link, None).await;
    assert_eq!(seen.status, StatusCode::GONE);
    assert!(seen.headers["location"].to_str().unwrap().ends_with("$deltatoken="));
}

#[tokio::test]
async fn groups_change_behind_our_back() {
    let world = world();
    let token = admin_token(&world).await;
    let group = async |name: &str| {
        let found = world
            .graph("GET", &token, &format!("/groups?$filter=displayName eq '{name}'"), None)
            .await
            .json();
        found["value"][0]["id"].as_str().map(str::to_owned)
    };
    let accounting = group("Accounting").await.unwrap();
    let path = format!("/tenants/{}/groups/{accounting}", world.tenant());
    world
        .control("POST", &path, json!({ "displayName": "Finance", "empty": true }))
        .await;
    assert_eq!(group("Accounting").await, None);
    let count = world
        .graph(
            "GET",
            &token,
            &format!("/groups/{accounting}/transitiveMembers/$count"),
            None,
        )
        .await;
    assert_eq!(count.text, "\u{feff}0");
    world.control("POST", &path, json!({ "deleted": true })).await;
    let seen = world
        .graph("GET", &token, &format!("/groups/{accounting}/transitiveMembers"), None)
        .await;
    assert_eq!(
        (seen.status, error(&seen.json())),
        (StatusCode::NOT_FOUND, "Request_ResourceNotFound")
    );
}

#[tokio::test]
async fn answers_can_break_off() {
    let world = world();
    let token = admin_token(&world).await;
    for fault in [
        json!({ "truncate": true }),
        json!({ "drop": "after" }),
        json!({ "drop": "before" }),
    ] {
        world.control("POST", "/faults", fault).await;
        let request = http::Request::builder()
            .uri("/v1.0/me")
            .header("Authorization", format!("Bearer {token}"));
        let request = request.body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(world.microsoft.graph(), request)
            .await
            .unwrap();
        assert!(axum::body::to_bytes(answer.into_body(), usize::MAX).await.is_err());
    }
    world
        .control("POST", "/faults", json!({ "status": 503, "body": "<html>busy</html>" }))
        .await;
    let seen = world.graph("GET", &token, "/me", None).await;
    assert_eq!(
        (seen.status, seen.text.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "<html>busy</html>")
    );
    assert_eq!(world.graph("GET", &token, "/me", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn calls_are_counted() {
    let world = world();
    let token = admin_token(&world).await;
    world.control("DELETE", "/requests", json!({})).await;
    let user = phone_users(&world, &token).await.remove(0);
    world.control("DELETE", "/requests", json!({})).await;
    let parts = json!([{ "id": "1", "method": "GET", "url": format!("/users/{user}") }, { "id": "2", "method": "GET", "url": "/me" }]);
    world
        .graph("POST", &token, "/$batch", Some(json!({ "requests": parts })))
        .await;
    let request = http::Request::builder()
        .uri("/requests")
        .body(axum::body::Body::empty())
        .unwrap();
    let counted = world.send(world.microsoft.controls(), request).await.json();
    assert_eq!(
        (&counted["graphRequests"], &counted["graphCalls"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(counted["byPath"]["GET /users/{id}"], 1);
}
