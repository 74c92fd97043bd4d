//! What a user said about an event.

use mini_sentry::protocol::UserReport;
use serde_json::{Value, json};

use crate::model::item::ItemRow;

/// Shows a report.
#[must_use]
pub fn user_report(item: &ItemRow, report: &UserReport) -> Value {
    let event = item.event_id.to_string();
    json!({
        "id": item.seq.to_string(),
        "eventID": event,
        "event": { "id": event, "eventID": event },
        "name": report.name.as_deref().unwrap_or_default(),
        "email": report.email.as_deref().unwrap_or_default(),
        "comments": report.comments.as_deref().unwrap_or_default(),
        "dateCreated": item.received.to_rfc3339(),
        "user": null,
    })
}
