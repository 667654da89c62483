//! A move that is killed on its way ends in the same place, whoever goes on.

use super::{MOVE, asked_to_move, consented, disable, other, tenant_of};
use crate::stories::scene::{Scene, options};
use dialbridge_local::drive::people::{Tenant, sign_in_to_step};
use dialbridge_local::faults::Fault;
use serde_json::json;
use std::collections::BTreeSet;
use url::Url;

/// Of more points than this a sample is taken, evenly.
const POINTS: u64 = 7;

/// What is kept of a tenant, by its keys.
async fn place(scene: &Scene) -> BTreeSet<(String, String)> {
    const KINDS: [&str; 7] = ["LEFT#", "OWNED#", "MAPPING#", "VOICE#", "MANIFEST#", "USER#", "BINDING"];
    let kept = scene.kept().await.into_keys();
    let kept = kept.filter(|(pk, sk)| pk.starts_with("TENANT#") || KINDS.iter().any(|kind| sk.starts_with(kind)));
    // A set of voice users is named by the moment when it was written.
    let name = |sk: String| match sk.strip_prefix("VOICE##") {
        Some(set) => format!("VOICE##{}", &set[set.find('#').unwrap()..]),
        None => sk,
    };
    kept.map(|(pk, sk)| (pk.replace(&scene.enterprise, "OURS"), name(sk)))
        .collect()
}

/// One move, killed at its `call`-th call; the calls that it made, and where it ended.
async fn moved(killed: Option<(u64, Fault)>) -> (u64, BTreeSet<(String, String)>) {
    let scene = Scene::applied(options(30), 2, 2).await;
    let to = other(&scene).await;
    let point = format!("{killed:?}");
    disable(&scene).await;
    let (mut browser, asking) = asked_to_move(&scene, &to).await;
    let faults = &scene.service.world.faults;
    faults.reset();
    if let Some((call, fault)) = killed {
        faults.at_call(call, fault);
    }
    let page = browser.submit(&asking, "/setup/move", &MOVE).await.unwrap();
    let calls = faults.calls();
    faults.reset();
    if page.status == 200 {
        consented(&mut browser, &page, &to.global_admins[0]).await;
    } else {
        go_on(&scene, &to, &point).await;
    }
    assert_eq!(tenant_of(&scene).await, to.id, "{point}");
    assert_eq!(scene.setup_state().await, "complete", "{point}");
    assert_eq!(scene.get("/group-filter").await.text("/mode"), "undecided", "{point}");
    assert_eq!(scene.get("/status").await.text("/actionNeeded"), "None", "{point}");
    assert_eq!(scene.holders().await.len(), 2, "{point}");
    let moves = scene
        .deeds()
        .await
        .into_iter()
        .filter(|deed| deed == "tenantMoved")
        .count();
    assert_eq!(moves, 1, "{point}");
    (calls, place(&scene).await)
}

/// What a person does who found an error: the step that the enterprise asks for.
async fn go_on(scene: &Scene, to: &Tenant, point: &str) {
    let admin = &to.global_admins[0];
    if tenant_of(scene).await != to.id {
        let (mut browser, page) = asked_to_move(scene, to).await;
        let page = browser.submit(&page, "/setup/move", &MOVE).await.unwrap();
        consented(&mut browser, &page, admin).await;
        return;
    }
    let api = scene.api("reseller_admin");
    let form = json!({ "action": "grantConsent" });
    let given = api.post(&scene.path("/action-urls"), &form).await.unwrap();
    assert_eq!(given.status, 201, "{point}: {}", given.body);
    let link: Url = given.text("/url").parse().unwrap();
    let (_, page) = sign_in_to_step(&link, admin).await.unwrap();
    assert_eq!(page.status, 200, "{point}: {}", page.html);
}

async fn killed_everywhere(fault: Fault) {
    let (calls, expected) = moved(None).await;
    let step = calls.div_ceil(POINTS).max(1);
    let mut tried = 0;
    for call in (1..=calls).step_by(usize::try_from(step).unwrap()) {
        let (_, place) = moved(Some((call, fault.clone()))).await;
        assert_eq!(place, expected, "{fault:?} {call}");
        tried += 1;
    }
    println!("{fault:?}: {tried} of {calls} points tried");
    assert!(tried > 5, "{tried}");
}

#[tokio::test]
async fn a_move_killed_before_any_call_ends_in_the_same_place() {
    killed_everywhere(Fault::KillBefore).await;
}

#[tokio::test]
async fn a_move_killed_after_any_call_ends_in_the_same_place() {
    killed_everywhere(Fault::KillAfter).await;
}
