//! Reminders: one a local day to the Global Admin while something waits, whatever is repeated, lost or deleted
//! (R163-R169).

use super::scene::{Scene, options};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::faults::Fault;
use dialbridge_local::mailbox::MailFault;
use dialbridge_local::scheduler::Listed;
use dialbridge_local::world;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const ZONE: &str = "Europe/Brussels";

/// Somebody is mapped and waits for a sync.
async fn waiting() -> Scene {
    Scene::mapped(options(60), 3, 1).await
}

async fn pass(scene: &Scene, time: SignedDuration) {
    scene.service.world.advance(time).await;
    scene.service.world.idle().await;
}

/// Moves the clock to a moment.
async fn until(scene: &Scene, then: Timestamp) {
    let left = scene.service.world.clock.now().duration_until(then);
    assert!(left > SignedDuration::ZERO);
    pass(scene, left).await;
}

fn schedules(scene: &Scene) -> Vec<Listed> {
    let mut all = scene.service.world.aws.scheduler.list();
    all.retain(|schedule| schedule.input.contains(&scene.enterprise));
    all
}

fn local_days(scene: &Scene) -> Vec<Date> {
    let mails = scene.reminders();
    let days = mails.iter().map(|mail| mail.at.in_tz(ZONE).unwrap().date());
    days.collect()
}

/// The reminder's event, as its schedule would send it now.
async fn event(scene: &Scene, scheduled: &str) -> Value {
    let input = json!({ "enterprise": scene.enterprise, "scheduled": scheduled });
    scene.service.world.aws.lambdas.invoke("reminder", input).await.unwrap()
}

async fn scheduler(scene: &Scene, method: Method, name: &str, body: Option<Value>) {
    let group = world::deployment::SCHEDULE_GROUP;
    let aws = &scene.service.world.urls.aws;
    let path = format!("/schedules/{name}?groupName={group}");
    let mut call = Client::new().request(method, aws.join(&path).unwrap());
    if let Some(body) = body {
        call = call.json(&body);
    }
    let answer = call.send().await.unwrap();
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
}

#[tokio::test]
async fn r163_r165_r166_each_day_that_something_waits_brings_one_reminder() {
    let scene = waiting().await;
    for day in 1..=3 {
        pass(&scene, DAY).await;
        assert_eq!(scene.reminders().len(), day);
    }
}

#[tokio::test]
async fn r166_success_stops_the_reminders_and_removes_the_schedule() {
    let scene = waiting().await;
    pass(&scene, DAY).await;
    scene.apply().await;
    assert!(schedules(&scene).is_empty());
    pass(&scene, DAY * 3).await;
    assert_eq!(scene.reminders().len(), 1);
}

#[tokio::test]
async fn r167_only_the_global_admin_receives_them() {
    let scene = waiting().await;
    pass(&scene, DAY * 2).await;
    let all = scene.service.world.aws.mailbox.mails();
    let reminders: Vec<_> = all
        .iter()
        .filter(|mail| mail.subject.contains("Sync required"))
        .collect();
    assert_eq!(reminders.len(), 2);
    for mail in reminders {
        assert_eq!(mail.to, [scene.admin()]);
        assert!(mail.cc.is_empty() && mail.bcc.is_empty());
    }
}

#[tokio::test]
async fn r168_changes_at_microsoft_remind_nobody() {
    let scene = Scene::applied(options(60), 3, 1).await;
    let user = scene.candidates().await[0]["id"].as_str().unwrap().to_owned();
    scene
        .order(&format!("/users/{user}"), json!({ "deleted": "restorable" }))
        .await;
    pass(&scene, DAY * 3).await;
    assert!(scene.reminders().is_empty());
}

#[tokio::test]
async fn r169_the_reminder_says_how_to_sync() {
    let scene = waiting().await;
    pass(&scene, DAY).await;
    let text = scene.reminders().remove(0).text.unwrap();
    assert!(text.contains("Sync Now - Changes Queued"), "{text}");
    assert!(text.contains(scene.service.world.urls.portal.as_str()), "{text}");
}

#[tokio::test]
async fn r165_events_that_are_delivered_twice_bring_one_mail_a_day() {
    let twice = Options {
        world: world::Options {
            deliver_twice: true,
            ..options(60).world
        },
        ..options(60)
    };
    let scene = Scene::mapped(twice, 3, 1).await;
    pass(&scene, DAY * 3).await;
    assert_eq!(scene.reminders().len(), 3);
}

#[tokio::test]
async fn r165_an_old_event_that_is_replayed_brings_no_second_mail() {
    let scene = waiting().await;
    let due = schedules(&scene)[0].next.unwrap();
    until(&scene, due).await;
    assert_eq!(scene.reminders().len(), 1);
    let scheduled = scene.service.world.clock.now().to_string();
    for _ in 0..3 {
        assert_eq!(event(&scene, &scheduled).await["reminded"], "alreadyToday");
    }
    assert_eq!(scene.reminders().len(), 1);
    // The next morning, before its own event.
    until(&scene, due + DAY - SignedDuration::from_secs(1)).await;
    assert_eq!(event(&scene, &scheduled).await["reminded"], "notNow");
    assert_eq!(scene.reminders().len(), 1);
}

#[tokio::test]
async fn r165_many_events_at_once_bring_one_mail() {
    let scene = waiting().await;
    let schedule = schedules(&scene).remove(0);
    scheduler(&scene, Method::DELETE, &schedule.name, None).await;
    until(&scene, schedule.next.unwrap()).await;
    assert!(scene.reminders().is_empty(), "its event was lost");
    let now = scene.service.world.clock.now().to_string();
    futures::future::join_all((0..10).map(|_| event(&scene, &now))).await;
    assert_eq!(scene.reminders().len(), 1);
}

#[tokio::test]
async fn r165_an_event_replayed_after_a_success_reminds_nobody() {
    let scene = Scene::applied(options(60), 3, 1).await;
    assert_eq!(
        event(&scene, "2026-01-01T08:00:00Z").await["reminded"],
        "nothingPending"
    );
    assert!(scene.reminders().is_empty());
}

#[tokio::test]
async fn r165_around_both_changes_of_the_clocks_each_local_day_has_one_reminder_at_nine() {
    let scene = Scene::discovered(options(60), None).await;
    scene.push(3).await;
    let zone = jiff::tz::TimeZone::get(ZONE).unwrap();
    let soon = scene.service.world.clock.now() + DAY * 4;
    let changes: Vec<Timestamp> = zone.following(soon).take(2).map(|change| change.timestamp()).collect();
    for change in changes {
        let before = scene.reminders().len();
        // Noon, two days and a half before.
        until(&scene, change - SignedDuration::from_hours(61)).await;
        scene.map(&[(0, Some(0))]).await;
        pass(&scene, DAY * 4).await;
        scene.map(&[(0, None)]).await;
        let days: BTreeSet<Date> = local_days(&scene)[before..].iter().copied().collect();
        assert_eq!(
            (days.len(), scene.reminders().len() - before),
            (4, 4),
            "one a local day"
        );
        for mail in &scene.reminders()[before..] {
            assert_eq!(mail.at.in_tz(ZONE).unwrap().hour(), 9, "{}", mail.at);
        }
    }
}

/// The notes of days, newest first: outcome and reason.
async fn listed(scene: &Scene) -> Vec<(String, String)> {
    let days = scene.get("/reminders").await;
    assert_eq!(days.status, 200, "{}", days.body);
    let text = |day: &Value, name: &str| day[name].as_str().unwrap_or_default().to_owned();
    let items = days.list("/items").iter();
    items.map(|day| (text(day, "outcome"), text(day, "why"))).collect()
}

fn outcomes(listed: &[(String, String)]) -> Vec<&str> {
    listed.iter().map(|(outcome, _)| outcome.as_str()).collect()
}

#[tokio::test]
async fn a_mail_that_ses_does_not_take_now_leaves_the_same_day() {
    let scene = waiting().await;
    let due = schedules(&scene)[0].next.unwrap();
    scene.service.world.aws.mailbox.fail_next(1, MailFault::Paused);
    until(&scene, due).await;
    assert_eq!(outcomes(&listed(&scene).await), ["held"]);
    pass(&scene, SignedDuration::from_mins(30)).await;
    scene.outbox().await;
    assert_eq!(scene.reminders().len(), 1);
    assert_eq!(outcomes(&listed(&scene).await), ["sent"]);
    pass(&scene, DAY).await;
    assert_eq!(scene.reminders().len(), 2);
}

#[tokio::test]
async fn a_mail_that_waits_while_the_sync_succeeds_never_leaves() {
    let scene = waiting().await;
    let due = schedules(&scene)[0].next.unwrap();
    let closed = json!({ "gate": "closed", "reason": "Maintenance" });
    let api = scene.api("provider_admin");
    let put = api.put("/v1/mail-sending", &closed, Some("\"1\"")).await.unwrap();
    assert_eq!(put.status, 200, "{}", put.body);
    until(&scene, due).await;
    assert_eq!(outcomes(&listed(&scene).await), ["held"]);
    scene.apply().await;
    let open = json!({ "gate": "open", "reason": "It is over" });
    let api = scene.api("provider_admin");
    let put = api.put("/v1/mail-sending", &open, put.etag.as_deref()).await.unwrap();
    assert_eq!(put.status, 200, "{}", put.body);
    scene.outbox().await;
    pass(&scene, DAY).await;
    assert!(scene.reminders().is_empty());
    assert_eq!(outcomes(&listed(&scene).await), ["skipped"]);
}

#[tokio::test]
async fn a_lost_answer_brings_no_second_mail_that_day() {
    let scene = waiting().await;
    scene.service.world.aws.mailbox.fail_next(1, MailFault::AnswerLost);
    pass(&scene, DAY).await;
    assert_eq!(scene.reminders().len(), 1);
    // The report of its delivery has told what the answer could not.
    assert_eq!(outcomes(&listed(&scene).await), ["sent"]);
    pass(&scene, DAY).await;
    assert_eq!(scene.reminders().len(), 2);
}

/// The sender is killed before or after each of its calls, on a day of its own; then the event comes twice more, as EventBridge
/// repeats what has failed, and the outbox is swept. No day sees two mails, and each says what became of it.
#[tokio::test]
async fn r165_a_reminder_that_is_killed_anywhere_brings_at_most_one_mail_that_day() {
    let scene = waiting().await;
    // Its own schedule would bring one more event a day.
    scheduler(&scene, Method::DELETE, &schedules(&scene)[0].name, None).await;
    let noon = scene.service.world.clock.now().in_tz(ZONE).unwrap();
    let noon = noon.date().at(12, 0, 0, 0).in_tz(ZONE).unwrap();
    let (faults, lambdas) = (&scene.service.world.faults, &scene.service.world.aws.lambdas);
    let (mut days, mut sent, mut ambiguous) = (0, 0, 0);
    for fault in [Fault::KillBefore, Fault::KillAfter] {
        for call in 1.. {
            days += 1;
            until(&scene, (&noon + jiff::Span::new().days(days)).timestamp()).await;
            let before = scene.reminders().len();
            let scheduled = scene.service.world.clock.now().to_string();
            let input = json!({ "enterprise": scene.enterprise, "scheduled": scheduled });
            faults.reset();
            faults.at_call(call, fault.clone());
            let killed = lambdas.invoke("reminder", input.clone()).await;
            let calls = faults.calls();
            faults.reset();
            for _ in 0..2 {
                lambdas.invoke("reminder", input.clone()).await.unwrap();
                pass(&scene, SignedDuration::from_mins(17)).await;
                scene.outbox().await;
            }
            let what = format!("call {call} of {calls}, {fault:?}: {killed:?}");
            let (outcome, _) = listed(&scene).await.remove(0);
            match (scene.reminders().len() - before, outcome.as_str()) {
                (1, "sent") => sent += 1,
                (0 | 1, "ambiguous") => ambiguous += 1,
                (mails, outcome) => panic!("{what}: {mails} mails, listed as {outcome}"),
            }
            if call > calls {
                break;
            }
        }
    }
    println!(
        "{days} days, each with its sender killed at another call: {sent} sent, {ambiguous} listed as ambiguous, 0 twice"
    );
    assert!(sent > 30 && ambiguous > 0, "{sent} {ambiguous}");
}

#[tokio::test]
async fn a_schedule_that_was_deleted_comes_back_with_the_sweep() {
    let scene = waiting().await;
    let schedule = schedules(&scene).remove(0);
    scheduler(&scene, Method::DELETE, &schedule.name, None).await;
    assert!(schedules(&scene).is_empty());
    let swept = scene
        .service
        .world
        .aws
        .lambdas
        .invoke("reminder", json!({ "sweep": true }))
        .await;
    assert_eq!(swept.unwrap()["swept"]["pending"], 1);
    assert_eq!(schedules(&scene).len(), 1);
    pass(&scene, DAY).await;
    assert_eq!(scene.reminders().len(), 1);
}

/// The daily sweep is more than one call can do where many wait: each shard of the index has a call of its own.
#[tokio::test]
async fn the_daily_sweep_is_spread_over_calls() {
    let scene = waiting().await;
    scheduler(&scene, Method::DELETE, &schedules(&scene)[0].name, None).await;
    let world = &scene.service.world;
    let input = json!({ "sweep": true, "spread": true, "scheduled": world.clock.now().to_string() });
    let swept = world.aws.lambdas.invoke("reminder", input).await.unwrap();
    assert_eq!(
        (&swept["swept"]["pending"], &swept["swept"]["failed"]),
        (&json!(0), &json!(0))
    );
    world.idle().await;
    assert_eq!(schedules(&scene).len(), 1);
}

#[tokio::test]
async fn a_schedule_that_nobody_needs_removes_itself_without_a_mail() {
    let scene = waiting().await;
    let schedule = schedules(&scene).remove(0);
    scene.map(&[(0, None)]).await;
    assert!(schedules(&scene).is_empty());
    let orphan = json!({
        "GroupName": world::deployment::SCHEDULE_GROUP,
        "ScheduleExpression": schedule.expression, "ScheduleExpressionTimezone": schedule.zone,
        "FlexibleTimeWindow": { "Mode": "OFF" }, "ClientToken": "orphan",
        "Target": { "Arn": schedule.target, "RoleArn": world::deployment::SCHEDULE_ROLE_ARN, "Input": schedule.input },
    });
    scheduler(&scene, Method::POST, &schedule.name, Some(orphan)).await;
    assert_eq!(schedules(&scene).len(), 1);
    pass(&scene, DAY).await;
    assert!(schedules(&scene).is_empty());
    assert!(scene.reminders().is_empty());
}

#[tokio::test]
async fn a_schedule_of_an_unknown_enterprise_reminds_nobody() {
    let scene = waiting().await;
    let unknown = json!({ "enterprise": "ent_00000000000000000000000009", "scheduled": "2026-01-01T08:00:00Z" });
    let answer = scene
        .service
        .world
        .aws
        .lambdas
        .invoke("reminder", unknown)
        .await
        .unwrap();
    assert_eq!(answer["reminded"], "nothingPending");
}

#[tokio::test]
async fn before_the_set_up_is_complete_nobody_is_reminded() {
    let scene = Scene::invited(options(60), None).await;
    pass(&scene, DAY * 3).await;
    assert!(scene.reminders().is_empty());
    assert!(schedules(&scene).is_empty());
}
