//! The organisation, roles and groups.

use super::super::stage::{Asked, Reply, Stage, token};
use super::*;
use crate::domain::group_filter::{Banned, GroupKind};
use serde_json::{Value, json};

#[tokio::test]
async fn the_organisation_has_an_initial_label() {
    let stage = Stage::new(|_, _| {
        Reply::json(
            200,
            json!({"value": [{"id": "9f3c2b10-0000-4000-8000-00000000bf01", "displayName": "Bluefinch Ltd",
            "verifiedDomains": [
                {"name": "bluefinch.example", "type": "Managed", "isDefault": true, "isInitial": false},
                {"name": "BlueFinch.onmicrosoft.com", "isDefault": false, "isInitial": true}]}]}),
        )
    })
    .await;
    let found = stage.graph().organization(&token()).await.unwrap();
    assert_eq!(found.initial_label, "bluefinch");
    assert_eq!(found.id.as_str(), "9f3c2b10-0000-4000-8000-00000000bf01");
    assert!(found.domains[0].default && found.domains[1].initial);
    let nothing = Stage::new(|_, _| Reply::json(200, json!({"value": []}))).await;
    assert!(nothing.graph().organization(&token()).await.is_err());
}

const ADMIN: &str = r##"{"@odata.type":"#microsoft.graph.directoryRole","id":"b7a10000-0000-4000-8000-000000000001",
    "displayName":"Global Administrator","roleTemplateId":"62E90394-69f5-4237-9190-012177145e10"}"##;

#[tokio::test]
async fn roles_are_read_by_cast_or_without() {
    let admin: Value = serde_json::from_str(ADMIN).unwrap();
    let cast = |asked: &Asked| asked.url.path().ends_with("/microsoft.graph.directoryRole");
    let by_cast = admin.clone();
    let stage = Stage::new(move |_, _| Reply::json(200, json!({"@odata.count": 1, "value": [by_cast]}))).await;
    let roles = stage.graph().my_roles(&token()).await.unwrap();
    assert_eq!(roles[0].template_id, GLOBAL_ADMINISTRATOR);
    assert_eq!(stage.asked()[0].header("consistencylevel"), "eventual");

    let unsupported = json!({"error": {"code": "Request_UnsupportedQuery", "message": "no"}});
    for first in [(400, unsupported), (200, json!({"@odata.count": 0, "value": []}))] {
        let admin = admin.clone();
        let stage = Stage::new(move |asked, _| {
            if cast(asked) {
                return Reply::json(first.0, first.1.clone());
            }
            let group = json!({"@odata.type": "#microsoft.graph.group", "displayName": "All_Contoso_Licensing",
                "roleTemplateId": GLOBAL_ADMINISTRATOR});
            Reply::json(200, json!({"value": [group, admin]}))
        })
        .await;
        let roles = stage.graph().my_roles(&token()).await.unwrap();
        assert_eq!(roles.len(), 1);
        assert_eq!(roles[0].name, "Global Administrator");
    }

    let denied = json!({"error": {"code": "Authorization_RequestDenied", "message": "no"}});
    let stage = Stage::new(move |_, _| Reply::json(403, denied.clone())).await;
    assert!(matches!(
        stage.graph().my_roles(&token()).await,
        Err(Error::Refused { status: 403, .. })
    ));
}

#[tokio::test]
async fn groups_are_sorted_and_classified() {
    let stage = Stage::new(|_, _| {
        Reply::json(
            200,
            json!({"value": [
            {"id": "d7797254-3084-44d0-99c9-a3b5ab149538", "displayName": "Golf Discussion", "groupTypes": [],
             "mailEnabled": true, "mailNickname": "golftalk", "membershipRule": null, "securityEnabled": false},
            {"id": "45b7d2e7-b882-4a80-ba97-10b7a63b8fa4", "displayName": "golf Assist", "groupTypes": ["Unified"],
             "mailNickname": "golfassist", "securityEnabled": false},
            {"id": "45b7d2e7-b882-4a80-ba97-10b7a63b8fa5", "displayName": null, "groupTypes": null,
             "mailNickname": "nameless", "securityEnabled": true}]}),
        )
    })
    .await;
    let groups = stage.graph().groups(&token(), None).await.unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["golf Assist", "Golf Discussion", "nameless"]);
    assert_eq!(groups[0].kind, GroupKind::Microsoft365);
    assert_eq!(groups[1].banned, Some(Banned::Distribution));
    assert_eq!(stage.asked()[0].header("consistencylevel"), "");
}

#[tokio::test]
async fn a_search_is_quoted() {
    let stage = Stage::new(|_, _| Reply::json(200, json!({"@odata.count": 0, "value": []}))).await;
    let graph = stage.graph();
    assert!(graph.groups(&token(), Some(r#"R&D "x"\"#)).await.unwrap().is_empty());
    assert!(graph.groups(&token(), Some("  ")).await.unwrap().is_empty());
    let asked = stage.asked();
    assert_eq!(asked[0].query("$search"), r#""displayName:R&D \"x\"\\""#);
    assert_eq!(asked[0].header("consistencylevel"), "eventual");
    assert_eq!(asked[1].query("$search"), "");
}

#[tokio::test]
async fn a_group_that_is_gone_is_none() {
    let gone = json!({"error": {"code": "Request_ResourceNotFound", "message": "gone"}});
    let stage = Stage::new(move |_, _| Reply::json(404, gone.clone())).await;
    assert!(
        stage
            .graph()
            .group_by_id(&token(), &group_id(1))
            .await
            .unwrap()
            .is_none()
    );
}

fn group_id(n: u32) -> GroupId {
    format!("02bd9fd6-8f93-4758-87c3-{n:012}").parse().unwrap()
}

#[tokio::test]
async fn sizes_come_twenty_at_a_time_and_busy_parts_are_asked_again() {
    let stage = Stage::new(|asked, before| {
        let parts = asked.json()["requests"].as_array().unwrap().clone();
        let answer = |(nth, part): (usize, &Value)| {
            assert_eq!(part["headers"]["consistencylevel"], "eventual");
            let url = part["url"].as_str().unwrap();
            let group = url
                .strip_prefix("/groups/")
                .and_then(|rest| rest.split_once('/'))
                .unwrap();
            assert_eq!(group.1, "transitiveMembers/microsoft.graph.user/$count");
            let (status, body) = match (
                group.0.ends_with("03"),
                group.0.ends_with("04"),
                before == 0 && nth % 5 == 0,
            ) {
                (true, ..) => (
                    404,
                    json!({"error": {"code": "Request_ResourceNotFound", "message": ""}}),
                ),
                (_, true, _) => (
                    403,
                    json!({"error": {"code": "Authorization_RequestDenied", "message": ""}}),
                ),
                (.., true) => (429, json!({"error": {"code": "TooManyRequests", "message": ""}})),
                _ if nth % 2 == 0 => (200, json!(7)),
                _ => (200, json!("7")),
            };
            json!({"id": part["id"], "status": status, "headers": {"Retry-After": "0.002"}, "body": body})
        };
        let mut responses: Vec<Value> = parts.iter().enumerate().map(answer).collect();
        responses.reverse();
        Reply::json(200, json!({"responses": responses}))
    })
    .await;
    let groups: Vec<GroupId> = (1..=45).map(group_id).collect();
    let sizes = stage.graph().group_sizes(&token(), &groups).await.unwrap();
    assert_eq!(sizes.len(), 45);
    for (nth, group) in groups.iter().enumerate() {
        assert_eq!(sizes[group], (!matches!(nth + 1, 3 | 4)).then_some(7), "{group}");
    }
    let asked = stage.asked();
    let parts = |nth: usize| asked[nth].json()["requests"].as_array().unwrap().len();
    assert_eq!((0..asked.len()).map(parts).collect::<Vec<_>>(), [20, 4, 20, 5]);
}
