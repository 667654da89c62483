//! Bad input over every route of the API description, so that a new route is covered as soon as it exists: every
//! answer is a problem document with a stable code, and none is a fault of ours.

mod bodies;
mod callers;
pub(crate) mod routes;

use crate::stories::scene::{Scene, options};
use reqwest::{Client, Method, StatusCode};
use routes::Route;
use serde_json::{Value, json};

/// An id that is well-formed and belongs to nobody.
const UNKNOWN: &str = "ent_0000000000000000000000000z";

/// A service with everything that a path can name.
struct World {
    scene: Scene,
    run: String,
    plan: String,
    webhook: String,
}

/// What came back.
struct Seen {
    status: StatusCode,
    content_type: String,
    body: String,
}

impl World {
    async fn new() -> Self {
        let scene = Scene::mapped(options(60), 3, 1).await;
        let plan = scene.plan().await.text("/id").to_owned();
        let run = scene.get("/runs").await.text("/items/0/id").to_owned();
        let form = json!({ "url": "https://hooks.northwind.example/", "enabled": false });
        let path = format!("/v1/resellers/{}/webhooks", scene.reseller);
        let made = scene.api("reseller_admin").post(&path, &form).await.unwrap();
        let webhook = made.text("/webhook/id").to_owned();
        assert!(!plan.is_empty() && !run.is_empty() && !webhook.is_empty());
        Self {
            scene,
            run,
            plan,
            webhook,
        }
    }

    /// A route's path with ids in it.
    fn path(&self, route: &Route, enterprise: &str) -> String {
        let filled = route
            .path
            .replace("{enterprise}", enterprise)
            .replace("{run}", &self.run)
            .replace("{plan}", &self.plan)
            .replace("{set}", "calling")
            .replace("{webhook}", &self.webhook)
            .replace("{voiceUser}", "v000")
            .replace("{task}", "task_0000000000000000000000000z")
            .replace("{suppression}", "sup_0000000000000000000000000z")
            .replace("{reseller}", &self.scene.reseller);
        let rest = filled
            .split('/')
            .map(|part| if part.starts_with('{') { "unknown" } else { part });
        let path = rest.collect::<Vec<_>>().join("/");
        if path.ends_with("/import") {
            format!("{path}?mode=create")
        } else {
            path
        }
    }

    async fn send(&self, route: &Route, path: &str, token: Option<&str>, body: Option<String>) -> Seen {
        self.send_as(route.method.clone(), path, token, body, "application/json")
            .await
    }

    async fn send_as(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<String>,
        content_type: &str,
    ) -> Seen {
        let url = format!("{}{}", self.scene.service.world.urls.api, path.trim_start_matches('/'));
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut call = client
            .request(method, url)
            .header("idempotency-key", format!("key-{}", unique()))
            .header("if-match", "\"1\"");
        if let Some(token) = token {
            call = call.bearer_auth(token);
        }
        if let Some(body) = body {
            call = call.header("content-type", content_type).body(body);
        }
        let answer = call.send().await.unwrap();
        let content_type = answer.headers().get("content-type");
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        Seen {
            status: answer.status(),
            content_type: content_type.to_owned(),
            body: answer.text().await.unwrap(),
        }
    }

    /// Somebody who may call the route.
    fn token(&self, route: &Route) -> String {
        self.scene.token(route.caller())
    }
}

fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

impl Seen {
    /// An RFC 9457 document that names its status and a code.
    #[track_caller]
    fn problem(&self, what: &str) -> Value {
        let Self {
            status,
            content_type,
            body,
        } = self;
        assert!(status.is_client_error(), "{what}: {status} {body}");
        assert_eq!(content_type, "application/problem+json", "{what}: {status} {body}");
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], json!(status.as_u16()), "{what}: {body}");
        let code = problem["code"].as_str().unwrap_or_default();
        let stable = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(stable, "{what}: {body}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{what}: {body}");
        assert!(
            problem["title"].as_str().is_some_and(|title| !title.is_empty()),
            "{what}: {body}"
        );
        problem
    }

    #[track_caller]
    fn coded(&self, what: &str, status: u16, code: &str) {
        let problem = self.problem(what);
        assert_eq!(
            (self.status.as_u16(), problem["code"].as_str()),
            (status, Some(code)),
            "{what}: {}",
            self.body
        );
    }
}
