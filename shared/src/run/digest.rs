//! A reseller's digest: chosen, sent by its schedule, one a local day at most.

use crate::domain::audit::{Changed, Deed, changed};
use crate::domain::caller::Caller;
use crate::domain::digest::{Digest, Due, Every, Sent, waits};
use crate::domain::ids::{MailId, ResellerId};
use crate::domain::letter::{Letter, Outgoing, Whose};
use crate::domain::mail_kind::MailKind;
use crate::domain::reseller::Reseller;
use crate::domain::schedule;
use crate::domain::state::state;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::enterprises::{ListPage, Listed};
use crate::mail::{DigestRow, ResellerDigest};
use crate::run::access::entry;
use crate::run::mails::Written;
use crate::run::post;
use jiff::Timestamp;

/// So many enterprises are named; the others are counted.
const NAMED: usize = 50;

/// Chooses when and to whom a reseller's digest is sent, in place of what was seen at version `seen`.
///
/// # Errors
/// `Invalid` with everything that is wrong, `Stale`.
pub async fn choose(
    io: &Io,
    reseller: &Reseller,
    caller: &Caller,
    wish: Digest,
    email: Option<&str>,
    seen: u64,
    now: Timestamp,
) -> Result<Digest> {
    let before = io.store.digest(&reseller.id).await?;
    if before.seen() != seen {
        return Err(Error::Stale("the digest"));
    }
    let wish = wish.check(email)?;
    let next = Digest {
        version: before.version + 1,
        last: before.last.clone(),
        ..wish
    };
    let changes = differences(&before, &next);
    if changes.is_empty() {
        keep_schedule(io, &reseller.id, &before).await?;
        return Ok(before);
    }
    let entry = entry(io, &caller.author(None), Deed::DigestChanged, changes, now);
    io.store.put_digest(&reseller.id, &next, before.version, &entry).await?;
    keep_schedule(io, &reseller.id, &next).await?;
    Ok(next)
}

fn differences(before: &Digest, after: &Digest) -> Vec<Changed> {
    type Field = (&'static str, fn(&Digest) -> Option<String>);
    let fields: [Field; 4] = [
        ("every", |digest| Some(format!("{:?}", digest.every).to_lowercase())),
        ("hour", |digest| Some(digest.hour.to_string())),
        ("timeZone", |digest| Some(digest.time_zone.clone())),
        ("email", |digest| digest.email.as_ref().map(ToString::to_string)),
    ];
    let differs = |(field, of): Field| changed(field, of(before), of(after));
    fields.into_iter().filter_map(differs).collect()
}

async fn keep_schedule(io: &Io, reseller: &ResellerId, digest: &Digest) -> Result<()> {
    match digest.every {
        Every::Off => io.scheduler.remove_digest(reseller).await,
        Every::Day | Every::Week => {
            io.scheduler
                .ensure_digest(reseller, digest.hour, &digest.time_zone)
                .await
        }
    }
}

/// What an event of a digest's schedule led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Digested {
    /// It is claimed, and leaves where any enterprise waits.
    Claimed,
    /// Not on this day, or it went out before.
    NotNow,
    /// Nobody wants one; the schedule is gone.
    Never,
}

/// Sends a reseller's digest where it is due.
///
/// # Errors
/// `Upstream`.
pub async fn digest(io: &Io, reseller: &ResellerId, now: Timestamp) -> Result<Digested> {
    let read = io.store.digest(reseller).await?;
    let until = match read.due(now) {
        Due::Never => {
            io.scheduler.remove_digest(reseller).await?;
            return Ok(Digested::Never);
        }
        Due::NotNow => return Ok(Digested::NotNow),
        Due::Today(until) => until,
    };
    let kept = io.store.reseller(reseller).await?;
    let to = read.email.clone().unwrap_or_else(|| kept.owner.clone());
    let mail = Outgoing {
        id: MailId::mint(now, io.chance.bits()),
        whose: Whose::Reseller(reseller.clone()),
        recipient: to.to_string(),
        to,
        letter: Letter::Digest,
        until: Some(until),
    };
    let sent = Sent {
        at: now,
        zone: read.time_zone.clone(),
    };
    if !io.store.claim_digest(reseller, &read, &sent, &mail).await? {
        return Ok(Digested::NotNow);
    }
    post::deliver(io, &[mail]).await;
    Ok(Digested::Claimed)
}

/// The words of a digest, as things stand when it leaves; nothing where no enterprise waits.
///
/// # Errors
/// `Upstream`.
pub(super) async fn written(io: &Io, kept: &Reseller, mail: &Outgoing) -> Result<Option<Written>> {
    let digest = io.store.digest(&kept.id).await?;
    let mut waiting = waiting(io, &kept.id).await?;
    if waiting.is_empty() {
        return Ok(None);
    }
    waiting.sort_by_key(|row| row.since);
    let more = waiting.len().saturating_sub(NAMED);
    waiting.truncate(NAMED);
    let words = ResellerDigest {
        brand: &kept.brand,
        recipient: mail.recipient.as_str().into(),
        reseller: kept.name.as_str().into(),
        rows: &waiting,
        more,
        zone: &schedule::zone(&digest.time_zone)?,
    };
    Ok(Some(Written {
        kind: MailKind::ResellerDigest,
        mail: words.render(),
        brand: kept.brand.clone(),
        unsubscribe: None,
    }))
}

async fn waiting(io: &Io, reseller: &ResellerId) -> Result<Vec<DigestRow>> {
    let wanted = |listed: &Listed| waits(state(&listed.enterprise, &listed.sync).0);
    let mut page = ListPage {
        after: None,
        limit: u16::MAX,
        newest_first: false,
    };
    let mut found = Vec::new();
    loop {
        let (rows, next) = io.store.enterprises(reseller, &page, Some(&wanted)).await?;
        found.extend(rows.iter().map(|listed| {
            let (state, since) = state(&listed.enterprise, &listed.sync);
            DigestRow {
                enterprise: listed.enterprise.settings.name.as_str().into(),
                state,
                since,
            }
        }));
        match next {
            Some(next) => page.after = Some(next),
            None => return Ok(found),
        }
    }
}
