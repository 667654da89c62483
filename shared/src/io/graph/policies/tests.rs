//! Finding, granting and revoking policies.

use super::super::stage::{Asked, Reply, Stage, token};
use super::*;
use serde_json::{Value, json};

const ROUTING: PolicyType = PolicyType::OnlineVoiceRoutingPolicy;

fn user(n: usize) -> TeamsUserId {
    format!("2c0b6a1e-1111-4a11-9a11-{n:012}").parse().unwrap()
}

/// Grants a policy to so many users, or takes it from them.
async fn changed(stage: &Stage, count: usize, policy_id: Option<&str>) -> Vec<Handed<()>> {
    let (graph, users) = (stage.graph(), (0..count).map(user).collect::<Vec<_>>());
    let change = |user| PolicyChange {
        user,
        policy_type: ROUTING,
        policy_id,
    };
    let changes: Vec<_> = users.iter().map(change).collect();
    let turn = graph.turn_to_change(&token(), 1).await.unwrap();
    graph.change_policies(&token(), turn, &changes).await.unwrap()
}

fn size(asked: &Asked) -> usize {
    asked.json()["value"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_policy_is_found_by_its_name() {
    // microsoftgraph/microsoft-graph-docs-contrib (MIT code blocks),
    // teamsadministration-teamspolicyassignment-getpolicyid.md.
    let sample = json!({"value": [{"@odata.type": "#microsoft.graph.teamsAdministration.policyIdentifierDetail",
        "name": "Tag:AllOn", "policyId": "VnMAaN3X2X1B9tEHx1CJWfC76PSaKEzA4NoUuqIMRUo"}]});
    let stage = Stage::new(move |_, _| Reply::json(200, sample.clone())).await;
    let (graph, token) = (stage.graph(), token());
    let found = graph
        .policy_id(&token, PolicyType::TeamsCallingPolicy, "AllOn")
        .await
        .unwrap();
    assert_eq!(found.as_deref(), Some("VnMAaN3X2X1B9tEHx1CJWfC76PSaKEzA4NoUuqIMRUo"));
    assert_eq!(
        graph.policy_id(&token, ROUTING, "O'Hara/1").await.unwrap(),
        None,
        "another name"
    );
    let asked = stage.asked();
    assert_eq!(
        asked[0].url.path(),
        "/v1.0/admin/teams/policy/getPolicyId(type='TeamsCallingPolicy',name='AllOn')"
    );
    assert!(asked[1].url.path().ends_with("name='O''Hara%2F1')"));
}

#[tokio::test]
async fn a_policy_that_is_not_there_is_none() {
    let answers: [(u16, Value); 2] = [
        (200, json!({"value": []})),
        (404, json!({"error": {"code": "NotFound"}})),
    ];
    for (status, body) in answers {
        let stage = Stage::new(move |_, _| Reply::json(status, body.clone())).await;
        assert_eq!(
            stage.graph().policy_id(&token(), ROUTING, "Carrier").await.unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn policies_are_granted_together() {
    let stage = Stage::new(|_, _| Reply::text(204, "")).await;
    assert_eq!(
        changed(&stage, 25, Some("u2VtX0")).await,
        [const { Handed::Taken(()) }; 25]
    );
    let asked = stage.asked();
    assert_eq!(asked.iter().map(size).collect::<Vec<_>>(), [25]);
    assert!(
        asked[0]
            .url
            .path()
            .ends_with("/v1.0/admin/teams/policy/userAssignments/assign")
    );
    assert_eq!(
        asked[0].json()["value"][0],
        json!({"@odata.type": "#microsoft.graph.teamsAdministration.teamsPolicyUserAssignment",
            "userId": user(0), "policyType": "OnlineVoiceRoutingPolicy", "policyId": "u2VtX0"})
    );
}

#[tokio::test]
async fn a_refusal_is_traced_to_whom_it_is_about() {
    let stage = Stage::new(|asked, _| {
        if asked.body.contains(user(5).as_str()) {
            Reply::json(400, json!({"error": {"code": "BadRequest", "message": "no such user"}}))
        } else {
            Reply::text(204, "")
        }
    })
    .await;
    let results = changed(&stage, 8, Some("u2VtX0")).await;
    let refused: Vec<usize> = (0..8).filter(|at| results[*at] != Handed::Taken(())).collect();
    assert_eq!(refused, [5]);
    assert!(matches!(&results[5], Handed::Refused { message, .. } if message == "no such user"));
    assert_eq!(
        stage.asked().iter().map(size).collect::<Vec<_>>(),
        [8, 4, 4, 2, 1, 1, 2]
    );
}

#[tokio::test]
async fn what_is_not_tried_is_left_for_later() {
    let stage = Stage::new(|_, before| match before {
        0 => Reply::json(400, json!({})),
        1 => Reply::text(204, ""),
        _ => Reply::text(429, "").header("retry-after", "0.25"),
    })
    .await;
    let results = changed(&stage, 4, Some("u2VtX0")).await;
    let later = Handed::Later(SignedDuration::from_millis(250));
    assert_eq!(results, [Handed::Taken(()), Handed::Taken(()), later.clone(), later]);
    let ended = Stage::new(|_, _| Reply::text(401, "")).await;
    assert_eq!(changed(&ended, 3, Some("u2VtX0")).await, [const { Handed::Expired }; 3]);
    assert_eq!(ended.asked().len(), 1);
    // An answer without a body has nothing that could be cut off.
    let lost = Stage::new(|_, _| Reply::text(200, "x").cut()).await;
    assert_eq!(changed(&lost, 3, Some("u2VtX0")).await, [const { Handed::Unknown }; 3]);
    assert_eq!(lost.asked().len(), 1);
}

#[tokio::test]
async fn a_policy_is_revoked_without_naming_it() {
    let stage = Stage::new(|_, _| Reply::text(204, "")).await;
    assert_eq!(changed(&stage, 1, None).await, [Handed::Taken(())]);
    let asked = &stage.asked()[0];
    assert!(asked.url.path().ends_with("/userAssignments/unassign"));
    assert!(asked.json()["value"][0].get("policyId").is_none());
    let nothing = Stage::new(|_, _| Reply::text(204, "")).await;
    assert!(changed(&nothing, 0, None).await.is_empty());
    assert!(nothing.asked().is_empty());
}

#[test]
fn collections_grow_while_they_are_taken_and_halve_where_they_are_not() {
    let mut together = Together::default();
    let mut sizes = Vec::new();
    for taken in [true, true, false, true, false, false, false, false, false, false, false] {
        sizes.push(together.size());
        together.learn(taken);
    }
    assert_eq!(sizes, [20, 40, 60, 30, 50, 25, 12, 6, 3, 1, 1]);
    (0..100).for_each(|_| together.learn(true));
    assert_eq!(together.size(), Together::MOST);
}
