//! Issues: lists, changes of one and of many, and what belongs to one. An issue is found below its
//! organisation and without it, by its number or its short id.

use axum::Router;
use axum::routing::{get, put};

use crate::model::scope::Scope;
use crate::state::AppState;
use crate::web::EitherSlash;

mod activity;
mod apply;
mod bulk;
mod change;
mod detail;
mod events;
mod find;
mod hashes;
mod list;
mod neighbours;
mod show;
mod stats;
mod tags;

pub(super) use find::short_id;
pub(super) use tags::listed as listed_values;

/// What reading issues takes.
const READ: &[Scope] = &[Scope::EventRead];
/// What changing them takes.
const WRITE: &[Scope] = &[Scope::EventWrite];
/// What deleting them takes.
const ADMIN: &[Scope] = &[Scope::EventAdmin];

/// Returns the routes of lists and of many issues at once.
pub(super) fn list_routes() -> Router<AppState> {
    Router::new()
        .either(
            "/api/0/organizations/{organisation}/issues/",
            get(list::of_organisation)
                .put(bulk::change_in_organisation)
                .delete(bulk::delete_in_organisation),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/issues/",
            get(list::of_project)
                .put(bulk::change_in_project)
                .delete(bulk::delete_in_project),
        )
}

/// Returns the routes of one issue, below its organisation.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/",
            get(detail::show).put(detail::update).delete(detail::delete),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/events/",
            get(events::list),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/events/{event}/",
            get(events::detail),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/tags/",
            get(tags::list),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/tags/{key}/",
            get(tags::detail),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/tags/{key}/values/",
            get(tags::values),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/hashes/",
            get(hashes::list).delete(hashes::unmerge),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/comments/",
            get(activity::notes).post(activity::say),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/comments/{note}/",
            put(activity::edit).delete(activity::withdraw),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/notes/",
            get(activity::notes).post(activity::say),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/notes/{note}/",
            put(activity::edit).delete(activity::withdraw),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/activities/",
            get(activity::list),
        )
        .either(
            "/api/0/organizations/{organisation}/issues/{issue}/stats/",
            get(stats::show),
        )
}

/// Returns the routes of one issue, without its organisation.
pub(super) fn plain_routes() -> Router<AppState> {
    Router::new()
        .either(
            "/api/0/issues/{issue}/",
            get(detail::show).put(detail::update).delete(detail::delete),
        )
        .either("/api/0/issues/{issue}/events/", get(events::list))
        .either("/api/0/issues/{issue}/events/{event}/", get(events::detail))
        .either("/api/0/issues/{issue}/tags/", get(tags::list))
        .either("/api/0/issues/{issue}/tags/{key}/", get(tags::detail))
        .either(
            "/api/0/issues/{issue}/tags/{key}/values/",
            get(tags::values),
        )
        .either(
            "/api/0/issues/{issue}/hashes/",
            get(hashes::list).delete(hashes::unmerge),
        )
        .either(
            "/api/0/issues/{issue}/comments/",
            get(activity::notes).post(activity::say),
        )
        .either(
            "/api/0/issues/{issue}/comments/{note}/",
            put(activity::edit).delete(activity::withdraw),
        )
        .either(
            "/api/0/issues/{issue}/notes/",
            get(activity::notes).post(activity::say),
        )
        .either(
            "/api/0/issues/{issue}/notes/{note}/",
            put(activity::edit).delete(activity::withdraw),
        )
        .either("/api/0/issues/{issue}/activities/", get(activity::list))
        .either("/api/0/issues/{issue}/stats/", get(stats::show))
}
