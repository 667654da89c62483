//! Signing a person in at Entra: the address to send them to, and what their code is worth.
//! Asking for an organisation's consent, and the tokens that our application gets without a person.

mod exchange;

use super::id_token::{IdClaims, Question, Verifier};
use super::{Token, at, encode};
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::secret::Secret;
use crate::error::SignInRefused;
use crate::io::http::Http;
use crate::{Error, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use exchange::{Exchange, access, client, failure, refresh};
use jiff::Timestamp;
use oauth2::{
    AuthorizationCode, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    TokenResponse,
};
use std::borrow::Cow;
use std::collections::BTreeSet;
use url::Url;

/// Entra's sign-in, for each of our applications.
#[derive(Debug)]
pub struct SignIn {
    login: Url,
    application: ClientId,
    redirect_uri: Url,
    http: Http,
    verifier: Verifier,
}

/// What proves that whoever redeems the code also asked for it (PKCE).
#[derive(Debug)]
pub struct Challenge {
    /// Kept by us until the code comes.
    pub verifier: Secret,
    /// Sent along; it does not betray the verifier.
    pub challenge: String,
}

impl Challenge {
    /// Made of 32 bytes of chance.
    #[must_use]
    pub fn new(chance: [u8; 32]) -> Self {
        let verifier = PkceCodeVerifier::new(BASE64_URL_SAFE_NO_PAD.encode(chance));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        Self {
            challenge: challenge.as_str().to_owned(),
            verifier: Secret::new(verifier.into_secret()),
        }
    }
}

/// What the person is asked.
#[derive(Clone, Copy, Debug)]
pub struct Authorize<'a> {
    /// Which of our applications asks; its name is what the consent page shows (R070).
    pub application: &'a ClientId,
    /// Whose accounts may answer; none: those of any organisation.
    pub tenant: Option<&'a TenantId>,
    /// The permissions, of one or several resources.
    pub scopes: &'a [String],
    /// Comes back unchanged.
    pub state: &'a str,
    /// Comes back in the ID token.
    pub nonce: &'a str,
    /// `Challenge::challenge`.
    pub challenge: &'a str,
    /// What the page must do.
    pub prompt: Option<Prompt>,
    /// The account to offer; not together with `Prompt::SelectAccount`.
    pub login_hint: Option<&'a str>,
}

/// What the sign-in page must do, whatever session there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Ask for the password again.
    Login,
    /// Ask which account.
    SelectAccount,
    /// Ask for the permissions again.
    Consent,
}

/// A code that came back, with all that its redemption needs.
#[derive(Clone, Copy, Debug)]
pub struct Redeem<'a> {
    /// The application of the `Authorize` that the code answers.
    pub application: &'a ClientId,
    /// Its password.
    pub client_secret: &'a Secret,
    /// The tenant of the `Authorize`.
    pub tenant: Option<&'a TenantId>,
    /// What came back; it works once.
    pub code: &'a Secret,
    /// `Challenge::verifier`.
    pub verifier: &'a Secret,
    /// The permissions, of one resource.
    pub scopes: &'a [String],
    /// The nonce of the `Authorize`.
    pub nonce: &'a str,
}

/// Another token of a person who has signed in.
#[derive(Clone, Copy, Debug)]
pub struct Renew<'a> {
    /// The application that the person signed in to.
    pub application: &'a ClientId,
    /// Its password.
    pub client_secret: &'a Secret,
    /// The person's tenant.
    pub tenant: &'a TenantId,
    /// `SignedIn::refresh`.
    pub refresh_token: &'a Secret,
    /// A permission of any one resource, or `<resource>/.default`.
    pub scope: &'a str,
}

/// What an administrator is asked on behalf of the whole organisation.
#[derive(Clone, Copy, Debug)]
pub struct AdminConsent<'a> {
    /// Which of our applications asks.
    pub application: &'a ClientId,
    /// Whose consent, as a verified ID token said.
    pub tenant: &'a TenantId,
    /// Delegated permissions by name; or one `<resource>/.default`: everything that is registered, of all resources, and
    /// the only way to ask for application permissions.
    pub scopes: &'a [String],
    /// Comes back unchanged.
    pub state: &'a str,
}

/// A person who has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// For the resource of the scopes.
    pub access: Token,
    /// For more tokens; only with the scope `offline_access`.
    pub refresh: Option<Secret>,
    /// What was granted, as Microsoft names it.
    pub scopes: BTreeSet<String>,
    /// Who it is, verified.
    pub claims: IdClaims,
    /// The application that the person signed in to.
    pub application: ClientId,
}

impl SignIn {
    /// Entra at `https://login.microsoftonline.com`, or at a simulated one. `application` is the deployment's own.
    #[must_use]
    pub fn new(login_url: &Url, application: ClientId, redirect_uri: Url) -> Self {
        Self {
            login: login_url.clone(),
            verifier: Verifier::new(login_url),
            application,
            redirect_uri,
            http: Http::default(),
        }
    }

    /// Over connections, and with a patience, of one's own.
    #[must_use]
    pub fn with_http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    /// The deployment's own application, for brands that have none.
    #[must_use]
    pub fn application(&self) -> &ClientId {
        &self.application
    }

    /// Where to send the person.
    #[must_use]
    pub fn authorize_url(&self, ask: &Authorize<'_>) -> Url {
        let scopes = ask.scopes.join(" ");
        let mut query = vec![
            ("client_id", ask.application.as_str()),
            ("response_type", "code"),
            ("response_mode", "query"),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("scope", &scopes),
            ("state", ask.state),
            ("nonce", ask.nonce),
            ("code_challenge", ask.challenge),
            ("code_challenge_method", "S256"),
        ];
        query.extend(ask.prompt.map(|prompt| {
            let value = match prompt {
                Prompt::Login => "login",
                Prompt::SelectAccount => "select_account",
                Prompt::Consent => "consent",
            };
            ("prompt", value)
        }));
        if ask.prompt != Some(Prompt::SelectAccount) {
            query.extend(ask.login_hint.map(|hint| ("login_hint", hint)));
        }
        let mut url = self.endpoint(ask.tenant, "authorize");
        url.set_query(Some(&encode(&query)));
        url
    }

    /// Where to send an administrator for the organisation's consent. What comes back says `admin_consent=True` even after
    /// a refusal, and its `tenant` can be forged: only a call proves what was granted.
    #[must_use]
    pub fn admin_consent_url(&self, ask: &AdminConsent<'_>) -> Url {
        let mut url = at(&self.login, &[ask.tenant.as_str(), "v2.0", "adminconsent"]);
        url.set_query(Some(&encode(&[
            ("client_id", ask.application.as_str()),
            ("scope", &ask.scopes.join(" ")),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("state", ask.state),
        ])));
        url
    }

    /// Redeems the code that came back, and verifies who it is.
    ///
    /// # Errors
    /// `SignIn` where a person must do something about it or the ID token does not hold, `Refused` where our
    /// registration is at fault, `Upstream` and `Throttled` where Microsoft does not answer.
    pub async fn redeem(&self, ask: &Redeem<'_>, now: Timestamp) -> Result<SignedIn> {
        let doing = "redeem the sign-in code";
        let redirect =
            RedirectUrl::new(self.redirect_uri.to_string()).map_err(|error| Error::upstream(doing, error))?;
        let client = client(self.endpoint(ask.tenant, "token"), ask.application, ask.client_secret);
        let exchange = self.exchange(doing);
        let sent = client
            .exchange_code(AuthorizationCode::new(ask.code.expose().to_owned()))
            .set_redirect_uri(Cow::Owned(redirect))
            .set_pkce_verifier(PkceCodeVerifier::new(ask.verifier.expose().to_owned()))
            .add_extra_param("scope", ask.scopes.join(" "))
            .request_async(&exchange)
            .await;
        let answer = sent.map_err(|error| failure(doing, error))?;
        let access = access(doing, &answer, now)?;
        let Some(id_token) = &answer.extra_fields().id_token else {
            return Err(SignInRefused::TokenInvalid("there is none").into());
        };
        let question = Question {
            application: ask.application,
            nonce: ask.nonce,
        };
        let claims = self.verifier.verify(&self.http, id_token, &question, now).await?;
        if ask.tenant.is_some_and(|tenant| *tenant != claims.identity.tenant) {
            return Err(SignInRefused::TenantMismatch.into());
        }
        Ok(SignedIn {
            access,
            refresh: refresh(&answer),
            scopes: answer
                .scopes()
                .into_iter()
                .flatten()
                .map(|scope| scope.to_string())
                .collect(),
            claims,
            application: ask.application.clone(),
        })
    }

    /// A token of the same person for a scope, which may belong to another resource; and the refresh token that
    /// replaces the one used, where there is one.
    ///
    /// # Errors
    /// `TokenExpired` where the person must sign in again; otherwise as `redeem`.
    pub async fn token_for(&self, ask: &Renew<'_>, now: Timestamp) -> Result<(Token, Option<Secret>)> {
        let doing = "renew a session";
        let client = client(
            self.endpoint(Some(ask.tenant), "token"),
            ask.application,
            ask.client_secret,
        );
        let exchange = self.exchange(doing);
        let sent = client
            .exchange_refresh_token(&RefreshToken::new(ask.refresh_token.expose().to_owned()))
            .add_scope(Scope::new(ask.scope.to_owned()))
            .request_async(&exchange)
            .await;
        match sent {
            Ok(answer) => Ok((access(doing, &answer, now)?, refresh(&answer))),
            Err(RequestTokenError::ServerResponse(said)) if said.session_ended() => {
                said.note(doing);
                Err(Error::TokenExpired)
            }
            Err(error) => Err(failure(doing, error)),
        }
    }

    /// A token of the application itself, without a person, for one `resource` (such as `https://graph.microsoft.com`) of
    /// one tenant. It comes even where nothing was granted: what it may do shows only when it is used.
    ///
    /// # Errors
    /// `SignIn` where the tenant does not know the application; otherwise as `redeem`.
    pub async fn app_token(
        &self,
        application: &ClientId,
        client_secret: &Secret,
        tenant: &TenantId,
        resource: &str,
        now: Timestamp,
    ) -> Result<Token> {
        let doing = "get a token of our own";
        let client = client(self.endpoint(Some(tenant), "token"), application, client_secret);
        let exchange = self.exchange(doing);
        let sent = client
            .exchange_client_credentials()
            .add_scope(Scope::new(format!("{resource}/.default")))
            .request_async(&exchange)
            .await;
        access(doing, &sent.map_err(|error| failure(doing, error))?, now)
    }

    fn exchange(&self, doing: &'static str) -> Exchange {
        let http = self.http.clone();
        Exchange { doing, http }
    }

    fn endpoint(&self, tenant: Option<&TenantId>, what: &str) -> Url {
        let tenant = tenant.map_or("organizations", TenantId::as_str);
        at(&self.login, &[tenant, "oauth2", "v2.0", what])
    }
}

#[cfg(test)]
mod tests;
