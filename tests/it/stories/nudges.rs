//! Invitations that nobody accepts: their reader is reminded once, and in the end the reseller has a task.

use super::scene::{Scene, options};
use jiff::SignedDuration;
use serde_json::Value;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A day passes, and the sweep comes twice.
async fn day(scene: &Scene) {
    scene.service.world.advance(DAY).await;
    for _ in 0..2 {
        let swept = scene.sweep().await;
        assert_eq!(swept["swept"]["failed"], 0, "{swept}");
    }
}

/// The mails about the enterprise, oldest first.
async fn listed(scene: &Scene) -> Vec<String> {
    let page = scene.get("/mails?limit=100").await;
    let mut kinds: Vec<String> = page.list("/items").iter().map(|mail| text(mail, "mail")).collect();
    kinds.reverse();
    kinds
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

async fn tasks(scene: &Scene) -> Vec<String> {
    let path = format!("/v1/resellers/{}/tasks", scene.reseller);
    let page = scene.api("reseller_admin").get(&path).await.unwrap();
    page.list("/items").iter().map(|task| text(task, "kind")).collect()
}

#[tokio::test]
async fn who_does_not_accept_is_reminded_once_and_then_the_reseller_has_a_task() {
    let scene = Scene::invited(options(40), None).await;
    for _ in 0..2 {
        day(&scene).await;
        assert_eq!(listed(&scene).await, ["enterprise_invitation"]);
    }
    for _ in 3..7 {
        day(&scene).await;
        assert_eq!(listed(&scene).await, ["enterprise_invitation", "invitation_nudge"]);
    }
    let first = scene.mails(scene.admin(), "").remove(0).text.unwrap();
    let nudge = scene.mails(scene.admin(), "").pop().unwrap();
    let code = first
        .split_whitespace()
        .find(|word| word.len() == 11 && word.as_bytes()[5] == b'-');
    let code = code.expect("the first mail has the code");
    assert!(
        !nudge.text.as_ref().unwrap().contains(code),
        "it points to the first mail"
    );
    assert!(nudge.headers.contains_key("List-Unsubscribe") == nudge.text.unwrap().contains("/reminders/"));
    assert!(tasks(&scene).await.is_empty());
    for _ in 0..3 {
        day(&scene).await;
    }
    assert_eq!(
        listed(&scene).await,
        ["enterprise_invitation", "invitation_nudge", "invitation_stuck"]
    );
    assert_eq!(tasks(&scene).await, ["invitationIgnored"]);
    // A new invitation is what there is to do.
    let api = scene.api("reseller_admin");
    let again = api
        .post(&scene.path("/invitation"), &serde_json::json!({}))
        .await
        .unwrap();
    assert_eq!(again.status, 201, "{}", again.body);
    assert!(tasks(&scene).await.is_empty());
}

#[tokio::test]
async fn who_has_accepted_is_left_alone() {
    let scene = Scene::connected(options(40), None).await;
    for _ in 0..9 {
        day(&scene).await;
    }
    let listed = listed(&scene).await;
    assert!(
        !listed
            .iter()
            .any(|mail| mail.contains("nudge") || mail.contains("stuck")),
        "{listed:?}"
    );
    assert!(tasks(&scene).await.is_empty());
}
