//! The pages between two visits at Microsoft: which one is shown follows from where the browser stands.

use crate::browser::{Browser, failure, leading_back, reseller_of, to_microsoft};
use crate::pages::{Back, ConfirmTenantPage, DonePage, ManagementPage, RefusedPage, SecondConsentPage};
use crate::{groups, management};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::Result;
use shared::domain::caller::Origin;
use shared::domain::enterprise::Enterprise;
use shared::domain::group_filter::GroupFilter;
use shared::domain::management::Management;
use shared::domain::reseller::Reseller;
use shared::domain::visit::{Outcome, Session, Stage, Visit};
use shared::io::Io;
use shared::run::{guide, onboard, sign_in};
use std::sync::Arc;
use utoipa::ToSchema;

async fn page(io: &Io, session: &Session) -> Result<Response> {
    let over = session.outcome();
    let kept = match over {
        Some(_) => io.store.enterprise(&session.enterprise).await?,
        None => sign_in::current(io, &session.visit()).await?,
    };
    let reseller = io.store.reseller(&kept.reseller).await?;
    let way_back = |outcome: &Outcome| guide::way_back(&reseller, session.return_to.as_ref(), outcome);
    if let Some(address) = over.as_ref().and_then(way_back) {
        return Ok(Redirect::to(address.as_str()).into_response());
    }
    let tenant_name = || {
        kept.setup
            .tenant()
            .map(|tenant| tenant.name.clone())
            .unwrap_or_default()
    };
    let product = reseller.brand.product_name.clone();
    let page = match &session.stage {
        Stage::Confirm { person, tenant, .. } => ConfirmTenantPage {
            product,
            enterprise: kept.settings.name,
            reseller: reseller.name,
            tenant_name: tenant.name.clone(),
            tenant_domain: format!("{}.onmicrosoft.com", tenant.label),
            person: person.clone(),
            post_to: "/setup/tenant".into(),
        }
        .into_response(),
        Stage::SecondConsent { again } => SecondConsentPage {
            product,
            tenant_name: tenant_name(),
            enterprise: kept.settings.name,
            permissions_url: io.config.public_page("/permissions").into(),
            application: reseller.brand.product_name.clone(),
            post_to: "/setup/consent".into(),
            organization_post_to: None,
            again: *again,
            unanswered: None,
            back: way_back(&Outcome::Declined).filter(|_| *again).map(Back::from),
        }
        .into_response(),
        Stage::Management { person } => ManagementPage {
            product,
            tenant_name: tenant_name(),
            person: person.clone(),
            offer: management::offer(&kept, &reseller)?,
        }
        .into_response(),
        Stage::Groups { .. } => groups::page(io, kept, &reseller, session, None).await?.into_response(),
        Stage::Complete | Stage::Answered { .. } | Stage::Chosen | Stage::Syncing { .. } => {
            done(kept, reseller, session).into_response()
        }
    };
    Ok(leading_back(page, session.return_to.as_ref()))
}

/// A step is over, and nobody waits for the person elsewhere.
fn done(kept: Enterprise, reseller: Reseller, session: &Session) -> DonePage {
    let headline = match &session.stage {
        Stage::Answered { granted: true } => format!("{} may manage now", reseller.name),
        Stage::Answered { granted: false } => "Nothing was granted".into(),
        Stage::Chosen => "Your choice is saved".into(),
        Stage::Syncing { .. } => "The sync has begun".into(),
        _ => "The connection to Microsoft is set up".into(),
    };
    let asks = session.stage == Stage::Complete && session.may_answer() && kept.management == Management::Pending;
    let undecided = kept.group_filter == GroupFilter::Undecided;
    DonePage {
        headline,
        next_steps: next_steps(&session.stage, undecided, &reseller.name),
        groups_url: (undecided && session.may_choose()).then(|| "/setup/groups".into()),
        offer: management::offer(&kept, &reseller).ok().filter(|_| asks),
        product: reseller.brand.product_name,
        enterprise: kept.settings.name,
        portal_url: reseller.brand.integration_portal_url.into(),
        back: None,
    }
}

fn next_steps(stage: &Stage, undecided: bool, reseller: &str) -> Vec<String> {
    let withdraw = "You can withdraw this in the portal at any time.";
    let again = format!("You remain the only one who manages. {reseller} may ask again.");
    let choose = "Choose whose users are synchronised: everyone, or members of groups (Sync User Groups).";
    let sync = "Press Sync Now in the portal; then users can be mapped.";
    let close = "You can close this window; the portal shows how far the sync is, user by user.";
    let dial_pad = "The dial pad can take up to two hours to appear in Teams after the sync.";
    let numbers = "Numbers are provided by your voice provider; nothing more is needed from you for them.";
    let choose = undecided.then_some(choose);
    let steps = match stage {
        Stage::Syncing { .. } => [Some(close), Some(dial_pad), None],
        Stage::Answered { granted: true } => [Some(withdraw), choose, Some(sync)],
        Stage::Answered { granted: false } => [Some(again.as_str()), choose, Some(sync)],
        Stage::Chosen => [Some(sync), None, None],
        _ => [choose, Some(sync), Some(numbers)],
    };
    steps.into_iter().flatten().map(str::to_owned).collect()
}

/// The page for where the browser stands, or the way back once its step is over. It changes nothing.
#[utoipa::path(get, path = "/setup", operation_id = "showSetup", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Back to the page that sent the person here."),
        (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Browser(browser): Browser, origin: Origin) -> Response {
    let session = match onboard::session(&io, browser, origin, io.clock.now()).await {
        Ok((session, _)) => session,
        Err(error) => return failure(&io, None, error).await,
    };
    match page(&io, &session).await {
        Ok(page) => page,
        Err(error) => failure(&io, Some(&session.visit()), error).await,
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
    origin: Origin,
    form: Result<Form<DecisionForm>, FormRejection>,
) -> Response {
    let decision = form.map(|Form(form)| form.decision).unwrap_or_default();
    let (session, browser) = match onboard::session(&io, browser, origin, io.clock.now()).await {
        Ok(known) => known,
        Err(error) => return failure(&io, None, error).await,
    };
    let visit = session.visit();
    match decision.as_str() {
        "confirm" => match onboard::confirm(&io, session, &browser, io.clock.now()).await {
            Ok(()) => Redirect::to("/setup").into_response(),
            Err(error) => failure(&io, Some(&visit), error).await,
        },
        "reject" => match onboard::reject(&io, &browser).await {
            Ok(()) => nothing_changed(&io, &visit).await.into_response(),
            Err(error) => failure(&io, Some(&visit), error).await,
        },
        _ => Redirect::to("/setup").into_response(),
    }
}

async fn nothing_changed(io: &Io, visit: &Visit) -> RefusedPage {
    let reseller = reseller_of(io, &visit.enterprise).await.ok();
    let way_back = |reseller: Reseller| guide::way_back(&reseller, visit.return_to.as_ref(), &Outcome::Declined);
    RefusedPage {
        product: reseller.as_ref().map(|reseller| reseller.brand.product_name.clone()),
        headline: "Nothing was connected".into(),
        what_happened: "You said that this organisation is not the right one, so nothing was changed.".into(),
        what_to_do: vec![
            "Copy the link of the invitation into a private browser window.".into(),
            "Enter the code again and sign in with an account of the right organisation.".into(),
        ],
        contact: None,
        code: "REJECTED".into(),
        back: reseller.and_then(way_back).map(Back::from),
    }
}

/// Sends the browser to Microsoft for the second permission set.
#[utoipa::path(post, path = "/setup/consent", operation_id = "beginSecondConsent", tag = "pages",
    responses((status = 303, description = "On to Microsoft's sign-in."), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn consent(State(io): State<Arc<Io>>, Browser(browser): Browser, origin: Origin) -> Response {
    let (session, browser) = match onboard::session(&io, browser, origin, io.clock.now()).await {
        Ok(known) => known,
        Err(error) => return failure(&io, None, error).await,
    };
    match onboard::begin_second_consent(&io, &session, &browser, io.clock.now()).await {
        Ok(url) => to_microsoft(&url, &browser),
        Err(error) => failure(&io, Some(&session.visit()), error).await,
    }
}
