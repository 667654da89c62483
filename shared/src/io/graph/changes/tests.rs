//! Rounds of changes: whole, replayed, unfinished, forgotten, and led astray.

use super::super::stage::{Asked, Reply, Stage, said, token};
use super::*;
use serde_json::{Value, json};

fn id(n: u32) -> String {
    format!("2c0b6a1e-1111-4a11-9a11-{n:012}")
}

fn user(n: u32, name: &str) -> Value {
    json!({"id": id(n), "displayName": name, "userPrincipalName": format!("u{n}@bluefinch.example"),
        "mail": null, "userType": "Member", "accountEnabled": true, "assignedLicenses": [], "assignedPlans": []})
}

fn link(stage: &Stage, rest: &str) -> ChangesLink {
    ChangesLink(stage.url.join("/v1.0/").unwrap().join(rest).unwrap().to_string())
}

/// What a round says, and where the next one begins.
async fn round(stage: &Stage, from: &ChangesLink) -> Result<(Vec<String>, Option<ChangesLink>)> {
    let (graph, token) = (stage.graph(), token());
    let mut pages = graph.changes(&token, from);
    let mut said = Vec::new();
    loop {
        match pages.next().await? {
            Changes::Page(changes) => said.extend(changes.into_iter().map(|change| match change {
                UserChange::Here(user) => user.name,
                UserChange::Gone(id) => format!("gone {}", &id.as_str()[34..]),
            })),
            Changes::End(link) => {
                assert!(matches!(pages.next().await, Ok(Changes::End(again)) if again == link));
                return Ok((said, Some(link)));
            }
            Changes::StartOver => {
                assert!(matches!(pages.next().await, Ok(Changes::StartOver)));
                return Ok((said, None));
            }
        }
    }
}

#[tokio::test]
async fn the_present_place_is_asked_for_with_the_same_fields() {
    let stage = Stage::new(|asked, before| {
        Reply::json(
            200,
            if before == 0 {
                json!({"@odata.nextLink": asked.link("users/delta?$skiptoken=s"), "value": []})
            } else {
                json!({"@odata.deltaLink": asked.link("users/delta?$deltatoken=d1"), "value": []})
            },
        )
    })
    .await;
    let place = stage.graph().changes_from_now(&token()).await.unwrap();
    assert_eq!(place, link(&stage, "users/delta?$deltatoken=d1"));
    let text = serde_json::to_string(&place).unwrap();
    assert_eq!(serde_json::from_str::<ChangesLink>(&text).unwrap(), place);
    let asked = stage.asked();
    assert_eq!(asked[0].query("$deltatoken"), "latest");
    assert_eq!(asked[0].query("$select"), USER_FIELDS);
    assert_eq!(asked[0].header("x-ms-throttle-priority"), "low");
    assert_eq!(asked[0].header("prefer"), "", "all fields of a changed user are wanted");
}

fn two_pages(asked: &Asked, _: usize) -> Reply {
    let mut disabled = user(4, "Disabled");
    disabled["accountEnabled"] = json!(false);
    Reply::json(
        200,
        match asked.query("$skiptoken").as_str() {
            "" => json!({"@odata.nextLink": asked.link("users/delta?$skiptoken=a"), "value": [
                user(1, "Mara"), {"id": id(2), "@removed": {"reason": "changed"}}, user(1, "Mara Quist")]}),
            _ => json!({"@odata.deltaLink": asked.link("users/delta?$deltatoken=d2"), "value": [
                {"id": id(3), "@removed": {"reason": "deleted"}}, disabled, user(2, "Back")]}),
        },
    )
}

#[tokio::test]
async fn a_round_keeps_its_order_and_its_repeats() {
    let stage = Stage::new(two_pages).await;
    let (said, end) = round(&stage, &link(&stage, "users/delta?$deltatoken=d1"))
        .await
        .unwrap();
    assert_eq!(said, ["Mara", "gone 02", "Mara Quist", "gone 03", "gone 04", "Back"]);
    assert_eq!(end, Some(link(&stage, "users/delta?$deltatoken=d2")));
}

#[tokio::test]
async fn an_entry_that_says_too_little_is_read_by_itself() {
    let stage = Stage::new(|asked, _| {
        if asked.url.path().ends_with("/$batch") {
            let parts = asked.json()["requests"].as_array().unwrap().clone();
            let answer = |part: &Value| {
                let url = part["url"].as_str().unwrap();
                assert!(url.ends_with(&format!("?$select={USER_FIELDS}")));
                let gone = url.contains(&id(2));
                json!({"id": part["id"], "status": if gone { 404 } else { 200 },
                    "body": if gone { json!({"error": {"code": "Request_ResourceNotFound"}}) } else { user(3, "Whole") }})
            };
            return Reply::json(200, json!({"responses": parts.iter().map(answer).collect::<Vec<_>>()}));
        }
        Reply::json(
            200,
            json!({"@odata.deltaLink": asked.link("users/delta?$deltatoken=d2"), "value": [
            user(1, "Mara"), {"id": id(2), "displayName": "Lone"}, {"id": id(3), "accountEnabled": true}, user(4, "Otto")]}),
        )
    })
    .await;
    let (said, _) = round(&stage, &link(&stage, "users/delta?$deltatoken=d1"))
        .await
        .unwrap();
    assert_eq!(said, ["Mara", "gone 02", "Whole", "Otto"]);
}

#[tokio::test]
async fn a_forgotten_place_means_to_start_over() {
    for (status, code) in [
        (410, "resyncRequired"),
        (410, ""),
        (404, "syncStateNotFound"),
        (400, "syncStateInvalid"),
        (400, "Directory_ExpiredPageToken"),
        (409, "ResyncRequired"),
    ] {
        let lost = move || {
            let body = json!({"error": {"code": code, "message": "Full synchronization is needed."}});
            Reply::json(status, body).header("location", "https://elsewhere.example/v1.0/users/delta?$deltatoken=")
        };
        let first = Stage::new(move |_, _| lost()).await;
        assert_eq!(
            round(&first, &link(&first, "users/delta?$deltatoken=d1"))
                .await
                .unwrap(),
            (vec![], None)
        );
        let half_way = Stage::new(move |asked, before| if before == 0 { two_pages(asked, 0) } else { lost() }).await;
        let (_, end) = round(&half_way, &link(&half_way, "users/delta?$deltatoken=d1"))
            .await
            .unwrap();
        assert_eq!(end, None);
        assert_eq!(half_way.asked().len(), 2);
    }
    for (status, code) in [
        (403, "Authorization_RequestDenied"),
        (401, "InvalidAuthenticationToken"),
    ] {
        let body = json!({"error": {"code": code, "message": "no"}});
        let stage = Stage::new(move |_, _| Reply::json(status, body.clone())).await;
        assert!(
            round(&stage, &link(&stage, "users/delta?$deltatoken=d1"))
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn a_place_elsewhere_gets_no_token() {
    let stage = Stage::new(two_pages).await;
    let elsewhere = Stage::new(two_pages).await;
    for place in [
        link(&elsewhere, "users/delta?$deltatoken=d1"),
        ChangesLink(stage.url.join("/beta/users/delta").unwrap().to_string()),
        ChangesLink("no address".into()),
    ] {
        assert_eq!(round(&stage, &place).await.unwrap(), (vec![], None));
    }
    assert!(stage.asked().is_empty() && elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_round_without_an_end_is_an_error() {
    let bad: [fn(&Asked) -> Value; 4] = [
        |_| json!({"value": []}),
        |asked| json!({"@odata.nextLink": asked.link("users/delta?$deltatoken=d1"), "value": []}),
        |_| json!({"@odata.nextLink": "https://elsewhere.example/v1.0/users/delta?$skiptoken=a", "value": []}),
        |asked| json!({"@odata.deltaLink": asked.link("users/delta?$deltatoken=d2"), "value": [{"id": "x"}]}),
    ];
    for bad in bad {
        let stage = Stage::new(move |asked, _| Reply::json(200, bad(asked))).await;
        let error = round(&stage, &link(&stage, "users/delta?$deltatoken=d1"))
            .await
            .unwrap_err();
        assert!(
            said(&error).starts_with("could not read what changed"),
            "{}",
            said(&error)
        );
    }
}
