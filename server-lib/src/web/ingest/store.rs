//! One event as JSON: old SDKs, log shippers, and the pixel of ancient browsers.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::caller::Caller;
use super::incoming::Incoming;
use super::{answer, logs};
use crate::accept::shipper;
use crate::state::AppState;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;

/// A transparent GIF of one dot.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\
    \x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;";

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let body = incoming.read(&state).await?;
    let body = state.acceptor.unpack_store(body)?;
    if shipper::is_log(&body) {
        let tally = logs::take(&state, &sender, &caller.facts, &body).await?;
        return Ok(tally.answer_as_event());
    }
    let receipt = state
        .acceptor
        .receive_event(&sender, &caller.facts, body.clone())
        .await?;
    Ok(answer::with_id(&receipt))
}

pub(super) async fn pixel(
    State(state): State<AppState>,
    caller: Caller,
    query: Pairs,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let data = query.first("sentry_data").ok_or_else(|| {
        ApiError::invalid("missing_event", "the query has no sentry_data").for_sdk()
    })?;
    let is_json = data.trim_start().starts_with('{');
    // In base64 a plus that was not escaped has become a blank.
    let data = if is_json {
        data.to_owned()
    } else {
        data.replace(' ', "+")
    };
    let body = Body::from(data);
    let body = state.acceptor.read_body(body, None, None).await?;
    let body = state.acceptor.unpack_store(body)?;
    let receipt = state
        .acceptor
        .receive_event(&sender, &caller.facts, body.clone())
        .await?;
    let gif = ([(header::CONTENT_TYPE, "image/gif")], PIXEL).into_response();
    Ok(answer::limited(gif, &receipt))
}
