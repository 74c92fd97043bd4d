//! Ingest: where SDKs, browsers and log shippers send.

use axum::Router;

use crate::state::AppState;

mod address;
mod caller;

/// Returns the routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
}
