//! Sends the mails that wait in the outbox: right after their cause, and once a day what was left.

use crate::domain::ids::EnterpriseId;
use crate::domain::letter::Outgoing;
use crate::error::{Chain, Result};
use crate::io::Io;
use crate::io::mailer::Letter;
use crate::io::store::keys::PENDING_SHARDS;
use crate::run::mails;

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
    let written = mails::letter(io, outgoing).await?;
    let (brand, mail) = (&written.brand, &written.mail);
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
            kind: written.kind.name(),
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
