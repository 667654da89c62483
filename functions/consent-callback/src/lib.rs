//! HTTP without a session: the invitation page, sign-in, both consents, the pages that action URLs lead to, and the
//! second half of the double authentication of a sync.
//!
//! GET and HEAD change nothing, so mail scanners may follow every link. What a browser does is tied to it by one
//! `__Host-` cookie.

mod activation;
mod browser;
mod duty;
mod groups;
mod help;
mod invitation;
mod management;
mod next;
pub mod pages;
mod setup;
mod sign_in;
mod sync_sign_in;
mod unattended;

use axum::Router;
use axum::middleware;
use shared::io::Io;
use shared::web::routes::finished;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes with their description.
pub fn api() -> OpenApiRouter<Arc<Io>> {
    OpenApiRouter::new()
        .routes(routes!(activation::show, activation::activate))
        .routes(routes!(invitation::show, invitation::enter))
        .routes(routes!(sign_in::end))
        .routes(routes!(setup::show))
        .routes(routes!(setup::tenant))
        .routes(routes!(setup::consent))
        .routes(routes!(setup::organization))
        .routes(routes!(setup::move_tenant))
        .routes(routes!(next::show, next::begin))
        .routes(routes!(management::answer))
        .routes(routes!(unattended::allow))
        .routes(routes!(groups::show, groups::save))
        .routes(routes!(duty::show, duty::decide))
        .routes(routes!(duty::show_offer, duty::take))
        .routes(routes!(sync_sign_in::show, sync_sign_in::begin))
        .routes(routes!(invitation::permissions))
        .routes(routes!(help::list))
        .routes(routes!(help::calling))
        .routes(routes!(help::show))
}

/// The routes, ready to serve.
pub fn router(io: Arc<Io>) -> Router {
    let secured = middleware::from_fn_with_state(Arc::clone(&io), browser::secured);
    finished(Router::from(api())).layer(secured).with_state(io)
}
