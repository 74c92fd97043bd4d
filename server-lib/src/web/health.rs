//! Probes and metrics.
//!
//! Probes are open to all and tell nothing but yes or no. Metrics go to programs on this machine
//! that come without a proxy, and to those who may read the organisation and see all its projects.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use mini_sentry::ratelimit::DataCategory;
use serde_json::{Value, json};

use super::EitherSlash;
use super::access::{Access, missing};
use super::error::ApiError;
use super::extract::{is_forwarded, peer};
use crate::metrics::{IssueLabels, Looked};
use crate::model::outcome::Outcome;
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::{OutcomeFilter, OutcomeRow};

const PROMETHEUS_TEXT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// How long the store may take to answer a probe.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// The error rate is taken over so many minutes.
const RATE_MINUTES: i64 = 5;

/// Returns the routes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .either("/api/health/", get(is_live))
        .either("/_health/", get(is_live))
        .either("/api/relay/healthcheck/live/", get(is_live))
        .either("/api/relay/healthcheck/ready/", get(is_ready))
        .either("/metrics/", get(metrics))
}

async fn is_live() -> Json<Value> {
    Json(json!({ "ok": true }))
}

/// Ready means: what is sent now is taken, and what is asked now is answered.
async fn is_ready(State(state): State<AppState>) -> Response {
    let takes = state.journal.state().trouble.is_none();
    let version = tokio::time::timeout(STORE_PATIENCE, state.store.catalog.version()).await;
    let answers = matches!(version, Ok(Ok(_)));
    let status = if takes && answers {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "ok": takes && answers, "journal": takes, "store": answers });
    (status, Json(body)).into_response()
}

async fn metrics(State(state): State<AppState>, mut parts: Parts) -> Result<Response, ApiError> {
    let is_local = peer(&parts).is_some_and(|peer| peer.to_canonical().is_loopback())
        && !is_forwarded(&parts.headers);
    match Access::of(&state, &mut parts).await? {
        Some(caller) => {
            caller.require(&[Scope::OrgRead])?;
            // They are about all projects.
            caller.require_everything()?;
        }
        None if is_local => {}
        None => return Err(missing()),
    }
    let looked = Looked {
        error_rate: error_rate(&state).await,
        issues: issues(&state).await,
    };
    let text = state.metrics.to_text(looked);
    Ok(([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], text).into_response())
}

/// Returns how many issues there are; `None` when the store does not tell.
async fn issues(state: &AppState) -> Option<Vec<(IssueLabels, u64)>> {
    let totals = tokio::time::timeout(STORE_PATIENCE, state.store.issues.totals());
    let totals = totals.await.ok()?.ok()?;
    let view = state.catalog.view();
    let labelled = totals.into_iter().filter_map(|total| {
        let labels = IssueLabels {
            project: view.project(total.project)?.slug.clone(),
            level: total.level.as_str(),
            status: total.status.as_str(),
        };
        Some((labels, total.issues))
    });
    Some(labelled.collect())
}

/// Returns how many errors a second were accepted in the last minutes; `None` when the store does
/// not tell.
async fn error_rate(state: &AppState) -> Option<f64> {
    let now = state.clock.now();
    let view = state.catalog.view();
    let filter = OutcomeFilter {
        projects: view.projects().iter().map(|project| project.id).collect(),
        times: now.plus(-RATE_MINUTES * Millis::MINUTE)..=now,
        interval_minutes: 1,
    };
    let rows = state.store.stats.outcomes(&filter);
    let rows = tokio::time::timeout(STORE_PATIENCE, rows)
        .await
        .ok()?
        .ok()?;
    let is_error =
        |row: &&OutcomeRow| row.outcome == Outcome::Accepted && row.category == DataCategory::Error;
    let errors: u64 = rows.iter().filter(is_error).map(|row| row.quantity).sum();
    #[expect(clippy::cast_precision_loss, reason = "a rate is not exact anyway")]
    let rate = errors as f64 / (RATE_MINUTES * 60) as f64;
    Some(rate)
}
