//! OpenTelemetry's exporters over HTTP, with JSON or with protocol buffers.

mod answer;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use mini_sentry::protocol::{Event, EventId};
use tokio::task::JoinSet;

use self::answer::{Answered, Rejected};
use super::caller::Caller;
use super::incoming::{Incoming, check_size};
use crate::accept::otlp::{self, Converted, Format, Unreadable};
use crate::accept::{Receipt, Refusal, RequestFacts, Sender};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::web::error::ApiError;

/// Bytes of one request.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How many times its own size a request takes while it is converted.
const CONVERTED_RATIO: usize = 4;
/// Events that are on their way to disk at the same time.
const BATCH: usize = 32;

type Convert = fn(&[u8], Format, Millis) -> Result<Converted, Unreadable>;

pub(super) async fn traces(
    State(state): State<AppState>,
    caller: Result<Caller, ApiError>,
    incoming: Incoming,
) -> Response {
    let format = format(&incoming);
    let answer = receive(&state, caller, incoming, format, otlp::spans).await;
    Answered(answer, Rejected::Spans).in_format(format)
}

pub(super) async fn logs(
    State(state): State<AppState>,
    caller: Result<Caller, ApiError>,
    incoming: Incoming,
) -> Response {
    let format = format(&incoming);
    let answer = receive(&state, caller, incoming, format, otlp::logs).await;
    Answered(answer, Rejected::LogRecords).in_format(format)
}

/// Returns how the request is written, by its media type. `None` for one that is neither.
fn format(incoming: &Incoming) -> Option<Format> {
    let told = incoming.content_type.as_deref().unwrap_or_default();
    let told = told.to_ascii_lowercase();
    if told.contains("protobuf") {
        Some(Format::Protobuf)
    } else if told.is_empty() || told.contains("json") {
        Some(Format::Json)
    } else {
        None
    }
}

async fn receive(
    state: &AppState,
    caller: Result<Caller, ApiError>,
    incoming: Incoming,
    format: Option<Format>,
    convert: Convert,
) -> Result<(u64, Receipt), ApiError> {
    let caller = caller?;
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let format = format.ok_or_else(unsupported)?;
    let mut body = incoming.read(state).await?;
    check_size(&body, MAX_BYTES)?;
    body.reserve(body.len().saturating_mul(CONVERTED_RATIO))
        .await?;
    let received = caller.facts.received;
    let bytes = body.clone();
    // A large request takes milliseconds, too long for a thread that answers others.
    let work = tokio::task::spawn_blocking(move || convert(&bytes, format, received));
    let converted = work.await.map_err(|_| Refusal::Busy)?.map_err(malformed)?;

    // Items come last: events that are sent again have their ids, items have none.
    let mut receipt = store_events(state, &sender, &caller.facts, converted.events).await?;
    if !converted.items.is_empty() {
        let stored = state
            .acceptor
            .receive_items(&sender, &caller.facts, EventId::nil(), converted.items)
            .await?;
        receipt.limits.extend(stored.limits);
    }
    Ok((converted.rejected, receipt))
}

/// Stores the exceptions. A limit on events does not hold back the entries that they came with.
async fn store_events(
    state: &AppState,
    sender: &Sender,
    facts: &RequestFacts,
    events: Vec<Event>,
) -> Result<Receipt, Refusal> {
    let mut told = Receipt::default();
    let mut events = events.into_iter();
    loop {
        // A batch shares the journal's write; one after the other would take a write each.
        let mut batch = JoinSet::new();
        for event in events.by_ref().take(BATCH) {
            let acceptor = Arc::clone(&state.acceptor);
            let (sender, facts) = (sender.clone(), facts.clone());
            batch.spawn(async move {
                let json = serde_json::to_vec(&event).unwrap_or_default();
                acceptor.receive_event(&sender, &facts, json.into()).await
            });
        }
        if batch.is_empty() {
            return Ok(told);
        }
        for result in batch.join_all().await {
            match result {
                Ok(receipt) => told.limits.extend(receipt.limits),
                Err(Refusal::RateLimited(limits)) => told.limits = limits,
                Err(refusal) => return Err(refusal),
            }
        }
    }
}

fn malformed(unreadable: Unreadable) -> Refusal {
    Refusal::Malformed {
        code: unreadable.code(),
        detail: unreadable.to_string(),
    }
}

fn unsupported() -> ApiError {
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "requests are application/x-protobuf or application/json",
    )
    .for_sdk()
}
