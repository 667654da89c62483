//! Resellers and enterprises come into being; invitations go out.

use crate::domain::brand::Brand;
use crate::domain::enterprise::{Enterprise, EnterpriseForm};
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{EnterpriseId, InvitationId, ResellerId};
use crate::domain::invitation::{self, Invitation, InvitationState};
use crate::domain::once::Once;
use crate::domain::reseller::Reseller;
use crate::domain::schedule;
use crate::domain::setup::Setup;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::mailer::Letter;
use crate::mail::EnterpriseInvitation;
use jiff::Timestamp;
use url::Url;

/// Creates or replaces a reseller.
///
/// # Errors
/// `Invalid`, `Stale`.
pub async fn put_reseller(io: &Io, id: &ResellerId, name: &str, brand: Brand) -> Result<Reseller> {
    let seen = match io.store.reseller(id).await {
        Ok(reseller) => reseller.version,
        Err(Error::NotFound(_)) => 0,
        Err(error) => return Err(error),
    };
    let name = crate::domain::plain_text("name", name, 120)?;
    let reseller = Reseller {
        id: id.clone(),
        name,
        brand: brand.checked()?,
        version: seen + 1,
    };
    io.store.put_reseller(&reseller, seen).await?;
    Ok(reseller)
}

/// Creates an enterprise and sends the invitation (R019). The same request again answers with the same enterprise and
/// sends nothing more.
///
/// # Errors
/// `Invalid` with every wrong field, `NotFound` for the reseller, `KeyReused`.
pub async fn create_enterprise(
    io: &Io,
    reseller: &ResellerId,
    form: EnterpriseForm,
    once: &Once,
    now: Timestamp,
) -> Result<Enterprise> {
    let reseller = io.store.reseller(reseller).await?;
    let (settings, global_admin) = form.check(&io.config.region_names())?;
    if let Some(known) = io.store.answered(once, now).await? {
        return io.store.enterprise(&parsed(&known)?).await;
    }
    let letter = new_invitation(io, now).await?;
    let enterprise = Enterprise {
        id: EnterpriseId::mint(now, io.chance.bits()),
        reseller: reseller.id.clone(),
        settings,
        global_admin,
        setup: Setup::Invited,
        group_filter: GroupFilter::Undecided,
        invitation: Some(letter.invitation.id.clone()),
        created: now,
        version: 1,
    };
    let id = io
        .store
        .create_enterprise(&enterprise, &letter.invitation, once, now)
        .await?;
    if id != enterprise.id {
        return io.store.enterprise(&id).await;
    }
    send_invitation(io, &enterprise, &reseller, &letter).await;
    io.store.enterprise(&id).await
}

/// Replaces the invitation by a new one and sends it; the old link and code die (R023). Gives the link, to be copied.
///
/// # Errors
/// `Conflict` once the set-up is complete, `Stale`.
pub async fn resend_invitation(io: &Io, kept: Enterprise, now: Timestamp) -> Result<Url> {
    if kept.setup.complete() {
        return Err(Error::Conflict(
            "the set-up is complete; there is nobody to invite".into(),
        ));
    }
    let reseller = io.store.reseller(&kept.reseller).await?;
    let old = match &kept.invitation {
        Some(id) => Some(io.store.invitation(&kept.id, id).await?),
        None => None,
    };
    let letter = new_invitation(io, now).await?;
    let seen = kept.version;
    let next = Enterprise {
        invitation: Some(letter.invitation.id.clone()),
        version: seen + 1,
        ..kept
    };
    io.store
        .replace_invitation(&next, seen, old.as_ref(), &letter.invitation)
        .await?;
    send_invitation(io, &next, &reseller, &letter).await;
    Ok(letter.link)
}

/// A new invitation, with the two secrets that only its mail carries.
struct NewInvitation {
    invitation: Invitation,
    code: String,
    link: Url,
}

async fn new_invitation(io: &Io, now: Timestamp) -> Result<NewInvitation> {
    let token = io.chance.token::<32>();
    let code = invitation::code_from(io.chance.bits());
    let invitation = Invitation {
        id: InvitationId::mint(now, io.chance.bits()),
        link_hash: io.vault.keyed_hash("link", &token).await?,
        code_hash: io.vault.keyed_hash("code", &invitation::normalised(&code)).await?,
        state: InvitationState::Queued,
        created: now,
        expires: now + invitation::LIFE,
        wrong_codes: 0,
    };
    Ok(NewInvitation {
        invitation,
        code,
        link: io.config.public_page(&format!("/i/{token}")),
    })
}

/// A mail that SES does not take leaves the invitation `queued`, which the reseller sees and can resend; the
/// enterprise exists all the same.
async fn send_invitation(io: &Io, enterprise: &Enterprise, reseller: &Reseller, letter: &NewInvitation) {
    if let Err(error) = try_send_invitation(io, enterprise, reseller, letter).await {
        tracing::error!(enterprise.id = %enterprise.id, error.message = %crate::error::Chain(&error), "the invitation could not be sent");
    }
}

async fn try_send_invitation(
    io: &Io,
    enterprise: &Enterprise,
    reseller: &Reseller,
    letter: &NewInvitation,
) -> Result<()> {
    let zone = schedule::zone(&enterprise.settings.time_zone)?;
    let mail = EnterpriseInvitation {
        brand: &reseller.brand,
        recipient: enterprise.global_admin.display_name().into(),
        enterprise: enterprise.settings.name.as_str().into(),
        reseller: reseller.name.as_str().into(),
        code: &letter.code,
        complete_url: &letter.link,
        permissions_url: &io.config.public_page("/permissions"),
        expires: letter.invitation.expires,
        zone: &zone,
    }
    .render();
    io.mailer
        .send(&Letter {
            from_name: &reseller.brand.product_name,
            from: reseller.brand.sender.as_ref().unwrap_or(&io.config.mail_from),
            reply_to: reseller.brand.reply_to.as_ref(),
            to: &enterprise.global_admin.email,
            subject: &mail.subject,
            text: &mail.text,
            html: &mail.html,
            kind: "enterprise_invitation",
            enterprise: enterprise.id.as_str(),
        })
        .await?;
    let (queued, sent) = (InvitationState::Queued, InvitationState::Sent);
    io.store
        .note_invitation(&enterprise.id, &letter.invitation.id, &[queued], sent)
        .await
        .map(drop)
}

fn parsed(id: &str) -> Result<EnterpriseId> {
    id.parse()
        .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
}
