//! Spans.

use mini_sentry::envelope::ItemKind;
use serde_json::{Map, Value, json};

use super::{Converted, Format, Packer, Signal, Unreadable, attributes, list, walk, without_nulls};
use crate::model::time::Millis;

const CONTENT_TYPE: &str = "application/vnd.sentry.items.span.v2+json";

/// Converts a request of spans.
///
/// # Errors
///
/// When the request cannot be read at all.
pub fn spans(body: &[u8], format: Format, received: Millis) -> Result<Converted, Unreadable> {
    let mut packer = Packer::new(ItemKind::Span, CONTENT_TYPE, body);
    walk(body, format, Signal::Spans, &mut |about, entry| {
        let Some(span) = packer.read(entry) else {
            return;
        };
        match convert(&span, about) {
            Some(entry) => packer.entry(&entry),
            None => packer.reject(),
        }
        exceptions(&span, about, received, &mut packer);
    })?;
    Ok(packer.finish())
}

fn convert(span: &Value, about: &Map<String, Value>) -> Option<Value> {
    let trace_id = attributes::id(span, "traceId", 32)?;
    let span_id = attributes::id(span, "spanId", 16)?;
    let parent = attributes::id(span, "parentSpanId", 16);
    let code = span.get("status").and_then(|status| status.get("code"));
    let is_error = code.is_some_and(|code| code == 2 || code == "STATUS_CODE_ERROR");
    let mut all = about.clone();
    all.extend(attributes::read(span));
    let status_message = span
        .get("status")
        .and_then(|status| status.get("message")?.as_str())
        .filter(|message| !message.is_empty());
    if let Some(message) = status_message {
        all.insert("sentry.status.message".to_owned(), json!(message));
    }
    let links: Vec<Value> = list(span, "links").filter_map(link).collect();
    Some(without_nulls(json!({
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": parent,
        "name": span.get("name").and_then(Value::as_str).unwrap_or("unknown"),
        "status": if is_error { "error" } else { "ok" },
        "is_segment": parent.is_none(),
        "start_timestamp": attributes::seconds(span, "startTimeUnixNano")?,
        "end_timestamp": attributes::seconds(span, "endTimeUnixNano")?,
        "attributes": attributes::typed(&all),
        "links": (!links.is_empty()).then_some(links),
    })))
}

fn link(link: &Value) -> Option<Value> {
    Some(json!({
        "trace_id": attributes::id(link, "traceId", 32)?,
        "span_id": attributes::id(link, "spanId", 16)?,
        "attributes": attributes::typed(&attributes::read(link)),
    }))
}

/// Makes events of the exceptions that a span has noted.
fn exceptions(span: &Value, about: &Map<String, Value>, received: Millis, packer: &mut Packer) {
    let of_span = list(span, "events");
    let is_exception = |event: &&Value| event.get("name").is_some_and(|name| name == "exception");
    let name = span.get("name").and_then(Value::as_str);
    for noted in of_span.filter(is_exception) {
        let time = attributes::seconds(noted, "timeUnixNano");
        let event = packer.event(received, time.is_some(), || {
            let mut fields = about.clone();
            fields.extend(attributes::read(span));
            fields.extend(attributes::read(noted));
            let told = [
                ("level", Some(json!("error"))),
                ("@timestamp", time.map(Value::from)),
                (
                    "trace_id",
                    attributes::id(span, "traceId", 32).map(Value::from),
                ),
                (
                    "span_id",
                    attributes::id(span, "spanId", 16).map(Value::from),
                ),
            ];
            let told = told.into_iter();
            fields.extend(told.filter_map(|(name, value)| Some((name.to_owned(), value?))));
            fields
        });
        if let Some(event) = event {
            event.transaction = name.map(str::to_owned);
        }
    }
}
