//! The application that Microsoft's pages name is the brand's own (R070).

use super::scene::{Scene, options};
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::{caller, invitation, reseller_form, set_up};
use dialbridge_local::world::deployment::{BRAND_APPLICATION, BRAND_CLIENT_ID, ENTRA_APPLICATION, ENTRA_CLIENT_ID};
use serde_json::{Value, json};

/// The provider gives the reseller's brand this application.
async fn brand_with(scene: &Scene, application: Value) {
    let urls = &scene.service.world.urls;
    let provider = caller(urls, "provider_admin", "ops@provider.example", None)
        .await
        .unwrap();
    let path = format!("/v1/resellers/{}", scene.reseller);
    let etag = provider.get(&path).await.unwrap().etag;
    let mut form = reseller_form(urls);
    form["brand"]["application"] = application;
    let edited = provider.put(&path, &form, etag.as_deref()).await.unwrap();
    assert_eq!(edited.status, 200, "{}", edited.body);
}

fn own() -> Value {
    json!({ "clientId": BRAND_CLIENT_ID, "name": BRAND_APPLICATION })
}

#[tokio::test]
async fn r070_the_consent_screen_has_the_name_of_the_brand() {
    let scene = Scene::invited(options(60), None).await;
    let (_, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    let shown = Browser::default().open(&link).await.unwrap();
    assert!(shown.says(ENTRA_APPLICATION), "{}", shown.html);
    brand_with(&scene, own()).await;
    let shown = Browser::default().open(&link).await.unwrap();
    assert!(shown.says(BRAND_APPLICATION), "{}", shown.html);

    let (mut browser, page) = scene.code_entered().await;
    let asked = page.url.query_pairs().find(|(name, _)| name == "client_id").unwrap().1;
    assert_eq!(asked, BRAND_CLIENT_ID);
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    assert!(
        page.says("Permissions requested") && page.says(BRAND_APPLICATION),
        "{}",
        page.html
    );

    // The whole way is gone with it: both sets, and a sync.
    set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
}

#[tokio::test]
async fn r070_another_application_is_accepted_on_the_way_to_the_next_sync() {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    brand_with(&scene, own()).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let (mut browser, page) = scene.before_account(&started).await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    assert!(
        page.says("Permissions requested") && page.says(BRAND_APPLICATION),
        "{}",
        page.html
    );
    let accept = [("action", "accept"), ("consent_on_behalf", "true")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &accept).await.unwrap();
    assert!(page.says("The sync has begun"), "{}", page.html);
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
    // And back again: what was accepted for our own application still holds.
    brand_with(&scene, Value::Null).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let (_, page) = scene.before_account(&started).await;
    let asked = page.url.query_pairs().find(|(name, _)| name == "client_id").unwrap().1;
    assert_eq!(asked, ENTRA_CLIENT_ID);
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
}
