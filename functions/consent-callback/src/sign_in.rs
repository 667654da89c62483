//! Where Microsoft sends the browser back to.

use crate::browser::{Browser, failure};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::Error;
use shared::domain::caller::Origin;
use shared::domain::secret::Secret;
use shared::domain::visit::Purpose;
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::sign_in::{self, Callback, NotReturned, Returned};
use shared::run::{onboard, start_sync};
use shared::web::extract::Params;
use std::sync::Arc;
use utoipa::IntoParams;

/// What Microsoft adds to the address. Whatever else it adds is not read.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackParams {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Ends a sign-in at Microsoft and moves the browser on to a clean address.
#[utoipa::path(get, path = "/signin/callback", operation_id = "endSignIn", tag = "pages", params(CallbackParams),
    responses((status = 303, description = "On to the next page."), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn callback(
    State(io): State<Arc<Io>>,
    Browser(browser): Browser,
    origin: Origin,
    params: Result<Params<CallbackParams>, Error>,
) -> Response {
    let Ok(Params(params)) = params else {
        return failure(&io, None, SignInRefused::StateUnknown.into()).await;
    };
    let callback = Callback {
        state: params.state,
        code: params.code.map(Secret::new),
        error: params.error,
        error_description: params.error_description,
        origin,
    };
    let now = io.clock.now();
    let returned = match sign_in::finish(&io, callback, browser.as_ref(), now).await {
        Ok(returned) => returned,
        Err(NotReturned { visit, purpose, why }) => {
            let declined = matches!(why, Error::SignIn(SignInRefused::Declined));
            if let (true, Some(Purpose::Consent), Some(visit), Some(browser)) = (declined, &purpose, &visit, &browser) {
                return match onboard::calling_declined(&io, visit, browser, now).await {
                    Ok(()) => Redirect::to("/setup").into_response(),
                    Err(error) => failure(&io, Some(visit), error).await,
                };
            }
            if let (Some(visit), Some(purpose)) = (&visit, &purpose) {
                onboard::sign_in_failed(&io, visit, purpose, &why, now).await;
            }
            return failure(&io, visit.as_ref(), why).await;
        }
    };
    let Some(browser) = browser else {
        return failure(&io, None, SignInRefused::StateUnknown.into()).await;
    };
    let Returned { visit, purpose, person } = returned;
    let moved = match &purpose {
        Purpose::SetUp { invitation } => onboard::signed_in(&io, &visit, invitation, person, &browser, now).await,
        Purpose::Consent => onboard::calling_granted(&io, &visit, person, &browser, now).await,
        Purpose::Management | Purpose::Groups => {
            onboard::step_signed_in(&io, &visit, &purpose, person, &browser, now).await
        }
        Purpose::Sync { run } => start_sync::signed_in(&io, &visit, run, person, &browser, now).await,
    };
    match moved {
        Ok(()) => Redirect::to("/setup").into_response(),
        Err(error) => {
            onboard::sign_in_failed(&io, &visit, &purpose, &error, now).await;
            failure(&io, Some(&visit), error).await
        }
    }
}
