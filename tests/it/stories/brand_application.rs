//! A brand with an application of its own at Microsoft: people see its name, and what they accept is accepted for it
//! (R070).

use super::scene::{Scene, options};
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{at_microsoft, invitation};
use dialbridge_local::world::deployment::{
    BRAND_APPLICATION, BRAND_CLIENT_ID, BRAND_CLIENT_SECRET, ENTRA_APPLICATION, ENTRA_CLIENT_ID, ENTRA_CLIENT_SECRET,
};
use serde_json::{Value, json};

/// The enterprise is invited by a reseller whose brand has its own application, or has none.
async fn scene(application: Option<Value>) -> Scene {
    let scene = Scene::invited(options(60), Some(25)).await;
    brand_with(&scene, application).await;
    scene
}

/// The provider gives the reseller's brand this application, or takes it away.
async fn brand_with(scene: &Scene, application: Option<Value>) {
    let (api, path) = (scene.api("provider_admin"), format!("/v1/resellers/{}", scene.reseller));
    let kept = api.get(&path).await.unwrap();
    let mut form = kept.body.clone();
    form.as_object_mut()
        .unwrap()
        .retain(|name, _| !["id", "activation", "created"].contains(&name.as_str()));
    form["brand"]["application"] = application.unwrap_or(Value::Null);
    let edited = api.put(&path, &form, kept.etag.as_deref()).await.unwrap();
    assert_eq!(edited.status, 200, "{}", edited.body);
}

fn own() -> Value {
    json!({ "clientId": BRAND_CLIENT_ID, "name": BRAND_APPLICATION })
}

async fn branded() -> Scene {
    scene(Some(own())).await
}

/// The answer of Microsoft's token endpoint to an application that comes without a person.
async fn token_of_its_own(scene: &Scene, client_id: &str, client_secret: &str) -> Value {
    let url = format!(
        "{}{}/oauth2/v2.0/token",
        scene.service.world.urls.login, scene.tenant.id
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let answer = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
    answer.json().await.unwrap()
}

fn names(page: &Page, name: &str, other: &str) {
    assert!(page.says(name) && !page.says(other), "{}", page.html);
}

#[tokio::test]
async fn r070_our_page_says_which_name_microsoft_will_show() {
    for (scene, name, other) in [
        (branded().await, BRAND_APPLICATION, ENTRA_APPLICATION),
        (scene(None).await, ENTRA_APPLICATION, BRAND_APPLICATION),
    ] {
        let (_, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
        let page = Browser::default().open(&link).await.unwrap();
        assert!(page.says(name) && !page.says(other), "{}", page.html);
        let (mut browser, page) = scene.code_entered().await;
        names(&page, name, other);
        let account = [("account", scene.admin())];
        let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
        names(&page, name, other);
        assert!(page.says("Permissions requested"), "{}", page.html);
    }
}

#[tokio::test]
async fn r070_what_is_accepted_is_accepted_for_the_brands_application() {
    let scene = branded().await;
    let (mut browser, page) = scene.second_sign_in().await;
    names(&page, BRAND_APPLICATION, ENTRA_APPLICATION);
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
    let brands = token_of_its_own(&scene, BRAND_CLIENT_ID, BRAND_CLIENT_SECRET).await;
    assert!(brands["access_token"].is_string(), "{brands}");
    let ours = token_of_its_own(&scene, ENTRA_CLIENT_ID, ENTRA_CLIENT_SECRET).await;
    assert_eq!(
        ours["error_codes"],
        json!([700_016]),
        "the tenant does not know it: {ours}"
    );
}

#[tokio::test]
async fn r070_a_sync_signs_in_to_the_brands_application() {
    let scene = branded().await;
    let (mut browser, page) = scene.second_sign_in().await;
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    let run = scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    // What is applied goes through both resources: numbers and policies, and the tenant's voice objects.
    scene.push(2).await;
    assert_eq!(scene.map(&[(0, Some(0))]).await.status, 200);
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
}

#[tokio::test]
async fn r070_another_application_is_accepted_on_the_way_to_the_next_sync() {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    brand_with(&scene, Some(own())).await;
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
    brand_with(&scene, None).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let (_, page) = scene.before_account(&started).await;
    let asked = page.url.query_pairs().find(|(name, _)| name == "client_id").unwrap().1;
    assert_eq!(asked, ENTRA_CLIENT_ID);
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
}
