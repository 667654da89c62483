//! A site whose address is known before its contents are.

use crate::locked::Locked;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

#[derive(Clone)]
pub(super) struct Late(Locked<Option<Router>>);

impl Default for Late {
    fn default() -> Self {
        Self(Locked::new(None))
    }
}

impl Late {
    pub(super) fn set(&self, router: Router) {
        self.0.with(|current| *current = Some(router));
    }

    pub(super) fn router(&self) -> Router {
        let late = self.clone();
        Router::new().fallback(move |request: Request| async move { late.answer(request).await })
    }

    async fn answer(&self, request: Request) -> Response {
        match self.0.with(|current| current.clone()) {
            Some(router) => router.oneshot(request).await.unwrap_or_else(|never| match never {}),
            None => (StatusCode::NOT_FOUND, "nothing is here").into_response(),
        }
    }
}
