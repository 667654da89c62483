//! Busy, broken and hostile servers.

use super::*;
use crate::io::graph::stage::{Asked, Reply, Stage, hasty, said};
use serde_json::json;

const DOING: &str = "try";

fn get(stage: &Stage) -> Call<'static> {
    Call::get(DOING, stage.url.join("/v1.0/users?secret=mara").unwrap())
}

fn post(stage: &Stage) -> Call<'static> {
    Call::post(DOING, stage.url.clone(), "application/json", "{}")
}

/// A server that gives one bad answer and then a good one.
async fn bad_then_good(bad: impl Fn() -> Reply + Send + Sync + 'static) -> Stage {
    Stage::new(move |_, before| if before == 0 { bad() } else { Reply::text(200, "good") }).await
}

#[tokio::test]
async fn a_busy_service_is_asked_again() {
    let bad: [fn() -> Reply; 5] = [
        || Reply::text(429, "").header("retry-after", "0.002"),
        || Reply::text(429, ""),
        || Reply::text(503, "<html>busy</html>").header("retry-after", "0"),
        || Reply::text(504, ""),
        || {
            Reply::text(429, "")
                .header("date", "Mon, 02 Mar 2026 10:00:00 GMT")
                .header("retry-after", "Mon, 02 Mar 2026 10:00:00 GMT")
        },
    ];
    for (case, bad) in bad.into_iter().enumerate() {
        let stage = bad_then_good(bad).await;
        let answer = hasty().send(&get(&stage)).await.unwrap();
        assert_eq!(
            (answer.body.as_slice(), stage.asked().len()),
            (&b"good"[..], 2),
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_caller() {
    let stage = Stage::new(|_, _| Reply::text(429, "").header("retry-after", "2.128")).await;
    let error = hasty().send(&get(&stage)).await.err().unwrap();
    assert!(
        matches!(error, Error::Throttled { wait, .. } if wait == SignedDuration::from_millis(2128)),
        "{error:?}"
    );
    assert_eq!(stage.asked().len(), 1);
}

#[tokio::test]
async fn patience_ends() {
    let stage = Stage::new(|_, _| Reply::text(429, "")).await;
    assert!(matches!(hasty().send(&get(&stage)).await, Err(Error::Throttled { .. })));
    assert_eq!(stage.asked().len(), 3);
    let stage = Stage::new(|_, _| Reply::text(503, "<html>busy</html>")).await;
    assert!(matches!(hasty().send(&get(&stage)).await, Err(Error::Upstream { .. })));
    assert_eq!(stage.asked().len(), 3);
}

#[tokio::test]
async fn a_lost_answer_is_read_again_but_not_written_again() {
    let cut = || Reply::text(200, "half an ans").cut();
    let stage = bad_then_good(cut).await;
    assert_eq!(hasty().send(&get(&stage)).await.unwrap().body, b"good");
    let stage = bad_then_good(cut).await;
    assert!(matches!(hasty().send(&post(&stage)).await, Err(Error::Upstream { .. })));
    assert_eq!(stage.asked().len(), 1);
    let stage = bad_then_good(cut).await;
    assert!(hasty().send(&post(&stage).repeatable()).await.is_ok());
}

#[tokio::test]
async fn a_write_is_repeated_only_when_nothing_happened() {
    let cases: [(fn() -> Reply, usize); 4] = [
        (|| Reply::text(429, ""), 2),
        (|| Reply::text(503, "").header("retry-after", "0"), 2),
        (|| Reply::text(503, ""), 1),
        (|| Reply::text(504, ""), 1),
    ];
    for (bad, calls) in cases {
        let stage = bad_then_good(bad).await;
        let _ = hasty().send(&post(&stage)).await;
        assert_eq!(stage.asked().len(), calls);
    }
}

#[tokio::test]
async fn nobody_there_is_an_upstream_error_without_the_address() {
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/users?name=mara", listener.local_addr().unwrap())
    };
    let error = hasty()
        .send(&Call::get(DOING, url.parse().unwrap()))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::Upstream { .. }));
    assert!(!said(&error).contains("mara"), "{}", said(&error));
}

#[tokio::test]
async fn answers_have_a_limit() {
    let stage = Stage::new(|_, _| Reply::text(200, &"x".repeat(2 * MIB))).await;
    assert!(hasty().send(&get(&stage).up_to_mib(2)).await.is_ok());
    assert!(hasty().send(&get(&stage).up_to_mib(1)).await.is_err());
    assert_eq!(stage.asked().len(), 2, "too much stays too much");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::new(|_, _| Reply::text(302, "").header("location", "/elsewhere")).await;
    let secret = Secret::new("opaque".into());
    assert!(hasty().send(&get(&stage).bearer(&secret)).await.is_err());
    assert_eq!(stage.asked().len(), 1);
}

#[tokio::test]
async fn each_call_has_its_own_id() {
    let stage = bad_then_good(|| Reply::text(429, "")).await;
    let secret = Secret::new("opaque".into());
    hasty().send(&get(&stage).bearer(&secret)).await.unwrap();
    hasty().send(&get(&stage)).await.unwrap();
    let asked = stage.asked();
    let id = |asked: &Asked| asked.header("client-request-id").to_owned();
    assert_eq!(id(&asked[0]), id(&asked[1]), "a repetition is the same call");
    assert_ne!(id(&asked[1]), id(&asked[2]));
    assert!(id(&asked[0]).parse::<crate::domain::ids::GroupId>().is_ok());
    assert_eq!(asked[0].header("authorization"), "Bearer opaque");
    assert_eq!(asked[2].header("authorization"), "");
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
    let pairs = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: pairs.collect(),
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let asked = |headers: &[_]| answer(429, headers, "").retry_after();
    let date = ("date", "Mon, 02 Mar 2026 10:00:00 GMT");
    assert_eq!(asked(&[("retry-after", "10")]), Some(Duration::from_secs(10)));
    assert_eq!(asked(&[("retry-after", " 2.128 ")]), Some(Duration::from_millis(2128)));
    let later = ("retry-after", "Mon, 02 Mar 2026 10:01:30 GMT");
    assert_eq!(asked(&[date, later]), Some(Duration::from_secs(90)));
    let past = ("retry-after", "Mon, 02 Mar 2026 09:00:00 GMT");
    assert_eq!(asked(&[date, past]), Some(Duration::ZERO));
    for unusable in [
        &[later][..],
        &[("retry-after", "-1")],
        &[("retry-after", "1e9")],
        &[("retry-after", "soon")],
        &[],
    ] {
        assert_eq!(asked(unusable), None);
    }
}

#[test]
fn error_bodies_are_read_as_far_as_they_can_be() {
    let check = |status, body: &str, expected: &str| {
        let error = answer(status, &[("request-id", "r1")], body).fault(DOING);
        assert_eq!(said(&error), expected);
    };
    let full = json!({"error": {"code": "Authorization_RequestDenied", "message": "No.\nReally",
        "innerError": {"request-id": "x", "date": "2026-03-02T10:00:00"}}});
    check(
        403,
        &full.to_string(),
        "could not try: Authorization_RequestDenied: No. Really",
    );
    let inner = json!({"error": {"code": "", "message": "m", "innererror": {"code": "Deep"}}});
    check(400, &inner.to_string(), "could not try: Deep: m");
    check(404, "<html>", "could not try: Not Found: no explanation was given");
    check(501, "{}", "could not try: Not Implemented: no explanation was given");
    check(409, "[]", "could not try: Conflict: no explanation was given");
    check(401, "", "the session with Microsoft has ended; sign in again");
    check(500, "null", "could not try: answered 500 (request r1)");
    check(302, "", "could not try: answered 302 (request r1)");
}

#[test]
fn a_body_that_is_not_json_does_not_leak() {
    let answer = answer(200, &[], r#"{"id": "mara@bluefinch.example"}"#);
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its type matters")]
    struct Number {
        id: u32,
    }
    let error = answer.json::<Number>(DOING).unwrap_err();
    assert!(!said(&error).contains("mara"));
}
