//! Every mail leaves once or is listed with its reason, and nobody is written to who cannot or does not want to be reached.

use super::scene::{Scene, options};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::people::enterprise_form;
use dialbridge_local::faults::Fault;
use dialbridge_local::mailbox::MailFault;
use futures::future::join_all;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const E4: &str = "licenses have changed";
const MINUTE: SignedDuration = SignedDuration::from_secs(61);

/// An enterprise whose admin has this address; the scene is about it from here on.
async fn invite(scene: &mut Scene, email: &str) {
    let mut form = enterprise_form(&scene.tenant, None);
    form["adminEmail"] = json!(email);
    let made = scene
        .api("reseller_admin")
        .post("/v1/enterprises", &form)
        .await
        .unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    scene.enterprise = made.text("/id").to_owned();
}

/// The mails about the enterprise, newest first: which, how far, why.
async fn listed(scene: &Scene) -> Vec<(String, String, String)> {
    let page = scene.get("/mails?limit=100").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let text = |mail: &Value, name: &str| mail[name].as_str().unwrap_or_default().to_owned();
    let rows = page.list("/items").iter();
    rows.map(|mail| (text(mail, "mail"), text(mail, "state"), text(mail, "why")))
        .collect()
}

async fn newest(scene: &Scene) -> (String, String) {
    let (_, state, why) = listed(scene).await.remove(0);
    (state, why)
}

fn of_reseller(scene: &Scene, rest: &str) -> String {
    format!("/v1/resellers/{}{rest}", scene.reseller)
}

async fn tasks(scene: &Scene) -> Vec<Value> {
    let page = scene
        .api("reseller_admin")
        .get(&of_reseller(scene, "/tasks"))
        .await
        .unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    page.list("/items").to_vec()
}

async fn kinds(scene: &Scene) -> Vec<String> {
    let tasks = tasks(scene).await;
    let kinds = tasks.iter().map(|task| task["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}

fn leaving(scene: &Scene, to: &str) -> usize {
    scene.service.world.aws.mailbox.mails_to(to).len()
}

/// The provider sets a switch as it is now.
async fn switch(scene: &Scene, path: &str, form: Value) -> Answer {
    let api = scene.api("provider_admin");
    let before = api.get(path).await.unwrap();
    assert_eq!(before.status, 200, "{}", before.body);
    api.put(path, &form, before.etag.as_deref()).await.unwrap()
}

#[tokio::test]
async fn every_mail_is_listed_with_what_became_of_it() {
    let mut scene = Scene::invited(options(40), None).await;
    scene.license(Some(10)).await;
    let mails = listed(&scene).await;
    let expected = [
        ("licenses_changed", "delivered"),
        ("enterprise_invitation", "delivered"),
    ];
    let seen: Vec<_> = mails
        .iter()
        .map(|(mail, state, _)| (mail.as_str(), state.as_str()))
        .collect();
    assert_eq!(seen, expected);
    let shown = async |role: &str| {
        let page = scene.api(role).get(&scene.path("/mails?limit=1")).await.unwrap();
        page.body["items"][0]["recipient"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown("reseller_admin").await, scene.admin());
    let (first, domain) = (
        scene.admin().chars().next().unwrap(),
        scene.admin().rsplit('@').next().unwrap(),
    );
    assert_eq!(shown("reseller_viewer").await, format!("{first}***@{domain}"));
    for (address, state) in [
        ("delay@customer.example", "delayed"),
        ("softbounce@customer.example", "delayed"),
        ("ooto@customer.example", "delivered"),
        ("reject@customer.example", "rejected"),
        ("bounce@customer.example", "bounced"),
        ("complaint@customer.example", "complained"),
    ] {
        invite(&mut scene, address).await;
        assert_eq!(newest(&scene).await.0, state, "{address}");
    }
    // A reseller's own: its activation.
    let api = scene.api("provider_support");
    let own = api.get(&of_reseller(&scene, "/mails")).await.unwrap();
    let own = own.list("/items").iter().map(|mail| mail["mail"].as_str().unwrap());
    assert_eq!(own.collect::<Vec<_>>(), ["reseller_activation"]);
}

#[tokio::test]
async fn a_hundred_causes_at_once_bring_a_hundred_mails() {
    let scene = Scene::invited(options(40), None).await;
    let before = scene.service.world.aws.mailbox.mails().len();
    let api = scene.api("reseller_admin");
    let cause = async |n: usize| {
        let mut form = enterprise_form(&scene.tenant, None);
        form["adminEmail"] = json!(format!("admin{n}@customer.example"));
        api.post("/v1/enterprises", &form).await.unwrap()
    };
    let made = join_all((0..100).map(cause)).await;
    for answer in &made {
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    while scene.outbox().await["held"] != 0 {}
    let mails = scene.service.world.aws.mailbox.mails().split_off(before);
    let to: BTreeSet<&String> = mails.iter().flat_map(|mail| &mail.to).collect();
    println!("100 causes at once: {} mails to {} people", mails.len(), to.len());
    assert_eq!((mails.len(), to.len()), (100, 100));
    for answer in &made {
        let path = format!("/v1/enterprises/{}/mails", answer.text("/id"));
        let list = scene.api("provider_support").get(&path).await.unwrap();
        assert_eq!(list.text("/items/0/state"), "delivered", "{}", list.body);
    }
}

#[tokio::test]
async fn many_senders_send_each_mail_once() {
    let mut scene = Scene::invited(options(40), None).await;
    let mailbox = scene.service.world.aws.mailbox.clone();
    mailbox.fail_all(Some(MailFault::Paused));
    for n in 0..20 {
        invite(&mut scene, &format!("admin{n}@customer.example")).await;
    }
    let before = mailbox.mails().len();
    mailbox.fail_all(None);
    join_all((0..8).map(|_| scene.outbox())).await;
    let mails = mailbox.mails().split_off(before);
    println!("8 senders at once, 20 mails that wait: {} mails", mails.len());
    let to: BTreeSet<&String> = mails.iter().flat_map(|mail| &mail.to).collect();
    assert_eq!((mails.len(), to.len()), (20, 20));
}

/// A sender is killed before or after each of its calls. What it changed was changed with its mail: that mail leaves once,
/// or it is listed as one of which nobody knows, with a task.
#[tokio::test]
async fn a_sender_that_is_killed_anywhere_sends_no_mail_twice_and_loses_none() {
    let (mut causes, mut sent, mut unknown) = (0, 0, 0);
    let scene = Scene::invited(options(40), Some(5)).await;
    let api = scene.api("reseller_admin");
    let mut limit = 5;
    for fault in [Fault::KillBefore, Fault::KillAfter] {
        for call in 1.. {
            let faults = &scene.service.world.faults;
            let before = scene.seen().await;
            let (mails, asked) = (scene.mails(scene.admin(), E4).len(), tasks(&scene).await.len());
            limit += 1;
            let (path, form) = (scene.path("/licences"), json!({ "count": limit }));
            faults.reset();
            faults.at_call(call, fault.clone());
            let answer = api.put(&path, &form, before.etag.as_deref()).await;
            let calls = faults.calls();
            faults.reset();
            let changed = scene.seen().await.etag != before.etag;
            // Whoever swept before the sender could be known to be dead would find nothing.
            for wait in [
                SignedDuration::ZERO,
                SignedDuration::from_mins(17),
                SignedDuration::from_mins(17),
            ] {
                scene.service.world.advance(wait).await;
                scene.outbox().await;
            }
            let what = format!("call {call} {fault:?}: {answer:?}");
            let new = scene.mails(scene.admin(), E4).len() - mails;
            let lost = tasks(&scene).await.len() - asked;
            let of_this = listed(&scene)
                .await
                .into_iter()
                .filter(|(mail, ..)| mail == "licenses_changed")
                .count();
            if changed {
                causes += 1;
                assert!(new <= 1, "{what}: {new} mails");
                assert!(new == 1 || lost == 1, "{what}: neither sent nor listed");
                assert_eq!(of_this, causes, "{what}");
            } else {
                assert_eq!((new, lost), (0, 0), "{what}");
            }
            sent += new;
            unknown += lost;
            if call > calls {
                break;
            }
        }
    }
    println!("{causes} causes, their sender killed at every call: {sent} mails, {unknown} listed as unknown, 0 twice");
    assert!(causes > 20 && unknown > 0, "{causes} {unknown}");
}

#[tokio::test]
async fn a_lost_answer_is_listed_and_a_report_still_tells() {
    let mut scene = Scene::invited(options(40), None).await;
    let mailbox = scene.service.world.aws.mailbox.clone();
    mailbox.hold_events();
    mailbox.fail_next(1, MailFault::AnswerLost);
    invite(&mut scene, "mara@customer.example").await;
    let (state, why) = newest(&scene).await;
    assert_eq!(state, "unknown");
    assert!(why.contains("not sent again"), "{why}");
    assert_eq!(kinds(&scene).await, ["mailUnknown"]);
    for _ in 0..3 {
        scene.outbox().await;
    }
    assert_eq!(leaving(&scene, "mara@customer.example"), 1);
    for event in mailbox.take_events() {
        mailbox.report(&event).await.unwrap();
    }
    assert_eq!(newest(&scene).await.0, "delivered");
    assert_eq!(kinds(&scene).await, [""; 0]);
    // Where no report comes, somebody asks and says so.
    mailbox.fail_next(1, MailFault::AnswerLost);
    invite(&mut scene, "ada@customer.example").await;
    let task = tasks(&scene).await.remove(0);
    let path = of_reseller(&scene, &format!("/tasks/{}/close", task["id"].as_str().unwrap()));
    let api = scene.api("reseller_admin");
    let closed = api.post(&path, &json!({ "reason": " " })).await.unwrap();
    assert_eq!(closed.status, 422, "{}", closed.body);
    let closed = api.post(&path, &json!({ "reason": "Ada has it" })).await.unwrap();
    assert_eq!(closed.status, 200, "{}", closed.body);
    assert_eq!(kinds(&scene).await, [""; 0]);
    assert_eq!(
        api.post(&path, &json!({ "reason": "again" })).await.unwrap().status,
        404
    );
}

#[tokio::test]
async fn after_a_hard_bounce_or_a_complaint_nothing_more_is_sent_there() {
    let mut scene = Scene::invited(options(40), None).await;
    let (mut tried, mut sent) = (0, 0);
    for address in [
        "bounce@customer.example",
        "complaint@customer.example",
        "suppressionlist@customer.example",
    ] {
        invite(&mut scene, address).await;
        assert_eq!(leaving(&scene, address), 1, "the first told");
        assert_eq!(scene.blocks().await, ["INV_UNDELIVERED"]);
        let after = leaving(&scene, address);
        for n in 1..=5 {
            scene.license(Some(n)).await;
            let (state, why) = newest(&scene).await;
            assert_eq!(state, "suppressed");
            assert!(why.contains("lift the suppression"), "{why}");
        }
        // The same address in another enterprise of the reseller, and however it is typed.
        for again in [address.to_owned(), address.to_uppercase()] {
            invite(&mut scene, &again).await;
            assert_eq!(newest(&scene).await.0, "suppressed");
            assert_eq!(scene.blocks().await, ["INV_UNDELIVERED"], "the invitation says so");
        }
        join_all((0..4).map(|_| scene.outbox())).await;
        tried += 7;
        sent += leaving(&scene, address) - after;
    }
    println!("{tried} mails to suppressed addresses: {sent} sent");
    assert_eq!(sent, 0);
    assert!(kinds(&scene).await.iter().all(|kind| kind == "invitationUndelivered"));
    let deeds = scene.deeds().await;
    assert!(deeds.contains(&"mailUndelivered".to_owned()), "{deeds:?}");
}

#[tokio::test]
async fn a_bounced_invitation_is_a_task_until_it_is_seen_to() {
    let mut scene = Scene::invited(options(40), None).await;
    invite(&mut scene, "bounce@customer.example").await;
    let task = tasks(&scene).await.remove(0);
    assert_eq!(
        (&task["kind"], &task["enterprise"], &task["subject"]),
        (
            &json!("invitationUndelivered"),
            &json!(scene.enterprise),
            &json!("bounce@customer.example")
        )
    );
    assert!(task["why"].as_str().unwrap().contains("550 5.1.1"), "{task}");
    // The address is corrected: the task ends with it, and the suppression stays with the address.
    let mut form = enterprise_form(&scene.tenant, None);
    form["adminEmail"] = json!("mara@customer.example");
    scene.done(Method::PUT, "", Some(form)).await;
    assert_eq!(kinds(&scene).await, [""; 0]);
    assert_eq!(newest(&scene).await.0, "delivered");
    let api = scene.api("reseller_admin");
    let stopped = api.get(&of_reseller(&scene, "/suppressions")).await.unwrap();
    assert_eq!(stopped.text("/items/0/address"), "bounce@customer.example");
    assert_eq!(stopped.text("/items/0/cause"), "bounce");
    // Somebody else: their duty ends the task, too.
    invite(&mut scene, "complaint@customer.example").await;
    assert_eq!(kinds(&scene).await, ["invitationUndelivered"]);
    let body = json!({ "email": "ada@customer.example", "name": "Ada" });
    scene.done(Method::PUT, "/global-admin", Some(body)).await;
    assert_eq!(kinds(&scene).await, [""; 0]);
    assert_eq!(
        leaving(&scene, "ada@customer.example"),
        2,
        "invited and told, whatever came back from somebody else"
    );
}

#[tokio::test]
async fn a_suppression_is_lifted_by_name_and_with_a_reason() {
    let mut scene = Scene::invited(options(40), None).await;
    invite(&mut scene, "complaint@customer.example").await;
    let mailbox = scene.service.world.aws.mailbox.clone();
    assert!(mailbox.suppressed().contains("complaint@customer.example"));
    let api = scene.api("reseller_admin");
    let stopped = api.get(&of_reseller(&scene, "/suppressions")).await.unwrap();
    let path = of_reseller(&scene, &format!("/suppressions/{}/lift", stopped.text("/items/0/id")));
    assert_eq!(api.post(&path, &json!({ "reason": "" })).await.unwrap().status, 422);
    let viewer = scene.api("reseller_viewer");
    let reason = json!({ "reason": "She pressed the wrong button and wants our mails" });
    assert_eq!(viewer.post(&path, &reason).await.unwrap().status, 404);
    let lifted = api.post(&path, &reason).await.unwrap();
    assert_eq!(lifted.status, 200, "{}", lifted.body);
    assert!(mailbox.suppressed().is_empty(), "SES has forgotten it, too");
    assert_eq!(kinds(&scene).await, [""; 0]);
    let trail = api.get(&of_reseller(&scene, "/audit?limit=1")).await.unwrap();
    assert_eq!(trail.text("/items/0/deed"), "suppressionLifted");
    assert!(trail.body.to_string().contains("wrong button"), "{}", trail.body);
    scene.service.world.advance(MINUTE).await;
    let before = leaving(&scene, "complaint@customer.example");
    let resent = api.post(&scene.path("/invitation"), &json!({})).await.unwrap();
    assert_eq!(resent.status, 201, "{}", resent.body);
    assert_eq!(leaving(&scene, "complaint@customer.example"), before + 1);
}

#[tokio::test]
async fn inv_undelivered_while_the_global_admin_of_a_connected_enterprise_gets_no_mail() {
    let scene = Scene::connected(options(40), Some(25)).await;
    let mailbox = scene.service.world.aws.mailbox.clone();
    mailbox.hold_events();
    scene.license(Some(10)).await;
    let mut bounce = mailbox.take_events().remove(0);
    bounce["detail"]["eventType"] = json!("Bounce");
    bounce["detail"]["bounce"] = json!({ "bounceType": "Permanent", "bounceSubType": "General",
        "timestamp": bounce["detail"]["delivery"]["timestamp"] });
    mailbox.report(&bounce).await.unwrap();
    assert_eq!(kinds(&scene).await, ["adminUnreachable"]);
    assert!(scene.blocks().await.contains(&"INV_UNDELIVERED".to_owned()));
    let preflight = scene.get("/preflight").await;
    let told = preflight
        .list("/codes")
        .iter()
        .any(|kind| kind["code"] == "INV_UNDELIVERED");
    assert!(told, "{}", preflight.body);
    let body = json!({ "email": scene.tenant.global_admins[1], "name": "Ada" });
    scene.done(Method::PUT, "/global-admin", Some(body)).await;
    assert_eq!(kinds(&scene).await, [""; 0]);
    assert!(!scene.blocks().await.contains(&"INV_UNDELIVERED".to_owned()));
}

#[tokio::test]
async fn what_the_mail_service_says_is_told_apart() {
    let mut scene = Scene::invited(options(40), None).await;
    let mailbox = scene.service.world.aws.mailbox.clone();
    for (n, (fault, says)) in [
        (MailFault::Paused, "Sending is paused"),
        (MailFault::Suspended, "suspended the provider's account"),
        (MailFault::FromDomain, "publish its DNS records"),
        (MailFault::Quota, "daily quota"),
    ]
    .into_iter()
    .enumerate()
    {
        let to = format!("admin{n}@customer.example");
        mailbox.fail_all(Some(fault));
        invite(&mut scene, &to).await;
        scene.outbox().await;
        let (state, why) = newest(&scene).await;
        assert_eq!((state.as_str(), leaving(&scene, &to)), ("held", 0), "{fault:?}");
        assert!(why.contains(says), "{fault:?}: {why}");
        mailbox.fail_all(None);
        scene.outbox().await;
        assert_eq!(
            (newest(&scene).await.0.as_str(), leaving(&scene, &to)),
            ("delivered", 1),
            "{fault:?}"
        );
    }
    mailbox.fail_next(1, MailFault::Rejected);
    invite(&mut scene, "refused@customer.example").await;
    let (state, why) = newest(&scene).await;
    assert_eq!(state, "rejected");
    assert!(why.contains("planned fault"), "{why}");
    assert_eq!(kinds(&scene).await, ["mailRefused"]);
    scene.outbox().await;
    assert_eq!(leaving(&scene, "refused@customer.example"), 0);
}

#[tokio::test]
async fn a_switch_holds_mails_which_leave_once_it_is_open() {
    let mut scene = Scene::invited(options(40), None).await;
    let own = of_reseller(&scene, "/mail-sending");
    for (n, path) in ["/v1/mail-sending", own.as_str()].into_iter().enumerate() {
        let refused = switch(&scene, path, json!({ "gate": "closed" })).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        let form = json!({ "gate": "closed", "reason": "A storm of mails" });
        let closed = switch(&scene, path, form).await;
        assert_eq!(closed.status, 200, "{}", closed.body);
        let to = format!("admin{n}@customer.example");
        invite(&mut scene, &to).await;
        scene.outbox().await;
        let (state, why) = newest(&scene).await;
        assert_eq!((state.as_str(), leaving(&scene, &to)), ("held", 0), "{path}");
        assert!(why.contains("A storm of mails"), "{why}");
        let open = switch(&scene, path, json!({ "gate": "open" })).await;
        assert_eq!(open.status, 200, "{}", open.body);
        scene.outbox().await;
        assert_eq!(
            (newest(&scene).await.0.as_str(), leaving(&scene, &to)),
            ("delivered", 1),
            "{path}"
        );
    }
    let trail = scene.api("provider_support").get("/v1/audit?limit=1").await.unwrap();
    assert_eq!(trail.text("/items/0/deed"), "mailSendingChanged");
    // A reseller sees its switch and cannot move it.
    let api = scene.api("reseller_admin");
    let seen = api.get(&own).await.unwrap();
    assert_eq!((seen.status.as_u16(), seen.text("/gate")), (200, "open"));
    let form = json!({ "gate": "open" });
    assert_eq!(api.put(&own, &form, seen.etag.as_deref()).await.unwrap().status, 404);
    assert_eq!(api.get("/v1/mail-sending").await.unwrap().status, 404);
}

#[tokio::test]
async fn a_day_limit_holds_the_rest_until_tomorrow() {
    let mut scene = Scene::invited(options(40), None).await;
    let path = of_reseller(&scene, "/mail-sending");
    let before = scene.service.world.aws.mailbox.mails().len();
    let limit = before + 2;
    let set = switch(&scene, &path, json!({ "gate": "open", "dayLimit": limit })).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let mut states = BTreeMap::<String, usize>::new();
    for n in 0..5 {
        invite(&mut scene, &format!("admin{n}@customer.example")).await;
        *states.entry(newest(&scene).await.0).or_default() += 1;
    }
    assert_eq!(states, BTreeMap::from([("delivered".into(), 2), ("held".into(), 3)]));
    assert!(newest(&scene).await.1.contains("leaves tomorrow"));
    scene.outbox().await;
    assert_eq!(scene.service.world.aws.mailbox.mails().len(), limit);
    scene.service.world.advance(SignedDuration::from_hours(24)).await;
    scene.outbox().await;
    assert_eq!(scene.service.world.aws.mailbox.mails().len(), before + 5);
}

#[tokio::test]
async fn the_breaker_opens_where_too_much_comes_back() {
    let mut scene = Scene::invited(options(40), None).await;
    let path = of_reseller(&scene, "/mail-sending");
    let held = async |scene: &Scene| {
        let seen = scene.api("reseller_viewer").get(&path).await.unwrap();
        seen.body["heldSince"].is_string()
    };
    for n in 0..5 {
        assert!(!held(&scene).await, "{n}");
        invite(&mut scene, &format!("bounce@customer{n}.example")).await;
    }
    assert!(held(&scene).await);
    assert!(kinds(&scene).await.contains(&"mailHeld".to_owned()));
    // Invitations go on: the addresses are to be corrected.
    invite(&mut scene, "mara@customer.example").await;
    assert_eq!(newest(&scene).await.0, "delivered");
    let open = switch(&scene, &path, json!({ "gate": "open" })).await;
    assert_eq!(open.status, 200, "{}", open.body);
    assert!(!held(&scene).await);
    assert!(!kinds(&scene).await.contains(&"mailHeld".to_owned()));
}

/// SES refuses what comes too fast; with the pace it never has to.
#[tokio::test]
async fn the_pace_keeps_below_what_ses_takes() {
    let mut scene = Scene::invited(options(40), None).await;
    let mailbox = scene.service.world.aws.mailbox.clone();
    mailbox.limit_rate(dialbridge_local::world::deployment::MAIL_RATE);
    for n in 0..10 {
        invite(&mut scene, &format!("admin{n}@customer.example")).await;
        assert_eq!(newest(&scene).await.0, "delivered");
    }
}

#[tokio::test]
async fn the_table_holds_neither_link_nor_code_of_a_mail_that_waits() {
    use dialbridge_local::drive::people::invitation;
    let mut scene = Scene::invited(options(40), None).await;
    let mailbox = scene.service.world.aws.mailbox.clone();
    mailbox.fail_all(Some(MailFault::Paused));
    invite(&mut scene, "mara@customer.example").await;
    let waiting = scene.table().await;
    mailbox.fail_all(None);
    scene.outbox().await;
    let (code, link) = invitation(&scene.service.world.urls, "mara@customer.example")
        .await
        .unwrap();
    let token = link.path().rsplit('/').next().unwrap();
    for table in [waiting, scene.table().await] {
        for (key, item) in table {
            assert!(!item.contains(token) && !item.contains(&code), "{key:?}");
        }
    }
}
