//! Events of errors.

use std::backtrace::BacktraceStatus;

use super::text;
use crate::client::{ClientOptions, Hub, event_from_error};
use crate::protocol::{Event, EventId, Stacktrace};

/// Captures an error of `anyhow` with its causes, and returns the event's id.
///
/// ```
/// mini_sentry::capture_anyhow(&anyhow::anyhow!("out of tea"));
/// ```
pub fn capture_anyhow(error: &anyhow::Error) -> EventId {
    Hub::with_active(|hub| {
        let Some(client) = hub.client().filter(|client| client.is_enabled()) else {
            return EventId::default();
        };
        if error.backtrace().status() != BacktraceStatus::Captured {
            return hub.capture_error(&**error);
        }
        hub.capture_event(event_from_anyhow(error, client.options()))
    })
}

/// The event of an error of `anyhow`, as [`capture_anyhow`] sends it.
#[must_use]
pub fn event_from_anyhow(error: &anyhow::Error, options: &ClientOptions) -> Event {
    let mut event = event_from_error(&**error);
    let backtrace = error.backtrace();
    if backtrace.status() == BacktraceStatus::Captured
        && let Some(exception) = event.exception.values.last_mut()
    {
        let frames = text::frames(&backtrace.to_string(), options);
        exception.stacktrace = (!frames.is_empty()).then(|| Stacktrace {
            frames,
            ..Stacktrace::default()
        });
    }
    event
}
