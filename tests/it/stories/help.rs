//! Help by code: open to everybody, found by what Microsoft's page shows, and it changes nothing (R204-R210).

use super::scene::{Scene, options};
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::at_microsoft;
use reqwest::StatusCode;
use serde_json::json;
use url::Url;

fn at(scene: &Scene, path: &str) -> Url {
    scene.service.world.urls.api.join(path).unwrap()
}

#[tokio::test]
async fn r210_a_number_that_microsoft_shows_is_looked_up_without_a_token() {
    let scene = Scene::invited(options(60), None).await;
    let before = scene.table().await;
    let mut browser = Browser::default();
    let message = "/help/sign-in?code=AADSTS90095%3A+Admin+consent+is+required.";
    let page = browser.open(&at(&scene, message)).await.unwrap();
    assert_eq!((page.url.path(), page.status), ("/help/AADSTS90095", StatusCode::OK));
    assert!(
        page.says("Approval required") && page.says("AADSTS90095"),
        "{}",
        page.html
    );
    let page = browser.open(&at(&scene, "/help/sign-in?code=call+me")).await.unwrap();
    assert!(
        page.says("There is no number in what you typed") && !page.says("call me"),
        "{}",
        page.html
    );
    let page = browser.open(&at(&scene, "/help/AADSTS999999")).await.unwrap();
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.says("AADSTS999999") && page.says("What to do"), "{}", page.html);
    for strange in [
        "/help/%3Cb%3Eno%3C%2Fb%3E",
        "/help/%FF",
        "/help/link_closed",
        "/help/555-0199",
    ] {
        let page = browser.open(&at(&scene, strange)).await.unwrap();
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{strange}");
        assert!(
            page.says("What to do") && !page.says("no</b>") && !page.says("0199"),
            "{}",
            page.html
        );
    }
    let page = browser
        .open(&at(&scene, "/help/sign-in?code=%FF&code=2"))
        .await
        .unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn a_refusal_leads_to_the_page_that_says_more() {
    let scene = Scene::invited(options(60), None).await;
    let mut browser = Browser::default();
    let page = browser.open(&at(&scene, "/i/unknown")).await.unwrap();
    let more = page.link("/help/").unwrap();
    let page = browser.open(&more).await.unwrap();
    assert_eq!((page.url.path(), page.status), ("/help/LINK_CLOSED", StatusCode::OK));
}

#[tokio::test]
async fn a_fault_of_ours_at_microsoft_is_not_called_the_persons() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.code_entered().await;
    let refusal = json!({
        "error": "invalid_client", "error_codes": [7_000_222],
        "error_description": "AADSTS7000222: The provided client secret keys are expired.",
    });
    let fault = json!({ "host": "login", "method": "POST", "path": "/organizations/oauth2/v2.0/token", "status": 401, "body": refusal });
    scene.microsoft("/faults", fault).await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{}", page.html);
    assert!(page.says("You did nothing wrong"), "{}", page.html);
    assert!(page.says("Code for support: AADSTS7000222"), "{}", page.html);
}
