//! Releases, and how healthy their sessions are.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked;
use crate::model::release::NewRelease;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::health::Split;
use crate::store::query::ReleaseFilter;
use crate::store::{Health, HealthFilter, HealthRow};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Pairs};
use crate::web::paging::{Listed, Part, Place};
use crate::web::period::{between, moment};
use crate::web::present::own_release;
use crate::web::reading;
use crate::web::releases::{READ, Told, WRITE, put_action, version};

/// Health is told of so long a time when the caller does not say.
const DEFAULT_PERIOD: i64 = 90 * Millis::DAY;
/// A series is of so long a time when the caller does not say.
const DEFAULT_SERIES: i64 = Millis::DAY;
/// Intervals of a series at most.
const MAX_INTERVALS: u16 = 2_000;
/// Releases in environments of projects at most.
const MAX_GROUPS: usize = 50_000;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let part = Part::of(&query)?;
    let filter = ReleaseFilter {
        projects: asked::projects(&caller, &query)?,
        text: query.first("q").unwrap_or_default().trim().to_lowercase(),
        created: between(moment(&query, "from")?, moment(&query, "to")?)?,
        is_archived: None,
    };
    reading::settle_list(&state).await;
    let found = state.store.releases.list(&filter, asked::page(&part));
    let mut found = found.await?;
    let (next, has_more) = asked::cut(&part, &mut found);
    let shown = found.iter().filter_map(|release| {
        let project = caller.project_by_id(release.project)?;
        Some(own_release::release(release, project))
    });
    let place = Place {
        base: &base,
        path: "/api/releases/",
        query: &query,
    };
    Ok(Listed::new(shown.collect(), &part, next, has_more, &place))
}

/// A release to make known.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    project: Value,
    version: String,
    #[serde(flatten)]
    told: Told,
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Access,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(WRITE)?;
    let project = asked::project(&caller, &wanted.project)?;
    let release = NewRelease {
        project,
        version: version(&wanted.version)?,
        at: state.clock.now(),
        change: wanted.told.change()?,
    };
    let (made, is_new) = state.store.releases.put(release).await?;
    let action = put_action(is_new);
    caller
        .note(&state, action, &made.version, Some(project))
        .await;
    let project = caller.project_by_id(project);
    let project = project.ok_or_else(ApiError::not_found)?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(own_release::release(&made, project))))
}

pub(super) async fn health(
    State(state): State<AppState>,
    caller: Access,
    query: Pairs,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(READ)?;
    let (start, end) = asked::times(&query, state.clock.now(), DEFAULT_PERIOD)?;
    let filter = filter(&caller, &query, start, end)?;
    reading::settle_list(&state).await;
    let rows = state.store.releases.health(&filter).await?;
    let show = |row: &HealthRow| {
        let project = caller.project_by_id(row.project?)?;
        Some(own_release::health(row, project))
    };
    Ok(Json(rows.iter().filter_map(show).collect()))
}

pub(super) async fn health_series(
    State(state): State<AppState>,
    caller: Access,
    query: Pairs,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(READ)?;
    let times = asked::times(&query, state.clock.now(), DEFAULT_SERIES)?;
    let series = asked::series(&query, times, MAX_INTERVALS)?;
    let mut filter = filter(
        &caller,
        &query,
        *series.times().start(),
        *series.times().end(),
    )?;
    let minutes = series.step() / Millis::MINUTE;
    filter.interval_minutes = u32::try_from(minutes).ok();
    filter.by = Split::default();
    reading::settle_list(&state).await;
    let rows = state.store.releases.health(&filter).await?;
    let mut sums = vec![Health::default(); series.len()];
    for (at, health) in rows.iter().flat_map(|row| &row.series) {
        if let Some(sum) = series.place(*at).and_then(|at| sums.get_mut(at)) {
            *sum = *health;
        }
    }
    let shown = series.starts().zip(&sums).map(|(start, sum)| {
        let mut shown = own_release::totals(sum);
        if let Value::Object(shown) = &mut shown {
            shown.insert("bucket".to_owned(), json!(start.to_rfc3339()));
        }
        shown
    });
    Ok(Json(shown.collect()))
}

fn filter(
    caller: &Access,
    query: &Pairs,
    start: Millis,
    end: Millis,
) -> Result<HealthFilter, ApiError> {
    let texts = |key| query.all(key).map(str::to_owned);
    Ok(HealthFilter {
        projects: asked::projects(caller, query)?,
        times: start..=end,
        releases: texts("version").chain(texts("release")).collect(),
        environments: texts("environment").collect(),
        interval_minutes: None,
        by: Split::ALL,
        with_detail: true,
        most_groups: MAX_GROUPS,
    })
}
