//! EventBridge Scheduler: keeps schedules, validates them as AWS does, and fires their targets when the
//! world's clock reaches them. It never moves the clock itself.

mod cron;
mod expression;
mod pages;
mod wire;

use crate::lambda::Lambdas;
use crate::locked::Locked;
use crate::protocol::{Answer, AwsError, parse};
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use expression::Expression;
use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Notify;
use wire::Definition;

/// Group and name.
type Id = (String, String);

struct Schedule {
    definition: Definition,
    expression: Expression,
    zone: TimeZone,
    created: Timestamp,
    modified: Timestamp,
    next: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Default)]
struct State {
    groups: BTreeSet<String>,
    schedules: BTreeMap<Id, Schedule>,
    deliver_twice: bool,
}

#[derive(Clone)]
pub struct Scheduler {
    state: Locked<State>,
    clock: Clock,
    lambdas: Lambdas,
    changed: Arc<Notify>,
}

/// One schedule, for tests and pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub group: String,
    pub name: String,
    pub expression: String,
    pub zone: String,
    pub enabled: bool,
    pub target: String,
    pub input: String,
    pub next: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Scheduler {
    pub(crate) fn new(clock: Clock, lambdas: Lambdas, changed: Arc<Notify>) -> Self {
        let groups = BTreeSet::from(["default".to_owned()]);
        Self {
            state: Locked::new(State {
                groups,
                ..State::default()
            }),
            clock,
            lambdas,
            changed,
        }
    }

    pub fn create_group(&self, name: &str) {
        self.state.with(|state| state.groups.insert(name.to_owned()));
    }

    /// From now on every event is delivered twice, which AWS allows itself.
    pub fn deliver_twice(&self, twice: bool) {
        self.state.with(|state| state.deliver_twice = twice);
    }

    pub fn list(&self) -> Vec<Listed> {
        self.state.with(|state| {
            state
                .schedules
                .iter()
                .map(|(id, schedule)| listed(id, schedule))
                .collect()
        })
    }

    /// When the next schedule is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.state
            .with(|state| state.schedules.values().filter_map(Schedule::due).min())
    }

    /// Takes the earliest firing that is due at `now`. It counts as fired from here on, so nobody else fires it.
    pub(crate) fn take_due(&self, now: Timestamp) -> Option<BoxFuture<'static, ()>> {
        let (firing, twice) = self
            .state
            .with(|state| Some((state.take_due(now)?, state.deliver_twice)))?;
        let lambdas = self.lambdas.clone();
        Some(Box::pin(async move {
            for _ in 0..=u8::from(twice) {
                // Failures are logged where they happen; a schedule lives on after one, as at AWS.
                let _ = lambdas.invoke_event(&firing.target, firing.input.clone()).await;
            }
        }))
    }

    /// The list as a page, mounted on the world's own site.
    pub fn page(&self) -> Router {
        let scheduler = self.clone();
        Router::new().route(
            "/schedules",
            get(move || async move { pages::schedules(&scheduler.list(), scheduler.clock.now()) }),
        )
    }

    pub fn router(&self) -> Router {
        let (a, b, c, d, e) = (self.clone(), self.clone(), self.clone(), self.clone(), self.clone());
        Router::new()
            .route(
                "/schedules",
                get(move |Query(query): Query<BTreeMap<String, String>>| async move { answer(Ok(a.page_of(&query))) }),
            )
            .route(
                "/schedules/{name}",
                post(move |Path(name): Path<String>, body: Bytes| async move { answer(b.create(name, &body)) })
                    .put(move |Path(name): Path<String>, body: Bytes| async move { answer(c.update(name, &body)) })
                    .get(
                        move |Path(name): Path<String>, Query(query): Query<BTreeMap<String, String>>| async move {
                            answer(d.read(&id(name, &query)))
                        },
                    )
                    .delete(
                        move |Path(name): Path<String>, Query(query): Query<BTreeMap<String, String>>| async move {
                            answer(e.delete(&id(name, &query)))
                        },
                    ),
            )
    }

    /// A schedule of the deployment's own, in the default group.
    pub(crate) fn keep(&self, name: &str, definition: &Value) -> Result<(), String> {
        let kept = self.create(name.to_owned(), definition.to_string().as_bytes());
        kept.map(drop).map_err(|error| error.message)
    }

    fn create(&self, name: String, body: &[u8]) -> Answer {
        let now = self.clock.now();
        let checked = checked(&name, body)?;
        let id = (checked.definition.group().to_owned(), name);
        self.state.with(|state| {
            state.group_exists(&id.0)?;
            if let Some(existing) = state.schedules.get(&id) {
                let same = checked.definition.client_token.is_some() && existing.definition == checked.definition;
                let message = format!("Schedule {} already exists.", id.1);
                return if same {
                    Ok(())
                } else {
                    Err(AwsError::new(409, "ConflictException", message))
                };
            }
            state.schedules.insert(id.clone(), checked.schedule(now, now));
            Ok(())
        })?;
        self.changed.notify_waiters();
        Ok(json!({ "ScheduleArn": arn(&id) }))
    }

    /// Replaces everything, as AWS does: what is left out goes back to its default.
    fn update(&self, name: String, body: &[u8]) -> Answer {
        let now = self.clock.now();
        let checked = checked(&name, body)?;
        let id = (checked.definition.group().to_owned(), name);
        self.state.with(|state| {
            state.group_exists(&id.0)?;
            let existing = state.schedules.get_mut(&id).ok_or_else(|| not_found(&id))?;
            *existing = checked.schedule(existing.created, now);
            Ok(())
        })?;
        self.changed.notify_waiters();
        Ok(json!({ "ScheduleArn": arn(&id) }))
    }

    fn read(&self, id: &Id) -> Answer {
        self.state.with(|state| {
            let schedule = state.schedules.get(id).ok_or_else(|| not_found(id))?;
            let mut answer = schedule.definition.to_json();
            answer["Arn"] = Value::from(arn(id));
            answer["Name"] = Value::from(id.1.clone());
            answer["GroupName"] = Value::from(id.0.clone());
            answer["CreationDate"] = seconds(schedule.created);
            answer["LastModificationDate"] = seconds(schedule.modified);
            Ok(answer)
        })
    }

    fn delete(&self, id: &Id) -> Answer {
        let removed = self.state.with(|state| state.schedules.remove(id));
        self.changed.notify_waiters();
        removed.map(|_| json!({})).ok_or_else(|| not_found(id))
    }

    fn page_of(&self, query: &BTreeMap<String, String>) -> Value {
        let size = query
            .get("MaxResults")
            .and_then(|size| size.parse().ok())
            .unwrap_or(100)
            .clamp(1, 100);
        let from = query.get("NextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let wanted = |schedule: &Listed| {
            query.get("ScheduleGroup").is_none_or(|group| *group == schedule.group)
                && query
                    .get("NamePrefix")
                    .is_none_or(|prefix| schedule.name.starts_with(prefix.as_str()))
                && query
                    .get("State")
                    .is_none_or(|state| (state == "ENABLED") == schedule.enabled)
        };
        let all: Vec<Listed> = self.list().into_iter().filter(wanted).collect();
        let page: Vec<Value> = all.iter().skip(from).take(size).map(summary).collect();
        let more = (from + page.len() < all.len()).then(|| (from + page.len()).to_string());
        json!({ "Schedules": page, "NextToken": more })
    }
}

struct Firing {
    target: String,
    input: Value,
}

impl State {
    fn group_exists(&self, group: &str) -> Result<(), AwsError> {
        let message = || format!("Schedule group {group} does not exist.");
        if self.groups.contains(group) {
            Ok(())
        } else {
            Err(AwsError::new(404, "ResourceNotFoundException", message()))
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Option<Firing> {
        let due = self
            .schedules
            .iter()
            .filter_map(|(id, schedule)| Some((schedule.due()?, id.clone())));
        let (at, id) = due.filter(|(at, _)| *at <= now).min()?;
        let schedule = self.schedules.get_mut(&id)?;
        let input = schedule.definition.input_at(at, &arn(&id));
        let firing = Firing {
            target: schedule.definition.target.arn.clone(),
            input,
        };
        schedule.last = Some(at);
        schedule.next = schedule.after(at);
        if schedule.next.is_none() && schedule.definition.deletes_itself() {
            self.schedules.remove(&id);
        }
        Some(firing)
    }
}

impl Schedule {
    fn due(&self) -> Option<Timestamp> {
        self.next.filter(|_| self.definition.enabled())
    }

    fn after(&self, fired: Timestamp) -> Option<Timestamp> {
        let next = self.expression.following(fired, &self.zone)?;
        self.definition.end().is_none_or(|end| next <= end).then_some(next)
    }
}

/// A valid definition with its parsed parts.
struct Checked {
    definition: Definition,
    expression: Expression,
    zone: TimeZone,
}

fn checked(name: &str, body: &[u8]) -> Result<Checked, AwsError> {
    let definition: Definition =
        serde_json::from_value(parse(body)?).map_err(|error| wire::invalid(error.to_string()))?;
    let (expression, zone) = definition.check(name)?;
    Ok(Checked {
        definition,
        expression,
        zone,
    })
}

impl Checked {
    fn schedule(self, created: Timestamp, now: Timestamp) -> Schedule {
        let Self {
            definition,
            expression,
            zone,
        } = self;
        let start = definition.start().map_or(now, |start| start.max(now));
        let first = expression.first(start, &zone);
        let next = first.filter(|first| definition.end().is_none_or(|end| *first <= end));
        Schedule {
            definition,
            expression,
            zone,
            created,
            modified: now,
            next,
            last: None,
        }
    }
}

fn answer(answer: Answer) -> Response {
    answer.map(Json).into_response()
}

fn id(name: String, query: &BTreeMap<String, String>) -> Id {
    (
        query.get("groupName").map_or("default", String::as_str).to_owned(),
        name,
    )
}

fn arn((group, name): &Id) -> String {
    format!("arn:aws:scheduler:eu-west-1:000000000000:schedule/{group}/{name}")
}

fn not_found((_, name): &Id) -> AwsError {
    AwsError::new(
        404,
        "ResourceNotFoundException",
        format!("Schedule {name} does not exist."),
    )
}

fn seconds(at: Timestamp) -> Value {
    Value::from(at.as_second())
}

fn listed((group, name): &Id, schedule: &Schedule) -> Listed {
    Listed {
        group: group.clone(),
        name: name.clone(),
        expression: schedule.definition.schedule_expression.clone(),
        zone: schedule.definition.zone_name().to_owned(),
        enabled: schedule.definition.enabled(),
        target: schedule.definition.target.arn.clone(),
        input: schedule.definition.target.input.clone().unwrap_or_default(),
        next: schedule.due(),
        last: schedule.last,
    }
}

fn summary(schedule: &Listed) -> Value {
    json!({
        "Arn": arn(&(schedule.group.clone(), schedule.name.clone())),
        "Name": schedule.name,
        "GroupName": schedule.group,
        "State": if schedule.enabled { "ENABLED" } else { "DISABLED" },
        "Target": { "Arn": schedule.target },
    })
}

#[cfg(test)]
mod tests;
