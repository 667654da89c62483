//! The whole sign-in against a played Entra. Every ID token that must not be believed: `id_token/tests`.

use super::super::forge::KEY;
use super::super::stage::{Asked, Reply, Stage, hasty};
use super::*;
use jiff::SignedDuration;
use serde_json::{Value, json};

const TENANT: &str = "9f3c2b10-0000-4000-8000-00000000bf01";
const PERSON: &str = "2c0b6a1e-1111-4a11-9a11-0000000000a1";
const CLIENT: &str = "0b7d3c52-6f0e-4c1d-9a51-2d7e4f8a9c10";
/// Of a brand with an application of its own.
const OTHER_CLIENT: &str = "1c8e4d63-0000-4c1d-9a51-2d7e4f8a9c10";
const NONCE: &str = "n-0S6_WzA2Mj";

fn client_id() -> ClientId {
    CLIENT.parse().unwrap()
}

fn now() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn header() -> Value {
    json!({"typ": "JWT", "alg": "RS256", "kid": "k1"})
}

fn claims(asked: &Asked) -> Value {
    let issuer = asked.url.join(&format!("/{TENANT}/v2.0")).unwrap();
    let second = now().as_second();
    json!({"aud": CLIENT, "iss": issuer.as_str(), "tid": TENANT, "oid": PERSON, "sub": "pairwise", "ver": "2.0",
        "nonce": NONCE, "iat": second - 5, "nbf": second - 5, "exp": second + 3600, "name": "Mara Quist",
        "preferred_username": "mara@bluefinch.example", "wids": ["62e90394-69f5-4237-9190-012177145e10"]})
}

/// Discovery and keys.
fn keys(asked: &Asked) -> Option<Reply> {
    let base = asked.url.join("/").unwrap();
    let everybody = format!("{base}{{tenantid}}/v2.0");
    match asked.url.path() {
        "/organizations/v2.0/.well-known/openid-configuration" => Some(Reply::json(
            200,
            json!({"issuer": everybody, "jwks_uri": format!("{base}organizations/discovery/v2.0/keys")}),
        )),
        "/organizations/discovery/v2.0/keys" => {
            Some(Reply::json(200, json!({"keys": [KEY.published("k1", &everybody)]})))
        }
        _ => None,
    }
}

fn tokens(id_token: &str) -> Reply {
    Reply::json(
        200,
        json!({"token_type": "Bearer", "scope": "User.Read openid profile", "expires_in": 4391,
        "ext_expires_in": 4391, "access_token": "access", "refresh_token": "refresh", "id_token": id_token}),
    )
}

/// Entra, answering with the token that `forge` makes of honest claims.
async fn entra(forge: impl Fn(&mut Value) + Send + Sync + 'static) -> Stage {
    Stage::new(move |asked, _| {
        keys(asked).unwrap_or_else(|| {
            let mut claims = claims(asked);
            forge(&mut claims);
            tokens(&KEY.token(&header(), &claims))
        })
    })
    .await
}

fn sign_in(stage: &Stage) -> SignIn {
    sign_in_at(stage.url.as_str())
}

fn sign_in_at(login: &str) -> SignIn {
    let redirect = "https://portal.example/callback".parse().unwrap();
    SignIn::new(&login.parse().unwrap(), client_id(), redirect).with_http(hasty())
}

async fn redeem_at(sign_in: &SignIn, tenant: Option<&TenantId>, now: Timestamp) -> Result<SignedIn> {
    let ask = Redeem {
        application: sign_in.application(),
        client_secret: &Secret::new("client secret&".into()),
        tenant,
        code: &Secret::new("code".into()),
        verifier: &Secret::new("v".repeat(43)),
        scopes: &["openid", "profile", "offline_access", "User.Read"].map(str::to_owned),
        nonce: NONCE,
    };
    sign_in.redeem(&ask, now).await
}

async fn redeem(stage: &Stage) -> Result<SignedIn> {
    redeem_at(&sign_in(stage), None, now()).await
}

#[test]
fn a_challenge_hides_its_verifier() {
    let challenge = Challenge::new([7; 32]);
    assert_eq!(challenge.verifier.expose().len(), 43);
    assert_eq!(challenge.challenge.len(), 43);
    assert_ne!(challenge.verifier.expose(), challenge.challenge);
    assert!(!format!("{challenge:?}").contains(challenge.verifier.expose()));
}

#[test]
fn the_authorize_address_has_all_parameters() {
    let sign_in = SignIn::new(
        &"https://login.example/".parse().unwrap(),
        client_id(),
        "https://portal.example/callback?a=1".parse().unwrap(),
    );
    let scopes = ["openid", "https://graph.microsoft.com/User.Read"].map(str::to_owned);
    let tenant: TenantId = TENANT.parse().unwrap();
    let ask = Authorize {
        application: sign_in.application(),
        tenant: Some(&tenant),
        scopes: &scopes,
        state: "a b",
        nonce: NONCE,
        challenge: "chal",
        prompt: Some(Prompt::Login),
        login_hint: Some("mara+1@bluefinch.example"),
    };
    let url = sign_in.authorize_url(&ask);
    assert_eq!(url.path(), format!("/{TENANT}/oauth2/v2.0/authorize"));
    let pairs: Vec<_> = url.query_pairs().collect();
    let expected = [
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", "https://portal.example/callback?a=1"),
        ("scope", "openid https://graph.microsoft.com/User.Read"),
        ("state", "a b"),
        ("nonce", NONCE),
        ("code_challenge", "chal"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("login_hint", "mara+1@bluefinch.example"),
    ];
    assert_eq!(pairs, expected.map(|(name, value)| (name.into(), value.into())));
    let any = Authorize {
        tenant: None,
        prompt: Some(Prompt::SelectAccount),
        ..ask
    };
    let url = sign_in.authorize_url(&any);
    assert!(url.path().starts_with("/organizations/"));
    assert!(!url.as_str().contains("login_hint"), "the two exclude each other");
}

#[test]
fn the_admin_consent_address_is_the_tenants() {
    let url = sign_in_at("https://login.example/").admin_consent_url(&AdminConsent {
        application: &OTHER_CLIENT.parse().unwrap(),
        tenant: &TENANT.parse().unwrap(),
        scopes: &["https://graph.microsoft.com/.default".to_owned()],
        state: "a b",
    });
    assert_eq!(url.path(), format!("/{TENANT}/v2.0/adminconsent"));
    let expected = [
        ("client_id", OTHER_CLIENT),
        ("scope", "https://graph.microsoft.com/.default"),
        ("redirect_uri", "https://portal.example/callback"),
        ("state", "a b"),
    ];
    let pairs: Vec<_> = url.query_pairs().collect();
    assert_eq!(pairs, expected.map(|(name, value)| (name.into(), value.into())));
}

#[tokio::test]
async fn a_code_becomes_a_person() {
    let stage = entra(|_| ()).await;
    let person = redeem(&stage).await.unwrap();
    assert_eq!(person.claims.identity.tenant.as_str(), TENANT);
    assert_eq!(person.claims.identity.user.as_str(), PERSON);
    assert_eq!(person.claims.name, "Mara Quist");
    assert_eq!(person.claims.wids.len(), 1);
    assert_eq!(person.access.secret().expose(), "access");
    assert_eq!(person.access.expires(), now() + SignedDuration::from_secs(4391));
    assert_eq!(person.refresh.as_ref().unwrap().expose(), "refresh");
    assert!(person.scopes.contains("User.Read"));
    assert!(!format!("{person:?}").contains("refresh\""));
    let asked = &stage.asked()[0];
    assert_eq!(asked.url.path(), "/organizations/oauth2/v2.0/token");
    let field = |name: &str| asked.field(name);
    assert_eq!(field("grant_type"), "authorization_code");
    assert_eq!(field("client_id"), CLIENT);
    assert_eq!(field("client_secret"), "client secret&");
    assert_eq!(field("code"), "code");
    assert_eq!(field("code_verifier"), "v".repeat(43));
    assert_eq!(field("redirect_uri"), "https://portal.example/callback");
    assert_eq!(field("scope"), "openid profile offline_access User.Read");
    assert_eq!(asked.header("authorization"), "");
}

#[tokio::test]
async fn r070_a_token_is_for_the_application_that_asked() {
    let stage = entra(|_| ()).await;
    let sign_in = sign_in(&stage);
    let other = OTHER_CLIENT.parse().unwrap();
    let ask = Redeem {
        application: &other,
        client_secret: &Secret::new("other secret".into()),
        tenant: None,
        code: &Secret::new("code".into()),
        verifier: &Secret::new("v".repeat(43)),
        scopes: &["openid".to_owned()],
        nonce: NONCE,
    };
    assert!(matches!(
        sign_in.redeem(&ask, now()).await,
        Err(Error::SignIn(SignInRefused::TokenInvalid(
            "it is for another application"
        )))
    ));
    assert_eq!(stage.asked()[0].field("client_id"), OTHER_CLIENT);
    let stage = entra(|claims| claims["aud"] = json!(OTHER_CLIENT)).await;
    assert!(sign_in_at(stage.url.as_str()).redeem(&ask, now()).await.is_ok());
}

#[tokio::test]
async fn personal_accounts_and_other_tenants_are_refused() {
    const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let stage = entra(|claims| {
        claims["tid"] = json!(PERSONAL);
        claims["iss"] = json!(claims["iss"].as_str().unwrap().replace(TENANT, PERSONAL));
    })
    .await;
    assert!(matches!(
        redeem(&stage).await,
        Err(Error::SignIn(SignInRefused::PersonalAccount))
    ));
    let stage = entra(|_| ()).await;
    let other: TenantId = PERSON.parse().unwrap();
    assert!(matches!(
        redeem_at(&sign_in(&stage), Some(&other), now()).await,
        Err(Error::SignIn(SignInRefused::TenantMismatch))
    ));
    assert_eq!(stage.asked()[0].url.path(), format!("/{PERSON}/oauth2/v2.0/token"));
}

/// What becomes of an answer of the token endpoint, when redeeming and when refreshing.
async fn token_answer(status: u16, body: &str) -> (Error, Error) {
    let body = body.to_owned();
    let stage = Stage::new(move |_, _| Reply::text(status, &body)).await;
    let redeemed = redeem(&stage).await.unwrap_err();
    let refreshed = refresh_at(&stage).await.unwrap_err();
    (redeemed, refreshed)
}

async fn refresh_at(stage: &Stage) -> Result<(Token, Option<Secret>)> {
    let sign_in = sign_in(stage);
    let ask = Renew {
        application: sign_in.application(),
        client_secret: &Secret::new("s".into()),
        tenant: &TENANT.parse().unwrap(),
        refresh_token: &Secret::new("old".into()),
        scope: "48ac35b8-9aa8-4d74-927d-1f4a14a0b239/.default",
    };
    sign_in.token_for(&ask, now()).await
}

#[tokio::test]
async fn token_errors_say_who_must_act() {
    let check = async |error: &str, number: u32, suberror: &str, redeemed: &str, refreshed: &str| {
        let body = json!({"error": error, "error_codes": [number], "suberror": suberror,
            "error_description": format!("AADSTS{number}: Words. Trace ID: 7d0c"), "trace_id": "7d0c", "correlation_id": "55aa",
            "timestamp": "2026-03-02 10:11:12Z"});
        let (one, other) = token_answer(400, &body.to_string()).await;
        assert_eq!(
            (one.to_string().as_str(), other.to_string().as_str()),
            (redeemed, refreshed),
            "{number}"
        );
    };
    let ended = "the session with Microsoft has ended; sign in again";
    let code = |number: u32| format!("sign-in refused: Microsoft {{ code: \"AADSTS{number}\" }}");
    let approval = "sign-in refused: ApprovalRequired";
    check("invalid_grant", 65001, "consent_required", &code(65001), &code(65001)).await;
    check("invalid_grant", 54005, "", &code(54005), ended).await;
    check("invalid_grant", 50173, "bad_token", &code(50173), ended).await;
    check(
        "interaction_required",
        50076,
        "basic_action",
        &code(50076),
        &code(50076),
    )
    .await;
    check("invalid_grant", 65004, "", "sign-in refused: Declined", ended).await;
    check("access_denied", 90094, "", approval, approval).await;
    check("unauthorized_client", 700016, "", &code(700016), &code(700016)).await;
    let ours = |doing: &str| format!("could not {doing}: AADSTS7000215: AADSTS7000215: Words. Trace ID: 7d0c");
    let (redeeming, renewing) = (ours("redeem the sign-in code"), ours("renew a session"));
    check("invalid_client", 7_000_215, "", &redeeming, &renewing).await;
}

#[tokio::test]
async fn answers_that_are_no_answers_are_upstream_errors() {
    for (status, body) in [
        (400, ""),
        (400, "<html>"),
        (200, "<html>"),
        (200, "{}"),
        (200, r#"{"token_type":"Bearer","access_token":"a"}"#),
        (500, r#"{"error":"server_error"}"#),
        (503, "<html>"),
        (302, ""),
    ] {
        let (redeemed, refreshed) = token_answer(status, body).await;
        for error in [redeemed, refreshed] {
            assert!(matches!(error, Error::Upstream { .. }), "{status} {body}: {error:?}");
        }
    }
    let without_id = r#"{"token_type":"Bearer","access_token":"a","expires_in":3600}"#;
    let stage = Stage::new(move |_, _| Reply::text(200, without_id)).await;
    assert!(matches!(
        redeem(&stage).await,
        Err(Error::SignIn(SignInRefused::TokenInvalid(_)))
    ));
}

#[tokio::test]
async fn a_lost_answer_does_not_use_the_code_twice() {
    let stage = Stage::new(|_, _| Reply::text(200, "{").cut()).await;
    assert!(redeem(&stage).await.is_err());
    assert_eq!(stage.asked().len(), 1);
}

#[tokio::test]
async fn a_session_reaches_another_resource() {
    let stage = Stage::new(|_, _| {
        let body = json!({"token_type": "bearer", "expires_in": 3600, "access_token": "teams", "refresh_token": "new"});
        Reply::json(200, body)
    })
    .await;
    let (token, rotated) = refresh_at(&stage).await.unwrap();
    assert_eq!(token.secret().expose(), "teams");
    assert_eq!(rotated.unwrap().expose(), "new");
    let asked = &stage.asked()[0];
    assert_eq!(asked.url.path(), format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(asked.field("grant_type"), "refresh_token");
    assert_eq!(asked.field("refresh_token"), "old");
    assert_eq!(asked.field("scope"), "48ac35b8-9aa8-4d74-927d-1f4a14a0b239/.default");
}

#[tokio::test]
async fn our_application_gets_a_token_on_the_tenants_path() {
    let stage = Stage::new(|_, _| {
        Reply::json(
            200,
            json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "ours"}),
        )
    })
    .await;
    let tenant: TenantId = TENANT.parse().unwrap();
    let (application, secret) = (OTHER_CLIENT.parse().unwrap(), Secret::new("other secret".into()));
    let resource = "https://graph.microsoft.com";
    let token = sign_in(&stage)
        .app_token(&application, &secret, &tenant, resource, now())
        .await
        .unwrap();
    assert_eq!(token.secret().expose(), "ours");
    assert_eq!(token.expires(), now() + SignedDuration::from_secs(3599));
    let asked = &stage.asked()[0];
    assert_eq!(asked.url.path(), format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(asked.field("grant_type"), "client_credentials");
    assert_eq!(asked.field("client_id"), OTHER_CLIENT);
    assert_eq!(asked.field("client_secret"), "other secret");
    assert_eq!(asked.field("scope"), "https://graph.microsoft.com/.default");
    assert_eq!(asked.header("authorization"), "");
}

#[tokio::test]
async fn signing_in_can_be_awaited_anywhere() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let stage = entra(|_| ()).await;
    assert!(sendable(redeem(&stage)).await.is_ok());
    assert!(sendable(refresh_at(&stage)).await.is_ok());
}
