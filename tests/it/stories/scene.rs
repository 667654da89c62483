//! A world in which a story is played: its people, its steps, and what can be seen of it from outside.

use aws_sdk_dynamodb::types::AttributeValue;
use dialbridge_local::dialbridge::{Dialbridge, Options};
use dialbridge_local::drive::api::{Answer, Api};
use dialbridge_local::drive::browser::{Browser, Page};
use dialbridge_local::drive::people::{
    Tenant, admin_of, at_microsoft, create_reseller, enterprise_form, invitation, set_up, tenants,
};
use dialbridge_local::issuer::Person;
use dialbridge_local::mailbox::Mail;
use dialbridge_local::microsoft::{self, Delays};
use dialbridge_local::scheduler::Listed as Schedule;
use dialbridge_local::world::{self, deployment};
use jiff::SignedDuration;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use url::Url;

/// What a story's run ends in, or where it waits for a person.
const RESTS: [&str; 5] = ["succeeded", "failed", "awaitingSignIn", "abandoned", "cancelled"];

/// Everything that is kept, by key.
pub(crate) type Table = BTreeMap<(String, String), String>;

/// A service with one enterprise.
pub(crate) struct Scene {
    pub(crate) service: Dialbridge,
    pub(crate) tenant: Tenant,
    pub(crate) reseller: String,
    pub(crate) enterprise: String,
}

/// A small world that takes no time.
pub(crate) fn options(users: usize) -> Options {
    Options {
        world: world::Options {
            skip_waits: true,
            ..world::Options::default()
        },
        microsoft: microsoft::Options {
            users,
            delays: Delays::none(),
            ..microsoft::Options::default()
        },
    }
}

impl Scene {
    /// The enterprise is created and its Global Admin invited.
    pub(crate) async fn invited(options: Options, user_limit: Option<u32>) -> Self {
        let service = Dialbridge::start(options).await.unwrap();
        let reseller = create_reseller(&service.world.urls).await.unwrap();
        let tenant = tenants(&service.world.urls).await.unwrap().remove(0);
        let mut scene = Self {
            service,
            tenant,
            reseller,
            enterprise: String::new(),
        };
        let form = enterprise_form(&scene.tenant, user_limit);
        let created = scene
            .api("reseller_admin")
            .post("/v1/enterprises", &form)
            .await
            .unwrap();
        assert_eq!(created.status, 201, "{}", created.body);
        scene.enterprise = created.text("/id").to_owned();
        scene
    }

    /// The connection to Microsoft is set up.
    pub(crate) async fn connected(options: Options, user_limit: Option<u32>) -> Self {
        let scene = Self::invited(options, user_limit).await;
        set_up(&scene.service.world.urls, scene.admin()).await.unwrap();
        scene
    }

    /// Everyone is chosen and the first sync has read the directory; numbers that only the customer's own directory
    /// can change are cleared.
    pub(crate) async fn discovered(options: Options, user_limit: Option<u32>) -> Self {
        let scene = Self::connected(options, user_limit).await;
        scene.clear_on_premises(&scene.tenant).await;
        assert_eq!(scene.choose(json!({ "mode": "everyone" })).await.status, 200);
        let run = scene.run(json!({ "kind": "discover" })).await;
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
        scene
    }

    /// So many voice users, of whom the first `mapped` are mapped to the first Teams users in the order of their ids.
    pub(crate) async fn mapped(options: Options, voice_users: usize, mapped: usize) -> Self {
        let scene = Self::discovered(options, None).await;
        scene.push(voice_users).await;
        let pairs: Vec<_> = (0..mapped).map(|n| (n, Some(n))).collect();
        let saved = scene.map(&pairs).await;
        assert_eq!(saved.status, 200, "{}", saved.body);
        scene
    }

    /// The mapping of `mapped` is applied in Teams.
    pub(crate) async fn applied(options: Options, voice_users: usize, mapped: usize) -> Self {
        let scene = Self::mapped(options, voice_users, mapped).await;
        let run = scene.apply().await;
        assert_eq!(run.text("/state"), "succeeded", "{}", run.body);
        scene
    }

    pub(crate) fn admin(&self) -> &str {
        admin_of(&self.tenant)
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/enterprises/{}{rest}", self.enterprise)
    }

    /// The other tenants of the simulated Microsoft.
    pub(crate) async fn other_tenants(&self) -> Vec<Tenant> {
        tenants(&self.service.world.urls).await.unwrap().split_off(1)
    }

    /// A token of somebody in a role, good from now on.
    pub(crate) fn token(&self, role: &str) -> String {
        let email = match role {
            "global_admin" => self.admin().to_owned(),
            role => format!("{role}@people.example"),
        };
        self.token_of(role, &email)
    }

    pub(crate) fn token_of(&self, role: &str, email: &str) -> String {
        let of_customer = role.starts_with("account") || role == "global_admin";
        let person = Person {
            sub: format!("{role}:{email}"),
            email: email.into(),
            name: email.into(),
            role: role.into(),
            reseller: role.starts_with("reseller").then(|| self.reseller.clone()),
            enterprise: of_customer.then(|| self.enterprise.clone()),
        };
        self.service.world.issuer.token(&person).unwrap()
    }

    pub(crate) fn api(&self, role: &str) -> Api {
        Api::new(&self.service.world.urls.api, self.token(role))
    }

    /// Tells the simulated Microsoft something about the tenant.
    pub(crate) async fn order(&self, path: &str, order: Value) {
        self.microsoft(&format!("/tenants/{}{path}", self.tenant.id), order)
            .await;
    }

    /// Tells the simulated Microsoft something.
    pub(crate) async fn microsoft(&self, path: &str, order: Value) {
        let url = self.service.world.urls.portal.join(&format!("/_microsoft{path}"));
        let answer = Client::new().post(url.unwrap()).json(&order).send().await.unwrap();
        let status = answer.status();
        assert_eq!(status, StatusCode::OK, "{path} {order}: {:?}", answer.text().await);
    }

    /// The customer takes our applications out of the tenant, with all consent.
    pub(crate) async fn forget_consent(&self) {
        let path = format!("/_microsoft/tenants/{}/consent", self.tenant.id);
        let url = self.service.world.urls.portal.join(&path).unwrap();
        let answer = Client::new().delete(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// What the customer's IT does before numbers can be assigned online.
    pub(crate) async fn clear_on_premises(&self, tenant: &Tenant) {
        let path = format!("/tenants/{}/numbers", tenant.id);
        for number in self.numbers_in(tenant).await {
            if number["onPremises"] == true {
                let order = json!({ "number": number["telephoneNumber"], "deleted": true });
                self.microsoft(&path, order).await;
            }
        }
    }

    /// The numbers of the tenant with their holders, asked of Microsoft and not of us.
    pub(crate) async fn numbers(&self) -> Vec<Value> {
        self.numbers_in(&self.tenant).await
    }

    async fn numbers_in(&self, tenant: &Tenant) -> Vec<Value> {
        let path = format!("/_microsoft/tenants/{}/numbers", tenant.id);
        let url = self.service.world.urls.portal.join(&path).unwrap();
        Client::new().get(url).send().await.unwrap().json().await.unwrap()
    }

    /// The holder's place in the directory of every number of our voice users that somebody has.
    pub(crate) async fn holders(&self) -> BTreeMap<String, String> {
        self.holders_in(&self.tenant).await
    }

    /// The same in another tenant.
    pub(crate) async fn holders_in(&self, tenant: &Tenant) -> BTreeMap<String, String> {
        let ours = |number: &Value| Some((number["telephoneNumber"].as_str()?.to_owned(), number["holder"].clone()));
        let numbers = self.numbers_in(tenant).await;
        let held = numbers.iter().filter_map(ours);
        held.filter(|(number, holder)| number.starts_with("+3227001") && !holder.is_null())
            .map(|(number, holder)| (number, holder.to_string()))
            .collect()
    }

    pub(crate) async fn get(&self, rest: &str) -> Answer {
        self.api("account_admin").get(&self.path(rest)).await.unwrap()
    }

    /// The enterprise, as its reseller's admin sees it.
    pub(crate) async fn seen(&self) -> Answer {
        let seen = self.api("reseller_admin").get(&self.path("")).await.unwrap();
        assert_eq!(seen.status, 200, "{}", seen.body);
        seen
    }

    pub(crate) async fn state(&self) -> String {
        self.seen().await.text("/state").to_owned()
    }

    /// Somebody in a role changes the enterprise that was just read.
    pub(crate) async fn change(&self, role: &str, method: Method, rest: &str, body: Option<Value>) -> Answer {
        let etag = self.seen().await.etag.unwrap();
        // Every trial is a request of its own.
        static KEYS: AtomicU64 = AtomicU64::new(1);
        let key = format!("change-{}", KEYS.fetch_add(1, Ordering::SeqCst));
        let headers = [("if-match", etag.as_str()), ("idempotency-key", key.as_str())];
        let api = self.api(role);
        api.send(method, &self.path(rest), body.as_ref(), &headers)
            .await
            .unwrap()
    }

    /// The reseller's admin does something that is taken.
    pub(crate) async fn done(&self, method: Method, rest: &str, body: Option<Value>) -> Answer {
        let answer = self.change("reseller_admin", method, rest, body).await;
        assert!(answer.status.is_success(), "{rest}: {}", answer.body);
        answer
    }

    /// Another number of licences.
    pub(crate) async fn license(&self, count: Option<u32>) -> Answer {
        self.done(Method::PUT, "/licences", Some(json!({ "count": count })))
            .await
    }

    /// The mails to an address with this subject, oldest first.
    pub(crate) fn mails(&self, to: &str, subject: &str) -> Vec<Mail> {
        let mut mails = self.service.world.aws.mailbox.mails_to(to);
        mails.retain(|mail| mail.subject.contains(subject));
        mails
    }

    /// What the audit trail says was done, newest first.
    pub(crate) async fn deeds(&self) -> Vec<String> {
        let trail = self.api("reseller_admin").get(&self.path("/audit?limit=100")).await;
        let trail = trail.unwrap();
        let deeds = trail.list("/items").iter().filter_map(|entry| entry["deed"].as_str());
        deeds.map(str::to_owned).collect()
    }

    /// The daily sweep, now.
    pub(crate) async fn sweep(&self) -> Value {
        let lambdas = &self.service.world.aws.lambdas;
        lambdas.invoke("reminder", json!({ "sweep": true })).await.unwrap()
    }

    /// The sweep over the mails that wait, now.
    pub(crate) async fn outbox(&self) -> Value {
        let lambdas = &self.service.world.aws.lambdas;
        let swept = lambdas.invoke("reminder", json!({ "outbox": true })).await.unwrap();
        swept["mails"].clone()
    }

    /// The enterprise's schedule, where it has one.
    pub(crate) fn schedule(&self) -> Option<Schedule> {
        let mut all = self.service.world.aws.scheduler.list();
        all.retain(|schedule| schedule.input.contains(&self.enterprise));
        assert!(all.len() <= 1, "{all:?}");
        all.pop()
    }

    pub(crate) async fn choose(&self, choice: Value) -> Answer {
        let filter = self.get("/group-filter").await;
        let api = self.api("account_admin");
        api.put(&self.path("/group-filter"), &choice, filter.etag.as_deref())
            .await
            .unwrap()
    }

    pub(crate) async fn push(&self, count: usize) -> Answer {
        let items: Vec<Value> = (0..count).map(voice_user).collect();
        self.push_items(json!(items)).await
    }

    pub(crate) async fn push_items(&self, items: Value) -> Answer {
        let api = self.api("account_admin");
        let pushed = api
            .put(&self.path("/voice-users"), &json!({ "items": items }), None)
            .await
            .unwrap();
        assert_eq!(pushed.status, 200, "{}", pushed.body);
        pushed
    }

    /// Everybody who can be mapped, in the order of their ids.
    pub(crate) async fn candidates(&self) -> Vec<Value> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/teams-users?limit=500{cursor}")).await;
            assert_eq!(page.status, 200, "{}", page.body);
            found.extend_from_slice(page.list("/items"));
            match page.text("/next") {
                "" => return found,
                next => cursor = format!("&cursor={next}"),
            }
        }
    }

    /// Saves voice users by number, mapped to candidates by place or to `None`.
    pub(crate) async fn map(&self, pairs: &[(usize, Option<usize>)]) -> Answer {
        let candidates = self.candidates().await;
        let row = |(voice, teams): &(usize, Option<usize>)| {
            let teams = teams.map_or(Value::Null, |teams| candidates[teams]["id"].clone());
            json!({ "voiceUser": format!("v{voice:03}"), "teamsUser": teams })
        };
        let rows: Vec<Value> = pairs.iter().map(row).collect();
        let etag = self.get("/mapping").await.etag;
        self.save(&rows, etag.as_deref()).await
    }

    pub(crate) async fn save(&self, rows: &[Value], etag: Option<&str>) -> Answer {
        let api = self.api("account_admin");
        api.put(&self.path("/mapping"), &json!({ "rows": rows }), etag)
            .await
            .unwrap()
    }

    pub(crate) async fn plan(&self) -> Answer {
        let api = self.api("account_admin");
        api.post(&self.path("/plans"), &json!({})).await.unwrap()
    }

    /// Asks for a run; it waits for its sign-in.
    pub(crate) async fn start(&self, form: Value) -> Answer {
        let api = self.api("global_admin");
        api.post(&self.path("/runs"), &form).await.unwrap()
    }

    /// The sign-in of a run with this account; the last page.
    pub(crate) async fn sign_in(&self, started: &Answer, account: &str) -> Page {
        let (mut browser, page) = self.before_account(started).await;
        at_microsoft(&mut browser, page, account).await.unwrap()
    }

    /// The browser at Microsoft, asked for the account.
    pub(crate) async fn before_account(&self, started: &Answer) -> (Browser, Page) {
        let link: Url = started.text("/signInUrl").parse().unwrap();
        let mut browser = Browser::default();
        let page = browser.open(&link).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.html);
        let page = browser.submit(&page, "/sync/", &[]).await.unwrap();
        (browser, page)
    }

    /// A run from the button to where it rests.
    pub(crate) async fn run(&self, form: Value) -> Answer {
        let started = self.start(form).await;
        assert_eq!(started.status, 201, "{}", started.body);
        let page = self.sign_in(&started, self.admin()).await;
        assert!(page.says("The sync has begun"), "{}", page.html);
        self.at_rest(started.text("/id")).await
    }

    pub(crate) async fn apply(&self) -> Answer {
        self.run(json!({ "kind": "apply", "mode": "full" })).await
    }

    /// Lets the run go on until it ends or waits for a person.
    pub(crate) async fn at_rest(&self, run: &str) -> Answer {
        for _ in 0..60 {
            self.service.world.finish_runs().await;
            let run = self.get(&format!("/runs/{run}")).await;
            if RESTS.contains(&run.text("/state")) {
                return run;
            }
            self.service.world.advance(SignedDuration::from_secs(5)).await;
        }
        panic!("the run does not come to rest");
    }

    /// A sync whose session ends while Microsoft works on what it was given; the run waits for another sign-in. Give the
    /// world some minutes for each operation on a number.
    pub(crate) async fn interrupted(&self) -> Answer {
        let world = &self.service.world;
        world.aws.state_machine.skip_waits(false);
        let started = self.start(json!({ "kind": "apply", "mode": "full" })).await;
        assert_eq!(started.status, 201, "{}", started.body);
        self.sign_in(&started, self.admin()).await;
        world.idle().await;
        self.order(&format!("/users/{}/revoke", self.admin()), json!({})).await;
        world.finish_runs().await;
        world.aws.state_machine.skip_waits(true);
        let run = self.get(&format!("/runs/{}", started.text("/id"))).await;
        assert_eq!(run.text("/state"), "awaitingSignIn", "{}", run.body);
        started
    }

    pub(crate) async fn log(&self, run: &Answer) -> Vec<String> {
        let log = self.get(&format!("/runs/{}/log", run.text("/id"))).await;
        let lines = log.list("/lines").iter().filter_map(|line| line["text"].as_str());
        lines.map(str::to_owned).collect()
    }

    /// Everything that is kept of enterprises and their tenants; not the sessions of browsers, nor that somebody is at
    /// Microsoft.
    pub(crate) async fn kept(&self) -> Table {
        let mut table = self.table().await;
        table.retain(|(_, sk), _| sk != "SIGNIN");
        table.retain(|(pk, _), _| pk.starts_with("ENTERPRISE#") || pk.starts_with("TENANT#"));
        table
    }

    /// The same, but for the news of a sign-in that failed: they are noted for support, and change nothing else.
    pub(crate) async fn kept_but_news(&self) -> Table {
        let mut items = self.items().await;
        for item in &mut items {
            if item["sk"] == AttributeValue::S("META".into()) {
                item.remove("steps");
                item.remove("version");
            }
        }
        let mut table = texts(items);
        table.retain(|(pk, _), _| pk.starts_with("ENTERPRISE#") || pk.starts_with("TENANT#"));
        table.retain(|(_, sk), _| sk != "SIGNIN");
        table.retain(|(pk, sk), item| !(pk.ends_with("#AUDIT") && (sk == "LAST" || item.contains("signInTried"))));
        table
    }

    /// Everything that is kept.
    pub(crate) async fn table(&self) -> Table {
        texts(self.items().await)
    }

    pub(crate) async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let client = self.service.world.dynamodb.client();
        let items = client.scan().table_name(deployment::TABLE).into_paginator().items();
        items.send().collect::<Result<_, _>>().await.unwrap()
    }

    /// The mails of the Global Admin with this subject.
    pub(crate) fn reminders(&self) -> Vec<dialbridge_local::mailbox::Mail> {
        let mut mails = self.service.world.aws.mailbox.mails_to(self.admin());
        mails.retain(|mail| mail.subject.contains("Sync required") || mail.subject.contains("sync failed"));
        mails
    }

    /// The browser at Microsoft after the invitation's code.
    pub(crate) async fn code_entered(&self) -> (Browser, Page) {
        let (code, link) = invitation(&self.service.world.urls, self.admin()).await.unwrap();
        let mut browser = Browser::default();
        let page = browser.open(&link).await.unwrap();
        let page = browser.submit(&page, "/i/", &[("code", &code)]).await.unwrap();
        assert_eq!(page.url.port(), self.service.world.urls.login.port(), "{}", page.html);
        (browser, page)
    }

    /// The browser on the page that shows the tenant.
    pub(crate) async fn tenant_shown(&self) -> (Browser, Page) {
        let (mut browser, page) = self.code_entered().await;
        let page = at_microsoft(&mut browser, page, self.admin()).await.unwrap();
        assert_eq!(page.url.path(), "/setup", "{}", page.html);
        (browser, page)
    }

    /// The browser on the page that asks for the second permission set.
    pub(crate) async fn bound(&self) -> (Browser, Page) {
        let (mut browser, page) = self.tenant_shown().await;
        let confirm = [("decision", "confirm")];
        let page = browser.submit(&page, "/setup/tenant", &confirm).await.unwrap();
        assert_eq!(self.setup_state().await, "bound", "{}", page.html);
        (browser, page)
    }

    /// The browser at Microsoft for the second permission set.
    pub(crate) async fn second_sign_in(&self) -> (Browser, Page) {
        let (mut browser, page) = self.bound().await;
        let page = browser.submit(&page, "/setup/consent", &[]).await.unwrap();
        assert_eq!(page.url.port(), self.service.world.urls.login.port(), "{}", page.html);
        (browser, page)
    }

    /// Where Microsoft sends browsers back to, with what an attacker or an accident makes of it.
    pub(crate) fn callback(&self, fields: &[(&str, &str)]) -> Url {
        let mut url = self.service.world.urls.api.join("/signin/callback").unwrap();
        url.query_pairs_mut().extend_pairs(fields);
        url
    }

    /// What the ledger says of a permission set.
    pub(crate) async fn consent(&self, set: &str) -> Value {
        let ledger = self.get("/consents").await;
        assert_eq!(ledger.status, 200, "{}", ledger.body);
        let found = ledger.list("/sets").iter().find(|one| one["set"] == set);
        found.unwrap().clone()
    }

    /// The codes of what keeps the enterprise from going on.
    pub(crate) async fn blocks(&self) -> Vec<String> {
        let status = self.get("/status").await;
        let blocks = status.list("/blocks").iter().filter_map(|block| block["code"].as_str());
        blocks.map(str::to_owned).collect()
    }

    pub(crate) async fn setup_state(&self) -> String {
        let enterprise = self.api("reseller_admin").get(&self.path("")).await.unwrap();
        enterprise.text("/setup/state").to_owned()
    }
}

/// Items as text, by their keys.
pub(crate) fn texts(items: Vec<HashMap<String, AttributeValue>>) -> Table {
    let text = |value: Option<&AttributeValue>| value.unwrap().as_s().unwrap().clone();
    let row = |item: HashMap<String, AttributeValue>| {
        let key = (text(item.get("pk")), text(item.get("sk")));
        (key, shown(&AttributeValue::M(item)))
    };
    items.into_iter().map(row).collect()
}

/// A value as text, maps in the order of their keys.
fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(name, value)| (name, shown(value))).collect();
            format!("{sorted:?}")
        }
        AttributeValue::L(list) => format!("{:?}", list.iter().map(shown).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

/// The `n`-th voice user.
pub(crate) fn voice_user(n: usize) -> Value {
    json!({ "id": format!("v{n:03}"), "name": format!("Voice User {n:03}"), "email": format!("user{n:03}@voice.example"),
        "number": format!("+3227001{n:03}"), "extension": format!("{}", 1000 + n), "callHandling": "voicemail" })
}

/// The codes of a run's findings.
pub(crate) fn findings(run: &Answer) -> Vec<&str> {
    let findings = run.list("/findings").iter();
    findings.filter_map(|finding| finding["code"].as_str()).collect()
}

/// A parameter of the address that a page was opened with.
pub(crate) fn parameter(page: &Page, wanted: &str) -> String {
    let found = page.url.query_pairs().find(|(name, _)| name == wanted);
    found.unwrap_or_else(|| panic!("{}", page.url)).1.into_owned()
}

/// A page that refuses, with its code for support.
#[track_caller]
pub(crate) fn refused(page: &Page, code: &str) {
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.html);
    assert!(page.says(&format!("Code for support: {code}")), "{}", page.html);
}
