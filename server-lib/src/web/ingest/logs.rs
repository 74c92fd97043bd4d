//! Log entries as JSON, from any shipper: one object, an array, or one on each line.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use tokio::task::JoinSet;

use super::answer;
use super::caller::Caller;
use super::incoming::Incoming;
use crate::accept::{Receipt, Refusal, RequestFacts, Sender, shipper};
use crate::state::AppState;
use crate::web::error::ApiError;

/// Entries of one request.
const MAX_ENTRIES: usize = 1000;
/// Bytes of one request.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Errors that are told of one request.
const MAX_ERRORS: usize = 10;
/// Entries that are on their way to disk at the same time.
const BATCH: usize = 32;

/// What became of the entries of a request.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    accepted: usize,
    rejected: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Failed>,
    #[serde(skip)]
    last: Receipt,
}

#[derive(Debug, Serialize)]
struct Failed {
    index: usize,
    reason: String,
}

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let body = incoming.read(&state).await?;
    super::incoming::check_size(&body, MAX_BYTES)?;
    let tally = take(&state, &sender, &caller.facts, &body).await?;
    Ok(tally.answer())
}

/// Takes the entries of a body, each for itself. It is an error only when the server's state or a
/// limit was the reason that nothing could be stored.
pub(super) async fn take(
    state: &AppState,
    sender: &Sender,
    facts: &RequestFacts,
    body: &[u8],
) -> Result<Tally, ApiError> {
    let split = shipper::split(body, MAX_ENTRIES);
    let mut tally = Tally {
        rejected: split.excess,
        ..Tally::default()
    };
    if split.excess > 0 {
        tally.tell(MAX_ENTRIES, "too many entries in one request".to_owned());
    }
    let mut refusal = None;
    let mut entries = split.entries.into_iter().enumerate();
    loop {
        // A batch shares the journal's write; one after the other would take a write each.
        let mut batch = JoinSet::new();
        let mut is_end = true;
        for (index, entry) in entries.by_ref().take(BATCH) {
            is_end = false;
            let Ok(fields) = serde_json::from_slice(entry) else {
                tally.reject(index, "not a JSON object".to_owned());
                continue;
            };
            let event = shipper::event(fields, facts.received);
            let acceptor = Arc::clone(&state.acceptor);
            let (sender, facts) = (sender.clone(), facts.clone());
            batch.spawn(async move {
                let json = serde_json::to_vec(&event).map_err(|_| (index, unwritable()))?;
                let receipt = acceptor.receive_event(&sender, &facts, json.into()).await;
                receipt.map_err(|refusal| (index, refusal))
            });
        }
        if is_end {
            break;
        }
        for result in batch.join_all().await {
            match result {
                Ok(receipt) => {
                    tally.accepted = tally.accepted.saturating_add(1);
                    tally.last = receipt;
                }
                Err((index, failed)) => {
                    tally.reject(index, failed.to_string());
                    refusal = Some(failed);
                }
            }
        }
    }
    match refusal {
        Some(refusal) if tally.accepted == 0 => return Err(refusal.into()),
        Some(Refusal::RateLimited(limits)) => tally.last.limits = limits,
        _ => {}
    }
    Ok(tally)
}

impl Tally {
    fn reject(&mut self, index: usize, reason: String) {
        self.rejected = self.rejected.saturating_add(1);
        self.tell(index, reason);
    }

    fn tell(&mut self, index: usize, reason: String) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(Failed { index, reason });
        }
    }

    /// Answers with the counts.
    pub(super) fn answer(mut self) -> Response {
        self.errors.sort_by_key(|failed| failed.index);
        let status = if self.accepted == 0 && self.rejected > 0 {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        answer::limited((status, axum::Json(&self)).into_response(), &self.last)
    }

    /// Answers for one entry as for one event, which is what senders to the store endpoint expect.
    pub(super) fn answer_as_event(self) -> Response {
        if self.accepted == 1 && self.rejected == 0 {
            return answer::with_id(&self.last);
        }
        self.answer()
    }
}

fn unwritable() -> Refusal {
    Refusal::Malformed {
        code: "unwritable_event",
        detail: "no event can be made of the entry".to_owned(),
    }
}
