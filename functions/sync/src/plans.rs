//! Plans: what a sync would change, before anybody signs in.

use crate::runs::OneRun;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::calling_policy::PolicyType;
use shared::domain::change::{Change, Why};
use shared::domain::finding::Finding;
use shared::domain::ids::{EnterpriseId, PlanId, TeamsUserId};
use shared::domain::permission::Approval;
use shared::domain::phone::E164;
use shared::domain::tenant_object::ObjectChange;
use shared::io::Io;
use shared::run::access;
use shared::run::plans::{self, StoredPlan};
use shared::run::undo;
use shared::web::extract::{Body, IdempotencyKey, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// Nothing is needed to make a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanForm {}

/// A plan: the same changes as data and as text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanView {
    #[schema(value_type = String)]
    id: PlanId,
    #[schema(value_type = String, format = "date-time")]
    made: Timestamp,
    /// What is done with the tenant's own objects, as far as that is known without a sign-in: before the changes, or after
    /// them where it is taken away.
    objects: Vec<ObjectChange>,
    /// In order of execution.
    changes: Vec<PlannedChange>,
    /// A line a change with its reason: `+` gives, `-` takes away, `~` moves, `=` adopts, `!` is left alone.
    text: Vec<String>,
    /// What is left alone, and why.
    conflicts: Vec<Finding>,
    /// What is done all the same, and should be known.
    notes: Vec<Finding>,
    /// More releases than pass by themselves: somebody who may has to approve the plan, by this number.
    releases_to_approve: Option<usize>,
    /// Who has.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    /// How many requests to Microsoft the changes take.
    estimated_calls: u64,
    /// How long the run will take, from the sign-in to the last proof.
    estimated_seconds: u64,
    /// How many sign-ins of at least 60 minutes it needs: a session with Microsoft lasts no longer for sure, and the run
    /// waits for the next one where it stopped.
    sign_ins: u32,
}

/// One change of a number or a policy of one Teams user, and why it is made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlannedChange {
    change: Kind,
    /// Whom it concerns.
    #[schema(value_type = String)]
    user: TeamsUserId,
    /// Absent where the directory does not know them.
    name: Option<String>,
    /// Of a number.
    #[schema(value_type = Option<String>)]
    number: Option<E164>,
    /// Of a policy.
    policy_type: Option<PolicyType>,
    /// What the user has of it before; absent is nothing, or the tenant's default.
    before: Option<String>,
    /// What the user has of it after.
    after: Option<String>,
    reason: Why,
    /// The same in words.
    reason_text: &'static str,
}

/// What is done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlannedChangeKind)]
enum Kind {
    /// A number of ours is taken from the user.
    Release,
    /// A number is given to the user.
    Assign,
    /// A number that was released from somebody else before is given to the user.
    Move,
    /// A number or policy is right already, and noted as ours.
    Adopt,
    /// A policy of ours is taken from the user.
    Revoke,
    /// A policy is given to the user.
    Grant,
}

impl PlannedChange {
    fn new(plan: &StoredPlan, change: &Change, reason: Why) -> Self {
        let (kind, policy_type) = match change {
            Change::Release { .. } => (Kind::Release, None),
            Change::Assign { moved: false, .. } => (Kind::Assign, None),
            Change::Assign { moved: true, .. } => (Kind::Move, None),
            Change::Adopt { .. } => (Kind::Adopt, None),
            Change::AdoptPolicy { policy_type, .. } => (Kind::Adopt, Some(*policy_type)),
            Change::Revoke { policy_type, .. } => (Kind::Revoke, Some(*policy_type)),
            Change::Grant { policy_type, .. } => (Kind::Grant, Some(*policy_type)),
        };
        Self {
            change: kind,
            user: change.user().clone(),
            name: plan.names.get(change.user()).cloned(),
            number: change.number().cloned(),
            policy_type,
            before: change.before().map(str::to_owned),
            after: change.after().map(str::to_owned),
            reason,
            reason_text: reason.text(),
        }
    }
}

impl From<StoredPlan> for PlanView {
    fn from(plan: StoredPlan) -> Self {
        Self {
            changes: plan
                .reasoned()
                .map(|(change, why)| PlannedChange::new(&plan, change, why))
                .collect(),
            text: plan.text(),
            id: plan.id,
            made: plan.made,
            objects: plan.objects,
            conflicts: plan.conflicts,
            notes: plan.notes,
            releases_to_approve: plan.releases_to_approve,
            approval: plan.approval,
            estimated_calls: plan.calls,
            estimated_seconds: plan.seconds,
            sign_ins: plan.sign_ins,
        }
    }
}

/// Makes a plan from what is saved and from what the last sync left in Teams. Writes nothing in Teams.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/plans", operation_id = "makePlan", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("Idempotency-Key" = String, Header)), request_body = PlanForm,
    responses((status = 201, body = PlanView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn make(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    key: IdempotencyKey,
    body: Body<PlanForm>,
) -> Result<impl IntoResponse> {
    let once = key.once(&caller, &body);
    let access = access::on(&io, caller, &enterprise).await?;
    let plan = plans::make(&io, &access.kept, &access.author(), &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(PlanView::from(plan))))
}

/// Makes the mapping of everybody whose number a run changed what it was before that run, and gives the plan of the way back.
/// Nothing changes in Teams before a sync with it, which is guarded as any other. Refused, with everybody concerned, where the
/// world has moved on since.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/runs/{run}/undo", operation_id = "undoRun", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("run" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PlanView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn undo(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneRun>,
    key: IdempotencyKey,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let once = key.bare(&access.caller, &format!("undo of {}", path.run));
    let plan = undo::undo(&io, &access, &path.run, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(PlanView::from(plan))))
}

#[derive(Debug, Deserialize)]
pub(crate) struct OnePlan {
    pub(crate) enterprise: EnterpriseId,
    pub(crate) plan: PlanId,
}

/// A plan, for 30 days after it was made.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/plans/{plan}", operation_id = "getPlan", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("plan" = String, Path)),
    responses((status = 200, body = PlanView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OnePlan>,
) -> Result<Json<PlanView>> {
    access::on(&io, caller, &path.enterprise).await?;
    let plan = plans::get(&io, &path.enterprise, &path.plan, io.clock.now()).await?;
    Ok(Json(plan.into()))
}

/// The number of releases that somebody has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalForm {
    /// As the plan's `releasesToApprove` says.
    releases: usize,
}

/// Approves the releases of a plan: a run with this plan then does what it says, or less. The name of whoever does so stays
/// with the plan and with the run; the first approval counts.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/plans/{plan}/approval", operation_id = "approvePlan", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("plan" = String, Path)), request_body = ApprovalForm,
    responses((status = 200, body = PlanView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn approve(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OnePlan>,
    body: Body<ApprovalForm>,
) -> Result<Json<PlanView>> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let plan = plans::approve(&io, &access, &path.plan, body.value.releases, io.clock.now()).await?;
    Ok(Json(plan.into()))
}
