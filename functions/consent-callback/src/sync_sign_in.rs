//! The sign-in of a run: the Global Admin sees what will happen, and confirms it at Microsoft.

use crate::browser::{failure, leading_back, to_microsoft, unanswered};
use crate::pages::SyncSignInPage;
use axum::extract::State;
use axum::response::Response;
use shared::Result;
use shared::domain::run::RunKind;
use shared::domain::secret::Secret;
use shared::io::Io;
use shared::run::start_sync;
use shared::web::extract::Segments;
use std::sync::Arc;

async fn page(io: &Io, token: &str) -> Result<Response> {
    let waiting = start_sync::waiting(io, token, io.clock.now()).await?;
    let enterprise = waiting.kept;
    let brand = io.store.reseller(&enterprise.reseller).await?.brand;
    let page = SyncSignInPage {
        product: brand.product_name,
        person: waiting.person,
        tenant_name: enterprise.setup.tenant_name().to_owned(),
        any_tenant: enterprise.sync_switch.off(),
        unanswered: unanswered(io, &enterprise).await?,
        enterprise: enterprise.settings.name,
        run_kind_text: match waiting.run.kind {
            RunKind::Discover => "The users of your organisation are read; nothing is changed in Teams.".into(),
            RunKind::Apply | RunKind::ApplyOnly => {
                "The saved mapping is applied in Teams: numbers and voice policies.".into()
            }
        },
        plan_lines: waiting.plan,
        post_to: format!("/sync/{token}"),
    };
    Ok(leading_back(page, waiting.return_to.as_ref()))
}

/// The page that a run's sign-in link leads to. It changes nothing.
#[utoipa::path(get, path = "/sync/{link}", operation_id = "showSyncSignIn", tag = "pages", params(("link" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    match page(&io, &token).await {
        Ok(page) => page,
        Err(error) => failure(&io, None, error).await,
    }
}

/// Sends the browser to Microsoft.
#[utoipa::path(post, path = "/sync/{link}", operation_id = "beginSyncSignIn", tag = "pages", params(("link" = String, Path)),
    responses((status = 303, description = "On to Microsoft's sign-in."), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn begin(State(io): State<Arc<Io>>, Segments(token): Segments<String>) -> Response {
    let browser = Secret::new(io.chance.token::<32>());
    match start_sync::begin(&io, &token, &browser, io.clock.now()).await {
        Ok(url) => to_microsoft(&url, &browser),
        Err(error) => failure(&io, None, error).await,
    }
}
