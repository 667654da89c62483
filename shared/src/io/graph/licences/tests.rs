//! Products, accounts and licences: what is sent, and what answers mean.

use super::super::stage::{Reply, Stage, token};
use super::*;
use serde_json::json;

const ACCOUNT: &str = "2c0b6a1e-1111-4a11-9a11-0000000000a1";

fn account() -> TeamsUserId {
    ACCOUNT.parse().unwrap()
}

#[tokio::test]
async fn r147_seats_that_are_free_are_those_that_work_and_nobody_has() {
    let product = |status: &str, applies: &str, enabled: i64, warning: i64, taken: i64| {
        json!({ "skuId": "s", "skuPartNumber": "P", "appliesTo": applies, "capabilityStatus": status,
            "consumedUnits": taken, "prepaidUnits": { "enabled": enabled, "warning": warning, "suspended": 9 },
            "servicePlans": [{ "servicePlanId": "57ff2da0-773e-42df-b2af-ffb7a2317929", "servicePlanName": "TEAMS1" }] })
    };
    let bought = json!({ "value": [
        product("Enabled", "User", 25, 0, 23), product("Warning", "User", 0, 5, 4), product("Suspended", "User", 9, 0, 1),
        product("Enabled", "Company", 9, 0, 1), product("Enabled", "User", 2, 0, 5), product("NewStatus", "User", 9, 0, 1),
    ]});
    let stage = Stage::new(move |_, _| Reply::json(200, bought.clone())).await;
    let found = stage.graph().products(&token()).await.unwrap();
    let free: Vec<u64> = found.iter().map(Product::free).collect();
    assert_eq!(free, [2, 1, 0, 0, 0, 0]);
    assert!(found[0].holds("TEAMS1") && !found[0].holds("MCOEV"));
}

#[tokio::test]
async fn an_account_is_made_once_and_its_password_is_sent_only() {
    let stage = Stage::new(|_, _| Reply::json(201, json!({ "id": ACCOUNT }))).await;
    let password = Secret::new("Only-here-1".into());
    let new = NewAccount {
        sign_in_name: "activate-x@x.sbc1.example",
        display_name: "Activation",
        usage_location: "US",
        password: &password,
    };
    assert_eq!(
        stage.graph().create_account(&token(), &new).await.unwrap(),
        Some(account())
    );
    let sent = stage.asked()[0].json();
    assert_eq!(sent["mailNickname"], "activate-x");
    assert_eq!(sent["passwordProfile"]["password"], "Only-here-1");
    assert!(!format!("{new:?}").contains("Only-here-1"));
    let taken = json!({ "error": { "code": "Request_BadRequest",
        "message": "Another object with the same value for property userPrincipalName already exists." } });
    let stage = Stage::new(move |_, _| Reply::json(400, taken.clone())).await;
    assert_eq!(stage.graph().create_account(&token(), &new).await.unwrap(), None);
}

#[tokio::test]
async fn a_seat_that_somebody_else_took_is_told_from_other_refusals() {
    let refused = |message: &str| {
        let body = json!({ "error": { "code": "Request_BadRequest", "message": message } });
        move |_: &super::super::stage::Asked, _: usize| Reply::json(400, body.clone())
    };
    let words = "Subscription with SKU SPE_E5 does not have any available licenses.";
    let stage = Stage::new(refused(words)).await;
    let given = stage
        .graph()
        .give_licence(&token(), &account(), "s", &["p".into()])
        .await;
    assert_eq!(given.unwrap(), Given::NoSeat(words.into()));
    let sent = json!({ "addLicenses": [{ "skuId": "s", "disabledPlans": ["p"] }], "removeLicenses": [] });
    assert_eq!(stage.asked()[0].json(), sent);
    let stage = Stage::new(refused(
        "License assignment cannot be done for user with invalid usage location.",
    ))
    .await;
    assert!(
        stage
            .graph()
            .give_licence(&token(), &account(), "s", &[])
            .await
            .is_err()
    );
    let stage = Stage::new(refused("User does not have a corresponding license s.")).await;
    stage.graph().take_licence(&token(), &account(), "s").await.unwrap();
}
