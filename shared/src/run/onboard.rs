//! From the invitation's link to a bound tenant with both permission sets.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::caller::Origin;
use crate::domain::consent::{TEAMS_ADMIN, TEAMS_ADMIN_SCOPE};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, InvitationId};
use crate::domain::invitation::{self, Invitation};
use crate::domain::reseller::Reseller;
use crate::domain::secret::Secret;
use crate::domain::setup::BoundTenant;
use crate::domain::standing::Standing;
use crate::domain::steps::{Progress, Step, StepState};
use crate::domain::visit::{Link, Purpose, Session, Stage, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::SignedIn;
use crate::io::store::guesses::Guesses;
use crate::io::vault::sha256;
use crate::plan::onboard::{self, Event};
use crate::run::access::entry;
use crate::run::sign_in;
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
    let organization = io.graph.organization(&person.access).await?;
    let author = sign_in::author(visit, &person);
    let identity = person.claims.identity;
    if organization.id != identity.tenant {
        return Err(SignInRefused::TenantMismatch.into());
    }
    let message = format!("{} signed in at {}.", person.claims.name, organization.name);
    note(io, kept, &[(Step::SignIn, StepState::Succeeded, message)], &author, now).await?;
    let tenant = BoundTenant {
        id: organization.id,
        name: organization.name,
        label: organization.initial_label,
        at: now,
    };
    let session = visit.at(Stage::Confirm {
        identity,
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
    let person = person.claims.name;
    let stage = match purpose {
        Purpose::Management => Stage::Management { person },
        Purpose::Groups => Stage::Groups { person },
        Purpose::SetUp { .. } | Purpose::Consent | Purpose::Sync { .. } => {
            return Err(SignInRefused::StateUnknown.into());
        }
    };
    io.store
        .put_session(&sha256(browser.expose()), &visit.at(stage), now)
        .await
}

/// A sign-in of the set-up ended badly: support and the reseller see where the person is stuck. What cannot be noted is
/// left out; the person's page says the same.
pub async fn sign_in_failed(io: &Io, visit: &Visit, purpose: &Purpose, why: &Error, now: Timestamp) {
    let step = match purpose {
        Purpose::Sync { .. } | Purpose::Management | Purpose::Groups => return,
        Purpose::Consent => Step::SecondConsent,
        Purpose::SetUp { .. } => match why {
            Error::SignIn(SignInRefused::Declined | SignInRefused::ApprovalRequired) => Step::FirstConsent,
            _ => Step::SignIn,
        },
    };
    let noted = async {
        let kept = sign_in::current(io, visit).await?;
        let author = Author::visitor(kept.global_admin.display_name(), "sign-in page", &visit.origin);
        note(io, kept, &[(step, StepState::Failed, onboard::news(why))], &author, now).await
    };
    if let Err(error) = noted.await {
        tracing::warn!(enterprise.id = %visit.enterprise, error.message = %crate::error::Chain(&error), "a failed sign-in could not be noted");
    }
}

async fn note(
    io: &Io,
    kept: Enterprise,
    news: &[(Step, StepState, String)],
    author: &Author,
    now: Timestamp,
) -> Result<()> {
    if kept.setup.complete() {
        return Ok(());
    }
    let seen = kept.version;
    let mut next = Enterprise {
        version: seen + 1,
        ..kept
    };
    let mut changes = Vec::new();
    for (step, state, message) in news {
        changes.extend(changed(&format!("{step:?}"), None, Some(message.clone())));
        let progress = Progress {
            state: *state,
            message: message.clone(),
            at: now,
        };
        next.steps.insert(*step, progress);
    }
    let entry = entry(io, author, Deed::SignInTried, changes, now);
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

/// Begins the second sign-in (R058).
///
/// # Errors
/// `StateUnknown` where the browser is not at that point.
pub async fn begin_second_consent(io: &Io, session: &Session, browser: &Secret, now: Timestamp) -> Result<Url> {
    if !matches!(session.stage, Stage::SecondConsent { .. }) {
        return Err(SignInRefused::StateUnknown.into());
    }
    let kept = sign_in::current(io, &session.visit()).await?;
    sign_in::begin(io, &kept, Purpose::Consent, session.return_to.clone(), browser, now).await
}

/// After the second sign-in: what was granted is proven by tokens, the set-up is complete (R024), and the tenant's
/// groups are read once, so that there is something to choose from.
///
/// # Errors
/// `ConsentIncomplete`, `NotRecorded`, `TenantMismatch`, …; the set-up stays where it was.
pub async fn calling_granted(io: &Io, visit: &Visit, person: SignedIn, browser: &Secret, now: Timestamp) -> Result<()> {
    let enterprise = &visit.enterprise;
    let kept = sign_in::recorded(io, visit, &person).await?;
    prove_teams_access(io, &person, now).await?;
    let author = sign_in::author(visit, &person);
    let identity = person.claims.identity.clone();
    let event = Event::CallingGranted {
        identity,
        scopes: person.scopes,
    };
    let (setup, global_admin) = onboard::step(&kept.setup, &kept.global_admin, event, now)?;
    let seen = kept.version;
    let next = Enterprise {
        setup,
        global_admin,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, &author, Deed::ConsentGranted, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    let session = visit.at(Stage::Complete);
    io.store.put_session(&sha256(browser.expose()), &session, now).await?;
    // The choice of groups can wait for the first sync; the set-up is complete without it.
    if let Err(error) = read_groups(io, enterprise, &person.access).await {
        tracing::warn!(enterprise.id = %enterprise, error.message = %crate::error::Chain(&error), "the tenant's groups could not be read yet");
    }
    Ok(())
}

/// The second request was declined: it can be asked again.
///
/// # Errors
/// `Stale`.
pub async fn calling_declined(io: &Io, visit: &Visit, browser: &Secret, now: Timestamp) -> Result<()> {
    let kept = sign_in::current(io, visit).await?;
    let author = Author::visitor(kept.global_admin.display_name(), "sign-in page", &visit.origin);
    let (setup, global_admin) = onboard::step(&kept.setup, &kept.global_admin, Event::CallingDeclined, now)?;
    let seen = kept.version;
    let next = Enterprise {
        setup,
        global_admin,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, &author, Deed::ConsentDeclined, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    let session = visit.at(Stage::SecondConsent { again: true });
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// The permission on the Teams admin resource shows only in a token for it.
async fn prove_teams_access(io: &Io, person: &SignedIn, now: Timestamp) -> Result<()> {
    let missing = || {
        Error::SignIn(SignInRefused::ConsentIncomplete {
            missing: vec![TEAMS_ADMIN_SCOPE.to_owned()],
        })
    };
    let refresh = person.refresh.as_ref().ok_or_else(missing)?;
    let secret = io.vault.entra_client_secret().await?;
    let scope = format!("{TEAMS_ADMIN}/.default");
    match io
        .sign_in
        .token_for(secret, refresh, &person.claims.identity.tenant, &scope, now)
        .await
    {
        Ok(_) => Ok(()),
        Err(Error::SignIn(_) | Error::TokenExpired) => Err(missing()),
        Err(error) => Err(error),
    }
}

async fn read_groups(io: &Io, enterprise: &EnterpriseId, token: &crate::io::graph::Token) -> Result<()> {
    let groups = io.graph.groups(token, None).await?;
    io.store.put_groups(enterprise, &groups).await
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
