//! Takes the caller out of a request, with what the route that they called does. A function trusts only the claims that
//! API Gateway has verified.

use crate::domain::caller::{Caller, Origin};
use crate::domain::rights;
use crate::error::{Error, Result};
use axum::extract::{FromRequestParts, MatchedPath};
use http::request::Parts;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use std::convert::Infallible;

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let asks = rights::action(parts.method.as_str(), route).ok_or(Error::NotFound("route"))?;
        let Some(RequestContext::ApiGatewayV2(context)) = parts.extensions.get::<RequestContext>() else {
            return Err(Error::NoIdentity);
        };
        let claims = context
            .authorizer
            .as_ref()
            .and_then(|authorizer| authorizer.jwt.as_ref())
            .map(|jwt| &jwt.claims);
        let origin = origin(context);
        claims
            .and_then(|claims| Self::from_claims(|name| claims.get(name).cloned(), asks, origin))
            .ok_or(Error::NoIdentity)
    }
}

fn origin(context: &ApiGatewayV2httpRequestContext) -> Origin {
    Origin {
        address: context.http.source_ip.clone(),
        request: context.request_id.clone(),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(match parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => origin(context),
            _ => Self::default(),
        })
    }
}
