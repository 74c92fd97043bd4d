//! Sums of sessions, split by project, release, environment and how they ended: the interface of
//! sessions, and the one of metrics, which dashboards still ask. Both know the same fields.
//!
//! People are counted exactly up to a bound and then estimated, see `docs/storage.md`.

mod answer;
pub(super) mod measure;
mod question;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use self::question::Question;
use super::stats;
use crate::error::{Error, ErrorKind};
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};
use crate::web::reading;
use crate::web::releases::READ;

/// Answers in the interface of sessions.
pub(super) async fn sums(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    let (question, mut shown) =
        answer(&state, &caller, &organisation, &query, "sum(session)").await?;
    shown.insert("query".to_owned(), json!(question.search));
    Ok(Json(Value::Object(shown)))
}

/// Answers in the interface of metrics.
pub(super) async fn metrics(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    let (_, shown) = answer(&state, &caller, &organisation, &query, "session.all").await?;
    Ok(Json(Value::Object(shown)))
}

async fn answer(
    state: &AppState,
    caller: &Access,
    organisation: &str,
    query: &Pairs,
    default: &str,
) -> Result<(Question, Map<String, Value>), ApiError> {
    caller.require(READ)?;
    caller.organisation(organisation)?;
    let question = Question::of(query, state.clock.now(), default)?;
    let filter = question.filter(stats::projects(caller, query)?);
    reading::settle_list(state).await;
    let rows = state.store.releases.health(&filter).await;
    let shown = question.answer(rows.map_err(refused)?)?;
    Ok((question, shown))
}

fn refused(error: Error) -> ApiError {
    match error.kind() {
        ErrorKind::Invalid => ApiError::invalid("too_many_groups", error.to_string()),
        _ => ApiError::from(error),
    }
}
