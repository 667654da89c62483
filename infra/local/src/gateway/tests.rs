//! The gateway over HTTP: who gets in, and what a function sees.

use super::*;
use crate::issuer::Person;
use crate::protocol::{bind, serve};
use axum::routing::{get, post};
use jiff::SignedDuration;
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use tokio::sync::watch;
use url::Url;

struct Api {
    url: Url,
    http: reqwest::Client,
    issuer: Issuer,
    clock: Clock,
    _stop: watch::Sender<bool>,
}

/// Answers with what the function saw.
async fn mirror(request: axum::extract::Request) -> axum::Json<Value> {
    let claims = match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context
            .authorizer
            .as_ref()
            .and_then(|all| all.jwt.as_ref())
            .map(|jwt| json!(jwt.claims)),
        _ => None,
    };
    let path = request
        .extensions()
        .path_parameters_ref()
        .map(|all| json!(all.iter().collect::<Vec<_>>()));
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap();
    let headers: Vec<String> = parts
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    axum::Json(json!({
        "method": parts.method.as_str(), "uri": parts.uri.path_and_query().map(|uri| uri.as_str()),
        "claims": claims, "path": path, "headers": headers, "body": String::from_utf8_lossy(&body), "length": body.len(),
    }))
}

fn api() -> Api {
    let (stop, stopping) = watch::channel(false);
    let clock = Clock::default();
    let issuer = Issuer::new("http://issuer.example/".parse().unwrap(), clock.clone()).unwrap();
    let gateway = Gateway::new(issuer.clone(), clock.clone(), Faults::default(), Busy::default());
    let routes = vec![
        Route::authorised("GET", "/v1/enterprises/{enterprise}"),
        Route::authorised("POST", "/v1/enterprises"),
        Route::public("POST", "/setup"),
        Route::public("GET", "/cookies"),
        Route::public("GET", "/broken"),
    ];
    let cookies = || async {
        let headers = axum::response::AppendHeaders([("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; Path=/")]);
        (headers, vec![0_u8, 159, 146, 150])
    };
    let router = Router::new()
        .route("/v1/enterprises/{enterprise}", get(mirror))
        .route("/v1/enterprises", post(mirror))
        .route("/setup", post(mirror))
        .route("/cookies", get(cookies));
    gateway.mount(routes, router);
    let (listener, url) = bind(0).unwrap();
    serve(listener, gateway.router(), &stopping);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Api {
        url,
        http,
        issuer,
        clock,
        _stop: stop,
    }
}

impl Api {
    fn call(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), self.url.join(path).unwrap())
    }

    fn token(&self) -> String {
        let person = Person {
            sub: "u1".to_owned(),
            email: "ann@a.example".to_owned(),
            name: "Ann".to_owned(),
            role: "reseller_admin".to_owned(),
            reseller: Some("res_1".to_owned()),
            enterprise: None,
        };
        self.issuer.token(&person).unwrap()
    }

    async fn status_of(&self, token: &str) -> u16 {
        self.call("GET", "/v1/enterprises/ent_1")
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    fn claims(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = self.clock.now().as_second();
        let mut claims = json!({ "iss": "http://issuer.example", "aud": "dialbridge", "exp": now + 60, "sub": "u1" });
        change(&mut claims);
        self.issuer.sign(&claims).unwrap()
    }
}

#[tokio::test]
async fn a_function_sees_the_request_and_verified_claims() {
    let api = api();
    let request = api
        .call("GET", "/v1/enterprises/ent%201?a=1&a=2&b=%20")
        .bearer_auth(api.token());
    let request = request
        .header("x-many", "1")
        .header("x-many", "2")
        .header("cookie", "s=1; t=2");
    let seen: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(seen["uri"], "/v1/enterprises/ent%201?a=1&a=2&b=%20");
    assert_eq!(seen["path"], json!([["enterprise", "ent 1"]]));
    assert_eq!(
        (seen["claims"]["role"].as_str(), seen["claims"]["reseller"].as_str()),
        (Some("reseller_admin"), Some("res_1"))
    );
    assert!(seen["claims"]["exp"].is_string() && seen["claims"]["enterprise"].is_null());
    let headers = seen["headers"].as_array().unwrap();
    assert!(
        headers.contains(&json!("x-many: 1,2")) && headers.contains(&json!("cookie: s=1; t=2")),
        "{headers:?}"
    );
}

#[tokio::test]
async fn bodies_arrive_whole_as_text_or_not() {
    let api = api();
    let send = |kind: &'static str, body: Vec<u8>| {
        api.call("POST", "/setup")
            .header("content-type", kind)
            .body(body)
            .send()
    };
    let seen: Value = send("application/json", b"{\"a\":1}".to_vec())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen["body"], "{\"a\":1}");
    let seen: Value = send("application/x-www-form-urlencoded", b"code=a%20b".to_vec())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen["body"], "code=a%20b");
    let seen: Value = send("application/octet-stream", vec![0, 255, 254])
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen["length"], 3);
    assert_eq!(
        send("text/plain", vec![b'a'; MAX_BODY + 1]).await.unwrap().status(),
        413
    );
}

#[tokio::test]
async fn cookies_and_binary_answers_come_back() {
    let answer = api().call("GET", "/cookies").send().await.unwrap();
    let cookies: Vec<_> = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2; Path=/"]);
    assert_eq!(answer.bytes().await.unwrap().as_ref(), [0, 159, 146, 150]);
}

#[tokio::test]
async fn unknown_routes_and_methods_are_not_found() {
    let api = api();
    for (method, path) in [
        ("GET", "/nothing"),
        ("DELETE", "/setup"),
        ("HEAD", "/cookies"),
        ("OPTIONS", "/setup"),
    ] {
        let answer = api.call(method, path).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{method} {path}");
        if method != "HEAD" {
            assert_eq!(answer.text().await.unwrap(), r#"{"message":"Not Found"}"#);
        }
    }
}

#[tokio::test]
async fn only_good_tokens_pass() {
    let api = api();
    let now = api.clock.now().as_second();
    assert_eq!(api.status_of(&api.token()).await, 200);
    assert_eq!(api.status_of(&api.claims(|_| {})).await, 200);
    let stranger = Issuer::new("http://issuer.example/".parse().unwrap(), api.clock.clone()).unwrap();
    let good = api.claims(|_| {});
    let (signed, _) = good.rsplit_once('.').unwrap();
    let wrong = [
        ("none", String::new()),
        ("nonsense", "abc".to_owned()),
        ("unsigned", format!("{signed}.")),
        (
            "foreign key",
            stranger
                .sign(&json!({ "iss": "http://issuer.example", "aud": "dialbridge", "exp": now + 60 }))
                .unwrap(),
        ),
        (
            "issuer",
            api.claims(|claims| claims["iss"] = json!("http://other.example")),
        ),
        ("audience", api.claims(|claims| claims["aud"] = json!("other"))),
        ("expired", api.claims(|claims| claims["exp"] = json!(now - 1))),
        ("no expiry", api.claims(|claims| claims["exp"] = json!(null))),
        ("not yet", api.claims(|claims| claims["nbf"] = json!(now + 60))),
    ];
    for (what, token) in wrong {
        assert_eq!(api.status_of(&token).await, 401, "{what}");
    }
    let without = api.call("GET", "/v1/enterprises/ent_1").send().await.unwrap();
    assert_eq!(without.status(), 401);
    assert_eq!(without.text().await.unwrap(), r#"{"message":"Unauthorized"}"#);
}

#[tokio::test]
async fn a_token_ends_with_the_worlds_clock() {
    let api = api();
    let token = api.token();
    api.clock.advance(SignedDuration::from_mins(59));
    assert_eq!(api.status_of(&token).await, 200);
    api.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(api.status_of(&token).await, 401);
}

#[tokio::test]
async fn tokens_are_asked_for_by_form_or_json() {
    let (stop, stopping) = watch::channel(false);
    let issuer = Issuer::new("http://issuer.example/".parse().unwrap(), Clock::default()).unwrap();
    let (listener, url) = bind(0).unwrap();
    serve(listener, issuer.router(), &stopping);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = || http.post(url.join("token").unwrap());
    let person = [
        ("sub", "u"),
        ("email", "a@b.example"),
        ("name", "A"),
        ("role", "account_admin"),
        ("reseller", ""),
    ];
    let form: Value = post().form(&person).send().await.unwrap().json().await.unwrap();
    assert!(form["access_token"].is_string(), "{form}");
    let json =
        json!({ "sub": "u", "email": "a@b.example", "name": "A", "role": "account_admin", "enterprise": "ent_1" });
    assert_eq!(post().json(&json).send().await.unwrap().status(), 200);
    let wrong = json!({ "sub": "u", "email": "a@b.example", "name": "A", "role": "emperor" });
    assert_eq!(post().json(&wrong).send().await.unwrap().status(), 400);
    drop(stop);
}
