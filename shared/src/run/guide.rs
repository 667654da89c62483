//! Action URLs: the address of an admin's next step, for a front end that shows it on pages of its own; what the pages
//! there do, and the way back.

use crate::domain::audit::{Deed, Entry, changed};
use crate::domain::caller::Role;
use crate::domain::consent::Consents;
use crate::domain::enterprise::Enterprise;
use crate::domain::management::Management;
use crate::domain::once::Once;
use crate::domain::reseller::Reseller;
use crate::domain::run::RunState;
use crate::domain::secret::Secret;
use crate::domain::setup::Setup;
use crate::domain::standing::Standing;
use crate::domain::visit::{Asked, Link, NextStep, Outcome, Purpose, Session, Stage, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::vault::sha256;
use crate::plan::group_filter::Choice;
use crate::plan::group_preview::Preview;
use crate::run::access::{Access, entry};
use crate::run::{browser_token, group_filter, group_preview, invitation, onboard, sign_in, start_sync, unattended};
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// How long the address of a step works.
pub const LINK_LIFE: SignedDuration = SignedDuration::from_mins(60);

/// Where to send the person.
#[derive(Debug)]
pub struct Guided {
    /// The address.
    pub url: Url,
    /// It leads to a page of ours.
    pub hosted: bool,
    /// When it stops working.
    pub expires: Option<Timestamp>,
    /// What the person will be asked for.
    pub text: String,
}

/// The address of a step, as the enterprise stands now. The link proves nothing: who follows it has to sign in as the
/// recorded Global Admin. The same request again gives the same address.
///
/// # Errors
/// `Conflict` where the step is not the enterprise's next one, `Invalid` for a return address that is not agreed,
/// `KeyReused`.
pub async fn to(
    io: &Io,
    access: &Access,
    step: NextStep,
    return_url: Option<&str>,
    once: &Once,
    now: Timestamp,
) -> Result<Guided> {
    let kept = &access.kept;
    let reseller = io.store.reseller(&kept.reseller).await?;
    let return_to = return_url.map(|text| reseller.return_address(text)).transpose()?;
    let return_to = return_to.map(|address| step.returning_to(&address));
    if matches!(kept.standing, Standing::Disabled { .. } | Standing::Removed { .. }) {
        return Err(Error::Conflict(
            "the enterprise is not served; there is no next step".into(),
        ));
    }
    let admin = kept.global_admin.display_name();
    let known = kept.global_admin.identity.is_some();
    if matches!(step, NextStep::GrantConsent | NextStep::ChooseGroups) && kept.setup != Setup::Invited && !known {
        let first = if kept.setup.complete() {
            "has to sign in for a sync"
        } else {
            "has to complete the registration"
        };
        return Err(Error::Conflict(format!(
            "{admin} is the Global Admin now and {first} first"
        )));
    }
    let (page, link, expires, text) = match step {
        NextStep::CompleteRegistration => {
            let Some(waiting) = invitation::newest(io, kept).await?.filter(|_| !kept.setup.complete()) else {
                return Err(Error::Conflict("the registration is complete".into()));
            };
            waiting
                .open(now)
                .map_err(|_| Error::Conflict("the invitation has ended; send a new one first".into()))?;
            let link = Link::Invitation {
                enterprise: kept.id.clone(),
                invitation: waiting.id,
                return_to,
            };
            let text = format!("{admin} enters the Invitation Code from the mail and signs in at Microsoft.");
            ("/i/", link, waiting.expires.min(now + LINK_LIFE), text)
        }
        NextStep::GrantConsent => {
            let asked = missing_consent(kept)?;
            let text = match asked {
                Asked::Management => format!(
                    "{admin} signs in at Microsoft and decides whether {} may manage.",
                    reseller.name
                ),
                Asked::Calling | Asked::Groups { .. } | Asked::Unattended => {
                    format!("{admin} signs in at Microsoft and accepts the second permission request.")
                }
            };
            ("/next/", own(kept, asked, return_to), now + LINK_LIFE, text)
        }
        NextStep::ChooseGroups => {
            if !kept.setup.complete() {
                return Err(Error::Conflict(
                    "the Global Admin has to finish the set-up first".into(),
                ));
            }
            let asked = Asked::Groups {
                instead_of: kept.group_filter.clone(),
            };
            let text = format!("{admin} signs in at Microsoft and chooses whose users are synchronised.");
            ("/next/", own(kept, asked, return_to), now + LINK_LIFE, text)
        }
        NextStep::AllowUnattended => {
            access.recorded_caller()?;
            unattended::may_be_asked(io, kept)?;
            let text = format!("{admin} accepts at Microsoft what syncs need that nobody signs in for.");
            ("/next/", own(kept, Asked::Unattended, return_to), now + LINK_LIFE, text)
        }
        NextStep::Sync => {
            let portal = reseller.brand.integration_portal_url;
            return sync(io, access, return_to, portal, once, now).await;
        }
    };
    let token = io.vault.token_for(once).await?;
    let hash = io.vault.keyed_hash("link", &token).await?;
    let entry = given(io, access, step, now);
    let expires = io.store.give_link(&kept.id, &hash, link, expires, &entry, once).await?;
    Ok(Guided {
        url: io.config.public_page(&format!("{page}{token}")),
        hosted: true,
        expires: Some(expires),
        text,
    })
}

fn given(io: &Io, access: &Access, step: NextStep, now: Timestamp) -> Entry {
    let given = changed("action", None, Some(step.name().to_owned()));
    entry(
        io,
        &access.author(),
        Deed::ActionUrlGiven,
        given.into_iter().collect(),
        now,
    )
}

/// Which consent is missing.
///
/// # Errors
/// `Conflict` where none is, or the first one has to come through the invitation.
pub fn missing_consent(kept: &Enterprise) -> Result<Asked> {
    match (&kept.setup, &kept.management) {
        (Setup::Invited, _) => Err(Error::Conflict(
            "the registration comes first: action completeRegistration".into(),
        )),
        (Setup::Bound { .. }, _) => Ok(Asked::Calling),
        (Setup::Complete { consents, .. }, _) if !consents.granted() => Ok(Asked::Calling),
        (Setup::Complete { .. }, Management::Pending | Management::Withdrawn { .. })
            if kept.settings.request_management_consent =>
        {
            Ok(Asked::Management)
        }
        (Setup::Complete { .. }, _) => Err(Error::Conflict("every consent that was asked for is granted".into())),
    }
}

fn own(kept: &Enterprise, asked: Asked, return_to: Option<Url>) -> Link {
    Link::Step {
        enterprise: kept.id.clone(),
        asked,
        appointment: kept.global_admin.appointment,
        return_to,
    }
}

/// A step that a link of ours leads to.
#[derive(Debug)]
pub struct Ahead {
    /// Whose.
    pub kept: Enterprise,
    /// Its reseller.
    pub reseller: Reseller,
    /// What is asked.
    pub asked: Asked,
    /// It was done since the link was given out.
    pub done: bool,
    /// Where the person is sent when it is over.
    pub return_to: Option<Url>,
}

impl Ahead {
    /// The visit that begins with the link.
    #[must_use]
    pub fn visit(&self) -> Visit {
        Visit::begun(&self.kept, self.return_to.clone())
    }
}

/// Reads what the link of a step leads to; changes nothing, so it may be followed as often as anybody likes.
///
/// # Errors
/// `LinkClosed` alike for unknown and expired ones, and once the step or the person is no longer the right one.
pub async fn ahead(io: &Io, token: &str, now: Timestamp) -> Result<Ahead> {
    let closed = || Error::SignIn(SignInRefused::LinkClosed);
    let hash = io.vault.keyed_hash("link", token).await?;
    let Some(Link::Step {
        enterprise,
        asked,
        appointment,
        return_to,
    }) = io.store.link(&hash, now).await?
    else {
        return Err(closed());
    };
    let kept = io.store.enterprise(&enterprise).await?;
    let served = !matches!(kept.standing, Standing::Disabled { .. } | Standing::Removed { .. });
    if !served || kept.global_admin.appointment != appointment {
        return Err(closed());
    }
    let done = done(&kept, &asked).ok_or_else(closed)?;
    let reseller = io.store.reseller(&kept.reseller).await?;
    Ok(Ahead {
        kept,
        reseller,
        asked,
        done,
        return_to,
    })
}

/// Whether what was asked is done by now; nothing where it cannot be asked any more.
fn done(kept: &Enterprise, asked: &Asked) -> Option<bool> {
    match (asked, &kept.setup) {
        (_, Setup::Invited) => None,
        (Asked::Calling, setup) => Some(setup.complete() && setup.consents().is_some_and(Consents::granted)),
        (Asked::Management | Asked::Groups { .. } | Asked::Unattended, Setup::Bound { .. }) => None,
        (Asked::Management, Setup::Complete { .. }) => {
            let wanted = kept.settings.request_management_consent;
            wanted.then_some(matches!(kept.management, Management::Granted { .. }))
        }
        (Asked::Groups { instead_of }, Setup::Complete { .. }) => Some(kept.group_filter != *instead_of),
        (Asked::Unattended, Setup::Complete { .. }) => Some(kept.may_sync_unattended()),
    }
}

/// Begins the sign-in of a step that is still to be done; gives the address at Microsoft.
///
/// # Errors
/// `Upstream`.
pub async fn begin(io: &Io, ahead: &Ahead, browser: &Secret, now: Timestamp) -> Result<Url> {
    let purpose = match ahead.asked {
        Asked::Calling => Purpose::Consent { accepted: false },
        Asked::Management => Purpose::Management,
        Asked::Groups { .. } => Purpose::Groups,
        Asked::Unattended => Purpose::Unattended,
    };
    sign_in::begin(io, &ahead.kept, purpose, ahead.return_to.clone(), browser, now).await
}

/// Saves whose users are synchronised, as the person at this browser chose it on a page that showed version `seen`.
/// Sending the same choice again changes nothing.
///
/// # Errors
/// `StateUnknown` where the browser is not at that point, `LinkClosed` once the role went to another person, `Invalid` for
/// a group that is unknown or cannot be chosen, `Stale`.
pub async fn choose(
    io: &Io,
    session: &Session,
    browser: &Secret,
    choice: Choice,
    seen: u64,
    now: Timestamp,
) -> Result<()> {
    let visit = session.visit();
    let kept = choosing(io, session).await?;
    if kept.group_filter != group_filter::meant(io, &kept.id, &choice).await? {
        let author = onboard::visitor(&kept, session);
        group_filter::choose_groups(io, kept, choice, seen, &author, now).await?;
    }
    browser_token::forget(io, browser).await?;
    io.store
        .put_session(&sha256(browser.expose()), &visit.at(Stage::Chosen), now)
        .await
}

/// What a choice of the person at this browser would mean; nothing is saved.
///
/// # Errors
/// As `choose`; `TokenExpired` where the person has to sign in anew for it.
pub async fn preview(io: &Io, session: &Session, browser: &Secret, choice: &Choice, now: Timestamp) -> Result<Preview> {
    let kept = choosing(io, session).await?;
    let filter = group_filter::meant(io, &kept.id, choice).await?;
    let token = browser_token::of(io, &kept.id, browser, now).await?;
    group_preview::preview(io, &kept, &filter, &token.ok_or(Error::TokenExpired)?).await
}

/// Sends the person at this browser to Microsoft once more, for another look at the groups; gives the address there.
///
/// # Errors
/// As `choose`.
pub async fn sign_in_for_groups(io: &Io, session: &Session, browser: &Secret, now: Timestamp) -> Result<Url> {
    let kept = choosing(io, session).await?;
    sign_in::begin(io, &kept, Purpose::Groups, session.return_to.clone(), browser, now).await
}

async fn choosing(io: &Io, session: &Session) -> Result<Enterprise> {
    if !session.may_choose() {
        return Err(SignInRefused::StateUnknown.into());
    }
    sign_in::current(io, &session.visit()).await
}

/// Where a person goes when a step is over: the stored address with the outcome, as long as its origin is agreed with the
/// reseller.
#[must_use]
pub fn way_back(reseller: &Reseller, return_to: Option<&Url>, outcome: &Outcome) -> Option<Url> {
    let agreed = |address: &&Url| {
        reseller
            .return_origins
            .contains(&address.origin().ascii_serialization())
    };
    return_to.filter(agreed).map(|address| outcome.told_to(address))
}

/// The Global Admin's own front end gets the sign-in of the run that waits for it. Everybody else gets the integration
/// portal, where the Global Admin is known and can press `Sync Now`: half of the double authentication is there (R047).
async fn sync(
    io: &Io,
    access: &Access,
    return_to: Option<Url>,
    portal: Url,
    once: &Once,
    now: Timestamp,
) -> Result<Guided> {
    let kept = &access.kept;
    let admin = kept.global_admin.display_name();
    if !matches!(access.caller.role, Role::GlobalAdmin(_)) {
        io.store
            .note(&kept.id, &given(io, access, NextStep::Sync, now), once)
            .await?;
        return Ok(Guided {
            url: portal,
            hosted: false,
            expires: None,
            text: format!("{admin} signs in to the integration portal and presses Sync Now."),
        });
    }
    let current = io.store.sync_status(&kept.id).await?.current;
    let waiting = match &current {
        Some(run) if io.store.run(&kept.id, run).await?.state == RunState::AwaitingSignIn => run,
        Some(_) => return Err(Error::Conflict("a sync is going on; wait for its end".into())),
        None => {
            return Err(Error::Conflict(
                "no sync waits for a sign-in; start one first with POST runs".into(),
            ));
        }
    };
    let (started, expires) = start_sync::sign_in_again(io, access, waiting, return_to, once, now).await?;
    let url = started.sign_in.unwrap_or(portal);
    Ok(Guided {
        url,
        hosted: true,
        expires: Some(expires),
        text: format!("{admin} signs in at Microsoft; the sync begins."),
    })
}
