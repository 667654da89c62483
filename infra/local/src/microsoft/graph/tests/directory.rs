//! Users who change while they are read, ranges of them, rounds of changes, and tenants with given figures.

use super::super::super::testing::{World, world, world_with};
use super::{admin_token, error};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ENABLED: &str = "accountEnabled eq true";

fn list(filter: &str, top: usize) -> String {
    format!("/users?$select=id,userPrincipalName,accountEnabled&$filter={filter}&$count=true&$top={top}")
}

/// All entries of a list, and what it promised.
async fn read(world: &World, token: &str, first: &str) -> (Vec<Value>, Option<u64>) {
    let mut page = world.graph("GET", token, first, None).await.json();
    let promised = page["@odata.count"].as_u64();
    let mut entries = Vec::new();
    loop {
        entries.append(page["value"].as_array_mut().unwrap());
        let Some(next) = page["@odata.nextLink"].as_str().map(str::to_owned) else {
            return (entries, promised);
        };
        page = world.graph("GET", token, &next, None).await.json();
    }
}

fn names(entries: &[Value]) -> BTreeSet<&str> {
    entries
        .iter()
        .map(|user| user["userPrincipalName"].as_str().unwrap())
        .collect()
}

/// The entries of a round and the link to the next one.
async fn round(world: &World, token: &str, from: &str) -> (Vec<Value>, String) {
    let mut page = world.graph("GET", token, from, None).await.json();
    let mut entries = Vec::new();
    loop {
        entries.append(page["value"].as_array_mut().unwrap());
        if let Some(end) = page["@odata.deltaLink"].as_str() {
            return (entries, end.to_owned());
        }
        let next = page["@odata.nextLink"].as_str().unwrap();
        assert!(!next.contains("$select"), "the token holds what was asked for");
        let next = next.to_owned();
        page = world.graph("GET", token, &next, None).await.json();
    }
}

#[tokio::test]
async fn ranges_of_names_hold_everybody_together() {
    let world = world();
    let token = admin_token(&world).await;
    let (all, promised) = read(&world, &token, &list(ENABLED, 50)).await;
    assert_eq!(promised, Some(all.len() as u64));
    let range = |more: &str| list(&format!("{ENABLED} and userPrincipalName {more}"), 50);
    let (low, _) = read(&world, &token, &range("le 'h'")).await;
    let (middle, count) = read(&world, &token, &range("ge 'H' and userPrincipalName le 'n'")).await;
    let (high, _) = read(&world, &token, &range("ge 'n'")).await;
    assert_eq!(count, Some(middle.len() as u64));
    assert!(!low.is_empty() && !middle.is_empty() && !high.is_empty());
    let together: BTreeSet<&str> = [&low, &middle, &high].iter().flat_map(|part| names(part)).collect();
    assert_eq!(together, names(&all));
    let count = format!("/users/$count?$filter={ENABLED} and userPrincipalName le 'h'");
    let count = world.graph("GET", &token, &count, None).await.text;
    assert_eq!(count, format!("\u{feff}{}", low.len()));
}

#[tokio::test]
async fn entries_may_come_twice() {
    let world = world();
    let token = admin_token(&world).await;
    let (once, _) = read(&world, &token, &list(ENABLED, 20)).await;
    world
        .control("POST", "/switches", json!({ "repeatEntries": true }))
        .await;
    let (twice, promised) = read(&world, &token, &list(ENABLED, 20)).await;
    assert!(twice.len() > once.len());
    assert_eq!(names(&once), names(&twice));
    assert_eq!(promised, Some(once.len() as u64));
}

#[tokio::test]
async fn people_move_between_pages() {
    let world = world();
    let token = admin_token(&world).await;
    let (before, _) = read(&world, &token, &list(ENABLED, 50)).await;
    let (early, late) = (&before[10], &before[before.len() - 1]);
    let place = format!("/tenants/{}/between-pages", world.tenant());
    let domain = world.microsoft.tenants()[0].default_domain.clone();
    let newcomer = format!("aaron@{domain}");
    let order = json!({ "path": "/users", "after": 2, "changes": [
        { "user": late["id"], "enabled": false },
        { "user": early["id"], "userPrincipalName": format!("zz@{domain}") },
        { "user": newcomer, "create": true, "licences": ["SPE_E5"] }] });
    world.control("POST", &place, order).await;
    let link = round(
        &world,
        &token,
        "/users/delta?$select=userPrincipalName,accountEnabled&$deltatoken=latest",
    )
    .await
    .1;
    let (seen, promised) = read(&world, &token, &list(ENABLED, 50)).await;
    assert_eq!(promised, Some(before.len() as u64));
    assert!(!names(&seen).contains(late["userPrincipalName"].as_str().unwrap()));
    let (changes, _) = round(&world, &token, &link).await;
    let of = |id: &Value| changes.iter().find(|change| change["id"] == *id).unwrap();
    assert_eq!(of(&late["id"])["accountEnabled"], false);
    assert_eq!(of(&early["id"])["userPrincipalName"], format!("zz@{domain}"));
    assert!(names(&changes).contains(newcomer.as_str()));
    assert_eq!(changes.len(), 3);
}

#[tokio::test]
async fn a_round_of_changes_repeats_and_forgets() {
    let world = world_with(|options| options.users = 1_200);
    let token = admin_token(&world).await;
    let select = "/users/delta?$select=displayName,usageLocation,mail,accountEnabled";
    // What happens while the first round is read comes with the second one.
    let first = world.graph("GET", &token, select, None).await.json();
    let someone = first["value"][20]["id"].as_str().unwrap().to_owned();
    let path = format!("/tenants/{}/users/{someone}", world.tenant());
    world.control("POST", &path, json!({ "usageLocation": "" })).await;
    let (rest, link) = round(&world, &token, first["@odata.nextLink"].as_str().unwrap()).await;
    assert!(rest.len() > 500);
    let (changes, link) = round(&world, &token, &link).await;
    assert_eq!(changes.len(), 1);
    assert!(changes[0].get("usageLocation").is_none(), "what is not set is left out");
    let (nothing, link) = round(&world, &token, &link).await;
    assert!(nothing.is_empty());

    world
        .control("POST", "/switches", json!({ "repeatEntries": true }))
        .await;
    world.control("POST", &path, json!({ "deleted": "restorable" })).await;
    let (again, link) = round(&world, &token, &link).await;
    assert!(again.len() > 1 && again.iter().all(|change| change["@removed"]["reason"] == "changed"));
    world.control("POST", &path, json!({ "deleted": "no" })).await;
    let (back, link) = round(&world, &token, &link).await;
    assert_eq!(back[0]["id"], someone);

    let tenant = format!("/tenants/{}", world.tenant());
    world.control("POST", &tenant, json!({ "forgetChanges": true })).await;
    let seen = world.graph("GET", &token, &link, None).await;
    assert_eq!((seen.status, error(&seen.json())), (StatusCode::GONE, "resyncRequired"));
    let location = seen.headers["location"].to_str().unwrap().to_owned();
    assert!(
        location.ends_with("&$deltatoken=") && location.contains("usageLocation"),
        "{location}"
    );
    let (_, fresh) = round(&world, &token, select).await;
    assert!(round(&world, &token, &fresh).await.0.len() <= 6);
    world.clock.advance(SignedDuration::from_hours(24 * 7 + 1));
    let token = admin_token(&world).await;
    assert_eq!(world.graph("GET", &token, &fresh, None).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_group_can_hide_its_members() {
    let world = world();
    let token = admin_token(&world).await;
    let groups = world.graph("GET", &token, "/groups?$top=999", None).await.json();
    let sales = groups["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|group| group["displayName"] == "Sales");
    let id = sales.unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/tenants/{}/groups/{id}", world.tenant());
    world.control("POST", &path, json!({ "hidden": true })).await;
    let group = world
        .graph("GET", &token, &format!("/groups/{id}?$select=visibility"), None)
        .await
        .json();
    assert_eq!(group["visibility"], "HiddenMembership");
    let members = format!("/groups/{id}/transitiveMembers/microsoft.graph.user?$count=true");
    let seen = world.graph("GET", &token, &members, None).await;
    assert_eq!(
        (seen.status, error(&seen.json())),
        (StatusCode::FORBIDDEN, "Authorization_RequestDenied")
    );
}

/// Total, licensed, phone system, with a calling plan, resource accounts, counted from what a client reads.
async fn figures(world: &World, token: &str) -> [usize; 5] {
    const PHONE: [&str; 1] = ["4828c8ec-dc2e-4779-b502-87ac9ce28ab7"];
    const CALLING: [&str; 1] = ["16935b20-87c0-4908-934a-22aa267d0d26"];
    const RESOURCE: [&str; 1] = ["f47330e9-c134-43b3-9993-e7f004506889"];
    let filter = "accountEnabled eq true and userType eq 'Member'";
    let first = format!("/users?$select=id,assignedPlans,assignedLicenses&$filter={filter}&$top=999");
    let (members, _) = read(world, token, &first).await;
    let has = |user: &Value, plans: &[&str]| {
        user["assignedPlans"]
            .as_array()
            .unwrap()
            .iter()
            .any(|plan| plans.contains(&plan["servicePlanId"].as_str().unwrap()))
    };
    let count = |test: &dyn Fn(&Value) -> bool| members.iter().filter(|user| test(user)).count();
    [
        members.len(),
        count(&|user| user["assignedLicenses"] != json!([])),
        count(&|user| has(user, &PHONE)),
        count(&|user| has(user, &PHONE) && has(user, &CALLING)),
        count(&|user| has(user, &RESOURCE)),
    ]
}

#[tokio::test]
async fn a_tenant_has_the_figures_that_are_wanted() {
    let world = world();
    let path = format!("/tenants/{}/figures", world.tenant());
    for wanted in [
        [15, 13, 0, 0, 0],
        [399, 127, 108, 104, 0],
        [76, 50, 20, 3, 5],
        [0, 0, 0, 0, 0],
    ] {
        let [total, licensed, phone, excluded, resource] = wanted;
        // Before anybody is disabled.
        let token = admin_token(&world).await;
        let order = json!({ "total": total, "licensed": licensed, "phoneSystem": phone,
            "excludedByCallingPlan": excluded, "resource": resource });
        world.control("POST", &path, order).await;
        if total > 0 {
            assert_eq!(figures(&world, &token).await, wanted);
        } else {
            assert_eq!(
                world.graph("GET", &token, "/me", None).await.status,
                StatusCode::UNAUTHORIZED
            );
        }
    }
}
