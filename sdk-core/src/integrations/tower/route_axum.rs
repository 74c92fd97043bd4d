//! The route that axum found for a request.

use axum::extract::MatchedPath;
use http::Extensions;

/// Such as `/articles/{id}`.
pub(super) fn route(extensions: &Extensions) -> Option<&str> {
    extensions.get::<MatchedPath>().map(MatchedPath::as_str)
}
