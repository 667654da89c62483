//! Mails of the integration, as people get them, and as they are shown before they leave (R170-R194).

use super::scene::{Scene, options};
use dialbridge_local::drive::people::{activate, reseller_form};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::mail_kind::MailKind;
use std::collections::BTreeSet;

const E1: &str = "Activate the Microsoft Teams integration";
const E7: &str = "You are the Global Admin user for the Microsoft Teams integration";
/// Every reminder has one of its own.
const LINK: &str = "the link to hand the reminders over or pause them";

async fn preview(scene: &Scene, mail: &str) -> Value {
    let answer = scene.get(&format!("/mails/preview?mail={mail}")).await;
    assert_eq!(answer.status, 200, "{mail}: {}", answer.body);
    answer.body
}

#[tokio::test]
async fn r173_whoever_completes_the_set_up_is_told_how_to_go_on() {
    // R173, R174, R028
    let scene = Scene::invited(options(60), Some(25)).await;
    assert!(scene.mails(scene.admin(), E1).is_empty());
    dialbridge_local::drive::people::set_up(&scene.service.world.urls, scene.admin())
        .await
        .unwrap();
    let mails = scene.mails(scene.admin(), E1);
    assert_eq!(mails.len(), 1);
    let text = mails[0].text.as_deref().unwrap();
    for step in ["Enable the integration", "Map user licenses", "Ongoing management"] {
        assert!(text.contains(step), "{text}");
    }
    assert_eq!(mails[0].tags["mail"], "integration_activation");
    // Granting the same again, or a sync, brings no second one.
    assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
    scene.run(json!({ "kind": "discover" })).await;
    assert_eq!(scene.mails(scene.admin(), E1).len(), 1);
}

#[tokio::test]
async fn r174_who_becomes_the_global_admin_before_the_first_sync_is_told_how_to_begin() {
    // R174, R052
    let scene = Scene::connected(options(60), Some(25)).await;
    let other = scene.tenant.global_admins[1].clone();
    let body = json!({ "email": other, "name": "Ada Vink" });
    scene.done(Method::PUT, "/global-admin", Some(body)).await;
    assert_eq!(scene.mails(&other, E7).len(), 1);
    assert_eq!(scene.mails(&other, E1).len(), 1);
}

#[tokio::test]
async fn r052_who_becomes_the_global_admin_afterwards_gets_one_mail() {
    // R052
    let scene = Scene::applied(options(60), 3, 1).await;
    let other = scene.tenant.global_admins[1].clone();
    let body = json!({ "email": other, "name": "Ada Vink" });
    scene.done(Method::PUT, "/global-admin", Some(body)).await;
    assert_eq!(scene.mails(&other, E7).len(), 1);
    assert!(scene.mails(&other, E1).is_empty());
}

#[tokio::test]
async fn every_mail_can_be_seen_before_it_leaves_and_none_leaves_by_it() {
    let scene = Scene::mapped(options(60), 3, 1).await;
    let (table, sent) = (scene.table().await, scene.service.world.aws.mailbox.mails().len());
    let mut subjects = BTreeSet::new();
    for kind in MailKind::ALL {
        let shown = preview_as(&scene, "reseller_admin", kind.name()).await;
        assert_eq!(shown["mail"], kind.name());
        assert_eq!(shown["from"]["name"], "Northwind Calling");
        assert_eq!(shown["from"]["address"], "calling@northwind.example");
        assert!(
            shown["text"].as_str().unwrap().contains("The Northwind Calling Team"),
            "{kind}"
        );
        assert!(shown["html"].as_str().unwrap().starts_with("<!DOCTYPE html>"), "{kind}");
        assert!(!shown["when"].as_str().unwrap().is_empty());
        subjects.insert(shown["subject"].as_str().unwrap().to_owned());
        assert_eq!(shown["due"], kind == MailKind::SyncRequired, "{kind}");
    }
    assert_eq!(subjects.len(), MailKind::ALL.len());
    assert_eq!(scene.table().await, table);
    assert_eq!(scene.service.world.aws.mailbox.mails().len(), sent);
}

async fn preview_as(scene: &Scene, role: &str, mail: &str) -> Value {
    let path = scene.path(&format!("/mails/preview?mail={mail}"));
    let answer = scene.api(role).get(&path).await.unwrap();
    assert_eq!(answer.status, 200, "{mail}: {}", answer.body);
    answer.body
}

#[tokio::test]
async fn what_is_shown_is_what_leaves() {
    // R163, R181
    let scene = Scene::mapped(options(60), 3, 1).await;
    let shown = preview(&scene, "sync_required").await;
    assert_eq!(shown["samples"], json!([LINK]));
    assert_eq!(shown["to"], scene.admin());
    // Where no mail is named, it is the one that the state asks for.
    let due = scene.get("/mails/preview").await;
    assert_eq!((due.text("/mail"), &due.body["due"]), ("sync_required", &json!(true)));
    scene.service.world.advance(jiff::SignedDuration::from_hours(24)).await;
    scene.service.world.idle().await;
    let left = scene.reminders().remove(0);
    assert_eq!(left.subject, shown["subject"].as_str().unwrap());
    // But for the page where the duty is handed over, which every reminder has of its own.
    let first = |text: &str| text.split("\n--\n").next().unwrap().to_owned();
    assert_eq!(
        first(left.text.as_deref().unwrap()),
        first(shown["text"].as_str().unwrap())
    );
}

#[tokio::test]
async fn what_is_made_up_is_named() {
    let scene = Scene::applied(options(60), 3, 1).await;
    let shown = preview(&scene, "sync_required").await;
    assert_eq!(
        (&shown["due"], &shown["samples"]),
        (&json!(false), &json!([LINK, "what waits, and for whom"]))
    );
    let shown = preview(&scene, "enterprise_invitation").await;
    assert_eq!(shown["samples"], json!(["the Invitation Code", "the link"]));
    assert!(shown["text"].as_str().unwrap().contains("XXXXX-XXXXX"));
    let shown = preview(&scene, "global_admin_assigned").await;
    assert_eq!(shown["samples"], json!([]));
}

#[tokio::test]
async fn a_mail_to_the_reseller_is_shown_to_the_reseller_alone() {
    let scene = Scene::connected(options(60), Some(25)).await;
    for mail in [
        "reseller_activation",
        "reseller_digest",
        "webhook_disabled",
        "invitation_stuck",
        "reminders_ignored",
    ] {
        let path = scene.path(&format!("/mails/preview?mail={mail}"));
        for role in ["account_admin", "account_manager", "global_admin"] {
            let refused = scene.api(role).get(&path).await.unwrap();
            assert_eq!(refused.status, 422, "{role} {mail}: {}", refused.body);
            assert!(
                !refused.body.to_string().contains("northwind.example"),
                "{}",
                refused.body
            );
        }
        preview_as(&scene, "reseller_viewer", mail).await;
    }
    let unknown = scene.get("/mails/preview?mail=newsletter").await;
    assert_eq!(unknown.status, 400, "{}", unknown.body);
}

#[tokio::test]
async fn r171_a_brand_has_its_colour_and_its_logo_in_every_mail() {
    // R171, R172
    let scene = Scene::invited(options(60), Some(25)).await;
    let urls = &scene.service.world.urls;
    let mut form = reseller_form(urls);
    form["owner"] = json!("owner@kestrel.example");
    form["brand"]["accent"] = json!("#0B6E4F");
    form["brand"]["logoUrl"] = json!("https://cdn.kestrel.example/logo.png");
    let api = scene.api("provider_admin");
    let made = api.post("/v1/resellers", &form).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.text("/brand/accent"), "#0b6e4f");
    assert_eq!(made.text("/brand/logoUrl"), "https://cdn.kestrel.example/logo.png");
    let mails = scene.mails("owner@kestrel.example", "Activate your");
    let html = mails[0].html.as_deref().unwrap();
    assert!(html.contains("<img src=\"https://cdn.kestrel.example/logo.png\" alt=\"Northwind Calling\""));
    assert!(html.contains("background-color: #0b6e4f"));
    activate(urls, "owner@kestrel.example").await.unwrap();
    for (field, value, part) in [
        ("accent", "#ffcc00", "darker"),
        ("accent", "green", "a colour such as"),
        ("logoUrl", "http://cdn.kestrel.example/logo.png", "https://"),
        ("logoUrl", "javascript:alert(1)", "https://"),
        ("logoUrl", "logo.png", "https://"),
    ] {
        let mut wrong = form.clone();
        wrong["brand"][field] = json!(value);
        let refused = api.post("/v1/resellers", &wrong).await.unwrap();
        assert_eq!(refused.status, 422, "{value}: {}", refused.body);
        assert!(refused.body.to_string().contains(part), "{value}: {}", refused.body);
    }
}
