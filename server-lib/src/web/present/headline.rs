//! What names an event besides its title: message, exception, file and function.

use mini_sentry::protocol::{Event, Exception, Frame, Stacktrace};
use serde_json::{Value, json};

/// Shows what names an event as its `metadata`.
#[must_use]
pub fn metadata(event: &Event, title: &str) -> Value {
    let Some(exception) = last_exception(event) else {
        return json!({ "title": title });
    };
    let frame = crash_frame(event);
    json!({
        "type": exception.ty.as_deref().unwrap_or_default(),
        "value": exception.value.as_deref().unwrap_or_default(),
        "filename": frame.and_then(|frame| frame.filename.as_deref()).unwrap_or_default(),
        "function": frame.and_then(|frame| frame.function.as_deref()).unwrap_or_default(),
    })
}

/// Returns the message as people read it.
#[must_use]
pub fn message(event: &Event) -> Option<&str> {
    let entry = event.logentry.as_ref();
    entry
        .and_then(|entry| entry.formatted.as_deref().or(entry.message.as_deref()))
        .or_else(|| event.message.as_ref().map(|message| message.text()))
        .filter(|text| !text.is_empty())
}

/// Returns the exception that was thrown last: the one that the others caused.
#[must_use]
pub fn last_exception(event: &Event) -> Option<&Exception> {
    event.exception.values.last()
}

/// Returns the stack that shows where it happened.
#[must_use]
pub fn main_stack(event: &Event) -> Option<&Stacktrace> {
    last_exception(event)
        .and_then(|exception| exception.stacktrace.as_ref())
        .or(event.stacktrace.as_ref())
}

/// Returns the innermost frame of the program's own code, else the innermost frame.
#[must_use]
pub fn crash_frame(event: &Event) -> Option<&Frame> {
    let frames = &main_stack(event)?.frames;
    let own = |frame: &&Frame| frame.in_app == Some(true);
    frames.iter().rev().find(own).or_else(|| frames.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_name_the_exception_that_was_thrown_last_and_the_programs_own_frame() {
        let event = Event::from_json(
            br#"{"exception":[{"type":"IOError","value":"disk"},{"type":"PayError",
                "value":"no luck","stacktrace":{"frames":[
                {"function":"charge","filename":"pay.py","in_app":true},
                {"function":"raise_it","filename":"lib.py","in_app":false}]}}]}"#,
        );
        let metadata = metadata(&event.unwrap(), "PayError: no luck");
        assert_eq!(metadata["type"], "PayError");
        assert_eq!(metadata["value"], "no luck");
        assert_eq!(metadata["function"], "charge");
        assert_eq!(metadata["filename"], "pay.py");
    }

    #[test]
    fn an_event_without_an_exception_has_its_title_as_metadata() {
        let event = Event::from_json(br#"{"logentry":{"message":"a %s","formatted":"a b"}}"#);
        let event = event.unwrap();
        assert_eq!(message(&event), Some("a b"));
        assert_eq!(metadata(&event, "a b"), json!({ "title": "a b" }));
    }
}
