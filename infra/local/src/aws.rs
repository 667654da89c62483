//! All AWS doubles but the table on one address: REST ones by their paths, JSON ones by `X-Amz-Target`.

use crate::faults::Faults;
use crate::kms::Kms;
use crate::lambda::Lambdas;
use crate::mailbox::Mailbox;
use crate::protocol::{AwsError, target};
use crate::scheduler::Scheduler;
use crate::secrets::Secrets;
use crate::state_machine::StateMachine;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower::ServiceExt;

/// The doubles; each is also reached directly by tests.
#[derive(Clone)]
pub struct Aws {
    pub mailbox: Mailbox,
    pub scheduler: Scheduler,
    pub state_machine: StateMachine,
    pub lambdas: Lambdas,
    pub kms: Kms,
    pub secrets: Secrets,
}

impl Aws {
    pub(crate) fn router(&self, faults: &Faults) -> Router {
        let json = Json {
            kms: faults.guard("kms", self.kms.router()),
            secrets: faults.guard("secretsmanager", self.secrets.router()),
            states: faults.guard("states", self.state_machine.router()),
        };
        Router::new()
            .route(
                "/",
                post(move |request: Request| async move { json.dispatch(request).await }),
            )
            .merge(faults.guard("ses", self.mailbox.router()))
            .merge(faults.guard("scheduler", self.scheduler.router()))
            .merge(faults.guard("lambda", self.lambdas.router()))
            .fallback(|request: Request| async move {
                AwsError::unknown_operation(&format!("{} {}", request.method(), request.uri().path()))
            })
    }
}

#[derive(Clone)]
struct Json {
    kms: Router,
    secrets: Router,
    states: Router,
}

impl Json {
    async fn dispatch(self, request: Request) -> Response {
        let router = match target(request.headers()) {
            Some(("TrentService", _)) => self.kms,
            Some(("secretsmanager", _)) => self.secrets,
            Some(("AWSStepFunctions", _)) => self.states,
            other => return AwsError::unknown_operation(&format!("{other:?}")).into_response(),
        };
        router.oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}
