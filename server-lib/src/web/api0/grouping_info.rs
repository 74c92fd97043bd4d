//! Why an event belongs to its issue.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::events::find;
use crate::facts::{FrameRules, Scan};
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::Names;
use crate::web::present::grouping;

/// Groups the event once more, by the rules that its project has now, and tells how.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let whole = find(&state, &caller, &organisation, &name, &id).await?;
    let rules = FrameRules::from_settings(&whole.project.settings);
    let scan = Scan::read(&whole.record.body);
    let scan =
        scan.map_err(|_| ApiError::invalid("unreadable_event", "the event is not readable"))?;
    let explanation = rules.grouping.explain(&scan, &rules);
    Ok(Json(grouping::info(&explanation)))
}
