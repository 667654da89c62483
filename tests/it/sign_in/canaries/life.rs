//! An enterprise's life from the invitation to the removal, with as many failures as it can have.

use super::Found;
use crate::stories::scene::{Scene, options, parameter};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::{at_microsoft, invitation, sign_in_to_step};
use dialbridge_local::faults::Fault;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

/// The whole of it; the table is looked at on the way, since much is kept for a short time only.
pub(super) async fn lived(found: &mut Found) -> Scene {
    let scene = Scene::invited(options(60), None).await;
    scene.service.world.gateway.witness.watch();
    scene.service.world.aws.lambdas.witness.watch();
    invited_again(&scene).await;
    first_sign_ins(&scene, found).await;
    consents(&scene, found).await;
    syncs(&scene, found).await;
    action_urls(&scene, found).await;
    end(&scene, found).await;
    scene
}

async fn invited_again(scene: &Scene) {
    scene.service.world.advance(SignedDuration::from_mins(3)).await;
    let api = scene.api("reseller_admin");
    let sent = api.post(&scene.path("/invitation"), &json!({})).await.unwrap();
    assert_eq!(sent.status, 201, "{}", sent.body);
}

async fn first_sign_ins(scene: &Scene, found: &mut Found) {
    let (code, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let wrong = browser.submit(&page, "/i/", &[("code", "AAAAA-BBBBB")]).await.unwrap();
    assert!(!wrong.html.contains(&code));
    // Somebody else, somebody who cancels, an answer that is not sound, one that is lost, one that is invented.
    let (mut browser, page) = scene.code_entered().await;
    at_microsoft(&mut browser, page, &scene.tenant.ordinary_user)
        .await
        .unwrap();
    for flaw in ["nonce", "signature", "expired", "audience"] {
        let (mut browser, page) = scene.code_entered().await;
        scene.microsoft("/next-sign-in", json!({ "idToken": flaw })).await;
        let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
        assert_eq!(page.status, 403, "{}", page.html);
        found.table(scene).await;
    }
    for status in [500, 400] {
        let (mut browser, page) = scene.code_entered().await;
        let path = "/organizations/oauth2/v2.0/token";
        let fault = json!({ "host": "login", "path": path, "status": status, "times": 9 });
        scene.microsoft("/faults", fault).await;
        let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
        assert!(
            page.status.is_client_error() || page.status.is_server_error(),
            "{}",
            page.html
        );
        forget_faults(scene).await;
        found.table(scene).await;
    }
    let (mut browser, page) = scene.code_entered().await;
    let state = parameter(&page, "state");
    let forged = scene.callback(&[("state", &state), ("code", "1.an-invented-code")]);
    browser.open(&forged).await.unwrap();
    // A function that dies in the middle.
    for call in [3, 6, 9] {
        let (mut browser, page) = scene.code_entered().await;
        let faults = &scene.service.world.faults;
        faults.reset();
        faults.at_call(call, Fault::KillAfter);
        at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
        faults.reset();
        found.table(scene).await;
    }
}

async fn forget_faults(scene: &Scene) {
    let url = scene.service.world.urls.portal.join("/_microsoft/faults").unwrap();
    reqwest::Client::new().delete(url).send().await.unwrap();
}

async fn consents(scene: &Scene, found: &mut Found) {
    let (mut browser, asking) = scene.bound().await;
    found.table(scene).await;
    let page = browser.submit(&asking, "/setup/consent", &[]).await.unwrap();
    found.table(scene).await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    let cancel = [("action", "cancel")];
    browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    let page = browser.submit(&asking, "/setup/organization", &[]).await.unwrap();
    let page = browser.submit(&page, "/adminconsent", &account).await.unwrap();
    let accept = [("action", "accept")];
    let page = browser.submit(&page, "/adminconsent", &accept).await.unwrap();
    found.table(scene).await;
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
    found.table(scene).await;
}

async fn started(scene: &Scene, kind: &str) -> Answer {
    let mode = (kind == "apply").then_some("full");
    let started = scene.start(json!({ "kind": kind, "mode": mode, "debug": true })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    started
}

async fn syncs(scene: &Scene, found: &mut Found) {
    scene.clear_on_premises(&scene.tenant).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    // Somebody else signs in; then the directory answers badly; then all is well.
    let waiting = started(scene, "discover").await;
    scene.sign_in(&waiting, &scene.tenant.global_admins[1]).await;
    scene
        .microsoft("/faults", json!({ "path": "/users", "status": 400, "times": 1 }))
        .await;
    scene.sign_in(&waiting, scene.admin()).await;
    scene.at_rest(waiting.text("/id")).await;
    forget_faults(scene).await;
    let run = scene.run(json!({ "kind": "discover", "debug": true })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.push(3).await;
    assert_eq!(scene.map(&[(0, Some(0)), (1, Some(1))]).await.status, 200);
    scene.plan().await;
    found.table(scene).await;
    // The session is sealed while the run works.
    let world = &scene.service.world;
    world.aws.state_machine.skip_waits(false);
    scene
        .microsoft(
            "/faults",
            json!({ "path": "/users", "status": 429, "retryAfter": "90", "times": 1 }),
        )
        .await;
    let working = started(scene, "apply").await;
    scene.sign_in(&working, scene.admin()).await;
    world.idle().await;
    let sealed = scene.table().await.into_keys().filter(|(_, sk)| sk == "SEALED").count();
    assert_eq!(sealed, 1, "the session is there");
    found.table(scene).await;
    // It ends at Microsoft before the run does; the worker dies once on its way to the end.
    scene
        .order(&format!("/users/{}/revoke", scene.admin()), json!({}))
        .await;
    world.finish_runs().await;
    world.aws.state_machine.skip_waits(true);
    found.table(scene).await;
    world.faults.reset();
    world.faults.at_call(40, Fault::KillAfter);
    let again = format!("/runs/{}/sign-in", working.text("/id"));
    let again = scene
        .api("global_admin")
        .post(&scene.path(&again), &json!({}))
        .await
        .unwrap();
    assert_eq!(again.status, 201, "{}", again.body);
    scene.sign_in(&again, scene.admin()).await;
    let run = scene.at_rest(working.text("/id")).await;
    world.faults.reset();
    assert!(
        ["succeeded", "awaitingSignIn"].contains(&run.text("/state")),
        "{}",
        run.body
    );
    if run.text("/state") == "awaitingSignIn" {
        let api = scene.api("global_admin");
        let path = scene.path(&format!("/runs/{}/sign-in", working.text("/id")));
        let again = api.post(&path, &json!({})).await.unwrap();
        scene.sign_in(&again, scene.admin()).await;
        let run = scene.at_rest(working.text("/id")).await;
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    }
    scene.log(&run).await;
    // A debug run's bundle, with people and all, is an answer that is searched like every other.
    let bundle = scene.path(&format!("/runs/{}/support-bundle?people=true", run.text("/id")));
    let bundle = scene.api("provider_support").get(&bundle).await.unwrap();
    assert_eq!(bundle.status, 200, "{}", bundle.body);
    assert!(!bundle.list("/log").is_empty(), "{}", bundle.body);
    for path in [
        "/status",
        "/runs",
        "/audit?limit=100",
        "/mapping",
        "/consents",
        "/groups",
    ] {
        assert_eq!(scene.get(path).await.status, 200, "{path}");
    }
    found.table(scene).await;
}

async fn action_urls(scene: &Scene, found: &mut Found) {
    scene
        .change("global_admin", Method::DELETE, "/consents/calling", None)
        .await;
    for action in ["grantConsent", "chooseGroups", "grantConsent"] {
        let api = scene.api("reseller_admin");
        let given = api
            .post(&scene.path("/action-urls"), &json!({ "action": action }))
            .await
            .unwrap();
        assert_eq!(given.status, 201, "{}", given.body);
        let link = given.text("/url").parse().unwrap();
        found.table(scene).await;
        sign_in_to_step(&link, scene.admin()).await.unwrap();
        found.table(scene).await;
    }
    // A move to another tenant that is looked at and left.
    scene.change("global_admin", Method::POST, "/disable-sync", None).await;
    let to = scene.other_tenants().await.remove(0);
    let waiting = started(scene, "discover").await;
    scene.sign_in(&waiting, &to.global_admins[0]).await;
    found.table(scene).await;
    scene.change("global_admin", Method::POST, "/enable-sync", None).await;
}

async fn end(scene: &Scene, found: &mut Found) {
    assert_eq!(scene.map(&[(0, None)]).await.status, 200);
    scene.service.world.advance(SignedDuration::from_hours(49)).await;
    scene.sweep().await;
    scene.done(Method::DELETE, "", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    found.table(scene).await;
    scene.service.world.advance(SignedDuration::from_hours(24)).await;
}
