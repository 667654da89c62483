//! Calls functions of ours for what goes on elsewhere, and does not wait for them.

use crate::domain::ids::ResellerId;
use crate::error::{Error, Result};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::InvocationType;
use aws_smithy_types::Blob;
use jiff::Timestamp;

/// Lambda with the deployment's functions.
#[derive(Clone, Debug)]
pub struct Courier {
    client: Client,
    webhooks: String,
    reminder: String,
}

impl Courier {
    /// A courier over one client, to the function of webhooks and that of reminders.
    #[must_use]
    pub fn new(client: Client, webhooks: String, reminder: String) -> Self {
        Self {
            client,
            webhooks,
            reminder,
        }
    }

    /// Has what is due sent to a reseller's webhooks, soon and elsewhere.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn call(&self, reseller: &ResellerId) -> Result<()> {
        let order = format!(r#"{{"deliver":"{reseller}"}}"#);
        self.order(&self.webhooks, order, "call for a delivery").await
    }

    /// Has one part of the daily sweep done. It keeps the time at which the sweep was to begin.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn sweep(&self, shard: u8, scheduled: Option<Timestamp>) -> Result<()> {
        let order = match scheduled {
            Some(scheduled) => format!(r#"{{"sweep":true,"shard":{shard},"scheduled":"{scheduled}"}}"#),
            None => format!(r#"{{"sweep":true,"shard":{shard}}}"#),
        };
        self.order(&self.reminder, order, "call for a part of the sweep").await
    }

    async fn order(&self, function: &str, order: String, doing: &'static str) -> Result<()> {
        self.client
            .invoke()
            .function_name(function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(order))
            .send()
            .await
            .map_err(|error| Error::upstream(doing, error))?;
        Ok(())
    }
}
