//! Provisioning API for resellers and provider staff: resellers, enterprises, invitations.

mod enterprises;
mod resellers;

use axum::Router;
use shared::io::Io;
use shared::web::routes::finished;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes with their description.
pub fn api() -> OpenApiRouter<Arc<Io>> {
    OpenApiRouter::new()
        .routes(routes!(resellers::put, resellers::get))
        .routes(routes!(enterprises::create, enterprises::list))
        .routes(routes!(enterprises::get))
        .routes(routes!(enterprises::resend_invitation))
}

/// The routes, ready to serve.
pub fn router(io: Arc<Io>) -> Router {
    finished(Router::from(api())).with_state(io)
}
