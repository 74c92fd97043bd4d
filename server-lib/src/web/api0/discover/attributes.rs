//! Which attributes the items of traces have.

use axum::extract::State;
use serde_json::Value;

use super::READ;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::api0::stats;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Listed, Place};

/// Lists none: spans and logs are kept whole and not by attribute.
pub(super) async fn list(
    State(_): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    stats::projects(&caller, &query)?;
    let place = Place {
        base: &base,
        path: &format!("/api/0/organizations/{organisation}/trace-items/attributes/"),
        query: &query,
    };
    Listed::whole(Vec::new(), &query, &place)
}
