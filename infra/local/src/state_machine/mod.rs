//! Step Functions: runs the definition that is deployed, on the world's clock. An execution that waits is
//! kept aside until the clock reaches it; whoever moves the clock lets it go on.

mod definition;
mod step;

use crate::busy::Busy;
use crate::lambda::Lambdas;
use crate::locked::Locked;
use crate::protocol::{Answer, AwsError, json_answer, parse, target, unique};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use definition::Definition;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::collections::BTreeMap;
use std::sync::Arc;
use step::{Failure, Position, Step, step};
use tokio::sync::Notify;

/// Step Functions takes no larger input.
const MAX_INPUT: usize = 256 * 1024;

#[derive(Clone, Debug, PartialEq)]
enum Status {
    Running,
    Succeeded(Value),
    Failed(Failure),
}

struct Execution {
    machine: String,
    name: String,
    input: Value,
    status: Status,
    started: Timestamp,
    stopped: Option<Timestamp>,
    /// Where it goes on, and when; none while it works.
    parked: Option<(Timestamp, Position)>,
}

#[derive(Default)]
struct State {
    machines: BTreeMap<String, Arc<Definition>>,
    executions: BTreeMap<String, Execution>,
    skip_waits: bool,
}

/// One execution, for tests and pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub arn: String,
    pub input: Value,
    /// `RUNNING`, `SUCCEEDED` or `FAILED`.
    pub status: &'static str,
    pub wakes: Option<Timestamp>,
}

#[derive(Clone)]
pub struct StateMachine {
    state: Locked<State>,
    clock: Clock,
    lambdas: Lambdas,
    busy: Busy,
    changed: Arc<Notify>,
}

impl StateMachine {
    pub(crate) fn new(clock: Clock, lambdas: Lambdas, busy: Busy, changed: Arc<Notify>) -> Self {
        Self {
            state: Locked::new(State::default()),
            clock,
            lambdas,
            busy,
            changed,
        }
    }

    /// Adds a machine; the answer is its ARN, or what is wrong with the definition.
    pub fn create(&self, name: &str, text: &str, substitutions: &BTreeMap<String, String>) -> Result<String, String> {
        let definition = Arc::new(Definition::load(text, substitutions)?);
        let arn = format!("arn:aws:states:eu-west-1:000000000000:stateMachine:{name}");
        self.state.with(|state| state.machines.insert(arn.clone(), definition));
        Ok(arn)
    }

    /// From now on a wait moves the clock instead of waiting for it.
    pub fn skip_waits(&self, skip: bool) {
        self.state.with(|state| state.skip_waits = skip);
    }

    pub fn list(&self) -> Vec<Listed> {
        self.state.with(|state| {
            state
                .executions
                .iter()
                .map(|(arn, execution)| execution.listed(arn))
                .collect()
        })
    }

    /// When the next waiting execution goes on.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.state
            .with(|state| state.executions.values().filter_map(Execution::wakes).min())
    }

    /// Takes the earliest execution that is due at `now`; nobody else will take it.
    pub(crate) fn take_due(&self, now: Timestamp) -> Option<BoxFuture<'static, ()>> {
        let (arn, position) = self.state.with(|state| {
            let due = state
                .executions
                .iter()
                .filter_map(|(arn, execution)| Some((execution.wakes()?, arn.clone())));
            let (_, arn) = due.filter(|(at, _)| *at <= now).min()?;
            let (_, position) = state.executions.get_mut(&arn)?.parked.take()?;
            Some((arn, position))
        })?;
        let machine = self.clone();
        Some(Box::pin(async move { machine.drive(arn, position).await }))
    }

    /// Runs an execution until it waits or ends.
    async fn drive(&self, arn: String, mut position: Position) {
        let Some(definition) = self.definition_of(&arn) else {
            return;
        };
        loop {
            match step(&definition, &self.lambdas, position).await {
                Step::Go(next) => position = next,
                Step::Pause(pause, next) if self.state.with(|state| state.skip_waits) => {
                    self.clock.advance(pause);
                    position = next;
                }
                Step::Pause(pause, next) => {
                    let wakes = self.clock.now() + pause;
                    self.change(&arn, |execution| execution.parked = Some((wakes, next)));
                    return self.changed.notify_waiters();
                }
                Step::Succeeded(output) => return self.end(&arn, Status::Succeeded(output)),
                Step::Failed(failure) => return self.end(&arn, Status::Failed(failure)),
            }
        }
    }

    fn definition_of(&self, arn: &str) -> Option<Arc<Definition>> {
        self.state
            .with(|state| state.machines.get(&state.executions.get(arn)?.machine).cloned())
    }

    fn end(&self, arn: &str, status: Status) {
        let now = self.clock.now();
        self.change(arn, |execution| {
            (execution.status, execution.stopped) = (status, Some(now))
        });
    }

    fn change(&self, arn: &str, change: impl FnOnce(&mut Execution)) {
        self.state.with(|state| state.executions.get_mut(arn).map(change));
    }

    pub fn router(&self) -> Router {
        let machine = self.clone();
        let call = move |headers: HeaderMap, body: Bytes| async move { json_answer(machine.call(&headers, &body)) };
        Router::new().route("/", post(call))
    }

    fn call(&self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let input = parse(body)?;
        match target(headers).unwrap_or_default() {
            (_, "StartExecution") => self.start(&input),
            (_, "DescribeExecution") => self.describe(&input),
            (_, other) => Err(AwsError::unknown_operation(other)),
        }
    }

    /// A name is good for one input: the same again while it runs is the same execution, anything else is refused.
    fn start(&self, call: &Value) -> Answer {
        let field = |name: &str| call.get(name).and_then(Value::as_str);
        let machine = field("stateMachineArn").unwrap_or_default();
        let name = field("name").map_or_else(unique, str::to_owned);
        if !is_name(&name) {
            return Err(AwsError::new(400, "InvalidName", format!("Invalid Name: '{name}'")));
        }
        let text = field("input").unwrap_or("{}");
        if text.len() > MAX_INPUT {
            return Err(AwsError::new(
                400,
                "InvalidExecutionInput",
                "input is longer than 262144",
            ));
        }
        let input: Value = serde_json::from_str(text)
            .map_err(|error| AwsError::new(400, "InvalidExecutionInput", error.to_string()))?;
        let arn = format!("{}:{name}", machine.replacen(":stateMachine:", ":execution:", 1));
        let now = self.clock.now();
        let begun = self.state.with(|state| {
            let definition = state.machines.get(machine).ok_or_else(|| {
                AwsError::new(
                    400,
                    "StateMachineDoesNotExist",
                    format!("State Machine Does Not Exist: '{machine}'"),
                )
            })?;
            if let Some(existing) = state.executions.get(&arn) {
                let same = existing.status == Status::Running && existing.input == input;
                let message = format!("Execution Already Exists: '{arn}'");
                return if same {
                    Ok(None)
                } else {
                    Err(AwsError::new(400, "ExecutionAlreadyExists", message))
                };
            }
            let position = Position::at(&definition.start_at, input.clone());
            let execution = Execution {
                machine: machine.to_owned(),
                name,
                input,
                status: Status::Running,
                started: now,
                stopped: None,
                parked: None,
            };
            state.executions.insert(arn.clone(), execution);
            Ok(Some(position))
        })?;
        if let Some(position) = begun {
            let (machine, arn, working) = (self.clone(), arn.clone(), self.busy.start());
            tokio::spawn(async move {
                let _working = working;
                machine.drive(arn, position).await;
            });
        }
        self.describe(&json!({ "executionArn": arn }))
            .map(|all| json!({ "executionArn": arn, "startDate": all["startDate"] }))
    }

    fn describe(&self, call: &Value) -> Answer {
        let arn = call.get("executionArn").and_then(Value::as_str).unwrap_or_default();
        self.state.with(|state| {
            let message = format!("Execution Does Not Exist: '{arn}'");
            let execution = state.executions.get(arn);
            let execution = execution.ok_or_else(|| AwsError::new(400, "ExecutionDoesNotExist", message))?;
            Ok(execution.to_json(arn))
        })
    }
}

impl Execution {
    fn wakes(&self) -> Option<Timestamp> {
        self.parked.as_ref().map(|(at, _)| *at)
    }

    fn status_name(&self) -> &'static str {
        match self.status {
            Status::Running => "RUNNING",
            Status::Succeeded(_) => "SUCCEEDED",
            Status::Failed(_) => "FAILED",
        }
    }

    fn listed(&self, arn: &str) -> Listed {
        Listed {
            arn: arn.to_owned(),
            input: self.input.clone(),
            status: self.status_name(),
            wakes: self.wakes(),
        }
    }

    fn to_json(&self, arn: &str) -> Value {
        let mut json = json!({
            "executionArn": arn,
            "stateMachineArn": self.machine,
            "name": self.name,
            "status": self.status_name(),
            "startDate": self.started.as_second(),
            "input": self.input.to_string(),
        });
        if let Some(stopped) = self.stopped {
            json["stopDate"] = Value::from(stopped.as_second());
        }
        match &self.status {
            Status::Running => {}
            Status::Succeeded(output) => json["output"] = Value::from(output.to_string()),
            Status::Failed(failure) => {
                json["error"] = Value::from(failure.error.clone());
                json["cause"] = Value::from(failure.cause.clone());
            }
        }
        json
    }
}

fn is_name(name: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(c);
    (1..=80).contains(&name.chars().count()) && !name.contains(refused)
}

#[cfg(test)]
mod tests;
