//! `Grant Consent`: the Global Admin lets the reseller manage, and takes that back (R012-R013, R071).

use crate::domain::audit::{Author, Deed};
use crate::domain::enterprise::Enterprise;
use crate::domain::management::Management;
use crate::domain::secret::Secret;
use crate::domain::visit::{Session, Stage};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::vault::sha256;
use crate::run::access::entry;
use crate::run::{onboard, sign_in};
use jiff::Timestamp;

/// Notes the Global Admin's answer. Repeating it changes nothing.
///
/// # Errors
/// `Conflict` where the reseller has not asked for it, `Stale`.
pub async fn answer(io: &Io, kept: Enterprise, granted: bool, author: &Author, now: Timestamp) -> Result<Enterprise> {
    let by = author.who.clone();
    let (management, deed) = match (&kept.management, granted) {
        (Management::Granted { .. }, true) | (Management::Pending | Management::Withdrawn { .. }, false) => {
            return Ok(kept);
        }
        (_, true) if !kept.settings.request_management_consent => {
            return Err(Error::Conflict(
                "the reseller has not asked to manage this enterprise".into(),
            ));
        }
        (_, true) => (Management::Granted { at: now, by }, Deed::ManagementGranted),
        (_, false) => (Management::Withdrawn { at: now, by }, Deed::ManagementWithdrawn),
    };
    let seen = kept.version;
    let next = Enterprise {
        management,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, author, deed, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}

/// Notes what the person at this browser decided. `Not now` takes nothing back: that is done on purpose, in the portal.
///
/// # Errors
/// `StateUnknown` where the browser is not at that point, `LinkClosed` once the role went to another person or the reseller
/// no longer asks, `Stale`.
pub async fn decide(io: &Io, session: &Session, browser: &Secret, grant: bool, now: Timestamp) -> Result<()> {
    if !session.may_answer() {
        return Err(SignInRefused::StateUnknown.into());
    }
    let visit = session.visit();
    let mut kept = sign_in::current(io, &visit).await?;
    if !kept.settings.request_management_consent {
        return Err(SignInRefused::LinkClosed.into());
    }
    if grant {
        let author = onboard::visitor(&kept, session);
        kept = answer(io, kept, true, &author, now).await?;
    }
    let granted = matches!(kept.management, Management::Granted { .. });
    let session = visit.at(Stage::Answered { granted });
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}
