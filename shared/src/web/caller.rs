//! Takes the caller out of a request. A function trusts only the claims that API Gateway has verified.

use crate::domain::caller::Caller;
use crate::error::{Error, Result};
use axum::extract::FromRequestParts;
use http::request::Parts;
use lambda_http::request::RequestContext;

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(RequestContext::ApiGatewayV2(context)) = parts.extensions.get::<RequestContext>() else {
            return Err(Error::NoIdentity);
        };
        let claims = context
            .authorizer
            .as_ref()
            .and_then(|authorizer| authorizer.jwt.as_ref())
            .map(|jwt| &jwt.claims);
        claims
            .and_then(|claims| Self::from_claims(|name| claims.get(name).cloned()))
            .ok_or(Error::NoIdentity)
    }
}
