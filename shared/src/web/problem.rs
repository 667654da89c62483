//! The only place where an error becomes an HTTP answer: RFC 9457 problem documents with a stable `code`.

use crate::domain::Invalid;
use crate::domain::fault::{Fault, Place};
use crate::error::{Chain, Error, SignInRefused};
use axum::Extension;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use serde::Serialize;

/// A problem document.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `/problems/<code>`
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, in a few words that are the same for every occurrence.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A stable code to branch on.
    pub code: &'static str,
    /// What went wrong this time and what to do; absent where the fault is ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Every refused value; of a file or list the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// How many values of a file or list are refused in all.
    #[serde(rename = "errorCount", skip_serializing_if = "Option::is_none")]
    pub error_count: Option<usize>,
    /// The id of the request, as in the header `x-request-id`; tell it to support.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One refused value.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field's name, or its place such as `rows[2].teamsUser`.
    pub field: String,
    /// A stable code of the fault to branch on; `INVALID` where there is no closer one.
    pub code: &'static str,
    /// What would be right.
    pub detail: String,
    /// The line of the file, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column of the file, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The place in the list, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The id that stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl From<&Invalid> for FieldError {
    fn from(invalid: &Invalid) -> Self {
        Self {
            field: invalid.what.clone(),
            code: invalid.code,
            detail: invalid.why.clone(),
            ..Self::default()
        }
    }
}

impl From<&Fault> for FieldError {
    fn from(fault: &Fault) -> Self {
        let (line, index) = match fault.place {
            Some(Place::Line(line)) => (Some(line), None),
            Some(Place::Index(index)) => (None, Some(index)),
            None => (None, None),
        };
        Self {
            line,
            column: fault.column,
            index,
            id: fault.id.clone(),
            ..Self::from(&fault.invalid)
        }
    }
}

/// Status, stable code and title of an error.
fn classified(error: &Error) -> (StatusCode, &'static str, &'static str) {
    match error {
        Error::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed", "The request cannot be read"),
        Error::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
        Error::Invalid(_) | Error::Faulty(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is not valid"),
        Error::NotFound(_) => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
        Error::NoIdentity => (StatusCode::UNAUTHORIZED, "no-identity", "The caller is not known"),
        Error::NotActivated => (
            StatusCode::FORBIDDEN,
            "not-activated",
            "The reseller account is not activated",
        ),
        Error::HeaderMissing(_) => (
            StatusCode::PRECONDITION_REQUIRED,
            "header-missing",
            "A header is missing",
        ),
        Error::Stale(_) => (StatusCode::PRECONDITION_FAILED, "stale", "Somebody was faster"),
        Error::Gone(_) => (StatusCode::GONE, "gone", "It is not kept any more"),
        Error::Conflict(_) => (StatusCode::CONFLICT, "conflict", "The state does not allow this"),
        Error::KeyReused => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "The Idempotency-Key was used before",
        ),
        Error::OverLicense { .. } => (StatusCode::CONFLICT, "over-license", "There are not enough licences"),
        Error::PlanStale(_) => (
            StatusCode::CONFLICT,
            "plan-stale",
            "The world moved since the plan was made",
        ),
        Error::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many in a short time"),
        Error::SignIn(_) => (StatusCode::FORBIDDEN, "sign-in-refused", "The sign-in was refused"),
        Error::Throttled { .. } => (StatusCode::SERVICE_UNAVAILABLE, "throttled", "A service asks to wait"),
        Error::Refused { .. } => (StatusCode::BAD_GATEWAY, "refused-by-microsoft", "Microsoft refused"),
        Error::TokenExpired => (
            StatusCode::CONFLICT,
            "sign-in-again",
            "The session with Microsoft has ended",
        ),
        Error::Upstream { .. } => (
            StatusCode::BAD_GATEWAY,
            "upstream",
            "A service we depend on did not answer",
        ),
        Error::Cancelled => (StatusCode::CONFLICT, "cancelled", "The sync was stopped"),
        Error::Busy => (StatusCode::CONFLICT, "busy", "Another change is going on"),
    }
}

impl Problem {
    /// The document of an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let (status, code, title) = classified(error);
        let errors = match error {
            Error::Invalid(invalid) | Error::OverLicense { refused: invalid, .. } => {
                invalid.iter().map(FieldError::from).collect()
            }
            Error::Faulty(faults) => faults.listed().iter().map(FieldError::from).collect(),
            _ => Vec::new(),
        };
        let error_count = match error {
            Error::Faulty(faults) => Some(faults.count()),
            _ => None,
        };
        // From 500 on the message is ours alone.
        let detail = (status.as_u16() < 500).then(|| match error {
            Error::SignIn(refused) => sign_in_detail(refused),
            other => other.to_string(),
        });
        Self {
            kind: format!("/problems/{code}"),
            title,
            status: status.as_u16(),
            code,
            detail,
            errors,
            error_count,
            request_id: None,
        }
    }

    /// As it is sent.
    pub fn body(&self) -> Body {
        Body::from(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The answer carries the document itself along, so that `web::routes` can say whose request it belongs to.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, content_type, Extension(self.clone()), self.body()).into_response()
    }
}

fn sign_in_detail(refused: &SignInRefused) -> String {
    match refused {
        SignInRefused::TenantTaken => "this Microsoft tenant is connected to another enterprise".into(),
        SignInRefused::NotRecorded { expected } => format!("only the recorded Global Admin may do this: {expected}"),
        _ => "sign in again, following the page that opens".into(),
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = Problem::of(&self);
        if problem.status >= 500 {
            let cause = std::error::Error::source(&self).map(|source| format!("{}", Chain(source)));
            tracing::error!(problem.code = problem.code, error.message = %self, error.cause = cause.unwrap_or_default(), "answered {}", problem.status);
        }
        let wait = match &self {
            Error::Throttled { wait, .. } | Error::TooMany { wait, .. } => Some(retry_after(*wait)),
            _ => None,
        };
        let mut response = problem.into_response();
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

/// A wait as `Retry-After` has it: whole seconds, rounded up, so that who waits for as long is not too early.
#[must_use]
pub fn retry_after(wait: SignedDuration) -> HeaderValue {
    let begun = i64::from(wait.subsec_nanos() > 0);
    HeaderValue::from(wait.as_secs().saturating_add(begun).max(1))
}

/// The answer to a path that no route has.
pub async fn no_such_route() -> Error {
    Error::NotFound("route")
}

/// The answer to a method that a route does not have.
pub async fn no_such_method() -> Problem {
    Problem {
        kind: "/problems/method-not-allowed".into(),
        title: "The route does not have this method",
        status: 405,
        code: "method-not-allowed",
        detail: Some("see the API description for the methods of each route".into()),
        errors: Vec::new(),
        error_count: None,
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_every_field() {
        let error = Error::Invalid(vec![
            Invalid::new("name", "give 1 to 120 characters"),
            Invalid::new("userLimit", "give at least 1"),
        ]);
        let problem = serde_json::to_value(Problem::of(&error)).unwrap();
        assert_eq!(problem["status"], 422);
        assert_eq!(problem["code"], "invalid");
        assert_eq!(problem["errors"][1]["field"], "userLimit");
        assert_eq!(problem["errors"][1]["code"], "INVALID");
    }

    #[test]
    fn waiting_as_long_as_told_is_long_enough() {
        for (milliseconds, seconds) in [(-5, "1"), (0, "1"), (1000, "1"), (1001, "2"), (90_000, "90")] {
            let error = Error::TooMany {
                what: "invitations".into(),
                wait: SignedDuration::from_millis(milliseconds),
            };
            let answer = error.into_response();
            assert_eq!(answer.status(), 429);
            assert_eq!(answer.headers()["retry-after"], seconds, "{milliseconds} ms");
        }
    }

    #[test]
    fn our_own_faults_stay_ours() {
        let problem = Problem::of(&Error::upstream("read an item", "secret detail"));
        assert_eq!((problem.status, problem.detail), (502, None));
    }
}
