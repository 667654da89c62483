//! The permissions that are asked for, held against the calls that are made: each is needed, none is missing, and where a
//! tenant's grant lacks one, the sign-in says so (R054-R060).

use crate::stories::scene::{Scene, options, refused};
use crate::tidy::read;
use dialbridge_local::drive::people::at_microsoft;
use dialbridge_local::microsoft::Allowed;
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::consent::{CALLING_SCOPES, ORGANIZATION_ROLES, READING_SCOPES, SIGN_IN_SCOPES, TEAMS_ADMIN_SCOPE};
use std::collections::BTreeSet;

/// About signing in itself; no call shows them. What each is for is seen where it is withheld.
const OPENID_CONNECT: [&str; 3] = ["openid", "profile", "offline_access"];

/// Everything that the service does at Microsoft, once.
async fn whole_loop() -> BTreeSet<Allowed> {
    let mut bare = options(60);
    (bare.microsoft.bare, bare.microsoft.provider_dns) = (true, true);
    let scene = Scene::invited(bare, None).await;
    let (mut browser, page) = scene.bound().await;
    let page = browser.submit(&page, "/setup/organization", &[]).await.unwrap();
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/adminconsent", &account).await.unwrap();
    let accept = [("action", "accept")];
    let page = browser.submit(&page, "/adminconsent", &accept).await.unwrap();
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
    scene.clear_on_premises(&scene.tenant).await;
    for choice in [
        json!({ "mode": "groups", "names": ["Accounting"] }),
        json!({ "mode": "everyone" }),
    ] {
        let chosen = scene.choose(choice).await;
        assert_eq!(chosen.status, 200, "{}", chosen.body);
        let run = scene.run(json!({ "kind": "discover" })).await;
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    }
    scene.push(3).await;
    for mapping in [[(0, Some(0)), (1, Some(1))], [(0, None), (1, Some(2))]] {
        assert_eq!(scene.map(&mapping).await.status, 200);
        let run = scene.apply().await;
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    }
    scene.done(Method::DELETE, "", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.service.microsoft.allowed()
}

/// Names in `infra/entra-app.json` of a kind: `Scope` or `Role`.
fn registered(kind: &str) -> BTreeSet<String> {
    let application: Value = serde_json::from_str(&read("infra/entra-app.json")).unwrap();
    let resources = application["requiredResourceAccess"].as_array().unwrap().iter();
    let all = resources.flat_map(|resource| resource["resourceAccess"].as_array().unwrap());
    let of_kind = all.filter(|permission| permission["type"] == kind);
    of_kind
        .map(|permission| permission["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Permissions without which some call would have been refused, and all that allowed any.
fn needed(allowed: &BTreeSet<Allowed>, as_application: bool) -> (BTreeSet<String>, BTreeSet<String>) {
    let calls = || allowed.iter().filter(|call| call.as_application == as_application);
    let alone = calls().filter(|call| call.by.len() == 1);
    (
        alone.flat_map(|call| call.by.clone()).collect(),
        calls().flat_map(|call| call.by.clone()).collect(),
    )
}

#[tokio::test]
async fn r056_r060_exactly_the_permissions_that_are_asked_for_are_needed() {
    let allowed = whole_loop().await;
    for call in &allowed {
        let who = if call.as_application { "application" } else { "person" };
        println!("{who:>12} {:60} {:?}", call.call, call.by);
    }
    for (kind, as_application) in [("Scope", false), ("Role", true)] {
        let asked: BTreeSet<String> = registered(kind)
            .into_iter()
            .filter(|name| !OPENID_CONNECT.contains(&name.as_str()))
            .collect();
        let (mut alone, any) = needed(&allowed, as_application);
        if !as_application {
            // A look at groups signs in with these and asks for no more; whatever else was granted comes along in the token.
            alone.extend(READING_SCOPES.map(str::to_owned));
        }
        assert_eq!(alone, asked, "{kind}: needed on the left, asked for on the right");
        assert_eq!(any, asked, "{kind}: no call is allowed by anything else");
        println!("{kind}: {} asked for and needed", asked.len());
    }
    assert!(allowed.iter().all(|call| !call.by.is_empty()));
}

#[test]
fn the_registration_and_the_code_ask_for_the_same() {
    let scopes = SIGN_IN_SCOPES.iter().chain(&CALLING_SCOPES).chain([&TEAMS_ADMIN_SCOPE]);
    let scopes: BTreeSet<String> = scopes.map(|name| (*name).to_owned()).collect();
    assert_eq!(registered("Scope"), scopes);
    let roles: BTreeSet<String> = ORGANIZATION_ROLES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(registered("Role"), roles);
}

async fn withhold(scene: &Scene, permissions: &[&str]) {
    scene.order("", json!({ "withheld": permissions })).await;
}

/// What the sign-in of a sync needs.
fn of_a_sync() -> Vec<&'static str> {
    let calling = CALLING_SCOPES.into_iter().chain([TEAMS_ADMIN_SCOPE, "offline_access"]);
    calling.collect()
}

#[tokio::test]
async fn a_sync_whose_grant_lacks_any_permission_ends_at_its_sign_in() {
    let scene = Scene::connected(options(60), None).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    let started = scene.start(json!({ "kind": "discover" })).await;
    for permission in of_a_sync() {
        withhold(&scene, &[permission]).await;
        let page = scene.sign_in(&started, scene.admin()).await;
        refused(&page, "CONSENT_MISSING");
        let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
        assert_eq!(run.text("/state"), "awaitingSignIn", "{permission}");
        if permission != "offline_access" {
            assert!(page.says(permission), "{permission}: {}", page.html);
        }
    }
    withhold(&scene, &[]).await;
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
}

#[tokio::test]
async fn a_set_up_whose_second_grant_lacks_any_permission_is_not_complete() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, asking) = scene.bound().await;
    for permission in of_a_sync() {
        withhold(&scene, &[permission]).await;
        let page = browser.submit(&asking, "/setup/consent", &[]).await.unwrap();
        let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
        refused(&page, "CONSENT_MISSING");
        assert_eq!(scene.setup_state().await, "bound", "{permission}");
        assert_ne!(scene.consent("calling").await["state"], "granted", "{permission}");
    }
    withhold(&scene, &[]).await;
    let page = browser.submit(&asking, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
}

#[tokio::test]
async fn a_first_sign_in_whose_grant_lacks_the_profile_binds_nothing() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.code_entered().await;
    withhold(&scene, &["User.Read"]).await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    refused(&page, "CONSENT_MISSING");
    assert_eq!(scene.setup_state().await, "invited");
}

/// Without them there is no ID token, or nobody in it.
#[tokio::test]
async fn an_answer_that_does_not_say_who_signed_in_is_refused() {
    let scene = Scene::invited(options(60), None).await;
    for permission in ["openid", "profile"] {
        let (mut browser, page) = scene.code_entered().await;
        withhold(&scene, &[permission]).await;
        let before = scene.kept_but_news().await;
        let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
        refused(&page, "SIGN_IN_INVALID");
        assert_eq!(scene.kept_but_news().await, before, "{permission}");
        withhold(&scene, &[]).await;
    }
}

/// The organisation accepted, and the application permission does not come: the page goes on waiting.
#[tokio::test]
async fn an_organisations_consent_without_the_application_permission_is_not_in_force() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.bound().await;
    withhold(&scene, &ORGANIZATION_ROLES).await;
    let page = browser.submit(&page, "/setup/organization", &[]).await.unwrap();
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/adminconsent", &account).await.unwrap();
    let accept = [("action", "accept")];
    let page = browser.submit(&page, "/adminconsent", &accept).await.unwrap();
    assert_eq!(page.heading(), "Microsoft is applying the permissions", "{}", page.html);
    assert_eq!(scene.setup_state().await, "bound");
}
