//! A run that repeats the failed part of another: only the users whose changes are not all in place.

use super::sync::record::log;
use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId};
use crate::domain::once::Once;
use crate::domain::permission::Permission;
use crate::domain::run::{Run, RunKind};
use crate::domain::sync_log::Line;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::plan::retry;
use crate::plan::sync::Facts;
use crate::run::access::Access;
use crate::run::plans::StoredPlan;
use crate::run::start_sync::{self, Ask, Started};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Starts a run for the users whose changes failed, were skipped or not proven in `of`, with a sign-in as any other. What is
/// saved by now is what it applies to them.
///
/// # Errors
/// `Conflict` while `of` goes on or where nothing failed in it, and those of [`start_sync::start`].
pub async fn start(
    io: &Io,
    access: &Access,
    of: &RunId,
    permission: Permission,
    debug: bool,
    once: &Once,
    now: Timestamp,
) -> Result<Started> {
    let enterprise = &access.kept.id;
    let run = io.store.run(enterprise, of).await?;
    if !run.state.ended() {
        return Err(Error::Conflict(
            "the run has not ended; wait for its end, or stop it".into(),
        ));
    }
    if unfinished(io, enterprise, of).await?.is_empty() {
        return Err(Error::Conflict(
            "everything that the run planned is in place, or it ended before it had a plan; start a new sync".into(),
        ));
    }
    let ask = Ask {
        kind: RunKind::ApplyOnly,
        plan: None,
        permission: Some(permission),
        debug,
        unattended: false,
        retry_of: Some(of.clone()),
    };
    start_sync::start(io, access, ask, once, now).await
}

/// The users of a run whose changes are not all in place, and those whom its plan left alone for something in the way. What
/// is kept of a run that has ended never changes.
async fn unfinished(io: &Io, enterprise: &EnterpriseId, run: &RunId) -> Result<BTreeSet<TeamsUserId>> {
    let Some(plan) = io.store.run_plan::<StoredPlan>(enterprise, run).await? else {
        return Ok(BTreeSet::new());
    };
    let steps = io.store.steps(enterprise, run).await?.into_iter();
    let open = steps.filter(|step| step.unfinished()).map(|step| step.user);
    let left_alone = plan.conflicts.into_iter().filter_map(|conflict| conflict.about);
    Ok(open.chain(left_alone).collect())
}

/// The facts that the run plans from: all of them, or those about its part.
pub(super) async fn limited(io: &Io, lease: &Lease, run: &mut Run, facts: Facts) -> Result<Facts> {
    let Some(of) = run.retry_of.clone() else {
        return Ok(facts);
    };
    let users = unfinished(io, &lease.enterprise, &of).await?;
    let facts = retry::limited(facts, &users);
    let both: BTreeSet<_> = facts.wanted.keys().chain(facts.ours.keys()).collect();
    let users = both.len();
    log(io, lease, run, vec![Line::Repeats { users }]).await?;
    Ok(facts)
}
