//! A sync begins: the portal identity asks for it, the Microsoft identity confirms it (R047).

use crate::domain::audit::{Author, Deed, Entry, changed};
use crate::domain::consent::TEAMS_ADMIN_SCOPE;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, PlanId, RunId};
use crate::domain::once::Once;
use crate::domain::permission::{Mode, Permission};
use crate::domain::run::{Authority, Run, RunKind, RunState, Tally, Trigger};
use crate::domain::secret::Secret;
use crate::domain::sync_status::SyncStatus;
use crate::domain::visit::{Link, Purpose, Stage, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::SignedIn;
use crate::io::vault::sha256;
use crate::plan::preflight;
use crate::run::access::{Access, entry};
use crate::run::plans::StoredPlan;
use crate::run::{apply, consent, operators, session, sign_in, switch, unattended};
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// How long the sign-in link of a run works.
pub const LINK_LIFE: SignedDuration = SignedDuration::from_mins(30);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Read, apply, or both.
    pub kind: RunKind,
    /// The plan that was shown, where one was.
    pub plan: Option<PlanId>,
    /// How far the run may go; needed to apply.
    pub permission: Option<Permission>,
    /// More detail in the log (R150).
    pub debug: bool,
    /// Nobody signs in for it.
    pub unattended: bool,
    /// The run whose failed part it repeats.
    pub retry_of: Option<RunId>,
}

/// A run that waits for its sign-in, or for a token of our own application.
#[derive(Debug)]
pub struct Started {
    /// The run.
    pub run: Run,
    /// Where the Global Admin signs in; absent once that has happened.
    pub sign_in: Option<Url>,
}

/// Starts a run for the recorded Global Admin (R048), or for a deputy where the Global Admin named one.
///
/// # Errors
/// `SignIn` for anybody else, `Conflict` while another run goes on or before the set-up is complete, `PlanStale` where
/// the mapping changed since the plan was shown.
pub async fn start(io: &Io, access: &Access, ask: Ask, once: &Once, now: Timestamp) -> Result<Started> {
    let enterprise = &access.kept;
    let authority = if ask.unattended {
        unattended::asks(io, access, &ask).await?
    } else {
        operators::asks(access)?
    };
    preflight::may_start(&enterprise.standing, &enterprise.setup, &enterprise.group_filter).map_err(Error::Conflict)?;
    if let Some(known) = io.store.answered(once, now).await? {
        let id: RunId = known
            .parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))?;
        if ask.unattended {
            // Whoever asked first may have died before the look was planned.
            unattended::look_again(io, &enterprise.id).await?;
        }
        return started(io, &enterprise.id, &id, once).await;
    }
    let status = io.store.sync_status(&enterprise.id).await?;
    if ask.kind.applies() && ask.permission.is_none() {
        return Err(crate::domain::Invalid::new("mode", "say how far the run may go: addOnly or full").into());
    }
    let full = |permission: &Permission| permission.mode == Mode::Full;
    if enterprise.standing.leaving() && !ask.permission.as_ref().is_some_and(full) {
        return Err(Error::Conflict(
            "the integration is being removed: only its final sync is left, with kind apply and mode full".into(),
        ));
    }
    if !ask.kind.reads() && status.discovered.is_none() {
        return Err(Error::Conflict(
            "the users of the tenant have never been read whole; start a run of the kind discover or apply first"
                .into(),
        ));
    }
    if let Some(plan) = &ask.plan {
        let plan: StoredPlan = io.store.plan(&enterprise.id, plan, now).await?;
        if plan.account_version != io.store.account_version(&enterprise.id).await? {
            return Err(Error::PlanStale(
                "the mapping changed since this plan was made; make a new plan, read it, and start again".into(),
            ));
        }
    }
    let status = free_for_a_run(io, &enterprise.id, status).await?;
    let run = Run {
        id: RunId::mint(now, io.chance.bits()),
        kind: ask.kind,
        state: RunState::AwaitingSignIn,
        plan: ask.plan,
        debug: ask.debug,
        requested_by: access.caller.subject.clone(),
        authority,
        trigger: Trigger::Manual,
        retry_of: ask.retry_of,
        created: now,
        started: None,
        ended: None,
        findings: Vec::new(),
        lines: 0,
        tally: Tally::default(),
    };
    let token = io.vault.token_for(once).await?;
    let hash = io.vault.keyed_hash("link", &token).await?;
    let status = SyncStatus {
        current: Some(run.id.clone()),
        ..status
    };
    let ends = now + LINK_LIFE;
    let asked = changed("run", None, Some(run.id.to_string()));
    let entry = entry(io, &access.author(), Deed::RunStarted, asked.into_iter().collect(), now);
    let id = io
        .store
        .create_run(
            enterprise,
            &run,
            &ask.permission,
            &hash,
            ends,
            &status,
            &entry,
            once,
            now,
        )
        .await?;
    if ask.unattended {
        unattended::look_again(io, &enterprise.id).await?;
    }
    started(io, &enterprise.id, &id, once).await
}

/// The run that a request created, now or the first time, with the same link as long as it waits for its sign-in.
async fn started(io: &Io, enterprise: &EnterpriseId, run: &RunId, once: &Once) -> Result<Started> {
    let run = io.store.run(enterprise, run).await?;
    let token = io.vault.token_for(once).await?;
    let waits = run.state == RunState::AwaitingSignIn && run.authority != Authority::Unattended;
    let sign_in = waits.then(|| io.config.public_page(&format!("/sync/{token}")));
    Ok(Started { run, sign_in })
}

/// Another link to a run that waits for a sign-in, and when it ends: the first ran out, or the session with Microsoft
/// ended on the way. The same request again gives the same link.
///
/// # Errors
/// `Conflict` where the run waits for nobody, `KeyReused`.
pub async fn sign_in_again(
    io: &Io,
    access: &Access,
    run: &RunId,
    return_to: Option<Url>,
    once: &Once,
    now: Timestamp,
) -> Result<(Started, Timestamp)> {
    let authority = operators::asks(access)?;
    let enterprise = &access.kept.id;
    if io.store.run(enterprise, run).await?.state != RunState::AwaitingSignIn {
        return Err(Error::Conflict("the run does not wait for a sign-in".into()));
    }
    io.store.await_sign_in_of(enterprise, run, authority.deputy()).await?;
    let token = io.vault.token_for(once).await?;
    let hash = io.vault.keyed_hash("link", &token).await?;
    let to = Link::Run {
        enterprise: enterprise.clone(),
        run: run.clone(),
        return_to,
    };
    let given = changed("run", None, Some(run.to_string()));
    let entry = entry(
        io,
        &access.author(),
        Deed::SignInLinkGiven,
        given.into_iter().collect(),
        now,
    );
    let expires = io
        .store
        .give_link(enterprise, &hash, to, now + LINK_LIFE, &entry, once)
        .await?;
    Ok((started(io, enterprise, run, once).await?, expires))
}

/// One run at a time. A run whose link ran out unused, or whose interrupted sign-in nobody renewed, gives way.
pub(super) async fn free_for_a_run(io: &Io, enterprise: &EnterpriseId, status: SyncStatus) -> Result<SyncStatus> {
    let Some(current) = &status.current else {
        return Ok(status);
    };
    let run = io.store.run(enterprise, current).await?;
    if run.state.ended() {
        return Ok(SyncStatus {
            current: None,
            ..status
        });
    }
    if run.state == RunState::AwaitingSignIn && run.started.is_none() {
        // Somebody pressed the button and never signed in. A newer press replaces it at once.
        let (from, to) = (RunState::AwaitingSignIn, RunState::Abandoned);
        io.store
            .move_run(enterprise, current, from, to, &given_up(io, current))
            .await?;
        io.store.delete_sealed(enterprise, current).await?;
        return Ok(SyncStatus {
            current: None,
            ..status
        });
    }
    Err(Error::Conflict(format!(
        "a sync is going on ({current}); wait for its end, or finish its sign-in"
    )))
}

/// The entry of a run that nobody will sign in for any more.
fn given_up(io: &Io, run: &RunId) -> Entry {
    let changes = [
        changed("run", None, Some(run.to_string())),
        changed("state", None, Some("abandoned".into())),
    ];
    let changes = changes.into_iter().flatten().collect();
    entry(io, &Author::service(), Deed::RunEnded, changes, io.clock.now())
}

/// No worker is busy with the enterprise. A run that waits for a sign-in, even one that was begun, is none.
///
/// # Errors
/// `Conflict`.
pub(super) async fn none_under_way(io: &Io, enterprise: &EnterpriseId, status: &SyncStatus) -> Result<()> {
    let Some(current) = &status.current else { return Ok(()) };
    let run = io.store.run(enterprise, current).await?;
    if run.state.ended() || run.state == RunState::AwaitingSignIn {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "a sync is going on ({current}); wait for its end"
    )))
}

/// Gives up the run that waits for a sign-in, if one does: its person is no longer the Global Admin, or the integration is
/// removed.
///
/// # Errors
/// `Upstream`, `Busy`.
pub(super) async fn abandon(io: &Io, kept: &Enterprise) -> Result<()> {
    let status = io.store.sync_status(&kept.id).await?;
    let Some(current) = status.current else { return Ok(()) };
    let given_up = given_up(io, &current);
    give_up(io, kept, &current, RunState::Abandoned, &given_up)
        .await
        .map(drop)
}

/// Ends a run that waits for a sign-in, with its entry; `false` where it does not wait. What it had handed to Microsoft
/// before it was interrupted is ours.
///
/// # Errors
/// `Upstream`, `Busy`.
pub(super) async fn give_up(io: &Io, kept: &Enterprise, id: &RunId, to: RunState, entry: &Entry) -> Result<bool> {
    let run = io.store.run(&kept.id, id).await?;
    if run.state == RunState::AwaitingSignIn && run.started.is_some() {
        let holder = format!("gives up {id}");
        let lease = io.store.lease(&kept.id, &holder, io.clock.now()).await?;
        apply::claim(io, &lease, id).await?;
        io.store.release(lease).await?;
    }
    let from = RunState::AwaitingSignIn;
    let moved = io.store.move_run(&kept.id, id, from, to, entry).await?;
    if moved {
        io.store.delete_sealed(&kept.id, id).await?;
        let without = |status: SyncStatus| SyncStatus {
            current: status.current.filter(|run| run != id),
            ..status
        };
        io.store.edit_sync_status(kept, without).await?;
    }
    Ok(moved)
}

/// What the sign-in page of a run shows.
#[derive(Debug)]
pub struct Waiting {
    /// Whose.
    pub kept: Enterprise,
    /// Who has to sign in.
    pub person: String,
    /// Which.
    pub run: Run,
    /// The plan that was shown, as text.
    pub plan: Vec<String>,
    /// Where the person is sent when it is over.
    pub return_to: Option<Url>,
}

/// Reads what a run's link leads to; changes nothing.
///
/// # Errors
/// `LinkClosed`.
pub async fn waiting(io: &Io, token: &str, now: Timestamp) -> Result<Waiting> {
    let closed = || Error::SignIn(SignInRefused::LinkClosed);
    let hash = io.vault.keyed_hash("link", token).await?;
    let Some(Link::Run {
        enterprise,
        run,
        return_to,
    }) = io.store.link(&hash, now).await?
    else {
        return Err(closed());
    };
    let run = io.store.run(&enterprise, &run).await?;
    if run.state != RunState::AwaitingSignIn {
        return Err(closed());
    }
    let kept = io.store.enterprise(&enterprise).await?;
    let person = match operators::expected(&kept, &run)? {
        Some(deputy) => deputy.name.clone(),
        None => kept.global_admin.display_name().to_owned(),
    };
    let plan = match &run.plan {
        Some(plan) => io.store.plan::<StoredPlan>(&enterprise, plan, now).await?.text(),
        None => Vec::new(),
    };
    Ok(Waiting {
        kept,
        person,
        run,
        plan,
        return_to,
    })
}

/// Begins the sign-in of a run.
///
/// # Errors
/// `LinkClosed`.
pub async fn begin(io: &Io, token: &str, browser: &Secret, now: Timestamp) -> Result<Url> {
    let waiting = waiting(io, token, now).await?;
    let purpose = Purpose::Sync { run: waiting.run.id };
    sign_in::begin(io, &waiting.kept, purpose, waiting.return_to, browser, now).await
}

/// The second half: the Microsoft identity is the recorded Global Admin, or the deputy who asked for the run, and holds the
/// role. The tokens are sealed for this run and the worker begins.
///
/// # Errors
/// `NotRecorded`, `TenantMismatch` (R066), `NotGlobalAdmin` (R064); the run goes on waiting.
pub async fn signed_in(
    io: &Io,
    visit: &Visit,
    run: &RunId,
    mut person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    let enterprise = &visit.enterprise;
    let asked = io.store.run(enterprise, run).await?;
    let kept = sign_in::current(io, visit).await?;
    // A run that was given up takes nobody's answer, and nothing is noted of it.
    if asked.state != RunState::AwaitingSignIn {
        return Err(SignInRefused::LinkClosed.into());
    }
    let may_sync = |kept: &Enterprise| kept.standing.may_sync().map_err(|why| Error::Conflict(why.into()));
    let kept = if let Some(deputy) = operators::expected(&kept, &asked)?.cloned() {
        may_sync(&kept)?;
        operators::proven(io, visit, kept, &deputy, &person, now).await?
    } else {
        if switch::moves(&kept, &person) {
            return switch::signed_in_elsewhere(io, visit, run, person, browser, now).await;
        }
        let kept = sign_in::recorded(io, visit, &person).await?;
        may_sync(&kept)?;
        sign_in::record(io, visit, kept, &person, now).await?
    };
    let teams = session::teams_token(io, &mut person, now).await?;
    let kept = consent::calling_seen(io, visit, kept, &person, now).await?;
    let teams = teams.ok_or_else(|| SignInRefused::lacking(vec![TEAMS_ADMIN_SCOPE]))?;
    let version = kept.version;
    switch::enable(io, kept, version, &sign_in::author(visit, &person), now).await?;
    let waiting = io.store.run(enterprise, run).await?;
    if waiting.state != RunState::AwaitingSignIn || waiting.authority != asked.authority {
        return Err(SignInRefused::LinkClosed.into());
    }
    session::seal(io, enterprise, run, person, teams).await?;
    operators::still_expected(io, enterprise, &asked).await?;
    // The worker moves a run whose session is there: whatever dies here, no run is under way that nobody works on.
    io.state_machine
        .start(enterprise, run, &now.as_second().to_string())
        .await?;
    let session = visit.at(Stage::Syncing { run: run.clone() });
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}
