//! What every function's router has in common.

use crate::web::problem::{no_such_method, no_such_route};
use axum::Router;
use axum::extract::DefaultBodyLimit;

/// Answers unknown paths and methods with problem documents, and reads no body beyond the limit.
pub fn finished<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(crate::web::extract::BODY_MAX))
}
