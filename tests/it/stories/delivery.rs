//! What becomes of an invitation's mail, and an invitation that is taken back (R023, R039-R041).

use super::scene::{Scene, options, refused};
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::{at_microsoft, enterprise_form, invitation};
use dialbridge_local::mailbox::MailFault;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const MINUTE: SignedDuration = SignedDuration::from_secs(61);

/// An enterprise whose admin has this address.
async fn invited(email: &str) -> Scene {
    let mut scene = Scene::invited(options(60), None).await;
    invite(&mut scene, email).await;
    scene
}

/// Another enterprise in the same world; the scene is about it from here on.
async fn invite(scene: &mut Scene, email: &str) {
    let mut form = enterprise_form(&scene.tenant, None);
    form["adminEmail"] = json!(email);
    let api = scene.api("reseller_admin");
    let made = api.post("/v1/enterprises", &form).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    scene.enterprise = made.text("/id").to_owned();
}

/// The invitation, as the API shows it.
async fn seen(scene: &Scene) -> Answer {
    let seen = scene.api("reseller_viewer").get(&scene.path("/invitation")).await;
    let seen = seen.unwrap();
    assert_eq!(seen.status, 200, "{}", seen.body);
    seen
}

async fn state(scene: &Scene) -> String {
    seen(scene).await.text("/state").to_owned()
}

fn reached(seen: &Answer) -> Vec<&str> {
    let reached = seen.list("/reached").iter();
    reached.map(|one| one["state"].as_str().unwrap()).collect()
}

fn when(seen: &Answer, state: &str) -> Timestamp {
    let one = seen.list("/reached").iter().find(|one| one["state"] == state);
    one.unwrap()["at"].as_str().unwrap().parse().unwrap()
}

async fn blocks(scene: &Scene) -> (Vec<String>, Answer) {
    let status = scene.get("/status").await;
    let codes = status
        .list("/blocks")
        .iter()
        .map(|block| block["code"].as_str().unwrap().to_owned());
    (codes.collect(), status.clone())
}

async fn take_back(scene: &Scene) -> Answer {
    scene
        .change("reseller_admin", Method::DELETE, "/invitation", None)
        .await
}

#[tokio::test]
async fn r039_the_invitation_is_seen_with_its_times_and_without_its_secrets() {
    let scene = Scene::invited(options(60), None).await;
    let (code, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    let delivered = seen(&scene).await;
    assert_eq!(delivered.text("/state"), "delivered");
    assert_eq!(reached(&delivered), ["queued", "sent", "delivered"]);
    assert_eq!(
        (delivered.text("/email"), delivered.text("/name")),
        (scene.admin(), "Global Admin")
    );
    assert_eq!(delivered.number("/triesLeft"), Some(5));
    assert_eq!(
        delivered.text("/created").parse::<Timestamp>().unwrap(),
        when(&delivered, "queued")
    );

    scene.code_entered().await;
    let opened = seen(&scene).await;
    assert_eq!(reached(&opened), ["queued", "sent", "delivered", "opened"]);
    scene.second_sign_in().await;
    let accepted = seen(&scene).await;
    assert_eq!(accepted.text("/state"), "accepted");
    assert_eq!(
        reached(&accepted),
        ["queued", "sent", "delivered", "opened", "accepted"]
    );
    assert_eq!(
        when(&accepted, "opened"),
        when(&opened, "opened"),
        "the first time counts"
    );

    let token = link.path().rsplit('/').next().unwrap();
    for answer in [delivered, opened, accepted] {
        let whole = answer.body.to_string();
        assert!(!whole.contains(token) && !whole.contains(&code), "{whole}");
        assert!(!whole.to_lowercase().contains("hash"), "{whole}");
    }
}

#[tokio::test]
async fn an_invitation_that_is_not_accepted_expires_by_itself() {
    let scene = Scene::invited(options(60), None).await;
    scene
        .service
        .world
        .advance(SignedDuration::from_hours(7 * 24) + MINUTE)
        .await;
    let expired = seen(&scene).await;
    assert_eq!(expired.text("/state"), "expired");
    assert_eq!(
        expired.text("/expires").parse::<Timestamp>().unwrap(),
        when(&expired, "expired")
    );
    assert_eq!(scene.seen().await.text("/invitation/state"), "expired");
}

#[tokio::test]
async fn five_wrong_codes_are_seen_with_their_time() {
    let scene = Scene::invited(options(60), None).await;
    let (_, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    for left in [4, 3, 2, 1, 0] {
        browser.submit(&page, "/i/", &[("code", "BBBBB-BBBBB")]).await.unwrap();
        assert_eq!(seen(&scene).await.number("/triesLeft"), Some(left));
    }
    let locked = seen(&scene).await;
    assert_eq!(locked.text("/state"), "locked");
    assert_eq!(reached(&locked), ["queued", "sent", "delivered", "locked"]);
}

#[tokio::test]
async fn r040_inv_undelivered_a_bounce_blocks_at_once_until_the_address_is_corrected() {
    let scene = invited("mara@bounce.example").await;
    let bounced = seen(&scene).await;
    assert_eq!(
        (bounced.text("/state"), bounced.text("/trouble")),
        ("bounced", "bounce")
    );
    let (codes, status) = blocks(&scene).await;
    assert_eq!(codes, ["INV_UNDELIVERED"]);
    assert_eq!(status.text("/blocks/0/subject"), "mara@bounce.example");
    assert_eq!(status.text("/nextActor"), "reseller");
    for way_out in [
        "Check the address",
        "correct it",
        "send the invitation again",
        "reassign",
    ] {
        assert!(
            status.text("/nextStep").contains(way_out),
            "{way_out}: {}",
            status.text("/nextStep")
        );
    }
    let mut form = enterprise_form(&scene.tenant, None);
    form["adminEmail"] = json!("mara@bluefinch.example");
    scene.done(Method::PUT, "", Some(form)).await;
    assert_eq!(state(&scene).await, "delivered");
    assert!(blocks(&scene).await.0.is_empty());
    assert_eq!(
        scene.service.world.aws.mailbox.mails_to("mara@bluefinch.example").len(),
        1
    );
}

#[tokio::test]
async fn inv_undelivered_by_a_complaint_or_a_suppressed_address() {
    let mut scene = invited("complaint@customer.example").await;
    let unwanted = seen(&scene).await;
    assert_eq!(
        (unwanted.text("/state"), unwanted.text("/trouble")),
        ("bounced", "complaint")
    );
    assert_eq!(reached(&unwanted), ["queued", "sent", "delivered", "bounced"]);
    assert_eq!(blocks(&scene).await.0, ["INV_UNDELIVERED"]);
    invite(&mut scene, "suppressionlist@customer.example").await;
    assert_eq!(state(&scene).await, "bounced");
}

#[tokio::test]
async fn whoever_is_given_the_link_of_a_bounced_invitation_opens_it_all_the_same() {
    let scene = invited("bounce@customer.example").await;
    let (code, link) = invitation(&scene.service.world.urls, "bounce@customer.example")
        .await
        .unwrap();
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    browser.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    assert_eq!(state(&scene).await, "opened");
    assert!(blocks(&scene).await.0.is_empty());
}

/// All orders of three things.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Invites an address whose mail is delivered, and bounces afterwards; the events are not reported yet. Each time it is
/// another one: whoever complained gets no second mail.
async fn held(scene: &mut Scene) -> Vec<Value> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mailbox = &scene.service.world.aws.mailbox;
    mailbox.hold_events();
    let customer = NEXT.fetch_add(1, Ordering::SeqCst);
    invite(scene, &format!("complaint@customer{customer}.example")).await;
    let events = scene.service.world.aws.mailbox.take_events();
    let [delivery, complaint] = &events[..] else {
        panic!("{events:?}")
    };
    // The same mail, as if it had come back too.
    let mut bounce = delivery.clone();
    bounce["detail"]["eventType"] = json!("Bounce");
    bounce["detail"]["bounce"] = json!({ "bounceType": "Permanent", "bounceSubType": "General",
        "timestamp": delivery["detail"]["delivery"]["timestamp"] });
    vec![delivery.clone(), complaint.clone(), bounce]
}

#[tokio::test]
async fn reports_in_any_order_and_any_number_come_to_the_same() {
    let mut scene = Scene::invited(options(60), None).await;
    for order in ORDERS {
        let events = held(&mut scene).await;
        assert_eq!(state(&scene).await, "sent");
        let mailbox = &scene.service.world.aws.mailbox;
        for at in order {
            for _ in 0..3 {
                mailbox.report(&events[at]).await.unwrap();
            }
        }
        let once = seen(&scene).await;
        assert_eq!(once.text("/state"), "bounced", "{order:?}");
        assert_eq!(reached(&once), ["queued", "sent", "delivered", "bounced"], "{order:?}");
        let table = scene.table().await;
        for event in &events {
            mailbox.report(event).await.unwrap();
        }
        assert_eq!(
            scene.table().await,
            table,
            "{order:?}: a report that was made before changes nothing"
        );
    }
}

#[tokio::test]
async fn a_report_that_comes_late_moves_nothing_back() {
    let mut scene = Scene::invited(options(60), None).await;
    scene.service.world.aws.mailbox.hold_events();
    invite(&mut scene, "mara@bluefinch.example").await;
    let (code, link) = invitation(&scene.service.world.urls, "mara@bluefinch.example")
        .await
        .unwrap();
    let mut browser = Browser::default();
    let page = browser.open(&link).await.unwrap();
    browser.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    assert_eq!(reached(&seen(&scene).await), ["queued", "sent", "opened"]);
    let mailbox = &scene.service.world.aws.mailbox;
    for event in mailbox.take_events() {
        mailbox.report(&event).await.unwrap();
    }
    let late = seen(&scene).await;
    assert_eq!(late.text("/state"), "opened");
    assert_eq!(reached(&late), ["queued", "sent", "delivered", "opened"]);
}

#[tokio::test]
async fn reports_about_what_we_do_not_know_change_nothing() {
    let mut scene = Scene::invited(options(60), None).await;
    let events = held(&mut scene).await;
    let before = scene.table().await;
    let mut strange = Vec::new();
    for event in &events {
        for (tag, value) in [
            ("enterprise", json!(["ent_00000000000000000000000009"])),
            ("mail-id", json!(["'; DROP TABLE"])),
            ("enterprise", json!([])),
            ("mail-id", json!(["mail_00000000000000000000000009"])),
            ("mail-id", Value::Null),
            ("ses:configuration-set", json!(["another"])),
            ("ses:configuration-set", Value::Null),
        ] {
            let mut other = event.clone();
            let tags = other["detail"]["mail"]["tags"].as_object_mut().unwrap();
            match value {
                Value::Null => tags.remove(tag),
                value => tags.insert(tag.into(), value),
            };
            strange.push(other);
        }
    }
    // What somebody who knows no more than the form of an event makes up.
    for (place, value) in [
        ("/source", json!("aws.ses.example")),
        ("/account", json!("000000000001")),
        ("/region", json!("eu-west-2")),
        ("/detail/mail/sendingAccountId", json!("000000000001")),
        ("/detail/mail/messageId", json!("0100000000000000-made-up")),
        ("/detail/mail/destination", json!(["somebody@else.example"])),
        ("/detail/mail/destination", json!([])),
    ] {
        for event in &events {
            let mut other = event.clone();
            *other.pointer_mut(place).unwrap() = value.clone();
            strange.push(other);
        }
    }
    for kind in ["Open", "Click", "DeliveryDelay", "Rendering Failure", ""] {
        let mut other = events[0].clone();
        other["detail"]["eventType"] = json!(kind);
        strange.push(other);
    }
    let mut odd = events[2].clone();
    odd["detail"]["bounce"]["bounceType"] = json!("permanent");
    strange.push(odd);
    println!("{} forged or strange events", strange.len());
    for event in &strange {
        let lambdas = &scene.service.world.aws.lambdas;
        lambdas.invoke("mail-events", event.clone()).await.unwrap();
    }
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn a_mail_whose_sender_never_heard_of_it_is_known_by_its_delivery() {
    let mut scene = Scene::invited(options(60), None).await;
    scene.service.world.aws.mailbox.fail_next(1, MailFault::AnswerLost);
    invite(&mut scene, "mara@bluefinch.example").await;
    let known = seen(&scene).await;
    assert_eq!(known.text("/state"), "delivered");
    assert_eq!(reached(&known), ["queued", "delivered"]);
}

#[tokio::test]
async fn r023_what_is_taken_back_lets_nobody_in() {
    let scene = Scene::invited(options(60), None).await;
    let (code, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    // Somebody stands at each point of the way.
    let mut typing = Browser::default();
    let typed = typing.open(&link).await.unwrap();
    let (mut signing_in, at_account) = scene.code_entered().await;
    let (mut confirming, tenant) = scene.tenant_shown().await;

    let taken = take_back(&scene).await;
    assert_eq!((taken.status.as_u16(), taken.text("/state")), (200, "revoked"));
    assert!(reached(&taken).contains(&"revoked"), "{}", taken.body);
    let before = scene.kept_but_news().await;
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    refused(
        &typing.submit(&typed, "/i/", &[("code", &code)]).await.unwrap(),
        "LINK_CLOSED",
    );
    let page = at_microsoft(&mut signing_in, at_account, scene.admin()).await.unwrap();
    refused(&page, "LINK_CLOSED");
    let confirm = [("decision", "confirm")];
    let page = confirming.submit(&tenant, "/setup/tenant", &confirm).await.unwrap();
    refused(&page, "LINK_CLOSED");
    assert_eq!(scene.kept_but_news().await, before);
    assert_eq!(scene.setup_state().await, "invited");
    assert_eq!(scene.deeds().await[0], "invitationRevoked");
    let (codes, status) = blocks(&scene).await;
    assert_eq!(codes, ["INV_UNDELIVERED"]);
    assert!(
        status.text("/nextStep").contains("was taken back"),
        "{}",
        status.text("/nextStep")
    );
}

#[tokio::test]
async fn r023_after_it_was_taken_back_a_new_one_can_be_sent() {
    let scene = Scene::invited(options(60), None).await;
    assert_eq!(take_back(&scene).await.status, 200);
    scene.service.world.advance(MINUTE).await;
    let path = scene.path("/invitation");
    let resent = scene.api("reseller_admin").post(&path, &json!({})).await.unwrap();
    assert_eq!(resent.status, 201, "{}", resent.body);
    assert_eq!(state(&scene).await, "delivered");
    assert!(blocks(&scene).await.0.is_empty());
    scene.tenant_shown().await;
}

#[tokio::test]
async fn taking_back_twice_is_taking_back_once() {
    let scene = Scene::invited(options(60), None).await;
    let first = take_back(&scene).await;
    let before = scene.table().await;
    let again = take_back(&scene).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(scene.table().await, before);
    // The version that was read before the first time is none any more.
    let old = first.etag.unwrap();
    let stale = format!("\"{}\"", old.trim_matches('"').parse::<u64>().unwrap() - 1);
    let api = scene.api("reseller_admin");
    let headers = [("if-match", stale.as_str())];
    let late = api
        .send(Method::DELETE, &scene.path("/invitation"), None, &headers)
        .await
        .unwrap();
    assert_eq!(late.status, 412);
}

#[tokio::test]
async fn what_was_accepted_cannot_be_taken_back() {
    let scene = Scene::invited(options(60), None).await;
    scene.second_sign_in().await;
    let before = scene.table().await;
    let refused = take_back(&scene).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code")), (409, "conflict"));
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn r041_the_mail_is_opened_in_one_browser_and_followed_in_another() {
    let scene = Scene::invited(options(60), None).await;
    let (code, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
    // The browser that the mail opened in is signed in to something else; its window stays open, with our cookie in it.
    let mut first = Browser::default();
    let page = first.open(&link).await.unwrap();
    let left_behind = first.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    // The link is pasted into a private window, which has no cookie of anybody, and the whole way is gone there.
    let mut private = Browser::default();
    let page = private.open(&link).await.unwrap();
    let page = private.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
    let page = at_microsoft(&mut private, page, scene.admin()).await.unwrap();
    let page = private
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    let page = private.submit(&page, "/setup/consent", &[]).await.unwrap();
    let page = at_microsoft(&mut private, page, scene.admin()).await.unwrap();
    assert!(page.says("set up"), "{}", page.html);
    assert_eq!(scene.setup_state().await, "complete");
    // The other window is too late, and changes nothing.
    let page = at_microsoft(&mut first, left_behind, scene.admin()).await.unwrap();
    assert_ne!(page.status, 500, "{}", page.html);
    assert_eq!(scene.setup_state().await, "complete");
}
