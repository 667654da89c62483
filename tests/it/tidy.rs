//! The rules of this repository as tests. Each rule is a function from path and text to what it found, with a test
//! that shows it can fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The repository's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
}

/// A file's text.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file of the repository, by its path from the root. Build output and local data are no part of it.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder can be read") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            let name = path.to_string_lossy().into_owned();
            if [".git", "target", ".data"].contains(&name.as_str()) {
                continue;
            }
            match entry.file_type().expect("a kind").is_dir() {
                true => folders.push(path),
                false => found.extend(fs::read_to_string(entry.path()).ok().map(|text| (name, text))),
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the repository was not found");
    found
}

/// Rust without comments and without what stands in string literals, line for line.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let raw = rest
            .strip_prefix('r')
            .map(|after| after.trim_start_matches('#'))
            .filter(|after| after.starts_with('"'));
        let after_word = out.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let (Some(opened), false) = (raw, after_word) {
            let start = rest.len() - opened.len();
            let end = format!("\"{}", "#".repeat(start - 1));
            opened[1..]
                .find(&end)
                .map_or(rest.len(), |at| start + 1 + at + end.len())
        } else if next == '"' {
            string_end(rest)
        } else if let Some(quoted) = ["'\"'", "'\\\"'", "'\\''", "'\\\\'"]
            .iter()
            .find(|quoted| rest.starts_with(**quoted))
        {
            quoted.len()
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        if !rest.starts_with('/') {
            out.push_str("\"\"");
        }
        out.extend(rest[..skipped].chars().filter(|&c| c == '\n'));
        rest = &rest[skipped..];
    }
    out
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// Code that ships: what stands above the tests of a file.
fn shipped(text: &str) -> String {
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
fn pure(path: &str, text: &str) -> Vec<String> {
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
        Some("domain" | "plan" | "mail") => words(&shipped(text), &BANNED).collect(),
        _ => Vec::new(),
    }
}

/// Invariant 2: who knows whose words.
fn own_words(path: &str, text: &str) -> Vec<String> {
    let Some(layer) = layer(path) else { return Vec::new() };
    let mut found = Vec::new();
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    if !path.starts_with("shared/src/io/graph") {
        found.extend(words(
            production,
            &["@odata", "\"/v1.0/", "numberAssignments", "subscribedSkus"],
        ));
    }
    if !path.starts_with("shared/src/io/store") {
        found.extend(words(
            &shipped(text),
            &[
                "AttributeValue",
                "serde_dynamo",
                "aws_sdk_dynamodb::types",
                ".transact_write_items(",
            ],
        ));
    }
    if !["web", "io"].contains(&layer) {
        found.extend(words(&shipped(text), &["StatusCode", "http::status"]));
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
fn arrows(path: &str, text: &str) -> Vec<String> {
    let shipped = shipped(text);
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
fn partitions(path: &str, text: &str) -> Vec<String> {
    const LOOK_UPS: [&str; 6] = ["RESELLER", "TENANT", "LINK", "SIGNIN", "SESSION", "IDEMPOTENCY"];
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
fn telling_names(path: &str, text: &str) -> Vec<String> {
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
fn secrets_stay_shut(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if path == "shared/src/domain/secret.rs" {
        let derives: Vec<String> = shipped(text).split("derive(").skip(1).map(str::to_owned).collect();
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
        let shipped = shipped(text);
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
fn begins_with_its_purpose(path: &str, text: &str) -> Vec<String> {
    let silent = path.ends_with(".rs") && !text.starts_with("//! ");
    silent
        .then(|| "does not begin with `//! `".to_owned())
        .into_iter()
        .collect()
}

/// A lint is expected with a reason, never switched off; a test is never skipped.
fn nothing_switched_off(path: &str, text: &str) -> Vec<String> {
    if path.ends_with(".rs") {
        return words(&code(text), &["#[allow(", "#![allow(", "#[ignore", "#[should_panic"]).collect();
    }
    if path.starts_with(".ci/") {
        return words(text, &["|| true", "set +e", "--skip", "--no-fail", "continue-on-error"]).collect();
    }
    Vec::new()
}

/// Nothing of one machine, and nothing secret. Words are put together here, or this file would contain them.
fn belongs_to_nobody(path: &str, text: &str) -> Vec<String> {
    let mut banned = vec![
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("C:", "\\Users"),
        concat!("-----BEGIN ", "PRIVATE KEY"),
        concat!("-----BEGIN RSA ", "PRIVATE KEY"),
        concat!("-----BEGIN EC ", "PRIVATE KEY"),
        concat!("AK", "IA"),
        concat!("AS", "IA"),
        concat!("gh", "p_"),
        concat!("github_", "pat_"),
        concat!("xo", "xb-"),
        concat!("regis", "try.npmjs"),
        concat!("py", "pi.org"),
        concat!("art", "ifactory"),
        concat!("index-", "url"),
    ];
    if path == "Cargo.lock" {
        banned.clear(); // checksums may spell anything
        let home = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        let foreign = text
            .lines()
            .filter(|line| line.starts_with("source = ") && *line != home);
        return foreign.map(|line| format!("not from crates.io: {line}")).collect();
    }
    words(text, &banned).collect()
}

/// A decision page has a question, an answer, what was rejected, and a date.
fn decision_page(path: &str, text: &str) -> Vec<String> {
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

type Rule = fn(&str, &str) -> Vec<String>;

fn keep(rule: Rule) {
    let all = files()
        .into_iter()
        .flat_map(|(path, text)| rule(&path, &text).into_iter().map(move |it| format!("{path}: {it}")));
    let found: Vec<String> = all.collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[track_caller]
fn caught(rule: Rule, path: &str, text: &str) {
    assert!(!rule(path, text).is_empty(), "{path} with `{text}` should be caught");
}

#[track_caller]
fn fine(rule: Rule, path: &str, text: &str) {
    assert_eq!(rule(path, text), Vec::<String>::new(), "{path}");
}

#[test]
fn what_decides_is_pure() {
    keep(pure);
    caught(pure, "shared/src/plan/sync.rs", "pub async fn plan() {}");
    caught(pure, "shared/src/domain/ids.rs", "let now = Timestamp::now();");
    caught(pure, "shared/src/mail/mod.rs", "use reqwest::Client;");
    fine(
        pure,
        "shared/src/plan/sync.rs",
        "// never async here\nlet word = \"async fn\";\n#[cfg(test)]\nmod tests { async fn f() {} }",
    );
    fine(pure, "shared/src/plan/sync.rs", "use crate::domain::brand::Brand;");
    fine(pure, "shared/src/io/mod.rs", "async fn f() {}");
}

#[test]
fn each_party_keeps_its_words() {
    keep(own_words);
    caught(
        own_words,
        "shared/src/run/sync.rs",
        "let next = page[\"@odata.nextLink\"];",
    );
    caught(own_words, "shared/src/run/sync.rs", "use aws_sdk_dynamodb::types::Put;");
    caught(own_words, "shared/src/error.rs", "fn status(&self) -> StatusCode {}");
    fine(
        own_words,
        "shared/src/io/graph/wire.rs",
        "#[serde(rename = \"@odata.nextLink\")]",
    );
    fine(own_words, "shared/src/web/problem.rs", "StatusCode::NOT_FOUND");
}

#[test]
fn layers_use_what_they_may() {
    keep(arrows);
    caught(arrows, "shared/src/plan/sync.rs", "use crate::io::store::Store;");
    caught(
        arrows,
        "shared/src/domain/ids.rs",
        "use crate::{error::Error, plan::{a, b}};",
    );
    caught(arrows, "shared/src/io/store/mod.rs", "fn f() -> crate::run::Report {}");
    caught(arrows, "shared/src/web/caller.rs", "use crate::io::Io;");
    caught(arrows, "functions/sync/src/lib.rs", "use shared::plan::sync::plan;");
    caught(arrows, "functions/sync/src/lib.rs", "use shared::io::store::keys;");
    fine(
        arrows,
        "shared/src/run/sync.rs",
        "use crate::{Error, Result, domain::{ids::RunId, run::Run}, io::Io, plan};",
    );
    fine(
        arrows,
        "shared/src/plan/sync.rs",
        "use crate::domain::ids::RunId; // not crate::io\n",
    );
    fine(
        arrows,
        "functions/sync/src/main.rs",
        "use shared::{config::Config, io::Io, run, web};",
    );
}

#[test]
fn partitions_begin_with_the_enterprise() {
    keep(partitions);
    caught(
        partitions,
        "shared/src/io/store/keys.rs",
        "key(format!(\"RUN#{run}\"), \"META\")",
    );
    fine(
        partitions,
        "shared/src/io/store/keys.rs",
        "key(format!(\"ENTERPRISE#{e}\"), \"META\"); key(format!(\"TENANT#{t}\"), \"X\")",
    );
}

#[test]
fn names_tell_something() {
    keep(telling_names);
    caught(telling_names, "shared/src/utils.rs", "");
    caught(telling_names, "shared/src/common/mod.rs", "");
    caught(telling_names, "shared/src/io/mod.rs", "pub struct RunManager;");
    caught(telling_names, "shared/src/io/mod.rs", "pub trait SyncService {}");
    fine(
        telling_names,
        "shared/src/domain/licence.rs",
        "pub struct ServicePlan; // a helper\n",
    );
}

#[test]
fn secrets_cannot_slip_out() {
    keep(secrets_stay_shut);
    caught(
        secrets_stay_shut,
        "shared/src/domain/secret.rs",
        "#[derive(PartialEq, Clone)]\npub struct Secret(String);",
    );
    caught(
        secrets_stay_shut,
        "shared/src/run/sync.rs",
        "info!(token = token.expose(), \"signed in\");",
    );
    fine(
        secrets_stay_shut,
        "shared/src/run/sync.rs",
        "info!(\"signed in\"); send(token.expose());",
    );
}

#[test]
fn each_file_says_what_it_holds() {
    keep(begins_with_its_purpose);
    caught(begins_with_its_purpose, "shared/src/x.rs", "use std::fmt;");
    fine(begins_with_its_purpose, "shared/src/x.rs", "//! Numbers.\n");
}

#[test]
fn nothing_is_switched_off() {
    keep(nothing_switched_off);
    caught(
        nothing_switched_off,
        "shared/src/x.rs",
        "#[allow(dead_code)]\nfn f() {}",
    );
    caught(nothing_switched_off, "tests/it/x.rs", "#[test]\n#[ignore]\nfn f() {}");
    caught(nothing_switched_off, ".ci/run", "cargo deny check || true");
    fine(
        nothing_switched_off,
        "tests/it/x.rs",
        "let text = \"#[allow(dead_code)]\";",
    );
}

#[test]
fn nothing_belongs_to_one_machine() {
    keep(belongs_to_nobody);
    caught(belongs_to_nobody, "README.md", concat!("see /ho", "me/ann/notes"));
    caught(
        belongs_to_nobody,
        "tests/key.pem",
        concat!("-----BEGIN ", "PRIVATE KEY-----"),
    );
    caught(
        belongs_to_nobody,
        "Cargo.lock",
        "source = \"registry+https://elsewhere.example/index\"",
    );
    fine(belongs_to_nobody, "README.md", "open http://localhost:8080");
}

#[test]
fn decisions_are_complete() {
    keep(decision_page);
    let pages: Vec<String> = files()
        .into_iter()
        .filter_map(|(path, _)| path.strip_prefix("infra/decisions/").map(str::to_owned))
        .collect();
    let numbers: Vec<&str> = pages.iter().map(|page| &page[..4]).collect();
    let expected: Vec<String> = (1..=pages.len()).map(|number| format!("{number:04}")).collect();
    assert_eq!(numbers, expected);
    let complete = "# T\n\nDate: 2026-01-01\n\n## Question\n\n## Answer\n\n## Rejected\n";
    fine(decision_page, "infra/decisions/0001-x.md", complete);
    caught(decision_page, "infra/decisions/x.md", complete);
    caught(
        decision_page,
        "infra/decisions/0001-x.md",
        "# T\n\nDate: 2026-01-01\n\n## Question\n\n## Answer\n",
    );
}

/// Names at the top that are not expected, and expected ones that are missing.
fn misplaced(names: &BTreeSet<String>) -> Vec<String> {
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

#[test]
fn the_top_level_is_fixed() {
    let entries = fs::read_dir(root()).expect("the repository can be read");
    let names: BTreeSet<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(misplaced(&names), Vec::<String>::new());
    let mut more = names.clone();
    more.insert("scripts".to_owned());
    assert_eq!(misplaced(&more), ["scripts"]);
    more.remove("infra");
    assert_eq!(misplaced(&more), ["infra", "scripts"]);
}

/// No failure: a list for whoever wonders where to split next.
#[test]
fn long_files_are_listed() {
    let long = |(path, text): (String, String)| {
        let lines = text.lines().count();
        (path.ends_with(".rs") && lines > 400).then_some((lines, path))
    };
    for (lines, path) in files().into_iter().filter_map(long) {
        println!("{lines} lines: {path}");
    }
}

#[test]
fn code_is_what_is_neither_comment_nor_text() {
    assert_eq!(code("a // b\nc"), "a \nc");
    assert_eq!(code("f(\"x // \\\" y\") /* z\n */ + 1"), "f(\"\") \n + 1");
    assert_eq!(code("r#\"a \" b\"# '\"' c 'a 'x'"), "\"\" \"\" c 'a 'x'");
}
