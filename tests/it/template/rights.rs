//! Rights: each is named, none is wider than needed, and all of them are used.

use super::{resources, template};
use crate::tidy::{code, files};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Statements that may name every resource, each with its reason.
const EVERY_RESOURCE: [(&str, &str); 4] = [
    ("RightsComeFromRoles", "in a key policy the star is the key itself"),
    ("DeliverLog", "these actions know no resources"),
    ("Trace", "X-Ray knows no resources"),
    (
        "ForgetSuppressedAddress",
        "the list belongs to the account, and its addresses are no resources",
    ),
];

/// Calls `seen` for every object within `value`, itself included.
pub(super) fn walk(value: &Value, seen: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            seen(object);
            object.values().for_each(|inner| walk(inner, seen));
        }
        Value::Array(items) => items.iter().for_each(|inner| walk(inner, seen)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every IAM statement, wherever it stands.
pub(super) fn statements(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(value, &mut |object| {
        if object.contains_key("Effect") {
            found.push(Value::Object(object.clone()));
        }
    });
    found
}

fn one_or_more(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |items| items.iter().collect())
}

fn actions(statement: &Value) -> Vec<&str> {
    one_or_more(&statement["Action"])
        .into_iter()
        .filter_map(Value::as_str)
        .collect()
}

/// What is wrong with a statement.
fn too_wide(statement: &Value) -> Option<String> {
    let actions = actions(statement);
    let sid = statement["Sid"].as_str().unwrap_or_default();
    if actions.is_empty() || actions.iter().any(|action| action.contains('*')) {
        return Some(format!("{sid}: each action is named: {actions:?}"));
    }
    let every = one_or_more(&statement["Resource"])
        .iter()
        .any(|resource| **resource == "*");
    let excused = EVERY_RESOURCE.iter().any(|(excused, _)| *excused == sid);
    (every && !excused).then(|| format!("{sid}: names every resource without a stated reason"))
}

#[test]
fn rights_are_named_one_by_one() {
    let statements = statements(&template());
    assert!(statements.len() > 10, "the statements were not found");
    let found: Vec<String> = statements.iter().filter_map(too_wide).collect();
    assert!(found.is_empty(), "{found:#?}");
    for (sid, _) in EVERY_RESOURCE {
        assert!(
            statements.iter().any(|statement| statement["Sid"] == sid),
            "{sid} needs no excuse any more"
        );
    }
}

#[test]
fn wide_rights_would_be_caught() {
    let wide = |action: Value, resource: Value| {
        too_wide(&json!({ "Sid": "X", "Effect": "Allow", "Action": action, "Resource": resource }))
    };
    assert!(wide(json!("*"), json!("arn:x")).is_some());
    assert!(wide(json!(["s3:GetObject", "dynamodb:*"]), json!("arn:x")).is_some());
    assert!(wide(json!("dynamodb:Get*"), json!("arn:x")).is_some());
    assert!(wide(json!("dynamodb:GetItem"), json!(["arn:x", "*"])).is_some());
    assert!(wide(json!("dynamodb:GetItem"), json!("arn:x")).is_none());
}

/// What Lambda does with a function's rights to read a stream for it.
const STREAM: [&str; 4] = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
];

/// Which text in which folder shows that an action is used.
const CALLS: [(&str, &str, &[&str]); 22] = [
    ("dynamodb:GetItem", "store", &[".get_item()", "Get::builder()"]),
    ("dynamodb:PutItem", "store", &[".put_item()", "Put::builder()"]),
    ("dynamodb:UpdateItem", "store", &[".update_item()", "Update::builder()"]),
    ("dynamodb:DeleteItem", "store", &[".delete_item()", "Delete::builder()"]),
    ("dynamodb:ConditionCheckItem", "store", &["ConditionCheck::builder()"]),
    ("dynamodb:Query", "store", &[".query()"]),
    ("dynamodb:Scan", "store", &[".scan()"]),
    ("dynamodb:BatchGetItem", "store", &[".batch_get_item()"]),
    ("dynamodb:BatchWriteItem", "store", &[".batch_write_item()"]),
    ("ses:SendEmail", "", &[".send_email()"]),
    (
        "ses:DeleteSuppressedDestination",
        "",
        &[".delete_suppressed_destination()"],
    ),
    ("scheduler:CreateSchedule", "", &[".create_schedule()"]),
    ("scheduler:ListSchedules", "", &[".list_schedules()"]),
    ("scheduler:GetSchedule", "", &[".get_schedule()"]),
    ("scheduler:UpdateSchedule", "", &[".update_schedule()"]),
    ("scheduler:DeleteSchedule", "", &[".delete_schedule()"]),
    ("states:StartExecution", "", &[".start_execution()"]),
    ("kms:GenerateDataKey", "", &[".generate_data_key()"]),
    ("kms:Encrypt", "", &[".encrypt()"]),
    ("kms:Decrypt", "", &[".decrypt()"]),
    ("secretsmanager:GetSecretValue", "", &[".get_secret_value()"]),
    ("lambda:InvokeFunction", "", &[".invoke()"]),
];

#[test]
fn the_functions_may_do_what_the_clients_do_and_no_more() {
    let template = template();
    let granted: BTreeSet<String> = resources(&template, "AWS::Serverless::Function")
        .values()
        .flat_map(|function| statements(function))
        .flat_map(|statement| actions(&statement).into_iter().map(str::to_owned).collect::<Vec<_>>())
        .filter(|action| action != "iam:PassRole") // nobody calls it; creating a schedule asks for it
        .filter(|action| !STREAM.contains(&action.as_str()))
        .collect();
    let sources: Vec<(String, String)> = files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("shared/src/io/"))
        .collect();
    let used = CALLS.iter().filter(|(_, folder, calls)| {
        let folder = format!("shared/src/io/{folder}");
        let clients = sources
            .iter()
            .filter(|(path, _)| path.starts_with(&folder) && !path.ends_with("/table.rs"));
        clients
            .into_iter()
            .any(|(_, text)| calls.iter().any(|call| code(text).contains(call)))
    });
    assert_eq!(
        granted,
        used.map(|(action, _, _)| (*action).to_owned()).collect(),
        "left: template.yaml, right: shared/src/io"
    );
}

/// Which functions may do something, with whatever.
fn who_may(action: &str) -> Vec<String> {
    who_may_where(action, |_| true)
}

/// Which functions may do something with what was sealed for a thing of that kind.
fn who_may_with(action: &str, what: &str) -> Vec<String> {
    let context = format!("kms:EncryptionContext:{what}");
    who_may_where(action, |statement| {
        let conditions = statement["Condition"]["StringLike"].as_object();
        conditions.is_none_or(|conditions| conditions.contains_key(&context))
    })
}

fn who_may_where(action: &str, fits: impl Fn(&Value) -> bool) -> Vec<String> {
    let template = template();
    let functions = super::functions(&template);
    let may = functions.iter().filter(|(_, (_, function))| {
        let statements = statements(function);
        let mut of_action = statements
            .iter()
            .filter(|statement| actions(statement).contains(&action));
        of_action.any(&fits)
    });
    may.map(|(binary, _)| (*binary).to_owned()).collect()
}

/// R061: whoever seals tokens, of a sign-in or of our own application, cannot open them, and whoever opens them cannot get
/// others.
#[test]
fn r061_tokens_are_sealed_by_some_functions_and_opened_by_another() {
    assert_eq!(
        who_may_with("kms:GenerateDataKey", "run"),
        ["consent-callback", "reminder"]
    );
    assert_eq!(who_may_with("kms:Decrypt", "run"), ["sync-run"]);
    assert!(!who_may("secretsmanager:GetSecretValue").contains(&"sync-run".to_owned()));
}

/// Whoever makes the secrets of webhooks cannot open them, and whoever sends events can do nothing else with secrets.
#[test]
fn secrets_of_webhooks_are_sealed_by_one_function_and_opened_by_another() {
    assert_eq!(who_may_with("kms:GenerateDataKey", "webhook"), ["invite"]);
    assert_eq!(who_may_with("kms:Decrypt", "webhook"), ["webhooks"]);
    for action in [
        "secretsmanager:GetSecretValue",
        "states:StartExecution",
        "dynamodb:DeleteItem",
    ] {
        assert!(!who_may(action).contains(&"webhooks".to_owned()), "{action}");
    }
}
