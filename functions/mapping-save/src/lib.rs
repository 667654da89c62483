//! API for account admins: groups, Teams users, voice users, mapping, and what changed.

mod changes;
mod diagnosis;
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
        .routes(routes!(changes::list))
        .routes(routes!(groups::list))
        .routes(routes!(groups::filter, groups::choose))
        .routes(routes!(teams_users::list))
        .routes(routes!(voice_users::list, voice_users::create, voice_users::bulk::push))
        .routes(routes!(voice_users::bulk::import))
        .routes(routes!(voice_users::bulk::export))
        .routes(routes!(voice_users::bulk::template))
        .routes(routes!(voice_users::one, voice_users::change, voice_users::delete))
        .routes(routes!(diagnosis::teams_user))
        .routes(routes!(diagnosis::voice_user))
        .routes(routes!(mapping::page, mapping::save))
        .routes(routes!(proposals::list, proposals::accept))
}

/// The routes, ready to serve.
pub fn router(io: Arc<Io>) -> Router {
    finished(Router::from(api())).with_state(io)
}
