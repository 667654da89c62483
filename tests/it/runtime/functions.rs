//! Each function as it is deployed: its built binary, under the Runtime API, in a world of its own.

use crate::runtime_api::{
    body, claims, form_event, http_event, output, reminder_event, start, sweep_event, worker_event,
};
use dialbridge_local::dialbridge::{Dialbridge, Options};
use dialbridge_local::drive::people::{
    Tenant, admin_of, caller, create_reseller, enterprise_form, invitation, mails, set_up, sign_in_to_run, tenants,
};
use dialbridge_local::microsoft;
use dialbridge_local::runtime_api::{Failure, Function};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use shared::domain::ids::{EnterpriseId, RunId};
use shared::domain::invitation::InvitationState;
use shared::domain::run::RunState;
use shared::domain::sync_status::{Pending, SyncStatus};
use std::collections::BTreeMap;
use url::Url;

/// A world with one enterprise, made through the API.
struct Stage {
    service: Dialbridge,
    tenant: Tenant,
    reseller: String,
    enterprise: String,
}

impl Stage {
    async fn set() -> Self {
        let microsoft = microsoft::Options {
            users: 300,
            ..microsoft::Options::default()
        };
        let service = Dialbridge::start(Options {
            microsoft,
            ..Options::default()
        });
        let service = service.await.expect("a world");
        let urls = &service.world.urls;
        let of = create_reseller(urls).await.expect("a reseller");
        let tenant = tenants(urls).await.expect("tenants").swap_remove(0);
        let reseller = caller(urls, "reseller_admin", "rita@northwind.example", None)
            .await
            .expect("a token");
        let form = enterprise_form(&tenant, Some(150));
        let made = reseller.post("/v1/enterprises", &form).await.expect("an answer");
        let enterprise = made.text("/id").to_owned();
        Self {
            service,
            tenant,
            reseller: of,
            enterprise,
        }
    }

    /// The same, with its tenant bound and everybody to be synchronised.
    async fn set_up() -> Self {
        let stage = Self::set().await;
        let urls = &stage.service.world.urls;
        set_up(urls, stage.admin()).await.expect("the set-up is complete");
        let api = caller(urls, "global_admin", stage.admin(), Some(&stage.enterprise))
            .await
            .expect("a token");
        let path = stage.path("/group-filter");
        let filter = api.get(&path).await.expect("an answer");
        let everyone = json!({ "mode": "everyone" });
        let chosen = api
            .put(&path, &everyone, filter.etag.as_deref())
            .await
            .expect("an answer");
        assert!(chosen.status.is_success(), "{}", chosen.body);
        stage
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.service.world.environment()
    }

    async fn function(&self, package: &str) -> Function {
        start(package, &self.environment()).await
    }

    fn admin(&self) -> &str {
        admin_of(&self.tenant)
    }

    fn id(&self) -> EnterpriseId {
        self.enterprise.parse().expect("an enterprise's id")
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/enterprises/{}{rest}", self.enterprise)
    }

    /// A request on this enterprise by its account admin; `rest` is what follows the enterprise in path and template.
    fn request(&self, method: &str, rest: &str, sent: Option<&Value>) -> Value {
        let who = claims("account_admin", &[("enterprise", &self.enterprise)]);
        let route = format!("{method} /v1/enterprises/{{enterprise}}{rest}");
        http_event(&route, &self.path(rest), Some(&who), sent)
    }
}

fn reseller(stage: &Stage) -> Value {
    claims("reseller_admin", &[("reseller", &stage.reseller)])
}

fn create(stage: &Stage, form: &Value) -> Value {
    let who = reseller(stage);
    let mut event = http_event("POST /v1/enterprises", "/v1/enterprises", Some(&who), Some(form));
    event["headers"]["idempotency-key"] = json!("7f0c6d0e-1");
    event
}

/// The status, and the code where the answer is a problem document.
fn refusal(answer: &Value) -> (u64, String) {
    assert_eq!(
        answer["headers"]["content-type"], "application/problem+json",
        "{answer}"
    );
    let problem = body(answer);
    assert_eq!(problem["status"], answer["statusCode"]);
    let code = problem["code"].as_str().expect("a code");
    (answer["statusCode"].as_u64().expect("a status"), code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_creates_an_enterprise_and_sends_its_mail() {
    let stage = Stage::set().await;
    let urls = &stage.service.world.urls;
    let invite = stage.function("invite").await;
    let mut form = enterprise_form(&stage.tenant, None);
    form["adminEmail"] = json!("second@customer.example");
    let created = invite.invoke(&create(&stage, &form)).await.unwrap();
    assert_eq!(created["statusCode"], 201, "{created}");
    assert_eq!(created["headers"]["etag"], "\"1\"", "{created}");
    let enterprise = body(&created);
    assert_eq!(
        (&enterprise["name"], &enterprise["userLimit"]),
        (&form["name"], &Value::Null)
    );
    assert_eq!(mails(urls, "second@customer.example").await.unwrap().len(), 1);
    // The same request again: the same enterprise, and no second mail.
    let again = invite.invoke(&create(&stage, &form)).await.unwrap();
    assert_eq!(body(&again)["id"], enterprise["id"]);
    assert_eq!(mails(urls, "second@customer.example").await.unwrap().len(), 1);
    // Whoever asks elsewhere finds it.
    let id = enterprise["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        stage.service.io.store.enterprise(&id).await.unwrap().settings.name,
        form["name"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_refuses_with_problems() {
    let stage = Stage::set().await;
    let invite = stage.function("invite").await;
    let one = "GET /v1/enterprises/{enterprise}";
    let unknown = "/v1/enterprises/ent_00000000000000000000000009";
    let event = http_event(one, unknown, Some(&reseller(&stage)), None);
    assert_eq!(
        refusal(&invite.invoke(&event).await.unwrap()),
        (404, "not-found".into())
    );
    let foreign = claims("reseller_admin", &[("reseller", "res_00000000000000000000000009")]);
    let event = http_event(one, &stage.path(""), Some(&foreign), None);
    assert_eq!(
        refusal(&invite.invoke(&event).await.unwrap()),
        (404, "not-found".into())
    );
    let event = http_event(one, &stage.path(""), None, None);
    assert_eq!(
        refusal(&invite.invoke(&event).await.unwrap()),
        (401, "no-identity".into())
    );
    let mut event = create(&stage, &json!({}));
    event["body"] = json!("{\"name\": ");
    assert_eq!(
        refusal(&invite.invoke(&event).await.unwrap()),
        (400, "malformed".into())
    );
    event["body"] = json!("{}".to_owned() + &" ".repeat(64 * 1024));
    assert_eq!(
        refusal(&invite.invoke(&event).await.unwrap()),
        (413, "too-large".into())
    );
    let event = http_event(
        "DELETE /v1/enterprises",
        "/v1/enterprises",
        Some(&reseller(&stage)),
        None,
    );
    assert_eq!(
        refusal(&invite.invoke(&event).await.unwrap()),
        (405, "method-not-allowed".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_callback_takes_the_code_and_sends_the_browser_on() {
    let stage = Stage::set().await;
    let urls = &stage.service.world.urls;
    let (code, link) = invitation(urls, stage.admin()).await.unwrap();
    let pages = stage.function("consent-callback").await;
    let page = http_event("GET /i/{invitation}", link.path(), None, None);
    let page = pages.invoke(&page).await.unwrap();
    assert_eq!(page["statusCode"], 200, "{page}");
    let html = page["body"].as_str().unwrap_or_default();
    assert!(
        html.contains("Invitation Code") && html.contains(&stage.tenant.display_name),
        "{html}"
    );

    let enter = |code: &str, base64| form_event("POST /i/{invitation}", link.path(), &[("code", code)], base64);
    let wrong = pages.invoke(&enter("WRONG-CODES", false)).await.unwrap();
    assert_eq!(wrong["statusCode"], 403, "{wrong}");
    // API Gateway sends forms in base64.
    let right = pages.invoke(&enter(&code, true)).await.unwrap();
    assert_eq!(right["statusCode"], 303, "{right}");
    let cookies = right["cookies"]
        .as_array()
        .expect("the cookies are apart from the headers");
    let [Value::String(cookie)] = &cookies[..] else {
        panic!("{cookies:?}");
    };
    assert!(
        cookie.starts_with("__Host-dialbridge=") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    let to: Url = right["headers"]["location"]
        .as_str()
        .expect("a location")
        .parse()
        .unwrap();
    assert_eq!(to.origin(), urls.login.origin(), "{to}");
    assert!(
        to.query_pairs()
            .any(|(name, value)| name == "code_challenge_method" && value == "S256"),
        "{to}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mapping_save_keeps_voice_users() {
    let stage = Stage::set().await;
    let mapping = stage.function("mapping-save").await;
    let users = json!({ "items": [{ "id": "v1", "name": "Reception", "email": null, "number": "+3227001000",
        "extension": "1000", "callHandling": "noVoicemail", "matchByMail": false }] });
    let pushed = mapping
        .invoke(&stage.request("PUT", "/voice-users", Some(&users)))
        .await
        .unwrap();
    let report = json!({ "created": 1, "updated": 0, "deleted": 0, "unchanged": 0, "actionNeeded": "None",
        "button": "Sync Users" });
    assert_eq!(
        (&pushed["statusCode"], body(&pushed)),
        (&json!(200), report),
        "{pushed}"
    );
    let listed = mapping
        .invoke(&stage.request("GET", "/voice-users", None))
        .await
        .unwrap();
    assert_eq!(body(&listed), users);
    assert_eq!(listed["headers"]["etag"], "\"1\"");
    let account = stage.service.io.store.account(&stage.id()).await.unwrap();
    assert_eq!(account.voice_users.len(), 1);
    let wrong = json!({ "items": [{ "id": "v1", "name": "Reception", "number": "02 700 10 00" }] });
    let refused = mapping
        .invoke(&stage.request("PUT", "/voice-users", Some(&wrong)))
        .await
        .unwrap();
    assert_eq!(refusal(&refused), (422, "invalid".into()));
    let fault = &body(&refused)["errors"][0];
    assert_eq!(
        (&fault["index"], &fault["id"], &fault["field"]),
        (&json!(0), &json!("v1"), &json!("number"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_shows_the_status() {
    let stage = Stage::set().await;
    let sync = stage.function("sync").await;
    let answer = sync.invoke(&stage.request("GET", "/status", None)).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let status = body(&answer);
    assert_eq!(
        (&status["integration"], &status["syncStatus"], &status["actionNeeded"]),
        (&json!("Integration Pending"), &json!("Not synced yet"), &json!("None"))
    );
    // An account admin never syncs, a Global Admin only as the recorded person and after the set-up.
    let mut start = stage.request("POST", "/runs", Some(&json!({ "kind": "discover" })));
    start["headers"]["idempotency-key"] = json!("start");
    assert_eq!(refusal(&sync.invoke(&start).await.unwrap()).0, 404);
    start["requestContext"]["authorizer"]["jwt"]["claims"]["role"] = json!("global_admin");
    assert_eq!(
        refusal(&sync.invoke(&start).await.unwrap()),
        (403, "sign-in-refused".into())
    );
    start["requestContext"]["authorizer"]["jwt"]["claims"]["email"] = json!(stage.admin());
    assert_eq!(refusal(&sync.invoke(&start).await.unwrap()), (409, "conflict".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_run_does_the_work_of_a_run() {
    let stage = Stage::set_up().await;
    let urls = &stage.service.world.urls;
    // The state machine's calls lead nowhere: the work is left to the binary.
    let lambdas = &stage.service.world.aws.lambdas;
    lambdas.register("sync-run", |_| async { Ok(json!({ "next": "done", "seconds": 0 })) });
    let api = caller(urls, "global_admin", stage.admin(), Some(&stage.enterprise))
        .await
        .unwrap();
    let started = api
        .post(&stage.path("/runs"), &json!({ "kind": "discover" }))
        .await
        .unwrap();
    sign_in_to_run(&started, stage.admin()).await.unwrap();
    let run: RunId = started.text("/id").parse().unwrap();
    let state = async || stage.service.io.store.run(&stage.id(), &run).await.unwrap().state;
    // The session is there; the worker itself moves the run on.
    assert_eq!(state().await, RunState::AwaitingSignIn);

    let worker = stage.function("sync-run").await;
    let work = worker_event(&stage.enterprise, run.as_str());
    let done = json!({ "next": "done", "seconds": 0 });
    assert_eq!(worker.invoke(&work).await, Ok(done.clone()));
    assert_eq!(state().await, RunState::Succeeded);
    let (users, _) = stage
        .service
        .io
        .store
        .teams_users_page(&stage.id(), None, 500)
        .await
        .unwrap();
    assert!(!users.is_empty());
    // The same event again finds nothing left to do.
    assert_eq!(worker.invoke(&work).await, Ok(done));
    let nothing = worker_event(&stage.enterprise, "run_00000000000000000000000009");
    let failure = worker.invoke(&nothing).await;
    assert!(matches!(failure, Err(Failure::Function { .. })), "{failure:?}");
}

/// A zone in which it is between twelve and one now: a function that is a process of its own has the machine's clock.
fn zone_of_noon(now: Timestamp) -> String {
    // The signs of these names are the other way round: `Etc/GMT-2` is two hours ahead.
    let ahead = 12 - now.to_zoned(TimeZone::UTC).hour();
    format!("Etc/GMT{}{}", if ahead < 0 { '+' } else { '-' }, ahead.unsigned_abs())
}

#[tokio::test(flavor = "multi_thread")]
async fn reminder_reminds_once_a_day_of_what_waits() {
    let stage = Stage::set_up().await;
    let (urls, store) = (&stage.service.world.urls, &stage.service.io.store);
    let reminder = stage.function("reminder").await;
    let mut form = enterprise_form(&stage.tenant, Some(150));
    let now = stage.service.world.clock.now();
    form["timeZone"] = zone_of_noon(now).into();
    let path = format!("/v1/enterprises/{}", stage.enterprise);
    let api = caller(urls, "reseller_admin", "rita@northwind.example", None)
        .await
        .unwrap();
    let read = api.get(&path).await.unwrap();
    let moved = api.put(&path, &form, read.etag.as_deref()).await.unwrap();
    assert_eq!(moved.status, 200, "{}", moved.body);
    let event = reminder_event(&stage.enterprise, &now.to_string());
    let answer = reminder.invoke(&event).await;
    assert_eq!(answer, Ok(json!({ "reminded": "nothingPending" })));
    let before = mails(urls, stage.admin()).await.unwrap().len();

    let since = stage.service.world.clock.now();
    let waits = |status| SyncStatus {
        pending: Some(Pending { users: 3, since }),
        ..status
    };
    let kept = store.enterprise(&stage.id()).await.unwrap();
    store.edit_sync_status(&kept, waits).await.unwrap();
    assert_eq!(reminder.invoke(&event).await, Ok(json!({ "reminded": "sent" })));
    assert_eq!(reminder.invoke(&event).await, Ok(json!({ "reminded": "alreadyToday" })));
    let sent = mails(urls, stage.admin()).await.unwrap();
    assert_eq!(sent.len(), before + 1);

    // The sweep gives a schedule to who waits without one.
    assert_eq!(stage.service.world.aws.scheduler.list().len(), 0);
    let swept = reminder.invoke(&sweep_event()).await;
    assert_eq!(
        swept,
        Ok(json!({ "swept": { "pending": 1, "trialsOver": 0, "mails": 0, "nudges": 0, "orphans": 0, "failed": 0 } }))
    );
    assert_eq!(stage.service.world.aws.scheduler.list().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_events_note_what_becomes_of_an_invitation() {
    let stage = Stage::set().await;
    let (mailbox, store) = (&stage.service.world.aws.mailbox, &stage.service.io.store);
    mailbox.hold_events();
    let urls = &stage.service.world.urls;
    let api = caller(urls, "reseller_admin", "rita@northwind.example", None)
        .await
        .unwrap();
    let mut form = enterprise_form(&stage.tenant, None);
    form["adminEmail"] = json!("second@bounce.example");
    let made = api.post("/v1/enterprises", &form).await.unwrap();
    let id: EnterpriseId = made.text("/id").parse().unwrap();
    let event = mailbox.take_events().remove(0);

    let function = stage.function("mail-events").await;
    assert_eq!(function.invoke(&event).await, Ok(json!({ "noted": "moved" })));
    assert_eq!(function.invoke(&event).await, Ok(json!({ "noted": "late" })));
    let kept = store.enterprise(&id).await.unwrap();
    let invitation = store.invitation(&id, &kept.invitation.unwrap()).await.unwrap();
    assert_eq!(invitation.state, InvitationState::Bounced);
    let mut strange = event.clone();
    strange["detail"]["mail"]["tags"]["mail-id"] = json!(["mail_00000000000000000000000009"]);
    assert_eq!(function.invoke(&strange).await, Ok(json!({ "noted": "unknown" })));
    strange["detail"]["mail"]["tags"] = json!({});
    assert_eq!(function.invoke(&strange).await, Ok(json!({ "noted": null })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_without_a_variable_names_it_and_ends() {
    let stage = Stage::set().await;
    let whole = stage.environment();
    for missing in shared::config::NAMES {
        let mut rest = whole.clone();
        rest.remove(missing);
        let ended = output("invite", &rest).await;
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            !ended.status.success() && said.contains(missing),
            "{missing}: {} {said}",
            ended.status
        );
    }
    for package in ["consent-callback", "mapping-save", "sync", "sync-run", "reminder"] {
        let ended = output(package, &BTreeMap::new()).await;
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            !ended.status.success() && said.contains("TABLE_NAME"),
            "{package}: {} {said}",
            ended.status
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_without_its_table_does_not_start() {
    let stage = Stage::set().await;
    let mut environment = stage.environment();
    environment.insert("TABLE_NAME".into(), "elsewhere".into());
    let ended = output("sync", &environment).await;
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        !ended.status.success() && said.contains("read an item"),
        "{} {said}",
        ended.status
    );
}
