//! Signatures against the specification's example, and every way in which a request could be led astray.

use super::*;
use axum::Router;
use axum::routing::post;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn message<'a>(secrets: &'a [Secret]) -> Message<'a> {
    Message {
        id: "evt_1",
        at: NOW,
        body: Bytes::from_static(b"{}"),
        secrets,
    }
}

/// A server that counts what reaches it.
async fn server(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

fn counting() -> (Arc<AtomicUsize>, Router) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let app = Router::new().fallback(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { "seen" }
    });
    (count, app)
}

/// Gives other addresses at each look-up.
struct Rebinding {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Rebinding {
    fn to(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: answers.iter().map(parsed).collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Rebinding {
    fn resolve(&self, _: Name) -> Resolving {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let found: Vec<SocketAddr> = self.answers[turn].iter().map(|ip| SocketAddr::new(*ip, 443)).collect();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

fn problem(answer: &Answer) -> &str {
    match &answer.ended {
        Ended::Refused { problem, .. } => problem,
        Ended::Taken | Ended::Gone => panic!("{answer:?}"),
    }
}

/// The example of the specification, which its libraries for other languages test as well.
#[test]
fn a_signature_is_the_one_of_the_specification() {
    let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
    let signed = signature(
        &secret,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(
        signed.as_deref(),
        Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    );
    for no_secret in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"] {
        assert_eq!(
            signature(&Secret::new(no_secret.into()), "a", "1", b""),
            None,
            "{no_secret}"
        );
    }
}

#[test]
fn while_a_secret_is_replaced_both_sign() {
    let secrets = [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    ];
    let secrets = secrets.map(|text| Secret::new(text.into()));
    let both = signatures(&message(&secrets), "0");
    let each: Vec<&str> = both.split(' ').collect();
    assert_eq!(each.len(), 2, "{both}");
    assert_eq!(each[0], signatures(&message(&secrets[..1]), "0"));
    assert!(
        each.iter().all(|one| one.starts_with("v1,") && one.len() == 3 + 44),
        "{both}"
    );
}

#[tokio::test]
async fn a_name_with_any_address_that_is_not_public_is_not_called() {
    let url: Url = "https://hooks.example.com/".parse().unwrap();
    for evil in [
        &["127.0.0.1"][..],
        &["93.184.216.34", "10.0.0.1"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["169.254.169.254"],
        &["fd00:ec2::254"],
        &["64:ff9b::a00:1"],
        &["100.64.0.1"],
    ] {
        let client = Webhooks::with_names(Rebinding::to(&[evil]), Reach::Public);
        let answer = client.send(&url, message(&[])).await;
        assert_eq!(
            problem(&answer),
            "the name leads to an address that is not public",
            "{evil:?}"
        );
    }
    let nowhere = Webhooks::with_names(Rebinding::to(&[&[]]), Reach::Public);
    assert_eq!(
        problem(&nowhere.send(&url, message(&[])).await),
        "the name leads nowhere"
    );
}

/// A name that is public when it is looked at and private when it is called: there is one look-up, and it is the checked one.
#[tokio::test]
async fn a_name_that_changes_between_look_and_call_leads_nowhere() {
    let (count, app) = counting();
    let port = server(app).await.port();
    // The local world may be called here, so that only the resolver stands between the request and this server.
    let names = Rebinding::to(&[&["10.255.255.1"], &["127.0.0.1", "10.0.0.1"], &["127.0.0.1"]]);
    let client = Webhooks::with_names(Arc::<Rebinding>::clone(&names), Reach::Loopback);
    let url: Url = format!("http://localhost:{port}/").parse().unwrap();
    for _ in 0..2 {
        let answer = client.send(&url, message(&[])).await;
        assert_eq!(problem(&answer), "the name leads to an address that is not public");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    assert_eq!(client.send(&url, message(&[])).await.ended, Ended::Taken);
    assert_eq!(
        (names.asked.load(Ordering::SeqCst), count.load(Ordering::SeqCst)),
        (3, 1),
        "one look-up for each call"
    );
}

#[tokio::test]
async fn what_is_no_name_of_the_public_dns_is_not_called() {
    let (count, app) = counting();
    let address = server(app).await;
    let client = Webhooks::new(Reach::Public);
    for url in [
        format!("http://{address}/"),
        format!("https://{address}/"),
        format!("https://localhost:{}/", address.port()),
        "https://[::ffff:7f00:1]/".into(),
        "https://0x7f000001/".into(),
        "http://169.254.169.254/latest/meta-data/".into(),
    ] {
        let answer = client.send(&url.parse().unwrap(), message(&[])).await;
        assert!(
            problem(&answer).starts_with("the address cannot be used"),
            "{url}: {answer:?}"
        );
        assert_eq!(answer.status, None);
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn redirects_are_not_followed_and_long_answers_are_cut() {
    let (count, elsewhere) = counting();
    let elsewhere = server(elsewhere).await;
    let app = Router::new()
        .route(
            "/away",
            post(move || async move { axum::response::Redirect::temporary(&format!("http://{elsewhere}/")) }),
        )
        .route("/long", post(|| async { "x".repeat(5 * 1024 * 1024) }))
        .route(
            "/odd",
            post(|| async { (http::StatusCode::BAD_REQUEST, "a\u{202E}b\r\n\0c") }),
        )
        .route("/gone", post(|| async { http::StatusCode::GONE }))
        .route(
            "/busy",
            post(|| async { (http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "77")]) }),
        );
    let here = server(app).await;
    let client = Webhooks::new(Reach::Loopback);
    let to = |path: &str| format!("http://{here}{path}").parse::<Url>().unwrap();
    let answer = client.send(&to("/away"), message(&[])).await;
    assert_eq!(problem(&answer), "status 307: redirects are not followed");
    assert_eq!(count.load(Ordering::SeqCst), 0);
    let answer = client.send(&to("/long"), message(&[])).await;
    assert_eq!((&answer.ended, answer.body.len()), (&Ended::Taken, ANSWER_KEPT));
    let answer = client.send(&to("/odd"), message(&[])).await;
    assert_eq!((problem(&answer), answer.body.as_str()), ("status 400", "a b   c"));
    assert_eq!(client.send(&to("/gone"), message(&[])).await.ended, Ended::Gone);
    let answer = client.send(&to("/busy"), message(&[])).await;
    let wait = Some(SignedDuration::from_secs(77));
    assert_eq!(
        answer.ended,
        Ended::Refused {
            problem: "status 429".into(),
            wait
        }
    );
}

#[tokio::test]
async fn who_does_not_answer_is_named_without_the_address() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = Webhooks::new(Reach::Loopback);
    let url: Url = format!("http://{free}/?key=hunter2").parse().unwrap();
    let answer = client.send(&url, message(&[])).await;
    assert_eq!(
        problem(&answer),
        "no connection: refused, or its certificate is not valid"
    );
}

#[test]
fn a_wait_is_seconds_or_a_date() {
    assert_eq!(wait("120", NOW), Some(SignedDuration::from_mins(2)));
    assert_eq!(
        wait("Thu, 01 Jan 1970 00:01:00 GMT", NOW),
        Some(SignedDuration::from_mins(1))
    );
    assert_eq!(wait("Wed, 31 Dec 1969 23:59:00 GMT", NOW), Some(SignedDuration::ZERO));
    assert_eq!(wait("soon", NOW), None);
}
