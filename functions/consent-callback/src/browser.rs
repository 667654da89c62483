//! The browser on the other side: its cookie, and what it may do with our pages.

use crate::pages::{RefusedPage, content_security_policy, refused};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use shared::Error;
use shared::domain::brand::Brand;
use shared::domain::ids::EnterpriseId;
use shared::domain::secret::Secret;
use shared::error::Chain;
use shared::error::SignInRefused;
use shared::io::Io;
use std::convert::Infallible;
use std::sync::Arc;

/// `__Host-`: only this host, only over TLS (or loopback), no other path.
const COOKIE: &str = "__Host-dialbridge";
/// Longer than any sign-in and shorter than a working day, in seconds.
const COOKIE_LIFE: u32 = 2 * 60 * 60;

/// The cookie that a browser sent, where it sent one of ours.
pub(crate) struct Browser(pub(crate) Option<Secret>);

impl<S: Send + Sync> FromRequestParts<S> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let cookies = parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let ours = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE);
        Ok(Self(
            ours.filter(|(_, value)| value.len() == 43)
                .map(|(_, value)| Secret::new(value.to_owned())),
        ))
    }
}

/// Sends a browser to Microsoft, with a new cookie.
pub(crate) fn to_microsoft(url: &url::Url, browser: &Secret) -> Response {
    let cookie = format!(
        "{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={COOKIE_LIFE}",
        browser.expose()
    );
    let mut response = Redirect::to(url.as_str()).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The page for a sign-in that did not lead where it should.
pub(crate) fn refusal(why: &SignInRefused, brand: Option<&Brand>) -> Response {
    (StatusCode::FORBIDDEN, refused(why, brand)).into_response()
}

/// The page for anything that went wrong, in the brand of the enterprise where that is known.
pub(crate) async fn failure(io: &Io, enterprise: Option<&EnterpriseId>, error: Error) -> Response {
    let brand = match enterprise {
        Some(enterprise) => brand_of(io, enterprise).await.ok(),
        None => None,
    };
    let (status, page) = match &error {
        Error::SignIn(why) => return refusal(why, brand.as_ref()),
        Error::Throttled { .. } | Error::Busy => (StatusCode::SERVICE_UNAVAILABLE, unavailable(brand.as_ref())),
        error => {
            tracing::error!(error.message = %Chain(error), "a page could not be answered");
            (StatusCode::BAD_GATEWAY, unavailable(brand.as_ref()))
        }
    };
    (status, page).into_response()
}

fn unavailable(brand: Option<&Brand>) -> RefusedPage {
    RefusedPage {
        product: brand.map(|brand| brand.product_name.clone()),
        headline: "This did not work just now".into(),
        what_happened: "A service that is needed here did not answer in time. Nothing was changed.".into(),
        what_to_do: vec!["Wait a few minutes, open the link again and repeat the last step.".into()],
        contact: brand.map(|brand| brand.account_contact.clone()),
        code: "UNAVAILABLE".into(),
    }
}

/// The brand of an enterprise.
pub(crate) async fn brand_of(io: &Io, enterprise: &EnterpriseId) -> shared::Result<Brand> {
    let kept = io.store.enterprise(enterprise).await?;
    Ok(io.store.reseller(&kept.reseller).await?.brand)
}

/// What every answer of these pages carries.
pub(crate) async fn secured(State(io): State<Arc<Io>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = content_security_policy(&io.config.entra_login_url.origin().ascii_serialization());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
