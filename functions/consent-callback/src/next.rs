//! The page that the action URL of a step leads to: it says what will be asked, and begins the sign-in.

use crate::browser::{application, failure, leading_back, to_microsoft, unanswered};
use crate::pages::{Back, DonePage, NextPage};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use shared::domain::secret::Secret;
use shared::domain::visit::{Asked, Outcome};
use shared::io::Io;
use shared::run::guide::{self, Ahead};
use shared::web::extract::Segments;
use std::sync::Arc;

/// Shows what a step's link leads to. It changes nothing.
#[utoipa::path(get, path = "/next/{token}", operation_id = "showNextStep", tag = "pages", params(("token" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    match guide::ahead(&io, &token, io.clock.now()).await {
        Ok(ahead) => page(&io, &token, &ahead).await,
        Err(error) => failure(&io, None, error).await,
    }
}

/// Sends the browser to Microsoft, where the step is still to be done.
#[utoipa::path(post, path = "/next/{token}", operation_id = "beginNextStep", tag = "pages", params(("token" = String, Path)),
    responses((status = 303, description = "On to Microsoft's sign-in."), (status = 200, content_type = "text/html", body = String),
        (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn begin(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    let now = io.clock.now();
    let ahead = match guide::ahead(&io, &token, now).await {
        Ok(ahead) if ahead.done => return page(&io, &token, &ahead).await,
        Ok(ahead) => ahead,
        Err(error) => return failure(&io, None, error).await,
    };
    let browser = Secret::new(io.chance.token::<32>());
    match guide::begin(&io, &ahead, &browser, now).await {
        Ok(url) => to_microsoft(&url, &browser),
        Err(error) => failure(&io, Some(&ahead.visit()), error).await,
    }
}

async fn page(io: &Io, token: &str, ahead: &Ahead) -> Response {
    let back = |outcome| guide::way_back(&ahead.reseller, ahead.return_to.as_ref(), &outcome).map(Back::from);
    let brand = &ahead.reseller.brand;
    let enterprise = ahead.kept.settings.name.clone();
    if ahead.done {
        return DonePage {
            product: brand.product_name.clone(),
            enterprise,
            headline: "This step is done already".into(),
            next_steps: Vec::new(),
            portal_url: brand.integration_portal_url.clone().into(),
            back: back(Outcome::Completed),
            ..DonePage::default()
        }
        .into_response();
    }
    let (reseller, person) = (&ahead.reseller.name, ahead.kept.global_admin.display_name());
    let sign_in = format!("Sign in at Microsoft with the account of {person}. Other accounts are refused.");
    let (headline, intro, steps) = match ahead.asked {
        Asked::Calling => (
            "One more permission set".to_owned(),
            format!("{reseller} asks you to finish the connection of {enterprise} to Microsoft Teams."),
            vec![
                sign_in,
                "Tick \"Consent on behalf of your organization\". The box is not ticked by itself.".into(),
                "Click \"Accept\".".into(),
            ],
        ),
        Asked::Management => (
            format!("{reseller} asks to manage {enterprise}"),
            format!("With your consent {reseller} can do the daily work of the integration in your place."),
            vec![
                sign_in,
                "Read what the consent covers, then choose \"Grant Consent\" or \"Not now\".".into(),
            ],
        ),
        Asked::Unattended => (
            format!("Syncs of {enterprise} without a sign-in"),
            format!("You asked in the portal that syncs of {enterprise} may run when nobody signs in for them."),
            vec![
                "Sign in at Microsoft as a Global Administrator of the organization.".into(),
                "Read what the application asks for, and click \"Accept\". These permissions need no person.".into(),
                "Confirm here what such a sync may do.".into(),
            ],
        ),
        Asked::Groups { .. } => (
            "Sync User Groups".to_owned(),
            format!("{reseller} asks you to choose whose users are synchronised for {enterprise}."),
            vec![sign_in, "Choose everyone, or members of groups, and save.".into()],
        ),
    };
    let page = NextPage {
        product: brand.product_name.clone(),
        headline,
        intro,
        steps,
        enterprise,
        tenant_name: ahead.kept.setup.tenant_name().to_owned(),
        person: person.to_owned(),
        permissions_url: matches!(ahead.asked, Asked::Calling | Asked::Unattended)
            .then(|| io.config.public_page("/permissions").into()),
        application: match ahead.asked {
            Asked::Unattended => format!("{} Unattended", io.config.entra_application_name),
            _ => application(io, &ahead.reseller),
        },
        post_to: format!("/next/{token}"),
        // A page without it is better than none.
        unanswered: unanswered(io, &ahead.kept).await.ok().flatten(),
        back: back(Outcome::Declined),
    };
    leading_back(page, ahead.return_to.as_ref())
}
