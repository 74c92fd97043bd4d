//! Reports that browsers send of their own accord.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::limits::MAX_EVENT_BYTES;
use mini_sentry::protocol::EventId;

use super::answer;
use super::caller::Caller;
use super::incoming::{Incoming, check_size};
use crate::accept::security::{Site, events};
use crate::accept::{OfferedItem, Receipt, Refusal};
use crate::state::AppState;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    query: Pairs,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let body = incoming.read(&state).await?;
    check_size(&body, MAX_EVENT_BYTES)?;
    let site = Site {
        release: query.first("sentry_release").map(str::to_owned),
        environment: query.first("sentry_environment").map(str::to_owned),
    };
    let events = events(&body, &site).ok_or_else(unknown)?;
    let mut receipt = Receipt::default();
    for event in events {
        let json = Bytes::from(event.to_string());
        receipt = state
            .acceptor
            .receive_event(&sender, &caller.facts, json)
            .await?;
    }
    Ok(answer::status(StatusCode::CREATED, &receipt))
}

/// Counts reports of failed requests; nothing shows them.
pub(super) async fn receive_nel(
    State(state): State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let body = incoming.read(&state).await?;
    check_size(&body, MAX_EVENT_BYTES)?;
    let reports: Vec<serde::de::IgnoredAny> =
        serde_json::from_slice(&body).map_err(|_| unknown())?;
    let mut header = ItemHeader::new(ItemKind::Nel);
    header.item_count = u64::try_from(reports.len()).ok();
    let item = OfferedItem {
        header,
        payload: body.clone(),
    };
    let receipt = state
        .acceptor
        .receive_items(&sender, &caller.facts, EventId::nil(), vec![item])
        .await?;
    Ok(answer::status(StatusCode::OK, &receipt))
}

fn unknown() -> ApiError {
    Refusal::Malformed {
        code: "unknown_report",
        detail: "the body is no report that is known".to_owned(),
    }
    .into()
}
