//! The rules: each a function from path and text to what it found.

use super::source::code;
use std::collections::BTreeSet;

/// Code that ships: what stands above the tests of a file, and nothing of a file of tests.
fn shipped(path: &str, text: &str) -> String {
    if path.ends_with("/tests.rs") {
        return String::new();
    }
    let code = code(text);
    let end = code.find("#[cfg(test)]\nmod ").unwrap_or(code.len());
    code[..end].to_owned()
}

fn layer(path: &str) -> Option<&str> {
    let below = path.strip_prefix("shared/src/")?;
    below.split(['/', '.']).next()
}

/// The banned words that begin a word in `text`: `rand::`, but not `brand::`.
fn words<'a>(text: &'a str, banned: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    let inside = |before: &str| before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
    let begins = move |word: &&str| {
        text.match_indices(*word)
            .any(|(at, _)| !word.starts_with(char::is_alphabetic) || !inside(&text[..at]))
    };
    banned
        .iter()
        .filter(move |word| begins(word))
        .map(|word| format!("contains `{word}`"))
}

/// Invariant 1: what decides is pure.
pub(super) fn pure(path: &str, text: &str) -> Vec<String> {
    const BANNED: [&str; 20] = [
        "async ",
        ".await",
        "reqwest",
        "hyper",
        "axum",
        "tokio",
        "lambda_",
        "aws_sdk",
        "aws_smithy",
        "aws_lc_rs",
        "oauth2",
        "std::env",
        "env::var",
        "std::fs",
        "Timestamp::now",
        "Zoned::now",
        "SystemTime",
        "Instant::now",
        "rand::",
        "Ulid::new",
    ];
    match layer(path) {
        Some("domain" | "plan" | "mail") => words(&shipped(path, text), &BANNED).collect(),
        _ => Vec::new(),
    }
}

/// Invariant 2: who knows whose words.
pub(super) fn own_words(path: &str, text: &str) -> Vec<String> {
    let Some(layer) = layer(path) else { return Vec::new() };
    let mut found = Vec::new();
    // Names of fields are text, so here the text is read as it stands.
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    if !path.starts_with("shared/src/io/graph") && !path.ends_with("/tests.rs") {
        found.extend(words(
            production,
            &["@odata", "\"/v1.0/", "numberAssignments", "subscribedSkus"],
        ));
    }
    if !path.starts_with("shared/src/io/store") {
        found.extend(words(
            &shipped(path, text),
            &[
                "AttributeValue",
                "serde_dynamo",
                "aws_sdk_dynamodb::types",
                ".transact_write_items(",
            ],
        ));
    }
    if !["web", "io"].contains(&layer) {
        found.extend(words(&shipped(path, text), &["StatusCode", "http::status"]));
    }
    found
}

/// What each layer of `shared` may use besides itself, `error` and the crates it needs.
const ARROWS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("plan", &["domain"]),
    ("mail", &["domain"]),
    ("error", &["domain"]),
    ("config", &["domain"]),
    ("io", &["domain", "config", "telemetry"]),
    ("run", &["plan", "io", "mail", "domain", "config", "telemetry"]),
    ("web", &["domain"]),
];

/// The arrows between the layers.
pub(super) fn arrows(path: &str, text: &str) -> Vec<String> {
    let shipped = shipped(path, text);
    if path.starts_with("functions/") {
        let used = named_after(&shipped, "shared::");
        let banned = used
            .into_iter()
            .filter(|name| ["plan", "mail"].contains(&name.as_str()));
        let clients = words(
            &shipped,
            &["io::store", "io::graph", "aws_sdk", "reqwest", "dialbridge_local"],
        );
        return banned
            .map(|name| format!("a function uses shared::{name}"))
            .chain(clients)
            .collect();
    }
    let Some(layer) = layer(path) else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == layer) else {
        return Vec::new();
    };
    // `Error` and `Result` are re-exported at the root.
    let fine = |name: &str| name == layer || ["error", "Error", "Result"].contains(&name) || allowed.contains(&name);
    let used = named_after(&shipped, "crate::");
    used.into_iter()
        .filter(|name| !fine(name))
        .map(|name| format!("{layer} uses {name}"))
        .collect()
}

/// The names that directly follow a path's start, in `crate::a::b` and in `crate::{a, b::c}`.
fn named_after(text: &str, start: &str) -> BTreeSet<String> {
    let name = |text: &str| {
        text.trim()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut names = BTreeSet::new();
    for rest in text.split(start).skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(name(rest));
            continue;
        };
        let mut depth = 0_i32;
        for part in group.split_inclusive([',', '{', '}']) {
            if depth == 0 {
                names.insert(name(part));
            }
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            if depth < 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

/// Invariant 6: partitions begin with the enterprise, except what is looked up before one is known.
pub(super) fn partitions(path: &str, text: &str) -> Vec<String> {
    // PACE: what is left of Microsoft's limits, which belong to its tenants and to our application (decision 0023).
    // RECIPIENT: a person's mails of a day, over all enterprises (decision 0030).
    const LOOK_UPS: [&str; 9] = [
        "RECIPIENT",
        "RESELLER",
        "TENANT",
        "LINK",
        "SIGNIN",
        "SESSION",
        "GUESSES",
        "IDEMPOTENCY",
        "PACE",
    ];
    if path != "shared/src/io/store/keys.rs" {
        return Vec::new();
    }
    let begin = text
        .split("key(format!(\"")
        .skip(1)
        .filter_map(|rest| rest.split(['#', '"']).next());
    begin
        .filter(|word| *word != "ENTERPRISE" && !LOOK_UPS.contains(word))
        .map(|word| format!("a partition begins with {word}"))
        .collect()
}

/// Names that say nothing.
const EMPTY_NAMES: [&str; 9] = [
    "util", "utils", "helper", "helpers", "common", "manager", "managers", "service", "services",
];

/// The one name of this kind with a meaning: the part of the voice service that the enterprise form asks for (R016).
const NOUN: (&str, &str) = ("shared/src/domain/enterprise.rs", "Service");

/// Invariant 8: no name that says nothing.
pub(super) fn telling_names(path: &str, text: &str) -> Vec<String> {
    let parts = path.split('/').flat_map(|part| part.split(['.', '-', '_']));
    let mut found: Vec<String> = parts
        .filter(|part| EMPTY_NAMES.contains(part))
        .map(|part| format!("path says `{part}`"))
        .collect();
    if !path.ends_with(".rs") {
        return found;
    }
    let code = code(text);
    for keyword in ["struct ", "enum ", "trait ", "type ", "mod "] {
        for rest in code.split(keyword).skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let empty = EMPTY_NAMES.iter().any(|word| last_word(&name) == *word);
            if empty && (path, name.as_str()) != NOUN {
                found.push(format!("name `{name}`"));
            }
        }
    }
    found
}

/// `OrderManager` ends in `manager`.
fn last_word(name: &str) -> String {
    let start = name.rfind(|c: char| c.is_uppercase() || c == '_').unwrap_or(0);
    name[start..].trim_start_matches('_').to_lowercase()
}

/// Invariant 10, in part: what is secret cannot be copied, printed or written by accident.
pub(super) fn secrets_stay_shut(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if path == "shared/src/domain/secret.rs" {
        let derives: Vec<String> = shipped(path, text)
            .split("derive(")
            .skip(1)
            .map(str::to_owned)
            .collect();
        let derived = derives
            .iter()
            .filter_map(|rest| rest.split(')').next())
            .flat_map(|list| list.split(','));
        found.extend(
            derived
                .filter(|it| ["Clone", "Debug", "Serialize"].contains(&it.trim()))
                .map(|it| format!("derives {}", it.trim())),
        );
    }
    if path.starts_with("shared/src/") || path.starts_with("functions/") {
        let shipped = shipped(path, text);
        let statements = ["info!(", "warn!(", "error!(", "debug!(", "trace!("]
            .into_iter()
            .flat_map(|log| shipped.split(log).skip(1));
        let logged = statements.filter_map(|rest| rest.split(");").next());
        found.extend(
            logged
                .filter(|line| line.contains(".expose()"))
                .map(|line| format!("logs a secret: {line}")),
        );
    }
    found
}

/// Each file says in its first line what it holds.
pub(super) fn begins_with_its_purpose(path: &str, text: &str) -> Vec<String> {
    let silent = path.ends_with(".rs") && !text.starts_with("//! ");
    silent
        .then(|| "does not begin with `//! `".to_owned())
        .into_iter()
        .collect()
}

/// A lint is expected with a reason, never switched off; a test is never skipped.
pub(super) fn nothing_switched_off(path: &str, text: &str) -> Vec<String> {
    if path.ends_with(".rs") {
        return words(&code(text), &["#[allow(", "#![allow(", "#[ignore", "#[should_panic"]).collect();
    }
    if path.starts_with(".ci/") {
        return words(text, &["|| true", "set +e", "--skip", "--no-fail", "continue-on-error"]).collect();
    }
    Vec::new()
}

/// Nothing of one machine, and nothing secret. Words are put together here, or this file would contain them.
pub(super) fn belongs_to_nobody(path: &str, text: &str) -> Vec<String> {
    const PLACES: [&str; 8] = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("regis", "try.npmjs"),
        concat!("py", "pi.org"),
        concat!("art", "ifactory"),
        concat!("index-", "url"),
    ];
    // What a secret begins with; the text alone, without twenty more characters of a key, is none.
    const BEGINNINGS: [&str; 5] = [
        concat!("PRIVATE ", "KEY-----"),
        concat!("AK", "IA"),
        concat!("gh", "p_"),
        concat!("github_", "pat_"),
        concat!("xo", "xb-"),
    ];
    if path == "Cargo.lock" {
        // Its checksums may spell anything.
        let home = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        let sources = text.lines().filter(|line| line.starts_with("source = "));
        let foreign = sources.filter(|line| *line != home);
        return foreign.map(|line| format!("not from crates.io: {line}")).collect();
    }
    let secret = |start: &&&str| text.split(**start).skip(1).any(key_follows);
    let secrets = BEGINNINGS
        .iter()
        .filter(secret)
        .map(|start| format!("a secret that begins with `{start}`"));
    words(text, &PLACES).chain(secrets).collect()
}

/// Whether a text goes on with what looks like a key, on the same line or the next.
fn key_follows(text: &str) -> bool {
    let key = text
        .trim_start_matches(|c: char| c.is_whitespace())
        .trim_start_matches("\\n");
    let length = key
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "+/_-".contains(*c));
    length.take(20).count() >= 16
}

/// A decision page has a question, an answer, what was rejected, and a date.
pub(super) fn decision_page(path: &str, text: &str) -> Vec<String> {
    let Some(name) = path.strip_prefix("infra/decisions/") else {
        return Vec::new();
    };
    let numbered = name.ends_with(".md")
        && name.len() > 8
        && name[..4].bytes().all(|b| b.is_ascii_digit())
        && name[4..].starts_with('-');
    let mut found: Vec<String> = (!numbered)
        .then(|| "is not named NNNN-title.md".to_owned())
        .into_iter()
        .collect();
    for section in [
        "# ",
        "\n## Question\n",
        "\n## Answer\n",
        "\n## Rejected\n",
        "\nDate: 20",
    ] {
        if !text.contains(section) {
            found.push(format!("lacks `{}`", section.trim()));
        }
    }
    found
}

/// Names at the top that are not expected, and expected ones that are missing.
pub(super) fn misplaced(names: &BTreeSet<String>) -> Vec<String> {
    let wanted = [
        "Cargo.lock",
        "Cargo.toml",
        "README.md",
        "functions",
        "infra",
        "shared",
        "template.yaml",
        "tests",
    ];
    let wanted: BTreeSet<String> = wanted.map(str::to_owned).into();
    let seen: BTreeSet<String> = names
        .iter()
        .filter(|name| !name.starts_with('.') && *name != "target")
        .cloned()
        .collect();
    seen.symmetric_difference(&wanted).cloned().collect()
}
