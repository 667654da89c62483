//! One small world that many runs are played in: three voice users with a number each, three Teams users, one enterprise
//! that is set up. The real worker talks to the real doubles over HTTP; between two runs table and tenant are put back.
//!
//! Time is the world's clock: what the state machine would wait for passes at once. Pauses inside a call are short, because
//! the clients' patience is.

use super::watcher::Watcher;
use crate::scene::{Scene, options};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use dialbridge_local::dialbridge::Options;
use dialbridge_local::microsoft::{Delays, Teams};
use dialbridge_local::world::deployment::TABLE;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::config::Config;
use shared::domain::audit::{Author, Deed, Entry};
use shared::domain::ids::{EnterpriseId, RunId};
use shared::domain::mapping::Mapping;
use shared::domain::once::Once;
use shared::domain::permission::{Mode, Permission};
use shared::domain::run::{Authority, Run, RunKind, RunState, Tally, Trigger};
use shared::domain::secret::Secret;
use shared::domain::sync_status::SyncStatus;
use shared::error::Error;
use shared::io::Io;
use shared::io::aws;
use shared::io::clock::Clock;
use shared::io::graph::Graph;
use shared::io::http::{Http, Patience};
use shared::io::store::Store;
use shared::io::store::mapping::SavedMapping;
use shared::io::tenant_config::TenantConfig;
use shared::io::vault::Vault;
use shared::run::sync::{self, Next, Work};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Everything in the table, by its keys.
pub(super) type Items = BTreeMap<(String, String), Value>;

/// Voice users, and as many Teams users that they may be mapped to.
pub(super) const PEOPLE: usize = 3;
/// How long a call of the worker may take.
const CALL: SignedDuration = SignedDuration::from_mins(13);
/// What the state machine waits after the first failure of the worker, in seconds, and how often it tries again.
const AGAIN_AFTER: u32 = 10;
const AGAIN: u32 = 6;
/// Longer than a lease lasts, even by a clock that is ten minutes ahead; in seconds.
const LONG: u32 = 13 * 60;

/// How things stand before a run: what is wanted, what Teams has, what we think is ours. Places of voice and Teams users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    /// Of each voice user: the Teams user that is wanted.
    pub(super) wanted: [Option<usize>; PEOPLE],
    /// Of each voice user's number: the Teams user who has it.
    pub(super) held: [Option<usize>; PEOPLE],
    /// Of each number: the Teams user of whom the table says that it is ours.
    pub(super) ours: [Option<usize>; PEOPLE],
    /// Of each Teams user: has our policies.
    pub(super) policies: [bool; PEOPLE],
    /// Of each Teams user: has a number that is none of our voice users'.
    pub(super) foreign: [bool; PEOPLE],
}

/// How a call of the worker ended.
#[derive(Debug)]
pub(super) enum Called {
    Answered(Next),
    Failed(Error),
    Killed,
}

/// Where a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Succeeded,
    Failed,
    /// It waits for another sign-in.
    Waits,
}

pub(super) struct World {
    pub(super) scene: Scene,
    pub(super) enterprise: EnterpriseId,
    pub(super) tenant: String,
    /// The worker.
    pub(super) io: Io,
    /// Another worker, with a clock of its own; doubles know it by the host `localhost`.
    pub(super) other: Io,
    /// Teams users by id, the first ones of the directory.
    pub(super) people: Vec<String>,
    pub(super) numbers: Vec<String>,
    /// The names of our two policies of each Teams user, by type.
    pub(super) policies: BTreeMap<String, String>,
    pub(super) watcher: Arc<Watcher>,
    base: Items,
    by_wanted: std::cell::RefCell<BTreeMap<[Option<usize>; PEOPLE], Items>>,
    once: std::cell::Cell<u64>,
}

/// The clients of a worker that reaches everything by this host name, with little patience.
fn worker(scene: &Scene, host: &str, clock: Clock) -> Io {
    let mut environment = scene.service.world.environment();
    for value in environment.values_mut() {
        *value = value.replace("127.0.0.1", host);
    }
    let config = Config::read(|name| environment.get(name).cloned()).unwrap();
    let http = aws::http_client();
    let sdk = |endpoint: &Option<String>| {
        let retry = RetryConfig::standard()
            .with_max_attempts(4)
            .with_initial_backoff(Duration::from_millis(1))
            .with_max_backoff(Duration::from_millis(4));
        let config = aws::service(&config.aws, &http, endpoint.as_deref()).into_builder();
        config.retry_config(retry).build()
    };
    let endpoints = &config.aws.endpoints;
    let patience = Patience {
        longest_wait: Duration::from_millis(40),
        first_backoff: Duration::from_millis(1),
        ..Patience::default()
    };
    let store = aws_sdk_dynamodb::Client::new(&sdk(&endpoints.dynamodb));
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk(&endpoints.secrets_manager));
    let kms = aws_sdk_kms::Client::new(&sdk(&endpoints.kms));
    let lambda = aws_sdk_lambda::Client::new(&sdk(&endpoints.lambda));
    Io {
        store: Store::new(store, config.table.clone()),
        vault: Vault::new(secrets, kms, &config),
        tenant_config: TenantConfig::new(lambda, config.configure_tenant_function.clone()),
        graph: Graph::new(&config.graph_url).with_http(Http::default().with_patience(patience)),
        ..Io::new(config, clock)
    }
}

impl World {
    /// The enterprise is set up over HTTP, as in the stories, and its mapping is applied once.
    pub(super) async fn new() -> Self {
        let small = Options {
            microsoft: dialbridge_local::microsoft::Options {
                delays: Delays {
                    number_operation: SignedDuration::from_secs(1),
                    ..Delays::none()
                },
                ..options(12).microsoft
            },
            world: dialbridge_local::world::Options {
                table_at_once: true,
                ..options(12).world
            },
        };
        let scene = Scene::applied(small, PEOPLE, PEOPLE).await;
        let enterprise: EnterpriseId = scene.enterprise.parse().unwrap();
        let tenant = scene.tenant.id.clone();
        let teams = scene.service.microsoft.teams(&tenant);
        let numbers: Vec<String> = (0..PEOPLE).map(|n| format!("+3227001{n:03}")).collect();
        let people: Vec<String> = numbers.iter().map(|number| teams.numbers[number].clone()).collect();
        let granted = teams.policies.iter().filter(|((person, _), _)| *person == people[0]);
        let policies = granted.map(|((_, kind), name)| (kind.clone(), name.clone())).collect();
        let world = &scene.service.world;
        let io = worker(&scene, "127.0.0.1", world.clock.clone());
        let other = worker(&scene, "localhost", Clock::default());
        let mut base = world.dynamodb.items(TABLE).unwrap();
        base.retain(|(_, sk), _| !sk.starts_with("OWNED#"));
        let watcher = Arc::new(Watcher::new(&scene, &enterprise));
        world.faults.watch(Some(Arc::clone(&watcher) as _));
        Self {
            enterprise,
            tenant,
            io,
            other,
            people,
            numbers,
            policies,
            watcher,
            base,
            by_wanted: std::cell::RefCell::default(),
            once: std::cell::Cell::new(0),
            scene,
        }
    }

    fn put_back(&self, items: &Items) {
        self.scene.service.world.dynamodb.hold(TABLE, items).unwrap();
    }

    pub(super) fn items(&self) -> Items {
        self.scene.service.world.dynamodb.items(TABLE).unwrap()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.io.clock.now()
    }

    /// Time passes for everybody.
    pub(super) fn pass(&self, seconds: u32) {
        let by = SignedDuration::from_secs(i64::from(seconds));
        self.io.clock.advance(by);
        self.other.clock.advance(by);
    }

    /// The table with this mapping saved and nothing else done.
    async fn mapped(&self, wanted: &[Option<usize>; PEOPLE]) -> Items {
        if let Some(known) = self.by_wanted.borrow().get(wanted) {
            return known.clone();
        }
        self.put_back(&self.base);
        let account = self.io.store.account(&self.enterprise).await.unwrap();
        let kept = self.io.store.enterprise(&self.enterprise).await.unwrap();
        let row = |(voice, teams): (usize, &Option<usize>)| {
            let row = Mapping {
                voice_user: format!("v{voice:03}").parse().unwrap(),
                teams_user: self.people[(*teams)?].parse().unwrap(),
                order: u64::try_from(voice).unwrap(),
                by_mail: false,
            };
            Some((row.voice_user.clone(), row))
        };
        let after = SavedMapping {
            rows: wanted.iter().enumerate().filter_map(row).collect(),
            next_order: 10,
            ..SavedMapping::default()
        };
        let entry = self.entry(Deed::MappingChanged);
        self.io
            .store
            .save_mapping(&kept, &account, &after, &entry)
            .await
            .unwrap();
        let items = self.items();
        self.by_wanted.borrow_mut().insert(*wanted, items.clone());
        items
    }

    fn entry(&self, deed: Deed) -> Entry {
        Entry::new(&Author::service(), deed, Vec::new(), self.now(), self.io.chance.bits())
    }

    /// The calling side of the tenant.
    pub(super) fn teams(&self) -> Teams {
        self.scene.service.microsoft.teams(&self.tenant)
    }

    fn teams_of(&self, before: &Before) -> Teams {
        let mut teams = Teams::default();
        for (number, holder) in before.held.iter().enumerate() {
            if let Some(holder) = holder {
                teams
                    .numbers
                    .insert(self.numbers[number].clone(), self.people[*holder].clone());
            }
        }
        for (at, person) in self.people.iter().enumerate() {
            if before.foreign[at] {
                teams.numbers.insert(format!("+3227999{at:03}"), person.clone());
            }
            if before.policies[at] {
                for (kind, name) in &self.policies {
                    teams.policies.insert((person.clone(), kind.clone()), name.clone());
                }
            }
        }
        teams
    }

    /// Puts everything in place for another run; no fault is planned.
    pub(super) async fn begin(&self, before: &Before) {
        let world = &self.scene.service.world;
        self.watcher.off();
        self.scene
            .service
            .microsoft
            .put_teams(&self.tenant, &self.teams_of(before));
        let mut items = self.mapped(&before.wanted).await;
        let pk = format!("ENTERPRISE#{}", self.enterprise);
        for (at, person) in self.people.iter().enumerate() {
            let number = before.ours.iter().position(|owner| *owner == Some(at));
            let number = number.map(|number| self.numbers[number].clone());
            let policy = |kind: &str| before.policies[at].then(|| self.policies.get(kind)).flatten();
            if number.is_none() && !before.policies[at] {
                continue;
            }
            let text = |text: Option<&String>| text.map_or(json!({ "NULL": true }), |text| json!({ "S": text }));
            let owned = json!({
                "number": text(number.as_ref()),
                "callingPolicy": text(policy("TeamsCallingPolicy")),
                "routingPolicy": text(policy("OnlineVoiceRoutingPolicy")),
            });
            let sk = format!("OWNED#{person}");
            let item =
                json!({ "pk": { "S": pk }, "sk": { "S": sk }, "user": { "S": person }, "owned": { "M": owned } });
            items.insert((pk.clone(), sk), item);
        }
        self.put_back(&items);
        world.faults.reset();
        self.watcher.begin(self, before);
    }

    /// A run that is signed in to, ready for its worker. Most begin where the directory was read already.
    pub(super) async fn started(&self, from: RunState) -> RunId {
        let (store, now) = (&self.io.store, self.now());
        let kept = store.enterprise(&self.enterprise).await.unwrap();
        let status = store.sync_status(&self.enterprise).await.unwrap();
        let run = Run {
            id: RunId::mint(now, self.io.chance.bits()),
            kind: RunKind::Apply,
            state: from,
            plan: None,
            debug: false,
            requested_by: "the simulation".into(),
            authority: Authority::default(),
            trigger: Trigger::default(),
            retry_of: None,
            created: now,
            started: None,
            ended: None,
            findings: Vec::new(),
            lines: 0,
            tally: Tally::default(),
        };
        let permission = Permission {
            mode: Mode::Full,
            approved_releases: Some(PEOPLE),
            approved_by: Some("the simulation".into()),
        };
        let status = SyncStatus {
            current: Some(run.id.clone()),
            ..status
        };
        self.once.set(self.once.get() + 1);
        let once = Once {
            key: format!("simulated-{}", self.once.get()),
            request: Vec::new(),
        };
        let link = format!("link-{}", self.once.get());
        let ends = now + SignedDuration::from_hours(1);
        let entry = self.entry(Deed::RunStarted);
        store
            .create_run(&kept, &run, &permission, &link, ends, &status, &entry, &once, now)
            .await
            .unwrap();
        self.sign_in(&run.id).await;
        run.id
    }

    /// Somebody signs in for a run: its tokens are sealed.
    pub(super) async fn sign_in(&self, run: &RunId) {
        let kept = self.io.store.enterprise(&self.enterprise).await.unwrap();
        let identity = kept.global_admin.identity.unwrap();
        let life = SignedDuration::from_mins(75);
        let microsoft = &self.scene.service.microsoft;
        let [graph, teams] = microsoft.tokens(&self.tenant, identity.user.as_str(), life).unwrap();
        let expires = self.now() + life;
        let tokens = json!({ "tenant": identity.tenant, "graph": graph, "teams": teams, "expires": expires });
        let vault = &self.io.vault;
        let sealed = vault
            .seal(&self.enterprise, run, &Secret::new(tokens.to_string()))
            .await
            .unwrap();
        let store = &self.io.store;
        store.put_sealed(&self.enterprise, run, &sealed, expires).await.unwrap();
    }

    /// One call of the worker; a kill ends it.
    pub(super) async fn call(&self, io: &Io, run: &RunId, broken: bool) -> Called {
        let work = Work {
            enterprise: self.enterprise.clone(),
            run: run.clone(),
            broken,
        };
        let holder = self.watcher.next_call();
        let killed = self.scene.service.world.faults.killed();
        tokio::select! {
            next = sync::work(io, &work, &holder, io.clock.now() + CALL) => match next {
                Ok(next) => Called::Answered(next),
                Err(error) => Called::Failed(error),
            },
            () = killed => Called::Killed,
        }
    }

    /// What the state machine does with a run, waits skipped. Where it was told to, it calls twice at once.
    pub(super) async fn drive(&self, run: &RunId) -> Rest {
        self.driven(&self.io, run).await
    }

    /// The same with one of the two workers.
    pub(super) async fn driven(&self, io: &Io, run: &RunId) -> Rest {
        let (mut failures, mut looks) = (0, 0);
        let mut last = None;
        for _ in 0..400 {
            let called = if self.watcher.twice() {
                let (first, second) = tokio::join!(self.call(&self.io, run, false), self.call(&self.other, run, false));
                match (first, second) {
                    (Called::Answered(next), _) | (_, Called::Answered(next)) => Called::Answered(next),
                    (first, _) => first,
                }
            } else {
                self.call(io, run, false).await
            };
            if let Called::Failed(error) = &called {
                last = Some(error.to_string());
            }
            match called {
                Called::Answered(Next::Continue { .. }) => failures = 0,
                Called::Answered(Next::Wait { seconds }) => {
                    (failures, looks) = (0, looks + 1);
                    // A state machine may be late; so ten minutes of looking again pass in a few calls.
                    self.pass(if looks > 8 { seconds.max(120) } else { seconds });
                }
                Called::Answered(Next::Done { .. } | Next::Failed { .. }) => return self.rest(run).await,
                Called::Failed(_) | Called::Killed => {
                    failures += 1;
                    if failures > AGAIN {
                        return self.broken(io, run).await;
                    }
                    self.pass(AGAIN_AFTER << (failures - 1));
                }
            }
        }
        panic!("the run does not come to rest; the worker's last error was {last:?}");
    }

    /// The state machine gives up: the run is only reported as failed.
    async fn broken(&self, io: &Io, run: &RunId) -> Rest {
        for attempt in 0..7 {
            if matches!(self.call(io, run, true).await, Called::Answered(_)) {
                break;
            }
            self.pass(60 << attempt);
        }
        self.rest(run).await
    }

    pub(super) async fn run(&self, run: &RunId) -> Run {
        self.io.store.run(&self.enterprise, run).await.unwrap()
    }

    /// Worker `a` stands still after the call that the watcher knows; its lease runs out and `b` brings the run to its
    /// end; then `a` goes on where it stood. `None`: it never came so far.
    pub(super) async fn raced(&self, a: &Io, b: &Io, run: &RunId) -> Option<Rest> {
        loop {
            let mut first = Box::pin(self.call(a, run, false));
            let called = tokio::select! {
                biased;
                () = self.watcher.frozen.notified() => None,
                called = &mut first => Some(called),
            };
            match called {
                None => {
                    self.pass(LONG);
                    let rest = self.driven(b, run).await;
                    self.watcher.on(true);
                    drop(first.await);
                    return Some(rest);
                }
                Some(Called::Answered(Next::Wait { seconds })) => self.pass(seconds),
                Some(Called::Answered(Next::Continue { .. })) => {}
                Some(
                    Called::Answered(Next::Done { .. } | Next::Failed { .. }) | Called::Failed(_) | Called::Killed,
                ) => {
                    return None;
                }
            }
        }
    }

    /// What is kept for people and for the next run, without times, ids and what counts writes: the same however often a
    /// run was interrupted.
    pub(super) fn settled(&self) -> (Teams, Vec<String>) {
        let kept = |(pk, sk): &(String, String)| {
            let passing = ["LEASE", "LINE#", "PLAN", "LINK", "SEALED", "PACE", "BUDGET"];
            pk.starts_with("ENTERPRISE#") && !pk.ends_with("#AUDIT") && !passing.iter().any(|kind| sk.contains(kind))
        };
        let items = self.items().into_iter().filter(|(key, _)| kept(key));
        let mut items: Vec<String> = items.map(|(_, item)| scrubbed(item).to_string()).collect();
        items.sort();
        (self.teams(), items)
    }

    async fn rest(&self, run: &RunId) -> Rest {
        let quiet = self.watcher.off();
        let state = self.run(run).await.state;
        self.watcher.on(quiet);
        match state {
            RunState::Succeeded => Rest::Succeeded,
            RunState::AwaitingSignIn => Rest::Waits,
            RunState::Failed | RunState::Abandoned => Rest::Failed,
            state => panic!("the worker is done with a run that is {state:?}"),
        }
    }
}

/// An item without what differs from run to run.
fn scrubbed(item: Value) -> Value {
    const COUNTERS: [&str; 12] = [
        "version",
        "fence",
        "tries",
        "ends",
        "expires",
        "lines",
        "generation",
        "since",
        "started",
        "ended",
        "created",
        "last",
    ];
    match item {
        Value::Object(map) => {
            let map = map.into_iter().filter(|(name, _)| !COUNTERS.contains(&name.as_str()));
            map.map(|(name, value)| (name, scrubbed(value))).collect()
        }
        Value::Array(list) => list.into_iter().map(scrubbed).collect(),
        Value::String(text) => {
            let moment = text.parse::<Timestamp>().is_ok();
            let own = ["run_", "pln_", "plan_", "RUN#"]
                .iter()
                .any(|kind| text.starts_with(kind))
                || text.contains("#RUN#");
            if moment {
                "a moment".into()
            } else if own {
                text.split(['_', '#']).next().unwrap_or_default().into()
            } else {
                text.into()
            }
        }
        other => other,
    }
}
