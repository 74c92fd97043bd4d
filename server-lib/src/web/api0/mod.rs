//! Sentry's management API.

use axum::Router;

use crate::state::AppState;

/// Returns the routes.
pub fn routes() -> Router<AppState> {
    Router::new()
}
