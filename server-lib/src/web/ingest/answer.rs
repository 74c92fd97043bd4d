//! What senders are answered: the event's id, and what to hold back from now on.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use mini_sentry::protocol::EventId;

use crate::accept::Receipt;
use crate::web::error::insert_limits;

/// Answers with the event's id as JSON, `{}` without one.
pub(super) fn with_id(receipt: &Receipt) -> Response {
    let json = match receipt.event_id {
        Some(id) => format!("{{\"id\":\"{id}\"}}"),
        None => "{}".to_owned(),
    };
    let content_type = HeaderValue::from_static("application/json");
    let response = ([(header::CONTENT_TYPE, content_type)], json).into_response();
    limited(response, receipt)
}

/// Answers with a status alone.
pub(super) fn status(status: StatusCode, receipt: &Receipt) -> Response {
    limited(status.into_response(), receipt)
}

/// Adds the limits of a receipt.
pub(super) fn limited(mut response: Response, receipt: &Receipt) -> Response {
    if !receipt.limits.is_empty() {
        insert_limits(response.headers_mut(), &receipt.limits);
    }
    response
}

/// Writes an id with hyphens, as crash handlers expect it.
pub(super) fn hyphenated(id: EventId) -> String {
    let hex = id.to_string();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_in_five_parts() {
        let id: EventId = "9ec79c33ec9942ab8353589fcb2e04dc".parse().unwrap();
        assert_eq!(hyphenated(id), "9ec79c33-ec99-42ab-8353-589fcb2e04dc");
    }
}
