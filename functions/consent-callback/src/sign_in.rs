//! Where Microsoft sends the browser back to.

use crate::browser::{Browser, failure};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use shared::domain::caller::Origin;
use shared::domain::secret::Secret;
use shared::domain::visit::{Purpose, Visit};
use shared::error::SignInRefused;
use shared::io::Io;
use shared::io::graph::SignedIn;
use shared::run::sign_in::{self, Callback, NotReturned, Returned};
use shared::run::{onboard, start_sync};
use shared::web::extract::Params;
use shared::{Error, Result};
use std::sync::Arc;
use utoipa::IntoParams;

/// What Microsoft adds to the address. Whatever else it adds is not read.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackParams {
    state: Option<String>,
    code: Option<String>,
    admin_consent: Option<String>,
    tenant: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Ends a sign-in at Microsoft and moves the browser on to a clean address.
#[utoipa::path(get, path = "/signin/callback", operation_id = "endSignIn", tag = "pages", params(CallbackParams),
    responses((status = 303, description = "On to the next page."), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn callback(
    State(io): State<Arc<Io>>,
    method: Method,
    Browser(browser): Browser,
    origin: Origin,
    params: Result<Params<CallbackParams>>,
) -> Response {
    let Ok(Params(params)) = params else {
        return failure(&io, None, SignInRefused::StateUnknown.into()).await;
    };
    // Nobody comes back by HEAD, and what only looks must use nothing up.
    if method != Method::GET {
        return failure(&io, None, SignInRefused::StateUnknown.into()).await;
    }
    let callback = Callback {
        state: params.state,
        code: params.code.filter(|code| !code.is_empty()).map(Secret::new),
        admin_consent: params.admin_consent,
        tenant: params.tenant,
        error: params.error,
        error_description: params.error_description,
        origin,
    };
    let now = io.clock.now();
    let Some(browser) = browser else {
        return failure(&io, None, SignInRefused::StateUnknown.into()).await;
    };
    let (visit, moved) = match sign_in::finish(&io, callback, &browser, now).await {
        Ok(Returned::Person { visit, purpose, person }) => {
            let moved = moved(&io, &visit, &purpose, *person, &browser, now).await;
            (visit, moved.map_err(|why| (purpose, why)))
        }
        Ok(Returned::Organization { visit }) => {
            let moved = onboard::organization_accepted(&io, &visit, &browser, now).await;
            (visit, moved.map_err(|why| (Purpose::Organization, why)))
        }
        Err(NotReturned::Unknown(why)) => return failure(&io, None, why).await,
        Err(NotReturned::Refused { visit, purpose, why }) => {
            let declined = matches!(why, Error::SignIn(SignInRefused::Declined));
            let moved = match purpose {
                Purpose::Consent { .. } | Purpose::Organization if declined => {
                    onboard::calling_declined(&io, &visit, &browser, now).await
                }
                _ => Err(why),
            };
            (visit, moved.map_err(|why| (purpose, why)))
        }
    };
    match moved {
        Ok(()) => Redirect::to("/setup").into_response(),
        Err((purpose, why)) => {
            onboard::sign_in_failed(&io, &visit, &purpose, &why, now).await;
            failure(&io, Some(&visit), why).await
        }
    }
}

/// What a sign-in that went well leads to.
async fn moved(
    io: &Io,
    visit: &Visit,
    purpose: &Purpose,
    person: SignedIn,
    browser: &Secret,
    now: Timestamp,
) -> Result<()> {
    match purpose {
        Purpose::SetUp { invitation } => onboard::signed_in(io, visit, invitation, person, browser, now).await,
        Purpose::Consent { accepted } => onboard::calling_granted(io, visit, *accepted, person, browser, now).await,
        Purpose::Management | Purpose::Groups => {
            onboard::step_signed_in(io, visit, purpose, person, browser, now).await
        }
        Purpose::Sync { run } => start_sync::signed_in(io, visit, run, person, browser, now).await,
        // Its page answers without a person.
        Purpose::Organization => Err(SignInRefused::StateUnknown.into()),
    }
}
