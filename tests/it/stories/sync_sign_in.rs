//! The double authentication of a sync: the portal identity and the Microsoft identity are the recorded Global Admin
//! (R047-R049, R064-R066).

use super::scene::{Scene, options, refused};
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::at_microsoft;
use jiff::SignedDuration;
use serde_json::json;
use url::Url;

async fn waiting() -> (Scene, dialbridge_local::drive::api::Answer) {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    (scene, started)
}

async fn state_of(scene: &Scene, run: &str) -> String {
    scene.get(&format!("/runs/{run}")).await.text("/state").to_owned()
}

#[tokio::test]
async fn r047_a_run_waits_for_the_sign_in_at_microsoft() {
    let (scene, started) = waiting().await;
    assert_eq!(started.text("/state"), "awaitingSignIn");
    assert_eq!(scene.get("/status").await.text("/syncStatus"), "Waiting for sign-in");
}

#[tokio::test]
async fn r047_a_portal_identity_that_is_not_recorded_starts_nothing() {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let before = scene.kept().await;
    let token = scene.token_of("global_admin", "somebody.else@people.example");
    let api = dialbridge_local::drive::api::Api::new(&scene.service.world.urls.api, token);
    let form = json!({ "kind": "discover" });
    let answer = api.post(&scene.path("/runs"), &form).await.unwrap();
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(answer.text("/code"), "sign-in-refused");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r048_another_global_admin_of_the_tenant_cannot_sync() {
    let (scene, started) = waiting().await;
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept().await;
    let page = at_microsoft(&mut browser, page, &scene.tenant.global_admins[1])
        .await
        .unwrap();
    refused(&page, "GA_NOT_RECORDED");
    assert_eq!(scene.kept().await, before);
    assert_eq!(state_of(&scene, started.text("/id")).await, "awaitingSignIn");
}

#[tokio::test]
async fn r064_a_global_admin_who_lost_the_role_cannot_sync_and_reads_why() {
    let (scene, started) = waiting().await;
    let admin = scene.admin().to_owned();
    scene.order(&format!("/users/{admin}"), json!({ "roles": [] })).await;
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept().await;
    let page = at_microsoft(&mut browser, page, &admin).await.unwrap();
    refused(&page, "GA_NOT_ADMIN");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r065_microsoft_is_told_which_account_is_linked() {
    let (scene, started) = waiting().await;
    let (_, page) = scene.before_account(&started).await;
    let hint = page.url.query_pairs().find(|(name, _)| name == "login_hint");
    assert_eq!(hint.unwrap().1, scene.admin());
}

#[tokio::test]
async fn another_tenant_is_stopped_by_microsoft_and_changes_nothing() {
    let (scene, started) = waiting().await;
    let other = scene.other_tenants().await.remove(0);
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept().await;
    let page = at_microsoft(&mut browser, page, &other.global_admins[0]).await.unwrap();
    assert!(
        page.status.is_client_error() && page.says("AADSTS50020"),
        "{}",
        page.html
    );
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r066_another_tenant_by_a_changed_address_is_refused_and_changes_nothing() {
    let (scene, started) = waiting().await;
    let other = scene.other_tenants().await.remove(0);
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept().await;
    let changed: Url = page
        .url
        .as_str()
        .replace(&scene.tenant.id, "organizations")
        .parse()
        .unwrap();
    let page = browser.open(&changed).await.unwrap();
    let page = at_microsoft(&mut browser, page, &other.global_admins[0]).await.unwrap();
    assert_eq!(page.status, 403, "{}", page.html);
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn cancelling_at_microsoft_leaves_the_run_waiting() {
    let (scene, started) = waiting().await;
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept().await;
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    refused(&page, "DECLINED");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_refused_sign_in_can_be_tried_again_with_the_same_link() {
    let (scene, started) = waiting().await;
    scene.sign_in(&started, &scene.tenant.global_admins[1]).await;
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
}

#[tokio::test]
async fn reading_the_link_changes_nothing() {
    let (scene, started) = waiting().await;
    let before = scene.table().await;
    let link: Url = started.text("/signInUrl").parse().unwrap();
    for _ in 0..3 {
        assert_eq!(Browser::default().open(&link).await.unwrap().status, 200);
    }
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn the_link_ends_after_half_an_hour_and_another_can_be_had() {
    let (scene, started) = waiting().await;
    let link: Url = started.text("/signInUrl").parse().unwrap();
    scene.service.world.advance(SignedDuration::from_mins(31)).await;
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    let path = scene.path(&format!("/runs/{}/sign-in", started.text("/id")));
    let again = scene.api("global_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(again.status, 201, "{}", again.body);
    let page = scene.sign_in(&again, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
}

#[tokio::test]
async fn the_link_of_a_run_that_has_begun_is_closed() {
    let (scene, started) = waiting().await;
    scene.sign_in(&started, scene.admin()).await;
    scene.at_rest(started.text("/id")).await;
    let link: Url = started.text("/signInUrl").parse().unwrap();
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
}

#[tokio::test]
async fn a_newer_press_of_the_button_replaces_a_run_that_nobody_signed_in_to() {
    let (scene, started) = waiting().await;
    let newer = scene.start(json!({ "kind": "discover" })).await;
    assert_eq!(newer.status, 201, "{}", newer.body);
    assert_eq!(state_of(&scene, started.text("/id")).await, "abandoned");
}

#[tokio::test]
async fn the_same_start_sent_again_is_the_same_run() {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let (form, headers) = (json!({ "kind": "discover" }), [("idempotency-key", "once")]);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let api = scene.api("global_admin");
        let answer = api
            .send(reqwest::Method::POST, &scene.path("/runs"), Some(&form), &headers)
            .await
            .unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        ids.push(answer.text("/id").to_owned());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn r049_everyone_of_the_account_sees_status_and_global_admin() {
    let (scene, _) = waiting().await;
    for role in ["account_admin", "account_manager", "global_admin"] {
        let status = scene.api(role).get(&scene.path("/status")).await.unwrap();
        assert!(
            status.text("/globalAdmin").starts_with("Global Admin: "),
            "{role}: {}",
            status.body
        );
    }
}

#[tokio::test]
async fn r061_the_session_is_gone_when_the_run_has_ended() {
    let (scene, started) = waiting().await;
    scene.sign_in(&started, scene.admin()).await;
    scene.at_rest(started.text("/id")).await;
    let sealed = scene.table().await.into_keys().filter(|(_, sk)| sk == "SEALED").count();
    assert_eq!(sealed, 0);
}
