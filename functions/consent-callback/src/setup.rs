//! The pages between two visits at Microsoft: which one is shown follows from where the browser stands.

use crate::browser::{Browser, failure, to_microsoft};
use crate::pages::{ConfirmTenantPage, DonePage, RefusedPage, SecondConsentPage};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::Result;
use shared::domain::group_filter::GroupFilter;
use shared::domain::visit::{Session, Stage};
use shared::io::Io;
use shared::run::onboard;
use std::sync::Arc;
use utoipa::ToSchema;

async fn page(io: &Io, session: Session) -> Result<Response> {
    let kept = io.store.enterprise(&session.enterprise).await?;
    let reseller = io.store.reseller(&kept.reseller).await?;
    let (product, enterprise) = (reseller.brand.product_name, kept.settings.name);
    let portal_url = String::from(reseller.brand.integration_portal_url);
    Ok(match session.stage {
        Stage::Confirm { person, tenant, .. } => ConfirmTenantPage {
            product,
            enterprise,
            reseller: reseller.name,
            tenant_name: tenant.name,
            tenant_domain: format!("{}.onmicrosoft.com", tenant.label),
            person,
            post_to: "/setup/tenant".into(),
        }
        .into_response(),
        Stage::SecondConsent { again } => SecondConsentPage {
            product,
            enterprise,
            tenant_name: kept
                .setup
                .tenant()
                .map(|tenant| tenant.name.clone())
                .unwrap_or_default(),
            permissions_url: io.config.public_page("/permissions").into(),
            post_to: "/setup/consent".into(),
            again,
        }
        .into_response(),
        Stage::Complete => {
            let mut next_steps = Vec::new();
            if kept.group_filter == GroupFilter::Undecided {
                next_steps.push("Choose in the portal whose users are synchronised: everyone, or members of groups (Sync User Groups).".to_owned());
            }
            next_steps.push("Press Sync Now in the portal once; then users can be mapped.".to_owned());
            next_steps.push(
                "Numbers are provided by your voice provider; nothing more is needed from you for them.".to_owned(),
            );
            DonePage {
                product,
                enterprise,
                headline: "The connection to Microsoft is set up".into(),
                next_steps,
                portal_url,
            }
            .into_response()
        }
        Stage::Management { .. } | Stage::Groups { .. } => {
            return Err(shared::error::SignInRefused::StateUnknown.into());
        }
        Stage::Syncing { .. } => DonePage {
            product,
            enterprise,
            headline: "The sync has begun".into(),
            next_steps: vec![
                "You can close this window; the portal shows how far the sync is, user by user.".into(),
                "The dial pad can take up to two hours to appear in Teams after the sync.".into(),
            ],
            portal_url,
        }
        .into_response(),
    })
}

/// The page for where the browser stands. It changes nothing.
#[utoipa::path(get, path = "/setup", operation_id = "showSetup", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Browser(browser): Browser) -> Response {
    let shown = async { page(&io, onboard::session(&io, browser, io.clock.now()).await?.0).await };
    match shown.await {
        Ok(page) => page,
        Err(error) => failure(&io, None, error).await,
    }
}

/// What the page that shows the tenant sends.
#[derive(Deserialize, ToSchema)]
pub(crate) struct DecisionForm {
    /// `confirm` or `reject`
    #[serde(default)]
    decision: String,
}

/// Binds the tenant that was shown, or leaves everything as it was.
#[utoipa::path(post, path = "/setup/tenant", operation_id = "decideTenant", tag = "pages",
    request_body(content = DecisionForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "On to the next page."), (status = 200, content_type = "text/html", body = String),
        (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn tenant(
    State(io): State<Arc<Io>>,
    Browser(browser): Browser,
    form: Result<Form<DecisionForm>, FormRejection>,
) -> Response {
    let decision = form.map(|Form(form)| form.decision).unwrap_or_default();
    let (session, browser) = match onboard::session(&io, browser, io.clock.now()).await {
        Ok(known) => known,
        Err(error) => return failure(&io, None, error).await,
    };
    let enterprise = session.enterprise.clone();
    match decision.as_str() {
        "confirm" => match onboard::confirm(&io, session, &browser, io.clock.now()).await {
            Ok(()) => Redirect::to("/setup").into_response(),
            Err(error) => failure(&io, Some(&enterprise), error).await,
        },
        "reject" => match onboard::reject(&io, &browser).await {
            Ok(()) => nothing_changed().into_response(),
            Err(error) => failure(&io, Some(&enterprise), error).await,
        },
        _ => Redirect::to("/setup").into_response(),
    }
}

fn nothing_changed() -> RefusedPage {
    RefusedPage {
        product: None,
        headline: "Nothing was connected".into(),
        what_happened: "You said that this organisation is not the right one, so nothing was changed.".into(),
        what_to_do: vec![
            "Copy the link of the invitation into a private browser window.".into(),
            "Enter the code again and sign in with an account of the right organisation.".into(),
        ],
        contact: None,
        code: "REJECTED".into(),
    }
}

/// Sends the browser to Microsoft for the second permission set.
#[utoipa::path(post, path = "/setup/consent", operation_id = "beginSecondConsent", tag = "pages",
    responses((status = 303, description = "On to Microsoft's sign-in."), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn consent(State(io): State<Arc<Io>>, Browser(browser): Browser) -> Response {
    let (session, browser) = match onboard::session(&io, browser, io.clock.now()).await {
        Ok(known) => known,
        Err(error) => return failure(&io, None, error).await,
    };
    match onboard::begin_second_consent(&io, &session, &browser, io.clock.now()).await {
        Ok(url) => to_microsoft(&url, &browser),
        Err(error) => failure(&io, Some(&session.enterprise), error).await,
    }
}
