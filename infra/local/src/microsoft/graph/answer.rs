//! An answer of Graph before it becomes HTTP, and the errors in Microsoft's words.

use super::super::chance::Chance;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// Status, headers, body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) text: bool,
}

impl Answer {
    pub(super) fn json(value: &Value) -> Self {
        Self::bytes(200, value.to_string().into_bytes())
    }

    pub(super) fn created(value: &Value) -> Self {
        Self::bytes(201, value.to_string().into_bytes())
    }

    pub(super) fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            text: false,
        }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self::bytes(status, Vec::new())
    }

    /// The plain number of `$count`, behind the byte order mark that Microsoft puts before it.
    pub(super) fn number(count: usize) -> Self {
        Self {
            text: true,
            ..Self::bytes(200, format!("\u{feff}{count}").into_bytes())
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A request that is refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

pub(super) type Reply = Result<Answer, Refused>;

impl Refused {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub(super) fn forbidden() -> Self {
        Self::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    pub(super) fn missing(what: &str) -> Self {
        let message = format!(
            "Resource '{what}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub(super) fn unauthenticated(message: &str) -> Self {
        let refused = Self::new(401, "InvalidAuthenticationToken", message);
        Self {
            headers: vec![(
                "WWW-Authenticate",
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\""
                    .into(),
            )],
            ..refused
        }
    }

    pub(super) fn answer(self, chance: &mut Chance, now: Timestamp, client_request_id: &str) -> Answer {
        let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let mut inner = json!({
            "date": date, "request-id": chance.guid().to_string(), "client-request-id": client_request_id,
        });
        if self.status == 429 {
            inner["code"] = "429".into();
            inner["status"] = "429".into();
            inner["message"] = self.message.as_str().into();
        }
        let body = json!({ "error": { "code": self.code, "message": self.message, "innerError": inner } });
        Answer {
            headers: self.headers,
            ..Answer::bytes(self.status, body.to_string().into_bytes())
        }
    }
}

/// Writes a value as JSON.
pub(super) fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.extend_from_slice(b"null");
    }
}
