//! Sees every call that a worker makes: chooses what goes wrong with it, and checks after each that no rule is broken.

use super::schedule::Trouble;
use super::world::{Before, World};
use crate::scene::Scene;
use dialbridge_local::faults::{Fault, Seen, Watch};
use dialbridge_local::microsoft::{Deed, Microsoft};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::domain::ids::EnterpriseId;
use shared::io::clock::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Something that somebody at the customer did to a number meanwhile.
struct Edit {
    number: String,
    /// A worker has read the number since.
    read: bool,
    /// An operation on the number was with Microsoft already, or was sent before anybody had read it.
    blind: bool,
}

/// What was counted since the world began.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) calls: u64,
    pub(super) worker_calls: u64,
    pub(super) troubles: BTreeMap<&'static str, u64>,
    /// Releases of what somebody had moved after the worker last looked.
    pub(super) blind_releases: u64,
    /// Requests of a worker that came too early, because the one before it was killed and could tell nobody.
    pub(super) early_after_kill: u64,
    /// Requests to the table that a role which is bound to the enterprise may not make.
    pub(super) denied: u64,
    /// What they were, each kind once.
    pub(super) denials: BTreeSet<String>,
    /// Partitions that were asked for and are not the enterprise's own, by kind.
    pub(super) look_ups: BTreeMap<String, u64>,
}

impl Figures {
    /// Takes those of another world in.
    pub(super) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.worker_calls += other.worker_calls;
        self.blind_releases += other.blind_releases;
        self.early_after_kill += other.early_after_kill;
        self.denied += other.denied;
        self.denials.extend(other.denials);
        for (name, count) in other.troubles {
            *self.troubles.entry(name).or_default() += count;
        }
        for (name, count) in other.look_ups {
            *self.look_ups.entry(name).or_default() += count;
        }
    }
}

#[derive(Default)]
struct State {
    on: bool,
    calls: u64,
    plan: BTreeMap<u64, Trouble>,
    figures: Figures,
    violations: Vec<String>,
    /// Until when Microsoft asked for a pause, and which call of the worker was told.
    pause: Option<(Timestamp, u64)>,
    /// The newest fence, and by which host its holder calls.
    fence: Option<(u64, String)>,
    /// Numbers and holders that are ours to change.
    ours: BTreeSet<(String, String)>,
    edits: Vec<Edit>,
    /// Numbers whose operations Microsoft was asked for and has not carried out.
    asked: BTreeSet<String>,
    gone: BTreeSet<String>,
    twice: bool,
    people: Vec<String>,
    numbers: Vec<String>,
    edited: bool,
    /// Operations on numbers that were carried out.
    operations: u64,
    /// The table answers only for the enterprise, its reseller, and the pace of calls to Microsoft.
    bound: bool,
}

pub(super) struct Watcher {
    state: Mutex<State>,
    microsoft: Microsoft,
    clock: Clock,
    tenant: String,
    partition: String,
    reseller: String,
    pub(super) frozen: Notify,
}

impl Watcher {
    pub(super) fn new(scene: &Scene, enterprise: &EnterpriseId) -> Self {
        Self {
            state: Mutex::default(),
            microsoft: scene.service.microsoft.clone(),
            clock: scene.service.world.clock.clone(),
            tenant: scene.tenant.id.clone(),
            partition: format!("ENTERPRISE#{enterprise}"),
            reseller: format!("RESELLER#{}", scene.reseller),
            frozen: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new run: everybody is back, nothing is planned, nothing was seen.
    pub(super) fn begin(&self, world: &World, before: &Before) {
        let mut state = self.lock();
        for person in std::mem::take(&mut state.gone) {
            self.microsoft.edit_person(&self.tenant, &person, true);
        }
        drop(self.microsoft.deeds(&self.tenant));
        let owned = before.ours.iter().enumerate();
        let ours =
            owned.filter_map(|(number, owner)| Some((world.numbers[number].clone(), world.people[(*owner)?].clone())));
        *state = State {
            ours: ours.collect(),
            figures: std::mem::take(&mut state.figures),
            people: world.people.clone(),
            numbers: world.numbers.clone(),
            ..State::default()
        };
    }

    /// From here on calls are counted from 1, and these go wrong.
    pub(super) fn arm(&self, plan: BTreeMap<u64, Trouble>) {
        let mut state = self.lock();
        (state.on, state.calls, state.plan) = (true, 0, plan);
    }

    /// Looks away; gives back whether it looked.
    pub(super) fn off(&self) -> bool {
        std::mem::replace(&mut self.lock().on, false)
    }

    pub(super) fn on(&self, on: bool) {
        self.lock().on = on;
    }

    pub(super) fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// The name of the worker's next call.
    pub(super) fn next_call(&self) -> String {
        let mut state = self.lock();
        state.figures.worker_calls += 1;
        format!("call-{}", state.figures.worker_calls)
    }

    /// Whether the state machine calls twice now.
    pub(super) fn twice(&self) -> bool {
        std::mem::take(&mut self.lock().twice)
    }

    /// Operations on numbers since the run began.
    pub(super) fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// From now on, for this run, the table answers as to a role that is bound to the enterprise.
    pub(super) fn bind(&self) {
        self.lock().bound = true;
    }

    pub(super) fn figures(&self) -> Figures {
        self.lock().figures.clone()
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    pub(super) fn is_ours(&self, number: &str, person: &str) -> bool {
        self.lock().ours.contains(&(number.to_owned(), person.to_owned()))
    }

    /// Somebody at the customer gave the number to a person while the run went on.
    pub(super) fn was_given(&self, number: &str) -> bool {
        self.lock().edits.iter().any(|edit| edit.number == number)
    }

    pub(super) fn is_gone(&self, person: &str) -> bool {
        self.lock().gone.contains(person)
    }

    fn answer(status: u16, after: Option<&str>) -> Fault {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(after.map(|after| ("retry-after", after.to_owned())));
        let body = json!({ "error": { "code": "Simulated", "message": "As planned." } });
        Fault::Answer {
            status,
            headers,
            body: body.to_string(),
        }
    }

    /// What a planned trouble is for this call.
    fn fault(&self, state: &mut State, call: &Seen<'_>, trouble: &Trouble) -> Option<Fault> {
        let refuse = |status, code: &str| {
            Some(Fault::Refuse {
                status,
                code: code.into(),
            })
        };
        let graph = call.service == "graph";
        match trouble {
            Trouble::TooMany(after) | Trouble::Unavailable(after) if graph => {
                let status = if matches!(trouble, Trouble::TooMany(_)) {
                    429
                } else {
                    503
                };
                let seconds: Option<f64> = after.and_then(|after| after.parse().ok());
                if let Some(seconds) = seconds {
                    let until = self.clock.now() + SignedDuration::from_secs_f64(seconds);
                    state.pause = Some((until, state.figures.worker_calls));
                }
                Some(Self::answer(status, *after))
            }
            Trouble::TooMany(_) => refuse(400, "ThrottlingException"),
            Trouble::Unavailable(_) if call.service == "dynamodb" => {
                refuse(400, "ProvisionedThroughputExceededException")
            }
            Trouble::Unavailable(_) => refuse(503, "ServiceUnavailable"),
            Trouble::Html(status) => Some(Fault::Answer {
                status: *status,
                headers: vec![("content-type", "text/html".into())],
                body: "<!doctype html><title>Error</title><h1>We'll be right back</h1>".into(),
            }),
            Trouble::Error => Some(if graph {
                Self::answer(500, None)
            } else {
                refuse(500, "InternalServerError")?
            }),
            Trouble::Truncated => Some(Fault::Truncate),
            Trouble::Lost => Some(Fault::LoseAnswer),
            Trouble::Broken => Some(Fault::Break),
            // A client that loses its patience is told as little as by a broken connection, and here nobody waits for it.
            Trouble::Stalled => Some(Fault::LoseAnswer),
            Trouble::Unprocessed => match call.operation {
                "BatchWriteItem" | "BatchGetItem" => {
                    let body: Value = serde_json::from_slice(call.body).unwrap();
                    let left = if call.operation == "BatchWriteItem" {
                        "UnprocessedItems"
                    } else {
                        "UnprocessedKeys"
                    };
                    let body = json!({ left: body["RequestItems"], "Responses": {} }).to_string();
                    let headers = vec![("content-type", "application/x-amz-json-1.0".to_owned())];
                    Some(Fault::Answer {
                        status: 200,
                        headers,
                        body,
                    })
                }
                _ if graph => Some(Self::answer(503, None)),
                _ => refuse(400, "ThrottlingException"),
            },
            Trouble::Conflict if call.operation == "TransactWriteItems" => {
                let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
                let body: Value = serde_json::from_slice(call.body).unwrap();
                let writes = body["TransactItems"].as_array().map_or(1, Vec::len);
                let reasons: Vec<Value> = (0..writes)
                    .map(|at| json!({ "Code": if at == 0 { "TransactionConflict" } else { "None" } }))
                    .collect();
                let body =
                    json!({ "__type": kind, "message": "Transaction cancelled", "CancellationReasons": reasons });
                Some(Fault::Answer {
                    status: 400,
                    headers: vec![("content-type", "application/x-amz-json-1.0".to_owned())],
                    body: body.to_string(),
                })
            }
            Trouble::Conflict => refuse(500, "InternalServerError"),
            Trouble::KilledBefore => Some(Fault::KillBefore),
            Trouble::KilledAfter => Some(Fault::KillAfter),
            Trouble::TokenEnds => {
                self.microsoft.end_tokens();
                None
            }
            Trouble::Edited(number, person) => {
                state.edited = true;
                let (number, person) = (
                    state.numbers[*number].clone(),
                    person.map(|at| state.people[at].clone()),
                );
                self.microsoft.edit_number(&self.tenant, &number, person.as_deref());
                state.edits.retain(|edit| edit.number != number);
                // Where a person gives what we gave before, nobody can tell whose it is; it stays ours.
                if person.is_some() {
                    let blind = state.asked.contains(&number);
                    let read = false;
                    state.edits.push(Edit { number, read, blind });
                }
                None
            }
            Trouble::Leaves(person) => {
                let person = state.people[*person].clone();
                self.microsoft.edit_person(&self.tenant, &person, false);
                state.gone.insert(person);
                None
            }
            Trouble::Twice => {
                state.twice = true;
                None
            }
            Trouble::Frozen => {
                self.frozen.notify_one();
                None
            }
        }
    }

    /// `dynamodb:LeadingKeys` as IAM evaluates it for a session that is tagged with an enterprise and its reseller, with
    /// `Null: false`: a request without a key is refused, one with a foreign key too. The pace of calls is everybody's.
    fn allowed(&self, call: &Seen<'_>) -> bool {
        let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
        let keys = partitions(&body);
        let own = |key: &String| *key == self.partition || key.starts_with(&format!("{}#", self.partition));
        let shared = |key: &String| *key == self.reseller || key.starts_with("PACE#");
        !keys.is_empty() && keys.iter().all(|key| own(key) || shared(key))
    }

    /// Whoever was told to wait waits.
    fn patient(&self, state: &mut State, call: &Seen<'_>) {
        let Some((until, told)) = state.pause else { return };
        let now = self.clock.now();
        if now + SignedDuration::from_millis(1) >= until {
            state.pause = None;
        } else if told == state.figures.worker_calls {
            let early = until.duration_since(now);
            state
                .violations
                .push(format!("{} comes {early} too early", call.operation));
        } else {
            state.figures.early_after_kill += 1;
        }
    }

    /// Operations on numbers go to Microsoft, which carries them out later.
    fn asks(state: &mut State, call: &Seen<'_>) {
        let text = String::from_utf8_lossy(call.body);
        if !call.operation.contains("assignNumber") && !text.contains("assignNumber") {
            return;
        }
        for number in state.numbers.iter().filter(|number| text.contains(&number[1..])) {
            state.asked.insert(number.clone());
            for edit in state.edits.iter_mut().filter(|edit| edit.number == *number) {
                edit.blind |= !edit.read;
            }
        }
    }

    /// What was written to the table, and by whom.
    fn written(&self, state: &mut State, call: &Seen<'_>) {
        let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
        for pk in partitions(&body) {
            if pk != self.partition && !pk.starts_with(&format!("{}#", self.partition)) {
                let kind = pk.split('#').next().unwrap_or_default().to_owned();
                *state.figures.look_ups.entry(kind).or_default() += 1;
            }
        }
        if partitions(&body).iter().all(|pk| pk.starts_with("PACE#")) {
            return;
        }
        let lease = body["Item"]["sk"]["S"] == "LEASE";
        let fence = body["Item"]["fence"]["N"].as_str().and_then(|fence| fence.parse().ok());
        if let (true, Some(fence)) = (lease, fence) {
            if state.fence.as_ref().is_some_and(|(newest, _)| fence <= *newest) {
                state.violations.push(format!("the fence does not grow: {fence}"));
            }
            state.fence = Some((fence, host(call)));
            return;
        }
        let writes = matches!(
            call.operation,
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem"
        );
        if writes && state.fence.as_ref().is_some_and(|(_, holder)| *holder != host(call)) {
            let what: BTreeSet<String> = sort_keys(&body);
            state.violations.push(format!("an older worker writes {what:?}"));
        }
    }

    /// What was done in Teams.
    fn done(&self, state: &mut State, call: &Seen<'_>) {
        let text = String::from_utf8_lossy(call.body);
        let batch = call.operation.ends_with("$batch") && !text.contains("assignNumber");
        let reads = call.operation.starts_with("GET") || batch;
        if reads {
            for edit in &mut state.edits {
                edit.read |= call.operation.contains(&edit.number[1..]) || text.contains(&edit.number[1..]);
            }
        }
        let deeds = self.microsoft.deeds(&self.tenant);
        if !deeds.is_empty() && state.fence.as_ref().is_some_and(|(_, holder)| *holder != host(call)) {
            state
                .violations
                .push(format!("an older worker changes Teams: {deeds:?}"));
        }
        for deed in deeds {
            match deed {
                Deed::Number {
                    number,
                    from,
                    to,
                    refused,
                    held,
                } => {
                    state.operations += 1;
                    state.asked.remove(&number);
                    if let Some(words) = refused {
                        if !state.edited && state.gone.is_empty() {
                            state
                                .violations
                                .push(format!("{number} from {from:?} was refused: {words}"));
                        }
                        continue;
                    }
                    if held > 1 {
                        state.violations.push(format!("{to:?} has {held} numbers"));
                    }
                    let taken = from.filter(|from| to.as_ref() != Some(from));
                    if let Some(from) = taken
                        && !state.ours.contains(&(number.clone(), from.clone()))
                    {
                        if state.edits.iter().any(|edit| edit.number == number && edit.blind) {
                            state.figures.blind_releases += 1;
                        } else {
                            state
                                .violations
                                .push(format!("{number} of {from} is not ours, and was taken"));
                        }
                    }
                    if let Some(to) = to {
                        state.ours.insert((number, to));
                    }
                }
                Deed::Policy { .. } => {}
            }
        }
    }
}

impl Watch for Watcher {
    fn before(&self, call: &Seen<'_>) -> Option<Fault> {
        let mut state = self.lock();
        if !state.on {
            return None;
        }
        state.calls += 1;
        state.figures.calls += 1;
        if call.service == "graph" {
            self.patient(&mut state, call);
            Self::asks(&mut state, call);
        }
        if call.service == "dynamodb" && state.bound && !self.allowed(call) {
            state.figures.denied += 1;
            let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
            let (keys, condition) = (
                partitions(&body),
                body["KeyConditionExpression"].as_str().unwrap_or_default(),
            );
            state
                .figures
                .denials
                .insert(format!("{} {keys:?} {condition}", call.operation));
            return Some(Fault::Refuse {
                status: 400,
                code: "AccessDeniedException".into(),
            });
        }
        let number = state.calls;
        let trouble = state.plan.remove(&number)?;
        *state.figures.troubles.entry(trouble.name()).or_default() += 1;
        self.fault(&mut state, call, &trouble)
    }

    fn after(&self, call: &Seen<'_>, status: u16, _: &[u8]) {
        let mut state = self.lock();
        if !state.on || status >= 400 {
            return;
        }
        match call.service {
            "dynamodb" => self.written(&mut state, call),
            "graph" => self.done(&mut state, call),
            _ => {}
        }
    }
}

/// By which name a worker calls.
fn host(call: &Seen<'_>) -> String {
    call.host.split(':').next().unwrap_or_default().to_owned()
}

/// Every partition key of a request to the table.
pub(super) fn partitions(body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(body, "pk", &mut found);
    if let Some(condition) = body["KeyConditionExpression"].as_str() {
        let name = condition.split_once('=').map(|(_, rest)| rest.trim());
        let name = name.and_then(|rest| rest.split([' ', ')']).next()).unwrap_or_default();
        found.extend(body["ExpressionAttributeValues"][name]["S"].as_str().map(str::to_owned));
    }
    found
}

fn sort_keys(body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(body, "sk", &mut found);
    found
}

fn collect(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(name).and_then(|key| key["S"].as_str()).map(str::to_owned));
            map.values().for_each(|inner| collect(inner, name, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| collect(inner, name, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
