//! The page behind the link of a reminder: hand the reminders over to somebody, or pause them. And the page of whoever is to
//! take them over. Until that person has, the first one stays reminded: the duty is never lost.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::caller::Origin;
use crate::domain::duty::{Duty, OFFER_PAUSE, Offer, heir};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::MailId;
use crate::domain::letter::{Letter, Outgoing, Whose};
use crate::domain::once::Once;
use crate::domain::reminding::{Reminding, SNOOZE_DAYS, Snooze};
use crate::domain::schedule;
use crate::domain::visit::Link;
use crate::domain::{Invalid, plain_text};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::run::access::entry;
use crate::run::{post, reminding};
use jiff::{Span, Timestamp};
use url::Url;

/// How long the reminders pause where a mail program asks for it: a week, after which they come again.
const ONE_CLICK_DAYS: i64 = 7;

/// Reads whose reminders a link is about; changes nothing.
///
/// # Errors
/// `LinkClosed` alike for unknown and expired ones, and once the role went to another person.
pub async fn of_link(io: &Io, token: &str, now: Timestamp) -> Result<Enterprise> {
    let hash = io.vault.keyed_hash("link", token).await?;
    let Some(Link::Duty {
        enterprise,
        appointment,
    }) = io.store.link(&hash, now).await?
    else {
        return Err(SignInRefused::LinkClosed.into());
    };
    current(io.store.enterprise(&enterprise).await?, appointment)
}

fn current(kept: Enterprise, appointment: u64) -> Result<Enterprise> {
    if kept.global_admin.appointment == appointment && !kept.standing.leaving() {
        Ok(kept)
    } else {
        Err(SignInRefused::LinkClosed.into())
    }
}

/// Offers the reminders to somebody, by mail.
///
/// # Errors
/// `LinkClosed`, `Invalid` with everything that is wrong, `TooMany` soon after another offer, `Stale`.
pub async fn offer(io: &Io, token: &str, email: &str, name: &str, origin: &Origin, now: Timestamp) -> Result<Offer> {
    let kept = of_link(io, token, now).await?;
    let holder = kept.reminding.first(&kept.global_admin);
    let (email, name) = heir(email, name, &holder.email)?;
    if let Some(before) = io.store.duty_offer(&kept.id, now).await? {
        let since = before.at.duration_until(now);
        if before.email == email && before.name == name && since < OFFER_PAUSE {
            // The same form again.
            return Ok(before);
        }
        if since < OFFER_PAUSE {
            return Err(Error::TooMany {
                what: "the reminders were offered to somebody within the last minutes".into(),
                wait: OFFER_PAUSE - since,
            });
        }
    }
    let offer = Offer {
        id: MailId::mint(now, io.chance.bits()),
        email,
        name,
        by: holder.name.clone(),
        at: now,
        appointment: kept.global_admin.appointment,
    };
    let mail = Outgoing {
        id: offer.id.clone(),
        whose: Whose::Enterprise(kept.id.clone()),
        to: offer.email.clone(),
        recipient: offer.name.clone(),
        letter: Letter::DutyOffered {
            by: offer.by.clone(),
            until: offer.until(),
        },
        until: Some(offer.until()),
    };
    let author = Author::visitor(&holder.name, "reminder link", origin);
    let whom = changed("duty", None, Some(format!("{} <{}>", offer.name, offer.email)));
    let entry = entry(io, &author, Deed::DutyOffered, whom.into_iter().collect(), now);
    let hash = io.vault.keyed_hash("link", &offer_token(io, &offer.id).await?).await?;
    io.store.offer_duty(&kept, &offer, &hash, &mail, &entry).await?;
    post::deliver(io, &[mail]).await;
    Ok(offer)
}

/// The token of the link in an offer: only we can tell it, and it is kept nowhere.
async fn offer_token(io: &Io, offer: &MailId) -> Result<String> {
    let once = Once {
        key: format!("offer\n{offer}"),
        request: b"duty".to_vec(),
    };
    io.vault.token_for(&once).await
}

/// Where an offer is accepted.
///
/// # Errors
/// `Upstream`.
pub(super) async fn offer_page(io: &Io, offer: &MailId) -> Result<Url> {
    Ok(io
        .config
        .public_page(&format!("/duty/{}", offer_token(io, offer).await?)))
}

/// Pauses the reminders for so many days from today.
///
/// # Errors
/// `LinkClosed`, `Invalid`, `Stale`.
pub async fn pause(
    io: &Io,
    token: &str,
    days: &str,
    reason: &str,
    origin: &Origin,
    now: Timestamp,
) -> Result<(Enterprise, Snooze)> {
    let kept = of_link(io, token, now).await?;
    let days: Option<i64> = days.trim().parse().ok().filter(|days| (1..=SNOOZE_DAYS).contains(days));
    let reason = plain_text("reason", reason, 120);
    let (days, reason) = match (days, reason) {
        (Some(days), Ok(reason)) => (days, reason),
        (days, reason) => {
            let many = || Invalid::new("days", format!("give 1 to {SNOOZE_DAYS} days"));
            let wrong = [days.is_none().then(many), reason.err()];
            return Err(Error::Invalid(wrong.into_iter().flatten().collect()));
        }
    };
    snoozed(io, kept, days, reason, origin, now).await
}

/// The button of a mail program that ends a subscription at one click: the reminders pause for a week. Handing them over, which
/// ends them for the reader, needs somebody who takes them.
///
/// # Errors
/// `LinkClosed`, `Stale`.
pub async fn one_click(io: &Io, token: &str, origin: &Origin, now: Timestamp) -> Result<(Enterprise, Snooze)> {
    let kept = of_link(io, token, now).await?;
    let reason = "asked for in the mail program".to_owned();
    snoozed(io, kept, ONE_CLICK_DAYS, reason, origin, now).await
}

async fn snoozed(
    io: &Io,
    kept: Enterprise,
    days: i64,
    reason: String,
    origin: &Origin,
    now: Timestamp,
) -> Result<(Enterprise, Snooze)> {
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let today = schedule::local_day(now, &zone);
    let holder = kept.reminding.first(&kept.global_admin);
    let snooze = Snooze {
        until: today.saturating_add(Span::new().days(days - 1)),
        reason,
        by: holder.name.clone(),
        at: now,
    };
    if let Some(same) = kept.reminding.snooze.clone().filter(|same| same.until == snooze.until) {
        return Ok((kept, same));
    }
    let author = Author::visitor(&holder.name, "reminder link", origin);
    let wish = Reminding {
        snooze: Some(snooze.clone()),
        ..kept.reminding.clone()
    };
    let kept = reminding::set(io, kept, wish, Deed::RemindersChanged, &author, now).await?;
    Ok((kept, snooze))
}

/// Reads what somebody is asked to take over; changes nothing. `true` where that person has.
///
/// # Errors
/// `LinkClosed` for an offer that ended or was replaced.
pub async fn offered(io: &Io, token: &str, now: Timestamp) -> Result<(Enterprise, Offer, bool)> {
    let closed = || Error::SignIn(SignInRefused::LinkClosed);
    let hash = io.vault.keyed_hash("link", token).await?;
    let Some(Link::DutyOffer { enterprise, offer: id }) = io.store.link(&hash, now).await? else {
        return Err(closed());
    };
    let offer = io.store.duty_offer(&enterprise, now).await?;
    let offer = offer.filter(|offer| offer.id == id).ok_or_else(closed)?;
    let kept = current(io.store.enterprise(&enterprise).await?, offer.appointment)?;
    let taken = kept.reminding.duty.as_ref().is_some_and(|duty| duty.offer == offer.id);
    Ok((kept, offer, taken))
}

/// Somebody takes the reminders over; whoever had them is told. Pressed twice, it is done once.
///
/// # Errors
/// `LinkClosed`, `Stale`.
pub async fn accept(io: &Io, token: &str, origin: &Origin, now: Timestamp) -> Result<(Enterprise, Offer)> {
    let (kept, offer, taken) = offered(io, token, now).await?;
    if taken {
        return Ok((kept, offer));
    }
    let former = kept.reminding.first(&kept.global_admin);
    let wish = Reminding {
        duty: Some(Duty {
            email: offer.email.clone(),
            name: offer.name.clone(),
            since: now,
            offer: offer.id.clone(),
            appointment: offer.appointment,
        }),
        ..kept.reminding.clone()
    };
    let mail = Outgoing {
        id: MailId::mint(now, io.chance.bits()),
        whose: Whose::Enterprise(kept.id.clone()),
        to: former.email,
        recipient: former.name,
        letter: Letter::DutyTaken {
            by: offer.name.clone(),
            at: now,
        },
        until: None,
    };
    let author = Author::visitor(&offer.name, "offer link", origin);
    let changes = reminding::differences(&kept.reminding, &wish);
    let entry = entry(io, &author, Deed::DutyTaken, changes, now);
    let seen = kept.version;
    let before = kept.reminding.clone();
    let next = Enterprise {
        reminding: wish,
        version: seen + 1,
        ..kept
    };
    let mails = [mail];
    io.store.update_enterprise(&next, seen, &entry, &mails).await?;
    reminding::reached_anew(io, &before, &next).await?;
    post::deliver(io, &mails).await;
    Ok((next, offer))
}
