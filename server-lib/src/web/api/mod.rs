//! Mini Sentry's own API: projects, events, groups, releases, dashboards, the live feed. Its ingest is among the routes of
//! ingest.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::{EitherSlash, live};
use crate::state::AppState;

mod asked;
mod dashboard;
mod deployments;
mod events;
mod grouping;
mod groups;
mod projects;
mod releases;

/// The largest body of a request here.
const MAX_BODY: usize = 1024 * 1024;

/// Returns the routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .either("/api/projects/", get(projects::list).post(projects::create))
        .either(
            "/api/projects/{project}/grouping/try/",
            post(grouping::attempt),
        )
        .either("/api/events/", get(events::list))
        .either("/api/events/clickhouse/", get(events::list))
        .either("/api/events/{event}/", get(events::detail))
        .merge(group_routes())
        .either("/api/releases/", get(releases::list).post(releases::create))
        .either("/api/releases/health/", get(releases::health))
        .either("/api/releases/health/series/", get(releases::health_series))
        .either(
            "/api/deployments/",
            get(deployments::list).post(deployments::create),
        )
        .either("/api/dashboard/series/", get(dashboard::series))
        .either("/api/dashboard/top-groups/", get(dashboard::top_groups))
        .either("/ws/events/{project}/", get(live::follow))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

fn group_routes() -> Router<AppState> {
    Router::new()
        .either("/api/groups/", get(groups::list))
        .either("/api/groups/{group}/", get(groups::detail))
        .either("/api/groups/{group}/resolve/", post(groups::resolve))
        .either("/api/groups/{group}/unresolve/", post(groups::unresolve))
        .either("/api/groups/{group}/ignore/", post(groups::ignore))
        .either("/api/groups/{group}/bookmark/", post(groups::bookmark))
        .either("/api/groups/{group}/unbookmark/", post(groups::unbookmark))
        .either("/api/groups/{group}/assign/", post(groups::assign))
        .either(
            "/api/groups/{group}/comments/",
            get(groups::comments).post(groups::say),
        )
}
