//! The tenant's groups, and the choice of whose users are synchronised.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::Invalid;
use shared::domain::caller::Caller;
use shared::domain::enterprise::Enterprise;
use shared::domain::group_filter::{Banned, GroupFilter, GroupKind};
use shared::domain::ids::{EnterpriseId, GroupId};
use shared::io::Io;
use shared::run::access;
use shared::run::group_filter::{Choice, choose_groups};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The tenant's groups as they were last read, by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupList {
    items: Vec<GroupView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<GroupId>,
    /// What to do when a group or its members are missing.
    hint: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GroupView {
    #[schema(value_type = String)]
    id: GroupId,
    name: String,
    kind: GroupKind,
    /// Why it cannot be chosen; absent where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    banned: Option<Banned>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Part of a name.
    q: Option<String>,
    /// 1 to 100; 100 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<GroupId>,
}

/// The groups to choose from.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/groups", operation_id = "listGroups", tag = "group filter", security(("jwt" = [])),
    params(("enterprise" = String, Path), ListParams),
    responses((status = 200, body = GroupList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<ListParams>,
) -> Result<Json<GroupList>> {
    access::on(&io, caller, &enterprise).await?;
    let mut groups = io.store.groups(&enterprise).await?;
    if let Some(q) = params.q.map(|q| q.to_lowercase()) {
        groups.retain(|group| group.name.to_lowercase().contains(&q));
    }
    let from = match &params.cursor {
        Some(last) => groups.iter().position(|group| group.id == *last).map(|at| at + 1),
        None => Some(0),
    };
    let anew = || Invalid::new("cursor", "the groups were read anew; begin again without it");
    let from = from.ok_or_else(anew)?;
    let limit = usize::from(params.limit.unwrap_or(100).clamp(1, 100));
    let next = groups.get(from + limit).and_then(|_| groups.get(from + limit - 1));
    let next = next.map(|last| last.id.clone());
    let shown = groups.into_iter().skip(from).take(limit);
    let items = shown.map(|group| GroupView {
        id: group.id,
        name: group.name,
        kind: group.kind,
        banned: group.banned,
    });
    Ok(Json(GroupList {
        items: items.collect(),
        next,
        hint: "If people are missing, check the group's members in Microsoft 365; new members can take time to show.",
    }))
}

/// The choice as it is saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilterView {
    /// `undecided`, `everyone` or `groups`
    mode: &'static str,
    groups: Vec<ChosenView>,
    /// Advice on the choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advice: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChosenView {
    #[schema(value_type = String)]
    id: GroupId,
    name: String,
}

/// A choice. There is no default: somebody has to say it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", tag = "mode", deny_unknown_fields)]
pub(crate) enum FilterForm {
    /// All users of the tenant.
    // Braces: a variant without fields would take any other field silently.
    Everyone {},
    /// Members of the groups, also through nested groups.
    Groups {
        /// By id.
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        groups: Vec<GroupId>,
        /// By name.
        #[serde(default)]
        names: Vec<String>,
    },
}

async fn view(io: &Io, kept: &Enterprise) -> Result<FilterView> {
    Ok(match &kept.group_filter {
        GroupFilter::Undecided => FilterView {
            mode: "undecided",
            groups: Vec::new(),
            advice: vec![
                "Choose everyone, or the groups whose members are synchronised; nothing is synchronised before.".into(),
            ],
        },
        GroupFilter::Everyone => FilterView {
            mode: "everyone",
            groups: Vec::new(),
            advice: Vec::new(),
        },
        GroupFilter::Groups(chosen) => {
            let known = io.store.groups(&kept.id).await?;
            let banned = chosen
                .iter()
                .filter(|group| known.iter().any(|known| known.id == group.id && known.banned.is_some()));
            let advice = banned
                .map(|group| {
                    format!(
                        "Remove {}: Microsoft does not keep its members reliably complete.",
                        group.name
                    )
                })
                .collect();
            let groups = chosen
                .iter()
                .map(|group| ChosenView {
                    id: group.id.clone(),
                    name: group.name.clone(),
                })
                .collect();
            FilterView {
                mode: "groups",
                groups,
                advice,
            }
        }
    })
}

/// The saved choice.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/group-filter", operation_id = "getGroupFilter", tag = "group filter", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = FilterView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn filter(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    Ok((etag(access.kept.version), Json(view(&io, &access.kept).await?)))
}

/// Saves a choice; it holds from the next sync on.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/group-filter", operation_id = "putGroupFilter", tag = "group filter", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = FilterForm,
    responses((status = 200, body = FilterView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn choose(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<FilterForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let choice = match body.value {
        FilterForm::Everyone {} => Choice::Everyone,
        FilterForm::Groups { groups, names } => Choice::Groups { ids: groups, names },
    };
    let author = access.author();
    let kept = choose_groups(&io, access.kept, choice, seen, &author, io.clock.now()).await?;
    Ok((etag(kept.version), Json(view(&io, &kept).await?)))
}
