//! Envelopes: the one endpoint of current SDKs, and the tunnel, where only the envelope itself
//! tells whose it is.

use axum::extract::State;
use axum::response::Response;

use super::answer;
use super::caller::Caller;
use super::incoming::Incoming;
use crate::state::AppState;
use crate::web::error::ApiError;

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let receipt = state
        .acceptor
        .receive_envelope(
            caller.claim,
            &caller.facts,
            incoming.body,
            incoming.encoding.as_deref(),
            incoming.length,
        )
        .await?;
    Ok(answer::with_id(&receipt))
}
