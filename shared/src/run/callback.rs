//! A browser is back from Microsoft: what its visit there leads to.

use crate::domain::secret::Secret;
use crate::domain::visit::{Purpose, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::SignedIn;
use crate::plan::onboard::news;
use crate::run::sign_in::{self, Callback, NotReturned, Returned};
use crate::run::{consent, onboard, start_sync, unattended};
use jiff::Timestamp;

/// Why a browser does not go on.
#[derive(Debug)]
pub struct Stopped {
    /// Whose visit it was, where that is known.
    pub visit: Option<Visit>,
    /// Why.
    pub why: Error,
}

/// Ends the visit that a callback belongs to. Afterwards the browser's session says which page comes next.
///
/// # Errors
/// `Stopped`; of the enterprise nothing has changed then but its news.
pub async fn end(io: &Io, callback: Callback, browser: &Secret, now: Timestamp) -> Result<(), Stopped> {
    let (visit, purpose, gone_on) = match sign_in::finish(io, callback, browser, now).await {
        Ok(Returned::Person { visit, purpose, person }) => {
            let gone_on = signed_in(io, &visit, &purpose, *person, browser, now).await;
            (visit, purpose, gone_on)
        }
        Ok(Returned::Organization { visit, purpose }) => {
            let gone_on = match purpose {
                Purpose::Unattended => unattended::accepted(io, &visit, browser, now).await,
                _ => consent::organization_accepted(io, &visit, browser, now).await,
            };
            (visit, purpose, gone_on)
        }
        Err(NotReturned::Unknown(why)) => return Err(Stopped { visit: None, why }),
        Err(NotReturned::Refused { visit, purpose, why }) => {
            let gone_on = refused(io, &visit, &purpose, why, browser, now).await;
            (visit, purpose, gone_on)
        }
    };
    let Err(why) = gone_on else { return Ok(()) };
    let (obstacle, _) = news(&why);
    tracing::warn!(enterprise.id = %visit.enterprise, sign_in.obstacle = ?obstacle, "a sign-in was refused");
    onboard::sign_in_failed(io, &visit, &purpose, &why, now).await;
    Err(Stopped {
        visit: Some(visit),
        why,
    })
}

async fn signed_in(
    io: &Io,
    visit: &Visit,
    purpose: &Purpose,
    person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    match purpose {
        Purpose::SetUp { invitation } => onboard::signed_in(io, visit, invitation, person, browser, now).await,
        Purpose::Consent { accepted } => consent::calling_granted(io, visit, *accepted, person, browser, now).await,
        Purpose::Management | Purpose::Groups => {
            onboard::step_signed_in(io, visit, purpose, person, browser, now).await
        }
        Purpose::Sync { run } => start_sync::signed_in(io, visit, run, person, browser, now).await,
        // Their page answers without a person.
        Purpose::Organization | Purpose::Unattended => Err(SignInRefused::StateUnknown.into()),
    }
}

/// A second request that was declined can be asked again on the next page; anything else is told as it is.
async fn refused(
    io: &Io,
    visit: &Visit,
    purpose: &Purpose,
    why: Error,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    let second = matches!(purpose, Purpose::Consent { .. } | Purpose::Organization);
    match why {
        Error::SignIn(SignInRefused::Declined) if second => consent::calling_declined(io, visit, browser, now).await,
        why => Err(why),
    }
}
