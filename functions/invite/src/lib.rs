//! Provisioning API for resellers and provider staff: resellers, enterprises, invitations, licences, the Global Admin,
//! removal, and the addresses of an admin's next step.

mod actions;
mod audit;
mod consents;
mod enterprises;
mod invitations;
mod licences;
mod lifecycle;
mod mails;
mod resellers;
mod sync_switch;
mod views;

use axum::Router;
use shared::io::Io;
use shared::web::routes::finished;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes with their description.
pub fn api() -> OpenApiRouter<Arc<Io>> {
    OpenApiRouter::new()
        .routes(routes!(resellers::create, resellers::list))
        .routes(routes!(resellers::put, resellers::get))
        .routes(routes!(resellers::resend_activation))
        .routes(routes!(audit::of_reseller))
        .routes(routes!(audit::of_service))
        .routes(routes!(mails::of_reseller))
        .routes(routes!(mails::of_enterprise))
        .routes(routes!(mails::tasks))
        .routes(routes!(mails::close_task))
        .routes(routes!(mails::suppressions))
        .routes(routes!(mails::lift))
        .routes(routes!(mails::sending, mails::put_sending))
        .routes(routes!(mails::reseller_sending, mails::put_reseller_sending))
        .routes(routes!(enterprises::form))
        .routes(routes!(enterprises::create, enterprises::list))
        .routes(routes!(enterprises::get, enterprises::put, lifecycle::remove))
        .routes(routes!(lifecycle::restore))
        .routes(routes!(lifecycle::disable))
        .routes(routes!(lifecycle::enable))
        .routes(routes!(
            invitations::get,
            invitations::send_again,
            invitations::take_back
        ))
        .routes(routes!(licences::get, licences::put))
        .routes(routes!(lifecycle::reassign))
        .routes(routes!(lifecycle::answer_management))
        .routes(routes!(consents::get))
        .routes(routes!(consents::reset))
        .routes(routes!(sync_switch::disable))
        .routes(routes!(sync_switch::enable))
        .routes(routes!(lifecycle::sip_data))
        .routes(routes!(actions::url))
        .routes(routes!(audit::of_enterprise))
}

/// The routes, ready to serve.
pub fn router(io: Arc<Io>) -> Router {
    finished(Router::from(api())).with_state(io)
}
