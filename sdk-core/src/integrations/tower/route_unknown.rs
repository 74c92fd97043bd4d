//! Routes without a router that we know.

use http::Extensions;

/// None.
pub(super) const fn route(_extensions: &Extensions) -> Option<&str> {
    None
}
