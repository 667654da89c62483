//! The reseller's first screen, the creation form, and what happens to an enterprise afterwards: edited, its admin's address
//! corrected, invited again, disabled and enabled (R002-R023, R028, R040).

mod first_screen;

use super::scene::{Scene, options, refused};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::{at_microsoft, enterprise_form, invitation, set_up};
use jiff::SignedDuration;
use reqwest::{Client, Method};
use serde_json::{Value, json};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

async fn scene() -> Scene {
    Scene::invited(options(60), Some(25)).await
}

/// The form as it was filled in, with these fields changed.
fn form(scene: &Scene, changes: Value) -> Value {
    let mut form = enterprise_form(&scene.tenant, Some(25));
    for (field, value) in changes.as_object().unwrap() {
        form[field] = value.clone();
    }
    form
}

async fn create(scene: &Scene, changes: Value) -> Answer {
    let form = form(scene, changes);
    scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap()
}

async fn edit(scene: &Scene, changes: Value) -> Answer {
    scene
        .change("reseller_admin", Method::PUT, "", Some(form(scene, changes)))
        .await
}

fn wrong_fields(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 422, "{}", answer.body);
    let errors = answer.list("/errors").iter();
    errors.filter_map(|error| error["field"].as_str()).collect()
}

#[tokio::test]
async fn r004_r018_the_form_says_what_it_asks_for() {
    let scene = scene().await;
    let form = scene.api("reseller_admin").get("/v1/enterprise-form").await.unwrap();
    assert_eq!(
        (form.text("/title"), form.text("/submit")),
        ("Add Enterprise", "Submit")
    );
    let field = |name: &str| {
        let found = form.list("/fields").iter().find(|field| field["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {}", form.body)).clone()
    };
    for (name, label, required) in [
        ("name", "Enterprise Name", true),
        ("adminEmail", "Enterprise Admin Email ID", true),
        ("userLimit", "User Limit", false),
        ("pbxMusicOnHold", "PBX Music on Hold", false),
        ("accessSipData", "Access SIP Data", false),
        (
            "requestManagementConsent",
            "Request Consent for Enterprise Management",
            false,
        ),
        ("sbcRegions", "SBC Region", true),
        ("services", "Services", true),
        ("pbxTypes", "Assigned PBX Types", false),
    ] {
        assert_eq!(field(name)["label"], label);
        assert_eq!(field(name)["required"], required, "{name}");
    }
    assert_eq!(field("sbcRegions")["choices"], json!(["Europe", "North America"]));
    let advice = field("sbcRegions")["advice"].to_string();
    assert!(advice.contains("geographically closest"), "R015: {advice}");
    assert_eq!(field("services")["choices"], json!(["PBX", "Trunk"]));
    assert_eq!(field("pbxTypes")["choices"], json!(["NetSapiens", "Ringlogix"]));
    assert_eq!(field("pbxTypes")["onlyWithService"], "PBX", "R017");
    let fields = form.list("/fields").iter();
    let place = |name: &str| fields.clone().position(|field| field["name"] == name);
    assert!(place("pbxTypes") > place("services"), "R017: types come after services");
    assert_eq!(field("userLimit")["onlyWithService"], Value::Null);
}

#[tokio::test]
async fn r004_the_form_can_be_filled_in_with_what_it_offers() {
    let scene = scene().await;
    let offer = scene.api("reseller_admin").get("/v1/enterprise-form").await.unwrap();
    let mut form = form(&scene, json!({}));
    let sent: Vec<String> = form.as_object().unwrap().keys().cloned().collect();
    for field in offer.list("/fields") {
        let name = field["name"].as_str().unwrap();
        if !field["choices"].is_null() {
            form[name] = field["choices"].clone();
        }
        let known = sent.iter().any(|sent| sent == name) || name == "trialEnd";
        assert!(known, "{name} is a field that nobody fills in");
    }
    let api = scene.api("reseller_admin");
    let created = api.post("/v1/enterprises", &form).await.unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
}

#[tokio::test]
async fn r004_r018_all_wrong_fields_are_named_at_once() {
    let scene = scene().await;
    let before = scene.table().await;
    let wrong = create(
        &scene,
        json!({ "name": " ", "adminEmail": "nobody", "userLimit": 0, "sbcRegions": ["Atlantis"], "services": [],
            "pbxTypes": ["Homemade"], "timeZone": "Mars/Base", "billingReference": "x".repeat(65), "adminName": "" }),
    )
    .await;
    let mut fields = wrong_fields(&wrong);
    fields.sort_unstable();
    fields.dedup();
    let all = [
        "adminEmail",
        "adminName",
        "billingReference",
        "name",
        "pbxTypes",
        "sbcRegions",
        "services",
        "timeZone",
        "userLimit",
    ];
    assert_eq!(fields, all);
    assert_eq!(scene.table().await, before, "nothing of it is kept");
}

#[tokio::test]
async fn r029_a_trial_that_is_over_cannot_be_ordered() {
    let scene = scene().await;
    let today = scene.service.world.clock.now().in_tz("Europe/Brussels").unwrap().date();
    let yesterday = today.yesterday().unwrap();
    let wrong = create(&scene, json!({ "trialEnd": yesterday.to_string() })).await;
    assert_eq!(wrong_fields(&wrong), ["trialEnd"]);
    let last_day = create(&scene, json!({ "trialEnd": today.to_string() })).await;
    assert_eq!(last_day.status, 201, "{}", last_day.body);
    assert_eq!(last_day.text("/trialEnd"), today.to_string());
}

#[tokio::test]
async fn r016_a_trunk_needs_no_pbx_type_and_takes_none() {
    let scene = scene().await;
    let trunk = create(&scene, json!({ "services": ["Trunk"], "pbxTypes": [] })).await;
    assert_eq!(trunk.status, 201, "{}", trunk.body);
    let both = create(&scene, json!({ "services": ["Trunk"], "pbxTypes": ["Ringlogix"] })).await;
    assert_eq!(wrong_fields(&both), ["pbxTypes"]);
}

#[tokio::test]
async fn r009_r010_music_on_hold_decides_about_the_policy() {
    for (pbx, policy) in [
        (true, "Northwind2Teams-VM-MOHEXT"),
        (false, "Northwind2Teams-VM-MOHTEAMS"),
    ] {
        let scene = Scene::mapped(options(60), 1, 1).await;
        assert_eq!(edit(&scene, json!({ "pbxMusicOnHold": pbx })).await.status, 200);
        let run = scene.apply().await;
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
        assert!(run.body["users"].to_string().contains(policy), "{}", run.body);
    }
}

#[tokio::test]
async fn r009_a_changed_music_waits_for_a_sync() {
    let scene = Scene::applied(options(60), 1, 1).await;
    assert_eq!(edit(&scene, json!({ "pbxMusicOnHold": false })).await.status, 200);
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "Sync Needed");
    assert_eq!(scene.state().await, "syncNeeded");
    assert_eq!(edit(&scene, json!({ "pbxMusicOnHold": true })).await.status, 200);
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "None");
}

#[tokio::test]
async fn r011_call_records_are_open_where_the_box_is_ticked() {
    let scene = scene().await;
    let asks = async |role: &str| scene.api(role).get(&scene.path("/sip-data")).await.unwrap();
    assert_eq!(asks("global_admin").await.status, 200);
    for role in ["account_admin", "reseller_admin", "provider_admin"] {
        assert_eq!(asks(role).await.status, 404, "{role}");
    }
    edit(&scene, json!({ "accessSipData": false })).await;
    let denied = asks("global_admin").await;
    assert_eq!(denied.status, 404, "{}", denied.body);
}

#[tokio::test]
async fn r012_r013_without_the_consent_the_reseller_maps_nobody() {
    let scene = Scene::discovered(options(60), None).await;
    let push = async || {
        let body = json!({ "items": [super::scene::voice_user(0)] });
        let api = scene.api("reseller_admin");
        api.put(&scene.path("/voice-users"), &body, None).await.unwrap()
    };
    assert_eq!(push().await.status, 404);
    let answer = async |granted: bool| {
        let api = scene.api("global_admin");
        let body = json!({ "granted": granted });
        api.put(&scene.path("/management-consent"), &body, None).await.unwrap()
    };
    let granted = answer(true).await;
    assert_eq!(granted.text("/state"), "granted", "{}", granted.body);
    assert_eq!(push().await.status, 200);
    let trail = scene
        .api("reseller_admin")
        .get(&scene.path("/audit?limit=1"))
        .await
        .unwrap();
    assert_eq!(trail.text("/items/0/deed"), "voiceUsersChanged");
    assert_eq!(trail.text("/items/0/onBehalfOf"), "Global Admin");
    assert_eq!(answer(false).await.text("/state"), "withdrawn");
    assert_eq!(push().await.status, 404);
}

#[tokio::test]
async fn r012_a_consent_that_is_not_asked_for_cannot_be_given() {
    let scene = Scene::connected(options(60), None).await;
    edit(&scene, json!({ "requestManagementConsent": false })).await;
    let api = scene.api("global_admin");
    let given = api
        .put(&scene.path("/management-consent"), &json!({ "granted": true }), None)
        .await;
    assert_eq!(given.unwrap().status, 409);
}

#[tokio::test]
async fn r019_r028_creation_invites_the_named_admin_at_once() {
    let scene = scene().await;
    let created = create(
        &scene,
        json!({ "adminEmail": "ada@greenfinch.example", "name": "Greenfinch BV" }),
    )
    .await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.text("/state"), "invited");
    assert_eq!(created.text("/invitation/state"), "delivered");
    let mails = scene.mails("ada@greenfinch.example", "Greenfinch BV");
    assert_eq!(mails.len(), 1);
    assert!(created.etag.is_some());
}

#[tokio::test]
async fn r021_every_field_can_be_edited_and_the_change_is_recorded() {
    let scene = scene().await;
    let changes = json!({ "name": "Greenfinch BV", "adminName": "Ada Vink", "userLimit": 12, "pbxMusicOnHold": false,
        "accessSipData": false, "requestManagementConsent": false, "sbcRegions": ["Europe", "North America"],
        "services": ["PBX"], "pbxTypes": ["NetSapiens"], "timeZone": "America/New_York", "billingReference": "NW-7",
        "trialEnd": "2036-01-31" });
    let edited = edit(&scene, changes.clone()).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    for (field, value) in changes.as_object().unwrap() {
        let at = if field == "adminName" {
            "/globalAdmin/name".to_owned()
        } else {
            format!("/{field}")
        };
        assert_eq!(edited.body.pointer(&at), Some(value), "{field}");
    }
    assert_eq!(scene.seen().await.body, edited.body);
    let trail = scene
        .api("reseller_admin")
        .get(&scene.path("/audit?limit=1"))
        .await
        .unwrap();
    assert_eq!(trail.text("/items/0/deed"), "enterpriseChanged");
    let mut named: Vec<&str> = trail
        .list("/items/0/changes")
        .iter()
        .filter_map(|change| change["field"].as_str())
        .collect();
    let mut wanted: Vec<&str> = changes.as_object().unwrap().keys().map(String::as_str).collect();
    named.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(named, wanted);
}

#[tokio::test]
async fn r021_an_edit_needs_the_version_that_was_read() {
    let scene = scene().await;
    let seen = scene.seen().await.etag;
    let form = form(&scene, json!({ "name": "Greenfinch BV" }));
    let api = scene.api("reseller_admin");
    assert_eq!(api.put(&scene.path(""), &form, None).await.unwrap().status, 428);
    let path = scene.path("");
    let edits = (0..8).map(|_| api.put(&path, &form, seen.as_deref()));
    let answers = futures::future::join_all(edits).await;
    let statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.as_ref().unwrap().status.as_u16())
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 412).count(),
        7,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn r021_an_enterprise_stays_with_its_reseller() {
    let scene = scene().await;
    let moved = edit(&scene, json!({ "reseller": "res_00000000000000000000000009" })).await;
    assert_eq!(wrong_fields(&moved), ["reseller"]);
}

#[tokio::test]
async fn r021_another_time_zone_moves_the_reminder() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    assert_eq!(scene.schedule().unwrap().zone, "Europe/Brussels");
    edit(&scene, json!({ "timeZone": "America/New_York" })).await;
    assert_eq!(scene.schedule().unwrap().zone, "America/New_York");
}

#[tokio::test]
async fn r040_a_corrected_address_ends_the_old_invitation_and_sends_another() {
    let scene = scene().await;
    let urls = &scene.service.world.urls;
    let (old_code, old_link) = invitation(urls, scene.admin()).await.unwrap();
    let right = scene.tenant.global_admins[1].clone();
    let edited = edit(&scene, json!({ "adminEmail": right })).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_eq!(edited.text("/globalAdmin/email"), right);
    assert_eq!(edited.text("/state"), "invited");
    refused(&Browser::default().open(&old_link).await.unwrap(), "LINK_CLOSED");
    let form = [("code", old_code.as_str())];
    let late = Client::new().post(old_link).form(&form).send().await.unwrap();
    assert_eq!(late.status(), 403);
    assert_eq!(scene.mails(&right, "Invitation to connect").len(), 1);
    assert!(
        scene.mails(&right, "Global Admin user").is_empty(),
        "a correction is no reassignment"
    );
    set_up(urls, &right).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn r040_a_correction_during_the_sign_in_ends_it() {
    let scene = scene().await;
    let (mut browser, page) = scene.tenant_shown().await;
    edit(&scene, json!({ "adminEmail": scene.tenant.global_admins[1] })).await;
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    refused(&page, "LINK_CLOSED");
    assert_eq!(scene.setup_state().await, "invited");
}

#[tokio::test]
async fn r040_once_somebody_is_recorded_an_edit_names_nobody_else() {
    let scene = Scene::connected(options(60), None).await;
    let before = scene.seen().await.body;
    let edited = edit(&scene, json!({ "adminEmail": scene.tenant.global_admins[1] })).await;
    assert_eq!(edited.status, 409, "{}", edited.body);
    assert_eq!(scene.seen().await.body, before);
}

async fn resend(scene: &Scene) -> reqwest::Response {
    let api = scene.api("reseller_admin");
    let url = scene.service.world.urls.api.join(&scene.path("/invitation")).unwrap();
    let key = scene.service.world.clock.now().to_string();
    let request = Client::new().post(url).bearer_auth(api.token());
    request.header("idempotency-key", key).send().await.unwrap()
}

#[tokio::test]
async fn r023_invitations_follow_each_other_after_a_minute() {
    let scene = scene().await;
    let (_, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    scene.service.world.advance(SignedDuration::from_secs(10)).await;
    let early = resend(&scene).await;
    assert_eq!(early.status(), 429);
    let wait: i64 = early.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=50).contains(&wait), "{wait}");
    assert_eq!(scene.mails(scene.admin(), "Invitation").len(), 1);
    assert_eq!(
        Browser::default().open(&link).await.unwrap().status,
        200,
        "the old one lives"
    );
    scene.service.world.advance(SignedDuration::from_secs(wait)).await;
    assert_eq!(resend(&scene).await.status(), 201);
    assert_eq!(scene.mails(scene.admin(), "Invitation").len(), 2);
}

#[tokio::test]
async fn r023_an_invitation_that_could_not_be_sent_is_sent_again_at_once() {
    use dialbridge_local::mailbox::MailFault;
    let scene = scene().await;
    scene.service.world.aws.mailbox.fail_next(2, MailFault::Paused);
    let created = create(&scene, json!({ "adminEmail": "ada@greenfinch.example" })).await;
    assert_eq!(created.text("/invitation/state"), "queued");
    for sent in [0, 1] {
        let path = format!("/v1/enterprises/{}/invitation", created.text("/id"));
        let resent = scene.api("reseller_admin").post(&path, &json!({})).await.unwrap();
        assert_eq!(resent.status, 201, "{}", resent.body);
        assert_eq!(scene.mails("ada@greenfinch.example", "Invitation").len(), sent);
    }
}

#[tokio::test]
async fn r023_after_the_set_up_there_is_nobody_to_invite() {
    let scene = Scene::connected(options(60), None).await;
    scene.service.world.advance(MINUTE * 2).await;
    assert_eq!(resend(&scene).await.status(), 409);
}

#[tokio::test]
async fn r022_a_disabled_enterprise_invites_nobody_and_its_link_rests() {
    let scene = scene().await;
    let (_, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    scene.done(Method::POST, "/disable", None).await;
    assert_eq!(scene.state().await, "disabled");
    scene.service.world.advance(MINUTE * 2).await;
    assert_eq!(resend(&scene).await.status(), 409);
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    scene.done(Method::POST, "/enable", None).await;
    assert_eq!(scene.state().await, "invited");
    assert_eq!(Browser::default().open(&link).await.unwrap().status, 200);
}

#[tokio::test]
async fn r022_a_disabled_enterprise_refuses_syncs_and_keeps_its_data() {
    let scene = Scene::mapped(options(60), 3, 2).await;
    let (mapping, numbers) = (scene.get("/mapping").await.body["rows"].clone(), scene.numbers().await);
    scene.done(Method::POST, "/disable", None).await;
    for form in [
        json!({ "kind": "discover" }),
        json!({ "kind": "apply", "mode": "full" }),
    ] {
        let started = scene.start(form).await;
        assert_eq!(started.status, 409, "{}", started.body);
        assert!(started.text("/detail").contains("disabled"), "{}", started.body);
    }
    assert_eq!(scene.plan().await.status, 409);
    assert_eq!(scene.get("/mapping").await.body["rows"], mapping);
    assert_eq!(scene.numbers().await, numbers);
    scene.done(Method::POST, "/enable", None).await;
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.len(), 2);
}

#[tokio::test]
async fn r022_a_sync_that_waits_for_its_sign_in_is_refused_once_disabled() {
    let scene = Scene::mapped(options(60), 3, 2).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    let (mut browser, page) = scene.before_account(&started).await;
    scene.done(Method::POST, "/disable", None).await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    assert!(page.status.is_client_error(), "{}: {}", page.status, page.html);
    assert!(page.says("disabled"), "the page says why: {}", page.html);
    scene.service.world.finish_runs().await;
    assert!(scene.holders().await.is_empty());
    let sealed = scene.table().await.into_keys().filter(|(_, sk)| sk == "SEALED").count();
    assert_eq!(sealed, 0, "no session is kept");
}

#[tokio::test]
async fn r022_a_disabled_enterprise_reminds_nobody_and_an_enabled_one_again() {
    let scene = Scene::mapped(options(60), 3, 2).await;
    assert!(scene.schedule().is_some());
    scene.done(Method::POST, "/disable", None).await;
    assert!(scene.schedule().is_none());
    scene.service.world.advance(DAY * 2).await;
    scene.sweep().await;
    assert!(scene.schedule().is_none(), "the sweep leaves it alone");
    assert!(scene.reminders().is_empty());
    scene.done(Method::POST, "/enable", None).await;
    assert!(scene.schedule().is_some());
    scene.service.world.advance(DAY).await;
    assert_eq!(scene.reminders().len(), 1);
}

#[tokio::test]
async fn r022_disabling_twice_is_disabling_once() {
    let scene = scene().await;
    let first = scene.done(Method::POST, "/disable", None).await;
    let second = scene.done(Method::POST, "/disable", None).await;
    assert_eq!(first.body, second.body);
    assert_eq!(first.etag, second.etag);
    let disabled = scene
        .deeds()
        .await
        .into_iter()
        .filter(|deed| deed == "enterpriseDisabled");
    assert_eq!(disabled.count(), 1);
}
