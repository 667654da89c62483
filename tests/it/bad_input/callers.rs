//! Callers: no token, a wrong token, the wrong role, the wrong enterprise.

use super::routes;
use super::{UNKNOWN, World};
use dialbridge_local::drive::people::RESELLER;
use dialbridge_local::issuer::{AUDIENCE, Issuer, Person, ROLES};
use serde_json::json;
use shared::domain::caller::Role;

fn role(name: &str, world: &World) -> Role {
    let (reseller, enterprise) = (RESELLER.parse().unwrap(), world.scene.enterprise.parse().unwrap());
    match name {
        "provider_admin" => Role::ProviderAdmin,
        "provider_support" => Role::ProviderSupport,
        "reseller_admin" => Role::ResellerAdmin(reseller),
        "reseller_viewer" => Role::ResellerViewer(reseller),
        "account_admin" => Role::AccountAdmin(enterprise),
        "account_manager" => Role::AccountManager(enterprise),
        "global_admin" => Role::GlobalAdmin(enterprise),
        other => panic!("the table has no role {other}"),
    }
}

fn person(role: &str, enterprise: &str) -> Person {
    Person {
        sub: "somebody".into(),
        email: "somebody@people.example".into(),
        name: "Somebody".into(),
        role: role.into(),
        reseller: Some(RESELLER.into()),
        enterprise: Some(enterprise.into()),
    }
}

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

#[tokio::test]
async fn every_role_may_do_on_every_route_what_the_table_says() {
    let world = World::new().await;
    let mut tried = 0;
    for route in routes::api() {
        for name in ROLES {
            let mut path = world.path(&route, &world.scene.enterprise);
            let mut body = route.body();
            // Who is no reseller has to name one.
            if route.path == "/v1/enterprises" && !name.starts_with("reseller") {
                path.push_str(&format!("?reseller={RESELLER}"));
                if let Some(body) = &mut body {
                    body["reseller"] = json!(RESELLER);
                }
            }
            let path = if body.is_some() {
                path.split('?').next().unwrap().to_owned()
            } else {
                path
            };
            let body = body.map(|body| body.to_string());
            let token = world.scene.token(name);
            let seen = world.send(&route, &path, Some(&token), body).await;
            let what = format!("{} as {name}", route.name());
            if role(name, &world).may(route.action()) {
                assert!(
                    ![401, 404].contains(&seen.status.as_u16()),
                    "{what}: {} {}",
                    seen.status,
                    seen.body
                );
                assert!(!seen.status.is_server_error(), "{what}: {} {}", seen.status, seen.body);
            } else {
                seen.coded(&what, 404, "not-found");
            }
            tried += 1;
        }
    }
    println!("{tried} pairs of role and route tried");
}

#[tokio::test]
async fn a_foreign_enterprise_cannot_be_told_from_an_unknown_one() {
    let world = World::new().await;
    for route in routes::api().iter().filter(|route| route.path.contains("{enterprise}")) {
        for name in ROLES.into_iter().filter(|name| !name.starts_with("provider")) {
            let stranger = Person {
                reseller: Some("res_0000000000000000000000000z".into()),
                ..person(name, "ent_0000000000000000000000000y")
            };
            let token = world.scene.service.world.issuer.token(&stranger).unwrap();
            let body = route.body().map(|body| body.to_string());
            let foreign = world.path(route, &world.scene.enterprise);
            let foreign = world.send(route, &foreign, Some(&token), body.clone()).await;
            let unknown = world.send(route, &world.path(route, UNKNOWN), Some(&token), body).await;
            let what = format!("{} as {name}", route.name());
            foreign.coded(&what, 404, "not-found");
            assert_eq!((foreign.status, foreign.body), (unknown.status, unknown.body), "{what}");
            assert_eq!(foreign.content_type, unknown.content_type, "{what}");
        }
    }
}
