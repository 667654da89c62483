//! Undo of a run: the mapping of the users whom it changed becomes what it was before, and a plan shows the way back. Teams is
//! untouched until a sync, which is guarded as any other (decision 0026).

use crate::domain::Invalid;
use crate::domain::change::Change;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{RunId, TeamsUserId};
use crate::domain::mapping::Ownership;
use crate::domain::once::Once;
use crate::domain::run::StepState;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::account::Account;
use crate::plan::undo::{self, Blocked, Why};
use crate::run::access::Access;
use crate::run::mapping::{self, Saver};
use crate::run::plans::{self, StoredPlan};
use crate::run::start_sync;
use jiff::Timestamp;

/// Makes the mapping of everybody whose number the run changed what it was before that run, all at once, and gives the plan of
/// the way back. The same request again gives the same plan.
///
/// # Errors
/// `Conflict` while the run, or any other, goes on, and where the run changed no numbers; `Invalid` with everybody for whom the
/// world has moved on; `OverLicense`; `KeyReused`.
pub async fn undo(io: &Io, access: &Access, id: &RunId, once: &Once, now: Timestamp) -> Result<StoredPlan> {
    let (kept, author) = (&access.kept, access.author());
    let enterprise = &kept.id;
    if io.store.answered(once, now).await?.is_none() {
        let done = done(io, kept, id).await?;
        let status = io.store.sync_status(enterprise).await?;
        start_sync::none_under_way(io, enterprise, &status).await?;
        let saver = Saver::Undo {
            author: &author,
            run: id,
        };
        let decided = |look: &mapping::Look<'_>| {
            let account = look.account;
            let facts = undo::Facts {
                applied: &done.applied,
                before: &done.before,
                targets: &done.plan.targets,
                owned: &account.owned,
                rows: &account.rows,
                voice_users: &account.voice_users,
            };
            let edits = undo::undo(&facts).map_err(|blocked| refused(&done.plan, account, blocked))?;
            Ok((edits, ()))
        };
        mapping::decide(io, kept, &saver, now, |_, _| false, decided).await?;
    }
    plans::make(io, kept, &author, once, now).await
}

/// What a run changed.
struct Done {
    plan: StoredPlan,
    applied: Vec<Change>,
    before: Ownership,
}

async fn done(io: &Io, kept: &Enterprise, id: &RunId) -> Result<Done> {
    let run = io.store.run(&kept.id, id).await?;
    if !run.state.ended() {
        return Err(Error::Conflict(
            "the run has not ended; wait for its end, or stop it".into(),
        ));
    }
    let nothing = || Error::Conflict("the run changed nobody's number; there is nothing to undo".into());
    let mut plan: StoredPlan = io.store.run_plan(&kept.id, id).await?.ok_or_else(nothing)?;
    let Some(before) = plan.before.take() else {
        return Err(Error::Conflict(
            "the run is too old to be undone: what was in place before it was not kept then".into(),
        ));
    };
    let steps = io.store.steps(&kept.id, id).await?;
    let both = steps.iter().zip(&plan.changes);
    let applied = both.filter(|(step, _)| step.state == StepState::Applied);
    let applied: Vec<Change> = applied.map(|(_, change)| change.clone()).collect();
    let changes = |change: &Change| matches!(change, Change::Release { .. } | Change::Assign { .. });
    if !applied.iter().any(changes) {
        return Err(nothing());
    }
    Ok(Done { plan, applied, before })
}

/// Every reason in words, each with whom it is about.
fn refused(plan: &StoredPlan, account: &Account, blocked: Vec<Blocked>) -> Error {
    let name = |user: &TeamsUserId| plan.names.get(user).cloned().unwrap_or_else(|| user.to_string());
    let fault = |Blocked { user, why }: Blocked| {
        let who = name(&user);
        let (code, text) = match why {
            Why::ChangedAgain => (
                "CHANGED_AGAIN",
                format!("{who} was changed by a later run; undo that one first, or map {who} by hand"),
            ),
            Why::MappedAgain => (
                "MAPPED_AGAIN",
                format!("{who} was mapped otherwise since; take that back, or map {who} by hand"),
            ),
            Why::NumberGone(number) => (
                "NUMBER_GONE",
                format!("{who} had {number}, which is no voice user's any more; give it to a voice user first"),
            ),
            Why::MappedElsewhere { voice_user, to } => (
                "MAPPED_ELSEWHERE",
                format!(
                    "{who} was mapped to {}, who is mapped to {} now; set that to None first",
                    mapping::name(account, &voice_user),
                    name(&to)
                ),
            ),
        };
        Invalid::new(format!("users[{user}]"), text).coded(code)
    };
    Error::Invalid(blocked.into_iter().map(fault).collect())
}
