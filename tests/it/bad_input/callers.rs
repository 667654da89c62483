//! Callers: no token, a wrong token, no role. What the roles may is in `rights`.

use super::World;
use super::routes;
use dialbridge_local::issuer::{AUDIENCE, Issuer};
use serde_json::json;

#[tokio::test]
async fn tokens_that_prove_nothing_are_refused_on_every_route() {
    let world = World::new().await;
    let issuer = &world.scene.service.world.issuer;
    let now = world.scene.service.world.clock.now().as_second();
    let claims = |iss: &str, aud: &str, exp: i64| {
        json!({ "iss": iss, "aud": aud, "iat": now - 7200, "nbf": now - 7200, "exp": exp, "sub": "x",
            "role": "provider_admin" })
    };
    let own = issuer.identifier();
    let url = world.scene.service.world.urls.portal.clone();
    let foreign = Issuer::new(url, world.scene.service.world.clock.clone()).unwrap();
    let good = issuer.sign(&claims(&own, AUDIENCE, now + 600)).unwrap();
    let (head, _) = good.rsplit_once('.').unwrap();
    let wrong = [
        None,
        Some(String::new()),
        Some("nonsense".to_owned()),
        Some(issuer.sign(&claims(&own, AUDIENCE, now - 3600)).unwrap()),
        Some(
            issuer
                .sign(&claims("https://elsewhere.example", AUDIENCE, now + 600))
                .unwrap(),
        ),
        Some(issuer.sign(&claims(&own, "another service", now + 600)).unwrap()),
        Some(foreign.sign(&claims(&own, AUDIENCE, now + 600)).unwrap()),
        Some(format!("{head}.")),
        Some("eyJhbGciOiJub25lIn0.eyJyb2xlIjoicHJvdmlkZXJfYWRtaW4ifQ.".to_owned()),
    ];
    for route in routes::api() {
        let (path, body) = (
            world.path(&route, &world.scene.enterprise),
            route.body().map(|body| body.to_string()),
        );
        for token in &wrong {
            let seen = world.send(&route, &path, token.as_deref(), body.clone()).await;
            assert_eq!(seen.status, 401, "{} {token:?}: {}", route.name(), seen.body);
        }
    }
}

#[tokio::test]
async fn a_token_without_a_known_role_is_nobody_on_every_route() {
    let world = World::new().await;
    let issuer = &world.scene.service.world.issuer;
    let now = world.scene.service.world.clock.now().as_second();
    let claims = |role: Option<&str>| {
        let mut claims = json!({ "iss": issuer.identifier(), "aud": AUDIENCE, "iat": now, "nbf": now,
            "exp": now + 600, "sub": "x", "enterprise": "nonsense", "reseller": "nonsense" });
        if let Some(role) = role {
            claims["role"] = json!(role);
        }
        issuer.sign(&claims).unwrap()
    };
    for route in routes::api() {
        let (path, body) = (
            world.path(&route, &world.scene.enterprise),
            route.body().map(|body| body.to_string()),
        );
        for role in [
            None,
            Some("root"),
            Some("account_admin"),
            Some("reseller_admin"),
            Some(""),
        ] {
            let seen = world.send(&route, &path, Some(&claims(role)), body.clone()).await;
            seen.coded(&format!("{} {role:?}", route.name()), 401, "no-identity");
        }
    }
}
