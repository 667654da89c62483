//! Syncs that nobody signs in for: the last word of the person who was at Microsoft's admin consent page.

use crate::browser::{Visitor, failure};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use shared::domain::visit::Stage;
use shared::io::Io;
use shared::run::unattended;
use std::sync::Arc;

/// Lets syncs run unattended, once a call has proven the organization's consent.
#[utoipa::path(post, path = "/setup/unattended", operation_id = "allowUnattended", tag = "pages",
    responses((status = 303, description = "On to the next page."), (status = 403, content_type = "text/html", body = String),
        (status = 409, content_type = "text/html", body = String)))]
pub(crate) async fn allow(State(io): State<Arc<Io>>, Visitor { session, browser }: Visitor) -> Response {
    // Pressed twice, the second press finds the step over.
    let over = session.stage == Stage::UnattendedAllowed;
    let allowed = match over {
        true => Ok(()),
        false => unattended::allow(&io, &session, &browser, io.clock.now()).await,
    };
    match allowed {
        Ok(()) => Redirect::to("/setup").into_response(),
        Err(error) => failure(&io, Some(&session.visit()), error).await,
    }
}
