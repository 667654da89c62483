//! Another Global Admin: whenever it happens, the old one's link, sign-ins and sync are dead at once, both are told, and the
//! new one takes over (R031, R045-R048, R052, R189-R192).

use super::scene::{Scene, options, refused};
use dialbridge_local::dialbridge::Options;
use dialbridge_local::drive::api::{Answer, Api};
use dialbridge_local::drive::browser::Browser;
use dialbridge_local::drive::people::{at_microsoft, invitation, set_up, sign_in_to_run};
use dialbridge_local::faults::Fault;
use dialbridge_local::microsoft::{self, Delays};
use jiff::SignedDuration;
use reqwest::{Client, Method};
use serde_json::{Value, json};

const E6: &str = "The Global Admin user has been reassigned";
const E7: &str = "You are the Global Admin user for the Microsoft Teams integration";

async fn scene() -> Scene {
    Scene::invited(options(60), Some(25)).await
}

/// The tenant's other Global Admin.
fn other(scene: &Scene) -> String {
    scene.tenant.global_admins[1].clone()
}

/// The role goes to the other one.
async fn reassigned(scene: &Scene) -> Answer {
    let body = json!({ "email": other(scene), "name": "Ada Vink" });
    scene.done(Method::PUT, "/global-admin", Some(body)).await
}

/// The portal identity of somebody who says to be the Global Admin.
fn portal(scene: &Scene, email: &str) -> Api {
    Api::new(&scene.service.world.urls.api, scene.token_of("global_admin", email))
}

async fn start(scene: &Scene, email: &str, form: Value) -> Answer {
    portal(scene, email).post(&scene.path("/runs"), &form).await.unwrap()
}

/// The whole way of a sync, in the portal and at Microsoft, as one person goes it.
async fn synced_by(scene: &Scene, email: &str) -> Answer {
    let started = start(scene, email, json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let page = sign_in_to_run(&started, email).await.unwrap();
    assert!(page.says("The sync has begun"), "{}", page.html);
    scene.at_rest(started.text("/id")).await
}

fn invitations(scene: &Scene, to: &str) -> usize {
    scene.mails(to, "Invitation to connect").len()
}

/// Exactly one is recorded: the new one, confirmed or not yet.
async fn only_the_new_one(scene: &Scene, confirmed: bool) {
    let seen = scene.seen().await;
    assert_eq!(seen.text("/globalAdmin/email"), other(scene));
    assert_eq!(seen.text("/globalAdmin/name"), "Ada Vink");
    assert_eq!(seen.body["globalAdmin"]["confirmed"], confirmed, "{}", seen.body);
    let status = scene.get("/status").await;
    assert_eq!(status.text("/globalAdmin"), "Global Admin: Ada Vink");
}

#[tokio::test]
async fn r031_the_provider_side_reassigns_and_customers_do_not() {
    let scene = scene().await;
    let body = json!({ "email": other(&scene) });
    for role in ["reseller_viewer", "account_admin", "account_manager", "global_admin"] {
        let refused = scene
            .change(role, Method::PUT, "/global-admin", Some(body.clone()))
            .await;
        assert_eq!(refused.status, 404, "{role}: {}", refused.body);
        assert_eq!(scene.seen().await.text("/globalAdmin/email"), scene.admin());
    }
    for (role, email) in [
        ("provider_admin", "a@customer.example"),
        ("provider_support", "b@customer.example"),
        ("reseller_admin", "c@customer.example"),
    ] {
        let body = Some(json!({ "email": email }));
        let taken = scene.change(role, Method::PUT, "/global-admin", body).await;
        assert_eq!(taken.status, 200, "{role}: {}", taken.body);
        assert_eq!(scene.seen().await.text("/globalAdmin/email"), email);
    }
}

#[tokio::test]
async fn r031_a_reassignment_needs_the_version_that_was_read() {
    let scene = scene().await;
    let (api, seen) = (scene.api("reseller_admin"), scene.seen().await.etag);
    let path = scene.path("/global-admin");
    let body = json!({ "email": other(&scene) });
    assert_eq!(api.put(&path, &body, None).await.unwrap().status, 428);
    let puts = (0..6).map(|_| api.put(&path, &body, seen.as_deref()));
    let answers = futures::future::join_all(puts).await;
    let taken = answers.iter().filter(|answer| answer.as_ref().unwrap().status == 200);
    assert_eq!(taken.count(), 1, "R045: one of them takes the role");
    assert_eq!(scene.mails(&other(&scene), E7).len(), 1);
    assert_eq!(invitations(&scene, &other(&scene)), 1);
}

#[tokio::test]
async fn r045_who_has_the_role_cannot_be_given_it_again() {
    let scene = scene().await;
    let before = scene.table().await;
    for same in [scene.admin().to_owned(), scene.admin().to_uppercase()] {
        let again = scene
            .change(
                "reseller_admin",
                Method::PUT,
                "/global-admin",
                Some(json!({ "email": same })),
            )
            .await;
        assert_eq!(again.status, 422, "{same}: {}", again.body);
    }
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn r052_r189_r190_r191_r192_both_are_told() {
    let scene = Scene::connected(options(60), None).await;
    reassigned(&scene).await;
    let old = scene.mails(scene.admin(), E6);
    let new = scene.mails(&other(&scene), E7);
    assert_eq!((old.len(), new.len()), (1, 1));
    assert_eq!(old[0].subject, E6);
    assert_eq!(new[0].subject, E7);
    for mail in [&old[0], &new[0]] {
        assert!(mail.from.contains("Northwind Calling"), "{}", mail.from);
        let text = mail.text.as_deref().unwrap();
        assert!(text.contains(&scene.tenant.display_name), "{text}");
        assert!(text.contains("your Northwind administrator"), "{text}");
    }
    let (old, new) = (old[0].text.as_deref().unwrap(), new[0].text.as_deref().unwrap());
    assert!(old.contains("Hello Global Admin"), "{old}");
    assert!(old.contains("no longer responsible"), "{old}");
    assert!(new.contains("Hello Ada Vink"), "{new}");
    assert!(new.contains(scene.service.world.urls.portal.as_str()), "{new}");
    assert!(scene.mails(scene.admin(), E7).is_empty() && scene.mails(&other(&scene), E6).is_empty());
}

#[tokio::test]
async fn r031_the_change_is_recorded_with_before_and_after() {
    let scene = scene().await;
    reassigned(&scene).await;
    let trail = scene
        .api("reseller_admin")
        .get(&scene.path("/audit?limit=1"))
        .await
        .unwrap();
    assert_eq!(trail.text("/items/0/deed"), "globalAdminReassigned");
    let changes = trail.body["items"][0]["changes"].as_array().unwrap().clone();
    let email = json!({ "field": "adminEmail", "before": scene.admin(), "after": other(&scene) });
    assert!(changes.contains(&email), "{changes:?}");
}

#[tokio::test]
async fn r031_while_invited_the_old_link_dies_and_the_new_one_completes() {
    let scene = scene().await;
    let urls = &scene.service.world.urls;
    let (code, link) = invitation(urls, scene.admin()).await.unwrap();
    reassigned(&scene).await;
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    let form = [("code", code.as_str())];
    let late = Client::new().post(link).form(&form).send().await.unwrap();
    assert_eq!(late.status(), 403);
    only_the_new_one(&scene, false).await;
    assert_eq!(invitations(&scene, &other(&scene)), 1);
    set_up(urls, &other(&scene)).await.unwrap();
    only_the_new_one(&scene, true).await;
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn r031_at_the_first_sign_in_the_old_callback_is_dead() {
    let scene = scene().await;
    let (mut browser, page) = scene.code_entered().await;
    reassigned(&scene).await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    refused(&page, "LINK_CLOSED");
    only_the_new_one(&scene, false).await;
    assert_eq!(scene.setup_state().await, "invited");
}

#[tokio::test]
async fn r031_between_sign_in_and_confirmation_the_old_session_is_dead() {
    let scene = scene().await;
    let (mut browser, page) = scene.tenant_shown().await;
    reassigned(&scene).await;
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    refused(&page, "LINK_CLOSED");
    assert_eq!(scene.setup_state().await, "invited", "no tenant was bound");
    only_the_new_one(&scene, false).await;
    set_up(&scene.service.world.urls, &other(&scene)).await.unwrap();
    only_the_new_one(&scene, true).await;
}

#[tokio::test]
async fn r031_between_both_consents_the_old_session_is_dead() {
    let scene = scene().await;
    let (mut browser, page) = scene.tenant_shown().await;
    let page = browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    reassigned(&scene).await;
    let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
    refused(&page, "LINK_CLOSED");
    assert_eq!(scene.setup_state().await, "bound", "the tenant stays");
    only_the_new_one(&scene, false).await;
    assert_eq!(invitations(&scene, &other(&scene)), 1);
    set_up(&scene.service.world.urls, &other(&scene)).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
    only_the_new_one(&scene, true).await;
}

#[tokio::test]
async fn r031_at_the_second_sign_in_the_old_callback_is_dead() {
    let scene = scene().await;
    let (mut browser, page) = scene.second_sign_in().await;
    reassigned(&scene).await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    refused(&page, "LINK_CLOSED");
    assert_eq!(scene.setup_state().await, "bound");
    set_up(&scene.service.world.urls, &other(&scene)).await.unwrap();
    assert_eq!(scene.setup_state().await, "complete");
}

#[tokio::test]
async fn r031_a_bound_tenant_is_not_left_by_the_new_one() {
    let scene = scene().await;
    let (mut browser, page) = scene.tenant_shown().await;
    browser
        .submit(&page, "/setup/tenant", &[("decision", "confirm")])
        .await
        .unwrap();
    let foreign = scene.other_tenants().await.remove(0);
    let body = json!({ "email": foreign.global_admins[0] });
    scene.done(Method::PUT, "/global-admin", Some(body)).await;
    assert!(
        set_up(&scene.service.world.urls, &foreign.global_admins[0])
            .await
            .is_err()
    );
    let seen = scene.seen().await;
    assert_eq!(seen.text("/setup/tenant/id"), scene.tenant.id);
    assert_eq!(seen.body["globalAdmin"]["confirmed"], false);
}

#[tokio::test]
async fn r047_a_sync_that_waits_for_its_sign_in_dies() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    reassigned(&scene).await;
    let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
    assert_eq!(run.text("/state"), "abandoned");
    let link = started.text("/signInUrl").parse().unwrap();
    refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
    assert_eq!(scene.get("/status").await.body["currentRun"], Value::Null);
    let run = synced_by(&scene, &other(&scene)).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    only_the_new_one(&scene, true).await;
}

#[tokio::test]
async fn r047_a_sign_in_of_a_sync_under_way_dies() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let started = scene.start(json!({ "kind": "apply", "mode": "full" })).await;
    let (mut browser, page) = scene.before_account(&started).await;
    reassigned(&scene).await;
    let page = at_microsoft(&mut browser, page, scene.admin()).await.unwrap();
    refused(&page, "LINK_CLOSED");
    scene.service.world.finish_runs().await;
    assert!(scene.holders().await.is_empty());
    let sealed = scene.table().await.into_keys().filter(|(_, sk)| sk == "SEALED").count();
    assert_eq!(sealed, 0);
}

#[tokio::test]
async fn r048_a_start_that_races_with_the_reassignment_lets_nobody_in() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let people = [scene.admin().to_owned(), other(&scene)];
    let mut begun = 0;
    for round in 0..8 {
        let (old, new) = (&people[round % 2], &people[(round + 1) % 2]);
        let seen = scene.seen().await.etag;
        let (api, path, body) = (
            scene.api("reseller_admin"),
            scene.path("/global-admin"),
            json!({ "email": new }),
        );
        let (started, given) = futures::join!(
            start(&scene, old, json!({ "kind": "apply", "mode": "full" })),
            api.put(&path, &body, seen.as_deref())
        );
        assert_eq!(given.unwrap().status, 200);
        assert_eq!(
            scene.get("/status").await.body["currentRun"],
            Value::Null,
            "round {round}"
        );
        if started.status == 201 {
            begun += 1;
            let link = started.text("/signInUrl").parse().unwrap();
            refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
        }
        assert_eq!(scene.seen().await.body["globalAdmin"]["confirmed"], false);
    }
    println!("{begun} of 8 starts came first");
}

#[tokio::test]
async fn r048_a_reassignment_killed_after_any_call_leaves_no_way_in() {
    let mut tried = 0;
    for call in (1..).step_by(3) {
        let scene = Scene::connected(options(30), None).await;
        assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
        let started = scene.start(json!({ "kind": "discover" })).await;
        let etag = scene.seen().await.etag;
        let faults = &scene.service.world.faults;
        faults.reset();
        faults.at_call(call, Fault::KillAfter);
        let (api, path, body) = (
            scene.api("reseller_admin"),
            scene.path("/global-admin"),
            json!({ "email": other(&scene) }),
        );
        let given = api.put(&path, &body, etag.as_deref()).await.unwrap();
        faults.reset();
        if given.status == 200 {
            break;
        }
        tried += 1;
        let link = started.text("/signInUrl").parse().unwrap();
        if scene.seen().await.text("/globalAdmin/email") == other(&scene) {
            refused(&Browser::default().open(&link).await.unwrap(), "LINK_CLOSED");
            scene.sweep().await;
        } else {
            reassigned(&scene).await;
        }
        assert!(scene.mails(scene.admin(), E6).len() <= 1, "call {call}");
        assert!(scene.mails(&other(&scene), E7).len() <= 1, "call {call}");
        let run = start(&scene, &other(&scene), json!({ "kind": "discover" })).await;
        assert_eq!(run.status, 201, "call {call}: {}", run.body);
    }
    println!("{tried} calls of a reassignment tried");
    assert!(tried > 5, "{tried}");
}

#[tokio::test]
async fn r048_after_the_set_up_the_old_one_cannot_sync_and_the_new_one_can() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    reassigned(&scene).await;
    only_the_new_one(&scene, false).await;
    assert_eq!(invitations(&scene, &other(&scene)), 0, "the set-up is complete");
    let form = json!({ "kind": "apply", "mode": "full" });
    let old = start(&scene, scene.admin(), form.clone()).await;
    assert_eq!((old.status.as_u16(), old.text("/code")), (403, "sign-in-refused"));
    assert!(old.text("/detail").contains("Ada Vink"), "{}", old.body);

    // The right person in the portal, the old one at Microsoft: once the new one is known there, they are told apart.
    let run = synced_by(&scene, &other(&scene)).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    only_the_new_one(&scene, true).await;
    assert!(scene.deeds().await.contains(&"globalAdminRecorded".to_owned()));
    let started = start(&scene, &other(&scene), form).await;
    let page = sign_in_to_run(&started, scene.admin()).await.unwrap();
    refused(&page, "GA_NOT_RECORDED");
    assert_eq!(scene.holders().await.len(), 1);
}

#[tokio::test]
async fn r046_the_new_one_has_to_be_a_global_administrator_at_microsoft() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    let ordinary = scene.tenant.ordinary_user.clone();
    let body = json!({ "email": ordinary });
    scene.done(Method::PUT, "/global-admin", Some(body)).await;
    let started = start(&scene, &ordinary, json!({ "kind": "apply", "mode": "full" })).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let page = sign_in_to_run(&started, &ordinary).await.unwrap();
    refused(&page, "GA_NOT_ADMIN");
    assert_eq!(scene.seen().await.body["globalAdmin"]["confirmed"], false);
    assert!(scene.holders().await.is_empty());
}

#[tokio::test]
async fn r031_what_the_old_ones_interrupted_sync_has_handed_over_stays_ours() {
    let options = options(60);
    let delays = Delays {
        number_operation: SignedDuration::from_mins(3),
        ..Delays::none()
    };
    let slow = Options {
        microsoft: microsoft::Options {
            delays,
            ..options.microsoft
        },
        ..options
    };
    let scene = Scene::mapped(slow, 3, 2).await;
    let started = scene.interrupted().await;
    reassigned(&scene).await;
    let run = scene.get(&format!("/runs/{}", started.text("/id"))).await;
    assert_eq!(run.text("/state"), "abandoned");
    scene.service.world.advance(SignedDuration::from_mins(10)).await;
    scene.map(&[(0, None)]).await;
    let run = synced_by(&scene, &other(&scene)).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.holders().await.into_keys().collect::<Vec<_>>(), ["+3227001001"]);
}

#[tokio::test]
async fn r163_reminders_go_to_the_new_one() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    reassigned(&scene).await;
    scene.service.world.advance(SignedDuration::from_hours(24)).await;
    assert!(scene.reminders().is_empty());
    assert_eq!(scene.mails(&other(&scene), "Sync required").len(), 1);
}

#[tokio::test]
async fn r045_the_role_goes_there_and_back() {
    let scene = Scene::mapped(options(60), 2, 1).await;
    reassigned(&scene).await;
    let body = json!({ "email": scene.admin(), "name": "Global Admin" });
    scene.done(Method::PUT, "/global-admin", Some(body)).await;
    let form = json!({ "kind": "apply", "mode": "full" });
    assert_eq!(start(&scene, &other(&scene), form).await.status, 403);
    let run = synced_by(&scene, scene.admin()).await;
    assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
    assert_eq!(scene.mails(scene.admin(), E7).len(), 1);
    assert_eq!(scene.mails(&other(&scene), E6).len(), 1);
}

#[tokio::test]
async fn a_reassignment_whose_mails_fail_sends_them_with_the_sweep() {
    use dialbridge_local::mailbox::MailFault;
    let scene = Scene::connected(options(60), None).await;
    scene.service.world.aws.mailbox.fail_next(2, MailFault::Paused);
    reassigned(&scene).await;
    only_the_new_one(&scene, false).await;
    assert!(scene.mails(scene.admin(), E6).is_empty());
    for _ in 0..3 {
        scene.sweep().await;
    }
    let told = (
        scene.mails(scene.admin(), E6).len(),
        scene.mails(&other(&scene), E7).len(),
    );
    assert_eq!(told, (1, 1));
}
