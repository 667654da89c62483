//! Calls the function that sends events to webhooks, and does not wait for it.

use crate::domain::ids::ResellerId;
use crate::error::{Error, Result};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::InvocationType;
use aws_smithy_types::Blob;

/// Lambda with the deployment's function.
#[derive(Clone, Debug)]
pub struct Courier {
    client: Client,
    function: String,
}

impl Courier {
    /// A courier over one client.
    #[must_use]
    pub fn new(client: Client, function: String) -> Self {
        Self { client, function }
    }

    /// Has what is due sent to a reseller's webhooks, soon and elsewhere.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn call(&self, reseller: &ResellerId) -> Result<()> {
        let order = format!(r#"{{"deliver":"{reseller}"}}"#);
        self.client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(order))
            .send()
            .await
            .map_err(|error| Error::upstream("call for a delivery", error))?;
        Ok(())
    }
}
