//! Microsoft Graph v1.0 and Entra's sign-in, as far as we use them. Nothing outside knows Microsoft's JSON.
//!
//! | file | what we call |
//! |---|---|
//! | `sign_in.rs`, `id_token.rs`, `signing_keys.rs` | authorize, token, admin consent, discovery and keys of the login host |
//! | `directory.rs` | `/organization`, `/me/transitiveMemberOf`, `/groups` |
//! | `users.rs`, `changes.rs` | `/users`, members of groups, `/users/delta` |
//! | `numbers.rs` | `/admin/teams/telephoneNumberManagement` |
//! | `policies.rs` | `/admin/teams/policy` |
//! | `configurations.rs` | `/admin/teams/userConfigurations` |
//! | `pages.rs`, `batch.rs` | paging, `$batch` |
//! | `wire.rs`, `user_page.rs`, `refusal.rs` | JSON |

mod batch;
mod changes;
mod configurations;
mod directory;
#[cfg(test)]
mod forge;
mod id_token;
mod numbers;
mod pages;
mod policies;
mod refusal;
mod sign_in;
mod signing_keys;
#[cfg(test)]
pub(crate) mod stage;
mod user_page;
mod users;
mod wire;

pub use changes::{ChangePages, Changes, ChangesLink, UserChange};
pub use configurations::{AccountType, AssignedPolicy, UserConfiguration};
pub use directory::{DirectoryRole, GLOBAL_ADMINISTRATOR, Organization, TEAMS_ADMINISTRATOR, VerifiedDomain};
pub use id_token::IdClaims;
pub use numbers::{NumberHolding, OperationId, OperationState};
pub use policies::PolicyGrant;
pub use refusal::callback_refusal;
pub use sign_in::{AdminConsent, Authorize, Challenge, Prompt, Redeem, Renew, SignIn, SignedIn};
pub use users::{Members, Range, UserPages, ranges};

use crate::Result;
use crate::domain::ids::RunId;
use crate::domain::secret::Secret;
use crate::domain::sync_log::MicrosoftCall;
use crate::io::calls::{Recorder, Recorders};
use crate::io::http::{Answer, Call, Http};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use url::Url;

/// Microsoft Graph. Making one connects nowhere.
#[derive(Clone, Debug)]
pub struct Graph {
    http: Http,
    root: Url,
    calls: Recorders,
}

/// A person's permission to act, or our application's own, for one resource, until it expires.
#[derive(Debug)]
pub struct Token {
    secret: Secret,
    expires: Timestamp,
    recorder: Option<Recorder>,
}

impl Token {
    /// Keeps a bearer token out of sight.
    #[must_use]
    pub fn new(secret: Secret, expires: Timestamp) -> Self {
        Self {
            secret,
            expires,
            recorder: None,
        }
    }

    /// Has every call that is made with it noted.
    #[must_use]
    pub fn recorded(self, recorder: Recorder) -> Self {
        Self {
            recorder: Some(recorder),
            ..self
        }
    }

    fn put_on<'a>(&'a self, call: Call<'a>) -> Call<'a> {
        call.bearer(&self.secret).noted(self.recorder.as_ref())
    }

    /// When it stops working.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The bearer token itself, to be sealed or sent.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// Queries that need the index of Entra's "advanced queries" carry this header, on every page.
const EVENTUAL: (&str, &str) = ("consistencylevel", "eventual");

impl Graph {
    /// Graph at `https://graph.microsoft.com`, or at a simulated one.
    #[must_use]
    pub fn new(base: &Url) -> Self {
        let root = at(base, &["v1.0", ""]);
        Self {
            http: Http::default(),
            root,
            calls: Recorders::default(),
        }
    }

    /// Over connections, and with a patience, of one's own.
    #[must_use]
    pub fn with_http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    /// Where the calls of a run are noted, for [`Token::recorded`].
    #[must_use]
    pub fn recorder(&self, run: &RunId) -> Recorder {
        self.calls.of(run)
    }

    /// The calls of a run that were noted since the last time, each with how long ago it was made.
    #[must_use]
    pub fn calls(&self, run: &RunId) -> Vec<(Duration, MicrosoftCall)> {
        self.calls.drain(run)
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = at(&self.root, path);
        if !query.is_empty() {
            url.set_query(Some(&encode(query)));
        }
        url
    }

    async fn get<T: DeserializeOwned>(&self, doing: &'static str, token: &Token, url: Url) -> Result<T> {
        let call = token.put_on(Call::get(doing, url));
        self.http.send(&call).await?.json(doing)
    }

    fn post<'a>(
        &self,
        doing: &'static str,
        token: &'a Token,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Call<'a>> {
        let body = serde_json::to_vec(body).map_err(|error| crate::Error::upstream(doing, error))?;
        Ok(token.put_on(Call::post(doing, self.url(path, &[]), "application/json", body)))
    }

    async fn send(&self, call: Call<'_>) -> Result<Answer> {
        self.http.send(&call).await
    }
}

/// `base` and more path; each part is escaped.
fn at(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Only addresses such as `mailto:` have no path; they fail at the first call.
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop_if_empty().extend(path);
    }
    url
}

/// A query with blanks as `%20`: Graph does not promise to read `+` as a blank.
fn encode(query: &[(&str, &str)]) -> String {
    let value = |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let pairs: Vec<String> = query
        .iter()
        .map(|(name, text)| format!("{name}={}", value(text)))
        .collect();
    pairs.join("&")
}

/// A text inside a filter or key, without its quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}
