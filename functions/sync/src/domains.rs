//! Calling domains: how far each is, and which records the provider has to publish for it.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::calling_domain::{CallingDomain, DomainState, TxtRecord};
use shared::domain::finding::Finding;
use shared::domain::ids::EnterpriseId;
use shared::io::Io;
use shared::run::access;
use shared::run::activation::{self, Shown};
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The calling domains of an enterprise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallingDomainList {
    /// By name; none before the tenant is known.
    items: Vec<CallingDomainView>,
}

/// One calling domain: the tenant's name below a base domain of the session border controllers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallingDomainView {
    name: String,
    state: DomainState,
    /// The chosen regions need it.
    needed: bool,
    /// This service made it, and removes it at the end.
    ours: bool,
    /// Since when it is wanted.
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
    /// What the provider publishes; absent before a sync has asked Microsoft for it.
    record: Option<TxtRecord>,
    /// Since when the record is known.
    #[schema(value_type = Option<String>, format = "date-time")]
    record_since: Option<Timestamp>,
    /// The account that is lent a license until the domain is active.
    account: Option<String>,
    /// Since when it carries calls.
    #[schema(value_type = Option<String>, format = "date-time")]
    active_since: Option<Timestamp>,
    /// What it waits for and when to look again; absent where it does not wait, or only for the next sync.
    waits_for: Option<Finding>,
}

impl From<Shown> for CallingDomainView {
    fn from(shown: Shown) -> Self {
        let Shown {
            domain,
            state,
            needed,
            waits,
        } = shown;
        Self {
            name: domain.name,
            state,
            needed,
            ours: domain.ours,
            since: domain.since,
            record: domain.record,
            record_since: domain.asked,
            account: domain.account.map(|account| account.sign_in_name),
            active_since: domain.active,
            waits_for: waits,
        }
    }
}

/// The calling domains of an enterprise, and what each waits for. Nobody is asked: it is what the last sync left.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/domains", operation_id = "listCallingDomains", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = CallingDomainList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<Json<CallingDomainList>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let items = activation::shown(&io, &access.kept, io.clock.now()).await?;
    Ok(Json(CallingDomainList {
        items: items.into_iter().map(CallingDomainView::from).collect(),
    }))
}

/// Which domains; there is one choice.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Waiting {
    /// Those whose tenants do not see the record yet.
    #[default]
    Unverified,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DomainParams {
    #[serde(default)]
    #[param(inline)]
    #[expect(dead_code, reason = "there is one choice")]
    state: Waiting,
}

/// Records to publish.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DnsRecordList {
    /// Longest waiting first.
    items: Vec<DnsRecordView>,
}

/// A record of one calling domain.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DnsRecordView {
    #[schema(value_type = String)]
    enterprise: EnterpriseId,
    domain: String,
    record: Option<TxtRecord>,
    /// Since when the record is known.
    #[schema(value_type = Option<String>, format = "date-time")]
    record_since: Option<Timestamp>,
}

impl From<(EnterpriseId, CallingDomain)> for DnsRecordView {
    fn from((enterprise, domain): (EnterpriseId, CallingDomain)) -> Self {
        Self {
            enterprise,
            domain: domain.name,
            record: domain.record,
            record_since: domain.asked,
        }
    }
}

/// The records that the provider's DNS has to have, of all enterprises. A record stays in the list until a sync has found it.
#[utoipa::path(get, path = "/v1/domains", operation_id = "listDnsRecords", tag = "sync", security(("jwt" = [])), params(DomainParams),
    responses((status = 200, body = DnsRecordList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn unverified(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Params(DomainParams { .. }): Params<DomainParams>,
) -> Result<Json<DnsRecordList>> {
    access::provider(&caller)?;
    let items = activation::unverified(&io).await?;
    Ok(Json(DnsRecordList {
        items: items.into_iter().map(DnsRecordView::from).collect(),
    }))
}
