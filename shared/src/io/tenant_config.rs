//! The worker that changes tenant-level voice objects through Microsoft's PowerShell module: one JSON document in, one
//! out, over a Lambda invocation. Its contract is `infra/configure-tenant/contract.schema.json`.

use crate::domain::ids::TenantId;
use crate::error::{Error, Result};
use crate::io::graph::Token;
use aws_sdk_lambda::Client;
use aws_smithy_types::Blob;
use serde::{Deserialize, Serialize};

/// The contract's version.
const VERSION: u32 = 1;

/// What a tenant should have.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    /// Names in the tenant's one list.
    pub pstn_usages: Vec<String>,
    /// Routes to the SBC.
    pub voice_routes: Vec<VoiceRoute>,
    /// Ordered usages, per user.
    pub voice_routing_policies: Vec<VoiceRoutingPolicy>,
    /// What users may do.
    pub calling_policies: Vec<CallingPolicySpec>,
}

/// A voice route.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceRoute {
    /// Its name.
    pub name: String,
    /// Regular expression over dialled numbers.
    pub number_pattern: String,
    /// Derived trunks.
    pub gateways: Vec<String>,
    /// Which usages lead here.
    pub pstn_usages: Vec<String>,
    /// Low goes first; the tenant chooses where absent.
    pub priority: Option<u32>,
}

/// A voice routing policy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceRoutingPolicy {
    /// Its name.
    pub name: String,
    /// Usages in order.
    pub pstn_usages: Vec<String>,
}

/// A Teams calling policy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallingPolicySpec {
    /// Its name.
    pub name: String,
    /// Needed for the dial pad.
    pub allow_private_calling: bool,
    /// `AlwaysEnabled`, `AlwaysDisabled` or `UserOverride`.
    pub allow_voicemail: &'static str,
    /// Forwarding to numbers.
    pub allow_call_forwarding_to_phone: bool,
    /// Forwarding to people.
    pub allow_call_forwarding_to_user: bool,
    /// `Enabled` (Teams plays) or `Disabled` (the PBX plays).
    pub music_on_hold_enabled_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    version: u32,
    tenant: &'a TenantId,
    graph_token: &'a str,
    teams_token: &'a str,
    desired: &'a Desired,
    remove: Removal,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Removal {
    pstn_usages: Vec<String>,
    voice_routes: Vec<String>,
    voice_routing_policies: Vec<String>,
    calling_policies: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    results: Vec<Configured>,
    #[serde(default)]
    error: Option<Failure>,
}

/// One object and what happened with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Configured {
    /// `callingPolicy`, `voiceRoute`, `voiceRoutingPolicy` or `pstnUsage`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `created`, `updated`, `unchanged` or `removed`.
    pub action: String,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    message: String,
}

/// The worker.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    client: Client,
    function: String,
}

impl TenantConfig {
    /// The worker by its function's name.
    #[must_use]
    pub fn new(client: Client, function: String) -> Self {
        Self { client, function }
    }

    /// Puts a tenant's voice objects in place. Safe to repeat: what is right already stays as it is.
    ///
    /// # Errors
    /// `TokenExpired`, `Refused` with Microsoft's words, or `Upstream`.
    pub async fn apply(
        &self,
        tenant: &TenantId,
        graph: &Token,
        teams: &Token,
        desired: &Desired,
    ) -> Result<Vec<Configured>> {
        self.ask(&Request {
            version: VERSION,
            tenant,
            graph_token: graph.secret().expose(),
            teams_token: teams.secret().expose(),
            desired,
            remove: Removal::default(),
        })
        .await
    }

    /// Takes a tenant's voice objects away, by their names. Safe to repeat: what is not there is passed over.
    ///
    /// # Errors
    /// As above.
    pub async fn remove(
        &self,
        tenant: &TenantId,
        graph: &Token,
        teams: &Token,
        objects: &Desired,
    ) -> Result<Vec<Configured>> {
        let names = |all: Vec<&String>| all.into_iter().cloned().collect();
        self.ask(&Request {
            version: VERSION,
            tenant,
            graph_token: graph.secret().expose(),
            teams_token: teams.secret().expose(),
            desired: &Desired::default(),
            remove: Removal {
                pstn_usages: objects.pstn_usages.clone(),
                voice_routes: names(objects.voice_routes.iter().map(|route| &route.name).collect()),
                voice_routing_policies: names(
                    objects
                        .voice_routing_policies
                        .iter()
                        .map(|policy| &policy.name)
                        .collect(),
                ),
                calling_policies: names(objects.calling_policies.iter().map(|policy| &policy.name).collect()),
            },
        })
        .await
    }

    async fn ask(&self, request: &Request<'_>) -> Result<Vec<Configured>> {
        const DOING: &str = "configure the tenant's voice objects";
        let payload = serde_json::to_vec(request).map_err(|error| Error::upstream(DOING, error))?;
        let sent = self
            .client
            .invoke()
            .function_name(&self.function)
            .payload(Blob::new(payload))
            .send()
            .await;
        let sent = sent.map_err(|error| Error::upstream(DOING, error))?;
        let payload = sent.payload.map(Blob::into_inner).unwrap_or_default();
        if let Some(kind) = sent.function_error {
            return Err(Error::upstream(DOING, format!("the worker failed: {kind}")));
        }
        let answer: Answer = serde_json::from_slice(&payload).map_err(|error| Error::upstream(DOING, error))?;
        match answer.error {
            None if answer.ok => Ok(answer.results),
            None => Err(Error::upstream(
                DOING,
                "the worker reported neither success nor an error",
            )),
            Some(failure) if failure.code == "Unauthorized" => Err(Error::TokenExpired),
            Some(failure) => Err(Error::Refused {
                doing: DOING,
                status: 400,
                code: failure.code,
                message: failure.message,
            }),
        }
    }
}
