//! The simulated Microsoft: Entra's sign-in pages and tokens, Graph v1.0, and the tenant-configuration worker.
//!
//! It speaks HTTP, so the service's own clients run against it unchanged. Time comes from the given clock only and
//! randomness from the seed only; nothing runs in the background: what is pending is computed from its time stamp
//! whenever somebody asks. What it deliberately leaves out: passwords, second factors, subscriptions, mail.
//!
//! * `login`: pages and tokens, host `login.microsoftonline.com`
//! * `graph`: host `graph.microsoft.com`, paths `/v1.0/...`
//! * `controls`: what an operator of the simulation may break
//! * `configure_tenant`: the worker that would run the Teams PowerShell module
//! * `journal`: what was done to numbers and policies, and a small world put in place at once, for simulations
//! * `record`: what a test may know
//! * `state`, `voice`, `generate`, `catalogue`, `names`, `chance`: the world itself

mod catalogue;
mod chance;
mod configure_tenant;
mod controls;
mod faults;
mod generate;
mod graph;
mod journal;
mod login;
mod names;
mod record;
mod state;
#[cfg(test)]
mod testing;
mod voice;

use jiff::{SignedDuration, Timestamp};
pub use journal::{Deed, Teams};
pub use record::{Allowed, Secret};
use serde::Serialize;
use shared::io::clock::Clock;
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use url::Url;

/// How the world is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Users of the main tenant; the two others have 20 and 150.
    pub users: usize,
    /// Same seed, same world.
    pub seed: u64,
    /// How long Microsoft takes.
    pub delays: Delays,
    /// Base domains of session border controllers; each tenant gets its label below each of them.
    pub sbc_bases: Vec<String>,
    /// Tenants begin without those domains.
    pub bare: bool,
    /// The provider's DNS publishes the record of such a domain as soon as somebody has asked Microsoft for it; otherwise
    /// only the control does.
    pub provider_dns: bool,
    /// Our application, as registered at Microsoft.
    pub app: AppRegistration,
    /// Further applications, each known by its own client id; people consent to each by itself.
    pub more_apps: Vec<AppRegistration>,
    /// Request budgets.
    pub throttle: Throttle,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            users: 2500,
            seed: 1,
            delays: Delays::default(),
            sbc_bases: vec!["sbc1.eu.voice.example".into(), "sbc2.eu.voice.example".into()],
            bare: false,
            provider_dns: false,
            app: AppRegistration::default(),
            more_apps: Vec::new(),
            throttle: Throttle::default(),
        }
    }
}

/// How long Microsoft takes until something has happened or can be seen.
#[derive(Clone, Debug)]
pub struct Delays {
    /// From the request to the end of a number operation.
    pub number_operation: SignedDuration,
    /// Until a new user appears in `GET /users`.
    pub directory_visible: SignedDuration,
    /// Until a new user appears in advanced queries.
    pub advanced_visible: SignedDuration,
    /// Until numbers and policies show in `userConfigurations`.
    pub user_configuration_visible: SignedDuration,
    /// Until a new policy is found by its name.
    pub policy_visible: SignedDuration,
    /// Until permissions of an admin consent work in Graph.
    pub consent_effective: SignedDuration,
    /// Until a domain with a licensed account works for voice.
    pub domain_activation: SignedDuration,
    /// Until a published DNS record is seen by `verify`.
    pub dns_visible: SignedDuration,
}

impl Delays {
    /// Everything at once: for tests.
    #[must_use]
    pub fn none() -> Self {
        Self {
            number_operation: SignedDuration::ZERO,
            directory_visible: SignedDuration::ZERO,
            advanced_visible: SignedDuration::ZERO,
            user_configuration_visible: SignedDuration::ZERO,
            policy_visible: SignedDuration::ZERO,
            consent_effective: SignedDuration::ZERO,
            domain_activation: SignedDuration::ZERO,
            dns_visible: SignedDuration::ZERO,
        }
    }

    /// As long as the real one may take.
    #[must_use]
    pub fn microsoft() -> Self {
        Self {
            number_operation: SignedDuration::from_secs(30),
            directory_visible: SignedDuration::from_secs(5),
            advanced_visible: SignedDuration::from_secs(30),
            user_configuration_visible: SignedDuration::from_secs(120),
            policy_visible: SignedDuration::from_secs(120),
            consent_effective: SignedDuration::from_secs(60),
            domain_activation: SignedDuration::from_hours(24),
            dns_visible: SignedDuration::from_secs(300),
        }
    }
}

impl Default for Delays {
    /// Noticeable, but nobody has to wait.
    fn default() -> Self {
        Self {
            number_operation: SignedDuration::from_secs(1),
            directory_visible: SignedDuration::from_secs(1),
            advanced_visible: SignedDuration::from_secs(2),
            user_configuration_visible: SignedDuration::from_secs(2),
            policy_visible: SignedDuration::from_secs(1),
            consent_effective: SignedDuration::from_secs(1),
            domain_activation: SignedDuration::from_secs(2),
            dns_visible: SignedDuration::from_secs(1),
        }
    }
}

/// Budgets of one application in one tenant.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// Directory resource units per ten seconds; `None`: by the size of the tenant, as Microsoft does.
    pub directory_units: Option<u32>,
    /// Directory writes per 150 seconds.
    pub directory_writes: u32,
    /// Calls of `/admin/teams` per ten seconds.
    pub teams_calls: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            directory_units: None,
            directory_writes: 3000,
            teams_calls: 300,
        }
    }
}

/// An application registration.
#[derive(Clone)]
pub struct AppRegistration {
    /// What the consent page calls it.
    pub name: String,
    /// Application id.
    pub client_id: String,
    /// The secret of the token endpoint.
    pub client_secret: String,
    /// Compared exactly.
    pub redirect_uris: Vec<String>,
    /// Delegated permissions: what `.default` asks for. Bare names are Graph's; others have the resource in front.
    pub delegated: Vec<String>,
    /// Application permissions, written the same way.
    pub application: Vec<String>,
}

impl Default for AppRegistration {
    fn default() -> Self {
        let graph = shared::domain::consent::SIGN_IN_SCOPES
            .iter()
            .chain(&shared::domain::consent::CALLING_SCOPES);
        let mut delegated: Vec<String> = graph.map(|scope| (*scope).to_owned()).collect();
        delegated.push(format!("{}/user_impersonation", catalogue::TEAMS_ADMIN_API));
        Self {
            name: "Dialbridge".into(),
            client_id: "d1a1b21d-6e00-4c0d-8a3f-0d1a1b21d6e0".into(),
            client_secret: "local-only-secret".into(),
            redirect_uris: Vec::new(),
            delegated,
            application: shared::domain::consent::ORGANIZATION_ROLES.map(str::to_owned).to_vec(),
        }
    }
}

impl std::fmt::Debug for AppRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppRegistration")
            .field("name", &self.name)
            .field("client_id", &self.client_id)
            .field("redirect_uris", &self.redirect_uris)
            .finish_non_exhaustive()
    }
}

/// One of the registered applications.
#[derive(Clone, Copy)]
struct Registered<'a> {
    /// Its place among them, by which tenants and tokens know it.
    at: usize,
    app: &'a AppRegistration,
}

/// The whole of it. Clones share one world.
#[derive(Clone)]
pub struct Microsoft {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    clock: Clock,
    /// Without a slash at the end.
    login_url: String,
    graph_url: String,
    state: Mutex<State>,
}

impl Microsoft {
    /// Makes the tenants. The addresses are what clients see, as they appear in issuers and links.
    #[must_use]
    pub fn new(options: Options, clock: Clock, login_url: Url, graph_url: Url) -> Self {
        let state = State::new(&options, clock.now());
        let trim = |url: Url| url.as_str().trim_end_matches('/').to_owned();
        let (login_url, graph_url) = (trim(login_url), trim(graph_url));
        Self {
            inner: Arc::new(Inner {
                options,
                clock,
                login_url,
                graph_url,
                state: Mutex::new(state),
            }),
        }
    }

    /// Host `login.microsoftonline.com`.
    pub fn login(&self) -> axum::Router {
        login::router(self.clone())
    }

    /// Host `graph.microsoft.com`.
    pub fn graph(&self) -> axum::Router {
        graph::router(self.clone())
    }

    /// JSON controls for whoever operates the simulation.
    pub fn controls(&self) -> axum::Router {
        controls::router(self.clone())
    }

    /// The tenant-configuration worker: request and answer as in `infra/configure-tenant/contract.schema.json`.
    #[must_use]
    pub fn configure_tenant(&self, request: serde_json::Value) -> serde_json::Value {
        configure_tenant::run(self, request)
    }

    /// Who and what there is to play with.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantSummary> {
        self.lock().tenants.iter().map(state::Tenant::summary).collect()
    }

    /// Every token of a person or of the application that still works, for whoever looks for traces of them.
    #[must_use]
    pub fn issued(&self) -> Issued {
        let state = self.lock();
        let access = state.access.iter();
        Issued {
            access: access.map(|(token, known)| (token.clone(), known.expires)).collect(),
            refresh: state.login.refresh_tokens(),
        }
    }

    /// The application with that client id.
    fn registered(&self, client_id: &str) -> Option<Registered<'_>> {
        let options = &self.inner.options;
        let mut all = std::iter::once(&options.app).chain(&options.more_apps).enumerate();
        let found = all.find(|(_, app)| app.client_id == client_id);
        found.map(|(at, app)| Registered { at, app })
    }

    /// The state, with everything done that is due.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        for tenant in &mut state.tenants {
            tenant.settle(now);
        }
        state
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}

/// Tokens that were given out.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Access tokens, and when each ends.
    pub access: Vec<(String, Timestamp)>,
    /// Refresh tokens.
    pub refresh: Vec<String>,
}

/// What a person needs to know to sign in to a simulated tenant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantSummary {
    /// The tenant's GUID.
    pub id: String,
    /// The organisation's name.
    pub display_name: String,
    /// `….onmicrosoft.com`
    pub initial_domain: String,
    /// The domain of mail addresses.
    pub default_domain: String,
    /// Sub-domains for session border controllers.
    pub sbc_domains: Vec<String>,
    /// Sign-in names of Global Administrators.
    pub global_admins: Vec<String>,
    /// A Teams Administrator.
    pub teams_admin: String,
    /// Somebody without a role.
    pub ordinary_user: String,
    /// How many users, deleted ones left out.
    pub users: usize,
    /// Groups with their numbers of users, nested ones counted once.
    pub groups: Vec<GroupSummary>,
}

/// A group's name and size.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSummary {
    /// `displayName`
    pub name: String,
    /// Users in it, also through other groups.
    pub users: usize,
}
