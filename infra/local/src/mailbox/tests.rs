//! The mailbox through the real SES client.

use super::*;
use crate::busy::Busy;
use crate::faults::Faults;
use crate::protocol::{bind, serve};
use crate::testing;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag};
use tokio::sync::watch;

struct Post {
    mailbox: Mailbox,
    client: Client,
    lambdas: Lambdas,
    _stop: watch::Sender<bool>,
}

fn post_office() -> Post {
    let (stop, stopping) = watch::channel(false);
    let lambdas = Lambdas::new(Faults::default(), Busy::default());
    let mailbox = Mailbox::new(Clock::default(), lambdas.clone());
    let (listener, url) = bind(0).unwrap();
    serve(listener, mailbox.router(), &stopping);
    let config = aws_sdk_sesv2::Config::builder()
        .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::latest())
        .retry_config(aws_sdk_sesv2::config::retry::RetryConfig::disabled())
        .region(testing::region())
        .credentials_provider(testing::credentials())
        .http_client(testing::http_client())
        .endpoint_url(url.as_str());
    Post {
        mailbox,
        client: Client::from_conf(config.build()),
        lambdas,
        _stop: stop,
    }
}

fn content(text: &str) -> Content {
    Content::builder().data(text).charset("UTF-8").build().unwrap()
}

fn mail(client: &Client, from: &str, to: &str, subject: &str, header: &str) -> SendEmailFluentBuilder {
    let body = Body::builder()
        .text(content("Text"))
        .html(content("<p>HTML</p>"))
        .build();
    let header = MessageHeader::builder().name("X-Run").value(header).build().unwrap();
    let message = Message::builder()
        .subject(content(subject))
        .body(body)
        .headers(header)
        .build();
    client
        .send_email()
        .from_email_address(from)
        .destination(Destination::builder().to_addresses(to).build())
        .reply_to_addresses("help@a.example")
        .email_tags(MessageTag::builder().name("kind").value("invitation").build().unwrap())
        .content(EmailContent::builder().simple(message).build())
}

#[tokio::test]
async fn keeps_every_part_of_a_mail() {
    let post = post_office();
    post.mailbox.create_configuration_set("dialbridge");
    let sent = mail(
        &post.client,
        "Calls <calls@a.example>",
        "Ann <ann@b.example>",
        "Hello",
        "run_1",
    )
    .configuration_set_name("dialbridge")
    .send()
    .await
    .unwrap();
    let mails = post.mailbox.mails_to("ANN@b.example");
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(Some(mail.message_id.as_str()), sent.message_id());
    assert_eq!(
        (mail.number, mail.subject.as_str(), mail.from.as_str()),
        (1, "Hello", "Calls <calls@a.example>")
    );
    assert_eq!(
        (mail.text.as_deref(), mail.html.as_deref()),
        (Some("Text"), Some("<p>HTML</p>"))
    );
    assert_eq!(
        (mail.headers["X-Run"].as_str(), mail.tags["kind"].as_str()),
        ("run_1", "invitation")
    );
    assert_eq!(mail.reply_to, ["help@a.example"]);
    assert_eq!(post.mailbox.mails_to("bob@b.example"), []);
}

async fn check(from: &str, to: &str, subject: &str, header: &str, code: &str) {
    let post = post_office();
    let error = mail(&post.client, from, to, subject, header).send().await.unwrap_err();
    assert_eq!(error.code(), Some(code), "{error:?}");
    assert_eq!(post.mailbox.mails(), []);
}

#[tokio::test]
async fn refuses_a_mail_without_sender() {
    check("", "ann@b.example", "Hello", "x", "BadRequestException").await;
}
#[tokio::test]
async fn refuses_an_address_without_domain() {
    check("calls@a.example", "ann", "Hello", "x", "BadRequestException").await;
}
#[tokio::test]
async fn refuses_an_empty_subject() {
    check("calls@a.example", "ann@b.example", "", "x", "BadRequestException").await;
}
#[tokio::test]
async fn refuses_a_line_break_in_the_subject() {
    check(
        "calls@a.example",
        "ann@b.example",
        "Hello\r\nBcc: x@y.example",
        "x",
        "BadRequestException",
    )
    .await;
}
#[tokio::test]
async fn refuses_a_line_break_in_a_header() {
    check(
        "calls@a.example",
        "ann@b.example",
        "Hello",
        "x\nBcc: x@y.example",
        "BadRequestException",
    )
    .await;
}
#[tokio::test]
async fn refuses_a_line_break_in_an_address() {
    check(
        "calls@a.example",
        "Ann\r\nBcc: x@y.example <ann@b.example>",
        "Hello",
        "x",
        "BadRequestException",
    )
    .await;
}

#[tokio::test]
async fn refuses_a_mail_without_recipient() {
    let post = post_office();
    let send = mail(&post.client, "calls@a.example", "ann@b.example", "Hello", "x");
    let error = send
        .destination(Destination::builder().build())
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("BadRequestException"));
}

#[tokio::test]
async fn refuses_a_domain_that_is_not_verified() {
    let post = post_office();
    post.mailbox.verify_domain("a.example");
    assert!(
        mail(&post.client, "calls@A.example", "ann@b.example", "Hello", "x")
            .send()
            .await
            .is_ok()
    );
    let error = mail(&post.client, "calls@c.example", "ann@b.example", "Hello", "x")
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .is_some_and(|error| error.is_message_rejected())
    );
}

#[tokio::test]
async fn refuses_an_unknown_configuration_set() {
    let post = post_office();
    let send = mail(&post.client, "calls@a.example", "ann@b.example", "Hello", "x").configuration_set_name("none");
    let error = send.send().await.unwrap_err();
    assert!(
        error
            .as_service_error()
            .is_some_and(|error| error.is_not_found_exception())
    );
}

#[tokio::test]
async fn planned_faults_come_in_order_and_end() {
    let post = post_office();
    post.mailbox.fail_next(1, MailFault::TooManyRequests);
    post.mailbox.fail_next(1, MailFault::Rejected);
    post.mailbox.fail_next(1, MailFault::AnswerLost);
    let send = || mail(&post.client, "calls@a.example", "ann@b.example", "Hello", "x").send();
    assert_eq!(send().await.unwrap_err().code(), Some("TooManyRequestsException"));
    assert_eq!(send().await.unwrap_err().code(), Some("MessageRejected"));
    assert!(post.mailbox.mails().is_empty());
    assert!(
        send().await.unwrap_err().as_service_error().is_none(),
        "a lost answer is no answer of SES"
    );
    assert_eq!(post.mailbox.mails().len(), 1);
    assert!(send().await.is_ok());
}

/// Kinds and recipients of the events that a function gets while a mail to each address is sent.
async fn told(post: &Post, to: &[&str]) -> Vec<(String, String)> {
    let seen = Locked::new(Vec::new());
    let notes = seen.clone();
    post.lambdas.register(MAIL_EVENTS, move |event| {
        notes.with(|notes| notes.push(event));
        async { Ok(Value::Null) }
    });
    post.mailbox.create_configuration_set("dialbridge");
    for to in to {
        let mail = mail(&post.client, "calls@a.example", to, "Hello", "x").configuration_set_name("dialbridge");
        mail.send().await.unwrap();
    }
    let text = |event: &Value, pointer: &str| {
        event
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let all = seen.with(|seen| seen.clone());
    let kind = |event: &Value| {
        (
            text(event, "/detail/eventType"),
            text(event, "/detail/mail/destination/0"),
        )
    };
    all.iter().map(kind).collect()
}

#[tokio::test]
async fn the_address_decides_what_becomes_of_a_mail() {
    let post = post_office();
    let told = told(
        &post,
        &[
            "ann@b.example",
            "bounce@b.example",
            "Bo <bo@Bounce.example>",
            "complaint@b.example",
        ],
    );
    let expected = [
        ("Delivery", "ann@b.example"),
        ("Bounce", "bounce@b.example"),
        ("Bounce", "Bo <bo@Bounce.example>"),
        ("Delivery", "complaint@b.example"),
        ("Complaint", "complaint@b.example"),
    ];
    assert_eq!(told.await, expected.map(|(kind, to)| (kind.to_owned(), to.to_owned())));
}

#[tokio::test]
async fn an_event_names_mail_and_tags() {
    let post = post_office();
    post.mailbox.hold_events();
    assert_eq!(told(&post, &["ann@b.example"]).await, []);
    let held = post.mailbox.take_events();
    let [event] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!(event["source"], "aws.ses");
    assert_eq!(event["detail-type"], "Email Delivered");
    let mail = &event["detail"]["mail"];
    assert_eq!(mail["messageId"], post.mailbox.mails()[0].message_id);
    assert_eq!(mail["tags"]["kind"], json!(["invitation"]));
    assert_eq!(mail["tags"]["ses:configuration-set"], json!(["dialbridge"]));
    assert!(post.mailbox.take_events().is_empty());
}

#[tokio::test]
async fn without_a_configuration_set_nothing_is_told() {
    let post = post_office();
    post.mailbox.hold_events();
    let sent = mail(&post.client, "calls@a.example", "bounce@b.example", "Hello", "x");
    sent.send().await.unwrap();
    assert!(post.mailbox.take_events().is_empty());
}
