//! The HTTP surface: ingest for SDKs, Sentry's management API, Mini Sentry's own API, probes.

use axum::Router;
use axum::routing::MethodRouter;
use http::StatusCode;

use crate::state::AppState;

pub mod access;
pub mod actors;
pub mod api;
pub mod api0;
mod cookie;
pub mod error;
pub mod event_search;
pub mod extract;
pub mod health;
pub mod ingest;
pub mod issue_audit;
pub mod issue_search;
pub mod layers;
pub mod live;
pub mod login;
pub mod openapi;
mod origin;
pub mod paging;
pub mod period;
pub mod present;
pub mod reading;
pub mod releases;

use error::ApiError;
use layers::Group;

/// Returns all routes. They may be nested under any prefix.
pub fn routes(state: AppState) -> Router {
    let group = |routes: Router<AppState>, group| {
        let routes = routes.method_not_allowed_fallback(unknown_method);
        layers::around(routes, group, &state)
    };
    let unknown = Router::new().fallback(unknown_path);
    Router::new()
        .merge(group(ingest::routes(&state.config.http), Group::Ingest))
        .merge(group(api::routes(), Group::Api))
        .merge(group(api0::routes(), Group::Api0))
        .merge(group(login::routes(), Group::Api))
        .merge(group(health::routes(), Group::Health))
        .merge(group(openapi::routes(), Group::Api))
        .merge(layers::around(unknown, Group::Other, &state))
        .with_state(state)
}

/// Routes that are found with a slash at the end and without one, as clients use both.
pub(crate) trait EitherSlash {
    /// Adds `path`, which ends in a slash, in both forms.
    fn either(self, path: &str, methods: MethodRouter<AppState>) -> Self;
}

impl EitherSlash for Router<AppState> {
    fn either(self, path: &str, methods: MethodRouter<AppState>) -> Self {
        let bare = path.trim_end_matches('/');
        let routes = self.route(path, methods.clone());
        if bare.is_empty() || bare == path {
            return routes;
        }
        routes.route(bare, methods)
    }
}

async fn unknown_path() -> ApiError {
    ApiError::not_found()
}

async fn unknown_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HttpConfig;

    #[test]
    fn the_paths_of_all_groups_fit_together() {
        let all = Router::<AppState>::new()
            .merge(ingest::routes(&HttpConfig::default()))
            .merge(api::routes())
            .merge(api0::routes())
            .merge(login::routes())
            .merge(health::routes());
        assert!(all.has_routes());
    }
}
