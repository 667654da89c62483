//! The second stage: what Teams has is compared with what is wanted, and the plan is kept.

use super::Next;
use super::ending::end;
use super::record::log;
use crate::domain::change::Change;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::PlanId;
use crate::domain::permission::{Mode, Permission};
use crate::domain::run::{Run, RunState, Tally};
use crate::domain::sync_log::Line;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::Token;
use crate::io::store::leases::Lease;
use crate::plan::check::contradictions;
use crate::plan::guard::{releases, rule};
use crate::plan::preflight;
use crate::plan::sync::{beyond, plan};
use crate::run::plans::{self, StoredPlan};
use crate::run::{apply, mapping, prepare, retry, session, unattended};

pub(super) async fn planning(io: &Io, lease: &Lease, run: &mut Run) -> Result<Option<Next>> {
    let enterprise = &lease.enterprise;
    if io.store.run_plan::<StoredPlan>(enterprise, &run.id).await?.is_none() {
        let kept = io.store.enterprise(enterprise).await?;
        unattended::in_bounds(io, &kept, run).await?;
        let brand = io.store.reseller(&kept.reseller).await?.brand;
        let account = io.store.account(enterprise).await?;
        let session = session::open(io, enterprise, &run.id).await?;
        let leaving = kept.standing.leaving();
        let missing = missing_domains(io, &kept, &session.graph).await?;
        if !leaving && !missing.is_empty() {
            return end(io, lease, run, missing).await.map(Some);
        }
        let objects = prepare::compare(io, &kept, &brand, &session).await?;
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
        let takes_away = leaving || permission.mode == Mode::Full;
        let stored = stored.with_objects(objects.held(takes_away));
        let rulings = rule(&stored.changes, account.owned.len(), permission);
        let steps = stored.worded(apply::steps(&stored.changes, &rulings));
        if !mapping::keep_plan(io, lease, &run.id, &kept, account.version, &stored, &steps, now).await? {
            return Ok(None);
        }
        run.tally = Tally::of(&stored.changes, &steps);
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
