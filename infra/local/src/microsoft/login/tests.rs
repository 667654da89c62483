//! Sign-in as a browser and a client see it.

mod applications;

use super::super::testing::{REDIRECT, TEAMS, World, claims, world, world_with};
use http::StatusCode;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123";
/// The SHA-256 of it, base64url.
fn challenge() -> String {
    use base64::Engine;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

/// A dead end shows the code on Microsoft's page and sends nobody back.
async fn stops(world: &World, authority: &str, more: &[(&str, &str)], account: &str, code: u32) {
    let seen = world.accept(&world.authorize_path(authority, more), account).await;
    assert!(!seen.headers.contains_key("location"), "{code}");
    assert!(seen.text.contains(&format!("AADSTS{code}:")), "{code}: {}", seen.text);
}

/// An error that comes back to the application.
async fn comes_back(world: &World, more: &[(&str, &str)], form: &[(&str, &str)], error: &str, code: u32) {
    let seen = world.submit(&world.authorize_path("organizations", more), form).await;
    assert_eq!(seen.sent_back("error").as_deref(), Some(error));
    assert!(
        seen.sent_back("error_description")
            .unwrap()
            .starts_with(&format!("AADSTS{code}:"))
    );
    assert_eq!(seen.sent_back("state").as_deref(), Some("s-1"));
}

async fn code(world: &World, authority: &str, more: &[(&str, &str)], account: &str) -> String {
    world
        .accept(&world.authorize_path(authority, more), account)
        .await
        .sent_back("code")
        .unwrap()
}

async fn refused(world: &World, authority: &str, form: &[(&str, &str)], error: &str, code: u32) {
    let seen = world.token(authority, form).await;
    let body = seen.json();
    assert_eq!(
        (body["error"].as_str(), &body["error_codes"]),
        (Some(error), &json!([code])),
        "{body:#}"
    );
    let expected = if error == "invalid_client" {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::BAD_REQUEST
    };
    assert_eq!(seen.status, expected);
    for field in ["error_description", "timestamp", "trace_id", "correlation_id"] {
        assert!(body[field].is_string(), "{field}");
    }
}

fn grant(code: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
    ]
}

#[tokio::test]
async fn a_person_clicks_through() {
    let world = world();
    let path = world.authorize_path("organizations", &[]);
    let picker = world.open(&path, None).await;
    assert!(picker.text.contains("<title>Sign in</title>") && picker.text.contains(&world.admin()));
    let consent = world.submit(&path, &[("account", &world.admin())]).await;
    assert!(consent.text.contains("Permissions requested") && consent.text.contains("Dialbridge"));
    assert!(
        consent.text.contains("name=consent_on_behalf value=true>"),
        "offered, and not ticked"
    );
    assert!(
        consent
            .text
            .contains("Maintain access to data you have given it access to")
    );
    let back = world
        .submit(&path, &[("account", &world.admin()), ("action", "accept")])
        .await;
    assert_eq!(back.status, StatusCode::FOUND);
    assert_eq!(back.sent_back("state").as_deref(), Some("s-1"));
    assert!(back.sent_back("code").is_some());
    let again = world.submit(&path, &[("account", &world.admin())]).await;
    assert!(again.sent_back("code").is_some(), "what is granted is not asked again");
    let asked = world.authorize_path("organizations", &[("prompt", "consent")]);
    assert!(
        world
            .submit(&asked, &[("account", &world.admin())])
            .await
            .text
            .contains("Permissions requested")
    );
}

#[tokio::test]
async fn lesser_people_see_no_box_and_harmless_permissions_only() {
    let world = world();
    let path = world.authorize_path("organizations", &[]);
    let page = world.submit(&path, &[("account", &world.user())]).await;
    assert!(page.text.contains("Permissions requested") && !page.text.contains("consent_on_behalf"));
    let scope = [("scope", "openid User.Read.All")];
    stops(&world, "organizations", &scope, &world.user(), 90_094).await;
    world
        .control(
            "POST",
            &format!("/tenants/{}", world.tenant()),
            json!({ "approvalWorkflow": true }),
        )
        .await;
    stops(&world, "organizations", &scope, &world.user(), 90_095).await;
    world
        .control(
            "POST",
            &format!("/tenants/{}", world.tenant()),
            json!({ "userConsent": false }),
        )
        .await;
    stops(&world, "organizations", &[], &world.user(), 90_095).await;
}

#[tokio::test]
async fn consent_without_the_box_is_for_one_person() {
    let world = world();
    let path = world.authorize_path("organizations", &[("scope", "openid User.Read.All")]);
    world
        .submit(&path, &[("account", &world.admin()), ("action", "accept")])
        .await;
    let other = world.submit(&path, &[("account", &world.user())]).await;
    assert!(other.text.contains("AADSTS90094"));
    let with_box = [
        ("account", world.admin()),
        ("action", "accept".into()),
        ("consent_on_behalf", "true".into()),
    ];
    let with_box: Vec<(&str, &str)> = with_box.iter().map(|(name, value)| (*name, value.as_str())).collect();
    world
        .submit(
            &world.authorize_path(
                "organizations",
                &[("scope", "openid User.Read.All"), ("prompt", "consent")],
            ),
            &with_box,
        )
        .await;
    assert!(
        world
            .submit(&path, &[("account", &world.user())])
            .await
            .sent_back("code")
            .is_some()
    );
}

#[tokio::test]
async fn dead_ends_stay_on_microsofts_page() {
    let world = world();
    let admin = world.admin();
    stops(
        &world,
        "organizations",
        &[("redirect_uri", "https://evil.example/")],
        &admin,
        50_011,
    )
    .await;
    stops(
        &world,
        "organizations",
        &[("client_id", "00000000-0000-0000-0000-000000000001")],
        &admin,
        700_016,
    )
    .await;
    stops(&world, "organizations", &[], "nobody@nowhere.example", 50_034).await;
    let foreign = world.microsoft.tenants()[1].global_admins[0].clone();
    stops(&world, &world.tenant(), &[], &foreign, 50_020).await;
    world
        .control(
            "POST",
            &format!("/tenants/{}/users/{admin}", world.tenant()),
            json!({ "enabled": false }),
        )
        .await;
    stops(&world, "organizations", &[], &admin, 50_057).await;
    world.control("POST", "/next-sign-in", json!({ "stop": 53003 })).await;
    stops(&world, "organizations", &[], &foreign, 53_003).await;
    assert!(
        world
            .accept(&world.authorize_path("organizations", &[]), &foreign)
            .await
            .sent_back("code")
            .is_some()
    );
}

#[tokio::test]
async fn some_errors_come_back() {
    let world = world();
    let admin = world.admin();
    let cancel = [("account", admin.as_str()), ("action", "cancel")];
    comes_back(&world, &[], &cancel, "access_denied", 65_004).await;
    comes_back(&world, &[], &[("action", "cancel")], "access_denied", 65_004).await;
    let pick = [("account", admin.as_str())];
    comes_back(
        &world,
        &[("response_type", "code id_token")],
        &pick,
        "unsupported_response_type",
        700_054,
    )
    .await;
    comes_back(&world, &[("scope", "openid Made.Up")], &pick, "invalid_scope", 70_011).await;
    comes_back(
        &world,
        &[("scope", "https://other.example/x")],
        &pick,
        "invalid_resource",
        500_011,
    )
    .await;
    comes_back(
        &world,
        &[("scope", "https://graph.microsoft.com/.default User.Read")],
        &pick,
        "invalid_scope",
        70_011,
    )
    .await;
    comes_back(&world, &[("prompt", "none")], &[], "login_required", 50_058).await;
}

#[tokio::test]
async fn the_browser_remembers_accounts() {
    let world = world();
    let path = world.authorize_path("organizations", &[]);
    let first = world.accept(&path, &world.admin()).await;
    let cookie = first.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        world.open(&path, Some(&cookie)).await.sent_back("code").is_some(),
        "single sign-on"
    );
    let silent = world.authorize_path("organizations", &[("prompt", "none")]);
    assert!(world.open(&silent, Some(&cookie)).await.sent_back("code").is_some());
    let choose = world.authorize_path("organizations", &[("prompt", "select_account")]);
    let picker = world.open(&choose, Some(&cookie)).await;
    assert!(picker.text.contains("Pick an account") && picker.text.contains("Signed in"));
    let other = world.authorize_path("organizations", &[("login_hint", &world.user())]);
    let hinted_at = world.open(&other, Some(&cookie)).await;
    assert!(
        hinted_at.text.contains("Pick an account"),
        "another account is not signed in"
    );
    let hinted = world.authorize_path("organizations", &[("login_hint", &world.admin())]);
    assert!(world.open(&hinted, Some(&cookie)).await.sent_back("code").is_some());
}

#[tokio::test]
async fn the_answer_can_be_posted() {
    let world = world();
    let page = world
        .accept(
            &world.authorize_path("organizations", &[("response_mode", "form_post")]),
            &world.admin(),
        )
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("name=\"code\"") && page.text.contains(REDIRECT));
}

#[tokio::test]
async fn a_guest_signs_in_on_the_hosts_path_only() {
    let world = world();
    let visitor = world.microsoft.tenants()[2].global_admins[1].clone();
    let code = code(&world, &world.tenant(), &[], &visitor).await;
    let tokens = world.redeem(&world.tenant(), &code, &[]).await.json();
    let claims = claims(&tokens["id_token"]);
    assert_eq!(claims["tid"], world.tenant().as_str());
    assert_eq!(claims["acct"], 1);
    assert!(
        claims["idp"]
            .as_str()
            .unwrap()
            .contains(&world.microsoft.tenants()[2].id)
    );
}

#[tokio::test]
async fn codes_work_once_for_ten_minutes_on_their_own_path() {
    let world = world();
    let admin = world.admin();
    let fresh = code(
        &world,
        "organizations",
        &[("code_challenge", &challenge()), ("code_challenge_method", "S256")],
        &admin,
    )
    .await;
    refused(&world, &world.tenant(), &grant(&fresh), "invalid_grant", 700_005).await;
    refused(&world, "organizations", &grant(&fresh), "invalid_grant", 501_481).await;
    let mut elsewhere = grant(&fresh);
    elsewhere[2].1 = "https://dialbridge.example/other";
    refused(&world, "organizations", &elsewhere, "invalid_grant", 500_112).await;
    let seen = world
        .redeem("organizations", &fresh, &[("code_verifier", VERIFIER)])
        .await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
    refused(&world, "organizations", &grant(&fresh), "invalid_grant", 54_005).await;
    refused(&world, "organizations", &grant("made-up"), "invalid_grant", 9_002_313).await;
    let old = code(&world, "organizations", &[], &admin).await;
    world.clock.advance(SignedDuration::from_mins(11));
    refused(&world, "organizations", &grant(&old), "invalid_grant", 70_008).await;
    let two = code(
        &world,
        "organizations",
        &[("scope", &format!("openid User.Read {TEAMS}/user_impersonation"))],
        &admin,
    )
    .await;
    let both = format!("User.Read {TEAMS}/user_impersonation");
    let mut form = grant(&two).to_vec();
    form.push(("scope", &both));
    refused(&world, "organizations", &form, "invalid_scope", 700_022).await;
}

#[tokio::test]
async fn the_client_must_prove_itself() {
    let world = world();
    let code = code(&world, "organizations", &[], &world.admin()).await;
    let with = |name: &'static str, value: &'static str| [grant(&code).to_vec(), vec![(name, value)]].concat();
    refused(
        &world,
        "organizations",
        &with("client_secret", "wrong"),
        "invalid_client",
        7_000_215,
    )
    .await;
    refused(
        &world,
        "organizations",
        &with("client_secret", ""),
        "invalid_client",
        7_000_218,
    )
    .await;
    refused(
        &world,
        "organizations",
        &with("client_id", "other"),
        "unauthorized_client",
        700_016,
    )
    .await;
    refused(
        &world,
        "organizations",
        &with("grant_type", "password"),
        "unsupported_grant_type",
        70_003,
    )
    .await;
}

#[tokio::test]
async fn refresh_tokens_rotate_serve_other_resources_and_end() {
    let world = world();
    let admin = world.admin();
    let tokens = world
        .tokens(&admin, &format!("User.Read {TEAMS}/user_impersonation"))
        .await;
    assert_eq!(tokens["scope"], "User.Read openid profile");
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let teams = format!("{TEAMS}/.default");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("scope", &teams),
    ];
    let second = world.token("organizations", &form).await.json();
    assert_eq!(second["scope"], format!("{TEAMS}/user_impersonation"));
    assert_ne!(second["refresh_token"], tokens["refresh_token"]);
    assert_eq!(
        world.token(&world.tenant(), &form).await.status,
        StatusCode::OK,
        "the old one stays good"
    );
    let more = [form[0], form[1], ("scope", "User.Read.All")];
    let seen = world.token("organizations", &more).await.json();
    assert_eq!(
        (seen["error"].as_str(), seen["suberror"].as_str()),
        (Some("invalid_grant"), Some("consent_required"))
    );
    let foreign = world.microsoft.tenants()[1].id.clone();
    refused(&world, &foreign, &form, "invalid_grant", 50_020).await;
    world
        .control(
            "POST",
            &format!("/tenants/{}/users/{admin}/revoke", world.tenant()),
            json!({}),
        )
        .await;
    refused(&world, "organizations", &form, "invalid_grant", 50_173).await;
}

#[tokio::test]
async fn refresh_tokens_live_ninety_days() {
    let world = world();
    let tokens = world.tokens(&world.admin(), "User.Read").await;
    world.clock.advance(SignedDuration::from_hours(24 * 91));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    refused(&world, "organizations", &form, "invalid_grant", 700_082).await;
}

#[tokio::test]
async fn applications_get_a_token_even_without_permission() {
    let world = world();
    let tenant = world.tenant();
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    refused(&world, "organizations", &form, "invalid_request", 9_001_023).await;
    refused(&world, &tenant, &form, "unauthorized_client", 700_016).await;
    refused(&world, "nowhere.example", &form, "invalid_request", 90_002).await;
    world.tokens(&world.admin(), "User.Read").await;
    let named = [form[0], ("scope", "User.Read")];
    refused(&world, &tenant, &named, "invalid_scope", 1_002_012).await;
    let token = world.token(&tenant, &form).await.json();
    assert!(token.get("refresh_token").is_none() && token.get("id_token").is_none());
    let access = token["access_token"].as_str().unwrap();
    assert_eq!(
        world.graph("GET", access, "/organization", None).await.status,
        StatusCode::FORBIDDEN
    );
    let path = consent_path(&world, &tenant, "v2.0/adminconsent");
    let back = world.accept(&path, &world.admin()).await;
    assert_eq!(back.sent_back("admin_consent").as_deref(), Some("True"));
    assert_eq!(back.sent_back("tenant").as_deref(), Some(tenant.as_str()));
    assert!(
        back.sent_back("scope")
            .unwrap()
            .contains("https://graph.microsoft.com/Organization.Read.All")
    );
    assert_eq!(
        world.graph("GET", access, "/organization", None).await.status,
        StatusCode::FORBIDDEN,
        "what was granted later is not in an older token"
    );
    let newer = world.token(&tenant, &form).await.json();
    let newer = newer["access_token"].as_str().unwrap();
    let organization = world.graph("GET", newer, "/organization", None).await;
    assert_eq!(organization.status, StatusCode::OK);
    assert_eq!(organization.json()["value"][0]["id"], tenant.as_str());
    assert_eq!(
        world.graph("GET", newer, "/users", None).await.status,
        StatusCode::FORBIDDEN
    );
    world
        .control("DELETE", &format!("/tenants/{tenant}/consent"), json!({}))
        .await;
    assert_eq!(
        world.graph("GET", newer, "/organization", None).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_organisations_consent_works_after_a_while() {
    let world = world_with(|options| options.delays.consent_effective = SignedDuration::from_secs(60));
    let tenant = world.tenant();
    let path = consent_path(&world, &tenant, "v2.0/adminconsent");
    world.accept(&path, &world.admin()).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let mut seen = Vec::new();
    for _ in 0..3 {
        let token = world.token(&tenant, &form).await.json();
        let token = token["access_token"].as_str().unwrap();
        seen.push(world.graph("GET", token, "/organization", None).await.status.as_u16());
        world.clock.advance(SignedDuration::from_secs(30));
    }
    assert_eq!(seen, [403, 403, 200]);
}

fn consent_path(world: &World, tenant: &str, page: &str) -> String {
    let pairs = [
        ("client_id", world.options.app.client_id.as_str()),
        ("redirect_uri", REDIRECT),
        ("state", "s-2"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("/{tenant}/{page}?{query}")
}

#[tokio::test]
async fn admin_consent_says_true_even_on_failure() {
    let world = world();
    let path = consent_path(&world, "organizations", "v2.0/adminconsent");
    let page = world.submit(&path, &[("account", &world.admin())]).await;
    assert!(page.text.contains("Accept for your organization"));
    let back = world
        .submit(&path, &[("account", &world.admin()), ("action", "cancel")])
        .await;
    assert_eq!(back.sent_back("admin_consent").as_deref(), Some("True"));
    assert_eq!(back.sent_back("error").as_deref(), Some("consent_required"));
    let older = consent_path(&world, "common", "adminconsent");
    let back = world.submit(&older, &[("action", "cancel")]).await;
    assert_eq!(back.sent_back("error").as_deref(), Some("permission_denied"));
    let lesser = world.accept(&path, &world.user()).await;
    assert!(lesser.text.contains("AADSTS90094"));
    world
        .control("POST", "/next-sign-in", json!({ "forgedTenant": "somebody-else" }))
        .await;
    assert_eq!(
        world.accept(&path, &world.admin()).await.sent_back("tenant").as_deref(),
        Some("somebody-else")
    );
}

/// Verifies as a client must: key by `kid`, the key's own issuer, signature, audience.
async fn verify(world: &World, token: &Value) -> Result<Value, String> {
    let token = token.as_str().unwrap();
    let keys = world.open("/organizations/discovery/v2.0/keys", None).await.json();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid.as_str())
        .ok_or("unknown key")?;
    let unverified = claims(&json!(token));
    let issuer = key["issuer"]
        .as_str()
        .unwrap()
        .replace("{tenantid}", unverified["tid"].as_str().unwrap());
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[&world.options.app.client_id]);
    rules.set_issuer(&[issuer]);
    let key = DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &rules)
        .map(|token| token.claims)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn id_tokens_can_be_verified_across_rotations() {
    let world = world();
    let discovery = world
        .open("/organizations/v2.0/.well-known/openid-configuration", None)
        .await
        .json();
    assert_eq!(discovery["issuer"], "https://login.sim.example/{tenantid}/v2.0");
    let own = format!("/{}/v2.0/.well-known/openid-configuration", world.tenant());
    let own = world.open(&own, None).await.json();
    assert_eq!(
        own["issuer"],
        format!("https://login.sim.example/{}/v2.0", world.tenant())
    );
    let first = world.tokens(&world.admin(), "User.Read").await["id_token"].clone();
    world.control("POST", "/keys/rotate", json!({})).await;
    let second = world.tokens(&world.admin(), "User.Read").await["id_token"].clone();
    let kid = |token: &Value| jsonwebtoken::decode_header(token.as_str().unwrap()).unwrap().kid;
    assert_ne!(kid(&first), kid(&second));
    for token in [first, second] {
        let claims = verify(&world, &token).await.unwrap();
        assert_eq!(claims["nonce"], "n-1");
        assert_eq!(claims["ver"], "2.0");
        assert_eq!(claims["preferred_username"], world.admin().as_str());
        assert!(
            claims["wids"]
                .as_array()
                .unwrap()
                .contains(&json!("62e90394-69f5-4237-9190-012177145e10"))
        );
    }
}

#[tokio::test]
async fn wrong_id_tokens_are_wrong() {
    let world = world();
    for flaw in ["issuer", "audience", "expired", "consumersKey", "signature"] {
        world.control("POST", "/next-sign-in", json!({ "idToken": flaw })).await;
        let token = world.tokens(&world.admin(), "User.Read").await["id_token"].clone();
        assert!(verify(&world, &token).await.is_err(), "{flaw}");
    }
    world
        .control("POST", "/next-sign-in", json!({ "idToken": "nonce" }))
        .await;
    let token = world.tokens(&world.admin(), "User.Read").await["id_token"].clone();
    assert_ne!(verify(&world, &token).await.unwrap()["nonce"], "n-1");
}

#[tokio::test]
async fn token_requests_can_be_broken() {
    let world = world();
    let fault =
        json!({ "host": "login", "path": "/organizations/oauth2/v2.0/token", "status": 503, "retryAfter": "1.5" });
    world.control("POST", "/faults", fault).await;
    let form = [("grant_type", "refresh_token")];
    let seen = world.token("organizations", &form).await;
    assert_eq!(
        (seen.status, &seen.headers["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1.5".parse().unwrap())
    );
    assert_eq!(
        world.token("organizations", &form).await.status,
        StatusCode::BAD_REQUEST
    );
}
