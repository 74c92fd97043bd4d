//! Sentry's management API, as far as Mini Sentry has what it manages.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::EitherSlash;
use crate::state::AppState;

mod attachments;
mod erasure;
mod events;
mod grouping_info;
mod issues;
mod keys;
mod organisations;
mod project_settings;
pub(super) mod projects;
mod releases;
mod root;
mod sessions;
mod stats;
mod tags;
mod tokens;

/// The largest body of a request here.
const MAX_BODY: usize = 1024 * 1024;

/// Returns the routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/", get(root::root))
        .either("/api/0/auth/", get(root::whoami))
        .either("/api/0/users/me/regions/", get(root::regions))
        .merge(organisation_routes())
        .merge(project_routes())
        .merge(releases::routes())
        .merge(issues::list_routes())
        .merge(issues::routes())
        .merge(issues::plain_routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

fn organisation_routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/organizations/", get(organisations::list))
        .either(
            "/api/0/organizations/{organisation}/",
            get(organisations::detail),
        )
        .either(
            "/api/0/organizations/{organisation}/region/",
            get(organisations::region),
        )
        .either(
            "/api/0/organizations/{organisation}/teams/",
            get(organisations::teams),
        )
        .either(
            "/api/0/organizations/{organisation}/projects/",
            get(projects::of_organisation).post(projects::create),
        )
        .either(
            "/api/0/teams/{organisation}/{team}/projects/",
            get(projects::of_team).post(projects::create_in_team),
        )
        .either(
            "/api/0/organizations/{organisation}/eventids/{event}/",
            get(events::resolve),
        )
        .either(
            "/api/0/organizations/{organisation}/shortids/{id}/",
            get(issues::short_id),
        )
        .either(
            "/api/0/organizations/{organisation}/tags/",
            get(tags::of_organisation),
        )
        .either(
            "/api/0/organizations/{organisation}/tags/{key}/values/",
            get(tags::values_in_organisation),
        )
        .either(
            "/api/0/organizations/{organisation}/events/{event}/json/",
            get(events::json_anywhere),
        )
        .either(
            "/api/0/organizations/{organisation}/stats_v2/",
            get(stats::outcomes),
        )
        .either(
            "/api/0/organizations/{organisation}/sessions/",
            get(sessions::sums),
        )
        .either(
            "/api/0/organizations/{organisation}/org-auth-tokens/",
            get(tokens::of_organisation).post(tokens::create_for_organisation),
        )
        .either(
            "/api/0/organizations/{organisation}/org-auth-tokens/{token}/",
            get(tokens::detail_of_organisation).delete(tokens::delete_of_organisation),
        )
        .either(
            "/api/0/api-tokens/",
            get(tokens::list)
                .post(tokens::create)
                .delete(tokens::delete_named),
        )
        .either(
            "/api/0/api-tokens/{token}/",
            get(tokens::detail).delete(tokens::delete),
        )
}

fn project_routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/projects/", get(projects::list))
        .either(
            "/api/0/projects/{organisation}/{project}/",
            get(projects::detail)
                .put(projects::update)
                .delete(projects::delete),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/keys/",
            get(keys::list).post(keys::create),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/keys/{key}/",
            get(keys::detail).put(keys::update).delete(keys::delete),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/events/",
            get(events::list),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/events/{event}/",
            get(events::detail).delete(erasure::event),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/events/{event}/json/",
            get(events::json),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/events/{event}/grouping-info/",
            get(grouping_info::show),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/tags/",
            get(tags::of_project),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/tags/{key}/values/",
            get(tags::values_in_project),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/events/{event}/attachments/",
            get(attachments::list),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/events/{event}/attachments/{attachment}/",
            get(attachments::detail).delete(attachments::delete),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/erase-user/",
            post(erasure::person),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/ingest-token/",
            post(projects::renew_ingest_token),
        )
}
