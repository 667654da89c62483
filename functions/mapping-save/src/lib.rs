//! API for account admins: groups, Teams users, voice users, mapping.

mod groups;
mod mapping;
mod proposals;
mod teams_users;
mod voice_users;

use axum::Router;
use shared::io::Io;
use shared::web::routes::finished;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes with their description.
pub fn api() -> OpenApiRouter<Arc<Io>> {
    OpenApiRouter::new()
        .routes(routes!(groups::list))
        .routes(routes!(groups::filter, groups::choose))
        .routes(routes!(teams_users::list))
        .routes(routes!(voice_users::list, voice_users::push))
        .routes(routes!(mapping::page, mapping::save))
        .routes(routes!(proposals::list, proposals::accept))
}

/// The routes, ready to serve.
pub fn router(io: Arc<Io>) -> Router {
    finished(Router::from(api())).with_state(io)
}
