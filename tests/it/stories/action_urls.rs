//! Action URLs: a reseller's own front end sends a Global Admin to a step and gets the person back with the outcome; who
//! follows a link has to be the recorded Global Admin (R012-R013, R071-R086).

mod refusals;

use super::scene::{Scene, options, refused};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{at_microsoft, invitation, sign_in_to_step};
use serde_json::{Value, json};
use url::Url;

async fn connected() -> Scene {
    Scene::connected(options(60), None).await
}

/// Where the reseller's front end wants the person back.
fn front_end(scene: &Scene) -> Url {
    scene.service.world.urls.portal.join("/front-end?case=7#top").unwrap()
}

async fn ask(scene: &Scene, role: &str, action: &str, return_url: Option<&str>) -> Answer {
    let form = json!({ "action": action, "returnUrl": return_url });
    let api = scene.api(role);
    api.post(&scene.path("/action-urls"), &form).await.unwrap()
}

/// The address of a step, asked for by the reseller.
async fn link(scene: &Scene, action: &str) -> Url {
    let given = ask(scene, "reseller_admin", action, Some(front_end(scene).as_str())).await;
    assert_eq!(given.status, 201, "{}", given.body);
    assert_eq!(given.body["hosted"], true);
    given.text("/url").parse().unwrap()
}

/// The browser behind the sign-in of a step, as the recorded Global Admin.
async fn at_step(scene: &Scene, action: &str) -> (Browser, Page) {
    let link = link(scene, action).await;
    sign_in_to_step(&link, scene.admin()).await.unwrap()
}

/// An address leads to the front end, and says this.
#[track_caller]
fn leads_back(scene: &Scene, url: &Url, told: &str) {
    let mut expected = front_end(scene);
    expected.set_query(Some(&format!("case=7&{told}")));
    assert_eq!(url.as_str(), expected.as_str());
}

#[track_caller]
fn link_back(scene: &Scene, page: &Page, told: &str) {
    let link = page
        .link("/front-end")
        .unwrap_or_else(|| panic!("no way back: {}", page.html));
    leads_back(scene, &link, told);
}

async fn saved_filter(scene: &Scene) -> Value {
    scene.get("/group-filter").await.body
}

async fn group_id(scene: &Scene, name: &str) -> String {
    let groups = scene.get("/groups").await;
    let group = groups.list("/items").iter().find(|group| group["name"] == name);
    group.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Whether the reseller's staff may do what is the enterprise's.
async fn reseller_saves_a_filter(scene: &Scene) -> Answer {
    let etag = scene.get("/group-filter").await.etag;
    let api = scene.api("reseller_admin");
    api.put(
        &scene.path("/group-filter"),
        &json!({ "mode": "everyone" }),
        etag.as_deref(),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn complete_registration_leads_through_the_set_up_and_back() {
    let scene = Scene::invited(options(60), None).await;
    let link = link(&scene, "completeRegistration").await;
    let (code, _) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let page = browser.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    leads_back(
        &scene,
        &page.url,
        "dialbridge_action=completeRegistration&dialbridge_outcome=completed",
    );
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn saying_that_the_tenant_is_not_right_declines_the_registration() {
    let scene = Scene::invited(options(60), None).await;
    let link = link(&scene, "completeRegistration").await;
    let (code, _) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let page = browser.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "reject")])
        .await
        .unwrap();
    link_back(
        &scene,
        &page,
        "dialbridge_action=completeRegistration&dialbridge_outcome=declined",
    );
    assert_eq!(scene.setup_state().await, "invited");
}

/// The tenant is bound; the second permission set is missing.
async fn bound() -> Scene {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.tenant_shown().await;
    browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    assert_eq!(scene.setup_state().await, "bound");
    scene
}

#[tokio::test]
async fn grant_consent_asks_for_the_second_permission_set_first() {
    let scene = bound().await;
    let link = link(&scene, "grantConsent").await;
    let page = Browser::default().open(&link).await.unwrap();
    assert_eq!(page.heading(), "One more permission set");
    let (_, page) = sign_in_to_step(&link, scene.admin()).await.unwrap();
    leads_back(
        &scene,
        &page.url,
        "dialbridge_action=grantConsent&dialbridge_outcome=completed",
    );
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn declining_at_microsoft_shows_the_way_back() {
    let scene = bound().await;
    let link = link(&scene, "grantConsent").await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let page = browser.submit(&page, "/next/", &[]).await.unwrap();
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    assert_eq!(page.heading(), "One more permission set");
    link_back(
        &scene,
        &page,
        "dialbridge_action=grantConsent&dialbridge_outcome=declined",
    );
    assert_eq!(scene.setup_state().await, "bound");
}

#[tokio::test]
async fn cancelling_the_sign_in_of_a_step_shows_the_way_back() {
    let scene = connected().await;
    let link = link(&scene, "chooseGroups").await;
    let before = scene.kept().await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    let page = browser.submit(&page, "/next/", &[]).await.unwrap();
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    refused(&page, "DECLINED");
    link_back(
        &scene,
        &page,
        "dialbridge_action=chooseGroups&dialbridge_outcome=declined",
    );
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r013_r071_a_reseller_manages_once_the_global_admin_has_granted_it_and_until_it_is_withdrawn() {
    let scene = Scene::discovered(options(60), None).await;
    assert_eq!(reseller_saves_a_filter(&scene).await.status, 404);
    let (mut browser, page) = at_step(&scene, "grantConsent").await;
    assert!(page.says("Northwind Telecom asks to manage"), "{}", page.html);
    let grant = [("decision", "grant")];
    let page = browser.submit(&page, "/setup/management", &grant).await.unwrap();
    leads_back(
        &scene,
        &page.url,
        "dialbridge_action=grantConsent&dialbridge_outcome=completed",
    );

    let api = scene.api("reseller_admin");
    assert_eq!(reseller_saves_a_filter(&scene).await.status, 200);
    let voice = json!({ "items": [super::scene::voice_user(0)] });
    let pushed = api.put(&scene.path("/voice-users"), &voice, None).await.unwrap();
    assert_eq!(pushed.status, 200, "{}", pushed.body);
    let rows = json!({ "rows": [{ "voiceUser": "v000", "teamsUser": scene.candidates().await[0]["id"] }] });
    let etag = api.get(&scene.path("/mapping")).await.unwrap().etag;
    let mapped = api.put(&scene.path("/mapping"), &rows, etag.as_deref()).await.unwrap();
    assert_eq!(mapped.status, 200, "{}", mapped.body);

    let trail = api.get(&scene.path("/audit")).await.unwrap();
    let entry = |deed: &str| {
        trail
            .list("/items")
            .iter()
            .find(|entry| entry["deed"] == deed)
            .unwrap()
            .clone()
    };
    assert_eq!(entry("mappingChanged")["onBehalfOf"], "Global Admin");
    assert_eq!(entry("mappingChanged")["who"], "reseller_admin@people.example");
    assert_eq!(entry("managementGranted")["role"], "visitor");
    assert_eq!(entry("managementGranted")["onBehalfOf"], Value::Null);

    let withdrawn = scene.api("global_admin");
    let withdrawn = withdrawn
        .put(&scene.path("/management-consent"), &json!({ "granted": false }), None)
        .await
        .unwrap();
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.body);
    assert_eq!(reseller_saves_a_filter(&scene).await.status, 404);
}

#[tokio::test]
async fn not_now_grants_nothing_and_leads_back() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "grantConsent").await;
    let before = scene.kept().await;
    let later = [("decision", "later")];
    let page = browser.submit(&page, "/setup/management", &later).await.unwrap();
    leads_back(
        &scene,
        &page.url,
        "dialbridge_action=grantConsent&dialbridge_outcome=declined",
    );
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r012_the_page_of_the_complete_set_up_offers_the_consent_that_was_asked_for() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.second_sign_in().await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.says("is set up") && page.says("Grant Consent"), "{}", page.html);
    let grant = [("decision", "grant")];
    let page = browser.submit(&page, "/setup/management", &grant).await.unwrap();
    assert_eq!(page.heading(), "Northwind Telecom may manage now");
    assert!(page.says("Sync User Groups"), "{}", page.html);
    assert_eq!(reseller_saves_a_filter(&scene).await.status, 200);
}

#[tokio::test]
async fn r072_the_page_of_the_complete_set_up_leads_to_the_choice_of_groups() {
    let scene = Scene::invited(options(60), None).await;
    let (mut browser, page) = scene.second_sign_in().await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    let page = browser.open(&page.link("/setup/groups").unwrap()).await.unwrap();
    assert_eq!(page.heading(), "Sync User Groups");
    let everyone = [("mode", "everyone")];
    let page = browser.submit(&page, "/setup/groups", &everyone).await.unwrap();
    assert_eq!(page.heading(), "Your choice is saved");
    assert_eq!(saved_filter(&scene).await["mode"], "everyone");
}

#[tokio::test]
async fn r074_choose_groups_takes_everyone_and_leads_back() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "chooseGroups").await;
    let everyone = [("mode", "everyone")];
    let page = browser.submit(&page, "/setup/groups", &everyone).await.unwrap();
    leads_back(
        &scene,
        &page.url,
        "dialbridge_action=chooseGroups&dialbridge_outcome=completed",
    );
    assert_eq!(saved_filter(&scene).await["mode"], "everyone");
    let trail = scene.get("/audit").await;
    assert_eq!(trail.text("/items/0/deed"), "groupFilterChanged");
    assert_eq!(trail.text("/items/0/role"), "visitor");
}

#[tokio::test]
async fn r077_r086_choose_groups_takes_ticks_and_names_together() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "chooseGroups").await;
    let (billing, sales) = (group_id(&scene, "Billing").await, group_id(&scene, "Sales").await);
    let ticks = [
        ("mode", "groups"),
        ("group", &billing),
        ("group", &sales),
        ("names", "\r\n accounting \r\n"),
    ];
    browser.submit(&page, "/setup/groups", &ticks).await.unwrap();
    let saved = saved_filter(&scene).await;
    let names: Vec<_> = saved["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].clone())
        .collect();
    assert_eq!(names, ["Accounting", "Billing", "Sales"]);
}

#[tokio::test]
async fn r073_r081_a_refused_choice_comes_again_with_reasons_and_what_was_entered() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "chooseGroups").await;
    let before = scene.kept().await;
    let everybody = group_id(&scene, "All Users").await;
    let billing = group_id(&scene, "Billing").await;
    for (fields, reason) in [
        (vec![], "choose everyone, or groups"),
        (vec![("mode", "groups")], "name at least one group"),
        (
            vec![("mode", "everyone"), ("group", billing.as_str())],
            "choose one of the two",
        ),
        (
            vec![("mode", "groups"), ("names", "Bilin")],
            "there is no group `Bilin`",
        ),
        (
            vec![("mode", "groups"), ("group", everybody.as_str())],
            "`All Users` cannot be chosen",
        ),
        (
            vec![("mode", "groups"), ("group", "no id")],
            "there is no group `no id`",
        ),
    ] {
        let again = browser.submit(&page, "/setup/groups", &fields).await.unwrap();
        assert_eq!(again.status, 422, "{fields:?}: {}", again.html);
        assert!(again.says(reason), "{fields:?}: {}", again.html);
        assert_eq!(scene.kept().await, before, "{fields:?}");
    }
    let entered = [("mode", "groups"), ("group", billing.as_str()), ("names", "Bilin")];
    let again = browser.submit(&page, "/setup/groups", &entered).await.unwrap();
    assert!(
        again.html.contains(&format!("value=\"{billing}\" checked")),
        "{}",
        again.html
    );
    assert!(again.says(">Bilin</textarea>"), "{}", again.html);
    let put_right = [("mode", "groups"), ("group", billing.as_str()), ("names", "")];
    browser.submit(&again, "/setup/groups", &put_right).await.unwrap();
    assert_eq!(saved_filter(&scene).await["groups"][0]["name"], "Billing");
}

#[tokio::test]
async fn a_choice_that_somebody_overtook_is_shown_again() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "chooseGroups").await;
    scene.choose(json!({ "mode": "groups", "names": ["Sales"] })).await;
    let everyone = [("mode", "everyone")];
    let again = browser.submit(&page, "/setup/groups", &everyone).await.unwrap();
    assert_eq!(again.status, 409, "{}", again.html);
    assert!(again.says("Chosen now: Sales"), "{}", again.html);
    assert_eq!(saved_filter(&scene).await["groups"][0]["name"], "Sales");
    browser.submit(&again, "/setup/groups", &everyone).await.unwrap();
    assert_eq!(saved_filter(&scene).await["mode"], "everyone");
}

#[tokio::test]
async fn a_button_that_is_pressed_twice_does_its_work_once() {
    let scene = connected().await;
    let (mut browser, page) = at_step(&scene, "chooseGroups").await;
    let everyone = [("mode", "everyone")];
    browser.submit(&page, "/setup/groups", &everyone).await.unwrap();
    let before = scene.kept().await;
    let second = browser.submit(&page, "/setup/groups", &everyone).await.unwrap();
    leads_back(
        &scene,
        &second.url,
        "dialbridge_action=chooseGroups&dialbridge_outcome=completed",
    );
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn r047_a_sync_is_offered_in_the_portal_to_others_and_at_microsoft_to_the_global_admin() {
    let scene = connected().await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let back = front_end(&scene);
    let portal = ask(&scene, "reseller_admin", "sync", Some(back.as_str())).await;
    assert_eq!(portal.status, 201, "{}", portal.body);
    assert_eq!(portal.body["hosted"], false);
    let started = scene.start(json!({ "kind": "discover" })).await;
    let given = ask(&scene, "global_admin", "sync", Some(back.as_str())).await;
    assert_eq!(given.status, 201, "{}", given.body);
    let mut browser = Browser::default();
    let page = browser.open(&given.text("/url").parse().unwrap()).await.unwrap();
    let page = browser.submit(&page, "/sync/", &[]).await.unwrap();
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    leads_back(&scene, &page.url, "dialbridge_action=sync&dialbridge_outcome=completed");
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
}
