//! The integration is removed: ordered, undone, carried out by a final sync that takes back what is ours and nothing else,
//! and forgotten after a while (R027, R152-R153, R187-R188).

mod killed;

use super::scene::{Scene, findings, options, refused, voice_user};
use aws_sdk_dynamodb::types::AttributeValue;
use dialbridge_local::dialbridge::Options;
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::{enterprise_form, invitation, set_up};
use dialbridge_local::microsoft::{self, Delays};
use dialbridge_local::world::deployment;
use jiff::SignedDuration;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::HashMap;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const E5: &str = "The Microsoft Teams integration was removed";

async fn applied() -> Scene {
    Scene::applied(options(60), 3, 2).await
}

async fn order(scene: &Scene) -> Answer {
    let ordered = scene.done(Method::DELETE, "", None).await;
    assert_eq!(ordered.status, 202, "{}", ordered.body);
    ordered
}

async fn restore(scene: &Scene) -> Answer {
    scene.change("reseller_admin", Method::POST, "/restore", None).await
}

async fn removing() -> Scene {
    let scene = applied().await;
    order(&scene).await;
    scene
}

async fn removed() -> Scene {
    let scene = removing().await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene
}

/// Every item that is kept of the enterprise, its row in the list included.
async fn items(scene: &Scene) -> Vec<HashMap<String, AttributeValue>> {
    let client = scene.service.world.dynamodb.client();
    let items = client.scan().table_name(deployment::TABLE).into_paginator().items();
    let mut items: Vec<_> = items.send().collect::<Result<_, _>>().await.unwrap();
    items.retain(|item| {
        ["pk", "sk"]
            .iter()
            .any(|key| item[*key].as_s().unwrap().contains(&scene.enterprise))
    });
    items
}

/// Everything of it ends within the retention time.
async fn everything_ends(scene: &Scene) {
    let end = scene.service.world.clock.now() + DAY * 30;
    let all = items(scene).await;
    assert!(!all.is_empty());
    for item in all {
        let key = format!("{:?} {:?}", item["pk"], item["sk"]);
        let expires = item.get("expires").unwrap_or_else(|| panic!("{key} never ends"));
        let expires: i64 = expires.as_n().unwrap().parse().unwrap();
        assert!(expires <= end.as_second(), "{key} ends too late");
    }
}

/// Whether Teams has a policy of this name: it can be granted only then.
async fn policy_exists(scene: &Scene, kind: &str, name: &str) -> bool {
    let path = format!("/_microsoft/tenants/{}/grants", scene.tenant.id);
    let url = scene.service.world.urls.portal.join(&path).unwrap();
    let order = json!({ "user": scene.tenant.ordinary_user, "type": kind, "name": name });
    Client::new().post(url).json(&order).send().await.unwrap().status() == 200
}

async fn brand_is_gone(scene: &Scene) {
    for handling in ["VM", "NoVM", "NoVMOrForward"] {
        for music in ["MOHTEAMS", "MOHEXT"] {
            let name = format!("Northwind2Teams-{handling}-{music}");
            assert!(!policy_exists(scene, "TeamsCallingPolicy", &name).await, "{name}");
        }
    }
    assert!(!policy_exists(scene, "TeamsOnlineVoiceRoutingPolicy", "Northwind2Teams").await);
}

#[tokio::test]
async fn r027_the_provider_side_removes_and_customers_do_not() {
    let scene = Scene::invited(options(40), None).await;
    for role in [
        "reseller_viewer",
        "account_admin",
        "account_manager",
        "global_admin",
        "provider_support",
    ] {
        let refused = scene.change(role, Method::DELETE, "", None).await;
        assert_eq!(refused.status, 404, "{role}: {}", refused.body);
        let refused = scene.change(role, Method::POST, "/restore", None).await;
        assert_eq!(refused.status, 404, "{role}: {}", refused.body);
    }
    assert_eq!(scene.state().await, "invited");
    let taken = scene.change("provider_admin", Method::DELETE, "", None).await;
    assert_eq!(taken.status, 202, "{}", taken.body);
}

#[tokio::test]
async fn r027_a_removal_needs_the_version_that_was_read() {
    let scene = applied().await;
    let (api, path) = (scene.api("reseller_admin"), scene.path(""));
    let blind = api.send(Method::DELETE, &path, None, &[]).await.unwrap();
    assert_eq!(blind.status, 428, "{}", blind.body);
    let stale = api
        .send(Method::DELETE, &path, None, &[("if-match", "\"1\"")])
        .await
        .unwrap();
    assert_eq!(stale.status, 412, "{}", stale.body);
    assert_eq!(scene.state().await, "upToDate");
}

#[tokio::test]
async fn r187_r188_the_global_admin_is_told_how_to_complete_it() {
    let scene = removing().await;
    let mails = scene.mails(scene.admin(), E5);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, [scene.admin()]);
    let text = mails[0].text.as_deref().unwrap();
    for said in [
        "Hello Global Admin",
        scene.tenant.display_name.as_str(),
        "can no longer call from the dial pad",
        "A final sync is required",
        scene.service.world.urls.portal.as_str(),
        "Sync Now - Changes Queued",
        "Northwind Customer Support, +1 555 0100",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[tokio::test]
async fn r152_an_ordered_removal_waits_for_its_final_sync() {
    let scene = removing().await;
    assert_eq!(scene.state().await, "removing");
    let status = scene.get("/status").await;
    assert_eq!(status.text("/actionNeeded"), "Sync Needed");
    assert_eq!(status.text("/buttons/integrationPortal"), "Sync Now - Changes Queued");
    assert_eq!(scene.holders().await.len(), 2, "Teams waits for the sync");
    assert!(scene.schedule().is_some());
    for day in 1..=2 {
        scene.service.world.advance(DAY).await;
        assert_eq!(scene.reminders().len(), day);
    }
}

#[tokio::test]
async fn r152_a_removal_with_nobody_mapped_waits_and_reminds_too() {
    let scene = Scene::discovered(options(60), None).await;
    order(&scene).await;
    assert_eq!(scene.state().await, "removing");
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "Sync Needed");
    scene.service.world.advance(DAY).await;
    assert_eq!(scene.reminders().len(), 1);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.state().await, "removed");
}

#[tokio::test]
async fn r152_the_plan_shows_what_the_final_sync_takes_back() {
    let scene = removing().await;
    let plan = scene.plan().await;
    assert_eq!(plan.status, 201, "{}", plan.body);
    let text = plan.body["text"].to_string();
    assert!(text.contains("+3227001000") && text.contains("+3227001001"), "{text}");
    assert!(!text.contains("+3227001002"), "{text}");
    assert_eq!(plan.body["releasesToApprove"], Value::Null);
}

#[tokio::test]
async fn while_it_is_removed_nobody_is_mapped_and_nothing_is_changed() {
    let scene = removing().await;
    let saved = scene.map(&[(2, Some(2))]).await;
    assert_eq!((saved.status.as_u16(), saved.text("/code")), (409, "conflict"));
    let licences = scene.get("/licences").await;
    assert_eq!(licences.number("/allowance"), Some(0), "{}", licences.body);
    let before = scene.seen().await.body;
    let form = enterprise_form(&scene.tenant, Some(3));
    for (method, rest, body) in [
        (Method::PUT, "", Some(form)),
        (Method::PUT, "/licences", Some(json!({ "count": 3 }))),
        (
            Method::PUT,
            "/global-admin",
            Some(json!({ "email": scene.tenant.global_admins[1] })),
        ),
        (Method::POST, "/disable", None),
        (Method::POST, "/enable", None),
        (Method::POST, "/invitation", None),
        (Method::DELETE, "", None),
    ] {
        let refused = scene.change("reseller_admin", method.clone(), rest, body).await;
        assert_eq!(refused.status, 409, "{method} {rest}: {}", refused.body);
    }
    assert_eq!(scene.seen().await.body, before);
    assert_eq!(scene.mails(scene.admin(), E5).len(), 1);
}

#[tokio::test]
async fn while_it_is_removed_only_a_final_sync_runs() {
    let scene = removing().await;
    for form in [
        json!({ "kind": "discover" }),
        json!({ "kind": "apply", "mode": "addOnly" }),
    ] {
        let refused = scene.start(form).await;
        assert_eq!(refused.status, 409, "{}", refused.body);
        assert!(refused.text("/detail").contains("being removed"), "{}", refused.body);
    }
    assert_eq!(
        scene.start(json!({ "kind": "apply", "mode": "full" })).await.status,
        201
    );
}

#[tokio::test]
async fn a_sync_that_waits_for_its_sign_in_is_no_final_sync() {
    for form in [
        json!({ "kind": "apply", "mode": "addOnly" }),
        json!({ "kind": "discover" }),
        json!({ "kind": "apply", "mode": "full" }),
    ] {
        let scene = applied().await;
        let started = scene.start(form).await;
        assert_eq!(started.status, 201, "{}", started.body);
        order(&scene).await;
        let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
        assert_eq!(run.text("/state"), "abandoned");
        let link = started.text("/signInUrl").parse().unwrap();
        refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
        assert_eq!(restore(&scene).await.status, 200, "nothing has begun");
    }
}

/// A run that waits for Microsoft at the first read of its planning.
async fn parked(scene: &Scene) -> Answer {
    let world = &scene.service.world;
    world.aws.state_machine.skip_waits(false);
    let wait = json!({ "path": "/organization", "status": 429, "retryAfter": "90", "times": 1 });
    scene.microsoft("/faults", wait).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    world.idle().await;
    world.aws.state_machine.skip_waits(true);
    started
}

#[tokio::test]
async fn a_removal_waits_for_the_end_of_a_sync() {
    let scene = applied().await;
    let started = parked(&scene).await;
    let early = scene.change("reseller_admin", Method::DELETE, "", None).await;
    assert_eq!(early.status, 409, "{}", early.body);
    assert!(early.text("/detail").contains("a sync is going on"), "{}", early.body);
    assert!(scene.mails(scene.admin(), E5).is_empty());
    scene.at_rest(started.text("/id")).await;
    order(&scene).await;
}

#[tokio::test]
async fn a_removal_can_be_undone_before_its_final_sync() {
    let scene = applied().await;
    let mapping = scene.get("/mapping").await.body["rows"].clone();
    order(&scene).await;
    let undone = restore(&scene).await;
    assert_eq!(undone.status, 200, "{}", undone.body);
    assert_eq!(undone.text("/state"), "upToDate");
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "None");
    assert!(scene.schedule().is_none());
    assert_eq!(scene.get("/mapping").await.body["rows"], mapping);
    assert!(scene.plan().await.list("/changes").is_empty());
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 3);
    let again = restore(&scene).await;
    assert_eq!(again.status, 409, "{}", again.body);
    let deeds = scene.deeds().await;
    assert!(deeds.contains(&"removalStarted".to_owned()) && deeds.contains(&"removalUndone".to_owned()));
}

#[tokio::test]
async fn an_undone_removal_of_a_disabled_enterprise_leaves_it_disabled() {
    let scene = applied().await;
    scene.done(Method::POST, "/disable", None).await;
    order(&scene).await;
    assert_eq!(scene.state().await, "removing");
    assert_eq!(restore(&scene).await.text("/state"), "disabled");
    assert!(scene.schedule().is_none());
}

#[tokio::test]
async fn what_waited_before_a_removal_waits_after_its_undoing() {
    let scene = applied().await;
    scene.map(&[(2, Some(2))]).await;
    order(&scene).await;
    assert_eq!(restore(&scene).await.text("/state"), "syncNeeded");
    assert!(scene.schedule().is_some());
}

#[tokio::test]
async fn there_is_no_way_back_once_the_final_sync_has_begun() {
    let scene = removing().await;
    let started = parked(&scene).await;
    let late = restore(&scene).await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert!(late.text("/detail").contains("final sync has begun"), "{}", late.body);
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.state().await, "removed");
    let late = restore(&scene).await;
    assert_eq!(late.status, 409, "{}", late.body);
}

#[tokio::test]
async fn a_final_sync_that_fails_goes_on_being_needed() {
    let scene = removing().await;
    let fault = json!({ "number": "+3227001000", "failure": "Not today.", "times": 1 });
    scene.order("/number-faults", fault).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert!(!findings(&run).is_empty());
    assert_eq!(scene.state().await, "removing");
    assert_eq!(restore(&scene).await.status, 409);
    assert!(scene.schedule().is_some(), "the Global Admin is reminded");
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.state().await, "removed");
    assert!(scene.holders().await.is_empty());
    assert!(scene.schedule().is_none());
}

#[tokio::test]
async fn r152_r153_the_final_sync_takes_back_what_is_ours_and_nothing_else() {
    let scene = Scene::applied(options(120), 10, 8).await;
    let candidates = scene.candidates().await;
    scene
        .order(
            "/policies",
            json!({ "type": "TeamsCallingPolicy", "name": "Reception" }),
        )
        .await;
    let theirs = json!({ "user": candidates[20]["id"], "type": "TeamsCallingPolicy", "name": "Reception" });
    scene.order("/grants", theirs).await;
    let number = json!({ "number": "+3227001999", "holder": candidates[21]["id"] });
    scene.order("/numbers", number).await;
    let ours = |number: &Value| ('0'..='7').any(|n| number["telephoneNumber"] == format!("+322700100{n}"));
    let before: Vec<Value> = scene
        .numbers()
        .await
        .into_iter()
        .filter(|number| !ours(number))
        .collect();
    let requests = scene.service.world.urls.portal.join("/_microsoft/requests").unwrap();
    Client::new().delete(requests.clone()).send().await.unwrap();
    order(&scene).await;
    let run = scene.apply().await;
    assert_eq!(
        run.text("/state"),
        "succeeded",
        "more than five releases need no approval: {}",
        run.body
    );

    let after = scene.numbers().await;
    assert!(
        after
            .iter()
            .filter(|number| ours(number))
            .all(|number| number["holder"].is_null()),
        "{after:?}"
    );
    let rest: Vec<Value> = after.into_iter().filter(|number| !ours(number)).collect();
    assert_eq!(rest, before);
    let counters: Value = Client::new().get(requests).send().await.unwrap().json().await.unwrap();
    let by_path = counters["byPath"].as_object().unwrap();
    let calls = |part: &str| -> u64 {
        let calls = by_path.iter().filter(|(path, _)| path.to_lowercase().contains(part));
        calls.map(|(_, count)| count.as_u64().unwrap()).sum()
    };
    assert_eq!(
        (calls("/unassignnumber"), calls("/assignnumber")),
        (8, 0),
        "{by_path:?}"
    );
    brand_is_gone(&scene).await;
    assert!(policy_exists(&scene, "TeamsCallingPolicy", "Reception").await);
    let log = scene.log(&run).await.join("\n");
    assert!(log.contains("Northwind2Teams-VM-MOHEXT: removed"), "{log}");
}

/// Microsoft takes some minutes for each operation on a number.
fn slow() -> Options {
    let options = options(60);
    let delays = Delays {
        number_operation: SignedDuration::from_mins(3),
        ..Delays::none()
    };
    Options {
        microsoft: microsoft::Options {
            delays,
            ..options.microsoft
        },
        ..options
    }
}

#[tokio::test]
async fn r152_what_an_interrupted_sync_has_handed_over_is_taken_back_too() {
    let scene = Scene::mapped(slow(), 3, 2).await;
    scene.interrupted().await;
    order(&scene).await;
    assert_eq!(scene.state().await, "removing");
    scene.service.world.advance(SignedDuration::from_mins(10)).await;
    assert_eq!(
        scene.holders().await.len(),
        2,
        "Microsoft has done what it was asked for"
    );
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert!(scene.holders().await.is_empty(), "{:?}", scene.holders().await);
    assert_eq!(scene.state().await, "removed");
    brand_is_gone(&scene).await;
}

#[tokio::test]
async fn r152_a_policy_that_somebody_else_uses_stays_and_the_rest_is_removed() {
    let scene = applied().await;
    let user = scene.candidates().await[20]["id"].clone();
    let grant = json!({ "user": user, "type": "TeamsCallingPolicy", "name": "Northwind2Teams-VM-MOHEXT" });
    scene.order("/grants", grant).await;
    order(&scene).await;
    let run = scene.apply().await;
    // Somebody gave our policy to another user: Teams does not let it go, and the Global Admin reads why.
    assert!(scene.holders().await.is_empty(), "the numbers are back in any case");
    if run.text("/state") == "failed" {
        assert!(run.body["findings"].to_string().contains("assigned"), "{}", run.body);
        assert_eq!(scene.state().await, "removing");
        let none = json!({ "user": user, "type": "TeamsCallingPolicy", "name": null });
        scene.order("/grants", none).await;
        let run = scene.apply().await;
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    }
    assert_eq!(scene.state().await, "removed");
}

#[tokio::test]
async fn the_final_sync_needs_no_group_and_no_free_licence() {
    let scene = Scene::applied(options(60), 3, 2).await;
    let group = scene
        .get("/groups")
        .await
        .list("/items")
        .iter()
        .find(|group| group["banned"].is_null())
        .cloned();
    let group = group.unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        scene
            .choose(json!({ "mode": "groups", "groups": [group] }))
            .await
            .status,
        200
    );
    scene
        .order(&format!("/groups/{group}"), json!({ "deleted": true }))
        .await;
    order(&scene).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.state().await, "removed");
}

#[tokio::test]
async fn what_is_removed_stays_removed() {
    let scene = removed().await;
    assert_eq!(scene.state().await, "removed");
    assert!(scene.schedule().is_none());
    let status = scene.get("/status").await;
    assert_eq!(status.text("/actionNeeded"), "None");
    scene.service.world.advance(DAY * 3).await;
    scene.sweep().await;
    assert!(scene.reminders().is_empty());
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 409, "{}", started.body);
    assert_eq!(scene.plan().await.status, 409);
    let form = enterprise_form(&scene.tenant, Some(3));
    for (method, rest, body) in [
        (Method::PUT, "", Some(form)),
        (Method::PUT, "/licences", Some(json!({ "count": 3 }))),
        (
            Method::PUT,
            "/global-admin",
            Some(json!({ "email": scene.tenant.global_admins[1] })),
        ),
        (Method::POST, "/disable", None),
        (Method::POST, "/enable", None),
        (Method::POST, "/invitation", None),
        (Method::POST, "/restore", None),
        (Method::DELETE, "", None),
    ] {
        let refused = scene.change("reseller_admin", method.clone(), rest, body).await;
        assert_eq!(refused.status, 409, "{method} {rest}: {}", refused.body);
    }
    everything_ends(&scene).await;
}

#[tokio::test]
async fn nothing_new_is_kept_of_a_removed_enterprise() {
    let scene = removed().await;
    let (before, api) = (items(&scene).await.len(), scene.api("account_admin"));
    let push = api
        .put(&scene.path("/voice-users"), &json!({ "items": [voice_user(7)] }), None)
        .await;
    assert_eq!(push.unwrap().status, 409);
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 409);
    let api = scene.api("global_admin");
    let consent = api
        .put(&scene.path("/management-consent"), &json!({ "granted": true }), None)
        .await;
    assert_eq!(consent.unwrap().status, 409);
    assert_eq!(items(&scene).await.len(), before);
}

#[tokio::test]
async fn the_trail_tells_the_whole_removal() {
    let scene = removed().await;
    let mut deeds = scene.deeds().await;
    deeds.retain(|deed| deed.contains("emov") || deed.contains("finalSync"));
    assert_eq!(deeds, ["removed", "finalSyncStarted", "removalStarted"]);
    let path = format!("/v1/resellers/{}/audit", scene.reseller);
    let trail = scene.api("reseller_admin").get(&path).await.unwrap();
    assert_eq!(
        trail.text("/items/0/deed"),
        "removed",
        "the reseller's trail outlives it"
    );
}

#[tokio::test]
async fn the_tenant_is_free_for_another_enterprise() {
    let mut scene = removed().await;
    let form = enterprise_form(&scene.tenant, None);
    let created = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
    let old = std::mem::replace(&mut scene.enterprise, created.text("/id").to_owned());
    set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
    scene.choose(json!({ "mode": "everyone" })).await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.push(2).await;
    scene.map(&[(0, Some(0))]).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 1);
    scene.enterprise = old;
    assert_eq!(scene.state().await, "removed");
}

#[tokio::test]
async fn after_the_retention_time_everything_is_gone() {
    let scene = removed().await;
    everything_ends(&scene).await;
    scene
        .service
        .world
        .advance(DAY * 30 - SignedDuration::from_hours(1))
        .await;
    scene.service.world.dynamodb.sweep().unwrap();
    assert_eq!(scene.seen().await.text("/state"), "removed");
    scene.service.world.advance(SignedDuration::from_hours(2)).await;
    scene.service.world.dynamodb.sweep().unwrap();
    let left: Vec<_> = items(&scene)
        .await
        .iter()
        .map(|item| format!("{:?}{:?}", item["pk"], item["sk"]))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let gone = scene.api("reseller_admin").get(&scene.path("")).await.unwrap();
    assert_eq!(gone.status, 404);
    let list = scene.api("reseller_admin").get("/v1/enterprises").await.unwrap();
    assert!(list.list("/items").is_empty(), "{}", list.body);
    let swept = scene.sweep().await;
    assert_eq!(swept["swept"]["failed"], 0, "{swept}");
}

#[tokio::test]
async fn who_never_synced_is_gone_at_once() {
    let scene = Scene::invited(options(40), None).await;
    let (_, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    let ordered = order(&scene).await;
    assert_eq!(ordered.text("/state"), "removed");
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    let mails = scene.mails(scene.admin(), E5);
    assert_eq!(mails.len(), 1);
    let text = mails[0].text.as_deref().unwrap();
    assert!(text.contains("nothing is left for you to do"), "{text}");
    assert!(!text.contains("final sync"), "{text}");
    everything_ends(&scene).await;
}

#[tokio::test]
async fn a_set_up_under_way_ends_with_the_removal() {
    let scene = Scene::invited(options(40), None).await;
    let (mut browser, page) = scene.tenant_shown().await;
    order(&scene).await;
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    refused(&page, "LINK_CLOSED");
    assert_eq!(scene.state().await, "removed");
    everything_ends(&scene).await;
}

#[tokio::test]
async fn who_was_connected_and_never_synced_leaves_the_tenant_free() {
    let mut scene = Scene::connected(options(60), None).await;
    assert_eq!(order(&scene).await.text("/state"), "removed");
    everything_ends(&scene).await;
    let form = enterprise_form(&scene.tenant, None);
    let created = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    scene.enterprise = created.text("/id").to_owned();
    set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
}
