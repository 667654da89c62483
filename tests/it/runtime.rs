//! Functions as Lambda runs them: a process, the Runtime API, an event, an answer.

mod functions;

use crate::runtime_api::{TIME_LIMIT, body, claims, form_event, http_event};
use dialbridge_local::runtime_api::{Failure, Function, RuntimeApi};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::Path;

/// Plays the runtime's part of the protocol by hand.
struct Runtime {
    base: String,
    http: reqwest::Client,
}

impl Runtime {
    fn of(api: &RuntimeApi) -> Self {
        Self {
            base: format!("http://{}/2018-06-01/runtime", api.address()),
            http: reqwest::Client::new(),
        }
    }

    /// Takes the next event; answers its id and the event.
    async fn next(&self) -> (String, Value) {
        let answer = self
            .http
            .get(format!("{}/invocation/next", self.base))
            .send()
            .await
            .unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert!(header("lambda-runtime-deadline-ms").parse::<u64>().unwrap() > 1_700_000_000_000);
        assert!(header("lambda-runtime-invoked-function-arn").starts_with("arn:aws:lambda:"));
        (header("lambda-runtime-aws-request-id"), answer.json().await.unwrap())
    }

    async fn post(&self, path: &str, body: &Value) -> StatusCode {
        self.http
            .post(format!("{}/{path}", self.base))
            .json(body)
            .send()
            .await
            .unwrap()
            .status()
    }
}

#[tokio::test]
async fn an_event_goes_out_and_its_answer_comes_back() {
    let api = RuntimeApi::start(TIME_LIMIT).unwrap();
    let runtime = Runtime::of(&api);
    let play = async {
        let (id, event) = runtime.next().await;
        assert_eq!(event, json!({ "n": 1 }));
        assert_eq!(
            runtime
                .post(&format!("invocation/{id}/response"), &json!({ "n": 2 }))
                .await,
            StatusCode::ACCEPTED
        );
        // The same answer again is refused, as Lambda refuses it.
        assert_eq!(
            runtime
                .post(&format!("invocation/{id}/response"), &json!({ "n": 3 }))
                .await,
            StatusCode::BAD_REQUEST
        );
    };
    let event = json!({ "n": 1 });
    let (answer, ()) = tokio::join!(api.invoke(&event), play);
    assert_eq!(answer, Ok(json!({ "n": 2 })));
}

#[tokio::test]
async fn an_error_of_the_function_is_told_apart() {
    let api = RuntimeApi::start(TIME_LIMIT).unwrap();
    let runtime = Runtime::of(&api);
    let report = json!({ "errorType": "Busy", "errorMessage": "somebody else holds it" });
    let play = async {
        let (id, _) = runtime.next().await;
        assert_eq!(
            runtime.post(&format!("invocation/{id}/error"), &report).await,
            StatusCode::ACCEPTED
        );
    };
    let event = json!({});
    let (answer, ()) = tokio::join!(api.invoke(&event), play);
    assert_eq!(
        answer,
        Err(Failure::Function {
            kind: "Busy".into(),
            message: "somebody else holds it".into()
        })
    );
}

#[tokio::test]
async fn a_function_that_cannot_start_says_so() {
    let api = RuntimeApi::start(TIME_LIMIT).unwrap();
    let report = json!({ "errorType": "Init", "errorMessage": "TABLE_NAME is not set" });
    assert_eq!(
        Runtime::of(&api).post("init/error", &report).await,
        StatusCode::ACCEPTED
    );
    let failure = Failure::Init {
        kind: "Init".into(),
        message: "TABLE_NAME is not set".into(),
    };
    assert_eq!(api.invoke(&json!({})).await, Err(failure));
}

#[tokio::test]
async fn a_program_that_ends_is_noticed() {
    // Cargo is a program that is surely there; without arguments it prints its help and ends.
    let function = Function::spawn(Path::new(env!("CARGO")), &[].into(), TIME_LIMIT).unwrap();
    let failure = function.invoke(&json!({})).await;
    assert!(
        matches!(failure, Err(Failure::Exited(status)) if status.success()),
        "{failure:?}"
    );
}

#[test]
fn an_http_event_has_the_shape_of_payload_version_two() {
    let who = claims("account_admin", &[("enterprise", "ent_1")]);
    let sent = json!({ "debug": true });
    let route = "POST /v1/enterprises/{enterprise}/runs";
    let event = http_event(route, "/v1/enterprises/ent_1/runs?a=b%20c", Some(&who), Some(&sent));
    assert_eq!(event["routeKey"], route);
    assert_eq!(event["rawPath"], "/v1/enterprises/ent_1/runs");
    assert_eq!(event["pathParameters"], json!({ "enterprise": "ent_1" }));
    assert_eq!(
        (&event["rawQueryString"], &event["queryStringParameters"]["a"]),
        (&json!("a=b%20c"), &json!("b c"))
    );
    assert_eq!(
        event["requestContext"]["authorizer"]["jwt"]["claims"]["role"],
        "account_admin"
    );
    assert_eq!(body(&event), sent);
    let public = http_event("GET /permissions", "/permissions", None, None);
    assert!(
        public["requestContext"]["authorizer"].is_null()
            && public["body"].is_null()
            && public["pathParameters"].is_null()
    );
}

#[test]
fn a_form_is_sent_as_text_or_in_base64() {
    let fields = [("code", "AB CD"), ("x", "&")];
    let plain = form_event("POST /i/{invitation}", "/i/abc", &fields, false);
    assert_eq!(plain["body"], "code=AB+CD&x=%26");
    let encoded = form_event("POST /i/{invitation}", "/i/abc", &fields, true);
    assert_eq!(encoded["body"], "Y29kZT1BQitDRCZ4PSUyNg==");
    assert_eq!(
        (&plain["isBase64Encoded"], &encoded["isBase64Encoded"]),
        (&json!(false), &json!(true))
    );
}
