//! One step of an execution: where it stands, what the state says, where it goes next.

use crate::lambda::{InvokeError, Lambdas};
use crate::state_machine::definition::{Catcher, Choice, Definition, Retrier, State, Task};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The longest wait that Step Functions takes.
const MAX_WAIT_SECONDS: i64 = 99_999_999;

/// Where an execution stands: the state it is about to enter, its data, and what was tried there.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) state: String,
    pub(super) data: Value,
    /// Attempts by retrier of the present state.
    attempts: Vec<u32>,
}

pub(super) enum Step {
    Go(Position),
    Pause(SignedDuration, Position),
    Succeeded(Value),
    Failed(Failure),
}

/// Error and cause, as `DescribeExecution` shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error: String,
    pub(super) cause: String,
}

impl Position {
    pub(super) fn at(state: &str, data: Value) -> Self {
        Self {
            state: state.to_owned(),
            data,
            attempts: Vec::new(),
        }
    }
}

pub(super) async fn step(definition: &Definition, lambdas: &Lambdas, position: Position) -> Step {
    let Some(state) = definition.states.get(&position.state) else {
        return Step::Failed(runtime(format!("there is no state {}", position.state)));
    };
    let outcome = match state {
        State::Succeed(_) => Ok(Step::Succeeded(position.data)),
        State::Fail(fail) => Err(Failure {
            error: fail.error.clone(),
            cause: fail.cause.clone(),
        }),
        State::Choice(choice) => choose(choice, position.data),
        State::Wait(wait) => match pick(&position.data, &wait.seconds_path).map(Value::as_i64) {
            Ok(Some(seconds @ 0..=MAX_WAIT_SECONDS)) => Ok(Step::Pause(
                SignedDuration::from_secs(seconds),
                Position::at(&wait.next, position.data),
            )),
            Ok(_) => Err(runtime(format!("{} is not a number of seconds", wait.seconds_path))),
            Err(failure) => Err(failure),
        },
        State::Task(task) => work(task, lambdas, position).await,
    };
    outcome.unwrap_or_else(Step::Failed)
}

fn choose(choice: &Choice, data: Value) -> Result<Step, Failure> {
    for rule in &choice.choices {
        if pick(&data, &rule.variable)?.as_str() == Some(&rule.string_equals) {
            return Ok(Step::Go(Position::at(&rule.next, data)));
        }
    }
    let none = || Failure {
        error: "States.NoChoiceMatched".to_owned(),
        cause: data.to_string(),
    };
    let next = choice.default.as_deref().ok_or_else(none)?;
    Ok(Step::Go(Position::at(next, data)))
}

async fn work(task: &Task, lambdas: &Lambdas, position: Position) -> Result<Step, Failure> {
    match call(task, lambdas, &position.data).await {
        Ok(result) => {
            let result = match &task.result_selector {
                Some(template) => fill(template, &result)?,
                None => result,
            };
            Ok(Step::Go(Position::at(
                &task.next,
                put(position.data, task.result_path.as_deref(), result)?,
            )))
        }
        Err(failure) => recover(task, position, failure),
    }
}

/// The optimised Lambda integration wraps the answer in `Payload`; a bare function ARN gives the answer itself.
async fn call(task: &Task, lambdas: &Lambdas, data: &Value) -> Result<Value, Failure> {
    let input = task
        .parameters
        .as_ref()
        .map_or_else(|| Ok(data.clone()), |template| fill(template, data))?;
    let wrapped = task.resource == "arn:aws:states:::lambda:invoke";
    let (function, payload) = if wrapped {
        let function = input.get("FunctionName").and_then(Value::as_str).unwrap_or_default();
        (
            function.to_owned(),
            input.get("Payload").cloned().unwrap_or_else(|| json!({})),
        )
    } else {
        (task.resource.clone(), input)
    };
    let limit = Duration::from_secs(task.timeout_seconds.unwrap_or(99_999_999));
    let answer = match tokio::time::timeout(limit, lambdas.invoke(&function, payload)).await {
        Ok(answer) => answer.map_err(failure_of)?,
        Err(_) => {
            return Err(Failure {
                error: "States.Timeout".to_owned(),
                cause: String::new(),
            });
        }
    };
    Ok(if wrapped {
        json!({ "StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": answer })
    } else {
        answer
    })
}

fn failure_of(error: InvokeError) -> Failure {
    match error {
        InvokeError::NoSuchFunction(name) => Failure {
            error: "Lambda.ResourceNotFoundException".to_owned(),
            cause: format!("Function not found: {name}"),
        },
        InvokeError::Function(error) => Failure {
            cause: json!({ "errorType": error.error_type, "errorMessage": error.message }).to_string(),
            error: error.error_type,
        },
    }
}

/// Retriers first, in order, each with its own count; then catchers; else the execution fails.
fn recover(task: &Task, mut position: Position, failure: Failure) -> Result<Step, Failure> {
    position.attempts.resize(task.retry.len(), 0);
    let retrier = task
        .retry
        .iter()
        .zip(&mut position.attempts)
        .find(|(retrier, _)| fits(&retrier.error_equals, &failure));
    if let Some((retrier, attempts)) = retrier
        && *attempts < retrier.max_attempts
    {
        let pause = backoff(retrier, *attempts);
        *attempts += 1;
        return Ok(Step::Pause(pause, position));
    }
    let Some(catcher) = task.catch.iter().find(|catcher| fits(&catcher.error_equals, &failure)) else {
        return Err(failure);
    };
    caught(catcher, position.data, &failure)
}

fn caught(catcher: &Catcher, data: Value, failure: &Failure) -> Result<Step, Failure> {
    let error = json!({ "Error": failure.error, "Cause": failure.cause });
    Ok(Step::Go(Position::at(
        &catcher.next,
        put(data, catcher.result_path.as_deref(), error)?,
    )))
}

fn backoff(retrier: &Retrier, attempts: u32) -> SignedDuration {
    let factor = retrier.backoff_rate.powi(i32::try_from(attempts).unwrap_or(i32::MAX));
    SignedDuration::try_from_secs_f64(f64::from(retrier.interval_seconds) * factor)
        .unwrap_or(SignedDuration::from_hours(24))
}

/// `States.TaskFailed` is every error but a timeout.
fn fits(names: &[String], failure: &Failure) -> bool {
    names.iter().any(|name| match name.as_str() {
        "States.ALL" => true,
        "States.TaskFailed" => failure.error != "States.Timeout",
        name => name == failure.error,
    })
}

/// The value at `$.a.b`.
fn pick<'a>(data: &'a Value, path: &str) -> Result<&'a Value, Failure> {
    let missing = || runtime(format!("the path {path} matches nothing"));
    let steps = path.strip_prefix('$').ok_or_else(missing)?;
    steps
        .split('.')
        .skip(1)
        .try_fold(data, |value, key| value.get(key))
        .ok_or_else(missing)
}

/// `data` with `value` at `$.key`; the whole of it for `$` or no path.
fn put(mut data: Value, path: Option<&str>, value: Value) -> Result<Value, Failure> {
    let Some(key) = path.and_then(|path| path.strip_prefix("$.")) else {
        return Ok(value);
    };
    let object = data
        .as_object_mut()
        .ok_or_else(|| runtime(format!("{key} has no place in data that is no object")))?;
    object.insert(key.to_owned(), value);
    Ok(data)
}

/// A template whose keys that end in `.$` take their value from a path.
fn fill(template: &Value, data: &Value) -> Result<Value, Failure> {
    let Value::Object(fields) = template else {
        return Ok(template.clone());
    };
    let mut filled = Map::new();
    for (key, value) in fields {
        match (key.strip_suffix(".$"), value.as_str()) {
            (Some(key), Some(path)) => filled.insert(key.to_owned(), pick(data, path)?.clone()),
            _ => filled.insert(key.clone(), fill(value, data)?),
        };
    }
    Ok(Value::Object(filled))
}

fn runtime(cause: String) -> Failure {
    Failure {
        error: "States.Runtime".to_owned(),
        cause,
    }
}
