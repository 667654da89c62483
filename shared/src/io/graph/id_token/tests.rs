//! Every kind of ID token that must not be believed, and those that must.

mod keys;
mod refused;

use super::super::forge::{FOREIGN_KEY, ForgeKey, KEY};
use super::super::stage::{Reply, Stage, hasty, said};
use super::*;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

const TENANT: &str = "9f3c2b10-0000-4000-8000-00000000bf01";
const PERSON: &str = "2c0b6a1e-1111-4a11-9a11-0000000000a1";
const CLIENT: &str = "0b7d3c52-6f0e-4c1d-9a51-2d7e4f8a9c10";
const NONCE: &str = "n-0S6_WzA2Mj";

fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

/// What the login host publishes at the moment.
#[derive(Default)]
struct Published {
    /// Status and body.
    discovery: (u16, String),
    keys: (u16, String),
}

/// A login host, and our verifier that reads its keys.
struct Host {
    stage: Stage,
    /// Its address without a slash at the end.
    base: String,
    published: Arc<Mutex<Published>>,
    verifier: Verifier,
    http: Http,
}

impl Host {
    async fn new() -> Self {
        Self::over(hasty()).await
    }

    /// Making a client takes long: where there are many hosts they share one.
    async fn over(http: Http) -> Self {
        let published: Arc<Mutex<Published>> = Arc::default();
        let shelf = Arc::clone(&published);
        let stage = Stage::new(move |asked, _| {
            let shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
            let (status, body) = match asked.url.path() {
                "/organizations/v2.0/.well-known/openid-configuration" => &shelf.discovery,
                "/organizations/discovery/v2.0/keys" => &shelf.keys,
                _ => &(404, String::new()),
            };
            Reply::text(*status, body).header("location", "/organizations/elsewhere")
        })
        .await;
        Self {
            base: stage.url.as_str().trim_end_matches('/').to_owned(),
            verifier: Verifier::new(&stage.url),
            stage,
            published,
            http,
        }
    }

    fn publish(&self, discovery: (u16, String), keys: (u16, String)) {
        *self.published.lock().unwrap() = Published { discovery, keys };
    }

    /// How often the keys were read.
    fn reads(&self) -> usize {
        let asked = self.stage.asked();
        asked.iter().filter(|asked| asked.url.path().ends_with("/keys")).count()
    }

    /// Publishes what the attempt says, and shows its token.
    async fn judge(&self, attempt: &Attempt) -> Result<IdClaims> {
        self.publish(attempt.discovery.clone(), attempt.keys_document());
        self.show(attempt).await
    }

    /// Shows the token; what is published stays.
    async fn show(&self, attempt: &Attempt) -> Result<IdClaims> {
        let question = Question {
            application: &CLIENT.parse().unwrap(),
            nonce: &attempt.asked_nonce,
        };
        let token = Secret::new(attempt.token());
        self.verifier.verify(&self.http, &token, &question, attempt.now).await
    }
}

/// A token with all that leads to it; honest until something is changed.
struct Attempt {
    base: String,
    now: Timestamp,
    header: Value,
    claims: Value,
    signer: &'static ForgeKey,
    /// Instead of the token that header, claims and signer make.
    instead: Option<String>,
    discovery: (u16, String),
    keys: Vec<Value>,
    /// Instead of the document that `keys` make.
    keys_instead: Option<(u16, String)>,
    asked_nonce: String,
}

impl Attempt {
    fn new(host: &Host) -> Self {
        Self::at(host, noon())
    }

    fn at(host: &Host, now: Timestamp) -> Self {
        let (base, second) = (host.base.clone(), now.as_second());
        let discovery = json!({
            "issuer": format!("{base}/{{tenantid}}/v2.0"), "jwks_uri": format!("{base}/organizations/discovery/v2.0/keys"),
        });
        Self {
            now,
            header: json!({ "typ": "JWT", "alg": "RS256", "kid": "k1" }),
            claims: json!({
                "aud": CLIENT, "iss": format!("{base}/{TENANT}/v2.0"), "tid": TENANT, "oid": PERSON, "sub": "pairwise",
                "ver": "2.0", "nonce": NONCE, "iat": second - 5, "nbf": second - 5, "exp": second + 3600,
                "name": "Mara Quist", "preferred_username": "mara@bluefinch.example",
                "wids": ["62e90394-69f5-4237-9190-012177145e10"],
            }),
            signer: &KEY,
            instead: None,
            discovery: (200, discovery.to_string()),
            keys: vec![
                json!({ "kty": "EC", "kid": "ec" }),
                KEY.published("k1", &format!("{base}/{{tenantid}}/v2.0")),
            ],
            keys_instead: None,
            asked_nonce: NONCE.into(),
            base,
        }
    }

    fn token(&self) -> String {
        let made = || self.signer.token(&self.header, &self.claims);
        self.instead.clone().unwrap_or_else(made)
    }

    fn keys_document(&self) -> (u16, String) {
        let made = || (200, json!({ "keys": self.keys }).to_string());
        self.keys_instead.clone().unwrap_or_else(made)
    }

    /// The issuer of everybody's tokens, as keys and discovery name it.
    fn everybody(&self) -> String {
        format!("{}/{{tenantid}}/v2.0", self.base)
    }

    /// The published key that signs.
    fn key(&mut self) -> &mut Value {
        self.keys.last_mut().unwrap()
    }
}

/// What came of it, in words.
fn verdict(result: Result<IdClaims>) -> String {
    match result {
        Ok(_) => "believed".into(),
        Err(Error::SignIn(SignInRefused::TokenInvalid(why))) => why.into(),
        Err(Error::SignIn(other)) => format!("{other:?}"),
        Err(other) => said(&other),
    }
}

#[tokio::test]
async fn an_honest_token_names_the_person() {
    let host = Host::new().await;
    let claims = host.judge(&Attempt::new(&host)).await.unwrap();
    let expected = IdClaims {
        identity: Identity {
            tenant: TENANT.parse().unwrap(),
            user: PERSON.parse().unwrap(),
        },
        name: "Mara Quist".into(),
        preferred_username: "mara@bluefinch.example".into(),
        wids: vec!["62e90394-69f5-4237-9190-012177145e10".into()],
    };
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn sound_tokens_are_believed_whatever_else_they_say() {
    type Change = fn(&mut Attempt);
    let sound: &[(&str, Change)] = &[
        ("unknown claims", |a| {
            a.claims["xms_tpl"] = json!("en");
            a.claims["groups"] = json!({ "deeply": [{ "nested": null }] });
            a.claims["hasgroups"] = json!(true);
        }),
        ("display claims that are null", |a| {
            for name in ["name", "preferred_username", "wids", "email"] {
                a.claims[name] = json!(null);
            }
        }),
        ("display claims of another kind", |a| {
            a.claims["name"] = json!(["Mara"]);
            a.claims["preferred_username"] = json!(7);
            a.claims["wids"] = json!("none");
        }),
        ("no display claims", |a| {
            let claims = a.claims.as_object_mut().unwrap();
            claims.retain(|name, _| !["name", "preferred_username", "wids"].contains(&name.as_str()));
        }),
        ("no type in the header", |a| a.header["typ"] = json!(null)),
        ("the type in small letters", |a| a.header["typ"] = json!("jwt")),
        ("unknown header fields", |a| {
            a.header["x5t"] = json!("thumb");
            a.header["xms"] = json!({ "a": 1 });
        }),
        ("a clock that is two minutes ahead", |a| {
            a.claims["nbf"] = json!(a.now.as_second() + 120);
            a.claims["iat"] = json!(a.now.as_second() + 120);
        }),
        ("a clock that is two minutes behind", |a| {
            a.claims["exp"] = json!(a.now.as_second() - 119);
        }),
        ("times beyond all calendars", |a| {
            a.claims["exp"] = json!(i64::MAX);
            a.claims["nbf"] = json!(i64::MIN);
        }),
        ("a key that does not say what it is for", |a| {
            a.key().as_object_mut().unwrap().remove("use");
        }),
        ("a key that says its algorithm", |a| a.key()["alg"] = json!("RS256")),
        ("broken keys among good ones", |a| {
            let good = a.key().clone();
            let with = |name: &str, value: Value| {
                let mut key = good.clone();
                key["kid"] = json!(format!("broken by {name}"));
                key[name] = value;
                key
            };
            let broken = [
                with("n", json!("!!!")),
                with("n", json!("AQAB")),
                with("n", json!(5)),
                with("e", json!({})),
                with("kty", json!(null)),
                json!("no object"),
                json!(null),
            ];
            a.keys.extend(broken);
        }),
        ("a key that is listed twice", |a| {
            let same = a.key().clone();
            a.keys.push(same);
        }),
        ("a key that is good for two issuers", |a| {
            let personal = format!("{}/{PERSONAL}/v2.0", a.base);
            a.keys.push(KEY.published("k1", &personal));
        }),
        ("a key of this tenant alone", |a| {
            a.key()["issuer"] = json!(format!("{}/{TENANT}/v2.0", a.base));
        }),
    ];
    let http = hasty();
    for (what, change) in sound {
        let host = Host::over(http.clone()).await;
        let mut attempt = Attempt::new(&host);
        change(&mut attempt);
        let claims = host.judge(&attempt).await;
        let identity = claims.map(|claims| claims.identity.user.to_string());
        assert_eq!(identity.ok().as_deref(), Some(PERSON), "{what}");
    }
    println!("sound tokens believed: {} kinds", sound.len());
}

#[tokio::test]
async fn a_name_is_one_line_of_bounded_length() {
    let host = Host::new().await;
    let mut attempt = Attempt::new(&host);
    attempt.claims["name"] = json!(format!("Mara\r\n\u{0}\u{202E}Quist {}", "x".repeat(1000)));
    let name = host.judge(&attempt).await.unwrap().name;
    assert!(name.starts_with("MaraQuist x"), "{name}");
    assert_eq!(name.chars().count(), LONGEST_NAME);
}

#[tokio::test]
async fn no_letter_of_a_token_can_be_changed() {
    let host = Host::new().await;
    let mut attempt = Attempt::new(&host);
    let honest = attempt.token();
    assert_eq!(verdict(host.judge(&attempt).await), "believed");
    for at in 0..honest.len() {
        for letter in ['A', 'B', '.'] {
            let mut changed = honest.clone();
            changed.replace_range(at..=at, &letter.to_string());
            if changed == honest {
                continue;
            }
            attempt.instead = Some(changed);
            assert_ne!(verdict(host.show(&attempt).await), "believed", "{letter} at {at}");
        }
    }
}
