//! Syncs that nobody signs in for: the Global Admin lets them be, and they stay within bounds
//! (`infra/decisions/0027-unattended-syncs.md`). Without that person's word nothing syncs by itself (R146).

use super::scene::{Scene, findings, options};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::{Browser, Page};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::domain::calling_policy::routing_name;
use shared::domain::consent::UNATTENDED_ROLES;
use shared::domain::run::{Authority, Run, Trigger};
use std::collections::BTreeSet;

/// Three voice users, of whom the first two are mapped and have their numbers.
async fn scene() -> Scene {
    Scene::applied(options(60), 4, 2).await
}

/// The link that the Global Admin gets in the portal.
async fn asked(scene: &Scene, role: &str) -> Answer {
    let api = scene.api(role);
    let form = json!({ "action": "allowUnattended" });
    api.post(&scene.path("/action-urls"), &form).await.unwrap()
}

/// The browser on Microsoft's admin consent page.
async fn at_admin_consent(scene: &Scene) -> (Browser, Page) {
    let asked = asked(scene, "global_admin").await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let mut browser = Browser::default();
    let page = browser.open(&asked.text("/url").parse().unwrap()).await.unwrap();
    assert!(page.says("without a sign-in"), "{}", page.html);
    let page = browser.submit(&page, "/next/", &[]).await.unwrap();
    assert_eq!(page.url.path(), format!("/{}/v2.0/adminconsent", scene.tenant.id));
    (browser, page)
}

async fn accepted(browser: &mut Browser, page: Page, account: &str) -> Page {
    let page = browser.submit(&page, "/adminconsent", &[("account", account)]).await;
    let accept = [("action", "accept")];
    browser.submit(&page.unwrap(), "/adminconsent", &accept).await.unwrap()
}

/// The Global Admin lets syncs run unattended.
async fn allowed(scene: &Scene) {
    let (mut browser, page) = at_admin_consent(scene).await;
    let page = accepted(&mut browser, page, scene.admin()).await;
    let page = browser.submit(&page, "/setup/unattended", &[]).await.unwrap();
    assert!(page.says("Syncs may run without a sign-in now"), "{}", page.html);
}

/// The Global Admin chooses when they begin by themselves.
async fn hours(scene: &Scene, from: &str, until: &str, releases: bool) {
    let days = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let form = json!({ "automatic": true, "days": days, "from": from, "until": until, "releases": releases });
    let saved = scene
        .change("global_admin", Method::PUT, "/unattended", Some(form))
        .await;
    assert_eq!(saved.status, 200, "{}", saved.body);
}

async fn decided(scene: &Scene) -> Answer {
    let seen = scene.get("/unattended").await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    seen
}

async fn leave(scene: &Scene) -> String {
    decided(scene).await.text("/leave/state").to_owned()
}

/// All runs, newest first.
async fn runs(scene: &Scene) -> Vec<Run> {
    let enterprise = scene.enterprise.parse().unwrap();
    scene.service.io.store.runs(&enterprise, None, 50).await.unwrap().0
}

/// Lets time pass until another run has begun, and that run come to rest.
async fn next_run(scene: &Scene) -> (Run, Answer) {
    let before = runs(scene).await.len();
    for _ in 0..120 {
        scene.service.world.advance(SignedDuration::from_mins(30)).await;
        let now = runs(scene).await;
        if now.len() > before {
            let answer = scene.at_rest(now[0].id.as_str()).await;
            return (runs(scene).await.remove(0), answer);
        }
    }
    panic!("no run began");
}

/// The looks that are planned at the enterprise.
fn looks(scene: &Scene) -> Vec<String> {
    let all = scene.service.world.aws.scheduler.list();
    let looks = all.into_iter().filter(|schedule| schedule.next.is_some());
    let looks = looks.map(|schedule| schedule.name);
    looks.filter(|name| name.starts_with("unattended-")).collect()
}

async fn unattended(scene: &Scene, role: &str, form: Value) -> Answer {
    let api = scene.api(role);
    api.post(&scene.path("/runs"), &form).await.unwrap()
}

fn adding() -> Value {
    json!({ "kind": "apply", "mode": "addOnly", "unattended": true })
}

#[tokio::test]
async fn what_is_saved_is_applied_when_the_window_opens() {
    let scene = scene().await;
    scene.service.world.aws.scheduler.deliver_twice(true);
    allowed(&scene).await;
    hours(&scene, "00:00", "00:00", false).await;
    assert_eq!(looks(&scene).len(), 0, "nothing waits");
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    assert_eq!(looks(&scene).len(), 1);
    assert!(decided(&scene).await.text("/next") > "2026", "it is said when");
    let before = runs(&scene).await.len();
    let (run, answer) = next_run(&scene).await;
    assert_eq!(answer.text("/state"), "succeeded", "{}", answer.body);
    assert_eq!(
        (run.trigger, run.authority),
        (Trigger::Automatic, Authority::Unattended)
    );
    assert_eq!(scene.holders().await.len(), 3);
    assert_eq!(
        runs(&scene).await.len(),
        before + 1,
        "an event that comes twice starts one run"
    );
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "None");
    assert_eq!(looks(&scene).len(), 0);
    let sealed = scene.table().await.into_keys().filter(|(_, sk)| sk == "SEALED").count();
    assert_eq!(sealed, 0);
    let deeds = scene.deeds().await;
    for deed in ["unattendedAllowed", "unattendedChanged"] {
        assert!(deeds.contains(&deed.to_owned()), "{deeds:?}");
    }
    // What our application did of its own needed each of its permissions, and no other.
    let calls = scene.service.microsoft.allowed();
    let by: BTreeSet<String> = calls
        .iter()
        .filter(|call| call.as_application)
        .flat_map(|call| call.by.clone())
        .collect();
    let roles: BTreeSet<String> = UNATTENDED_ROLES.map(str::to_owned).into();
    let not_needed: Vec<_> = roles.difference(&by).collect();
    assert!(
        not_needed.is_empty() || not_needed == ["GroupMember.Read.All"],
        "{not_needed:?}"
    );
    assert!(by.is_subset(&roles), "{by:?}");
}

#[tokio::test]
async fn r146_nothing_syncs_by_itself_unless_the_global_admin_says_so() {
    let scene = scene().await;
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    let before = runs(&scene).await.len();
    let nothing = async |what: &str| {
        for _ in 0..3 {
            scene.service.world.advance(SignedDuration::from_hours(24)).await;
        }
        scene.sweep().await;
        assert_eq!(runs(&scene).await.len(), before, "{what}");
        assert_eq!(scene.holders().await.len(), 2, "{what}");
        assert!(looks(&scene).is_empty(), "{what}");
    };
    nothing("by default").await;
    hours(&scene, "00:00", "00:00", true).await;
    nothing("hours alone are no leave").await;
    let form = json!({ "automatic": false, "days": ["monday"], "from": "00:00", "until": "00:00", "releases": true });
    let saved = scene
        .change("global_admin", Method::PUT, "/unattended", Some(form))
        .await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    allowed(&scene).await;
    nothing("leave alone chooses no hours").await;
}

#[tokio::test]
async fn nothing_begins_outside_of_the_window() {
    let scene = scene().await;
    allowed(&scene).await;
    let zone = TimeZone::get("Europe/Brussels").unwrap();
    let local = |hours: i64| {
        let then = scene.service.world.clock.now() + SignedDuration::from_hours(hours);
        then.to_zoned(zone.clone()).strftime("%H:%M").to_string()
    };
    hours(&scene, &local(5), &local(8), false).await;
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    let before = runs(&scene).await.len();
    scene
        .service
        .world
        .advance(SignedDuration::from_mins(4 * 60 + 50))
        .await;
    assert_eq!(runs(&scene).await.len(), before);
    scene.service.world.advance(SignedDuration::from_mins(20)).await;
    let now = runs(&scene).await;
    assert_eq!(now.len(), before + 1);
    let run = scene.at_rest(now[0].id.as_str()).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
}

#[tokio::test]
async fn a_release_waits_for_a_person_unless_the_global_admin_allows_it() {
    let scene = scene().await;
    allowed(&scene).await;
    hours(&scene, "00:00", "00:00", false).await;
    assert_eq!(scene.map(&[(0, None), (2, Some(2))]).await.status, 200);
    let (_, answer) = next_run(&scene).await;
    assert_eq!(answer.text("/state"), "failed", "{}", answer.body);
    assert!(findings(&answer).contains(&"NOT_SYNCED_YET"), "{}", answer.body);
    assert_eq!(scene.holders().await.len(), 3, "it adds, and takes nothing away");
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "Sync Needed");
    let count = runs(&scene).await.len();
    scene.service.world.advance(SignedDuration::from_hours(1)).await;
    assert!(runs(&scene).await.len() <= count + 1, "once in an opening");
    hours(&scene, "00:00", "00:00", true).await;
    let (_, answer) = next_run(&scene).await;
    assert_eq!(answer.text("/state"), "succeeded", "{}", answer.body);
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn a_consent_that_was_taken_back_at_microsoft_switches_it_off() {
    let scene = scene().await;
    allowed(&scene).await;
    hours(&scene, "00:00", "00:00", false).await;
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    scene.forget_consent().await;
    let (run, answer) = next_run(&scene).await;
    assert_eq!(run.trigger, Trigger::Automatic);
    assert_eq!(findings(&answer), ["CONSENT_MISSING"], "{}", answer.body);
    assert_eq!(leave(&scene).await, "revoked");
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "Sync Needed");
    assert!(looks(&scene).is_empty());
    assert!(scene.deeds().await.contains(&"unattendedWithdrawn".to_owned()));
    let (count, mails) = (runs(&scene).await.len(), scene.reminders().len());
    scene.service.world.advance(SignedDuration::from_hours(48)).await;
    assert_eq!(runs(&scene).await.len(), count);
    assert!(scene.reminders().len() > mails, "people are reminded as ever");
    let refused = unattended(&scene, "account_admin", adding()).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
    allowed(&scene).await;
    assert_eq!(leave(&scene).await, "given");
}

/// Microsoft gives tokens, and refuses a call in the middle of the run.
#[tokio::test]
async fn a_permission_that_was_taken_back_ends_the_run_and_switches_it_off() {
    let scene = scene().await;
    allowed(&scene).await;
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    scene
        .order("", json!({ "withheld": ["TeamsPolicyUserAssign.ReadWrite.All"] }))
        .await;
    let started = unattended(&scene, "account_admin", adding()).await;
    assert_eq!(started.status, 201, "{}", started.body);
    scene.service.world.advance(SignedDuration::from_mins(2)).await;
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(findings(&run), ["CONSENT_MISSING"], "{}", run.body);
    assert_eq!(leave(&scene).await, "revoked");
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn an_account_admin_starts_one_and_withdraws_it() {
    let scene = scene().await;
    assert_eq!(scene.map(&[(2, Some(2)), (0, None)]).await.status, 200);
    let unknown = unattended(&scene, "account_admin", adding()).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.body);
    allowed(&scene).await;
    let too_far = json!({ "kind": "apply", "mode": "full", "approvedReleases": 9, "unattended": true });
    let refused = unattended(&scene, "account_admin", too_far).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    let told = refused.body.to_string();
    assert!(told.contains("mode") && told.contains("approvedReleases"), "{told}");
    // With a sign-in it is still the Global Admin's.
    let attended = json!({ "kind": "apply", "mode": "addOnly" });
    let refused = unattended(&scene, "account_admin", attended).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);

    let started = unattended(&scene, "account_admin", adding()).await;
    assert_eq!(started.status, 201, "{}", started.body);
    assert_eq!(started.text("/signInUrl"), "", "nobody signs in");
    scene.service.world.advance(SignedDuration::from_mins(2)).await;
    let run = scene.at_rest(started.text("/id")).await;
    assert!(!findings(&run).is_empty(), "the release is held: {}", run.body);
    assert_eq!(scene.holders().await.len(), 3);

    let again = unattended(&scene, "account_admin", adding()).await;
    assert_eq!(again.status, 201, "{}", again.body);
    let api = scene.api("account_admin");
    let stopped = api
        .send(Method::DELETE, &scene.path("/unattended"), None, &[])
        .await
        .unwrap();
    assert_eq!(stopped.status, 200, "{}", stopped.body);
    assert_eq!(stopped.text("/leave/state"), "withdrawn");
    scene.service.world.advance(SignedDuration::from_hours(2)).await;
    let run = scene.get(&format!("/runs/{}", again.text("/id"))).await;
    assert_eq!(run.text("/state"), "awaitingSignIn", "{}", run.body);
    // It is the Global Admin's to go on with.
    let path = scene.path(&format!("/runs/{}/sign-in", again.text("/id")));
    let link = scene.api("global_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(link.status, 201, "{}", link.body);
    let page = scene.sign_in(&link, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    scene.at_rest(again.text("/id")).await;
    assert_eq!(runs(&scene).await[0].authority, Authority::GlobalAdmin);
}

#[tokio::test]
async fn r012_r013_a_reseller_starts_syncs_while_it_manages() {
    let scene = scene().await;
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    let attended = json!({ "kind": "apply", "mode": "addOnly" });
    for form in [&attended, &adding()] {
        let unknown = unattended(&scene, "reseller_admin", form.clone()).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.body);
    }
    let answer = json!({ "granted": true });
    let api = scene.api("global_admin");
    let managed = api
        .put(&scene.path("/management-consent"), &answer, None)
        .await
        .unwrap();
    assert_eq!(managed.status, 200, "{}", managed.body);
    let refused = unattended(&scene, "reseller_admin", adding()).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body.to_string().contains("allowUnattended"), "{}", refused.body);
    // Without the leave the run waits for the Global Admin, with a link to send on.
    let started = unattended(&scene, "reseller_admin", attended).await;
    assert_eq!(started.status, 201, "{}", started.body);
    assert_eq!(started.text("/state"), "awaitingSignIn");
    let page = scene.sign_in(&started, scene.admin()).await;
    assert!(page.says("The sync has begun"), "{}", page.html);
    assert_eq!(scene.at_rest(started.text("/id")).await.text("/state"), "succeeded");
    assert_eq!(scene.holders().await.len(), 3);

    allowed(&scene).await;
    assert_eq!(scene.map(&[(3, Some(3))]).await.status, 200);
    let started = unattended(&scene, "reseller_admin", adding()).await;
    assert_eq!(started.status, 201, "{}", started.body);
    scene.service.world.advance(SignedDuration::from_mins(2)).await;
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 4);
}

#[tokio::test]
async fn r062_a_run_that_outlives_its_token_goes_on_with_another_one_by_itself() {
    let scene = Scene::applied(options(80), 12, 1).await;
    allowed(&scene).await;
    let pairs: Vec<_> = (1..12).map(|n| (n, Some(n))).collect();
    assert_eq!(scene.map(&pairs).await.status, 200);
    scene.microsoft("/switches", json!({ "tokenSeconds": 300 })).await;
    let assign = "/admin/teams/telephoneNumberManagement/numberAssignments/assignNumber";
    let busy = json!({ "path": assign, "status": 429, "retryAfter": "150", "skip": 4, "times": 1 });
    scene.microsoft("/faults", busy).await;
    let started = unattended(&scene, "account_admin", adding()).await;
    assert_eq!(started.status, 201, "{}", started.body);
    for _ in 0..20 {
        scene.service.world.advance(SignedDuration::from_mins(2)).await;
        scene.service.world.finish_runs().await;
    }
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 12);
    let log = scene.log(&run).await;
    assert!(
        log.iter().any(|line| line.contains("changes are left")),
        "it stopped once: {log:#?}"
    );
}

#[tokio::test]
async fn the_first_sync_and_missing_policies_are_a_persons() {
    let scene = Scene::connected(options(60), None).await;
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    allowed(&scene).await;
    let refused = unattended(
        &scene,
        "account_admin",
        json!({ "kind": "discover", "unattended": true }),
    )
    .await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body.to_string().contains("first sync"), "{}", refused.body);

    let scene = self::scene().await;
    allowed(&scene).await;
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    let reseller = scene.service.io.store.reseller(&scene.reseller.parse().unwrap()).await;
    let name = routing_name(&reseller.unwrap().brand);
    let gone = json!({ "type": "OnlineVoiceRoutingPolicy", "name": name, "deleted": true });
    scene.order("/policies", gone).await;
    let started = unattended(&scene, "account_admin", adding()).await;
    scene.service.world.advance(SignedDuration::from_mins(2)).await;
    let run = scene.at_rest(started.text("/id")).await;
    assert_eq!(findings(&run), ["POLICY_DRIFT"], "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2, "nothing was changed");
    let repaired = scene.apply().await;
    assert_eq!(repaired.text("/state"), "succeeded", "{}", repaired.body);
    assert_eq!(scene.holders().await.len(), 3);
}

#[tokio::test]
async fn only_the_recorded_global_admin_asks_for_it_and_microsofts_answer_alone_is_none() {
    let scene = scene().await;
    for role in ["account_admin", "account_manager", "reseller_admin", "provider_admin"] {
        let refused = asked(&scene, role).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role}: {}", refused.body);
    }
    let (mut browser, page) = at_admin_consent(&scene).await;
    let before = scene.kept().await;
    // Nobody but a Global Administrator can accept there.
    let account = [("account", scene.tenant.teams_admin.as_str())];
    let refused = browser.submit(&page, "/adminconsent", &account).await.unwrap();
    assert!(refused.says("AADSTS90094"), "{}", refused.html);
    // Somebody typed the answer: nothing was accepted, and no call succeeds.
    let (mut browser, page) = at_admin_consent(&scene).await;
    let state = super::scene::parameter(&page, "state");
    let forged = scene.callback(&[
        ("admin_consent", "True"),
        ("tenant", &scene.tenant.id),
        ("state", &state),
    ]);
    let page = browser.open(&forged).await.unwrap();
    assert_eq!(page.heading(), "Microsoft is applying the permissions", "{}", page.html);
    let form = Page {
        html: "<form action=\"/setup/unattended\"></form>".into(),
        ..page
    };
    let refused = browser.submit(&form, "/setup/unattended", &[]).await.unwrap();
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.html);
    assert_eq!(leave(&scene).await, "never");
    // What another person begins by the link ends where the person is not the browser that began it.
    let mut stranger = Browser::default();
    let refused = stranger.submit(&form, "/setup/unattended", &[]).await.unwrap();
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.html);
    let unchanged: Vec<_> = scene
        .kept()
        .await
        .into_iter()
        .filter(|(key, _)| key.1 == "META")
        .collect();
    let first: Vec<_> = before.into_iter().filter(|(key, _)| key.1 == "META").collect();
    assert_eq!(unchanged, first);
}

#[tokio::test]
async fn another_global_admin_begins_without_it() {
    let scene = scene().await;
    allowed(&scene).await;
    hours(&scene, "00:00", "00:00", true).await;
    let other = json!({ "email": "other@people.example", "name": "Other" });
    scene.done(Method::PUT, "/global-admin", Some(other)).await;
    assert_eq!(leave(&scene).await, "never");
    assert_eq!(decided(&scene).await.body["automatic"], false);
}
