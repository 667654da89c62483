//! What changed since a front end last looked: it polls with the cursor of the answer before and shows anew what is named.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::Invalid;
use shared::domain::audit::{Deed, Entry, Topic};
use shared::domain::caller::Caller;
use shared::domain::ids::{AuditId, EnterpriseId, VoiceUserId};
use shared::io::Io;
use shared::run::access;
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The cursor of this moment.
const NOW: &str = "now";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesParams {
    /// `cursor` of the answer before; `now` for a cursor to begin with and nothing of what was. Where it is left out, the
    /// answer begins with the oldest change that is kept.
    after: Option<String>,
    /// 1 to 100; 100 where left out.
    limit: Option<u16>,
}

/// What changed, in the order in which it did. No change is missing between two answers, and none comes twice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changes {
    items: Vec<NewsItem>,
    /// Give it as `after` of the next request, also when there was nothing this time. It never ends.
    #[schema(value_type = String)]
    cursor: AuditId,
    /// There are more already: ask again at once.
    more: bool,
    versions: Versions,
}

/// What the table holds now. A page that shows an older version has something to show anew, whatever `items` say: a sync
/// moves numbers without a change of anybody's, and what waits for a sync is counted a moment after a save.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Versions {
    /// Of the enterprise, as in its `ETag` and that of the group filter.
    enterprise: u64,
    /// Of voice users, mapping and what is in place in Teams.
    account: u64,
    /// Of the sync status.
    status: u64,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewsItem {
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// What to show anew.
    topic: Topic,
    /// What was done.
    deed: Deed,
    /// The voice users concerned, where they are known; absent means that it may be any of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    voice_users: Option<Vec<VoiceUserId>>,
    /// Which sync, on changes of topic `runs` and on a read of the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// How a sync ended: `succeeded`, `failed` or `abandoned`.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// The figures of a read of the directory, by the names of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    figures: Option<BTreeMap<String, u64>>,
}

impl NewsItem {
    /// Who did it and the values before and after are left to the audit trail: not everybody who shows pages may read it.
    fn of(entry: Entry) -> Option<Self> {
        let topic = entry.deed.topic()?;
        let value = |field: &str| {
            let named = entry.changes.iter().find(|change| change.field == field)?;
            named.after.clone()
        };
        let of_run = matches!(topic, Topic::Runs | Topic::Directory);
        let figures = (topic == Topic::Directory).then(|| {
            let figure = |change: &shared::domain::audit::Changed| {
                let count = change.after.as_ref()?.parse().ok()?;
                Some((change.field.clone(), count))
            };
            entry.changes.iter().filter_map(figure).collect()
        });
        Some(Self {
            at: entry.at,
            topic,
            deed: entry.deed,
            run: value("run").filter(|_| of_run),
            outcome: value("state").filter(|_| entry.deed == Deed::RunEnded),
            figures,
            voice_users: entry.voice_users,
        })
    }
}

/// The changes since a cursor, oldest first.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/changes", operation_id = "listChanges", tag = "changes", security(("jwt" = [])),
    params(("enterprise" = String, Path), ChangesParams),
    responses((status = 200, body = Changes), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<ChangesParams>,
) -> Result<Json<Changes>> {
    access::on(&io, caller, &enterprise).await?;
    let after = match params.after.as_deref() {
        None => AuditId::first(),
        Some(NOW) => io.store.newest(&enterprise).await?,
        Some(cursor) => {
            let wrong = |_| Invalid::new("after", "give the cursor of an answer, or now, or leave it out");
            cursor.parse().map_err(wrong)?
        }
    };
    let limit = params.limit.unwrap_or(100).clamp(1, 100);
    let (entries, cursor, more) = io.store.enterprise_changes(&enterprise, &after, limit).await?;
    // Read last: whatever the cursor covers is in them.
    let kept = io.store.enterprise(&enterprise).await?;
    let versions = Versions {
        enterprise: kept.version,
        account: io.store.account_version(&enterprise).await?,
        status: io.store.sync_status(&enterprise).await?.version,
    };
    Ok(Json(Changes {
        items: entries.into_iter().filter_map(NewsItem::of).collect(),
        cursor,
        more,
        versions,
    }))
}
