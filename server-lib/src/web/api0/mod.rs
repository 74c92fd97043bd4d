//! Sentry's management API, as far as Mini Sentry has what it manages.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};

use super::EitherSlash;
use crate::state::AppState;

mod account;
mod attachments;
mod audit;
mod discover;
mod erasure;
mod events;
mod grouping_info;
mod issues;
mod keys;
mod members;
mod organisations;
pub(super) mod project_settings;
pub(super) mod projects;
mod release_health;
mod releases;
mod root;
mod sessions;
mod stats;
mod tags;
mod teams;
mod tokens;
mod totals;

/// The largest body of a request here.
const MAX_BODY: usize = 1024 * 1024;

/// Returns the routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/", get(root::root))
        .merge(account_routes())
        .merge(organisation_routes())
        .merge(people_routes())
        .merge(project_routes())
        .merge(releases::routes())
        .merge(discover::routes())
        .merge(issues::list_routes())
        .merge(issues::routes())
        .merge(issues::plain_routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

fn account_routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/users/me/", get(account::show).put(account::update))
        .either("/api/0/users/me/regions/", get(root::regions))
        .either("/api/0/users/me/password/", put(account::set_password))
        .either(
            "/api/0/users/me/logins/",
            get(account::logins).delete(account::end_others),
        )
        .either("/api/0/users/me/logins/{login}/", delete(account::end))
}

fn people_routes() -> Router<AppState> {
    Router::new()
        .either(
            "/api/0/organizations/{organisation}/members/",
            get(members::list).post(members::invite),
        )
        .either(
            "/api/0/organizations/{organisation}/members/{member}/",
            get(members::detail)
                .put(members::update)
                .delete(members::remove),
        )
        .either(
            "/api/0/organizations/{organisation}/members/{member}/teams/{team}/",
            post(members::join).delete(members::leave),
        )
        .either(
            "/api/0/organizations/{organisation}/teams/",
            get(teams::list).post(teams::create),
        )
        .either(
            "/api/0/organizations/{organisation}/audit-logs/",
            get(audit::list),
        )
        .either(
            "/api/0/teams/{organisation}/{team}/",
            get(teams::detail).put(teams::update).delete(teams::delete),
        )
        .either(
            "/api/0/teams/{organisation}/{team}/members/",
            get(teams::members),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/members/",
            get(members::of_project),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/teams/",
            get(teams::of_project),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/teams/{team}/",
            post(teams::add_project).delete(teams::remove_project),
        )
}

fn organisation_routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/organizations/", get(organisations::list))
        .either(
            "/api/0/organizations/{organisation}/",
            get(organisations::detail).put(organisations::update),
        )
        .either(
            "/api/0/organizations/{organisation}/region/",
            get(organisations::region),
        )
        .either(
            "/api/0/organizations/{organisation}/repos/",
            get(organisations::repositories),
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
            "/api/0/organizations/{organisation}/stats-summary/",
            get(totals::summary),
        )
        .either(
            "/api/0/organizations/{organisation}/sessions/",
            get(sessions::sums),
        )
        .either(
            "/api/0/organizations/{organisation}/metrics/data/",
            get(sessions::metrics),
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
            "/api/0/projects/{organisation}/{project}/stats/",
            get(totals::of_project),
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
