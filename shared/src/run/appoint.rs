//! Another person becomes the Global Admin (R031): exactly one is recorded at any time (R045).

use crate::domain::Invalid;
use crate::domain::audit::{Author, Deed};
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::Enterprise;
use crate::domain::letter::Letter;
use crate::domain::operators::Operators;
use crate::domain::plain_text;
use crate::domain::steps::Steps;
use crate::domain::unattended::Unattended;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::run::access::entry;
use crate::run::provision::{current, differences, to_admin};
use crate::run::{account, invitation, post, start_sync};
use jiff::Timestamp;

/// Gives the role to another person. The old one's invitation, sign-ins under way and waiting sync end with the same
/// write or are refused from then on; both are told (E6, E7). Where the set-up is not complete, the new one is invited.
///
/// # Errors
/// `Invalid` for the person who has the role already, `Conflict` while the integration is being removed, `Stale`.
pub async fn reassign(
    io: &Io,
    kept: Enterprise,
    email: EmailAddress,
    name: Option<String>,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    current(&kept, seen)?;
    let name = name.map(|name| plain_text("name", &name, 120)).transpose()?;
    if email == kept.global_admin.email {
        return Err(Invalid::new("email", "this person is the Global Admin already").into());
    }
    let new = if kept.setup.complete() {
        None
    } else {
        Some(invitation::new(io, now).await?)
    };
    let old = match invitation::newest(io, &kept).await {
        Ok(old) => old,
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let next = Enterprise {
        global_admin: kept.global_admin.replaced_by(email, name),
        invitation: new.as_ref().map(|new| new.id.clone()),
        steps: Steps::new(),
        // Deputies, and syncs that nobody signs in for, are a Global Admin's own choice.
        operators: Operators::default(),
        unattended: Unattended::default(),
        version: seen + 1,
        ..kept.clone()
    };
    let mut mails = vec![
        to_admin(io, &next, &kept.global_admin, Letter::GlobalAdminReassigned, now),
        to_admin(io, &next, &next.global_admin, Letter::GlobalAdminAssigned, now),
    ];
    mails.extend(new.as_ref().map(|new| invitation::mail(io, &next, new, now)));
    if next.setup.complete() && io.store.sync_status(&next.id).await?.last.is_none() {
        // The former one was told how to activate the integration, and has not done so.
        mails.push(to_admin(
            io,
            &next,
            &next.global_admin,
            Letter::IntegrationActivation,
            now,
        ));
    }
    let entry = entry(
        io,
        author,
        Deed::GlobalAdminReassigned,
        differences(Some(&kept), &next),
        now,
    );
    // Before, so that it is dead even if nothing comes after the write; after, since it may have begun in between.
    start_sync::abandon(io, &kept).await?;
    io.store
        .replace_invitation(&next, seen, old.as_ref(), new.as_ref(), &entry, &mails)
        .await?;
    start_sync::abandon(io, &next).await?;
    account::refresh_pending(io, &next, now).await?;
    post::deliver(io, &mails).await;
    Ok(next)
}
