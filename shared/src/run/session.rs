//! The session of a run: what the person who confirmed it lets the worker do, for as long as Microsoft's tokens last.
//!
//! A run that nobody signs in for has one token of our own application instead (`run/unattended.rs`).
//!
//! Kept are two access tokens, for Graph and for the Teams administration, sealed for this run. The refresh token of the
//! sign-in is used once, in memory, to get the second of them; it is written nowhere. So nobody can go on as that person
//! once the tokens have ended, and the worker needs no secret of ours.

use crate::domain::consent::{TEAMS_ADMIN, TEAMS_ADMIN_SCOPE};
use crate::domain::ids::{EnterpriseId, RunId, TenantId};
use crate::domain::secret::Secret;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::{Renew, SignedIn, Token};
use crate::io::pace::Pace;
use crate::io::store::pace::Urgency;
use crate::plan::duration;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    /// For Graph.
    pub(super) graph: Token,
    /// For the tenant's voice objects; absent where nobody has signed in.
    teams: Option<Token>,
    /// Where.
    pub(super) tenant: TenantId,
}

impl Session {
    /// When it is no longer used: some time before the first of its tokens ends.
    pub(super) fn stop_by(&self) -> Timestamp {
        let teams = self.teams.as_ref().map_or(Timestamp::MAX, Token::expires);
        duration::stop_by(self.graph.expires().min(teams))
    }

    /// The token for the tenant's voice objects.
    ///
    /// # Errors
    /// `TokenExpired` where nobody has signed in: only a person's token is taken there.
    pub(super) fn teams(&self) -> Result<&Token> {
        self.teams.as_ref().ok_or(Error::TokenExpired)
    }

    /// Holds out for something that cannot be stopped half-way.
    ///
    /// # Errors
    /// `TokenExpired` where it does not.
    pub(super) fn lasts(&self, now: Timestamp, needed: SignedDuration) -> Result<()> {
        if now + needed <= self.stop_by() {
            Ok(())
        } else {
            Err(Error::TokenExpired)
        }
    }
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Tokens {
    tenant: TenantId,
    graph: String,
    teams: Option<String>,
    expires: Timestamp,
}

/// Seals the tokens of a person who has signed in for a run. They end with the first of them.
///
/// # Errors
/// `Upstream`.
pub(super) async fn seal(
    io: &Io,
    enterprise: &EnterpriseId,
    run: &RunId,
    person: SignedIn,
    teams: Token,
) -> Result<()> {
    let tokens = Tokens {
        tenant: person.claims.identity.tenant,
        graph: person.access.secret().expose().to_owned(),
        teams: Some(teams.secret().expose().to_owned()),
        expires: person.access.expires().min(teams.expires()),
    };
    keep(io, enterprise, run, &tokens).await
}

/// Seals a token of our own application for a run that nobody signs in for. It is used until `until` at the latest.
///
/// # Errors
/// `Upstream`.
pub(super) async fn seal_own(
    io: &Io,
    enterprise: &EnterpriseId,
    run: &RunId,
    tenant: TenantId,
    token: Token,
    until: Timestamp,
) -> Result<()> {
    let tokens = Tokens {
        tenant,
        graph: token.secret().expose().to_owned(),
        teams: None,
        expires: token.expires().min(until),
    };
    keep(io, enterprise, run, &tokens).await
}

async fn keep(io: &Io, enterprise: &EnterpriseId, run: &RunId, tokens: &Tokens) -> Result<()> {
    let json = serde_json::to_string(tokens).map_err(|error| Error::upstream("seal the session", error))?;
    let sealed = io.vault.seal(enterprise, run, &Secret::new(json)).await?;
    io.store.put_sealed(enterprise, run, &sealed, tokens.expires).await
}

/// A token of the same person for the Teams administration, where Microsoft gives one; the permission is then among what
/// the person granted. Microsoft gives one answer for one resource, and the refresh token is the way to the second; the one
/// that replaces it is dropped here.
///
/// # Errors
/// `Upstream` and its like where Microsoft cannot be asked.
pub(super) async fn teams_token(io: &Io, person: &mut SignedIn, now: Timestamp) -> Result<Option<Token>> {
    let Some(refresh_token) = &person.refresh else {
        return Ok(None);
    };
    let ask = Renew {
        application: &person.application,
        client_secret: io.vault.entra_client_secret(&person.application).await?,
        tenant: &person.claims.identity.tenant,
        refresh_token,
        scope: &format!("{TEAMS_ADMIN}/.default"),
    };
    match io.sign_in.token_for(&ask, now).await {
        Ok((teams, _)) => {
            person.scopes.insert(TEAMS_ADMIN_SCOPE.to_owned());
            Ok(Some(teams))
        }
        Err(Error::SignIn(_) | Error::TokenExpired) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the session of a run.
///
/// # Errors
/// `TokenExpired` where there is none, or too little is left of it: the person has to sign in again.
pub(super) async fn open(io: &Io, enterprise: &EnterpriseId, run: &RunId) -> Result<Session> {
    let now = io.clock.now();
    let sealed = io.store.sealed(enterprise, run, now).await?;
    let sealed = sealed.ok_or(Error::TokenExpired)?;
    let opened = io.vault.open(enterprise, run, &sealed).await?;
    let tokens: Tokens = serde_json::from_str(opened.expose()).map_err(|_| Error::TokenExpired)?;
    let tenant = tokens.tenant.clone();
    let pace = Pace::new(io.store.clone(), io.clock.clone(), tenant, Urgency::Run);
    let session = Session {
        graph: Token::new(Secret::new(tokens.graph), tokens.expires)
            .recorded(io.graph.recorder(run))
            .paced(pace),
        teams: tokens.teams.map(|teams| Token::new(Secret::new(teams), tokens.expires)),
        tenant: tokens.tenant,
    };
    session.lasts(now, SignedDuration::ZERO)?;
    Ok(session)
}
