//! The tenant's own voice objects through a whole service: drift is set back, what is not ours stays, another region or
//! prefix shows and is carried out, a final sync takes away what we made (R152-R161).

use super::scene::{Scene, findings, options};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::drive::people::enterprise_form;
use dialbridge_local::microsoft;
use reqwest::{Client, Method};
use serde_json::{Value, json};

const ROUTING: &str = "Northwind2Teams-Routing";

/// What the tenant has, asked of Microsoft and not of us.
async fn voice(scene: &Scene) -> Value {
    let path = format!("/_microsoft/tenants/{}/voice", scene.tenant.id);
    let url = scene.service.world.urls.portal.join(&path).unwrap();
    Client::new().get(url).send().await.unwrap().json().await.unwrap()
}

async fn policy(scene: &Scene, name: &str) -> Option<Value> {
    let voice = voice(scene).await;
    let policies = voice["policies"].as_array().unwrap();
    policies.iter().find(|policy| policy["name"] == name).cloned()
}

async fn gateways(scene: &Scene) -> Vec<String> {
    let voice = voice(scene).await;
    let routes = voice["routes"].as_array().unwrap();
    let route = routes.iter().find(|route| route["name"] == ROUTING).unwrap();
    let gateways = route["settings"]["gateways"].as_array().unwrap();
    gateways.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn two_regions() -> Options {
    let options = options(60);
    let bases = ["sbc1.eu", "sbc2.eu", "sbc1.na", "sbc2.na"];
    Options {
        microsoft: microsoft::Options {
            sbc_bases: bases.map(|base| format!("{base}.voice.example")).to_vec(),
            ..options.microsoft
        },
        ..options
    }
}

#[tokio::test]
async fn r160_r161_what_somebody_edited_is_told_and_set_back() {
    let scene = Scene::applied(options(60), 2, 1).await;
    let before = voice(&scene).await;
    let edited = json!({ "type": "TeamsCallingPolicy", "name": "Northwind2Teams-VM-MOHTEAMS",
                         "settings": { "allowPrivateCalling": false } });
    scene.order("/policies", edited).await;
    scene
        .order(
            "/routing",
            json!({ "usages": ["Theirs"], "routes": [
            { "name": "Theirs", "usages": ["Theirs"], "numberPattern": "^0", "gateways": [], "priority": 0 }] }),
        )
        .await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let log = scene.log(&run).await.join("\n");
    for name in [
        "calling policy Northwind2Teams-VM-MOHTEAMS was changed",
        "voice route Northwind2Teams-Routing was deleted",
        "PSTN usage Northwind2Teams-Routing was deleted",
    ] {
        assert!(log.contains("POLICY_DRIFT") && log.contains(name), "{name}: {log}");
    }
    let after = voice(&scene).await;
    for object in before["policies"].as_array().unwrap() {
        assert!(
            after["policies"].as_array().unwrap().contains(object),
            "{object}: {after}"
        );
    }
    assert_eq!(
        after["usages"],
        json!([ROUTING, "Theirs"]),
        "what is theirs is not touched"
    );
    assert_eq!(after["routes"][0]["name"], "Theirs");
    assert_eq!(
        after["routes"][1]["settings"]["gateways"],
        before["routes"][0]["settings"]["gateways"]
    );
    let again = scene.apply().await;
    assert!(
        !scene.log(&again).await.join("\n").contains("POLICY_DRIFT"),
        "it is as it should be"
    );
}

#[tokio::test]
async fn what_has_our_name_and_is_not_ours_stops_the_run_and_stays() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let theirs =
        json!({ "type": "OnlineVoiceRoutingPolicy", "name": ROUTING, "settings": { "pstnUsages": ["Theirs"] } });
    scene.order("/policies", theirs).await;
    let before = voice(&scene).await;
    let run = scene.apply().await;
    assert_eq!(
        (run.text("/state"), findings(&run)),
        ("failed", vec!["NAME_TAKEN"]),
        "{}",
        run.body
    );
    assert_eq!(voice(&scene).await, before);
    assert!(
        scene.holders().await.is_empty(),
        "nobody is sent over a route that we do not know"
    );
}

#[tokio::test]
async fn r152_what_was_there_before_us_and_is_right_is_used_and_stays() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let name = "Northwind2Teams-NoVM-MOHEXT";
    let settings = json!({ "allowPrivateCalling": true, "allowVoicemail": "AlwaysDisabled", "allowCallForwardingToPhone": true,
                           "allowCallForwardingToUser": true, "musicOnHoldEnabledType": "Disabled" });
    let theirs = json!({ "type": "TeamsCallingPolicy", "name": name, "settings": settings });
    scene.order("/policies", theirs).await;
    let before = voice(&scene).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert!(
        !scene.log(&run).await.join("\n").contains(&format!("{name}: ")),
        "it was not made"
    );
    scene.done(Method::DELETE, "", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(
        voice(&scene).await,
        before,
        "usages, routes and policies are as before us"
    );
}

#[tokio::test]
async fn r152_a_policy_that_somebody_else_uses_is_not_torn_away() {
    let scene = Scene::applied(options(60), 2, 1).await;
    let other = scene.candidates().await[5]["id"].clone();
    let name = "Northwind2Teams-NoVM-MOHEXT";
    let theirs = json!({ "user": other, "type": "TeamsCallingPolicy", "name": name });
    scene.order("/grants", theirs).await;
    scene.done(Method::DELETE, "", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert!(
        run.body["findings"][0]["seen"].to_string().contains("NoVM-MOHEXT"),
        "{}",
        run.body
    );
    assert!(policy(&scene, name).await.is_some());
    let none = json!({ "user": other, "type": "TeamsCallingPolicy", "name": null });
    scene.order("/grants", none).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let left = voice(&scene).await.to_string();
    assert!(!left.contains("Northwind2Teams"), "{left}");
}

#[tokio::test]
async fn r014_another_region_shows_and_changes_the_route() {
    let scene = Scene::applied(two_regions(), 2, 1).await;
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "None");
    assert!(gateways(&scene).await.iter().all(|name| name.contains(".eu.")));
    let mut form = enterprise_form(&scene.tenant, None);
    form["sbcRegions"] = json!(["North America"]);
    scene.done(Method::PUT, "", Some(form)).await;
    let status = scene.get("/status").await;
    assert_eq!(status.text("/actionNeeded"), "Sync Needed", "{}", status.body);
    assert!(scene.plan().await.list("/changes").is_empty(), "no user is concerned");
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let log = scene.log(&run).await.join("\n");
    assert!(
        log.contains("voice route Northwind2Teams-Routing: updated") && !log.contains("POLICY_DRIFT"),
        "{log}"
    );
    let now = gateways(&scene).await;
    assert!(
        now.len() == 2 && now.iter().all(|name| name.contains(".na.")),
        "{now:?}"
    );
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "None");
}

#[tokio::test]
async fn a_fault_of_the_worker_is_tried_again_and_nothing_is_made_twice_or_lost() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    // It looks twice before it changes anything: once for the plan, once before it acts.
    for skip in 0..3 {
        let fault = json!({ "host": "worker", "method": "POST", "path": "", "status": 500, "skip": skip, "times": 1 });
        scene.microsoft("/faults", fault).await;
    }
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let there = voice(&scene).await;
    let ours = |policy: &&Value| policy["name"].as_str().unwrap().starts_with("Northwind2Teams");
    assert_eq!(there["policies"].as_array().unwrap().iter().filter(ours).count(), 7);
    scene.done(Method::DELETE, "", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert!(!voice(&scene).await.to_string().contains("Northwind2Teams"));
}

#[tokio::test]
async fn an_administrator_of_a_partner_is_told_who_can_sync() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let fault = json!({ "host": "worker", "method": "POST", "path": "", "status": 403, "times": 9, "body": "40301 Forbidden." });
    scene.microsoft("/faults", fault).await;
    let run = scene.apply().await;
    assert_eq!(
        (run.text("/state"), findings(&run)),
        ("failed", vec!["MS_REFUSED"]),
        "{}",
        run.body
    );
    assert!(
        run.body["findings"][0]["seen"]
            .to_string()
            .contains("of the organization itself"),
        "{}",
        run.body
    );
}

#[tokio::test]
async fn a_second_sync_of_an_untouched_tenant_only_looks() {
    let scene = Scene::applied(options(60), 2, 1).await;
    let record = |table: super::scene::Table| {
        let objects = table.into_iter().filter(|((_, sk), _)| sk.starts_with("OBJECTS#"));
        objects.collect::<Vec<_>>()
    };
    let before = record(scene.table().await);
    assert_eq!(before.len(), 1, "one record for the tenant");
    let requests = scene.service.world.urls.portal.join("/_microsoft/requests").unwrap();
    Client::new().delete(requests.clone()).send().await.unwrap();
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(record(scene.table().await), before);
}
