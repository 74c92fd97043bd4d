//! Mini Sentry's own ingest API: events and sessions as plain JSON.
//!
//! The address with an ingest token needs nothing else. The address with a project's slug wants a
//! proof: an API token with `event:write` or `project:write`, the project's ingest token as bearer
//! token, or a key of the project in the forms that Sentry's endpoints take.

mod event;
mod session;

use std::sync::Arc;

use http::{HeaderMap, StatusCode};

pub(super) use event::{event_by_slug, event_by_token};
pub(super) use session::session_by_token;

use super::caller::Caller;
use crate::accept::{Refusal, Sender};
use crate::model::ids::ProjectId;
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::web::access::{Access, bearer, missing};
use crate::web::error::ApiError;

/// Finds the project of an ingest token, also of one that is younger than the catalogue in memory.
async fn by_token(state: &AppState, token: &str) -> Result<Sender, ApiError> {
    let mut admitted = state.acceptor.admit_token(token);
    if admitted.is_err() && state.catalog.refresh_missed().await {
        admitted = state.acceptor.admit_token(token);
    }
    admitted.map_err(|_| ApiError::not_found())
}

/// Finds the project of a slug for a caller that may write to it.
async fn by_slug(
    state: &AppState,
    slug: &str,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Sender, ApiError> {
    if let Some(token) = bearer(headers) {
        if let Ok(sender) = state.acceptor.admit_token(token) {
            return named(sender, slug);
        }
        let authorized = Access::from_text(state, token).await?;
        authorized.require(&[Scope::EventWrite, Scope::ProjectWrite])?;
        let project = Arc::clone(authorized.project_by_name(slug)?);
        return Ok(Sender { project, key: None });
    }
    if caller.claim.public_key.is_some() {
        let sender = state.acceptor.admit_fresh(&caller.claim).await?;
        return named(sender, slug);
    }
    Err(missing())
}

/// Insists that the proof is of the project that the address names.
fn named(sender: Sender, slug: &str) -> Result<Sender, ApiError> {
    let is_named = sender.project.slug == slug || slug.parse() == Ok(sender.project.id);
    if is_named {
        Ok(sender)
    } else {
        Err(Refusal::WrongProject.into())
    }
}

/// Counts the request against the project's share.
fn count(state: &AppState, project: ProjectId) -> Result<(), ApiError> {
    state
        .acceptor
        .own_api_limit(project)
        .map_err(|refusal| limited(&refusal))
}

/// Answers a refusal in the words of this API.
fn limited(refusal: &Refusal) -> ApiError {
    if !matches!(refusal, Refusal::RateLimited(_)) {
        return refusal.clone().into();
    }
    let error = ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        refusal.code(),
        "Rate limit exceeded",
    );
    match refusal.retry_after() {
        Some(pause) => error.retry_after(pause),
        None => error,
    }
}
