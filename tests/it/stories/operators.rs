//! Deputies of the Global Admin: nobody unless named, and then both halves of the double authentication hold for them too
//! (R047-R048, R064, R066).

use super::scene::{Scene, options, refused};
use dialbridge_local::drive::api::{Answer, Api};
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::at_microsoft;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

const DEPUTY: &str = "alex@customer.example";
const OTHER: &str = "bo@customer.example";

fn api(scene: &Scene, role: &str, email: &str) -> Api {
    Api::new(&scene.service.world.urls.api, scene.token_of(role, email))
}

/// The Global Admin names these people.
async fn name(scene: &Scene, emails: &[&str], teams_administrators: bool) -> Answer {
    let deputy = |email: &&str| json!({ "email": email, "name": format!("Deputy {email}") });
    let deputies: Vec<Value> = emails.iter().map(deputy).collect();
    let form = json!({ "deputies": deputies, "teamsAdministrators": teams_administrators });
    scene
        .change("global_admin", Method::PUT, "/operators", Some(form))
        .await
}

/// Three mapped voice users, and a deputy.
async fn with_deputy(teams_administrators: bool) -> Scene {
    let scene = Scene::mapped(options(80), 3, 2).await;
    let named = name(&scene, &[DEPUTY], teams_administrators).await;
    assert_eq!(named.status, 200, "{}", named.body);
    scene
}

async fn start_as(scene: &Scene, role: &str, email: &str) -> Answer {
    let form = json!({ "kind": "apply", "mode": "full" });
    api(scene, role, email).post(&scene.path("/runs"), &form).await.unwrap()
}

/// The deputy's run, waiting for its sign-in.
async fn deputys_run(scene: &Scene) -> Answer {
    let started = start_as(scene, "account_admin", DEPUTY).await;
    assert_eq!(started.status, 201, "{}", started.body);
    started
}

async fn operators(scene: &Scene) -> Value {
    scene.get("/operators").await.body
}

#[tokio::test]
async fn r048_with_nobody_named_only_the_recorded_global_admin_syncs() {
    let scene = Scene::mapped(options(80), 3, 2).await;
    assert_eq!(
        operators(&scene).await,
        json!({ "deputies": [], "teamsAdministrators": false })
    );
    let before = scene.kept().await;
    let refused_as = |answer: Answer| (answer.status.as_u16(), answer.text("/code").to_owned());
    let as_admin = refused_as(start_as(&scene, "account_admin", DEPUTY).await);
    assert_eq!(as_admin, (404, "not-found".into()));
    let as_other = refused_as(start_as(&scene, "global_admin", DEPUTY).await);
    assert_eq!(as_other, (403, "sign-in-refused".into()));
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn only_the_recorded_global_admin_names_deputies() {
    let scene = with_deputy(false).await;
    let before = scene.kept().await;
    let form = json!({ "deputies": [], "teamsAdministrators": true });
    let etag = scene.get("/operators").await.etag;
    for (role, email, status) in [
        ("account_admin", DEPUTY, 404),
        ("global_admin", DEPUTY, 403),
        ("reseller_admin", DEPUTY, 404),
        ("provider_admin", DEPUTY, 404),
    ] {
        let (caller, path) = (api(&scene, role, email), scene.path("/operators"));
        let put = caller.put(&path, &form, etag.as_deref()).await.unwrap();
        assert_eq!(put.status, status, "{role}: {}", put.body);
    }
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn naming_deputies_takes_the_version_that_was_read_and_leaves_one_entry() {
    let scene = with_deputy(false).await;
    let named = || scene.deeds();
    let count = |deeds: Vec<String>| deeds.iter().filter(|deed| *deed == "operatorsChanged").count();
    assert_eq!(count(named().await), 1);
    let before = scene.kept().await;
    let form = json!({ "deputies": [], "teamsAdministrators": false });
    let (admin, path) = (scene.api("global_admin"), scene.path("/operators"));
    for (etag, status) in [(None, 428), (Some("\"0\""), 412)] {
        let put = admin.put(&path, &form, etag).await.unwrap();
        assert_eq!(put.status, status, "{}", put.body);
    }
    // The same again changes nothing.
    assert_eq!(name(&scene, &[DEPUTY], false).await.status, 200);
    assert_eq!(scene.kept().await, before);
    assert_eq!(name(&scene, &[], false).await.status, 200);
    assert_eq!(count(named().await), 2);
}

#[tokio::test]
async fn everything_that_is_wrong_with_deputies_is_said_at_once() {
    let scene = with_deputy(false).await;
    let before = operators(&scene).await;
    let six: Vec<String> = (0..6).map(|n| format!("d{n}@customer.example")).collect();
    let six: Vec<&str> = six.iter().map(String::as_str).collect();
    let admin = scene.admin().to_owned();
    for wrong in [
        &six[..],
        &["nobody"],
        &[DEPUTY, "ALEX@customer.example"],
        &[admin.as_str()],
    ] {
        let refused = name(&scene, wrong, false).await;
        assert_eq!(
            (refused.status.as_u16(), refused.text("/code")),
            (422, "invalid"),
            "{wrong:?}"
        );
    }
    assert_eq!(operators(&scene).await, before);
}

#[tokio::test]
async fn r047_a_deputy_syncs_with_an_own_portal_identity_and_an_own_microsoft_identity() {
    let scene = with_deputy(false).await;
    let started = deputys_run(&scene).await;
    let (mut browser, page) = scene.before_account(&started).await;
    let hint = page.url.query_pairs().find(|(name, _)| name == "login_hint");
    assert_eq!(hint.unwrap().1, DEPUTY);
    let page = at_microsoft(&mut browser, page, &scene.tenant.global_admins[1])
        .await
        .unwrap();
    assert!(page.says("The sync has begun"), "{}", page.html);
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
    assert_eq!(operators(&scene).await["deputies"][0]["known"], true);
    let deeds = scene.deeds().await;
    let at = |deed: &str| {
        deeds
            .iter()
            .position(|one| one == deed)
            .unwrap_or_else(|| panic!("{deed}: {deeds:?}"))
    };
    assert!(
        at("deputyRecorded") < at("runStarted") && at("runStarted") < at("operatorsChanged"),
        "{deeds:?}"
    );
}

#[tokio::test]
async fn r048_a_deputy_is_the_same_person_ever_after() {
    let scene = with_deputy(false).await;
    let [admin, second, ..] = &scene.tenant.global_admins[..] else {
        panic!("two Global Administrators")
    };
    // The Global Admin's own account is known as somebody else.
    let first = deputys_run(&scene).await;
    refused(&scene.sign_in(&first, admin).await, "GA_NOT_RECORDED");
    assert_eq!(operators(&scene).await["deputies"][0]["known"], false);
    let page = scene.sign_in(&first, second).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    scene.at_rest(first.text("/id")).await;
    // A third Global Administrator of the tenant.
    let third = scene.tenant.ordinary_user.clone();
    let roles = json!({ "roles": ["Global Administrator"] });
    scene.order(&format!("/users/{third}"), roles).await;
    let again = deputys_run(&scene).await;
    let before = scene.kept_but_news().await;
    refused(&scene.sign_in(&again, &third).await, "GA_NOT_RECORDED");
    assert_eq!(scene.kept_but_news().await, before);
    // Nor is the deputy's account another deputy's, or the Global Admin's.
    assert_eq!(name(&scene, &[DEPUTY, OTHER], false).await.status, 200);
    let others = start_as(&scene, "account_admin", OTHER).await;
    assert_eq!(others.status, 201, "{}", others.body);
    refused(&scene.sign_in(&others, second).await, "GA_NOT_RECORDED");
    let own = scene.start(json!({ "kind": "discover" })).await;
    refused(&scene.sign_in(&own, second).await, "GA_NOT_RECORDED");
}

#[tokio::test]
async fn r064_a_deputy_needs_the_role_of_a_global_administrator() {
    let scene = with_deputy(false).await;
    let started = deputys_run(&scene).await;
    let before = scene.kept_but_news().await;
    for account in [&scene.tenant.teams_admin, &scene.tenant.ordinary_user] {
        refused(&scene.sign_in(&started, account).await, "GA_NOT_ADMIN");
    }
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn a_teams_administrator_is_enough_where_the_global_admin_allows_it_and_nobody_less() {
    let scene = with_deputy(true).await;
    let started = deputys_run(&scene).await;
    refused(
        &scene.sign_in(&started, &scene.tenant.ordinary_user).await,
        "GA_NOT_ADMIN",
    );
    let page = scene.sign_in(&started, &scene.tenant.teams_admin).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
    // It is allowed to deputies; the Global Admin is one.
    let admin = scene.admin().to_owned();
    let roles = json!({ "roles": ["Teams Administrator"] });
    scene.order(&format!("/users/{admin}"), roles).await;
    let own = scene.start(json!({ "kind": "discover" })).await;
    refused(&scene.sign_in(&own, &admin).await, "GA_NOT_ADMIN");
    // And no longer allowed, it is not enough.
    assert_eq!(name(&scene, &[DEPUTY], false).await.status, 200);
    let again = deputys_run(&scene).await;
    refused(&scene.sign_in(&again, &scene.tenant.teams_admin).await, "GA_NOT_ADMIN");
}

#[tokio::test]
async fn r056_a_deputys_grant_without_the_own_roles_is_a_missing_permission() {
    for teams_administrators in [false, true] {
        let scene = with_deputy(teams_administrators).await;
        let started = deputys_run(&scene).await;
        scene
            .order("", json!({ "withheld": ["User.Read", "User.Read.All"] }))
            .await;
        let page = scene.sign_in(&started, &scene.tenant.global_admins[1]).await;
        refused(&page, "CONSENT_MISSING");
    }
}

#[tokio::test]
async fn r066_a_deputy_of_another_tenant_is_refused() {
    let scene = with_deputy(true).await;
    let other = scene.other_tenants().await.remove(0);
    let started = deputys_run(&scene).await;
    let (mut browser, page) = scene.before_account(&started).await;
    let before = scene.kept_but_news().await;
    let changed: Url = page
        .url
        .as_str()
        .replace(&scene.tenant.id, "organizations")
        .parse()
        .unwrap();
    let page = browser.open(&changed).await.unwrap();
    let page = at_microsoft(&mut browser, page, &other.global_admins[0]).await.unwrap();
    assert_eq!(page.status, 403, "{}", page.html);
    assert_eq!(scene.kept_but_news().await, before);
}

#[tokio::test]
async fn who_is_no_longer_named_can_do_nothing_more_links_included() {
    let scene = with_deputy(false).await;
    let started = deputys_run(&scene).await;
    let (mut browser, page) = scene.before_account(&started).await;
    assert_eq!(name(&scene, &[], false).await.status, 200);
    let link: Url = started.text("/signInUrl").parse().unwrap();
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    // Somebody who was at Microsoft already comes back to a closed door.
    let page = at_microsoft(&mut browser, page, &scene.tenant.global_admins[1])
        .await
        .unwrap();
    refused(&page, "LINK_CLOSED");
    let path = scene.path(&format!("/runs/{}/sign-in", started.text("/id")));
    let again = api(&scene, "account_admin", DEPUTY)
        .post(&path, &json!({}))
        .await
        .unwrap();
    assert_eq!(again.status, 404, "{}", again.body);
    assert_eq!(start_as(&scene, "account_admin", DEPUTY).await.status, 404);
    let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
    assert_eq!(run.text("/state"), "awaitingSignIn", "{}", run.body);
    // The Global Admin signs in to the same run.
    let again = scene.api("global_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(again.status, 201, "{}", again.body);
    let page = scene.sign_in(&again, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
}

#[tokio::test]
async fn a_sync_in_the_name_of_somebody_who_is_no_longer_named_stops() {
    let scene = with_deputy(false).await;
    let world = &scene.service.world;
    world.aws.state_machine.skip_waits(false);
    let assign = "/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber";
    let busy = json!({ "path": assign, "status": 429, "retryAfter": "120", "skip": 1, "times": 1 });
    scene.microsoft("/faults", busy).await;
    let started = deputys_run(&scene).await;
    scene.sign_in(&started, &scene.tenant.global_admins[1]).await;
    world.idle().await;
    assert_eq!(scene.holders().await.len(), 1, "the second number waits");
    assert_eq!(name(&scene, &[], false).await.status, 200);
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "awaitingSignIn", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 1, "nothing more was done");
    let path = scene.path(&format!("/runs/{}/sign-in", started.text("/id")));
    let again = scene.api("global_admin").post(&path, &json!({})).await.unwrap();
    scene.sign_in(&again, scene.admin()).await;
    world.aws.state_machine.skip_waits(true);
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn a_run_waits_for_whoever_asked_last() {
    let scene = with_deputy(false).await;
    let started = deputys_run(&scene).await;
    let path = scene.path(&format!("/runs/{}/sign-in", started.text("/id")));
    let again = scene.api("global_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(again.status, 201, "{}", again.body);
    // The deputy's link leads to a run that is the Global Admin's now.
    refused(
        &scene.sign_in(&started, &scene.tenant.global_admins[1]).await,
        "GA_NOT_RECORDED",
    );
    let page = scene.sign_in(&again, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    assert_eq!(operators(&scene).await["deputies"][0]["known"], false);
}

#[tokio::test]
async fn another_global_admin_begins_without_deputies() {
    let scene = with_deputy(true).await;
    let admin = json!({ "email": scene.tenant.global_admins[1], "name": "Another" });
    scene.done(Method::PUT, "/global-admin", Some(admin)).await;
    assert_eq!(
        operators(&scene).await,
        json!({ "deputies": [], "teamsAdministrators": false })
    );
    assert_eq!(start_as(&scene, "account_admin", DEPUTY).await.status, 404);
}

#[tokio::test]
async fn r067_after_disable_sync_the_next_sign_in_is_the_global_admins() {
    let scene = with_deputy(false).await;
    let disabled = scene.change("global_admin", Method::POST, "/disable-sync", None).await;
    assert!(disabled.status.is_success(), "{}", disabled.body);
    let refused = start_as(&scene, "account_admin", DEPUTY).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let etag = scene.get("/operators").await.etag.unwrap();
    let (caller, path) = (api(&scene, "account_admin", DEPUTY), scene.path("/enable-sync"));
    let headers = [("if-match", etag.as_str())];
    let as_deputy = caller.send(Method::POST, &path, None, &headers).await.unwrap();
    assert_eq!(
        as_deputy.status, 404,
        "a deputy syncs and does nothing else: {}",
        as_deputy.body
    );
}
