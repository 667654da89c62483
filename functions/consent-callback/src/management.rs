//! `Grant Consent`: whether the reseller may manage, asked after a sign-in of the Global Admin.

use crate::browser::{Visitor, failure};
use crate::pages::Offer;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::Result;
use shared::domain::enterprise::Enterprise;
use shared::domain::reseller::Reseller;
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::manage;
use std::sync::Arc;
use utoipa::ToSchema;

/// The question, as long as the reseller asks it.
pub(crate) fn offer(kept: &Enterprise, reseller: &Reseller) -> Result<Offer> {
    if !kept.settings.request_management_consent {
        return Err(SignInRefused::LinkClosed.into());
    }
    Ok(Offer {
        reseller: reseller.name.clone(),
        enterprise: kept.settings.name.clone(),
        post_to: "/setup/management".into(),
    })
}

/// What the page's buttons send.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct AnswerForm {
    /// `grant` or `later`
    #[serde(default)]
    decision: String,
}

/// Notes the answer of the Global Admin.
#[utoipa::path(post, path = "/setup/management", operation_id = "decideManagement", tag = "pages",
    request_body(content = AnswerForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "On to the next page."), (status = 403, content_type = "text/html", body = String),
        (status = 409, content_type = "text/html", body = String)))]
pub(crate) async fn answer(
    State(io): State<Arc<Io>>,
    Visitor { session, browser }: Visitor,
    form: Result<Form<AnswerForm>, FormRejection>,
) -> Response {
    let decision = form.map(|Form(form)| form.decision).unwrap_or_default();
    let now = io.clock.now();
    let grant = match decision.as_str() {
        // Pressed twice, the second press finds the step over.
        _ if !session.may_answer() && session.outcome().is_some() => return Redirect::to("/setup").into_response(),
        "grant" => true,
        "later" => false,
        _ => return Redirect::to("/setup").into_response(),
    };
    match manage::decide(&io, &session, &browser, grant, now).await {
        Ok(()) => Redirect::to("/setup").into_response(),
        Err(error) => failure(&io, Some(&session.visit()), error).await,
    }
}
