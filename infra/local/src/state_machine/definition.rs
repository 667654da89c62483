//! The part of Amazon States Language that our definition uses. A field or state type outside it is an
//! error when the definition is loaded, never something that is quietly ignored.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Definition {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    pub(super) start_at: String,
    pub(super) states: BTreeMap<String, State>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "Type")]
pub(super) enum State {
    Task(Task),
    Choice(Choice),
    Wait(Wait),
    #[expect(dead_code, reason = "read for its fields alone: an unknown one must be refused")]
    Succeed(Succeed),
    Fail(Fail),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Task {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    pub(super) resource: String,
    pub(super) parameters: Option<Value>,
    pub(super) result_selector: Option<Value>,
    pub(super) result_path: Option<String>,
    pub(super) timeout_seconds: Option<u64>,
    #[serde(default)]
    pub(super) retry: Vec<Retrier>,
    #[serde(default)]
    pub(super) catch: Vec<Catcher>,
    pub(super) next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Retrier {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    pub(super) error_equals: Vec<String>,
    #[serde(default = "one")]
    pub(super) interval_seconds: u32,
    #[serde(default = "three")]
    pub(super) max_attempts: u32,
    #[serde(default = "two")]
    pub(super) backoff_rate: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Catcher {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    pub(super) error_equals: Vec<String>,
    pub(super) result_path: Option<String>,
    pub(super) next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Choice {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    pub(super) choices: Vec<Rule>,
    pub(super) default: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) variable: String,
    pub(super) string_equals: String,
    pub(super) next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Wait {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    pub(super) seconds_path: String,
    pub(super) next: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Succeed {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Fail {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    pub(super) error: String,
    pub(super) cause: String,
}

fn one() -> u32 {
    1
}

fn three() -> u32 {
    3
}

fn two() -> f64 {
    2.0
}

impl Definition {
    /// Reads a definition after replacing `${Name}` by its value, as a deployment does.
    pub(super) fn load(text: &str, substitutions: &BTreeMap<String, String>) -> Result<Self, String> {
        let filled = substitutions.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        });
        if let Some(at) = filled.find("${") {
            let rest: String = filled[at..].chars().take(40).collect();
            return Err(format!("no value for {rest}"));
        }
        let definition: Self = serde_json::from_str(&filled).map_err(|error| error.to_string())?;
        for next in definition.targets() {
            if !definition.states.contains_key(next) {
                return Err(format!("there is no state {next}"));
            }
        }
        Ok(definition)
    }

    fn targets(&self) -> Vec<&str> {
        let mut all = vec![self.start_at.as_str()];
        for state in self.states.values() {
            match state {
                State::Task(task) => {
                    all.push(&task.next);
                    all.extend(task.catch.iter().map(|catcher| catcher.next.as_str()));
                }
                State::Choice(choice) => {
                    all.extend(choice.choices.iter().map(|rule| rule.next.as_str()));
                    all.extend(choice.default.as_deref());
                }
                State::Wait(wait) => all.push(&wait.next),
                State::Succeed(_) | State::Fail(_) => {}
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, because: &str) {
        let error = Definition::load(text, &BTreeMap::new()).unwrap_err();
        assert!(error.contains(because), "{error}");
    }

    #[test]
    fn an_unknown_state_type_is_refused() {
        refused(r#"{"StartAt":"A","States":{"A":{"Type":"Parallel"}}}"#, "Parallel");
    }
    #[test]
    fn an_unknown_field_is_refused() {
        refused(
            r#"{"StartAt":"A","States":{"A":{"Type":"Succeed","OutputPath":"$"}}}"#,
            "OutputPath",
        );
    }
    #[test]
    fn a_missing_state_is_refused() {
        refused(r#"{"StartAt":"B","States":{"A":{"Type":"Succeed"}}}"#, "no state B");
    }
    #[test]
    fn a_missing_substitution_is_refused() {
        refused(r#"{"StartAt":"${Nobody}","States":{}}"#, "${Nobody}");
    }
}
