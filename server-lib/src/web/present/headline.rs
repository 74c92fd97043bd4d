//! The one line that names an event, and where it happened.

use mini_sentry::protocol::{Event, Exception, Frame, Stacktrace};
use serde_json::{Value, json};

/// The longest title.
const MAX_TITLE: usize = 256;

/// The one line that names an event, and where it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headline {
    /// The exception's type and value, or the message.
    pub title: String,
    /// The exception's type.
    pub kind: Option<String>,
    /// The exception's value.
    pub value: Option<String>,
    /// The function where it happened.
    pub function: Option<String>,
    /// The file where it happened.
    pub filename: Option<String>,
    /// Module and function, or the transaction.
    pub culprit: Option<String>,
}

impl Headline {
    /// Makes the headline of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let exception = last_exception(event);
        let frame = exception
            .and_then(|exception| exception.stacktrace.as_ref())
            .or(event.stacktrace.as_ref())
            .and_then(crash_frame);
        let kind = exception.and_then(|exception| exception.ty.clone());
        let value = exception.and_then(|exception| exception.value.clone());
        let title = match (&kind, &value) {
            (Some(kind), Some(value)) if !value.is_empty() => {
                format!("{kind}: {}", first_line(value))
            }
            (Some(kind), _) => kind.clone(),
            (None, Some(value)) => first_line(value).to_owned(),
            (None, None) => match message(event) {
                Some(text) if !text.trim().is_empty() => first_line(text).to_owned(),
                _ => event
                    .transaction
                    .clone()
                    .filter(|_| event.ty.as_deref() == Some("transaction"))
                    .unwrap_or_else(|| "<unlabeled event>".to_owned()),
            },
        };
        let function = frame.and_then(|frame| frame.function.clone());
        let filename = frame.and_then(|frame| frame.filename.clone());
        let place = frame.and_then(|frame| {
            let module = frame.module.as_deref().or(frame.filename.as_deref());
            match (module, frame.function.as_deref()) {
                (Some(module), Some(function)) => Some(format!("{module} in {function}")),
                (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
                (None, None) => None,
            }
        });
        Self {
            title: shortened(&title),
            culprit: event
                .culprit
                .clone()
                .or_else(|| event.transaction.clone())
                .or(place),
            kind,
            value,
            function,
            filename,
        }
    }

    /// Shows the parts as an event's `metadata`.
    #[must_use]
    pub fn metadata(&self) -> Value {
        if self.kind.is_none() && self.value.is_none() {
            return json!({ "title": self.title });
        }
        json!({
            "type": self.kind.as_deref().unwrap_or_default(),
            "value": self.value.as_deref().unwrap_or_default(),
            "filename": self.filename.as_deref().unwrap_or_default(),
            "function": self.function.as_deref().unwrap_or_default(),
        })
    }
}

/// Returns the message as people read it.
#[must_use]
pub fn message(event: &Event) -> Option<&str> {
    let entry = event.logentry.as_ref();
    entry
        .and_then(|entry| entry.formatted.as_deref().or(entry.message.as_deref()))
        .or_else(|| event.message.as_ref().map(|message| message.text()))
}

/// Returns the exception that was thrown last: the one that others caused.
#[must_use]
pub fn last_exception(event: &Event) -> Option<&Exception> {
    event.exception.values.last()
}

/// Returns the innermost frame of the program's own code, else the innermost frame.
fn crash_frame(stack: &Stacktrace) -> Option<&Frame> {
    let own = |frame: &&Frame| frame.in_app == Some(true);
    stack
        .frames
        .iter()
        .rev()
        .find(own)
        .or_else(|| stack.frames.last())
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim_end()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_TITLE {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MAX_TITLE - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Headline {
        Headline::of(&Event::from_json(json.as_bytes()).unwrap())
    }

    #[test]
    fn an_error_is_named_by_the_exception_that_was_thrown_last() {
        let headline = of(r#"{"transaction":"/pay","exception":[
            {"type":"IOError","value":"disk"},
            {"type":"PayError","value":"no luck\nsecond line","stacktrace":{"frames":[
                {"function":"charge","filename":"pay.py","in_app":true},
                {"function":"raise_it","filename":"lib.py","in_app":false}]}}]}"#);
        assert_eq!(headline.title, "PayError: no luck");
        assert_eq!(headline.culprit.as_deref(), Some("/pay"));
        assert_eq!(headline.metadata()["function"], "charge");
    }

    #[test]
    fn an_event_without_an_exception_is_named_by_its_message() {
        let headline = of(r#"{"logentry":{"message":"hello %s","formatted":"hello you"}}"#);
        assert_eq!(headline.title, "hello you");
        assert_eq!(
            headline.metadata(),
            serde_json::json!({"title": "hello you"})
        );
        assert_eq!(of("{}").title, "<unlabeled event>");
    }
}
