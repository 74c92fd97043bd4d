//! OpenTelemetry's exporters, JSON over HTTP. Their binary form is answered 415, so that it is
//! plain what to set: `OTEL_EXPORTER_OTLP_PROTOCOL=http/json`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mini_sentry::protocol::EventId;
use serde_json::{Value, json};

use super::answer;
use super::caller::Caller;
use super::incoming::{Incoming, check_size};
use crate::accept::otlp::{self, Converted};
use crate::accept::{Receipt, Refusal};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::web::error::ApiError;

/// Bytes of one request.
const MAX_BYTES: usize = 4 * 1024 * 1024;

pub(super) async fn traces(
    state: State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    receive(state, caller, incoming, otlp::spans, "rejectedSpans").await
}

pub(super) async fn logs(
    state: State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    receive(state, caller, incoming, otlp::logs, "rejectedLogRecords").await
}

async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    incoming: Incoming,
    convert: fn(&Value, Millis) -> Converted,
    rejected_name: &'static str,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let is_binary = incoming
        .content_type
        .as_deref()
        .is_some_and(|told| told.contains("protobuf"));
    if is_binary {
        return Err(unsupported());
    }
    let body = incoming.read(&state).await?;
    check_size(&body, MAX_BYTES)?;
    let received = caller.facts.received;
    // A large request takes milliseconds, too long for a thread that answers others.
    let work = tokio::task::spawn_blocking(move || {
        let request: Value = serde_json::from_slice(&body).ok()?;
        Some(convert(&request, received))
    });
    let converted = work.await.ok().flatten().ok_or_else(malformed)?;

    let mut receipt = Receipt::default();
    for event in converted.events {
        let json = serde_json::to_vec(&event).unwrap_or_default();
        receipt = state
            .acceptor
            .receive_event(&sender, &caller.facts, json.into())
            .await?;
    }
    if !converted.items.is_empty() {
        receipt = state
            .acceptor
            .receive_items(&sender, &caller.facts, EventId::nil(), converted.items)
            .await?;
    }
    let told = match converted.rejected {
        0 => json!({}),
        rejected => json!({"partialSuccess": {rejected_name: rejected.to_string()}}),
    };
    let response = (StatusCode::ACCEPTED, axum::Json(told)).into_response();
    Ok(answer::limited(response, &receipt))
}

fn malformed() -> ApiError {
    Refusal::Malformed {
        code: "invalid_json",
        detail: "the body is no JSON".to_owned(),
    }
    .into()
}

fn unsupported() -> ApiError {
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "only JSON is read here; set the exporter's protocol to http/json",
    )
    .for_sdk()
}
