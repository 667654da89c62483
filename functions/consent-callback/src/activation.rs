//! The page that a reseller's activation mail leads to (R001).

use crate::browser::failure;
use crate::pages::{ActivationPage, DonePage, refused_with};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shared::Error;
use shared::domain::caller::Origin;
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::resellers;
use shared::web::extract::Segments;
use std::sync::Arc;

/// The page that an activation link leads to. It changes nothing.
#[utoipa::path(get, path = "/activate/{token}", operation_id = "showActivation", tag = "pages", params(("token" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    match resellers::awaiting(&io, &token, io.clock.now()).await {
        Ok(reseller) => ActivationPage {
            product: reseller.brand.product_name,
            reseller: reseller.name,
            owner: reseller.owner.to_string(),
            post_to: format!("/activate/{token}"),
        }
        .into_response(),
        Err(error) => refused(&io, error).await,
    }
}

/// Activates the account.
#[utoipa::path(post, path = "/activate/{token}", operation_id = "activate", tag = "pages", params(("token" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn activate(State(io): State<Arc<Io>>, origin: Origin, Segments(token): Segments<String>) -> Response {
    match resellers::activate(&io, &token, &origin, io.clock.now()).await {
        Ok(reseller) => DonePage {
            product: reseller.brand.product_name,
            enterprise: reseller.name,
            headline: "The account is active".into(),
            next_steps: vec![
                "Sign in to the portal; your first screen is the list of enterprises.".into(),
                "Choose Add Enterprise: the customer's Global Admin is invited by mail within seconds.".into(),
            ],
            portal_url: io.config.portal_url.to_string(),
            ..DonePage::default()
        }
        .into_response(),
        Err(error) => refused(&io, error).await,
    }
}

async fn refused(io: &Io, error: Error) -> Response {
    match error {
        Error::SignIn(SignInRefused::LinkClosed) => {
            let page = refused_with("ACTIVATION_CLOSED", None);
            (StatusCode::FORBIDDEN, page).into_response()
        }
        error => failure(io, None, error).await,
    }
}
