//! Domains: what is sent, and what answers mean.

use super::super::stage::{Asked, Reply, Stage, token};
use super::*;
use serde_json::json;

const NAME: &str = "bluefinch.sbc1.a.example";

#[tokio::test]
async fn domains_are_listed_with_their_proof() {
    let stage = Stage::new(|_, _| {
        Reply::json(
            200,
            json!({ "value": [
                { "id": "Bluefinch.example", "isVerified": true, "authenticationType": "Federated", "newField": 1 },
                { "id": NAME, "isVerified": false, "authenticationType": "Managed" },
                { "id": "old.example" },
            ]}),
        )
    })
    .await;
    let found = stage.graph().domains(&token()).await.unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|one| (one.name.as_str(), one.verified, one.federated))
        .collect();
    assert_eq!(
        seen,
        [
            ("bluefinch.example", true, true),
            (NAME, false, false),
            ("old.example", false, false)
        ]
    );
}

#[tokio::test]
async fn a_domain_of_another_tenant_is_told_from_other_refusals() {
    let refused = |code: &str, words: &str| json!({ "error": { "code": code, "message": words, "details": [{ "code": "DomainInUse" }] } });
    let taken = refused("Request_BadRequest", "Taken.");
    let stage = Stage::new(move |_, _| Reply::json(400, taken.clone())).await;
    let answer = stage.graph().create_domain(&token(), NAME).await.unwrap();
    assert_eq!(answer, NewDomain::Elsewhere("Taken.".into()));
    assert_eq!(stage.asked()[0].json(), json!({ "id": NAME }));
    let invalid = json!({ "error": { "code": "Request_BadRequest", "message": "Invalid value." } });
    let stage = Stage::new(move |_, _| Reply::json(400, invalid.clone())).await;
    let answer = stage.graph().create_domain(&token(), NAME).await;
    assert!(matches!(answer, Err(Error::Refused { status: 400, .. })));
    let stage = Stage::new(|_, _| Reply::json(201, json!({ "id": NAME, "isVerified": false }))).await;
    let answer = stage.graph().create_domain(&token(), NAME).await.unwrap();
    assert!(matches!(answer, NewDomain::Added(domain) if domain.name == NAME && !domain.verified));
}

#[tokio::test]
async fn the_record_is_the_text_among_them() {
    let stage = Stage::new(|_, _| {
        Reply::json(
            200,
            json!({ "value": [
                { "recordType": "Mx", "label": NAME, "ttl": 3600, "mailExchange": "x", "preference": 1 },
                { "recordType": "Txt", "label": NAME, "ttl": 1800, "text": "MS=ms1" },
            ]}),
        )
    })
    .await;
    let record = stage.graph().domain_record(&token(), NAME).await.unwrap();
    assert_eq!(
        (record.name.as_str(), record.value.as_str(), record.ttl),
        (NAME, "MS=ms1", 1800)
    );
    let none = Stage::new(|_, _| Reply::json(200, json!({ "value": [] }))).await;
    assert!(none.graph().domain_record(&token(), NAME).await.is_err());
}

#[tokio::test]
async fn a_record_that_is_not_seen_is_no_fault_and_a_missing_permission_is() {
    let answer = |status: u16, words: &str| {
        let body = json!({ "error": { "code": "x", "message": words } });
        move |_: &Asked, _: usize| Reply::json(status, body.clone())
    };
    let stage = Stage::new(answer(400, "Not found in DNS.")).await;
    let seen = stage.graph().verify_domain(&token(), NAME).await.unwrap();
    assert_eq!(seen, Verification::NotSeen("Not found in DNS.".into()));
    let stage = Stage::new(answer(403, "Denied.")).await;
    let refused = stage.graph().verify_domain(&token(), NAME).await;
    assert!(matches!(refused, Err(Error::Refused { status: 403, .. })));
}

#[tokio::test]
async fn a_domain_that_is_gone_is_as_good_as_removed() {
    let gone = json!({ "error": { "code": "Request_ResourceNotFound", "message": "no" } });
    let stage = Stage::new(move |_, _| Reply::json(404, gone.clone())).await;
    stage.graph().delete_domain(&token(), NAME).await.unwrap();
    assert!(!stage.graph().domain_in_use(&token(), NAME).await.unwrap());
    let stage = Stage::new(|_, _| Reply::json(200, json!({ "value": [{ "id": "x" }] }))).await;
    assert!(stage.graph().domain_in_use(&token(), NAME).await.unwrap());
}
