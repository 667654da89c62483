//! Enterprises come into being, are edited, disabled and enabled.

use crate::domain::Invalid;
use crate::domain::audit::{Author, Changed, Deed, changed};
use crate::domain::enterprise::{Enterprise, EnterpriseForm, Settings};
use crate::domain::global_admin::GlobalAdmin;
use crate::domain::group_filter::GroupFilter;
use crate::domain::ids::{EnterpriseId, MailId, ResellerId};
use crate::domain::letter::{Letter, Outgoing, Whose};
use crate::domain::management::Management;
use crate::domain::once::Once;
use crate::domain::operators::Operators;
use crate::domain::permission::ReleaseLimit;
use crate::domain::reminding::Reminding;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::steps::Steps;
use crate::domain::sync_switch::SyncSwitch;
use crate::domain::unattended::Unattended;
use crate::domain::{licence, schedule};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::{entry, unmoved};
use crate::run::{account, invitation, licences, post};
use jiff::Timestamp;

/// Creates an enterprise and sends the invitation (R019). The same request again answers with the same enterprise and
/// sends nothing more.
///
/// # Errors
/// `Invalid` with every wrong field, `NotFound` for the reseller, `KeyReused`.
pub async fn create_enterprise(
    io: &Io,
    reseller: &ResellerId,
    form: EnterpriseForm,
    author: &Author,
    once: &Once,
    now: Timestamp,
) -> Result<Enterprise> {
    let reseller = io.store.reseller(reseller).await?;
    let (settings, global_admin) = form.check(&io.config.offer())?;
    if let Some(known) = io.store.answered(once, now).await? {
        let id = parsed(&known)?;
        invitation::settled(io, &id).await?;
        return io.store.enterprise(&id).await;
    }
    trial_ahead(&settings, now)?;
    let invitation = invitation::new(io, now).await?;
    let enterprise = Enterprise {
        id: EnterpriseId::mint(now, io.chance.bits()),
        reseller: reseller.id.clone(),
        settings,
        global_admin,
        setup: Setup::Invited,
        group_filter: GroupFilter::Undecided,
        invitation: Some(invitation.id.clone()),
        standing: Standing::Active,
        management: Management::Pending,
        steps: Steps::new(),
        sync_switch: SyncSwitch::On,
        operators: Operators::default(),
        unattended: Unattended::default(),
        release_limit: ReleaseLimit::default(),
        reminding: Reminding::default(),
        left_tenant: None,
        created: now,
        version: 1,
    };
    let entry = entry(io, author, Deed::EnterpriseCreated, differences(None, &enterprise), now);
    let mails = [invitation::mail(io, &enterprise, &invitation, now)];
    let id = io
        .store
        .create_enterprise(&enterprise, &invitation, &mails, &entry, once, now)
        .await?;
    if id == enterprise.id {
        post::deliver(io, &mails).await;
    } else {
        invitation::settled(io, &id).await?;
    }
    io.store.enterprise(&id).await
}

/// Changes the settings of an enterprise that was read at version `seen` (R021). Another number of licences is mailed
/// (E4); another address of a Global Admin who has not signed in yet is a correction, and the invitation goes there (R040).
///
/// # Errors
/// `Invalid` with every wrong field, `Conflict` for another Global Admin once there is one, or while the integration is
/// being removed; `Stale`.
pub async fn edit(
    io: &Io,
    kept: Enterprise,
    form: EnterpriseForm,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    let (settings, asked) = form.check(&io.config.offer())?;
    current(&kept, seen)?;
    let corrected = asked.email != kept.global_admin.email;
    if corrected && (kept.global_admin.identity.is_some() || kept.setup != Setup::Invited) {
        return Err(Error::Conflict(format!(
            "{} has signed in as the Global Admin; give the role to another person with PUT global-admin",
            kept.global_admin.display_name()
        )));
    }
    let new = if corrected {
        Some(invitation::new(io, now).await?)
    } else {
        None
    };
    let global_admin = if corrected {
        kept.global_admin.replaced_by(asked.email, asked.name)
    } else {
        GlobalAdmin {
            name: asked.name,
            ..kept.global_admin.clone()
        }
    };
    let next = Enterprise {
        settings,
        global_admin,
        invitation: new.as_ref().map_or(kept.invitation.clone(), |new| Some(new.id.clone())),
        steps: if corrected { Steps::new() } else { kept.steps.clone() },
        // Deputies are a Global Admin's own choice.
        operators: if corrected {
            Operators::default()
        } else {
            kept.operators.clone()
        },
        version: seen + 1,
        ..kept.clone()
    };
    let mut mails = licences::mail(io, &kept, &next, now).await?;
    mails.extend(new.as_ref().map(|new| invitation::mail(io, &next, new, now)));
    let entry = entry(
        io,
        author,
        Deed::EnterpriseChanged,
        differences(Some(&kept), &next),
        now,
    );
    match &new {
        Some(new) => {
            let old = invitation::newest(io, &kept).await?;
            io.store
                .replace_invitation(&next, seen, old.as_ref(), Some(new), &entry, &mails)
                .await?;
        }
        None => io.store.update_enterprise(&next, seen, &entry, &mails).await?,
    }
    account::refresh_pending(io, &next, now).await?;
    post::deliver(io, &mails).await;
    Ok(next)
}

/// Disables an enterprise that was read at version `seen`: no syncs, no reminders; its data stays (R022). Enables it
/// again, likewise.
///
/// # Errors
/// `Conflict` while the integration is being removed, `Stale`.
pub async fn serve(
    io: &Io,
    kept: Enterprise,
    on: bool,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    current(&kept, seen)?;
    let (standing, deed) = if on {
        (Standing::Active, Deed::EnterpriseEnabled)
    } else {
        (Standing::Disabled { since: now }, Deed::EnterpriseDisabled)
    };
    let as_asked = matches!(
        (&kept.standing, on),
        (Standing::Active, true) | (Standing::Disabled { .. }, false)
    );
    if as_asked {
        // Whoever did it before may have died before the schedule followed.
        account::refresh_pending(io, &kept, now).await?;
        return Ok(kept);
    }
    let next = Enterprise {
        standing,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, deed, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    account::refresh_pending(io, &next, now).await?;
    Ok(next)
}

/// The enterprise is the one that was read, and its integration is not on its way out.
///
/// # Errors
/// `Stale`, `Conflict`.
pub(super) fn current(kept: &Enterprise, seen: u64) -> Result<()> {
    unmoved(kept, seen)?;
    if kept.standing.leaving() {
        return Err(Error::Conflict(
            "the integration is being removed; take that back first, as long as the final sync has not begun".into(),
        ));
    }
    Ok(())
}

fn trial_ahead(settings: &Settings, now: Timestamp) -> Result<(), Invalid> {
    let Some(last_day) = settings.trial_end else {
        return Ok(());
    };
    let zone = schedule::zone(&settings.time_zone)?;
    if licence::trial_over(last_day, &zone) <= now {
        return Err(Invalid::new(
            "trialEnd",
            "give today or a later day, in the enterprise's time zone",
        ));
    }
    Ok(())
}

/// A mail about an enterprise, to its Global Admin.
pub(super) fn to_admin(io: &Io, kept: &Enterprise, admin: &GlobalAdmin, letter: Letter, now: Timestamp) -> Outgoing {
    Outgoing {
        id: MailId::mint(now, io.chance.bits()),
        whose: Whose::Enterprise(kept.id.clone()),
        to: admin.email.clone(),
        recipient: admin.display_name().to_owned(),
        letter,
        until: None,
    }
}

/// What an edit changes, as the API names the fields.
pub(super) fn differences(before: Option<&Enterprise>, after: &Enterprise) -> Vec<Changed> {
    fn joined<'a>(texts: impl IntoIterator<Item = &'a String>) -> Option<String> {
        let all: Vec<&str> = texts.into_iter().map(String::as_str).collect();
        Some(all.join(", ")).filter(|joined| !joined.is_empty())
    }
    type Field = (&'static str, fn(&Enterprise) -> Option<String>);
    let fields: [Field; 13] = [
        ("name", |kept| Some(kept.settings.name.clone())),
        ("adminEmail", |kept| Some(kept.global_admin.email.to_string())),
        ("adminName", |kept| kept.global_admin.name.clone()),
        ("userLimit", |kept| {
            kept.settings.user_limit.map(|limit| limit.to_string())
        }),
        ("pbxMusicOnHold", |kept| {
            Some(kept.settings.pbx_music_on_hold.to_string())
        }),
        ("accessSipData", |kept| Some(kept.settings.access_sip_data.to_string())),
        ("requestManagementConsent", |kept| {
            Some(kept.settings.request_management_consent.to_string())
        }),
        ("sbcRegions", |kept| joined(&kept.settings.sbc_regions)),
        ("services", |kept| {
            let services: Vec<String> = kept.settings.services.iter().map(ToString::to_string).collect();
            joined(&services)
        }),
        ("pbxTypes", |kept| joined(&kept.settings.pbx_types)),
        ("timeZone", |kept| Some(kept.settings.time_zone.clone())),
        ("billingReference", |kept| kept.settings.billing_reference.clone()),
        ("trialEnd", |kept| kept.settings.trial_end.map(|day| day.to_string())),
    ];
    let differs = |(name, of): Field| changed(name, before.and_then(of), of(after));
    fields.into_iter().filter_map(differs).collect()
}

fn parsed(id: &str) -> Result<EnterpriseId> {
    id.parse()
        .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
}
