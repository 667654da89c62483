//! Help by code: what Microsoft may say on its own page, and what our codes mean. It needs no token and no cookie, so it
//! opens in a window of its own beside the sign-in; it reads and changes nothing.

use crate::pages::{TeamsCallingPage, help, help_topic, teams_calling, topics};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use shared::Result;
use shared::web::extract::{Params, Segments};
use utoipa::IntoParams;

/// What the search form sends.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HelpParams {
    /// The number that Microsoft's page shows, with or without the text around it; or a code of ours.
    code: Option<String>,
}

/// The list of what can be looked up; with a code, on to its page.
#[utoipa::path(get, path = "/help/sign-in", operation_id = "showHelp", tag = "pages", params(HelpParams),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "On to the page of the code.")))]
pub(crate) async fn list(params: Result<Params<HelpParams>>) -> Response {
    let Ok(Params(HelpParams { code: Some(asked) })) = params else {
        return help(false).into_response();
    };
    match topics::typed(&asked) {
        Some(code) => Redirect::to(&format!("/help/{code}")).into_response(),
        None => help(!asked.trim().is_empty()).into_response(),
    }
}

/// How calling with Teams works, and what of it is in the organization's Teams.
#[utoipa::path(get, path = "/help/teams-calling", operation_id = "showTeamsCalling", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn calling() -> TeamsCallingPage {
    teams_calling()
}

/// What a code means and what to do.
#[utoipa::path(get, path = "/help/{code}", operation_id = "showHelpTopic", tag = "pages", params(("code" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 404, content_type = "text/html", body = String, description = "The code is in no table; the page gives general advice.")))]
pub(crate) async fn show(code: Result<Segments<String>>) -> Response {
    let code = code.map(|Segments(code)| code).unwrap_or_default();
    let status = match topics::topic(&code) {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    };
    (status, help_topic(&code)).into_response()
}
