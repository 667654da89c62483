//! The second stage: what Teams has is compared with what is wanted, and the plan is kept.

use super::Next;
use super::ending::end;
use super::record::log;
use crate::domain::change::Change;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::PlanId;
use crate::domain::permission::{Approval, Mode, Permission};
use crate::domain::run::{Authority, Run, RunState, Tally};
use crate::domain::sync_log::Line;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::plan::check::contradictions;
use crate::plan::guard::{self, releases, rule};
use crate::plan::sync::{Plan, beyond, plan};
use crate::run::plans::{self, StoredPlan};
use crate::run::{apply, diagnosis, mapping, preflight, prepare, retry, session, unattended};
use std::collections::BTreeMap;

/// Notes of one kind that the log names; the plan has all of them.
const NAMED: usize = 10;

pub(super) async fn planning(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let enterprise = &lease.enterprise;
    if io.store.run_plan::<StoredPlan>(enterprise, &run.id).await?.is_some() {
        run.state = RunState::Preparing;
        log(io, lease, run, Vec::new()).await?;
        return Ok(None);
    }
    let kept = io.store.enterprise(enterprise).await?;
    unattended::in_bounds(io, &kept, run).await?;
    let brand = io.store.reseller(&kept.reseller).await?.brand;
    let account = io.store.account(enterprise).await?;
    let session = session::open(io, enterprise, &run.id).await?;
    // Domains are a person's to change; a run that nobody signed in for may not even read them.
    if run.authority != Authority::Unattended {
        let in_the_way = preflight::before_planning(io, lease, &kept, &session).await?;
        if !in_the_way.is_empty() {
            return end(io, lease, run, in_the_way).await.map(Some);
        }
    }
    let objects = prepare::compare(io, lease, &kept, &brand, &session).await?;
    if !objects.conflicts.is_empty() {
        return end(io, lease, run, objects.conflicts).await.map(Some);
    }
    let facts = plans::gather(io, &session.graph, &kept, &brand, &account).await?;
    let facts = retry::limited(io, lease, run, facts).await?;
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
        let beyond = beyond(&approved.changes, &fresh, &account.matched_in(&run.id));
        if !beyond.is_empty() {
            return end(io, lease, run, vec![stale(&beyond)]).await.map(Some);
        }
    }
    let permission = permission(io, &kept, run, &fresh).await?;
    let line = plans::line(&fresh);
    let now = io.clock.now();
    let id = PlanId::mint(now, io.chance.bits());
    let takes_away = kept.standing.leaving() || permission.mode == Mode::Full;
    let mut stored = plans::stored(io, &kept, &account, fresh, id, now)
        .await?
        .with_objects(objects.held(takes_away));
    let rulings = rule(&stored.changes, account.owned.len(), &permission, kept.release_limit);
    let mut lines = vec![line];
    lines.extend(named(&stored.notes, run.debug).map(Line::Obstacle));
    if run.debug {
        lines.extend(stored.text().into_iter().map(Line::Detail));
    }
    if let Some((releases, limit)) = guard::waits_for_approval(&rulings) {
        log(io, lease, run, lines).await?;
        return hold(
            io,
            lease,
            run,
            &stored,
            guard::too_many(Some(&stored.id), releases, limit),
        )
        .await
        .map(Some);
    }
    stored.approval = approval(&permission, &stored, run);
    let steps = stored.worded(apply::steps(&stored.changes, &rulings));
    if !mapping::keep_plan(io, lease, &run.id, &kept, account.version, &stored, &steps, now).await? {
        return Ok(None);
    }
    run.tally = Tally::of(&stored.changes, &steps);
    run.state = RunState::Preparing;
    log(io, lease, run, lines).await?;
    Ok(None)
}

/// What the run may do: what was said at its start, and what somebody has approved since of the plan that it was given.
async fn permission(io: &Io, kept: &Enterprise, run: &Run, fresh: &Plan) -> Result<Permission> {
    let permission: Option<Permission> = io.store.run_permission(&kept.id, &run.id).await?;
    let Some(permission) = permission else {
        return Err(Error::upstream(
            "start to apply",
            "the run was not permitted to change anything",
        ));
    };
    let releases = releases(&fresh.changes);
    // A removal is ordered by the provider side and confirmed by the sign-in: its releases are what it is for.
    if kept.standing.leaving() {
        return Ok(Permission {
            approved_releases: Some(releases),
            ..permission
        });
    }
    let approval = match &run.plan {
        Some(plan) => io.store.approval(&kept.id, plan, io.clock.now()).await?,
        None => None,
    };
    Ok(guard::with_approval(permission, approval.as_ref(), releases))
}

/// Who has agreed to releases that needed it.
fn approval(permission: &Permission, plan: &StoredPlan, run: &Run) -> Option<Approval> {
    let releases = plan
        .releases_to_approve
        .filter(|_| permission.approved_releases.is_some())?;
    let by = permission.approved_by.clone();
    Some(Approval {
        releases,
        by: by.unwrap_or_else(|| run.requested_by.clone()),
        at: run.created,
    })
}

/// Nothing is executed. The plan is kept, so that it can be read and approved, and everybody whom it concerns can be told.
async fn hold(io: &Io, lease: &Lease, run: &mut Run, plan: &StoredPlan, finding: Finding) -> Result<Next> {
    let now = io.clock.now();
    io.store.hold_plan(lease, &plan.id, plan, now).await?;
    let concerned = plan.changes.iter().map(|change| Finding {
        about: Some(change.user().clone()),
        ..finding.clone()
    });
    let mut by_user: BTreeMap<_, Finding> = BTreeMap::new();
    by_user.extend(concerned.map(|finding| (finding.about.clone(), finding)));
    let found = by_user.values().chain(&plan.notes).chain(&plan.conflicts);
    let troubles = diagnosis::troubles(&run.id, found, now);
    io.store.put_troubles(&lease.enterprise, &troubles).await?;
    let mut findings = vec![finding];
    findings.extend(plan.conflicts.iter().cloned());
    end(io, lease, run, findings).await
}

/// The first notes of each kind, or all.
fn named(notes: &[Finding], all: bool) -> impl Iterator<Item = Finding> {
    let mut seen: BTreeMap<Code, usize> = BTreeMap::new();
    notes
        .iter()
        .filter(move |note| {
            let count = seen.entry(note.code).or_default();
            *count += 1;
            all || *count <= NAMED
        })
        .cloned()
}

fn stale(beyond: &[Change]) -> Finding {
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
