//! The pages between two visits at Microsoft: which one is shown follows from where the browser stands.

use crate::browser::{Visitor, application, failure, leading_back, reseller_of, to_microsoft, unanswered};
use crate::pages::{
    AcceptedPage, Back, ConfirmTenantPage, DonePage, ManagementPage, MoveTenantPage, RefusedPage, SecondConsentPage,
    UnattendedPage, WaitPage, refused_with,
};
use crate::{groups, management};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::Result;
use shared::domain::enterprise::Enterprise;
use shared::domain::group_filter::GroupFilter;
use shared::domain::management::Management;
use shared::domain::reseller::Reseller;
use shared::domain::secret::Secret;
use shared::domain::visit::{Outcome, Session, Stage, Visit};
use shared::io::Io;
use shared::run::{consent, guide, onboard, sign_in, switch, unattended};
use std::sync::Arc;
use utoipa::ToSchema;

/// Seconds after which a page that waits for Microsoft looks again.
const LOOK_AGAIN: u32 = 15;

async fn page(io: &Io, session: &Session, browser: &Secret) -> Result<Response> {
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
            tenant_name: kept.setup.tenant_name().to_owned(),
            unanswered: unanswered(io, &kept).await?,
            enterprise: kept.settings.name,
            permissions_url: io.config.public_page("/permissions").into(),
            application: application(io, &reseller),
            post_to: "/setup/consent".into(),
            organization_post_to: Some("/setup/organization".into()),
            again: *again,
            back: way_back(&Outcome::Declined).filter(|_| *again).map(Back::from),
        }
        .into_response(),
        Stage::Accepted { .. } if !consent::organization_applies(io, &kept, &reseller, io.clock.now()).await? => {
            WaitPage {
                product,
                headline: "Microsoft is applying the permissions".into(),
                what: format!(
                    "You accepted them for {}. Until all of Microsoft's services know, it can take some minutes.",
                    kept.setup.tenant_name()
                ),
                refresh_to: "/setup".into(),
                seconds: LOOK_AGAIN,
            }
            .into_response()
        }
        Stage::UnattendedAccepted { .. } if !unattended::applies(io, &kept, io.clock.now()).await? => WaitPage {
            product,
            headline: "Microsoft is applying the permissions".into(),
            what: format!(
                "They were accepted for {}. Until all of Microsoft's services know, it can take some minutes.",
                kept.setup.tenant_name()
            ),
            refresh_to: "/setup".into(),
            seconds: LOOK_AGAIN,
        }
        .into_response(),
        Stage::UnattendedAccepted { .. } => UnattendedPage {
            product,
            tenant_name: kept.setup.tenant_name().to_owned(),
            enterprise: kept.settings.name,
            reseller: reseller.name,
            post_to: "/setup/unattended".into(),
        }
        .into_response(),
        Stage::Accepted { .. } => AcceptedPage {
            product,
            tenant_name: kept.setup.tenant_name().to_owned(),
            enterprise: kept.settings.name,
            post_to: "/setup/consent".into(),
        }
        .into_response(),
        Stage::Move { person, tenant, .. } => MoveTenantPage {
            product,
            from_tenant: kept.setup.tenant_name().to_owned(),
            left_behind: left_behind(switch::assigned(io, &kept).await?),
            enterprise: kept.settings.name,
            reseller: reseller.name,
            to_tenant_name: tenant.name.clone(),
            to_tenant_domain: format!("{}.onmicrosoft.com", tenant.label),
            person: person.clone(),
            post_to: "/setup/move".into(),
        }
        .into_response(),
        Stage::Management { person } => ManagementPage {
            product,
            tenant_name: kept.setup.tenant_name().to_owned(),
            person: person.clone(),
            offer: management::offer(&kept, &reseller)?,
        }
        .into_response(),
        Stage::Groups { .. } => groups::page(io, kept, &reseller, session, browser, None)
            .await?
            .into_response(),
        Stage::Complete | Stage::Answered { .. } | Stage::Chosen | Stage::UnattendedAllowed | Stage::Syncing { .. } => {
            done(kept, reseller, session).into_response()
        }
    };
    Ok(leading_back(page, session.return_to.as_ref()))
}

/// What stays in a tenant that is left.
fn left_behind(assigned: usize) -> Vec<String> {
    match assigned {
        0 => Vec::new(),
        1 => vec!["The number and the voice policies of 1 user.".into()],
        users => vec![format!("The numbers and the voice policies of {users} users.")],
    }
}

/// A step is over, and nobody waits for the person elsewhere.
fn done(kept: Enterprise, reseller: Reseller, session: &Session) -> DonePage {
    let headline = match &session.stage {
        Stage::Answered { granted: true } => format!("{} may manage now", reseller.name),
        Stage::Answered { granted: false } => "Nothing was granted".into(),
        Stage::Chosen => "Your choice is saved".into(),
        Stage::UnattendedAllowed => "Syncs may run without a sign-in now".into(),
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
    let hours = "They begin by themselves only after you choose the hours for it in the portal.";
    let numbers = "Numbers are provided by your voice provider; nothing more is needed from you for them.";
    let choose = undecided.then_some(choose);
    let steps = match stage {
        Stage::Syncing { .. } => [Some(close), Some(dial_pad), None],
        Stage::Answered { granted: true } => [Some(withdraw), choose, Some(sync)],
        Stage::Answered { granted: false } => [Some(again.as_str()), choose, Some(sync)],
        Stage::Chosen => [Some(sync), None, None],
        Stage::UnattendedAllowed => [Some(withdraw), Some(hours), None],
        _ => [choose, Some(sync), Some(numbers)],
    };
    steps.into_iter().flatten().map(str::to_owned).collect()
}

/// The page for where the browser stands, or the way back once its step is over. It changes nothing.
#[utoipa::path(get, path = "/setup", operation_id = "showSetup", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Back to the page that sent the person here."),
        (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Visitor { session, browser }: Visitor) -> Response {
    match page(&io, &session, &browser).await {
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
    Visitor { session, browser }: Visitor,
    form: Result<Form<DecisionForm>, FormRejection>,
) -> Response {
    let visit = session.visit();
    let confirmed = onboard::confirm(&io, session, &browser, io.clock.now());
    decided(&io, &visit, &browser, form, confirmed, "REJECTED").await
}

/// What a person decided about the tenant that was shown. `confirmed` does nothing unless they confirm.
async fn decided(
    io: &Io,
    visit: &Visit,
    browser: &Secret,
    form: Result<Form<DecisionForm>, FormRejection>,
    confirmed: impl Future<Output = Result<()>>,
    rejection: &str,
) -> Response {
    let decision = form.map(|Form(form)| form.decision).unwrap_or_default();
    let done = match decision.as_str() {
        "confirm" => confirmed.await,
        "reject" => match onboard::reject(io, browser).await {
            Ok(()) => return rejected(io, visit, rejection).await.into_response(),
            Err(error) => Err(error),
        },
        _ => Ok(()),
    };
    match done {
        Ok(()) => Redirect::to("/setup").into_response(),
        Err(error) => failure(io, Some(visit), error).await,
    }
}

async fn rejected(io: &Io, visit: &Visit, code: &str) -> RefusedPage {
    let reseller = reseller_of(io, &visit.enterprise).await.ok();
    let page = refused_with(code, reseller.as_ref().map(|reseller| &reseller.brand));
    let way_back = |reseller: Reseller| guide::way_back(&reseller, visit.return_to.as_ref(), &Outcome::Declined);
    RefusedPage {
        back: reseller.and_then(way_back).map(Back::from),
        ..page
    }
}

/// Moves the enterprise to the tenant that was shown, or leaves it where it is.
#[utoipa::path(post, path = "/setup/move", operation_id = "decideMove", tag = "pages",
    request_body(content = DecisionForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "On to the next page."), (status = 200, content_type = "text/html", body = String),
        (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn move_tenant(
    State(io): State<Arc<Io>>,
    Visitor { session, browser }: Visitor,
    form: Result<Form<DecisionForm>, FormRejection>,
) -> Response {
    let visit = session.visit();
    let confirmed = switch::confirm(&io, session, &browser, io.clock.now());
    decided(&io, &visit, &browser, form, confirmed, "MOVE_REJECTED").await
}

/// Sends the browser to Microsoft's admin consent page, where the second set is accepted for the whole organization.
#[utoipa::path(post, path = "/setup/organization", operation_id = "beginOrganizationConsent", tag = "pages",
    responses((status = 303, description = "On to Microsoft's admin consent page."), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn organization(State(io): State<Arc<Io>>, Visitor { session, browser }: Visitor) -> Response {
    match consent::begin_organization_consent(&io, &session, &browser, io.clock.now()).await {
        Ok(url) => to_microsoft(&url, &browser),
        Err(error) => failure(&io, Some(&session.visit()), error).await,
    }
}

/// Sends the browser to Microsoft for the second permission set.
#[utoipa::path(post, path = "/setup/consent", operation_id = "beginSecondConsent", tag = "pages",
    responses((status = 303, description = "On to Microsoft's sign-in."), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn consent(State(io): State<Arc<Io>>, Visitor { session, browser }: Visitor) -> Response {
    match consent::begin_second_consent(&io, &session, &browser, io.clock.now()).await {
        Ok(url) => to_microsoft(&url, &browser),
        Err(error) => failure(&io, Some(&session.visit()), error).await,
    }
}
