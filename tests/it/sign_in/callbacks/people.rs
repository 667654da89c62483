//! Two enterprises with their tenants and browsers, and what is kept of them.

use super::attacks::{Attack, Request, encoded};
use crate::stories::scene::{Scene, options};
use aws_sdk_dynamodb::types::AttributeValue;
use dialbridge_local::drive::api::Answer;
use dialbridge_local::drive::people::{Tenant, enterprise_form};
use dialbridge_local::world::deployment;
use jiff::SignedDuration;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};
use shared::domain::enterprise::Enterprise;
use shared::domain::secret::Secret;
use shared::domain::visit::Purpose;
use shared::run::sign_in;
use std::collections::{BTreeMap, HashMap};
use url::Url;

type Item = HashMap<String, AttributeValue>;
type Table = BTreeMap<(String, String), Item>;

/// More news than this are forgotten, so that looking at the table stays quick.
const NEWS_MAX: usize = 40;

/// One of the two enterprises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    First,
    Second,
}

/// A browser that was sent to Microsoft.
pub(super) struct Visit {
    /// The value of its cookie.
    pub(super) browser: String,
    pub(super) url: Url,
}

pub(super) struct World {
    scene: Scene,
    second: String,
    tenants: [Tenant; 2],
    client: Client,
    before: Table,
    runs: [String; 2],
    /// Makes a choice where any will do; the same each time.
    drawn: u32,
}

impl World {
    pub(super) async fn new(seed: u32) -> Self {
        let scene = Scene::invited(options(40), None).await;
        let other = scene.other_tenants().await.remove(0);
        let form = enterprise_form(&other, None);
        let created = scene
            .api("reseller_admin")
            .post("/v1/enterprises", &form)
            .await
            .unwrap();
        assert_eq!(created.status, 201, "{}", created.body);
        let mut world = Self {
            second: created.text("/id").to_owned(),
            tenants: [scene.tenant.clone(), other],
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
            before: Table::new(),
            runs: [String::new(), String::new()],
            drawn: seed,
            scene,
        };
        world.as_it_is_now().await;
        world
    }

    fn tenant(&self, side: Side) -> &Tenant {
        &self.tenants[side as usize]
    }

    pub(super) fn admin(&self, side: Side) -> &str {
        &self.tenant(side).global_admins[0]
    }

    fn id(&self, side: Side) -> &str {
        match side {
            Side::First => &self.scene.enterprise,
            Side::Second => &self.second,
        }
    }

    async fn kept(&self, side: Side) -> Enterprise {
        let id = self.id(side).parse().unwrap();
        self.scene.service.io.store.enterprise(&id).await.unwrap()
    }

    async fn call(&self, side: Side, role: &str, method: Method, rest: &str, body: Option<Value>) -> Answer {
        let id = self.id(side);
        let person = dialbridge_local::issuer::Person {
            sub: format!("{role}:{id}"),
            email: self.admin(side).to_owned(),
            name: role.into(),
            role: role.into(),
            reseller: role.starts_with("reseller").then(|| self.scene.reseller.clone()),
            enterprise: (role == "global_admin").then(|| id.to_owned()),
        };
        let world = &self.scene.service.world;
        let api = dialbridge_local::drive::api::Api::new(&world.urls.api, world.issuer.token(&person).unwrap());
        let etag = format!("\"{}\"", self.kept(side).await.version);
        let key = self.scene.service.io.chance.token::<16>();
        let headers = [("if-match", etag.as_str()), ("idempotency-key", key.as_str())];
        let path = format!("/v1/enterprises/{id}{rest}");
        let answer = api.send(method, &path, body.as_ref(), &headers).await.unwrap();
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        answer
    }

    /// A browser is sent to Microsoft.
    async fn begin(&self, side: Side, purpose: &Purpose) -> Visit {
        let io = &self.scene.service.io;
        let browser = io.chance.token::<32>();
        let kept = self.kept(side).await;
        let secret = Secret::new(browser.clone());
        let begun = sign_in::begin(io, &kept, purpose.clone(), None, &secret, io.clock.now()).await;
        let url = begun.unwrap();
        Visit { browser, url }
    }

    /// A browser that was sent to Microsoft, and what it would come back with.
    pub(super) async fn answered(&self, side: Side, purpose: &Purpose) -> (Visit, Request) {
        let visit = self.begin(side, purpose).await;
        let answer = self.answer(&visit.url, self.admin(side)).await;
        assert!(!answer.is_empty(), "{purpose:?}: Microsoft sends nobody back");
        let request = Request::of(&visit, answer);
        (visit, request)
    }

    /// What Microsoft sends the browser back with; nothing where it stops on a page of its own.
    pub(super) async fn answer(&self, url: &Url, account: &str) -> Vec<(String, String)> {
        let form = [
            ("account", account),
            ("action", "accept"),
            ("consent_on_behalf", "true"),
        ];
        let answer = self.client.post(url.clone()).form(&form).send().await.unwrap();
        let Some(to) = answer.headers().get(header::LOCATION) else {
            return Vec::new();
        };
        let to: Url = to.to_str().unwrap().parse().unwrap();
        to.query_pairs().into_owned().collect()
    }

    /// The page at Microsoft as an attacker opens it, and who answers there.
    pub(super) fn forged_at_microsoft(&self, attack: Attack, side: Side, visit: &Visit) -> Option<(Url, String)> {
        let own = self.tenant(side);
        let other = self.tenant(if side == Side::First { Side::Second } else { Side::First });
        let with = |name: &str, value: Option<&str>| {
            let mut url = visit.url.clone();
            let kept: Vec<(String, String)> = url
                .query_pairs()
                .into_owned()
                .filter(|(known, _)| known != name)
                .collect();
            url.query_pairs_mut()
                .clear()
                .extend_pairs(kept)
                .extend_pairs(value.map(|value| (name, value)));
            url
        };
        let at = |authority: &str| {
            let mut url = visit.url.clone();
            let path = url.path().splitn(3, '/').nth(2).unwrap().to_owned();
            url.set_path(&format!("/{authority}/{path}"));
            url
        };
        let any = visit.url.path().starts_with("/organizations/");
        let admin = self.admin(side);
        let (url, account) = match attack {
            Attack::OtherNonce => (with("nonce", Some("of-another-sign-in")), admin),
            Attack::NoNonce => (with("nonce", None), admin),
            Attack::OtherChallenge => (
                with("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")),
                admin,
            ),
            Attack::PlainChallenge => (with("code_challenge_method", Some("plain")), admin),
            Attack::NoOpenId => (with("scope", Some("profile offline_access User.Read")), admin),
            Attack::OtherApplication => (with("client_id", Some(deployment::BRAND_CLIENT_ID)), admin),
            Attack::OtherAuthority if any => (at(&own.id), admin),
            Attack::OtherAuthority => (at("organizations"), admin),
            Attack::OrdinaryPerson => (visit.url.clone(), own.ordinary_user.as_str()),
            Attack::TeamsAdmin => (visit.url.clone(), own.teams_admin.as_str()),
            Attack::SecondAdmin => (visit.url.clone(), own.global_admins[1].as_str()),
            Attack::OtherTenantsAdmin => (at(&other.id), other.global_admins[0].as_str()),
            _ => return None,
        };
        Some((url, account.to_owned()))
    }

    fn draw(&mut self, below: usize) -> usize {
        self.drawn = self.drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.drawn >> 16) as usize % below
    }

    /// The same in another order and encoding; a sound one stays sound.
    pub(super) fn decorated(&mut self, request: &Request, sound: bool) -> Request {
        let mut request = request.clone();
        let turn = self.draw(request.pairs.len().max(1));
        // A repeated name keeps its order: which of two comes first is what is tried.
        request.pairs.rotate_left(turn);
        if self.draw(3) == 0 {
            request.pairs.push(("session_state".into(), "0".into()));
            request.pairs.push(("état \u{202e}".into(), "&=%".into()));
        }
        request.raw = match self.draw(4) {
            0 => Some(
                request
                    .pairs
                    .iter()
                    .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
                    .collect::<Vec<_>>()
                    .join("&"),
            ),
            1 => {
                let plain = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&request.pairs)
                    .finish();
                Some(format!("&{plain}&"))
            }
            2 if !sound => {
                let plain = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&request.pairs)
                    .finish();
                Some(plain.replace('&', ";"))
            }
            _ => None,
        };
        request
    }

    pub(super) async fn send(&self, request: &Request) -> StatusCode {
        let mut url = self.scene.service.world.urls.api.join("/signin/callback").unwrap();
        let mut call = if request.as_form {
            self.client.request(request.method.clone(), url).form(&request.pairs)
        } else {
            match &request.raw {
                Some(raw) => url.set_query(Some(raw)),
                None => {
                    url.query_pairs_mut().extend_pairs(&request.pairs);
                }
            }
            self.client.request(request.method.clone(), url)
        };
        if let Some(cookie) = &request.cookie {
            call = call.header(header::COOKIE, cookie);
        }
        call.send().await.unwrap().status()
    }

    /// How often the service has written to the table: what is not written has not changed.
    pub(super) fn writes(&self) -> u64 {
        const READS: [&str; 4] = ["GetItem", "BatchGetItem", "Query", "Scan"];
        let counts = self.scene.service.world.faults.counts();
        let of_table = counts.iter().filter(|((service, _), _)| service == "dynamodb");
        let writes = of_table.filter(|((_, operation), _)| !READS.contains(&operation.as_str()));
        writes.map(|(_, count)| count).sum()
    }

    /// All that is kept, but for states that wait, news of what failed, and what is only for people to read.
    async fn table(&self) -> Table {
        let mut table = Table::new();
        let mut news = Vec::new();
        for mut item in self.scene.items().await {
            let text = |name: &str| item[name].as_s().unwrap().clone();
            let (pk, sk) = (text("pk"), text("sk"));
            if pk.starts_with("SIGNIN#") || sk == "SIGNIN" {
                continue;
            }
            if pk.ends_with("#AUDIT") && (sk == "LAST" || format!("{item:?}").contains("signInTried")) {
                news.push((pk, sk));
                continue;
            }
            if sk == "META" {
                forget_news(&mut item);
            }
            // The row of the reseller's list holds the same once more.
            if let Some(AttributeValue::M(row)) = item.get_mut("meta_part") {
                forget_news(row);
            }
            table.insert((pk, sk), item);
        }
        if news.len() > NEWS_MAX {
            self.forget(news).await;
        }
        table
    }

    async fn forget(&self, news: Vec<(String, String)>) {
        let client = self.scene.service.world.dynamodb.client();
        for (pk, sk) in news {
            let delete = client.delete_item().table_name(deployment::TABLE);
            let delete = delete.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk));
            delete.send().await.unwrap();
        }
    }

    pub(super) async fn as_it_is_now(&mut self) {
        self.before = self.table().await;
    }

    /// What is not as it was.
    pub(super) async fn changed(&self) -> Vec<String> {
        let now = self.table().await;
        let gone = self.before.keys().filter(|key| !now.contains_key(*key));
        let other = now.iter().filter(|(key, item)| self.before.get(*key) != Some(*item));
        let other = other.map(|(key, item)| format!("{key:?} {item:?}"));
        other.chain(gone.map(|key| format!("{key:?} is gone"))).collect()
    }

    pub(super) async fn pass_minutes(&self, minutes: i64) {
        self.scene
            .service
            .world
            .advance(SignedDuration::from_mins(minutes))
            .await;
    }
}

/// The ways of the enterprises.
impl World {
    pub(super) fn set_up(&self, side: Side) -> Purpose {
        let id = self.id(side);
        let invitation = self.before.iter().find_map(|((pk, sk), item)| {
            let mine = pk.ends_with(id) && sk == "META";
            mine.then(|| invitation_of(item))
        });
        Purpose::SetUp {
            invitation: invitation.unwrap().parse().unwrap(),
        }
    }

    /// The next sync of an enterprise, which waits for its sign-in.
    pub(super) async fn sync(&mut self, side: Side) -> Purpose {
        if self.runs[side as usize].is_empty() {
            self.press_again(side).await;
        }
        let run = self.runs[side as usize].parse().unwrap();
        Purpose::Sync { run }
    }

    pub(super) async fn press_again(&mut self, side: Side) {
        if self.runs[side as usize].is_empty() {
            let choice = json!({ "mode": "everyone" });
            self.call(side, "global_admin", Method::PUT, "/group-filter", Some(choice))
                .await;
        }
        let form = json!({ "kind": "discover" });
        let started = self.call(side, "global_admin", Method::POST, "/runs", Some(form)).await;
        self.runs[side as usize] = started.text("/id").to_owned();
        self.as_it_is_now().await;
    }

    pub(super) async fn invite_again(&mut self, side: Side) {
        self.pass_minutes(2).await;
        self.call(side, "reseller_admin", Method::POST, "/invitation", None)
            .await;
        self.as_it_is_now().await;
    }

    pub(super) async fn reassign(&mut self, side: Side) {
        let form = json!({ "email": "next@people.example", "name": "Next Admin" });
        self.call(side, "reseller_admin", Method::PUT, "/global-admin", Some(form))
            .await;
        self.as_it_is_now().await;
    }

    /// The tenant is confirmed on our page.
    pub(super) async fn bind(&mut self, side: Side) {
        let purpose = self.set_up(side);
        let visit = self.begin(side, &purpose).await;
        let answer = self.answer(&visit.url, self.admin(side)).await;
        let request = Request::of(&visit, answer);
        assert_eq!(self.send(&request).await, 303);
        let url = self.scene.service.world.urls.api.join("/setup/tenant").unwrap();
        let form = [("decision", "confirm")];
        let call = self
            .client
            .post(url)
            .header(header::COOKIE, request.cookie.unwrap())
            .form(&form);
        assert_eq!(call.send().await.unwrap().status(), 303);
        assert!(self.kept(side).await.setup.tenant().is_some());
        self.as_it_is_now().await;
    }

    /// Makes room for the next sound callback of this purpose.
    pub(super) async fn after_sound(&mut self, side: Side, purpose: &Purpose) {
        match purpose {
            Purpose::Sync { .. } => {
                self.scene.service.world.finish_runs().await;
                self.press_again(side).await;
            }
            Purpose::Consent { .. } => {
                self.call(side, "global_admin", Method::DELETE, "/consents/calling", None)
                    .await;
            }
            _ => {}
        }
        self.forget_browsers().await;
        self.as_it_is_now().await;
    }

    /// Browsers of sound callbacks, which would make the table long.
    async fn forget_browsers(&self) {
        let items = self.scene.items().await;
        let keys = items.iter().map(|item| {
            let text = |name: &str| item[name].as_s().unwrap().clone();
            (text("pk"), text("sk"))
        });
        let sessions = keys.filter(|(pk, _)| pk.starts_with("SESSION#"));
        self.forget(sessions.collect()).await;
    }
}

/// What is noted of a sign-in that failed, and how often an enterprise was written.
fn forget_news(item: &mut Item) {
    item.remove("steps");
    item.remove("version");
}

/// The newest invitation, as the enterprise's item names it.
fn invitation_of(item: &Item) -> String {
    item["invitation"].as_s().unwrap().clone()
}
