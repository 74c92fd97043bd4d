//! Sessions of Mini Sentry's own API.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::limits::MAX_EVENT_BYTES;
use mini_sentry::protocol::EventId;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::caller::Caller;
use super::super::incoming::{Incoming, check_size};
use super::{by_token, count, limited};
use crate::accept::OfferedItem;
use crate::digest::BEGINS;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::web::error::ApiError;

/// How long to wait for earlier updates, to tell a new session from an update.
const PATIENCE: Duration = Duration::from_millis(500);
/// The release of sessions that tell none.
const NO_RELEASE: &str = "unknown";
/// Bytes of a session's id.
const MAX_ID: usize = 200;

/// An update of a session.
#[derive(Clone, Debug, Deserialize)]
struct Update {
    session_id: String,
    #[serde(default = "ok")]
    status: String,
    #[serde(default)]
    release: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    user: Option<Value>,
    #[serde(default)]
    duration_ms: Option<f64>,
}

fn ok() -> String {
    "ok".to_owned()
}

pub(in super::super) async fn session_by_token(
    State(state): State<AppState>,
    Path(token): Path<String>,
    caller: Caller,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = by_token(&state, &token).await?;
    let project = sender.project.id;
    count(&state, project)?;
    let body = incoming.read(&state).await?;
    check_size(&body, MAX_EVENT_BYTES)?;
    let update: Update = serde_json::from_slice(&body)
        .map_err(|_| ApiError::invalid("invalid_session", "the body is no session"))?;
    let sid = sid(&update.session_id)
        .ok_or_else(|| ApiError::invalid("invalid_session", "the session_id is not valid"))?;
    let item = item(&update, sid, caller.facts.received)
        .ok_or_else(|| ApiError::invalid("invalid_session", "the status is not known"))?;

    let patience = PATIENCE.max(state.config.http.read_patience);
    state.progress.reached(state.journal.tail(), patience).await;
    let before = state.store.stats.session(project, *sid.as_bytes()).await?;
    let item = OfferedItem {
        header: ItemHeader::new(ItemKind::Session),
        payload: item.to_string().into(),
    };
    state
        .acceptor
        .receive_items(&sender, &caller.facts, EventId::nil(), vec![item])
        .await
        .map_err(|refusal| limited(&refusal))?;
    let status = if before.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let told = json!({
        "project": sender.project.slug,
        "session_id": update.session_id,
        "status": update.status,
        "release": update.release,
        "environment": update.environment,
        "user": update.user,
        "duration_ms": update.duration_ms,
    });
    Ok((status, axum::Json(told)).into_response())
}

/// Returns the id as the protocol has it: what is no number of 16 bytes becomes one by a hash.
fn sid(text: &str) -> Option<EventId> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_ID {
        return None;
    }
    let by_hash = || {
        let hash = Sha256::digest(text);
        hash.first_chunk().copied().map(EventId::from_bytes)
    };
    text.parse().ok().or_else(by_hash)
}

/// Writes the update as the protocol has it; `None` when its status is unknown.
fn item(update: &Update, sid: EventId, received: Millis) -> Option<Value> {
    let status = match update.status.as_str() {
        "init" | "ok" => "ok",
        "errored" => "errored",
        "crashed" => "crashed",
        "exited" => "exited",
        _ => return None,
    };
    let user = match &update.user {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let duration_ms = update.duration_ms.filter(|duration| *duration >= 0.0);
    // The beginning is not told; what is known is how long ago it was.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of floats saturates"
    )]
    let started = received.plus(-(duration_ms.unwrap_or_default() as i64));
    // The protocol counts sessions by release; this API does not ask for one.
    let release = update
        .release
        .as_deref()
        .filter(|release| !release.trim().is_empty())
        .unwrap_or(NO_RELEASE);
    Some(json!({
        "sid": sid,
        "did": user,
        "init": update.status == "init",
        // Nobody is asked to say `init` first: the first word of a session begins it.
        BEGINS: true,
        "started": started.to_rfc3339(),
        "timestamp": received.to_rfc3339(),
        "status": status,
        "errors": u8::from(matches!(status, "errored" | "crashed")),
        "duration": duration_ms.map(|duration| duration / 1000.0),
        "attrs": {
            "release": release,
            "environment": update.environment.as_deref().unwrap_or_default(),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_names_one_session() {
        assert_eq!(sid("abc123"), sid(" abc123 "));
        assert_ne!(sid("abc123"), sid("abc124"));
        let id = "9ec79c33-ec99-42ab-8353-589fcb2e04dc";
        assert_eq!(sid(id), Some(id.parse().unwrap()));
        assert_eq!(sid(" "), None);
        assert_eq!(sid(&"x".repeat(MAX_ID + 1)), None);
    }

    #[test]
    fn an_update_is_written_as_the_protocol_has_it() {
        let update: Update = serde_json::from_value(json!({
            "session_id": "a", "status": "crashed", "release": "1.0", "user": 7, "duration_ms": 1200
        }))
        .unwrap();
        let item = item(&update, EventId::nil(), Millis(1_767_323_045_678)).unwrap();
        assert_eq!(item["status"], "crashed");
        assert_eq!(item["errors"], 1);
        assert_eq!(item["did"], "7");
        assert_eq!(item["duration"], 1.2);
        assert_eq!(item["started"], "2026-01-02T03:04:04.478Z");
        assert_eq!(item["attrs"]["release"], "1.0");
    }

    #[test]
    fn an_unknown_status_is_refused() {
        let update: Update =
            serde_json::from_value(json!({"session_id": "a", "status": "great"})).unwrap();
        assert!(item(&update, EventId::nil(), Millis(0)).is_none());
    }
}
