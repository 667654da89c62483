//! Whole lists, lists that break off, and pages that lead astray.

use super::super::stage::{Asked, Reply, Stage, said, token};
use super::*;
use crate::domain::group_filter::{Banned, GroupKind};
use serde_json::{Value, json};

fn user(n: u32) -> Value {
    json!({"id": format!("2c0b6a1e-1111-4a11-9a11-{n:012}"), "displayName": format!("User {n}"),
        "userPrincipalName": format!("u{n}@bluefinch.example"), "mail": null, "userType": "Member", "usageLocation": "US",
        "accountEnabled": true, "assignedLicenses": [], "assignedPlans": []})
}

/// Three pages, the second one empty.
fn pages(asked: &Asked, _: usize) -> Reply {
    let link = |rest: &str| asked.link(rest);
    Reply::json(
        200,
        match asked.query("$skiptoken").as_str() {
            "" => {
                json!({"@odata.count": 3, "@odata.nextLink": link("users?$skiptoken=a"), "value": [user(1), user(2)]})
            }
            "a" => json!({"@odata.nextLink": link("users?$skiptoken=b"), "value": []}),
            _ => json!({"value": [user(3)]}),
        },
    )
}

async fn read(graph: &Graph) -> Result<Vec<String>> {
    let token = token();
    let mut pages = graph.users(&token);
    let mut names = Vec::new();
    loop {
        match pages.next().await {
            Ok(Some(users)) => names.extend(users.into_iter().map(|user| user.name)),
            Ok(None) => return Ok(names),
            Err(error) => {
                assert!(pages.next().await.is_err(), "a broken list has no end");
                return Err(error);
            }
        }
    }
}

#[tokio::test]
async fn users_are_read_page_by_page() {
    let stage = Stage::new(pages).await;
    assert_eq!(read(&stage.graph()).await.unwrap(), ["User 1", "User 2", "User 3"]);
    let asked = stage.asked();
    assert_eq!(asked.len(), 3);
    for page in &asked {
        assert_eq!(page.header("consistencylevel"), "eventual");
        assert_eq!(page.header("x-ms-throttle-priority"), "low");
        assert_eq!(page.header("authorization"), "Bearer opaque");
    }
    assert_eq!(asked[0].url.path(), "/v1.0/users");
    assert_eq!(asked[0].query("$filter"), "accountEnabled eq true");
    assert_eq!(asked[0].query("$top"), "999");
    assert_eq!(asked[0].query("$count"), "true");
    assert!(!asked[0].url.as_str().contains('+'));
}

#[tokio::test]
async fn a_disabled_account_counts_but_is_not_kept() {
    let mut disabled = user(2);
    disabled["accountEnabled"] = json!(false);
    let stage =
        Stage::new(move |_, _| Reply::json(200, json!({"@odata.count": 2, "value": [user(1), disabled]}))).await;
    assert_eq!(read(&stage.graph()).await.unwrap(), ["User 1"]);
}

#[tokio::test]
async fn a_token_is_sent_nowhere_else() {
    let elsewhere = Stage::new(|_, _| Reply::json(200, json!({"value": []}))).await;
    let port = elsewhere.url.port().unwrap();
    type Link = Box<dyn Fn(&Asked) -> String + Send + Sync>;
    let links: [Link; 6] = [
        Box::new(move |_| format!("http://127.0.0.1:{port}/v1.0/users?$skiptoken=a")),
        Box::new(move |_| format!("http://localhost:{port}/v1.0/users?$skiptoken=a")),
        Box::new(|asked| asked.link("users?$skiptoken=a").replace("http:", "https:")),
        Box::new(|asked| asked.link("../beta/users?$skiptoken=a")),
        Box::new(|asked| asked.link("users?$skiptoken=a").replace("http://", "http://a:b@")),
        Box::new(|_| "users?$skiptoken=a".into()),
    ];
    for link in links {
        let stage =
            Stage::new(move |asked, _| Reply::json(200, json!({"@odata.nextLink": link(asked), "value": [user(1)]})))
                .await;
        let error = read(&stage.graph()).await.unwrap_err();
        assert!(said(&error).contains("the link to the next page"), "{}", said(&error));
        assert_eq!(stage.asked().len(), 1);
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn pages_that_go_in_a_circle_end_in_an_error() {
    let stage = Stage::new(|asked, _| {
        let link = asked.link("users?$skiptoken=same");
        Reply::json(200, json!({"@odata.nextLink": link, "value": [user(1)]}))
    })
    .await;
    assert!(said(&read(&stage.graph()).await.unwrap_err()).contains("circle"));
    assert_eq!(stage.asked().len(), 2);
}

#[tokio::test]
async fn an_incomplete_read_is_an_error() {
    let second: [fn() -> Reply; 6] = [
        || Reply::json(200, json!({"value": []})),
        || Reply::text(200, r#"{"value": [{"id": "2c0b6a1e-1111-4a11"#),
        || Reply::text(200, "<html>maintenance</html>"),
        || Reply::json(200, json!({})),
        || Reply::text(200, r#"{"value": ["#).cut(),
        || Reply::json(500, json!({"error": {"code": "", "message": ""}})),
    ];
    for second in second {
        let stage = Stage::new(move |asked, before| if before == 0 { pages(asked, before) } else { second() }).await;
        assert!(matches!(read(&stage.graph()).await, Err(Error::Upstream { .. })));
    }
}

#[tokio::test]
async fn a_token_that_ends_half_way_says_so() {
    let expired = json!({"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed"}});
    let stage = Stage::new(move |asked, before| {
        if before == 0 {
            pages(asked, before)
        } else {
            Reply::json(401, expired.clone())
        }
    })
    .await;
    assert!(matches!(read(&stage.graph()).await, Err(Error::TokenExpired)));
}

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
async fn a_group_that_is_gone_is_none_not_empty() {
    let gone = json!({"error": {"code": "Request_ResourceNotFound", "message": "gone"}});
    let stage = Stage::new(move |_, _| Reply::json(404, gone.clone())).await;
    let id: GroupId = "02bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    let (graph, token) = (stage.graph(), token());
    assert!(graph.group_members(&token, &id).await.unwrap().is_none());
    assert!(graph.group_by_id(&token, &id).await.unwrap().is_none());
}

#[tokio::test]
async fn members_come_page_by_page() {
    let stage = Stage::new(|asked, _| {
        let member = |n: u32| json!({"id": format!("2c0b6a1e-1111-4a11-9a11-{n:012}")});
        Reply::json(
            200,
            match asked.query("$skiptoken").as_str() {
                "" => json!({"@odata.count": 2, "@odata.nextLink": asked.link("groups/x?$skiptoken=a"), "value": [member(1)]}),
                _ => json!({"value": [member(2)]}),
            },
        )
    })
    .await;
    let id: GroupId = "02bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    let (graph, token) = (stage.graph(), token());
    let mut members = graph.group_members(&token, &id).await.unwrap().unwrap();
    let mut found = 0;
    while let Some(page) = members.next().await.unwrap() {
        found += page.len();
    }
    assert_eq!(found, 2);
    let path = format!("/v1.0/groups/{id}/transitiveMembers/microsoft.graph.user");
    assert_eq!(stage.asked()[0].url.path(), path);
    assert_eq!(stage.asked()[1].header("consistencylevel"), "eventual");
}

#[tokio::test]
async fn reading_can_be_awaited_anywhere() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let stage = Stage::new(pages).await;
    let (graph, token) = (stage.graph(), token());
    assert_eq!(sendable(graph.users(&token).next()).await.unwrap().unwrap().len(), 2);
    assert!(sendable(graph.numbers(&token, &[])).await.unwrap().is_empty());
    assert!(sendable(graph.grant(&token, &[])).await.unwrap().is_empty());
    assert!(
        sendable(graph.user_configurations(&token, &[]))
            .await
            .unwrap()
            .is_empty()
    );
}
