//! The creation form and the invitation: what is kept, what is sent, and what the link lets people do (R004-R019,
//! R033-R042).

use super::scene::{Scene, options, refused};
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::{at_microsoft, enterprise_form, invitation, set_up};
use jiff::SignedDuration;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

async fn scene() -> Scene {
    Scene::invited(options(60), Some(25)).await
}

async fn link(scene: &Scene) -> (String, url::Url) {
    invitation(&scene.service.world.urls, scene.admin()).await.unwrap()
}

fn invitations(scene: &Scene) -> usize {
    let mails = scene.service.world.aws.mailbox.mails_to(scene.admin());
    mails
        .iter()
        .filter(|mail| mail.text.as_deref().is_some_and(|text| text.contains("/i/")))
        .count()
}

#[tokio::test]
async fn r004_r018_every_field_of_the_form_is_kept() {
    let scene = scene().await;
    let form = enterprise_form(&scene.tenant, Some(25));
    let seen = scene.api("reseller_admin").get(&scene.path("")).await.unwrap();
    for field in [
        "name",
        "userLimit",
        "pbxMusicOnHold",
        "accessSipData",
        "requestManagementConsent",
        "sbcRegions",
        "services",
        "pbxTypes",
        "timeZone",
        "billingReference",
    ] {
        assert_eq!(seen.body[field], form[field], "{field}");
    }
    assert_eq!(seen.text("/globalAdmin/email"), scene.admin());
    assert_eq!(seen.text("/invitation/state"), "delivered");
}

#[tokio::test]
async fn r007_a_blank_user_limit_is_no_limit() {
    let scene = Scene::invited(options(60), None).await;
    let seen = scene.api("reseller_admin").get(&scene.path("")).await.unwrap();
    assert_eq!(seen.body["userLimit"], Value::Null);
}

#[tokio::test]
async fn r004_r014_r016_r017_every_wrong_field_is_named() {
    let scene = scene().await;
    let api = scene.api("reseller_admin");
    for (field, wrong) in [
        ("name", json!("")),
        ("sbcRegions", json!([])),
        ("sbcRegions", json!(["Atlantis"])),
        ("services", json!([])),
        ("pbxTypes", json!([])),
        ("timeZone", json!("Mars/Base")),
    ] {
        let mut form = enterprise_form(&scene.tenant, None);
        form[field] = wrong;
        let answer = api.post("/v1/enterprises", &form).await.unwrap();
        assert_eq!(answer.status, 422, "{field}: {}", answer.body);
        let named = answer.list("/errors").iter().any(|error| error["field"] == field);
        assert!(named, "{field}: {}", answer.body);
    }
    assert_eq!(invitations(&scene), 1, "refused forms invite nobody");
}

#[tokio::test]
async fn r005_a_form_without_a_proper_admin_address_creates_nothing() {
    let scene = scene().await;
    let before = scene.kept().await;
    for wrong in [json!(null), json!(""), json!("nobody"), json!("a@b@c"), json!(7)] {
        let mut form = enterprise_form(&scene.tenant, None);
        form["adminEmail"] = wrong;
        let answer = scene
            .api("reseller_admin")
            .post("/v1/enterprises", &form)
            .await
            .unwrap();
        assert!(answer.status.is_client_error(), "{}", answer.body);
    }
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r019_creation_sends_one_invitation_at_once() {
    assert_eq!(invitations(&scene().await), 1);
}

#[tokio::test]
async fn r019_the_same_creation_sent_again_is_the_same_enterprise_and_one_mail() {
    let scene = scene().await;
    let form = enterprise_form(&scene.tenant, Some(3));
    let api = scene.api("reseller_admin");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let headers = [("idempotency-key", "once")];
        let answer = api
            .send(Method::POST, "/v1/enterprises", Some(&form), &headers)
            .await
            .unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        ids.push(answer.text("/id").to_owned());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(invitations(&scene), 2, "the scene's own and one more");
}

#[tokio::test]
async fn r019_a_key_that_was_used_for_another_form_is_refused() {
    let scene = scene().await;
    let api = scene.api("reseller_admin");
    let headers = [("idempotency-key", "once")];
    let mut answers = Vec::new();
    for limit in [3, 4] {
        let form = enterprise_form(&scene.tenant, Some(limit));
        let answer = api
            .send(Method::POST, "/v1/enterprises", Some(&form), &headers)
            .await
            .unwrap();
        answers.push(answer);
    }
    assert_eq!(answers[0].status, 201);
    assert_eq!(answers[1].status, 422);
    assert_eq!(answers[1].text("/code"), "idempotency-key-reused");
}

#[tokio::test]
async fn r033_r034_r038_the_mail_has_the_code_the_button_and_the_permissions() {
    let scene = scene().await;
    let (code, link) = link(&scene).await;
    let mail = scene.service.world.aws.mailbox.mails_to(scene.admin()).remove(0);
    let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
    for part in [&text, &html] {
        assert!(part.contains(&code), "{part}");
        assert!(part.contains("Invitation Code"), "{part}");
        assert!(part.contains("/permissions"), "{part}");
    }
    assert!(
        html.contains(link.as_str()) && html.to_lowercase().contains("complete"),
        "{html}"
    );
}

// R193
#[tokio::test]
async fn r193_mail_and_page_say_who_invites_whom_and_what_microsoft_will_ask() {
    let scene = scene().await;
    let (_, link) = link(&scene).await;
    let mail = scene.service.world.aws.mailbox.mails_to(scene.admin()).remove(0);
    let page = Browser::default().open(&link).await.unwrap();
    for part in [mail.text.unwrap(), mail.html.unwrap(), page.html] {
        // Plain text breaks its lines where it likes.
        let words = part.replace("<strong>", "").replace("</strong>", "");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        for said in [
            scene.tenant.display_name.as_str(),
            "Northwind Telecom",
            "Invitation Code",
            "Global Administrator",
            "twice",
            "Consent on behalf of your organization",
            "Accept",
            "/permissions",
        ] {
            assert!(words.contains(said), "{said}: {words}");
        }
        let lower = words.to_lowercase();
        assert!(lower.contains("complete") && lower.contains("sign in"), "{words}");
    }
}

#[tokio::test]
async fn r039_the_mail_goes_to_the_admin_only() {
    let scene = scene().await;
    let mails = scene.service.world.aws.mailbox.mails();
    let mail = mails.iter().find(|mail| mail.subject.contains("Invitation")).unwrap();
    assert_eq!(mail.to, [scene.admin()]);
    assert!(mail.cc.is_empty() && mail.bcc.is_empty());
}

#[tokio::test]
async fn r041_the_link_works_in_a_private_window() {
    let scene = scene().await;
    let (code, link) = link(&scene).await;
    let mut first = Browser::default();
    first.open(&link).await.unwrap();
    let mut private = Browser::default();
    let page = private.open(&link).await.unwrap();
    let page = private.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    let page = at_microsoft(&mut private, page, scene.admin()).await.unwrap();
    assert_eq!(page.url.path(), "/setup");
}

#[tokio::test]
async fn r041_reading_the_link_changes_nothing() {
    let scene = scene().await;
    let (_, link) = link(&scene).await;
    let before = scene.table().await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let answer = Client::new().request(method, link.clone()).send().await.unwrap();
        assert!(!answer.status().is_server_error(), "{}", answer.status());
    }
    assert_eq!(Client::new().get(link).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn r041_an_empty_form_costs_no_try_and_changes_nothing() {
    let scene = scene().await;
    let (_, link) = link(&scene).await;
    let before = scene.table().await;
    for _ in 0..7 {
        let answer = Client::new().post(link.clone()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn r034_a_wrong_code_says_how_many_tries_are_left() {
    let scene = scene().await;
    let (_, link) = link(&scene).await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    for left in [
        "4 tries are left",
        "3 tries are left",
        "2 tries are left",
        "1 try is left",
    ] {
        let wrong = browser.submit(&page, "/i/", &[("code", "BBBBB-BBBBB")]).await.unwrap();
        assert_eq!(wrong.status, StatusCode::FORBIDDEN);
        assert!(wrong.says(left), "{left}: {}", wrong.html);
    }
}

#[tokio::test]
async fn r034_five_wrong_codes_lock_the_invitation_for_the_right_one_too() {
    let scene = scene().await;
    let (code, link) = link(&scene).await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    for _ in 0..5 {
        browser.submit(&page, "/i/", &[("code", "BBBBB-BBBBB")]).await.unwrap();
    }
    let right = browser.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    refused(&right, "LINK_CLOSED");
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
}

#[tokio::test]
async fn r034_many_tries_at_once_are_not_more_than_five() {
    let scene = scene().await;
    let (code, link) = link(&scene).await;
    let tries = (0..16).map(|_| {
        let link = link.clone();
        async move {
            let form = [("code", "BBBBB-BBBBB")];
            let answer = Client::new().post(link).form(&form).send().await.unwrap();
            answer.text().await.unwrap()
        }
    });
    let answers = futures::future::join_all(tries).await;
    let compared = answers
        .iter()
        .filter(|html| html.contains("tries are left") || html.contains("try is left"))
        .count();
    assert!(compared <= 5, "{compared} codes were compared");
    let form = [("code", code.as_str())];
    let late = Client::new().post(link).form(&form).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn r034_the_code_may_be_typed_in_small_letters_and_with_blanks() {
    let scene = scene().await;
    let (code, link) = link(&scene).await;
    let typed = format!(" {} ", code.to_lowercase());
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let page = browser.submit(&page, "/i/", &[("code", &typed)]).await.unwrap();
    assert_eq!(page.url.port(), scene.service.world.urls.login.port(), "{}", page.html);
}

#[tokio::test]
async fn r023_resending_kills_the_old_link_and_code() {
    let scene = scene().await;
    let (old_code, old_link) = link(&scene).await;
    scene.service.world.advance(SignedDuration::from_secs(61)).await;
    let path = scene.path("/invitation");
    let resent = scene.api("reseller_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(resent.status, 201, "{}", resent.body);
    refused(&Browser::default().open(&old_link).await.unwrap(), "LINK_CLOSED");
    let (new_code, new_link) = link(&scene).await;
    assert_eq!(resent.text("/link"), new_link.as_str());
    let mut browser = Browser::default();
    let page = browser.open(&new_link).await.unwrap();
    let wrong = browser.submit(&page, "/i/", &[("code", &old_code)]).await.unwrap();
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let right = browser.submit(&page, "/i/", &[("code", &new_code)]).await.unwrap();
    assert_eq!(right.url.port(), scene.service.world.urls.login.port());
}

#[tokio::test]
async fn an_expired_link_is_closed() {
    let scene = scene().await;
    let (_, link) = link(&scene).await;
    scene
        .service
        .world
        .advance(SignedDuration::from_hours(7 * 24 + 1))
        .await;
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
}

#[tokio::test]
async fn a_used_link_is_closed_and_changes_nothing() {
    let scene = scene().await;
    let (code, link) = link(&scene).await;
    set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
    let before = scene.kept().await;
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    let form = [("code", code.as_str())];
    let again = Client::new().post(link).form(&form).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn an_unknown_link_looks_like_a_used_one() {
    let scene = scene().await;
    let unknown = scene
        .service
        .world
        .urls
        .api
        .join(&format!("/i/{}", "x".repeat(43)))
        .unwrap();
    refused(&Browser::default().open(&unknown).await.unwrap(), "LINK_CLOSED");
}

#[tokio::test]
async fn neither_link_nor_code_is_kept() {
    let scene = scene().await;
    let (code, link) = link(&scene).await;
    let token = link.path().rsplit('/').next().unwrap().to_owned();
    let whole = format!("{:?}", scene.table().await);
    assert!(!whole.contains(&token), "the link is kept");
    assert!(
        !whole.contains(&code) && !whole.contains(&code.replace('-', "")),
        "the code is kept"
    );
}

#[tokio::test]
async fn r042_before_the_set_up_the_integration_is_pending() {
    let scene = scene().await;
    let status = scene.get("/status").await;
    assert_eq!(status.text("/integration"), "Integration Pending");
    assert_eq!(status.text("/globalAdmin"), "Global Admin: Global Admin");
    assert!(status.text("/nextStep").contains("has been invited"), "{}", status.body);
}

#[tokio::test]
async fn a_mail_that_ses_refuses_leaves_the_enterprise_and_can_be_sent_again() {
    use dialbridge_local::mailbox::MailFault;
    let scene = scene().await;
    scene.service.world.aws.mailbox.fail_next(20, MailFault::Paused);
    let form = enterprise_form(&scene.tenant, None);
    let api = scene.api("reseller_admin");
    let created = api.post("/v1/enterprises", &form).await.unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.text("/invitation/state"), "queued");
}
