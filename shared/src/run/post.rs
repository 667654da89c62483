//! Sends the mails of the outbox: right after their cause, and every few minutes what was left (decision 0030).

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::ResellerId;
use crate::domain::invitation::InvitationState;
use crate::domain::letter::{Class, Outgoing, Posted, Whose};
use crate::domain::mail_limits::{RECIPIENT_DAY, RECIPIENT_DAY_NOTICES, RESELLER_DAY, Sending, next_day};
use crate::domain::reseller::Reseller;
use crate::domain::suppression::Suppression;
use crate::error::{Chain, Error, Result};
use crate::io::Io;
use crate::io::mailer::{self, Unsent};
use crate::io::store::keys::PENDING_SHARDS;
use crate::io::store::outbox::{Follows, Handed, Queue, Taken};
use crate::io::store::pace::Answer;
use crate::io::store::sending::Place;
use crate::run::access::entry;
use crate::run::mail_event;
use crate::run::mails::{Written, written};
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

/// A request waits no longer than this for the turn of its mail; the sweep has more time.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);
/// So long a sweep waits for one turn.
const SWEEP_PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// A sweep takes no new mail after this time: its function is ended after five minutes.
const SWEEP_LIFE: SignedDuration = SignedDuration::from_secs(240);
/// So many mails of a sweep are seen to at once.
const AT_ONCE: usize = 16;

/// Tries to send mails that were just written. What cannot be sent now waits for the sweep.
pub async fn deliver(io: &Io, mails: &[Outgoing]) {
    for mail in mails {
        if let Err(error) = send(io, mail).await {
            tracing::error!(mail.whose = %mail.whose, mail.id = %mail.id, error.message = %Chain(&error), "a mail could not be sent yet");
        }
    }
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweptMails {
    /// Mails that had been left waiting and are sent now.
    pub sent: usize,
    /// Mails that go on waiting, for a reason that is listed with each.
    pub held: usize,
    /// Mails whose sender has died, of which nobody knows whether they left.
    pub unknown: usize,
    /// What could not be seen to; the next sweep tries again.
    pub failed: usize,
}

/// Sends everything that waits and may leave, and says of every mail whose sender has died that nobody knows.
///
/// # Errors
/// `Upstream` where the index cannot be read.
pub async fn sweep(io: &Io) -> Result<SweptMails> {
    let ends = io.clock.now() + SWEEP_LIFE;
    let mut swept = SweptMails::default();
    for shard in 0..PENDING_SHARDS {
        for lost in io.store.lost_mails(shard, io.clock.now()).await? {
            let noted = async {
                let reseller = reseller_of(io, &lost.mail).await?;
                io.store.mail_lost(&lost, &reseller, io.clock.now()).await
            };
            match noted.await {
                Ok(noted) => swept.unknown += usize::from(noted),
                Err(error) => failed(&lost.mail, &error, &mut swept),
            }
        }
        let mut queue = Queue::new(shard);
        while let Some(mails) = io.store.waiting_mails(&mut queue, io.clock.now()).await? {
            let late = || io.clock.now() >= ends;
            let tries = stream::iter(mails).map(|mail| async move {
                if late() {
                    // What was begun is ended; nothing more is begun.
                    return None;
                }
                let sent = try_send(io, &mail, SWEEP_PATIENCE).await;
                Some((mail, sent))
            });
            for (mail, sent) in tries
                .buffer_unordered(AT_ONCE)
                .collect::<Vec<_>>()
                .await
                .into_iter()
                .flatten()
            {
                match sent {
                    Ok(state) if state.waits() => swept.held += 1,
                    Ok(state) => swept.sent += usize::from(state.may_have_left()),
                    Err(error) => failed(&mail, &error, &mut swept),
                }
            }
            if late() {
                return Ok(swept);
            }
        }
    }
    Ok(swept)
}

fn failed(mail: &Outgoing, error: &Error, swept: &mut SweptMails) {
    swept.failed += 1;
    tracing::error!(mail.whose = %mail.whose, mail.id = %mail.id, error.message = %Chain(error), "a mail could not be seen to");
}

/// Sends one mail that waits, unless somebody else has taken it; gives how far it is afterwards.
///
/// # Errors
/// `Upstream`; whatever happened then, it does not leave twice.
pub async fn send(io: &Io, mail: &Outgoing) -> Result<Posted> {
    try_send(io, mail, PATIENCE).await
}

/// Everything that can hold it is asked before it is taken; from then on it is handed over at once.
async fn try_send(io: &Io, mail: &Outgoing, patience: SignedDuration) -> Result<Posted> {
    let now = io.clock.now();
    if mail.until.is_some_and(|until| until <= now) {
        return lapse(io, mail, "Its day is over.", now).await;
    }
    let Some((enterprise, reseller)) = about(io, mail).await? else {
        return lapse(io, mail, "What it is about is no longer there.", now).await;
    };
    let (all, own) = futures::try_join!(io.store.sending(), io.store.reseller_sending(&reseller.id))?;
    let class = mail.letter.class();
    let held = all.holds(class, "the service");
    if let Some(why) = held.or_else(|| own.holds(class, &reseller.name)) {
        return hold(io, mail, &why, None, now).await;
    }
    if let Some(suppression) = io.store.suppressed(&reseller.id, &mail.to).await? {
        return suppress(io, mail, enterprise.as_ref(), &reseller, &suppression, now).await;
    }
    let Some(written) = written(io, mail, enterprise.as_ref(), &reseller).await? else {
        return lapse(io, mail, "Something newer took its place.", now).await;
    };
    if let Some(why) = over_a_limit(io, mail, &reseller, &own, now).await? {
        return hold(io, mail, &why, Some(next_day(now)), now).await;
    }
    if !turn(io, patience).await? {
        let why = "More mails wait than may leave at once; it leaves when its turn comes.";
        return hold(io, mail, why, None, now).await;
    }
    match io.store.take_mail(mail, &reseller.id, io.clock.now()).await? {
        Taken::Mine => {}
        Taken::Gone => {
            let posting = io.store.mail(&mail.whose, &mail.id).await?;
            return Ok(posting.map_or(Posted::Lapsed, |posting| posting.at(io.clock.now())));
        }
        Taken::Suppressed(suppression) => {
            return suppress(io, mail, enterprise.as_ref(), &reseller, &suppression, now).await;
        }
    }
    hand_over(io, mail, &reseller, own.ses_tenant.as_deref(), &written).await
}

async fn hand_over(
    io: &Io,
    mail: &Outgoing,
    reseller: &Reseller,
    tenant: Option<&str>,
    written: &Written,
) -> Result<Posted> {
    let (brand, words) = (&written.brand, &written.mail);
    let invitation = mail.letter.invitation();
    let handed = io
        .mailer
        .send(&mailer::Letter {
            id: &mail.id,
            whose: &mail.whose,
            reseller: reseller.id.as_str(),
            tenant,
            from_name: &brand.product_name,
            from: brand.sender.as_ref().unwrap_or(&io.config.mail_from),
            reply_to: brand.reply_to.as_ref(),
            to: &mail.to,
            subject: &words.subject,
            text: &words.text,
            html: &words.html,
            kind: written.kind.name(),
            invitation: invitation.map(crate::domain::ids::InvitationId::as_str),
            unsubscribe: written.unsubscribe.as_ref().filter(|_| written.kind.reminds()),
        })
        .await;
    if let Err(unsent) = &handed {
        tracing::error!(mail.whose = %mail.whose, mail.id = %mail.id, error.message = %unsent, "the mail service did not take a mail");
    }
    let (ended, state) = match handed {
        Ok(message) => (Handed::Sent(message), Posted::Sent),
        Err(Unsent::Later(why)) => (Handed::Back(why), Posted::Held),
        Err(Unsent::Refused(why)) => (Handed::Refused(why), Posted::Rejected),
        Err(Unsent::Unknown(_)) => {
            let why = "The answer of the mail service was lost: it may have left, so it is not sent again. Ask the recipient.";
            (Handed::Unknown(why.into()), Posted::Unknown)
        }
    };
    let now = io.clock.now();
    io.store.mail_handed(mail, &reseller.id, &ended, now).await?;
    if let (Posted::Sent, Some(enterprise), Some(id)) = (state, mail.whose.enterprise(), invitation) {
        let sent = InvitationState::Sent;
        io.store.note_invitation(enterprise, id, sent, now, None).await?;
    }
    Ok(state)
}

/// Whom it is about, as they are now; nothing where they are gone.
pub(super) async fn about(io: &Io, mail: &Outgoing) -> Result<Option<(Option<Enterprise>, Reseller)>> {
    let found = async {
        match &mail.whose {
            Whose::Enterprise(id) => {
                let enterprise = io.store.enterprise(id).await?;
                let reseller = io.store.reseller(&enterprise.reseller).await?;
                Ok((Some(enterprise), reseller))
            }
            Whose::Reseller(id) => Ok((None, io.store.reseller(id).await?)),
        }
    };
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn reseller_of(io: &Io, mail: &Outgoing) -> Result<ResellerId> {
    match &mail.whose {
        Whose::Enterprise(id) => Ok(io.store.enterprise(id).await?.reseller),
        Whose::Reseller(id) => Ok(id.clone()),
    }
}

async fn hold(io: &Io, mail: &Outgoing, why: &str, until: Option<Timestamp>, now: Timestamp) -> Result<Posted> {
    io.store.hold_mail(mail, why, until, now).await?;
    Ok(Posted::Held)
}

async fn lapse(io: &Io, mail: &Outgoing, why: &str, now: Timestamp) -> Result<Posted> {
    let follows = Follows::default();
    io.store.end_mail(mail, Posted::Lapsed, why, follows, now).await?;
    Ok(Posted::Lapsed)
}

/// A mail to an address that gets none. An invitation has thereby not arrived.
async fn suppress(
    io: &Io,
    mail: &Outgoing,
    enterprise: Option<&Enterprise>,
    reseller: &Reseller,
    suppression: &Suppression,
    now: Timestamp,
) -> Result<Posted> {
    let words = suppression.words();
    let changes = [
        changed("mail", None, Some(mail.letter.kind().to_string())),
        changed("state", None, Some(Posted::Suppressed.name().to_owned())),
    ];
    let changes = changes.into_iter().flatten().collect();
    let entry = entry(io, &Author::service(), Deed::MailUndelivered, changes, now);
    let task = mail_event::task(mail, enterprise, reseller, &words, now);
    let follows = Follows {
        entry: Some(&entry),
        task: task.as_ref().map(|task| (&reseller.id, task)),
    };
    io.store
        .end_mail(mail, Posted::Suppressed, &words, follows, now)
        .await?;
    if let (Some(enterprise), Some(id)) = (mail.whose.enterprise(), mail.letter.invitation()) {
        let bounced = InvitationState::Bounced;
        let trouble = Some(suppression.cause);
        io.store.note_invitation(enterprise, id, bounced, now, trouble).await?;
    }
    Ok(Posted::Suppressed)
}

/// Takes the mail's place in the day of its address and in that of its reseller; why it has none, where it has none.
async fn over_a_limit(
    io: &Io,
    mail: &Outgoing,
    reseller: &Reseller,
    own: &Sending,
    now: Timestamp,
) -> Result<Option<String>> {
    let class = mail.letter.class();
    match io.store.place_for(&mail.to, &mail.id, class, now).await? {
        Place::Had => return Ok(None),
        Place::New => {}
        Place::Full => {
            let most = match class {
                Class::Transactional => RECIPIENT_DAY,
                Class::Notice => RECIPIENT_DAY_NOTICES,
            };
            return Ok(Some(format!(
                "No more than {most} mails of this kind go to one address in a day (UTC). It leaves tomorrow."
            )));
        }
    }
    let most = own.day_limit.unwrap_or(RESELLER_DAY);
    if io.store.count_sent(&reseller.id, most, now).await? {
        return Ok(None);
    }
    Ok(Some(format!(
        "{} has sent {most} mails today (UTC), as many as it may; the provider can allow more. It leaves tomorrow.",
        reseller.name
    )))
}

/// Waits for the turn of one mail; `false` where it does not come soon.
async fn turn(io: &Io, patience: SignedDuration) -> Result<bool> {
    let mut waited = SignedDuration::ZERO;
    loop {
        let wait = match io.store.take_mail_turn(io.config.mail_rate, io.clock.now()).await? {
            Answer::Granted(wait) => {
                io.clock.pass(wait).await;
                return Ok(true);
            }
            Answer::Later(wait) => wait,
        };
        if waited + wait > patience {
            return Ok(false);
        }
        io.clock.pass(wait).await;
        waited += wait;
    }
}
