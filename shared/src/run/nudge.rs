//! Invitations that nobody accepts: after some days their reader gets a reminder, and in the end the reseller a task. Each
//! once, by the daily sweep.

use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, InvitationId, MailId};
use crate::domain::invitation::{Invitation, InvitationState};
use crate::domain::letter::{Letter, Outgoing, Whose};
use crate::domain::mail_kind::MailKind;
use crate::domain::reseller::Reseller;
use crate::domain::schedule;
use crate::domain::standing::Standing;
use crate::domain::task::TaskKind;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::tasks::task_of;
use crate::mail::{InvitationNudge, InvitationStuck, Stuck};
use crate::run::mails::Written;
use crate::run::post;
use jiff::Timestamp;

/// What is to be done about an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Its reader is reminded of it.
    Nudge,
    /// The reseller is told that it has ended.
    Task,
    /// Nothing yet: somebody has begun.
    Later,
    /// Nothing: it was accepted, replaced, or taken back, or the reseller knows already.
    Nothing,
}

fn due(kept: &Enterprise, invitation: &Invitation, now: Timestamp) -> Due {
    let newest = kept.invitation.as_ref() == Some(&invitation.id);
    if !newest || kept.setup.complete() || kept.standing != Standing::Active {
        return Due::Nothing;
    }
    let over = invitation.expires <= now;
    match invitation.state {
        // Whoever cannot be reached is another task.
        InvitationState::Revoked | InvitationState::Accepted | InvitationState::Bounced => Due::Nothing,
        InvitationState::Queued | InvitationState::Sent | InvitationState::Delivered if !over => Due::Nudge,
        InvitationState::Queued
        | InvitationState::Sent
        | InvitationState::Delivered
        | InvitationState::Opened
        | InvitationState::Locked
        | InvitationState::Expired => {
            if over {
                Due::Task
            } else {
                Due::Later
            }
        }
    }
}

/// Sees to an invitation that is due; `true` where a mail was written.
///
/// # Errors
/// `Upstream`.
pub(super) async fn see_to(io: &Io, enterprise: &EnterpriseId, id: &InvitationId, now: Timestamp) -> Result<bool> {
    let kept = match io.store.enterprise(enterprise).await {
        Err(Error::NotFound(_)) => return Ok(false),
        kept => kept?,
    };
    let invitation = io.store.invitation(enterprise, id).await?;
    let reseller = io.store.reseller(&kept.reseller).await?;
    let mail = |to, recipient: String, letter| Outgoing {
        id: MailId::mint(now, io.chance.bits()),
        whose: Whose::Enterprise(kept.id.clone()),
        to,
        recipient,
        letter,
        until: None,
    };
    let (mail, task, next) = match due(&kept, &invitation, now) {
        Due::Nothing => (None, None, None),
        Due::Later => (None, None, Some(invitation.expires)),
        Due::Nudge => {
            let letter = Letter::InvitationNudge { invitation: id.clone() };
            let admin = &kept.global_admin;
            let mail = Outgoing {
                until: Some(invitation.expires),
                ..mail(admin.email.clone(), admin.display_name().to_owned(), letter)
            };
            (Some(mail), None, Some(invitation.expires))
        }
        Due::Task => {
            let letter = Letter::InvitationStuck { invitation: id.clone() };
            let admin = kept.global_admin.display_name();
            let why = format!("The invitation of {admin} has ended, and nobody has accepted it.");
            let ignored = TaskKind::InvitationIgnored;
            let task = task_of(ignored, Some(&kept.id), &kept.settings.name, why, invitation.created);
            (
                Some(mail(reseller.owner.clone(), reseller.owner.to_string(), letter)),
                Some(task),
                None,
            )
        }
    };
    let task = task.as_ref().map(|task| (&kept.reseller, task));
    if !io
        .store
        .invitation_seen_to(enterprise, id, next, mail.as_ref(), task, now)
        .await?
    {
        return Ok(false);
    }
    post::deliver(io, mail.as_slice()).await;
    Ok(mail.is_some())
}

/// The words of the reminder, while the invitation can be accepted. It carries no secret: they are in the first mail.
pub(super) async fn reminder(
    io: &Io,
    kept: &Enterprise,
    reseller: &Reseller,
    id: &InvitationId,
) -> Result<Option<Written>> {
    let invitation = io.store.invitation(&kept.id, id).await?;
    if due(kept, &invitation, io.clock.now()) != Due::Nudge {
        return Ok(None);
    }
    let mail = InvitationNudge {
        brand: &reseller.brand,
        recipient: kept.global_admin.display_name().into(),
        enterprise: kept.settings.name.as_str().into(),
        reseller: reseller.name.as_str().into(),
        invited: invitation.created,
        expires: invitation.expires,
        fresh: None,
        zone: &schedule::zone(&kept.settings.time_zone)?,
    };
    Ok(Some(Written::new(
        MailKind::InvitationNudge,
        &reseller.brand,
        mail.render(),
    )))
}

/// What the reseller is told in the end.
pub(super) async fn task(
    io: &Io,
    kept: &Enterprise,
    reseller: &Reseller,
    id: &InvitationId,
) -> Result<Option<Written>> {
    let invitation = io.store.invitation(&kept.id, id).await?;
    if due(kept, &invitation, io.clock.now()) != Due::Task {
        return Ok(None);
    }
    let mail = InvitationStuck {
        brand: &reseller.brand,
        recipient: reseller.owner.as_str().into(),
        reseller: reseller.name.as_str().into(),
        enterprise: kept.settings.name.as_str().into(),
        admin: kept.global_admin.display_name().into(),
        address: kept.global_admin.email.as_str().into(),
        since: invitation.created,
        why: Stuck::NotAccepted,
        zone: &schedule::zone(&kept.settings.time_zone)?,
    };
    Ok(Some(Written::new(
        MailKind::InvitationStuck,
        &reseller.brand,
        mail.render(),
    )))
}
