//! `Disable Sync` (R066-R068): an enterprise is moved to another tenant on purpose, and only so.
//!
//! What belongs to the tenant that is left (mapping, directory, groups, what we own there) is put aside after the move.
//! That may be repeated, and it must be done before the set-up in the new tenant is complete.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::global_admin::{GlobalAdmin, Identity};
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{RunId, TenantId};
use crate::domain::secret::Secret;
use crate::domain::setup::{BoundTenant, Setup};
use crate::domain::sync_status::SyncStatus;
use crate::domain::sync_switch::SyncSwitch;
use crate::domain::visit::{Session, Stage, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::SignedIn;
use crate::io::vault::sha256;
use crate::plan::onboard::{Event, step};
use crate::run::access::{entry, unmoved};
use crate::run::{account, sign_in, start_sync};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Disables sync of an enterprise that the caller saw at version `seen`: nobody is reminded, and the next sync's sign-in
/// may be one in another tenant. Doing it twice changes nothing.
///
/// # Errors
/// `Conflict` before the set-up is complete, while a sync is under way or the integration is being removed; `Stale`.
pub async fn disable(io: &Io, kept: Enterprise, seen: u64, author: &Author, now: Timestamp) -> Result<Enterprise> {
    unmoved(&kept, seen)?;
    if kept.sync_switch.off() {
        return Ok(kept);
    }
    if !kept.setup.complete() {
        return Err(Error::Conflict(
            "the set-up is not complete; a tenant that is not the right one can be rejected in it".into(),
        ));
    }
    kept.standing.may_sync().map_err(|why| Error::Conflict(why.into()))?;
    if kept.standing.leaving() {
        return Err(Error::Conflict(
            "the integration is being removed; only its final sync is left".into(),
        ));
    }
    let status = io.store.sync_status(&kept.id).await?;
    start_sync::none_under_way(io, &kept.id, &status).await?;
    let by = author.who.clone();
    set(
        io,
        kept,
        SyncSwitch::Off { since: now, by },
        Deed::SyncDisabled,
        author,
        now,
    )
    .await
}

/// Enables sync again, in the tenant that is bound.
///
/// # Errors
/// `Stale`.
pub async fn enable(io: &Io, kept: Enterprise, seen: u64, author: &Author, now: Timestamp) -> Result<Enterprise> {
    unmoved(&kept, seen)?;
    if !kept.sync_switch.off() {
        return Ok(kept);
    }
    set(io, kept, SyncSwitch::On, Deed::SyncEnabled, author, now).await
}

async fn set(
    io: &Io,
    kept: Enterprise,
    sync_switch: SyncSwitch,
    deed: Deed,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    let seen = kept.version;
    let next = Enterprise {
        sync_switch,
        version: seen + 1,
        ..kept
    };
    io.store
        .update_enterprise(&next, seen, &entry(io, author, deed, Vec::new(), now), &[])
        .await?;
    account::refresh_pending(io, &next, now).await?;
    Ok(next)
}

/// How many Teams users have something of ours in the bound tenant.
///
/// # Errors
/// `Upstream`.
pub async fn assigned(io: &Io, kept: &Enterprise) -> Result<usize> {
    Ok(io.store.account(&kept.id).await?.owned.len())
}

/// Whether this person, who signed in for a sync, is in another tenant than the bound one, as only `Disable Sync` allows.
#[must_use]
pub fn moves(kept: &Enterprise, person: &SignedIn) -> bool {
    let elsewhere = |tenant: &BoundTenant| tenant.id != person.claims.identity.tenant;
    kept.sync_switch.off() && kept.setup.tenant().is_some_and(elsewhere)
}

/// The sign-in of a sync in another tenant: the role is proven there, and the move waits to be confirmed.
///
/// # Errors
/// `NotGlobalAdmin`, `TenantMismatch`; nothing has changed then.
pub async fn signed_in_elsewhere(
    io: &Io,
    visit: &Visit,
    run: &RunId,
    person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    sign_in::prove_global_admin(io, &person.access).await?;
    let tenant = sign_in::tenant_of(io, &person, now).await?;
    let session = visit.at(Stage::Move {
        identity: person.claims.identity,
        person: person.claims.name,
        tenant,
        scopes: person.scopes,
        run: run.clone(),
    });
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// Moves the enterprise to the tenant that was shown. Its set-up goes on there with the second permission set.
///
/// # Errors
/// `StateUnknown` where the browser is not at that point, `LinkClosed` once sync was enabled again, `TenantTaken`, `Stale`.
pub async fn confirm(io: &Io, session: Session, browser: &Secret, now: Timestamp) -> Result<()> {
    let visit = session.visit();
    let Stage::Move {
        identity,
        person,
        tenant,
        scopes,
        run,
    } = session.stage
    else {
        return Err(SignInRefused::StateUnknown.into());
    };
    let kept = sign_in::current(io, &visit).await?;
    let left = match kept.setup.tenant() {
        Some(left) if kept.sync_switch.off() && left.id != tenant.id => left.clone(),
        _ => return Err(SignInRefused::LinkClosed.into()),
    };
    if io.store.sync_status(&kept.id).await?.current != Some(run) {
        return Err(SignInRefused::LinkClosed.into());
    }
    let author = Author::visitor(&person, identity.user.as_str(), &visit.origin);
    start_sync::abandon(io, &kept).await?;
    let moved = moved(&kept, identity, person, tenant.clone(), scopes, now)?;
    let named = |tenant: &BoundTenant| format!("{} ({})", tenant.name, tenant.id);
    let change = changed("tenant", Some(named(&left)), Some(named(&tenant)));
    let entry = entry(io, &author, Deed::TenantMoved, change.into_iter().collect(), now);
    io.store
        .move_tenant(&moved, kept.version, &left.id, &tenant.id, &entry)
        .await?;
    put_aside(io, moved).await?;
    let stage = Stage::SecondConsent { again: false };
    io.store
        .put_session(&sha256(browser.expose()), &visit.at(stage), now)
        .await
}

/// The enterprise as it begins in another tenant.
fn moved(
    kept: &Enterprise,
    identity: Identity,
    by: String,
    tenant: BoundTenant,
    scopes: BTreeSet<String>,
    now: Timestamp,
) -> Result<Enterprise, SignInRefused> {
    let anew = GlobalAdmin {
        identity: None,
        ..kept.global_admin.clone()
    };
    let event = Event::TenantConfirmed {
        identity,
        by,
        tenant,
        scopes,
    };
    let (setup, global_admin) = step(&Setup::Invited, &anew, event, now)?;
    Ok(Enterprise {
        setup,
        global_admin,
        group_filter: GroupFilter::Undecided,
        sync_switch: SyncSwitch::On,
        operators: kept.operators.clone().elsewhere(),
        left_tenant: kept.setup.tenant().map(|tenant| tenant.id.clone()),
        version: kept.version + 1,
        ..kept.clone()
    })
}

/// Puts aside what belongs to the tenant that was left, and takes up what was put aside when the enterprise left the
/// present one. Repeating it after a crash goes on where it stopped.
///
/// # Errors
/// `Upstream`, `Stale`.
pub async fn put_aside(io: &Io, kept: Enterprise) -> Result<Enterprise> {
    let (Some(left), Some(tenant)) = (kept.left_tenant.clone(), kept.setup.tenant().cloned()) else {
        return Ok(kept);
    };
    let kept = if left == tenant.id {
        kept
    } else {
        leave(io, &kept, &left).await?;
        // What is ours in the present tenant must not be put aside by a repetition.
        now_leaving(io, kept, Some(tenant.id.clone())).await?
    };
    io.store.take_up_account(&kept.id, &tenant.id).await?;
    account::refresh_pending(io, &kept, io.clock.now()).await?;
    now_leaving(io, kept, None).await
}

async fn leave(io: &Io, kept: &Enterprise, left: &TenantId) -> Result<()> {
    let enterprise = &kept.id;
    io.store.forget_directory(enterprise).await?;
    io.store.put_troubles(enterprise, &[]).await?;
    io.store.forget_groups(enterprise).await?;
    io.store.leave_account(enterprise, left).await?;
    io.store
        .edit_sync_status(kept, |status| SyncStatus {
            discovered: None,
            last: None,
            ..status
        })
        .await
        .map(drop)
}

async fn now_leaving(io: &Io, kept: Enterprise, left_tenant: Option<TenantId>) -> Result<Enterprise> {
    let (seen, now) = (kept.version, io.clock.now());
    let next = Enterprise {
        left_tenant,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, &Author::service(), Deed::LeftTenantPutAside, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}
