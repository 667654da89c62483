//! The world as a whole, through the real AWS clients: who calls whom, when, and what a kill leaves behind.

use super::deployment::{SCHEDULE_GROUP, SCHEDULE_ROLE_ARN, SECRET, TABLE, TOKEN_KEY, function_arn, state_machine_arn};
use super::*;
use crate::faults::Fault;
use crate::gateway::Route;
use crate::lambda::FunctionError;
use crate::locked::Locked;
use crate::testing;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

async fn world() -> World {
    World::start(Options::default()).await.unwrap()
}

macro_rules! client {
    ($sdk:ident, $url:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .region(testing::region())
                .credentials_provider(testing::credentials())
                .http_client(testing::http_client())
                .endpoint_url($url.as_str())
                .build(),
        )
    };
}

/// A function that notes its inputs and answers from a list, its last answer for ever.
fn scripted(world: &World, name: &str, answers: Vec<Result<Value, &'static str>>) -> Locked<Vec<Value>> {
    let seen = Locked::new(Vec::new());
    let notes = seen.clone();
    world.aws.lambdas.register(name, move |input| {
        let call = notes.with(|notes| {
            notes.push(input);
            notes.len() - 1
        });
        let answer = answers.get(call.min(answers.len() - 1)).cloned().unwrap();
        async move {
            answer.map_err(|error| FunctionError {
                error_type: error.to_owned(),
                message: String::new(),
            })
        }
    });
    seen
}

fn target(input: &str) -> Target {
    Target::builder()
        .arn(function_arn("reminder"))
        .role_arn(SCHEDULE_ROLE_ARN)
        .input(input)
        .build()
        .unwrap()
}

fn off() -> FlexibleTimeWindow {
    FlexibleTimeWindow::builder()
        .mode(FlexibleTimeWindowMode::Off)
        .build()
        .unwrap()
}

/// Moves the clock to the next noon, so that nine o'clock is far away on both sides.
fn go_to_noon(world: &World) {
    let now = world.clock.now();
    let noon = now
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
        .tomorrow()
        .unwrap()
        .at(12, 0, 0, 0);
    let noon = jiff::tz::TimeZone::UTC.to_timestamp(noon).unwrap();
    world.clock.advance(now.duration_until(noon));
}

async fn schedule(world: &World, name: &str, expression: &str, input: &str) {
    let scheduler = client!(aws_sdk_scheduler, world.urls.aws);
    let create = scheduler
        .create_schedule()
        .name(name)
        .group_name(SCHEDULE_GROUP)
        .schedule_expression(expression);
    create
        .target(target(input))
        .flexible_time_window(off())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_daily_schedule_fires_once_a_day_with_its_placeholders() {
    let world = world().await;
    let seen = scripted(&world, "reminder", vec![Ok(json!(null))]);
    go_to_noon(&world);
    schedule(
        &world,
        "ent_1",
        "cron(0 9 * * ? *)",
        r#"{"enterprise":"ent_1","at":"<aws.scheduler.scheduled-time>"}"#,
    )
    .await;
    world.advance(SignedDuration::from_hours(72)).await;
    let seen = seen.with(|seen| seen.clone());
    assert_eq!(seen.len(), 3);
    for input in &seen {
        assert_eq!(input["enterprise"], "ent_1");
        assert!(input["at"].as_str().unwrap().ends_with("T09:00:00Z"), "{input}");
    }
}

#[tokio::test]
async fn twice_means_twice() {
    let world = World::start(Options {
        deliver_twice: true,
        ..Options::default()
    })
    .await
    .unwrap();
    let seen = scripted(&world, "reminder", vec![Ok(json!(null))]);
    go_to_noon(&world);
    schedule(&world, "ent_1", "cron(0 9 * * ? *)", "{}").await;
    world.advance(SignedDuration::from_hours(24)).await;
    assert_eq!(seen.with(|seen| seen.len()), 2);
}

#[tokio::test]
async fn a_one_time_schedule_deletes_itself() {
    let world = world().await;
    let seen = scripted(&world, "reminder", vec![Ok(json!(null))]);
    let at = (world.clock.now() + SignedDuration::from_hours(2))
        .strftime("at(%Y-%m-%dT%H:%M:%S)")
        .to_string();
    let scheduler = client!(aws_sdk_scheduler, world.urls.aws);
    let create = scheduler
        .create_schedule()
        .name("once")
        .schedule_expression(at)
        .target(target("{}"));
    let create = create
        .action_after_completion(ActionAfterCompletion::Delete)
        .flexible_time_window(off());
    create.send().await.unwrap();
    world.advance(SignedDuration::from_hours(24)).await;
    assert_eq!((seen.with(|seen| seen.len()), world.aws.scheduler.list().len()), (1, 0));
}

#[tokio::test]
async fn an_event_that_fails_is_tried_three_times() {
    let world = world().await;
    let seen = scripted(&world, "reminder", vec![Err("Broken")]);
    go_to_noon(&world);
    schedule(&world, "ent_1", "cron(0 9 * * ? *)", "{}").await;
    world.advance(SignedDuration::from_hours(24)).await;
    assert_eq!(seen.with(|seen| seen.len()), 3);
}

async fn start(world: &World, name: &str, input: &str) -> Result<String, String> {
    use aws_sdk_sfn::error::ProvideErrorMetadata;
    let states = client!(aws_sdk_sfn, world.urls.aws);
    let start = states
        .start_execution()
        .state_machine_arn(state_machine_arn())
        .name(name)
        .input(input);
    let started = start.send().await;
    started
        .map(|started| started.execution_arn)
        .map_err(|error| error.code().unwrap_or_default().to_owned())
}

/// Runs the machine on this script; gives its status, error and the inputs of the worker.
async fn run(
    world: &World,
    answers: Vec<Result<Value, &'static str>>,
) -> (ExecutionStatus, Option<String>, Vec<Value>) {
    let seen = scripted(world, "sync-run", answers);
    let arn = start(world, "run_1", r#"{"enterprise":"ent_1","run":"run_1"}"#)
        .await
        .unwrap();
    world.finish_runs().await;
    let states = client!(aws_sdk_sfn, world.urls.aws);
    let end = states.describe_execution().execution_arn(arn).send().await.unwrap();
    (end.status, end.error, seen.with(|seen| seen.clone()))
}

#[tokio::test]
async fn the_machine_loops_until_done() {
    let world = world().await;
    let began = world.clock.now();
    let answers = vec![
        Ok(json!({ "next": "continue" })),
        Ok(json!({ "next": "wait", "seconds": 600 })),
        Ok(json!({ "next": "done" })),
    ];
    let (status, error, seen) = run(&world, answers).await;
    assert_eq!((status, error), (ExecutionStatus::Succeeded, None));
    assert_eq!(seen, vec![json!({ "enterprise": "ent_1", "run": "run_1" }); 3]);
    assert!(began.duration_until(world.clock.now()) >= SignedDuration::from_mins(10));
}

#[tokio::test]
async fn the_machine_tries_a_broken_worker_again() {
    let answers = vec![
        Err("Lambda.ServiceException"),
        Err("Oops"),
        Ok(json!({ "next": "done" })),
    ];
    let (status, _, seen) = run(&world().await, answers).await;
    assert_eq!((status, seen.len()), (ExecutionStatus::Succeeded, 3));
}

#[tokio::test]
async fn the_machine_gives_up_in_the_end() {
    let (status, error, seen) = run(&world().await, vec![Err("Oops")]).await;
    assert_eq!(
        (status, error.as_deref()),
        (ExecutionStatus::Failed, Some("WorkerFailed"))
    );
    let (worked, reported): (Vec<_>, Vec<_>) = seen.into_iter().partition(|input| input["broken"].is_null());
    assert_eq!((worked.len(), reported.len()), (7, 7));
}

#[tokio::test]
async fn a_failed_run_fails_the_execution() {
    let (status, error, _) = run(&world().await, vec![Ok(json!({ "next": "failed" }))]).await;
    assert_eq!((status, error.as_deref()), (ExecutionStatus::Failed, Some("RunFailed")));
}

#[tokio::test]
async fn an_answer_without_seconds_cannot_be_waited_for() {
    let (status, error, _) = run(&world().await, vec![Ok(json!({ "next": "wait" }))]).await;
    assert_eq!(
        (status, error.as_deref()),
        (ExecutionStatus::Failed, Some("States.Runtime"))
    );
}

#[tokio::test]
async fn waits_can_be_skipped() {
    let world = World::start(Options {
        skip_waits: true,
        ..Options::default()
    })
    .await
    .unwrap();
    scripted(
        &world,
        "sync-run",
        vec![
            Ok(json!({ "next": "wait", "seconds": 3600 })),
            Ok(json!({ "next": "done" })),
        ],
    );
    start(&world, "run_1", r#"{"enterprise":"ent_1","run":"run_1"}"#)
        .await
        .unwrap();
    world.idle().await;
    assert_eq!(world.aws.state_machine.list()[0].status, "SUCCEEDED");
}

#[tokio::test]
async fn a_name_is_good_for_one_input() {
    let world = world().await;
    scripted(
        &world,
        "sync-run",
        vec![
            Ok(json!({ "next": "wait", "seconds": 60 })),
            Ok(json!({ "next": "done" })),
        ],
    );
    let input = r#"{"enterprise":"ent_1","run":"run_1"}"#;
    let arn = start(&world, "run_1", input).await.unwrap();
    world.idle().await;
    assert_eq!(start(&world, "run_1", input).await, Ok(arn));
    let exists = Err("ExecutionAlreadyExists".to_owned());
    assert_eq!(start(&world, "run_1", "{}").await, exists);
    world.finish_runs().await;
    assert_eq!(start(&world, "run_1", input).await, exists);
    assert_eq!(start(&world, "run 1", input).await, Err("InvalidName".to_owned()));
}

#[tokio::test]
async fn a_kill_ends_the_worker_and_the_machine_tries_again() {
    let world = world().await;
    let table = client!(aws_sdk_dynamodb, world.urls.dynamodb);
    let writes = Locked::new(0);
    let count = writes.clone();
    world.aws.lambdas.register("sync-run", move |_| {
        let (table, count) = (table.clone(), count.clone());
        count.with(|count| *count += 1);
        async move {
            let key = |text: &str| AttributeValue::S(text.to_owned());
            let put = table
                .put_item()
                .table_name(TABLE)
                .item("pk", key("a"))
                .item("sk", key("b"))
                .send()
                .await;
            put.map(|_| json!({ "next": "done" })).map_err(|error| FunctionError {
                error_type: "Store".to_owned(),
                message: error.to_string(),
            })
        }
    });
    world
        .faults
        .next_calls("dynamodb", Some("PutItem"), 1, Fault::KillAfter);
    start(&world, "run_1", r#"{"enterprise":"ent_1","run":"run_1"}"#)
        .await
        .unwrap();
    world.finish_runs().await;
    assert_eq!(world.aws.state_machine.list()[0].status, "SUCCEEDED");
    assert_eq!(writes.with(|writes| *writes), 2);
    assert_eq!(world.faults.counts()[&("dynamodb".to_owned(), "PutItem".to_owned())], 2);
}

#[tokio::test]
async fn the_table_is_the_deployed_one() {
    let world = world().await;
    let table = client!(aws_sdk_dynamodb, world.urls.dynamodb);
    let described = table
        .describe_table()
        .table_name(TABLE)
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    let names = |schema: &[aws_sdk_dynamodb::types::KeySchemaElement]| {
        schema.iter().map(|key| key.attribute_name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(described.key_schema()), ["pk", "sk"]);
    let index = &described.global_secondary_indexes()[0];
    assert_eq!(index.index_name(), Some("pending"));
    assert_eq!(names(index.key_schema()), ["pending_shard", "pending_since"]);
    let ttl = table.describe_time_to_live().table_name(TABLE).send().await.unwrap();
    assert_eq!(
        ttl.time_to_live_description.unwrap().attribute_name.as_deref(),
        Some("expires")
    );
}

#[tokio::test]
async fn what_expired_goes_with_the_worlds_clock() {
    let world = world().await;
    let table = world.dynamodb.client();
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let expires = (world.clock.now() + SignedDuration::from_hours(1))
        .as_second()
        .to_string();
    let put = table
        .put_item()
        .table_name(TABLE)
        .item("pk", key("a"))
        .item("sk", key("b"));
    put.item("expires", AttributeValue::N(expires)).send().await.unwrap();
    assert_eq!(world.dynamodb.sweep().unwrap(), 0);
    world.advance(SignedDuration::from_hours(2)).await;
    assert_eq!(world.dynamodb.sweep().unwrap(), 1);
}

#[tokio::test]
async fn only_token_requests_count_at_the_sign_in_host() {
    let world = world().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["organizations/oauth2/v2.0/authorize", "organizations/oauth2/v2.0/token"] {
        http.get(world.urls.login.join(path).unwrap()).send().await.unwrap();
    }
    assert_eq!(world.faults.calls(), 1);
}

#[tokio::test]
async fn refused_and_lost_calls_do_what_they_say() {
    let world = world().await;
    let table = client!(aws_sdk_dynamodb, world.urls.dynamodb);
    let put = |pk: &str| {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        table
            .put_item()
            .table_name(TABLE)
            .item("pk", key(pk))
            .item("sk", key("x"))
    };
    world.faults.reset();
    let code = "ProvisionedThroughputExceededException".to_owned();
    world.faults.at_call(1, Fault::Refuse { status: 400, code });
    world.faults.at_call(2, Fault::LoseAnswer);
    let refused = put("a").send().await.unwrap_err();
    assert!(
        refused
            .as_service_error()
            .is_some_and(|error| error.is_provisioned_throughput_exceeded_exception())
    );
    assert!(put("b").send().await.unwrap_err().as_service_error().is_none());
    let kept = world.dynamodb.client().scan().table_name(TABLE).send().await.unwrap();
    assert_eq!(
        kept.items().iter().map(|item| item["pk"].clone()).collect::<Vec<_>>(),
        [AttributeValue::S("b".to_owned())]
    );
    assert_eq!(world.faults.calls(), 2);
}

#[tokio::test]
async fn a_data_key_opens_only_in_its_context() {
    let world = world().await;
    let kms = client!(aws_sdk_kms, world.urls.aws);
    let made = kms
        .generate_data_key()
        .key_id(TOKEN_KEY)
        .key_spec(aws_sdk_kms::types::DataKeySpec::Aes256);
    let made = made.encryption_context("run", "run_1").send().await.unwrap();
    let (plain, sealed) = (made.plaintext.unwrap(), made.ciphertext_blob.unwrap());
    assert_eq!(plain.as_ref().len(), 32);
    let open = |run: &str| {
        kms.decrypt()
            .ciphertext_blob(sealed.clone())
            .encryption_context("run", run)
            .send()
    };
    assert_eq!(open("run_1").await.unwrap().plaintext.unwrap(), plain);
    let wrong = open("run_2").await.unwrap_err();
    assert!(
        wrong
            .as_service_error()
            .is_some_and(|error| error.is_invalid_ciphertext_exception())
    );
    let sealed = kms
        .encrypt()
        .key_id(TOKEN_KEY)
        .plaintext(Blob::new("token"))
        .send()
        .await
        .unwrap();
    let opened = kms
        .decrypt()
        .ciphertext_blob(sealed.ciphertext_blob.unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext.unwrap(), Blob::new("token"));
    let unknown = kms
        .encrypt()
        .key_id("other")
        .plaintext(Blob::new("token"))
        .send()
        .await
        .unwrap_err();
    assert!(
        unknown
            .as_service_error()
            .is_some_and(|error| error.is_not_found_exception())
    );
}

#[tokio::test]
async fn the_secret_is_read_by_name_only() {
    let world = world().await;
    let secrets = client!(aws_sdk_secretsmanager, world.urls.aws);
    let read = |id: &str| secrets.get_secret_value().secret_id(id).send();
    let secret: Value = serde_json::from_str(read(SECRET).await.unwrap().secret_string().unwrap()).unwrap();
    assert!(secret["entraClientSecret"].is_string() && secret["codeKey"].is_string());
    let none = read("other").await.unwrap_err();
    assert!(
        none.as_service_error()
            .is_some_and(|error| error.is_resource_not_found_exception())
    );
}

#[tokio::test]
async fn the_environment_makes_a_configuration() {
    let environment = world().await.environment();
    let config = shared::config::Config::read(|name| environment.get(name).cloned()).unwrap();
    assert_eq!(config.table, TABLE);
    assert!(config.sbc_regions.contains_key("Europe"));
}

#[tokio::test]
async fn functions_are_invoked_by_the_service_itself() {
    let world = world().await;
    scripted(&world, "configure-tenant", vec![Ok(json!({ "ok": true })), Err("Oops")]);
    let lambda = client!(aws_sdk_lambda, world.urls.aws);
    let invoke = |name: &str| {
        let payload = aws_sdk_lambda::primitives::Blob::new(r#"{"version":1}"#);
        lambda.invoke().function_name(name).payload(payload).send()
    };
    let good = invoke("configure-tenant").await.unwrap();
    assert_eq!((good.status_code, good.function_error), (200, None));
    assert_eq!(good.payload.unwrap().as_ref(), br#"{"ok":true}"#);
    let bad = invoke(&function_arn("configure-tenant")).await.unwrap();
    assert_eq!(bad.function_error.as_deref(), Some("Unhandled"));
    assert_eq!(
        bad.payload.unwrap().as_ref(),
        br#"{"errorMessage":"","errorType":"Oops"}"#
    );
    let none = invoke("none").await.unwrap_err();
    assert!(
        none.as_service_error()
            .is_some_and(|error| error.is_resource_not_found_exception())
    );
}

#[tokio::test]
async fn the_pages_are_there() {
    let world = world().await;
    world.mount_microsoft(
        Router::new(),
        Router::new(),
        Router::new().route("/x", axum::routing::get(|| async { "controls" })),
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, part) in [
        ("", "Advance 1 day"),
        ("mailbox", "No mail yet"),
        ("mailbox/mails", "[]"),
        ("schedules", "in this world"),
        (".well-known/openid-configuration", "jwks_uri"),
        ("_microsoft/x", "controls"),
    ] {
        let page = http
            .get(world.urls.portal.join(path).unwrap())
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(page.contains(part), "{path}: {page}");
    }
    let before = world.clock.now();
    let moved = http
        .post(world.urls.portal.join("clock").unwrap())
        .form(&[("seconds", "3600")]);
    assert!(moved.send().await.unwrap().status().is_success());
    assert!(before.duration_until(world.clock.now()) >= SignedDuration::from_hours(1));
}

#[tokio::test]
async fn a_world_in_a_folder_remembers_its_table() {
    let folder = std::env::temp_dir().join(format!("dialbridge-{}", crate::protocol::unique()));
    let options = Options {
        data: Some(folder.clone()),
        ..Options::default()
    };
    for round in 0..2 {
        let world = World::start(options.clone()).await.unwrap();
        let table = world.dynamodb.client();
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let found = table
            .get_item()
            .table_name(TABLE)
            .key("pk", key("a"))
            .key("sk", key("b"))
            .send()
            .await
            .unwrap();
        assert_eq!(found.item.is_some(), round == 1);
        table
            .put_item()
            .table_name(TABLE)
            .item("pk", key("a"))
            .item("sk", key("b"))
            .send()
            .await
            .unwrap();
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_killed_function_is_a_500_at_the_gateway() {
    let world = world().await;
    let lambda = client!(aws_sdk_lambda, world.urls.aws);
    scripted(&world, "any", vec![Ok(json!(null))]);
    let call = move || {
        let lambda = lambda.clone();
        async move {
            let _ = lambda.invoke().function_name("any").send().await;
            "done"
        }
    };
    world.gateway.mount(
        vec![Route::public("GET", "/x")],
        Router::new().route("/x", axum::routing::get(call)),
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = || http.get(world.urls.api.join("x").unwrap()).send();
    assert_eq!(get().await.unwrap().status(), 200);
    world.faults.next_calls("lambda", None, 1, Fault::KillBefore);
    assert_eq!(get().await.unwrap().status(), 500);
    assert_eq!(get().await.unwrap().status(), 200);
}
