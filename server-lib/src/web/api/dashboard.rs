//! Numbers for dashboards: events by level over time, and the groups with the most events.

use axum::Json;
use axum::extract::State;
use mini_sentry::protocol::Level;
use serde_json::{Map, Value, json};

use super::{asked, groups};
use crate::model::ids::ProjectId;
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::index::{CountBy, CountKey};
use crate::store::query::{EventFilter, EventPredicate, EventQuery, Expr, TagTest, TextPattern};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;
use crate::web::present::series::{HOUR, Series};
use crate::web::reading;

const READ: &[Scope] = &[Scope::EventRead];
/// What is asked for when the caller does not say.
const DEFAULT_PERIOD: i64 = Millis::DAY;
/// Intervals of a series at most: a month by hours.
const MAX_INTERVALS: u16 = 750;
/// Intervals that are shorter than an hour, of which each is counted on its own.
const MAX_SHORT: u16 = 300;
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
    let is_by_hours = series.step() % HOUR == 0;
    if !is_by_hours {
        asked::series(&query, times, MAX_SHORT)?;
    }
    let mut counts = vec![[0_u64; LEVELS.len()]; series.len()];
    if is_by_hours {
        reading::settle_search(&state).await;
        by_hours(&state, &projects, &series, &mut counts).await?;
    } else {
        reading::settle_list(&state).await;
        by_minutes(&state, &projects, &series, &mut counts).await?;
    }
    let shown = series.starts().zip(&counts).map(|(start, counts)| {
        let total = counts.iter().fold(0_u64, |sum, it| sum.saturating_add(*it));
        let mut bucket = Map::new();
        bucket.insert("bucket".to_owned(), json!(start.to_rfc3339()));
        bucket.insert("total".to_owned(), json!(total));
        for (level, count) in LEVELS.iter().zip(counts) {
            bucket.insert(level.as_str().to_owned(), json!(count));
        }
        Value::Object(bucket)
    });
    Ok(Json(shown.collect()))
}

/// Counts whole hours: the index has them.
async fn by_hours(
    state: &AppState,
    projects: &[ProjectId],
    series: &Series,
    counts: &mut [[u64; LEVELS.len()]],
) -> Result<(), ApiError> {
    for (column, level) in LEVELS.iter().enumerate() {
        let value = TagTest::Value(TextPattern::Equals(level.as_str().to_owned()));
        let question = EventQuery {
            projects: projects.to_vec(),
            filter: Expr::Is(EventPredicate::Tag("level".to_owned(), value)),
            times: Some(series.times()),
            after: None,
            limit: 0,
        };
        let found = state.store.index.count(&question, CountBy::Hour).await?;
        for (key, events) in found.counts {
            let CountKey::Hour(at) = key else { continue };
            let row = series.place(at).and_then(|place| counts.get_mut(place));
            if let Some(count) = row.and_then(|row| row.get_mut(column)) {
                *count = count.saturating_add(events);
            }
        }
    }
    Ok(())
}

/// Counts each interval; levels only where there are events.
async fn by_minutes(
    state: &AppState,
    projects: &[ProjectId],
    series: &Series,
    counts: &mut [[u64; LEVELS.len()]],
) -> Result<(), ApiError> {
    for (start, row) in series.starts().zip(counts) {
        let mut filter = EventFilter {
            projects: projects.to_vec(),
            times: Some(start..=start.plus(series.step()).plus(-1)),
            ..EventFilter::default()
        };
        let mut left = state.store.events.count(&filter).await?;
        for (level, count) in LEVELS.iter().zip(row) {
            if left == 0 {
                break;
            }
            filter.levels = vec![*level];
            *count = state.store.events.count(&filter).await?;
            left = left.saturating_sub(*count);
        }
    }
    Ok(())
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
