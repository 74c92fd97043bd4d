//! Why an event belongs to its issue.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::events::find;
use crate::state::AppState;
use crate::web::auth::Authorized;
use crate::web::error::ApiError;
use crate::web::extract::Names;
use crate::web::present::grouping;

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Authorized,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let whole = find(&state, &caller, &organisation, &name, &id).await?;
    Ok(Json(grouping::info(&whole)?))
}
