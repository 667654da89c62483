//! A world with an enterprise that is set up, and ways to let release binaries work in it.

use crate::discovery::PACKAGE;
use dialbridge_local::dialbridge::{Dialbridge, Options};
use dialbridge_local::drive::api::{Answer, Api};
use dialbridge_local::drive::people::{
    Stuck, Tenant, admin_of, caller, create_reseller, enterprise_form, set_up, sign_in_to_run, tenants,
};
use dialbridge_local::lambda::FunctionError;
use dialbridge_local::runtime_api::{Failure, Function};
use dialbridge_local::world::deployment;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Licences; more than anybody who is measured.
const USER_LIMIT: u32 = 100_000;
/// The worker's, as Lambda has it.
const TIME_LIMIT: SignedDuration = SignedDuration::from_mins(15);

/// Who provisions.
pub(crate) const RESELLER_EMAIL: &str = "rita@northwind.example";

pub(crate) struct Stage {
    pub(crate) service: Dialbridge,
    pub(crate) tenants: Vec<Tenant>,
    /// The enterprise of the first tenant; everybody in its tenant is synchronised.
    pub(crate) enterprise: String,
}

impl Stage {
    /// Sets up one enterprise with so many users, as people would.
    pub(crate) async fn set(users: usize) -> Result<Self, Stuck> {
        let mut options = Options::default();
        options.microsoft.users = users;
        let service = Dialbridge::start(options).await?;
        let urls = service.world.urls.clone();
        create_reseller(&urls).await?;
        let tenants = tenants(&urls).await?;
        let tenant = tenants.first().ok_or("the simulated Microsoft has no tenant")?;
        let admin = admin_of(tenant).to_owned();
        let enterprise = invite(&service, tenant).await?;
        set_up(&urls, &admin).await?;
        let stage = Self {
            service,
            tenants,
            enterprise,
        };
        let api = caller(&urls, "global_admin", &admin, Some(&stage.enterprise)).await?;
        let filter = api.get(&stage.path("/group-filter")).await?;
        let everyone = json!({ "mode": "everyone" });
        good(
            &api.put(&stage.path("/group-filter"), &everyone, filter.etag.as_deref())
                .await?,
        )?;
        Ok(stage)
    }

    /// Invites the administrator of another tenant; answers the new enterprise.
    pub(crate) async fn invite_another(&self) -> Result<(String, &str), Stuck> {
        let tenant = self.tenants.get(1).ok_or("there is only one tenant")?;
        Ok((invite(&self.service, tenant).await?, admin_of(tenant)))
    }

    /// A path of the enterprise.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/enterprises/{}{rest}", self.enterprise)
    }

    /// The Global Admin's way to the API.
    pub(crate) async fn as_admin(&self) -> Result<Api, Stuck> {
        let admin = self.tenants.first().map(admin_of).unwrap_or_default();
        caller(&self.service.world.urls, "global_admin", admin, Some(&self.enterprise)).await
    }

    /// A control of the simulated Microsoft.
    pub(crate) fn control(&self, path: &str) -> Result<Url, Stuck> {
        Ok(self.service.world.urls.portal.join("/_microsoft/")?.join(path)?)
    }

    /// A run from the button to its end, as real time passes.
    pub(crate) async fn run(&self, form: Value) -> Result<Answer, Stuck> {
        let api = self.as_admin().await?;
        let started = api.post(&self.path("/runs"), &form).await?;
        good(&started)?;
        let admin = self.tenants.first().map(admin_of).unwrap_or_default();
        sign_in_to_run(&started, admin).await?;
        let path = self.path(&format!("/runs/{}", started.text("/id")));
        loop {
            self.service.world.idle().await;
            let run = api.get(&path).await?;
            good(&run)?;
            if matches!(
                run.text("/state"),
                "succeeded" | "failed" | "abandoned" | "awaitingSignIn"
            ) {
                return Ok(run);
            }
            // It waits for Microsoft.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The worker as a process of its own, from now on.
    pub(crate) fn worker(&self, program: &Path, table: &Url) -> Result<Arc<Function>, Stuck> {
        let function = Arc::new(Function::spawn(program, &self.environment(table), TIME_LIMIT)?);
        let worker = Arc::clone(&function);
        self.service.world.aws.lambdas.register(PACKAGE, move |event| {
            let worker = Arc::clone(&worker);
            async move { worker.invoke(&event).await.map_err(failed) }
        });
        Ok(function)
    }

    /// Reads the directory once; answers what the run's log says was stored.
    pub(crate) async fn discover(&self) -> Result<Stored, Stuck> {
        let run = self.run(json!({ "kind": "discover" })).await?;
        if run.text("/state") != "succeeded" {
            return Err(format!("the run did not succeed: {}", run.body).into());
        }
        let api = self.as_admin().await?;
        let log = api.get(&self.path(&format!("/runs/{}/log", run.text("/id")))).await?;
        let lines = log.list("/lines").iter().filter_map(|line| line["text"].as_str());
        let line = lines.filter_map(Stored::read).next();
        line.ok_or_else(|| format!("the log does not say what was stored: {}", log.body).into())
    }

    /// What the functions of this world are told, with the table at `dynamodb`.
    pub(crate) fn environment(&self, dynamodb: &Url) -> BTreeMap<String, String> {
        let mut environment = self.service.world.environment();
        let dynamodb = dynamodb.as_str().trim_end_matches('/').to_owned();
        environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb);
        environment
    }
}

/// Figures of the log line about the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) written: u64,
    pub(crate) unchanged: u64,
}

impl Stored {
    fn read(line: &str) -> Option<Self> {
        let (_, figures) = line.split_once("Teams users: ")?;
        let mut numbers = figures
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|n| n.parse().ok());
        Some(Self {
            written: numbers.next()?,
            unchanged: numbers.next()?,
        })
    }
}

async fn invite(service: &Dialbridge, tenant: &Tenant) -> Result<String, Stuck> {
    let api = caller(&service.world.urls, "reseller_admin", RESELLER_EMAIL, None).await?;
    let created = api
        .post("/v1/enterprises", &enterprise_form(tenant, Some(USER_LIMIT)))
        .await?;
    good(&created)?;
    Ok(created.text("/id").to_owned())
}

/// Passes an answer on if it is a success.
pub(crate) fn good(answer: &Answer) -> Result<(), Stuck> {
    if answer.status.is_success() {
        Ok(())
    } else {
        Err(format!("{}: {}", answer.status, answer.body).into())
    }
}

/// An event as the HTTP API sends it for a request without a body, payload format 2.0.
pub(crate) fn http_event(route: &str, path: &str, claims: Option<Value>) -> Value {
    let variables: BTreeMap<&str, &str> = route
        .split('/')
        .zip(path.split('/'))
        .filter_map(|(place, value)| Some((place.strip_prefix('{')?.strip_suffix('}')?, value)))
        .collect();
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("GET {route}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "accept": "*/*", "host": "calls.example", "user-agent": "figures", "x-forwarded-proto": "https" },
        "pathParameters": variables,
        "requestContext": {
            "accountId": deployment::ACCOUNT,
            "apiId": "r3pmxmplak",
            "domainName": "calls.example",
            "domainPrefix": "calls",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "figures" },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("GET {route}"),
            "stage": "$default",
            "time": "22/Nov/2026:03:00:00 +0000",
            "timeEpoch": 1_795_316_400_000_i64,
        },
        "isBase64Encoded": false,
    });
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
    }
    event
}

/// Verified claims as the gateway passes them on.
pub(crate) fn claims(role: &str, email: &str, more: (&str, &str)) -> Value {
    let mut claims = json!({ "sub": format!("{role}:{email}"), "email": email, "name": email, "role": role });
    claims[more.0] = json!(more.1);
    claims
}

fn failed(failure: Failure) -> FunctionError {
    let error_type = match &failure {
        Failure::Function { kind, .. } | Failure::Init { kind, .. } => kind.clone(),
        Failure::Exited(_) | Failure::Lost => "Runtime.ExitError".to_owned(),
    };
    FunctionError {
        error_type,
        message: failure.to_string(),
    }
}
