//! Numbers, through batches with busy and failing parts.

use super::super::stage::{Asked, Reply, Stage, said, token};
use super::*;
use jiff::SignedDuration;
use serde_json::{Value, json};

fn e164(text: &str) -> E164 {
    text.parse().unwrap()
}

/// A batch answered part by part, in reverse order.
fn batch(asked: &Asked, part: impl Fn(&str, &str) -> Value) -> Reply {
    let requests = asked.json()["requests"].as_array().unwrap().clone();
    let responses: Vec<Value> = requests
        .iter()
        .rev()
        .map(|request| {
            let (id, url) = (request["id"].as_str().unwrap(), request["url"].as_str().unwrap());
            let mut response = part(id, url);
            response["id"] = json!(id);
            response
        })
        .collect();
    Reply::json(200, json!({"responses": responses}))
}

/// The number that a part asks for, unescaped.
fn wanted(url: &str) -> String {
    let url = url::Url::parse("http://x").unwrap().join(url).unwrap();
    assert_eq!(url.path(), "/admin/teams/telephoneNumberManagement/numberAssignments");
    let (_, filter) = url.query_pairs().find(|(name, _)| name == "$filter").unwrap();
    filter.split('\'').nth(1).unwrap().to_owned()
}

fn free(url: &str) -> Value {
    json!({"status": 200, "body": {"value": [{"telephoneNumber": wanted(url), "numberType": "directRouting",
        "assignmentStatus": "unassigned", "assignmentTargetId": null, "numberSource": "online"}]}})
}

fn some(count: usize) -> Vec<E164> {
    (0..count).map(|n| e164(&format!("+1555010{n:04}"))).collect()
}

#[tokio::test]
async fn a_few_numbers_are_asked_for_in_one_batch() {
    let stage = Stage::new(|asked, _| batch(asked, |_, url| free(url))).await;
    let found = stage.graph().numbers(&token(), &some(20)).await.unwrap();
    assert_eq!(found.len(), 20);
    assert!(
        found
            .values()
            .all(|holding| !holding.assigned && holding.direct_routing)
    );
    assert_eq!(stage.asked().len(), 1);
    assert!(stage.asked()[0].url.path().ends_with("/v1.0/$batch"));
    let url = stage.asked()[0].json()["requests"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(url.contains("%2B1555") && !url.contains('+'), "{url}");
    assert!(stage.graph().numbers(&token(), &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn many_numbers_are_looked_up_in_the_tenants_list() {
    let stage = Stage::new(|asked, before| {
        let number = |n: usize| json!({"telephoneNumber": format!("+1555010{n:04}"), "numberType": "directRouting", "assignmentStatus": "unassigned"});
        let rest = asked.link("admin/teams/telephoneNumberManagement/numberAssignments?$top=1000&$skip=1000");
        match before {
            0 => Reply::json(200, json!({"value": [number(0), number(7_000)], "@odata.nextLink": rest})),
            _ => Reply::json(200, json!({"value": [number(1)]})),
        }
    })
    .await;
    let found = stage.graph().numbers(&token(), &some(45)).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), some(2));
    assert_eq!(stage.asked().len(), 2);
    assert_eq!(stage.asked()[0].query("$top"), "1000");
}

#[tokio::test]
async fn only_busy_parts_are_asked_again() {
    let stage = Stage::new(|asked, before| {
        batch(asked, |id, url| match (before, id) {
            (0, "1") => json!({"status": 429, "headers": {"Retry-After": "0.002"}, "body": {"error": {"code": "TooManyRequests"}}}),
            (0, "3") => json!({"status": 503, "headers": {"retry-after": 0}}),
            (1, "3") => json!({"status": 429}),
            _ => free(url),
        })
    })
    .await;
    let numbers: Vec<E164> = (0..5).map(|n| e164(&format!("+1555010000{n}"))).collect();
    assert_eq!(stage.graph().numbers(&token(), &numbers).await.unwrap().len(), 5);
    let ids: Vec<Vec<String>> = stage
        .asked()
        .iter()
        .map(|asked| {
            let requests = asked.json()["requests"].as_array().unwrap().clone();
            requests
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned())
                .collect()
        })
        .collect();
    assert_eq!(ids[1..], [vec!["1".to_owned(), "3".into()], vec!["3".into()]]);
}

#[tokio::test]
async fn a_batch_that_stays_busy_is_throttled() {
    let busy =
        |headers: Value| move |asked: &Asked, _: usize| batch(asked, |_, _| json!({"status": 429, "headers": headers}));
    let stage = Stage::new(busy(json!({"Retry-After": "90"}))).await;
    let error = stage
        .graph()
        .numbers(&token(), &[e164("+15550100000")])
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Throttled { wait, .. } if wait.as_secs() == 90),
        "{error:?}"
    );
    assert_eq!(stage.asked().len(), 1);
    let stage = Stage::new(busy(json!(null))).await;
    let error = stage
        .graph()
        .numbers(&token(), &[e164("+15550100000")])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Throttled { .. }));
    assert_eq!(stage.asked().len(), 3);
}

#[tokio::test]
async fn failures_inside_a_batch_come_out() {
    let check = async |part: Value, expected: &str| {
        let stage = Stage::new(move |asked, _| batch(asked, |_, _| part.clone())).await;
        let error = stage
            .graph()
            .numbers(&token(), &[e164("+15550100000")])
            .await
            .unwrap_err();
        assert_eq!(said(&error), expected);
    };
    let denied = json!({"status": 403, "body": {"error": {"code": "Authorization_RequestDenied", "message": "no"}}});
    check(denied, "could not read numbers: Authorization_RequestDenied: no").await;
    let empty = json!({"status": 400, "body": {"error": {"code": "", "message": ""}}});
    check(empty, "could not read numbers: Bad Request: ").await;
    check(
        json!({"status": 401}),
        "the session with Microsoft has ended; sign in again",
    )
    .await;
    check(
        json!({"status": 500, "body": "PGh0bWw+"}),
        "could not read numbers: answered 500 (request )",
    )
    .await;
    let other = json!({"status": 200, "body": {"value": [{"telephoneNumber": "+15550100001"}]}});
    check(other, "could not read numbers: the filter was passed over").await;
    let more = json!({"status": 200, "body": {"value": [], "@odata.nextLink": "x"}});
    check(more, "could not read numbers: the filter was passed over").await;
}

#[tokio::test]
async fn a_batch_answers_each_part_once() {
    for responses in [
        json!([]),
        json!([{"id": "7", "status": 200}]),
        json!([{"id": "0", "status": 404}, {"id": "0", "status": 404}]),
        json!([{"id": "0", "status": 1}]),
    ] {
        let stage = Stage::new(move |_, _| Reply::json(200, json!({"responses": responses}))).await;
        let read = stage.graph().numbers(&token(), &[e164("+15550100000")]).await;
        assert!(matches!(read, Err(Error::Upstream { .. })));
    }
}

#[tokio::test]
async fn who_holds_a_number() {
    const USER: &str = "22ed44ab-7759-4649-818e-6af3242dbc5d";
    let check = async |number: &str, value: Value, expected: Option<(bool, bool, bool, bool)>| {
        let stage =
            Stage::new(move |asked, _| batch(asked, |_, _| json!({"status": 200, "body": {"value": value}}))).await;
        let number = e164(number);
        let found = stage
            .graph()
            .numbers(&token(), std::slice::from_ref(&number))
            .await
            .unwrap();
        let got = found.get(&number).map(|holding| {
            (
                holding.assigned,
                holding.holder.is_some(),
                holding.direct_routing,
                holding.on_premises,
            )
        });
        assert_eq!(got, expected);
    };
    // microsoftgraph/microsoft-graph-docs-contrib (MIT code blocks),
    // teamsadministration-telephonenumbermanagementroot-list-numberassignments.md: one object where a list belongs.
    let sample = json!({"@odata.type": "#microsoft.graph.teamsAdministration.numberAssignment",
        "id": "YmMyNjMyZTMtNzUwYy00N2Q3LWFlYWUtOWZlZTAzNWJjMGM3fCsxMjAzNDU2Nzcy", "telephoneNumber": "+12052582895",
        "operatorId": "7a205197-8e59-487d-b9fa-3fc1b108f1e5", "numberType": "directRouting", "activationState": "activated",
        "capabilities": ["voiceApplicationAssignment", "userAssignment"], "locationId": null, "civicAddressId": null,
        "networkSiteId": null, "assignmentTargetId": null, "assignmentCategory": null, "portInStatus": null,
        "assignmentStatus": "unassigned", "isoCountryCode": null, "city": null, "numberSource": "online",
        "supportedCustomerActions": ["locationUpdate"], "reverseNumberLookupOptions": []});
    check("+12052582895", sample.clone(), Some((false, false, true, false))).await;
    let with = |changes: Value| {
        let mut entry = sample.clone();
        entry
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        entry
    };
    let held =
        with(json!({"assignmentTargetId": USER, "assignmentStatus": "userAssigned", "telephoneNumber": "12052582895"}));
    check("+12052582895", json!([held]), Some((true, true, true, false))).await;
    let on_premises =
        with(json!({"assignmentTargetId": USER, "numberSource": "onPremises", "numberType": "callingPlan"}));
    check("+12052582895", json!([on_premises]), Some((true, true, false, true))).await;
    let odd = with(json!({"assignmentStatus": "unknownFutureValue", "newField": 1}));
    check("+12052582895", json!([odd]), Some((true, false, true, false))).await;
    check("+12052582895", json!([sample, held]), Some((true, true, true, false))).await;
    check("+12052582895", json!([]), None).await;
}

#[tokio::test]
async fn the_numbers_of_a_person() {
    const USER: &str = "22ed44ab-7759-4649-818e-6af3242dbc5d";
    let user: TeamsUserId = USER.parse().unwrap();
    let entry = |number: &str, holder: &str| json!({"telephoneNumber": number, "assignmentTargetId": holder, "numberType": "directRouting"});
    let value = json!([entry("+15550100001", USER), entry("+15550100002;ext=12", USER)]);
    let stage = Stage::new(move |asked, _| batch(asked, |_, _| json!({"status": 200, "body": {"value": value}}))).await;
    let found = stage.graph().numbers_of(&token(), &user).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [e164("+15550100001")]);
    let value = json!([entry("+15550100001", "22ed44ab-7759-4649-818e-6af3242dbc5e")]);
    let stage = Stage::new(move |asked, _| batch(asked, |_, _| json!({"status": 200, "body": {"value": value}}))).await;
    assert!(stage.graph().numbers_of(&token(), &user).await.is_err());
}

const ID: &str = "QXNzaWdubWVudHw2Y2E4Yjc0Ni00YzgxLTRhY2EtOTUyNi1jZmNjNGRiYWYyMmI";

fn holder() -> TeamsUserId {
    "94ec379d-30a2-4cdb-a377-75e42f7a61e5".parse().unwrap()
}

/// Hands over one assignment for each number.
async fn assigned(stage: &Stage, numbers: &[E164]) -> Vec<Handed<Option<OperationId>>> {
    let (graph, to) = (stage.graph(), holder());
    let changes: Vec<_> = numbers
        .iter()
        .map(|number| NumberChange::Assign { number, to: &to })
        .collect();
    let turn = graph.turn_to_change(&token(), changes.len()).await.unwrap();
    graph.change_numbers(&token(), turn, &changes).await.unwrap()
}

fn taken() -> Handed<Option<OperationId>> {
    Handed::Taken(ID.parse().ok())
}

#[tokio::test]
async fn changes_go_in_one_batch_and_each_gives_an_operation() {
    let stage = Stage::new(|asked, _| {
        let location = asked.link(&format!("admin/teams/telephoneNumberManagement/operations('{ID}')"));
        batch(
            asked,
            move |_, _| json!({"status": 202, "headers": {"Location": location}}),
        )
    })
    .await;
    let (graph, number, to) = (stage.graph(), e164("+12061234567"), holder());
    let changes = [
        NumberChange::Assign {
            number: &number,
            to: &to,
        },
        NumberChange::Unassign { number: &number },
    ];
    let turn = graph.turn_to_change(&token(), 2).await.unwrap();
    let handed = graph.change_numbers(&token(), turn, &changes).await.unwrap();
    assert_eq!(handed, [taken(), taken()]);
    let asked = stage.asked();
    assert_eq!((asked.len(), asked[0].method.as_str()), (1, "POST"));
    assert!(asked[0].url.path().ends_with("/v1.0/$batch"));
    let parts = asked[0].json()["requests"].clone();
    let below = "/admin/teams/telephoneNumberManagement/numberAssignments";
    assert_eq!(parts[0]["url"], format!("{below}/assignNumber"));
    assert_eq!(
        parts[0]["body"],
        json!({"telephoneNumber": "+12061234567", "assignmentTargetId": to, "numberType": "directRouting",
            "assignmentCategory": "primary"})
    );
    assert_eq!(parts[0]["headers"]["Content-Type"], "application/json");
    assert_eq!(parts[1]["url"], format!("{below}/unassignNumber"));
    assert_eq!(
        parts[1]["body"],
        json!({"telephoneNumber": "+12061234567", "numberType": "directRouting"})
    );
}

#[tokio::test]
async fn every_part_has_its_own_fate() {
    let stage = Stage::new(|asked, _| {
        let requests = asked.json()["requests"].as_array().unwrap().len();
        assert_eq!(requests, 9);
        let part = |id: usize, status: u16, headers: Value, body: Value| json!({"id": id.to_string(), "status": status, "headers": headers, "body": body});
        let location = asked.link(&format!("operations('{ID}')"));
        Reply::json(200, json!({"responses": [
            part(8, 500, json!({}), json!("PGh0bWw+")),
            part(0, 202, json!({"Location": location}), json!(null)),
            part(1, 429, json!({"Retry-After": "2.5"}), json!({})),
            part(2, 400, json!({}), json!({"error": {"code": "BadRequest", "message": "no licence"}})),
            part(3, 424, json!({}), json!({})),
            part(4, 401, json!({}), json!({})),
            part(5, 202, json!({}), json!(null)),
            part(6, 503, json!({"Retry-After": 7}), json!({})),
            part(99, 202, json!({}), json!(null)),
        ]}))
    })
    .await;
    let handed = assigned(&stage, &some(9)).await;
    let later = |millis| Handed::Later(SignedDuration::from_millis(millis));
    let refused = Handed::Refused {
        code: "BadRequest".into(),
        message: "no licence".into(),
    };
    let expected = [
        taken(),
        later(2_500),
        refused,
        later(10_000),
        Handed::Expired,
        Handed::Taken(None),
        later(7_000),
        Handed::Unknown,
        Handed::Unknown,
    ];
    assert_eq!(handed, expected);
    assert_eq!(stage.asked().len(), 1, "nothing is sent twice");
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_not_repeated() {
    let answered: [fn() -> Reply; 5] = [
        || Reply::json(200, json!({"responses": []})).cut(),
        || Reply::text(200, "<html>"),
        || {
            Reply::json(
                200,
                json!({"responses": [{"id": "0", "status": 202}, {"id": "0", "status": 202}]}),
            )
        },
        || Reply::text(500, ""),
        || Reply::text(503, ""),
    ];
    for answer in answered {
        let stage = Stage::new(move |_, _| answer()).await;
        assert_eq!(assigned(&stage, &some(1)).await, [Handed::Unknown]);
        assert_eq!(stage.asked().len(), 1);
    }
}

#[tokio::test]
async fn what_happens_to_the_whole_batch_happens_to_each_part() {
    let check = async |reply: fn() -> Reply, expected: Handed<Option<OperationId>>| {
        let stage = Stage::new(move |_, _| reply()).await;
        assert_eq!(assigned(&stage, &some(2)).await, [expected.clone(), expected]);
        assert_eq!(stage.asked().len(), 1);
    };
    let busy = || Reply::text(429, "").header("retry-after", "0.5");
    check(busy, Handed::Later(SignedDuration::from_millis(500))).await;
    check(|| Reply::text(401, ""), Handed::Expired).await;
    let denied = || Reply::json(403, json!({"error": {"code": "Forbidden", "message": "no"}}));
    let (code, message) = ("Forbidden".to_owned(), "no".to_owned());
    check(denied, Handed::Refused { code, message }).await;
}

#[test]
fn operations_are_named_in_two_ways() {
    let id = |location: &str| OperationId::from_location(location).map(|id| id.to_string());
    assert_eq!(id("https://g/v1.0/x/operations('QXNz-_1')").as_deref(), Some("QXNz-_1"));
    assert_eq!(id("https://g/v1.0/x/operations(%27QXNz%27)").as_deref(), Some("QXNz"));
    assert_eq!(id("https://g/v1.0/x/operations/QXNz").as_deref(), Some("QXNz"));
    for wrong in [
        "",
        "https://g/v1.0/x",
        "https://g/operations/../../users",
        "https://g/operations('')",
    ] {
        assert_eq!(id(wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn operations_are_watched() {
    let check = async |body: Value, expected: OperationState| {
        let stage = Stage::new(move |asked, _| {
            batch(asked, |_, url| {
                assert!(url.ends_with("/telephoneNumberManagement/operations/QXNz"), "{url}");
                json!({"status": 200, "body": body})
            })
        })
        .await;
        let id: OperationId = "QXNz".parse().unwrap();
        let found = stage.graph().operations(&token(), &[id]).await.unwrap();
        assert_eq!(found, [Some(expected)]);
    };
    // microsoftgraph/microsoft-graph-docs-contrib (MIT code blocks),
    // teamsadministration-telephonenumberlongrunningoperation-get.md.
    let sample = json!({"@odata.type": "#microsoft.graph.teamsAdministration.telephoneNumberLongRunningOperation",
        "id": "QXNzaWdubWVudHw2Y2E4Yjc0Ni00YzgxLTRhY2EtOTUyNi1jZmNjNGRiYWYyMmI", "createdDateTime": "2025-02-03T22:03:26Z",
        "status": "succeeded", "numbers": [{"resourceLocation": "https://graph.microsoft.com/v1.0/admin/teams/telephoneNumberManagement/numberAssignments/N2EyMDUxOTctOGU1OS00ODdkLWI5ZmEtM2ZjMWIxMDhmMWU1fCsxMjA2MTIzNDU2Nw", "status": "succeeded"}]});
    check(json!({"value": sample}), OperationState::Succeeded).await;
    check(sample, OperationState::Succeeded).await;
    for status in ["notStarted", "running", "unknownFutureValue", "skipped"] {
        check(json!({"status": status, "numbers": null}), OperationState::Running).await;
    }
    let why = || "number is held by another user".to_owned();
    let detail = json!([{"status": "failed", "statusDetail": why()}]);
    check(
        json!({"value": {"status": "failed", "numbers": detail}}),
        OperationState::Failed { why: why() },
    )
    .await;
    check(
        json!({"status": "succeeded", "numbers": detail}),
        OperationState::Failed { why: why() },
    )
    .await;
    let silent = "Microsoft gave no reason".to_owned();
    check(json!({"status": "failed"}), OperationState::Failed { why: silent }).await;
}
