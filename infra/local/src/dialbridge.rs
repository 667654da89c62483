//! The service in its world: production routers behind the gateway, the worker behind the state machine, the reminder
//! behind the scheduler, and the simulated Microsoft in front of all of them.

use crate::lambda::FunctionError;
use crate::microsoft::{self, AppRegistration, Microsoft};
use crate::openapi;
use crate::world::{World, deployment};
use lambda_runtime::{Context, LambdaEvent};
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::config::Config;
use shared::domain::consent::UNATTENDED_ROLES;
use shared::io::Io;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How the world is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Ports, data, faults.
    pub world: crate::world::Options,
    /// Directories and how long Microsoft takes. Registration and calling domains are filled in here.
    pub microsoft: microsoft::Options,
}

/// The running service.
pub struct Dialbridge {
    /// Everything around it.
    pub world: World,
    /// Microsoft.
    pub microsoft: Microsoft,
    /// The clients that the functions use; tests read the table through it.
    pub io: Arc<Io>,
}

impl Dialbridge {
    /// Starts everything.
    ///
    /// # Errors
    /// Where a port is taken or the data file cannot be used.
    pub async fn start(options: Options) -> io::Result<Self> {
        let world = World::start(options.world).await?;
        let environment = world.environment();
        let config = Config::read(|name| environment.get(name).cloned()).map_err(io::Error::other)?;
        let app = AppRegistration {
            name: deployment::ENTRA_APPLICATION.into(),
            client_id: deployment::ENTRA_CLIENT_ID.into(),
            client_secret: deployment::ENTRA_CLIENT_SECRET.into(),
            redirect_uris: vec![config.public_page("/signin/callback").into()],
            ..options.microsoft.app
        };
        let brand = AppRegistration {
            name: deployment::BRAND_APPLICATION.into(),
            client_id: deployment::BRAND_CLIENT_ID.into(),
            client_secret: deployment::BRAND_CLIENT_SECRET.into(),
            ..app.clone()
        };
        let unattended = AppRegistration {
            name: deployment::UNATTENDED_APPLICATION.into(),
            client_id: deployment::UNATTENDED_CLIENT_ID.into(),
            client_secret: deployment::UNATTENDED_CLIENT_SECRET.into(),
            delegated: Vec::new(),
            application: UNATTENDED_ROLES.map(str::to_owned).to_vec(),
            ..app.clone()
        };
        let ours = [brand, unattended].into_iter();
        let more_apps = ours.chain(options.microsoft.more_apps).collect();
        let sbc_bases = deployment::SBC_REGIONS
            .iter()
            .flat_map(|(_, bases)| bases.map(str::to_owned))
            .collect();
        let microsoft = Microsoft::new(
            microsoft::Options {
                app,
                more_apps,
                sbc_bases,
                ..options.microsoft
            },
            world.clock.clone(),
            world.urls.login.clone(),
            world.urls.graph.clone(),
        );
        world.mount_microsoft(microsoft.login(), microsoft.graph(), microsoft.controls());
        let io = Arc::new(Io::new(config, world.clock.clone()));
        let service = Self { world, microsoft, io };
        service.mount();
        Ok(service)
    }

    fn mount(&self) {
        let gateway = &self.world.gateway;
        let io = || Arc::clone(&self.io);
        gateway.mount(openapi::routes("invite"), invite::router(io()));
        gateway.mount(openapi::routes("consent-callback"), consent_callback::router(io()));
        gateway.mount(openapi::routes("mapping-save"), mapping_save::router(io()));
        gateway.mount(openapi::routes("sync"), sync::router(io()));

        let lambdas = &self.world.aws.lambdas;
        let worker = io();
        lambdas.register("sync-run", move |input| {
            let io = Arc::clone(&worker);
            invoked(input, move |event| async move {
                let next = sync_run::handle(&io, event).await?;
                Ok(serde_json::to_value(next)?)
            })
        });
        let reminders = io();
        lambdas.register("reminder", move |input| {
            let io = Arc::clone(&reminders);
            invoked(input, move |event| async move { reminder::handle(&io, event).await })
        });
        let mails = io();
        lambdas.register(deployment::MAIL_EVENTS, move |input| {
            let io = Arc::clone(&mails);
            invoked(input, move |event| async move { mail_events::handle(&io, event).await })
        });
        let events = io();
        lambdas.register(deployment::WEBHOOKS, move |input| {
            let io = Arc::clone(&events);
            invoked(input, move |event| async move { webhooks::handle(&io, event).await })
        });
        let microsoft = self.microsoft.clone();
        lambdas.register(deployment::CONFIGURE_TENANT, move |input| {
            let answer = microsoft.configure_tenant(input);
            async move { Ok::<Value, FunctionError>(answer) }
        });
    }
}

/// Calls a handler as the runtime does: the payload parsed from JSON, a request id of its own, errors by their type.
async fn invoked<T, F, Fut>(input: Value, handler: F) -> Result<Value, FunctionError>
where
    T: DeserializeOwned,
    F: FnOnce(LambdaEvent<T>) -> Fut,
    Fut: Future<Output = Result<Value, lambda_runtime::Error>>,
{
    static CALLS: AtomicU64 = AtomicU64::new(1);
    let failed = |kind: &str, message: String| FunctionError {
        error_type: kind.to_owned(),
        message,
    };
    let payload = serde_json::from_value(input).map_err(|error| failed("Runtime.Deserialize", error.to_string()))?;
    let mut context = Context::default();
    context.request_id = format!("call-{}", CALLS.fetch_add(1, Ordering::SeqCst));
    handler(LambdaEvent::new(payload, context))
        .await
        .map_err(|error| failed("Error", error.to_string()))
}
