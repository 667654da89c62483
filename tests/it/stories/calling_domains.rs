//! The calling domains of a tenant that has none: made, proven by the provider's DNS, activated by accounts that are lent a
//! licence, and taken away at the end (R147, R148, R202, R211).

use super::scene::{Scene, findings, options};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::drive::api::Answer;
use dialbridge_local::faults::Fault;
use dialbridge_local::microsoft;
use jiff::SignedDuration;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const NO_SPARE: &str =
    "Unable to activate domains for voice on Microsoft Office 365 because no unassigned licenses were found.";

/// A tenant without calling domains; `change` says what else.
fn bare(change: impl FnOnce(&mut microsoft::Options)) -> Options {
    let mut options = options(60);
    options.microsoft.bare = true;
    options.microsoft.provider_dns = true;
    change(&mut options.microsoft);
    options
}

/// What Microsoft has of the domains: names with whether they are verified and carry calls, accounts in them, and seats taken.
#[derive(Debug, PartialEq, Eq)]
struct AtMicrosoft {
    domains: BTreeMap<String, Value>,
    accounts: BTreeSet<String>,
    taken: u64,
}

impl Scene {
    async fn at_microsoft(&self) -> AtMicrosoft {
        let path = format!("/_microsoft/tenants/{}/domains", self.tenant.id);
        let url = self.service.world.urls.portal.join(&path).unwrap();
        let seen: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
        let domains = seen["domains"].as_array().unwrap().iter();
        let ours = domains.filter(|domain| domain["name"].as_str().unwrap().ends_with(".voice.example"));
        AtMicrosoft {
            domains: ours
                .map(|domain| (domain["name"].as_str().unwrap().to_owned(), domain.clone()))
                .collect(),
            accounts: seen["accounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap().to_owned())
                .filter(|name| name.ends_with(".voice.example"))
                .collect(),
            taken: seen["seatsTaken"].as_u64().unwrap(),
        }
    }

    /// So many seats are free, of all products together.
    async fn spare(&self, seats: u32) {
        let products = [
            "SPE_E5",
            "SPE_E3",
            "O365_BUSINESS_ESSENTIALS",
            "SPE_E5_CALLINGMINUTES",
            "PHONESYSTEM_VIRTUALUSER",
        ];
        for product in products {
            let spare = if product == "SPE_E3" { seats } else { 0 };
            self.order(&format!("/skus/{product}"), json!({ "spare": spare })).await;
        }
    }

    fn domain(&self, base: &str) -> String {
        let label = self.tenant.initial_domain.split('.').next().unwrap();
        format!("{label}.{base}")
    }

    async fn domains(&self) -> Answer {
        let answer = self.get("/domains").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    async fn states(&self) -> Vec<String> {
        let domains = self.domains().await;
        let states = domains
            .list("/items")
            .iter()
            .map(|one| one["state"].as_str().unwrap().to_owned());
        states.collect()
    }

    /// Somebody publishes what the API says has to be published.
    async fn publish(&self) {
        let list = self
            .api("provider_support")
            .get("/v1/domains?state=unverified")
            .await
            .unwrap();
        assert_eq!(list.status, 200, "{}", list.body);
        for domain in list.list("/items") {
            assert_eq!(domain["enterprise"], self.enterprise.as_str());
            let record = &domain["record"];
            self.order("/dns", json!({ "name": record["name"], "text": record["value"] }))
                .await;
        }
    }

    #[track_caller]
    fn ready(&self, seen: &AtMicrosoft, taken_before: u64) {
        let names: Vec<&String> = seen.domains.keys().collect();
        let needed = ["sbc1.eu.voice.example", "sbc2.eu.voice.example"].map(|base| self.domain(base));
        assert_eq!(names, needed.iter().collect::<Vec<_>>());
        assert!(
            seen.domains
                .values()
                .all(|domain| domain["verified"] == true && domain["voice"] == true)
        );
        assert_eq!(seen.accounts, BTreeSet::new(), "no account is left behind");
        assert_eq!(seen.taken, taken_before, "no licence is left behind");
    }
}

/// The run's log, as text.
async fn whole_log(scene: &Scene, run: &Answer) -> String {
    scene.log(run).await.join("\n")
}

#[tokio::test]
async fn r147_the_first_sync_of_a_bare_tenant_ends_with_calls_possible() {
    let scene = Scene::mapped(bare(|_| {}), 3, 2).await;
    let before = scene.at_microsoft().await;
    assert!(before.domains.is_empty());
    assert_eq!(scene.states().await, ["planned", "planned"]);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.ready(&scene.at_microsoft().await, before.taken);
    assert_eq!(scene.holders().await.len(), 2);
    assert_eq!(scene.states().await, ["active", "active"]);
    let log = whole_log(&scene, &run).await;
    for news in [
        "created",
        "waits for the DNS record TXT MS=ms",
        "verified",
        "lent to activate-",
        "active",
        "taken back",
    ] {
        assert!(log.contains(news), "{news}: {log}");
    }
    assert!(!log.contains("aZ9-"), "no password is written");
    // A tenant that is ready is left as it is.
    scene.map(&[(2, Some(2))]).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    scene.ready(&scene.at_microsoft().await, before.taken);
}

#[tokio::test]
async fn r147_r202_with_microsofts_real_delays_the_run_ends_and_the_next_one_goes_on() {
    let slow = bare(|microsoft| {
        microsoft.provider_dns = false;
        microsoft.delays.domain_activation = SignedDuration::from_hours(5);
        microsoft.delays.dns_visible = SignedDuration::from_mins(5);
    });
    let scene = Scene::mapped(slow, 3, 2).await;
    let before = scene.at_microsoft().await;
    // Nobody publishes the record.
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert_eq!(findings(&run), ["DOMAIN_NOT_READY", "DOMAIN_NOT_READY"]);
    let first = &run.list("/findings")[0];
    assert_eq!(first["actor"], "provider");
    assert!(first["wait"]["earliestRetry"].is_string(), "{first}");
    let record = scene.domains().await.list("/items")[0]["record"].clone();
    assert!(
        first["fix"]
            .as_str()
            .unwrap()
            .contains(record["value"].as_str().unwrap()),
        "{first} {record}"
    );
    assert_eq!(scene.states().await, ["unverified", "unverified"]);
    let blocks = scene.get("/status").await.body.to_string();
    assert!(blocks.contains("DOMAIN_NOT_READY"), "{blocks}");
    assert!(scene.holders().await.is_empty());
    let made = scene.at_microsoft().await;
    assert_eq!(
        (made.domains.len(), made.accounts.len()),
        (2, 0),
        "no licence is lent before the domain is proven"
    );
    // The provider does; Microsoft takes five hours.
    scene.publish().await;
    scene.service.world.advance(SignedDuration::from_hours(1)).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "failed", "{}", run.body);
    assert_eq!(scene.states().await, ["activating", "activating"]);
    assert!(
        run.list("/findings")
            .iter()
            .all(|finding| finding["actor"] == "microsoft"),
        "{}",
        run.body
    );
    let lent = scene.at_microsoft().await;
    assert_eq!((lent.accounts.len(), lent.taken), (2, before.taken + 2));
    let list = scene
        .api("provider_admin")
        .get("/v1/domains?state=unverified")
        .await
        .unwrap();
    assert!(list.list("/items").is_empty(), "{}", list.body);
    scene.service.world.advance(SignedDuration::from_hours(5)).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.ready(&scene.at_microsoft().await, before.taken);
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn a_run_waits_for_a_record_that_comes_within_minutes() {
    let soon = bare(|microsoft| {
        microsoft.delays.dns_visible = SignedDuration::from_mins(3);
        microsoft.delays.domain_activation = SignedDuration::from_mins(7);
    });
    let scene = Scene::mapped(soon, 3, 2).await;
    let before = scene.service.world.clock.now();
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let waited = scene.service.world.clock.now().duration_since(before);
    assert!(waited >= SignedDuration::from_mins(10), "{waited}");
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn r148_r211_a_sync_with_one_free_licence_fails_in_the_guides_words_and_succeeds_with_two() {
    let scene = Scene::mapped(bare(|_| {}), 3, 2).await;
    for seats in [0, 1] {
        scene.spare(seats).await;
        let run = scene.apply().await;
        assert_eq!(run.text("/state"), "failed", "{}", run.body);
        assert_eq!(findings(&run), ["NO_SPARE_LICENSES"]);
        let finding = &run.list("/findings")[0];
        assert_eq!(finding["seen"], NO_SPARE);
        assert!(
            finding["fix"].as_str().unwrap().contains("Billing > Licenses"),
            "{finding}"
        );
        assert!(whole_log(&scene, &run).await.contains(NO_SPARE));
        assert!(scene.at_microsoft().await.domains.is_empty(), "nothing is made in vain");
    }
    let status = scene.get("/status").await;
    assert_eq!(status.text("/lastSyncStatus"), "Failed");
    scene.spare(2).await;
    let before = scene.at_microsoft().await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.ready(&scene.at_microsoft().await, before.taken);
}

/// The seats of a product in its grace period count, those of a suspended one do not (1.5 `NO_SPARE_LICENSES`).
#[tokio::test]
async fn r147_licences_in_their_grace_period_count_and_suspended_ones_do_not() {
    let scene = Scene::mapped(bare(|_| {}), 3, 1).await;
    scene.spare(2).await;
    scene.order("/skus/SPE_E3", json!({ "status": "Suspended" })).await;
    assert_eq!(findings(&scene.apply().await), ["NO_SPARE_LICENSES"]);
    scene.order("/skus/SPE_E3", json!({ "status": "Warning" })).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
}

#[tokio::test]
async fn a_domain_of_another_tenant_is_named() {
    let scene = Scene::mapped(bare(|_| {}), 3, 1).await;
    let domain = scene.domain("sbc2.eu.voice.example");
    let other = scene.other_tenants().await.remove(0);
    let path = format!("/tenants/{}/domains", other.id);
    scene.microsoft(&path, json!({ "name": domain, "added": true })).await;
    let run = scene.apply().await;
    assert_eq!(findings(&run), ["DOMAIN_NOT_READY"], "{}", run.body);
    let finding = &run.list("/findings")[0];
    assert_eq!(finding["subject"], domain.as_str());
    assert!(
        finding["seen"]
            .as_str()
            .unwrap()
            .contains("another Microsoft 365 tenant"),
        "{finding}"
    );
}

#[tokio::test]
async fn a_federated_domain_is_named_before_anything_is_lent() {
    let scene = Scene::mapped(bare(|_| {}), 3, 1).await;
    let domain = scene.domain("sbc1.eu.voice.example");
    let order = json!({ "name": domain, "added": true, "federated": true });
    scene.order("/domains", order).await;
    let run = scene.apply().await;
    assert_eq!(findings(&run), ["DOMAIN_NOT_READY"], "{}", run.body);
    assert!(run.body.to_string().contains("federated"), "{}", run.body);
    assert!(scene.at_microsoft().await.accounts.is_empty());
}

/// A domain that the customer's IT verified by hand is used, and stays when the integration goes.
#[tokio::test]
async fn what_was_there_before_us_is_used_and_stays() {
    let scene = Scene::mapped(bare(|_| {}), 3, 1).await;
    let domain = scene.domain("sbc1.eu.voice.example");
    scene
        .order("/domains", json!({ "name": domain, "added": true, "verified": true }))
        .await;
    let before = scene.at_microsoft().await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.ready(&scene.at_microsoft().await, before.taken);
    let ours: Vec<_> = scene
        .domains()
        .await
        .list("/items")
        .iter()
        .map(|one| one["ours"].clone())
        .collect();
    assert_eq!(ours, [json!(false), json!(true)]);
    scene.done(Method::DELETE, "", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let left: Vec<String> = scene.at_microsoft().await.domains.into_keys().collect();
    assert_eq!(left, [domain]);
}

#[tokio::test]
async fn a_sync_without_the_role_for_domains_says_who_has_to_sign_in() {
    let scene = Scene::mapped(bare(|_| {}), 3, 1).await;
    let refused = json!({ "path": "/domains", "method": "POST", "status": 403, "times": 9 });
    scene.microsoft("/faults", refused).await;
    let run = scene.apply().await;
    assert_eq!(findings(&run), ["CONSENT_MISSING"], "{}", run.body);
    assert!(run.body.to_string().contains("Domain.ReadWrite.All"), "{}", run.body);
    let kept = scene.states().await;
    assert_eq!(kept, ["planned", "planned"], "nothing is remembered that was not made");
}

/// Of more points than this a sample is taken, evenly.
const POINTS: u64 = 20;

/// The domains are taken away behind our back, and the next sync makes them again; its worker waits before the stage.
async fn parked(scene: &Scene) -> String {
    for base in ["sbc1.eu.voice.example", "sbc2.eu.voice.example"] {
        let order = json!({ "name": scene.domain(base), "removed": true });
        scene.order("/domains", order).await;
    }
    let world = &scene.service.world;
    world.aws.state_machine.skip_waits(false);
    let park = json!({ "path": "/admin/teams", "status": 429, "retryAfter": "90", "times": 1 });
    scene.microsoft("/faults", park).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    scene.sign_in(&started, scene.admin()).await;
    world.idle().await;
    world.aws.state_machine.skip_waits(true);
    world.faults.reset();
    started.text("/id").to_owned()
}

/// Killed at every effect of the stage, before it and after with the answer lost: nothing is left behind twice.
async fn killed_everywhere(fault: Fault) {
    let scene = Scene::applied(bare(|_| {}), 1, 1).await;
    let taken = scene.at_microsoft().await.taken;
    let run = parked(&scene).await;
    scene.at_rest(&run).await;
    let calls = scene.service.world.faults.calls();
    let step = calls.div_ceil(POINTS).max(1);
    let mut points = 0;
    for call in (1..=calls).step_by(usize::try_from(step).unwrap()) {
        let run = parked(&scene).await;
        scene.service.world.faults.at_call(call, fault.clone());
        let run = scene.at_rest(&run).await;
        let what = format!("{fault:?} {call}");
        assert_eq!(run.text("/state"), "succeeded", "{what}: {}", run.body);
        let seen = scene.at_microsoft().await;
        scene.ready(&seen, taken);
        assert_eq!(scene.states().await, ["active", "active"], "{what}");
        points += 1;
    }
    println!("{fault:?}: {points} of {calls} points tried");
    assert!(points > 12, "{points}");
}

#[tokio::test]
async fn a_worker_killed_before_any_effect_leaves_no_domain_account_or_licence_behind() {
    killed_everywhere(Fault::KillBefore).await;
}

#[tokio::test]
async fn a_worker_killed_after_any_effect_leaves_no_domain_account_or_licence_behind() {
    killed_everywhere(Fault::KillAfter).await;
}
