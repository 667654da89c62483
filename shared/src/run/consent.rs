//! The second permission set: asked for at a sign-in or on Microsoft's admin consent page, proven, noted, and reset.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::consent::{ConsentForm, GRAPH, PermissionSet, missing_calling_scopes};
use crate::domain::enterprise::Enterprise;
use crate::domain::group_filter::{Group, GroupFilter};
use crate::domain::letter::{Letter, Outgoing};
use crate::domain::reseller::Reseller;
use crate::domain::secret::Secret;
use crate::domain::visit::{Purpose, Session, Stage, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::{SignedIn, Token};
use crate::io::vault::sha256;
use crate::plan::onboard::{self, Event};
use crate::run::access::{entry, unmoved};
use crate::run::provision::to_admin;
use crate::run::{browser_token, group_filter, post, session, sign_in, switch};
use jiff::Timestamp;
use url::Url;

/// Begins the second sign-in (R058).
///
/// # Errors
/// `StateUnknown` where the browser is not at that point.
pub async fn begin_second_consent(io: &Io, session: &Session, browser: &Secret, now: Timestamp) -> Result<Url> {
    let accepted = match session.stage {
        Stage::SecondConsent { .. } => false,
        Stage::Accepted { .. } => true,
        _ => return Err(SignInRefused::StateUnknown.into()),
    };
    let kept = sign_in::current(io, &session.visit()).await?;
    let purpose = Purpose::Consent { accepted };
    sign_in::begin(io, &kept, purpose, session.return_to.clone(), browser, now).await
}

/// Sends the person to Microsoft's admin consent page, where the second set is accepted for the whole organization.
///
/// # Errors
/// `StateUnknown` where the browser is not at that point.
pub async fn begin_organization_consent(io: &Io, session: &Session, browser: &Secret, now: Timestamp) -> Result<Url> {
    if !matches!(session.stage, Stage::SecondConsent { .. } | Stage::Accepted { .. }) {
        return Err(SignInRefused::StateUnknown.into());
    }
    let kept = sign_in::current(io, &session.visit()).await?;
    let return_to = session.return_to.clone();
    sign_in::begin(io, &kept, Purpose::Organization, return_to, browser, now).await
}

/// The admin consent page says that the organization accepted; the next page proves it by a call.
///
/// # Errors
/// `Upstream`.
pub async fn organization_accepted(io: &Io, visit: &Visit, browser: &Secret, now: Timestamp) -> Result<()> {
    let session = visit.at(Stage::Accepted { at: now });
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// Whether Microsoft applies what the organization accepted: our application, without a person, reads that tenant's
/// organization. A token alone would prove nothing. Changes nothing.
///
/// # Errors
/// `Upstream`, `Throttled`, and `Refused` where our registration is at fault.
pub async fn organization_applies(io: &Io, kept: &Enterprise, reseller: &Reseller, now: Timestamp) -> Result<bool> {
    let Some(tenant) = kept.setup.tenant() else {
        return Ok(false);
    };
    let application = sign_in::application(io, reseller);
    let secret = io.vault.entra_client_secret(application).await?;
    let read = async {
        let token = io
            .sign_in
            .app_token(application, secret, &tenant.id, GRAPH, now)
            .await?;
        io.graph.organization(&token).await
    };
    match read.await {
        Ok(organization) => Ok(organization.id == tenant.id),
        Err(Error::SignIn(_) | Error::TokenExpired | Error::Refused { status: 403, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// After the second sign-in: what was granted is proven by tokens and by a call, the set-up is complete (R024), and the
/// tenant's groups are at hand to choose from.
///
/// # Errors
/// `ConsentIncomplete`, `ConsentNotInForce`, `NotRecorded`, `TenantMismatch`, …; the set-up stays where it was.
pub async fn calling_granted(
    io: &Io,
    visit: &Visit,
    accepted: bool,
    mut person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    let kept = sign_in::recorded(io, visit, &person).await?;
    // The permission on the Teams admin resource shows only in a token for it.
    session::teams_token(io, &mut person, now).await?;
    let author = sign_in::author(visit, &person);
    let event = Event::CallingGranted {
        identity: person.claims.identity.clone(),
        by: person.claims.name.clone(),
        form: if accepted {
            ConsentForm::Organization
        } else {
            ConsentForm::Delegated
        },
        scopes: person.scopes,
    };
    let (setup, global_admin) = onboard::step(&kept.setup, &kept.global_admin, event, now)?;
    let groups = proven_groups(io, &person.access, &kept.group_filter).await?;
    let kept = switch::put_aside(io, kept).await?;
    io.store.put_groups(&kept.id, &groups, now).await?;
    let (seen, completed) = (kept.version, setup.complete() && !kept.setup.complete());
    let next = Enterprise {
        setup,
        global_admin,
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, &author, Deed::ConsentGranted, Vec::new(), now);
    let mails: Vec<Outgoing> = completed
        .then(|| to_admin(io, &next, &next.global_admin, Letter::IntegrationActivation, now))
        .into_iter()
        .collect();
    io.store.update_enterprise(&next, seen, &entry, &mails).await?;
    post::deliver(io, &mails).await;
    if visit.return_to.is_none() {
        // The person may go on to the choice of groups at once (R072); anybody else is sent back where they came from.
        browser_token::keep(io, &next.id, browser, &person.access, now).await?;
    }
    let session = visit.at(Stage::Complete);
    io.store.put_session(&sha256(browser.expose()), &session, now).await
}

/// The second request was declined: it can be asked again.
///
/// # Errors
/// `Stale`.
pub async fn calling_declined(io: &Io, visit: &Visit, browser: &Secret, now: Timestamp) -> Result<()> {
    let kept = sign_in::current(io, visit).await?;
    let by = kept.global_admin.display_name().to_owned();
    let author = Author::visitor(&by, "sign-in page", &visit.origin);
    let declined = Event::CallingDeclined { by };
    let (setup, global_admin) = onboard::step(&kept.setup, &kept.global_admin, declined, now)?;
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

/// Notes what the tokens of a sync say of the second set, where that is news; the sync needs all of it.
///
/// # Errors
/// `ConsentIncomplete`, `Stale`.
pub async fn calling_seen(
    io: &Io,
    visit: &Visit,
    mut kept: Enterprise,
    person: &SignedIn,
    now: Timestamp,
) -> Result<Enterprise> {
    let missing = missing_calling_scopes(&person.scopes);
    if let Some(setup) = onboard::seen_at_sign_in(&kept.setup, &person.scopes, &person.claims.name, now) {
        let seen = kept.version;
        let next = Enterprise {
            setup,
            version: seen + 1,
            ..kept
        };
        let deed = if missing.is_empty() {
            Deed::ConsentGranted
        } else {
            Deed::ConsentRevoked
        };
        let entry = entry(io, &sign_in::author(visit, person), deed, Vec::new(), now);
        io.store.update_enterprise(&next, seen, &entry, &[]).await?;
        kept = next;
    }
    if missing.is_empty() {
        return Ok(kept);
    }
    Err(SignInRefused::lacking(missing).into())
}

/// The tenant's groups, which only the second set lets us read: the proof that Microsoft applies it.
async fn proven_groups(io: &Io, token: &Token, filter: &GroupFilter) -> Result<Vec<Group>> {
    match group_filter::read(io, token, filter).await {
        Err(Error::Refused { status: 403, .. }) => Err(SignInRefused::ConsentNotInForce.into()),
        read => read,
    }
}

/// Resets one set of an enterprise that the caller saw at version `seen`.
///
/// # Errors
/// `Conflict` where it is not granted, `Stale`.
pub async fn reset(
    io: &Io,
    kept: Enterprise,
    set: PermissionSet,
    seen: u64,
    author: &Author,
    now: Timestamp,
) -> Result<Enterprise> {
    unmoved(&kept, seen)?;
    let setup = onboard::reset(&kept.setup, set, &author.who, now).map_err(Error::Conflict)?;
    let next = Enterprise {
        setup,
        version: seen + 1,
        ..kept
    };
    let change = changed(set.name(), Some("granted".into()), Some("revoked".into()));
    let entry = entry(io, author, Deed::ConsentRevoked, change.into_iter().collect(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}
