//! Mini Sentry's own API: projects, events, the live feed. Its ingest is among the routes of
//! ingest.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

use super::{EitherSlash, live};
use crate::state::AppState;

mod events;
mod projects;

/// The largest body of a request here.
const MAX_BODY: usize = 1024 * 1024;

/// Returns the routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .either("/api/projects/", get(projects::list).post(projects::create))
        .either("/api/events/", get(events::list))
        .either("/api/events/{event}/", get(events::detail))
        .either("/ws/events/{project}/", get(live::follow))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}
