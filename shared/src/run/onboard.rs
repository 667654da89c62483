//! From the invitation's link to a bound tenant with both permission sets.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::caller::Origin;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::InvitationId;
use crate::domain::invitation::{self, Invitation};
use crate::domain::reseller::Reseller;
use crate::domain::secret::Secret;
use crate::domain::standing::Standing;
use crate::domain::steps::{Progress, Step, StepState};
use crate::domain::visit::{Link, Purpose, Session, Stage, Visit};
use crate::error::{Chain, Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::SignedIn;
use crate::io::store::guesses::Guesses;
use crate::io::vault::sha256;
use crate::plan::onboard::{self, Event};
use crate::run::access::entry;
use crate::run::{browser_token, group_filter, sign_in};
use jiff::Timestamp;
use url::Url;

/// An invitation that a link leads to, with whom it is about.
#[derive(Debug)]
pub struct Invited {
    /// The enterprise.
    pub kept: Enterprise,
    /// Its reseller.
    pub reseller: Reseller,
    /// The invitation.
    pub invitation: Invitation,
    /// Where the person is sent when it is over.
    pub return_to: Option<Url>,
}

impl Invited {
    /// The visit that begins with the link.
    #[must_use]
    pub fn visit(&self) -> Visit {
        Visit {
            enterprise: self.kept.id.clone(),
            appointment: self.kept.global_admin.appointment,
            return_to: self.return_to.clone(),
            origin: Origin::default(),
        }
    }
}

/// Reads what a link leads to; changes nothing, so a mail scanner may do it as often as it likes.
///
/// # Errors
/// `LinkClosed` alike for unknown, expired, replaced, locked and accepted ones.
pub async fn invited(io: &Io, token: &str, now: Timestamp) -> Result<Invited> {
    let closed = || Error::SignIn(SignInRefused::LinkClosed);
    let hash = io.vault.keyed_hash("link", token).await?;
    let Some(Link::Invitation {
        enterprise,
        invitation,
        return_to,
    }) = io.store.link(&hash, now).await?
    else {
        return Err(closed());
    };
    let invitation = io.store.invitation(&enterprise, &invitation).await?;
    invitation.open(now).map_err(|_| closed())?;
    let kept = io.store.enterprise(&enterprise).await?;
    if kept.invitation.as_ref() != Some(&invitation.id) || kept.standing != Standing::Active {
        return Err(closed());
    }
    let reseller = io.store.reseller(&kept.reseller).await?;
    Ok(Invited {
        kept,
        reseller,
        invitation,
        return_to,
    })
}

/// A code that did not let anybody in.
#[derive(Debug)]
pub struct NotEntered {
    /// The invitation that it was tried on, for whom the link still tells something: it can be tried again, or the person
    /// came from a page of somebody else, to which they go back.
    pub invited: Option<Invited>,
    /// Why.
    pub why: Error,
}

impl From<Error> for NotEntered {
    fn from(why: Error) -> Self {
        Self { invited: None, why }
    }
}

/// Tries a code on a link, for somebody at `origin`. Only so many wrong ones may come from there, whatever they are tried
/// on; the one that is right is not counted.
///
/// # Errors
/// `TooMany` before anything is read, `LinkClosed`, or `WrongCode` with the tries left.
pub async fn try_code(
    io: &Io,
    token: &str,
    code: &str,
    origin: &Origin,
    browser: &Secret,
    now: Timestamp,
) -> Result<Url, NotEntered> {
    let client = io.vault.keyed_hash("client", &origin.network()).await?;
    let (limit, window) = (invitation::GUESSES, invitation::GUESS_WINDOW);
    let guess = match io.store.count_guess(&client, limit, window, now).await? {
        Guesses::Counted(guess) => guess,
        Guesses::Spent(wait) => {
            let what = "too many wrong codes came from this connection".into();
            return Err(Error::TooMany { what, wait }.into());
        }
    };
    let invited = invited(io, token, now).await?;
    match enter_code(io, &invited, code, browser, now).await {
        Ok(url) => {
            io.store.forgive_guess(guess).await?;
            Ok(url)
        }
        Err(Error::SignIn(SignInRefused::WrongCode { left: 0 })) => Err(NotEntered {
            invited: invited.return_to.is_some().then_some(invited),
            why: SignInRefused::LinkClosed.into(),
        }),
        Err(why @ Error::SignIn(SignInRefused::WrongCode { .. })) => Err(NotEntered {
            invited: Some(invited),
            why,
        }),
        Err(why) => Err(why.into()),
    }
}

/// Checks the code (R034) and begins the sign-in; gives the address at Microsoft.
async fn enter_code(io: &Io, invited: &Invited, code: &str, browser: &Secret, now: Timestamp) -> Result<Url> {
    let (enterprise, invitation) = (&invited.kept, &invited.invitation);
    let closed = || Error::SignIn(SignInRefused::LinkClosed);
    // Counted before it is compared: however many tries run at once, only so many are compared.
    let counted = io
        .store
        .count_wrong_code(&enterprise.id, &invitation.id, invitation::ATTEMPTS);
    if !counted.await? {
        return Err(closed());
    }
    let normalised = invitation::normalised(code);
    if !io.vault.matches("code", &normalised, &invitation.code_hash).await? {
        let locked = io.store.lock_invitation(&enterprise.id, &invitation.id, now).await?;
        let left = invitation::ATTEMPTS.saturating_sub(invitation.wrong_codes + 1);
        let left = if locked { 0 } else { left };
        return Err(SignInRefused::WrongCode { left }.into());
    }
    if !io.store.forgive_code(&enterprise.id, &invitation.id, now).await? {
        return Err(closed());
    }
    let purpose = Purpose::SetUp {
        invitation: invitation.id.clone(),
    };
    sign_in::begin(io, enterprise, purpose, invited.return_to.clone(), browser, now).await
}

/// After the first sign-in: the role is proven, the tenant is read, and both wait to be confirmed.
///
/// # Errors
/// Why the person or the tenant is not the right one; of the enterprise nothing has changed then but its news.
pub async fn signed_in(
    io: &Io,
    visit: &Visit,
    invitation: &InvitationId,
    person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    let kept = sign_in::recorded(io, visit, &person).await?;
    if kept.invitation.as_ref() != Some(invitation) {
        return Err(SignInRefused::LinkClosed.into());
    }
    let tenant = sign_in::tenant_of(io, &person, now).await?;
    let author = sign_in::author(visit, &person);
    let progress = Progress {
        state: StepState::Succeeded,
        message: format!("{} signed in at {}.", person.claims.name, tenant.name),
        at: now,
        obstacle: None,
    };
    note(io, kept, Step::SignIn, progress, &author).await?;
    let session = visit.at(Stage::Confirm {
        identity: person.claims.identity,
        person: person.claims.name,
        tenant,
        scopes: person.scopes,
    });
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// After a sign-in for a step that was begun by an action URL: the person is the recorded Global Admin, and may answer.
///
/// # Errors
/// `NotRecorded`, `TenantMismatch`, …
pub async fn step_signed_in(
    io: &Io,
    visit: &Visit,
    purpose: &Purpose,
    person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    let kept = sign_in::recorded(io, visit, &person).await?;
    if kept.global_admin.identity.is_none() {
        // Whom the role was given to is recorded at a sync, where the portal vouches for the person: a link that somebody
        // passes on proves nothing, and the tenant may have other Global Administrators.
        return Err(SignInRefused::NotRecorded {
            expected: kept.global_admin.display_name().to_owned(),
        }
        .into());
    }
    if *purpose == Purpose::Groups {
        groups_at_hand(io, &kept, &person, browser, now).await?;
    }
    let person = person.claims.name;
    let stage = match purpose {
        Purpose::Management => Stage::Management { person },
        Purpose::Groups => Stage::Groups { person },
        Purpose::SetUp { .. }
        | Purpose::Consent { .. }
        | Purpose::Organization
        | Purpose::Unattended
        | Purpose::Sync { .. } => {
            return Err(SignInRefused::StateUnknown.into());
        }
    };
    io.store
        .put_session(&sha256(browser.expose()), &visit.at(stage), now)
        .await
}

/// Reads the groups for the page that comes next, and keeps the token with which it shows what a choice would mean. Without
/// either the page still lets people choose from what was read before.
async fn groups_at_hand(io: &Io, kept: &Enterprise, person: &SignedIn, browser: &Secret, now: Timestamp) -> Result<()> {
    match group_filter::refresh(io, &person.access, kept).await {
        Ok(()) => browser_token::keep(io, &kept.id, browser, &person.access, now).await,
        Err(error) => {
            tracing::warn!(enterprise.id = %kept.id, error.message = %Chain(&error), "the groups were not read at a sign-in");
            Ok(())
        }
    }
}

/// A sign-in of the set-up ended badly: support and the reseller see where the person is stuck. What cannot be noted is
/// left out; the person's page says the same.
pub async fn sign_in_failed(io: &Io, visit: &Visit, purpose: &Purpose, why: &Error, now: Timestamp) {
    let step = match purpose {
        Purpose::Sync { .. } | Purpose::Management | Purpose::Groups | Purpose::Unattended => return,
        Purpose::Consent { .. } | Purpose::Organization => Step::SecondConsent,
        Purpose::SetUp { .. } => match why {
            Error::SignIn(SignInRefused::Declined | SignInRefused::ApprovalRequired) => Step::FirstConsent,
            _ => Step::SignIn,
        },
    };
    let noted = async {
        let kept = sign_in::current(io, visit).await?;
        let author = Author::visitor(kept.global_admin.display_name(), "sign-in page", &visit.origin);
        let (obstacle, message) = onboard::news(why);
        let progress = Progress {
            state: StepState::Failed,
            message: message.to_owned(),
            at: now,
            obstacle: Some(obstacle),
        };
        note(io, kept, step, progress, &author).await
    };
    if let Err(error) = noted.await {
        tracing::warn!(enterprise.id = %visit.enterprise, error.message = %crate::error::Chain(&error), "a failed sign-in could not be noted");
    }
}

async fn note(io: &Io, kept: Enterprise, step: Step, progress: Progress, author: &Author) -> Result<()> {
    if kept.setup.complete() {
        return Ok(());
    }
    let seen = kept.version;
    let mut next = Enterprise {
        version: seen + 1,
        ..kept
    };
    let change = changed(step.name(), None, Some(progress.message.clone()));
    let entry = entry(io, author, Deed::SignInTried, change.into_iter().collect(), progress.at);
    next.steps.insert(step, progress);
    io.store.update_enterprise(&next, seen, &entry, &[]).await
}

/// Binds the tenant that was shown, and notes the first permission set.
///
/// # Errors
/// `TenantTaken`, `TenantMismatch`, `NotRecorded`, or `Stale`.
pub async fn confirm(io: &Io, session: Session, browser: &Secret, now: Timestamp) -> Result<()> {
    let visit = session.visit();
    let Stage::Confirm {
        identity,
        tenant,
        scopes,
        person,
    } = session.stage
    else {
        return Err(SignInRefused::StateUnknown.into());
    };
    let kept = sign_in::current(io, &visit).await?;
    let author = Author::visitor(&person, identity.user.as_str(), &visit.origin);
    let bound = changed("tenant", None, Some(format!("{} ({})", tenant.name, tenant.id)));
    let event = Event::TenantConfirmed {
        identity,
        by: person,
        tenant: tenant.clone(),
        scopes,
    };
    let (setup, global_admin) = onboard::step(&kept.setup, &kept.global_admin, event, now)?;
    let seen = kept.version;
    let complete = setup.complete();
    let enterprise = Enterprise {
        setup,
        global_admin,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, &author, Deed::TenantBound, bound.into_iter().collect(), now);
    io.store.bind_tenant(&enterprise, seen, &tenant.id, &entry).await?;
    let stage = if complete {
        Stage::Complete
    } else {
        Stage::SecondConsent { again: false }
    };
    io.store
        .put_session(&sha256(browser.expose()), &visit.at(stage), now)
        .await
}

/// The person at a browser that is past its sign-in as the recorded Global Admin, as the audit trail names them.
pub(super) fn visitor(kept: &Enterprise, session: &Session) -> Author {
    let admin = &kept.global_admin;
    let person = match &session.stage {
        Stage::Management { person } | Stage::Groups { person } => person,
        _ => admin.display_name(),
    };
    let known = admin.identity.as_ref().map(|identity| identity.user.as_str());
    Author::visitor(person, known.unwrap_or("sign-in page"), &session.origin)
}

/// A browser that we know, and where it stands.
///
/// # Errors
/// `StateUnknown` for any other.
pub async fn session(io: &Io, browser: Option<Secret>, origin: Origin, now: Timestamp) -> Result<(Session, Secret)> {
    let unknown = || Error::SignIn(SignInRefused::StateUnknown);
    let browser = browser.ok_or_else(unknown)?;
    let session = io
        .store
        .session(&sha256(browser.expose()), now)
        .await?
        .ok_or_else(unknown)?;
    Ok((Session { origin, ..session }, browser))
}

/// Forgets a browser whose person said that the tenant is not the right one.
///
/// # Errors
/// `Upstream`.
pub async fn reject(io: &Io, browser: &Secret) -> Result<()> {
    io.store.end_session(&sha256(browser.expose())).await
}
