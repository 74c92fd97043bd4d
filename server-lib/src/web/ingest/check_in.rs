//! Check-ins by address, so that a line of `curl` in a crontab is enough.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::limits::MAX_CHECK_IN_BYTES;
use mini_sentry::protocol::EventId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer;
use super::caller::Caller;
use super::incoming::{Incoming, check_size};
use crate::accept::{OfferedItem, Refusal};
use crate::secret;
use crate::state::AppState;
use crate::web::error::ApiError;
use crate::web::extract::Pairs;

/// Characters of a monitor's name.
const MAX_SLUG: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Names {
    slug: String,
}

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    Path(Names { slug }): Path<Names>,
    query: Pairs,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = state.acceptor.admit_fresh(&caller.claim).await?;
    let body = incoming.read(&state).await?;
    check_size(&body, MAX_CHECK_IN_BYTES)?;
    let check_in = check_in(&slug, &query, &body)?;
    let id = check_in.id;
    let item = OfferedItem {
        header: ItemHeader::new(ItemKind::CheckIn),
        payload: Value::Object(check_in.fields).to_string().into(),
    };
    let receipt = state
        .acceptor
        .receive_items(&sender, &caller.facts, EventId::nil(), vec![item])
        .await?;
    let told = axum::Json(json!({ "id": id.to_string() }));
    Ok(answer::limited(
        (StatusCode::ACCEPTED, told).into_response(),
        &receipt,
    ))
}

struct CheckIn {
    id: EventId,
    fields: Map<String, Value>,
}

/// Builds a check-in of what the address, its query and a body say; the address wins.
fn check_in(slug: &str, query: &Pairs, body: &[u8]) -> Result<CheckIn, ApiError> {
    let is_slug = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if slug.is_empty() || slug.len() > MAX_SLUG || !slug.bytes().all(is_slug) {
        return Err(malformed("the monitor's name is not valid"));
    }
    let mut fields: Map<String, Value> = if body.trim_ascii().is_empty() {
        Map::new()
    } else {
        serde_json::from_slice(body).map_err(|_| malformed("the body is no JSON object"))?
    };
    for name in ["status", "environment", "release"] {
        if let Some(text) = query.first(name) {
            fields.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(duration) = query.parsed::<f64>("duration")? {
        fields.insert("duration".to_owned(), json!(duration));
    }
    let status = fields.entry("status").or_insert_with(|| json!("ok"));
    if !matches!(status.as_str(), Some("ok" | "error" | "in_progress")) {
        return Err(malformed("the status is none of ok, error and in_progress"));
    }
    let is_begin = status == "in_progress";
    let told = query
        .first("check_in_id")
        .or_else(|| fields.get("check_in_id")?.as_str());
    let id = match told {
        Some(text) => text
            .parse()
            .map_err(|_| malformed("the check_in_id is no id"))?,
        // Without an id an end belongs to the latest beginning, and a beginning gets its own.
        None if is_begin => EventId::from_bytes(secret::random()?),
        None => EventId::nil(),
    };
    fields.insert("check_in_id".to_owned(), json!(id.to_string()));
    fields.insert("monitor_slug".to_owned(), json!(slug));
    Ok(CheckIn { id, fields })
}

fn malformed(detail: &str) -> ApiError {
    Refusal::Malformed {
        code: "invalid_check_in",
        detail: detail.to_owned(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(query: &[(&str, &str)], body: &str) -> Result<Value, &'static str> {
        let query: Pairs = query.iter().copied().collect();
        check_in("nightly-backup", &query, body.as_bytes())
            .map(|check_in| Value::Object(check_in.fields))
            .map_err(|error| error.code())
    }

    #[test]
    fn the_address_alone_is_a_check_in_that_ended_well() {
        assert_eq!(
            made(&[], "").unwrap(),
            json!({"monitor_slug": "nightly-backup", "status": "ok",
                "check_in_id": "00000000000000000000000000000000"})
        );
    }

    #[test]
    fn a_beginning_gets_an_id_and_keeps_its_schedule() {
        let body = r#"{"monitor_config":{"schedule":{"type":"crontab","value":"0 * * * *"}},
            "monitor_slug":"other"}"#;
        let check_in = made(&[("status", "in_progress"), ("environment", "prod")], body).unwrap();
        assert_eq!(check_in["monitor_slug"], "nightly-backup");
        assert_eq!(check_in["environment"], "prod");
        assert_eq!(check_in["monitor_config"]["schedule"]["type"], "crontab");
        let id: EventId = check_in["check_in_id"].as_str().unwrap().parse().unwrap();
        assert!(!id.is_nil());
    }

    #[test]
    fn what_is_not_readable_is_refused() {
        assert_eq!(made(&[("status", "great")], ""), Err("invalid_check_in"));
        assert_eq!(made(&[("check_in_id", "7")], ""), Err("invalid_check_in"));
        assert_eq!(made(&[("duration", "long")], ""), Err("invalid_query"));
        assert_eq!(made(&[], "[]"), Err("invalid_check_in"));
        assert!(check_in("a/b", &Pairs::default(), b"").is_err());
    }
}
