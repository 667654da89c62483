//! The worker of one run: discover, plan, prepare, apply, verify. It may be killed at any point and started again; it
//! goes on from what the table says. It works for a while, answers what should happen next, and is called again.

use crate::domain::audit::{Author, Changed, Deed, Entry, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::{EnterpriseId, PlanId, RunId};
use crate::domain::permission::Permission;
use crate::domain::run::{Run, RunKind, RunState, Step, StepState};
use crate::domain::sync_log::Line;
use crate::domain::sync_status::{LastSync, SyncStatus};
use crate::error::Chain;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::Token;
use crate::io::store::leases::Lease;
use crate::io::tenant_config::Configured;
use crate::plan::check::contradictions;
use crate::plan::duration;
use crate::plan::guard::{releases, rule};
use crate::plan::preflight;
use crate::plan::sync::{beyond, plan};
use crate::run::access::entry;
use crate::run::discover::Discovered;
use crate::run::plans::{self, StoredPlan};
use crate::run::{account, apply, diagnosis, discover, group_filter, mapping, matching, prepare, remove, session};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the state machine passes to the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Whose.
    pub enterprise: EnterpriseId,
    /// Which.
    pub run: RunId,
    /// The worker failed at every attempt: the run is only reported as failed.
    #[serde(default)]
    pub broken: bool,
}

/// What the state machine does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "camelCase")]
pub enum Next {
    /// Calls the worker again at once.
    Continue {
        /// Always 0; the state machine's input keeps one shape.
        seconds: u32,
    },
    /// Calls the worker again after a while.
    Wait {
        /// For how long.
        seconds: u32,
    },
    /// Ends: the run has ended well, or waits for a person.
    Done {
        /// Always 0.
        seconds: u32,
    },
    /// Ends: the run has failed, and its status says so.
    Failed {
        /// Always 0.
        seconds: u32,
    },
}

/// How often a run is called again after faults of Microsoft or of ours, in a row, before it gives up.
const FAULTS_MAX: usize = 5;

/// One call of the worker. `holder` names the call; `until` is when it should have answered.
///
/// # Errors
/// `Busy` while another worker holds the lease, and faults of our own table; the state machine calls again.
pub async fn work(io: &Io, work: &Work, holder: &str, until: Timestamp) -> Result<Next> {
    let lease = io.store.lease(&work.enterprise, holder, io.clock.now()).await?;
    let mut run = io.store.run(&work.enterprise, &work.run).await?;
    if work.broken && !run.state.ended() {
        let next = end(io, &lease, &mut run, vec![broken()]).await;
        io.store.release(lease).await?;
        return next;
    }
    let next = advance(io, &lease, &mut run, until).await;
    let next = match next {
        Ok(next) => Ok(next),
        Err(Error::Busy) => return Err(Error::Busy),
        Err(error) => interrupted(io, &lease, &mut run, error).await,
    };
    io.store.release(lease).await?;
    next
}

/// Stage after stage, until the run ends, waits, or the call's time is up.
async fn advance(io: &Io, lease: &Lease, run: &mut Run, until: Timestamp) -> Result<Next> {
    let mut resumed = lease.taken_over;
    loop {
        let now = io.clock.now();
        if now >= until {
            return Ok(Next::Continue { seconds: 0 });
        }
        io.store.renew(lease, now).await?;
        let wait = match run.state {
            RunState::AwaitingSignIn => {
                if !signed_in(io, lease, run).await? {
                    return Ok(Next::Done { seconds: 0 });
                }
                // Days may lie between two sign-ins: what is still to be done is looked at before it is done.
                resumed |= run.state == RunState::Preparing;
                None
            }
            RunState::Succeeded | RunState::Abandoned => {
                io.store.delete_sealed(&lease.enterprise, &run.id).await?;
                remove::end_data(io, &lease.enterprise).await?;
                return Ok(Next::Done { seconds: 0 });
            }
            RunState::Failed => {
                io.store.delete_sealed(&lease.enterprise, &run.id).await?;
                return Ok(Next::Failed { seconds: 0 });
            }
            RunState::Discovering => discovering(io, lease, run).await?,
            RunState::Planning => planning(io, lease, run).await?,
            RunState::Preparing => preparing(io, lease, run).await?,
            RunState::Applying | RunState::Verifying => {
                applying(io, lease, run, std::mem::take(&mut resumed), until).await?
            }
        };
        if let Some(wait) = wait {
            return Ok(wait);
        }
    }
}

/// Somebody has signed in: the session is there, and the run can begin, or go on with the plan that it has.
async fn signed_in(io: &Io, lease: &Lease, run: &mut Run) -> Result<bool> {
    let enterprise = &lease.enterprise;
    if io.store.sealed(enterprise, &run.id, io.clock.now()).await?.is_none() {
        return Ok(false);
    }
    let served = io.store.enterprise(enterprise).await?.standing.may_sync().is_ok();
    let planned = io.store.run_plan::<StoredPlan>(enterprise, &run.id).await?.is_some();
    let to = if served && planned {
        RunState::Preparing
    } else {
        RunState::Discovering
    };
    let begun = news(io, run, Deed::RunBegun, Vec::new());
    let moved = io
        .store
        .move_run(enterprise, &run.id, RunState::AwaitingSignIn, to, &begun)
        .await?;
    if moved {
        run.state = to;
        run.findings.clear();
    }
    Ok(moved)
}

async fn discovering(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let kept = io.store.enterprise(&lease.enterprise).await?;
    if let Err(why) = kept.standing.may_sync() {
        return end(io, lease, run, vec![not_served(why)]).await.map(Some);
    }
    if run.started.is_none() {
        run.started = Some(io.clock.now());
    }
    if kept.standing.leaving() && run.kind == RunKind::Apply {
        // What is ours is taken back, whoever is in which group by now: there is nothing to read for it.
        remove::begin_final_sync(io, kept, &run.id, io.clock.now()).await?;
        run.state = RunState::Planning;
        log(io, lease, run, Vec::new()).await?;
        return Ok(None);
    }
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    // The groups are read along, so that the choice on offer is as fresh as the directory; first, because a group that is
    // empty or gone stops the read, and shows there.
    group_filter::refresh(io, &session.graph, &kept).await?;
    let found = discover::discover(io, lease, &session.graph, &kept.group_filter).await?;
    if !found.findings.is_empty() {
        // What was counted says why (R214).
        log(io, lease, run, found.lines).await?;
        return end(io, lease, run, found.findings).await.map(Some);
    }
    let now = io.clock.now();
    io.store
        .edit_sync_status(&kept, |status| SyncStatus {
            discovered: Some(now),
            ..status
        })
        .await?;
    run.state = RunState::Planning;
    let read = news(io, run, Deed::DirectoryRead, figures(&found));
    let mut lines = found.lines;
    lines.extend(matching::match_imported(io, &kept, &run.id).await?);
    write(io, lease, run, lines, Some(&read)).await?;
    if run.kind == RunKind::Discover {
        return end(io, lease, run, Vec::new()).await.map(Some);
    }
    Ok(None)
}

async fn planning(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let enterprise = &lease.enterprise;
    if io.store.run_plan::<StoredPlan>(enterprise, &run.id).await?.is_none() {
        let kept = io.store.enterprise(enterprise).await?;
        let brand = io.store.reseller(&kept.reseller).await?.brand;
        let account = io.store.account(enterprise).await?;
        let session = session::open(io, enterprise, &run.id).await?;
        let leaving = kept.standing.leaving();
        let missing = missing_domains(io, &kept, &session.graph).await?;
        if !leaving && !missing.is_empty() {
            return end(io, lease, run, missing).await.map(Some);
        }
        let facts = plans::gather(io, &session.graph, &kept, &brand, &account).await?;
        let fresh = plan(&facts);
        let wrong = contradictions(&fresh);
        if !wrong.is_empty() {
            return Err(Error::upstream(
                "make a plan",
                format!("it contradicts itself: {}", wrong.join("; ")),
            ));
        }
        if let Some(approved) = &run.plan {
            let approved: StoredPlan = io.store.plan(enterprise, approved, io.clock.now()).await?;
            let beyond = beyond(&approved.changes, &fresh.changes, &account.matched_in(&run.id));
            if !beyond.is_empty() {
                return end(io, lease, run, vec![stale(&beyond)]).await.map(Some);
            }
        }
        let line = plans::line(&fresh);
        let now = io.clock.now();
        let id = PlanId::mint(now, io.chance.bits());
        let stored = plans::stored(io, enterprise, &account, leaving, fresh, id, now).await?;
        let permission: Option<Permission> = io.store.run_permission(enterprise, &run.id).await?;
        let Some(permission) = permission else {
            return Err(Error::upstream(
                "start to apply",
                "the run was not permitted to change anything",
            ));
        };
        // A removal is ordered by the provider side and confirmed by the sign-in: its releases are what it is for.
        let permission = if leaving {
            Permission {
                approved_releases: Some(releases(&stored.changes)),
                ..permission
            }
        } else {
            permission
        };
        let rulings = rule(&stored.changes, account.owned.len(), permission);
        let steps = apply::steps(&stored.changes, &rulings);
        if !mapping::keep_plan(io, lease, &run.id, &kept, account.version, &stored, &steps, now).await? {
            return Ok(None);
        }
        let mut lines = vec![line];
        lines.extend(stored.notes.iter().cloned().map(Line::Obstacle));
        if run.debug {
            lines.extend(stored.text().into_iter().map(Line::Detail));
        }
        run.state = RunState::Preparing;
        log(io, lease, run, lines).await?;
    } else {
        run.state = RunState::Preparing;
        log(io, lease, run, Vec::new()).await?;
    }
    Ok(None)
}

async fn missing_domains(io: &Io, kept: &Enterprise, token: &Token) -> Result<Vec<Finding>> {
    let needed = prepare::gateways(io, kept);
    let organization = io.graph.organization(token).await?;
    let verified = organization
        .domains
        .into_iter()
        .map(|domain| domain.name.to_lowercase())
        .collect();
    Ok(preflight::domains(&needed, &verified))
}

async fn preparing(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let kept = io.store.enterprise(&lease.enterprise).await?;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let session = session::open(io, &lease.enterprise, &run.id).await?;
    let configured = if kept.standing.leaving() {
        // They are taken away at the end, when nobody has them any more.
        Vec::new()
    } else {
        prepare::tenant_objects(io, &kept, &brand, &session).await?
    };
    let mut lines = object_lines(run, configured);
    let (plan, steps) = planned(io, lease, run).await?;
    let left = apply::left(&plan, &steps);
    if let Some(warning) = duration::too_short(left, io.clock.now(), session.stop_by()) {
        lines.push(Line::Obstacle(warning.clone()));
        run.findings.push(warning);
    }
    run.state = RunState::Applying;
    log(io, lease, run, lines).await?;
    Ok(None)
}

/// The plan that the run executes, and how far it is.
async fn planned(io: &Io, lease: &Lease, run: &Run) -> Result<(StoredPlan, Vec<Step>)> {
    let Some(plan) = io.store.run_plan::<StoredPlan>(&lease.enterprise, &run.id).await? else {
        return Err(Error::upstream("apply a plan", "the run has none"));
    };
    Ok((plan, io.store.steps(&lease.enterprise, &run.id).await?))
}

fn object_lines(run: &Run, configured: Vec<Configured>) -> Vec<Line> {
    let shown = configured
        .into_iter()
        .filter(|object| run.debug || object.action != "unchanged");
    shown
        .map(|object| Line::TenantObject {
            what: format!("{} {}", object.kind, object.name),
            action: object.action,
        })
        .collect()
}

async fn applying(io: &Io, lease: &Lease, run: &mut Run, resumed: bool, until: Timestamp) -> Result<Option<Next>> {
    let enterprise = &lease.enterprise;
    let (plan, steps) = planned(io, lease, run).await?;
    let session = session::open(io, enterprise, &run.id).await?;
    let until = until.min(session.stop_by());
    let progress = apply::apply(io, lease, run, &plan, steps, &session, resumed, until).await?;
    let state = if progress.verifying {
        RunState::Verifying
    } else {
        RunState::Applying
    };
    if run.state != state || !progress.lines.is_empty() {
        run.state = state;
        log(io, lease, run, progress.lines).await?;
    }
    if !progress.ended && io.clock.now() >= session.stop_by() {
        return Err(Error::TokenExpired);
    }
    if let Some(seconds) = progress.wait {
        return Ok(Some(Next::Wait { seconds }));
    }
    if !progress.ended {
        return Ok(Some(Next::Continue { seconds: 0 }));
    }
    let steps = io.store.steps(enterprise, &run.id).await?;
    apply::settle(io, lease, &plan, &steps).await?;
    let mut findings = plan.conflicts.clone();
    findings.extend(steps.iter().zip(&plan.changes).filter_map(|(step, change)| {
        let why = match &step.state {
            StepState::Failed { why } | StepState::Skipped { why } => why,
            StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. } | StepState::Applied => {
                return None;
            }
        };
        Some(apply::finding(&plan, change, why))
    }));
    let troubles = diagnosis::troubles(&run.id, plan.notes.iter().chain(&findings), io.clock.now());
    io.store.put_troubles(enterprise, &troubles).await?;
    let kept = io.store.enterprise(enterprise).await?;
    if kept.standing.leaving() && findings.is_empty() {
        let brand = io.store.reseller(&kept.reseller).await?.brand;
        let removed = prepare::take_away(io, &brand, &session).await?;
        let lines = object_lines(run, removed);
        log(io, lease, run, lines).await?;
    }
    end(io, lease, run, findings).await.map(Some)
}

/// The end of a run: status, index, schedule and log agree, and the tokens are gone.
async fn end(io: &Io, lease: &Lease, run: &mut Run, findings: Vec<Finding>) -> Result<Next> {
    let enterprise = &lease.enterprise;
    let now = io.clock.now();
    let successful = findings.is_empty();
    let mut lines: Vec<Line> = findings.iter().cloned().map(Line::Obstacle).collect();
    lines.push(Line::End { successful });
    run.findings = findings;
    run.ended = Some(now);
    let last = if successful {
        LastSync::Successful
    } else {
        LastSync::Failed
    };
    // The tokens last, and the status first: wherever the worker dies, the run is ended again, with the same result.
    let kept = io.store.enterprise(enterprise).await?;
    io.store
        .edit_sync_status(&kept, |status| SyncStatus {
            current: status.current.filter(|current| *current != run.id),
            last: Some((now, last)),
            ..status
        })
        .await?;
    account::refresh_pending(io, &kept, now).await?;
    if successful && run.kind == RunKind::Apply && kept.standing.leaving() {
        remove::end_final_sync(io, enterprise, now).await?;
    }
    run.state = if successful {
        RunState::Succeeded
    } else {
        RunState::Failed
    };
    let ended = changed("state", None, Some(outcome(run.state).into()));
    let ended = news(io, run, Deed::RunEnded, ended.into_iter().collect());
    write(io, lease, run, lines, Some(&ended)).await?;
    io.store.delete_sealed(enterprise, &run.id).await?;
    remove::end_data(io, enterprise).await?;
    Ok(if successful {
        Next::Done { seconds: 0 }
    } else {
        Next::Failed { seconds: 0 }
    })
}

fn not_served(why: &str) -> Finding {
    Finding {
        code: Code::NotServed,
        subject: String::new(),
        seen: format!("{}.", capital(why)),
        fix: "Ask the reseller to enable it, then sync again.".into(),
        actor: Actor::Reseller,
        about: None,
        wait: None,
    }
}

/// Something kept the run from going on. A pause that Microsoft asks for is kept; an ended session waits for a person;
/// a fault is tried again a few times, and then reported.
async fn interrupted(io: &Io, lease: &Lease, run: &mut Run, error: Error) -> Result<Next> {
    let finding = |code, seen: String, fix: &str, actor| Finding {
        code,
        subject: String::new(),
        seen,
        fix: fix.into(),
        actor,
        about: None,
        wait: None,
    };
    match error {
        Error::Throttled { wait, .. } => {
            let seconds = u32::try_from(wait.as_secs())
                .unwrap_or(u32::MAX)
                .saturating_add(u32::from(wait.subsec_nanos() > 0));
            Ok(Next::Wait {
                seconds: seconds.max(1),
            })
        }
        Error::TokenExpired => {
            let plan: Option<StoredPlan> = io.store.run_plan(&lease.enterprise, &run.id).await?;
            let steps = io.store.steps(&lease.enterprise, &run.id).await?;
            let left = plan.map_or(0, |plan| apply::left(&plan, &steps).count());
            run.findings = vec![duration::ended(left, steps.len())];
            let lines = run.findings.iter().cloned().map(Line::Obstacle).collect();
            run.state = RunState::AwaitingSignIn;
            io.store.delete_sealed(&lease.enterprise, &run.id).await?;
            let interrupted = news(io, run, Deed::RunInterrupted, Vec::new());
            write(io, lease, run, lines, Some(&interrupted)).await?;
            Ok(Next::Done { seconds: 0 })
        }
        Error::Refused {
            code, message, doing, ..
        } => {
            let seen = format!("Could not {doing}: {message} ({code}).");
            let fix = "Read Microsoft's reason; if it does not help, ask the provider.";
            end(
                io,
                lease,
                run,
                vec![finding(Code::MsRefused, seen, fix, Actor::Provider)],
            )
            .await
        }
        error => {
            tracing::warn!(enterprise.id = %lease.enterprise, run.id = %run.id, error.message = %Chain(&error), "a run was interrupted");
            let fault = finding(
                Code::MsInternal,
                format!("{}.", capital(&error.to_string())),
                "Try again; after an unexpected error of Microsoft wait up to 24 hours.",
                Actor::Microsoft,
            );
            let before = run.findings.iter().filter(|finding| finding.code == fault.code).count();
            if before >= FAULTS_MAX {
                return end(io, lease, run, vec![fault]).await;
            }
            run.findings.push(fault);
            log(io, lease, run, Vec::new()).await?;
            let faults = u32::try_from(before + 1).unwrap_or(u32::MAX);
            Ok(Next::Wait {
                seconds: 2_u32.saturating_pow(faults),
            })
        }
    }
}

fn broken() -> Finding {
    Finding {
        code: Code::MsInternal,
        subject: String::new(),
        seen: "The sync stopped at a fault that repeating did not overcome.".into(),
        fix: "Sync again: it goes on from what is in place. If it stops again, ask the provider.".into(),
        actor: Actor::Provider,
        about: None,
        wait: None,
    }
}

fn stale(beyond: &[crate::domain::change::Change]) -> Finding {
    let first = beyond
        .iter()
        .take(3)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ");
    Finding {
        code: Code::PlanStale,
        subject: String::new(),
        seen: format!(
            "The tenant moved since the plan was shown: {} more changes would be needed, such as {first}.",
            beyond.len()
        ),
        fix: "Start the sync again: it reads the tenant anew and applies what is saved.".into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

async fn log(io: &Io, lease: &Lease, run: &mut Run, lines: Vec<Line>) -> Result<()> {
    write(io, lease, run, lines, None).await
}

async fn write(io: &Io, lease: &Lease, run: &mut Run, lines: Vec<Line>, entry: Option<&Entry>) -> Result<()> {
    let now = io.clock.now();
    let lines: Vec<(Line, Timestamp)> = lines.into_iter().map(|line| (line, now)).collect();
    io.store.put_run(lease, run, &lines, entry).await
}

/// What those who follow the enterprise's changes are told of a run.
fn news(io: &Io, run: &Run, deed: Deed, changes: Vec<Changed>) -> Entry {
    let about = changed("run", None, Some(run.id.to_string()));
    let changes = about.into_iter().chain(changes).collect();
    entry(io, &Author::service(), deed, changes, io.clock.now())
}

fn figures(found: &Discovered) -> Vec<Changed> {
    let counts = found.counts;
    let figures = [
        ("total", counts.total),
        ("licensed", counts.licensed),
        ("phoneSystem", counts.phone_system),
        ("excludedByCallingPlan", counts.excluded_by_calling_plan),
        ("resource", counts.resource),
        ("written", found.written),
        ("removed", found.removed),
    ];
    let figure = |(name, count): (&str, u64)| changed(name, None, Some(count.to_string()));
    figures.into_iter().filter_map(figure).collect()
}

/// How a run ended, as the API names it.
fn outcome(state: RunState) -> &'static str {
    match state {
        RunState::Succeeded => "succeeded",
        RunState::Abandoned => "abandoned",
        _ => "failed",
    }
}
