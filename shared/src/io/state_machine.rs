//! Starts the state machine that loops around the worker of a run.

use crate::domain::ids::{EnterpriseId, RunId};
use crate::error::{Error, Result};
use aws_sdk_sfn::Client;

/// Step Functions with the deployment's machine.
#[derive(Clone, Debug)]
pub struct StateMachine {
    client: Client,
    arn: String,
}

impl StateMachine {
    /// A machine over one client.
    #[must_use]
    pub fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    /// Starts one round of work on a run. `round` is part of the execution's name, so the same round starts once
    /// however often it is asked for; a run that waited for a new sign-in begins another.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn start(&self, enterprise: &EnterpriseId, run: &RunId, round: &str) -> Result<()> {
        let input = format!(r#"{{"enterprise":"{enterprise}","run":"{run}"}}"#);
        let started = self
            .client
            .start_execution()
            .state_machine_arn(&self.arn)
            .name(format!("{run}-{round}"))
            .input(input)
            .send()
            .await;
        match started {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_execution_already_exists()) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::upstream("start the sync", error)),
        }
    }
}
