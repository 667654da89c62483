//! Guessing: whoever tries codes gets a few tries, the same answers for everything that is closed, and then the same
//! answer for everything (R034, R041).

use super::scene::{Scene, options};
use dialbridge_local::drive::people::invitation;
use dialbridge_local::guessing::{Campaign, Pages, Told, invite, play};
use futures::future::join_all;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use shared::domain::invitation::GUESSES;

const WRONG: &str = "BBBBB-BBBBB";
const HERE: &str = "192.0.2.7";
const ELSEWHERE: &str = "192.0.2.8";

struct Play {
    scene: Scene,
    pages: Pages,
    code: String,
    token: String,
}

impl Play {
    async fn new() -> Self {
        let scene = Scene::invited(options(60), None).await;
        let (code, link) = invitation(&scene.service.world.urls, scene.admin()).await.unwrap();
        Self {
            pages: Pages::new(&scene.service.io),
            token: link.path().rsplit('/').next().unwrap().to_owned(),
            code,
            scene,
        }
    }

    async fn enter(&self, address: &str, token: &str, code: &str) -> Told {
        self.pages.enter(address, token, code).await.unwrap()
    }

    async fn look(&self, method: Method, token: &str) -> Told {
        self.pages.look(HERE, method, token).await.unwrap()
    }

    /// Wrong codes on links that lead nowhere.
    async fn guess(&self, address: &str, times: u32) {
        for n in 0..times {
            let told = self.enter(address, &unknown(n), WRONG).await;
            assert!(told.closed(), "{told:?}");
        }
    }

    async fn pass(&self, seconds: i64) {
        self.scene
            .service
            .world
            .advance(SignedDuration::from_secs(seconds))
            .await;
    }
}

/// A token of the right length that nobody was given.
fn unknown(n: u32) -> String {
    format!("{n:043}")
}

/// The wait, and the answer without it.
fn limited(told: Told) -> (u64, Told) {
    assert!(told.limited(), "{told:?}");
    assert!(told.body.contains("Code for support: TOO_MANY_TRIES"), "{}", told.body);
    let mut told = told;
    let wait = told.headers.remove("retry-after").unwrap();
    (wait.parse().unwrap(), told)
}

#[tokio::test]
async fn r034_after_twenty_wrong_codes_nothing_is_looked_at_for_an_hour() {
    let play = Play::new().await;
    play.guess(HERE, GUESSES).await;
    let before = play.scene.table().await;
    let (wait, answer) = limited(play.enter(HERE, &play.token, &play.code).await);
    assert!((3500..=3600).contains(&wait), "{wait}");
    for (token, code) in [
        (unknown(1), WRONG),
        (play.token.clone(), WRONG),
        (unknown(2), "x"),
        ("..%2F".into(), &play.code),
    ] {
        assert_eq!(limited(play.enter(HERE, &token, code).await).1, answer, "{token}");
    }
    assert_eq!(
        play.scene.table().await,
        before,
        "nothing was counted, nothing was read to be changed"
    );
    // Somebody elsewhere is not hindered, and the same person is not after an hour.
    assert_eq!(play.enter(ELSEWHERE, &play.token, &play.code).await.status, 303);
    play.pass(i64::try_from(wait).unwrap()).await;
    assert_eq!(play.enter(HERE, &play.token, &play.code).await.status, 303);
}

#[tokio::test]
async fn r034_who_types_the_right_code_before_the_limit_is_not_hindered() {
    let play = Play::new().await;
    play.guess(HERE, GUESSES - 1).await;
    for _ in 0..3 {
        // The right one costs no try, however often.
        assert_eq!(play.enter(HERE, &play.token, &play.code).await.status, 303);
    }
    play.guess(HERE, 1).await;
    limited(play.enter(HERE, &play.token, &play.code).await);
}

#[tokio::test]
async fn looking_and_empty_forms_count_nothing_and_change_nothing() {
    let play = Play::new().await;
    let before = play.scene.table().await;
    let unknown = unknown(1);
    for _ in 0..GUESSES {
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(play.look(method.clone(), &play.token).await.status, 200);
            assert_eq!(play.look(method, &unknown).await.status, 403);
        }
        for (token, blank) in [(&play.token, ""), (&unknown, ""), (&play.token, " \t ")] {
            assert_eq!(play.enter(HERE, token, blank).await.status, 403);
        }
    }
    assert_eq!(play.scene.table().await, before);
    assert_eq!(play.enter(HERE, &play.token, &play.code).await.status, 303);
    // Whoever has had too many may still look.
    play.guess(HERE, GUESSES).await;
    let before = play.scene.table().await;
    assert_eq!(play.look(Method::GET, &play.token).await.status, 200);
    assert_eq!(play.look(Method::HEAD, &play.token).await.status, 200);
    assert_eq!(play.scene.table().await, before);
}

#[tokio::test]
async fn an_ipv6_network_is_one_client() {
    let play = Play::new().await;
    for n in 0..GUESSES {
        let told = play.enter(&format!("2001:db8:7:7::{n:x}"), &unknown(n), WRONG).await;
        assert!(told.closed(), "{told:?}");
    }
    limited(play.enter("2001:db8:7:7:ffff::1", &play.token, &play.code).await);
    assert_eq!(play.enter("2001:db8:7:8::1", &play.token, &play.code).await.status, 303);
}

#[tokio::test]
async fn many_at_once_from_one_address_are_not_more_than_the_limit() {
    let play = Play::new().await;
    let tries = (0..60).map(|n| {
        let pages = play.pages.clone();
        async move { pages.enter(HERE, &unknown(n), WRONG).await.unwrap() }
    });
    let told = join_all(tries).await;
    let looked_at = told.iter().filter(|told| told.closed()).count();
    assert!((1..=GUESSES as usize).contains(&looked_at), "{looked_at}");
    // Who is told to come back was not looked at either.
    assert!(
        told.iter()
            .all(|told| told.closed() || told.limited() || told.status == 503)
    );
}

#[tokio::test]
async fn no_address_of_a_client_is_kept() {
    let play = Play::new().await;
    play.guess(HERE, 2).await;
    let whole = format!("{:?}", play.scene.table().await);
    assert!(whole.contains("GUESSES#") && !whole.contains(HERE), "{whole}");
}

#[tokio::test]
async fn all_that_is_closed_answers_alike() {
    let play = Play::new().await;
    let mut closed = vec![("unknown", unknown(1)), ("made up", "nonsense".to_owned())];
    let made = invite(&play.scene.service, 4).await.unwrap();
    let [(_, expired), (_, locked), (_, revoked), (_, replaced)] = &made[..] else {
        panic!("{made:?}");
    };
    closed.push(("expired", expired.clone()));
    // All but the expired one are younger.
    let store = &play.scene.service.io.store;
    let ids = ids_of(&play.scene).await;
    for (name, token) in [("locked", locked), ("revoked", revoked), ("replaced", replaced)] {
        closed.push((name, token.clone()));
    }
    for _ in 0..5 {
        play.enter(ELSEWHERE, locked, WRONG).await;
    }
    let api = play.scene.api("reseller_admin");
    let path = |n: usize| format!("/v1/enterprises/{}/invitation", ids[n]);
    let etag = api.get(&path(2)).await.unwrap().etag.unwrap();
    let headers = [("if-match", etag.as_str())];
    let taken = api.send(Method::DELETE, &path(2), None, &headers).await.unwrap();
    assert_eq!(taken.status, 200, "{}", taken.body);
    play.pass(61).await;
    let resent = api.post(&path(3), &json!({})).await.unwrap();
    assert_eq!(resent.status, 201, "{}", resent.body);
    // And one that has done its work.
    play.scene.second_sign_in().await;
    closed.push(("accepted", play.token.clone()));

    let get = play.look(Method::GET, &unknown(9)).await;
    let post = play.enter("192.0.2.20", &unknown(9), WRONG).await;
    assert_eq!((get.status, post.status), (403, 403));
    let check = async |name: &str, token: &str, address: &str| {
        assert_eq!(play.look(Method::GET, token).await, get, "{name}");
        assert_eq!(play.enter(address, token, WRONG).await, post, "{name}");
        assert_eq!(play.enter(address, token, "").await, post, "{name}: without a code");
    };
    let mut tried = 0;
    for (n, (name, token)) in closed.iter().enumerate().filter(|(_, (name, _))| *name != "expired") {
        check(name, token, &format!("198.51.100.{n}")).await;
        tried += 1;
    }
    let id = ids[0].parse().unwrap();
    let kept = store.enterprise(&id).await.unwrap();
    let open = store.invitation(&id, &kept.invitation.unwrap()).await.unwrap();
    assert!(open.open(play.scene.service.world.clock.now()).is_ok());
    play.pass(7 * 24 * 3600).await;
    check("expired", expired, "198.51.100.99").await;
    assert_eq!(tried, 6);
}

/// The enterprises of the reseller by name, without the scene's own.
async fn ids_of(scene: &Scene) -> Vec<String> {
    let list = scene
        .api("reseller_admin")
        .get("/v1/enterprises?limit=100&q=Company")
        .await;
    let list = list.unwrap();
    let row = |row: &serde_json::Value| {
        let text = |field: &str| row["enterprise"][field].as_str().unwrap().to_owned();
        (text("name"), text("id"))
    };
    let mut rows: Vec<_> = list.list("/items").iter().map(row).collect();
    rows.sort();
    rows.into_iter().map(|(_, id)| id).collect()
}

#[tokio::test]
async fn a_wrong_code_tells_how_many_tries_are_left_and_nothing_else() {
    let play = Play::new().await;
    let page = play.look(Method::GET, &play.token).await;
    let shape = |told: &Told| {
        let notice = told
            .body
            .split("role=\"alert\"")
            .nth(1)
            .and_then(|rest| rest.split("</p>").next());
        let notice = notice.unwrap_or_default().to_owned();
        (notice.clone(), told.body.replace(&notice, ""))
    };
    let first = play.enter(HERE, &play.token, WRONG).await;
    let second = play.enter(HERE, &play.token, "nonsense").await;
    assert!(shape(&first).0.contains("4 tries are left") && shape(&second).0.contains("3 tries are left"));
    // Nearly right is as wrong as any.
    let mut nearly = play.code.clone().into_bytes();
    nearly[0] = if nearly[0] == b'B' { b'C' } else { b'B' };
    let third = play.enter(HERE, &play.token, &String::from_utf8(nearly).unwrap()).await;
    assert!(shape(&third).0.contains("2 tries are left"), "{}", third.body);
    for told in [&first, &second, &third] {
        let but_length = |told: &Told| {
            let mut headers = told.headers.clone();
            headers.remove("content-length");
            headers
        };
        assert_eq!(but_length(told), but_length(&page));
        assert_eq!(shape(told).1, shape(&first).1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_guesses_let_nobody_in() {
    let scene = Scene::invited(options(60), None).await;
    let invited = invite(&scene.service, 40).await.unwrap();
    let campaign = Campaign {
        guesses: 20_000,
        addresses: 64,
        links: invited.iter().map(|(_, token)| token.clone()).collect(),
        seed: 11,
    };
    let outcome = play(&Pages::new(&scene.service.io), &campaign).await.unwrap();
    println!(
        "{} guesses from {} addresses: {} accepted, {} wrong, {} closed, {} limited, {:?}",
        outcome.guesses,
        campaign.addresses,
        outcome.accepted,
        outcome.wrong,
        outcome.closed,
        outcome.limited,
        outcome.time
    );
    assert_eq!((outcome.guesses, outcome.accepted, outcome.other), (20_000, 0, 0));
    let looked_at = outcome.wrong + outcome.closed;
    let limit = 64 * GUESSES as usize;
    assert_eq!((looked_at, outcome.limited), (limit, 20_000 - limit));
    assert!(outcome.wrong <= 40 * 4, "{}", outcome.wrong);
    assert_eq!((outcome.limit_answers.len(), outcome.closed_answers.len()), (1, 1));
    // Whoever has the right code, at an address of their own, finds the invitation locked or gets in.
    let pages = Pages::new(&scene.service.io);
    let mut open = 0;
    for (n, (code, token)) in invited.iter().enumerate() {
        let told = pages.enter(&format!("203.0.113.{n}"), token, code).await.unwrap();
        assert!(told.status == 303 || told.closed(), "{told:?}");
        open += usize::from(told.status == 303);
    }
    println!("{open} of {} invitations are still open", invited.len());
}
