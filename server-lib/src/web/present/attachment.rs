//! Attachments of events.

use serde_json::{Value, json};

use crate::model::item::ItemRow;

/// The media type of an attachment that came without one.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Shows an attachment.
#[must_use]
pub fn attachment(item: &ItemRow, sha1: &str) -> Value {
    let kind = match item.attachment_type.as_str() {
        "" => "event.attachment",
        kind => kind,
    };
    let media_type = media_type(item);
    json!({
        "id": item.seq.to_string(),
        "event_id": item.event_id.to_string(),
        "name": name(item),
        "type": kind,
        "size": item.bytes,
        "mimetype": media_type,
        "sha1": sha1,
        "headers": { "Content-Type": media_type },
        "dateCreated": item.received.to_rfc3339(),
    })
}

/// Returns the attachment's file name.
#[must_use]
pub fn name(item: &ItemRow) -> &str {
    match item.name.as_str() {
        "" => "attachment",
        name => name,
    }
}

/// Returns the attachment's media type.
#[must_use]
pub fn media_type(item: &ItemRow) -> &str {
    match item.content_type.as_str() {
        "" => UNKNOWN_TYPE,
        media_type => media_type,
    }
}
