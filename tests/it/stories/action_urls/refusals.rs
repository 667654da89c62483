//! What action URLs do not do: lead to strangers, let another person in, work twice, or change anything by being looked at.

use super::{ask, at_step, connected, leads_back, link, link_back};
use crate::stories::scene::{Scene, refused};
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{at_microsoft, reseller_form, sign_in_to_step};
use jiff::SignedDuration;
use serde_json::json;

/// Another Global Admin takes the role.
async fn reassign(scene: &Scene) {
    let api = scene.api("reseller_admin");
    let etag = api.get(&scene.path("")).await.unwrap().etag;
    let form = json!({ "email": scene.tenant.global_admins[1] });
    let answer = api
        .put(&scene.path("/global-admin"), &form, etag.as_deref())
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_return_address_off_the_list_is_refused_with_what_to_do() {
    let scene = connected().await;
    let own = scene.service.world.urls.portal.clone();
    let (host, port) = (own.host_str().unwrap(), own.port().unwrap());
    let before = scene.kept().await;
    for wrong in [
        "https://evil.example/".to_owned(),
        format!("http://user@{host}:{port}/"),
        format!("http://{host}:{port}@evil.example/"),
        format!("http://{host}.evil.example:{port}/"),
        format!("https://{host}:{port}/"),
        format!("http://{host}/"),
        "//evil.example/".to_owned(),
        "/front-end".to_owned(),
        "javascript:alert(1)".to_owned(),
        "data:text/html,x".to_owned(),
        String::new(),
    ] {
        for action in ["chooseGroups", "grantConsent", "sync"] {
            let answer = ask(&scene, "reseller_admin", action, Some(&wrong)).await;
            assert_eq!(answer.status, 422, "{wrong}: {}", answer.body);
            let detail = answer.text("/errors/0/detail");
            assert!(
                detail.contains(&own.origin().ascii_serialization()),
                "{wrong}: {}",
                answer.body
            );
        }
    }
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn no_page_takes_a_return_address_from_its_own_address() {
    let scene = connected().await;
    let mut link = link(&scene, "chooseGroups").await;
    link.set_query(Some("return_to=https://evil.example/&returnUrl=https://evil.example/"));
    let (mut browser, page) = sign_in_to_step(&link, scene.admin()).await.unwrap();
    assert!(!page.html.contains("evil.example"), "{}", page.html);
    let everyone = [("mode", "everyone"), ("returnUrl", "https://evil.example/")];
    let page = browser.submit(&page, "/setup/groups", &everyone).await.unwrap();
    leads_back(
        &scene,
        &page.url,
        "dialbridge_action=chooseGroups&dialbridge_outcome=completed",
    );
}

#[tokio::test]
async fn an_origin_that_is_no_longer_agreed_is_not_returned_to() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "chooseGroups").await;
    let api = scene.api("reseller_admin");
    let path = format!("/v1/resellers/{}", scene.reseller);
    let kept = api.get(&path).await.unwrap();
    let mut form = reseller_form(&scene.service.world.urls);
    form["returnOrigins"] = json!(["https://elsewhere.example"]);
    let changed = api.put(&path, &form, kept.etag.as_deref()).await.unwrap();
    assert_eq!(changed.status, 200, "{}", changed.body);
    let everyone = [("mode", "everyone")];
    let page = browser.submit(&page, "/setup/groups", &everyone).await.unwrap();
    assert_eq!(page.heading(), "Your choice is saved");
    assert!(page.link("/front-end").is_none());
}

#[tokio::test]
async fn a_used_link_says_that_its_step_is_done_and_leads_back() {
    let scene = connected().await;
    for (action, path, field) in [
        ("grantConsent", "/setup/management", ("decision", "grant")),
        ("chooseGroups", "/setup/groups", ("mode", "everyone")),
    ] {
        let link = link(&scene, action).await;
        let (mut browser, page) = sign_in_to_step(&link, scene.admin()).await.unwrap();
        browser.submit(&page, path, &[field]).await.unwrap();
        let before = scene.table().await;
        let page = Browser::default().open(&link).await.unwrap();
        assert_eq!(page.heading(), "This step is done already");
        let told = format!("dialbridge_action={action}&dialbridge_outcome=completed");
        link_back(&scene, &page, &told);
        let form = Page {
            html: format!("<form action=\"{}\"></form>", link.path()),
            ..page
        };
        let pressed = Browser::default().submit(&form, "/next/", &[]).await.unwrap();
        assert_eq!(pressed.heading(), "This step is done already");
        assert_eq!(scene.table().await, before, "{action}");
    }
}

#[tokio::test]
async fn a_link_ends_after_an_hour_and_while_the_enterprise_is_disabled() {
    let scene = connected().await;
    let link = link(&scene, "chooseGroups").await;
    let api = scene.api("reseller_admin");
    let etag = api.get(&scene.path("")).await.unwrap().etag;
    let header = [("if-match", etag.as_deref().unwrap())];
    let disabled = api
        .send(reqwest::Method::POST, &scene.path("/disable"), None, &header)
        .await
        .unwrap();
    assert_eq!(disabled.status, 200, "{}", disabled.body);
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    let etag = disabled.etag;
    let header = [("if-match", etag.as_deref().unwrap())];
    api.send(reqwest::Method::POST, &scene.path("/enable"), None, &header)
        .await
        .unwrap();
    assert_eq!(Browser::default().open(&link).await.unwrap().status, 200);
    scene.service.world.advance(SignedDuration::from_mins(60)).await;
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
}

#[tokio::test]
async fn r048_another_person_is_refused_and_nothing_changes() {
    let scene = connected().await;
    for action in ["grantConsent", "chooseGroups"] {
        let link = link(&scene, action).await;
        let before = scene.kept().await;
        for (account, code) in [
            (scene.tenant.global_admins[1].as_str(), "GA_NOT_RECORDED"),
            (scene.tenant.ordinary_user.as_str(), "GA_NOT_RECORDED"),
        ] {
            let (mut browser, page) = sign_in_to_step(&link, account).await.unwrap();
            refused(&page, code);
            let told = format!("dialbridge_action={action}&dialbridge_outcome=failed&dialbridge_code={code}");
            link_back(&scene, &page, &told);
            let setup = scene.service.world.urls.api.join("/setup").unwrap();
            refused(&browser.open(&setup).await.unwrap(), "UNKNOWN_ACCOUNT");
            assert_eq!(scene.kept().await, before, "{action} {account}");
        }
    }
}

#[tokio::test]
async fn r064_who_lost_the_role_is_refused_and_nothing_changes() {
    let scene = connected().await;
    let link = link(&scene, "chooseGroups").await;
    let before = scene.kept().await;
    scene
        .order(&format!("/users/{}", scene.admin()), json!({ "roles": [] }))
        .await;
    let (_, page) = sign_in_to_step(&link, scene.admin()).await.unwrap();
    refused(&page, "GA_NOT_ADMIN");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_link_ends_with_the_appointment_that_it_was_made_for() {
    let scene = connected().await;
    let link = link(&scene, "grantConsent").await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let page = browser.submit(&page, "/next/", &[]).await.unwrap();
    reassign(&scene).await;
    let before = scene.kept().await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    refused(&page, "LINK_CLOSED");
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn who_lost_the_appointment_after_the_sign_in_decides_nothing() {
    let scene = connected().await;
    let (mut granting, grant_page) = at_step(&scene, "grantConsent").await;
    let (mut choosing, groups_page) = at_step(&scene, "chooseGroups").await;
    reassign(&scene).await;
    let before = scene.kept().await;
    let grant = [("decision", "grant")];
    let page = granting.submit(&grant_page, "/setup/management", &grant).await.unwrap();
    refused(&page, "LINK_CLOSED");
    let everyone = [("mode", "everyone")];
    let page = choosing.submit(&groups_page, "/setup/groups", &everyone).await.unwrap();
    refused(&page, "LINK_CLOSED");
    let told = "dialbridge_action=chooseGroups&dialbridge_outcome=failed&dialbridge_code=LINK_CLOSED";
    link_back(&scene, &page, told);
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn who_came_for_one_step_does_not_do_the_other() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "chooseGroups").await;
    let before = scene.kept().await;
    let other = Page {
        html: "<form action=\"/setup/management\"></form>".into(),
        ..page
    };
    let page = browser
        .submit(&other, "/setup/management", &[("decision", "grant")])
        .await
        .unwrap();
    refused(&page, "UNKNOWN_ACCOUNT");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn looking_changes_nothing() {
    let scene = connected().await;
    let mut seen = Vec::new();
    for action in ["grantConsent", "chooseGroups"] {
        let link = link(&scene, action).await;
        let (browser, page) = sign_in_to_step(&link, scene.admin()).await.unwrap();
        seen.push((
            browser,
            vec![link, page.url.clone(), page.url.join("/setup/groups").unwrap()],
        ));
    }
    let before = scene.table().await;
    for (mut browser, urls) in seen {
        for url in &urls {
            browser.open(url).await.unwrap();
            browser.head(url).await.unwrap();
            Browser::default().open(url).await.unwrap();
            Browser::default().head(url).await.unwrap();
        }
    }
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn an_invitation_that_is_locked_shows_the_way_back() {
    let scene = Scene::invited(crate::stories::scene::options(60), None).await;
    let link = link(&scene, "completeRegistration").await;
    let mut browser = Browser::default();
    let first = browser.open(&link).await.unwrap();
    let mut page = first.clone();
    while page.link("/front-end").is_none() {
        let open = page.status == 200 || page.says("tries are left") || page.says("1 try is left");
        assert!(open, "{}", page.html);
        page = browser.submit(&first, "/i/", &[("code", "WRONG-CODES")]).await.unwrap();
    }
    refused(&page, "LINK_CLOSED");
    let told = "dialbridge_action=completeRegistration&dialbridge_outcome=failed&dialbridge_code=LINK_CLOSED";
    link_back(&scene, &page, told);
}

#[tokio::test]
async fn a_sync_that_another_person_signs_in_to_shows_the_way_back_and_goes_on_waiting() {
    let scene = connected().await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let started = scene.start(json!({ "kind": "discover" })).await;
    let back = super::front_end(&scene);
    let given = ask(&scene, "global_admin", "sync", Some(back.as_str())).await;
    let mut browser = Browser::default();
    let page = browser.open(&given.text("/url").parse().unwrap()).await.unwrap();
    let page = browser.submit(&page, "/sync/", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, &scene.tenant.global_admins[1])
        .await
        .unwrap();
    refused(&page, "GA_NOT_RECORDED");
    let told = "dialbridge_action=sync&dialbridge_outcome=failed&dialbridge_code=GA_NOT_RECORDED";
    link_back(&scene, &page, told);
    let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
    assert_eq!(run.text("/state"), "awaitingSignIn");
}
