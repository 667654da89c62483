//! Reading back what Teams says of people.

use super::super::stage::{Reply, Stage, said, token};
use super::*;
use serde_json::{Value, json};

const ADELE: &str = "5c802b19-3600-83f1-1767-7b9edc7f38ab";

/// microsoftgraph/microsoft-graph-docs-contrib (MIT code blocks), teamsadministration-teamsuserconfiguration-get.md.
fn sample() -> Value {
    json!({"@odata.context": "https://graph.microsoft.com/beta/$metadata#admin/teams/userConfigurations/$entity",
        "id": ADELE, "userPrincipalName": "AdeleV@contoso.com", "tenantId": "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
        "effectivePolicyAssignments": [
            {"policyType": "TeamsCallingPolicy", "policyAssignment": {"displayName": "AllOn", "assignmentType": "group",
                "policyId": "f7593e81-772a-4455-88a3-fc9e5ebc1e4a", "groupId": "75ae6229-35fe-4b01-ae7f-7c50439d239c"}},
            {"policyType": "TeamsMeetingPolicy", "policyAssignment": {"displayName": "CustomPolicy",
                "assignmentType": "direct", "policyId": "J93PmFHwFcLZhWfYcBlv9pn-hG-kUWkcxmkDvpwgacw"}}],
        "telephoneNumbers": [{"telephoneNumber": "+13235533696", "assignmentCategory": "primary"}],
        "isEnterpriseVoiceEnabled": false, "featureTypes": ["Teams", "CallingPlan"], "accountType": "user",
        "createdDateTime": "2025-01-07T09:08:50.9115993Z", "modifiedDateTime": "2025-01-07T09:08:50.9115993Z"})
}

async fn read(status: u16, body: Value) -> Result<Option<UserConfiguration>> {
    let stage = Stage::new(move |asked, _| {
        let request = &asked.json()["requests"][0];
        assert_eq!(request["url"], format!("/admin/teams/userConfigurations/{ADELE}"));
        assert_eq!(request["headers"]["prefer"], "include-unknown-enum-members");
        Reply::json(
            200,
            json!({"responses": [{"id": "0", "status": status, "headers": {}, "body": body}]}),
        )
    })
    .await;
    let adele: TeamsUserId = ADELE.parse().unwrap();
    let mut found = stage
        .graph()
        .user_configurations(&token(), std::slice::from_ref(&adele))
        .await?;
    Ok(found.remove(&adele))
}

#[tokio::test]
async fn a_configuration_is_read_wrapped_or_bare() {
    for body in [json!({"value": sample()}), sample(), json!({"value": [sample()]})] {
        let found = read(200, body).await.unwrap().unwrap();
        assert_eq!(found.account_type, AccountType::User);
        assert!(!found.enterprise_voice);
        assert_eq!(found.numbers, ["+13235533696".parse().unwrap()]);
        let policy = &found.policies[&PolicyType::TeamsCallingPolicy];
        assert_eq!((policy.name.as_str(), policy.by_group), ("AllOn", true));
        assert_eq!(found.policies.len(), 1);
    }
}

#[tokio::test]
async fn oddities_are_let_pass() {
    let policy = |name: Value, how: &str| {
        json!({"policyType": "OnlineVoiceRoutingPolicy",
            "policyAssignment": {"displayName": name, "assignmentType": how, "policyId": "id"}})
    };
    let mut odd = sample();
    odd["accountType"] = json!("ineligibleUser");
    odd["isEnterpriseVoiceEnabled"] = json!(null);
    odd["telephoneNumbers"] = json!([{"telephoneNumber": "+12061234568", "assignmentCategory": "private"}, {},
        {"telephoneNumber": "12061234567", "assignmentCategory": "primary"}, {"telephoneNumber": "+1206;ext=9"}]);
    odd["effectivePolicyAssignments"] = json!([
        policy(json!("Tag:Carrier"), "direct"), policy(json!("Group"), "group"),
        {"policyType": "TeamsCallingPolicy", "policyAssignment": null}, {"policyType": null}]);
    let found = read(200, odd).await.unwrap().unwrap();
    assert_eq!(found.account_type, AccountType::Ineligible);
    assert_eq!(
        found.numbers,
        ["+12061234567", "+12061234568"].map(|number| number.parse().unwrap())
    );
    let policy = &found.policies[&PolicyType::OnlineVoiceRoutingPolicy];
    assert_eq!((policy.name.as_str(), policy.by_group), ("Carrier", false));

    let found = read(
        200,
        json!({"id": ADELE, "accountType": "hologram", "telephoneNumbers": null}),
    )
    .await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.account_type, AccountType::Unknown);
    assert!(found.numbers.is_empty() && found.policies.is_empty());
}

#[tokio::test]
async fn another_coexistence_mode_than_teams_only_is_seen() {
    let with = |mode: &str| {
        let mut body = sample();
        body["effectivePolicyAssignments"] = json!([{"policyType": "TeamsUpgradePolicy",
            "policyAssignment": {"displayName": mode, "assignmentType": "direct", "policyId": "id"}}]);
        body
    };
    for (body, expected) in [
        (sample(), None),
        (with("UpgradeToTeams"), None),
        (with("Tag:Islands"), Some("Islands")),
        (with("SfBWithTeamsCollab"), Some("SfBWithTeamsCollab")),
    ] {
        let found = read(200, body).await.unwrap().unwrap();
        assert_eq!(found.not_teams_only.as_deref(), expected);
    }
}

#[tokio::test]
async fn unknown_people_are_absent_and_failures_are_not() {
    let gone = json!({"error": {"code": "NotFound", "message": "no such user"}});
    assert_eq!(read(404, gone).await.unwrap(), None);
    assert!(matches!(
        read(403, json!({})).await,
        Err(Error::Refused { status: 403, .. })
    ));
    let mut other = sample();
    other["id"] = json!("5c802b19-3600-83f1-1767-7b9edc7f38ac");
    assert!(said(&read(200, other).await.unwrap_err()).contains("somebody else"));
    assert!(matches!(read(200, json!({})).await, Err(Error::Upstream { .. })));
    assert!(matches!(
        read(200, json!("PGh0bWw+")).await,
        Err(Error::Upstream { .. })
    ));
}

#[tokio::test]
async fn many_are_looked_up_in_the_list_of_everybody_and_the_rest_by_name() {
    let id = |n: usize| format!("5c802b19-3600-83f1-1767-{n:012}");
    let entry = move |n: usize| json!({"id": id(n), "isEnterpriseVoiceEnabled": true});
    // In the list are every second of those who are wanted and two thousand others, over three pages; then it goes on.
    let stage = Stage::new(move |asked, _| {
        if asked.url.path().ends_with("/$batch") {
            let requests = asked.json()["requests"].as_array().unwrap().clone();
            let answers = requests.iter().map(|part| {
                let id = part["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                let known = id.ends_with('1');
                json!({"id": part["id"], "status": if known { 200 } else { 404 }, "body": {"id": id}})
            });
            return Reply::json(200, json!({"responses": answers.collect::<Vec<_>>()}));
        }
        let page: usize = asked.query("$skiptoken").parse().unwrap_or(0);
        let next = asked.link(&format!("admin/teams/userConfigurations?$skiptoken={}", page + 1));
        let wanted = (0..40).filter(|n| n % 2 == 0 && page == 1).map(entry);
        let others = (0..1_000).map(|n| entry(1_000 + page * 1_000 + n));
        let value: Vec<Value> = wanted.chain(others).collect();
        Reply::json(200, json!({"value": value, "@odata.nextLink": next}))
    })
    .await;
    let users: Vec<TeamsUserId> = (0..40).map(|n| id(n).parse().unwrap()).collect();
    let found = stage.graph().user_configurations(&token(), &users).await.unwrap();
    assert_eq!(found.values().filter(|user| user.enterprise_voice).count(), 20);
    assert_eq!(found.len(), 20 + 4);
    let calls = stage.asked();
    let lists = calls.iter().filter(|asked| !asked.url.path().ends_with("/$batch"));
    assert_eq!((lists.count(), calls.len()), (2, 3), "no more pages than batches");
    assert_eq!(calls[0].header("prefer"), "include-unknown-enum-members");
}
