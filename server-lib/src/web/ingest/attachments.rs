//! Files that come after their event.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::protocol::EventId;
use serde::Deserialize;

use super::answer;
use super::caller::Caller;
use super::incoming::Incoming;
use super::multipart::{self, Part};
use crate::accept::{OfferedItem, Refusal};
use crate::state::AppState;
use crate::web::error::ApiError;

#[derive(Debug, Deserialize)]
pub(super) struct Names {
    event_id: String,
}

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    Path(Names { event_id }): Path<Names>,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let event_id: EventId = event_id
        .parse()
        .map_err(|_| ApiError::not_found().for_sdk())?;
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let content_type = incoming.content_type.clone();
    let body = incoming.read(&state).await?;
    let parts = multipart::parse(content_type.as_deref(), &body)
        .filter(|parts| !parts.is_empty())
        .ok_or_else(malformed)?;
    let items = parts.into_iter().map(|part| item(part, None)).collect();
    let receipt = state
        .acceptor
        .receive_items(&sender, &caller.facts, event_id, items)
        .await?;
    Ok(answer::status(StatusCode::CREATED, &receipt))
}

/// Makes the attachment of a part; `role` as in an envelope.
pub(super) fn item(part: Part, role: Option<&str>) -> OfferedItem {
    let mut header = ItemHeader::new(ItemKind::Attachment);
    header.filename = Some(part.filename.unwrap_or(part.name)).filter(|name| !name.is_empty());
    header.content_type = part.content_type;
    header.attachment_type = role.map(str::to_owned);
    OfferedItem {
        header,
        payload: part.content,
    }
}

pub(super) fn malformed() -> ApiError {
    Refusal::Malformed {
        code: "malformed_form",
        detail: "the body is no form with files".to_owned(),
    }
    .into()
}
