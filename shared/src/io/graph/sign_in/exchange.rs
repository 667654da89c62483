//! The protocol's own messages: the `oauth2` crate speaks, our HTTP client carries, failures come out in our words.

use super::super::Token;
use super::super::refusal::TokenFault;
use crate::domain::ids::ClientId;
use crate::domain::secret::Secret;
use crate::io::http::{Call, Http};
use crate::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::{
    AsyncHttpClient, AuthType, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse,
    RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use std::pin::Pin;
use url::Url;

/// Our way of sending what the protocol wants sent.
pub(super) struct Exchange {
    pub(super) doing: &'static str,
    pub(super) http: Http,
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
        let call = Call::post(self.doing, url, content_type, request.into_body())
            .header("accept", "application/json")
            .up_to_mib(1);
        let answer = self.http.ask(&call).await?;
        if answer.status.is_server_error() {
            return Err(answer.fault(self.doing));
        }
        let mut response = HttpResponse::new(answer.body);
        *response.status_mut() = answer.status;
        Ok(response)
    }
}

/// One of our applications at one token endpoint.
pub(super) type Client = oauth2::Client<
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
pub(super) type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// `application`, which proves itself by its secret in the body.
pub(super) fn client(endpoint: Url, application: &ClientId, secret: &Secret) -> Client {
    oauth2::Client::new(oauth2::ClientId::new(application.to_string()))
        .set_client_secret(ClientSecret::new(secret.expose().to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(endpoint))
}

/// The one field beyond plain OAuth.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct IdTokenField {
    #[serde(default, deserialize_with = "hidden", skip_serializing)]
    pub(super) id_token: Option<Secret>,
}

impl ExtraTokenFields for IdTokenField {}

fn hidden<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

/// The protocol's failures in our words; the body that could not be read stays out of it, it may hold tokens.
pub(super) fn failure(doing: &'static str, error: RequestTokenError<Error, TokenFault>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(said) => said.into_error(doing),
        RequestTokenError::Parse(..) => Error::upstream(doing, "the answer is not what the protocol says"),
        RequestTokenError::Other(why) => Error::upstream(doing, why),
    }
}

/// The access token, and until when it works.
pub(super) fn access(doing: &'static str, answer: &TokenAnswer, now: Timestamp) -> Result<Token> {
    let lifetime = answer
        .expires_in()
        .and_then(|lifetime| SignedDuration::try_from(lifetime).ok());
    match lifetime.and_then(|lifetime| now.checked_add(lifetime).ok()) {
        Some(expires) => Ok(Token::new(Secret::new(answer.access_token().secret().clone()), expires)),
        None => Err(Error::upstream(doing, "the token does not say how long it lasts")),
    }
}

/// For more tokens, where there is one.
pub(super) fn refresh(answer: &TokenAnswer) -> Option<Secret> {
    Some(Secret::new(answer.refresh_token()?.secret().clone()))
}
