//! Probes and metrics.
//!
//! Probes are open to all and tell nothing but yes or no. Metrics go to programs on this machine
//! that come without a proxy, and to tokens that may read the organisation.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::EitherSlash;
use super::auth::{Authorized, bearer, missing};
use super::error::ApiError;
use super::extract::{is_forwarded, peer};
use crate::model::scope::Scope;
use crate::state::AppState;

const PROMETHEUS_TEXT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// How long the store may take to answer a probe.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

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

async fn metrics(State(state): State<AppState>, parts: Parts) -> Result<Response, ApiError> {
    let is_local = peer(&parts).is_some_and(|peer| peer.to_canonical().is_loopback())
        && !is_forwarded(&parts.headers);
    match bearer(&parts.headers) {
        Some(text) => Authorized::from_text(&state, text)
            .await?
            .require(&[Scope::OrgRead])?,
        None if is_local => {}
        None => return Err(missing()),
    }
    let text = state.metrics.to_text();
    Ok(([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], text).into_response())
}
