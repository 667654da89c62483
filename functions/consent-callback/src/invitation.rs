//! The invitation's page: it explains, and takes the code.

use crate::browser::{application, failure, leading_back, to_microsoft, unanswered};
use crate::pages::{InvitationPage, PermissionsPage, permission_sets};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use shared::Error;
use shared::domain::caller::Origin;
use shared::domain::schedule;
use shared::domain::secret::Secret;
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::onboard::{self, Invited, NotEntered};
use shared::web::extract::Segments;
use std::sync::Arc;
use utoipa::ToSchema;

async fn page(io: &Io, token: &str, invited: &Invited, notice: Option<String>) -> Response {
    let enterprise = &invited.kept;
    let zone = schedule::zone(&enterprise.settings.time_zone);
    let expires = zone.map_or_else(
        |_| invited.invitation.expires.to_string(),
        |zone| schedule::display(invited.invitation.expires, &zone),
    );
    let page = InvitationPage {
        product: invited.reseller.brand.product_name.clone(),
        enterprise: enterprise.settings.name.clone(),
        reseller: invited.reseller.name.clone(),
        expires,
        permissions_url: io.config.public_page("/permissions").into(),
        application: application(io, &invited.reseller),
        post_to: format!("/i/{token}"),
        notice,
        // A page without it is better than none.
        unanswered: unanswered(io, enterprise).await.ok().flatten(),
    };
    leading_back(page, invited.return_to.as_ref())
}

/// The page that an invitation's link leads to. It changes nothing.
#[utoipa::path(get, path = "/i/{invitation}", operation_id = "showInvitation", tag = "pages", params(("invitation" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    match onboard::invited(&io, &token, io.clock.now()).await {
        Ok(invited) => page(&io, &token, &invited, None).await,
        Err(error) => failure(&io, None, error).await,
    }
}

/// What the page's form sends.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CodeForm {
    /// The Invitation Code from the mail.
    #[serde(default)]
    code: String,
}

/// Checks the code and sends the browser to Microsoft. Links that are unknown, expired, locked, used or taken back answer
/// alike, and so does every try of somebody who has had too many.
#[utoipa::path(post, path = "/i/{invitation}", operation_id = "enterInvitationCode", tag = "pages", params(("invitation" = String, Path)),
    request_body(content = CodeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "On to Microsoft's sign-in."), (status = 403, content_type = "text/html", body = String),
        (status = 429, content_type = "text/html", body = String)))]
pub(crate) async fn enter(
    State(io): State<Arc<Io>>,
    Segments(token): Segments<String>,
    origin: Origin,
    form: Result<Form<CodeForm>, FormRejection>,
) -> Response {
    let now = io.clock.now();
    let code = form.map(|Form(form)| form.code).unwrap_or_default();
    if code.trim().is_empty() {
        return without_code(&io, &token, now).await;
    }
    let browser = Secret::new(io.chance.token::<32>());
    match onboard::try_code(&io, &token, &code, &origin, &browser, now).await {
        Ok(url) => to_microsoft(&url, &browser),
        Err(NotEntered {
            invited: Some(invited),
            why: Error::SignIn(SignInRefused::WrongCode { left }),
        }) => {
            let tries = if left == 1 {
                "1 try is".to_owned()
            } else {
                format!("{left} tries are")
            };
            let notice = format!("This is not the code of the mail that brought you here. {tries} left.");
            (StatusCode::FORBIDDEN, page(&io, &token, &invited, Some(notice)).await).into_response()
        }
        Err(NotEntered { invited, why }) => {
            let visit = invited.as_ref().map(Invited::visit);
            failure(&io, visit.as_ref(), why).await
        }
    }
}

/// A form without a code comes from a mail scanner, not from a person: it costs no try.
async fn without_code(io: &Io, token: &str, now: Timestamp) -> Response {
    match onboard::invited(io, token, now).await {
        Ok(invited) => {
            let notice = "Type the Invitation Code from the mail.";
            (
                StatusCode::FORBIDDEN,
                page(io, token, &invited, Some(notice.into())).await,
            )
                .into_response()
        }
        Err(error) => failure(io, None, error).await,
    }
}

/// What is asked of Microsoft, and why.
#[utoipa::path(get, path = "/permissions", operation_id = "showPermissions", tag = "pages", responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn permissions() -> PermissionsPage {
    PermissionsPage {
        product: "Dialbridge".into(),
        sets: permission_sets(),
    }
}
