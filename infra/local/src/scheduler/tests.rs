//! The scheduler through its real client: what it takes, what it refuses, what it gives back.

use super::*;
use crate::busy::Busy;
use crate::faults::Faults;
use crate::protocol::{bind, serve};
use crate::testing;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::ProvideErrorMetadata;
use aws_sdk_scheduler::operation::create_schedule::builders::CreateScheduleFluentBuilder;
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target};
use tokio::sync::watch;

const ROLE: &str = "arn:aws:iam::000000000000:role/r";
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:000000000000:function:reminder";

fn scheduler() -> (Client, Scheduler, watch::Sender<bool>) {
    let (stop, stopping) = watch::channel(false);
    let lambdas = Lambdas::new(Faults::default(), Busy::default());
    let scheduler = Scheduler::new(Clock::default(), lambdas, Arc::default());
    let (listener, url) = bind(0).unwrap();
    serve(listener, scheduler.router(), &stopping);
    let config = aws_sdk_scheduler::Config::builder()
        .behavior_version(aws_sdk_scheduler::config::BehaviorVersion::latest())
        .retry_config(aws_sdk_scheduler::config::retry::RetryConfig::disabled())
        .region(testing::region())
        .credentials_provider(testing::credentials())
        .http_client(testing::http_client())
        .endpoint_url(url.as_str());
    (Client::from_conf(config.build()), scheduler, stop)
}

fn window(minutes: Option<i32>) -> FlexibleTimeWindow {
    let mode = if minutes.is_some() {
        FlexibleTimeWindowMode::Flexible
    } else {
        FlexibleTimeWindowMode::Off
    };
    FlexibleTimeWindow::builder()
        .mode(mode)
        .set_maximum_window_in_minutes(minutes)
        .build()
        .unwrap()
}

fn target(arn: &str, role: &str, input: &str) -> Target {
    Target::builder().arn(arn).role_arn(role).input(input).build().unwrap()
}

fn create(client: &Client, name: &str) -> CreateScheduleFluentBuilder {
    client
        .create_schedule()
        .name(name)
        .schedule_expression("cron(0 9 * * ? *)")
        .schedule_expression_timezone("Europe/Brussels")
        .flexible_time_window(window(Some(15)))
        .target(target(FUNCTION, ROLE, "{}"))
}

#[tokio::test]
async fn lives_from_create_to_delete() {
    let (client, scheduler, _stop) = scheduler();
    let arn = create(&client, "a").send().await.unwrap().schedule_arn;
    let read = client.get_schedule().name("a").send().await.unwrap();
    assert_eq!(
        (read.arn.as_deref(), read.group_name.as_deref()),
        (Some(arn.as_str()), Some("default"))
    );
    assert_eq!(read.schedule_expression_timezone.as_deref(), Some("Europe/Brussels"));
    assert_eq!(read.target.unwrap().arn, FUNCTION);
    assert!(scheduler.next_due().is_some());

    let update = client
        .update_schedule()
        .name("a")
        .schedule_expression("rate(2 days)")
        .state(ScheduleState::Disabled);
    update
        .flexible_time_window(window(None))
        .target(target(FUNCTION, ROLE, "{}"))
        .send()
        .await
        .unwrap();
    let read = client.get_schedule().name("a").send().await.unwrap();
    assert_eq!(
        (read.state, read.schedule_expression_timezone.as_deref()),
        (Some(ScheduleState::Disabled), Some("UTC"))
    );
    assert_eq!(scheduler.next_due(), None);

    client.delete_schedule().name("a").send().await.unwrap();
    let gone = client.get_schedule().name("a").send().await.unwrap_err();
    assert!(
        gone.as_service_error()
            .is_some_and(|error| error.is_resource_not_found_exception())
    );
    assert!(client.delete_schedule().name("a").send().await.is_err());
}

#[tokio::test]
async fn a_name_is_taken_once_but_the_same_request_may_come_twice() {
    let (client, _, _stop) = scheduler();
    create(&client, "a").client_token("one").send().await.unwrap();
    assert!(create(&client, "a").client_token("one").send().await.is_ok());
    let conflict = create(&client, "a").client_token("two").send().await.unwrap_err();
    assert!(
        conflict
            .as_service_error()
            .is_some_and(|error| error.is_conflict_exception())
    );
}

#[tokio::test]
async fn groups_are_apart_and_must_exist() {
    let (client, scheduler, _stop) = scheduler();
    let none = create(&client, "a").group_name("reminders").send().await.unwrap_err();
    assert_eq!(none.code(), Some("ResourceNotFoundException"));
    scheduler.create_group("reminders");
    create(&client, "a").group_name("reminders").send().await.unwrap();
    assert!(client.get_schedule().name("a").send().await.is_err());
    assert!(
        client
            .get_schedule()
            .name("a")
            .group_name("reminders")
            .send()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn lists_in_pages() {
    let (client, _, _stop) = scheduler();
    for name in ["ent_1", "ent_2", "ent_3", "other"] {
        create(&client, name).send().await.unwrap();
    }
    let mut pages = client
        .list_schedules()
        .name_prefix("ent_")
        .max_results(2)
        .into_paginator()
        .items()
        .send();
    let mut names = Vec::new();
    while let Some(schedule) = pages.try_next().await.unwrap() {
        names.push(schedule.name.unwrap());
    }
    assert_eq!(names, ["ent_1", "ent_2", "ent_3"]);
}

#[tokio::test]
async fn refuses_what_aws_refuses() {
    let (client, scheduler, _stop) = scheduler();
    let good = || create(&client, "a");
    let wrong = [
        ("name", create(&client, "a b")),
        ("expression", good().schedule_expression("every day")),
        ("zone", good().schedule_expression_timezone("Europe/Atlantis")),
        ("window without minutes", {
            let open = FlexibleTimeWindow::builder()
                .mode(FlexibleTimeWindowMode::Flexible)
                .build()
                .unwrap();
            good().flexible_time_window(open)
        }),
        ("window too long", good().flexible_time_window(window(Some(1441)))),
        ("target", good().target(target("reminder", ROLE, "{}"))),
        ("role", good().target(target(FUNCTION, "r", "{}"))),
        ("input", good().target(target(FUNCTION, ROLE, "{enterprise}"))),
    ];
    for (what, create) in wrong {
        let error = create.send().await.unwrap_err();
        assert_eq!(error.code(), Some("ValidationException"), "{what}: {error:?}");
    }
    assert_eq!(scheduler.list(), []);
}
