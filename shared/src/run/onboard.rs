//! From the invitation's link to a bound tenant with both permission sets.

use crate::domain::consent::{TEAMS_ADMIN, TEAMS_ADMIN_SCOPE};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{EnterpriseId, InvitationId};
use crate::domain::invitation::{self, Invitation};
use crate::domain::reseller::Reseller;
use crate::domain::secret::Secret;
use crate::domain::setup::BoundTenant;
use crate::domain::visit::{Link, Purpose, Session, Stage};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::SignedIn;
use crate::io::vault::sha256;
use crate::plan::onboard::{self, Event};
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
}

/// Reads what a link leads to; changes nothing, so a mail scanner may do it as often as it likes.
///
/// # Errors
/// `LinkClosed` alike for unknown, expired, replaced, locked and accepted ones.
pub async fn invited(io: &Io, token: &str, now: Timestamp) -> Result<Invited> {
    let closed = || Error::SignIn(SignInRefused::LinkClosed);
    let hash = io.vault.keyed_hash("link", token).await?;
    let Some(Link::Invitation { enterprise, invitation }) = io.store.link(&hash, now).await? else {
        return Err(closed());
    };
    let invitation = io.store.invitation(&enterprise, &invitation).await?;
    invitation.open(now).map_err(|_| closed())?;
    let kept = io.store.enterprise(&enterprise).await?;
    let reseller = io.store.reseller(&kept.reseller).await?;
    Ok(Invited {
        kept,
        reseller,
        invitation,
    })
}

/// Checks the code (R034) and begins the sign-in; gives the address at Microsoft.
///
/// # Errors
/// `LinkClosed`, or `WrongCode` with the tries left.
pub async fn enter_code(io: &Io, token: &str, code: &str, browser: &Secret, now: Timestamp) -> Result<Url> {
    let invited = invited(io, token, now).await?;
    let (enterprise, invitation) = (&invited.kept, &invited.invitation);
    // Counted before it is compared: however many tries run at once, only so many are compared.
    if !io
        .store
        .count_wrong_code(&enterprise.id, &invitation.id, invitation::ATTEMPTS)
        .await?
    {
        return Err(SignInRefused::LinkClosed.into());
    }
    if !io
        .vault
        .matches("code", &invitation::normalised(code), &invitation.code_hash)
        .await?
    {
        let left = invitation::ATTEMPTS.saturating_sub(invitation.wrong_codes + 1);
        return Err(if left == 0 {
            SignInRefused::LinkClosed
        } else {
            SignInRefused::WrongCode { left }
        }
        .into());
    }
    io.store.forgive_code(&enterprise.id, &invitation.id).await?;
    let purpose = Purpose::SetUp {
        invitation: invitation.id.clone(),
    };
    sign_in::begin(io, enterprise, purpose, browser, now).await
}

/// After the first sign-in: the role is proven, the tenant is read, and both wait to be confirmed.
///
/// # Errors
/// Why the person or the tenant is not the right one; nothing has changed then.
pub async fn signed_in(
    io: &Io,
    enterprise: &EnterpriseId,
    invitation: &InvitationId,
    person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    let kept = io.store.enterprise(enterprise).await?;
    if kept.invitation.as_ref() != Some(invitation) {
        return Err(SignInRefused::LinkClosed.into());
    }
    let identity = person.claims.identity.clone();
    onboard::recorded(&kept.setup, &kept.global_admin, &identity)?;
    sign_in::prove_global_admin(io, &person.access).await?;
    let organization = io.graph.organization(&person.access).await?;
    if organization.id != identity.tenant {
        return Err(SignInRefused::TenantMismatch.into());
    }
    let tenant = BoundTenant {
        id: organization.id,
        name: organization.name,
        label: organization.initial_label,
        at: now,
    };
    let stage = Stage::Confirm {
        identity,
        person: person.claims.name,
        tenant,
        scopes: person.scopes,
    };
    let session = Session {
        enterprise: enterprise.clone(),
        stage,
    };
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// Binds the tenant that was shown, and notes the first permission set.
///
/// # Errors
/// `TenantTaken`, `TenantMismatch`, `NotRecorded`, or `Stale`.
pub async fn confirm(io: &Io, session: Session, browser: &Secret, now: Timestamp) -> Result<()> {
    let Stage::Confirm {
        identity,
        tenant,
        scopes,
        ..
    } = session.stage
    else {
        return Err(SignInRefused::StateUnknown.into());
    };
    let kept = io.store.enterprise(&session.enterprise).await?;
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
    io.store.bind_tenant(&enterprise, seen, &tenant.id, now).await?;
    let stage = if complete {
        Stage::Complete
    } else {
        Stage::SecondConsent { again: false }
    };
    let session = Session {
        enterprise: session.enterprise,
        stage,
    };
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// Begins the second sign-in (R058).
///
/// # Errors
/// `StateUnknown` where the browser is not at that point.
pub async fn begin_second_consent(io: &Io, session: &Session, browser: &Secret, now: Timestamp) -> Result<Url> {
    if !matches!(session.stage, Stage::SecondConsent { .. }) {
        return Err(SignInRefused::StateUnknown.into());
    }
    let kept = io.store.enterprise(&session.enterprise).await?;
    sign_in::begin(io, &kept, Purpose::Consent, browser, now).await
}

/// After the second sign-in: what was granted is proven by tokens, the set-up is complete (R024), and the tenant's
/// groups are read once, so that there is something to choose from.
///
/// # Errors
/// `ConsentIncomplete`, `NotRecorded`, `TenantMismatch`, …; the set-up stays where it was.
pub async fn calling_granted(
    io: &Io,
    enterprise: &EnterpriseId,
    person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    let kept = io.store.enterprise(enterprise).await?;
    let identity = person.claims.identity.clone();
    onboard::recorded(&kept.setup, &kept.global_admin, &identity)?;
    sign_in::prove_global_admin(io, &person.access).await?;
    prove_teams_access(io, &person, now).await?;
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
    io.store.update_enterprise(&next, seen).await?;
    let session = Session {
        enterprise: enterprise.clone(),
        stage: Stage::Complete,
    };
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
pub async fn calling_declined(io: &Io, enterprise: &EnterpriseId, browser: &Secret, now: Timestamp) -> Result<()> {
    let kept = io.store.enterprise(enterprise).await?;
    let (setup, global_admin) = onboard::step(&kept.setup, &kept.global_admin, Event::CallingDeclined, now)?;
    let seen = kept.version;
    let next = Enterprise {
        setup,
        global_admin,
        version: seen + 1,
        ..kept
    };
    io.store.update_enterprise(&next, seen).await?;
    let session = Session {
        enterprise: enterprise.clone(),
        stage: Stage::SecondConsent { again: true },
    };
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

/// A browser that we know, and where it stands.
///
/// # Errors
/// `StateUnknown` for any other.
pub async fn session(io: &Io, browser: Option<Secret>, now: Timestamp) -> Result<(Session, Secret)> {
    let unknown = || Error::SignIn(SignInRefused::StateUnknown);
    let browser = browser.ok_or_else(unknown)?;
    let session = io
        .store
        .session(&sha256(browser.expose()), now)
        .await?
        .ok_or_else(unknown)?;
    Ok((session, browser))
}

/// Forgets a browser whose person said that the tenant is not the right one.
///
/// # Errors
/// `Upstream`.
pub async fn reject(io: &Io, browser: &Secret) -> Result<()> {
    io.store.end_session(&sha256(browser.expose())).await
}
