//! The tenant's groups, and the choice of whose users are synchronised.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::Invalid;
use shared::domain::caller::Caller;
use shared::domain::enterprise::Enterprise;
use shared::domain::folded::Words;
use shared::domain::group_filter::{Banned, Group, GroupFilter, GroupKind, GroupList, MOST_CHOSEN, Place};
use shared::domain::ids::{EnterpriseId, GroupId};
use shared::io::Io;
use shared::run::access;
use shared::run::group_filter::{self, Choice, Chosen, GroupState, choose_groups};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The tenant's groups as they were last read, by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupPage {
    items: Vec<GroupView>,
    /// Give it as `cursor` for the next page; absent on the last. It stays good when the groups are read anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// When the groups were read; absent where they never were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    read_at: Option<Timestamp>,
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
    /// People in it, also through groups within it, as they were last counted; absent where nobody counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<u64>,
    /// Microsoft does not work out the members of this dynamic group at present.
    paused: bool,
    /// It is in the choice that is in force.
    chosen: bool,
    /// Why it cannot be chosen; absent where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    banned: Option<Banned>,
    /// The same as a sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Words of a name, in any order; case and accents make no difference.
    q: Option<String>,
    /// 1 to 100; 100 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A place in the list as clients hand it back.
fn cursor(place: &Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\n{}", place.id, place.name))
}

fn place(cursor: &str) -> Option<Place> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (id, name) = text.split_once('\n')?;
    Some(Place {
        id: id.parse().ok()?,
        name: name.to_owned(),
    })
}

/// The groups to choose from.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/groups", operation_id = "listGroups", tag = "group filter", security(("jwt" = [])),
    params(("enterprise" = String, Path), ListParams),
    responses((status = 200, body = GroupPage), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<ListParams>,
) -> Result<Json<GroupPage>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let unknown = || Invalid::new("cursor", "it is none of this list; begin again without it");
    let after = params.cursor.as_deref().map(|text| place(text).ok_or_else(unknown));
    let after = after.transpose()?;
    let GroupList { read_at, groups } = io.store.group_list(&enterprise).await?;
    let words = Words::of(params.q.as_deref().unwrap_or_default());
    let limit = usize::from(params.limit.unwrap_or(100).clamp(1, 100));
    let mut found: Vec<(Place, Group)> = groups
        .into_iter()
        .map(|group| (group.place(), group))
        .filter(|(place, _)| words.all_in(&place.name) && after.as_ref().is_none_or(|after| place > after))
        .take(limit + 1)
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(place, _)| cursor(place));
    let filter = &access.kept.group_filter;
    Ok(Json(GroupPage {
        items: found
            .into_iter()
            .map(|(_, group)| GroupView::of(group, filter))
            .collect(),
        next,
        read_at,
        hint: "If people are missing, check the group's members in Microsoft 365; new members can take time to show.",
    }))
}

impl GroupView {
    fn of(group: Group, filter: &GroupFilter) -> Self {
        Self {
            chosen: matches!(filter, GroupFilter::Groups(chosen) if chosen.iter().any(|one| one.id == group.id)),
            why: group.banned.map(|banned| format!("{} {}.", group.name, banned.why())),
            id: group.id,
            name: group.name,
            kind: group.kind,
            members: group.members,
            paused: group.paused,
            banned: group.banned,
        }
    }
}

/// The choice as it is saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FilterView {
    /// `undecided`, `everyone` or `groups`
    mode: &'static str,
    groups: Vec<ChosenView>,
    /// What should be done about the choice, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advice: Vec<String>,
    /// The most groups that can be chosen.
    most: usize,
    /// When the tenant's groups were read, on which `state` and `advice` rest; absent where they never were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    read_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChosenView {
    #[schema(value_type = String)]
    id: GroupId,
    /// As Microsoft has it now, or the last one it had.
    name: String,
    /// Absent while nobody has read the tenant's groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<GroupState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<GroupKind>,
    /// People in it, as they were last counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<u64>,
}

/// A choice. There is no default: somebody has to say it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "mode",
    deny_unknown_fields
)]
pub(crate) enum FilterForm {
    /// All users of the tenant.
    // Braces: a variant without fields would take any other field silently.
    Everyone {},
    /// Members of the groups, also through nested groups; 50 groups at most.
    Groups {
        /// By id.
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        groups: Vec<GroupId>,
        /// By name: what stands in a field `Azure AD Group Name`.
        #[serde(default)]
        names: Vec<String>,
        /// Also groups that are known to have no members; a sync that finds them so stops.
        #[serde(default, rename = "allowEmpty")]
        allow_empty: bool,
    },
}

async fn view(io: &Io, kept: &Enterprise) -> Result<FilterView> {
    let known = io.store.group_list(&kept.id).await?;
    let filter = &kept.group_filter;
    let chosen = group_filter::chosen(filter, &known);
    let mut advice: Vec<String> = chosen.iter().filter_map(Chosen::advice).collect();
    let (mode, groups) = match filter {
        GroupFilter::Undecided => {
            let choose =
                "Choose everyone, or the groups whose members are synchronised; nothing is synchronised before.";
            advice.push(choose.into());
            ("undecided", Vec::new())
        }
        GroupFilter::Everyone => ("everyone", Vec::new()),
        GroupFilter::Groups(groups) => {
            let now = |id: &GroupId| chosen.iter().find(|one| one.chosen.id == *id);
            let groups = groups.iter().map(|group| {
                let now = now(&group.id);
                let known = now.and_then(|now| now.known);
                ChosenView {
                    id: group.id.clone(),
                    name: known.map_or(&group.name, |known| &known.name).clone(),
                    state: now.map(Chosen::state),
                    kind: known.map(|known| known.kind),
                    members: known.and_then(|known| known.members),
                }
            });
            ("groups", groups.collect())
        }
    };
    Ok(FilterView {
        mode,
        groups,
        advice,
        most: MOST_CHOSEN,
        read_at: known.read_at,
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
        FilterForm::Groups {
            groups,
            names,
            allow_empty,
        } => Choice::Groups {
            ids: groups,
            names,
            empty_too: allow_empty,
        },
    };
    let author = access.author();
    let kept = choose_groups(&io, access.kept, choice, seen, &author, io.clock.now()).await?;
    Ok((etag(kept.version), Json(view(&io, &kept).await?)))
}
