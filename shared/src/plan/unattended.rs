//! What a sync that nobody signs in for may do, and when the next one is looked at. Every answer is by the state as it is
//! now, whatever an event was planned for.

use crate::domain::Invalid;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::{Actor, Code, Finding};
use crate::domain::ids::PlanId;
use crate::domain::permission::{Mode, Permission};
use crate::domain::run::{Authority, Run, RunState, Trigger};
use crate::domain::sync_status::SyncStatus;
use crate::domain::unattended::Opening;
use crate::plan::preflight;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How long nothing is changed before a sync begins by itself: people save several times in a row.
pub const QUIET: SignedDuration = SignedDuration::from_mins(10);
/// When what can go on at once is looked at.
pub const SOON: SignedDuration = SignedDuration::from_mins(1);
/// How long a run that nobody has signed in for keeps its place: as long as its link works.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// Whether a sync may run that nobody signs in for.
///
/// # Errors
/// The sentence that says what is in the way, and what to do.
pub fn allowed(kept: &Enterprise, status: &SyncStatus) -> Result<(), String> {
    preflight::may_start(&kept.standing, &kept.setup, &kept.group_filter)?;
    if kept.standing.leaving() {
        return Err("the integration is being removed: its final sync needs the sign-in of the Global Admin".into());
    }
    if kept.sync_switch.off() {
        return Err("sync is disabled; only the Global Admin can sync until it is enabled again".into());
    }
    if !kept.may_sync_unattended() {
        return Err(
            "the Global Admin has not let syncs run unattended in this tenant (action allowUnattended); start the run \
             without `unattended`, and it waits for the sign-in"
                .into(),
        );
    }
    if status.discovered.is_none() {
        return Err("the first sync needs the sign-in of the Global Admin".into());
    }
    Ok(())
}

/// What a sync may do that begins by itself: it adds, and where the Global Admin lets it, it releases as many numbers as
/// pass without approval.
#[must_use]
pub fn permitted(kept: &Enterprise) -> Permission {
    Permission {
        mode: if kept.unattended.releases {
            Mode::Full
        } else {
            Mode::AddOnly
        },
        approved_releases: None,
        approved_by: None,
    }
}

/// What somebody permits a sync that nobody signs in for does not go beyond that.
///
/// # Errors
/// Everything that goes beyond it.
pub fn within_bounds(
    kept: &Enterprise,
    permission: Option<&Permission>,
    plan: Option<&PlanId>,
) -> Result<(), Vec<Invalid>> {
    let Some(permission) = permission else { return Ok(()) };
    let mut wrong = Vec::new();
    if permission.mode == Mode::Full && plan.is_some() {
        // Its approval would let more pass than passes by itself.
        wrong.push(Invalid::new(
            "plan",
            "leave it out, or give mode addOnly: what was approved with a plan needs the sign-in of the Global Admin",
        ));
    }
    if permission.mode == Mode::Full && !kept.unattended.releases {
        wrong.push(Invalid::new(
            "mode",
            "give addOnly: the Global Admin does not let unattended syncs release numbers",
        ));
    }
    if permission.approved_releases.is_some() {
        wrong.push(Invalid::new(
            "approvedReleases",
            "leave it out: more releases than pass by themselves need the sign-in of the Global Admin",
        ));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// A sync begins by itself now: it may, changes wait, the window is open, none has begun in this opening, and `current` is
/// not in the way.
#[must_use]
pub fn due(kept: &Enterprise, status: &SyncStatus, current: Option<&Run>, zone: &TimeZone, now: Timestamp) -> bool {
    let open = kept.unattended.window.opening(now, zone);
    let open = open.filter(|opening| opening.takes(now) && !begun_in(status, opening));
    let free = free_from(current).is_some_and(|free| free <= now);
    let wanted = kept.unattended.automatic && status.pending.is_some();
    wanted && open.is_some() && free && allowed(kept, status).is_ok()
}

/// From when on another run may take the place of this one; never while it is going on, or waits with work half done.
fn free_from(current: Option<&Run>) -> Option<Timestamp> {
    match current {
        Some(run) if run.state == RunState::AwaitingSignIn && run.started.is_none() => Some(run.created + PATIENCE),
        Some(run) if !run.state.ended() => None,
        Some(_) | None => Some(Timestamp::MIN),
    }
}

fn begun_in(status: &SyncStatus, opening: &Opening) -> bool {
    status.automatic.is_some_and(|begun| begun >= opening.from)
}

/// Until when a run that waits for a token of our application may have one now: no end for what somebody started, the end
/// of the window for what began by itself. Nothing where it may not go on now.
#[must_use]
pub fn goes_on_until(kept: &Enterprise, run: &Run, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    match run.trigger {
        Trigger::Manual => Some(Timestamp::MAX),
        Trigger::Automatic => {
            let open = kept.unattended.window.opening(now, zone);
            open.filter(|opening| opening.takes(now)).map(|opening| opening.until)
        }
    }
}

/// When an enterprise is looked at again: a run waits for a token of our application, or one is to begin by itself.
/// `current` is the run that is going on or waits.
#[must_use]
pub fn next_look(
    kept: &Enterprise,
    status: &SyncStatus,
    current: Option<&Run>,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Timestamp> {
    allowed(kept, status).ok()?;
    let opening = kept.unattended.window.opening(now, zone);
    if let Some(run) = current.filter(|run| waits_for_us(run)) {
        return match run.trigger {
            Trigger::Manual => Some(now + SOON),
            Trigger::Automatic => opening.map(|opening| opening.from.max(now + SOON)),
        };
    }
    if !kept.unattended.automatic || status.pending.is_none() {
        return None;
    }
    // The end of a run that is going on is another look.
    let free = free_from(current)?;
    let opening = opening?;
    let opening = if begun_in(status, &opening) {
        kept.unattended.window.following(&opening, zone)?
    } else {
        opening
    };
    Some(opening.from.max(now + QUIET).max(free))
}

/// The run waits for a token of our application, not for a person.
#[must_use]
pub fn waits_for_us(run: &Run) -> bool {
    run.state == RunState::AwaitingSignIn && run.authority == Authority::Unattended
}

/// The run waits for a person: nobody else may let it go on.
#[must_use]
pub fn waits_for_a_person(kept: &Enterprise, run: &Run) -> bool {
    run.state == RunState::AwaitingSignIn && !(waits_for_us(run) && kept.may_sync_unattended())
}

/// The customer took the consent for unattended syncs back at Microsoft.
#[must_use]
pub fn revoked(kept: &Enterprise) -> Finding {
    Finding {
        code: Code::ConsentMissing,
        subject: String::new(),
        seen: format!(
            "Microsoft no longer lets the application sync {} unattended: the consent was taken back or lacks a permission.",
            kept.setup.tenant_name()
        ),
        fix: "Start a sync with the sign-in of the Global Admin. Unattended syncs are off until the Global Admin allows them again."
            .into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    }
}

/// An object of ours is not in the tenant as it is needed, and only a sync with a sign-in puts it there.
#[must_use]
pub fn object_missing(name: &str) -> Finding {
    Finding {
        code: Code::PolicyDrift,
        subject: name.to_owned(),
        seen: format!("{name} is not in the tenant as it is needed."),
        fix: "Start a sync with the sign-in of the Global Admin: it puts it there. Unattended syncs change users only."
            .into(),
        actor: Actor::GlobalAdmin,
        about: None,
        wait: None,
    }
}

#[cfg(test)]
mod tests;
