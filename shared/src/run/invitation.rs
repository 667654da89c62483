//! Invitations of a Global Admin: made, sent, sent again, taken back, and what became of their mails.

use crate::domain::audit::{Author, Deed};
use crate::domain::enterprise::Enterprise;
use crate::domain::global_admin::GlobalAdmin;
use crate::domain::ids::{EnterpriseId, InvitationId};
use crate::domain::invitation::{self, Fate, Invitation, InvitationState, Noted};
use crate::domain::once::Once;
use crate::domain::reseller::Reseller;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::mailer::Letter;
use crate::run::access::entry;
use crate::run::{mails, provision};
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// Invitations follow each other no faster than this: each is a mail to a person.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Replaces the invitation by a new one and sends it; the old link and code die (R023). Gives the link, to be copied.
///
/// # Errors
/// `Conflict` once the set-up is complete or the enterprise is not served, `TooMany` within a minute of the last one,
/// `KeyReused`, `Busy` if somebody was faster.
pub async fn resend(io: &Io, kept: Enterprise, author: &Author, once: &Once, now: Timestamp) -> Result<Url> {
    let token = io.vault.token_for(once).await?;
    if io.store.answered(once, now).await?.is_some() {
        return Ok(page(io, &token));
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
    let reseller = io.store.reseller(&kept.reseller).await?;
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
    let letter = with_token(io, token, now).await?;
    let seen = kept.version;
    let next = Enterprise {
        invitation: Some(letter.invitation.id.clone()),
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, Deed::InvitationSent, Vec::new(), now);
    let mine = io
        .store
        .renew_invitation(&next, seen, old.as_ref(), &letter.invitation, &entry, once)
        .await?;
    if mine {
        send(io, &next, &reseller, &letter).await;
    }
    Ok(letter.link)
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

/// Notes what became of an invitation's mail. Reports may come twice, late, and in any order.
///
/// # Errors
/// `Upstream`.
pub async fn reported(
    io: &Io,
    enterprise: &EnterpriseId,
    invitation: &InvitationId,
    fate: Fate,
    at: Timestamp,
) -> Result<Noted> {
    let (to, trouble) = match fate {
        Fate::Delivered => (InvitationState::Delivered, None),
        Fate::Lost(trouble) => (InvitationState::Bounced, Some(trouble)),
    };
    io.store.note_invitation(enterprise, invitation, to, at, trouble).await
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

/// A new invitation, with the two secrets that only its mail carries.
pub(super) struct NewInvitation {
    pub(super) invitation: Invitation,
    pub(super) code: String,
    pub(super) link: Url,
}

pub(super) async fn new(io: &Io, now: Timestamp) -> Result<NewInvitation> {
    with_token(io, io.chance.token::<32>(), now).await
}

fn page(io: &Io, token: &str) -> Url {
    io.config.public_page(&format!("/i/{token}"))
}

async fn with_token(io: &Io, token: String, now: Timestamp) -> Result<NewInvitation> {
    let code = invitation::code_from(io.chance.bits());
    let link_hash = io.vault.keyed_hash("link", &token).await?;
    let code_hash = io.vault.keyed_hash("code", &invitation::normalised(&code)).await?;
    let id = InvitationId::mint(now, io.chance.bits());
    let invitation = Invitation::new(id, link_hash, code_hash, now);
    Ok(NewInvitation {
        invitation,
        code,
        link: page(io, &token),
    })
}

/// A mail that SES does not take leaves the invitation `queued`, which the reseller sees and can resend; the
/// enterprise exists all the same.
pub(super) async fn send(io: &Io, enterprise: &Enterprise, reseller: &Reseller, letter: &NewInvitation) {
    if let Err(error) = try_send(io, enterprise, reseller, letter).await {
        tracing::error!(enterprise.id = %enterprise.id, error.message = %crate::error::Chain(&error), "the invitation could not be sent");
    }
}

async fn try_send(io: &Io, enterprise: &Enterprise, reseller: &Reseller, letter: &NewInvitation) -> Result<()> {
    let (code, link) = (&letter.code, &letter.link);
    let written = mails::invitation(io, enterprise, reseller, code, link, letter.invitation.expires)?;
    let mail = &written.mail;
    io.mailer
        .send(&Letter {
            from_name: &reseller.brand.product_name,
            from: reseller.brand.sender.as_ref().unwrap_or(&io.config.mail_from),
            reply_to: reseller.brand.reply_to.as_ref(),
            to: &enterprise.global_admin.email,
            subject: &mail.subject,
            text: &mail.text,
            html: &mail.html,
            kind: written.kind.name(),
            enterprise: enterprise.id.as_str(),
            invitation: Some(letter.invitation.id.as_str()),
        })
        .await?;
    let sent = InvitationState::Sent;
    io.store
        .note_invitation(&enterprise.id, &letter.invitation.id, sent, io.clock.now(), None)
        .await
        .map(drop)
}
