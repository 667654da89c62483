//! What support needs of one run, in one document: where the enterprise stands, the plan, what came of it, the whole log with
//! Microsoft's request ids. No secret is in it, since nothing that is sealed is read for it. People are not in it either unless
//! the provider asks for them: names become `person-1`, addresses keep their domain and numbers their last four digits.

use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Code, Finding};
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId};
use crate::domain::run::{Run, StepState, Tally};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::runs::LineItem;
use crate::plan::masking::Mask;
use crate::plan::status::Status;
use crate::run::plans::StoredPlan;
use crate::run::{preflight, status};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

/// Most lines of the log; the last ones.
pub const LINES: u32 = 5_000;
/// Most changes that are not in place.
pub const STEPS: usize = 1_000;

/// A support bundle.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupportBundle {
    /// When it was made.
    #[schema(value_type = String, format = "date-time")]
    made: Timestamp,
    /// The service's version.
    version: &'static str,
    /// People are named.
    people: bool,
    /// Which.
    #[schema(value_type = String)]
    enterprise: EnterpriseId,
    /// Microsoft's tenant, for its support.
    tenant: Option<String>,
    /// Where it stands now.
    status: Status,
    /// What is known now that would stop a sync, or part of it; the first few of each kind.
    preflight: Vec<PreflightKind>,
    /// The run.
    run: RunSummary,
    /// What it planned.
    plan: Option<PlanSummary>,
    /// Changes that are not in place; the first 1000.
    open_steps: Vec<OpenStep>,
    /// Its log with all details; the last 5000 lines.
    log: Vec<LogEntry>,
}

/// The run of a support bundle.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct RunSummary {
    #[schema(value_type = String)]
    id: RunId,
    kind: crate::domain::run::RunKind,
    trigger: crate::domain::run::Trigger,
    state: crate::domain::run::RunState,
    debug: bool,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    started: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended: Option<Timestamp>,
    result: Option<String>,
    counts: Tally,
    findings: Vec<Finding>,
}

/// Findings of one kind in a support bundle.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct PreflightKind {
    code: Code,
    count: usize,
    shown: Vec<Finding>,
}

/// The plan of a support bundle.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlanSummary {
    #[schema(value_type = String, format = "date-time")]
    made: Timestamp,
    account_version: u64,
    changes: usize,
    releases_to_approve: Option<usize>,
    estimated_seconds: u64,
    conflicts: Vec<Finding>,
    notes: Vec<Finding>,
}

/// A change that is not in place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct OpenStep {
    index: u32,
    #[schema(value_type = String)]
    teams_user: TeamsUserId,
    text: String,
    step: StepState,
}

/// A line of the log in a support bundle.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct LogEntry {
    number: u32,
    #[schema(value_type = Option<String>, format = "date-time")]
    at: Option<Timestamp>,
    text: String,
}

/// The bundle of one run. It is JSON, since what is masked is its text.
///
/// # Errors
/// `NotFound`, `Upstream`.
pub async fn bundle(io: &Io, kept: &Enterprise, id: &RunId, people: bool, now: Timestamp) -> Result<serde_json::Value> {
    let run = io.store.run(&kept.id, id).await?;
    let plan: Option<StoredPlan> = io.store.run_plan(&kept.id, id).await?;
    let steps = io.store.steps(&kept.id, id).await?;
    let log = last_lines(io, &kept.id, &run).await?;
    let named = names(io, kept, plan.as_ref()).await?;
    let known = preflight::report(io, kept, None, 0, now).await?;
    let open = steps.into_iter().filter(crate::domain::run::Step::unfinished);
    let bundle = SupportBundle {
        made: now,
        version: env!("CARGO_PKG_VERSION"),
        people,
        enterprise: kept.id.clone(),
        tenant: kept.setup.tenant().map(|tenant| tenant.id.to_string()),
        status: status::document(io, kept, now).await?,
        preflight: known
            .kinds
            .into_iter()
            .map(|kind| PreflightKind {
                code: kind.code,
                count: kind.count,
                shown: kind.shown.into_iter().map(|noted| noted.finding).collect(),
            })
            .collect(),
        run: RunSummary {
            result: run.result(),
            id: run.id,
            kind: run.kind,
            trigger: run.trigger,
            state: run.state,
            debug: run.debug,
            created: run.created,
            started: run.started,
            ended: run.ended,
            counts: run.tally,
            findings: run.findings,
        },
        open_steps: open
            .take(STEPS)
            .map(|step| OpenStep {
                index: step.index,
                teams_user: step.user,
                text: step.what,
                step: step.state,
            })
            .collect(),
        plan: plan.map(|plan| PlanSummary {
            made: plan.made,
            account_version: plan.account_version,
            changes: plan.changes.len(),
            releases_to_approve: plan.releases_to_approve,
            estimated_seconds: plan.seconds,
            conflicts: plan.conflicts,
            notes: plan.notes,
        }),
        log: log
            .into_iter()
            .map(|line| LogEntry {
                number: line.number,
                at: line.at,
                text: line.text,
            })
            .collect(),
    };
    let mut document =
        serde_json::to_value(bundle).map_err(|error| Error::upstream("write a support bundle", error))?;
    if !people {
        let mask = Mask::new(named).map_err(|error| Error::upstream("mask a support bundle", error))?;
        mask.cover(&mut document);
    }
    Ok(document)
}

async fn last_lines(io: &Io, enterprise: &EnterpriseId, run: &Run) -> Result<Vec<LineItem>> {
    const AT_ONCE: u16 = 1_000;
    let (mut found, mut next) = (Vec::new(), run.lines.saturating_sub(LINES));
    loop {
        let lines = io.store.lines(enterprise, &run.id, next, AT_ONCE).await?;
        let full = lines.len() == usize::from(AT_ONCE);
        next = lines.last().map_or(next, |line| line.number + 1);
        found.extend(lines);
        if !full || found.len() >= LINES as usize {
            return Ok(found);
        }
    }
}

/// Everybody who may be named in a run's plan, log or findings.
async fn names(io: &Io, kept: &Enterprise, plan: Option<&StoredPlan>) -> Result<BTreeSet<String>> {
    let account = io.store.account(&kept.id).await?;
    let mapped = account.rows.values().map(|row| &row.teams_user);
    let users: BTreeSet<TeamsUserId> = mapped.chain(account.owned.keys()).cloned().collect();
    let people = io.store.teams_users(&kept.id, users.into_iter().collect()).await?;
    let mut names: BTreeSet<String> = people.into_values().map(|user| user.name).collect();
    names.extend(account.voice_users.values().map(|user| user.name.clone()));
    names.extend(plan.into_iter().flat_map(|plan| plan.names.values().cloned()));
    names.insert(kept.global_admin.display_name().to_owned());
    names.extend(kept.operators.deputies.iter().map(|deputy| deputy.name.clone()));
    Ok(names)
}
