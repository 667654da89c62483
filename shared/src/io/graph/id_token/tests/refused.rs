//! The classes of tokens, keys and documents that are refused, one line each.

use super::super::super::forge::token_with_secret;
use super::*;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

/// A class: its name, how the refusal begins, and what is wrong.
type Class = (String, &'static str, Box<dyn Fn(&mut Attempt)>);

fn class(name: impl Into<String>, why: &'static str, change: impl Fn(&mut Attempt) + 'static) -> Class {
    (name.into(), why, Box::new(change))
}

const UNREADABLE: &str = "its header cannot be read";
const BROKEN: &str = "it cannot be read";
const ALGORITHM: &str = "it is not signed with RS256";
const HEADER: &str = "its header says more than it may";
const SIGNATURE: &str = "its signature is wrong";
const NO_KEY: &str = "it names no key";
const UNKNOWN_KEY: &str = "Microsoft does not know its key";
const ISSUER: &str = "it comes from another issuer";
const FOREIGN: &str = "its key may not sign for its issuer";
const AUDIENCE: &str = "it is for another application";
const MISSING: &str = "a claim is missing";
const OTHER_NONCE: &str = "it answers another request";
const KEYS: &str = "could not read Microsoft's signing keys";

/// Signed with the public key as a secret, in one of its forms.
fn with_public_key_as_secret(a: &mut Attempt, secret: &[u8]) {
    a.header["alg"] = json!("HS256");
    a.instead = Some(token_with_secret(&a.header, &a.claims, secret));
}

fn algorithms() -> Vec<Class> {
    let mut classes = Vec::new();
    for (alg, why) in [
        ("none", UNREADABLE),
        ("None", UNREADABLE),
        ("", UNREADABLE),
        ("RS384", ALGORITHM),
        ("RS512", ALGORITHM),
        ("PS256", ALGORITHM),
    ] {
        classes.push(class(format!("algorithm `{alg}`"), why, move |a| {
            a.header["alg"] = json!(alg);
        }));
    }
    classes.extend([
        class("no algorithm", UNREADABLE, |a| a.header["alg"] = json!(null)),
        class("none, and no signature at all", UNREADABLE, |a| {
            a.header["alg"] = json!("none");
            a.instead = Some(a.token().trim_end_matches('.').to_owned());
        }),
        class("HS256 with the modulus", ALGORITHM, |a| {
            let modulus = a.key()["n"].as_str().unwrap().to_owned();
            with_public_key_as_secret(a, modulus.as_bytes());
        }),
        class("HS256 with the public key in DER", ALGORITHM, |a| {
            with_public_key_as_secret(a, &KEY.der());
        }),
        class("HS256 with the public key in PEM", ALGORITHM, |a| {
            let der = BASE64_STANDARD.encode(KEY.der());
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
            with_public_key_as_secret(a, pem.as_bytes());
        }),
        class("HS256 with nothing", ALGORITHM, |a| with_public_key_as_secret(a, b"")),
    ]);
    classes
}

fn signatures_and_keys() -> Vec<Class> {
    vec![
        class("another key", SIGNATURE, |a| a.signer = &FOREIGN_KEY),
        class("an unknown key id", UNKNOWN_KEY, |a| a.header["kid"] = json!("k9")),
        class("an empty key id", UNKNOWN_KEY, |a| a.header["kid"] = json!("")),
        class("a key id that is a number", UNREADABLE, |a| a.header["kid"] = json!(1)),
        class("no key id, one key", NO_KEY, |a| {
            a.header["kid"] = json!(null);
            a.keys.remove(0);
        }),
        class("no key id, several keys", NO_KEY, |a| {
            a.header["kid"] = json!(null);
            a.keys.push(FOREIGN_KEY.published("k2", &a.everybody()));
        }),
        class("the id of another of Microsoft's keys", SIGNATURE, |a| {
            a.header["kid"] = json!("k2");
            a.keys.push(FOREIGN_KEY.published("k2", &a.everybody()));
        }),
        class("the id of a key of another kind", UNKNOWN_KEY, |a| {
            a.header["kid"] = json!("ec");
        }),
        class("claims of another token", SIGNATURE, |a| {
            let honest = a.token();
            let (_, signature) = honest.rsplit_once('.').unwrap();
            a.claims["oid"] = json!(TENANT);
            let forged = a.token();
            let (rest, _) = forged.rsplit_once('.').unwrap();
            a.instead = Some(format!("{rest}.{signature}"));
        }),
        class("no signature", SIGNATURE, |a| {
            let token = a.token();
            let (rest, _) = token.rsplit_once('.').unwrap();
            a.instead = Some(format!("{rest}."));
        }),
        class("half a signature", SIGNATURE, |a| {
            let token = a.token();
            a.instead = Some(token[..token.len() - 174].to_owned());
        }),
    ]
}

fn issuers() -> Vec<Class> {
    let mut classes = Vec::new();
    for (name, issuer) in [
        ("a wrong issuer", "https://issuer.example/v2.0"),
        (
            "the issuer of another cloud",
            "https://login.microsoftonline.us/TENANT/v2.0",
        ),
        ("the issuer of version 1", "https://sts.windows.net/TENANT/"),
        ("an issuer for all", "BASE/organizations/v2.0"),
        ("the template as issuer", "BASE/{tenantid}/v2.0"),
        ("an issuer with a slash more", "BASE/TENANT/v2.0/"),
        ("an issuer with a path more", "BASE/TENANT/v2.0/../v2.0"),
        ("an issuer with a query", "BASE/TENANT/v2.0?x"),
        ("an issuer without its scheme", "//TENANT/v2.0"),
        ("our issuer as a user name", "BASE@issuer.example/TENANT/v2.0"),
        (
            "the issuer of another tenant",
            "BASE/00000000-0000-4000-8000-000000000002/v2.0",
        ),
        ("an empty issuer", ""),
    ] {
        classes.push(class(name, ISSUER, move |a| {
            a.claims["iss"] = json!(issuer.replace("BASE", &a.base).replace("TENANT", TENANT));
        }));
    }
    classes.extend([
        class("a tenant that is not the issuer's", ISSUER, |a| {
            a.claims["tid"] = json!(PERSON);
        }),
        class("a tenant that is no GUID", "its tenant is no GUID", |a| {
            a.claims["tid"] = json!("../x");
        }),
        class("the template as tenant", "its tenant is no GUID", |a| {
            a.claims["tid"] = json!("{tenantid}");
            a.claims["iss"] = json!(a.everybody());
        }),
        class("several issuers", MISSING, |a| {
            a.claims["iss"] = json!([a.claims["iss"]])
        }),
        class("the key for personal accounts", FOREIGN, |a| {
            a.key()["issuer"] = json!(format!("{}/{PERSONAL}/v2.0", a.base));
        }),
        class("the key of another tenant", FOREIGN, |a| {
            a.key()["issuer"] = json!(format!("{}/{PERSON}/v2.0", a.base));
        }),
        class("the key of another host", FOREIGN, |a| {
            a.key()["issuer"] = json!("https://login.example/{tenantid}/v2.0");
        }),
        class("the key of version 1", FOREIGN, |a| {
            a.key()["issuer"] = json!("https://sts.windows.net/{tenantid}/");
        }),
        class("a personal account", "PersonalAccount", |a| {
            a.claims["tid"] = json!(PERSONAL);
            a.claims["iss"] = json!(format!("{}/{PERSONAL}/v2.0", a.base));
        }),
        class("a personal account with its own key", "PersonalAccount", |a| {
            let issuer = format!("{}/{PERSONAL}/v2.0", a.base);
            a.claims["tid"] = json!(PERSONAL);
            a.claims["iss"] = json!(issuer);
            a.key()["issuer"] = json!(issuer);
        }),
    ]);
    classes
}

fn claims() -> Vec<Class> {
    let mut classes = Vec::new();
    for name in ["iss", "aud", "sub", "tid", "oid", "ver", "nonce", "exp", "nbf", "iat"] {
        classes.push(class(format!("no `{name}`"), MISSING, move |a| {
            a.claims.as_object_mut().unwrap().remove(name);
        }));
        classes.push(class(format!("`{name}` null"), MISSING, move |a| {
            a.claims[name] = json!(null);
        }));
    }
    for (name, audience, why) in [
        (
            "another audience",
            json!("00000003-0000-0000-c000-000000000000"),
            AUDIENCE,
        ),
        ("an empty audience", json!(""), AUDIENCE),
        ("our audience as an address", json!(format!("api://{CLIENT}")), AUDIENCE),
        ("other audiences", json!(["a", "b"]), MISSING),
        ("several audiences, ours among them", json!(["a", CLIENT]), MISSING),
        ("a list with our audience alone", json!([CLIENT]), MISSING),
        ("a list without audiences", json!([]), MISSING),
    ] {
        classes.push(class(name, why, move |a| a.claims["aud"] = audience.clone()));
    }
    for (name, claim, seconds, why) in [
        ("expired", "exp", -120, "it has expired"),
        ("expired long ago", "exp", -31_536_000, "it has expired"),
        ("not yet valid", "nbf", 121, "it is not valid yet"),
        ("issued in the future", "iat", 121, "it was issued in the future"),
    ] {
        classes.push(class(name, why, move |a| {
            a.claims[claim] = json!(a.now.as_second() + seconds);
        }));
    }
    classes.extend([
        class("expiry in words", MISSING, |a| a.claims["exp"] = json!("never")),
        class("expiry beyond all numbers", MISSING, |a| a.claims["exp"] = json!(1e300)),
        class("another nonce", OTHER_NONCE, |a| a.claims["nonce"] = json!("another")),
        class("the beginning of the nonce", OTHER_NONCE, |a| {
            a.claims["nonce"] = json!(&NONCE[..5]);
        }),
        class("an empty nonce", OTHER_NONCE, |a| a.claims["nonce"] = json!("")),
        class("an empty nonce where none was sent", OTHER_NONCE, |a| {
            a.claims["nonce"] = json!("");
            a.asked_nonce = String::new();
        }),
        class("several nonces", MISSING, |a| a.claims["nonce"] = json!([NONCE])),
        class("version 1", "it is of another version", |a| {
            a.claims["ver"] = json!("1.0");
        }),
        class("a version that is a number", MISSING, |a| a.claims["ver"] = json!(2.0)),
        class("an empty subject", MISSING, |a| a.claims["sub"] = json!("")),
        class("a person that is no GUID", "its person is no GUID", |a| {
            a.claims["oid"] = json!("mara@bluefinch.example");
        }),
        class("a claim that is there twice", MISSING, |a| {
            let twice = a.claims.to_string().replacen('{', r#"{"nonce":"another","#, 1);
            a.instead = Some(KEY.token_of(&a.header.to_string(), &twice));
        }),
        class("claims that are a list", MISSING, |a| a.claims = json!([a.claims])),
        class("claims that are no JSON", MISSING, |a| {
            a.instead = Some(KEY.token_of(&a.header.to_string(), "<html>"));
        }),
    ]);
    classes
}

fn headers() -> Vec<Class> {
    let mut classes = Vec::new();
    for (name, value) in [
        ("jku", json!("https://keys.example/keys")),
        ("x5u", json!("https://keys.example/certificate")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("cty", json!("JWT")),
        ("enc", json!("A128GCM")),
        ("zip", json!("DEF")),
        ("typ", json!("at+jwt")),
        ("typ", json!("")),
    ] {
        classes.push(class(format!("`{name}`: {value}"), HEADER, move |a| {
            a.header[name] = value.clone();
        }));
    }
    classes.extend([
        class("a key in the header, which signs", HEADER, |a| {
            a.signer = &FOREIGN_KEY;
            a.header["jwk"] = FOREIGN_KEY.published("k1", &a.everybody());
        }),
        class("a key in the header, and no key id", HEADER, |a| {
            a.signer = &FOREIGN_KEY;
            a.header["jwk"] = FOREIGN_KEY.published("k1", &a.everybody());
            a.header["kid"] = json!(null);
        }),
        class("a key address in the header, and its key signs", HEADER, |a| {
            a.signer = &FOREIGN_KEY;
            a.header["jku"] = json!(format!("{}/organizations/discovery/v2.0/keys", a.base));
        }),
        class("claims that are not encoded", HEADER, |a| {
            a.header["crit"] = json!(["b64"]);
            a.header["b64"] = json!(false);
        }),
        class("a token in a token", HEADER, |a| {
            let inner = a.token();
            a.header["cty"] = json!("JWT");
            a.instead = Some(KEY.token_of(&a.header.to_string(), &inner));
        }),
        class("two algorithms", UNREADABLE, |a| {
            let header = r#"{"alg":"none","alg":"RS256","kid":"k1"}"#;
            a.instead = Some(KEY.token_of(header, &a.claims.to_string()));
        }),
        class("a header that is a list", UNREADABLE, |a| {
            a.instead = Some(KEY.token_of("[]", &a.claims.to_string()));
        }),
    ]);
    classes
}

fn shapes() -> Vec<Class> {
    let shape = |name: &'static str, why: &'static str, shaped: fn(String) -> String| {
        class(name, why, move |a| a.instead = Some(shaped(a.token())))
    };
    vec![
        shape("nothing", UNREADABLE, |_| String::new()),
        shape("dots", UNREADABLE, |_| "...".into()),
        shape("one part", UNREADABLE, |token| token.replace('.', "")),
        shape("five parts", UNREADABLE, |token| format!("{token}.{token}.x")),
        shape("blanks before", UNREADABLE, |token| format!("  {token}")),
        shape("padding", UNREADABLE, |token| token.replacen('.', "=.", 1)),
        shape("a blank behind", BROKEN, |token| format!("{token} ")),
        shape("a token of 10 MB", "it is too long", |token| {
            format!("{token}.{}", "A".repeat(10_000_000))
        }),
        class("a token of 33 kB", "it is too long", |a| {
            a.claims["name"] = json!("x".repeat(25_000));
        }),
    ]
}

fn documents() -> Vec<Class> {
    let keys = |name: &'static str, why: &'static str, status: u16, body: fn() -> String| {
        class(name, why, move |a| a.keys_instead = Some((status, body())))
    };
    let discovery = |name: &'static str, status: u16, body: fn() -> String| {
        class(name, KEYS, move |a| a.discovery = (status, body()))
    };
    let renamed = |name: &'static str, field: &'static str, value: &'static str| {
        class(name, KEYS, move |a| {
            let mut said: Value = serde_json::from_str(&a.discovery.1).unwrap();
            said[field] = json!(value.replace("BASE", &a.base));
            a.discovery.1 = said.to_string();
        })
    };
    vec![
        keys("keys that are no JSON", KEYS, 200, || "<html>".into()),
        keys("keys that are no list", KEYS, 200, || r#"{"keys":"k1"}"#.into()),
        keys("no keys at all", UNKNOWN_KEY, 200, || r#"{"keys":[]}"#.into()),
        keys("keys over 1 MB", KEYS, 200, || {
            format!("{{\"keys\":[{}]}}", vec!["null"; 300_000].join(","))
        }),
        keys("keys that cannot be had", KEYS, 500, String::new),
        keys("keys that are not there", KEYS, 404, String::new),
        keys("keys that redirect", KEYS, 302, String::new),
        class("thousands of keys", KEYS, |a| {
            let key = |at| json!({ "kty": "RSA", "kid": format!("x{at}"), "n": "AQAB", "e": "AQAB", "issuer": "x" });
            a.keys.extend((0..2_000).map(key));
        }),
        class("one key id for two keys", UNKNOWN_KEY, |a| {
            a.keys.push(FOREIGN_KEY.published("k1", &a.everybody()));
        }),
        class("one key id for two keys, one of them twice", UNKNOWN_KEY, |a| {
            a.keys.push(FOREIGN_KEY.published("k1", &a.everybody()));
            a.keys.push(KEY.published("k1", &a.everybody()));
        }),
        class("a modulus that is no number", UNKNOWN_KEY, |a| {
            a.key()["n"] = json!("!!!");
        }),
        class("an empty modulus", UNKNOWN_KEY, |a| a.key()["n"] = json!("")),
        class("a modulus of 1024 bits", UNKNOWN_KEY, |a| {
            a.key()["n"] = json!(BASE64_URL_SAFE_NO_PAD.encode([0xC1; 128]));
        }),
        class("a modulus of 64 kbit", SIGNATURE, |a| {
            a.key()["n"] = json!(BASE64_URL_SAFE_NO_PAD.encode([0xC1; 8192]));
        }),
        class("an exponent of one", SIGNATURE, |a| a.key()["e"] = json!("AQ")),
        class("an even exponent", SIGNATURE, |a| a.key()["e"] = json!("Ag")),
        class("a key without an issuer", UNKNOWN_KEY, |a| {
            a.key()["issuer"] = json!(null);
        }),
        class("a key for encryption", UNKNOWN_KEY, |a| a.key()["use"] = json!("enc")),
        class("a key for another algorithm", UNKNOWN_KEY, |a| {
            a.key()["alg"] = json!("RS512");
        }),
        class("a key that is a secret", UNKNOWN_KEY, |a| a.key()["kty"] = json!("oct")),
        renamed("keys at another host", "jwks_uri", "https://keys.example/keys"),
        renamed("keys at another port", "jwks_uri", "http://127.0.0.1:9/keys"),
        renamed("keys in a file", "jwks_uri", "file:///keys"),
        renamed("keys nowhere", "jwks_uri", ""),
        renamed(
            "discovery of another host",
            "issuer",
            "https://login.example/{tenantid}/v2.0",
        ),
        renamed(
            "discovery of version 1",
            "issuer",
            "https://sts.windows.net/{tenantid}/",
        ),
        renamed(
            "discovery of one tenant",
            "issuer",
            "BASE/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        ),
        discovery("discovery that redirects", 302, String::new),
        discovery("discovery that is no JSON", 200, || "<html>".into()),
        discovery("discovery over 1 MB", 200, || " ".repeat(1_100_000)),
        discovery("discovery that is not there", 404, String::new),
        discovery("discovery that cannot be had", 500, String::new),
    ]
}

#[tokio::test]
async fn r036_bad_tokens_of_every_class_are_refused() {
    let groups = [
        ("algorithm", algorithms()),
        ("signature and key", signatures_and_keys()),
        ("issuer and tenant", issuers()),
        ("claims", claims()),
        ("header", headers()),
        ("shape", shapes()),
        ("keys and discovery", documents()),
    ];
    let (http, mut wrong) = (hasty(), Vec::new());
    for (group, classes) in &groups {
        for (name, why, change) in classes {
            let host = Host::over(http.clone()).await;
            let mut attempt = Attempt::new(&host);
            change(&mut attempt);
            let said = verdict(host.judge(&attempt).await);
            if !said.starts_with(why) {
                wrong.push(format!("{group}: {name}: {said}, not: {why}"));
            }
        }
        println!("{group}: {} classes", classes.len());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let total: usize = groups.iter().map(|(_, classes)| classes.len()).sum();
    println!("{total} classes of bad tokens, 0 believed");
    assert!(total > 100, "{total}");
}
