//! The page behind the link of a reminder, where its reader hands the reminders over or pauses them, and the page of whoever is
//! to take them over.
//!
//! GET changes nothing. What POST does needs something that only a person types, since mail scanners submit forms as well.

use crate::browser::failure;
use crate::pages::{DonePage, DutyPage, RemindersPage};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use shared::domain::Invalid;
use shared::domain::caller::Origin;
use shared::domain::duty::Offer;
use shared::domain::email::EmailAddress;
use shared::domain::enterprise::Enterprise;
use shared::domain::reminding::Snooze;
use shared::domain::reseller::Reseller;
use shared::domain::schedule;
use shared::io::Io;
use shared::run::duty;
use shared::web::extract::Segments;
use shared::{Error, Result};
use std::sync::Arc;
use utoipa::ToSchema;

/// What the buttons and fields of the reminders' page send.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct RemindersForm {
    /// `handOver` or `pause`.
    decision: String,
    /// To whom the reminders are offered.
    email: String,
    /// That person's name.
    name: String,
    /// How many days they pause.
    days: String,
    /// Why.
    reason: String,
    /// `One-Click`, from mail programs (RFC 8058).
    #[serde(rename = "List-Unsubscribe")]
    list_unsubscribe: String,
}

async fn reseller(io: &Io, kept: &Enterprise) -> Result<Reseller> {
    io.store.reseller(&kept.reseller).await
}

async fn page(
    io: &Io,
    token: &str,
    kept: &Enterprise,
    form: RemindersForm,
    wrong: Vec<String>,
) -> Result<RemindersPage> {
    let brand = reseller(io, kept).await?.brand;
    let holder = kept.reminding.first(&kept.global_admin);
    let offer = io.store.duty_offer(&kept.id, io.clock.now()).await?;
    let taken = |offer: &Offer| kept.reminding.duty.as_ref().is_some_and(|duty| duty.offer == offer.id);
    Ok(RemindersPage {
        product: brand.product_name,
        enterprise: kept.settings.name.clone(),
        holder: holder.name,
        admin: kept.global_admin.display_name().to_owned(),
        offered: offer.filter(|offer| !taken(offer)).map(|offer| offer.name),
        paused: kept.reminding.snooze.as_ref().map(|snooze| snooze.until.to_string()),
        post_to: format!("/reminders/{token}"),
        email: form.email,
        name: form.name,
        days: form.days,
        reason: form.reason,
        wrong,
    })
}

/// The page that a reminder's link leads to. It changes nothing.
#[utoipa::path(get, path = "/reminders/{token}", operation_id = "showReminders", tag = "pages", params(("token" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    let shown = async {
        let kept = duty::of_link(&io, &token, io.clock.now()).await?;
        page(&io, &token, &kept, RemindersForm::default(), Vec::new()).await
    };
    match shown.await {
        Ok(page) => page.into_response(),
        Err(error) => failure(&io, None, error).await,
    }
}

/// Offers the reminders to somebody, or pauses them.
#[utoipa::path(post, path = "/reminders/{token}", operation_id = "decideReminders", tag = "pages", params(("token" = String, Path)),
    request_body(content = RemindersForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String),
        (status = 409, content_type = "text/html", body = String), (status = 422, content_type = "text/html", body = String),
        (status = 429, content_type = "text/html", body = String)))]
pub(crate) async fn decide(
    State(io): State<Arc<Io>>,
    Segments(token): Segments<String>,
    origin: Origin,
    form: Result<Form<RemindersForm>, FormRejection>,
) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    match decided(&io, &token, &form, &origin).await {
        Ok(done) => done.into_response(),
        Err(Error::Invalid(wrong)) => again(&io, &token, form, wrong).await,
        Err(error) => failure(&io, None, error).await,
    }
}

async fn decided(io: &Io, token: &str, form: &RemindersForm, origin: &Origin) -> Result<DonePage> {
    let now = io.clock.now();
    if form.list_unsubscribe == "One-Click" {
        let (kept, snooze) = duty::one_click(io, token, origin, now).await?;
        return paused(io, &kept, &snooze).await;
    }
    match form.decision.as_str() {
        "handOver" => {
            let offer = duty::offer(io, token, &form.email, &form.name, origin, now).await?;
            let kept = duty::of_link(io, token, now).await?;
            offered(io, &kept, &offer).await
        }
        "pause" => {
            let (kept, snooze) = duty::pause(io, token, &form.days, &form.reason, origin, now).await?;
            paused(io, &kept, &snooze).await
        }
        _ => {
            // Whoever sends something else is told like a person who left the form empty.
            duty::of_link(io, token, now).await?;
            Err(Invalid::new("decision", "choose to hand the reminders over or to pause them").into())
        }
    }
}

async fn again(io: &Io, token: &str, form: RemindersForm, wrong: Vec<Invalid>) -> Response {
    let shown = async {
        let kept = duty::of_link(io, token, io.clock.now()).await?;
        page(io, token, &kept, form, wrong.iter().map(words).collect()).await
    };
    match shown.await {
        Ok(page) => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        Err(error) => failure(io, None, error).await,
    }
}

/// A fault as the page says it: the field by its label.
fn words(invalid: &Invalid) -> String {
    let label = match invalid.what.as_str() {
        "email" => "Address",
        "name" => "Name",
        "days" => "Days",
        "reason" => "Reason",
        _ => return format!("Please {}.", invalid.why),
    };
    format!("{label}: {}.", invalid.why)
}

async fn done(io: &Io, kept: &Enterprise, headline: String, next_steps: Vec<String>) -> Result<DonePage> {
    let brand = reseller(io, kept).await?.brand;
    Ok(DonePage {
        product: brand.product_name,
        enterprise: kept.settings.name.clone(),
        headline,
        next_steps,
        portal_url: brand.integration_portal_url.to_string(),
        ..DonePage::default()
    })
}

async fn offered(io: &Io, kept: &Enterprise, offer: &Offer) -> Result<DonePage> {
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let until = schedule::display(offer.until(), &zone);
    let steps = vec![
        format!("{} finds a mail with a link, which works until {until}.", offer.name),
        "Until the reminders are taken over, they keep coming to you; then you get a mail that says so.".into(),
    ];
    done(io, kept, format!("The reminders are offered to {}", offer.name), steps).await
}

async fn paused(io: &Io, kept: &Enterprise, snooze: &Snooze) -> Result<DonePage> {
    let steps = vec![
        format!(
            "The last day without a reminder is {}. Then they come again.",
            snooze.until
        ),
        "What waits stays as it is, and can be synced at any time.".into(),
        "If a sync fails before that day, you hear of it all the same.".into(),
    ];
    done(io, kept, "The reminders are paused".into(), steps).await
}

async fn offer_page(io: &Io, token: &str, kept: &Enterprise, offer: &Offer, wrong: bool) -> Result<DutyPage> {
    Ok(DutyPage {
        product: reseller(io, kept).await?.brand.product_name,
        enterprise: kept.settings.name.clone(),
        from: offer.by.clone(),
        name: offer.name.clone(),
        admin: kept.global_admin.display_name().to_owned(),
        post_to: format!("/duty/{token}"),
        wrong,
    })
}

async fn taken(io: &Io, kept: &Enterprise) -> Result<DonePage> {
    let steps = vec![
        "While changes wait for a sync, or after one that failed, one mail a day comes to you.".into(),
        format!(
            "Only {} and named deputies can sync; talk to them.",
            kept.global_admin.display_name()
        ),
        "Every mail has a link to hand the reminders on or to pause them.".into(),
    ];
    done(io, kept, "The reminders come to you".into(), steps).await
}

/// The page on which somebody takes the reminders over. It changes nothing.
#[utoipa::path(get, path = "/duty/{token}", operation_id = "showDuty", tag = "pages", params(("token" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show_offer(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    let shown = async {
        let (kept, offer, is_taken) = duty::offered(&io, &token, io.clock.now()).await?;
        if is_taken {
            return taken(&io, &kept).await.map(IntoResponse::into_response);
        }
        let page = offer_page(&io, &token, &kept, &offer, false).await?;
        Ok(page.into_response())
    };
    match shown.await {
        Ok(page) => page,
        Err(error) => failure(&io, None, error).await,
    }
}

/// What the form of that page sends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct DutyForm {
    /// The address that the offer came to, typed by its reader.
    email: String,
}

/// Somebody takes the reminders over.
#[utoipa::path(post, path = "/duty/{token}", operation_id = "takeDuty", tag = "pages", params(("token" = String, Path)),
    request_body(content = DutyForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String),
        (status = 409, content_type = "text/html", body = String), (status = 422, content_type = "text/html", body = String)))]
pub(crate) async fn take(
    State(io): State<Arc<Io>>,
    Segments(token): Segments<String>,
    origin: Origin,
    form: Result<Form<DutyForm>, FormRejection>,
) -> Response {
    let typed = form.map(|Form(form)| form.email).unwrap_or_default();
    let answered = async {
        let now = io.clock.now();
        let (kept, offer, _) = duty::offered(&io, &token, now).await?;
        let typed: Option<EmailAddress> = typed.parse().ok();
        if typed.as_ref() != Some(&offer.email) {
            let page = offer_page(&io, &token, &kept, &offer, true).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
        let (kept, _) = duty::accept(&io, &token, &origin, now).await?;
        taken(&io, &kept).await.map(IntoResponse::into_response)
    };
    match answered.await {
        Ok(page) => page,
        Err(error) => failure(&io, None, error).await,
    }
}
