//! Syncs that nobody signs in for: the Global Admin lets them be, they start, and they get tokens of our own application
//! (`infra/decisions/0027-unattended-syncs.md`).
//!
//! One look at an enterprise is planned at a time; it does what is due by then: gives a token to a run that waits for one,
//! or begins a run by itself. Whatever an event was planned for, the look goes by the state as it is.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::caller::Role;
use crate::domain::change::Change;
use crate::domain::consent::GRAPH;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::Finding;
use crate::domain::ids::{ClientId, EnterpriseId, RunId};
use crate::domain::once::Once;
use crate::domain::run::{Authority, Run, RunKind, RunState, Tally, Trigger};
use crate::domain::schedule;
use crate::domain::secret::Secret;
use crate::domain::sync_status::SyncStatus;
use crate::domain::unattended::{Leave, Unattended, Window};
use crate::domain::visit::{Session, Stage, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::Token;
use crate::io::vault::sha256;
use crate::plan::unattended as decide;
use crate::run::access::{Access, entry, unmoved};
use crate::run::plans::StoredPlan;
use crate::run::start_sync::Ask;
use crate::run::{prepare, session, sign_in, start_sync, sync};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// The application whose permissions need no person.
///
/// # Errors
/// `Conflict` where the deployment has none.
pub(super) fn application(io: &Io) -> Result<&ClientId> {
    let application = io.config.entra_unattended_client_id.as_ref();
    application.ok_or_else(|| Error::Conflict("unattended syncs are not offered here; ask the provider".into()))
}

/// The Global Admin can be asked to let syncs run unattended.
///
/// # Errors
/// `Conflict`, with what comes first.
pub(super) fn may_be_asked(io: &Io, kept: &Enterprise) -> Result<()> {
    application(io)?;
    if !kept.setup.complete() {
        return Err(Error::Conflict(
            "the Global Admin has to finish the set-up first".into(),
        ));
    }
    if kept.may_sync_unattended() {
        return Err(Error::Conflict("syncs may run unattended already".into()));
    }
    kept.standing.may_sync().map_err(|why| Error::Conflict(why.into()))
}

/// The admin consent page says that the organization accepted; the next page proves it by a call.
///
/// # Errors
/// `Upstream`.
pub(super) async fn accepted(io: &Io, visit: &Visit, browser: &Secret, now: Timestamp) -> Result<()> {
    let session = visit.at(Stage::UnattendedAccepted { at: now });
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// A token of our own application that has been proven by a call: one comes even where nothing was granted. Nothing where
/// Microsoft does not let us.
async fn token(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<Option<Token>> {
    let (Some(tenant), application) = (kept.setup.tenant(), application(io)?) else {
        return Ok(None);
    };
    let secret = io.vault.entra_client_secret(application).await?;
    let proven = async {
        let token = io
            .sign_in
            .app_token(application, secret, &tenant.id, GRAPH, now)
            .await?;
        let organization = io.graph.organization(&token).await?;
        Ok((organization.id == tenant.id).then_some(token))
    };
    match proven.await {
        Err(Error::SignIn(_) | Error::TokenExpired | Error::Refused { status: 403, .. }) => Ok(None),
        proven => proven,
    }
}

/// Whether Microsoft applies what the organization accepted. Changes nothing.
///
/// # Errors
/// `Upstream`, `Throttled`, and `Refused` where our registration is at fault.
pub async fn applies(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<bool> {
    Ok(token(io, kept, now).await?.is_some())
}

/// The person at this browser lets syncs run unattended: asked for in the portal by the recorded Global Admin, accepted at
/// Microsoft by a Global Administrator of the bound tenant, and proven.
///
/// # Errors
/// `StateUnknown` where the browser is not at that point, `LinkClosed` once the role went to another person,
/// `ConsentNotInForce`, `Stale`.
pub async fn allow(io: &Io, session: &Session, browser: &Secret, now: Timestamp) -> Result<()> {
    let visit = session.visit();
    if !matches!(session.stage, Stage::UnattendedAccepted { .. }) {
        return Err(SignInRefused::StateUnknown.into());
    }
    let kept = sign_in::current(io, &visit).await?;
    if !kept.may_sync_unattended() {
        let tenant = kept.setup.tenant().map(|tenant| tenant.id.clone());
        let (Some(tenant), true) = (tenant, applies(io, &kept, now).await?) else {
            return Err(SignInRefused::ConsentNotInForce.into());
        };
        let by = kept.global_admin.display_name().to_owned();
        let author = Author::visitor(&by, "admin consent page", &visit.origin);
        let leave = Leave::Given { at: now, by, tenant };
        let unattended = Unattended {
            leave,
            ..kept.unattended.clone()
        };
        let seen = kept.version;
        // The pages plan nothing: the Global Admin chooses the hours afterwards, and the daily sweep sees to what is left.
        noted(io, kept, unattended, seen, Deed::UnattendedAllowed, &author, now).await?;
    }
    let session = visit.at(Stage::UnattendedAllowed);
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// When and how far unattended syncs run, as the Global Admin wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// They begin by themselves.
    pub automatic: bool,
    /// When they may.
    pub window: Window,
    /// They may release numbers.
    pub releases: bool,
}

/// Changes when and how far unattended syncs run, of an enterprise that the caller saw at version `seen`.
///
/// # Errors
/// `NotRecorded` for anybody but the recorded Global Admin, `Stale`.
pub async fn change(io: &Io, access: Access, wish: Wish, seen: u64, now: Timestamp) -> Result<Enterprise> {
    access.recorded_caller()?;
    let author = access.author();
    let kept = access.kept;
    unmoved(&kept, seen)?;
    let unattended = Unattended {
        leave: kept.unattended.leave.clone(),
        automatic: wish.automatic,
        window: wish.window,
        releases: wish.releases,
    };
    write(io, kept, unattended, seen, Deed::UnattendedChanged, &author, now).await
}

/// Takes back that syncs run unattended, at once: a run that goes on has no token any more. Doing it twice changes nothing.
///
/// # Errors
/// `Stale`.
pub async fn withdraw(io: &Io, access: Access, now: Timestamp) -> Result<Enterprise> {
    let author = access.author();
    let kept = access.kept;
    let unattended = match kept.unattended.leave {
        Leave::Given { .. } => Unattended {
            leave: Leave::Withdrawn {
                at: now,
                by: author.who.clone(),
            },
            ..kept.unattended.clone()
        },
        Leave::Never | Leave::Withdrawn { .. } | Leave::Revoked { .. } => kept.unattended.clone(),
    };
    let seen = kept.version;
    let kept = write(io, kept, unattended, seen, Deed::UnattendedWithdrawn, &author, now).await?;
    let status = io.store.sync_status(&kept.id).await?;
    let current = current(io, &kept.id, &status).await?;
    if let Some(run) = current.filter(|run| run.authority == Authority::Unattended) {
        io.store.delete_sealed(&kept.id, &run.id).await?;
    }
    Ok(kept)
}

/// The customer took the consent back at Microsoft: that is noted, and the finding says so.
///
/// # Errors
/// `Stale`.
pub(super) async fn revoked(io: &Io, enterprise: &EnterpriseId) -> Result<Finding> {
    let kept = io.store.enterprise(enterprise).await?;
    let finding = decide::revoked(&kept);
    let now = io.clock.now();
    let unattended = Unattended {
        leave: Leave::Revoked { at: now },
        ..kept.unattended.clone()
    };
    let (seen, author) = (kept.version, Author::service());
    write(io, kept, unattended, seen, Deed::UnattendedWithdrawn, &author, now).await?;
    Ok(finding)
}

/// Writes what was decided, where it is news, and plans the next look.
async fn write(
    io: &Io,
    kept: Enterprise,
    unattended: Unattended,
    seen: u64,
    deed: Deed,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    let kept = noted(io, kept, unattended, seen, deed, author, now).await?;
    let status = io.store.sync_status(&kept.id).await?;
    keep_schedule(io, &kept, &status).await?;
    Ok(kept)
}

async fn noted(
    io: &Io,
    kept: Enterprise,
    unattended: Unattended,
    seen: u64,
    deed: Deed,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    if unattended == kept.unattended {
        return Ok(kept);
    }
    let yes = |yes: bool| Some(yes.to_string());
    let (before, after) = (&kept.unattended, &unattended);
    let changes = [
        changed("leave", Some(leave(&before.leave)), Some(leave(&after.leave))),
        changed("automatic", yes(before.automatic), yes(after.automatic)),
        changed("window", Some(before.window.text()), Some(after.window.text())),
        changed("releases", yes(before.releases), yes(after.releases)),
    ];
    let entry = entry(io, author, deed, changes.into_iter().flatten().collect(), now);
    let next = Enterprise {
        unattended,
        version: seen + 1,
        ..kept
    };
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}

fn leave(leave: &Leave) -> String {
    let text = match leave {
        Leave::Never => "never given",
        Leave::Given { .. } => "given",
        Leave::Withdrawn { .. } => "withdrawn",
        Leave::Revoked { .. } => "revoked at Microsoft",
    };
    text.to_owned()
}

/// When the enterprise is looked at next, as things stand.
///
/// # Errors
/// `Upstream`.
pub async fn next_look(io: &Io, kept: &Enterprise, status: &SyncStatus) -> Result<Option<Timestamp>> {
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let current = current(io, &kept.id, status).await?;
    Ok(decide::next_look(kept, status, current.as_ref(), &zone, io.clock.now()))
}

/// Plans the next look at the enterprise, or none, as its state asks for.
///
/// # Errors
/// `Upstream`.
pub(super) async fn keep_schedule(io: &Io, kept: &Enterprise, status: &SyncStatus) -> Result<()> {
    if kept.unattended.leave == Leave::Never || application(io).is_err() {
        // Nothing was ever planned, or what was planned does nothing.
        return Ok(());
    }
    match next_look(io, kept, status).await? {
        Some(at) => io.scheduler.look_at(&kept.id, at).await,
        None => io.scheduler.look_away(&kept.id).await,
    }
}

/// The same, with the state as it is now.
///
/// # Errors
/// `Upstream`.
pub(super) async fn look_again(io: &Io, enterprise: &EnterpriseId) -> Result<()> {
    let kept = io.store.enterprise(enterprise).await?;
    let status = io.store.sync_status(enterprise).await?;
    keep_schedule(io, &kept, &status).await
}

async fn current(io: &Io, enterprise: &EnterpriseId, status: &SyncStatus) -> Result<Option<Run>> {
    match &status.current {
        Some(run) => io.store.run(enterprise, run).await.map(Some),
        None => Ok(None),
    }
}

/// Who may start a sync that nobody signs in for: an account admin, the Global Admin, and whoever manages in that person's
/// place; within what the Global Admin lets such a sync do.
///
/// # Errors
/// `Conflict` where none may run, `Invalid` where it would go too far, `NotRecorded`.
pub(super) async fn asks(io: &Io, access: &Access, ask: &Ask) -> Result<Authority> {
    if !matches!(access.caller.role, Role::AccountAdmin(_)) && !access.on_behalf() {
        access.recorded_caller()?;
    }
    application(io)?;
    let status = io.store.sync_status(&access.kept.id).await?;
    decide::allowed(&access.kept, &status).map_err(Error::Conflict)?;
    decide::within_bounds(&access.kept, ask.permission.as_ref(), ask.plan.as_ref())?;
    Ok(Authority::Unattended)
}

/// A run that nobody signs in for stays within what is allowed now. What has changed since it began (the leave, the removal
/// of the integration) makes it wait for a person.
///
/// # Errors
/// `TokenExpired`.
pub(super) async fn in_bounds(io: &Io, kept: &Enterprise, run: &Run) -> Result<()> {
    if run.authority != Authority::Unattended {
        return Ok(());
    }
    let status = io.store.sync_status(&kept.id).await?;
    decide::allowed(kept, &status).map_err(|_| Error::TokenExpired)
}

/// What the plan needs and only a sync with a sign-in puts in place: domains and objects of the tenant that wait for one,
/// and policies that it grants and the tenant does not have.
///
/// # Errors
/// Those of Microsoft.
pub(super) async fn missing_objects(
    io: &Io,
    token: &Token,
    kept: &Enterprise,
    plan: &StoredPlan,
) -> Result<Vec<Finding>> {
    let verified: BTreeSet<String> = io
        .graph
        .organization(token)
        .await?
        .domains
        .into_iter()
        .map(|domain| domain.name.to_lowercase())
        .collect();
    let domains = prepare::gateways(io, kept).into_iter();
    let mut missing: BTreeSet<String> = domains
        .filter(|domain| !verified.contains(&domain.to_lowercase()))
        .collect();
    let puts = plan.objects.iter().filter(|change| change.puts());
    missing.extend(puts.map(|change| change.name.clone()));
    let granted: BTreeSet<_> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Grant { policy_type, name, .. } => Some((*policy_type, name.as_str())),
            Change::Release { .. }
            | Change::Assign { .. }
            | Change::Adopt { .. }
            | Change::AdoptPolicy { .. }
            | Change::Revoke { .. } => None,
        })
        .collect();
    for (policy_type, name) in granted {
        if io.graph.policy_id(token, policy_type, name).await?.is_none() {
            missing.insert(name.to_owned());
        }
    }
    Ok(missing.iter().map(|name| decide::object_missing(name)).collect())
}

/// What a look at an enterprise led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Looked {
    /// A run has its token and works.
    Begun,
    /// Microsoft no longer lets us; the run has ended, and unattended syncs are off.
    Revoked,
    /// Nothing is due.
    Nothing,
}

/// Looks at an enterprise, as an event asks for that came at `scheduled`. The same event may come more than once.
///
/// # Errors
/// What should be tried again.
pub async fn look(io: &Io, enterprise: &EnterpriseId, scheduled: Timestamp, now: Timestamp) -> Result<Looked> {
    let kept = match io.store.enterprise(enterprise).await {
        Err(Error::NotFound(_)) => {
            io.scheduler.look_away(enterprise).await?;
            return Ok(Looked::Nothing);
        }
        kept => kept?,
    };
    let looked = act(io, &kept, scheduled, now).await?;
    look_again(io, enterprise).await?;
    Ok(looked)
}

async fn act(io: &Io, kept: &Enterprise, scheduled: Timestamp, now: Timestamp) -> Result<Looked> {
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let status = io.store.sync_status(&kept.id).await?;
    if application(io).is_err() || decide::allowed(kept, &status).is_err() {
        return Ok(Looked::Nothing);
    }
    let run = match current(io, &kept.id, &status).await? {
        Some(run) if decide::waits_for_us(&run) => run,
        current if decide::due(kept, &status, current.as_ref(), &zone, now) => {
            let id = begin(io, kept, status, scheduled, now).await?;
            io.store.run(&kept.id, &id).await?
        }
        Some(_) | None => return Ok(Looked::Nothing),
    };
    let Some(until) = decide::goes_on_until(kept, &run, &zone, now).filter(|_| decide::waits_for_us(&run)) else {
        return Ok(Looked::Nothing);
    };
    let (Some(token), Some(tenant)) = (token(io, kept, now).await?, kept.setup.tenant()) else {
        let finding = revoked(io, &kept.id).await?;
        sync::give_up(io, &kept.id, &run.id, finding).await?;
        return Ok(Looked::Revoked);
    };
    session::seal_own(io, &kept.id, &run.id, tenant.id.clone(), token, until).await?;
    let still = io.store.enterprise(&kept.id).await?;
    if !still.may_sync_unattended() {
        // Taken back in this very moment.
        io.store.delete_sealed(&kept.id, &run.id).await?;
        return Ok(Looked::Nothing);
    }
    // The worker moves a run whose token is there; the same event starts the same round.
    let round = scheduled.as_second().to_string();
    io.state_machine.start(&kept.id, &run.id, &round).await?;
    Ok(Looked::Begun)
}

/// Creates a run that begins by itself; once for one event.
async fn begin(io: &Io, kept: &Enterprise, status: SyncStatus, scheduled: Timestamp, now: Timestamp) -> Result<RunId> {
    let once = Once {
        key: format!("unattended\n{}\n{scheduled}", kept.id),
        request: b"automatic".to_vec(),
    };
    let status = start_sync::free_for_a_run(io, &kept.id, status).await?;
    let run = Run {
        id: RunId::mint(now, io.chance.bits()),
        kind: RunKind::Apply,
        state: RunState::AwaitingSignIn,
        plan: None,
        debug: false,
        requested_by: Author::service().subject,
        authority: Authority::Unattended,
        trigger: Trigger::Automatic,
        retry_of: None,
        created: now,
        started: None,
        ended: None,
        findings: Vec::new(),
        lines: 0,
        tally: Tally::default(),
    };
    let status = SyncStatus {
        current: Some(run.id.clone()),
        automatic: Some(now),
        ..status
    };
    // Nobody is given the link that belongs to a run: its token is chance that is forgotten here.
    let unknown = io.vault.keyed_hash("link", &io.chance.token::<32>()).await?;
    let asked = changed("run", None, Some(run.id.to_string()));
    let author = Author::service();
    let entry = entry(io, &author, Deed::RunStarted, asked.into_iter().collect(), now);
    let permission = Some(decide::permitted(kept));
    let ends = now + SignedDuration::from_secs(1);
    io.store
        .create_run(kept, &run, &permission, &unknown, ends, &status, &entry, &once, now)
        .await
}
