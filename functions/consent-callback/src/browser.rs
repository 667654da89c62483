//! The browser on the other side: its cookie, and what it may do with our pages.

use crate::pages::topics::topic;
use crate::pages::{Back, RefusedPage, content_security_policy, refused, refused_with};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use shared::Error;
use shared::domain::brand::Brand;
use shared::domain::caller::Origin;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::domain::reseller::Reseller;
use shared::domain::schedule;
use shared::domain::secret::Secret;
use shared::domain::visit::{Outcome, Session, Visit};
use shared::error::Chain;
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::{guide, onboard};
use shared::web::problem::retry_after;
use std::convert::Infallible;
use std::sync::Arc;
use url::Url;

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

/// A browser that we know, and where it stands between two pages; any other gets the page that says so.
pub(crate) struct Visitor {
    pub(crate) session: Session,
    pub(crate) browser: Secret,
}

impl FromRequestParts<Arc<Io>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, io: &Arc<Io>) -> Result<Self, Response> {
        let Ok(Browser(browser)) = Browser::from_request_parts(parts, io).await;
        let Ok(origin) = Origin::from_request_parts(parts, io).await;
        match onboard::session(io, browser, origin, io.clock.now()).await {
            Ok((session, browser)) => Ok(Self { session, browser }),
            Err(error) => Err(failure(io, None, error).await),
        }
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

/// The origin that a page's forms may lead back to.
#[derive(Clone)]
struct LeadsTo(String);

/// A page of a visit; its forms may end at the page that sent the person here.
pub(crate) fn leading_back(page: impl IntoResponse, return_to: Option<&Url>) -> Response {
    let mut response = page.into_response();
    if let Some(address) = return_to {
        let origin = LeadsTo(address.origin().ascii_serialization());
        response.extensions_mut().insert(origin);
    }
    response
}

/// The page for anything that went wrong: in the brand of the enterprise and with a way back, where those are known.
pub(crate) async fn failure(io: &Io, visit: Option<&Visit>, error: Error) -> Response {
    let reseller = match visit {
        Some(visit) => reseller_of(io, &visit.enterprise).await.ok(),
        None => None,
    };
    let (status, page) = refusal(&error, reseller.as_ref().map(|reseller| &reseller.brand));
    let wait = match &error {
        Error::TooMany { wait, .. } => Some([(header::RETRY_AFTER, retry_after(*wait))]),
        _ => None,
    };
    let outcome = match error {
        Error::SignIn(SignInRefused::Declined) => Outcome::Declined,
        _ => Outcome::Failed {
            code: page.code.clone(),
        },
    };
    let return_to = visit.and_then(|visit| visit.return_to.as_ref());
    let back = reseller.and_then(|reseller| guide::way_back(&reseller, return_to, &outcome));
    let page = RefusedPage {
        back: back.map(Back::from),
        ..page
    };
    match wait {
        Some(wait) => (status, wait, page).into_response(),
        None => (status, page).into_response(),
    }
}

fn refusal(error: &Error, brand: Option<&Brand>) -> (StatusCode, RefusedPage) {
    match error {
        Error::SignIn(why) => (StatusCode::FORBIDDEN, refused(why, brand)),
        Error::NotFound(_) => (StatusCode::FORBIDDEN, refused(&SignInRefused::LinkClosed, brand)),
        Error::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, refused_with("TOO_MANY_TRIES", brand)),
        Error::Throttled { .. } | Error::Busy => (StatusCode::SERVICE_UNAVAILABLE, refused_with("UNAVAILABLE", brand)),
        Error::Stale(_) => (StatusCode::CONFLICT, refused_with("CHANGED_MEANWHILE", brand)),
        Error::Conflict(why) => (StatusCode::CONFLICT, not_now(why, brand)),
        error => {
            tracing::error!(error.message = %Chain(error), "a page could not be answered");
            (StatusCode::BAD_GATEWAY, refused_with(fault(error), brand))
        }
    }
}

/// Microsoft's word for a fault of ours, where it is one that people are told of.
fn fault(error: &Error) -> &str {
    match error {
        Error::Refused { code, .. } if topic(code).is_some() => code,
        _ => "UNAVAILABLE",
    }
}

fn not_now(why: &str, brand: Option<&Brand>) -> RefusedPage {
    RefusedPage {
        what_happened: format!("The integration is in another state: {why}."),
        ..refused_with("CONFLICT", brand)
    }
}

/// Our application, as Microsoft names it to the people of this reseller.
pub(crate) fn application(io: &Io, reseller: &Reseller) -> String {
    reseller
        .brand
        .application_name(&io.config.entra_application_name)
        .to_owned()
}

/// When a sign-in of this enterprise was begun that nothing has come back from, as people read it.
pub(crate) async fn unanswered(io: &Io, kept: &Enterprise) -> shared::Result<Option<String>> {
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let begun = io.store.unanswered(&kept.id, io.clock.now()).await?;
    Ok(begun.map(|begun| format!("at {}", schedule::display(begun.at, &zone))))
}

/// The reseller of an enterprise.
pub(crate) async fn reseller_of(io: &Io, enterprise: &EnterpriseId) -> shared::Result<Reseller> {
    let kept = io.store.enterprise(enterprise).await?;
    io.store.reseller(&kept.reseller).await
}

/// What every answer of these pages carries.
pub(crate) async fn secured(State(io): State<Arc<Io>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let leads_to = response.extensions_mut().remove::<LeadsTo>();
    let sign_in = io.config.entra_login_url.origin().ascii_serialization();
    let policy = content_security_policy(&sign_in, leads_to.as_ref().map(|LeadsTo(origin)| origin.as_str()));
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
