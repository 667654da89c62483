//! Secrets that must not be found anywhere: a whole life with its failures is played, then every byte that was kept, logged,
//! mailed, answered or passed on is searched for each of them (threats 2, 8, 14, 15).

mod life;
mod search;

use crate::stories::scene::Scene;
use aws_sdk_dynamodb::types::AttributeValue;
use dialbridge_local::mailbox::Mail;
use dialbridge_local::witness::Seen;
use dialbridge_local::world::deployment;
use search::{Canary, Search};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Pages of ours whose address is a secret.
const LINKS: [&str; 4] = ["/i/", "/sync/", "/next/", "/activate/"];

/// Where the log goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is searched, by its kind.
#[derive(Default)]
struct Found(BTreeMap<&'static str, Vec<u8>>);

impl Found {
    fn add(&mut self, kind: &'static str, bytes: &[u8]) {
        let all = self.0.entry(kind).or_default();
        all.extend_from_slice(bytes);
        all.push(b'\n');
    }

    /// The table as it is now.
    async fn table(&mut self, scene: &Scene) {
        for item in scene.items().await {
            for (name, value) in &item {
                self.add("table", name.as_bytes());
                self.attribute(value);
            }
        }
    }

    fn attribute(&mut self, value: &AttributeValue) {
        match value {
            AttributeValue::S(text) | AttributeValue::N(text) => self.add("table", text.as_bytes()),
            AttributeValue::B(blob) => self.add("table", blob.as_ref()),
            AttributeValue::L(list) => list.iter().for_each(|value| self.attribute(value)),
            AttributeValue::M(map) => {
                for (name, value) in map {
                    self.add("table", name.as_bytes());
                    self.attribute(value);
                }
            }
            AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
                texts.iter().for_each(|text| self.add("table", text.as_bytes()));
            }
            AttributeValue::Bs(blobs) => blobs.iter().for_each(|blob| self.add("table", blob.as_ref())),
            AttributeValue::Bool(_) | AttributeValue::Null(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The parts of a text that follow a link's path: its secret.
fn tokens(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for link in LINKS {
        for rest in text.split(link).skip(1) {
            let token: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                .collect();
            if token.len() > 20 {
                found.insert(token);
            }
        }
    }
    found
}

/// Invitation codes in a mail.
fn codes(mail: &Mail) -> BTreeSet<String> {
    let is_code = |word: &&str| {
        let characters = || word.bytes().filter(|b| *b != b'-');
        word.len() == 11
            && word.as_bytes()[5] == b'-'
            && characters().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let words = mail.text.iter().flat_map(|text| text.split_whitespace());
    words.filter(is_code).map(str::to_owned).collect()
}

/// What the test knows, and nobody else may.
fn known(scene: &Scene, mails: &[Mail], seen: &[Seen]) -> Vec<Canary> {
    let mut all = BTreeSet::new();
    let mut add = |kind: &'static str, secret: &[u8]| {
        all.insert((kind, secret.to_vec()));
    };
    for secret in scene.service.microsoft.secrets() {
        add(secret.kind, secret.text.as_bytes());
    }
    for key in scene.service.world.aws.kms.data_keys() {
        add("data key", &key);
    }
    add("client secret", deployment::ENTRA_CLIENT_SECRET.as_bytes());
    add("client secret", deployment::BRAND_CLIENT_SECRET.as_bytes());
    add("client secret", deployment::UNATTENDED_CLIENT_SECRET.as_bytes());
    add("code key", deployment::CODE_KEY.as_bytes());
    for mail in mails {
        for code in codes(mail) {
            add("invitation code", code.as_bytes());
            add("invitation code", code.replace('-', "").as_bytes());
        }
        for token in tokens(&format!("{:?} {:?}", mail.text, mail.html)) {
            add("link", token.as_bytes());
        }
    }
    for one in seen {
        let text = one.document.to_string();
        for token in tokens(&text) {
            add("link", token.as_bytes());
        }
        for cookie in text.split("__Host-dialbridge=").skip(1) {
            add("cookie", &cookie.as_bytes()[..43]);
        }
        let state = one
            .document
            .pointer("/queryStringParameters/state")
            .and_then(Value::as_str);
        if let Some(state) = state.filter(|state| state.len() == 43) {
            add("state", state.as_bytes());
        }
        let bearer = one.document.pointer("/headers/authorization").and_then(Value::as_str);
        if let Some(token) = bearer.and_then(|bearer| bearer.strip_prefix("Bearer ")) {
            add("portal token", token.as_bytes());
        }
    }
    all.into_iter().map(|(kind, secret)| Canary { kind, secret }).collect()
}

/// A link's address may be where the link is given out, and on its own page; the search is for its secret elsewhere.
fn without_links(text: &str) -> String {
    let mut text = text.to_owned();
    for token in tokens(&text) {
        for link in LINKS {
            text = text.replace(&format!("{link}{token}"), link);
        }
    }
    text
}

/// A mail without what it is sent for: the code, and the link.
fn mail_without_its_purpose(mail: &Mail) -> String {
    let mut text = format!("{mail:?}");
    for code in codes(mail) {
        text = text.replace(&code, "");
    }
    without_links(&text)
}

/// A document without what belongs there by nature.
fn without_its_nature(seen: &Seen) -> String {
    let mut document = seen.document.clone();
    match (seen.function.as_str(), seen.payload) {
        // What a browser or a caller sends is in the event of its own request.
        ("route", true) => {
            for own in [
                "rawQueryString",
                "queryStringParameters",
                "cookies",
                "body",
                "rawPath",
                "pathParameters",
            ] {
                document[own] = Value::Null;
            }
            document["requestContext"]["http"]["path"] = Value::Null;
            for own in ["authorization", "cookie"] {
                document["headers"][own] = Value::Null;
            }
        }
        // The browser's own cookie, and its way to Microsoft, which takes state and nonce along.
        ("route", false) => {
            if let Some(headers) = document["multiValueHeaders"].as_object_mut() {
                headers.remove("set-cookie");
            }
            document["cookies"] = Value::Null;
            for headers in ["headers", "multiValueHeaders"] {
                let Some(headers) = document[headers].as_object_mut() else {
                    continue;
                };
                headers.remove("set-cookie");
                if let Some(location) = headers.get_mut("location") {
                    *location = without_way_to_microsoft(location);
                }
            }
        }
        // The script works with the session of the person, in the one call that it is given for.
        (deployment::CONFIGURE_TENANT, true) => {
            for own in ["graphToken", "teamsToken"] {
                document[own] = Value::Null;
            }
        }
        _ => {}
    }
    without_links(&document.to_string())
}

fn without_way_to_microsoft(location: &Value) -> Value {
    match location {
        Value::Array(all) => all.iter().map(without_way_to_microsoft).collect(),
        Value::String(text) => {
            let Ok(mut url) = text.parse::<url::Url>() else {
                return location.clone();
            };
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let kept = pairs
                .iter()
                .filter(|(name, _)| !["state", "nonce"].contains(&name.as_str()));
            url.query_pairs_mut().clear().extend_pairs(kept);
            Value::String(url.into())
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn no_secret_is_found_in_anything_that_is_kept_logged_mailed_answered_or_passed_on() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(log.clone());
    subscriber.init();

    let mut found = Found::default();
    let scene = life::lived(&mut found).await;
    found.table(&scene).await;

    let world = &scene.service.world;
    let mails = world.aws.mailbox.mails();
    let mut seen = world.gateway.witness.seen();
    seen.extend(world.aws.lambdas.witness.seen());
    for mail in &mails {
        found.add("mails", mail_without_its_purpose(mail).as_bytes());
    }
    for one in &seen {
        let kind = match (one.function.as_str(), one.payload) {
            ("route", true) => "events of routes",
            ("route", false) => "answers and pages",
            (_, true) => "payloads of functions",
            (_, false) => "answers of functions",
        };
        found.add(kind, without_its_nature(one).as_bytes());
    }
    for execution in world.aws.state_machine.list() {
        found.add("input of the state machine", execution.input.to_string().as_bytes());
    }
    for schedule in world.aws.scheduler.list() {
        found.add(
            "input of schedules",
            format!("{} {}", schedule.name, schedule.input).as_bytes(),
        );
    }
    found.add("logs", &log.0.lock().unwrap());

    let canaries = known(&scene, &mails, &seen);
    let search = Search::new(canaries);
    search.proves_that_it_finds();
    let mut hits = Vec::new();
    for (kind, bytes) in &found.0 {
        println!("{:>10} bytes of {kind}", bytes.len());
        let found = search.hits(bytes);
        hits.extend(found.into_iter().map(|hit| format!("{kind}: {hit}")));
    }
    for (kind, count) in search.kinds() {
        println!("{count:>10} canaries: {kind}");
    }
    let bytes: usize = found.0.values().map(Vec::len).sum();
    println!(
        "{bytes} bytes searched for {} patterns, {} hits",
        search.patterns(),
        hits.len()
    );
    assert!(hits.is_empty(), "{}", hits.join("\n"));
    for kind in [
        "table",
        "logs",
        "mails",
        "answers and pages",
        "payloads of functions",
        "input of the state machine",
    ] {
        assert!(
            found.0.get(kind).is_some_and(|bytes| bytes.len() > 100),
            "nothing was seen of {kind}"
        );
    }
    for kind in [
        "authorization code",
        "PKCE verifier",
        "nonce",
        "access token",
        "refresh token",
        "ID token",
        "data key",
        "invitation code",
        "link",
        "cookie",
        "state",
    ] {
        assert!(search.kinds().contains_key(kind), "no {kind} is known");
    }
}
