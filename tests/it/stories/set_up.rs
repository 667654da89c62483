//! Sign-in, both consents and the binding of the tenant: what completes the set-up, and how each refusal ends on its
//! page and changes nothing (R035-R037, R045, R053-R060).

use super::scene::{Scene, options, parameter, refused};
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{at_microsoft, enterprise_form};
use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::json;
use url::Url;

async fn scene() -> Scene {
    Scene::invited(options(60), Some(25)).await
}

/// The state that the page at Microsoft was opened with.
fn state(page: &Page) -> String {
    parameter(page, "state")
}

#[tokio::test]
async fn r035_the_code_leads_to_microsofts_sign_in() {
    let scene = scene().await;
    let (_, page) = scene.code_entered().await;
    assert!(page.url.path().ends_with("/oauth2/v2.0/authorize"), "{}", page.url);
}

// R024, R059
#[tokio::test]
async fn r024_r059_the_set_up_is_complete_with_the_second_set_and_not_before() {
    let scene = scene().await;
    let (mut browser, page) = scene.tenant_shown().await;
    assert_eq!(scene.setup_state().await, "invited");
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    assert_eq!(scene.setup_state().await, "bound");
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    assert_eq!(scene.setup_state().await, "bound");
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn r037_the_last_page_leads_to_the_portal() {
    let scene = scene().await;
    let (mut browser, page) = scene.second_sign_in().await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up"), "{}", page.html);
    assert!(
        page.html.contains(scene.service.world.urls.portal.as_str()),
        "{}",
        page.html
    );
}

#[tokio::test]
async fn r072_r073_the_last_page_asks_for_the_choice_of_groups() {
    let scene = scene().await;
    let (mut browser, page) = scene.second_sign_in().await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("Sync User Groups"), "{}", page.html);
}

#[tokio::test]
async fn r054_r055_r056_the_two_requests_ask_for_different_things() {
    let scene = scene().await;
    let scope = |url: &Url| {
        url.query_pairs()
            .find(|(name, _)| name == "scope")
            .unwrap()
            .1
            .into_owned()
    };
    let (_, first) = scene.code_entered().await;
    let first = scope(&first.url);
    assert!(first.contains("offline_access") && !first.contains("Teams"), "{first}");
    let (_, second) = scene.second_sign_in().await;
    let second = scope(&second.url);
    assert!(
        second.contains("user_impersonation") && second.contains("User.Read.All"),
        "{second}"
    );
}

#[tokio::test]
async fn r058_microsoft_asks_for_a_new_sign_in_between_the_two_sets() {
    let scene = scene().await;
    let (_, page) = scene.second_sign_in().await;
    assert!(
        page.url
            .query_pairs()
            .any(|(name, value)| name == "prompt" && value == "login"),
        "{}",
        page.url
    );
}

#[tokio::test]
async fn r036_somebody_without_the_role_is_refused() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    let before = scene.kept_but_news().await;
    let page = at_microsoft(&mut browser, page, &scene.tenant.ordinary_user)
        .await
        .unwrap();
    refused(&page, "GA_NOT_ADMIN");
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn r036_a_teams_administrator_is_not_enough() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    let before = scene.kept_but_news().await;
    let page = at_microsoft(&mut browser, page, &scene.tenant.teams_admin)
        .await
        .unwrap();
    refused(&page, "GA_NOT_ADMIN");
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn r053_who_lacks_the_role_is_told_to_have_it_reassigned() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    let page = at_microsoft(&mut browser, page, &scene.tenant.ordinary_user)
        .await
        .unwrap();
    assert!(page.says("reassign the Global Admin role"), "{}", page.html);
}

#[tokio::test]
async fn cancelling_the_first_request_changes_nothing() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    let before = scene.kept_but_news().await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    refused(&page, "DECLINED");
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn a_declined_second_request_can_be_asked_again() {
    let scene = scene().await;
    let (mut browser, page) = scene.second_sign_in().await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    assert_eq!(page.url.path(), "/setup", "{}", page.html);
    assert_eq!(scene.setup_state().await, "bound");
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn another_tenant_at_the_second_request_is_stopped_by_microsoft_and_changes_nothing() {
    let scene = scene().await;
    let other = scene.other_tenants().await.remove(0);
    let (mut browser, page) = scene.second_sign_in().await;
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
async fn r066_another_tenant_than_the_bound_one_reads_the_exact_words() {
    let scene = scene().await;
    let other = scene.other_tenants().await.remove(0);
    // Two windows with the same invitation: the first binds its tenant while the second is still at Microsoft.
    let (mut late, late_page) = scene.code_entered().await;
    let (mut browser, page) = scene.tenant_shown().await;
    browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    let before = scene.kept_but_news().await;
    let page = at_microsoft(&mut late, late_page, &other.global_admins[0])
        .await
        .unwrap();
    refused(&page, "TENANT_MISMATCH");
    assert!(
        page.says("The tenant for the selected user does not match the previously tenant selected"),
        "{}",
        page.html
    );
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn r045_another_global_admin_at_the_second_request_is_refused() {
    let scene = scene().await;
    let (mut browser, page) = scene.second_sign_in().await;
    let before = scene.kept_but_news().await;
    let page = at_microsoft(&mut browser, page, &scene.tenant.global_admins[1])
        .await
        .unwrap();
    refused(&page, "GA_NOT_RECORDED");
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn a_forged_state_changes_nothing() {
    let scene = scene().await;
    let (mut browser, _) = scene.code_entered().await;
    let before = scene.table().await;
    let forged = "A".repeat(43);
    for fields in [
        vec![("state", forged.as_str()), ("code", "forged")],
        vec![("code", "forged")],
        vec![("state", ""), ("code", "forged")],
        vec![],
    ] {
        let page = browser.open(&scene.callback(&fields)).await.unwrap();
        refused(&page, "UNKNOWN_ACCOUNT");
    }
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn a_forged_code_changes_nothing() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    let before = scene.kept_but_news().await;
    let page = browser
        .open(&scene.callback(&[("state", &state(&page)), ("code", "forged")]))
        .await
        .unwrap();
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.html);
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn a_replayed_state_changes_nothing() {
    let scene = scene().await;
    let (mut browser, at_login) = scene.code_entered().await;
    let state = state(&at_login);
    at_microsoft(&mut browser, at_login, scene.admin()).await.unwrap();
    let before = scene.kept().await;
    let page = browser
        .open(&scene.callback(&[("state", &state), ("code", "again")]))
        .await
        .unwrap();
    refused(&page, "UNKNOWN_ACCOUNT");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn an_expired_state_changes_nothing() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    let before = scene.kept().await;
    scene.service.world.advance(SignedDuration::from_hours(3)).await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    refused(&page, "UNKNOWN_ACCOUNT");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn the_state_of_another_browser_is_refused() {
    let scene = scene().await;
    let (_, victim) = scene.code_entered().await;
    let (mut attacker, _) = scene.code_entered().await;
    let before = scene.kept().await;
    let stolen = scene.callback(&[("state", &state(&victim)), ("code", "stolen")]);
    refused(&attacker.open(&stolen).await.unwrap(), "UNKNOWN_ACCOUNT");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_browser_without_our_cookie_is_refused() {
    let scene = scene().await;
    let (_, page) = scene.code_entered().await;
    let stolen = scene.callback(&[("state", &state(&page)), ("code", "stolen")]);
    refused(&Browser::default().open(&stolen).await.unwrap(), "UNKNOWN_ACCOUNT");
    let setup = scene.service.world.urls.api.join("/setup").unwrap();
    refused(&Browser::default().open(&setup).await.unwrap(), "UNKNOWN_ACCOUNT");
}

#[tokio::test]
async fn r210_an_account_that_needs_approval_stops_with_microsofts_words() {
    let scene = scene().await;
    scene
        .order("", json!({ "userConsent": false, "approvalWorkflow": true }))
        .await;
    let (mut browser, page) = scene.code_entered().await;
    let before = scene.kept().await;
    let page = at_microsoft(&mut browser, page, &scene.tenant.ordinary_user)
        .await
        .unwrap();
    assert!(page.says("Approval required"), "{}", page.html);
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r210_an_approval_that_microsoft_reports_back_has_its_page() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    let before = scene.kept_but_news().await;
    let fields = [
        ("state", state(&page)),
        ("error", "access_denied".into()),
        ("error_description", "AADSTS90095: Approval required.".into()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = browser.open(&scene.callback(&fields)).await.unwrap();
    refused(&page, "APPROVAL_REQUIRED");
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn id_tokens_with_a_flaw_bind_nothing() {
    let scene = scene().await;
    for flaw in [
        "nonce",
        "issuer",
        "audience",
        "expired",
        "consumersKey",
        "consumersTenant",
        "signature",
    ] {
        let (mut browser, page) = scene.code_entered().await;
        let before = scene.kept_but_news().await;
        scene.microsoft("/next-sign-in", json!({ "idToken": flaw })).await;
        let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{flaw}: {}", page.html);
        assert_eq!(scene.kept_but_news().await, before, "{flaw}");
    }
}

#[tokio::test]
async fn rejecting_the_shown_tenant_changes_nothing_and_ends_the_session() {
    let scene = scene().await;
    let (mut browser, shown) = scene.tenant_shown().await;
    let before = scene.kept().await;
    let page = browser
        .submit(&shown, "/setup/tenant", &[("decision", "reject")])
        .await
        .unwrap();
    assert!(page.says("Nothing was connected"), "{}", page.html);
    let late = browser
        .submit(&shown, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    refused(&late, "UNKNOWN_ACCOUNT");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_second_enterprise_cannot_bind_the_same_tenant() {
    let scene = Scene::connected(options(60), None).await;
    let form = enterprise_form(&scene.tenant, None);
    let created = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    assert_eq!(created.status, 201);
    let (mut browser, page) = scene.tenant_shown().await;
    let before = scene.kept().await;
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    refused(&page, "TENANT_TAKEN");
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn confirming_twice_is_confirming_once() {
    let scene = scene().await;
    let (mut browser, shown) = scene.tenant_shown().await;
    let confirm = [("decision", "confirm")];
    browser.submit(&shown, "/setup/tenant", &confirm).await.unwrap();
    let before = scene.kept().await;
    browser.submit(&shown, "/setup/tenant", &confirm).await.unwrap();
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r057_with_the_box_unticked_the_consent_of_the_global_admin_alone_still_completes_the_set_up() {
    let scene = scene().await;
    let (mut browser, page) = scene.second_sign_in().await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    assert!(page.says("Consent on behalf of your organization"), "{}", page.html);
    let accept = [("action", "accept")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &accept).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn r063_no_token_or_password_is_kept_after_the_set_up() {
    let scene = Scene::connected(options(60), None).await;
    let whole = format!("{:?}", scene.table().await);
    // As tokens begin; an id, which is of one case, may have these letters by chance.
    assert!(!whole.contains("eyJ"));
    for word in ["refresh_token", "access_token", "password"] {
        assert!(!whole.to_lowercase().contains(word), "{word}");
    }
}

#[tokio::test]
async fn what_is_done_on_our_pages_is_in_the_audit_trail_with_its_request() {
    let scene = Scene::connected(options(30), None).await;
    let trail = scene.get("/audit").await;
    for deed in ["signInTried", "tenantBound", "consentGranted"] {
        let entry = trail.list("/items").iter().find(|entry| entry["deed"] == deed);
        let entry = entry.unwrap_or_else(|| panic!("no {deed}: {}", trail.body));
        assert_eq!(entry["address"], "127.0.0.1", "{entry}");
        assert!(entry["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{entry}");
        assert_eq!(entry["role"], "visitor", "{entry}");
    }
}
