//! Where Microsoft sends the browser back to.

use crate::browser::{Browser, failure};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::Method;
use serde::Deserialize;
use shared::Result;
use shared::domain::caller::Origin;
use shared::domain::secret::Secret;
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::callback::{self, Stopped};
use shared::run::sign_in::Callback;
use shared::web::extract::Params;
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
pub(crate) async fn end(
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
    let Some(browser) = browser else {
        return failure(&io, None, SignInRefused::StateUnknown.into()).await;
    };
    match callback::end(&io, callback, &browser, io.clock.now()).await {
        Ok(()) => Redirect::to("/setup").into_response(),
        Err(Stopped { visit, why }) => failure(&io, visit.as_ref(), why).await,
    }
}
