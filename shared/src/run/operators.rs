//! Deputies of the Global Admin: who names them, and how they prove at a sync that they are the ones named.
//!
//! The portal identity is half of it: an account admin, or holder of the role of the Global Admin, whose address is a
//! deputy's. The other half is a sign-in at Microsoft as the same person as ever, with the role that is asked for. Taking a
//! deputy out of the list ends both at once, links that were given out and tokens that were sealed included.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::caller::Role;
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseId;
use crate::domain::operators::{Deputy, Named};
use crate::domain::run::{Authority, Run};
use crate::domain::visit::{Purpose, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::{GLOBAL_ADMINISTRATOR, SignedIn, TEAMS_ADMINISTRATOR};
use crate::plan::operators::is_deputy;
use crate::run::access::{Access, entry};
use crate::run::sign_in;
use jiff::Timestamp;

/// Names the deputies of an enterprise that the caller saw at version `seen`, in place of those before.
///
/// # Errors
/// `NotRecorded` for anybody but the recorded Global Admin, `Invalid` with everything that is wrong, `Stale`. It may be done
/// while the integration is being removed, too: a deputy can be taken out at any time.
pub async fn name(
    io: &Io,
    access: Access,
    named: &[Named],
    teams_administrators: bool,
    seen: u64,
    now: Timestamp,
) -> Result<Enterprise> {
    access.recorded_caller()?;
    let author = access.author();
    let kept = access.kept;
    if kept.version != seen {
        return Err(Error::Stale("the enterprise"));
    }
    let operators = kept
        .operators
        .replaced_by(named, teams_administrators, &kept.global_admin.email)?;
    if operators == kept.operators {
        // Whoever made this change may have died before its consequences.
        withdraw(io, &kept).await?;
        return Ok(kept);
    }
    let allowed = |allowed: bool| Some(allowed.to_string());
    let changes = [
        changed("deputies", kept.operators.text(), operators.text()),
        changed(
            "teamsAdministrators",
            allowed(kept.operators.teams_administrators),
            allowed(teams_administrators),
        ),
    ];
    let next = Enterprise {
        operators,
        version: seen + 1,
        ..kept
    };
    let changes = changes.into_iter().flatten().collect();
    let entry = entry(io, &author, Deed::OperatorsChanged, changes, now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    withdraw(io, &next).await?;
    Ok(next)
}

/// Deletes the tokens of the present run where its deputy is none any more: its worker stops before the next change, and
/// the run waits for somebody who may.
async fn withdraw(io: &Io, kept: &Enterprise) -> Result<()> {
    let Some(current) = io.store.sync_status(&kept.id).await?.current else {
        return Ok(());
    };
    let run = io.store.run(&kept.id, &current).await?;
    if expected(kept, &run).is_err() {
        io.store.delete_sealed(&kept.id, &current).await?;
    }
    Ok(())
}

/// The first half of the double authentication: the portal identity is the recorded Global Admin or a
/// deputy, or manages in the place of the Global Admin (R013), who then signs in.
///
/// # Errors
/// `NotRecorded`.
pub(super) fn asks(access: &Access) -> Result<Authority> {
    let (kept, caller) = (&access.kept, &access.caller);
    if access.on_behalf() {
        // Whoever manages may ask; the sign-in stays the Global Admin's.
        return Ok(Authority::GlobalAdmin);
    }
    let is_admin = access.recorded_caller();
    let of_customer = matches!(caller.role, Role::AccountAdmin(_) | Role::GlobalAdmin(_));
    let deputy = caller.email.as_ref().and_then(|email| kept.operators.deputy(email));
    match deputy.filter(|_| of_customer) {
        Some(deputy) if is_admin.is_err() => {
            not_moving(kept)?;
            Ok(Authority::Deputy(deputy.email.clone()))
        }
        Some(_) | None => is_admin.map(|()| Authority::GlobalAdmin),
    }
}

/// After `Disable Sync` the next sign-in decides about the tenant; that is the Global Admin's.
fn not_moving(kept: &Enterprise) -> Result<()> {
    if kept.sync_switch.off() {
        return Err(Error::Conflict(
            "sync is disabled; only the Global Admin can sync until it is enabled again".into(),
        ));
    }
    Ok(())
}

/// The deputy whose sign-in a run waits for; nobody where it is the Global Admin's.
///
/// # Errors
/// `LinkClosed` where that deputy is none any more.
pub(super) fn expected<'a>(kept: &'a Enterprise, run: &Run) -> Result<Option<&'a Deputy>> {
    let Some(email) = run.authority.deputy() else {
        return Ok(None);
    };
    let deputy = kept.operators.deputy(email);
    deputy.map(Some).ok_or(Error::SignIn(SignInRefused::LinkClosed))
}

/// After a seal was put: the deputy is still one, and nobody else has been asked for meanwhile.
///
/// # Errors
/// `LinkClosed`; the seal is deleted then.
pub(super) async fn still_expected(io: &Io, enterprise: &EnterpriseId, run: &Run) -> Result<()> {
    if run.authority.deputy().is_none() {
        return Ok(());
    }
    let kept = io.store.enterprise(enterprise).await?;
    let closed = expected(&kept, run).err();
    if let Some(closed) = closed {
        io.store.delete_sealed(enterprise, &run.id).await?;
        return Err(closed);
    }
    Ok(())
}

/// The account that Microsoft should offer at a sign-in.
///
/// # Errors
/// `LinkClosed` where a run waits for a deputy who is none any more.
pub(super) async fn account(io: &Io, kept: &Enterprise, purpose: &Purpose) -> Result<EmailAddress> {
    if let Purpose::Sync { run } = purpose {
        let run = io.store.run(&kept.id, run).await?;
        if let Some(deputy) = expected(kept, &run)? {
            return Ok(deputy.email.clone());
        }
    }
    Ok(kept.global_admin.email.clone())
}

/// The second half, for a deputy's run: the bound tenant, the recorded person, and a role that is enough. At the first
/// sign-in the person is recorded. Gives the enterprise as it is then.
///
/// # Errors
/// `LinkClosed`, `TenantMismatch` (R066), `NotRecorded`, `NotGlobalAdmin`, `Stale`.
pub(super) async fn proven(
    io: &Io,
    visit: &Visit,
    kept: Enterprise,
    deputy: &Deputy,
    person: &SignedIn,
    now: Timestamp,
) -> Result<Enterprise> {
    not_moving(&kept)?;
    let identity = &person.claims.identity;
    is_deputy(&kept.setup, &kept.global_admin, &kept.operators, deputy, identity)?;
    prove_role(io, &kept, person).await?;
    if deputy.identity.is_some() {
        return Ok(kept);
    }
    let seen = kept.version;
    let next = Enterprise {
        operators: kept.operators.clone().known(&deputy.email, identity),
        version: seen + 1,
        ..kept
    };
    let whom = changed("deputy", None, Some(deputy.email.to_string()));
    let author: Author = sign_in::author(visit, person);
    let entry = entry(io, &author, Deed::DeputyRecorded, whom.into_iter().collect(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}

/// Global Administrator, or Teams Administrator where the Global Admin lets that be enough.
async fn prove_role(io: &Io, kept: &Enterprise, person: &SignedIn) -> Result<()> {
    let enough: &[&str] = if kept.operators.teams_administrators {
        &[GLOBAL_ADMINISTRATOR, TEAMS_ADMINISTRATOR]
    } else {
        &[GLOBAL_ADMINISTRATOR]
    };
    sign_in::prove_role(io, &person.access, enough).await
}
