//! Clients: concrete, async. Everything that talks to the outside lives below this module.

pub mod aws;
mod calls;
pub mod chance;
pub mod clock;
pub mod courier;
pub mod gate;
pub mod graph;
pub mod http;
pub mod mailer;
pub mod pace;
pub mod scheduler;
pub mod state_machine;
pub mod store;
pub mod tenant_config;
pub mod vault;
pub mod webhook;

use crate::config::Config;
use chance::Chance;
use clock::Clock;
use courier::Courier;
use graph::Graph;
use graph::SignIn;
use http::Http;
use mailer::Mailer;
use scheduler::Scheduler;
use state_machine::StateMachine;
use store::Store;
use tenant_config::TenantConfig;
use vault::Vault;
use webhook::Webhooks;

/// Every client, built once per process.
#[derive(Debug)]
pub struct Io {
    /// What differs between deployments.
    pub config: Config,
    /// Wall-clock time, for handlers.
    pub clock: Clock,
    /// Randomness, for handlers.
    pub chance: Chance,
    /// Our table.
    pub store: Store,
    /// Microsoft Graph.
    pub graph: Graph,
    /// Entra's sign-in.
    pub sign_in: SignIn,
    /// SES.
    pub mailer: Mailer,
    /// EventBridge Scheduler.
    pub scheduler: Scheduler,
    /// Step Functions.
    pub state_machine: StateMachine,
    /// The PowerShell worker.
    pub tenant_config: TenantConfig,
    /// Secrets and seals.
    pub vault: Vault,
    /// Whoever sends events to webhooks.
    pub courier: Courier,
    /// The addresses that events are sent to.
    pub webhooks: Webhooks,
}

impl Io {
    /// Builds all clients; connects to nothing yet.
    #[must_use]
    pub fn new(config: Config, clock: Clock) -> Self {
        let http = aws::http_client();
        let sdk = |endpoint: &Option<String>| aws::service(&config.aws, &http, endpoint.as_deref());
        let endpoints = &config.aws.endpoints;
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk(&endpoints.dynamodb));
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk(&endpoints.secrets_manager));
        let kms = aws_sdk_kms::Client::new(&sdk(&endpoints.kms));
        let scheduler = Scheduler::new(
            aws_sdk_scheduler::Client::new(&sdk(&endpoints.scheduler)),
            config.schedule_group.clone(),
            config.schedule_role_arn.clone(),
            config.reminder_function_arn.clone(),
        );
        let redirect = config.public_page("/signin/callback");
        // One client for both of Microsoft's hosts: certificates are read once.
        let microsoft = Http::default();
        Self {
            chance: Chance,
            store: Store::new(dynamodb, config.table.clone()),
            graph: Graph::new(&config.graph_url).with_http(microsoft.clone()),
            sign_in: SignIn::new(&config.entra_login_url, config.entra_client_id.clone(), redirect)
                .with_http(microsoft),
            mailer: Mailer::new(
                aws_sdk_sesv2::Client::new(&sdk(&endpoints.sesv2)),
                config.mail_configuration_set.clone(),
            ),
            scheduler,
            state_machine: StateMachine::new(
                aws_sdk_sfn::Client::new(&sdk(&endpoints.sfn)),
                config.state_machine_arn.clone(),
            ),
            tenant_config: TenantConfig::new(
                aws_sdk_lambda::Client::new(&aws::patient(&sdk(&endpoints.lambda), tenant_config::PATIENCE)),
                config.configure_tenant_function.clone(),
            ),
            vault: Vault::new(secrets, kms, &config),
            courier: Courier::new(
                aws_sdk_lambda::Client::new(&sdk(&endpoints.lambda)),
                config.webhooks_function_arn.clone(),
                config.reminder_function_arn.clone(),
            ),
            webhooks: Webhooks::new(config.webhook_reach),
            config,
            clock,
        }
    }
}
