//! Numbers for dashboards: events by level over time, and the groups with the most events.

use axum::Json;
use axum::extract::State;
use mini_sentry::protocol::Level;
use serde_json::{Map, Value, json};

use super::{asked, groups};
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::index::{CountBy, CountKey};
use crate::store::query::{EventFilter, EventQuery, Expr};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;
use crate::web::reading;

const READ: &[Scope] = &[Scope::EventRead];
/// What is asked for when the caller does not say.
const DEFAULT_PERIOD: i64 = Millis::DAY;
/// Intervals of a series at most: a month by hours.
const MAX_INTERVALS: u16 = 750;
/// Groups that are listed when the caller does not say, and at most.
const DEFAULT_GROUPS: usize = 10;
const MAX_GROUPS: usize = 50;
const LEVELS: [Level; 5] = [
    Level::Error,
    Level::Warning,
    Level::Info,
    Level::Fatal,
    Level::Debug,
];

pub(super) async fn series(
    State(state): State<AppState>,
    caller: Access,
    query: Pairs,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(READ)?;
    let projects = asked::projects(&caller, &query)?;
    let times = asked::times(&query, state.clock.now(), DEFAULT_PERIOD)?;
    let series = asked::series(&query, times, MAX_INTERVALS)?;
    let filter = EventFilter {
        projects,
        ..EventFilter::default()
    };
    reading::settle_list(&state).await;
    let counts = state.store.events.series(&filter, series.minutes()).await?;
    let shown = series.starts().zip(&counts).map(|(start, counts)| {
        let mut bucket = Map::new();
        bucket.insert("bucket".to_owned(), json!(start.to_rfc3339()));
        bucket.insert("total".to_owned(), json!(counts.total()));
        for level in LEVELS {
            bucket.insert(level.as_str().to_owned(), json!(counts.of(level)));
        }
        Value::Object(bucket)
    });
    Ok(Json(shown.collect()))
}

pub(super) async fn top_groups(
    State(state): State<AppState>,
    caller: Access,
    query: Pairs,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(READ)?;
    let (start, end) = asked::times(&query, state.clock.now(), DEFAULT_PERIOD)?;
    let limit = query.parsed("limit")?.unwrap_or(DEFAULT_GROUPS);
    let question = EventQuery {
        projects: asked::projects(&caller, &query)?,
        filter: Expr::everything(),
        times: Some(start..=end),
        after: None,
        limit: 0,
    };
    reading::settle_search(&state).await;
    let found = state.store.index.count(&question, CountBy::Issue).await?;
    let top: Vec<_> = found
        .counts
        .into_iter()
        .filter_map(|(key, events)| match key {
            CountKey::Issue(issue) => Some((issue, events)),
            _ => None,
        })
        .take(limit.clamp(1, MAX_GROUPS))
        .collect();
    let ids: Vec<_> = top.iter().map(|(issue, _)| *issue).collect();
    let issues = state.store.issues.get(&ids).await?;
    let mut shown = groups::show(&state, &caller, &issues).await?;
    for group in &mut shown {
        let id = group.get("id").and_then(Value::as_u64);
        let events = top.iter().find(|(issue, _)| Some(issue.0) == id);
        if let (Value::Object(group), Some((_, events))) = (group, events) {
            group.insert("events_in_range".to_owned(), json!(events));
        }
    }
    Ok(Json(shown))
}
