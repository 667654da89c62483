//! `template.yaml` against the code: functions, routes, environment, table, rights. Either one alone would drift.

mod rights;

use crate::tidy::{read, root};
use rights::{statements, walk};
use serde_json::{Map, Value, json};
use shared::domain::consent;
use shared::io::store::keys::{EXPIRES, PENDING_INDEX, PENDING_SHARD, PENDING_SINCE, PK, SK};
use std::collections::{BTreeMap, BTreeSet};

/// The template with the short tags written out: `!Ref X` is `{"Ref": "X"}`.
fn template() -> Value {
    let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(&read("template.yaml")).expect("template.yaml is YAML");
    written_out(yaml)
}

fn written_out(yaml: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match yaml {
        Yaml::Mapping(entries) => {
            let pair = |(name, value): (Yaml, Yaml)| (name.as_str().unwrap_or_default().to_owned(), written_out(value));
            Value::Object(entries.into_iter().map(pair).collect())
        }
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(written_out).collect()),
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                function => format!("Fn::{function}"),
            };
            Value::Object(Map::from_iter([(name, written_out(tagged.value))]))
        }
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => number.as_i64().map_or(json!(number.as_f64()), Value::from),
        Yaml::String(text) => Value::String(text),
    }
}

/// Logical id and body of every resource of one type.
fn resources<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let all = template["Resources"].as_object().expect("Resources is a map");
    let of_kind = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(id, resource)| (id.as_str(), resource)).collect()
}

fn the_one<'a>(template: &'a Value, kind: &str) -> &'a Value {
    let found = resources(template, kind);
    assert_eq!(found.len(), 1, "{kind}: {:?}", found.keys());
    found.into_values().next().expect("there is one")
}

/// Function blocks by the binary they are built from.
fn functions(template: &Value) -> BTreeMap<&str, (&str, &Value)> {
    let blocks = resources(template, "AWS::Serverless::Function");
    let by_binary = blocks.into_iter().map(|(id, function)| {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str();
        (binary.unwrap_or_else(|| panic!("{id} names no Binary")), (id, function))
    });
    by_binary.collect()
}

/// `consent-callback` is `ConsentCallback`.
fn logical(folder: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    folder.split('-').map(capital).collect()
}

#[test]
fn each_folder_of_functions_is_one_function_and_back() {
    let template = template();
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("functions"))
        .expect("functions/ can be read")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let functions = functions(&template);
    assert_eq!(
        functions.keys().map(|&name| name.to_owned()).collect::<BTreeSet<_>>(),
        folders
    );
    assert_eq!(
        functions.len(),
        resources(&template, "AWS::Serverless::Function").len(),
        "a binary is used twice"
    );
    let globals = &template["Globals"]["Function"];
    assert_eq!(
        (&globals["Runtime"], &globals["Handler"]),
        (&json!("provided.al2023"), &json!("bootstrap"))
    );
    for (folder, (id, function)) in functions {
        assert_eq!(id, format!("{}Function", logical(folder)));
        assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda", "{id}");
        assert_eq!(
            function["Properties"]["FunctionName"]["Fn::Sub"],
            format!("${{AWS::StackName}}-{folder}")
        );
        let package = format!("name = \"{folder}\"");
        assert!(
            read(&format!("functions/{folder}/Cargo.toml")).contains(&package),
            "{folder}: no {package}"
        );
    }
}

#[test]
fn each_function_has_a_log_that_ends() {
    let template = template();
    for (folder, (id, function)) in functions(&template) {
        let log = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
            .as_str()
            .unwrap_or_default();
        let group = &template["Resources"][log];
        assert_eq!(group["Type"], "AWS::Logs::LogGroup", "{id}");
        let name = &group["Properties"]["LogGroupName"]["Fn::Sub"];
        assert_eq!(*name, format!("/aws/lambda/${{AWS::StackName}}-{folder}"));
    }
    for (id, group) in resources(&template, "AWS::Logs::LogGroup") {
        assert!(
            !group["Properties"]["RetentionInDays"].is_null(),
            "{id} keeps its lines for ever"
        );
    }
}

/// Every path of an HTTP event, with whether it needs a token. Events take every method: the function itself answers
/// one that it lacks, with a problem document.
fn routes(template: &Value) -> BTreeMap<String, bool> {
    let mut routes = BTreeMap::new();
    for (_, (id, function)) in functions(template) {
        for (name, event) in function["Properties"]["Events"].as_object().into_iter().flatten() {
            // Only the event bus starts `mail-events`, and nothing else.
            if id == "MailEventsFunction" {
                assert_eq!(
                    (event["Type"].as_str(), name.as_str()),
                    (Some("EventBridgeRule"), "Mail")
                );
                continue;
            }
            assert_eq!(event["Type"], "HttpApi", "{id} {name}");
            let text = |field: &str| event["Properties"][field].as_str().unwrap_or_default().to_owned();
            let token = match &event["Properties"]["Auth"]["Authorizer"] {
                Value::Null => true, // the API's default authorizer
                authorizer => authorizer != "NONE",
            };
            assert_eq!(text("Method"), "ANY", "{id} {name}");
            let double = routes.insert(text("Path"), token);
            assert_eq!(double, None, "{id} {name}: another function has this route");
        }
    }
    routes
}

/// The same from the description of the API: an operation needs a token if some security scheme applies to it, and the
/// operations of a path agree.
fn described(openapi: &Value) -> BTreeMap<String, bool> {
    let mut routes = BTreeMap::new();
    let needed = |security: &Value| {
        security
            .as_array()
            .is_some_and(|schemes| !schemes.is_empty() && !schemes.contains(&json!({})))
    };
    for (path, item) in openapi["paths"].as_object().into_iter().flatten() {
        for method in ["get", "put", "post", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                let token = needed(operation.get("security").unwrap_or(&openapi["security"]));
                let other = routes.insert(path.clone(), token);
                assert!(
                    other.is_none_or(|other| other == token),
                    "{path}: its operations disagree"
                );
            }
        }
    }
    routes
}

#[test]
fn the_routes_are_those_of_the_api_description_and_back() {
    let openapi: Value = serde_json::from_str(&read("infra/openapi.json")).expect("infra/openapi.json is JSON");
    assert_eq!(
        routes(&template()),
        described(&openapi),
        "left: template.yaml, right: infra/openapi.json"
    );
}

#[test]
fn exactly_the_api_needs_a_token() {
    let template = template();
    let api = the_one(&template, "AWS::Serverless::HttpApi");
    assert_eq!(api["Properties"]["Auth"]["DefaultAuthorizer"], "Portal");
    for (path, token) in routes(&template) {
        assert_eq!(token, path.starts_with("/v1/"), "{path}");
    }
}

#[test]
fn the_access_log_shows_routes_but_no_addresses() {
    let template = template();
    let api = the_one(&template, "AWS::Serverless::HttpApi");
    let format = api["Properties"]["AccessLogSettings"]["Format"]
        .as_str()
        .unwrap_or_default();
    assert!(format.contains("$context.routeKey"), "{format}");
    for revealing in [
        "$context.path",
        "$context.identity",
        "$context.authorizer.claims",
        "querystring",
        "header",
    ] {
        assert!(
            !format.contains(revealing),
            "{revealing} can hold what must not be kept"
        );
    }
}

#[test]
fn the_environment_is_what_the_configuration_reads() {
    let template = template();
    let variables = template["Globals"]["Function"]["Environment"]["Variables"].as_object();
    let given: BTreeSet<&str> = variables
        .expect("there are variables")
        .keys()
        .map(String::as_str)
        .collect();
    let read: BTreeSet<&str> = shared::config::NAMES
        .into_iter()
        .chain(shared::config::OPTIONAL)
        .collect();
    assert_eq!(given, read);
    for (id, function) in resources(&template, "AWS::Serverless::Function") {
        assert!(
            function["Properties"]["Environment"].is_null(),
            "{id}: variables are the same everywhere"
        );
    }
}

#[test]
fn names_that_stand_in_for_references_are_right() {
    let template = template();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    let reminder = &template["Resources"]["ReminderFunction"]["Properties"]["FunctionName"]["Fn::Sub"];
    let machine = &the_one(&template, "AWS::Serverless::StateMachine")["Properties"]["Name"]["Fn::Sub"];
    let webhooks = &template["Resources"]["WebhooksFunction"]["Properties"]["FunctionName"]["Fn::Sub"];
    let all = [
        ("REMINDER_FUNCTION_ARN", reminder),
        ("WEBHOOKS_FUNCTION_ARN", webhooks),
        ("STATE_MACHINE_ARN", machine),
    ];
    for (variable, name) in all {
        let arn = variables[variable]["Fn::Sub"].as_str().expect("an ARN");
        assert_eq!(
            arn.rsplit_once("::AccountId}:")
                .map(|(_, rest)| rest.split_once(':').expect("kind and name").1),
            name.as_str()
        );
        let mut whole = Vec::new();
        walk(&template["Resources"], &mut |object| {
            whole.extend(object.get("Fn::Sub").cloned())
        });
        let last = name.as_str().expect("a name");
        let same_name = |sub: &&Value| {
            sub.as_str()
                .is_some_and(|sub| sub.starts_with("arn:") && sub.ends_with(&format!(":{last}")))
        };
        assert!(whole.iter().filter(same_name).all(|sub| sub == arn), "{whole:?}");
    }
}

#[test]
fn the_table_is_the_one_the_store_expects() {
    let template = template();
    let table = &the_one(&template, "AWS::DynamoDB::Table")["Properties"];
    let keys = |hash: &str, range: &str| json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }]);
    let strings: BTreeSet<(&str, &str)> = [PK, SK, PENDING_SHARD, PENDING_SINCE].map(|name| (name, "S")).into();
    let attributes = table["AttributeDefinitions"].as_array().expect("attributes");
    let text = |attribute: &'_ Value, field: &str| attribute[field].as_str().unwrap_or_default().to_owned();
    let described: BTreeSet<(String, String)> = attributes
        .iter()
        .map(|each| (text(each, "AttributeName"), text(each, "AttributeType")))
        .collect();
    assert_eq!(
        described,
        strings
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .collect()
    );
    assert_eq!(table["KeySchema"], keys(PK, SK));
    let pending = json!({
        "IndexName": PENDING_INDEX,
        "KeySchema": keys(PENDING_SHARD, PENDING_SINCE),
        "Projection": { "ProjectionType": "ALL" },
    });
    assert_eq!(table["GlobalSecondaryIndexes"], json!([pending]));
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({ "AttributeName": EXPIRES, "Enabled": true })
    );
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(the_one(&template, "AWS::DynamoDB::Table")["DeletionPolicy"], "Retain");
    let index = format!("${{Table.Arn}}/index/{PENDING_INDEX}");
    assert!(
        statements(&template)
            .iter()
            .any(|statement| statement["Resource"]["Fn::Sub"] == index),
        "nobody may read {index}"
    );
}

#[test]
fn the_state_machine_knows_its_functions() {
    let template = template();
    let machine = &the_one(&template, "AWS::Serverless::StateMachine")["Properties"];
    let path = machine["DefinitionUri"].as_str().expect("a definition");
    let given = machine["DefinitionSubstitutions"].as_object().expect("substitutions");
    let definition = read(path);
    let named = definition
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name);
    assert_eq!(
        named.collect::<BTreeSet<_>>(),
        given.keys().map(String::as_str).collect(),
        "{path}"
    );
    for (name, target) in given {
        let (id, attribute) = target["Fn::GetAtt"]
            .as_str()
            .and_then(|it| it.split_once('.'))
            .expect("id and attribute");
        assert_eq!(
            (&template["Resources"][id]["Type"], attribute),
            (&json!("AWS::Serverless::Function"), "Arn"),
            "{name}"
        );
    }
}

#[test]
fn the_sweeps_start_the_reminder_function() {
    let template = template();
    let schedules = resources(&template, "AWS::Scheduler::Schedule");
    // The sweep is told when it was to begin, so that it can tell whether its clock is right.
    let scheduled = "<aws.scheduler.scheduled-time>";
    for (name, expected) in [
        (
            "DailySweep",
            json!({ "sweep": true, "spread": true, "scheduled": scheduled }),
        ),
        ("OutboxSweep", json!({ "outbox": true })),
    ] {
        let target = &schedules[name]["Properties"]["Target"];
        assert_eq!(target["Arn"]["Fn::GetAtt"], "ReminderFunction.Arn");
        let input: Value = serde_json::from_str(target["Input"].as_str().expect("input")).expect("input is JSON");
        assert_eq!(input, expected, "{name}");
    }
}

/// The stream says that the end of a trail moved and nothing more; whatever it misses is found a minute later.
#[test]
fn the_function_of_webhooks_is_told_where_to_look() {
    let template = template();
    let resources = &template["Resources"];
    let stream = &resources["WebhooksStream"]["Properties"];
    assert_eq!(stream["FunctionName"]["Ref"], "WebhooksFunction");
    assert_eq!(stream["EventSourceArn"]["Fn::GetAtt"], "Table.StreamArn");
    let filters = stream["FilterCriteria"]["Filters"].as_array().expect("filters");
    let [filter] = &filters[..] else { panic!("{filters:?}") };
    let pattern: Value = serde_json::from_str(filter["Pattern"].as_str().expect("a pattern")).expect("JSON");
    assert_eq!(pattern, json!({ "dynamodb": { "Keys": { "sk": { "S": ["LAST"] } } } }));
    let table = &the_one(&template, "AWS::DynamoDB::Table")["Properties"];
    assert_eq!(table["StreamSpecification"]["StreamViewType"], "KEYS_ONLY");
    let look = &resources["EventLook"]["Properties"];
    assert_eq!(look["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(look["Target"]["Arn"]["Fn::GetAtt"], "WebhooksFunction.Arn");
    assert_eq!(look["Target"]["Input"], r#"{"look":true}"#);
}

#[test]
fn what_becomes_of_a_mail_is_reported_to_the_function_that_notes_it() {
    let template = template();
    let destination = the_one(&template, "AWS::SES::ConfigurationSetEventDestination");
    let set = the_one(&template, "AWS::SES::ConfigurationSet");
    assert_eq!(&template["Resources"]["MailConfigurationSet"], set);
    let properties = &destination["Properties"];
    assert_eq!(properties["ConfigurationSetName"]["Ref"], "MailConfigurationSet");
    let bus = properties["EventDestination"]["EventBridgeDestination"]["EventBusArn"]["Fn::Sub"].as_str();
    assert!(
        bus.is_some_and(|bus| bus.ends_with(":event-bus/default")),
        "SES knows no other bus"
    );
    let named = |list: &Value| -> BTreeSet<String> {
        let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_lowercase).collect()
    };
    let function = &template["Resources"]["MailEventsFunction"]["Properties"];
    let pattern = &function["Events"]["Mail"]["Properties"]["Pattern"];
    assert_eq!(pattern["source"], json!(["aws.ses"]));
    let sent = named(&properties["EventDestination"]["MatchingEventTypes"]);
    assert_eq!(sent, named(&pattern["detail"]["eventType"]));
    assert_eq!(
        sent,
        ["bounce", "complaint", "delivery", "deliverydelay", "reject"]
            .map(str::to_owned)
            .into()
    );
    let of_set = &pattern["detail"]["mail"]["tags"]["ses:configuration-set"];
    assert_eq!(
        *of_set,
        json!([{ "Ref": "MailConfigurationSet" }]),
        "other environments send from the same account"
    );
    assert_eq!(
        pattern["account"],
        json!([{ "Ref": "AWS::AccountId" }]),
        "what somebody else sends is none of ours"
    );
    let rights = statements(function);
    let [right] = &rights[..] else { panic!("{rights:?}") };
    let actions = right["Action"].as_array().expect("actions");
    let of_table = |action: &Value| action.as_str().is_some_and(|action| action.starts_with("dynamodb:"));
    assert!(actions.iter().all(of_table), "it notes, and sends nothing: {actions:?}");
}

/// Resource, kind, set and name of every permission of a registration, each of which has its reason.
fn registered(path: &str) -> BTreeSet<(String, String, String, String)> {
    let application: Value = serde_json::from_str(&read(path)).expect("a registration is JSON");
    let mut asked = BTreeSet::new();
    for resource in application["requiredResourceAccess"].as_array().expect("resources") {
        for permission in resource["resourceAccess"].as_array().expect("permissions") {
            let text = |field: &str| permission[field].as_str().unwrap_or_default().to_owned();
            assert!(text("reason").ends_with('.') && text("id").len() == 36, "{permission}");
            let resource = resource["resourceAppId"].as_str().unwrap_or_default().to_owned();
            asked.insert((resource, text("type"), text("set"), text("name")));
        }
    }
    asked
}

#[test]
fn the_applications_ask_for_the_permissions_that_the_code_requests() {
    let asked = registered("infra/entra-app.json");
    const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
    let of = |kind: &str, set: &str, names: &[&str], resource: &str| {
        let one = |name: &&str| [resource, kind, set, name].map(str::to_owned).into();
        names
            .iter()
            .map(one)
            .collect::<BTreeSet<(String, String, String, String)>>()
    };
    let mut requested = of("Scope", "signIn", &consent::SIGN_IN_SCOPES, GRAPH_APP);
    requested.extend(of("Scope", "calling", &consent::CALLING_SCOPES, GRAPH_APP));
    requested.extend(of(
        "Scope",
        "calling",
        &[consent::TEAMS_ADMIN_SCOPE],
        consent::TEAMS_ADMIN,
    ));
    requested.extend(of("Role", "organization", &consent::ORGANIZATION_ROLES, GRAPH_APP));
    assert_eq!(
        asked, requested,
        "left: infra/entra-app.json, right: shared/src/domain/consent.rs"
    );
    assert_eq!(
        registered("infra/entra-unattended-app.json"),
        of("Role", "unattended", &consent::UNATTENDED_ROLES, GRAPH_APP),
        "left: infra/entra-unattended-app.json, right: shared/src/domain/consent.rs"
    );
}
