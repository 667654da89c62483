//! The mapping: what a save changes, what it refuses, and that many savers stay within the licences (R105-R118).

mod during_a_sync;
mod matching;
mod page;
mod refusals;
mod storm;

use super::scene::{Scene, options, voice_user};
use serde_json::{Value, json};

/// Twelve voice users and nobody mapped.
pub(super) async fn scene(limit: Option<u32>) -> Scene {
    let scene = Scene::discovered(options(80), limit).await;
    scene.push(12).await;
    scene
}

#[tokio::test]
async fn r105_r109_the_page_has_the_columns_and_ten_rows() {
    let page = scene(None).await.get("/mapping").await;
    let columns = json!(["Name", "Email & Extension", "Microsoft Teams User"]);
    assert_eq!(page.body["columns"], columns);
    assert_eq!(page.list("/rows").len(), 10);
    assert_eq!(page.text("/itemsPerPage"), "Items per page: 10");
    assert_eq!(page.text("/range"), "1 – 10 of 12");
}

#[tokio::test]
async fn r109_the_last_page_has_the_rest() {
    let page = scene(None).await.get("/mapping?page=2").await;
    assert_eq!(page.text("/range"), "11 – 12 of 12");
    assert_eq!(page.list("/rows").len(), 2);
}

#[tokio::test]
async fn r110_the_page_reminds_of_the_other_pages() {
    let page = scene(None).await.get("/mapping").await;
    let reminds = page
        .list("/notices")
        .iter()
        .any(|notice| notice.to_string().contains("every page"));
    assert!(reminds, "{}", page.body);
}

#[tokio::test]
async fn r106_an_unmapped_row_reads_select_user() {
    let page = scene(None).await.get("/mapping").await;
    assert_eq!(page.text("/rows/0/text"), "Select User");
    assert_eq!(page.body["rows"][0]["teamsUser"], Value::Null);
}

#[tokio::test]
async fn r108_a_voice_user_without_an_address_shows_the_extension_only() {
    let scene = scene(None).await;
    let mut user = voice_user(0);
    user["email"] = Value::Null;
    scene.push_items(json!([user])).await;
    assert_eq!(
        scene.get("/mapping").await.text("/rows/0/emailAndExtension"),
        "Ext. 1000"
    );
}

#[tokio::test]
async fn r107_blank_and_none_mean_the_same() {
    let scene = scene(None).await;
    scene.map(&[(0, Some(0)), (1, Some(1))]).await;
    let etag = scene.get("/mapping").await.etag;
    let rows = [
        json!({ "voiceUser": "v000" }),
        json!({ "voiceUser": "v001", "teamsUser": null }),
    ];
    let saved = scene.save(&rows, etag.as_deref()).await;
    assert_eq!(saved.number("/changed"), Some(2), "{}", saved.body);
    let page = scene.get("/mapping?unmapped=true").await;
    assert_eq!(page.text("/range"), "1 – 10 of 12");
}

#[tokio::test]
async fn r111_the_licences_are_the_limit() {
    let scene = scene(Some(5)).await;
    let pairs: Vec<_> = (0..5).map(|n| (n, Some(n))).collect();
    assert_eq!(scene.map(&pairs).await.status, 200);
    let over = scene.map(&[(5, Some(5))]).await;
    assert_eq!(over.status, 409);
    assert_eq!(over.text("/code"), "over-license");
    assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(5));
}

#[tokio::test]
async fn r111_a_save_beyond_the_limit_saves_nothing_of_it() {
    let scene = scene(Some(3)).await;
    let pairs: Vec<_> = (0..4).map(|n| (n, Some(n))).collect();
    assert_eq!(scene.map(&pairs).await.status, 409);
    assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(0));
}

#[tokio::test]
async fn r112_who_hits_the_limit_is_told_whom_to_ask() {
    let scene = scene(Some(1)).await;
    scene.map(&[(0, Some(0))]).await;
    let over = scene.map(&[(1, Some(1))]).await;
    assert!(
        over.text("/detail").contains("your Northwind administrator"),
        "{}",
        over.body
    );
}

// R050, R113
#[tokio::test]
async fn r050_r113_a_save_changes_nothing_in_teams() {
    let scene = scene(None).await;
    let before = scene.numbers().await;
    scene.map(&[(0, Some(0)), (1, Some(1))]).await;
    assert_eq!(scene.numbers().await, before);
}

#[tokio::test]
async fn r114_r136_r137_a_save_queues_changes() {
    let scene = scene(None).await;
    assert_eq!(
        scene.get("/status").await.text("/buttons/integrationPortal"),
        "Sync Now"
    );
    assert_eq!(scene.get("/status").await.text("/buttons/voicePortal"), "Sync Users");
    let saved = scene.map(&[(0, Some(0))]).await;
    assert_eq!(
        (saved.text("/actionNeeded"), saved.text("/button")),
        ("Sync Needed", "Sync Needed")
    );
    let status = scene.get("/status").await;
    assert_eq!(status.text("/actionNeeded"), "Sync Needed");
    assert_eq!(status.text("/buttons/integrationPortal"), "Sync Now - Changes Queued");
    assert_eq!(status.body["buttons"]["warning"], true);
}

#[tokio::test]
async fn r114_undoing_a_change_takes_sync_needed_back() {
    let scene = scene(None).await;
    scene.map(&[(0, Some(0))]).await;
    let undone = scene.map(&[(0, None)]).await;
    assert_eq!(undone.text("/actionNeeded"), "None");
    let status = scene.get("/status").await;
    assert_eq!(status.text("/actionNeeded"), "None");
    assert!(
        scene
            .service
            .world
            .aws
            .scheduler
            .list()
            .iter()
            .all(|schedule| schedule.name != scene.enterprise)
    );
}

#[tokio::test]
async fn r114_a_save_that_changes_nothing_needs_no_sync() {
    let scene = scene(None).await;
    let saved = scene.map(&[(0, None)]).await;
    assert_eq!(saved.number("/changed"), Some(0));
    assert_eq!(saved.text("/actionNeeded"), "None");
}

#[tokio::test]
async fn r115_the_page_says_that_the_global_admin_has_to_sync() {
    let scene = scene(None).await;
    scene.map(&[(0, Some(0))]).await;
    let page = scene.get("/mapping").await;
    let says = page
        .list("/notices")
        .iter()
        .any(|notice| notice.to_string().contains("Sync Required: "));
    assert!(says, "{}", page.body);
}

#[tokio::test]
async fn r116_r117_a_freed_licence_is_free_only_after_the_next_sync() {
    let scene = scene(Some(2)).await;
    scene.map(&[(0, Some(0)), (1, Some(1))]).await;
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    scene.map(&[(0, None)]).await;
    let page = scene.get("/mapping").await;
    assert_eq!(page.number("/licences/pendingRelease"), Some(1));
    assert_eq!(scene.map(&[(2, Some(2))]).await.status, 409);
    assert_eq!(scene.apply().await.text("/state"), "succeeded");
    let after = scene.map(&[(2, Some(2))]).await;
    assert_eq!(after.status, 200, "R118: {}", after.body);
}

#[tokio::test]
async fn a_teams_user_cannot_be_chosen_twice() {
    let scene = scene(None).await;
    let answer = scene.map(&[(0, Some(0)), (1, Some(0))]).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(answer.text("/code"), "invalid");
}

#[tokio::test]
async fn somebody_who_is_no_candidate_cannot_be_chosen() {
    let scene = scene(None).await;
    let etag = scene.get("/mapping").await.etag;
    let row = json!({ "voiceUser": "v000", "teamsUser": "11111111-2222-4333-8444-555555555555" });
    let answer = scene.save(&[row], etag.as_deref()).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(answer.text("/errors/0/field"), "rows[0].teamsUser");
    assert_eq!(answer.text("/errors/0/code"), "NO_SUCH_TEAMS_USER");
}

#[tokio::test]
async fn a_voice_user_without_a_number_cannot_be_mapped() {
    let scene = scene(None).await;
    let mut user = voice_user(0);
    user["number"] = Value::Null;
    scene.push_items(json!([user])).await;
    assert_eq!(scene.map(&[(0, Some(0))]).await.status, 422);
}

#[tokio::test]
async fn of_two_saves_with_the_same_etag_one_wins() {
    let scene = scene(None).await;
    let candidates = scene.candidates().await;
    let etag = scene.get("/mapping").await.etag;
    let rows: Vec<[Value; 1]> = (0..2)
        .map(|n| [json!({ "voiceUser": format!("v{n:03}"), "teamsUser": candidates[n]["id"] })])
        .collect();
    let (a, b) = tokio::join!(
        scene.save(&rows[0], etag.as_deref()),
        scene.save(&rows[1], etag.as_deref())
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(1));
}

#[tokio::test]
async fn a_save_needs_the_etag() {
    let scene = scene(None).await;
    let answer = scene.save(&[], None).await;
    assert_eq!(answer.status, 428, "{}", answer.body);
    assert_eq!(answer.text("/code"), "header-missing");
}

#[tokio::test]
async fn a_hundred_savers_at_once_never_exceed_the_licences() {
    const LIMIT: usize = 5;
    let scene = Scene::discovered(options(160), Some(5)).await;
    scene.push(100).await;
    let pairs: Vec<_> = (0..LIMIT - 1).map(|n| (n, Some(n))).collect();
    scene.map(&pairs).await;
    let candidates = scene.candidates().await;
    for round in 0..2 {
        let etag = scene.get("/mapping").await.etag;
        let savers = (LIMIT..100).map(|n| {
            let teams = &candidates[LIMIT + n % (candidates.len() - LIMIT)]["id"];
            let row = json!({ "voiceUser": format!("v{n:03}"), "teamsUser": teams });
            let (scene, etag) = (&scene, etag.clone());
            async move { scene.save(&[row], etag.as_deref()).await }
        });
        let answers = futures::future::join_all(savers).await;
        for answer in &answers {
            let known = [200, 409, 412, 422].contains(&answer.status.as_u16());
            assert!(known, "{} {}", answer.status, answer.body);
        }
        let wins = answers
            .iter()
            .filter(|answer| answer.number("/changed") == Some(1))
            .count();
        // In the second round whoever won before saves what is there already.
        assert_eq!(wins, usize::from(round == 0), "one of those with the same ETag wins");
        assert_eq!(scene.get("/mapping").await.number("/licences/used"), Some(LIMIT as u64));
    }
    let enterprise = scene.enterprise.parse().unwrap();
    let kept = scene.service.io.store.account(&enterprise).await.unwrap();
    assert_eq!(kept.rows.len(), LIMIT);
}

#[tokio::test]
async fn a_mapped_voice_user_cannot_disappear() {
    let scene = scene(None).await;
    scene.map(&[(0, Some(0))]).await;
    let api = scene.api("account_admin");
    let body = json!({ "items": [voice_user(1)] });
    let answer = api.put(&scene.path("/voice-users"), &body, None).await.unwrap();
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(scene.get("/voice-users").await.list("/items").len(), 12);
}

#[tokio::test]
async fn the_same_push_again_changes_nothing() {
    let scene = scene(None).await;
    let before = scene.kept().await;
    let again = scene.push(12).await;
    assert_eq!(again.number("/unchanged"), Some(12));
    assert_eq!(scene.kept().await, before);
}

#[tokio::test]
async fn a_number_cannot_belong_to_two_voice_users() {
    let scene = scene(None).await;
    let mut second = voice_user(1);
    second["number"] = voice_user(0)["number"].clone();
    let body = json!({ "items": [voice_user(0), second] });
    let api = scene.api("account_admin");
    let answer = api.put(&scene.path("/voice-users"), &body, None).await.unwrap();
    assert_eq!(answer.status, 422, "{}", answer.body);
}
