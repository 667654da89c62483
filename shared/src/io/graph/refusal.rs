//! What Entra says instead of a token or a code, and who must act on it.

use crate::Error;
use crate::error::SignInRefused;
use oauth2::ErrorResponse;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an error on the redirect means for the person.
#[must_use]
pub fn callback_refusal(error: &str, description: &str) -> SignInRefused {
    refusal(error, aadsts(description), "")
}

/// The number says more than the word; without one, the word has to do.
fn refusal(error: &str, number: Option<u32>, suberror: &str) -> SignInRefused {
    match (number, error) {
        (Some(65004), _) | (None, "access_denied") => SignInRefused::Declined,
        (Some(90094 | 90095), _) | (None, "consent_required") => SignInRefused::ApprovalRequired,
        (None, _) if suberror == "consent_required" => SignInRefused::ApprovalRequired,
        (Some(number), _) => SignInRefused::Microsoft {
            code: format!("AADSTS{number}"),
        },
        (None, error) => SignInRefused::Microsoft {
            code: error
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(60)
                .collect(),
        },
    }
}

/// The number in `AADSTS65001: …`.
fn aadsts(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Why Microsoft gave no token.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct TokenFault {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    suberror: String,
    #[serde(default)]
    trace_id: String,
    #[serde(default)]
    correlation_id: String,
    #[serde(default)]
    timestamp: String,
}

impl ErrorResponse for TokenFault {}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl TokenFault {
    fn number(&self) -> Option<u32> {
        self.error_codes
            .first()
            .copied()
            .or_else(|| aadsts(&self.error_description))
    }

    /// The refresh token no longer works; missing consent is something else.
    pub(super) fn session_ended(&self) -> bool {
        self.error == "invalid_grant" && self.number() != Some(65001) && self.suberror != "consent_required"
    }

    /// What Microsoft's support asks for.
    pub(super) fn note(&self, doing: &'static str) {
        tracing::info!(
            microsoft.error = self.error,
            microsoft.code = self.number(),
            microsoft.trace_id = self.trace_id,
            microsoft.correlation_id = self.correlation_id,
            microsoft.timestamp = self.timestamp,
            "could not {doing}: Microsoft answered {}",
            self.error
        );
    }

    pub(super) fn into_error(self, doing: &'static str) -> Error {
        self.note(doing);
        match self.error.as_str() {
            // Our registration or our request is at fault; no person who signs in can help.
            "invalid_client" | "invalid_request" | "invalid_scope" | "unsupported_grant_type" => Error::Refused {
                doing,
                status: 400,
                code: self.number().map_or(self.error, |number| format!("AADSTS{number}")),
                message: self
                    .error_description
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(500)
                    .collect(),
            },
            "temporarily_unavailable" | "server_error" => Error::upstream(doing, self.error),
            error => refusal(error, self.number(), &self.suberror).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_on_the_redirect_are_understood() {
        let check = |error, description, expected| assert_eq!(callback_refusal(error, description), expected);
        let microsoft = |code: &str| SignInRefused::Microsoft { code: code.into() };
        check(
            "access_denied",
            "AADSTS65004: The user declined to consent.",
            SignInRefused::Declined,
        );
        check("access_denied", "the user canceled", SignInRefused::Declined);
        check("consent_required", "AADSTS65004: declined", SignInRefused::Declined);
        check("consent_required", "", SignInRefused::ApprovalRequired);
        check(
            "invalid_client",
            "AADSTS90095: Admin consent",
            SignInRefused::ApprovalRequired,
        );
        check("access_denied", "AADSTS53003: blocked", microsoft("AADSTS53003"));
        check("server_error", "AADSTS", microsoft("server_error"));
        check("<script>alert(1)</script>", "", microsoft("scriptalert1script"));
    }
}
