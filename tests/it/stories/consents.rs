//! The consent ledger: who granted, declined or took back which permission set, when and on which page; resetting one set,
//! and being asked for it again (R054-R060, R071).

use super::scene::{Scene, options, refused};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{at_microsoft, sign_in_to_step};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

async fn connected() -> Scene {
    let scene = Scene::connected(options(60), None).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    scene
}

async fn reset(scene: &Scene, role: &str, set: &str) -> Answer {
    scene
        .change(role, Method::DELETE, &format!("/consents/{set}"), None)
        .await
}

/// The address where the Global Admin grants what is missing.
async fn grant_link(scene: &Scene) -> Url {
    let api = scene.api("reseller_admin");
    let form = json!({ "action": "grantConsent" });
    let given = api.post(&scene.path("/action-urls"), &form).await.unwrap();
    assert_eq!(given.status, 201, "{}", given.body);
    given.text("/url").parse().unwrap()
}

/// At Microsoft, which has nothing more to ask.
async fn signed_in(browser: &mut Browser, page: &Page, account: &str) -> Page {
    let account = [("account", account)];
    browser.submit(page, "/oauth2/v2.0/authorize", &account).await.unwrap()
}

#[tokio::test]
async fn r054_before_the_first_sign_in_both_sets_are_pending() {
    let scene = Scene::invited(options(30), None).await;
    let ledger = scene.get("/consents").await;
    let expected = json!({ "state": "pending", "scopes": [], "missing": [], "form": null, "by": null, "at": null });
    for (set, which) in ledger.list("/sets").iter().zip(["signIn", "calling"]) {
        assert_eq!(set["set"], which);
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&set[field], value, "{set}");
        }
        assert!(!set["asked"].as_array().unwrap().is_empty());
    }
    assert_eq!(ledger.list("/sets").len(), 2);
    assert!(ledger.body["management"].is_object(), "{}", ledger.body);
}

#[tokio::test]
async fn r055_r056_the_ledger_says_who_granted_what_and_when() {
    let scene = Scene::invited(options(30), None).await;
    let begun = scene.service.world.clock.now();
    let (mut browser, page) = scene.bound().await;
    let first = scene.consent("signIn").await;
    assert_eq!(first["state"], "granted");
    assert_eq!(first["form"], "delegated");
    assert_eq!(scene.consent("calling").await["state"], "pending");
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    let second = scene.consent("calling").await;
    assert_eq!(second["state"], "granted");
    assert_eq!(second["missing"], json!([]));
    let scopes: Vec<&str> = second["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(scopes.contains(&"user_impersonation"), "of both resources: {scopes:?}");
    for asked in second["asked"].as_array().unwrap() {
        let asked = asked.as_str().unwrap();
        assert!(scopes.iter().any(|scope| scope.ends_with(asked)), "{asked}: {scopes:?}");
    }
    for set in [&first, &second] {
        let name = scene.seen().await.text("/globalAdmin/name").to_owned();
        assert!(set["by"].as_str().is_some_and(|by| !by.is_empty()), "{set} {name}");
        let at: jiff::Timestamp = set["at"].as_str().unwrap().parse().unwrap();
        assert!(begun <= at && at <= scene.service.world.clock.now(), "{set}");
    }
}

#[tokio::test]
async fn a_declined_request_is_in_the_ledger_with_who_declined() {
    let scene = Scene::invited(options(30), None).await;
    let (mut browser, page) = scene.second_sign_in().await;
    let page = signed_in(&mut browser, &page, scene.admin()).await;
    let cancel = [("action", "cancel")];
    browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    let calling = scene.consent("calling").await;
    assert_eq!(calling["state"], "declined");
    assert_eq!(calling["by"], "Global Admin");
    assert!(calling["at"].is_string(), "{calling}");
    assert_eq!(calling["scopes"], json!([]));
}

#[tokio::test]
async fn what_was_never_granted_cannot_be_reset() {
    let scene = Scene::invited(options(30), None).await;
    for set in ["signIn", "calling"] {
        let answer = reset(&scene, "reseller_admin", set).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("/code")),
            (409, "conflict"),
            "{}",
            answer.body
        );
    }
    let answer = reset(&scene, "reseller_admin", "management").await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    scene.bound().await;
    let answer = reset(&scene, "reseller_admin", "calling").await;
    assert_eq!(answer.status, 409, "{}", answer.body);
}

#[tokio::test]
async fn a_reset_set_is_revoked_blocks_and_is_granted_again_by_the_action() {
    let scene = connected().await;
    assert!(!scene.blocks().await.contains(&"CONSENT_MISSING".to_owned()));
    let answer = reset(&scene, "global_admin", "calling").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let calling = scene.consent("calling").await;
    assert_eq!(
        (&calling["state"], &calling["by"]),
        (&json!("revoked"), &json!(scene.admin()))
    );
    assert_eq!(scene.consent("signIn").await["state"], "granted");
    assert!(scene.blocks().await.contains(&"CONSENT_MISSING".to_owned()));
    assert!(scene.deeds().await.contains(&"consentRevoked".to_owned()));
    // Once more there is nothing to reset.
    assert_eq!(reset(&scene, "global_admin", "calling").await.status, 409);
    // At Microsoft it is still granted, so its page is asked for on purpose.
    let link = grant_link(&scene).await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let page = browser.submit(&page, "/next/", &[]).await.unwrap();
    let page = signed_in(&mut browser, &page, scene.admin()).await;
    assert!(page.says("Permissions requested"), "{}", page.html);
    assert_eq!(scene.consent("calling").await["state"], "revoked");
    let accept = [("action", "accept"), ("consent_on_behalf", "true")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &accept).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.html);
    assert_eq!(scene.consent("calling").await["state"], "granted");
    assert!(!scene.blocks().await.contains(&"CONSENT_MISSING".to_owned()));
    // And what the link was for is done.
    let page = Browser::default().open(&link).await.unwrap();
    assert!(page.says("This step is done already"), "{}", page.html);
}

#[tokio::test]
async fn either_set_can_be_reset_alone_and_both_come_back_with_one_accept() {
    let scene = connected().await;
    for set in ["signIn", "calling"] {
        assert_eq!(reset(&scene, "provider_support", set).await.status, 200, "{set}");
        assert_eq!(scene.consent(set).await["state"], "revoked");
    }
    let link = grant_link(&scene).await;
    sign_in_to_step(&link, scene.admin()).await.unwrap();
    for set in ["signIn", "calling"] {
        assert_eq!(scene.consent(set).await["state"], "granted", "{set}");
    }
}

#[tokio::test]
async fn r045_a_reset_set_is_granted_again_by_the_recorded_person_only() {
    let scene = connected().await;
    assert_eq!(reset(&scene, "reseller_admin", "calling").await.status, 200);
    let link = grant_link(&scene).await;
    let before = scene.kept().await;
    let (_, page) = sign_in_to_step(&link, &scene.tenant.global_admins[1]).await.unwrap();
    refused(&page, "GA_NOT_RECORDED");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_reset_set_is_noted_as_granted_at_the_sign_in_of_the_next_sync() {
    let scene = connected().await;
    assert_eq!(reset(&scene, "global_admin", "calling").await.status, 200);
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let calling = scene.consent("calling").await;
    assert_eq!(calling["state"], "granted");
    assert_eq!(calling["form"], "delegated");
    assert!(!scene.blocks().await.contains(&"CONSENT_MISSING".to_owned()));
}

/// The customer's administrator takes our application out of the tenant; Microsoft asks anew.
#[tokio::test]
async fn a_consent_taken_back_altogether_is_asked_for_at_the_next_syncs_sign_in() {
    let scene = connected().await;
    scene.forget_consent().await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let (mut browser, page) = scene.before_account(&started).await;
    let page = signed_in(&mut browser, &page, scene.admin()).await;
    assert!(page.says("Permissions requested"), "{}", page.html);
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    refused(&page, "DECLINED");
    assert_eq!(
        scene
            .get(&format!("/runs/{}", started.text("/id")))
            .await
            .text("/state"),
        "awaitingSignIn"
    );
}

/// One permission is taken back at Microsoft, and its tokens come without it.
#[tokio::test]
async fn a_permission_taken_back_between_two_syncs_shows_as_revoked_and_comes_back() {
    let scene = connected().await;
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    scene.order("", json!({ "withheld": ["User.Read.All"] })).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let page = scene.sign_in(&started, scene.admin()).await;
    refused(&page, "CONSENT_MISSING");
    assert!(page.says("User.Read.All"), "{}", page.html);
    let calling = scene.consent("calling").await;
    assert_eq!(
        (&calling["state"], &calling["by"]),
        (&json!("revoked"), &json!("Microsoft"))
    );
    assert!(scene.blocks().await.contains(&"CONSENT_MISSING".to_owned()));
    let path = format!("/runs/{}", started.text("/id"));
    assert_eq!(scene.get(&path).await.text("/state"), "awaitingSignIn", "no run begins");
    // A second try says the same and is no news.
    let before = scene.kept_but_news().await;
    refused(&scene.sign_in(&started, scene.admin()).await, "CONSENT_MISSING");
    assert_eq!(scene.kept_but_news().await, before);
    scene.order("", json!({ "withheld": [] })).await;
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    assert_eq!(scene.consent("calling").await["state"], "granted");
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
}

#[tokio::test]
async fn r071_the_resellers_management_is_the_third_entry() {
    let scene = connected().await;
    let before = scene.get("/consents").await.body["management"].clone();
    let api = scene.api("global_admin");
    let form = json!({ "granted": true });
    let granted = api.put(&scene.path("/management-consent"), &form, None).await.unwrap();
    assert_eq!(granted.status, 200, "{}", granted.body);
    let after = scene.get("/consents").await.body["management"].clone();
    assert_ne!(before, after);
    assert!(after.to_string().contains("granted"), "{after}");
}
