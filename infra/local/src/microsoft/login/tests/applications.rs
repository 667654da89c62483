//! Several applications at one Microsoft: each with its name, its secret and its consents (R070).

use super::super::super::AppRegistration;
use super::*;

const OTHER: (&str, &str) = ("6a1f0c58-3b52-4e0d-8f4e-2f6a7d9b0c11", "other-secret");

fn two() -> World {
    world_with(|options| {
        options.more_apps = vec![AppRegistration {
            name: "Kestrel for Teams".into(),
            client_id: OTHER.0.into(),
            client_secret: OTHER.1.into(),
            ..options.app.clone()
        }];
    })
}

const AS_OTHER: [(&str, &str); 2] = [("client_id", OTHER.0), ("client_secret", OTHER.1)];

async fn code_of_other(world: &World) -> String {
    code(world, "organizations", &[("client_id", OTHER.0)], &world.admin()).await
}

#[tokio::test]
async fn r070_the_consent_page_names_the_application_that_asks() {
    let world = two();
    for (client_id, name, foreign) in [
        (OTHER.0, "Kestrel for Teams", "Dialbridge"),
        (&*world.options.app.client_id, "Dialbridge", "Kestrel"),
    ] {
        let path = world.authorize_path("organizations", &[("client_id", client_id)]);
        let picker = world.open(&path, None).await;
        let page = world.submit(&path, &[("account", &world.admin())]).await;
        let admin = consent_path(&world, &world.tenant(), "v2.0/adminconsent");
        let admin = admin.replace(&world.options.app.client_id, client_id);
        let admin = world.submit(&admin, &[("account", &world.admin())]).await;
        for page in [picker, page, admin] {
            assert!(
                page.text.contains(name) && !page.text.contains(foreign),
                "{}",
                page.text
            );
        }
    }
}

#[tokio::test]
async fn consent_to_one_application_is_not_consent_to_another() {
    let world = two();
    world.tokens(&world.admin(), "User.Read").await;
    let path = world.authorize_path("organizations", &[]);
    let known = world.submit(&path, &[("account", &world.admin())]).await;
    assert!(known.sent_back("code").is_some(), "consented before");
    let path = world.authorize_path("organizations", &[("client_id", OTHER.0)]);
    let page = world.submit(&path, &[("account", &world.admin())]).await;
    assert!(page.text.contains("Permissions requested"), "{}", page.text);
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
        AS_OTHER[0],
        AS_OTHER[1],
    ];
    refused(&world, &world.tenant(), &form, "unauthorized_client", 700_016).await;
}

#[tokio::test]
async fn codes_and_refresh_tokens_belong_to_one_application() {
    let world = two();
    let code = code_of_other(&world).await;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
    ];
    refused(&world, "organizations", &redeem, "invalid_grant", 70_000).await;
    let mixed = [&redeem[..], &AS_OTHER[..1]].concat();
    refused(&world, "organizations", &mixed, "invalid_client", 7_000_215).await;
    let right = [&redeem[..], &AS_OTHER[..]].concat();
    let tokens = world.token("organizations", &right).await.json();
    assert_eq!(claims(&tokens["id_token"])["aud"], OTHER.0);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", "User.Read"),
    ];
    refused(&world, "organizations", &refresh, "invalid_grant", 70_000).await;
    let right = [&refresh[..], &AS_OTHER[..]].concat();
    assert_eq!(world.token("organizations", &right).await.status, StatusCode::OK);
}
