//! Events as Mini Sentry's own API shows them, and as its live feed sends them.

use mini_sentry::protocol::Frame;
use serde_json::{Value, json};

use super::WholeEvent;
use super::headline::{main_stack, message};
use super::project::merged;
use super::tags::tags;

/// Shows an event in a list and in the live feed.
#[must_use]
pub fn summary(whole: &WholeEvent) -> Value {
    let WholeEvent { row, event, .. } = whole;
    json!({
        "id": row.seq,
        "event_id": row.event_id.to_string(),
        "project": whole.project.slug,
        "group": row.issue,
        "title": whole.title,
        "message": message(event).unwrap_or(&whole.title),
        "culprit": whole.culprit,
        "level": row.level.as_str(),
        "platform": event.platform,
        "environment": row.environment,
        "release": row.release,
        "timestamp": row.timestamp.to_rfc3339(),
        "created_at": row.timestamp.to_rfc3339(),
        "received_at": row.received.to_rfc3339(),
        "user": event.user,
        "tags": tags(row, event),
    })
}

/// Shows an event with all that is known of it.
#[must_use]
pub fn detail(whole: &WholeEvent) -> Value {
    let event = &whole.event;
    let frames = main_stack(event).map(|stack| stack.frames.as_slice());
    let more = json!({
        "extra": event.extra,
        "exception": event.exception.values,
        "frames": frames.unwrap_or_default(),
        "stack": frames.map(as_text).unwrap_or_default(),
        "contexts": event.contexts,
        "request": event.request,
        "breadcrumbs": event.breadcrumbs.values,
        "threads": event.threads.values,
        "modules": event.modules,
        "sdk": event.sdk,
        "dist": event.dist,
        "server_name": event.server_name,
        "logger": event.logger,
        "transaction": event.transaction,
        "fingerprint": event.fingerprint,
        "errors": event.errors,
    });
    merged(summary(whole), more)
}

/// Writes frames as text, the place of the crash first.
fn as_text(frames: &[Frame]) -> String {
    let line = |frame: &Frame| {
        let function = frame.function.as_deref().unwrap_or("?");
        let file = frame.filename.as_deref().or(frame.abs_path.as_deref());
        let file = file.or(frame.module.as_deref()).unwrap_or("?");
        let place: String = [frame.lineno, frame.colno]
            .into_iter()
            .map_while(|number| number.map(|number| format!(":{number}")))
            .collect();
        format!("at {function} ({file}{place})")
    };
    let lines: Vec<_> = frames.iter().rev().map(line).collect();
    lines.join("\n")
}
