//! The start page: where to click, tokens to copy, and a clock that can be moved.

use crate::issuer::{Issuer, Person, ROLES};
use crate::pages::{escape, page};
use crate::world::{Time, Urls};
use axum::Router;
use axum::extract::Form;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde::Deserialize;

#[derive(Deserialize)]
struct Advance {
    seconds: u32,
}

pub(super) fn router(urls: &Urls, issuer: &Issuer, time: &Time) -> Router {
    let (shown, issuer, now, time) = (urls.clone(), issuer.clone(), time.clone(), time.clone());
    let own = urls.portal.clone();
    Router::new()
        .route("/", get(move || async move { start(&shown, &issuer, &now) }))
        .route(
            "/clock",
            post(move |headers: HeaderMap, Form(advance): Form<Advance>| async move {
                // A page elsewhere must not move this clock.
                let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
                if origin.is_some_and(|origin| origin != own.origin().ascii_serialization()) {
                    return StatusCode::FORBIDDEN.into_response();
                }
                moved(&time, advance.seconds).await
            }),
        )
}

async fn moved(time: &Time, seconds: u32) -> Response {
    time.advance(SignedDuration::from_secs(i64::from(seconds))).await;
    Redirect::to("/").into_response()
}

fn start(urls: &Urls, issuer: &Issuer, time: &Time) -> Html<String> {
    let links = [
        ("Mailbox", "every mail the service sent", "/mailbox".to_owned()),
        ("Schedules", "what will happen, and when", "/schedules".to_owned()),
        (
            "Simulated Microsoft",
            "who and what there is",
            "/_microsoft/tenants".to_owned(),
        ),
        ("Sign-in", "Microsoft's sign-in host", urls.login.to_string()),
        ("Microsoft Graph", "simulated, needs a token", urls.graph.to_string()),
        ("API", "the gateway in front of the functions", urls.api.to_string()),
        (
            "AWS",
            "SES, Scheduler, KMS, Step Functions, Lambda, Secrets Manager",
            urls.aws.to_string(),
        ),
        ("DynamoDB", "the table's endpoint", urls.dynamodb.to_string()),
    ];
    let links: String = links
        .iter()
        .map(|(name, what, url)| {
            format!(
                "<tr><td><a href=\"{0}\">{name}</a><td>{what}<td><code>{0}</code></tr>",
                escape(url)
            )
        })
        .collect();
    let roles: String = ROLES.iter().map(|role| format!("<option>{role}")).collect();
    let provider = ["provider_admin", "provider_support"];
    let tokens: String = provider.iter().map(|role| token(role, issuer)).collect();
    let body = format!(
        "<table>{links}</table>\
         <h2>Clock</h2><p>It is <b>{now}</b> in this world. {hour}{day}</p>\
         <h2>Tokens</h2><p>For the header <code>Authorization: Bearer …</code>, good for an hour. A reseller's \
         token needs its id, one of an enterprise's people the enterprise's; a Global Admin's address must be \
         the recorded one.</p>\
         <form method=post action=/token target=_blank><p><input name=sub value=dev placeholder=sub required> \
         <input name=email type=email placeholder=email required> <input name=name value=Dev placeholder=name> \
         <select name=role>{roles}</select> <input name=reseller placeholder=\"res_…\"> \
         <input name=enterprise placeholder=\"ent_…\"> <button>Token</button></p></form>{tokens}",
        now = time.clock.now().strftime("%A %Y-%m-%d %H:%M:%S UTC"),
        hour = button("Advance 1 hour", 3600),
        day = button("Advance 1 day", 86_400),
    );
    page("Start", &body)
}

fn button(text: &str, seconds: u32) -> String {
    format!(
        "<form method=\"post\" action=\"/clock\"><input type=\"hidden\" name=\"seconds\" value=\"{seconds}\">\
         <button>{text}</button></form>"
    )
}

fn token(role: &str, issuer: &Issuer) -> String {
    let person = Person {
        sub: format!("dev-{role}"),
        email: format!("{}@dialbridge.example", role.replace('_', ".")),
        name: format!("Dev {}", role.replace('_', " ")),
        role: role.to_owned(),
        ..Person::default()
    };
    let token = issuer.token(&person).unwrap_or_default();
    format!(
        "<p><label><b>{role}</b><textarea readonly onclick=\"this.select()\">{}</textarea></label></p>",
        escape(&token)
    )
}
