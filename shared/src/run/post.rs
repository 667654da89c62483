//! Sends the mails that wait in the outbox: right after their cause, and once a day what was left.

use crate::domain::ids::EnterpriseId;
use crate::domain::letter::{self, Outgoing};
use crate::error::{Chain, Result};
use crate::io::Io;
use crate::io::mailer::Letter;
use crate::io::store::keys::PENDING_SHARDS;
use crate::mail::{GlobalAdminAssigned, GlobalAdminReassigned, IntegrationRemoved, LicensesChanged, Mail};

/// Tries to send mails that were just written. What cannot be sent now waits for the daily sweep.
pub async fn deliver(io: &Io, mails: &[Outgoing]) {
    for mail in mails {
        if let Err(error) = send(io, mail).await {
            tracing::error!(enterprise.id = %mail.enterprise, mail.id = %mail.id, error.message = %Chain(&error), "a mail could not be sent yet");
        }
    }
}

/// Sends everything that waits; gives how many were sent, and how many could not be.
///
/// # Errors
/// `Upstream` where the index cannot be read.
pub async fn sweep(io: &Io) -> Result<(usize, usize)> {
    let (mut sent, mut failed) = (0, 0);
    for shard in 0..PENDING_SHARDS {
        for mail in io.store.waiting_mails(shard).await? {
            match send(io, &mail).await {
                Ok(true) => sent += 1,
                Ok(false) => {}
                Err(error) => {
                    failed += 1;
                    tracing::error!(enterprise.id = %mail.enterprise, mail.id = %mail.id, error.message = %Chain(&error), "a mail could not be sent yet");
                }
            }
        }
    }
    Ok((sent, failed))
}

/// Sends one mail, unless somebody else has taken it. A mail that SES has refused waits again; one whose sender died
/// does not, since it may have left.
async fn send(io: &Io, outgoing: &Outgoing) -> Result<bool> {
    let enterprise = io.store.enterprise(&outgoing.enterprise).await?;
    let brand = io.store.reseller(&enterprise.reseller).await?.brand;
    let recipient = outgoing.recipient.as_str().into();
    let name = enterprise.settings.name.as_str().into();
    let (mail, kind): (Mail, &str) = match &outgoing.letter {
        letter::Letter::LicencesChanged {
            previous,
            updated,
            unlicensed,
        } => {
            let mail = LicensesChanged {
                brand: &brand,
                recipient,
                enterprise: name,
                previous: *previous,
                updated: *updated,
                unlicensed: *unlicensed,
            };
            (mail.render(), "licenses_changed")
        }
        letter::Letter::IntegrationRemoved { final_sync } => {
            let mail = IntegrationRemoved {
                brand: &brand,
                recipient,
                enterprise: name,
                final_sync: *final_sync,
            };
            (mail.render(), "integration_removed")
        }
        letter::Letter::GlobalAdminReassigned => {
            let mail = GlobalAdminReassigned {
                brand: &brand,
                recipient,
                enterprise: name,
            };
            (mail.render(), "global_admin_reassigned")
        }
        letter::Letter::GlobalAdminAssigned => {
            let mail = GlobalAdminAssigned {
                brand: &brand,
                recipient,
                enterprise: name,
            };
            (mail.render(), "global_admin_assigned")
        }
    };
    if !io.store.take_mail(&outgoing.enterprise, &outgoing.id).await? {
        return Ok(false);
    }
    let sent = io
        .mailer
        .send(&Letter {
            from_name: &brand.product_name,
            from: brand.sender.as_ref().unwrap_or(&io.config.mail_from),
            reply_to: brand.reply_to.as_ref(),
            to: &outgoing.to,
            subject: &mail.subject,
            text: &mail.text,
            html: &mail.html,
            kind,
            enterprise: outgoing.enterprise.as_str(),
            invitation: None,
        })
        .await;
    note(io, &outgoing.enterprise, outgoing, sent.is_ok()).await?;
    sent.map(|_| true)
}

async fn note(io: &Io, enterprise: &EnterpriseId, outgoing: &Outgoing, sent: bool) -> Result<()> {
    io.store.mail_left(enterprise, &outgoing.id, sent).await
}
