//! Microsoft's keys: read once, renewed daily and for a key that is not known, and kept while they cannot be read.

use super::*;
use jiff::SignedDuration;

fn after(hours: i64, seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours) + SignedDuration::from_secs(seconds)
}

/// A token signed with another key than at first, under its own id.
fn rotated(host: &Host, now: Timestamp) -> Attempt {
    let mut attempt = Attempt::at(host, now);
    attempt.header["kid"] = json!("k2");
    attempt.signer = &FOREIGN_KEY;
    attempt
}

#[tokio::test]
async fn keys_are_read_once_a_day() {
    let host = Host::new().await;
    let mut reads = Vec::new();
    for now in [
        after(0, 0),
        after(0, 1),
        after(23, 59),
        after(24, 0),
        after(25, 0),
        after(48, 0),
    ] {
        assert_eq!(verdict(host.judge(&Attempt::at(&host, now)).await), "believed");
        reads.push(host.reads());
    }
    assert_eq!(reads, [1, 1, 1, 2, 2, 3]);
}

#[tokio::test]
async fn of_many_sign_ins_at_once_one_reads_the_keys() {
    let host = Host::new().await;
    let attempt = Attempt::new(&host);
    host.publish(attempt.discovery.clone(), attempt.keys_document());
    let all = futures::future::join_all((0..20).map(|_| host.show(&attempt))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(host.reads(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_found() {
    let host = Host::new().await;
    assert_eq!(verdict(host.judge(&Attempt::new(&host)).await), "believed");
    let mut next = rotated(&host, after(0, 60));
    next.keys = vec![FOREIGN_KEY.published("k2", &next.everybody())];
    assert_eq!(verdict(host.judge(&next).await), "believed");
    let old = Attempt::at(&host, after(0, 120));
    assert_eq!(
        verdict(host.show(&old).await),
        "Microsoft does not know its key",
        "what is no longer published no longer counts"
    );
}

#[tokio::test]
async fn unknown_keys_are_looked_for_once_a_minute() {
    let host = Host::new().await;
    let mut reads = Vec::new();
    for second in [0, 1, 59, 60, 61, 119, 120] {
        for _ in 0..5 {
            let unknown = rotated(&host, after(0, second));
            assert_eq!(verdict(host.judge(&unknown).await), "Microsoft does not know its key");
        }
        reads.push(host.reads());
    }
    assert_eq!(reads, [1, 1, 1, 2, 2, 2, 3]);
}

#[tokio::test]
async fn known_keys_serve_for_a_while_when_they_cannot_be_read_again() {
    let host = Host::new().await;
    let show = async |now| verdict(host.show(&Attempt::at(&host, now)).await);
    let tries = || host.stage.asked().len() - host.reads();
    assert_eq!(verdict(host.judge(&Attempt::new(&host)).await), "believed");
    host.publish((500, String::new()), (500, String::new()));
    assert_eq!(show(after(24, 0)).await, "believed");
    assert_eq!(tries(), 2, "it was tried");
    assert_eq!(show(after(24, 30)).await, "believed");
    assert_eq!(tries(), 2, "but not again within the minute");
    assert_eq!(show(after(47, 59 * 60)).await, "believed");
    let unknown = verdict(host.show(&rotated(&host, after(47, 3599))).await);
    assert_eq!(unknown, "Microsoft does not know its key", "a minute has not passed");
    for (now, why) in [
        (after(48, 0), "answered 500"),
        (after(48, 1), "those that are known are too old"),
    ] {
        let said = show(now).await;
        let expected = format!("could not read Microsoft's signing keys: {why}");
        assert!(said.starts_with(&expected), "{said}");
    }
    assert_eq!(
        verdict(host.judge(&Attempt::at(&host, after(48, 60))).await),
        "believed",
        "once they can be read again"
    );
}

#[tokio::test]
async fn a_broken_set_does_not_replace_a_good_one() {
    let host = Host::new().await;
    assert_eq!(verdict(host.judge(&Attempt::new(&host)).await), "believed");
    for (minute, broken) in [(1, "<html>"), (2, "{}"), (3, r#"{"keys":{}}"#), (4, "")] {
        let now = after(0, minute * 60);
        let mut unknown = rotated(&host, now);
        unknown.keys_instead = Some((200, broken.into()));
        let said = verdict(host.judge(&unknown).await);
        assert!(said.starts_with("could not read Microsoft's signing keys"), "{said}");
        assert_eq!(verdict(host.show(&Attempt::at(&host, now)).await), "believed");
    }
}

#[tokio::test]
async fn without_any_keys_each_sign_in_tries_to_read_them() {
    let host = Host::new().await;
    host.publish((500, String::new()), (500, String::new()));
    for _ in 0..2 {
        let said = verdict(host.show(&Attempt::new(&host)).await);
        assert!(
            said.starts_with("could not read Microsoft's signing keys: answered 500"),
            "{said}"
        );
    }
    assert_eq!(verdict(host.judge(&Attempt::new(&host)).await), "believed");
}
