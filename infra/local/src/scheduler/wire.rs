//! A schedule as the API writes it, and what AWS refuses about it.

use crate::protocol::AwsError;
use crate::scheduler::expression::Expression;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Definition {
    #[serde(skip_serializing)]
    group_name: Option<String>,
    #[serde(skip_serializing)]
    pub(super) client_token: Option<String>,
    pub(super) schedule_expression: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_expression_timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    flexible_time_window: Window,
    pub(super) target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_after_completion: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Window {
    mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_window_in_minutes: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    pub(super) arn: String,
    role_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_policy: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<Value>,
}

pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "ValidationException", message)
}

impl Definition {
    /// Everything that AWS would refuse, in its order of fields.
    pub(super) fn check(&self, name: &str) -> Result<(Expression, TimeZone), AwsError> {
        let rule = |holds: bool, what: &str| if holds { Ok(()) } else { Err(invalid(what)) };
        rule(
            is_name(name),
            "Value at 'name' failed to satisfy constraint: [0-9a-zA-Z-_.]+ of at most 64",
        )?;
        rule(
            is_name(self.group()),
            "Value at 'groupName' failed to satisfy constraint",
        )?;
        let expression = Expression::parse(&self.schedule_expression)
            .ok_or_else(|| invalid(format!("Invalid Schedule Expression {}.", self.schedule_expression)))?;
        let zone = TimeZone::get(self.zone_name())
            .map_err(|_| invalid(format!("Provided time zone {} is invalid.", self.zone_name())))?;
        let window = &self.flexible_time_window;
        let given = (window.mode.as_str(), window.maximum_window_in_minutes);
        let window_holds = matches!(given, ("OFF", None) | ("FLEXIBLE", Some(1..=1440)));
        rule(
            window_holds,
            "FlexibleTimeWindow needs MaximumWindowInMinutes (1 to 1440) when, and only when, FLEXIBLE.",
        )?;
        rule(is_arn(&self.target.arn, ""), "Provided Arn is not in correct format.")?;
        rule(
            is_arn(&self.target.role_arn, ":role/"),
            "Provided RoleArn is not in correct format.",
        )?;
        let input_holds = self
            .target
            .input
            .as_deref()
            .is_none_or(|input| serde_json::from_str::<Value>(input).is_ok());
        rule(input_holds, "Provided Input is not valid JSON for the target.")?;
        rule(
            matches!(self.state.as_deref(), None | Some("ENABLED" | "DISABLED")),
            "Value at 'state' is unknown",
        )?;
        let after = self.action_after_completion.as_deref();
        rule(
            matches!(after, None | Some("NONE" | "DELETE")),
            "Value at 'actionAfterCompletion' is unknown",
        )?;
        let order = self.start().zip(self.end()).is_none_or(|(start, end)| start < end);
        rule(order, "The StartDate you specify must be earlier than the EndDate.")?;
        Ok((expression, zone))
    }

    pub(super) fn group(&self) -> &str {
        self.group_name.as_deref().unwrap_or("default")
    }

    pub(super) fn zone_name(&self) -> &str {
        self.schedule_expression_timezone.as_deref().unwrap_or("UTC")
    }

    pub(super) fn enabled(&self) -> bool {
        self.state.as_deref() != Some("DISABLED")
    }

    pub(super) fn deletes_itself(&self) -> bool {
        self.action_after_completion.as_deref() == Some("DELETE")
    }

    pub(super) fn start(&self) -> Option<Timestamp> {
        self.start_date.and_then(instant)
    }

    pub(super) fn end(&self) -> Option<Timestamp> {
        self.end_date.and_then(instant)
    }

    /// The input of one firing, with AWS's placeholders filled in.
    pub(super) fn input_at(&self, at: Timestamp, arn: &str) -> Value {
        let input = self.target.input.as_deref().unwrap_or("{}");
        let filled = input
            .replace(
                "<aws.scheduler.scheduled-time>",
                &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            )
            .replace("<aws.scheduler.schedule-arn>", arn)
            .replace("<aws.scheduler.attempt-number>", "1");
        // It was valid JSON when it was accepted, and the placeholders hold no quotes.
        serde_json::from_str(&filled).unwrap_or(Value::Null)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        json["State"] = Value::from(if self.enabled() { "ENABLED" } else { "DISABLED" });
        json["ScheduleExpressionTimezone"] = Value::from(self.zone_name());
        json
    }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of any real date fit")]
fn instant(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
}

fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

fn is_arn(text: &str, part: &str) -> bool {
    text.starts_with("arn:aws") && text.split(':').count() >= 6 && text.contains(part)
}
