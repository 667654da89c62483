//! What the tests of the simulator share: a small world without delays, and a browser and client without a network.

use super::{Delays, Microsoft, Options};
use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use shared::io::clock::Clock;
use tower::ServiceExt;
use url::Url;

pub(super) const REDIRECT: &str = "https://dialbridge.example/signin/callback";
pub(super) const TEAMS: &str = super::catalogue::TEAMS_ADMIN_API;

pub(super) struct World {
    pub(super) microsoft: Microsoft,
    pub(super) clock: Clock,
    pub(super) options: Options,
}

/// An answer, read to its end.
pub(super) struct Seen {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A parameter of the address that the browser is sent to.
    pub(super) fn sent_back(&self, name: &str) -> Option<String> {
        let location = self
            .headers
            .get(header::LOCATION)
            .unwrap_or_else(|| panic!("no redirect: {}", self.text));
        let url: Url = location.to_str().unwrap().parse().unwrap();
        assert!(url.as_str().starts_with(REDIRECT), "{url}");
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

pub(super) fn world() -> World {
    world_with(|_| {})
}

pub(super) fn world_with(change: impl FnOnce(&mut Options)) -> World {
    let mut options = Options {
        users: 200,
        delays: Delays::none(),
        ..Options::default()
    };
    options.app.redirect_uris = vec![REDIRECT.into()];
    change(&mut options);
    let clock = Clock::default();
    let login = "https://login.sim.example".parse().unwrap();
    let graph = "https://graph.sim.example".parse().unwrap();
    let microsoft = Microsoft::new(options.clone(), clock.clone(), login, graph);
    World {
        microsoft,
        clock,
        options,
    }
}

impl World {
    pub(super) fn admin(&self) -> String {
        self.microsoft.tenants()[0].global_admins[0].clone()
    }

    pub(super) fn user(&self) -> String {
        self.microsoft.tenants()[0].ordinary_user.clone()
    }

    pub(super) fn tenant(&self) -> String {
        self.microsoft.tenants()[0].id.clone()
    }

    pub(super) async fn send(&self, router: Router, request: Request<Body>) -> Seen {
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Seen {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(super) async fn control(&self, method: &str, path: &str, body: Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body.to_string()))
            .unwrap();
        let seen = self.send(self.microsoft.controls(), request).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
    }

    /// The authorize address; `more` replaces and adds parameters, an empty value removes one.
    pub(super) fn authorize_path(&self, authority: &str, more: &[(&str, &str)]) -> String {
        let app = &self.options.app;
        let mut pairs = vec![
            ("client_id", app.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", "openid profile offline_access User.Read"),
            ("state", "s-1"),
            ("nonce", "n-1"),
        ];
        for (name, value) in more {
            pairs.retain(|(known, _)| known != name);
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        format!("/{authority}/oauth2/v2.0/authorize?{query}")
    }

    pub(super) async fn open(&self, path: &str, cookie: Option<&str>) -> Seen {
        let mut request = Request::builder().uri(path);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(self.microsoft.login(), request.body(Body::empty()).unwrap())
            .await
    }

    pub(super) async fn submit(&self, path: &str, form: &[(&str, &str)]) -> Seen {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::builder().method("POST").uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(self.microsoft.login(), request.body(Body::from(body)).unwrap())
            .await
    }

    /// Picks an account and accepts, for all if the person may.
    pub(super) async fn accept(&self, path: &str, account: &str) -> Seen {
        self.submit(
            path,
            &[
                ("account", account),
                ("action", "accept"),
                ("consent_on_behalf", "true"),
            ],
        )
        .await
    }

    pub(super) async fn token(&self, authority: &str, form: &[(&str, &str)]) -> Seen {
        let app = &self.options.app;
        let mut all = vec![
            ("client_id", app.client_id.as_str()),
            ("client_secret", app.client_secret.as_str()),
        ];
        for pair in form {
            all.retain(|(known, _)| *known != pair.0);
            all.push(*pair);
        }
        self.submit(&format!("/{authority}/oauth2/v2.0/token"), &all).await
    }

    pub(super) async fn redeem(&self, authority: &str, code: &str, more: &[(&str, &str)]) -> Seen {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
        ];
        form.extend(more);
        self.token(authority, &form).await
    }

    /// Signs in and gives the tokens.
    pub(super) async fn tokens(&self, account: &str, scope: &str) -> Value {
        let scope = format!("openid profile offline_access {scope}");
        let seen = self
            .accept(&self.authorize_path("organizations", &[("scope", &scope)]), account)
            .await;
        let code = seen.sent_back("code").unwrap();
        let seen = self.redeem("organizations", &code, &[]).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        seen.json()
    }

    pub(super) async fn access(&self, account: &str, scope: &str) -> String {
        self.tokens(account, scope).await["access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(super) async fn graph(&self, method: &str, token: &str, path: &str, body: Option<Value>) -> Seen {
        let path = path.strip_prefix("https://graph.sim.example").unwrap_or(path);
        let path = if path.starts_with("/v1.0") {
            path.to_owned()
        } else {
            format!("/v1.0{path}")
        };
        let path = path.replace(' ', "%20");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.header("ConsistencyLevel", "eventual");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(self.microsoft.graph(), request.body(Body::from(body)).unwrap())
            .await
    }
}

/// The claims of a token, without verifying it.
pub(super) fn claims(token: &Value) -> Value {
    let middle = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}
