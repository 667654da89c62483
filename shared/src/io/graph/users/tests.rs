//! Whole lists, lists that break off, pages that lead astray, and parallel reads that are told to wait.

use super::super::stage::{Asked, Reply, Stage, hasty, said, token};
use super::*;
use futures::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

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
    let (token, gate) = (token(), Gate::default());
    let mut pages = graph.users(&token, &Range::ALL, &gate);
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
    let second: [fn() -> Reply; 5] = [
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

/// A single page that promises more than it holds; the second answer is that of the count.
async fn short(promised: Option<u64>, entries: &[u32], count: &'static str) -> (Stage, Result<Vec<String>>) {
    let value: Vec<Value> = entries.iter().map(|n| user(*n)).collect();
    let stage = Stage::new(move |asked, _| {
        if asked.url.path().ends_with("/$count") {
            return Reply::text(200, count);
        }
        let mut page = json!({ "value": value });
        if let Some(promised) = promised {
            page["@odata.count"] = promised.into();
        }
        Reply::json(200, page)
    })
    .await;
    let names = read(&stage.graph()).await;
    (stage, names)
}

#[tokio::test]
async fn a_list_that_came_short_is_counted_again() {
    let (stage, names) = short(Some(3), &[1, 2], "\u{feff}2").await;
    assert_eq!(names.unwrap().len(), 2, "somebody left while it was read");
    let asked = stage.asked();
    assert_eq!(asked[1].url.path(), "/v1.0/users/$count");
    assert_eq!(asked[1].query("$filter"), asked[0].query("$filter"));
    assert_eq!(asked[1].header("consistencylevel"), "eventual");
    assert_eq!(asked[1].header("x-ms-throttle-priority"), "low");

    let (_, names) = short(Some(3), &[1, 2], "3").await;
    assert!(said(&names.unwrap_err()).contains("fewer entries"));
    let (_, names) = short(Some(3), &[1, 2, 2], "3").await;
    assert!(names.is_err(), "an entry that came twice is no other one");
    let (stage, names) = short(None, &[1, 2], "2").await;
    assert_eq!(
        (names.unwrap().len(), stage.asked().len()),
        (2, 2),
        "nothing was promised"
    );
    let (_, names) = short(Some(3), &[1, 2], "<html>").await;
    assert!(names.is_err());
    let (stage, names) = short(Some(2), &[1, 2, 2], "").await;
    assert_eq!((names.unwrap().len(), stage.asked().len()), (3, 1));
}

#[tokio::test]
async fn accounts_are_counted() {
    let stage = Stage::new(|_, _| Reply::text(200, "\u{feff}2500")).await;
    let graph = stage.graph();
    assert_eq!(graph.count_users(&token()).await.unwrap(), 2500);
    assert_eq!(graph.count_members(&token()).await.unwrap(), 2500);
    let asked = stage.asked();
    assert_eq!(asked[0].query("$filter"), "accountEnabled eq true");
    assert_eq!(
        asked[1].query("$filter"),
        "accountEnabled eq true and userType eq 'Member'"
    );
    assert!(asked.iter().all(|asked| asked.header("consistencylevel") == "eventual"));
}

#[tokio::test]
async fn a_range_is_asked_for_by_sign_in_name() {
    let stage = Stage::new(|_, _| Reply::json(200, json!({"@odata.count": 0, "value": []}))).await;
    let (graph, token, gate) = (stage.graph(), token(), Gate::default());
    let range = Range {
        from: Some("o'hara".into()),
        to: Some("q".into()),
    };
    assert!(
        graph
            .users(&token, &range, &gate)
            .next()
            .await
            .unwrap()
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        stage.asked()[0].query("$filter"),
        "accountEnabled eq true and userPrincipalName ge 'o''hara' and userPrincipalName le 'q'"
    );
}

#[test]
fn small_directories_are_read_in_one_go() {
    for accounts in [0, 1, 5_000] {
        assert_eq!(ranges(accounts), [Range::ALL]);
    }
    assert_eq!(ranges(5_001).len(), 2);
    assert_eq!(ranges(80_000).len(), 16);
    assert_eq!(ranges(5_000_000).len(), 16);
}

proptest! {
    /// Whatever the order of names is, as long as it is one.
    #[test]
    fn everybody_is_in_a_range(accounts in 0..200_000_u64, name in ".{0,8}", salt in any::<u64>(), order in 0..4) {
        let key = |text: &str| match order {
            0 => text.to_owned(),
            1 => text.to_lowercase(),
            2 => text.chars().rev().collect(),
            _ => format!("{:020}", text.bytes().fold(salt, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))),
        };
        let holds = |range: &Range| {
            range.from.as_ref().is_none_or(|from| key(&name) >= key(from))
                && range.to.as_ref().is_none_or(|to| key(&name) <= key(to))
        };
        prop_assert!(ranges(accounts).iter().any(holds));
    }
}

#[tokio::test]
async fn members_come_page_by_page_without_the_disabled() {
    let stage = Stage::new(|asked, _| {
        let mut disabled = user(3);
        disabled["accountEnabled"] = json!(false);
        Reply::json(
            200,
            match asked.query("$skiptoken").as_str() {
                "" => json!({"@odata.count": 3, "@odata.nextLink": asked.link("groups/x?$skiptoken=a"), "value": [user(1)]}),
                _ => json!({"value": [user(2), disabled]}),
            },
        )
    })
    .await;
    let (graph, token, gate) = (stage.graph(), token(), Gate::default());
    let group: GroupId = "02bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    let Members::Listed(mut members) = graph.group_members(&token, &group, &gate).await.unwrap() else {
        panic!("they are there");
    };
    let mut found = Vec::new();
    while let Some(page) = members.next().await.unwrap() {
        found.extend(page.into_iter().map(|user| user.name));
    }
    assert_eq!(found, ["User 1", "User 2"]);
    let asked = stage.asked();
    let path = format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user");
    assert_eq!(asked[0].url.path(), path);
    assert_eq!(asked[0].query("$select"), USER_FIELDS);
    assert_eq!(asked[1].header("consistencylevel"), "eventual");
}

#[tokio::test]
async fn a_group_may_be_gone_or_hide_its_members() {
    let denied = || json!({"error": {"code": "Authorization_RequestDenied", "message": "no"}});
    let group: GroupId = "02bd9fd6-8f93-4758-87c3-1fb73740a315".parse().unwrap();
    let (token, gate) = (token(), Gate::default());
    let gone = Stage::new(|_, _| Reply::json(404, json!({"error": {"code": "Request_ResourceNotFound"}}))).await;
    let graph = gone.graph();
    assert!(matches!(
        graph.group_members(&token, &group, &gate).await,
        Ok(Members::Gone)
    ));
    for (visibility, hidden) in [
        (json!("HiddenMembership"), true),
        (json!("Private"), false),
        (json!(null), false),
    ] {
        let stage = Stage::new(move |asked, _| {
            if asked.url.path().contains("transitiveMembers") {
                Reply::json(403, denied())
            } else {
                Reply::json(
                    200,
                    json!({"id": "02bd9fd6-8f93-4758-87c3-1fb73740a315", "visibility": visibility}),
                )
            }
        })
        .await;
        let graph = stage.graph();
        match graph.group_members(&token, &group, &gate).await {
            Ok(Members::Hidden) => assert!(hidden),
            Err(Error::Refused { status: 403, .. }) => assert!(!hidden),
            _ => panic!("neither hidden nor refused"),
        }
    }
}

/// Five readers of one tenant, three of whom are told to wait; nobody asks again before.
#[tokio::test]
async fn nobody_asks_before_the_pause_is_over() {
    const PAUSE: Duration = Duration::from_millis(40);
    // When each request came, and until when requests are unwelcome.
    type Book = (Vec<Instant>, Option<Instant>, Vec<Instant>);
    let book: Arc<Mutex<Book>> = Arc::default();
    let kept = Arc::clone(&book);
    let stage = Stage::new(move |asked, before| {
        let mut book = kept.lock().unwrap();
        let now = Instant::now();
        book.0.push(now);
        // Everything goes one after another, so no request is on its way when another one is told to wait.
        if book.1.is_some_and(|until| now < until) {
            book.2.push(now);
        }
        if matches!(before, 3 | 7 | 8) {
            book.1 = Some(now + PAUSE);
            let asked = if before == 8 { 503 } else { 429 };
            return Reply::text(asked, "<html>busy</html>").header("retry-after", "0.040");
        }
        pages(asked, before)
    })
    .await;
    let graph = stage
        .graph()
        .with_http(hasty().with_patience(crate::io::http::Patience {
            tries: 5,
            longest_wait: Duration::from_secs(1),
            first_backoff: Duration::from_millis(1),
        }));
    let (token, gate) = (token(), Gate::new(1));
    let read = join_all((0..5).map(async |_| {
        let mut pages = graph.users(&token, &Range::ALL, &gate);
        let mut names = BTreeSet::new();
        while let Some(page) = pages.next().await.unwrap() {
            names.extend(page.into_iter().map(|user| user.name));
        }
        names.len()
    }))
    .await;
    assert_eq!(read, [3; 5]);
    let book = book.lock().unwrap();
    assert_eq!(book.0.len(), 5 * 3 + 3);
    assert!(book.2.is_empty(), "{} early requests", book.2.len());
}

#[tokio::test]
async fn reading_can_be_awaited_anywhere() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let stage = Stage::new(pages).await;
    let (graph, token, gate) = (stage.graph(), token(), Gate::default());
    let mut users = graph.users(&token, &Range::ALL, &gate);
    assert_eq!(sendable(users.next()).await.unwrap().unwrap().len(), 2);
    assert!(sendable(graph.numbers(&token, &[])).await.unwrap().is_empty());
    assert!(sendable(graph.operations(&token, &[])).await.unwrap().is_empty());
    assert!(
        sendable(graph.user_configurations(&token, &[]))
            .await
            .unwrap()
            .is_empty()
    );
}
