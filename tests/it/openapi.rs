//! The API description that is checked in: it is what the code says, and a client can be generated from it.

use crate::tidy::{files, read};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

fn described() -> Value {
    serde_json::from_str(&read("infra/openapi.json")).expect("infra/openapi.json is JSON")
}

/// Each operation by `METHOD path`.
fn operations(description: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                found.insert(format!("{} {path}", method.to_uppercase()), operation.clone());
            }
        }
    }
    assert!(!found.is_empty(), "there are operations");
    found
}

fn responses(operation: &Value) -> &Map<String, Value> {
    operation["responses"].as_object().expect("responses")
}

#[test]
fn it_is_what_the_code_says() {
    let (kept, made) = (read("infra/openapi.json"), dialbridge_local::openapi::json());
    let difference = kept
        .lines()
        .zip(made.lines())
        .enumerate()
        .find(|(_, (kept, made))| kept != made);
    assert!(
        kept == made,
        "infra/openapi.json is not what the code says; write it anew: cargo run -- openapi > infra/openapi.json\n\
         first difference (line, kept, made): {difference:?}"
    );
}

#[test]
fn every_operation_says_what_it_does() {
    let description = described();
    for (name, operation) in operations(&description) {
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(summary.ends_with('.'), "{name}: no sentence: {summary:?}");
        for (status, answer) in responses(&operation) {
            assert!(
                answer["description"].is_string(),
                "{name}: {status} needs a description"
            );
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let mut by_id: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, operation) in operations(&described()) {
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: no operationId"));
        by_id.entry(id.to_owned()).or_default().push(name);
    }
    by_id.retain(|_, names| names.len() > 1);
    assert!(by_id.is_empty(), "not unique: {by_id:#?}");
}

#[test]
fn exactly_the_api_needs_a_token() {
    let description = described();
    assert_eq!(
        description["components"]["securitySchemes"]["jwt"]["bearerFormat"],
        "JWT"
    );
    for (name, operation) in operations(&description) {
        let expected = if name.contains(" /v1/") {
            json!([{ "jwt": [] }])
        } else {
            Value::Null
        };
        assert_eq!(operation["security"], expected, "{name}");
    }
}

#[test]
fn the_api_refuses_with_problems() {
    let problem = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    for (name, operation) in operations(&described()) {
        if !name.contains(" /v1/") {
            continue;
        }
        let answers = responses(&operation);
        assert_eq!(answers["4XX"]["content"], problem, "{name}");
        // The gateway has words of its own for these.
        for status in ["401", "429", "5XX"] {
            let content = &answers[status]["content"];
            assert!(content["application/json"].is_object(), "{name}: {status}");
            let ours = &content["application/problem+json"];
            assert_eq!(*ours, problem["application/problem+json"], "{name}: {status}");
        }
    }
}

#[test]
fn every_variable_of_a_path_is_described() {
    for (name, operation) in operations(&described()) {
        let places = name
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        for place in places {
            let described = operation["parameters"].as_array().into_iter().flatten();
            let found = described
                .filter(|one| one["name"] == place && one["in"] == "path")
                .count();
            assert_eq!(found, 1, "{name}: {place}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let description = described();
    let mut open = vec![&description];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                    let pointer = to
                        .strip_prefix('#')
                        .unwrap_or_else(|| panic!("{to} leads out of the document"));
                    assert!(description.pointer(pointer).is_some(), "{to} leads nowhere");
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[test]
fn every_property_is_in_camel_case() {
    let description = described();
    let mut open = vec![&description["components"]["schemas"]];
    while let Some(value) = open.pop() {
        let names = value["properties"].as_object().into_iter().flat_map(|them| them.keys());
        for name in names {
            // RFC 8058 has named this one.
            let fits = name == "List-Unsubscribe"
                || name.starts_with(|first: char| first.is_ascii_lowercase())
                    && name.chars().all(|one| one.is_ascii_alphanumeric());
            assert!(fits, "{name}");
        }
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The names under which a file's types come into the description.
fn schema_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("ToSchema") {
        let before = &text[..at];
        let in_derive = before
            .rfind("#[derive(")
            .is_some_and(|from| !before[from..].contains(")]"));
        let item = &text[at..];
        let Some((kind, place)) = ["struct ", "enum "]
            .iter()
            .filter_map(|kind| item.find(kind).map(|place| (kind, place)))
            .min_by_key(|(_, place)| *place)
        else {
            continue;
        };
        if !in_derive {
            continue;
        }
        let word = |text: &str| -> String {
            let ends = |one: char| !one.is_ascii_alphanumeric() && one != '_';
            text.split(ends).next().unwrap_or_default().to_owned()
        };
        let renamed = item[..place].split_once("schema(as = ").map(|(_, name)| word(name));
        names.push(renamed.unwrap_or_else(|| word(&item[place + kind.len()..])));
    }
    names
}

#[test]
fn no_two_types_share_a_name() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in files() {
        let code = path.ends_with(".rs") && (path.starts_with("shared/") || path.starts_with("functions/"));
        for name in code.then(|| schema_names(&text)).into_iter().flatten() {
            found.entry(name).or_default().push(path.clone());
        }
    }
    assert!(found.len() > 50, "types are found: {}", found.len());
    found.retain(|_, paths| paths.len() > 1);
    assert!(
        found.is_empty(),
        "one replaces the other in the description: {found:#?}"
    );

    let sample = "#[derive(Debug, utoipa::ToSchema)]\n#[schema(as = First)]\npub enum State {}\n\
                  #[derive(ToSchema, Debug)]\n#[serde(x)]\npub struct Second<'a> {}\nuse utoipa::ToSchema;\nstruct Third;";
    assert_eq!(schema_names(sample), ["First", "Second"]);
}
