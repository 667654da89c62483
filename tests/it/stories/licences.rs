//! Licences: who changes their number, who loses one when there are too few, how they come back, and how a trial ends
//! (R008, R026, R029-R030, R111-R112, R117-R118, R127-R130, R185-R186; 1.4 #14 and #16).

use super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::people::enterprise_form;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const E4: &str = "Microsoft Teams integration licenses have changed";

async fn licences(scene: &Scene, query: &str) -> Answer {
    let licences = scene.get(&format!("/licences{query}")).await;
    assert_eq!(licences.status, 200, "{}", licences.body);
    licences
}

/// The voice users at a place of an answer, in its order.
fn voice_users(answer: &Answer, pointer: &str) -> Vec<String> {
    let rows = answer.list(pointer).iter();
    rows.map(|row| row["voiceUser"].as_str().unwrap().to_owned()).collect()
}

/// Who has no licence, as `licences` and the mapping page agree on.
async fn unlicensed(scene: &Scene) -> Vec<String> {
    let said = voice_users(&licences(scene, "").await, "/unlicensed");
    let page = scene.get("/mapping?perPage=100").await;
    let shown = page.list("/rows").iter().filter(|row| row["warning"] == true);
    let shown: BTreeSet<&str> = shown.map(|row| row["voiceUser"].as_str().unwrap()).collect();
    assert_eq!(said.iter().map(String::as_str).collect::<BTreeSet<_>>(), shown);
    said
}

async fn held(scene: &Scene) -> Vec<String> {
    let holders = scene.holders().await;
    holders.into_keys().map(|number| format!("v{}", &number[8..])).collect()
}

async fn action_needed(scene: &Scene) -> String {
    scene.get("/status").await.text("/actionNeeded").to_owned()
}

async fn synced(scene: &Scene) -> Answer {
    let run = scene.apply().await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    run
}

#[tokio::test]
async fn r026_r030_the_provider_side_changes_the_number_and_customers_do_not() {
    let scene = Scene::connected(options(60), Some(25)).await;
    for role in ["reseller_viewer", "account_admin", "account_manager", "global_admin"] {
        let body = Some(json!({ "count": 99 }));
        let refused = scene.change(role, Method::PUT, "/licences", body).await;
        assert_eq!(refused.status, 404, "{role}: {}", refused.body);
        assert_eq!(licences(&scene, "").await.number("/limit"), Some(25), "{role}");
    }
    for (role, count) in [("provider_admin", 20), ("provider_support", 15), ("reseller_admin", 10)] {
        let body = Some(json!({ "count": count }));
        let changed = scene.change(role, Method::PUT, "/licences", body).await;
        assert_eq!(changed.status, 200, "{role}: {}", changed.body);
        assert_eq!(licences(&scene, "").await.number("/limit"), Some(count), "{role}");
        assert_eq!(scene.seen().await.number("/userLimit"), Some(count), "{role}");
    }
}

#[tokio::test]
async fn r026_a_number_is_at_least_one_or_no_limit() {
    let scene = Scene::invited(options(40), Some(25)).await;
    for wrong in [
        json!({ "count": 0 }),
        json!({ "count": -1 }),
        json!({ "count": "3" }),
        json!({}),
    ] {
        let refused = scene
            .change("reseller_admin", Method::PUT, "/licences", Some(wrong.clone()))
            .await;
        assert!(refused.status.is_client_error(), "{wrong}: {}", refused.body);
    }
    assert_eq!(licences(&scene, "").await.number("/limit"), Some(25));
    scene.license(None).await;
    assert_eq!(licences(&scene, "").await.body["limit"], Value::Null);
    assert_eq!(licences(&scene, "").await.body["allowance"], Value::Null);
}

#[tokio::test]
async fn r026_a_change_needs_the_version_that_was_read() {
    let scene = Scene::invited(options(40), Some(25)).await;
    let (api, body) = (scene.api("reseller_admin"), json!({ "count": 3 }));
    let seen = scene.seen().await.etag;
    let put = async |etag: Option<&str>| api.put(&scene.path("/licences"), &body, etag).await.unwrap();
    assert_eq!(put(None).await.status, 428);
    assert_eq!(put(seen.as_deref()).await.status, 200);
    assert_eq!(put(seen.as_deref()).await.status, 412);
}

#[tokio::test]
async fn r185_r186_the_global_admin_is_told_both_numbers() {
    let scene = Scene::connected(options(60), Some(25)).await;
    for (count, previous, updated) in [
        (Some(10), "25", "10"),
        (None, "10", "unlimited"),
        (Some(12), "unlimited", "12"),
    ] {
        scene.license(count).await;
        let mail = scene.mails(scene.admin(), E4).pop().unwrap();
        assert_eq!(mail.subject, E4);
        assert_eq!(mail.to, [scene.admin()]);
        assert!(mail.cc.is_empty() && mail.bcc.is_empty());
        let text = mail.text.unwrap();
        assert!(text.contains(&format!("Previous count: {previous}")), "{text}");
        assert!(text.contains(&format!("Updated count: {updated}")), "{text}");
        assert!(text.contains("Northwind Voice Portal"), "{text}");
    }
    assert_eq!(scene.mails(scene.admin(), E4).len(), 3);
}

#[tokio::test]
async fn r185_the_same_number_again_is_no_change_and_no_mail() {
    let scene = Scene::invited(options(40), Some(25)).await;
    let before = scene.seen().await.etag;
    let same = scene.license(Some(25)).await;
    assert_eq!(same.etag, before);
    assert!(scene.mails(scene.admin(), E4).is_empty());
    assert!(!scene.deeds().await.contains(&"licencesChanged".to_owned()));
}

#[tokio::test]
async fn r185_a_number_that_is_changed_by_the_form_is_mailed_too() {
    let scene = Scene::invited(options(40), Some(25)).await;
    let mut form = enterprise_form(&scene.tenant, Some(5));
    scene.done(Method::PUT, "", Some(form.clone())).await;
    let mail = scene.mails(scene.admin(), E4).remove(0).text.unwrap();
    assert!(
        mail.contains("Previous count: 25") && mail.contains("Updated count: 5"),
        "{mail}"
    );
    form["billingReference"] = json!("NW-9");
    scene.done(Method::PUT, "", Some(form)).await;
    assert_eq!(scene.mails(scene.admin(), E4).len(), 1);
}

#[tokio::test]
async fn r185_a_mail_that_cannot_be_sent_now_is_sent_by_the_sweep_once() {
    use dialbridge_local::mailbox::MailFault;
    let scene = Scene::invited(options(40), Some(25)).await;
    scene.service.world.aws.mailbox.fail_next(1, MailFault::Paused);
    scene.license(Some(10)).await;
    assert!(scene.mails(scene.admin(), E4).is_empty());
    for _ in 0..3 {
        scene.sweep().await;
        assert_eq!(scene.mails(scene.admin(), E4).len(), 1);
    }
}

#[tokio::test]
async fn r186_who_would_lose_a_licence_is_in_the_mail() {
    let scene = Scene::mapped(options(60), 4, 4).await;
    scene.license(Some(2)).await;
    let text = scene.mails(scene.admin(), E4).remove(0).text.unwrap();
    assert!(text.contains("2 users lose their licenses"), "{text}");
    assert!(text.contains("your Northwind administrator"), "{text}");
}

#[tokio::test]
async fn r127_r128_a_cut_unlicenses_the_newest_mappings_and_says_so() {
    let scene = Scene::discovered(options(60), None).await;
    scene.push(4).await;
    for (voice, teams) in [(3, 0), (0, 1), (2, 2), (1, 3)] {
        assert_eq!(scene.map(&[(voice, Some(teams))]).await.status, 200);
    }
    synced(&scene).await;
    scene.license(Some(2)).await;
    assert_eq!(unlicensed(&scene).await, ["v001", "v002"], "newest first");
    let page = scene.get("/mapping").await;
    for row in page.list("/rows") {
        let lost = ["v001", "v002"].contains(&row["voiceUser"].as_str().unwrap());
        let status = if lost {
            json!("License Status: Unlicensed")
        } else {
            Value::Null
        };
        assert_eq!(
            (&row["licenseStatus"], &row["warning"]),
            (&status, &json!(lost)),
            "{row}"
        );
        assert!(!row["teamsUser"].is_null(), "the mapping stays: {row}");
    }
    let notices = page.body["notices"].to_string();
    assert!(notices.contains("2 mapped users have no license"), "{notices}");
    assert!(
        notices.contains("your Northwind administrator"),
        "R112, R129: {notices}"
    );
}

#[tokio::test]
async fn r127_r130_a_cut_waits_for_a_sync_and_what_returns_needs_one_more() {
    let scene = Scene::applied(options(60), 4, 4).await;
    let before = scene.holders().await;
    scene.license(Some(2)).await;
    assert_eq!(scene.holders().await, before, "Teams is untouched");
    assert_eq!(action_needed(&scene).await, "Sync Needed");
    assert_eq!(scene.state().await, "syncNeeded");
    assert!(scene.schedule().is_some(), "the Global Admin is reminded");
    let plan = scene.plan().await;
    let lines = plan.body["text"].to_string();
    for number in ["+3227001002", "+3227001003"] {
        assert!(lines.contains(number), "{lines}");
    }
    assert!(
        !lines.contains("+3227001000") && !lines.contains("+3227001001"),
        "{lines}"
    );

    synced(&scene).await;
    assert_eq!(held(&scene).await, ["v000", "v001"]);
    assert_eq!(action_needed(&scene).await, "None");
    assert_eq!(unlicensed(&scene).await, ["v003", "v002"], "they wait for licences");

    scene.license(Some(4)).await;
    assert!(unlicensed(&scene).await.is_empty());
    assert_eq!(action_needed(&scene).await, "Sync Needed");
    synced(&scene).await;
    assert_eq!(scene.holders().await, before, "everything is as it was");
    assert_eq!(action_needed(&scene).await, "None");
}

#[tokio::test]
async fn r127_a_cut_that_is_taken_back_before_a_sync_changes_nothing() {
    let scene = Scene::applied(options(60), 3, 3).await;
    scene.license(Some(1)).await;
    assert_eq!(action_needed(&scene).await, "Sync Needed");
    scene.license(Some(3)).await;
    assert_eq!(action_needed(&scene).await, "None");
    assert!(scene.schedule().is_none());
    assert!(scene.plan().await.list("/changes").is_empty());
}

#[tokio::test]
async fn r127_the_preview_says_what_happens_then() {
    let scene = Scene::applied(options(60), 5, 5).await;
    for count in [4, 2, 3, 1] {
        let before: BTreeSet<String> = unlicensed(&scene).await.into_iter().collect();
        let preview = licences(&scene, &format!("?preview={count}")).await;
        assert_eq!(preview.number("/preview/limit"), Some(count));
        let lose: BTreeSet<String> = voice_users(&preview, "/preview/lose").into_iter().collect();
        let regain: BTreeSet<String> = voice_users(&preview, "/preview/regain").into_iter().collect();
        let still: BTreeSet<String> = unlicensed(&scene).await.into_iter().collect();
        assert_eq!(still, before, "a preview changes nothing");
        scene.license(Some(u32::try_from(count).unwrap())).await;
        let after: BTreeSet<String> = unlicensed(&scene).await.into_iter().collect();
        assert_eq!(lose, &after - &before, "{count}");
        assert_eq!(regain, &before - &after, "{count}");
    }
    let all = licences(&scene, "?preview=unlimited").await;
    assert_eq!(all.body["preview"]["limit"], Value::Null);
    assert_eq!(voice_users(&all, "/preview/regain").len(), 4);
    for wrong in ["0", "-1", "many", ""] {
        let refused = scene.get(&format!("/licences?preview={wrong}")).await;
        assert_eq!(refused.status, 422, "{wrong}: {}", refused.body);
    }
}

#[tokio::test]
async fn r129_deleting_users_is_the_other_way_out_of_a_shortfall() {
    let scene = Scene::applied(options(60), 3, 3).await;
    scene.license(Some(2)).await;
    assert_eq!(unlicensed(&scene).await, ["v002"]);
    assert_eq!(scene.map(&[(0, None)]).await.status, 200);
    assert!(unlicensed(&scene).await.is_empty());
    synced(&scene).await;
    assert_eq!(held(&scene).await, ["v001", "v002"]);
}

#[tokio::test]
async fn r130_more_licences_can_be_mapped_at_once() {
    let scene = Scene::discovered(options(60), Some(1)).await;
    scene.push(2).await;
    scene.map(&[(0, Some(0))]).await;
    let over = scene.map(&[(1, Some(1))]).await;
    assert_eq!((over.status.as_u16(), over.text("/code")), (409, "over-license"));
    assert!(
        over.text("/detail").contains("your Northwind administrator"),
        "R112: {}",
        over.body
    );
    scene.license(Some(2)).await;
    assert_eq!(scene.map(&[(1, Some(1))]).await.status, 200);
}

#[tokio::test]
async fn r117_r118_a_freed_licence_moves_after_the_next_sync() {
    let scene = Scene::discovered(options(60), Some(2)).await;
    scene.push(3).await;
    scene.map(&[(0, Some(0)), (1, Some(1))]).await;
    synced(&scene).await;
    assert_eq!(scene.map(&[(0, None)]).await.status, 200);
    let seen = licences(&scene, "").await;
    assert_eq!(
        (seen.number("/used"), seen.number("/pendingRelease")),
        (Some(2), Some(1))
    );
    let early = scene.map(&[(2, Some(2))]).await;
    assert_eq!((early.status.as_u16(), early.text("/code")), (409, "over-license"));
    synced(&scene).await;
    let seen = licences(&scene, "").await;
    assert_eq!(
        (seen.number("/used"), seen.number("/pendingRelease")),
        (Some(1), Some(0))
    );
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 200);
    synced(&scene).await;
    assert_eq!(held(&scene).await, ["v001", "v002"]);
}

#[tokio::test]
async fn r117_a_licence_that_was_never_applied_is_free_at_once() {
    let scene = Scene::discovered(options(60), Some(1)).await;
    scene.push(2).await;
    scene.map(&[(0, Some(0))]).await;
    assert_eq!(scene.map(&[(0, None), (1, Some(1))]).await.status, 200);
}

/// A saver who reads again and repeats until the answer is yes or no.
async fn save(scene: &Scene, voice: usize, teams: &Value) -> u16 {
    loop {
        let etag = scene.get("/mapping?perPage=1").await.etag;
        let row = json!({ "voiceUser": format!("v{voice:03}"), "teamsUser": teams });
        let saved = scene.save(&[row], etag.as_deref()).await;
        match (saved.status.as_u16(), saved.text("/code")) {
            (412, _) | (409, "busy") => {}
            (status @ (200 | 409), _) => return status,
            _ => panic!("{}", saved.body),
        }
    }
}

#[tokio::test]
async fn r008_r111_two_saves_at_once_for_one_free_licence() {
    let scene = Scene::discovered(options(60), Some(2)).await;
    scene.push(3).await;
    scene.map(&[(0, Some(0))]).await;
    let candidates = scene.candidates().await;
    let etag = scene.get("/mapping").await.etag;
    let rows: Vec<[Value; 1]> = [1, 2]
        .map(|n| [json!({ "voiceUser": format!("v{n:03}"), "teamsUser": candidates[n]["id"] })])
        .into();
    let (a, b) = futures::join!(
        scene.save(&rows[0], etag.as_deref()),
        scene.save(&rows[1], etag.as_deref())
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", a.body, b.body);
    assert_eq!(licences(&scene, "").await.number("/used"), Some(2));
}

#[tokio::test]
async fn r008_r111_many_savers_get_no_more_than_there_are() {
    let scene = Scene::discovered(options(60), Some(3)).await;
    scene.push(10).await;
    let candidates = scene.candidates().await;
    let savers = (0..10).map(|n| save(&scene, n, &candidates[n]["id"]));
    let answers = futures::future::join_all(savers).await;
    assert_eq!(
        answers.iter().filter(|status| **status == 200).count(),
        3,
        "{answers:?}"
    );
    let seen = licences(&scene, "").await;
    assert_eq!(seen.number("/used"), Some(3));
    assert!(seen.list("/unlicensed").is_empty(), "{}", seen.body);
}

#[tokio::test]
async fn r111_a_save_that_races_with_a_cut_never_ends_over_the_limit() {
    let scene = Scene::discovered(options(60), Some(4)).await;
    scene.push(4).await;
    let candidates = scene.candidates().await;
    scene.map(&[(0, Some(0)), (1, Some(1))]).await;
    let row = [json!({ "voiceUser": "v002", "teamsUser": candidates[2]["id"] })];
    let mut saved_first = 0;
    for round in 0..8 {
        let (mapping, enterprise) = (scene.get("/mapping").await.etag, scene.seen().await.etag);
        let (api, path, cut) = (
            scene.api("reseller_admin"),
            scene.path("/licences"),
            json!({ "count": 2 }),
        );
        let (saved, cut) = futures::join!(
            scene.save(&row, mapping.as_deref()),
            api.put(&path, &cut, enterprise.as_deref())
        );
        assert_eq!(cut.unwrap().status, 200);
        let seen = licences(&scene, "").await;
        let unlicensed = seen.list("/unlicensed").len();
        match saved.status.as_u16() {
            200 => {
                saved_first += 1;
                assert_eq!((seen.number("/used"), unlicensed), (Some(3), 1), "round {round}");
            }
            409 => assert_eq!((seen.number("/used"), unlicensed), (Some(2), 0), "round {round}"),
            _ => panic!("round {round}: {}", saved.body),
        }
        scene.map(&[(2, None)]).await;
        scene.license(Some(4)).await;
    }
    println!("{saved_first} of 8 saves came before the cut");
    scene.map(&[(2, Some(2)), (3, Some(3))]).await;
    scene.license(Some(2)).await;
    synced(&scene).await;
    assert_eq!(held(&scene).await, ["v000", "v001"]);
}

#[tokio::test]
async fn r030_a_cut_between_plan_and_sync_counts() {
    let scene = Scene::mapped(options(60), 3, 3).await;
    let plan = scene.plan().await;
    scene.license(Some(1)).await;
    let form = json!({ "kind": "apply", "mode": "full", "plan": plan.text("/id") });
    let started = scene.start(form).await;
    if started.status == 201 {
        scene.sign_in(&started, scene.admin()).await;
        scene.at_rest(started.text("/id")).await;
    }
    assert!(held(&scene).await.len() <= 1, "{:?}", held(&scene).await);
}

#[tokio::test]
async fn r030_a_cut_while_a_sync_waits_for_its_sign_in_counts() {
    let scene = Scene::mapped(options(60), 3, 3).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    scene.license(Some(1)).await;
    scene.sign_in(&started, scene.admin()).await;
    scene.at_rest(started.text("/id")).await;
    assert_eq!(held(&scene).await, ["v000"]);
}

/// The first moment after a day, where the enterprise is.
fn midnight_after(day: Date, zone: &str) -> Timestamp {
    let zone = TimeZone::get(zone).unwrap();
    day.tomorrow().unwrap().to_zoned(zone).unwrap().timestamp()
}

/// Two applied users of an enterprise whose trial ends soon; the moment of its end.
async fn trial(zone: &str) -> (Scene, Timestamp) {
    let scene = Scene::applied(options(60), 2, 2).await;
    let now = scene.service.world.clock.now();
    let last_day = now.in_tz(zone).unwrap().date().tomorrow().unwrap();
    let mut form = enterprise_form(&scene.tenant, Some(5));
    form["trialEnd"] = json!(last_day.to_string());
    form["timeZone"] = json!(zone);
    scene.done(Method::PUT, "", Some(form)).await;
    (scene, midnight_after(last_day, zone))
}

async fn until(scene: &Scene, then: Timestamp) {
    let left = scene.service.world.clock.now().duration_until(then);
    assert!(left > SignedDuration::ZERO);
    scene.service.world.advance(left).await;
}

#[tokio::test]
async fn r029_a_trial_ends_with_its_last_day_where_the_enterprise_is() {
    for zone in ["Europe/Brussels", "Pacific/Apia", "America/Los_Angeles"] {
        let (scene, over) = trial(zone).await;
        until(&scene, over - MINUTE).await;
        let before = licences(&scene, "").await;
        assert_eq!(before.number("/allowance"), Some(5), "{zone}");
        assert!(unlicensed(&scene).await.is_empty(), "{zone}");
        until(&scene, over).await;
        let after = licences(&scene, "").await;
        assert_eq!(after.number("/allowance"), Some(0), "{zone}");
        assert_eq!(after.number("/limit"), Some(5), "the agreed number stays");
        assert_eq!(unlicensed(&scene).await, ["v001", "v000"], "{zone}");
        let over = scene.map(&[(0, Some(0)), (1, Some(2))]).await;
        assert_eq!(over.text("/code"), "over-license", "{zone}: {}", over.body);
    }
}

#[tokio::test]
async fn r029_the_sweep_marks_what_the_end_of_a_trial_changes() {
    let (scene, over) = trial("Europe/Brussels").await;
    until(&scene, over - MINUTE * 5).await;
    scene.sweep().await;
    assert_eq!(action_needed(&scene).await, "None");
    until(&scene, over + MINUTE).await;
    let swept = scene.sweep().await;
    assert_eq!(swept["swept"]["trialsOver"], 1, "{swept}");
    assert_eq!(action_needed(&scene).await, "Sync Needed");
    assert_eq!(scene.state().await, "syncNeeded");
    assert!(scene.schedule().is_some());
    assert_eq!(held(&scene).await, ["v000", "v001"], "Teams waits for the sync");
    scene.service.world.advance(DAY).await;
    assert_eq!(scene.reminders().len(), 1);
    synced(&scene).await;
    assert!(held(&scene).await.is_empty());
    assert_eq!(action_needed(&scene).await, "None");
    let again = scene.sweep().await;
    assert_eq!(again["swept"]["failed"], 0, "{again}");
    assert_eq!(action_needed(&scene).await, "None");
}

#[tokio::test]
async fn r029_a_longer_trial_brings_everything_back() {
    let (scene, over) = trial("Europe/Brussels").await;
    until(&scene, over + MINUTE).await;
    scene.sweep().await;
    synced(&scene).await;
    assert!(held(&scene).await.is_empty());
    let mut form = enterprise_form(&scene.tenant, Some(5));
    form["trialEnd"] = Value::Null;
    scene.done(Method::PUT, "", Some(form)).await;
    assert!(unlicensed(&scene).await.is_empty());
    assert_eq!(action_needed(&scene).await, "Sync Needed");
    synced(&scene).await;
    assert_eq!(held(&scene).await, ["v000", "v001"]);
    let swept = scene.sweep().await;
    assert_eq!(swept["swept"]["trialsOver"], 0, "{swept}");
}
