//! Invitations of a Global Admin: made, sent, sent again, taken back.

use crate::domain::audit::{Author, Deed};
use crate::domain::enterprise::Enterprise;
use crate::domain::global_admin::GlobalAdmin;
use crate::domain::ids::{EnterpriseId, InvitationId};
use crate::domain::invitation::{self, Invitation, InvitationState};
use crate::domain::letter::{Letter, Outgoing, Posted, Posting, Whose};
use crate::domain::once::Once;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::entry;
use crate::run::{post, provision};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use url::Url;

/// Invitations follow each other no faster than this: each is a mail to a person.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// Whoever repeats a request looks again after this,
const FIRST_LOOK: Duration = Duration::from_millis(25);
/// and then after twice as long, up to this: less than seven seconds in all.
const LAST_LOOK: Duration = Duration::from_millis(3_200);

/// Replaces the invitation by a new one and sends it; the old link and code die (R023). Gives the link, to be copied.
///
/// # Errors
/// `Conflict` once the set-up is complete or the enterprise is not served, `TooMany` within a minute of the last one,
/// `KeyReused`, `Busy` if somebody was faster.
pub async fn resend(io: &Io, kept: Enterprise, author: &Author, once: &Once, now: Timestamp) -> Result<Url> {
    if let Some(known) = io.store.answered(once, now).await? {
        return link(io, &parsed(&known)?).await;
    }
    if kept.setup.complete() {
        return Err(Error::Conflict(
            "the set-up is complete; there is nobody to invite".into(),
        ));
    }
    kept.standing.may_sync().map_err(|why| Error::Conflict(why.into()))?;
    if kept.standing.leaving() {
        return Err(Error::Conflict(
            "the integration is being removed; there is nobody to invite".into(),
        ));
    }
    let old = newest(io, &kept).await?;
    // One that never left is no mail to anybody.
    if let Some(old) = old.as_ref().filter(|old| old.state != InvitationState::Queued) {
        let since = old.created.duration_until(now);
        if since < PAUSE {
            return Err(Error::TooMany {
                what: "an invitation was sent within the last minute; wait for it to arrive".into(),
                wait: PAUSE - since,
            });
        }
    }
    let new = new(io, now).await?;
    let seen = kept.version;
    let next = Enterprise {
        invitation: Some(new.id.clone()),
        version: seen + 1,
        ..kept
    };
    let mails = [mail(io, &next, &new, now)];
    let entry = entry(io, author, Deed::InvitationSent, Vec::new(), now);
    let made = io
        .store
        .renew_invitation(&next, seen, (old.as_ref(), &new), &mails, &entry, once)
        .await?;
    if made == new.id {
        post::deliver(io, &mails).await;
    }
    link(io, &made).await
}

/// Takes the newest invitation of an enterprise back that was read at version `seen`: link and code die at once, and with
/// them every sign-in that they have begun. One that was taken back before stays as it is.
///
/// # Errors
/// `NotFound` where there is none, `Conflict` for one that was accepted, `Stale`.
pub async fn revoke(io: &Io, kept: Enterprise, seen: u64, author: &Author, now: Timestamp) -> Result<Enterprise> {
    provision::current(&kept, seen)?;
    let old = newest(io, &kept).await?.ok_or(Error::NotFound("invitation"))?;
    match old.state {
        InvitationState::Revoked => return Ok(kept),
        InvitationState::Accepted => {
            return Err(Error::Conflict(
                "the invitation was accepted; there is nothing to take back".into(),
            ));
        }
        InvitationState::Queued
        | InvitationState::Sent
        | InvitationState::Delivered
        | InvitationState::Bounced
        | InvitationState::Opened
        | InvitationState::Locked
        | InvitationState::Expired => {}
    }
    let next = Enterprise {
        // Whoever has signed in through the link, and has not confirmed yet, has done so for nothing.
        global_admin: GlobalAdmin {
            appointment: kept.global_admin.appointment + 1,
            ..kept.global_admin.clone()
        },
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, Deed::InvitationRevoked, Vec::new(), now);
    io.store
        .replace_invitation(&next, seen, Some(&old), None, &entry, &[])
        .await?;
    Ok(next)
}

/// Waits a while until the newest mail of an enterprise that was just created has been handed over, or cannot be: whoever
/// repeats the request at the same moment is to see what the first one saw.
///
/// # Errors
/// `Upstream`.
pub(super) async fn settled(io: &Io, enterprise: &EnterpriseId) -> Result<()> {
    let mut pause = FIRST_LOOK;
    while pause <= LAST_LOOK {
        let (mails, _) = io.store.mails(&Whose::Enterprise(enterprise.clone()), None, 1).await?;
        let under_way = |posting: &Posting| matches!(posting.state, Posted::Queued | Posted::Sending);
        if !mails.iter().any(under_way) {
            break;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Ok(())
}

/// The newest invitation of an enterprise.
///
/// # Errors
/// `Upstream`.
pub async fn newest(io: &Io, kept: &Enterprise) -> Result<Option<Invitation>> {
    match &kept.invitation {
        Some(id) => io.store.invitation(&kept.id, id).await.map(Some),
        None => Ok(None),
    }
}

/// The two secrets of an invitation, which only its mail carries. They follow from its id and the deployment's key, so that
/// they are kept nowhere, and whoever sends the mail has them.
pub(super) struct Secrets {
    pub(super) token: String,
    pub(super) code: String,
}

pub(super) async fn secrets(io: &Io, id: &InvitationId) -> Result<Secrets> {
    let token = io.vault.keyed_hash("invitation link", id.as_str()).await?;
    let chance = io.vault.keyed_bytes("invitation code", id.as_str()).await?;
    let chance = chance
        .iter()
        .take(16)
        .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    Ok(Secrets {
        token,
        code: invitation::code_from(chance),
    })
}

/// A new invitation, as it is kept.
pub(super) async fn new(io: &Io, now: Timestamp) -> Result<Invitation> {
    let id = InvitationId::mint(now, io.chance.bits());
    let secrets = secrets(io, &id).await?;
    let link_hash = io.vault.keyed_hash("link", &secrets.token).await?;
    let code_hash = io
        .vault
        .keyed_hash("code", &invitation::normalised(&secrets.code))
        .await?;
    Ok(Invitation::new(id, link_hash, code_hash, now))
}

/// E8, to be written with the invitation.
pub(super) fn mail(io: &Io, kept: &Enterprise, invitation: &Invitation, now: Timestamp) -> Outgoing {
    let letter = Letter::Invitation {
        invitation: invitation.id.clone(),
    };
    Outgoing {
        until: Some(invitation.expires),
        ..provision::to_admin(io, kept, &kept.global_admin, letter, now)
    }
}

/// The page that its link leads to.
pub(super) fn page(io: &Io, token: &str) -> Url {
    io.config.public_page(&format!("/i/{token}"))
}

async fn link(io: &Io, id: &InvitationId) -> Result<Url> {
    Ok(page(io, &secrets(io, id).await?.token))
}

fn parsed(id: &str) -> Result<InvitationId> {
    id.parse()
        .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
}
