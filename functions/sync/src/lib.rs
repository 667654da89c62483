//! API around a sync: status, calling domains, who may, plans, start, history, log, and mails before they are sent.

mod domains;
mod log;
mod mail_preview;
mod operators;
mod pack;
mod plans;
mod preflight;
mod release_limit;
mod reminding;
mod runs;
mod status;
mod unattended;

use axum::Router;
use shared::io::Io;
use shared::web::routes::finished;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes with their description.
pub fn api() -> OpenApiRouter<Arc<Io>> {
    OpenApiRouter::new()
        .routes(routes!(status::get))
        .routes(routes!(domains::list))
        .routes(routes!(domains::unverified))
        .routes(routes!(operators::get, operators::put))
        .routes(routes!(unattended::get, unattended::put, unattended::stop))
        .routes(routes!(plans::make))
        .routes(routes!(plans::get))
        .routes(routes!(pack::get))
        .routes(routes!(plans::approve))
        .routes(routes!(preflight::get))
        .routes(routes!(mail_preview::get))
        .routes(routes!(release_limit::get, release_limit::put))
        .routes(routes!(reminding::get, reminding::put))
        .routes(routes!(reminding::take_back))
        .routes(routes!(reminding::days))
        .routes(routes!(runs::start, runs::list))
        .routes(routes!(runs::get))
        .routes(routes!(runs::changes))
        .routes(routes!(log::get))
        .routes(routes!(log::text))
        .routes(routes!(log::bundle))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::retry))
        .routes(routes!(plans::undo))
        .routes(routes!(runs::sign_in))
}

/// The routes, ready to serve.
pub fn router(io: Arc<Io>) -> Router {
    finished(Router::from(api())).with_state(io)
}
