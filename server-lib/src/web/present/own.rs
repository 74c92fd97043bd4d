//! Events as Mini Sentry's own API shows them, and as its live feed sends them.

use mini_sentry::protocol::{Event, Frame};
use serde_json::{Value, json};

use super::headline::{Headline, last_exception, message};
use super::project::merged;
use super::tags::tags;
use crate::model::catalog::Project;
use crate::model::event::EventRow;

/// Shows an event in a list and in the live feed.
#[must_use]
pub fn summary(row: &EventRow, project: &Project, event: &Event) -> Value {
    let headline = Headline::of(event);
    let user = event.user.as_ref();
    json!({
        "id": row.seq,
        "event_id": row.event_id.to_string(),
        "project": project.slug,
        "group": row.issue,
        "title": headline.title,
        "message": message(event).filter(|text| !text.is_empty()).unwrap_or(&headline.title),
        "culprit": headline.culprit,
        "level": row.level.as_str(),
        "platform": event.platform,
        "environment": row.environment,
        "release": row.release,
        "timestamp": row.timestamp.to_rfc3339(),
        "created_at": row.timestamp.to_rfc3339(),
        "received_at": row.received.to_rfc3339(),
        "user": user,
        "tags": tags(row, event),
    })
}

/// Shows an event with all that is known of it.
#[must_use]
pub fn detail(row: &EventRow, project: &Project, event: &Event) -> Value {
    let stack = last_exception(event)
        .and_then(|exception| exception.stacktrace.as_ref())
        .or(event.stacktrace.as_ref());
    let frames = stack.map(|stack| stack.frames.as_slice());
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
    merged(summary(row, project, event), more)
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
