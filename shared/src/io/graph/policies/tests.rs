//! Finding, granting and revoking policies.

use super::super::stage::{Asked, Reply, Stage, token};
use super::*;
use serde_json::{Value, json};

const ROUTING: PolicyType = PolicyType::OnlineVoiceRoutingPolicy;

fn user(n: usize) -> TeamsUserId {
    format!("2c0b6a1e-1111-4a11-9a11-{n:012}").parse().unwrap()
}

fn grants(count: usize) -> Vec<PolicyGrant> {
    let grant = |n| PolicyGrant {
        user: user(n),
        policy_type: ROUTING,
        policy_id: "u2VtX0".into(),
    };
    (0..count).map(grant).collect()
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
    let results = stage.graph().grant(&token(), &grants(25)).await.unwrap();
    assert_eq!(results.len(), 25);
    assert!(results.iter().all(Result::is_ok));
    let asked = stage.asked();
    assert_eq!(asked.iter().map(size).collect::<Vec<_>>(), [20, 5]);
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
async fn one_refusal_does_not_spoil_the_others() {
    let stage = Stage::new(|asked, _| {
        if asked.body.contains(user(1).as_str()) {
            Reply::json(400, json!({"error": {"code": "BadRequest", "message": "no such user"}}))
        } else {
            Reply::text(204, "")
        }
    })
    .await;
    let results = stage.graph().grant(&token(), &grants(3)).await.unwrap();
    let fine: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [true, false, true]);
    assert!(matches!(results[1], Err(Error::Refused { status: 400, .. })));
    assert_eq!(stage.asked().iter().map(size).collect::<Vec<_>>(), [3, 1, 1, 1]);
}

#[tokio::test]
async fn what_concerns_all_ends_it() {
    let stage = Stage::new(|_, _| Reply::text(401, "")).await;
    assert!(matches!(
        stage.graph().grant(&token(), &grants(3)).await,
        Err(Error::TokenExpired)
    ));
    assert_eq!(stage.asked().len(), 1);
}

#[tokio::test]
async fn a_policy_is_revoked_without_naming_it() {
    let stage = Stage::new(|_, _| Reply::text(204, "")).await;
    let results = stage
        .graph()
        .revoke(&token(), &[(user(0), PolicyType::TeamsCallingPolicy)])
        .await
        .unwrap();
    assert!(results[0].is_ok());
    let asked = &stage.asked()[0];
    assert!(asked.url.path().ends_with("/userAssignments/unassign"));
    assert!(asked.json()["value"][0].get("policyId").is_none());
    assert!(stage.graph().revoke(&token(), &[]).await.unwrap().is_empty());
}
