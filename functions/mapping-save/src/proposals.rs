//! Proposals by mail address: whom an unmapped voice user's address leads to, and taking them.

use crate::mapping::{Licences, SaveReport};
use crate::teams_users::TeamsUserView;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::finding::Finding;
use shared::domain::ids::{EnterpriseId, VoiceUserId};
use shared::io::Io;
use shared::run::{access, matching};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProposalParams {
    /// 1 to 500; 100 where left out.
    limit: Option<usize>,
    /// `next` of the page before: how many to leave out.
    cursor: Option<usize>,
}

/// What the addresses of the unmapped voice users lead to, by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProposalList {
    items: Vec<ProposalView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
    /// Proposals on all pages.
    proposed: usize,
    /// Voice users on all pages whose address leads to nobody who can be mapped.
    unmatched: usize,
    licences: Licences,
}

/// Either a proposal, or what is in its way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProposalView {
    #[schema(value_type = String)]
    voice_user: VoiceUserId,
    name: String,
    email_and_extension: String,
    /// The next sync maps the voice user by itself, because it was imported.
    at_next_sync: bool,
    /// Who has the same address and is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    teams_user: Option<TeamsUserView>,
    /// Why there is no proposal, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<Finding>,
}

impl From<matching::Proposal> for ProposalView {
    fn from(proposal: matching::Proposal) -> Self {
        let user = proposal.voice_user;
        let teams_user = proposal
            .outcome
            .matched()
            .map(|person| TeamsUserView::from(person.clone()));
        Self {
            at_next_sync: proposal.at_next_sync,
            email_and_extension: user.email_and_extension(),
            voice_user: user.id,
            name: user.name,
            teams_user,
            finding: proposal.finding,
        }
    }
}

/// Whom the mail addresses of the unmapped voice users lead to.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/mapping/proposals", operation_id = "listMappingProposals", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ProposalParams),
    responses((status = 200, body = ProposalList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<ProposalParams>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let found = matching::proposals(&io, &access.kept, io.clock.now()).await?;
    let (limit, from) = (params.limit.unwrap_or(100).clamp(1, 500), params.cursor.unwrap_or(0));
    let proposed = found.all.iter().filter(|one| one.outcome.matched().is_some()).count();
    let all = found.all.len();
    let items = found.all.into_iter().skip(from).take(limit).map(ProposalView::from);
    let end = from.saturating_add(limit);
    let list = ProposalList {
        items: items.collect(),
        next: (end < all).then_some(end),
        proposed,
        unmatched: all - proposed,
        licences: found.licences.into(),
    };
    Ok((etag(found.version), Json(list)))
}

/// Which proposals to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AcceptForm {
    /// Those of these voice users, each of whom must have one; all that there are where left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    voice_users: Option<BTreeSet<VoiceUserId>>,
}

/// Takes proposals: the same as a save of their rows.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/mapping/proposals", operation_id = "acceptMappingProposals", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = AcceptForm,
    responses((status = 200, body = SaveReport), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn accept(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<AcceptForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let (named, now) = (body.value.voice_users, io.clock.now());
    let saved = matching::accept(&io, &access.kept, named, &access.author(), seen, now).await?;
    Ok((etag(saved.version), Json(SaveReport::from(&saved))))
}
