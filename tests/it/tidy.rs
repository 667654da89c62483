//! The rules of this repository as tests. Each test keeps one rule for every file, and shows that it can fail.

mod rules;
pub(crate) mod source;

use rules::{
    arrows, begins_with_its_purpose, belongs_to_nobody, decision_page, misplaced, nothing_switched_off, own_words,
    partitions, pure, secrets_stay_shut, telling_names,
};
pub(crate) use source::{code, files, read, root};
use std::collections::BTreeSet;
use std::fs;

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
        concat!("-----BEGIN PRIVATE ", "KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ"),
    );
    caught(
        belongs_to_nobody,
        ".env",
        concat!("AWS_ACCESS_KEY_ID=AK", "IAIOSFODNN7EXAMPLE"),
    );
    fine(
        belongs_to_nobody,
        "tests/it/x.rs",
        concat!("\"-----BEGIN PRIVATE ", "KEY-----\\n{der}\""),
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
