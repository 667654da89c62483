//! Entra's errors: one value, shown as a dead-end page, sent back to the application, or answered as JSON.

use super::super::chance::Chance;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

/// An AADSTS error.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: u32,
    pub(super) error: &'static str,
    pub(super) text: String,
    pub(super) suberror: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(code: u32, error: &'static str, text: &str) -> Self {
        Self {
            code,
            error,
            text: text.to_owned(),
            suberror: None,
        }
    }

    /// An error by its number alone, as an operator orders it.
    pub(super) fn by_code(code: u32) -> Self {
        let (error, text) = match code {
            65_001 => (
                "invalid_grant",
                "The user or administrator has not consented to use the application.",
            ),
            65_004 => ("access_denied", "User declined to consent to access the app."),
            90_002 => (
                "invalid_request",
                "Tenant not found. Check to make sure you have the correct tenant ID.",
            ),
            90_094 => ("access_denied", "An administrator must grant these permissions."),
            90_095 => (
                "access_denied",
                "Approval required: ask an administrator to approve this request.",
            ),
            90_099 => (
                "access_denied",
                "The application has not been authorized in the customer tenant.",
            ),
            50_020 => (
                "access_denied",
                "User account from an identity provider does not exist in the tenant.",
            ),
            50_034 => ("access_denied", "The user account does not exist in the directory."),
            50_057 => ("access_denied", "The user account is disabled."),
            50_076 => (
                "interaction_required",
                "You must use multi-factor authentication to access the resource.",
            ),
            50_105 => (
                "access_denied",
                "The signed in user is not assigned to a role for the application.",
            ),
            53_003 => (
                "access_denied",
                "Access has been blocked by Conditional Access policies.",
            ),
            530_003 => (
                "access_denied",
                "Your device is required to be managed to access this resource.",
            ),
            700_016 => ("unauthorized_client", "Application was not found in the directory."),
            _ => ("access_denied", "The sign-in was stopped."),
        };
        Self::new(code, error, text)
    }

    /// Whether Entra sends the person back to the application with it, or stops on its own page.
    pub(super) fn comes_back(&self) -> bool {
        matches!(
            self.code,
            65_004 | 70_011 | 500_011 | 650_052 | 16_000 | 50_058 | 65_001 | 700_022 | 900_144
        )
    }

    pub(super) fn description(&self, chance: &mut Chance, now: Timestamp) -> String {
        let (trace, correlation) = (chance.guid(), chance.guid());
        let at = now.strftime("%Y-%m-%d %H:%M:%SZ");
        let (code, text) = (self.code, &self.text);
        format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}")
    }

    /// The body of the token endpoint.
    pub(super) fn json(&self, chance: &mut Chance, now: Timestamp, login_url: &str) -> Response {
        let (trace, correlation) = (chance.guid().to_string(), chance.guid().to_string());
        let at = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let (code, text) = (self.code, &self.text);
        let mut body = json!({
            "error": self.error,
            "error_description":
                format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"),
            "error_codes": [code], "timestamp": at, "trace_id": trace, "correlation_id": correlation,
            "error_uri": format!("{login_url}/error?code={code}"),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        let status = if self.error == "invalid_client" {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        };
        (status, axum::Json(body)).into_response()
    }
}
