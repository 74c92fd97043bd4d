//! The audit log: who did what, on what, when and from where.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::model::ids::AuditId;
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};
use crate::web::paging::MAX_PAGE;
use crate::web::present::person;

/// Lists entries, newest first. The next part begins below `before`.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    let organisation = caller.organisation(&name)?.id;
    caller.require(&[Scope::OrgWrite])?;
    caller.require_everything()?;
    let before: Option<AuditId> = query.parsed("before")?;
    let limit: u64 = query.parsed("per_page")?.unwrap_or(MAX_PAGE);
    let found = state
        .people
        .store()
        .audit(organisation, before, limit.clamp(1, MAX_PAGE))
        .await?;
    let rows: Vec<_> = found.iter().map(person::audit_entry).collect();
    Ok(Json(json!({ "rows": rows, "options": [] })))
}
