//! Two resellers with their enterprises, a third that waits for its owner, and requests of anybody to any route.

use crate::bad_input::routes::Route;
use crate::stories::scene::{Scene, options, voice_user};
use dialbridge_local::drive::people::{activate, enterprise_form, reseller_form};
use dialbridge_local::issuer::Person;
use jiff::Timestamp;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared::domain::audit::{Author, Deed, Entry};
use shared::domain::duty::Duty;
use shared::domain::ids::MailId;
use shared::domain::invitation::Trouble;
use shared::domain::suppression::Suppression;
use shared::domain::task::{Task, TaskKind};
use shared::domain::unattended::Leave;
use shared::io::store::{suppressions, tasks};
use std::collections::BTreeMap;

/// Well-formed ids that belong to nobody.
pub(crate) const NO_ENTERPRISE: &str = "ent_0000000000000000000000000z";
pub(crate) const NO_RESELLER: &str = "res_0000000000000000000000000z";

/// Routes of the provider that name nobody.
pub(crate) const NOBODYS: [&str; 4] = ["/v1/resellers", "/v1/domains", "/v1/mail-sending", "/v1/audit"];

/// Everybody and everything.
pub(crate) struct Cast {
    /// With the reseller and the enterprise that are everybody's own: set up, with voice users, a mapping, a plan and
    /// a run that waits for its sign-in.
    pub(crate) scene: Scene,
    pub(crate) run: String,
    /// A run that has ended, with a number applied and another refused.
    pub(crate) done: String,
    pub(crate) plan: String,
    /// The mail address of a Teams user, which the third voice user has, too.
    address: String,
    /// Another enterprise of the same reseller, just invited.
    pub(crate) sibling: String,
    /// Another reseller, active.
    pub(crate) stranger: String,
    /// Its enterprise.
    pub(crate) foreign: String,
    /// A reseller whose owner has not followed the mail.
    pub(crate) idle: String,
    /// Its enterprise, made for it by the provider.
    pub(crate) unserved: String,
    client: Client,
}

/// Whom or what a request names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Enterprise(String),
    /// In the path or, where the path has no place for it, in query or body.
    Reseller(String),
    Nothing,
}

/// An answer, without what differs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

/// A request, ready to be sent by anybody.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

/// A voice user whom no mapping knows, to be changed and deleted.
fn spare() -> Value {
    json!({ "id": "spare", "name": "Spare" })
}

fn form_of(owner: &str, name: &str, scene: &Scene) -> Value {
    let mut form = reseller_form(&scene.service.world.urls);
    form["owner"] = json!(owner);
    form["name"] = json!(name);
    form
}

impl Cast {
    pub(crate) async fn new() -> Self {
        let scene = Scene::mapped(options(60), 3, 2).await;
        // One voice user without a Teams user has the address of one.
        let candidates = scene.candidates().await;
        let address = candidates[5]["email"].as_str().unwrap().to_owned();
        let mut users: Vec<Value> = (0..3).map(voice_user).collect();
        users[2]["email"] = json!(address);
        users.push(spare());
        scene.push_items(json!(users)).await;
        let refused = json!({ "number": "+3227001001", "failure": "No.", "times": 9 });
        scene.order("/number-faults", refused).await;
        let done = scene.apply().await.text("/id").to_owned();
        let plan = scene.plan().await.text("/id").to_owned();
        let run = scene.start(json!({ "kind": "discover" })).await.text("/id").to_owned();
        assert!(!plan.is_empty() && !run.is_empty());
        let mut cast = Self {
            scene,
            run,
            done,
            plan,
            address,
            sibling: String::new(),
            stranger: String::new(),
            foreign: String::new(),
            idle: String::new(),
            unserved: String::new(),
            client: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        };
        cast.let_duty().await;
        // Each list has something in it.
        let reseller = cast.scene.reseller.parse().unwrap();
        let store = &cast.scene.service.io.store;
        store.open_task(&reseller, &unreachable_task()).await.unwrap();
        store.suppress(&reseller, &stopped()).await.unwrap();
        let api = cast.scene.api("provider_admin");
        let form = json!({ "gate": "open", "reason": "Nothing happened" });
        let set = api.put("/v1/mail-sending", &form, Some("\"1\"")).await.unwrap();
        assert_eq!(set.status, 200, "{}", set.body);
        cast.stranger = cast.made_reseller("owner@southwind.example", "Southwind").await;
        activate(&cast.scene.service.world.urls, "owner@southwind.example")
            .await
            .unwrap();
        cast.idle = cast.made_reseller("owner@idle.example", "Idle").await;
        let own = cast.scene.reseller.clone();
        cast.sibling = cast.made_enterprise(&own, 0).await;
        cast.foreign = cast.made_enterprise(&cast.stranger, 1).await;
        cast.unserved = cast.made_enterprise(&cast.idle, 1).await;
        cast
    }

    async fn made_reseller(&self, owner: &str, name: &str) -> String {
        let api = self.scene.api("provider_admin");
        let form = form_of(owner, name, &self.scene);
        let made = api.post("/v1/resellers", &form).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        made.text("/id").to_owned()
    }

    /// An enterprise of that reseller for one of the other tenants.
    async fn made_enterprise(&self, reseller: &str, tenant: usize) -> String {
        let tenants = self.scene.other_tenants().await;
        let mut form = enterprise_form(&tenants[tenant], Some(20));
        form["reseller"] = json!(reseller);
        let made = self.scene.api("provider_admin").post("/v1/enterprises", &form).await;
        let made = made.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        made.text("/id").to_owned()
    }

    /// A token of somebody in a role, of the own enterprise or reseller.
    pub(crate) fn token(&self, role: &str) -> String {
        self.token_for(role, &self.scene.reseller)
    }

    /// The same, of another reseller where the role has one.
    pub(crate) fn token_for(&self, role: &str, reseller: &str) -> String {
        let email = match role {
            "global_admin" => self.scene.admin().to_owned(),
            role => format!("{role}@people.example"),
        };
        let of_customer = role.starts_with("account") || role == "global_admin";
        let person = Person {
            sub: format!("auth|{role}"),
            email,
            name: role.into(),
            role: role.into(),
            reseller: role.starts_with("reseller").then(|| reseller.to_owned()),
            enterprise: of_customer.then(|| self.scene.enterprise.clone()),
        };
        self.scene.service.world.issuer.token(&person).unwrap()
    }

    /// Everything that a route can name: own and foreign.
    pub(crate) fn targets(&self, route: &Route) -> Vec<Target> {
        if route.path.contains("{enterprise}") {
            let all = [&self.scene.enterprise, &self.sibling, &self.foreign];
            all.map(|id| Target::Enterprise(id.clone())).into()
        } else if NOBODYS.contains(&route.path.as_str()) {
            vec![Target::Nothing]
        } else {
            let all = [&self.scene.reseller, &self.stranger, &self.idle];
            all.map(|id| Target::Reseller(id.clone())).into()
        }
    }

    /// An unknown id in the same place; provider routes without an id answer as for an unknown reseller.
    pub(crate) fn unknown(&self, target: &Target) -> Target {
        match target {
            Target::Enterprise(_) => Target::Enterprise(NO_ENTERPRISE.into()),
            Target::Reseller(_) | Target::Nothing => Target::Reseller(NO_RESELLER.into()),
        }
    }

    /// A request that whoever may make it gets something for: body, key and `ETag` are right.
    pub(crate) async fn request(&self, route: &Route, target: &Target, role: &str) -> Request {
        let ended = ["/retry", "/undo"].iter().any(|end| route.path.ends_with(end));
        let run = if ended { &self.done } else { &self.run };
        let path = route.path.replace("{run}", run).replace("{plan}", &self.plan);
        let path = path.replace("{set}", "calling").replace("{voiceUser}", "spare");
        let path = path.replace("{task}", unreachable_task().id.as_str());
        let path = path.replace("{suppression}", stopped().id.as_str());
        let mut path = path.replace("{who}", "nobody");
        let mut body = self.body(route);
        match target {
            Target::Enterprise(id) => path = path.replace("{enterprise}", id),
            Target::Reseller(id) if path.contains("{reseller}") => path = path.replace("{reseller}", id),
            // A reseller's own staff need not name it.
            Target::Reseller(id) if role.starts_with("reseller") && *id == self.scene.reseller => {}
            Target::Reseller(id) => match &mut body {
                Some(body) => body["reseller"] = json!(id),
                None => path = format!("{path}?reseller={id}"),
            },
            Target::Nothing => {}
        }
        assert!(!path.contains('{'), "{path}");
        if path.ends_with("/import") {
            path += "?mode=update";
        }
        if route.path == "/v1/domains" {
            path += if path.contains('?') { "&" } else { "?" };
            path += "state=unverified";
        }
        let sees_to = ["provider_admin", "provider_support", "reseller_admin"].contains(&role);
        if sees_to && *target == Target::Reseller(self.scene.reseller.clone()) {
            self.open(route).await;
        }
        let stops = route.method == Method::DELETE && path.ends_with("/unattended");
        let own = *target == Target::Enterprise(self.scene.enterprise.clone());
        if stops && own && ["account_admin", "global_admin"].contains(&role) {
            self.let_unattended().await;
        }
        let mut headers = Vec::new();
        if route.needs("Idempotency-Key") {
            headers.push(("idempotency-key", format!("key-{}", next())));
        }
        if route.needs("If-Match") {
            headers.push(("if-match", format!("\"{}\"", self.version(route, target).await)));
        }
        Request {
            method: route.method.clone(),
            path,
            headers,
            body,
        }
    }

    /// There is a task to close, and an address to let mail go to again.
    async fn open(&self, route: &Route) {
        let (store, reseller) = (&self.scene.service.io.store, self.scene.reseller.parse().unwrap());
        if route.path.contains("{task}") {
            store.open_task(&reseller, &unreachable_task()).await.unwrap();
        }
        if route.path.contains("{suppression}") {
            store.suppress(&reseller, &stopped()).await.unwrap();
        }
    }

    /// There is something to give back: somebody has taken the reminders over.
    async fn let_duty(&self) {
        let store = &self.scene.service.io.store;
        let mut kept = store.enterprise(&self.scene.enterprise.parse().unwrap()).await.unwrap();
        let (seen, now) = (kept.version, self.scene.service.world.clock.now());
        kept.reminding.duty = Some(Duty {
            email: "ann@customer.example".parse().unwrap(),
            name: "Ann".into(),
            since: now,
            offer: MailId::mint(now, 7),
            appointment: kept.global_admin.appointment,
        });
        kept.version += 1;
        let chance = u128::from(next()) << 40;
        let entry = Entry::new(&Author::service(), Deed::DutyTaken, Vec::new(), now, chance);
        store.update_enterprise(&kept, seen, &entry, &[]).await.unwrap();
    }

    /// There is something to take back: syncs may run unattended.
    async fn let_unattended(&self) {
        let store = &self.scene.service.io.store;
        let mut kept = store.enterprise(&self.scene.enterprise.parse().unwrap()).await.unwrap();
        let (seen, now) = (kept.version, self.scene.service.world.clock.now());
        kept.unattended.leave = Leave::Given {
            at: now,
            by: "Mara".into(),
            tenant: kept.setup.tenant().unwrap().id.clone(),
        };
        kept.version += 1;
        let chance = u128::from(next()) << 40;
        let entry = Entry::new(&Author::service(), Deed::UnattendedAllowed, Vec::new(), now, chance);
        store.update_enterprise(&kept, seen, &entry, &[]).await.unwrap();
    }

    /// The version that the route's `If-Match` is about; of nothing, any.
    pub(crate) async fn version(&self, route: &Route, target: &Target) -> u64 {
        let store = &self.scene.service.io.store;
        match target {
            Target::Enterprise(id) if route.path.contains("/mapping") => {
                store.saved_version(&id.parse().unwrap()).await.unwrap()
            }
            Target::Enterprise(id) if route.path.contains("/voice-users") => {
                store.account_version(&id.parse().unwrap()).await.unwrap()
            }
            Target::Enterprise(id) => store
                .enterprise(&id.parse().unwrap())
                .await
                .map_or(1, |kept| kept.version),
            Target::Reseller(id) if route.path.ends_with("/digest") => {
                store.digest(&id.parse().unwrap()).await.unwrap().seen()
            }
            Target::Reseller(id) if route.path.ends_with("/mail-sending") => {
                store.reseller_sending(&id.parse().unwrap()).await.unwrap().seen()
            }
            Target::Nothing if route.path.ends_with("/mail-sending") => store.sending().await.unwrap().seen(),
            Target::Reseller(id) => store
                .reseller(&id.parse().unwrap())
                .await
                .map_or(1, |kept| kept.version),
            Target::Nothing => 1,
        }
    }

    /// Somebody who may do it, and the own object to do it with.
    pub(crate) fn own(&self, route: &Route) -> (&'static str, Target) {
        let target = match self.targets(route).remove(0) {
            // Who is active already needs no activation.
            Target::Reseller(_) if route.path.ends_with("/activation") => Target::Reseller(self.idle.clone()),
            // What was accepted can neither be sent again nor taken back.
            Target::Enterprise(_) if route.path.ends_with("/invitation") && route.method != Method::GET => {
                Target::Enterprise(self.sibling.clone())
            }
            own => own,
        };
        (route.caller(), target)
    }

    /// A body that changes something.
    fn body(&self, route: &Route) -> Option<Value> {
        route.schema.as_ref()?;
        let unique = next();
        let form = || {
            form_of(
                &format!("owner{unique}@new.example"),
                &format!("New {unique}"),
                &self.scene,
            )
        };
        let enterprise = |name: String| {
            let mut form = enterprise_form(&self.scene.tenant, Some(40));
            form["name"] = json!(name);
            form
        };
        let known = route.path.trim_start_matches("/v1/enterprises/{enterprise}");
        Some(match (route.method.as_str(), known) {
            ("POST", "/v1/resellers") | ("PUT", "/v1/resellers/{reseller}") => form(),
            ("POST", "/v1/resellers/{reseller}/tasks/{task}/close")
            | ("POST", "/v1/resellers/{reseller}/suppressions/{suppression}/lift") => {
                json!({ "reason": format!("Because {unique}") })
            }
            ("PUT", "/v1/mail-sending" | "/v1/resellers/{reseller}/mail-sending") => {
                json!({ "gate": "open", "reason": format!("Because {unique}") })
            }
            ("POST", "/v1/enterprises") => enterprise(format!("New {unique}")),
            ("PUT", "") => enterprise(format!("Renamed {unique}")),
            ("PUT", "/licences") => json!({ "count": 100 + unique }),
            ("PUT", "/global-admin") => json!({ "email": format!("admin{unique}@new.example"), "name": "New Admin" }),
            ("PUT", "/management-consent") => json!({ "granted": true }),
            ("POST", "/action-urls") => json!({ "action": "chooseGroups" }),
            ("PUT", "/group-filter") => json!({ "mode": "everyone" }),
            ("PUT", "/voice-users") => {
                let named = |n: usize| {
                    let mut user = voice_user(n);
                    user["name"] = json!(format!("Voice User {n} {unique}"));
                    if n == 2 {
                        user["email"] = json!(self.address);
                    }
                    user
                };
                json!({ "items": (0..4).map(named).chain([spare()]).collect::<Vec<_>>() })
            }
            ("POST", "/voice-users") => json!({ "id": format!("new{unique}"), "name": "A new voice user" }),
            ("PUT", "/voice-users/{voiceUser}") => json!({ "name": format!("Spare {unique}") }),
            ("POST", "/voice-users/import") => {
                json!({ "items": [{ "id": "v000", "name": format!("Voice User 0 {unique}") }] })
            }
            ("PUT", "/mapping") => {
                json!({ "rows": [{ "voiceUser": if unique.is_multiple_of(2) { "v000" } else { "v001" }, "teamsUser": null }] })
            }
            ("POST", "/mapping/proposals") => json!({}),
            ("PUT", "/operators") => {
                let deputy = json!({ "email": format!("deputy{unique}@customer.example"), "name": "A Deputy" });
                json!({ "deputies": [deputy], "teamsAdministrators": false })
            }
            ("PUT", "/unattended") => {
                let from = format!("{:02}:{:02}", unique % 24, unique % 60);
                json!({ "automatic": true, "days": ["monday"], "from": from, "until": from, "releases": true })
            }
            ("POST", "/plans") => json!({}),
            ("PUT", "/plans/{plan}/approval") => json!({ "releases": 0 }),
            ("PUT", "/reminding") => json!({
                "hour": 6 + unique % 15, "days": ["monday", "friday"], "quiet": [], "snooze": null,
                "secondContact": { "email": format!("second{unique}@customer.example"), "name": "A Second", "afterDays": 3 },
                "escalateAfter": null,
            }),
            ("PUT", "/v1/resellers/{reseller}/digest") => json!({
                "every": "day", "hour": 6 + unique % 15, "timeZone": "UTC", "email": format!("digest{unique}@reseller.example"),
            }),
            ("PUT", "/release-limit") => json!({ "users": 10 + unique, "percent": 10 }),
            ("POST", "/runs") => json!({ "kind": "discover" }),
            ("POST", "/runs/{run}/retry") => json!({ "mode": "full" }),
            _ => panic!("say here what to send to {}", route.name()),
        })
    }

    pub(crate) async fn send(&self, request: &Request, token: &str) -> Seen {
        let api = &self.scene.service.world.urls.api;
        let url = format!("{}{}", api, request.path.trim_start_matches('/'));
        let mut call = self.client.request(request.method.clone(), url).bearer_auth(token);
        for (name, value) in &request.headers {
            call = call.header(*name, value);
        }
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        let answer = call.send().await.unwrap();
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        Seen { status, headers, body }
    }

    /// Sends it and leaves out of the answer what belongs to the single request.
    pub(crate) async fn told(&self, request: &Request, token: &str) -> Seen {
        let mut seen = self.send(request, token).await;
        for own in ["x-request-id", "date", "content-length"] {
            seen.headers.remove(own);
        }
        if let Some(body) = seen.body.as_object_mut() {
            body.remove("requestId");
        }
        seen
    }

    /// Lets a minute and more pass: invitations follow each other no faster.
    pub(crate) async fn wait(&self) {
        self.scene
            .service
            .world
            .advance(jiff::SignedDuration::from_secs(90))
            .await;
    }
}

/// A task of the reseller; nothing else rests on it.
fn unreachable_task() -> Task {
    tasks::task_of(
        TaskKind::MailHeld,
        None,
        "Northwind",
        "Too much came back.",
        Timestamp::UNIX_EPOCH,
    )
}

/// An address that nobody has.
fn stopped() -> Suppression {
    let address = "nobody@nowhere.example".parse().unwrap();
    Suppression {
        id: suppressions::id_of(&address),
        address,
        cause: Trouble::Bounce,
        since: Timestamp::UNIX_EPOCH,
        mail: MailId::mint(Timestamp::UNIX_EPOCH, 1),
        enterprise: None,
    }
}

fn next() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst)
}
