//! Microsoft Graph v1.0 and Entra's sign-in, as far as we use them. Nothing outside knows Microsoft's JSON.
//!
//! | file | what we call |
//! |---|---|
//! | `sign_in.rs`, `id_token.rs`, `signing_keys.rs` | authorize, token, admin consent, discovery and keys of the login host |
//! | `directory.rs` | `/organization`, `/me/transitiveMemberOf`, `/groups` |
//! | `domains.rs` | `/domains` |
//! | `licences.rs` | `/subscribedSkus`, accounts of our own and their licences |
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
mod domains;
#[cfg(test)]
mod forge;
mod id_token;
mod licences;
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

pub use batch::{Handed, MOST_PARTS, Turn};
pub use changes::{ChangePages, Changes, ChangesLink, UserChange};
pub use configurations::{AccountType, AssignedPolicy, UserConfiguration};
pub use directory::{DirectoryRole, GLOBAL_ADMINISTRATOR, Organization, TEAMS_ADMINISTRATOR, VerifiedDomain};
pub use domains::{NewDomain, TenantDomain, Verification};
pub use id_token::IdClaims;
pub use licences::{Given, NewAccount};
pub use numbers::{NumberChange, NumberHolding, OperationId, OperationState};
pub use policies::{PolicyChange, Together};
pub use refusal::callback_refusal;
pub use sign_in::{AdminConsent, Authorize, Challenge, Prompt, Redeem, Renew, SignIn, SignedIn};
pub use users::{Members, Range, UserPages, ranges};

use crate::domain::ids::RunId;
use crate::domain::secret::Secret;
use crate::domain::sync_log::MicrosoftCall;
use crate::io::calls::{Recorder, Recorders};
use crate::io::http::{Answer, Call, Http};
use crate::io::pace::Pace;
use crate::io::store::pace::Calls;
use crate::{Error, Result};
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
    pace: Option<Pace>,
    recorder: Option<Recorder>,
}

impl Token {
    /// Keeps a bearer token out of sight.
    #[must_use]
    pub fn new(secret: Secret, expires: Timestamp) -> Self {
        Self {
            secret,
            expires,
            pace: None,
            recorder: None,
        }
    }

    /// Every call to Teams' administration with this token keeps the pace that all workers share.
    #[must_use]
    pub fn paced(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
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

impl Token {
    /// The headers and habits of a call that keeps the pace.
    fn mark<'a>(&self, call: Call<'a>) -> Call<'a> {
        match &self.pace {
            Some(pace) => call.header(PRIORITY, pace.priority()).leaving_waits(true),
            None => call,
        }
    }
}

/// Who should wait where Microsoft has to shed calls.
const PRIORITY: &str = "x-ms-throttle-priority";

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

    /// Takes a turn for `count` calls to Teams' administration.
    async fn turn(&self, doing: &'static str, token: &Token, calls: Calls, count: usize) -> Result<()> {
        match &token.pace {
            Some(pace) => pace.turn(doing, calls, count).await,
            None => Ok(()),
        }
    }

    /// A pause that Microsoft asks for holds for all workers.
    async fn kept<T>(&self, token: &Token, result: Result<T>) -> Result<T> {
        if let (Err(Error::Throttled { wait, .. }), Some(pace)) = (&result, &token.pace) {
            pace.pause(*wait).await?;
        }
        result
    }

    /// A read of Teams' administration, in its turn.
    async fn get_paced<T: DeserializeOwned>(&self, doing: &'static str, token: &Token, url: Url) -> Result<T> {
        self.turn(doing, token, Calls::Reads, 1).await?;
        let call = token.mark(token.put_on(Call::get(doing, url)));
        self.kept(token, self.http.send(&call).await).await?.json(doing)
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
