//! A sign-in that Microsoft never sent back: the page that it began on says so, and after ten minutes the status does too
//! (R069, R207).

use super::scene::{Scene, options};
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{at_microsoft, invitation};
use jiff::SignedDuration;
use serde_json::json;
use url::Url;

const BLOCK: &str = "WINDOW_CLOSED";

async fn opened(link: &Url) -> Page {
    let page = Browser::default().open(link).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.html);
    page
}

fn says_unanswered(page: &Page) -> bool {
    page.html.contains("id=\"unanswered\"")
}

async fn blocked(scene: &Scene) -> bool {
    scene.blocks().await.contains(&BLOCK.to_owned())
}

async fn pass(scene: &Scene, minutes: i64) {
    scene.service.world.advance(SignedDuration::from_mins(minutes)).await;
}

#[tokio::test]
async fn a_sync_whose_window_was_closed_says_so() {
    let scene = Scene::connected(options(60), None).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    let started = scene.start(json!({ "kind": "discover" })).await;
    let link: Url = started.text("/signInUrl").parse().unwrap();
    assert!(!says_unanswered(&opened(&link).await), "nobody has begun yet");
    let (_, at_login) = scene.before_account(&started).await;
    assert!(says_unanswered(&opened(&link).await));
    pass(&scene, 9).await;
    assert!(!blocked(&scene).await, "somebody may still be there");
    pass(&scene, 1).await;
    assert!(blocked(&scene).await);
    drop(at_login);
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    scene.at_rest(started.text("/id")).await;
    pass(&scene, 11).await;
    assert!(!blocked(&scene).await, "answered");
}

#[tokio::test]
async fn a_set_up_whose_window_was_closed_says_so() {
    let scene = Scene::invited(options(60), None).await;
    let (_, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    assert!(!says_unanswered(&opened(&link).await));
    scene.code_entered().await;
    assert!(says_unanswered(&opened(&link).await));
    pass(&scene, 10).await;
    assert!(blocked(&scene).await);
    // The second begin is answered; the first stays without an answer for ever, and troubles nobody any more.
    scene.tenant_shown().await;
    assert!(!says_unanswered(&opened(&link).await));
    assert!(!blocked(&scene).await);
}

#[tokio::test]
async fn between_the_two_consents_it_is_said_as_well() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.bound().await;
    let setup = page.url.clone();
    let at_login = browser.submit(&page, "/setup/organization", &[]).await.unwrap();
    assert!(says_unanswered(&browser.open(&setup).await.unwrap()));
    let cancel = [("action", "cancel")];
    let page = browser.submit(&at_login, "/adminconsent", &cancel).await.unwrap();
    assert!(!says_unanswered(&page), "declined is an answer: {}", page.html);
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    pass(&scene, 11).await;
    assert!(!blocked(&scene).await);
}

#[tokio::test]
async fn a_refused_answer_is_an_answer() {
    let scene = Scene::connected(options(60), None).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    let started = scene.start(json!({ "kind": "discover" })).await;
    let link: Url = started.text("/signInUrl").parse().unwrap();
    scene.sign_in(&started, &scene.tenant.global_admins[1]).await;
    assert!(!says_unanswered(&opened(&link).await));
    pass(&scene, 11).await;
    assert!(!blocked(&scene).await);
}

#[tokio::test]
async fn microsofts_own_dead_end_is_no_answer() {
    let scene = Scene::connected(options(60), None).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    let started = scene.start(json!({ "kind": "discover" })).await;
    let other = scene.other_tenants().await.remove(0);
    let page = scene.sign_in(&started, &other.global_admins[0]).await;
    assert!(page.says("AADSTS50020"), "{}", page.html);
    pass(&scene, 10).await;
    assert!(blocked(&scene).await);
}
