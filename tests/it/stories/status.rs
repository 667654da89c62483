//! The status document through an enterprise's whole life: at each stop one state, who acts next, and what stands in the
//! way (R025, R042-R043, R136-R142).

use super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::Page;
use dialbridge_local::drive::people::{at_microsoft, enterprise_form};
use dialbridge_local::mailbox::MailFault;
use jiff::{SignedDuration, ToSpan};
use reqwest::Method;
use serde_json::{Value, json};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const NOBODY: &str = "";

async fn status(scene: &Scene) -> Answer {
    let status = scene.get("/status").await;
    assert_eq!(status.status, 200, "{}", status.body);
    status
}

/// The enterprise is in this state, and this one acts next.
#[track_caller]
fn at(status: &Answer, state: &str, actor: &str) {
    let stands = (status.text("/state"), status.text("/nextActor"));
    assert_eq!(stands, (state, actor), "{:#}", status.body);
    assert_eq!(status.text("/nextStep").starts_with("Nothing to do"), actor == NOBODY);
    for words in ["/stateText", "/since", "/sinceText", "/nextStep"] {
        assert!(!status.text(words).is_empty(), "{words}: {:#}", status.body);
    }
}

fn codes<'a>(status: &'a Answer, list: &str) -> Vec<&'a str> {
    let found = status.list(list).iter();
    found.filter_map(|one| one["code"].as_str()).collect()
}

/// How each step of the set-up stands, by its first letter.
fn steps(status: &Answer) -> String {
    let states = status.list("/steps").iter().filter_map(|step| step["state"].as_str());
    states.filter_map(|state| state.chars().next()).collect()
}

/// The reseller changes the enterprise as it is now.
async fn change(scene: &Scene, method: Method, rest: &str, body: Option<Value>) -> Answer {
    let api = scene.api("reseller_admin");
    let etag = api.get(&scene.path("")).await.unwrap().etag.unwrap();
    let headers = [("if-match", etag.as_str())];
    let answer = api
        .send(method, &scene.path(rest), body.as_ref(), &headers)
        .await
        .unwrap();
    assert!(answer.status.is_success(), "{}", answer.body);
    answer
}

/// At Microsoft: the account is chosen and the request cancelled.
async fn declined(scene: &Scene) -> Page {
    let (mut browser, page) = scene.code_entered().await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    let cancel = [("action", "cancel")];
    browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap()
}

#[tokio::test]
async fn from_the_invitation_to_the_choice_of_groups() {
    let scene = Scene::invited(options(60), Some(25)).await;
    let invited = status(&scene).await;
    at(&invited, "invited", "globalAdmin");
    assert_eq!(invited.text("/integration"), "Integration Pending");
    assert_eq!(steps(&invited), "rpppppp");

    let (mut browser, page) = scene.tenant_shown().await;
    let signed_in = status(&scene).await;
    at(&signed_in, "signedIn", "globalAdmin");
    assert_eq!(steps(&signed_in), "ssrpppp");

    let confirm = [("decision", "confirm")];
    let page = browser.submit(&page, "/setup/tenant", &confirm).await.unwrap();
    let bound = status(&scene).await;
    at(&bound, "consent2", "globalAdmin");
    assert_eq!(steps(&bound), "ssspppp");
    assert_eq!(bound.text("/integration"), "Integration Pending");

    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    let complete = status(&scene).await;
    at(&complete, "groupChoice", "accountAdmin");
    assert_eq!(steps(&complete), "ssssppp");
    assert_eq!(complete.body["integration"], Value::Null);
}

#[tokio::test]
async fn a_declined_first_request_is_consent_1() {
    let scene = Scene::invited(options(60), Some(25)).await;
    declined(&scene).await;
    let status = status(&scene).await;
    at(&status, "consent1", "globalAdmin");
    assert_eq!(codes(&status, "/blocks"), ["CONSENT_MISSING"]);
    assert_eq!(steps(&status), "srfpppp");
}

#[tokio::test]
async fn a_sign_in_without_the_role_blocks_until_it_goes_well() {
    let scene = Scene::invited(options(60), Some(25)).await;
    let (mut browser, page) = scene.code_entered().await;
    at_microsoft(&mut browser, page, &scene.tenant.ordinary_user)
        .await
        .unwrap();
    let refused = status(&scene).await;
    at(&refused, "invited", "globalAdmin");
    assert_eq!(codes(&refused, "/blocks"), ["GA_NOT_ADMIN"]);
    assert!(refused.text("/nextStep").contains("reassign the Global Admin role"));
    scene.tenant_shown().await;
    let signed_in = status(&scene).await;
    at(&signed_in, "signedIn", "globalAdmin");
    assert_eq!(codes(&signed_in, "/blocks"), [""; 0]);
}

#[tokio::test]
async fn a_declined_second_request_blocks_until_it_is_granted() {
    let scene = Scene::invited(options(60), Some(25)).await;
    let (mut browser, page) = scene.second_sign_in().await;
    let account = [("account", scene.admin())];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &account).await.unwrap();
    let cancel = [("action", "cancel")];
    let page = browser.submit(&page, "/oauth2/v2.0/authorize", &cancel).await.unwrap();
    let refused = status(&scene).await;
    at(&refused, "consent2", "globalAdmin");
    assert_eq!(codes(&refused, "/blocks"), ["CONSENT_MISSING"]);
    assert_eq!(steps(&refused), "sssfppp");
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    let granted = status(&scene).await;
    at(&granted, "groupChoice", "accountAdmin");
    assert_eq!(codes(&granted, "/blocks"), [""; 0]);
}

#[tokio::test]
async fn r142_from_the_choice_of_groups_to_up_to_date_and_back() {
    let scene = Scene::connected(options(60), None).await;
    scene.choose(json!({ "mode": "everyone" })).await;
    let chosen = status(&scene).await;
    at(&chosen, "firstSync", "globalAdmin");
    assert_eq!(steps(&chosen), "ssssspp");

    let started = scene.start(json!({ "kind": "discover" })).await;
    let waits = status(&scene).await;
    at(&waits, "firstSync", "globalAdmin");
    assert_eq!(waits.text("/syncStatus"), "Waiting for sign-in");
    assert_eq!(waits.text("/currentRun"), started.text("/id"));
    assert_eq!(steps(&waits), "sssssrp");
    scene.sign_in(&started, scene.admin()).await;
    scene.at_rest(started.text("/id")).await;

    let discovered = status(&scene).await;
    at(&discovered, "mapping", "accountAdmin");
    assert_eq!(steps(&discovered), "ssssssp");

    scene.push(3).await;
    scene.map(&[(0, Some(0))]).await;
    let saved = status(&scene).await;
    at(&saved, "syncNeeded", "globalAdmin");
    assert_eq!(saved.text("/buttons/integrationPortal"), "Sync Now - Changes Queued");
    assert_eq!(saved.body["buttons"]["warning"], true);
    assert_eq!(saved.body["pending"]["users"], 1);

    scene.apply().await;
    let synced = status(&scene).await;
    at(&synced, "upToDate", NOBODY);
    assert!(synced.text("/nextStep").contains("provided by the voice provider"));
    assert_eq!(steps(&synced), "sssssss");
    let card: Vec<String> = synced
        .list("/card")
        .iter()
        .map(|field| {
            format!(
                "{}: {}",
                field["label"].as_str().unwrap(),
                field["value"].as_str().unwrap()
            )
        })
        .collect();
    let last = format!("Last sync: {}", synced.text("/lastSync"));
    assert_eq!(
        card,
        [
            "Sync Status: Up to date",
            &last,
            "Last Sync Status: Successful",
            "Action Needed: None",
            "Global Admin: Global Admin"
        ]
    );

    scene.map(&[(0, None)]).await;
    at(&status(&scene).await, "syncNeeded", "globalAdmin");
}

#[tokio::test]
async fn a_failed_sync_shows_its_findings_until_one_goes_well() {
    let scene = Scene::mapped(options(80), 3, 1).await;
    let fault = json!({ "number": "+3227001000", "failure": "No.", "times": 1 });
    scene.order("/number-faults", fault).await;
    let run = scene.apply().await;
    let failed = status(&scene).await;
    assert_eq!(failed.text("/state"), "failed", "{:#}", failed.body);
    assert_eq!(failed.body["blocks"], run.body["findings"]);
    assert_eq!(failed.body["moreFindings"], 0);
    assert_eq!(failed.text("/syncStatus"), "Failed");

    // Somebody presses the button and does not sign in.
    scene.start(json!({ "kind": "discover" })).await;
    scene.start(json!({ "kind": "discover" })).await;
    let waits = status(&scene).await;
    at(&waits, "failed", "globalAdmin");
    assert_eq!(waits.body["blocks"], run.body["findings"]);

    scene.apply().await;
    let again = status(&scene).await;
    at(&again, "upToDate", NOBODY);
    assert_eq!(codes(&again, "/blocks"), [""; 0]);
}

#[tokio::test]
async fn disabled_and_enabled_again() {
    let scene = Scene::discovered(options(60), None).await;
    change(&scene, Method::POST, "/disable", None).await;
    let disabled = status(&scene).await;
    at(&disabled, "disabled", "reseller");
    assert_eq!(codes(&disabled, "/blocks"), ["NOT_SERVED"]);
    change(&scene, Method::POST, "/enable", None).await;
    at(&status(&scene).await, "mapping", "accountAdmin");
}

#[tokio::test]
async fn r152_from_the_order_of_removal_to_its_end() {
    let scene = Scene::applied(options(80), 3, 1).await;
    change(&scene, Method::DELETE, "", None).await;
    let ordered = status(&scene).await;
    at(&ordered, "removing", "globalAdmin");
    assert_eq!(codes(&ordered, "/events"), ["REMOVAL_ORDERED"]);
    assert!(
        ordered
            .text("/events/0/text")
            .contains("can be undone until the final sync begins")
    );
    assert_eq!(ordered.text("/actionNeeded"), "Sync Needed");
    assert_eq!(codes(&ordered, "/blocks"), [""; 0]);

    change(&scene, Method::POST, "/restore", None).await;
    let restored = status(&scene).await;
    at(&restored, "upToDate", NOBODY);
    assert_eq!(codes(&restored, "/events"), [""; 0]);

    change(&scene, Method::DELETE, "", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    let removed = status(&scene).await;
    at(&removed, "removed", NOBODY);
    assert_eq!(codes(&removed, "/events"), [""; 0]);
}

#[tokio::test]
async fn inv_undelivered_after_ten_minutes_in_the_queue_until_it_is_sent_again() {
    let mut scene = Scene::invited(options(60), None).await;
    scene.service.world.aws.mailbox.fail_next(20, MailFault::Paused);
    let form = enterprise_form(&scene.tenant, None);
    let created = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    assert_eq!(created.text("/invitation/state"), "queued", "{}", created.body);
    scene.enterprise = created.text("/id").to_owned();
    scene.service.world.aws.mailbox.fail_next(0, MailFault::Paused);
    assert_eq!(codes(&status(&scene).await, "/blocks"), [""; 0]);
    scene.service.world.advance(SignedDuration::from_mins(11)).await;
    let stuck = status(&scene).await;
    at(&stuck, "invited", "reseller");
    assert_eq!(codes(&stuck, "/blocks"), ["INV_UNDELIVERED"]);
    assert_eq!(steps(&stuck), "fpppppp");
    let api = scene.api("reseller_admin");
    let sent = api.post(&scene.path("/invitation"), &json!({})).await.unwrap();
    assert!(sent.status.is_success(), "{}", sent.body);
    let again = status(&scene).await;
    at(&again, "invited", "globalAdmin");
    assert_eq!(steps(&again), "rpppppp");
}

#[tokio::test]
async fn inv_undelivered_when_nobody_opens_it_and_when_it_expires() {
    let scene = Scene::invited(options(60), None).await;
    scene.service.world.advance(DAY * 2).await;
    let pending = status(&scene).await;
    assert_eq!(codes(&pending, "/blocks"), [""; 0]);
    assert_eq!(codes(&pending, "/events"), ["INVITATION_PENDING"]);
    assert_eq!(pending.body["events"][0]["days"], 2);
    scene.service.world.advance(DAY * 2).await;
    let unread = status(&scene).await;
    at(&unread, "invited", "reseller");
    assert_eq!(codes(&unread, "/blocks"), ["INV_UNDELIVERED"]);
    assert!(unread.text("/nextStep").contains("spam"));
    scene.service.world.advance(DAY * 4).await;
    let expired = status(&scene).await;
    assert!(expired.text("/nextStep").contains("has expired"), "{:#}", expired.body);
    assert_eq!(expired.body["events"][0]["days"], 8);
}

#[tokio::test]
async fn r111_r112_licences_are_warned_of_and_their_lack_blocks() {
    let scene = Scene::mapped(options(80), 4, 4).await;
    let with = async |count: Value| {
        change(&scene, Method::PUT, "/licences", Some(json!({ "count": count }))).await;
        status(&scene).await
    };
    let plenty = with(json!(6)).await;
    assert_eq!((codes(&plenty, "/events"), codes(&plenty, "/blocks")), (vec![], vec![]));
    let nearly = with(json!(5)).await;
    assert_eq!(codes(&nearly, "/events"), ["LICENCES_80"]);
    let full = with(json!(4)).await;
    assert_eq!(codes(&full, "/events"), ["LICENCES_100"]);
    let over = with(json!(3)).await;
    assert_eq!(codes(&over, "/blocks"), ["OVER_LICENSE"]);
    assert!(over.text("/blocks/0/seen").contains("1 user"), "{:#}", over.body);
    assert!(over.text("/blocks/0/fix").contains("your Northwind administrator"));
    assert_eq!(
        over.body["licences"],
        json!({ "limit": 3, "allowance": 3, "used": 4, "mapped": 4, "text": "4 of 3 licenses used" })
    );
    let unlimited = with(Value::Null).await;
    assert_eq!(
        (codes(&unlimited, "/events"), codes(&unlimited, "/blocks")),
        (vec![], vec![])
    );
}

#[tokio::test]
async fn r029_a_trial_is_warned_of_and_its_end_is_said() {
    let mut scene = Scene::invited(options(60), None).await;
    let now = scene.service.world.clock.now().in_tz("Europe/Brussels").unwrap();
    let last_day = now.date().checked_add(6.days()).unwrap();
    let mut form = enterprise_form(&scene.tenant, Some(5));
    form["trialEnd"] = json!(last_day);
    let created = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
    scene.enterprise = created.text("/id").to_owned();
    let ends = status(&scene).await;
    assert_eq!(codes(&ends, "/events"), ["INVITATION_PENDING", "TRIAL_ENDS"]);
    assert_eq!(ends.body["events"][1]["days"], 7);
    scene.service.world.advance(DAY * 8).await;
    let ended = status(&scene).await;
    assert_eq!(codes(&ended, "/events"), ["INVITATION_PENDING", "TRIAL_ENDED"]);
    assert_eq!(ended.body["licences"]["allowance"], 0);
}

// R043, R044: the one label is `Setup`.
#[tokio::test]
async fn r032_r042_r043_r138_r139_what_a_front_end_prints() {
    let scene = Scene::invited(options(60), None).await;
    let status = status(&scene).await;
    let portal = scene.service.world.urls.portal.as_str();
    assert_eq!(status.text("/globalAdmin"), "Global Admin: Global Admin");
    assert!(!status.text("/globalAdminInfo").is_empty());
    assert!(status.text("/integrationText").contains("after the initial sync"));
    assert_eq!(
        (status.text("/setup/label"), status.text("/setup/url")),
        ("Setup", portal)
    );
    assert_eq!(status.text("/panel/title"), "Sync Administrator");
    // R051: the four duties.
    assert_eq!(status.list("/panel/duties").len(), 4);
    assert_eq!(status.text("/links/integrationPortal"), portal);
    assert_eq!(status.text("/links/help"), "https://help.northwind.example/teams");
    let permissions = reqwest::get(status.text("/links/permissions")).await.unwrap();
    assert_eq!(permissions.status(), 200);
    let menu: Vec<&str> = status
        .list("/buttons/menu")
        .iter()
        .filter_map(|entry| entry["label"].as_str())
        .collect();
    assert_eq!(menu, ["Sync Now", "Diagnostic Sync", "Show Sync History"]);
    assert_eq!(status.text("/managementConsent/state"), "pending");
}

#[tokio::test]
async fn who_has_the_document_is_not_sent_it_again() {
    let scene = Scene::discovered(options(60), None).await;
    let api = scene.api("account_admin");
    let first = status(&scene).await;
    let tag = first.etag.clone().unwrap();
    assert!(tag.starts_with('"') && tag.len() > 40, "{tag}");
    let poll = async |tag: &str| {
        let known = [("if-none-match", tag)];
        api.send(Method::GET, &scene.path("/status"), None, &known)
            .await
            .unwrap()
    };
    let same = poll(&tag).await;
    assert_eq!((same.status.as_u16(), same.etag.as_ref()), (304, Some(&tag)));
    assert_eq!(same.body, Value::Null);
    assert_eq!(poll("\"another\"").await.body, first.body);
    scene.push(1).await;
    scene.map(&[(0, Some(0))]).await;
    let moved = poll(&tag).await;
    assert_eq!(moved.status, 200);
    assert_ne!(moved.etag, Some(tag));
}

/// How often the table is asked for one document.
async fn reads(scene: &Scene) -> u64 {
    let faults = &scene.service.world.faults;
    scene.service.world.idle().await;
    faults.reset();
    status(scene).await;
    let counts = faults.counts();
    let asked = counts.iter().filter(|((service, _), _)| service == "dynamodb");
    asked.map(|(_, count)| count).sum()
}

#[tokio::test]
async fn a_document_is_a_handful_of_reads_whatever_the_account_holds() {
    // The enterprise, its reseller, its sync status, a sign-in without an answer, the invitation, and whether mail reaches
    // the Global Admin.
    let scene = Scene::invited(options(60), None).await;
    assert_eq!(reads(&scene).await, 6);
    // No invitation, and no list of people.
    let scene = Scene::mapped(options(60), 30, 10).await;
    assert_eq!(reads(&scene).await, 5);
    // The run that waits.
    scene.start(json!({ "kind": "discover" })).await;
    assert_eq!(reads(&scene).await, 6);
}
