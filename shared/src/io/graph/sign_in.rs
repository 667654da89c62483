//! Signing a person in at Entra: the address to send them to, and what their code is worth.

use super::id_token::{IdClaims, Verifier};
use super::refusal::TokenFault;
use super::{Token, at, encode};
use crate::domain::ids::TenantId;
use crate::domain::secret::Secret;
use crate::error::SignInRefused;
use crate::io::http::{Call, Http};
use crate::{Error, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::pin::Pin;
use url::Url;

/// Entra's sign-in for our application.
#[derive(Debug)]
pub struct SignIn {
    login: Url,
    client_id: String,
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
}

impl SignIn {
    /// Entra at `https://login.microsoftonline.com`, or at a simulated one.
    #[must_use]
    pub fn new(login_url: &Url, client_id: String, redirect_uri: Url) -> Self {
        Self {
            login: login_url.clone(),
            verifier: Verifier::new(login_url, client_id.clone()),
            client_id,
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

    /// Where to send the person.
    #[must_use]
    pub fn authorize_url(&self, ask: &Authorize<'_>) -> Url {
        let scopes = ask.scopes.join(" ");
        let mut query = vec![
            ("client_id", self.client_id.as_str()),
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

    /// Redeems the code that came back. `tenant` must be the one of `authorize_url`; `scopes` are those of one resource.
    ///
    /// # Errors
    /// `SignIn` where a person must do something about it or the ID token does not hold, `Refused` where our
    /// registration is at fault, `Upstream` and `Throttled` where Microsoft does not answer.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one parameter of the protocol, from another source"
    )]
    pub async fn redeem(
        &self,
        client_secret: &Secret,
        code: &str,
        verifier: &Secret,
        tenant: Option<&TenantId>,
        scopes: &[String],
        nonce: &str,
        now: Timestamp,
    ) -> Result<SignedIn> {
        let doing = "redeem the sign-in code";
        let client = self.client(doing, tenant, client_secret)?;
        let exchange = self.exchange(doing);
        let sent = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .add_extra_param("scope", scopes.join(" "))
            .request_async(&exchange)
            .await;
        let answer = sent.map_err(|error| failure(doing, error))?;
        let access = access(doing, &answer, now)?;
        let Some(id_token) = &answer.extra_fields().id_token else {
            return Err(SignInRefused::TokenInvalid("there is none").into());
        };
        let claims = self.verifier.verify(&self.http, id_token.expose(), nonce, now).await?;
        if tenant.is_some_and(|tenant| *tenant != claims.identity.tenant) {
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
        })
    }

    /// A token of the same person for `scope`, which may belong to another resource; and the refresh token that
    /// replaces the one used, where there is one.
    ///
    /// # Errors
    /// `TokenExpired` where the person must sign in again; otherwise as `redeem`.
    pub async fn token_for(
        &self,
        client_secret: &Secret,
        refresh_token: &Secret,
        tenant: &TenantId,
        scope: &str,
        now: Timestamp,
    ) -> Result<(Token, Option<Secret>)> {
        let doing = "renew a session";
        let client = self.client(doing, Some(tenant), client_secret)?;
        let exchange = self.exchange(doing);
        let sent = client
            .exchange_refresh_token(&RefreshToken::new(refresh_token.expose().to_owned()))
            .add_scope(Scope::new(scope.to_owned()))
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

    fn exchange(&self, doing: &'static str) -> Exchange {
        let http = self.http.clone();
        Exchange { doing, http }
    }

    fn endpoint(&self, tenant: Option<&TenantId>, what: &str) -> Url {
        let tenant = tenant.map_or("organizations", TenantId::as_str);
        at(&self.login, &[tenant, "oauth2", "v2.0", what])
    }

    fn client(&self, doing: &'static str, tenant: Option<&TenantId>, secret: &Secret) -> Result<Client> {
        let redirect =
            RedirectUrl::new(self.redirect_uri.to_string()).map_err(|error| Error::upstream(doing, error))?;
        Ok(oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret.expose().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(self.endpoint(tenant, "token")))
            .set_redirect_uri(redirect))
    }
}

/// Our way of sending what the protocol wants sent.
struct Exchange {
    doing: &'static str,
    http: Http,
}

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.exchange(request))
    }
}

impl Exchange {
    /// A request is not repeated when its answer is lost, because a code works once.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse> {
        let url = Url::parse(&request.uri().to_string()).map_err(|error| Error::upstream(self.doing, error))?;
        let content_type = "application/x-www-form-urlencoded";
        let call = Call::post(self.doing, url, content_type, request.into_body()).header("accept", "application/json");
        let answer = self.http.ask(&call).await?;
        if answer.status.is_server_error() {
            return Err(answer.fault(self.doing));
        }
        let mut response = HttpResponse::new(answer.body);
        *response.status_mut() = answer.status;
        Ok(response)
    }
}

type Client = oauth2::Client<
    TokenFault,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;
type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// The one field beyond plain OAuth.
#[derive(Debug, Deserialize, Serialize)]
struct IdTokenField {
    #[serde(default, deserialize_with = "hidden", skip_serializing)]
    id_token: Option<Secret>,
}

impl ExtraTokenFields for IdTokenField {}

fn hidden<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

/// The protocol's failures in our words; the body that could not be read stays out of it, it may hold tokens.
fn failure(doing: &'static str, error: RequestTokenError<Error, TokenFault>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(said) => said.into_error(doing),
        RequestTokenError::Parse(..) => Error::upstream(doing, "the answer is not what the protocol says"),
        RequestTokenError::Other(why) => Error::upstream(doing, why),
    }
}

fn access(doing: &'static str, answer: &TokenAnswer, now: Timestamp) -> Result<Token> {
    let lifetime = answer
        .expires_in()
        .and_then(|lifetime| SignedDuration::try_from(lifetime).ok());
    match lifetime.and_then(|lifetime| now.checked_add(lifetime).ok()) {
        Some(expires) => Ok(Token::new(Secret::new(answer.access_token().secret().clone()), expires)),
        None => Err(Error::upstream(doing, "the token does not say how long it lasts")),
    }
}

fn refresh(answer: &TokenAnswer) -> Option<Secret> {
    Some(Secret::new(answer.refresh_token()?.secret().clone()))
}

#[cfg(test)]
mod tests;
