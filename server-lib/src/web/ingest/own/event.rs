//! Events of Mini Sentry's own API.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use mini_sentry::limits::MAX_EVENT_BYTES;
use mini_sentry::protocol::{Event, Level, Message};
use serde_json::{Value, json};

use super::super::caller::Caller;
use super::super::incoming::{Incoming, check_size};
use super::{by_slug, by_token, count, limited};
use crate::accept::{Receipt, Sender, shipper};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::web::error::ApiError;
use crate::web::present::own::detail;
use crate::web::reading;

/// How long an answer waits for the event's group.
const PATIENCE: Duration = Duration::from_secs(1);

pub(in super::super) async fn event_by_slug(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = by_slug(&state, &slug, &caller, &headers).await?;
    receive(&state, &sender, &caller, incoming).await
}

pub(in super::super) async fn event_by_token(
    State(state): State<AppState>,
    Path(token): Path<String>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = by_token(&state, &token).await?;
    receive(&state, &sender, &caller, incoming).await
}

async fn receive(
    state: &AppState,
    sender: &Sender,
    caller: &Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    count(state, sender.project.id)?;
    let body = incoming.read(state).await?;
    check_size(&body, MAX_EVENT_BYTES)?;
    let event = shipper::own_event(&body, caller.facts.received)
        .map_err(|detail| ApiError::invalid("invalid_event", detail))?;
    let json = serde_json::to_vec(&event)
        .map_err(|_| ApiError::invalid("invalid_event", "the event cannot be written"))?;
    let receipt = state
        .acceptor
        .receive_event(sender, &caller.facts, Bytes::from(json))
        .await
        .map_err(|refusal| limited(&refusal))?;
    let shown = show(state, sender, &receipt, &event, caller.facts.received).await;
    Ok((StatusCode::CREATED, axum::Json(shown)).into_response())
}

/// Shows the event as the lists do. Its group is known once it is digested; an answer that comes
/// before has none.
async fn show(
    state: &AppState,
    sender: &Sender,
    receipt: &Receipt,
    sent: &Event,
    received: Millis,
) -> Value {
    let Some(seq) = receipt.last else {
        return json!({ "event_id": receipt.event_id });
    };
    let project = &sender.project;
    if state
        .progress
        .reached(seq, PATIENCE.max(state.config.http.read_patience))
        .await
        && let Ok(Some(row)) = state.store.events.get(seq).await
        && let Ok(whole) = reading::load(state, row, project).await
    {
        return detail(&whole);
    }
    let timestamp = sent.timestamp.map_or(received, Millis::from).to_rfc3339();
    json!({
        "id": seq,
        "event_id": receipt.event_id,
        "project": project.slug,
        "group": null,
        "message": sent.message.as_ref().map(Message::text),
        "level": sent.level.unwrap_or(Level::Error).as_str(),
        "platform": sent.platform,
        "environment": sent.environment.as_deref().unwrap_or_default(),
        "release": sent.release.as_deref().unwrap_or_default(),
        "timestamp": timestamp,
        "created_at": timestamp,
        "received_at": received.to_rfc3339(),
        "tags": sent.tags,
        "extra": sent.extra,
    })
}
