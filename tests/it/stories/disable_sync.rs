//! `Disable Sync`: the only way from one tenant to another, on purpose, with everything that belongs to the old one put
//! aside and taken up again on return (R066-R068).

mod killed;

use super::scene::{Scene, options, parameter, refused};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{Tenant, at_microsoft, enterprise_form, set_up};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

const R066: &str = "The tenant for the selected user does not match the previously tenant selected";
const MOVE: [(&str, &str); 1] = [("decision", "confirm")];
const KEEP: [(&str, &str); 1] = [("decision", "reject")];

async fn discovered() -> Scene {
    Scene::discovered(options(60), None).await
}

/// Three voice users, of whom two have their numbers.
async fn applied() -> Scene {
    Scene::applied(options(60), 3, 2).await
}

async fn switched(scene: &Scene, to: &str) -> Answer {
    let answer = scene.change("global_admin", Method::POST, to, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

async fn disable(scene: &Scene) -> Answer {
    switched(scene, "/disable-sync").await
}

async fn other(scene: &Scene) -> Tenant {
    scene.other_tenants().await.remove(1)
}

async fn tenant_of(scene: &Scene) -> String {
    scene.seen().await.text("/setup/tenant/id").to_owned()
}

/// The next sync is signed in as `account`; the run and the page that follows.
async fn signed_in(scene: &Scene, account: &str) -> (Answer, Browser, Page) {
    let started = scene.start(json!({ "kind": "discover" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let (mut browser, page) = scene.before_account(&started).await;
    let page = at_microsoft(&mut browser, page, account).await.unwrap();
    (started, browser, page)
}

/// The browser on the page that asks whether to move.
async fn asked_to_move(scene: &Scene, to: &Tenant) -> (Browser, Page) {
    let (_, browser, page) = signed_in(scene, &to.global_admins[0]).await;
    assert_eq!(page.url.path(), "/setup", "{}", page.html);
    assert!(page.heading().starts_with("Move "), "{}", page.html);
    (browser, page)
}

/// The second consent, from the page that asks for it.
async fn consented(browser: &mut Browser, page: &Page, account: &str) {
    let page = browser.submit(page, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(browser, page, account).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
}

/// Sync is disabled, and the next one moves to another tenant, whose set-up is completed.
async fn moved(scene: &Scene, to: &Tenant) {
    disable(scene).await;
    let (mut browser, page) = asked_to_move(scene, to).await;
    let page = browser.submit(&page, "/setup/move", &MOVE).await.unwrap();
    assert_eq!(page.heading(), "One more permission set", "{}", page.html);
    consented(&mut browser, &page, &to.global_admins[0]).await;
    assert_eq!(tenant_of(scene).await, to.id);
}

/// A run signed in with an account of the tenant where the enterprise is now.
async fn run_in(scene: &Scene, tenant: &Tenant, form: Value) -> Answer {
    let started = scene.start(form).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let page = scene.sign_in(&started, &tenant.global_admins[0]).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    run
}

async fn discovered_in(scene: &Scene, tenant: &Tenant) {
    scene.clear_on_premises(tenant).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    run_in(scene, tenant, json!({ "kind": "discover" })).await;
}

/// How many items of a kind are kept of the enterprise.
async fn count(scene: &Scene, kind: &str) -> usize {
    let table = scene.kept().await;
    table.keys().filter(|(_, sk)| sk.starts_with(kind)).count()
}

#[tokio::test]
async fn r066_while_sync_is_enabled_another_tenant_reads_the_exact_words() {
    let scene = discovered().await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept().await;
    // By an address that was changed by hand, Microsoft lets an account of any tenant in.
    let changed = page.url.as_str().replace(&scene.tenant.id, &other(&scene).await.id);
    let page = browser.open(&changed.parse().unwrap()).await.unwrap();
    let page = at_microsoft(&mut browser, page, &other(&scene).await.global_admins[0])
        .await
        .unwrap();
    assert_eq!(page.status, 403, "{}", page.html);
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r066_an_account_that_microsoft_does_not_know_in_the_tenant_reads_the_exact_words() {
    let scene = discovered().await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept().await;
    let state = parameter(&page, "state");
    let said = "AADSTS50020: User account from identity provider does not exist in tenant.";
    let fields = [
        ("error", "invalid_request"),
        ("error_description", said),
        ("state", &state),
    ];
    let page = browser.open(&scene.callback(&fields)).await.unwrap();
    refused(&page, "TENANT_MISMATCH");
    assert!(page.says(R066) && page.says("Disable Sync"), "{}", page.html);
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r068_the_recorded_global_admin_disables_sync_and_everybody_sees_it() {
    let scene = applied().await;
    let answer = disable(&scene).await;
    assert_eq!(answer.body["syncEnabled"], false);
    assert_eq!(answer.body["by"], scene.admin());
    assert_eq!(answer.body["assigned"], 2);
    assert!(answer.text("/text").contains("another tenant"), "{}", answer.body);
    assert!(scene.blocks().await.contains(&"SYNC_DISABLED".to_owned()));
    // Again it changes nothing.
    let before = scene.kept().await;
    assert_eq!(disable(&scene).await.body, answer.body);
    assert_eq!(scene.kept().await, before);
    let answer = switched(&scene, "/enable-sync").await;
    assert_eq!(answer.body["syncEnabled"], true);
    assert!(!scene.blocks().await.contains(&"SYNC_DISABLED".to_owned()));
    let deeds = scene.deeds().await;
    assert_eq!(deeds[..2], ["syncEnabled", "syncDisabled"]);
}

#[tokio::test]
async fn r068_nobody_else_disables_sync() {
    let scene = discovered().await;
    let before = scene.kept().await;
    for role in ["reseller_admin", "provider_admin", "account_admin", "account_manager"] {
        let answer = scene.change(role, Method::POST, "/disable-sync", None).await;
        assert_eq!(answer.status, 404, "{role}: {}", answer.body);
    }
    let token = scene.token_of("global_admin", "somebody.else@people.example");
    let api = dialbridge_local::drive::api::Api::new(&scene.service.world.urls.api, token);
    let etag = scene.seen().await.etag.unwrap();
    let headers = [("if-match", etag.as_str())];
    let path = scene.path("/disable-sync");
    let answer = api.send(Method::POST, &path, None, &headers).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text("/code")), (403, "sign-in-refused"));
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn before_the_set_up_is_complete_there_is_nothing_to_disable() {
    let scene = Scene::invited(options(30), None).await;
    let answer = scene.change("global_admin", Method::POST, "/disable-sync", None).await;
    assert!([403, 409].contains(&answer.status.as_u16()), "{}", answer.body);
    scene.bound().await;
    let answer = scene.change("global_admin", Method::POST, "/disable-sync", None).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
}

#[tokio::test]
async fn r067_after_it_the_next_sync_in_another_tenant_asks_before_it_moves() {
    let scene = applied().await;
    let to = other(&scene).await;
    disable(&scene).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let link = started.text("/signInUrl").parse().unwrap();
    let page = Browser::default().open(&link).await.unwrap();
    assert!(page.says("you may move to another tenant"), "{}", page.html);
    let (mut browser, page) = scene.before_account(&started).await;
    assert!(page.url.path().starts_with("/organizations/"), "{}", page.url);
    let before = scene.kept().await;
    let page = at_microsoft(&mut browser, page, &to.global_admins[0]).await.unwrap();
    for said in [&to.display_name, &to.initial_domain, &scene.tenant.display_name] {
        assert!(page.says(said), "{said}: {}", page.html);
    }
    assert!(
        page.says("The numbers and the voice policies of 2 users."),
        "{}",
        page.html
    );
    assert_eq!(scene.kept().await, before, "nothing is moved yet");
}

#[tokio::test]
async fn r067_rejecting_keeps_everything() {
    let scene = applied().await;
    let to = other(&scene).await;
    disable(&scene).await;
    let (mut browser, page) = asked_to_move(&scene, &to).await;
    let before = scene.kept().await;
    let answer = browser.submit(&page, "/setup/move", &KEEP).await.unwrap();
    assert_eq!(answer.heading(), "Nothing was moved", "{}", answer.html);
    // The page is still open in another tab.
    refused(
        &browser.submit(&page, "/setup/move", &MOVE).await.unwrap(),
        "UNKNOWN_ACCOUNT",
    );
    assert_eq!(scene.kept().await, before);
    assert_eq!(tenant_of(&scene).await, scene.tenant.id);
}

#[tokio::test]
async fn r067_confirming_moves_and_leaves_what_belongs_to_the_old_tenant_behind() {
    let scene = applied().await;
    let to = other(&scene).await;
    disable(&scene).await;
    let (mut browser, page) = asked_to_move(&scene, &to).await;
    let page = browser.submit(&page, "/setup/move", &MOVE).await.unwrap();
    assert_eq!(scene.setup_state().await, "bound");
    assert_eq!(tenant_of(&scene).await, to.id);
    assert_eq!(scene.get("/group-filter").await.text("/mode"), "undecided");
    assert_eq!((count(&scene, "MAPPING#").await, count(&scene, "OWNED#").await), (0, 0));
    assert_eq!(count(&scene, &format!("LEFT#{}#", scene.tenant.id)).await, 2);
    let voice_users = scene.get("/voice-users").await;
    assert_eq!(
        voice_users.list("/items").len(),
        3,
        "voice users belong to the enterprise"
    );
    assert!(scene.candidates().await.is_empty());
    assert_eq!(count(&scene, "GROUPS").await, 0);
    assert_eq!(scene.consent("signIn").await["state"], "granted");
    assert_eq!(scene.consent("calling").await["state"], "pending");
    assert!(scene.deeds().await.contains(&"tenantMoved".to_owned()));
    // What was assigned there stays there.
    assert_eq!(scene.holders().await.len(), 2);
    consented(&mut browser, &page, &to.global_admins[0]).await;
    assert_eq!(scene.setup_state().await, "complete");
    assert!(!scene.blocks().await.contains(&"SYNC_DISABLED".to_owned()));
}

#[tokio::test]
async fn r067_a_sync_works_in_the_new_tenant() {
    let scene = applied().await;
    let to = other(&scene).await;
    let before = scene.numbers().await;
    moved(&scene, &to).await;
    discovered_in(&scene, &to).await;
    assert_eq!(scene.map(&[(0, Some(0)), (2, Some(1))]).await.status, 200);
    run_in(&scene, &to, json!({ "kind": "apply", "mode": "full" })).await;
    let held = scene.holders_in(&to).await;
    assert_eq!(held.into_keys().collect::<Vec<_>>(), ["+3227001000", "+3227001002"]);
    assert_eq!(scene.numbers().await, before, "the old tenant is left alone");
    // From now on the old tenant is another one.
    let started = scene.start(json!({ "kind": "discover" })).await;
    let (_, page) = scene.before_account(&started).await;
    assert!(page.url.path().starts_with(&format!("/{}/", to.id)), "{}", page.url);
}

#[tokio::test]
async fn r067_the_old_tenant_is_free_for_another_enterprise() {
    let scene = applied().await;
    let to = other(&scene).await;
    moved(&scene, &to).await;
    let form = enterprise_form(&scene.tenant, None);
    let created = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
    set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
    let path = format!("/v1/enterprises/{}", created.text("/id"));
    let seen = scene.api("reseller_admin").get(&path).await.unwrap();
    assert_eq!(seen.text("/setup/tenant/id"), scene.tenant.id);
}

#[tokio::test]
async fn r067_on_return_what_we_assigned_is_ours_again() {
    let scene = applied().await;
    let to = other(&scene).await;
    moved(&scene, &to).await;
    discovered_in(&scene, &to).await;
    assert_eq!(scene.map(&[(1, Some(0))]).await.status, 200);
    run_in(&scene, &to, json!({ "kind": "apply", "mode": "full" })).await;
    let back = scene.tenant.clone();
    moved(&scene, &back).await;
    assert_eq!((count(&scene, "OWNED#").await, count(&scene, "LEFT#").await), (2, 1));
    discovered_in(&scene, &back).await;
    // The same people with the same numbers: no conflict, and nothing to change.
    assert_eq!(scene.map(&[(0, Some(0)), (1, Some(1))]).await.status, 200);
    let plan = scene.plan().await;
    assert_eq!(
        (plan.list("/conflicts").len(), plan.list("/changes").len()),
        (0, 0),
        "{}",
        plan.body
    );
    // One is released, the other moves: both are ours to take.
    assert_eq!(scene.map(&[(0, None), (1, Some(2))]).await.status, 200);
    run_in(&scene, &back, json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(scene.holders().await.into_keys().collect::<Vec<_>>(), ["+3227001001"]);
    assert_eq!(scene.holders_in(&to).await.len(), 1, "the other tenant is left alone");
}

#[tokio::test]
async fn r067_the_same_tenant_again_just_enables_sync() {
    let scene = applied().await;
    disable(&scene).await;
    let before = scene.numbers().await;
    let (started, _, page) = signed_in(&scene, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert!(!scene.blocks().await.contains(&"SYNC_DISABLED".to_owned()));
    assert!(scene.deeds().await.contains(&"syncEnabled".to_owned()));
    assert_eq!(count(&scene, "OWNED#").await, 2);
    assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(2));
    assert_eq!(scene.numbers().await, before);
}

#[tokio::test]
async fn r064_the_role_is_proven_in_the_new_tenant_too() {
    let scene = discovered().await;
    let to = other(&scene).await;
    disable(&scene).await;
    for account in [&to.teams_admin, &to.ordinary_user] {
        let started = scene.start(json!({ "kind": "discover" })).await;
        let before = scene.kept().await;
        let page = scene.sign_in(&started, account).await;
        // An ordinary account may not even accept: Microsoft stops it on a page of its own.
        assert!(page.status.is_client_error(), "{account}: {}", page.html);
        assert_eq!(scene.kept().await, before, "{account}");
    }
}

#[tokio::test]
async fn r064_a_teams_administrator_of_the_new_tenant_is_refused_where_microsoft_lets_them_in() {
    let scene = discovered().await;
    let to = other(&scene).await;
    disable(&scene).await;
    // The organisation there has accepted before.
    asked_to_move(&scene, &to).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let before = scene.kept().await;
    refused(&scene.sign_in(&started, &to.teams_admin).await, "GA_NOT_ADMIN");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_tenant_that_belongs_to_another_enterprise_is_refused() {
    let scene = applied().await;
    let to = other(&scene).await;
    let form = enterprise_form(&to, None);
    let created = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
    set_up(&scene.service.world.urls, &to.global_admins[0]).await.unwrap();
    disable(&scene).await;
    let (started, mut browser, page) = signed_in(&scene, &to.global_admins[0]).await;
    let before = kept_but_the_run(&scene, started.text("/id")).await;
    let page = if page.status == 200 {
        browser.submit(&page, "/setup/move", &MOVE).await.unwrap()
    } else {
        page
    };
    refused(&page, "TENANT_TAKEN");
    assert_eq!(kept_but_the_run(&scene, started.text("/id")).await, before);
    assert_eq!(tenant_of(&scene).await, scene.tenant.id);
}

/// Everything but a run that was given up.
async fn kept_but_the_run(scene: &Scene, run: &str) -> super::scene::Table {
    let mut kept = scene.kept().await;
    kept.retain(|(_, sk), _| !sk.contains(run) && sk != "SYNC" && sk != "LEASE");
    // The end of the run is an entry, and moves the end of the trail.
    kept.retain(|(pk, sk), item| !(pk.ends_with("#AUDIT") && (sk == "LAST" || item.contains(run))));
    kept
}

#[tokio::test]
async fn enabled_again_in_the_meantime_nothing_is_moved() {
    let scene = applied().await;
    let to = other(&scene).await;
    disable(&scene).await;
    let (mut browser, page) = asked_to_move(&scene, &to).await;
    switched(&scene, "/enable-sync").await;
    let before = scene.kept().await;
    refused(
        &browser.submit(&page, "/setup/move", &MOVE).await.unwrap(),
        "LINK_CLOSED",
    );
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_newer_sync_closes_the_page_that_asked_to_move() {
    let scene = applied().await;
    let to = other(&scene).await;
    disable(&scene).await;
    let (mut browser, page) = asked_to_move(&scene, &to).await;
    scene.start(json!({ "kind": "discover" })).await;
    let before = scene.kept().await;
    refused(
        &browser.submit(&page, "/setup/move", &MOVE).await.unwrap(),
        "LINK_CLOSED",
    );
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn confirming_twice_moves_once() {
    let scene = applied().await;
    let to = other(&scene).await;
    disable(&scene).await;
    let (mut browser, page) = asked_to_move(&scene, &to).await;
    browser.submit(&page, "/setup/move", &MOVE).await.unwrap();
    let before = scene.kept().await;
    browser.submit(&page, "/setup/move", &MOVE).await.unwrap();
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r163_nobody_is_reminded_while_sync_is_disabled() {
    let day = SignedDuration::from_hours(24);
    let scene = Scene::mapped(options(60), 3, 1).await;
    scene.service.world.advance(day).await;
    assert_eq!(scene.reminders().len(), 1, "something waits");
    disable(&scene).await;
    scene.service.world.advance(day * 3).await;
    scene.sweep().await;
    scene.service.world.advance(day).await;
    assert_eq!(scene.reminders().len(), 1);
    switched(&scene, "/enable-sync").await;
    scene.service.world.advance(day).await;
    assert_eq!(scene.reminders().len(), 2, "what waits is still there");
}
