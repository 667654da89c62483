//! The second permission set, accepted for the whole organisation on Microsoft's admin consent page: what comes back from
//! there proves nothing, and the set-up is complete only after a sign-in and a call (R054-R059).

use super::scene::{Scene, options, parameter, refused};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::at_microsoft;
use dialbridge_local::microsoft::{self, Delays};
use jiff::SignedDuration;
use serde_json::json;

async fn scene() -> Scene {
    Scene::invited(options(60), Some(25)).await
}

/// Microsoft takes a minute to apply a consent.
fn slow() -> Options {
    let Options { world, microsoft } = options(60);
    let delays = Delays {
        consent_effective: SignedDuration::from_secs(60),
        ..Delays::none()
    };
    Options {
        world,
        microsoft: microsoft::Options { delays, ..microsoft },
    }
}

/// The browser on Microsoft's admin consent page.
async fn at_admin_consent(scene: &Scene) -> (Browser, Page) {
    let (mut browser, page) = scene.bound().await;
    let page = browser.submit(&page, "/setup/organization", &[]).await.unwrap();
    assert_eq!(page.url.port(), scene.service.world.urls.login.port(), "{}", page.html);
    assert_eq!(page.url.path(), format!("/{}/v2.0/adminconsent", scene.tenant.id));
    (browser, page)
}

/// An administrator accepts there; the page that follows.
async fn accepted(browser: &mut Browser, page: Page, account: &str) -> Page {
    let page = browser.submit(&page, "/adminconsent", &[("account", account)]).await;
    let accept = [("action", "accept")];
    browser.submit(&page.unwrap(), "/adminconsent", &accept).await.unwrap()
}

/// The browser after the admin consent page, where the organisation accepted.
async fn organization_accepted(scene: &Scene) -> (Browser, Page) {
    let (mut browser, page) = at_admin_consent(scene).await;
    let page = accepted(&mut browser, page, scene.admin()).await;
    assert_eq!(page.url.path(), "/setup", "{}", page.html);
    (browser, page)
}

#[tokio::test]
async fn r054_r059_the_organization_accepts_and_a_last_sign_in_completes_the_set_up() {
    let scene = scene().await;
    let (mut browser, page) = organization_accepted(&scene).await;
    assert_eq!(page.heading(), "Accepted for the whole organization", "{}", page.html);
    assert_eq!(scene.setup_state().await, "bound");
    assert_eq!(scene.consent("calling").await["state"], "pending");
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    // R058: a new sign-in between the two.
    assert_eq!(parameter(&page, "prompt"), "login");
    let page = browser
        .submit(&page, "/oauth2/v2.0/authorize", &[("account", scene.admin())])
        .await
        .unwrap();
    assert!(page.says("is set up"), "nothing is asked again: {}", page.html);
    assert_eq!(scene.setup_state().await, "complete");
    let calling = scene.consent("calling").await;
    assert_eq!(calling["state"], "granted");
    assert_eq!(calling["form"], "organization");
    assert!(calling["by"].as_str().is_some_and(|by| !by.is_empty()), "{calling}");
    assert_eq!(calling["missing"], json!([]));
    assert_eq!(scene.consent("signIn").await["form"], "delegated");
    assert!(scene.deeds().await.contains(&"consentGranted".to_owned()));
}

#[tokio::test]
async fn while_microsoft_applies_it_a_page_waits_and_nothing_is_granted() {
    let scene = Scene::invited(slow(), Some(25)).await;
    let (mut browser, page) = organization_accepted(&scene).await;
    let setup = page.url.clone();
    let before = scene.table().await;
    for _ in 0..3 {
        let page = browser.open(&setup).await.unwrap();
        assert_eq!(page.heading(), "Microsoft is applying the permissions", "{}", page.html);
        assert!(page.html.contains("http-equiv=\"refresh\""), "it looks again by itself");
    }
    assert_eq!(scene.table().await, before, "looking changes nothing");
    assert_eq!(scene.setup_state().await, "bound");
    scene.service.world.advance(SignedDuration::from_secs(61)).await;
    let page = browser.open(&setup).await.unwrap();
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
    assert_eq!(scene.consent("calling").await["form"], "organization");
}

#[tokio::test]
async fn who_signs_in_before_microsoft_applies_it_is_told_so_and_loses_nothing() {
    let scene = Scene::invited(slow(), Some(25)).await;
    let (mut browser, page) = scene.bound().await;
    let asking = page.clone();
    let page = browser.submit(&page, "/setup/organization", &[]).await.unwrap();
    accepted(&mut browser, page, scene.admin()).await;
    // The older page is still open in another tab.
    let page = browser.submit(&asking, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    refused(&page, "CONSENT_NOT_IN_FORCE");
    assert_eq!(scene.setup_state().await, "bound");
    scene.service.world.advance(SignedDuration::from_secs(61)).await;
    let page = browser.submit(&asking, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
}

#[tokio::test]
async fn declined_there_it_is_declined_here_and_can_be_asked_again() {
    let scene = scene().await;
    let (mut browser, page) = at_admin_consent(&scene).await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/adminconsent", &account).await.unwrap();
    // What Microsoft sends then says `admin_consent=True` all the same.
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/adminconsent", &cancel).await.unwrap();
    assert_eq!(page.url.path(), "/setup", "{}", page.html);
    assert_eq!(scene.consent("calling").await["state"], "declined");
    assert_eq!(scene.setup_state().await, "bound");
    assert!(scene.deeds().await.contains(&"consentDeclined".to_owned()));
    let page = browser.submit(&page, "/setup/organization", &[]).await.unwrap();
    let page = accepted(&mut browser, page, scene.admin()).await;
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
    assert_eq!(scene.consent("calling").await["state"], "granted");
}

#[tokio::test]
async fn a_callback_that_nobody_was_at_microsoft_for_completes_nothing() {
    let scene = scene().await;
    let (mut browser, page) = at_admin_consent(&scene).await;
    let state = parameter(&page, "state");
    let before = scene.kept().await;
    let tenant = scene.tenant.id.as_str();
    let forged = scene.callback(&[("admin_consent", "True"), ("tenant", tenant), ("state", &state)]);
    let page = browser.open(&forged).await.unwrap();
    assert_eq!(page.heading(), "Microsoft is applying the permissions", "{}", page.html);
    for hours in [0, 1] {
        scene.service.world.advance(SignedDuration::from_mins(10 * hours)).await;
        let page = browser.open(&page.url).await.unwrap();
        assert_eq!(page.heading(), "Microsoft is applying the permissions", "{}", page.html);
    }
    assert_eq!(scene.kept().await, before);
    assert_eq!(scene.consent("calling").await["state"], "pending");
    // Who goes on by hand is asked by Microsoft for the consent that was never given.
    let page = scene.service.world.urls.api.join("/setup/consent").unwrap();
    let form = Page {
        html: format!("<form action=\"{page}\"></form>"),
        status: reqwest::StatusCode::OK,
        url: page,
    };
    let page = browser.submit(&form, "/setup/consent", &[]).await.unwrap();
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    assert!(page.says("Permissions requested"), "{}", page.html);
    assert_eq!(scene.setup_state().await, "bound");
}

#[tokio::test]
async fn another_tenant_in_the_answer_is_refused() {
    let scene = scene().await;
    let other = scene.other_tenants().await.remove(0);
    let (mut browser, page) = at_admin_consent(&scene).await;
    let before = scene.kept_but_news().await;
    scene
        .microsoft("/next-sign-in", json!({ "forgedTenant": other.id }))
        .await;
    let page = accepted(&mut browser, page, scene.admin()).await;
    refused(&page, "TENANT_MISMATCH");
    for tenant in [other.id.as_str(), "", "nonsense", "organizations"] {
        let setup = scene.service.world.urls.api.join("/setup").unwrap();
        let page = browser.open(&setup).await.unwrap();
        let page = browser.submit(&page, "/setup/organization", &[]).await.unwrap();
        let state = parameter(&page, "state");
        let forged = scene.callback(&[("admin_consent", "True"), ("tenant", tenant), ("state", &state)]);
        refused(&browser.open(&forged).await.unwrap(), "TENANT_MISMATCH");
    }
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn the_answer_of_one_page_is_none_of_the_other() {
    let scene = scene().await;
    let (mut browser, page) = scene.bound().await;
    let before = scene.kept_but_news().await;
    let tenant = scene.tenant.id.clone();
    for (begins, answer) in [
        ("/setup/organization", vec![("code", "1.a-code")]),
        (
            "/setup/organization",
            vec![("code", "1.a-code"), ("admin_consent", "True"), ("tenant", &tenant)],
        ),
        (
            "/setup/organization",
            vec![("admin_consent", "False"), ("tenant", &tenant)],
        ),
        ("/setup/organization", vec![("tenant", &tenant)]),
        ("/setup/organization", vec![]),
        ("/setup/consent", vec![("admin_consent", "True"), ("tenant", &tenant)]),
        ("/setup/consent", vec![("admin_consent", "True"), ("code", "1.a-code")]),
        ("/setup/consent", vec![("tenant", &tenant)]),
        ("/setup/consent", vec![]),
    ] {
        let at_microsoft = browser.submit(&page, begins, &[]).await.unwrap();
        let state = parameter(&at_microsoft, "state");
        let mut fields = answer.clone();
        fields.push(("state", &state));
        let page = browser.open(&scene.callback(&fields)).await.unwrap();
        refused(&page, "UNKNOWN_ACCOUNT");
        assert_eq!(scene.kept_but_news().await, before, "{begins} {answer:?}");
    }
}

#[tokio::test]
async fn r036_only_a_global_administrator_accepts_for_the_organization() {
    let scene = scene().await;
    let (mut browser, page) = at_admin_consent(&scene).await;
    let before = scene.kept().await;
    let account = [("account", scene.tenant.teams_admin.as_str())];
    let page = browser.submit(&page, "/adminconsent", &account).await.unwrap();
    assert!(page.says("AADSTS90094"), "{}", page.html);
    assert_eq!(scene.kept().await, before);
}

/// Microsoft lets any Global Administrator accept; the sign-in that counts is the recorded one's.
#[tokio::test]
async fn r045_another_global_admin_may_accept_but_not_complete_the_set_up() {
    let scene = scene().await;
    let (mut browser, page) = at_admin_consent(&scene).await;
    let second = scene.tenant.global_admins[1].clone();
    let page = accepted(&mut browser, page, &second).await;
    let asking = page.clone();
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, &second).await.unwrap();
    refused(&page, "GA_NOT_RECORDED");
    assert_eq!(scene.setup_state().await, "bound");
    let page = browser.submit(&asking, "/setup/consent", &[]).await.unwrap();
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn nobody_begins_it_who_is_not_at_that_point() {
    let scene = scene().await;
    let (mut browser, shown) = scene.tenant_shown().await;
    let before = scene.table().await;
    let url = scene.service.world.urls.api.join("/setup/organization").unwrap();
    let form = Page {
        html: format!("<form action=\"{url}\"></form>"),
        ..shown
    };
    refused(
        &browser.submit(&form, "/setup/organization", &[]).await.unwrap(),
        "UNKNOWN_ACCOUNT",
    );
    let mut stranger = Browser::default();
    refused(
        &stranger.submit(&form, "/setup/organization", &[]).await.unwrap(),
        "UNKNOWN_ACCOUNT",
    );
    assert_eq!(scene.table().await, before);
}
