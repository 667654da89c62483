//! When and whom the reminders reach, as people want it: pauses, quiet days, the second contact, the duty that goes to somebody
//! else, the reseller who hears of it, and the digest.

use super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::enterprise_form;
use dialbridge_local::mailbox::Mail;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::email::EmailAddress;
use shared::domain::ids::MailId;
use shared::domain::invitation::Trouble;
use shared::domain::suppression::Suppression;
use shared::io::store::suppressions;
use url::Url;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const SECOND: &str = "zoe@customer.example";
const HEIR: &str = "ann@customer.example";

async fn waiting() -> Scene {
    Scene::mapped(options(60), 3, 1).await
}

async fn pass(scene: &Scene, time: SignedDuration) {
    scene.service.world.advance(time).await;
    scene.service.world.idle().await;
}

/// Reads how the enterprise is reminded, changes something of it, and writes it back.
async fn remind(scene: &Scene, role: &str, change: Value) -> Answer {
    let api = scene.api(role);
    let path = scene.path("/reminding");
    let seen = api.get(&path).await.unwrap();
    assert_eq!(seen.status, 200, "{}", seen.body);
    let mut form = seen.body.clone();
    for read_only in ["timeZone", "duty", "offer"] {
        form.as_object_mut().unwrap().remove(read_only);
    }
    if let Some(snooze) = form["snooze"].as_object_mut() {
        snooze.retain(|name, _| ["until", "reason"].contains(&name.as_str()));
    }
    for (name, value) in change.as_object().unwrap() {
        form[name] = value.clone();
    }
    api.put(&path, &form, seen.etag.as_deref()).await.unwrap()
}

async fn set(scene: &Scene, change: Value) {
    let answer = remind(scene, "account_admin", change).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// The notes of days, newest first, as `outcome why`.
async fn listed(scene: &Scene) -> Vec<String> {
    let days = scene.get("/reminders").await;
    assert_eq!(days.status, 200, "{}", days.body);
    let text = |day: &Value| {
        let why = day["why"].as_str().unwrap_or_default();
        format!("{} {why}", day["outcome"].as_str().unwrap()).trim().to_owned()
    };
    days.list("/items").iter().map(text).collect()
}

fn to(scene: &Scene, address: &str) -> Vec<Mail> {
    let mut mails = scene.service.world.aws.mailbox.mails_to(address);
    mails.retain(|mail| mail.subject.contains("Sync required") || mail.subject.contains("sync failed"));
    mails
}

/// The first address of our pages in the plain text of a mail that contains `part`.
fn link(mail: &Mail, part: &str) -> Url {
    let text = mail.text.as_ref().unwrap();
    let mut words = text
        .split_whitespace()
        .map(|word| word.trim_matches(['<', '>', '(', ')', '.']));
    let found = words.find(|word| word.starts_with("http") && word.contains(part));
    found.unwrap_or_else(|| panic!("no {part} in {text}")).parse().unwrap()
}

fn today(scene: &Scene) -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get("Europe/Brussels").unwrap();
    scene.service.world.clock.now().to_zoned(zone).date()
}

async fn opened(scene: &Scene) -> (Browser, Page) {
    let mail = scene.reminders().pop().unwrap();
    let mut browser = Browser::default();
    let page = browser.open(&link(&mail, "/reminders/")).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.html);
    (browser, page)
}

#[tokio::test]
async fn the_hour_can_be_chosen_and_the_schedule_follows() {
    let scene = waiting().await;
    let before = scene.schedule().unwrap();
    set(&scene, json!({ "hour": 15 })).await;
    let after = scene.schedule().unwrap();
    assert_ne!(before.expression, after.expression);
    assert!(after.expression.contains(" 15 * * ? *"), "{}", after.expression);
    pass(&scene, DAY).await;
    let at: Timestamp = scene.reminders()[0].at;
    assert_eq!(at.in_tz("Europe/Brussels").unwrap().hour(), 15);
}

#[tokio::test]
async fn who_may_say_so_and_what_is_refused() {
    let scene = waiting().await;
    for role in ["account_admin", "global_admin", "reseller_admin", "provider_admin"] {
        let answer = remind(&scene, role, json!({ "escalateAfter": 3 })).await;
        assert_eq!(answer.status, 200, "{role}: {}", answer.body);
    }
    for role in ["account_manager", "reseller_viewer", "provider_support"] {
        let answer = remind(&scene, role, json!({})).await;
        assert_eq!(answer.status, 404, "{role}: {}", answer.body);
    }
    let wrong = json!({ "hour": 3, "days": [], "snooze": { "until": "2020-01-01", "reason": "" }, "escalateAfter": 0 });
    let refused = remind(&scene, "account_admin", wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    for named in ["hour", "days", "snooze", "escalateAfter"] {
        assert!(refused.body.to_string().contains(named), "{named}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_pause_has_a_reason_and_an_end_and_is_listed() {
    let scene = waiting().await;
    let until = today(&scene).tomorrow().unwrap();
    set(
        &scene,
        json!({ "snooze": { "until": until.to_string(), "reason": "Moving house" } }),
    )
    .await;
    pass(&scene, DAY * 4).await;
    let days = listed(&scene).await;
    let snoozed = days.iter().filter(|day| *day == "skipped snoozed").count();
    assert!((1..=2).contains(&snoozed), "{days:?}");
    assert_eq!(
        scene.reminders().len(),
        days.iter().filter(|day| *day == "sent").count()
    );
    assert!(scene.reminders().len() >= 2, "{days:?}");
    assert!(scene.deeds().await.contains(&"remindersChanged".to_owned()));
}

#[tokio::test]
async fn a_sync_that_fails_is_told_in_spite_of_a_pause() {
    let scene = waiting().await;
    let until = today(&scene).checked_add(jiff::Span::new().days(20)).unwrap();
    set(
        &scene,
        json!({ "snooze": { "until": until.to_string(), "reason": "Holidays" } }),
    )
    .await;
    pass(&scene, DAY).await;
    assert!(scene.reminders().is_empty());
    let refused = json!({ "number": "+3227001000", "failure": "No.", "times": 99 });
    scene.order("/number-faults", refused).await;
    assert_eq!(scene.apply().await.text("/state"), "failed");
    pass(&scene, DAY).await;
    let mails = scene.reminders();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("sync failed"), "{}", mails[0].subject);
}

#[tokio::test]
async fn the_second_contact_hears_of_it_and_the_rule_of_one_a_day_holds() {
    let scene = waiting().await;
    let second = json!({ "email": SECOND, "name": "Zoe", "afterDays": 2 });
    set(&scene, json!({ "secondContact": second })).await;
    pass(&scene, DAY * 6).await;
    let (first, second) = (scene.reminders().len(), to(&scene, SECOND).len());
    assert!(first >= 3 && second >= 2, "{first} and {second}");
    assert_eq!(
        first + second,
        listed(&scene).await.iter().filter(|day| *day == "sent").count()
    );
}

#[tokio::test]
async fn the_reseller_hears_of_reminders_that_lead_to_nothing_and_its_task_ends_with_the_sync() {
    let scene = waiting().await;
    set(&scene, json!({ "escalateAfter": 2 })).await;
    pass(&scene, DAY * 5).await;
    let tasks = format!("/v1/resellers/{}/tasks", scene.reseller);
    let kinds = async || {
        let page = scene.api("reseller_admin").get(&tasks).await.unwrap();
        let kinds = page
            .list("/items")
            .iter()
            .map(|task| task["kind"].as_str().unwrap().to_owned());
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, ["remindersIgnored"]);
    let all = scene.service.world.aws.mailbox.mails();
    let told = all
        .iter()
        .filter(|mail| mail.tags.get("mail").is_some_and(|kind| kind == "reminders_ignored"));
    assert_eq!(told.count(), 1, "once");
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    assert!(kinds().await.is_empty());
}

#[tokio::test]
async fn the_duty_goes_to_somebody_else_once_that_person_accepts() {
    let scene = waiting().await;
    pass(&scene, DAY).await;
    let (mut browser, page) = opened(&scene).await;
    let wrong = [("decision", "handOver"), ("email", "nobody"), ("name", "")];
    let refused = browser.submit(&page, "/reminders/", &wrong).await.unwrap();
    assert_eq!(refused.status, 422, "{}", refused.html);
    assert!(refused.says("Address:") && refused.says("Name:"), "{}", refused.html);
    let ask = [("decision", "handOver"), ("email", HEIR), ("name", "Ann")];
    let asked = browser.submit(&page, "/reminders/", &ask).await.unwrap();
    assert!(asked.says("offered to Ann"), "{}", asked.html);
    pass(&scene, DAY).await;
    assert_eq!(
        (scene.reminders().len(), to(&scene, HEIR).len()),
        (2, 0),
        "until then it stays"
    );

    let offer = scene.service.world.aws.mailbox.mails_to(HEIR).remove(0);
    let mut heir = Browser::default();
    let page = heir.open(&link(&offer, "/duty/")).await.unwrap();
    let nobody = heir.submit(&page, "/duty/", &[("email", "x@y.example")]).await.unwrap();
    assert_eq!(nobody.status, 422, "{}", nobody.html);
    for _ in 0..2 {
        let taken = heir.submit(&page, "/duty/", &[("email", HEIR)]).await.unwrap();
        assert!(taken.says("The reminders come to you"), "{}", taken.html);
    }
    let told = scene.mails(scene.admin(), "");
    let told = told
        .iter()
        .filter(|mail| mail.tags.get("mail").is_some_and(|kind| kind == "duty_taken"));
    assert_eq!(told.count(), 1, "who had them is told once");
    pass(&scene, DAY * 2).await;
    assert_eq!((scene.reminders().len(), to(&scene, HEIR).len()), (2, 2));
    let seen = scene.get("/reminding").await;
    assert_eq!(seen.text("/duty/email"), HEIR);
    let shown = scene.get("/mails/preview?mail=sync_required").await;
    assert_eq!(shown.text("/to"), HEIR);
    let newest = to(&scene, HEIR).pop().unwrap().text.unwrap();
    let words = |text: &str| text.split("\n--\n").next().unwrap().to_owned();
    assert_eq!(words(shown.text("/text")), words(&newest), "as it leaves");

    let back = scene
        .change("account_admin", Method::DELETE, "/reminding/duty", None)
        .await;
    assert_eq!(back.status, 200, "{}", back.body);
    let closed = heir.open(&link(&offer, "/duty/")).await.unwrap();
    assert_eq!(closed.status, 403, "{}", closed.html);
    pass(&scene, DAY).await;
    assert_eq!((scene.reminders().len(), to(&scene, HEIR).len()), (3, 2));
    let deeds = scene.deeds().await;
    for deed in ["dutyOffered", "dutyTaken", "dutyReturned"] {
        assert!(deeds.contains(&deed.to_owned()), "{deed}: {deeds:?}");
    }
}

/// Whoever took the reminders over cannot be reached: they are the Global Admin's again, and the reseller has a task.
#[tokio::test]
async fn a_duty_whose_holder_gets_no_mail_is_not_lost() {
    let scene = waiting().await;
    let heir = "bounce@customer.example";
    let hand_over = async |heir: &str| {
        pass(&scene, DAY).await;
        let (mut browser, page) = opened(&scene).await;
        let ask = [("decision", "handOver"), ("email", heir), ("name", "Ann")];
        let asked = browser.submit(&page, "/reminders/", &ask).await.unwrap();
        assert!(asked.says("offered to Ann"), "{}", asked.html);
        let offer = scene.service.world.aws.mailbox.mails_to(heir).remove(0);
        let mut browser = Browser::default();
        let page = browser.open(&link(&offer, "/duty/")).await.unwrap();
        let taken = browser.submit(&page, "/duty/", &[("email", heir)]).await.unwrap();
        assert!(taken.says("The reminders come to you"), "{}", taken.html);
    };
    let tasks = async || {
        let path = format!("/v1/resellers/{}/tasks", scene.reseller);
        let page = scene.api("reseller_admin").get(&path).await.unwrap();
        let kinds = page.list("/items").iter().map(|task| task["kind"].clone());
        kinds.collect::<Vec<_>>()
    };
    // The offer arrives; what comes later does not.
    let mailbox = scene.service.world.aws.mailbox.clone();
    mailbox.hold_events();
    hand_over(heir).await;
    pass(&scene, DAY).await;
    assert_eq!((scene.reminders().len(), to(&scene, heir).len()), (1, 1));
    assert!(tasks().await.is_empty());
    for event in mailbox.take_events() {
        mailbox.report(&event).await.unwrap();
    }
    assert_eq!(tasks().await, ["reminderUndelivered"]);
    pass(&scene, DAY).await;
    assert_eq!((scene.reminders().len(), to(&scene, heir).len()), (2, 1));
    let shown = scene.get("/mails/preview?mail=sync_required").await;
    assert_eq!(shown.text("/to"), scene.admin());
    hand_over(HEIR).await;
    assert!(tasks().await.is_empty(), "somebody else has them");
    pass(&scene, DAY).await;
    assert_eq!((scene.reminders().len(), to(&scene, HEIR).len()), (3, 1));
}

#[tokio::test]
async fn a_link_is_worth_nothing_once_the_role_went_to_somebody_else() {
    let scene = waiting().await;
    pass(&scene, DAY).await;
    let mail = scene.reminders().pop().unwrap();
    let next = json!({ "email": "new@customer.example", "name": "New Admin" });
    scene.done(Method::PUT, "/global-admin", Some(next)).await;
    let page = Browser::default().open(&link(&mail, "/reminders/")).await.unwrap();
    assert_eq!(page.status, 403, "{}", page.html);
}

#[tokio::test]
async fn reading_the_pages_changes_nothing_and_one_click_pauses_a_week() {
    let scene = waiting().await;
    pass(&scene, DAY).await;
    let before = scene.kept().await;
    let (mut browser, page) = opened(&scene).await;
    browser.head(&page.url).await.unwrap();
    // A scanner presses what it finds, and types nothing.
    let pressed = browser
        .submit(&page, "/reminders/", &[("decision", "pause")])
        .await
        .unwrap();
    assert_eq!(pressed.status, 422);
    assert_eq!(scene.kept().await, before);
    let mail = scene.reminders().pop().unwrap();
    assert!(mail.text.unwrap().contains("/reminders/"));
    let one_click = [("List-Unsubscribe", "One-Click")];
    let paused = browser.submit(&page, "/reminders/", &one_click).await.unwrap();
    assert!(paused.says("The reminders are paused"), "{}", paused.html);
    pass(&scene, DAY * 5).await;
    assert_eq!(scene.reminders().len(), 1);
    pass(&scene, DAY * 4).await;
    assert!(scene.reminders().len() >= 2, "nobody is forgotten");
}

#[tokio::test]
async fn mails_that_come_back_go_to_the_second_contact_or_are_listed() {
    let scene = waiting().await;
    let store = &scene.service.io.store;
    let address: EmailAddress = scene.admin().parse().unwrap();
    let lost = Suppression {
        id: suppressions::id_of(&address),
        address,
        cause: Trouble::Bounce,
        since: Timestamp::UNIX_EPOCH,
        mail: MailId::mint(Timestamp::UNIX_EPOCH, 1),
        enterprise: None,
    };
    store.suppress(&scene.reseller.parse().unwrap(), &lost).await.unwrap();
    pass(&scene, DAY).await;
    assert!(scene.reminders().is_empty());
    assert_eq!(listed(&scene).await, ["skipped noAddress"]);
    set(
        &scene,
        json!({ "secondContact": { "email": SECOND, "name": "Zoe", "afterDays": 60 } }),
    )
    .await;
    pass(&scene, DAY).await;
    assert_eq!((scene.reminders().len(), to(&scene, SECOND).len()), (0, 1));
}

/// Sets a switch of mail as it is now.
async fn switch(scene: &Scene, path: &str, form: Value) {
    let api = scene.api("provider_admin");
    let seen = api.get(path).await.unwrap();
    let set = api.put(path, &form, seen.etag.as_deref()).await.unwrap();
    assert_eq!(set.status, 200, "{}", set.body);
}

/// Reminders are what may wait: by the switch of the provider, and by the breaker, which opens where too many mails of a reseller
/// come back. They leave on the same day once they may.
#[tokio::test]
async fn reminders_wait_while_only_what_somebody_waits_for_may_leave() {
    let scene = waiting().await;
    let own = format!("/v1/resellers/{}/mail-sending", scene.reseller);
    for (n, path) in ["/v1/mail-sending", own.as_str()].into_iter().enumerate() {
        if n == 0 {
            switch(
                &scene,
                path,
                json!({ "gate": "transactional", "reason": "SES looks at us" }),
            )
            .await;
        } else {
            for n in 0..5 {
                let mut form = enterprise_form(&scene.tenant, None);
                form["adminEmail"] = json!(format!("bounce@customer{n}.example"));
                let made = scene
                    .api("reseller_admin")
                    .post("/v1/enterprises", &form)
                    .await
                    .unwrap();
                assert_eq!(made.status, 201, "{}", made.body);
            }
        }
        let all = scene.service.world.aws.scheduler.list();
        let own = all.iter().find(|schedule| schedule.input.contains(&scene.enterprise));
        let due = own.unwrap().next.unwrap();
        pass(&scene, scene.service.world.clock.now().duration_until(due)).await;
        assert_eq!(scene.reminders().len(), n, "{path}");
        let first = listed(&scene).await.remove(0);
        assert!(first.starts_with("held"), "{path}: {first}");
        scene.license(Some(8 + u32::try_from(n).unwrap())).await;
        let of_licences = scene.mails(scene.admin(), "licenses have changed");
        assert_eq!(of_licences.len(), n + 1, "{path}: somebody waits for it");
        assert!(!of_licences[n].headers.contains_key("List-Unsubscribe"));

        switch(&scene, path, json!({ "gate": "open" })).await;
        scene.outbox().await;
        assert_eq!(listed(&scene).await.remove(0), "sent", "{path}");
        let reminder = scene.reminders().pop().unwrap();
        let page = reminder.headers["List-Unsubscribe"].trim_matches(['<', '>']).to_owned();
        assert_eq!(page, link(&reminder, "/reminders/").as_str());
        assert_eq!(reminder.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    }
}

#[tokio::test]
async fn the_sweep_removes_schedules_that_nobody_needs() {
    let scene = waiting().await;
    let schedule = scene.schedule().unwrap();
    scene.map(&[(0, None)]).await;
    assert!(scene.schedule().is_none());
    let aws = &scene.service.world.urls.aws;
    let group = dialbridge_local::world::deployment::SCHEDULE_GROUP;
    let strangers = ["ent_00000000000000000000000009".to_owned(), scene.enterprise.clone()];
    for enterprise in &strangers {
        let orphan = json!({
            "GroupName": group, "ScheduleExpression": "cron(0 0 1 1 ? 2090)",
            "FlexibleTimeWindow": { "Mode": "OFF" }, "ClientToken": enterprise,
            "Target": { "Arn": schedule.target, "RoleArn": dialbridge_local::world::deployment::SCHEDULE_ROLE_ARN, "Input": "{}" },
        });
        let url = aws
            .join(&format!("/schedules/reminder-{enterprise}?groupName={group}"))
            .unwrap();
        let made = reqwest::Client::new().post(url).json(&orphan).send().await.unwrap();
        assert!(made.status().is_success());
    }
    let swept = scene.sweep().await;
    assert_eq!(swept["swept"]["orphans"], 2, "{swept}");
    let all = scene.service.world.aws.scheduler.list();
    assert!(
        !all.iter().any(|schedule| schedule.name.starts_with("reminder-")),
        "{all:?}"
    );
}

#[tokio::test]
async fn the_sweep_stands_in_for_an_event_that_was_lost_and_lists_what_was_missed() {
    // Saved at noon: the first event is tomorrow's.
    let scene = Scene::discovered(options(60), None).await;
    let now = scene.service.world.clock.now().in_tz("Europe/Brussels").unwrap();
    let noon = now.date().tomorrow().unwrap().at(12, 0, 0, 0);
    let noon = noon.in_tz("Europe/Brussels").unwrap().timestamp();
    pass(&scene, scene.service.world.clock.now().duration_until(noon)).await;
    scene.push(3).await;
    assert_eq!(scene.map(&[(0, Some(0))]).await.status, 200);
    let schedule = scene.schedule().unwrap();
    let aws = &scene.service.world.urls.aws;
    let group = dialbridge_local::world::deployment::SCHEDULE_GROUP;
    let url = aws
        .join(&format!("/schedules/{}?groupName={group}", schedule.name))
        .unwrap();
    let gone = reqwest::Client::new().delete(url).send().await.unwrap();
    assert!(gone.status().is_success());
    // Two hours after the event should have come.
    let due = schedule.next.unwrap() + SignedDuration::from_hours(2);
    let left = scene.service.world.clock.now().duration_until(due);
    scene.service.world.advance(left).await;
    scene.sweep().await;
    assert!(scene.reminders().len() == 1, "{:?}", listed(&scene).await);
    assert!(scene.schedule().is_some());
    pass(&scene, DAY * 2).await;
    assert_eq!(listed(&scene).await, ["sent", "sent", "sent"]);
}

#[tokio::test]
async fn a_reseller_gets_one_digest_a_day_of_all_that_wait() {
    let scene = waiting().await;
    let path = format!("/v1/resellers/{}/digest", scene.reseller);
    let api = scene.api("reseller_admin");
    let seen = api.get(&path).await.unwrap();
    assert_eq!((seen.status.as_u16(), seen.text("/every")), (200, "off"));
    let form = json!({ "every": "day", "hour": 8, "timeZone": "Europe/Brussels", "email": "desk@reseller.example" });
    let set = api.put(&path, &form, seen.etag.as_deref()).await.unwrap();
    assert_eq!(set.status, 200, "{}", set.body);
    pass(&scene, DAY * 3).await;
    let digests = scene.service.world.aws.mailbox.mails_to("desk@reseller.example");
    assert_eq!(digests.len(), 3, "one a day");
    for _ in 0..3 {
        let event = json!({ "digest": scene.reseller });
        let told = scene.service.world.aws.lambdas.invoke("reminder", event).await.unwrap();
        assert_eq!(told["digested"], "notNow");
    }
    scene.apply().await;
    pass(&scene, DAY * 2).await;
    let digests = scene.service.world.aws.mailbox.mails_to("desk@reseller.example");
    assert_eq!(digests.len(), 3, "nothing waits");
    let off = json!({ "every": "off", "hour": 8, "timeZone": "Europe/Brussels", "email": null });
    let unset = scene
        .api("reseller_admin")
        .put(&path, &off, set.etag.as_deref())
        .await
        .unwrap();
    assert_eq!(unset.status, 200, "{}", unset.body);
    let all = scene.service.world.aws.scheduler.list();
    assert!(
        !all.iter().any(|schedule| schedule.name.starts_with("digest-")),
        "{all:?}"
    );
}
